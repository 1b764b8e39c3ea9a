"""Code inside of pages and documents counts as the code it is, where it stands, and only it is parsed again."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.syntax import embedded, languages
from codriver.syntax.analysis import Buffer, analyze
from codriver.syntax.text import Text

VUE = b"""<script setup lang="ts" generic="T extends Array<string>">
import { ref } from 'vue'
function go(a: number) {
  if (a) { return ref(1) }
}
</script>
<template><p v-if="a">{{ a }}</p></template>
<style scoped lang="scss">
.a { color: red; }
</style>
"""


def test_a_script_of_a_page_is_the_code_it_is() -> None:
    buffer = analyze("shop/Cart.vue", VUE)
    (go,) = buffer.functions()
    assert (go.name, go.start_line, go.end_line, go.cyclomatic, go.cognitive, go.parameters) == ("go", 3, 5, 2, 1, 1)
    assert VUE[go.start_byte : go.end_byte].startswith(b"function go") and VUE[: go.end_byte].endswith(b"}")
    inside = buffer.facts(VUE.index(b"return"))
    assert (inside.language, inside.scope, inside.cyclomatic, inside.reading) == ("typescript", "go", 2, "")
    assert (inside.path, inside.domain) == ("shop/Cart.vue", "frontend")
    assert "vue" in inside.frameworks
    whole = buffer.facts()
    assert (whole.language, whole.cyclomatic, whole.cognitive, whole.lines) == ("vue", 2, 1, 10)
    assert (whole.reading, buffer.facts(VUE.index(b"<p v-if")).language) == ("markup", "vue")
    assert buffer.facts(VUE.index(b"color")).language == "scss"
    assert buffer.imports() == ("vue",)
    assert buffer.function_at(VUE.index(b"return")) == go
    assert buffer.function_named("go") == go


def test_completion_inside_is_judged_by_the_piece() -> None:
    data = VUE.replace(b"  if (a) { return ref(1) }\n", b"  \n")
    buffer = analyze("Cart.vue", data)
    at = data.index(b"{\n  \n") + 4
    assert buffer.at_block_start(at)
    assert buffer.in_string_or_comment(data.index(b"'vue'") + 2)
    assert buffer.errors_with(b"return a", at, at) == (0, 0)
    before, after = buffer.errors_with(b"return (a", at, at)
    assert after > before == 0
    assert buffer.errors() == 0
    broken = analyze("Cart.vue", data.replace(b"a: number", b"a: ("))
    assert broken.errors() > 0


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("a.html", "<script>a</script>", ["javascript"]),
        ("a.html", "<SCRIPT type='module'>a</SCRIPT >", ["javascript"]),
        ("a.html", '<script type="text/typescript">a', ["typescript"]),
        ("a.html", '<script type="application/ld+json">{}</script>', ["json"]),
        ("a.html", '<script type="text/template"><p></script>', []),
        ("a.html", '<script src="x.js"/><p>', []),
        ("a.html", "<!-- <script>a</script> --><style>b</style>", ["css"]),
        ("a.html", "<!-- <script>a</script>", []),
        ("a.html", "<scripture>a</scripture>", []),
        ("a.html", "<script>a</script><style lang='scss'>b</style><script>c</script>", ["javascript", "scss", "javascript"]),
        ("a.svelte", '<script lang="ts" context="module">a</script>', ["typescript"]),
        ("a.svelte", "<script lang=tsx>a</script>", ["tsx"]),
        ("a.vue", '<script lang="klingon">a</script>', []),
        ("a.vue", '<template lang="pug">p</template>', []),
        ("a.md", "# A\n```python\ndef f(): pass\n```\n~~~js {1,2}\nf()\n~~~\n", ["python", "javascript"]),
        ("a.md", "```\nplain\n```\ntext\n````md\n```py\nx\n```\n````\n", ["markdown"]),
        ("a.md", "```{r}\nx <- 1\n", ["r"]),
        ("a.py", "'<script>a</script>'", []),
    ],
)  # fmt: skip
def test_which_pieces_there_are(path: str, text: str, found: list[str]) -> None:
    assert [piece.language.name for piece in Buffer(text.encode(), path=path).pieces()] == found


def test_only_the_piece_that_changed_is_read_again() -> None:
    text = Text(b"<p>a</p>\n<script>\nfunction a() {}\n</script>\n<script>\nfunction b() {}\n</script>\n")
    buffer = analyze("a.html", text.data)
    first, second = (piece.buffer for piece in buffer.pieces())
    buffer.edit([text.splice(0, 0, b"<h1>\xc3\xa9\n</h1>\n")], text.data)
    assert [piece.buffer for piece in buffer.pieces()] == [first, second]
    assert not any(piece.buffer.dirty for piece in buffer.pieces())
    at = text.data.index(b"b()") + 1
    buffer.edit([text.splice(at, at, b"ee")], text.data)
    assert [piece.buffer.dirty for piece in buffer.pieces()] == [False, True]
    assert [function.name for function in buffer.functions()] == ["a", "bee"]
    assert [function.start_line for function in buffer.functions()] == [5, 8]
    buffer.edit([text.splice(0, text.data.index(b"function b"), b"<script>")], text.data)
    assert [function.name for function in buffer.functions()] == ["bee"]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=30), st.binary(max_size=30), st.binary(max_size=10), st.binary(max_size=10))
def test_the_difference_makes_the_new_text_of_the_old(head: bytes, tail: bytes, was: bytes, becomes: bytes) -> None:
    old, new = head + was + tail, head + becomes + tail
    edit = embedded.difference(old, new)
    put_in = new[edit.start_byte : edit.new_end_byte]
    assert old[: edit.start_byte] + put_in + old[edit.old_end_byte :] == new
    assert edit.old_end_byte - edit.start_byte <= len(was)
    row, column = edit.new_end_point
    assert new[: edit.new_end_byte].count(b"\n") == row
    assert edit.new_end_byte - column == new.rfind(b"\n", 0, edit.new_end_byte) + 1


def test_edits_in_a_page_lead_to_the_facts_of_a_fresh_one() -> None:
    text, dice = Text(VUE), random.Random(7)
    buffer = analyze("a.vue", VUE)
    pieces = [
        b"<script>",
        b"</script>",
        b"x",
        b"\n",
        b"{",
        b"}",
        b"<!--",
        b"-->",
        b"function f() {}\n",
        b"\xc3\xa9",
        b"lang='ts'",
    ]
    for _ in range(150):
        start = dice.randrange(len(text.data) + 1)
        end = min(start + dice.choice([0, 0, 0, 3]), len(text.data))
        buffer.edit([text.splice(start, end, dice.choice(pieces))], text.data)
        buffer.parse()
        fresh = analyze("a.vue", text.data)
        assert [(p.start, p.end, p.language) for p in buffer.pieces()] == [
            (p.start, p.end, p.language) for p in fresh.pieces()
        ]
        assert [p.buffer.data for p in buffer.pieces()] == [text.data[p.start : p.end] for p in fresh.pieces()]


def test_pieces_are_bounded() -> None:
    html = languages.of_id("html")
    assert html is not None
    assert len(embedded.find(b"<script>a</script>" * 1000, html.embedded)) == embedded.MOST
    beyond = b" " * embedded.SEARCHED + b"<script>a</script>"
    assert embedded.find(beyond, html.embedded) == []


@pytest.mark.parametrize("text", [b"<script" * 150_000, b"<!--" * 250_000, b"<script a='" * 90_000, b"```py" * 200_000])
def test_no_page_takes_long_to_search(text: bytes) -> None:
    for name in ("html", "markdown"):
        language = languages.of_id(name)
        assert language is not None
        embedded.find(text, language.embedded)
