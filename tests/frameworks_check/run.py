"""Framework detection on real packages: fetches them once, detects, prints a table beside what was judged by reading.

    make frameworks-check [CHECK="--only flask --cache FOLDER"]

Fails when precision or recall over all packages is not above 95 %, or fewer than 60 packages were checked.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from codriver.syntax import frameworks, languages
from codriver.syntax.analysis import Buffer
from codriver.workspace import Workspace

EXPECTED = Path(__file__).with_name("expected.toml")
WANTED = 0.95
PACKAGES = 60
FILE_LIMIT = 300_000
"""Bytes above which a file is passed over: generated, or no code."""
PROSE = frozenset({".md", ".mdx", ".rst"})
"""Documents: what stands in their examples is not what the package is written with."""
MADE = frozenset({"_build", "_static", "node_modules", "vendor"})
"""Folders of what tools made."""


@dataclass(frozen=True)
class Row:
    """One package: what was found, and what should have been."""

    package: str
    found: frozenset[str]
    expected: frozenset[str]

    @property
    def missed(self) -> frozenset[str]:
        return self.expected - self.found

    @property
    def wrong(self) -> frozenset[str]:
        return self.found - self.expected


def fetched(kind: str, package: str, cache: Path) -> Path:
    """The unpacked source archive of a package, `name==1.2` or `name@1.2`, fetched if it is not there yet."""
    folder = cache / kind / package.replace("/", "--")
    if folder.is_dir():
        return folder
    download = folder.with_name(folder.name + ".download")
    download.mkdir(parents=True, exist_ok=True)
    if kind == "npm":
        command = ["npm", "pack", "--silent", "--pack-destination", str(download), package]
    else:
        name = package.partition("==")[0]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
        command = [*pip, "--no-binary", name, "--dest", str(download), package]
    subprocess.run(command, check=True, capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
    (archive,) = [path for path in download.iterdir() if path.suffix in (".gz", ".tgz")]
    partial = folder.with_name(folder.name + ".partial")
    with tarfile.open(archive) as tar:
        tar.extractall(partial, filter="data")
    partial.rename(folder)
    return folder


def present(folder: Path) -> frozenset[str]:
    """Every framework that some file of a package is written with, or some manifest of it asks for."""
    found: set[str] = set()
    root = str(folder)
    workspace = Workspace(clock=lambda: 0.0, run=lambda work: None)
    workspace.opened(root)
    for place, names in _files(folder):
        found.update(frameworks.of_manifests(workspace.read(os.path.join(place, "x"))))
        for name in names:
            path = Path(place) / name
            found.update(_of_file(path, str(path.relative_to(folder))))
    return frozenset(found)


def _files(folder: Path) -> Iterator[tuple[str, list[str]]]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in MADE]
        yield place, names


def _of_file(path: Path, shown: str) -> tuple[str, ...]:
    if path.is_symlink() or path.stat().st_size > FILE_LIMIT or path.suffix in PROSE:
        return ()
    if languages.of_path(shown) is None:
        return frameworks.of_text(shown, b"", None)
    return Buffer(path.read_bytes(), path=shown).frameworks()


def _row(kind: str, package: str, expected: list[str], cache: Path) -> Row:
    return Row(package, present(fetched(kind, package, cache)), frozenset(expected))


def check(cache: Path, only: str) -> list[Row]:
    """The rows of all packages whose name holds `only`."""
    table = tomllib.loads(EXPECTED.read_text("utf-8"))
    wanted = [(kind, name, names) for kind, rows in table.items() for name, names in rows.items() if only in name]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda row: fetched(row[0], row[1], cache), wanted))
    with ProcessPoolExecutor(2) as processes:
        pending = [processes.submit(_row, kind, name, names, cache) for kind, name, names in wanted]
        return [row.result() for row in pending]


def show(rows: list[Row]) -> tuple[float, float]:
    """Prints the table; precision and recall over all of it."""
    print(f"{'package':44} {'right':>5} {'missed':>6} {'wrong':>5}")
    for row in rows:
        right = len(row.found & row.expected)
        names = " ".join([*(f"-{name}" for name in sorted(row.missed)), *(f"+{name}" for name in sorted(row.wrong))])
        print(f"{row.package:44} {right:5} {len(row.missed):6} {len(row.wrong):5}  {names}".rstrip())
    right = sum(len(row.found & row.expected) for row in rows)
    precision = right / max(sum(len(row.found) for row in rows), 1)
    recall = right / max(sum(len(row.expected) for row in rows), 1)
    print(f"\n{len(rows)} packages, {right} right: precision {precision:.1%}, recall {recall:.1%}")
    return precision, recall


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    parser.add_argument("--cache", type=Path, default=Path(home) / "codriver-frameworks-check")
    parser.add_argument("--only", default="", help="packages whose name holds this")
    options = parser.parse_args()
    rows = check(options.cache, options.only)
    precision, recall = show(rows)
    enough = options.only or len(rows) >= PACKAGES
    return 0 if enough and precision > WANTED and recall > WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
