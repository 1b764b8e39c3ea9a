"""Writes guard/numbers.json: what the tools say of the small sources beside it, which the tests hold us to.

`python tests/agreement/guard.py [--cache FOLDER]`; needed only after a source or a tool has changed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matching
import ours as own
from run import PAIRS

from codriver.syntax import languages

FOLDER = Path(__file__).with_name("guard")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/codriver-agreement")
    cache = parser.parse_args().cache
    numbers: dict[str, dict[str, dict[str, int]]] = {}
    for path in sorted(FOLDER.iterdir()):
        language = languages.find(path=path.name)
        if language is None or path.suffix == ".json":
            continue
        mine = {path: list(own.functions(path, language.name))}
        for tool in (tool for tool, name in PAIRS if name == language.name):
            said = {
                ours.function.name: number for ours, number in matching.pairs(tool, mine, cache) if ours.function.name
            }
            numbers.setdefault(path.name, {})[tool] = said
    (FOLDER / "numbers.json").write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
