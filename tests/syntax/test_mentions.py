"""What a message names: paths as people, tools, compilers and agents write them, and where in them they point."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.syntax.mentions import LIMIT, mentions, symbols


@pytest.mark.parametrize(
    ("text", "path", "lines"),
    [
        ("please fix `src/pay.py:42`", "src/pay.py", (42, 42)),
        ("src/pay.py:42:7 looks odd", "src/pay.py", (42, 42)),
        ("src/pay.py:10-20", "src/pay.py", (10, 20)),
        ("web/cart.ts#L4-L9", "web/cart.ts", (4, 9)),
        ("pay.py, line 7", "pay.py", (7, 7)),
        ("pay.py (lines 3 to 9)", "pay.py", (3, 9)),
        ("lines 3-9 of the file pay.py", "pay.py", (3, 9)),
        ("look at @app/[id]/page.tsx", "app/[id]/page.tsx", None),
        ("[the page](app/(shop)/page.tsx)", "app/(shop)/page.tsx", None),
        (r"C:\work\shop\pay.py:5", "C:/work/shop/pay.py", (5, 5)),
        ("./pay.py and so on", "pay.py", None),
        ('  File "/w/shop/pay.py", line 42, in settle\n    total += 1', "/w/shop/pay.py", (42, 42)),
        ("    at settle (/w/shop/pay.js:10:5)", "/w/shop/pay.js", (10, 10)),
        ("    at file:///w/shop/pay.mjs:10:5", "/w/shop/pay.mjs", (10, 10)),
        ("main.settle(0x1)\n\t/w/shop/pay.go:12 +0x1d", "/w/shop/pay.go", (12, 12)),
        ("error[E0382]: moved\n --> src/pay.rs:10:5", "src/pay.rs", (10, 10)),
        ("thread 'main' panicked at src/pay.rs:10:5:", "src/pay.rs", (10, 10)),
        ("\tat org.shop.Pay.settle(Pay.java:42)", "org/shop/Pay.java", (42, 42)),
        ("src/pay.c:10:5: error: expected ';'", "src/pay.c", (10, 10)),
        ("src/pay.ts(12,5): error TS2322: no", "src/pay.ts", (12, 12)),
        ("sed -n '10,60p' src/pay.py", "src/pay.py", (10, 60)),
        ("./src/pay.py:3:def settle():", "src/pay.py", (3, 3)),
        ("src/pay.py\n12:def settle():\n18:    return 1", "src/pay.py", (12, 18)),
        ("<path>/w/pay.py</path>\n<content>\n00001| import os\n00002| import re", "/w/pay.py", (1, 2)),
        ("/w/pay.py:\n  Line 12: def settle():", "/w/pay.py", (12, 12)),
        ("--- a/shop/pay.py\n+++ b/shop/pay.py\n@@ -10,3 +10,4 @@ def f():\n a\n+b\n c\n d", "shop/pay.py", (11, 11)),
        ("--- a/shop/pay.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b", "shop/pay.py", None),
    ],
)  # fmt: skip
def test_a_path_and_its_lines(text: str, path: str, lines: tuple[int, int] | None) -> None:
    (found,) = mentions(text).files
    assert found.path == path
    assert found.lines == ((lines,) if lines else found.lines if "/dev/null" in text else ())


@pytest.mark.parametrize(
    "text",
    ["What is 3.11 good for, e.g. speed?", "see https://example.com/pay.py", "node 20.1, v1.2.3", "self.total.append(1)",
     "mail me at a@b.example", "...", "/usr/bin/env", "good morning"],
)  # fmt: skip
def test_what_is_no_path(text: str) -> None:
    assert mentions(text).files == ()


ENVELOPE = """*** Begin Patch
*** Update File: shop/pay.py
@@ def settle(accounts):
     total = 0
-    return total
+    return total + 1
*** Add File: shop/new.py
+def fresh():
+    return 1
*** End Patch"""

BLOCKS = """I will change it so.

shop/pay.py
```python
<<<<<<< SEARCH
    total = 0
=======
    total = 1
>>>>>>> REPLACE
```
"""


def test_a_patch_in_an_envelope() -> None:
    first, second = mentions(ENVELOPE).files
    assert (first.path, first.named, first.quoted) == ("shop/pay.py", ("settle",), ("    total = 0\n    return total",))
    assert (second.path, second.code) == ("shop/new.py", "def fresh():\n    return 1")


def test_search_and_replace() -> None:
    (found,) = mentions(BLOCKS).files
    assert (found.path, found.quoted) == ("shop/pay.py", ("    total = 0",))


def test_hunks_of_one_file_point_at_several_places() -> None:
    text = "--- a/p.py\n+++ b/p.py\n@@ -1,2 +1,2 @@\n-a\n+b\n c\n@@ -40,2 +40,3 @@\n x\n+y\n z\n\nThat is all, thanks."
    assert mentions(text).files[0].lines == ((1, 1), (41, 41))


def test_numbered_lines_without_a_name() -> None:
    assert mentions("    40\tdef settle():\n    41\t    return 1\n").shown == (40, 41)
    assert mentions("    40→def settle():\n    41→    return 1\n").shown == (40, 41)


def test_fences_have_their_language_or_path() -> None:
    text = '```python title="shop/pay.py"\na = 1\n```\n\n`shop/cart.ts`\n```ts\nlet a\n```\n\n```rust:src/lib.rs\nfn a() {}\n```\n~~~\nx\n'
    assert [(f.language, f.path, f.code) for f in mentions(text).fences] == [
        ("python", "shop/pay.py", "a = 1\n"), ("ts", "shop/cart.ts", "let a\n"), ("rust", "src/lib.rs", "fn a() {}\n"),
        ("", "", "x\n"),
    ]  # fmt: skip


def test_names_of_code() -> None:
    told = symbols("why does `settle` call Cart.total() with late_fee and bulkPrice in the loop?")
    assert told == {"settle", "total", "late_fee", "bulkPrice"}


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="a/.:@-+ \n`<>=()[]{}0123456789#L\\\"'SEARCHpy", max_size=2000))
def test_no_text_is_too_odd(text: str) -> None:
    for found in mentions(text).files:
        assert found.path and all(first <= last for first, last in found.lines)
    symbols(text)


@pytest.mark.parametrize(
    "piece",
    ["a", "a/", "a.", "a.py ", "a.py:1 ", "`", "```\n", "(", "@@ ", "<<<<<<< SEARCH\n", "\n1:", "--- a\n+++ a.py\n", "lines 1 ", " "],
)  # fmt: skip
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (LIMIT // len(piece))
    mentions("a.py")
    mentions.cache_clear()
    start = time.process_time()
    mentions(text)
    assert time.process_time() - start < 0.1
