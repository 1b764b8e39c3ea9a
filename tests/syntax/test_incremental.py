"""After any edit the facts are those of a fresh parse: real files, edited at random as people edit.

CODRIVER_TEST_EDITS sets how many edits are made in all (a few thousand by default).
"""

from __future__ import annotations

import os
import random
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from codriver.syntax import languages
from codriver.syntax.analysis import Buffer
from codriver.syntax.text import Edit, Text
from codriver.syntax.trees import EAGER

EDITS = int(os.environ.get("CODRIVER_TEST_EDITS", "3000"))
PLACES = [Path(sysconfig.get_paths()[name]) for name in ("stdlib", "purelib", "include")]
PLACES += [Path(__file__).parents[2], Path("/usr/include"), Path("/usr/share"), Path("/usr/lib/node_modules")]
LARGEST, SMALLEST, SEEN, MOST = EAGER // 2, 800, 6_000, 3
"""Bytes of a file; names in a place that are looked at; files of a language."""


@dataclass
class Sources:
    """Real files by language, found where this machine has some that are free of errors."""

    files: dict[str, list[Path]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in self._candidates():
            language = languages.find("", path.name, b"")
            if language is None or language.reading == "generic" or len(self.files.get(language.name, [])) >= MOST:
                continue
            if SMALLEST < path.stat().st_size < LARGEST and not Buffer(path.read_bytes(), path=path.name).errors():
                self.files.setdefault(language.name, []).append(path)

    @staticmethod
    def _candidates() -> Iterator[Path]:
        for place in PLACES:
            seen = 0
            for folder, folders, names in os.walk(place):
                folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
                seen += len(names)
                if seen > SEEN:
                    break
                yield from (Path(folder, name) for name in sorted(names) if Path(folder, name).is_file())


class Typist:
    """Edits a text as people do: in words, lines, statements and by pasting; some edits are taken back."""

    KINDS = ("letter", "rubbed", "line", "statement", "paste", "delete", "bracket", "blank", "swap")

    def __init__(self, source: bytes, rng: random.Random) -> None:
        self.text, self.rng = Text(source), rng
        self._back: list[tuple[int, int, bytes]] = []

    def edit(self, broken: bool = False) -> tuple[str, Edit]:
        """The kind of the next edit, and what it did; in broken code most take back what came before."""
        if self._back and self.rng.random() < (0.8 if broken else 0.3):
            start, end, old = self._back.pop()
            return "undo", self._splice(start, end, old, noted=False)
        kind = self.rng.choice(self.KINDS)
        return kind, getattr(self, f"_{kind}")()

    def _splice(self, start: int, end: int, new: bytes, *, noted: bool = True) -> Edit:
        old = self.text.data[start:end]
        edit = self.text.splice(start, end, new)
        if noted:
            self._back.append((start, start + len(new), old))
        return edit

    def _somewhere(self) -> int:
        return self.rng.randrange(len(self.text.data) + 1)

    def _row(self) -> int:
        return self.rng.randrange(self.text.line_count)

    def _word(self) -> int:
        data, at = self.text.data, self._somewhere()
        while at < len(data) and not data[at : at + 1].isalnum():
            at += 1
        return at

    def _letter(self) -> Edit:
        at = self._word()
        return self._splice(at, at, self.rng.choice([b"a", b"x9", b"_"]))

    def _rubbed(self) -> Edit:
        at = self._word()
        return self._splice(at, min(at + 1, len(self.text.data)), b"")

    def _line(self) -> Edit:
        row = self._row()
        at = self.text.line_start(row) + len(self.text.line(row))
        return self._splice(at, at, b"\n" + self._lead(row))

    def _lead(self, row: int) -> bytes:
        line = self.text.line(row)
        return line[: len(line) - len(line.lstrip())]

    def _statement(self) -> Edit:
        at = self.text.line_start(self._row())
        return self._splice(at, at, self.rng.choice([b"x", b"if ", b"return ", b"def f(a):\n", b"} ", b"// ", b"# "]))

    def _paste(self) -> Edit:
        start = self._row()
        copied = self.text.data[self.text.line_start(start) : self.text.line_start(start + self.rng.randrange(1, 12))]
        at = self.text.line_start(self._row())
        return self._splice(at, at, copied)

    def _delete(self) -> Edit:
        row = self._row()
        return self._splice(self.text.line_start(row), self.text.line_start(row + self.rng.randrange(1, 4)), b"")

    def _bracket(self) -> Edit:
        at = self._somewhere()
        return self._splice(at, at, self.rng.choice([b"(", b")", b"{", b"}", b'"', b"'", b'"""', b"/*", b"`"]))

    def _blank(self) -> Edit:
        at = self._somewhere()
        return self._splice(at, at, self.rng.choice([b" ", b"\t", b"\n", b"\r\n", b"\xc3\xa9", b"\xff"]))

    def _swap(self) -> Edit:
        start = self._somewhere()
        end = min(start + self.rng.randrange(40), len(self.text.data))
        other = self._somewhere()
        return self._splice(start, end, self.text.data[other : other + self.rng.randrange(40)])


SOURCES = Sources()


def answers(buffer: Buffer, at: int) -> tuple[object, ...]:
    """What the newest tree says."""
    return buffer.errors(), buffer.in_string_or_comment(at), buffer.at_block_start(at), buffer.inside_word(at)


@pytest.mark.parametrize("language", sorted(SOURCES.files))
def test_edits_lead_where_a_fresh_parse_leads(language: str) -> None:
    """In a text without errors all is equal; in a broken one the last good tree may know more than the newest."""
    clean, rounds = 0, EDITS // len(SOURCES.files) + 1
    files = SOURCES.files[language]
    for path in files:
        typist = Typist(path.read_bytes(), random.Random(path.name))
        buffer = fresh = Buffer(typist.text.data, path=path.name)
        for _ in range(rounds // len(files) + 1):
            kind, edit = typist.edit(fresh.errors() > 0)
            buffer.edit([edit], typist.text.data)
            fresh, at = Buffer(typist.text.data, path=path.name), edit.new_end_byte
            assert answers(buffer, at) == answers(fresh, at), (path, kind, edit)
            if not fresh.errors():
                clean += 1
                assert buffer.functions() == fresh.functions(), (path, kind, edit)
                assert buffer.facts(at) == fresh.facts(at), (path, kind, edit)
                assert buffer.facts() == fresh.facts(), (path, kind, edit)
    assert clean >= rounds // 20, "too few edits left a text without errors to tell anything"


def test_many_languages_have_files_at_hand() -> None:
    assert {"python", "javascript", "typescript", "c"} <= set(SOURCES.files)


def long_source() -> bytes:
    """A text that is read in slices: real modules, one behind the other."""
    texts = [path.read_bytes() for path in sorted(Path(random.__file__).parent.glob("[a-d]*.py"))]
    data = b"\n\n\n".join(text for text in texts if len(text) < EAGER and not Buffer(text, path="a.py").errors())
    return data[: data.index(b"\n\n\n", 2 * EAGER)]


def test_long_texts_read_in_slices_while_they_are_edited_are_read_right() -> None:
    data = long_source()
    typist, buffer, rng = Typist(data, random.Random(7)), Buffer(data, path="a.py"), random.Random(8)
    compared = 0
    for _ in range(120):
        _, edit = typist.edit(broken=True)
        buffer.edit([edit], typist.text.data)
        buffer.facts(edit.new_end_byte)
        for _ in range(rng.randrange(4)):
            buffer.step()
        if rng.random() < 0.1:
            while not buffer.step():
                pass
            fresh, at = Buffer(typist.text.data, path="a.py"), edit.new_end_byte
            fresh.parse()
            assert answers(buffer, at) == answers(fresh, at)
            if not fresh.errors():
                compared += 1
                assert buffer.functions() == fresh.functions()
                assert buffer.facts(at) == fresh.facts(at)
    assert compared >= 2


def test_windows_tell_the_scope_that_the_whole_tree_tells() -> None:
    """Before a long text was read again, what its window says at the cursor is nearly always what it will be."""
    data = long_source()
    text, buffer, rng = Text(data), Buffer(data, path="a.py"), random.Random(9)
    buffer.parse()
    functions, same = buffer.functions(), 0
    for n in range(100):
        function = rng.choice(functions)
        row = text.data.count(b"\n", 0, function.end_byte)
        at = text.line_start(row) + len(text.line(row))
        lead = text.line(row)[: len(text.line(row)) - len(text.line(row).lstrip())]
        added = b"\n" + lead + rng.choice([b"if x and y: pass", b"total = 1", b"for x in y: pass"])
        edit = text.splice(at, at, added)
        buffer.edit([edit], text.data)
        seen = buffer.facts(edit.new_end_byte)
        whole = Buffer(text.data, path="a.py")
        whole.parse()
        same += (seen.scope, seen.cyclomatic, seen.cognitive, seen.lines) == (
            (facts := whole.facts(edit.new_end_byte)).scope, facts.cyclomatic, facts.cognitive, facts.lines,
        )  # fmt: skip
        buffer.edit([text.splice(at, at + len(added), b"")], text.data)
        if n % 10 == 0:
            buffer.parse()
    assert same >= 97
