"""What is told of the neighbourhood of a place, and what is left of a text within a budget."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from codriver.syntax.analysis import Buffer, analyze
from codriver.syntax.surroundings import alike, sight
from codriver.syntax.trees import EAGER

PYTHON = """import os

def helper(a):
    return a

class Shop:
    rate = 2

    def price(self, item):
        return item

    @cached
    def total(self, items):
        found = [self.price(i) for i in items]
        return helper(sum(found)) |
"""
TYPESCRIPT = """import { a } from "b";
export function helper(x: number) { return x; }
export class Shop {
  price(item: Item) { return item; }
  total(items: Item[]) {
    return helper(items.map((i) => this.price(i)).length) |;
  }
}
"""
GO = """package m
import "fmt"
type Shop struct { rate int }
func helper(a int) int { return a }
func (s *Shop) Total(items []int) int {
	fmt.Println(items)
	return helper(len(items)) |
}
"""


@pytest.mark.parametrize(
    ("path", "text", "scopes", "symbols", "called"),
    [
        ("a.py", PYTHON, ("class Shop:", "def total(self, items):"), ("helper", "Shop", "price", "total"),
         ("self.price", "helper", "sum")),
        ("a.ts", TYPESCRIPT, ("class Shop {", "total(items: Item[]) {"), ("helper", "Shop", "price", "total"),
         ("helper", "items.map", "this.price")),
        ("a.go", GO, ("func (s *Shop) Total(items []int) int {",), ("Shop", "helper", "Shop.Total"),
         ("fmt.Println", "helper", "len")),
        ("a.xyz", "anything |", (), (), ()),
        ("a.py", "|", (), (), ()),
    ],
)  # fmt: skip
def test_scopes_symbols_and_calls(
    path: str, text: str, scopes: tuple[str, ...], symbols: tuple[str, ...], called: tuple[str, ...]
) -> None:
    cursor = len(text[: text.index("|")].encode())
    found = analyze(path, text.replace("|", "").encode()).surroundings(cursor)
    assert found.scopes == scopes
    assert set(symbols) <= set(found.symbols) and len(set(found.symbols)) == len(found.symbols)
    assert set(found.called) == set(called)
    assert found.errors == ()


def test_errors_are_where_the_code_is_broken() -> None:
    source = b"def f(a):\n    return a\n\ndef g(a):\n    x = = 2\n    return a\n"
    buffer = analyze("a.py", source)
    assert buffer.surroundings(source.index(b"return a")).errors == ()
    errors = buffer.surroundings(source.index(b"x = =")).errors
    at = source.index(b"= =")
    assert errors and all(source.index(b"def g") <= start <= end <= len(source) for start, end in errors)
    assert any(start <= at + 2 and at <= end for start, end in errors)


METHOD = "    def m{n}(self, a):\n        if a:\n            return a + {n}\n        return {n}\n\n"


@pytest.mark.parametrize("budget", [1_000, 4_000, 1_000_000])
def test_an_excerpt_is_whole_nodes_with_the_head_of_the_class_around(budget: int) -> None:
    source = ("import os\n\nclass Long:\n" + "".join(METHOD.format(n=n) for n in range(200))).encode()
    buffer = analyze("a.py", source)
    start = source.index(b"    def m100")
    end = source.index(b"    def m101")
    before, after = buffer.excerpt(start, end, budget)
    assert len(before) + len(after) <= budget
    whole = before + source[start:end] + after
    assert before.startswith(b"import os\n") and b"class Long:\n" in before
    assert analyze("a.py", whole).errors() == 0
    kept = {function.name for function in analyze("a.py", whole).functions()}
    assert {"Long.m99", "Long.m100", "Long.m101"} <= kept
    assert (before + source[start:end] + after == source) == (budget > len(source))


def test_there_is_no_excerpt_where_nodes_are_too_long_or_nothing_is_known() -> None:
    line = b"x = [" + b"1, " * 5000 + b"]\n"
    assert analyze("a.py", line).excerpt(6, 6, 1000) == (b"", b"")
    assert analyze("a.unknown", b"words\n" * 400).excerpt(6, 6, 1000) == (b"", b"")
    unread = Buffer(b"x = 1\n" * EAGER, path="a.py", limit=10 * EAGER)
    assert unread.excerpt(6, 6, 1000) == (b"", b"")


HERE = b"def settle_invoice(invoice, ledger):\n    amount = invoice.net + invoice.tax\n    ledger.post(amount)\n"
LIKE = b"def cancel_invoice(invoice, ledger):\n    amount = invoice.net + invoice.tax\n    ledger.revoke(amount)\n"
OTHER = b"def paint(canvas, colour):\n    canvas.fill(colour)\n    return canvas.pixels\n"


def test_places_alike_are_found_in_other_texts_best_first() -> None:
    far = OTHER * 20 + LIKE + OTHER * 20
    found = alike(HERE, [OTHER * 30, far, LIKE])
    assert [place.text for place in found] == [2, 1]
    best = far[found[1].start : found[1].end]
    assert b"cancel_invoice" in best and found[0].likeness > found[1].likeness
    assert alike(HERE, [far], most=0) == alike(b"", [far]) == alike(HERE, []) == []
    assert alike(HERE, [LIKE.replace(b"\n", b"\r\n")])[0].end == len(LIKE) + 3


def test_looking_for_places_alike_is_bounded() -> None:
    library = Path(pytest.__file__).parent.parent
    texts = [path.read_bytes() for path in sorted(library.glob("_pytest/*.py"))] * 20
    start = time.thread_time()
    alike(sight(texts[0], 2000), texts)
    assert time.thread_time() - start < 0.2
    assert len(sight(texts[0], 2000)) <= 3000
