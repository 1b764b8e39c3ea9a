"""A buffer's facts: where a place is, what is counted there, and that edits keep it all true."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.features import Features
from codriver.syntax import trees
from codriver.syntax.analysis import KEYS, Buffer, analyze
from codriver.syntax.text import Text
from codriver.syntax.trees import EAGER

LIBRARY = Path(random.__file__).parent


PIECES = [b"(", b"}", b'"""', b"def f(", b"\xff", b"\n", b"a", b"/*", b"{", b"\0"]


def cut(text: str) -> tuple[bytes, int]:
    """A text with | at the cursor."""
    before, after = text.split("|")
    return (before + after).encode(), len(before.encode())


@pytest.mark.parametrize(
    ("path", "text", "scope", "kind"),
    [
        ("a.py", "class A:\n    def f(self):\n        é = 1|\n", "A.f", "method"),
        ("a.py", "def f():\n    def g():\n        |pass\n", "f.g", "function"),
        # behind the last statement: as far as the line is indented
        ("a.py", "class A:\n    def f(self):\n        if x:\n            y()\n        |\n\nz=1\n", "A.f", "method"),
        ("a.py", "class A:\n    def f(self):\n        y()\n    |\n\nz=1\n", "A", "class"),
        ("a.py", "class A:\n    def f(self):\n        y()\n|\n\nz=1\n", "", ""),
        ("a.py", "def f(a):\n    |", "f", "function"),
        ("a.py", "@x\ndef f(a):\n    return fo|", "f", "function"),
        ("a.py", "f = lambda x: |x", "f", "lambda"),
        ("a.js", "class A { #go() { ret|urn 1 } }", "A.#go", "method"),
        ("a.js", "export const f = async (a) => { | }", "f", "lambda"),
        ("a.js", "const o = { m() { | }, n: function () {} }", "m", "method"),
        ("a.js", "app.get('/', () => { | })", "", ""),
        ("a.tsx", "export default function App() { return <b onClick={() => |x} /> }", "App", "function"),
        ("a.ts", "namespace N { export abstract class A { f(): void { | } } }", "N.A.f", "method"),
        ("a.go", "package m\nfunc (s *Stack[T]) Push(v T) { | }", "Stack.Push", "method"),
        ("a.go", "package m\nfunc main() { f := func() { | } }", "main.f", "lambda"),
        ("a.rs", "mod m { impl<T> Tr for Foo<T> { fn go(&self) { | } } fn x() {} }", "m.Foo.go", "method"),
        ("a.rs", "mod m { fn x() { | } }", "m.x", "function"),
        ("A.java", "class A { class B { B() { | } } }", "A.B.B", "constructor"),
        ("a.c", "static int *f(int a) { | }", "f", "function"),
        ("a.cpp", "int Foo<T>::bar(int a) { | }", "Foo.bar", "function"),
        ("a.cpp", "namespace a::b { struct C { ~C() { | } }; }", "a.b.C.~C", "method"),
        ("a.rb", "module A\n  class B\n    def self.go?\n      |\n    end\n  end\nend\n", "A.B.go?", "method"),
        ("a.php", "<?php class C { function go() { $f = fn($x) => |$x; } }", "C.go.f", "lambda"),
        ("a.xyz", "anything|", "", ""),
        ("a.py", "|", "", ""),
    ],
)
def test_scope(path: str, text: str, scope: str, kind: str) -> None:
    data, cursor = cut(text)
    facts = analyze(path, data).facts(cursor)
    assert (facts.scope, facts.scope_kind) == (scope, kind)


@pytest.mark.parametrize(
    ("path", "text", "block", "string"),
    [
        ("a.py", "def f(self):|\n", True, False),
        ("a.py", "def f(self):  # why\n    |\nx = 1", True, False),
        ("a.py", "if a:\n    |\n    b()\n", False, False),
        ("a.py", "for x in y:|\n    pass\n", False, False),
        ("a.py", "x = {'a':|\n}\n", False, False),
        ("a.py", "x = {\n  'a':|\n}\n", False, False),
        ("a.py", "def f():\n    x = 'abc|", False, True),
        ("a.py", "x = '''a\n|b'''", False, True),
        ("a.py", "x = f'a{y|}'", False, False),
        ("a.py", "x = f'a{y}b|'", False, True),
        ("a.py", "x = 'a'|", False, False),
        ("a.py", "x = 1  # why|", False, True),
        ("a.py", "x = 1|  # why", False, False),
        ("a.js", "function f(a) {|", True, False),
        ("a.js", "function f(a) {|}", True, False),
        ("a.js", "if (a) {\n  |\n}\n", True, False),
        ("a.js", "const o = {\n  |\n}\n", False, False),
        ("a.js", "x = `a${b|}`", False, False),
        ("a.js", "x = `a|${b}`", False, True),
        ("a.js", "/* a\n| */ x", False, True),
        ("a.js", "/* a */| x", False, False),
        ("a.go", "package m\nfunc f() {\n\tswitch a {\n\tcase 1:\n\t\t|\n\t}\n}\n", True, False),
        ("a.rb", "items.each do\n  |\nend\n", True, False),
        ("a.rb", "def go(a)\n  |\nend\n", True, False),
        ("a.xyz", "if (a) {|", False, False),
    ],
)
def test_what_a_place_is(path: str, text: str, block: bool, string: bool) -> None:
    data, cursor = cut(text)
    buffer = analyze(path, data)
    assert (buffer.at_block_start(cursor), buffer.in_string_or_comment(cursor)) == (block, string)


@pytest.mark.parametrize(
    ("text", "inside"), [("fo|o", True), ("fo|", False), ("|fo", False), ("é|é", True), ("a|.b", False)]
)
def test_inside_word(text: str, inside: bool) -> None:
    data, cursor = cut(text)
    assert analyze("a.py", data).inside_word(cursor) == inside


def test_facts_of_a_function_of_the_text_and_of_a_range() -> None:
    source = (
        b"import numpy\nz = 1 if a else 2\n\ndef f(a, b):\n    if a and b:\n        return 1\n\n"
        b"def g():\n    for x in y:\n        x(\n\n"
    )
    buffer = analyze("pkg/a.py", source)
    assert buffer.facts(source.index(b"return")) == Features(
        source="buffer", path="pkg/a.py", language="python", frameworks=("numpy",), domain="data-science",
        scope="f", scope_kind="function", cyclomatic=3, cognitive=2, nesting=1, parameters=2, lines=3,
    )  # fmt: skip
    whole = buffer.facts()
    assert (whole.scope, whole.cyclomatic, whole.lines) == ("", 5, 11)
    assert whole.errors >= 1
    inner = (source.index(b"if a and"), source.index(b"return"))
    assert buffer.facts(inner).cyclomatic == 3
    both = buffer.facts((source.index(b"def f"), source.index(b"for x")))
    assert (both.scope, both.cyclomatic, both.lines) == ("", 4, 6)


def test_functions_and_function_named() -> None:
    source = (
        b"class A:\n    def f(self): pass\nclass B:\n    @x\n    def f(self, a): pass\n\ndef g():\n    def f(): pass\n"
    )
    buffer = analyze("a.py", source)
    listed = [(f.name, f.kind, f.start_line, f.end_line, f.parameters) for f in buffer.functions()]
    assert listed == [
        ("A.f", "method", 2, 2, 0),
        ("B.f", "method", 5, 5, 1),
        ("g", "function", 7, 8, 0),
        ("g.f", "function", 8, 8, 0),
    ]
    for function in buffer.functions():
        assert source[function.start_byte : function.end_byte].startswith(b"def " + function.name[-1:].encode())
    found = [buffer.function_named(name) for name in ("B.f", "f", "nothing")]
    assert [function.name if function else None for function in found] == ["B.f", "A.f", None]


def test_unknown_languages_have_lines_only() -> None:
    buffer = Buffer(b"one\ntwo\r\nthree", language_id="brainfuck", path="a.bf")
    assert buffer.facts(3) == Features(source="buffer", path="a.bf", language="brainfuck", lines=3)
    assert (buffer.functions(), buffer.imports(), buffer.whole, buffer.dirty) == ((), (), False, False)
    assert buffer.errors_with(b"x", 0, 0) == (0, 0)


@pytest.mark.parametrize(
    ("path", "text", "insert", "worse"),
    [
        ("a.py", "def f():\n    return |\n", b"(1, 2)", False),
        ("a.py", "def f():\n    return |\n", b"(1, 2", True),
        ("a.js", "function f() { return | }", b"a(b)", False),
        ("a.js", "function f() { return | }", b"a(b", True),
        ("a.go", "package m\nfunc f() { | }", b"if a { b() }", False),
        ("a.go", "package m\nfunc f() { | }", b"if a { b()", True),
    ],
)
@pytest.mark.parametrize("copies", [0, 6000])
def test_errors_with_an_insertion(path: str, text: str, insert: bytes, worse: bool, copies: int) -> None:
    data, cursor = cut(text)
    padding = b"\n" + b"var a = 1\n" * copies if path != "a.py" else b"\n" + b"aaaaaa = 1\n" * copies
    buffer = analyze(path, data + padding)
    before, after = buffer.errors_with(insert, cursor, cursor)
    assert before == 0
    assert (after > before) == worse
    assert buffer.errors() == 0


def test_the_last_good_tree_knows_what_a_broken_one_forgot() -> None:
    source = "def a():\n    x = 1\n\ndef b():\n    y = 2\n\n" + "def c():\n    z = 3\n\n" * 60
    text, buffer = Text(source), analyze("a.py", source.encode())
    at = source.index("y = 2") + 5
    edit = text.splice(at, at, b' + """')
    buffer.edit([edit], text.data)
    buffer.parse()
    assert buffer.errors() > 0
    later = text.data.index(b"z = 3")
    assert buffer.facts(later).scope == "c"
    assert len(buffer.functions()) == 62
    buffer.edit([text.splice(at, at + 6, b"")], text.data)
    buffer.parse()
    assert buffer.errors() == 0
    assert buffer.facts(later - 6) == analyze("a.py", source.encode()).facts(later - 6)


def test_edits_lead_to_the_same_facts_as_a_fresh_buffer() -> None:
    source = (LIBRARY / "textwrap.py").read_bytes()
    text, buffer, rng = Text(source), analyze("a.py", source), random.Random(1)
    for _ in range(30):
        line = rng.randrange(text.line_count)
        at = text.line_start(line)
        buffer.edit([text.splice(at, at, rng.choice([b"# note\n", b"\n", b"# \xc3\xa9\r\n"]))], text.data)
        if rng.random() < 0.5:
            buffer.parse()
            fresh = analyze("a.py", text.data)
            assert buffer.functions() == fresh.functions()
            assert buffer.facts(at) == fresh.facts(at)


def test_a_stale_answer_moves_with_the_text() -> None:
    padding = "x = 1\n" * 20_000
    source = f"def a():\n    pass\n\n{padding}def b():\n    return 1\n"
    text, buffer = Text(source), analyze("a.py", source.encode())
    buffer.edit([text.apply(((0, 0), (0, 0)), "# above\n" * 10)], text.data)
    assert buffer.dirty
    assert buffer.facts(text.data.index(b"return")).scope == "b"
    assert (
        buffer.function_at(text.data.index(b"return")).start_line
        == text.data[: text.data.index(b"def b")].count(b"\n") + 1
    )


def test_a_text_too_long_is_seen_through_windows() -> None:
    source = b"import django\n" + b"".join(
        b"def f%d(a):\n    if a:\n        return %d\n\n" % (n, n) for n in range(12_000)
    )
    assert len(source) > 300_000
    text, buffer = Text(source), analyze("a.py", source)
    assert not buffer.whole
    at = source.index(b"return 9000")
    facts = buffer.facts(at)
    assert (facts.scope, facts.cyclomatic, facts.frameworks, facts.errors) == ("f9000", 2, ("django",), 0)
    assert buffer.function_at(at).start_line == source[:at].count(b"\n") - 1
    buffer.edit([text.splice(0, 0, b"\n\n")], text.data)
    assert buffer.facts(at + 2).scope == "f9000"
    assert len(analyze("a.py", source, limit=len(source)).functions()) == 12_000


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["a.py", "a.tsx", "a.go", "a.rs", "A.java", "a.cpp", "a.rb", "a.php", "a.xyz"]),
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.integers(0, 5),
            st.sampled_from([b"(", b"}", b'"""', b"def f(", b"\xff", b"\n", b"a", b"/*", b"{", b"\0"]),
        ),
        max_size=12,
    ),
    st.one_of(st.none(), st.integers(-3, 80), st.tuples(st.integers(-3, 80), st.integers(-3, 80))),
)
def test_never_raises(path: str, edits: list, place: int | tuple[int, int] | None) -> None:
    text = Text("class A { int f(a) { if (a) { return 1; } } }")
    buffer = Buffer(text.data, path=path)
    for start, size, new in edits:
        start = min(start, len(text.data))
        buffer.edit([text.splice(start, min(start + size, len(text.data)), new)], text.data)
        facts = buffer.facts(place)
        assert facts.source == "buffer"
        offset = place if isinstance(place, int) else 7
        assert isinstance(buffer.at_block_start(offset), bool)
        assert isinstance(buffer.in_string_or_comment(offset), bool)
        assert min(buffer.errors_with(b"x(", offset, offset + 2)) >= 0


def test_asking_again_is_free_and_a_keystroke_is_cheap() -> None:
    source = (LIBRARY / "argparse.py").read_bytes()
    text, buffer = Text(source), analyze("a.py", source)
    at = source.index(b"def parse_known_args") + 200
    buffer.facts(at)
    again, keystroke = [], []
    for _ in range(20):
        start = time.perf_counter()
        buffer.facts(at)
        again.append(time.perf_counter() - start)
        edit = text.splice(at, at, b"x")
        start = time.perf_counter()
        buffer.edit([edit], text.data)
        buffer.parse()
        buffer.facts(at)
        keystroke.append(time.perf_counter() - start)
    assert min(again) < 0.0001
    assert min(keystroke) < 0.02


@pytest.mark.parametrize(
    ("begin", "end", "scope"),
    [
        pytest.param(b"    def size", None, "A.size", id="in front of an indented def"),
        pytest.param(b"    def size", b"return 1", "A.size", id="from the indentation into the body"),
        pytest.param(b"    def size", b"\ndef big", "A.size", id="whole lines"),
        pytest.param(b"    def size", b"def big", "A.size", id="whole lines, to the start of the next"),
        pytest.param(b"def big", None, "big", id="at a top-level def's first byte"),
        pytest.param(b"def big", b"# end", "big", id="a whole function"),
        pytest.param(b"    def size", b"# end", "", id="over two functions"),
    ],
)
def test_a_line_belongs_to_what_begins_on_it(begin: bytes, end: bytes | None, scope: str) -> None:
    source = b"class A:\n    def size(self):\n        return 1\n\ndef big(a):\n    if a:\n        return 2\n# end\n"
    start = source.index(begin)
    assert analyze("a.py", source).facts((start, start if end is None else source.index(end))).scope == scope


def test_windows_of_a_page_with_code_in_it_are_read_as_code() -> None:
    function_ = "function price_{n}($x) {{\n  return [$x => 1];\n}}\n"
    text = "<?php\n" + "".join(function_.format(n=n) for n in range(3000)) + "?>\n<p>end</p>\n"
    data = text.encode()
    buffer = Buffer(data, path="shop.php")
    place = data.index(b"[$x => 1]", len(data) // 2) + 1
    before, after = buffer.errors_with(b"$context];", place, place)
    assert len(data) > EAGER and (before, after > before) == (0, True)
    assert buffer.errors_with(b"$x => 2, ", place, place) == (0, 0)
    page = len(data) - 8
    assert buffer.errors_with(b"] not code (", page, page) == (0, 0)
    long = Buffer(data, path="shop.php", limit=EAGER)
    line = data.count(b"\n", 0, place) + 1
    function = long.function_at(place)
    assert function is not None and function.start_line <= line <= function.end_line
    assert data[function.start_byte : function.end_byte].startswith(b"function price_")


TYPED = b"import os\n\n\ndef first(a):\n    if a:\n        return 1\n    b = \n\n\ndef second():\n    return 2\n"


@pytest.mark.parametrize(
    ("start", "end", "new", "same"),
    [
        pytest.param(TYPED.index(b"b = ") + 4, TYPED.index(b"b = ") + 4, b"a", True, id="in the line"),
        pytest.param(TYPED.index(b"b = "), TYPED.index(b"b = ") + 2, b"", True, id="taken out of the line"),
        pytest.param(TYPED.index(b"b = ") + 4, TYPED.index(b"b = ") + 4, b"1\n    if b:", False, id="a line more"),
        pytest.param(0, 0, b"#", False, id="in another line"),
        pytest.param(TYPED.index(b"b = ") - 5, TYPED.index(b"b = "), b" ", False, id="a line less"),
    ],
)
def test_facts_may_be_some_keys_old_while_one_line_is_typed(start: int, end: int, new: bytes, same: bool) -> None:
    cursor, text = TYPED.index(b"b = ") + 4, Text(TYPED)
    buffer = Buffer(TYPED, language_id="python")
    before = buffer.facts_typing(cursor)
    assert before == buffer.facts(cursor)
    buffer.edit([text.splice(start, end, new)], text.data)
    after = buffer.facts_typing(start + len(new) if start else cursor + 1)
    assert (after is before) is same
    if not same:
        assert after == buffer.facts(start + len(new) if start else cursor + 1)


@pytest.mark.parametrize(("place", "told"), [(TYPED.index(b"b = ") + 4, 0), (0, 1)])
def test_where_a_function_begins_may_be_told_of_the_lines_first_key(place: int, told: int) -> None:
    cursor, text = TYPED.index(b"b = ") + 4, Text(TYPED)
    buffer = Buffer(TYPED, language_id="python")
    first = buffer.function_start_typing(cursor)
    assert first == buffer.function_start(cursor) is not None
    buffer.edit([text.splice(place, place, b"#\n"[: told + 1])], text.data)
    assert buffer.function_start_typing(cursor + 1 + told) == first + 2 * told


def test_facts_are_read_again_after_some_keys() -> None:
    cursor, text = TYPED.index(b"b = ") + 4, Text(TYPED)
    buffer = Buffer(TYPED, language_id="python")
    first = buffer.facts_typing(cursor)
    for n in range(KEYS + 1):
        assert buffer.facts_typing(cursor + n) is first
        buffer.edit([text.splice(cursor + n, cursor + n, b"x")], text.data)
    assert buffer.facts_typing(cursor + KEYS + 1) is not first


@pytest.mark.parametrize("copies", [0, 1, 20, 200, 6_000])
@pytest.mark.parametrize(
    ("path", "around", "good", "bad"),
    [
        ("a.py", "def f{n}(a):\n    b = \n    return a\n\n", ["a", "f(1)", "[a]"], ["(a", '"""', "a)", "'"]),
        ("a.ts", "export function f{n}(a: X) {{\n  const b = \n  return a;\n}}\n\n", ["a;", "f(1);"], ["(a", "`", "a}}", "{"]),
        ("a.html", "<script>\nfunction f{n}(a) {{\n  b = \n  return a;\n}}\n</script>\n", ["a;"], ["(a", "`"]),
    ],
)  # fmt: skip
def test_what_parses_is_told_without_parsing_what_stands_there(
    path: str, around: str, good: list[str], bad: list[str], copies: int
) -> None:
    """In short and long texts, read whole and not, also while the line goes on being typed."""
    whole = around.format(n=0)
    copies = min(copies, 90) if path == "a.html" else copies  # of more scripts than 200 none is read
    pieces = "".join(whole.replace("b = ", "b = a") for _ in range(copies))
    text = Text(pieces + whole + pieces)
    buffer, cursor = Buffer(text.data, path=path), text.data.index(b"b = \n") + 4
    buffer.parse()
    told = 0
    for typed in ("", "g", "h", "."):
        buffer.edit([text.splice(cursor, cursor, typed.encode())], text.data)
        cursor += len(typed)
        for insert in good + bad:
            parses = buffer.parses_with(insert.encode(), cursor, cursor)
            told += parses
            if parses:
                fresh = Buffer(text.data[:cursor] + insert.encode() + text.data[cursor:], path=path)
                assert insert not in bad and (copies > 20 or fresh.errors() == 0)
    assert told >= 3


def test_where_a_function_begins_is_known_without_counting() -> None:
    buffer = Buffer(TYPED, language_id="python")
    for offset in range(len(TYPED)):
        function = buffer.function_at(offset)
        assert buffer.function_start(offset) == (function.start_byte if function is not None else None)


@pytest.mark.parametrize(
    ("language", "text", "insert", "faults"),
    [
        pytest.param("python", b"import os\n", b"from os import path(it)\n", True, id="a line end is missing"),
        pytest.param("python", b"import os\n", b"from os import path\n", False, id="none is"),
        pytest.param("go", b"package a\n\n", b"type T int\n", False, id="ends with one"),
        pytest.param("go", b"package a\n\n", b"func f() {\n", True, id="a bracket is missing"),
    ],
)
def test_what_no_visible_node_shows_is_an_error_of_an_insertion(
    language: str, text: bytes, insert: bytes, faults: bool
) -> None:
    before, after = Buffer(text, language_id=language).errors_with(insert, len(text), len(text))
    assert (before, after > 0) == (0, faults)


def test_what_no_time_was_found_for_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "attempt", lambda *_: None)
    buffer = Buffer(b"import os\n", language_id="python")
    assert buffer.errors_with(b"x(", 0, 0) == (0, 0)
    assert buffer.errors_with(b"x(", 0, 0, (0, 1)) == (0, 1)
    assert Buffer(b"plain", language_id="plaintext").errors_with(b"x(", 0, 0, (0, 1)) == (0, 0)


@pytest.mark.parametrize(("start", "faults"), [(0, 0), (-1, 1)], ids=["at the text's start", "far behind it"])
def test_a_line_for_the_system_stands_first_or_nowhere(start: int, faults: int) -> None:
    """A window that leaves out all code before a place would let such a line through anywhere."""
    text = b"local first = 1\n" * 3_000 + b"-- a comment\n" * 2_000
    place = len(text) if start < 0 else start
    before, after = Buffer(text, language_id="lua").errors_with(b'#"\\=x)))\n', place, place)
    assert (before, min(after, 1)) == (0, faults)
