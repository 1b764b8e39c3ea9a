"""`codriver lsp`: the thin process an editor starts, passing frames between stdio and the daemon.

It outlives the daemon: what the editor has said is remembered (replay.py), so a new daemon can take
over unnoticed. Standard library only, threads and blocking sockets: it must be up before the
editor notices.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import codriver
from codriver import paths
from codriver.fronts.lsp.framing import Frames, Malformed, error, frame, message
from codriver.fronts.lsp.join import Joiner, Link, NoDaemon
from codriver.fronts.lsp.parent import alive
from codriver.fronts.lsp.replay import Memory
from codriver.fronts.lsp.stdio import Options, take_stdout, understood, write

USAGE = "usage: codriver lsp [--stdio] [--clientProcessId PID] [--standalone] [--simulate] [--config FILE]"
_PARSE_ERROR, _INVALID_REQUEST, _FAILED = -32700, -32600, -32803
_PARENT_SECONDS = 1.0
_CRASH_WINDOW = 60.0
_PAUSES = (0.0, 0.5, 2.0, 5.0)
"""Seconds before joining again after the first, second, ... crash within a minute; then it rests."""
_REST = 30.0
_ERROR_MESSAGE, _WARNING_MESSAGE, _LOG_MESSAGE = 1, 2, 4
LEAVING = "codriver/leaving"
"""The daemon goes on purpose; said to us, not to the editor."""


def main(arguments: Sequence[str]) -> int:
    """Runs until the editor leaves; the exit code is the protocol's (0 only after shutdown)."""
    options = understood("lsp", USAGE, arguments)
    if isinstance(options, int):
        return options
    out = take_stdout()
    if options.standalone:
        from codriver.fronts.lsp.standalone import serve

        return serve(out, simulate=options.simulate, config=options.config)
    return Forwarder(options, out).run()


class Forwarder:
    """Two threads: this one reads the editor, another keeps the link to the daemon and reads it."""

    def __init__(self, options: Options, out: int) -> None:
        self._options, self._out = options, out
        self._memory = Memory()
        self._lock = threading.Lock()
        """Over the memory and the link, so that a daemon hears everything once and in order."""
        self._writing = threading.Lock()
        self._link: Link | None = None
        self._resting = ""
        """Why there is no daemon, while we have given up for a while."""
        self._reason = ""
        """Why there was none the last time: nobody wants the same box every half minute."""
        self._leaving = False
        """Whether the daemon we talk to has said that it goes on purpose."""
        self._told = False
        self._watched: set[int] = set()

    def run(self) -> int:
        threading.Thread(target=self._keep_link, name="link", daemon=True).start()
        if self._options.client is not None:
            self._watch(self._options.client)
        frames = Frames()
        while chunk := os.read(0, 65536):
            for body in frames.feed(chunk):
                if self._from_editor(body):
                    return self._leave()
        return self._leave()

    def _leave(self) -> int:
        with self._lock:
            if self._link is not None:
                self._link.socket.close()
        return 0 if self._memory.shut_down else 1

    # The editor's side.

    def _from_editor(self, body: bytes | Malformed) -> bool:
        """Handles one message; True when it was `exit`."""
        if isinstance(body, Malformed):
            self._to_editor([error(None, _PARSE_ERROR, body.reason)])
            return False
        try:
            content = json.loads(body)
        except (ValueError, RecursionError) as problem:
            self._to_editor([error(None, _PARSE_ERROR, f"The message is not JSON: {problem}")])
            return False
        if not isinstance(content, dict):
            self._to_editor([error(None, _INVALID_REQUEST, "A message must be a JSON object.")])
            return False
        with self._lock:
            self._pass_on(body, content)
        if content.get("method") == "initialize" and self._memory.process_id is not None:
            self._watch(self._memory.process_id)
        return content.get("method") == "exit"

    def _pass_on(self, body: bytes, content: dict[str, Any]) -> None:
        if content.get("method") == "$/cancelRequest" and (answer := self._memory.cancelled(content)):
            self._to_editor([answer])
            return
        try:
            wanted = self._memory.heard(body, content, linked=self._link is not None)
        except Exception as problem:
            # Not what the protocol says: the daemon will answer what is wrong with it.
            _log(f"odd {content.get('method')}: {type(problem).__name__} {problem}")
            wanted = True
        if self._resting:
            self._to_editor(self._memory.refuse(_FAILED, self._resting))
        elif self._link is not None and wanted:
            _send(self._link, [frame(body)])
        elif self._memory.shut_down:
            self._to_editor(self._memory.refuse(_FAILED, "The server was shut down."))

    def _to_editor(self, frames: Iterable[bytes]) -> None:
        with self._writing:
            try:
                write(self._out, b"".join(frames))
            except OSError:
                os._exit(self._code())  # nobody reads us any more

    def _code(self) -> int:
        return 0 if self._memory.shut_down else 1

    def _watch(self, pid: int) -> None:
        """Ends this process with the editor's. A pid that is not ours to see (containers) is ignored."""
        if pid in self._watched or not alive(pid):
            return
        self._watched.add(pid)

        def wait() -> None:
            while alive(pid):
                time.sleep(_PARENT_SECONDS)
            os._exit(self._code())

        threading.Thread(target=wait, name="parent", daemon=True).start()

    # The daemon's side.

    def _keep_link(self) -> None:
        where = paths.find()
        joiner = Joiner(where, codriver.__version__, self._options.daemon)
        crashes: list[float] = []
        known = False
        while True:
            try:
                link = joiner.join(any_version=known)
            except NoDaemon as problem:
                self._rest(str(problem))
                continue
            except Exception as problem:  # whatever keeps us from a daemon: the editor hears why
                self._rest(f"{type(problem).__name__}: {problem}")
                continue
            known = True
            self._talk(link)
            joiner.reap()
            if self._memory.shut_down:
                return
            if self._leaving:
                _log("the daemon left on purpose; joining the next one")
                continue
            now = time.monotonic()
            crashes = [at for at in crashes if now - at < _CRASH_WINDOW] + [now]
            if len(crashes) > len(_PAUSES):
                self._rest(f"Codriver's daemon stopped {len(crashes)} times in a minute. Its log is {where.log}.")
            else:
                self._tell("Codriver's daemon stopped unexpectedly. It is started again; nothing is lost.")
                time.sleep(_PAUSES[len(crashes) - 1])

    def _talk(self, link: Link) -> None:
        """Introduces the editor to the daemon, then passes on what it says until it is gone."""
        with self._lock:
            self._link, self._resting, self._leaving = link, "", False
            _send(link, self._memory.replay())
        frames, chunk = Frames(), link.rest
        try:
            while True:
                self._from_daemon(frames.feed(chunk))
                chunk = link.socket.recv(65536)
                if not chunk:
                    break
        except OSError:
            pass
        with self._lock:
            self._link = None
            link.socket.close()
            self._to_editor(self._memory.lost())

    def _from_daemon(self, bodies: list[bytes | Malformed]) -> None:
        out = []
        for body in bodies:
            if isinstance(body, Malformed):
                _log(f"the daemon sent a malformed frame: {body.reason}")
                continue
            content = json.loads(body)
            if content.get("method") == LEAVING:
                self._leaving = True
                continue
            with self._lock:
                if self._memory.said(content):
                    out.append(frame(body))
        self._to_editor(out)

    def _rest(self, reason: str) -> None:
        """Answers everything with the reason for a while, then another try is due."""
        _log(reason)
        with self._lock:
            self._resting = f"{reason.rstrip('. ')}. The next try is in {_REST:.0f} s."
            self._to_editor(self._memory.refuse(_FAILED, self._resting))
        again, self._reason = reason == self._reason, reason
        self._tell(self._resting, _LOG_MESSAGE if again else _ERROR_MESSAGE)
        time.sleep(_REST)
        with self._lock:
            self._resting = ""

    def _tell(self, text: str, kind: int = _WARNING_MESSAGE) -> None:
        """A message box for an error, one only for all warnings, none for news; the log has everything."""
        shown, self._told = self._told, self._told or kind == _WARNING_MESSAGE
        boxed = kind == _ERROR_MESSAGE or (kind == _WARNING_MESSAGE and not shown)
        method = "window/showMessage" if boxed else "window/logMessage"
        self._to_editor([message({"method": method, "params": {"type": kind, "message": text}})])


def _send(link: Link, frames: Iterable[bytes]) -> None:
    """Sends, or lets the reading side find out that the daemon is gone."""
    try:
        link.socket.sendall(b"".join(frames))
    except OSError:
        try:
            link.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _log(text: str) -> None:
    sys.stderr.write(f"codriver lsp: {text}\n")
