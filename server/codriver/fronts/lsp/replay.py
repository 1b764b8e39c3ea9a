"""What a forwarder must remember to introduce its editor to a new daemon.

No sockets and no threads here: bodies in, frames out. Documents keep their raw changes and are
folded into text only when many have gathered or a daemon needs them, so a keystroke costs
microseconds. Standard library only.
"""

from __future__ import annotations

import json
from typing import Any

from codriver.fronts.lsp.framing import error, frame, message
from codriver.fronts.lsp.remembered import Notebook, OpenDocument, sound

_QUIET: dict[str, Any] = {
    **{f"textDocument/{name}": None for name in ("inlineCompletion", "completion", "hover", "codeLens", "codeAction")},
    "textDocument/copilotInlineEdit": {"edits": []},
    "getCompletions": {"completions": []},
    "getCompletionsCycling": {"completions": []},
}
"""Requests that editors send by themselves, and what is nothing to them: an error would be a box per keystroke."""
READS = frozenset({*_QUIET, "initialize", "codeLens/resolve", "codeAction/resolve", "checkStatus", "getVersion"})
"""Requests that may simply be asked again of the next daemon: they change nothing."""

_INTRODUCTION = "codriver/introduction"
_CANCELLED, _SERVER_CANCELLED = -32800, -32802
_DOCUMENT = frozenset(f"textDocument/{name}" for name in ("didOpen", "didChange", "didSave", "didClose"))
_LATEST = frozenset({"workspace/didChangeConfiguration", "$/setTrace"})


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
        self._documents: dict[str, OpenDocument] = {}
        self._notebooks: dict[str, Notebook] = {}
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
        if method in _DOCUMENT:
            if not sound(method, params):
                return False
            self._document(method, params)
        elif method.startswith("notebookDocument/did"):
            return self._notebook(method, params)
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
            self._documents[uri] = OpenDocument(item)
        elif method == "textDocument/didClose":
            self._documents.pop(uri, None)
        elif method == "textDocument/didChange" and uri in self._documents:
            self._documents[uri].change(item.get("version"), params["contentChanges"], self._encoding)

    def _notebook(self, method: str, params: Any) -> bool:
        """Follows a notebook; False for what no daemon could follow either."""
        try:
            uri = params["notebookDocument"]["uri"]
            if method == "notebookDocument/didOpen":
                self._notebooks[uri] = Notebook(params)
            elif method == "notebookDocument/didClose":
                self._notebooks.pop(uri, None)
            elif method == "notebookDocument/didChange" and uri in self._notebooks:
                self._notebooks[uri].change(params, self._encoding)
        except (KeyError, TypeError, AttributeError):
            return False
        return True

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
        silent = {**_QUIET, "shutdown": None}
        frames = [
            message({"id": identity, "result": silent[method]}) if method in silent else error(identity, code, text)
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
        for notebook in self._notebooks.values():
            frames.append(message({"method": "notebookDocument/didOpen", "params": notebook.opening(self._encoding)}))
        for identity, (method, body, _) in self._pending.items():
            if method != "initialize":
                frames.append(frame(body))
            self._pending[identity] = (method, body, True)
        return frames
