"""What Windows, macOS and odd file systems do differently, as far as it can be played here."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from homes import Home

from codriver import app, daemon, paths
from codriver.analyst import path_of
from codriver.fronts.lsp.join import apart


def test_without_a_session_folder_the_run_folder_lies_where_nobody_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform in ("win32", "darwin"):
        monkeypatch.setattr(sys, "platform", platform)
        found = paths.find({"XDG_RUNTIME_DIR": "/run/user/1000"})
        assert found.run == found.state / "run"


@pytest.mark.parametrize(
    ("platform", "wanted"),
    [
        ("linux", {"start_new_session": True}),
        ("darwin", {"start_new_session": True}),
        ("win32", {"creationflags": 0x08000200}),
    ],
)
def test_a_daemon_is_started_apart_and_without_a_window(platform: str, wanted: dict[str, object]) -> None:
    assert apart(platform) == wanted


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///home/me/a%20b.py", "/home/me/a b.py"),
        ("file:///c%3A/work/a.py", "c:/work/a.py"),
        ("file:///C:/work/a.py", "C:/work/a.py"),
        ("file://server/share/a.py", "//server/share/a.py"),
        ("file://localhost/w/a.py", "/w/a.py"),
        ("vscode-vfs://github/o/r/a.py", "/o/r/a.py"),
        ("untitled:Untitled-1", "Untitled-1"),
        ("file://[broken/a.py", "file://[broken/a.py"),
    ],
)
def test_the_path_in_a_uri(uri: str, path: str) -> None:
    assert path_of(uri) == path


class Reader:
    """A file that somebody has open for the first so many tries, as Windows tells it."""

    def __init__(self, tries: int) -> None:
        self.left = tries

    def __call__(self) -> None:
        self.left -= 1
        if self.left >= 0:
            raise PermissionError(errno.EACCES, "used by another process")


def test_a_file_that_is_being_read_is_replaced_a_moment_later(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(daemon.time, "sleep", pauses.append)
    daemon.despite_readers(Reader(3), "win32")
    assert len(pauses) == 3
    for tries, platform in ((1000, "win32"), (1, "linux")):
        with pytest.raises(PermissionError):
            daemon.despite_readers(Reader(tries), platform)


def _no_links(*_: object) -> None:
    raise PermissionError(errno.EPERM, "no hard links here")


@pytest.mark.parametrize("before", [None, "short\n"])
def test_a_token_is_made_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.setattr(os, "link", _no_links)
    where = paths.Paths(tmp_path, tmp_path, tmp_path)
    if before is not None:
        where.token.write_text(before)
    token = app.token(where)
    assert len(token) > 16 and app.token(where) == token
    assert [file.name for file in tmp_path.iterdir()] == ["token"]


def test_where_the_file_system_takes_no_sockets_everybody_comes_by_tcp(home: Home) -> None:
    for name in ("http", "lsp"):
        home.paths.socket(name).mkdir()
    client = home.editor()
    client.initialize()
    found = home.whereabouts()
    assert found["unix"] == {"http": None, "lsp": None} and found["lsp_port"] and found["http"]["port"]
    stop = home.run("stop")
    assert stop.wait(30) == 0
    assert home.paths.socket("http").is_dir()


def test_with_neither_its_port_nor_a_socket_it_takes_any_free_port(home: Home) -> None:
    home.paths.socket("http").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        client = home.editor(environ={"CODRIVER_PORT": str(port)})
        client.initialize()
        assert home.whereabouts()["http"]["port"] not in (0, port)
        assert home.run("stop").wait(30) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")
def test_nohup_is_heeded(home: Home) -> None:
    deaf = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); from codriver.__main__ import main; main()"
    process = home.run("serve", "--simulate", code=deaf)
    home.daemon()
    process.send_signal(signal.SIGHUP)
    assert home.run("status").wait(30) == 0 and process.poll() is None
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "listens" in out
