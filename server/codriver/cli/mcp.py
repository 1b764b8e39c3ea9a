"""`codriver mcp`: the Model Context Protocol over stdio, for agents that start their servers themselves.

Each line is carried to the daemon's /mcp and its answer back. Standard library only, and what it imports is light: an
agent waits for it.
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Sequence
from typing import Any

import codriver
from codriver import paths as places
from codriver.cli import client
from codriver.cli.terminal import Complaint
from codriver.fronts.lsp.join import Joiner, NoDaemon
from codriver.fronts.lsp.stdio import take_stdout, understood, write
from codriver.paths import Paths

USAGE = "usage: codriver mcp [--simulate] [--config FILE]"
SECONDS = 60.0
"""The longest that one answer takes."""
_FAILED, _PARSE_ERROR = -32603, -32700


def main(arguments: Sequence[str]) -> int:
    """Serves stdin and stdout until stdin ends; the exit code."""
    options = understood("mcp", USAGE, arguments)
    if isinstance(options, int):
        return options
    out = take_stdout()
    bridge = Bridge(places.find(), options.daemon)
    for line in sys.stdin.buffer:
        answer = bridge.carry(line.strip())
        try:
            if answer:
                write(out, answer + b"\n")
        except OSError:
            break  # nobody reads us any more
    return 0


class Bridge:
    """The way to the daemon, which is started where none runs. `daemon` are the arguments of one that we start."""

    def __init__(self, where: Paths, daemon: Sequence[str] = ()) -> None:
        self._where = where
        self._joiner = Joiner(where, codriver.__version__, daemon)
        self._connection: http.client.HTTPConnection | None = None

    def carry(self, line: bytes) -> bytes:
        """The answer to one line; b"" where there is none."""
        if not line:
            return b""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as problem:
            return _error(None, _PARSE_ERROR, f"the line is not JSON: {problem}")
        try:
            status, answer = self._sent(line)
        except (NoDaemon, Complaint, OSError, http.client.HTTPException) as problem:
            return self._failed(message, str(problem) or type(problem).__name__)
        if status >= 400 and b'"jsonrpc"' not in answer[:100]:
            return self._failed(message, f"the daemon answered {status}: {answer[:300].decode('utf-8', 'replace')}")
        return answer.replace(b"\n", b" ").strip()

    def _sent(self, line: bytes) -> tuple[int, bytes]:
        """Once more on a fresh connection when the old one was closed meanwhile: these requests only read."""
        if self._connection is not None:
            try:
                return self._post(self._connection, line)
            except (OSError, http.client.HTTPException):
                self._connection.close()
        self._connection = self._connected()
        return self._post(self._connection, line)

    def _connected(self) -> http.client.HTTPConnection:
        try:
            return client.connect(self._where, SECONDS)
        except Complaint:
            self._joiner.join(any_version=True).socket.close()
            return client.connect(self._where, SECONDS)

    def _post(self, connection: http.client.HTTPConnection, line: bytes) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {client.token(self._where)}", "Content-Type": "application/json"}
        connection.request("POST", "/mcp", line, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def _failed(self, message: Any, text: str) -> bytes:
        """Every request gets an answer; what is none gets a line in the log."""
        sys.stderr.write(f"codriver mcp: {text}\n")
        asked = isinstance(message, dict) and "id" in message and "method" in message
        return _error(message["id"], _FAILED, text) if asked else b""


def _error(identity: Any, code: int, text: str) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": text}}).encode()
