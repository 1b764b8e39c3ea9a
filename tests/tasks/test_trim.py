"""What a model says, and what of it may stand at the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.tasks import trim
from codriver.tasks.trim import Place


def place(marked: str, *, many: bool = False, unit: str = "    ", markup: bool = False) -> Place:
    """A place from a text with ‸ where the cursor is."""
    before, _, after = marked.partition("‸")
    return Place(before, after, many, unit, markup)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1", "x = 1"),
        ("<think>hm\n</think>\nx = 1", "x = 1"),  # or in the middle of a line its rest would seem to be empty
        ("<think>hm\n</think>\n\n    x = 1", "    x = 1"),
        ("<think>never ends", ""),
        ("so it is\n</think>\n\nx = 1", "x = 1"),
    ],
)
def test_unthought(text: str, expected: str) -> None:
    assert trim.unthought(text) == expected


@pytest.mark.parametrize(
    ("text", "around", "expected"),
    [
        ("x = 1<|endoftext|>import os", "", "x = 1"),
        ("<|fim_middle|>x = 1<|fim_pad|>", "", "x = 1"),
        ("x = 1 <EOT>", "", "x = 1 "),
        ("x<｜fim▁end｜>y", "", "x"),
        ('M = "<|fim_middle|>"', 'P = "<|fim_middle|>"', 'M = "<|fim_middle|>"'),
        ("a < b > c", "", "a < b > c"),
    ],
)
def test_unmarked(text: str, around: str, expected: str) -> None:
    assert trim.unmarked(text, around) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("return x", "return x"),
        ("```python\nreturn x\n```", "return x\n"),
        ("```\nreturn x", "return x"),
        ("Here is the code:\n\n```python\nreturn x\n```\nIt returns x.", "return x\n"),
        ("return x\n```\nThis returns x.", "return x\n"),
        ("a\n~~~py\nb\n~~~\n", "a\n"),
    ],
)
def test_unfenced(text: str, expected: str) -> None:
    assert trim.unfenced(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("return x", "return x"),
        ("Sure! Here is the completed line:\nreturn x", "return x"),
        ("Here's the completion:\n\nreturn x\n\nThis code returns the value of x.", "return x\n"),
        ("great = 1\nok = 2", "great = 1\nok = 2"),
        ("letters = []\n\nnote: int = 1", "letters = []\n\nnote: int = 1"),
    ],
)
def test_unchatted(text: str, expected: str) -> None:
    assert trim.unchatted(text) == expected


@pytest.mark.parametrize(
    ("marked", "text", "expected"),
    [
        ("total = ‸", "total = 1", "1"),
        ("    total = ‸", "total = 1", "1"),
        ("    total = ‸", "    total = 1", "1"),
        ("total =‸", "total = 1", " 1"),
        ("def f(x):\n    return ‸", "def f(x):\n    return x", "x"),
        ("def f(x):\n    ‸", "def f(x):\n    return x", "return x"),
        ("x = ‸", " 1", "1"),
        ("x ‸", "x", "x"),
        ("(‸", "()", "()"),
    ],
)
def test_unechoed(marked: str, text: str, expected: str) -> None:
    assert trim.unechoed(text, place(marked)) == expected


@pytest.mark.parametrize(
    ("marked", "text", "expected"),
    [
        pytest.param("def f():\n    ‸", "x = 1\n    return x", "x = 1\n    return x", id="right"),
        pytest.param("def f():\n    ‸", "    x = 1\n    return x", "x = 1\n    return x", id="first said again"),
        pytest.param("def f():\n    ‸", "x = 1\nreturn x", "x = 1\n    return x", id="from zero"),
        pytest.param("    a = 1\n    ‸", "for x in y:\n    z(x)", "for x in y:\n        z(x)", id="block from zero"),
        pytest.param("        a = 1\n        ‸", "b\n    else:\n        c", "b\n    else:\n        c", id="leaves"),
        pytest.param("    a = 1\n    ‸", "b\n\ndef g():\n    c", "b\n\ndef g():\n    c", id="leaves after a blank"),
        pytest.param("def f():‸", "\n    return 1", "\n    return 1", id="below"),
        pytest.param("  def f():‸", "\nreturn 1", "\n      return 1", id="below, from zero"),
        pytest.param("if (x) {‸", "\n}", "\n}", id="closer below"),
        pytest.param("    def f():\n    ‸", "    return 1", "    return 1", id="one step more"),
        pytest.param("def f():\n‸", "    return 1", "    return 1", id="from the left edge"),
        pytest.param("    ‸", "\n    x = 1", "x = 1", id="spare newline"),
    ],
)
def test_aligned(marked: str, text: str, expected: str) -> None:
    assert trim.aligned(text, place(marked)) == expected


@pytest.mark.parametrize(
    ("line", "text", "expected"),
    [
        ("    ", "x = 1\n    y = 2", "x = 1\n    y = 2"),
        ("    ", "x = 1\n    y = 2\ndef g():", "x = 1\n    y = 2"),
        ("    ", "x = 1\n\n    y = 2", "x = 1"),
        ("", "def f():\n    a\n\n    b\n\ndef g():", "def f():\n    a\n\n    b"),
        ("def f():", "\n    a\n    b\nc = 1", "\n    a\n    b"),
        ("if (a) {", "\n  b;\n} else {\n  c;\n}\nd;", "\n  b;\n} else {\n  c;\n}"),
        ("    x = g(", "\n        a,\n    )\n    y = 2", "\n        a,\n    )"),
    ],
)
def test_block(line: str, text: str, expected: str) -> None:
    assert trim.block(text, line) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb = 2", "a = 1\nb = 2"),
        ("go()\ngo()\ngo()\ngo()", "go()"),
        ("head\na()\nb()\na()\nb()\na()\nb()", "head\na()\nb()"),
        ("  }\n }\n}", "  }\n }\n}"),
        ("}\n}\n}", "}\n}\n}"),
    ],
)
def test_unlooped(text: str, expected: str) -> None:
    assert trim.unlooped(text) == expected


@pytest.mark.parametrize(
    ("marked", "text", "expected"),
    [
        ("    ‸\n    return x", "x = 1\n    return x", "x = 1"),
        ("    ‸\n    return x", "return x", ""),
        ("    ret‸\n    return x", "urn x", ""),
        ("if (a) {‸\n}", "\n  b;\n}", "\n  b;"),
        ("if (a) {‸\n  }", "\n  b;\n}", "\n  b;\n}"),
        ("    y = 1\n    ‸", "y = 1", ""),
        ("    0,\n    ‸", "0,", "0,"),
    ],
)
def test_undoubled(marked: str, text: str, expected: str) -> None:
    assert trim.undoubled(text, place(marked)) == expected


@pytest.mark.parametrize(
    ("marked", "many", "text", "expected"),
    [
        pytest.param("x = ‸", False, "1\ny = 2", "1", id="one line"),
        pytest.param("x = ‸", False, "```python\nx = 1  \n```", "1", id="fence, echo, trailing space"),
        pytest.param("def f():\n    ‸", True, "```\nreturn 1\n```\n", "return 1", id="fence"),
        pytest.param("def f():\n    ‸", True, "a = 1\r\n    return a\r\n", "a = 1\n    return a", id="CRLF"),
        pytest.param("x = ‸", False, "   \n", "", id="blank"),
        pytest.param("x = ‸", False, "", "", id="nothing"),
        pytest.param("x = 1‸", False, "\ny = 2", "", id="the line was complete"),
        pytest.param("\tif x {‸\n", True, "\n\t    a()\n\t}\n", "\n\t\ta()\n\t}", id="tabs"),
    ],
)
def test_tidy(marked: str, many: bool, text: str, expected: str) -> None:
    unit = "\t" if "\t" in marked else "    "
    assert trim.tidy(text, place(marked, many=many, unit=unit)) == expected


def test_markup_keeps_its_fences() -> None:
    there = place("# Use\n\n‸", many=True, markup=True)
    assert trim.tidy("```sh\nmake\n```", there) == "```sh\nmake\n```"


@pytest.mark.parametrize(
    ("marked", "many", "text", "expected"),
    [
        ("x = ‸", False, "1", False),
        ("x = ‸", False, "1\n", True),
        ("x = ‸", False, "```python\n", False),
        ("x = ‸", False, "```python\n1\n", True),
        ("    ‸", True, "a = 1\n    b = 2\n", False),
        ("    ‸", True, "a = 1\n    b = 2\ndef", False),
        ("    ‸", True, "a = 1\n    b = 2\ndef f():\n", True),
        ("    ‸", True, "```\na = 1\n```\n", True),
        ("    ‸\n    return a", True, "a = 1\n    return a\n", True),
        ("    ‸", True, "go(1)\n    go(1)\n    go(1)\n    go(1)\n", True),
        ("    ‸", True, "\n\n", False),
        ("    ‸", True, "<think>\nwhat now\n", False),
    ],
)
def test_enough(marked: str, many: bool, text: str, expected: bool) -> None:
    assert trim.enough(text, place(marked, many=many)) is expected


@settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet="ab ={}()\n\t:`<>|", max_size=60),
    st.text(alphabet="ab ={}()\n\t:`<>|é", max_size=80),
    st.text(alphabet="ab ={}()\n", max_size=30),
    st.booleans(),
)
def test_tidy_leaves_no_blank_ends(before: str, text: str, after: str, many: bool) -> None:
    there = Place(before, after, many)
    kept = trim.tidy(text, there)
    assert kept == kept.rstrip()
    assert trim.wide(kept, there) or "\n" not in kept.removeprefix("\n")


@pytest.mark.parametrize(
    ("marked", "text", "expected"),
    [
        pytest.param("for x in ‸", "items:\n    print(x)\n\nother()", "items:\n    print(x)", id="a block is opened"),
        pytest.param("if (a)‸", " {\n    b();\n}\nc();", " {\n    b();\n}", id="braces"),
        pytest.param("for x in ‸\n    print(x)\n", "items:\n    other(x)", "items:", id="its body is there"),
        pytest.param("foo(‸)", "{\n  a: 1\n}", "{", id="something to the right"),
        pytest.param("x = ‸", "1\ny = 2", "1", id="no block"),
        pytest.param("x = [\n    1,‸\n]", "\n    2,\n    3,", "\n    2,", id="the next entry"),
        pytest.param("x = 1‸", "\ny = 2", "", id="another statement"),
    ],
)
def test_a_line_that_opens_a_block_brings_it(marked: str, text: str, expected: str) -> None:
    assert trim.tidy(text, place(marked)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0, 1, " * 20, "0, 1,"),
        ("a = " + "very " * 40, "a = very"),
        ("f(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w)", ""),
        ("# " + "-" * 100, ""),
        ("x, y, " * 5, ""),
    ],
)
def test_a_line_that_goes_in_circles_is_cut_after_the_first_round(text: str, expected: str) -> None:
    assert trim.circling("first\n" + text) is bool(expected)
    assert trim.unlooped(text) == (expected or text)


@pytest.mark.parametrize(
    ("marked", "text", "expected"),
    [("x = a + bc‸", " + bc", ""), ("x = a + bc‸", " + b", " + b"), ("f(a, ‸", "a", "a")],
)
def test_what_was_just_typed_is_not_said_again(marked: str, text: str, expected: str) -> None:
    assert trim.tidy(text, place(marked)) == expected
