"""Plays scripted editing scenarios through the real language server, against an upstream that always has an answer.

A scenario is a text with a cursor, what the upstream would say, and steps; some of them ask as an editor does after
every key, and say whether silence or a suggestion is right. Time is the player's own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fleet import SMALL
from played_app import Editor, PlayedProjects

from codriver.config import Settings
from codriver.tasks.complete import Completer
from codriver.tasks.desk import Tasks
from scripted import DONE, ROLE, STOP, Bench, frame

FOLDER = Path(__file__).parent
ENDINGS = {
    "python": "py", "typescript": "ts", "javascript": "js", "go": "go", "rust": "rs", "java": "java", "c": "c",
    "ruby": "rb", "html": "html", "css": "css", "markdown": "md", "json": "json", "toml": "toml", "shellscript": "sh",
}  # fmt: skip
KEY = 0.15
"""Seconds between two keys."""
WAITING = 0.2
"""Seconds the upstream takes."""


@dataclass(frozen=True)
class Scenario:
    """One line of the table. steps: see Typist."""

    name: str
    text: str
    steps: tuple[str, ...]
    answer: str = "result"
    language: str = "python"
    uri: str = ""
    group: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def scenarios() -> list[Scenario]:
    """All scenarios of the folder, by file."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        page = tomllib.loads(path.read_text("utf-8"))
        for one in page["scenario"]:
            found.append(Scenario(**{**one, "steps": tuple(one["steps"]), "group": path.stem}))
    return found


@dataclass(frozen=True)
class Judged:
    """One question of a scenario: what was right, and what came."""

    scenario: Scenario
    step: int
    wanted: str
    shown: str
    """The first suggestion's text; "" for silence."""
    reason: str
    """Why nothing was said."""

    @property
    def right(self) -> bool:
        kind, _, content = self.wanted.partition(" ")
        return not self.shown if kind == "quiet" else bool(self.shown) and content in self.shown


class Typist:
    """Somebody at an editor.

    type TEXT: key by key, asking after each.       put TEXT: in one change (a paste, a snippet, a menu's choice); `‸` in
    it is where the cursor goes.                    pair (): a bracket, and its closer by the editor.
    back N, delete N: that many characters.         word: deletes the word before the cursor in one change.
    enter [TEXT]: a line end and this indentation.  left N, right N, up N, down N, goto TEXT: moves the cursor.
    over: types over the character at the cursor.   multi TEXT: typed at all cursors of the text, key by key.
    whole: sends the text whole from now on.        tidy: the editor takes blanks away at all line ends.
    swap: the first two lines change places.        cut: takes the cursor's line away.
    undo, redo: the last step that changed.         select TEXT=NEW: replaces the next TEXT by NEW in one change.
    rename TEXT=NEW: everywhere, in one change.     far TEXT: the editor itself puts a line at the text's beginning.
    accept, accept-word, accept-line, reject.       wait S.    invoke: asks on demand.
    answer [TEXT]: what the upstream says from now on.
    show [PART], quiet: asks, and says what is right.
    """

    def __init__(self, scenario: Scenario, editor: Editor, bench: Bench, clock: list[float]) -> None:
        self.scenario, self.editor, self.bench, self.clock = scenario, editor, bench, clock
        self.uri = scenario.uri or f"file:///work/sample.{ENDINGS[scenario.language]}"
        parts = scenario.text.split("‸")
        self.text = "".join(parts)
        self.cursors = [sum(map(len, parts[: n + 1])) for n in range(len(parts) - 1)]
        self.version, self.items = 1, list[dict[str, Any]]()
        self.past, self.undone = list[tuple[str, int]](), list[tuple[str, int]]()
        self.judged: list[Judged] = []
        self.sends_all = False

    @property
    def cursor(self) -> int:
        return self.cursors[0]

    @cursor.setter
    def cursor(self, where: int) -> None:
        self.cursors[0] = min(max(where, 0), len(self.text))

    async def play(self) -> list[Judged]:
        item = {"uri": self.uri, "languageId": self.scenario.language, "version": 1, "text": self.text}
        self.editor.notify("textDocument/didOpen", {"textDocument": item})
        for number, step in enumerate(self.scenario.steps):
            verb, _, rest = step.partition(" ")
            if verb in ("show", "quiet"):
                await self.judge(number, step)
            else:
                if verb in CHANGING:
                    self.past.append((self.text, self.cursor))
                    self.undone.clear()
                await getattr(self, f"do_{verb.replace('-', '_')}")(rest)
        return self.judged

    async def judge(self, number: int, wanted: str) -> None:
        before = dict(self.completer.silences)
        items = await self.ask()
        after = self.completer.silences
        reason = next((word for word, n in after.items() if word and n > before.get(word, 0)), "")
        shown = items[0]["insertText"] if items else ""
        self.judged.append(Judged(self.scenario, number, wanted, shown, reason))

    @property
    def completer(self) -> Completer:
        completer: Completer = self.editor.app.tasks.completer
        return completer

    # What an editor sends.

    async def ask(self, *, invoked: bool = False) -> list[dict[str, Any]]:
        context = {"triggerKind": 1 if invoked else 2}
        params = {"textDocument": {"uri": self.uri}, "position": self.position(self.cursor), "context": context}
        self.items = (await self.editor.request("textDocument/inlineCompletion", params) or {"items": []})["items"]
        return self.items

    def change(self, *edits: tuple[int, int, str]) -> None:
        """Replacements of one message, each in the text the ones before it left."""
        told: list[dict[str, Any]] = []
        for start, end, new in edits:
            told.append({"range": {"start": self.position(start), "end": self.position(end)}, "text": new})
            self.text = self.text[:start] + new + self.text[end:]
        told = [{"text": self.text}] if self.sends_all else told
        self.version += 1
        document = {"uri": self.uri, "version": self.version}
        self.editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": told})
        self.clock[0] += KEY

    def position(self, offset: int) -> dict[str, int]:
        before = self.text[:offset]
        line = before[before.rfind("\n") + 1 :]
        return {"line": before.count("\n"), "character": len(line.encode("utf-16-le")) // 2}

    # Steps.

    async def do_type(self, text: str) -> None:
        for sign in text:
            self.change((self.cursor, self.cursor, sign))
            self.cursor += 1
            await self.ask()

    async def do_put(self, text: str) -> None:
        text = text.replace("\\n", "\n")
        before, _, after = text.partition("‸")
        self.change((self.cursor, self.cursor, before + after))
        self.cursor += len(before)

    async def do_pair(self, text: str) -> None:
        self.change((self.cursor, self.cursor, text[0]), (self.cursor + 1, self.cursor + 1, text[1]))
        self.cursor += 1

    async def do_back(self, count: str) -> None:
        for _ in range(int(count or 1)):
            self.change((self.cursor - 1, self.cursor, ""))
            self.cursor -= 1

    async def do_delete(self, count: str) -> None:
        for _ in range(int(count or 1)):
            self.change((self.cursor, self.cursor + 1, ""))

    async def do_word(self, _: str) -> None:
        kept = self.text[: self.cursor].rstrip()
        while kept and (kept[-1].isalnum() or kept[-1] == "_"):
            kept = kept[:-1]
        self.change((len(kept), self.cursor, ""))
        self.cursor = len(kept)

    async def do_enter(self, indentation: str) -> None:
        new = "\n" + indentation.replace("_", " ")
        self.change((self.cursor, self.cursor, new))
        self.cursor += len(new)

    async def do_left(self, count: str) -> None:
        self.cursor -= int(count or 1)

    async def do_right(self, count: str) -> None:
        self.cursor += int(count or 1)

    async def do_up(self, count: str) -> None:
        self._rows(-int(count or 1))

    async def do_down(self, count: str) -> None:
        self._rows(int(count or 1))

    def _rows(self, count: int) -> None:
        lines = self.text.split("\n")
        row = self.text.count("\n", 0, self.cursor)
        column = self.cursor - (self.text.rfind("\n", 0, self.cursor) + 1)
        row = min(max(row + count, 0), len(lines) - 1)
        self.cursor = sum(len(line) + 1 for line in lines[:row]) + min(column, len(lines[row]))

    async def do_goto(self, text: str) -> None:
        self.cursor = self.text.index(text) + len(text)

    async def do_over(self, _: str) -> None:
        self.change((self.cursor, self.cursor + 1, self.text[self.cursor]))
        self.cursor += 1

    async def do_multi(self, text: str) -> None:
        for sign in text:
            self.change(*((at + n, at + n, sign) for n, at in enumerate(self.cursors)))
            self.cursors = [at + n + 1 for n, at in enumerate(self.cursors)]
            await self.ask()

    async def do_undo(self, _: str) -> None:
        self.undone.append((self.text, self.cursor))
        self._restore(*self.past.pop())

    async def do_redo(self, _: str) -> None:
        self.past.append((self.text, self.cursor))
        self._restore(*self.undone.pop())

    def _restore(self, text: str, cursor: int) -> None:
        pairs = enumerate(zip(text, self.text, strict=False))
        head = next((n for n, (a, b) in pairs if a != b), min(len(text), len(self.text)))
        room = min(len(text), len(self.text)) - head
        tail = next((n for n in range(room) if text[-1 - n] != self.text[-1 - n]), room)
        self.change((head, len(self.text) - tail, text[head : len(text) - tail]))
        self.cursor = cursor

    async def do_select(self, both: str) -> None:
        old, _, new = both.partition("=")
        start = self.text.index(old, self.cursor)
        self.change((start, start + len(old), new))
        self.cursor = start + len(new)

    async def do_rename(self, both: str) -> None:
        old, _, new = both.partition("=")
        parts, edits, at = self.text.split(old), [], 0
        for part in parts[:-1]:
            edits.append((at + len(part), at + len(part) + len(old), new))
            at += len(part) + len(new)
        self.change(*edits)
        self.cursor = at

    async def do_far(self, line: str) -> None:
        self.change((0, 0, line + "\n"))
        self.cursor += len(line) + 1

    async def do_accept(self, _: str) -> None:
        self._take(lambda text: text)

    async def do_accept_word(self, _: str) -> None:
        def word(rest: str) -> str:
            size = len(rest) - len(rest.lstrip())
            while size < len(rest) and (rest[size].isalnum() or rest[size] == "_"):
                size += 1
            return rest[: max(size, 1)]

        self._take(word)

    async def do_accept_line(self, _: str) -> None:
        self._take(lambda text: text.partition("\n")[0] + "\n")

    def _take(self, part: Any) -> None:
        where, text = self.items[0]["range"], self.items[0]["insertText"]
        start, end = (self._offset(where[side]) for side in ("start", "end"))
        rest = text[self.cursor - start :]
        taken = part(rest)
        whole = taken == rest
        self.change((self.cursor, end if whole else self.cursor, taken))
        self.cursor += len(taken)
        if whole:
            command = self.items[0]["command"]
            self.editor.command(command["command"], *command["arguments"])

    def _offset(self, position: dict[str, int]) -> int:
        start = sum(len(line) + 1 for line in self.text.split("\n")[: position["line"]])
        return start + position["character"]  # no characters beyond the basic plane where a suggestion is taken

    async def do_reject(self, _: str) -> None:
        await self.editor.wait(self.editor.command("codriver.rejected", self.items[0]["command"]["arguments"][0]))

    async def do_wait(self, seconds: str) -> None:
        self.clock[0] += float(seconds)

    async def do_whole(self, _: str) -> None:
        self.sends_all = True

    async def do_swap(self, _: str) -> None:
        first, second, _ = self.text.split("\n", 2)
        self.change((0, len(first) + len(second) + 1, f"{second}\n{first}"))
        self.cursor = len(second) + 1 + len(first)

    async def do_cut(self, _: str) -> None:
        start, end = self.text.rfind("\n", 0, self.cursor) + 1, self.text.find("\n", self.cursor) + 1
        self.change((start, end, ""))
        self.cursor = start

    async def do_tidy(self, _: str) -> None:
        spots = [found.span() for found in re.finditer(r"[ \t]+$", self.text, re.MULTILINE)]
        self.change(*((start, end, "") for start, end in reversed(spots)))
        self.cursor -= sum(end - start for start, end in spots if end <= self.cursor)

    async def do_answer(self, text: str) -> None:
        self.bench.upstream.scripts = {SMALL.model.key: frames(text)}

    async def do_invoke(self, _: str) -> None:
        await self.ask(invoked=True)


CHANGING = {
    "type", "put", "pair", "back", "delete", "word", "enter", "over", "multi", "rename", "select", "far", "tidy", "swap", "cut", "accept", "accept-word",
    "accept-line",
}  # fmt: skip


def frames(text: str) -> tuple[bytes, ...]:
    """An answer as it comes, eight characters at a time."""
    return (ROLE, *(frame({"content": text[at : at + 8]}) for at in range(0, len(text), 8)), STOP, DONE)


@asynccontextmanager
async def at_work(scenario: Scenario) -> AsyncIterator[Typist]:
    """Somebody at an editor that is connected to a server of its own."""
    bench = Bench({SMALL.model.key: frames(scenario.answer)}, (SMALL,))
    clock = [1000.0]

    async def pause(seconds: float) -> None:
        clock[0] += seconds

    settings = Settings.model_validate({"complete": {"alternatives": 1, **scenario.settings}})
    tasks = Tasks(bench.router, bench.router.analyst, settings)
    tasks.completer = Completer(bench.router, bench.router.analyst, settings, lambda: clock[0], pause)
    app = SimpleNamespace(
        version="1.0", token="", analyst=bench.router.analyst, router=bench.router, tasks=tasks, editors=0,
        workspace=PlayedProjects(),
    )  # fmt: skip
    editor = Editor(app)
    await editor.initialize()
    try:
        yield Typist(scenario, editor, bench, clock)
    finally:
        await editor.leave()


async def play(scenario: Scenario) -> list[Judged]:
    """Every question of a scenario, answered."""
    async with at_work(scenario) as typist:
        return await typist.play()


@dataclass(frozen=True)
class Rates:
    """Shares of the questions that were answered right: where silence was right, and where a suggestion was."""

    judged: Sequence[Judged]

    def of(self, kind: str) -> tuple[int, int]:
        """How many were right, of how many."""
        asked = [one for one in self.judged if one.wanted.partition(" ")[0] == kind]
        return sum(one.right for one in asked), len(asked)

    def lines(self) -> Iterator[str]:
        """For people."""
        groups = dict.fromkeys(one.scenario.group for one in self.judged)
        for group in groups:
            part = Rates([one for one in self.judged if one.scenario.group == group])
            yield f"  {group:12} {part._line()}"
        yield f"  {'all':12} {self._line()}"
        for one in self.judged:
            if not one.right:
                came = repr(one.shown) if one.shown else f"silence ({one.reason})"
                yield f"  wrong: {one.scenario.name}, step {one.step + 1}: {one.wanted!r} was right, {came} came"

    def _line(self) -> str:
        parts = []
        for kind in ("quiet", "show"):
            right, count = self.of(kind)
            parts.append(f"{kind} {right:3}/{count:3}" + (f" {right / count:6.1%}" if count else "       "))
        return "  ".join(parts)
