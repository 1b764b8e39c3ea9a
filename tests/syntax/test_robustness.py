"""Whatever the bytes: no exception, and never more than the limits, which are told by what is parsed, not by a clock."""

from __future__ import annotations

import itertools
import sys

import pytest
from tree_sitter import Parser, Tree

from codriver.syntax import languages, parsing, trees
from codriver.syntax.analysis import Buffer, analyze
from codriver.syntax.trees import EAGER, WHOLE, Trees
from codriver.syntax.windows import WINDOW

PATHS = ("a.py", "a.js", "a.tsx", "a.go", "a.rs", "A.java", "a.c", "a.cpp", "a.rb", "a.php", "a.kt", "a.cs", "a.swift")
PATHS += ("a.scala", "a.lua", "a.dart", "a.ex", "a.hs", "a.R", "a.jl", "a.sh", "a.sql", "a.html", "a.vue", "a.svelte")
PATHS += ("a.css", "a.scss", "a.yaml", "a.toml", "a.json", "Dockerfile", "a.tf", "Makefile", "a.md", "a.nix", "a.proto")


def ask_everything(buffer: Buffer, places: tuple[int, ...]) -> int:
    """All there is to ask; the answers hold together. How many lines were counted."""
    size, lines = len(buffer.data), buffer.data.count(b"\n") + 1
    for function in buffer.functions():
        assert 0 <= function.start_byte <= function.end_byte <= size
        assert 1 <= function.start_line <= function.end_line <= lines
    for place in places:
        assert buffer.facts(place).source == "buffer"
        buffer.function_at(place), buffer.in_string_or_comment(place), buffer.at_block_start(place)
        assert min(buffer.errors_with(b"x(", place, place)) >= 0
    assert buffer.facts().lines <= lines + buffer.data.count(b"\r")
    buffer.imports(), buffer.frameworks(), buffer.errors()
    for place in places:
        assert len(b"".join(buffer.excerpt(place, place, 500))) <= 500
        buffer.surroundings(place)
    assert max(buffer.size().code, buffer.size().comments) <= lines + buffer.data.count(b"\r")
    return buffer.facts().lines


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\n\n\n", id="blank"),
        pytest.param(b"\0", id="nul"),
        pytest.param(b"class A {\0 def f(x) {\0} }", id="nuls in code"),
        pytest.param(b"\xff\xfe\xfa\x80 if (\xc3", id="no utf-8"),
        pytest.param("größe = 'é'\n".encode("latin-1"), id="latin-1"),
        pytest.param("if (a) { größe }\n".encode("utf-16"), id="utf-16"),
        pytest.param(b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 20, id="binary"),
        pytest.param(b'def f(a\nclass B {\n  if (x) {\n    y("', id="half typed"),
        pytest.param(b"\r".join([b"def f():", b"  if a:", b"    b()"]), id="lone returns"),
        pytest.param("\u2028\u2029\ufeff\u200b = \U0001f600\n".encode(), id="odd characters"),
    ],
)
def test_odd_bytes(path: str, data: bytes) -> None:
    most = data.count(b"\n") + data.count(b"\r") + 1
    assert ask_everything(Buffer(data, path=path), (-5, 0, len(data) // 2, len(data), len(data) + 9)) <= most
    assert ask_everything(analyze(path, data), (0, len(data))) <= most


@pytest.mark.parametrize("path", ["a.bin.py", "a.js", "a.vue"])
def test_binary_files_are_not_parsed(path: str) -> None:
    buffer = analyze(path, b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 2000)
    assert not buffer.whole
    assert (buffer.functions(), buffer.errors(), buffer.errors_with(b"x", 0, 0)) == ((), 0, (0, 0))
    assert buffer.facts(100).cyclomatic == 0


def test_files_in_two_bytes_a_character_are_read() -> None:
    buffer = analyze("a.py", "def größe(a):\n    return a\n".encode("utf-16"))
    assert [function.name for function in buffer.functions()] == ["größe"]
    assert buffer.errors() == 0


def ask_with_a_small_stack(path: str, data: bytes) -> int:
    """All trees are walked in loops: the limit of Python's own stack would stop anything else."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(min(limit, 400))
    try:
        return ask_everything(Buffer(data, path=path), (0, len(data) // 2, len(data)))
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("opened", [b"(", b"if(a){"])
def test_nesting_needs_no_stack(path: str, opened: bytes) -> None:
    assert ask_with_a_small_stack(path, opened * 300) <= 1


@pytest.mark.parametrize(
    ("path", "opened"),
    [("a.json", b"["), ("a.py", b"("), ("a.html", b"<b>"), ("a.js", b"{")],
)
def test_fifty_thousand_brackets(path: str, opened: bytes) -> None:
    assert ask_with_a_small_stack(path, opened * 50_000) <= 1


@pytest.mark.parametrize(
    ("path", "head", "opened", "closed"),
    [
        ("a.py", b"x = ", b"(lambda:", b")"),
        ("a.js", b"x = ", b"()=>", b""),
        ("a.js", b"", b"function f(){", b"}"),
        ("a.ts", b"", b"if(a&&b){", b"}"),
        ("a.rs", b"fn f(){", b"if a {", b"}"),
        ("a.java", b"class A{void f(){", b"if(a){", b"}"),
        ("a.rb", b"", b"if a\n", b"end\n"),
        ("a.swift", b"", b"if a {} else ", b""),
        ("a.nix", b"", b"a: ", b""),
        ("a.json", b"", b'{"a":', b"}"),
        ("a.tf", b"", b"a {\n", b"}\n"),
    ],
)
def test_deep_code_is_counted_and_named(path: str, head: bytes, opened: bytes, closed: bytes) -> None:
    """Looking up from each node of a deep tree would cost the square of its depth: minutes, here."""
    depth = 700
    data = head + opened * depth + b"1" + closed * depth
    buffer = Buffer(data, path=path)
    assert ask_everything(buffer, (len(head) + len(opened) * depth,)) <= data.count(b"\n") + 1
    assert all(function.name for function in buffer.functions())


ONE_LINERS = [
    pytest.param("a.js", b"function f(a){return a&&b?c:d};", id="js"),
    pytest.param("a.json", b'{"a":[1,2]},', id="json"),
    pytest.param("a.html", b"<p>a</p><script>f()</script>", id="html"),
    pytest.param("a.php", b"<?php f(); ?><p>", id="php"),
]


@pytest.mark.parametrize(("path", "piece"), ONE_LINERS)
def test_400_000_bytes_on_one_line_is_seen_through_windows(path: str, piece: bytes) -> None:
    data = piece * (400_000 // len(piece))
    buffer = Buffer(data, path=path)
    assert len(data) > WHOLE and not buffer.whole
    for place in (0, len(data) - 1):
        assert buffer._code is not None
        parse = buffer._code.trees.newest(place)
        assert parse is not None and len(parse.source) <= 2 * WINDOW
        assert parse.origin <= place <= parse.origin + len(parse.source)
    ask_everything(buffer, (200_000,))


def test_a_hundred_thousand_lines_are_seen_through_windows() -> None:
    data = b"".join(b"def f%d(a):\n    return a\n\n\n" % number for number in range(25_000))
    buffer = Buffer(data, path="a.py")
    assert data.count(b"\n") == 100_000
    place = data.index(b"def f20000(") + 15
    function = buffer.function_at(place)
    assert function is not None
    assert (function.name, function.start_line) == ("f20000", data.count(b"\n", 0, place))
    parse = buffer._code.trees.newest(place) if buffer._code else None
    assert parse is not None and len(parse.source) <= 2 * WINDOW


def test_grammars_nobody_tried_out_see_small_texts_only() -> None:
    data = b"fn add(a: i32) i32 { return a; }\n" * 4000
    assert EAGER < len(data) < WHOLE
    assert not Buffer(data, path="a.zig").whole
    assert Buffer(data, path="a.rs").whole


@pytest.mark.parametrize("path", ["a.py", "a.cpp", "a.rs", "a.rb"])
def test_garbage_is_given_up_and_asking_again_costs_few_windows(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = itertools.cycle([b"(", b"{x", b'"', b"[,", b"if ", b"\n", b"<<", b"/", b"}", b"'a", b"\xff", b"=>"])
    data = b"".join(itertools.islice(pieces, 20_000))
    buffer, places, tried = Buffer(data, path=path), (0, len(data) // 3, len(data)), list[bytes]()
    ask_everything(buffer, places)

    def attempt(parser: Parser, text: bytes, old: Tree | None = None) -> Tree | None:
        tried.append(text)
        return parsing.attempt(parser, text, old)

    monkeypatch.setattr(trees, "attempt", attempt)
    ask_everything(buffer, places)
    assert len(tried) <= 2 * len(places)
    assert all(len(text) <= WINDOW for text in tried)


@pytest.mark.parametrize(("slice_lasts", "read"), [(0.005, True), (0.2, False)], ids=["in time", "overlooked"])
def test_slices_that_overlook_their_time_are_soon_the_last(slice_lasts: float, read: bool) -> None:
    """Only garbage makes a parser overlook its time; without a clock it took eight seconds for 200 kB."""
    data = b"".join(
        b"def f%d(a, b=[1, {'c': 2}]):\n    return [a for b in a if b] or {a: b}\n\n\n" % n for n in range(4000)
    )
    language = languages.find("python")
    grammar = language.load() if language else None
    assert grammar is not None
    ticks = itertools.count()
    trees = Trees(grammar, data, clock=lambda: next(ticks) * slice_lasts)
    steps = 1
    while not trees.step():
        steps += 1
    assert (trees.remembered() is not None) is read
    assert read or steps <= 3
    ask_everything(Buffer(data, path="a.py", clock=lambda: next(ticks) * slice_lasts), (len(data) // 2,))


def test_every_prefix_of_a_text_is_read() -> None:
    source = b"class A:\n    def f(self, a=[1, 'x']):\n        return {a: f'{b!r}' for b in a if b}\n"
    for end in range(len(source) + 1):
        assert ask_everything(Buffer(source[:end], path="a.py"), (end,)) <= source.count(b"\n", 0, end) + 1
