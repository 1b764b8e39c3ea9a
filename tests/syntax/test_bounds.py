"""What one question may cost in a text of any size, in bytes that are parsed and counted: the event loop waits for it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from typing import Any, cast

import pytest
from tree_sitter import Parser, Tree
from tree_sitter_language_pack import get_language

from codriver.model.features import Function
from codriver.syntax import complexity, measures, trees, windows
from codriver.syntax.analysis import Buffer
from codriver.syntax.parse import Parse
from codriver.syntax.parsing import TURNS, attempt, parser
from codriver.syntax.places import COUNTED
from codriver.syntax.text import Edit, Text
from codriver.syntax.trees import EAGER, WHOLE
from codriver.syntax.windows import WINDOW

PYTHON = "class C{n}(Base):\n    def f{n}(self, a):\n        if a:\n            return g{n}(a)\n        return {n}\n\n"
TYPESCRIPT = (
    "export class C{n} {{\n  f(a: number): number {{\n    if (a) {{\n      return g(a);\n    }}\n"
    "    return {n};\n  }}\n}}\n\n"
)
C = "static int f{n}(int a)\n{{\n    if (a)\n        return g(a);\n    return {n};\n}}\n\n"
KINDS = {"a.py": ("import numpy\n", PYTHON), "a.ts": ('import x from "react";\n', TYPESCRIPT), "a.c": ("", C)}
LINES = {"unread": 6_000, "long": 30_000}


def long_text(path: str, lines: int) -> Text:
    head, shape = KINDS[path]
    return Text(head + "".join(shape.format(n=n) for n in range(lines // shape.count("\n"))))


class Work:
    """How many bytes were parsed and counted since it was asked last."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.parsed = self.counted = 0
        measure = complexity.measure

        def parsing(parser: object, data: bytes, old: Tree | None = None) -> Tree | None:
            self.parsed += len(data)
            return attempt(parser, data, old)

        def measuring(node: object, *rest: object) -> complexity.Count:
            self.counted += node.end_byte - node.start_byte
            return measure(node, *rest)

        patch.setattr(trees, "attempt", parsing)
        patch.setattr(complexity, "measure", measuring)

    def of(self, question: Callable[[], object]) -> tuple[int, int]:
        self.parsed = self.counted = 0
        question()
        return self.parsed, self.counted


def questions(buffer: Buffer, at: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """Everything that is asked about a place, each of a buffer that may remember the ones before."""
    yield "facts", lambda: buffer.facts(at)
    yield "top", lambda: buffer.facts(buffer.data.index(b"\n\n", at) + 2)
    yield "functions", buffer.functions
    yield "function", lambda: buffer.function_at(at)
    yield "string", lambda: buffer.in_string_or_comment(at)
    yield "block", lambda: buffer.at_block_start(at)
    yield "surroundings", lambda: buffer.surroundings(at)
    yield "excerpt", lambda: buffer.excerpt(at, at, 4_000)
    yield "parses", lambda: buffer.parses_with(b"(", at, at)
    yield "errors", lambda: buffer.errors_with(b"(", at, at)
    yield "signatures", lambda: buffer.signatures_with(b"x = 1\n", at, at + 300)
    yield "imports", buffer.imports


@pytest.mark.parametrize("size", sorted(LINES))
@pytest.mark.parametrize("path", sorted(KINDS))
def test_a_question_costs_a_few_windows_in_a_text_of_any_size(
    path: str, size: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, work, rng = long_text(path, LINES[size]), Work(monkeypatch), random.Random(3)
    buffer = Buffer(text.data, path=path)
    assert (text.size > WHOLE) == (size == "long") and text.size > EAGER
    for typed in (b"", b"x", b"\n", b'"""', b"/*", b"{", b"if ("):
        at = text.data.index(b"return g", rng.randrange(text.size * 9 // 10))
        buffer.edit([text.splice(at, at, typed)], text.data)
        for name, question in questions(buffer, at):
            parsed, counted = work.of(question)
            assert parsed <= 4 * WINDOW, (typed, name)
            assert counted <= 2 * WINDOW, (typed, name)


@pytest.mark.parametrize("path", sorted(KINDS))
def test_typing_in_one_place_parses_the_window_there_and_the_head_once(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, work = long_text(path, LINES["long"]), Work(monkeypatch)
    buffer, at = Buffer(text.data, path=path), text.data.index(b"return g", text.size // 2)
    buffer.facts(at)
    buffer.functions()
    for letter in b"abcdef":
        buffer.edit([text.splice(at, at, bytes([letter]))], text.data)
        parsed, counted = work.of(lambda: (buffer.facts(at), buffer.functions(), buffer.imports()))
        assert parsed <= WINDOW + 100
        assert counted <= 500


def test_a_change_in_one_of_many_functions_in_a_function_counts_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests and modules in JavaScript are one call with everything in it."""
    case = "  it('does {n}', async () => {{\n    if (a && b) {{ expect(c).toBe({n}); }}\n  }});\n"
    text = Text("describe('all', () => {\n" + "".join(case.format(n=n) for n in range(300)) + "});\n")
    buffer, at = Buffer(text.data, path="a.test.js"), text.data.index(b"toBe(150)")
    buffer.facts(at)
    measured, measure = list[object](), complexity.measure
    monkeypatch.setattr(complexity, "measure", lambda *given: (measured.append(given), measure(*given))[1])
    buffer.edit([text.splice(at, at, b"not && ")], text.data)
    facts = buffer.facts(at)
    assert len(measured) <= 3  # the statement, the function of all, the one that changed
    assert facts == Buffer(text.data, path="a.test.js").facts(at)
    buffer.edit([text.splice(0, 0, b"\n\nif (x) y();\n")], text.data)
    assert buffer._code is not None
    moved, fresh = buffer._code.units((0, text.size)), Buffer(text.data, path="a.test.js")._code.units((0, text.size))
    assert [list(unit.functions()) for unit in moved] == [list(unit.functions()) for unit in fresh]


def test_a_function_is_moved_with_all_that_is_known_of_it() -> None:
    known = {field.name: n if field.type == "int" else f"{n}" for n, field in enumerate(fields(Function))}
    moved = measures._shifted(Function(**known), 5, 9)
    places = {name: known[name] + 5 for name in ("start_line", "end_line")}
    places |= {name: known[name] + 9 for name in ("start_byte", "end_byte")}
    assert asdict(moved) == known | places


@pytest.mark.parametrize("path", sorted(KINDS))
def test_a_slice_counts_little_and_nothing_is_left_behind_it(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, work = long_text(path, LINES["unread"]), Work(monkeypatch)
    buffer, done = Buffer(text.data, path=path), [False]
    while not done[-1]:
        parsed, counted = work.of(lambda: done.append(buffer.step()))
        assert parsed == 0 and counted <= COUNTED
    assert work.of(buffer.functions) == (0, 0)
    assert work.of(lambda: buffer.facts(text.size // 2)) == (0, 0)
    assert len(buffer.functions()) == LINES["unread"] // KINDS[path][1].count("\n")


def test_a_slice_of_a_text_too_long_reads_what_is_listed_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text, work = long_text("a.py", LINES["long"]), Work(monkeypatch)
    buffer = Buffer(text.data, path="a.py")
    while not buffer.step():
        pass
    assert work.of(buffer.functions) == (0, 0)
    assert 50 < len(buffer.functions()) < 1_000


@pytest.mark.parametrize(
    ("path", "source", "insert", "before", "after"),
    [
        pytest.param("a.py", "¦def f(a, b):\n    pass\n¦", "def f(a):\n    pass\n", [("f", 2)], [("f", 1)], id="fewer"),
        pytest.param("a.py", "class A:\n¦    def f(self, a): pass\n¦", "    x = 1\n", [("A.f", 1)], [], id="gone"),
        pytest.param("a.py", "¦def f():\n    def g(): pass\n¦", "", [("f", 0)], [], id="outermost"),
        pytest.param("a.py", "def f():\n¦    def g(a): pass\n¦", "", [("g", 1)], [], id="inside of another"),
        pytest.param("a.py", "def f():\n¦    return 1\n¦", "    return 2\n", [], [], id="none in it"),
        pytest.param("a.ts", "¦export const f = (a: X) => a;\n¦", "const f = 1;\n", [("f", 1)], [], id="bound"),
        pytest.param("a.ts", "¦it(() => { function f() {} });¦", "", [("f", 0)], [], id="in a nameless one"),
        pytest.param("a.go", "package m\n¦func (s *S) F(a, b int) {}\n¦", "", [("S.F", 2)], [], id="receiver"),
        pytest.param("a.html", "<script>\n¦function f(a) {}\n¦</script>", "f()\n", [("f", 1)], [], id="piece"),
        pytest.param("a.xyz", "¦f()¦", "g()", [], [], id="no grammar"),
    ],
)
@pytest.mark.parametrize("copies", [0, 4_000])
def test_signatures_before_and_after(
    path: str, source: str, insert: str, before: list[object], after: list[object], copies: int
) -> None:
    text, start, end = source.replace("¦", ""), source.index("¦"), source.rindex("¦") - 1
    buffer = Buffer((text + "\n" * copies + "\n").encode(), path=path)
    assert buffer.signatures_with(insert.encode(), start, end) == (tuple(before), tuple(after))


def windows_of(buffer: Buffer) -> list[Parse]:
    assert buffer._code is not None
    return buffer._code.trees._windows


@pytest.mark.parametrize("path", sorted(KINDS))
def test_windows_follow_the_text(path: str) -> None:
    """After any edits the bytes of a window are the text's, its lines are counted right, and its tree is a fresh one."""
    rng = random.Random(5)
    text = long_text(path, LINES["long"])
    buffer = Buffer(text.data, path=path)
    places, followed = [0, text.size // 3, text.size], 0
    for n in range(80):
        edits = [edited(text, rng, path, n) for _ in range(rng.choice([1, 1, 1, 3]))]
        known = windows_of(buffer)
        buffer.edit(edits, text.data)
        place = rng.choice(places)
        assert buffer._code is not None
        parse = buffer._code.trees.newest(min(place, text.size))
        assert parse is not None and parse.window is not None
        followed += any(parse.tree is seen.tree for seen in known)
        buffer.parses_with(b"x", min(place, text.size), min(place, text.size))
        close = buffer._code.trees._close
        assert close is None or close.window is None or len(close.window.source) <= 5 * trees.CLOSE
        for window in (parse.window, *(seen.window for seen in (*windows_of(buffer), close) if seen and seen.window)):
            shown = window.source[window.at : window.at + window.end - window.start]
            assert shown == text.data[window.start : window.end], n
            assert window.rows == text.data.count(b"\n", 0, window.start) - window.source[: window.at].count(b"\n")
            assert len(window.source) <= 3 * WINDOW
        whole = attempt(buffer._code.trees._parser, parse.source)
        assert whole is not None and str(whole.root_node) == str(parse.root), n
        assert len(windows_of(buffer)) <= trees.KEPT
    assert followed >= 10


def edited(text: Text, rng: random.Random, path: str, n: int) -> Edit:
    """One thing is put in or taken away, somewhere or at one of the ends; the code stays sound."""
    around = rng.choice([0, text.size // 3, rng.randrange(text.size)])
    at = text.data.find(b"\n\n", around) + 2 if around else 0
    if rng.random() < 0.2:
        at = text.size
    if rng.random() < 0.3 and 0 < at < text.size:
        return text.splice(at, text.data.find(b"\n\n", at) + 2, b"")
    return text.splice(at, at, rng.choice([b"\n", KINDS[path][1].format(n=n).encode()]))


class Slow:
    """A parser that is out of time for so many tries."""

    def __init__(self, tries: int) -> None:
        self.left, self.done = tries, list[str]()

    def parse(self, data: bytes) -> str:
        self.done.append("parse")
        if self.left:
            self.left -= 1
            raise ValueError("out of time")
        return "tree"

    def reset(self) -> None:
        self.done.append("reset")


@pytest.mark.parametrize(
    ("slow", "tree", "done"),
    [
        (0, "tree", ["parse"]),
        (2, "tree", ["parse", "reset", "parse", "reset", "parse"]),
        (99, None, ["parse", "reset"] * TURNS),
    ],
)
def test_what_is_out_of_time_is_begun_again_and_not_gone_on_with(slow: int, tree: str | None, done: list[str]) -> None:
    """Of a window of garbage (`x=>`, 6,000 times in C), gone on with for 0.4 s, one parse in five took minutes."""
    slowly = Slow(slow)
    assert attempt(cast(Parser, slowly), b"") == tree
    assert slowly.done == done


def test_what_is_nested_without_end_is_looked_into_for_some_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    deep, looked = 3_000, list[object]()
    inside = windows._child_around

    def around(*asked: Any) -> Any:
        looked.append(asked)
        return inside(*asked)

    monkeypatch.setattr(windows, "_child_around", around)
    data = b"a = " + b"[" * deep + b"\n" + b"]" * deep
    tree = attempt(parser(get_language("javascript")), data)
    assert tree is not None
    windows.pruned(tree.root_node, data, (deep + 5, deep + 5), 500)
    assert 0 < len(looked) <= windows.LEVELS
