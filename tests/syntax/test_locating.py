"""Where a plugin's hole stands in an open buffer, although the two tell the text a moment apart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.syntax.locating import hints, locate

CODE = """\
import os


def first(items):
    for item in items:
        if item.ready:
            return item
    return None


def second(items):
    total = 0
    for item in items:
        total += item.price * item.count
    return total
"""


@pytest.mark.parametrize("offset", [0, 14, CODE.index("item.ready"), CODE.index("price"), len(CODE)])
def test_the_very_cursor_is_found(offset: int) -> None:
    assert locate(CODE.encode(), CODE[:offset].encode(), CODE[offset:].encode()) == offset


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(CODE)), st.integers(30, 500), st.integers(30, 500))
def test_windows_of_any_size_are_found(offset: int, before: int, after: int) -> None:
    place = locate(
        CODE.encode(), CODE[max(0, offset - before) : offset].encode(), CODE[offset : offset + after].encode()
    )
    assert place == offset


def test_a_letter_the_editor_has_not_told_yet() -> None:
    offset = CODE.index("total += item.price") + len("total += it")
    place = locate(CODE.encode(), (CODE[:offset] + "ems").encode(), CODE[offset:].encode())
    assert place is not None and CODE.rfind("\n", 0, place) == CODE.rfind("\n", 0, offset)


def test_a_blank_line_whose_blanks_the_plugin_leaves_out() -> None:
    text = CODE.replace("    total = 0\n", "    total = 0\n        \n")
    at = text.index("        \n")
    place = locate(text.encode(), text[:at].encode(), b"\n" + text[at + 9 :].encode())
    assert place is not None and at <= place <= at + 8


def test_line_ends_may_differ() -> None:
    crlf = CODE.replace("\n", "\r\n").encode()
    offset = CODE.index("item.ready")
    place = locate(crlf, CODE[:offset].encode(), CODE[offset:].encode())
    assert place == crlf.index(b"item.ready")


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("}\n", "}\n"), ("def other(items):\n    ", "\n    return nothing\n"), ("\n\n", "\n")],
)
def test_what_says_too_little_is_found_nowhere(before: str, after: str) -> None:
    assert locate(CODE.encode(), before.encode(), after.encode()) is None


@pytest.mark.parametrize(
    ("prefix", "path", "language"),
    [
        ("# language: python\n# indentation: 4 spaces\nx = 1\n", "", "python"),
        ("// Path: src/app.ts\nconst a = 1;\n", "src/app.ts", ""),
        ("<!-- filename: a.html -->\n", "a.html", ""),
        ("-- language: lua\n-- file: init.lua\n", "init.lua", "lua"),
        ("x = 1\n", "", ""),
        ("", "", ""),
        ("\n" * 10 + "# language: go\n", "", ""),
    ],
)  # fmt: skip
def test_hints_on_top(prefix: str, path: str, language: str) -> None:
    assert hints(prefix) == (path, language)
