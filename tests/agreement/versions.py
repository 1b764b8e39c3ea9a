"""`python tests/agreement/versions.py`: lizard's published versions on languages where it differs much, as the code comes.

Which languages and versions can be compared with at all was looked for; this is all that was found, written into
server/AGREEMENT.md. No version reads one of these languages as its grammar does.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import document
import matching
from run import sample

LANGUAGES = ("lua", "swift", "javascript", "typescript", "tsx", "csharp", "php", "ruby", "rust", "r", "scala")
VERSIONS = ("1.16.6", "1.17.10", "1.17.31", "1.20.0", "1.22.2", "1.24.0", "1.24.3")


def agreement(version: str, mine: matching.Samples, cache: Path) -> str:
    """Equal functions of those it finds too, or why there are none."""
    try:
        numbers = [
            (ours.function.cyclomatic, theirs) for ours, theirs in matching.pairs(f"lizard@{version}", mine, cache)
        ]
    except subprocess.TimeoutExpired:
        return "no end"
    equal = sum(ours == theirs for ours, theirs in numbers)
    return f"{equal / len(numbers):.1%} of {len(numbers):,}" if numbers else "none found"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", default=LANGUAGES)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/codriver-agreement")
    parser.add_argument("--functions", type=int, default=1000, help="at least so many of ours for a language")
    asked = parser.parse_args()
    lines = ["| language | " + " | ".join(VERSIONS) + " |", "|---" * (len(VERSIONS) + 1) + "|"]
    print(*lines, sep="\n")
    for name in asked.languages:
        mine = sample(name, asked.functions, asked.cache)
        cells = [agreement(version, mine, asked.cache) for version in VERSIONS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    if tuple(asked.languages) == LANGUAGES:
        document.replace("versions", "\n".join(lines))


if __name__ == "__main__":
    main()
