"""Lines of code and of comments, tokens, and the maintainability index: by hand, and after edits as from scratch."""

from __future__ import annotations

import math
import random
import sysconfig
from pathlib import Path

import pytest

from codriver.syntax.analysis import Buffer, analyze
from codriver.syntax.sizes import CHUNK, Size
from codriver.syntax.text import Text

PYTHON = '''"""About
this module."""

import os  # for paths


def f(a, b="""not
a comment"""):
    """About f."""

    # on its own
    return a + os.sep  # and beside
'''
HTML = "<!-- about -->\n<p>\n  words\n</p>\n\n<script>\n// no code\nf(1);\n</script>\n"


@pytest.mark.parametrize(
    ("path", "text", "code", "comments"),
    [
        ("a.py", PYTHON, 4, 6),
        ("a.py", "a = 1; b = 2\n", 1, 0),
        ("a.py", "", 0, 0),
        ("a.py", "\n\n", 0, 0),
        ("a.py", 'a = f"""b\\n{c}\nd\\n\n\\te\n"""\n', 4, 0),
        ("a.py", 'a = """' + "b\\n\n\n" * CHUNK + '"""\n', CHUNK + 1, 0),
        ("a.js", "/* a\n\n b */ f(); // c\n'use strict';\n", 2, 2),
        ("a.ts", "const a = `x\n\ny ${b}`;\n// c\n", 2, 1),
        ("a.go", "package a\n\n// F does.\nfunc F() {}\n", 2, 1),
        ("a.rs", "/// Doc.\nfn f() { /* a */ }\n", 1, 2),
        ("A.java", "/** Doc.\n */\nclass A {\n}\n", 2, 2),
        ("a.c", "#include <a.h>\n/* b */\nint a;\n", 2, 1),
        ("a.rb", "# a\ndef f\n  1\nend\n", 3, 1),
        ("a.sql", "-- a\nSELECT 1;\n", 1, 1),
        ("a.yaml", "# a\nb: 1\n\nc: 2\n", 2, 1),
        ("a.toml", "# a\nb = 1\n", 1, 1),
        ("a.sh", "#!/bin/sh\n# a\nls\n", 1, 2),
        ("a.lua", "-- a\nlocal b = 1\n", 1, 1),
        ("a.html", HTML, 6, 2),
        ("a.html", "<p>\n<script>f()</script>\n<script>g();\n\nh()</script></p>\n", 4, 0),
        ("a.html", "<script>f()</script>" * 9, 1, 0),
        ("a.md", "# A\n\n```py\nx = 1  # y\n```\n", 4, 1),
        ("a.unknown", "one\n\ntwo\n", 2, 0),
    ],
)
def test_lines_of_code_and_of_comments(path: str, text: str, code: int, comments: int) -> None:
    size = analyze(path, text.encode()).size()
    assert (size.code, size.comments) == (code, comments)


def test_tokens_are_counted_as_by_hand() -> None:
    size = analyze("a.py", b"x = f(x, 'a b')  # no\n").size()
    assert (size.tokens, size.distinct) == (7, 6)


def test_the_maintainability_index_is_as_published() -> None:
    """By the three metric formula, scaled to 100 and rounded."""
    size = Size(code=20, tokens=100, distinct=32)
    assert size.volume == 100 * 5
    assert size.maintainability(4) == round((171 - 5.2 * math.log(500) - 0.23 * 4 - 16.2 * math.log(20)) * 100 / 171)
    assert Size().maintainability(1) == 100
    assert Size(code=10_000, tokens=1_000_000, distinct=5_000).maintainability(900) == 0


def test_functions_have_their_own_size() -> None:
    buffer = analyze("a.py", PYTHON.encode())
    [function] = buffer.functions()
    size = buffer.size((function.start_byte, function.end_byte))
    assert (size.code, size.comments) == (3, 3)
    script = HTML.replace("f(1);", "function g() {\n  // why\n  return 1;\n}")
    page = analyze("a.html", script.encode())
    [function] = page.functions()
    size = page.size((function.start_byte, function.end_byte))
    assert (size.code, size.comments) == (3, 1)


def test_a_text_too_long_for_a_tree_has_its_lines() -> None:
    buffer = Buffer(b"a = 1\n\n" * 20_000, path="a.py", limit=1000)
    assert buffer.size() == Size(code=20_000)


def test_after_edits_the_size_is_that_of_a_fresh_parse() -> None:
    """Chunks are remembered by their bytes: whatever moves, the sums are those of counting anew."""
    dice, compared = random.Random(4), 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("[h-j]*.py"))[:6]:
        text = Text(path.read_bytes())
        assert len(text.data) > CHUNK
        buffer = Buffer(text.data, path="a.py")
        for _ in range(12):
            line = text.data.rfind(b"\n", 0, dice.randrange(len(text.data))) + 1
            end = text.data.index(b"\n", line) + 1
            new = dice.choice([b"\n", b"# a\n", text.data[line:end] * 2, b'"doc"\n', b""])
            buffer.edit([text.splice(line, dice.choice([line, line, end]), new)], text.data)
            buffer.parse()
            fresh = analyze("a.py", text.data)
            if fresh.errors() or buffer.errors():  # what is broken may be read in another way after edits
                continue
            compared += 1
            part = (max(line - 500, 0), line + 5000)
            assert (buffer.size(), buffer.size(part)) == (fresh.size(), fresh.size(part)), (path, line, new)
    assert compared > 20


def test_in_real_files_every_line_is_code_or_comment_or_blank() -> None:
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("[c-f]*.py"))[:25]:
        data = path.read_bytes()
        size = analyze("a.py", data, limit=10**7).size()
        filled = sum(not line.isspace() for line in data.split(b"\n") if line)
        assert max(size.code, size.comments) <= filled <= size.code + size.comments
