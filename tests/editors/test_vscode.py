"""The VS Code extension: its manifest agrees with its sources, and (CODRIVER_TEST_VSCODE=1) it builds and packages.

Building takes npm, the registry and about 20 s; `make test-vscode` sets the variable.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from codriver import __version__

EXTENSION = Path(__file__).parents[2] / "vscode-extension"
MANIFEST: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text())
SOURCES = {path.name: path.read_text() for path in sorted((EXTENSION / "src").glob("*.ts"))}
SETTINGS: dict[str, dict[str, Any]] = MANIFEST["contributes"]["configuration"]["properties"]


def contributed() -> set[str]:
    return {command["command"] for command in MANIFEST["contributes"]["commands"]}


def registered() -> set[str]:
    """The keys of the table of commands."""
    table = SOURCES["commands.ts"].split("export const COMMANDS", 1)[1]
    return set(re.findall(r'^  "(codriver\.\w+)":', table, re.MULTILINE))


def test_every_contributed_command_is_registered_and_the_other_way_round() -> None:
    assert registered() == contributed()


def test_menus_and_the_status_bar_name_commands_that_exist() -> None:
    in_menus = {entry["command"] for menu in MANIFEST["contributes"]["menus"].values() for entry in menu}
    picked = set(re.findall(r'^  \["[^"]+", "(codriver\.\w+)"\]', SOURCES["commands.ts"], re.MULTILINE))
    assert picked
    assert in_menus | picked <= contributed()


def test_no_command_takes_the_name_of_one_the_language_client_registers() -> None:
    # The client registers every command the server announces; a second registration would fail its start.
    commands = Path(__file__).parents[2] / "server" / "codriver" / "fronts" / "lsp" / "commands.py"
    servers = set(re.findall(r'^    "(codriver\.\w+)": \(', commands.read_text(), re.MULTILINE))
    assert "codriver.accepted" in servers
    assert not servers & contributed()


def test_settings_that_are_read_exist_and_all_are_documented() -> None:
    code = "".join(SOURCES.values())
    read = {f"codriver.{name}" for name in re.findall(r'\.get(?:<[^>]+>)?\("(\w+)"', code)}
    watched = set(re.findall(r'"(codriver\.(?:enable|server\w+))"', code))
    assert read
    assert read | watched <= set(SETTINGS)
    readme = (EXTENSION / "README.md").read_text()
    assert [name for name in SETTINGS if f"`{name}`" not in readme] == []
    titles = [command["title"] for command in MANIFEST["contributes"]["commands"]]
    assert [title for title in titles if f"Codriver: {title}" not in readme] == []


def test_no_workspace_can_choose_what_program_runs() -> None:
    assert {SETTINGS[name]["scope"] for name in ("codriver.serverPath", "codriver.serverArgs")} == {"machine"}


def test_versions_are_pinned_and_agree() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text())["packages"][""]
    wanted = {**MANIFEST["dependencies"], **MANIFEST["devDependencies"]}
    assert {**lock["dependencies"], **lock["devDependencies"]} == wanted
    assert [name for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    assert MANIFEST["engines"]["vscode"] == f"^{MANIFEST['devDependencies']['@types/vscode']}"
    assert MANIFEST["version"] == lock["version"] == __version__


def npm(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["npm", *arguments], cwd=folder, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(
    not os.environ.get("CODRIVER_TEST_VSCODE"), reason="set CODRIVER_TEST_VSCODE=1 to build with npm (20 s)"
)
def test_it_compiles_bundles_and_packages(tmp_path: Path) -> None:
    folder = tmp_path / "extension"
    shutil.copytree(EXTENSION, folder, ignore=shutil.ignore_patterns("node_modules", "out", "*.vsix"))
    npm(folder, "ci", "--no-audit", "--no-fund", "--prefer-offline")
    npm(folder, "run", "package", "--", "--out", "codriver.vsix")
    with zipfile.ZipFile(folder / "codriver.vsix") as package:
        names = {name for name in package.namelist() if name.startswith("extension/")}
        manifest = json.loads(package.read("extension/package.json"))
        bundle = package.read("extension/out/extension.js").decode()
    assert names == {
        "extension/package.json",
        "extension/readme.md",
        "extension/changelog.md",
        "extension/LICENSE.txt",
        "extension/media/icon.png",
        "extension/out/extension.js",
    }
    assert manifest["main"] == "./out/extension.js"
    assert "textDocument/inlineCompletion" in bundle
    required = set(re.findall(r'require\("([^".]+)"\)', bundle))
    assert required <= {"vscode", "child_process", "fs", "path", "os", "net", "util", "crypto", "url", "process"} | {
        name for name in required if name.startswith("node:")
    }
