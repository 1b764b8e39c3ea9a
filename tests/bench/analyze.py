"""How fast `codriver analyze` reads whole trees of files: files a second with one process and with one on each core.

Two trees: this repository, and the packages Python finds here (at most MOST files of them).
"""

from __future__ import annotations

import sys
import sysconfig
import time
from itertools import islice
from pathlib import Path

from codriver.cli.analysis import cores, pages
from codriver.sources.walking import files

MOST = 2_000


def main() -> int:
    trees = {"this repository": str(Path(__file__).parents[2]), "site-packages": sysconfig.get_path("purelib")}
    print(f"{'tree':<16} {'files':>6} {'functions':>9} {'1 process':>12} {f'{cores()} processes':>13} {'ratio':>6}")
    for name, root in trees.items():
        start = time.perf_counter()
        paths = list(islice(files(root), MOST))
        walked = time.perf_counter() - start
        seconds = []
        functions = 0
        for workers in (1, max(2, cores())):
            start = time.perf_counter()
            functions = sum(len(page.get("functions", ())) for page in pages(paths, workers))
            seconds.append(time.perf_counter() - start + walked)
        one, many = (len(paths) / taken for taken in seconds)
        print(f"{name:<16} {len(paths):>6} {functions:>9} {one:>8.0f} f/s {many:>9.0f} f/s {many / one:>6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
