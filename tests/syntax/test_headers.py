"""What callers see of functions, and whether two pieces of code differ in comments alone, language by language."""

from __future__ import annotations

import pytest

from codriver.syntax.analysis import Buffer
from codriver.syntax.headers import Header


def only(code: str, language: str) -> Header:
    found = Buffer(code.encode(), language_id=language).headers_with(code.encode(), 0, len(code.encode()))
    assert found is not None
    (header,) = found[0]
    return header


@pytest.mark.parametrize(
    ("language", "code", "name", "head", "body"),
    [
        ("python", "@a\n@b()\nasync def f(x): return 1\n", "f", "async def", "return 1"),
        ("python", "class A:\n    @property\n    def f(self):\n        return 1\n", "A.f", "def f", "return 1"),
        ("typescript", "export const f = async (x: number) => x + 1;\n", "f", "async (", "x + 1"),
        ("typescript", "class A {\n  private m(): void { return }\n}\n", "A.m", "private", "{ return }"),
        ("go", "package a\nfunc (t *T) F(a int) error { return nil }\n", "T.F", "func (t", "{ return"),
        ("rust", "impl A { pub fn f(&self) -> u8 { 1 } }\n", "A.f", "pub fn", "{ 1 }"),
        ("java", "class A { @Override public int f(int a) { return a; } }\n", "A.f", "int f", "{ return"),
        ("c", "static int f(void) { return 1; }\n", "f", "static", "{ return"),
        ("ruby", "class A\n  def f(a)\n    a\n  end\nend\n", "A.f", "def f", "a\n  end"),
        ("lua", "function M.f(a) return a end\n", "M.f", "function", "return a"),
    ],
)
def test_where_a_function_s_parts_begin(language: str, code: str, name: str, head: str, body: str) -> None:
    header = only(code, language)
    assert header.name == name and header.last == name.rpartition(".")[2]
    assert code[header.head :].startswith(head) and code[header.body :].startswith(body)
    assert header.start <= header.head <= header.body < header.end


@pytest.mark.parametrize(
    ("language", "old", "new", "serves"),
    [
        ("python", "def f(a, b=1): pass", "def f(a, b = 1,) : return 2", True),
        ("python", "def f(a): pass", "def f(a: int) -> str: pass", True),
        ("python", "def f(a: int): pass", "def f(a): pass", False),
        ("python", "def f(a): pass", "def f(a, *b): pass", False),
        ("python", "@x\ndef f(a): pass", "def f(a): pass", False),
        ("typescript", "function f(a) {}", "function f(a: number): void {}", True),
        ("typescript", "export function f(a) {}", "function f(a) {}", False),
        ("go", "package a\nfunc f(a int) {}", "package a\nfunc f(a int64) {}", False),
        ("rust", "fn f(a: u8) {}", "fn f(a: u8) -> u8 {}", False),
        ("c", "int f(int a) {}", "int  f( int a )\n{}", True),
    ],
)
def test_who_calls_a_function_can_go_on(language: str, old: str, new: str, serves: bool) -> None:
    assert only(old, language).serves(only(new, language)) is serves


@pytest.mark.parametrize(
    ("language", "old", "new", "same"),
    [
        ("python", "def f(a):\n    return a\n", 'def f(a):\n    """Doc."""\n    # why\n    return a\n', True),
        (
            "python",
            "def f(a):\n    if a:\n        b()\n    c()\n",
            "def f(a):\n    if a:\n        b()\n        c()\n",
            False,
        ),
        ("python", "x = 'a'\n", "x = 'b'\n", False),
        ("go", "package a\n\nfunc f() {}\n", "package a\n\n// Doc.\nfunc f() {}\n", True),
        ("javascript", "f(1); // a\n", "/** b */\nf(1);\n", True),
        ("javascript", "f(1);\n", "f(2);\n", False),
    ],
)
def test_only_comments_differ(language: str, old: str, new: str, same: bool) -> None:
    buffer = Buffer(old.encode(), language_id=language)
    assert buffer.same_code(new.encode(), 0, len(old.encode())) is same


def test_what_a_text_is_made_of() -> None:
    code = "import os\n\n# why\nclass A:\n    x = 1\n\n    def f(self): pass\n\nprint(1)\nX = g(2)\n"
    found = Buffer(code.encode(), language_id="python").items()
    assert [(item.kind, item.name, item.runs) for item in found] == [
        ("import", "", False),
        ("comment", "", False),
        ("class", "A", False),
        ("statement", "", True),
        ("statement", "", False),
    ]
    assert [(item.kind, item.name) for item in found[2].inner] == [("statement", ""), ("function", "f")]


def test_without_a_grammar_nothing_is_told() -> None:
    buffer = Buffer(b"anything", language_id="nothing-known")
    assert buffer.headers_with(b"x", 0, 1) is None and not buffer.same_code(b"x", 0, 1) and buffer.items() == ()
