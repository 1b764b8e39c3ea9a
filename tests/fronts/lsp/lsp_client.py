"""A small LSP client for tests: starts a server over stdio, asks, tells, and keeps what it is told."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from codriver.fronts.lsp.framing import Frames, frame

WAIT = 30.0

CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True},
    "workspace": {
        "applyEdit": True,
        "workspaceEdit": {"documentChanges": True, "changeAnnotationSupport": {"groupsOnLabel": True}},
    },
    "textDocument": {
        "inlineCompletion": {},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["refactor", "quickfix"]}}},
    },
}


class Failed(Exception):
    """An error answer."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]


class Client:
    """One editor. `answer` maps the server's requests to results; by default all get null."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], answer: Callable[[str, Any], Any] | None = None
    ) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environ},
        )
        self.notes: list[dict[str, Any]] = []
        """Notifications and requests of the server, in order."""
        self.answers: dict[Any, dict[str, Any]] = {}
        self.errors = b""
        self._answer = answer or (lambda method, params: None)
        self._ids = itertools.count(1)
        self._news = threading.Condition()
        self._ended = False
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()

    def raw(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def _send(self, content: dict[str, Any]) -> None:
        self.raw(frame(json.dumps({"jsonrpc": "2.0", **content}).encode()))

    def notify(self, method: str, params: Any = None) -> None:
        self._send({"method": method, "params": params if params is not None else {}})

    def ask(self, method: str, params: Any = None) -> int:
        """Sends a request without waiting; its id."""
        identity = next(self._ids)
        self._send({"id": identity, "method": method, "params": params if params is not None else {}})
        return identity

    def wait(self, identity: Any, timeout: float = WAIT) -> Any:
        """The result of a request. Raises Failed for an error answer."""
        self.until(lambda: identity in self.answers, f"an answer to {identity}", timeout)
        answer = self.answers[identity]
        if "error" in answer:
            raise Failed(answer["error"])
        return answer["result"]

    def request(self, method: str, params: Any = None, timeout: float = WAIT) -> Any:
        return self.wait(self.ask(method, params), timeout)

    def until(self, condition: Callable[[], Any], what: str, timeout: float = WAIT) -> Any:
        """Waits for news until the condition holds."""
        with self._news:
            assert self._news.wait_for(lambda: condition() or self._ended, timeout), (
                f"no {what}; stderr: {self.errors!r}"
            )
        assert condition(), f"the server ended before {what}; stderr: {self.errors!r}"
        return condition()

    def told(self, method: str) -> list[Any]:
        """The params of every notification or request of this method so far."""
        return [note.get("params") for note in self.notes if note["method"] == method]

    def initialize(self, capabilities: Mapping[str, Any] = CAPABILITIES, **more: Any) -> dict[str, Any]:
        result = self.request(
            "initialize", {"processId": None, "rootUri": None, "capabilities": dict(capabilities), **more}
        )
        self.notify("initialized")
        return dict(result)

    def open(self, uri: str, text: str, language: str = "python", version: int = 1) -> None:
        item = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, uri: str, version: int, *changes: dict[str, Any]) -> None:
        document = {"uri": uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})

    def command(self, name: str, *arguments: Any) -> Any:
        return self.request("workspace/executeCommand", {"command": name, "arguments": list(arguments)})

    def leave(self) -> int:
        """shutdown and exit; the exit code."""
        self.request("shutdown")
        self.notify("exit")
        return self.process.wait(WAIT)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    pass

    def _read(self) -> None:
        assert self.process.stdout is not None
        frames, descriptor = Frames(), self.process.stdout.fileno()
        while chunk := self._chunk(descriptor):
            for body in frames.feed(chunk):
                assert isinstance(body, bytes), f"the server sent a malformed frame: {body}"
                self._take(json.loads(body))
        with self._news:
            self._ended = True
            self._news.notify_all()

    @staticmethod
    def _chunk(descriptor: int) -> bytes:
        try:
            return os.read(descriptor, 65536)
        except OSError:
            return b""

    def _take(self, content: dict[str, Any]) -> None:
        if "method" in content and "id" in content:
            result = self._answer(content["method"], content.get("params"))
            if result is not NO_ANSWER:
                self._send({"id": content["id"], "result": result})
        with self._news:
            if "method" in content:
                self.notes.append(content)
            else:
                assert content["id"] is None or content["id"] not in self.answers, f"answered twice: {content}"
                self.answers[content["id"]] = content
            self._news.notify_all()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        descriptor = self.process.stderr.fileno()
        while chunk := self._chunk(descriptor):
            self.errors += chunk


NO_ANSWER = object()
"""Returned by `answer` to leave a request of the server open."""


def codriver_lsp(*arguments: str) -> list[str]:
    """The command an editor starts."""
    return [sys.executable, "-m", "codriver", "lsp", *arguments]


def position(line: int, character: int) -> dict[str, int]:
    return {"line": line, "character": character}


def change(start: tuple[int, int], end: tuple[int, int], text: str) -> dict[str, Any]:
    """One ranged content change."""
    return {"range": {"start": position(*start), "end": position(*end)}, "text": text}
