"""The VS Code extension: its manifest agrees with its sources, and (CODRIVER_TEST_VSCODE=1) it builds and packages.

Building takes npm, the registry and about 20 s; `make test-vscode` sets the variable.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from codriver import __version__

EXTENSION = Path(__file__).parents[2] / "vscode-extension"
MANIFEST: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text())
SOURCES = {path.name: path.read_text() for path in sorted((EXTENSION / "src").glob("*.ts"))}
GROUPS: list[dict[str, Any]] = MANIFEST["contributes"]["configuration"]
OWN: dict[str, dict[str, Any]] = GROUPS[0]["properties"]
SERVERS: dict[str, dict[str, Any]] = {key: value for group in GROUPS[1:] for key, value in group["properties"].items()}
SETTINGS = {**OWN, **SERVERS}


def contributed() -> set[str]:
    return {command["command"] for command in MANIFEST["contributes"]["commands"]}


def registered() -> set[str]:
    """The keys of the table of commands."""
    table = SOURCES["commands.ts"].split("export const COMMANDS", 1)[1]
    return set(re.findall(r'^  "(codriver\.\w+)":', table, re.MULTILINE))


def test_every_contributed_command_is_registered_and_the_other_way_round() -> None:
    assert registered() == contributed()


def test_menus_and_the_status_bar_name_commands_that_exist() -> None:
    entries = [entry for menu in MANIFEST["contributes"]["menus"].values() for entry in menu]
    in_menus = {entry["command"] for entry in entries if "submenu" not in entry}
    in_menus |= {binding["command"] for binding in MANIFEST["contributes"]["keybindings"]}
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
    read = {f"codriver.{name}" for name in re.findall(r'\("codriver"\)\s*\.get(?:<[^>]+>)?\("([\w.]+)"', code)}
    named = set(re.findall(r'"(codriver\.(?:enable|server\w+|besideOthers))"', code))
    written = {f"codriver.{name}" for name in re.findall(r'\("codriver"\)\s*\.update\("([\w.]+)"', code)}
    assert {"codriver.preview", "codriver.enable"} <= read
    assert "codriver.routing.strategy" in written
    assert read | named | written <= set(SETTINGS)
    readme = (EXTENSION / "README.md").read_text()
    assert [name for name in OWN if f"`{name}`" not in readme] == []
    palette = MANIFEST["contributes"]["menus"]["commandPalette"]
    unseen = {entry["command"] for entry in palette if entry["when"] == "false"}
    titles = [one["title"] for one in MANIFEST["contributes"]["commands"] if one["command"] not in unseen]
    assert [title for title in titles if f"Codriver: {title}" not in readme] == []


def test_the_servers_settings_are_as_the_server_would_write_them() -> None:
    """`python server/tools/build_vscode_settings.py` writes them anew."""
    tool = EXTENSION.parent / "server" / "tools" / "build_vscode_settings.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run {tool.name}; {done.stderr}"
    assert SERVERS["codriver.routing.floor"]["maximum"] == 1
    assert SERVERS["codriver.privacy.never"]["items"] == {"type": "string"}


def test_no_workspace_can_choose_what_program_runs_or_what_leaves_the_machine() -> None:
    machine = {"codriver.serverPath", "codriver.serverArgs", *SERVERS}
    assert {SETTINGS[name]["scope"] for name in machine} == {"machine"}


def test_pictures_that_are_shown_are_there_and_say_that_they_are_simulated() -> None:
    readme = (EXTENSION / "README.md").read_text()
    shown = dict(re.findall(r"!\[([^]]*)\]\(([^)]+)\)", readme))
    steps = MANIFEST["contributes"]["walkthroughs"][0]["steps"]
    media = [step["media"] for step in steps]
    shown |= {one["altText"]: one["image"] for one in media if "image" in one}
    assert len(shown) >= 6
    assert [text for text in shown if "simulated" not in text] == []
    files = [*shown.values(), *(one["markdown"] for one in media if "markdown" in one)]
    assert [name for name in files if not (EXTENSION / name).is_file()] == []
    assert sum((EXTENSION / name).stat().st_size for name in files) < 1_000_000


def test_the_walkthroughs_links_and_events_name_commands_that_exist() -> None:
    text = json.dumps(MANIFEST["contributes"]["walkthroughs"])
    named = set(re.findall(r"(?:command:|onCommand:)(codriver\.\w+)", text))
    assert named
    assert named <= contributed()


def test_nothing_is_sent_to_anyone() -> None:
    code = "".join(SOURCES.values())
    assert "telemetry" not in code.lower()
    assert re.findall(r"https?://[^\s\"'`$]+", code) == []
    assert set(re.findall(r'from "(node:(?:https?|net|tls|dgram))"', code)) == set()


def test_versions_are_pinned_and_agree() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text())["packages"][""]
    wanted = {**MANIFEST["dependencies"], **MANIFEST["devDependencies"]}
    assert {**lock["dependencies"], **lock["devDependencies"]} == wanted
    assert [name for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    assert MANIFEST["engines"]["vscode"] == f"^{MANIFEST['devDependencies']['@types/vscode']}"
    assert MANIFEST["version"] == lock["version"] == __version__


@pytest.mark.skipif(
    not os.environ.get("CODRIVER_TEST_VSCODE"), reason="set CODRIVER_TEST_VSCODE=1 to build with npm (a minute)"
)
@pytest.mark.timeout(600)
def test_it_compiles_bundles_and_packages(tmp_path: Path) -> None:
    tool = EXTENSION.parent / "server" / "tools" / "build_vsix.py"
    done = subprocess.run(
        [sys.executable, str(tool), "--out", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(done.stdout.strip()) as package:
        names = {name for name in package.namelist() if name.startswith("extension/")}
        manifest = json.loads(package.read("extension/package.json"))
        bundle = package.read("extension/out/extension.js").decode()
    media = {f"extension/{path.relative_to(EXTENSION).as_posix()}" for path in (EXTENSION / "media").rglob("*.*")}
    assert names == {
        "extension/package.json",
        "extension/readme.md",
        "extension/changelog.md",
        "extension/LICENSE.txt",
        "extension/out/extension.js",
        f"extension/server/codriver-{__version__}-py3-none-any.whl",
        *(name for name in media if name.endswith((".png", ".md"))),
    }
    assert manifest["main"] == "./out/extension.js"
    assert "textDocument/inlineCompletion" in bundle
    required = set(re.findall(r'require\("([^".]+)"\)', bundle))
    assert required <= {"vscode", "child_process", "fs", "path", "os", "net", "util", "crypto", "url", "process"} | {
        name for name in required if name.startswith("node:")
    }
