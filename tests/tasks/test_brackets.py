"""What a candidate replaces to its right, and how it is closed or cut back."""

from __future__ import annotations

import pytest

from codriver.tasks import brackets


@pytest.mark.parametrize(
    ("text", "rest", "expected"),
    [
        ("a, b)", ")", 1),
        ("a, b", ")", 0),
        ("foo()", ")", 0),
        ("x) -> int:", "):", 2),
        ("x)", "):", 1),
        ("[1])", "])", 0),
        ("1])", "])", 2),
        ('text")', '")', 2),
        ('"a"', '"', 0),
        ("b + c", " + c", 4),
        ("b", " + c", 0),
        ("a)", ")  ", 1),
        ("a;", ";", 1),
        ("a", "", 0),
    ],
)
def test_overlap(text: str, rest: str, expected: int) -> None:
    assert brackets.overlap(text, rest) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f(x", "f(x)"),
        ("f(x)", "f(x)"),
        ("a[b(", "a[b()]"),
        ("if (x) {\n  y();", "if (x) {\n  y();\n}"),
        ("  a(function () {\n    b", "  a(function () {\n    b\n  })"),
        ("x)", "x)"),
    ],
)
def test_closed(text: str, expected: str) -> None:
    assert brackets.closed(text) == expected


@pytest.mark.parametrize(
    ("text", "good", "expected"),
    [
        ("a)", {"a)"}, "a)"),
        ("a)", {"a"}, "a"),
        ("f(a", {"f(a)"}, "f(a)"),
        ("a\nb\nc(", {"a\nb"}, "a\nb"),
        ("a\nb", set(), ""),
    ],
)
def test_fitted(text: str, good: set[str], expected: str) -> None:
    assert brackets.fitted(text, good.__contains__) == expected


def test_the_parser_is_asked_a_bounded_number_of_times() -> None:
    asked: list[str] = []

    def never(text: str) -> bool:
        asked.append(text)
        return False

    assert brackets.fitted("x(\n" * 500, never) == ""
    assert len(asked) <= 12
