"""The VS Code extension's settings, generated from the server's: `python server/tools/build_vscode_settings.py`.

Writes `contributes.configuration` of vscode-extension/package.json; `--check` only tells whether it is as it would be
written. The extension's own settings stand first and are kept as they are; everything behind them is generated.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codriver.config import Settings

MANIFEST = Path(__file__).parents[2] / "vscode-extension" / "package.json"
BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "enum")
SIMPLE = {"boolean", "integer", "number", "string"}


def sections() -> Iterator[dict[str, Any]]:
    """One group of settings per section of the server's, in its order; what only a file can say is left out."""
    schema = Settings.model_json_schema()
    for order, (name, section) in enumerate(schema["properties"].items(), start=2):
        table = _resolved(section, schema["$defs"])
        made = {
            f"codriver.{name}.{field}": setting
            for field, told in table.get("properties", {}).items()
            if (setting := _setting(told, schema["$defs"])) is not None
        }
        if made:
            yield {"title": name, "order": order, "properties": made}


def _resolved(told: dict[str, Any], tables: dict[str, Any]) -> dict[str, Any]:
    reference = told.get("$ref", "")
    return {**tables[reference.rpartition("/")[2]], **told} if reference else told


def _setting(told: dict[str, Any], tables: dict[str, Any]) -> dict[str, Any] | None:
    """A field in the editor's form, or None for tables and what may be left empty."""
    told = _resolved(told, tables)
    kind = told.get("type")
    if kind == "array" and told.get("items", {}).get("type") == "string":
        form: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
    elif kind in SIMPLE:
        form = {"type": kind}
    else:
        return None
    bounds = {name: told[name] for name in BOUNDS if name in told}
    # Machine: no folder that somebody cloned may widen what leaves the machine or what is spent.
    return {**form, "default": told["default"], **bounds, "scope": "machine", "description": told["description"]}


def generated(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with its settings as they should be."""
    groups = manifest["contributes"]["configuration"]
    contributes = {**manifest["contributes"], "configuration": [groups[0], *sections()]}
    return {**manifest, "contributes": contributes}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where it would change something")
    arguments = parser.parse_args()
    before = MANIFEST.read_text("utf-8")
    after = json.dumps(generated(json.loads(before)), indent=2, ensure_ascii=False) + "\n"
    if arguments.check:
        return int(before != after)
    MANIFEST.write_text(after, "utf-8")
    sys.stdout.write(f"{MANIFEST}: {sum(len(group['properties']) for group in sections())} settings of the server\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
