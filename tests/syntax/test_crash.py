"""Native code cannot be caught when it crashes: what was seen to crash is tried in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from codriver.syntax.analysis import Buffer

SAMPLES = {
    "python": "import a\n\n@x\nclass A(B):\n    async def f(self, a: int = 1) -> str:\n        return f'{a!r}'\n",
    "javascript": (
        "export default class A { #x = 1; async *f({ a }, ...b) { for await (const c of d) yield c?.e ?? 1 } }\n"
    ),
    "typescript": "abstract class A<T extends B> { constructor(private readonly a?: T) {} }\nenum E { A = 1 }\n",
    "tsx": "const F = <T,>({ a }: P<T>) => <><B c={a} {...d}>text</B></>;\n",
    "go": "package m\n\nfunc F[T any](a T) (err error) { go func() { defer f() }(); return }\n",
    "rust": "impl<'a, T: B + 'a> A<'a, T> { pub async fn f(&mut self) -> Result<(), E> { x?.await; Ok(()) } }\n",
    "java": ("record R(int a) { int f() { return switch (a) { case 1 -> 2; default -> 3; }; } }\n"),
    "c": "#define X 1\nstatic int (*f(void))(int a) { return (struct s){ .a = 1 }.g; }\n",
    "cpp": (
        "template <typename T> requires C<T> auto f(T&& t) noexcept -> decltype(auto) { co_return [=]<int N>() {}; }\n"
    ),
    "ruby": "class A < B\n  def f(a:, **b) = a\n  private def g; <<~X\n    \\#{y}\n  X\n  end\nend\n",
    "php": (
        "<?php\n#[A]\nenum E: string { case A = 'a'; static function f(int|null ...$a): static { return $a?->b; } }\n"
    ),
}


@pytest.mark.parametrize("language", SAMPLES)
def test_every_grammar_loads_and_parses_its_sample(language: str) -> None:
    buffer = Buffer(SAMPLES[language].encode(), language_id=language)
    assert buffer.facts().errors == 0
    assert language in ("c",) or buffer.functions()


QUERY = """
from tree_sitter import Query
from tree_sitter_language_pack import get_language
for _ in range(8):
    for name in ("javascript", "python", "tsx"):
        Query(get_language(name), '((identifier) @a (#eq? @a "x") (#is-not? local))')
"""
WALK = """
import ast, argparse, inspect
from pathlib import Path
from codriver.syntax import languages, outline
from codriver.syntax.analysis import analyze
for module in (ast, argparse, inspect):
    data = Path(module.__file__).read_bytes()
    buffer = analyze("m.py", data)
    for offset in range(0, len(data), 97):
        buffer.facts(offset), buffer.in_string_or_comment(offset), buffer.at_block_start(offset)
"""
GARBAGE = """
import random
from codriver.syntax.analysis import analyze
random.seed(1)
data = bytes(random.choice(b'(){}[]<>;:,a b"\\'\\n/*#&|=+-') for _ in range(200_000))
for path in ("a.tsx", "a.py"):
    buffer = analyze(path, data)
    buffer.facts(1000), buffer.functions(), buffer.errors_with(b"x(", 1000, 1000)
"""


GRAMMARS = """
from codriver.syntax import languages
from codriver.syntax.analysis import Buffer
text = b'''# one
function total(a, b) { if (a > 1 && b) { while (true) { x("y"); } } return a; }
class Cart { int go() { return 1; } }
'''
for language in languages.known():
    if language.grammar:
        print(language.name, flush=True)
        for data in (text, b"", b"\\n", text[:60], b'"', b"(" * 300, b"/*", b"r#", b"a\\0b"):
            buffer = Buffer(data, language_id=language.name)
            assert buffer.language.name == language.name and buffer.language.load() is not None
            buffer.facts(), buffer.facts(40), buffer.functions(), buffer.imports()
            buffer.in_string_or_comment(50), buffer.at_block_start(40), buffer.errors_with(b"x(", 5, 6)
"""


def test_no_grammar_of_the_pack_crashes_or_hangs() -> None:
    done = subprocess.run([sys.executable, "-c", GRAMMARS], capture_output=True, timeout=120, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-50:]
    assert len(done.stdout.split()) > 160


@pytest.mark.parametrize("program", [QUERY, WALK, GARBAGE], ids=["query", "walk", "garbage"])
def test_what_may_crash_does_not(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
