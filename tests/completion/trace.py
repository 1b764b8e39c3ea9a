"""Requests sent per accepted suggestion, when real files are typed key by key: `python tests/completion/trace.py`.

The same trace is typed against `codriver lsp` and against tabby-agent (default settings, its adaptive debounce
included), both before a simulated model that is right about half of the lines (backend.py). Keys, pauses, slips of the
finger and what would be accepted are decided by the text and a seed; the clock is real, because both servers look at
it. A completion is asked for after every change, as VS Code does, the one before it cancelled. Somebody accepts what he
sees for a moment if all of it is what he was going to write. Ends with 1 when the aim is missed.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "fronts" / "lsp"))
sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

import masks
import tabby
from backend import Backend
from lsp_client import CAPABILITIES, Client, Failed, change, codriver_lsp
from processes import codriver

AIM = 0.5
LINES = 22
"""Lines of a file that are typed."""
SEEN, REACTION = 0.15, 0.35
"""Seconds after which a suggestion is noticed, and until a hand is at the Tab key."""
WILLING = 0.85
"""Share of the right suggestions that are taken."""
SHORTEST = 4
"""Characters for which nobody leaves his keys."""
SLIP = 0.02
CONFIG = """
[http]
port = 0
[complete]
probe = "never"
[providers.bench]
base_url = "http://127.0.0.1:{port}"
wire = "openai_completions"
auth = "none"
discover = ""
[providers.bench.models.fast]
chat = false
fim = "suffix"
"""


@dataclass(frozen=True, slots=True)
class Script:
    """A file, and the part of it that somebody writes."""

    name: str
    language: str
    before: str
    wanted: str
    after: str

    @property
    def text(self) -> str:
        return self.before + self.wanted + self.after


@dataclass
class Tally:
    """What came of one server's sessions."""

    asked: int = 0
    shown: int = 0
    accepted: int = 0
    saved: int = 0
    keys: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def add(self, **more: int) -> None:
        with self.lock:
            for name, value in more.items():
                setattr(self, name, getattr(self, name) + value)


class Typist:
    """Writes a script into one server. method: what it is asked with."""

    def __init__(self, client: Client, method: str, script: Script, tally: Tally, seed: int) -> None:
        self._client, self._method, self._script, self._tally = client, method, script, tally
        self._rng = random.Random(f"{seed}{script.name}")
        self._willing = random.Random(f"{seed}{script.name}taken")
        self._uri, self._version = f"file:///work/{script.name}", 1
        self._written = ""
        self._asking: int | None = None
        self._visible: tuple[str, float, str] | None = None
        """What is shown, since when, and the id of its acceptance."""
        client.open(self._uri, script.before + script.after, script.language)

    def run(self) -> None:
        wanted = self._script.wanted
        while len(self._written) < len(wanted):
            if self._wait(self._pause()):
                continue
            key = self._next_key(wanted)
            if key.isalpha() and self._rng.random() < SLIP:
                self._slip(key)
            self._type(key)
        self._client.notify("textDocument/didClose", {"textDocument": {"uri": self._uri}})

    def _next_key(self, wanted: str) -> str:
        """The next character; after a line's end the editor brings the indentation along."""
        at = len(self._written)
        end = at + 1
        if wanted[at] == "\n":
            while end < len(wanted) and wanted[end] in " \t":
                end += 1
        return wanted[at:end]

    def _pause(self) -> float:
        """Seconds until the next key: fast in a word, slower before one, long at a line's beginning."""
        last = self._written[-1:] or "\n"
        if not self._written.rpartition("\n")[2].strip():
            return self._rng.uniform(0.5, 1.6)
        if last.isalnum() or last == "_":
            return self._rng.lognormvariate(-2.1, 0.35)
        return self._rng.lognormvariate(-1.5, 0.5) if self._rng.random() < 0.9 else self._rng.uniform(0.6, 1.5)

    def _wait(self, seconds: float) -> bool:
        """Until the next key is due; True when a suggestion was taken instead."""
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            self._look()
            time.sleep(min(0.01, max(until - now, 0)))
        self._look()
        if self._visible is None or time.monotonic() - self._visible[1] < SEEN:
            return False
        text, since, told = self._visible
        if len(text) < SHORTEST or not self._script.wanted[len(self._written) :].startswith(text):
            return False
        if self._willing.random() >= WILLING:
            self._visible = None
            return False
        time.sleep(max(since + REACTION - time.monotonic(), 0))
        self._accept(text, told)
        return True

    def _look(self) -> None:
        """Takes notice of an answer: what is shown is the newest one."""
        if self._asking is None or self._asking not in self._client.answers:
            return
        answer, self._asking = self._client.answers[self._asking], None
        found = (answer.get("result") or {}).get("items") or []
        told = self._rest_of(found[0]) if found else None
        if told is None:
            self._visible = None
        elif self._visible is None or self._visible[0] != told[0]:
            self._visible = told[0], time.monotonic(), told[1]
            self._tally.add(shown=1)

    def _rest_of(self, item: dict[str, Any]) -> tuple[str, str] | None:
        """What an item adds behind the cursor, and the id to tell that it was taken; None for nothing."""
        edit = item.get("textEdit") or {"newText": item.get("insertText"), "range": item.get("range")}
        typed = (self._script.before + self._written).rpartition("\n")[2]
        inside = typed[edit["range"]["start"]["character"] :]
        text = str(edit["newText"])
        if not text.startswith(inside) or len(text) <= len(inside):
            return None
        arguments = (item.get("command") or {}).get("arguments") or [""]
        return text[len(inside) :], str(arguments[0])

    def _accept(self, text: str, told: str) -> None:
        self._tally.add(accepted=1, saved=len(text))
        self._insert(text)
        if told:
            try:
                self._client.request("workspace/executeCommand", {"command": "codriver.accepted", "arguments": [told]})
            except Failed:
                pass
        self._visible = None
        self._ask()

    def _slip(self, key: str) -> None:
        """A wrong letter, noticed and taken back."""
        wrong = "e" if key != "e" else "r"
        self._type(wrong)
        time.sleep(self._rng.uniform(0.15, 0.4))
        at = self._position(len(self._written) - 1), self._position(len(self._written))
        self._written = self._written[:-1]
        self._change(change(*at, ""))
        self._visible = None
        self._ask()
        time.sleep(self._rng.uniform(0.1, 0.2))

    def _type(self, key: str) -> None:
        self._tally.add(keys=1)
        self._insert(key)
        if self._visible is not None and self._visible[0].startswith(key) and len(self._visible[0]) > len(key):
            self._visible = self._visible[0][len(key) :], self._visible[1], self._visible[2]
        else:
            self._visible = None
        self._ask()

    def _insert(self, text: str) -> None:
        at = self._position(len(self._written))
        self._written += text
        self._change(change(at, at, text))

    def _change(self, changed: dict[str, Any]) -> None:
        self._version += 1
        self._client.change(self._uri, self._version, changed)

    def _ask(self) -> None:
        if self._asking is not None:
            self._client.notify("$/cancelRequest", {"id": self._asking})
        line, character = self._position(len(self._written))
        place = {"textDocument": {"uri": self._uri}, "position": {"line": line, "character": character}}
        kind = 1 if self._method == "textDocument/completion" else 2
        self._asking = self._client.ask(self._method, place | {"context": {"triggerKind": kind}})
        self._tally.add(asked=1)

    def _position(self, size: int) -> tuple[int, int]:
        """The position behind so many written characters, in units of UTF-16."""
        text = self._script.before + self._written[:size]
        line = text.rpartition("\n")[2]
        return text.count("\n"), len(line.encode("utf-16-le")) // 2


def scripts(count: int, seed: int) -> list[Script]:
    """Parts of published files that numbers were not fitted on, in some languages, each of a function's size."""
    found, rng = list[Script](), random.Random(seed)
    for n in range(count):
        language = ("python", "typescript", "go", "javascript")[n % 4]
        files = [f for f in masks.published(language, held_out=True) if 6_000 < f.stat().st_size < 30_000]
        text = rng.choice(files).read_text("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        lines = (
            text.splitlines(keepends=True)
            if text.isascii()
            else text.encode("ascii", "replace").decode().splitlines(True)
        )
        first = _beginning(lines, rng)
        wanted = "".join(lines[first : first + LINES])
        before = "".join(lines[:first])
        indent = wanted[: len(wanted) - len(wanted.lstrip(" \t"))]
        found.append(
            Script(f"typed{n}.{_ENDING[language]}", language, before + indent, wanted[len(indent) :].rstrip("\n"),
                   "\n" + "".join(lines[first + LINES :]))
        )  # fmt: skip
    return found


_ENDING = {"python": "py", "typescript": "ts", "go": "go", "javascript": "js"}


def _beginning(lines: Sequence[str], rng: random.Random) -> int:
    """A line in the middle of the file from which on there is mostly code."""
    places = range(len(lines) // 4, max(len(lines) - LINES - 5, len(lines) // 4 + 1))
    rated = [(sum(masks.telling(line.encode()) and line.lstrip()[:1] not in "#/*\"'" for line in lines[n : n + LINES]), n)
             for n in rng.sample(places, min(12, len(places))) if lines[n].strip()]  # fmt: skip
    return max(rated)[1]


def told(title: str, tally: Tally, requests: int) -> float:
    each = requests / max(tally.accepted, 1)
    print(
        f"  {title:12}  {tally.keys} keys, {tally.asked} times asked, {requests} requests to the model, {tally.shown} shown, "
        f"{tally.accepted} accepted ({tally.saved} characters): {each:.2f} requests per accepted suggestion"
    )
    return each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--alone", action="store_true", help="without tabby-agent")
    given = parser.parse_args()
    missing = "left out" if given.alone else tabby.available()
    print("Typing real files, before a simulated model" + (f"; tabby-agent: {missing}" if missing else ""))
    written = scripts(given.files, given.seed)
    ours, theirs = Backend([s.text for s in written]), Backend([s.text for s in written])
    mine, other, clients, failed = Tally(), Tally(), list[Client](), list[BaseException]()
    with tempfile.TemporaryDirectory() as folder, codriver(Path(folder) / "ours", CONFIG.format(port=ours.port)):
        try:
            typists = []
            for n, script in enumerate(written):
                client = Client(codriver_lsp(), {"CODRIVER_HOME": str(Path(folder) / "ours")})
                clients.append(client)
                client.initialize(CAPABILITIES, clientInfo={"name": "trace"})
                typists.append(Typist(client, "textDocument/inlineCompletion", script, mine, given.seed))
                if not missing:
                    peer = tabby.start(Path(folder) / f"peer{n}", theirs.port, more="")
                    clients.append(peer)
                    peer.initialize(CAPABILITIES)
                    typists.append(Typist(peer, "textDocument/completion", script, other, given.seed))
            _together(typists, failed)
        finally:
            for client in clients:
                client.kill()
    if failed:
        raise failed[0]
    each = told("codriver", mine, ours.requests)
    if missing:
        return
    share = each / told("tabby-agent", other, theirs.requests)
    print(f"  {share:.0%} of tabby-agent's; at most {AIM:.0%}: {'yes' if share <= AIM else 'NO'}")
    sys.exit(0 if share <= AIM else 1)


def _together(typists: Sequence[Typist], failed: list[BaseException]) -> None:
    """All of them type at the same time, in the same weather."""

    def run(typist: Typist) -> None:
        try:
            typist.run()
        except BaseException as problem:  # a thread's failure: whoever joins them raises it
            failed.append(problem)

    threads = [threading.Thread(target=run, args=(typist,)) for typist in typists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
