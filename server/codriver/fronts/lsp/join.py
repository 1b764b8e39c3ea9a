"""How a forwarder finds the daemon: connect, one line each way, and starting it when it is absent.

Standard library only. The daemon's lock decides who serves; here everybody just tries until the
socket answers, so any number of forwarders may start at once.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codriver.fronts.lsp.parent import alive
from codriver.paths import Paths

if TYPE_CHECKING:
    from subprocess import Popen

LINE_LIMIT = 64 * 1024
_ANSWER_SECONDS = 10.0
_DRAIN_SECONDS = 15.0
_RESPAWN_SECONDS = 0.25
_CREATE_NO_WINDOW, _CREATE_NEW_PROCESS_GROUP = 0x08000000, 0x00000200
"""subprocess has these names on Windows only."""


class NoDaemon(Exception):
    """There is no daemon to talk to; the text says why and what to do."""


class Link:
    """An open connection to the daemon: the socket, and bytes that came behind the greeting."""

    def __init__(self, connection: socket.socket, rest: bytes, version: str, pid: int) -> None:
        self.socket, self.rest, self.version, self.pid = connection, rest, version, pid


class Joiner:
    """Joins the daemon of one installation, starting it with `arguments` when nobody answers.

    `limit` seconds are the longest wait for one join.
    """

    def __init__(self, paths: Paths, version: str, arguments: Sequence[str] = (), limit: float = 20.0) -> None:
        self._paths, self._version, self._arguments, self._limit = paths, version, arguments, limit
        self._child: Popen[bytes] | None = None

    def join(self, *, any_version: bool) -> Link:
        """A greeted connection. Raises NoDaemon.

        any_version: take whatever runs. A forwarder that lost its daemon does so, else two
        editors with different versions would replace each other's daemon for ever.
        """
        end = time.monotonic() + self._limit
        spawned, failures, pause = 0.0, 0, 0.005
        while time.monotonic() < end:
            link = self._try(any_version)
            if link is not None:
                return link
            if self._exited_badly():
                failures += 1
                if failures == 3:
                    raise NoDaemon(f"The daemon does not start. {self._last_words()}")
            if self._child is None and time.monotonic() - spawned > _RESPAWN_SECONDS:
                spawned = time.monotonic()
                self._spawn()
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)
        raise NoDaemon(f"The daemon did not answer within {self._limit:.0f} s. Its log is {self._paths.log}.")

    def _try(self, any_version: bool) -> Link | None:
        connection = _connect(self._paths)
        if connection is None:
            return None
        try:
            answer, rest = self._greet(connection, drain=False, any_version=any_version)
            if answer.get("ok"):
                connection.settimeout(None)
                return Link(connection, rest, str(answer.get("version")), int(answer.get("pid") or 0))
        except (OSError, ValueError):
            answer = {}
        connection.close()
        if answer.get("error") == "version":
            self._drain()
        elif answer.get("error") == "token":
            raise NoDaemon(str(answer.get("message")))
        return None

    def _greet(self, connection: socket.socket, *, drain: bool, any_version: bool) -> tuple[dict[str, Any], bytes]:
        line = {
            "codriver": 1,
            "token": _token(self._paths),
            "version": self._version,
            "pid": os.getpid(),
            "any": any_version,
            "drain": drain,
        }
        connection.settimeout(_ANSWER_SECONDS)
        connection.sendall(json.dumps(line).encode() + b"\n")
        data = b""
        while b"\n" not in data and len(data) < LINE_LIMIT:
            chunk = connection.recv(4096)
            if not chunk:
                break
            data += chunk
        first, _, rest = data.partition(b"\n")
        answer = json.loads(first)
        return (answer if isinstance(answer, dict) else {}), rest

    def _drain(self) -> None:
        """Asks the daemon of another version to leave, and waits until it has (its socket closes)."""
        connection = _connect(self._paths)
        if connection is None:
            return
        with connection:
            try:
                self._greet(connection, drain=True, any_version=False)
                connection.settimeout(_DRAIN_SECONDS)
                connection.recv(1)
            except (OSError, ValueError):
                return

    def _spawn(self) -> None:
        import subprocess

        self._paths.create()
        command = [sys.executable, "-m", "codriver", "serve", "--from-forwarder", *self._arguments]
        words = _last_words_file(self._paths)
        try:
            if words.stat().st_size > LINE_LIMIT:
                words.unlink()
        except OSError:
            pass  # there is none, or (Windows) a daemon that is leaving still holds it
        # Appended to: several forwarders may be starting daemons at once.
        with open(words, "ab") as errors:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=self._paths.state,
                **apart(sys.platform),
            )

    def _exited_badly(self) -> bool:
        """Forgets a child that has ended (which also reaps it); True if it ended with an error."""
        if self._child is None or self._child.poll() is None:
            return False
        code, self._child = self._child.returncode, None
        return code != 0

    def _last_words(self) -> str:
        try:
            text = _last_words_file(self._paths).read_text("utf-8", "replace").strip()
        except OSError:
            text = ""
        last = text.splitlines()[-1][-600:] if text else ""
        return f"It says: {last}" if last else f"Its log is {self._paths.log}."

    def reap(self) -> None:
        """Takes note of a daemon of ours that has ended."""
        self._exited_badly()


def apart(platform: str) -> dict[str, Any]:
    """Options of Popen for a process that outlives this one, its terminal and its Ctrl-C."""
    if platform != "win32":
        return {"start_new_session": True}
    # Not DETACHED_PROCESS: a venv's python.exe starts the real one, which would open a window for its console.
    return {"creationflags": _CREATE_NO_WINDOW | _CREATE_NEW_PROCESS_GROUP}


def _last_words_file(paths: Paths) -> Path:
    """Where a daemon's stderr goes: next to the log, which rotates and so cannot take it."""
    return paths.log.with_suffix(".stderr")


def _token(paths: Paths) -> str:
    try:
        return paths.token.read_text("utf-8").strip()
    except OSError:
        return ""


def _connect(paths: Paths) -> socket.socket | None:
    """A connection to whoever listens at our place, or None. Raises NoDaemon for a foreign socket."""
    path = paths.socket("lsp")
    if hasattr(socket, "AF_UNIX") and path.exists():
        # The token goes over this socket: it must not be somebody else's, as one in /tmp could be.
        if os.stat(path.parent).st_uid != os.getuid() or os.stat(path).st_uid != os.getuid():
            raise NoDaemon(f"{path} belongs to another user. Remove it, or set CODRIVER_HOME to a folder of your own.")
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(os.fspath(path))
        except OSError:
            connection.close()
        else:
            return connection
    port = _port(paths)
    if port is None:
        return None
    try:
        connection = socket.create_connection(("127.0.0.1", port), timeout=2.0)
    except OSError:
        return None
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _port(paths: Paths) -> int | None:
    """The daemon's loopback port, if it uses one and lives: after its death a stranger may have the port."""
    try:
        found = json.loads(paths.daemon.read_bytes())
        port, pid = found["lsp_port"], found["pid"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return port if isinstance(port, int) and isinstance(pid, int) and alive(pid) else None
