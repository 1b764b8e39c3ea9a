"""The messages of Copilot's language server beside the protocol's own, so that its clients are clients here too.

Two layers of them: the older requests (getCompletions, notifyShown, ...) and the newer notifications that go with
textDocument/inlineCompletion. Only the shapes are theirs: the name in serverInfo is ours, and nobody signs in.
"""

from __future__ import annotations

import inspect
import sys
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from codriver.fronts.lsp.failures import INVALID_PARAMS
from codriver.fronts.lsp.protocol import Handler, Refused, converter
from codriver.fronts.lsp.session import Session

if TYPE_CHECKING:
    from codriver.tasks.suggestion import Suggestion

INLINE_EDIT = "textDocument/copilotInlineEdit"
PANEL = "textDocument/copilotPanelCompletion"
USER = "codriver"
"""Who is signed in, as clients show it: nobody is, and without a name they would ask for one."""
KEPT = 64
"""Suggestions whose length is remembered, for what clients tell of them later."""

Inline = Callable[[lsp.InlineCompletionParams], Any]
Told = Mapping[str, Any]


class Dialect:
    """One editor's Copilot messages. `inline` answers textDocument/inlineCompletion."""

    def __init__(self, session: Session, inline: Inline, accepted: str) -> None:
        self._session, self._inline, self._accepted = session, inline, accepted
        self._lengths: OrderedDict[str, int] = OrderedDict()

    def handlers(self) -> dict[str, Handler]:
        """Who answers which message."""
        signed_in = {"status": "OK", "user": USER}
        already = {"status": "AlreadySignedIn", "user": USER}
        version = {"version": self._session.app.version, "runtimeVersion": f"python/{sys.version.split()[0]}"}
        return {
            "checkStatus": lambda params: signed_in,
            "signIn": lambda params: already,
            "signInInitiate": lambda params: already,
            "signInConfirm": lambda params: signed_in,
            "signInWithGithubToken": lambda params: signed_in,
            "signOut": lambda params: {"status": "NotSignedIn"},
            "getVersion": lambda params: version,
            "setEditorInfo": self.introduced,
            "getCompletions": lambda params: self.completions(params, explicit=False),
            "getCompletionsCycling": lambda params: self.completions(params, explicit=True),
            "getPanelCompletions": self.panel,
            "notifyShown": lambda params: "OK",
            "notifyAccepted": self.accepted,
            "notifyRejected": self.rejected,
            PANEL: self.panel_items,
            INLINE_EDIT: self.next_edit,
            "textDocument/didShowCompletion": _noted,
            "textDocument/didShowInlineEdit": _noted,
            "textDocument/didPartiallyAcceptCompletion": self.partly_accepted,
            "textDocument/didFocus": self.focused,
        }

    def status(self, kind: str = "Normal", *, busy: bool = False, message: str = "") -> None:
        """Tells a client of this dialect how we are, in its newer and its older words."""
        if self._session.client.dialect:
            older = "InProgress" if busy else kind
            self._session.peer.notify("didChangeStatus", {"kind": kind, "busy": busy, "message": message})
            self._session.peer.notify("statusNotification", {"status": older, "message": message})

    def introduced(self, params: Any) -> str:
        """Handles setEditorInfo: names of an editor and a plugin. Nothing depends on them."""
        _object(params)
        return "OK"

    # Completions.

    def completions(self, params: Any, *, explicit: bool) -> Coroutine[Any, Any, dict[str, Any]]:
        """Handles getCompletions and getCompletionsCycling: whole lines, from their beginning on."""
        uri, at = _place(params)
        return self._completions(uri, at, self._ask(uri, at, explicit))

    async def _completions(self, uri: str, at: lsp.Position, asked: Any) -> dict[str, Any]:
        return {"completions": [self._whole_lines(uri, at, item) for item in await self._items(asked)]}

    def _ask(self, uri: str, at: lsp.Position, explicit: bool) -> Any:
        kind = lsp.InlineCompletionTriggerKind.Invoked if explicit else lsp.InlineCompletionTriggerKind.Automatic
        place = lsp.TextDocumentIdentifier(uri)
        return self._inline(lsp.InlineCompletionParams(lsp.InlineCompletionContext(kind), place, at))

    async def _items(self, asked: Any) -> Sequence[lsp.InlineCompletionItem]:
        if not inspect.isawaitable(asked):
            return asked.items if asked is not None else ()
        self.status(busy=True)
        try:
            found = await asked
        finally:
            self.status()
        return found.items if found is not None else ()

    def _whole_lines(self, uri: str, at: lsp.Position, item: lsp.InlineCompletionItem) -> dict[str, Any]:
        """An item as the older layer has it: the text begins where the line does, and so does its range."""
        document, where = self._session.documents.get(uri), item.range or lsp.Range(at, at)
        before = typed = ""
        if document is not None:
            line = document.offset(lsp.Position(where.start.line, 0))
            start, cursor = document.offset(where.start), document.offset(at)
            before = document.text.data[line:start].decode("utf-8", "replace")
            typed = document.text.data[start:cursor].decode("utf-8", "replace")
        inserted = _text(item)
        text = before + inserted
        shown = inserted[len(typed) :] if inserted.startswith(typed) else inserted
        return {
            "uuid": self._keep(item, text),
            "text": text,
            "displayText": shown,
            "position": _plain(at),
            "range": {"start": {"line": where.start.line, "character": 0}, "end": _plain(where.end)},
            "docVersion": document.version if document is not None else 0,
        }

    def panel(self, params: Any) -> Coroutine[Any, Any, dict[str, Any]]:
        """Handles getPanelCompletions: the suggestions come as notifications, then how many there were."""
        uri, at = _place(params)
        return self._panel(uri, at, _object(params).get("panelId"), self._ask(uri, at, True))

    async def _panel(self, uri: str, at: lsp.Position, panel: Any, asked: Any) -> dict[str, Any]:
        found = [self._whole_lines(uri, at, item) for item in await self._items(asked)]
        for n, one in enumerate(found):
            solution = {
                "panelId": panel, "solutionId": one["uuid"], "score": len(found) - n, "range": one["range"],
                "displayText": one["text"], "completionText": one["text"], "docVersion": one["docVersion"],
            }  # fmt: skip
            self._session.peer.notify("PanelSolution", solution)
        self._session.peer.notify("PanelSolutionsDone", {"panelId": panel, "status": "OK"})
        return {"solutionCountTarget": len(found)}

    def panel_items(self, params: Any) -> Coroutine[Any, Any, dict[str, Any]]:
        """Handles textDocument/copilotPanelCompletion: what an explicit request gets, in the newer shape."""
        return self._panel_items(self._ask(*_place(params), True))

    async def _panel_items(self, asked: Any) -> dict[str, Any]:
        return {"items": [self._panel_item(item) for item in await self._items(asked)]}

    def _panel_item(self, item: lsp.InlineCompletionItem) -> dict[str, Any]:
        self._keep(item, _text(item))
        return {"insertText": _text(item), "range": item.range, "command": item.command}

    # Next edits.

    def next_edit(self, params: Any) -> Any:
        """Handles textDocument/copilotInlineEdit: where the last edit is likely to be repeated."""
        uri, at = _place(params)
        place = self._session.documents.place(uri)
        if place is None:
            return {"edits": []}
        snapshot = place.snapshot(at)
        asked = self._session.app.tasks.completer.next_edits(snapshot, owner=self._session.owner)
        version = snapshot.version if place is self._session.documents.get(uri) else 0
        return {
            "edits": [
                self._edit(uri, version, place.range(one.start, one.end), one)
                for one in asked
                if place.holds(one.start, one.end)
            ]
        }

    def _edit(self, uri: str, version: int, where: lsp.Range, one: Suggestion) -> dict[str, Any]:
        command = {"title": "Accept", "command": self._accepted, "arguments": [one.decision]}
        document = {"uri": uri, "version": version}
        return {"text": one.text, "range": where, "textDocument": document, "command": command}

    # What became of them.

    def accepted(self, params: Any) -> str:
        """Handles notifyAccepted: a part when fewer characters were taken than were offered."""
        told = _object(params)
        uuid = str(told.get("uuid", ""))
        self._taken(uuid, told.get("acceptedLength"))
        return "OK"

    def rejected(self, params: Any) -> str:
        """Handles notifyRejected."""
        uuids = _object(params).get("uuids")
        for uuid in uuids if isinstance(uuids, list) else ():
            self._fate(str(uuid), "rejected")
        return "OK"

    def partly_accepted(self, params: Any) -> None:
        """Handles textDocument/didPartiallyAcceptCompletion: so many UTF-16 units of the item were taken."""
        told = _object(params)
        if decision := _decision(told.get("item")):
            self._taken(decision, told.get("acceptedLength"), otherwise="partly-accepted")

    def focused(self, params: Any) -> None:
        """Handles textDocument/didFocus: what the user looks at now; nothing, when the editor lost the focus."""
        document = _object(params).get("textDocument")
        uri = document.get("uri") if isinstance(document, Mapping) else None
        self._session.app.analyst.focused(self._session.owner, uri if isinstance(uri, str) else "")

    def _taken(self, uuid: str, length: Any, otherwise: str = "accepted") -> None:
        """Accepted in whole or in part, as far as the client tells how much it took."""
        whole = self._lengths.get(uuid)
        known = isinstance(length, int) and whole is not None
        self._fate(uuid, otherwise if not known else "accepted" if length >= (whole or 0) else "partly-accepted")

    def _fate(self, uuid: str, word: str) -> None:
        self._session.app.tasks.completer.fate(uuid.partition("#")[0], word)

    def _keep(self, item: lsp.InlineCompletionItem, text: str) -> str:
        """The item's name for clients: its decision, with a number where several have the same one."""
        decision = next((str(one) for one in (item.command.arguments or ()) if one), "") if item.command else ""
        uuid, n = decision, 1
        size = len(text.encode("utf-16-le", "surrogatepass")) // 2
        while self._lengths.get(uuid, size) != size:
            n += 1
            uuid = f"{decision}#{n}"
        self._lengths[uuid] = size
        while len(self._lengths) > KEPT:
            self._lengths.popitem(last=False)
        return uuid


def _noted(params: Any) -> None:
    """A suggestion is on the screen. What becomes of it is seen in the text that follows."""
    _object(params)


def _object(params: Any) -> Told:
    if not isinstance(params, Mapping):
        raise Refused("The params must be an object.", INVALID_PARAMS)
    return params


def _place(params: Any) -> tuple[str, lsp.Position]:
    """The document and position of a request; older clients put both into `doc`. Raises Refused."""
    told = _object(params)
    doc = told["doc"] if isinstance(told.get("doc"), Mapping) else {}
    document = told.get("textDocument") if isinstance(told.get("textDocument"), Mapping) else doc
    uri = document.get("uri", doc.get("uri")) if isinstance(document, Mapping) else None
    try:
        at: lsp.Position = converter().structure(told.get("position", doc.get("position")), lsp.Position)
    except Exception as problem:  # the converter raises what its hooks raise
        raise Refused("The message cannot be read: it has no position.", INVALID_PARAMS) from problem
    if not isinstance(uri, str):
        raise Refused("The message cannot be read: it names no document.", INVALID_PARAMS)
    return uri, at


def _decision(item: Any) -> str:
    """The decision in the command of an item that a client sends back."""
    command = item.get("command") if isinstance(item, Mapping) else None
    arguments = command.get("arguments") if isinstance(command, Mapping) else None
    return str(arguments[0]) if isinstance(arguments, list) and arguments else ""


def _text(item: lsp.InlineCompletionItem) -> str:
    return item.insert_text if isinstance(item.insert_text, str) else item.insert_text.value


def _plain(at: lsp.Position) -> dict[str, int]:
    return {"line": at.line, "character": at.character}
