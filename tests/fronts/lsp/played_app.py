"""An application whose answers the test decides, and an editor in the same process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from lsp_client import CAPABILITIES, Failed

from codriver.config import Settings
from codriver.errors import Failure, Kind, Unroutable
from codriver.fronts.lsp.framing import Frames, frame
from codriver.fronts.lsp.server import Connection
from codriver.model.decision import Candidate, Decision, Outcome, Refusal
from codriver.model.features import Function
from codriver.model.request import Request, Snapshot
from codriver.syntax.text import Edit
from codriver.tasks.changes import Change
from codriver.tasks.review import Findings
from codriver.tasks.suggestion import Picked, Suggestion

URI = "file:///w/a.py"

DECISION = Decision(
    id="d1",
    strategy="auto",
    candidates=(Candidate("acme/large", "anthropic", 0.9, 0.012, 3.0, reason="hard code"),),
    refused=(
        Refusal("acme/small", "window", "its window is too small"),
        Refusal("other/a", "key", "OTHER_KEY is not set"),
        Refusal("other/b", "key", "OTHER_KEY is not set"),
    ),
    reasons=("cognitive complexity 21",),
)
OUTCOME = Outcome("o1", 0.0, "lsp", "", "refactor", "ok", DECISION, model="acme/large", cost=0.01, seconds=1.5)


class PlayedAnalyst:
    """Keeps what it is told, and knows the functions the test gives it."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.snapshots: dict[str, Snapshot] = {}
        self.known: tuple[Function, ...] = ()

    def opened(self, owner: int, snapshot: Snapshot) -> None:
        self.told.append(("opened", snapshot.uri))
        self.snapshots[snapshot.uri] = snapshot

    def changed(self, owner: int, uri: str, edits: list[Edit], now: Callable[[], Snapshot]) -> None:
        old, snapshot = self.snapshots[uri].text, now()
        for edit in edits:
            size = edit.new_end_byte - edit.start_byte
            old = old[: edit.start_byte] + b"\0" * size + old[edit.old_end_byte :]
        assert len(old) == len(snapshot.text), "the edits do not lead from the old text to the new"
        self.told.append(("changed", snapshot.uri, len(edits)))
        self.snapshots[snapshot.uri] = snapshot

    def closed(self, owner: int, uri: str) -> None:
        self.told.append(("closed", uri))

    def focused(self, owner: int, uri: str) -> None:
        self.told.append(("focused", uri))

    def left(self, owner: int) -> list[object]:
        self.told.append(("left", owner))
        return []

    def functions(self, owner: int, uri: str) -> tuple[Function, ...]:
        return self.known

    def function_at(self, owner: int, uri: str, offset: int) -> Function | None:
        inside = [f for f in self.functions(owner, uri) if f.start_byte <= offset <= f.end_byte]
        return min(inside, key=lambda f: f.end_byte - f.start_byte, default=None)


class PlayedProjects:
    """Keeps which folders and files it is told of."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def opened(self, root: str) -> None:
        self.told.append(("opened", root))

    def closed(self, root: str) -> None:
        self.told.append(("closed", root))

    def changed(self, path: str) -> None:
        self.told.append(("changed", path))


class PlayedRouter:
    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.routable = True
        self.outcome: Outcome | None = OUTCOME

    def decide(self, request: Request) -> Decision:
        self.asked.append(request)
        if not self.routable:
            raise Unroutable(Failure(Kind.UNROUTABLE, "No model may answer"), ("acme: no key",))
        return DECISION

    def last(self, front: str = "") -> Outcome | None:
        return self.outcome


class PlayedTasks:
    """Suggestions, rewrites and findings as the test wants; `gate` holds them back."""

    def __init__(self) -> None:
        self.completer = self
        self.gate = asyncio.Event()
        self.gate.set()
        self.seen: list[tuple[Snapshot, Any]] = []
        self.cancelled = 0
        self.fates: list[tuple[str, str]] = []
        self.followed: list[tuple[Any, ...]] = []
        self.edits: list[Suggestion] = []
        self.picked: Picked | None = None
        self.suggest: Callable[[Snapshot], list[Suggestion]] = lambda snapshot: []
        self.rewrite: Any = None
        self.findings: Any = None
        self.told: Any = None
        self.diffs: list[tuple[str, tuple[str, ...]]] = []
        self.failure: Exception | None = None

    async def _pass(self, snapshot: Snapshot, what: Any) -> None:
        self.seen.append((snapshot, what))
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure

    def opened(self, owner: int, uri: str) -> None:
        self.followed.append(("opened", uri))

    def changed(self, owner: int, uri: str, batch: list[Change], content: Callable[[], bytes]) -> None:
        self.followed += [("changed", uri, change) for change in batch]

    def closed(self, owner: int, uri: str) -> None:
        self.followed.append(("closed", uri))

    def left(self, owner: int) -> None:
        self.followed.append(("left",))

    async def complete(
        self, snapshot: Snapshot, *, owner: int, explicit: bool, picked: Picked | None = None
    ) -> list[Suggestion]:
        self.picked = picked
        await self._pass(snapshot, explicit)
        return self.suggest(snapshot)

    def next_edits(self, snapshot: Snapshot, *, owner: int) -> list[Suggestion]:
        return self.edits

    def fate(self, decision: str, word: str) -> None:
        self.fates.append((decision, word))

    async def refactor(self, snapshot: Snapshot, instruction: str, *, notify: Callable[[str], None]) -> Any:
        notify("asking acme/large")
        await self._pass(snapshot, instruction)
        return self.rewrite

    async def review(self, snapshot: Snapshot, *, base: bytes | None, notify: Callable[[str], None]) -> Any:
        notify("reading")
        await self._pass(snapshot, base)
        return self.findings

    async def document(self, snapshot: Snapshot, *, notify: Callable[[str], None]) -> Any:
        await self._pass(snapshot, "document")
        return self.rewrite

    async def fix(self, snapshot: Snapshot, complaints: list[str], *, notify: Callable[[str], None]) -> Any:
        await self._pass(snapshot, complaints)
        return self.rewrite

    async def tests(self, snapshot: Snapshot, *, exists: Callable[[str], bool], notify: Callable[[str], None]) -> Any:
        await self._pass(snapshot, exists)
        return self.told

    async def explain(self, snapshot: Snapshot, question: str, *, notify: Callable[[str], None]) -> Any:
        await self._pass(snapshot, question)
        return self.told

    async def names(self, snapshot: Snapshot, *, notify: Callable[[str], None]) -> Any:
        await self._pass(snapshot, "names")
        return self.told

    async def commit_message(self, diff: str, recent: tuple[str, ...], *, notify: Callable[[str], None]) -> Any:
        self.diffs.append((diff, recent))
        return self.told


class PlayedOverview:
    async def look(self) -> list[Any]:
        return [SimpleNamespace(saved=7.0), SimpleNamespace(saved=0.5)]


@dataclass
class PlayedApp:
    token: str = "a-token-for-tests"
    version: str = "1.2.3"
    analyst: PlayedAnalyst = field(default_factory=PlayedAnalyst)
    workspace: PlayedProjects = field(default_factory=PlayedProjects)
    router: PlayedRouter = field(default_factory=PlayedRouter)
    tasks: PlayedTasks = field(default_factory=PlayedTasks)
    ledger: Any = field(default_factory=lambda: SimpleNamespace(spent_today=1.25))
    settings: Any = field(default_factory=lambda: Settings.model_validate({"routing": {"strategy": "cost"}}))
    overview: Any = field(default_factory=PlayedOverview)
    address: str = "http://127.0.0.1:5"
    config_error: str = ""
    handed: dict[str, str] = field(default_factory=dict)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    counts: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    """How many editors there were, at each change."""

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "editors":
            self.counts.put_nowait(int(str(value)))

    def hand(self, keys: Mapping[str, str]) -> None:
        self.handed |= keys

    def dashboard(self) -> str:
        return f"{self.address}/dashboard#code"

    async def until_editors(self, count: int) -> None:
        async with asyncio.timeout(5):
            while await self.counts.get() != count:
                pass


class Editor:
    """An editor whose messages go straight into a connection. Messages sent together arrive together."""

    def __init__(self, app: PlayedApp) -> None:
        self.app = app
        self.notes: list[dict[str, Any]] = []
        self.answers: dict[Any, dict[str, Any]] = {}
        self.answer: Callable[[str, Any], Any] = lambda method, params: None
        self._frames = Frames()
        self._reader = asyncio.StreamReader()
        self._news = asyncio.Event()
        self.connection = Connection(app, 1, self)
        self._running = asyncio.ensure_future(self.connection.run(self._reader))
        self._ids = 0

    # The connection writes here.

    def write(self, data: bytes) -> None:
        for body in self._frames.feed(data):
            assert isinstance(body, bytes), body
            self._take(json.loads(body))

    def is_closing(self) -> bool:
        return False

    def _take(self, content: dict[str, Any]) -> None:
        if "method" in content:
            self.notes.append(content)
            if "id" in content:
                result = self.answer(content["method"], content["params"])
                if result is not ...:
                    self.send({"id": content["id"], "result": result})
        else:
            assert content["id"] is None or content["id"] not in self.answers, "answered twice"
            self.answers[content["id"]] = content
        self._news.set()

    # The test speaks here.

    def send(self, content: dict[str, Any]) -> None:
        self._reader.feed_data(frame(json.dumps({"jsonrpc": "2.0", **content}).encode()))

    def raw(self, data: bytes) -> None:
        self._reader.feed_data(data)

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"method": method, "params": params if params is not None else {}})

    def ask(self, method: str, params: Any = None) -> int:
        self._ids += 1
        self.send({"id": self._ids, "method": method, "params": params if params is not None else {}})
        return self._ids

    async def until(self, condition: Callable[[], Any]) -> Any:
        async with asyncio.timeout(5):
            while not condition():
                self._news.clear()
                await self._news.wait()
        return condition()

    async def wait(self, identity: Any) -> Any:
        await self.until(lambda: identity in self.answers)
        answer = self.answers[identity]
        if "error" in answer:
            raise Failed(answer["error"])
        return answer["result"]

    async def request(self, method: str, params: Any = None) -> Any:
        return await self.wait(self.ask(method, params))

    async def initialize(self, capabilities: dict[str, Any] = CAPABILITIES, **more: Any) -> dict[str, Any]:
        result = await self.request(
            "initialize", {"processId": None, "rootUri": None, "capabilities": capabilities, **more}
        )
        self.notify("initialized")
        return dict(result)

    def open(self, text: str, uri: str = URI, version: int = 1) -> None:
        item = {"uri": uri, "languageId": "python", "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, version: int, *changes: dict[str, Any], uri: str = URI) -> None:
        document = {"uri": uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})

    def command(self, name: str, *arguments: Any, **more: Any) -> int:
        return self.ask("workspace/executeCommand", {"command": name, "arguments": list(arguments), **more})

    def told(self, method: str) -> list[Any]:
        return [note.get("params") for note in self.notes if note["method"] == method]

    async def leave(self) -> None:
        self._reader.feed_eof()
        await self._running


def function(name: str, start: int, end: int, *, line: int = 1, cyclomatic: int = 9, cognitive: int = 21) -> Function:
    return Function(name, "function", line, line + 3, cyclomatic, cognitive, 3, 2, 4, start, end)


def suggestion(text: str, start: int, end: int, **more: Any) -> Suggestion:
    return Suggestion(text, start, end, **{"model": "acme/small", "decision": "d1", **more})


def findings(*items: Any) -> Any:
    return Findings(items, 0, 0, "acme/large", False, 0.02, "d1")
