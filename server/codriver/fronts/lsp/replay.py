"""What a forwarder must remember to introduce its editor to a new daemon.

No sockets and no threads here: bodies in, frames out. Documents keep their raw changes and are
folded into text only when many have gathered or a daemon needs them, so a keystroke costs
microseconds. Standard library only.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from codriver.fronts.lsp.framing import error, frame, message

if TYPE_CHECKING:
    from codriver.syntax.text import Text

_QUIET = frozenset(
    f"textDocument/{name}" for name in ("inlineCompletion", "completion", "hover", "codeLens", "codeAction")
)
"""Requests that editors send by themselves. Nothing is an answer to them; an error would be a box per keystroke."""
READS = _QUIET | {"initialize", "codeLens/resolve", "codeAction/resolve"}
"""Requests that may simply be asked again of the next daemon: they change nothing."""

_INTRODUCTION = "codriver/introduction"
_CANCELLED, _SERVER_CANCELLED = -32800, -32802
_FOLD_AT = 1000
_ORIGIN = {"line": 0, "character": 0}
_LATEST = frozenset({"workspace/didChangeConfiguration", "$/setTrace"})


class _Document:
    """One open document: its last folded text and the changes since."""

    def __init__(self, item: dict[str, Any]) -> None:
        self.item = item
        self.text: Text | str = str(item.get("text") or "")
        self.changes: list[dict[str, Any]] = []

    def change(self, version: object, changes: list[dict[str, Any]], encoding: str) -> None:
        self.item["version"] = version
        for change in changes:
            if "range" not in change:
                self.text, self.changes = str(change.get("text") or ""), []
            else:
                self.changes.append(change)
        if len(self.changes) >= _FOLD_AT:
            self.fold(encoding)

    def fold(self, encoding: str) -> str:
        """The current text."""
        if not self.changes:
            return self.text if isinstance(self.text, str) else self.text.data.decode("utf-8", "replace")
        from codriver.syntax.text import Text

        text = self.text if isinstance(self.text, Text) else Text(self.text)
        for change in self.changes:
            start, end = change["range"]["start"], change["range"]["end"]
            span = (int(start["line"]), int(start["character"])), (int(end["line"]), int(end["character"]))
            text.apply(span, change["text"], encoding)
        self.text, self.changes = text, []
        return text.data.decode("utf-8", "replace")


class Memory:
    """One editor's session as far as the next daemon must know it.

    `heard` and `said` take what the editor and the daemon say and tell whether to pass it on;
    `lost` and `replay` make the frames for the editor and for the next daemon.
    """

    def __init__(self) -> None:
        self.shut_down = False
        self.process_id: int | None = None
        self._encoding = "utf-16"
        self._initialize: bytes | None = None
        self._answered = False
        """Whether the editor has its answer to initialize."""
        self._initialized: bytes | None = None
        self._standing: dict[str, bytes] = {}
        self._documents: dict[str, _Document] = {}
        self._pending: dict[Any, tuple[str, bytes, bool]] = {}
        """The editor's open requests: method, body, and whether a daemon has seen it."""
        self._asked: set[Any] = set()
        self._progress: dict[Any, None] = {}

    def heard(self, body: bytes, content: dict[str, Any], *, linked: bool) -> bool:
        """Notes what the editor said; False when it must not be passed on (`linked`: it could be)."""
        method = content.get("method")
        if method is None:
            known = content.get("id") in self._asked
            self._asked.discard(content.get("id"))
            return known
        if "id" in content:
            self._request(method, body, content, linked)
        else:
            return self._notification(method, body, content.get("params"))
        return True

    def _request(self, method: str, body: bytes, content: dict[str, Any], linked: bool) -> None:
        self._pending[content["id"]] = (method, body, linked)
        if method == "initialize" and self._initialize is None:
            self._initialize = body
            process = (content.get("params") or {}).get("processId")
            self.process_id = process if isinstance(process, int) else None
        elif method == "shutdown":
            self.shut_down = True

    def _notification(self, method: str, body: bytes, params: Any) -> bool:
        if method.startswith("textDocument/did"):
            if not _sound(method, params):
                return False
            self._document(method, params)
        elif method == "initialized":
            self._initialized = body
        elif method in _LATEST:
            self._standing[method] = body
        elif method == "workspace/didChangeWorkspaceFolders":
            self._standing[f"{method} {len(self._standing)}"] = body
        return True

    def _document(self, method: str, params: dict[str, Any]) -> None:
        item = params["textDocument"]
        uri = item["uri"]
        if method == "textDocument/didOpen":
            self._documents[uri] = _Document(item)
        elif method == "textDocument/didClose":
            self._documents.pop(uri, None)
        elif method == "textDocument/didChange" and uri in self._documents:
            self._documents[uri].change(item.get("version"), params["contentChanges"], self._encoding)

    def cancelled(self, content: dict[str, Any]) -> bytes | None:
        """The answer to a request that is cancelled before any daemon saw it, else None."""
        params = content.get("params")
        identity = params.get("id") if isinstance(params, dict) else None
        if not isinstance(identity, (int, str)):
            return None
        method, _, seen = self._pending.get(identity, ("", b"", True))
        if seen or method == "initialize":
            return None
        del self._pending[identity]
        return error(identity, _CANCELLED, "cancelled")

    def said(self, content: dict[str, Any]) -> bool:
        """Notes what the daemon said; False when it is not for the editor."""
        identity, method = content.get("id"), content.get("method")
        if method is None:
            return identity is None or self._response(identity, content)
        if identity is not None:
            self._asked.add(identity)
        elif method == "$/progress":
            self._on_progress(content.get("params") or {})
        return True

    def _response(self, identity: Any, content: dict[str, Any]) -> bool:
        introduced = identity == _INTRODUCTION
        method = "initialize" if introduced else self._pending.pop(identity, ("", b"", False))[0]
        if method == "initialize" and "result" in content:
            capabilities = (content["result"] or {}).get("capabilities") or {}
            self._encoding = capabilities.get("positionEncoding") or "utf-16"
            self._answered = True
        return method != "" and not introduced

    def _on_progress(self, params: dict[str, Any]) -> None:
        token, value = params.get("token"), params.get("value")
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind == "begin":
            self._progress[token] = None
        elif kind == "end":
            self._progress.pop(token, None)

    def lost(self) -> list[bytes]:
        """The daemon is gone: frames that tell the editor what died with it."""
        frames = [
            message({"method": "$/progress", "params": {"token": token, "value": {"kind": "end"}}})
            for token in self._progress
        ]
        self._progress.clear()
        self._asked.clear()
        for identity, (method, _, seen) in list(self._pending.items()):
            if method == "shutdown":
                frames.append(message({"id": identity, "result": None}))
            elif seen and method not in READS:
                frames.append(error(identity, _SERVER_CANCELLED, "Codriver's daemon stopped while it worked on this."))
            else:
                continue
            del self._pending[identity]
        return frames

    def refuse(self, code: int, text: str) -> list[bytes]:
        """Answers to everything open, for when there will be no daemon: errors to what a person asked for."""
        silent = _QUIET | {"shutdown"}
        frames = [
            message({"id": identity, "result": None}) if method in silent else error(identity, code, text)
            for identity, (method, _, _) in self._pending.items()
        ]
        self._pending.clear()
        return frames

    def replay(self) -> list[bytes]:
        """Everything the next daemon must hear, in order: who, what is open, what is still asked."""
        frames = []
        if self._initialize is not None and self._answered:
            content = json.loads(self._initialize)
            frames.append(message({**content, "id": _INTRODUCTION}))
        opening = [body for method, body, _ in self._pending.values() if method == "initialize"]
        frames += [frame(body) for body in opening]
        frames += [frame(body) for body in (self._initialized, *self._standing.values()) if body is not None]
        for document in self._documents.values():
            item = {**document.item, "text": document.fold(self._encoding)}
            frames.append(message({"method": "textDocument/didOpen", "params": {"textDocument": item}}))
        for identity, (method, body, _) in self._pending.items():
            if method != "initialize":
                frames.append(frame(body))
            self._pending[identity] = (method, body, True)
        return frames


def _sound(method: str, params: Any) -> bool:
    """Whether a notification says what the protocol wants it to say of a document.

    One that does not is passed on to nobody: a daemon that reads it kindly (5 as "5") and this memory
    must not hold different texts.
    """
    item = params.get("textDocument") if isinstance(params, dict) else None
    if not isinstance(item, dict) or not isinstance(item.get("uri"), str):
        return False
    if method == "textDocument/didOpen":
        return isinstance(item.get("text"), str)
    changes = params.get("contentChanges")
    return method != "textDocument/didChange" or (isinstance(changes, list) and all(map(_sound_change, changes)))


def _sound_change(change: Any) -> bool:
    if not isinstance(change, dict) or not isinstance(change.get("text"), str):
        return False
    where = change.get("range", {"start": _ORIGIN, "end": _ORIGIN})
    ends = (where.get("start"), where.get("end")) if isinstance(where, dict) else ()
    numbers = [end.get(name) for end in ends if isinstance(end, dict) for name in ("line", "character")]
    return len(numbers) == 4 and all(_whole(number) for number in numbers)


def _whole(number: Any) -> bool:
    """Some editors' JSON has 3.0 for 3."""
    return type(number) is int or (isinstance(number, float) and number.is_integer())
