"""Is the server's text the client's? Random edits in all three encodings, compared byte for byte:
`python tests/fronts/lsp/truth.py --edits 100000` (make buffer-truth). Most of them go into a session in this process,
some thousands through a real `codriver lsp` and a real daemon, whose text is read back by the tools for agents.

The client is a plain one: a str, cut into lines at LF, CRLF and lone CR and nowhere else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from lsp_client import CAPABILITIES, Client, Failed, codriver_lsp
from played_app import Editor, PlayedApp

from running import Daemon, daemon_at

ENCODINGS = ("utf-8", "utf-16", "utf-32")
LONGEST = 3_000
"""Characters beyond which a text is cut back."""
WORDS = (
    "a", "total", " = ", "(", ")", "\t", "    ", "\n", "\n", "\n", "\r\n", "\r", "\f", "\v", "\x1c", "\x85", "\u2028",
    "\u2029", "\x00", "é", "e\u0301", "字", "한", "\ufeff", "\ufffd", "𝒳", "😀", "👩‍👩‍👧", "🇺🇳", "\U0010ffff", "\r\r\n", "\n\r",
)  # fmt: skip
_ENDS = re.compile("\r\n|\r|\n")


@dataclass
class Typist:
    """A client's buffer, and somebody who edits it without plan."""

    seed: int
    encoding: str
    text: str = "def first():\r\n    return '😀'\n"
    version: int = 1
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(f"{self.seed}{self.encoding}")

    def batch(self) -> list[dict[str, Any]]:
        """The content changes of one message: mostly one, sometimes several, rarely all of the text."""
        self.version += 1
        return [self._change() for _ in range(self.rng.choice((1, 1, 1, 1, 2, 4)))]

    def _change(self) -> dict[str, Any]:
        new = "".join(self.rng.choices(WORDS, k=self.rng.choice((0, 0, 1, 1, 1, 2, 5, 12))))
        if self.rng.random() < 0.005:
            self.text = new * self.rng.randrange(6)
            return {"text": self.text}
        first, second = self.rng.randrange(len(self.text) + 1), self.rng.randrange(len(self.text) + 1)
        if self.rng.random() < 0.9 and len(self.text) < LONGEST:
            second = min(first + self.rng.choice((0, 0, 0, 1, 1, 3, 20)), len(self.text))
        first, second = sorted((self._addressable(first), self._addressable(second)))
        change = {"range": {"start": self._position(first), "end": self._position(second)}, "text": new}
        self.text = self.text[:first] + new + self.text[second:]
        return change

    def _addressable(self, index: int) -> int:
        """No position lies between a CR and its LF."""
        return index - 1 if self.text[index - 1 : index + 1] == "\r\n" and index else index

    def _position(self, index: int) -> dict[str, int]:
        """The place of a character; at a line's end sometimes further than the line goes, which means its end."""
        line, start, end = 0, 0, len(self.text)
        for found in _ENDS.finditer(self.text):
            if found.end() > index:
                end = found.start()
                break
            line, start = line + 1, found.end()
        beyond = self.rng.choice((0, 0, 0, 1, 500)) if index == end else 0
        return {"line": line, "character": self._units(self.text[start:index]) + beyond}

    def _units(self, text: str) -> int:
        if self.encoding == "utf-8":
            return len(text.encode())
        return len(text.encode("utf-16-le")) // 2 if self.encoding == "utf-16" else len(text)


def speaking(encoding: str) -> dict[str, Any]:
    """The capabilities of a client that counts in this encoding."""
    return {**CAPABILITIES, "general": {"positionEncodings": [encoding]}}


async def in_process(edits: int, seed: int = 1) -> int:
    """So many edits, shared by the encodings, sent to a session in this process. How many were made; raises
    AssertionError at the first message after which the texts differ."""
    return sum([await _session(encoding, edits // len(ENCODINGS) + 1, seed) for encoding in ENCODINGS])


async def _session(encoding: str, edits: int, seed: int) -> int:
    app, made, typist = PlayedApp(), 0, Typist(seed, encoding)
    editor, uri = Editor(app), f"file:///w/{encoding}.py"
    try:
        agreed = await editor.initialize(speaking(encoding))
        assert agreed["capabilities"]["positionEncoding"] == encoding
        editor.open(typist.text, uri)
        while made < edits:
            before, changes = typist.text, typist.batch()
            editor.change(typist.version, *changes, uri=uri)
            made += len(changes)
            while (known := editor.connection._documents) is None or (  # noqa: ASYNC110 (the session's own turns)
                (document := known.get(uri)) is None or document.version != typist.version
            ):
                await asyncio.sleep(0)
            _same(document.text.data, typist, before, changes)
            app.analyst.told.clear()
            app.tasks.followed.clear()
    finally:
        await editor.leave()
    return made


def over_stdio(daemon: Daemon, edits: int, seed: int = 1, every: int = 20) -> int:
    """The same through `codriver lsp`, the text compared after each `every` messages."""
    return sum(_stdio(daemon, encoding, edits // len(ENCODINGS) + 1, seed, every) for encoding in ENCODINGS)


def _stdio(daemon: Daemon, encoding: str, edits: int, seed: int, every: int) -> int:
    typist, made = Typist(seed, encoding), 0
    uri = f"file:///work/{encoding}-{seed}.py"
    editor = Client(codriver_lsp(), {"CODRIVER_HOME": str(daemon.home)})
    try:
        assert editor.initialize(speaking(encoding))["capabilities"]["positionEncoding"] == encoding
        editor.open(uri, typist.text)
        while made < edits:
            before, sent = typist.text, list[dict[str, Any]]()
            for _ in range(every):
                changes = typist.batch()
                sent += changes
                editor.change(uri, typist.version, *changes)
            made += len(sent)
            _settled(editor)
            _same(_read(daemon, uri), typist, before, sent)
    finally:
        editor.kill()
    return made


def _settled(editor: Client) -> None:
    """Whatever was sent before is done when a request is answered, be it with an error."""
    try:
        editor.request("codriver/nothing")
    except Failed:
        pass


def _read(daemon: Daemon, uri: str) -> bytes:
    """The daemon's text of an open buffer, as it tells agents."""
    call = {"name": "read_buffer", "arguments": {"path": uri}}
    answer = daemon.post("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).json()
    assert not answer["result"].get("isError"), answer
    page = json.loads(answer["result"]["content"][0]["text"])
    return str(page["text"]).encode()


def _same(theirs: bytes, typist: Typist, before: str, changes: list[dict[str, Any]]) -> None:
    ours = typist.text.encode()
    assert theirs == ours, (
        f"{typist.encoding}, seed {typist.seed}, version {typist.version}:\nbefore  {before.encode()!r}\n"
        f"changes {changes!r}\nclient  {ours!r}\nserver  {theirs!r}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=100_000)
    parser.add_argument("--stdio", type=int, default=6_000, help="how many of them go through a real connection")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    start = time.monotonic()
    made = asyncio.run(in_process(given.edits - given.stdio, given.seed))
    print(f"{made} edits in a session, {', '.join(ENCODINGS)}: the texts are equal ({time.monotonic() - start:.0f} s)")
    with tempfile.TemporaryDirectory() as home, daemon_at(Path(home), "--simulate") as daemon:
        start = time.monotonic()
        through = over_stdio(daemon, given.stdio, given.seed)
        print(f"{through} edits through codriver lsp: the texts are equal ({time.monotonic() - start:.0f} s)")


if __name__ == "__main__":
    main()
