"""The layer table of server/ARCHITECTURE.md, held: who may import whom, and where third-party code lives."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "server" / "codriver"

LAYERS = {
    "errors": 0, "paths": 0, "model": 0,
    "syntax": 1, "routing": 1, "wire": 1,
    "config": 2, "catalog": 2, "upstream": 2, "state": 2, "sources": 2,
    "analyst": 3, "ledger": 3, "lessons": 3, "experiments": 3, "verify": 3, "workspace": 3,
    "overview": 3, "metrics": 3, "visits": 3,
    "router": 4,
    "tasks": 5, "batches": 5, "evaluation": 5,
    "app": 6,
    "fronts.lsp": 7, "fronts.http": 7,
    "daemon": 8, "cli": 8, "__main__": 8,
}  # fmt: skip

# Pairs within one layer that may look at each other, each with its reason.
NEIGHBOURS = {
    ("errors", "model"), ("model", "errors"),  # values carry failures, failures are values
    ("catalog", "config"),  # a user's provider table has one form, shipped or not
    ("cli", "daemon"), ("__main__", "cli"), ("__main__", "daemon"),  # argv starts the process
    # The forwarder is started by name, before anything heavy is imported.
}  # fmt: skip

HOMES = {
    "tree_sitter": {"syntax"},
    "tree_sitter_language_pack": {"syntax"},
    "msgspec": {"wire", "fronts.http", "fronts.lsp", "batches", "upstream", "state", "catalog"},
    "pydantic": {"config", "catalog"},
    "httpx": {"upstream"},
    "httptools": {"upstream"},
    "sqlite3": {"state"},
    "pygls": {"fronts.lsp"},
    "lsprotocol": {"fronts.lsp"},
    "uvicorn": {"fronts.http"},
    "uvloop": {"daemon"},
    "typer": {"cli"},
    "rich": {"cli"},
    "platformdirs": {"paths"},
    "pathspec": {"sources", "tasks"},
    "numpy": {"evaluation"},
}

PURE = ("model", "syntax", "routing", "wire")
IMPURE = {"asyncio", "httpx", "sqlite3", "time", "logging", "socket", "subprocess", "threading"}


def room(module: str) -> str:
    """The room of a dotted module name below `codriver`."""
    parts = module.split(".")
    if parts[:1] == ["fronts"] and len(parts) > 1:
        return ".".join(parts[:2])
    return parts[0]


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name and name != "fronts":
            found.append((name, path))
    return found


def imports(path: Path) -> list[str]:
    """Every module a file imports, also inside functions, as dotted names."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            if node.module in {"codriver", "codriver.fronts"}:
                names += [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                names.append(node.module)
    return names


@pytest.mark.parametrize(("name", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_imports_go_down(name: str, path: Path) -> None:
    mine = room(name)
    assert mine in LAYERS, f"{name} is in no room of the map"
    for imported in imports(path):
        if not imported.startswith("codriver."):
            continue
        theirs = room(imported.removeprefix("codriver."))
        if theirs in {mine, "__version__"}:
            continue
        allowed = LAYERS[theirs] < LAYERS[mine] or (mine, theirs) in NEIGHBOURS
        assert allowed, f"{name} (layer {LAYERS[mine]}) imports {imported} (layer {LAYERS[theirs]})"


@pytest.mark.parametrize(("name", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_third_party_code_has_one_home(name: str, path: Path) -> None:
    mine = room(name)
    for imported in imports(path):
        top = imported.split(".")[0]
        assert mine in HOMES.get(top, {mine}), f"{name} imports {imported}, whose home is {HOMES[top]}"
        if mine in PURE:
            assert top not in IMPURE, f"{name} is pure and imports {imported}"


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = "import sys, codriver.fronts.lsp.forwarder; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"pygls", "lsprotocol", "asyncio", "pydantic", "httpx", "typer", "tree_sitter", "msgspec", "uvicorn"}
    assert not heavy & set(loaded)
