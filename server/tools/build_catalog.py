"""Builds server/codriver/catalog/models/ from the two maintained price tables; `make catalog` runs it.

Downloads the newest wheels with pip into a scratch folder (or takes the folder named as argument, which holds
them), reads the tables without importing anything of them, and writes one sheet per provider and DIFFERENCES.md.
"""

from __future__ import annotations

import argparse
import datetime
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from codriver.catalog import facts
from codriver.catalog.tables import genai, litellm
from codriver.catalog.tables.merging import RULES, Difference, Tables, sheet, sources

WHEELS = ("genai-prices", "litellm")


def main() -> int:
    """Exit code 0, and what was written on stdout."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("wheels", nargs="?", type=Path, help="A folder that holds both wheels already.")
    options.add_argument("--into", type=Path, default=facts.FOLDER)
    options.add_argument("--date", default=datetime.datetime.now(datetime.UTC).date().isoformat())
    chosen = options.parse_args()
    if chosen.wheels is not None:
        build(chosen.wheels, chosen.into, chosen.date)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "-d", scratch]
        subprocess.run([*pip, *WHEELS], check=True)
        build(Path(scratch), chosen.into, chosen.date)
    return 0


def build(wheels: Path, folder: Path, today: str) -> None:
    """Sheets and differences into a folder. Raises BadTable, BadFacts or OSError before anything is written."""
    tables = load(wheels, today)
    written: dict[str, bytes] = {}
    differences: list[Difference] = []
    for provider, source in sources().items():
        found, differs = sheet(provider, source, tables, today)
        written[f"{provider}.json"] = facts.write(found)
        facts.read(written[f"{provider}.json"])
        differences += differs
    written["DIFFERENCES.md"] = report(differences, tables.versions, today).encode()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in written.items():
        (folder / name).write_bytes(content)
        print(f"{len(content):>9,} {name}")


def load(wheels: Path, today: str) -> Tables:
    """Both tables out of their wheels."""
    priced, flat = _wheel(wheels, "genai_prices"), _wheel(wheels, "litellm")
    return Tables(
        genai.read(_member(priced, "genai_prices/data.py").decode(), today),
        litellm.read(_member(flat, "litellm/model_prices_and_context_window_backup.json")),
        {"genai-prices": _version(priced), "litellm": _version(flat)},
    )


def report(differences: Iterable[Difference], versions: Mapping[str, str], today: str) -> str:
    """What a person should look at, provider by provider."""
    found = sorted(differences)
    lines = [
        "# Where the two price tables disagree",
        "",
        f"genai-prices {versions['genai-prices']} and litellm {versions['litellm']}, read on {today}.",
        "Everything over 1 %.",
        f"{len(found)} differences. A person who knows better writes the number into `providers/<name>.toml`,",
        "which goes over these tables. A price of nothing is not believed: such a model has none here. The rules:",
        "",
        *(f"- {name}: {rule}." for name, rule in RULES.items()),
    ]
    provider = ""
    for one in found:
        if one.provider != provider:
            provider = one.provider
            lines += ["", f"## {provider}", "", "| model | what | genai-prices | litellm |", "|---|---|---|---|"]
        lines.append(f"| {one.model} | {one.what} | {one.genai} | {one.litellm} |")
    return "\n".join(lines) + "\n"


def _wheel(folder: Path, name: str) -> Path:
    found = sorted(folder.glob(f"{name}-*.whl"))
    if len(found) != 1:
        raise SystemExit(f"{folder} holds {len(found)} wheels of {name}; one is needed")
    return found[0]


def _version(wheel: Path) -> str:
    return wheel.name.split("-")[1]


def _member(wheel: Path, name: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)


if __name__ == "__main__":
    sys.exit(main())
