"""The judges themselves, and those of them that need nothing but the makers' own libraries, on every upstream wire.

The others are run by `make test-agents`; `make test-agents-quick` runs those that install fast.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from install import Client, clients, install
from launch import HERE, Place, launch
from trial import BEFORE, FILE, LINE, TASK, attempt, judged
from upstreams import FAULTS, offered, settings, upstream

from codriver.model.request import Message, Text
from codriver.upstream.simulator import errand
from codriver.upstream.simulator.faults import NAMES, from_json
from codriver.upstream.simulator.models import shipped
from running import Daemon

LIBRARIES = [name for name, client in clients().items() if client.package == "sdk"]
unix = pytest.mark.skipif(os.name == "nt", reason="the clients' programs are looked for where Unix keeps them")


@pytest.fixture(scope="module", params=offered())
def upstreams_daemon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with upstream(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@unix
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_task_is_done_to_its_end(name: str, upstreams_daemon: Daemon, tmp_path: Path) -> None:
    """The libraries of the developers' own environment stand in for an installation."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "sdk").symlink_to(sys.prefix)
    verdict = attempt(
        clients()[name], tmp_path / "cache", upstreams_daemon.base, upstreams_daemon.token, tmp_path / "run"
    )
    assert verdict.reason == "", verdict.said


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        (f"{BEFORE}{LINE}\n", 0, ""),
        (f"{BEFORE}{LINE}", 0, ""),
        (BEFORE, 0, "the line is there 0 times"),
        (f"{BEFORE}{LINE}\n{LINE}\n", 0, "the line is there 2 times"),
        (f"{LINE}\n", 0, "the rest of the file was changed"),
        (f"{LINE}\n{BEFORE}", 0, "the rest of the file was changed"),
        (None, 0, "the line is there 0 times"),
        (f"{BEFORE}{LINE}\n", 3, "the file is right, but: exit code 3"),
        (BEFORE, None, "the line is there 0 times, time is up"),
    ],
)
def test_only_the_asked_change_and_a_good_end_are_a_success(
    text: str | None, code: int | None, reason: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / FILE).write_text(text, encoding="utf-8")
    assert judged(tmp_path / FILE, code) == reason


def test_every_client_can_be_launched(tmp_path: Path) -> None:
    for client in clients().values():
        place = Place(client, tmp_path, tmp_path / client.name, tmp_path, "http://127.0.0.1:1", "key", TASK, FILE)
        made = launch(place)
        script = [word for word in made.command if word.endswith(".py")]
        assert all(Path(word).is_file() for word in script), client.name
        assert client.npm or client.pip, client.name
        assert "key" in " ".join(
            [*made.environ.values(), *(f.read_text() for f in place.home.rglob("*") if f.is_file())]
        )
        assert not any(name.endswith("_PROXY") for name in made.environ)


def test_versions_are_pinned() -> None:
    for client in clients().values():
        assert all("@" in name[1:] for name in client.npm), client.name
        assert not client.pip or any("==" in name or "<" in name for name in client.pip), client.name


@pytest.mark.parametrize("script", sorted((HERE / "scripts").glob("*.py")), ids=lambda script: script.name)
def test_scripts_are_python(script: Path) -> None:
    assert ast.parse(script.read_text(encoding="utf-8"), script.name).body


def test_the_simulator_understands_the_task() -> None:
    assert errand.asked([Message("user", (Text(TASK),))]) == errand.Addition(LINE, FILE, 0)


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_known_to_the_simulator(name: str) -> None:
    assert from_json(dict(FAULTS[name])).fault in NAMES


@pytest.mark.parametrize("wire", offered())
def test_an_upstream_speaks_one_wire(wire: str) -> None:
    switched = tomllib.loads(settings(wire))["providers"]["simulator"]["models"]
    speaks = {model.id: model.wires for model in shipped()}
    on = [name for name, model in switched.items() if model["enabled"]]
    assert on
    assert all(set(speaks[name]) & set(offered()) == {wire} for name in on)
    assert not any(wire in speaks[name] for name in switched if name not in on)


def test_what_cannot_be_installed_has_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "npm is absent" in install(Client("x", "x", "anthropic", True, ("x@1",), ()), tmp_path / "cache")


def test_options_are_checked() -> None:
    command = [sys.executable, str(HERE / "run.py"), "--upstreams", "smoke"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "'smoke' is none of" in done.stderr
