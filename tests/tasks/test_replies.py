"""What models really answer: whole files, pairs of the same name, strings at the margin, bodies left out, examples of
use. Each reply becomes just the file that was meant, or is refused."""

from __future__ import annotations

from typing import Any

import pytest

from codriver.analyst import Analyst
from codriver.tasks import findings
from codriver.tasks.region import around

ENDINGS = {"python": "py", "javascript": "js", "typescript": "ts", "rust": "rs", "kotlin": "kt", "ruby": "rb"}


def named(language: str) -> dict[str, str]:
    """A file in a language."""
    return {"language": language, "uri": f"file:///work/a.{ENDINGS.get(language, language)}"}


def plain(text: str) -> str:
    return text.replace("«", "").replace("»", "").replace("‸", "")


def fence(code: str) -> str:
    return f"```\n{code}\n```"


PAIR = """class Box:
    @property
    def size(self):
        found = self._size‸
        return found

    @size.setter
    def size(self, value):
        self._size = value
"""
OVERLOADS = """class Calc {
    int add(int a, int b) {
        int sum = a + b;‸
        return sum;
    }

    double add(double a, double b) {
        return a + b;
    }
}
"""
TWO_CLASSES = """class A:
    def run(self):
        return 1


class B:
    def run(self):
        two = 2‸
        return two
"""
ATTRIBUTES = """#[test]
fn zero() {
    check();
}

«#[test]
fn one() {
    let one = 1;
    assert_eq!(one, 1);
}
»"""
SCRIPT = """«def first():
    found = 1
    return found


logger = getLogger(__name__)
first()
»"""
SELECTED = """function total(items, tax) {
  const rate = tax / 100;
«  let result = 0;
  for (const item of items) result += item.price;
»  return result * rate;
}
"""
MARGIN = """class Query {
  sql(limit) {
    const text = `
SELECT *
FROM a
`;
    const most = limit;‸
    return [text, most];
  }
}
"""
RAW = "package a\n\nfunc usage() string {\n\ttext := `x`‸\n\treturn text\n}\n"
KOTLIN = "fun f(a: Int): Int {\n    val x = a\n    return x‸\n}\n"
DECORATED = """@route(
    'a',
)
def f(a):
    x = 1‸
    return x
"""
CHAIN = "function f(items) {\n«  const found = items;\n  return found.map(g);\n»}\n"
BRACES = """function f(a) {
  const one = 1;
  const two = 2;‸
  return a + one;
}
"""


@pytest.mark.parametrize(
    ("text", "language", "reply", "old", "new"),
    [
        pytest.param(
            PAIR, "python", "@property\ndef size(self):\n    return self._size\n\n"
            "@size.setter\ndef size(self, value):\n    self._size = value",
            "        found = self._size\n        return found", "        return self._size", id="getter and setter",
        ),
        pytest.param(
            OVERLOADS, "java", plain(OVERLOADS).replace("int sum = a + b;\n        return sum;", "return a + b;"),
            "        int sum = a + b;\n        return sum;", "        return a + b;", id="overloads in their class",
        ),
        pytest.param(
            TWO_CLASSES, "python", plain(TWO_CLASSES).replace("two = 2\n        return two", "return 2"),
            "        two = 2\n        return two", "        return 2", id="the second class of two with such a method",
        ),
        pytest.param(
            ATTRIBUTES, "rust", "#[test]\nfn one() {\n    assert_eq!(1, 1);\n}",
            "    let one = 1;\n    assert_eq!(one, 1);", "    assert_eq!(1, 1);", id="an attribute that others have, too",
        ),
        pytest.param(
            SCRIPT, "python", "def first():\n    return 1\n\n\nlogger = getLogger(__name__)\nfirst()",
            "    found = 1\n    return found", "    return 1", id="calls that were selected",
        ),
        pytest.param(
            SELECTED, "javascript", "  const rate = tax / 100;\n  const result = sum(items);\n  return result * rate;",
            "  let result = 0;\n  for (const item of items) result += item.price;", "  const result = sum(items);",
            id="the lines around a selection",
        ),
        pytest.param(
            MARGIN, "javascript", "sql(limit) {\n  const text = `\nSELECT *\nFROM a\n`;\n  return [text, limit];\n}",
            "    const most = limit;\n    return [text, most];", "    return [text, limit];", id="a string at the margin",
        ),
        pytest.param(
            RAW, "go", "func usage() string {\n\treturn `a:\n  b:\n    c: 1\n`\n}",
            "\ttext := `x`\n\treturn text", "\treturn `a:\n  b:\n    c: 1\n`", id="spaces in a string of a file with tabs",
        ),
        pytest.param(
            KOTLIN, "kotlin", "fun f(a: Int): Int {\n    return a\n}", "    val x = a\n    return x", "    return a",
            id="a body that the grammar does not name",
        ),
        pytest.param(
            DECORATED, "python", '@route(\n    "a",\n)\ndef f(a):\n    return 1', "    x = 1\n    return x", "    return 1",
            id="a decorator of several lines, in other quotes",
        ),
        pytest.param(
            CHAIN, "javascript", "return items\n  .filter(h)\n  .map(g);",
            "  const found = items;\n  return found.map(g);", "  return items\n    .filter(h)\n    .map(g);",
            id="a statement that goes on",
        ),
        pytest.param(
            BRACES, "javascript", "function f(a) {\n  const one = 11;\n  const two = 2;\n  // ... rest of the function stays the same ...\n}",
            "one = 1;", "one = 11;", id="all up to the last bracket left out",
        ),
        pytest.param(
            "const o = {\n  f(a) {\n    const x = a;‸\n    return x;\n  },\n  g: 1,\n};\n", "javascript",
            "f(a) {\n  return a;\n}", "    const x = a;\n    return x;", "    return a;", id="without the comma behind it",
        ),
        pytest.param(
            "\ufeffdef f(a):\n    x = a‸\n    return x\n", "python", "def f(a):\n    return a",
            "    x = a\n    return x", "    return a", id="a byte order mark stays",
        ),
        pytest.param(
            "def f(a):\n    x = 3‸\n    return a + x\n", "python", "LIMIT: int = 3\n\n\ndef f(a):\n    return a + LIMIT",
            "def f(a):\n    x = 3\n    return a + x", "LIMIT: int = 3\n\n\ndef f(a):\n    return a + LIMIT",
            id="a constant that it needs",
        ),
        pytest.param(
            "#ifdef A\nint f(int a) {\n  int x = a;‸\n  return x;\n}\n#endif\n", "c",
            "#ifdef A\nint f(int a) {\n  return a;\n}\n#endif", "  int x = a;\n  return x;", "  return a;",
            id="a condition around it",
        ),
        pytest.param(
            "(function () {\n  function f(a) {\n    const x = a;‸\n    return x;\n  }\n})();\n", "javascript",
            "(function () {\n  function f(a) {\n    return a;\n  }\n})();", "    const x = a;\n    return x;", "    return a;",
            id="a nameless function around it",
        ),
        pytest.param(
            CHAIN, "javascript", "  if (items) {\n    return items.map(g);\n  }",
            "  const found = items;\n  return found.map(g);", "  if (items) {\n    return items.map(g);\n  }",
            id="a bracket like the one below",
        ),
        pytest.param(
            BRACES, "javascript", "function f(a) {\n  // Two is not needed.\n  const one = 1;\n  return a + one;\n}",
            "  const one = 1;\n  const two = 2;", "  // Two is not needed.\n  const one = 1;",
            id="a comment at the beginning of a body",
        ),
        pytest.param(
            TWO_CLASSES, "python", "class B:\n    # ... existing code ...\n\n    def run(self):\n        return 2",
            "        two = 2\n        return two", "        return 2", id="a mark beside the function",
        ),
        pytest.param(
            TWO_CLASSES, "python", "# a.py\n    def run(self):\n        return 2", "        two = 2\n        return two",
            "        return 2", id="the file's name on top",
        ),
        pytest.param(
            "import datetime\n\n\ndef f(a):\n    return a‸\n", "python",
            "from datetime import datetime\n\ndef f(a):\n    return datetime(a)",
            "import datetime\n\n\ndef f(a):\n    return a",
            "import datetime\nfrom datetime import datetime\n\n\ndef f(a):\n    return datetime(a)", id="an import like another",
        ),
        pytest.param(
            "# Adds.\ndef f(a):\n    return a‸\n", "python", "import os\n\n\ndef f(a):\n    return os.fspath(a)",
            "# Adds.\ndef f(a):\n    return a", "import os\n\n\n# Adds.\ndef f(a):\n    return os.fspath(a)",
            id="the first import goes above a comment",
        ),
        pytest.param(
            'package a\n\nimport (\n\t"fmt"\n)\n\nfunc f(a int) {\n\tx(a)‸\n}\n', "go",
            'import (\n\t"fmt"\n\t"os"\n)\n\nfunc f(a int) {\n\tos.Exit(a)\n}', '\t"fmt"\n)\n\nfunc f(a int) {\n\tx(a)',
            '\t"fmt"\n)\nimport "os"\n\nfunc f(a int) {\n\tos.Exit(a)', id="of a list only what is new",
        ),
    ],
)  # fmt: skip
def test_it_becomes_what_was_meant(
    kit: Any, analyst: Analyst, text: str, language: str, reply: str, old: str, new: str
) -> None:
    assert plain(text).count(old) == 1
    assert kit.after(analyst, text, fence(reply), **named(language)) == plain(text).replace(old, new)


PYTHON = "def f(a):\n    x = a‸\n    return x\n\n\ndef g():\n    return f(1)\n"
JAVASCRIPT = "function f(a) {\n  const x = a;‸\n  return x;\n}\n\nmodule.exports = { f };\n"
CART = """«class Cart:
    def total(self):
        found = 0
        return found

    def clear(self):
        self.items = []
»"""
INNER = "def total(items, tax):\n    rate = tax / 100\n«    found = sum(items)\n»    return found * rate\n"


@pytest.mark.parametrize(
    ("text", "language", "reply"),
    [
        pytest.param(INNER, "python", fence("def total(items, tax):\n    rate = tax / 100\n    return sum(items) * rate"), id="in itself"),
        pytest.param(INNER, "python", "Done", id="one word"),
        pytest.param(SELECTED, "javascript", "```diff\n-  let result = 0;\n+  let result = 1;\n```", id="a difference"),
        pytest.param(OVERLOADS, "java", fence("    int add(int a, int b) {\n        return a + b;\n    }\n\n    double add(double a, double b) {\n        return b + a;\n    }"), id="another overload changed"),
        pytest.param(TWO_CLASSES, "python", fence("class A:\n    def run(self):\n        return 3"), id="another class's method"),
        pytest.param(PYTHON, "python", fence("def f(a):\n    return a\n\n\nresult = f(3)"), id="use: assigned"),
        pytest.param(PYTHON, "python", fence("def f(a):\n    return a\n\n\nassert f(2) == 2"), id="use: asserted"),
        pytest.param(PYTHON, "python", fence('def f(a):\n    return a\n\n\nif __name__ == "__main__":\n    f(2)'), id="use: main"),
        pytest.param(JAVASCRIPT, "javascript", fence("function f(a) {\n  return a;\n}\n\nmodule.exports = f;"), id="exported"),
        pytest.param("fn f(a: i32) -> i32 {\n    let x = a;‸\n    x\n}\n", "rust", fence("fn f(a: i32) -> i32 {\n    a\n}\n\nfn main() {\n    f(2);\n}"), id="a main"),
        pytest.param("package cart\n\nfunc F(a int) int {\n\tx := a‸\n\treturn x\n}\n", "go", fence("package main\n\nfunc F(a int) int {\n\treturn a\n}"), id="a package"),
        *(
            pytest.param(CART, "python", fence(f"class Cart:\n    def total(self):\n        return 0\n\n    def clear(self):\n        {left}"), id=f"body: {left!r}")
            for left in ("...", "pass  # unchanged", "# same as before\n        ...", "pass")
        ),
        *(
            pytest.param(BRACES.replace("  const two", "  g();\n  g();\n  const two"), "javascript", fence(f"function f(a) {{\n  g();\n  {mark}\n  return a + 1;\n}}"), id=mark)
            for mark in ("// unchanged", "// existing code", "/* existing code */", "// same as before", "// [unchanged]", "// rest of the code")
        ),
        pytest.param(PYTHON, "python", fence("def f(a):\n    a = 1\n    ...\n    return a"), id="dots"),
        pytest.param(PYTHON, "python", fence("def f(a):\nreturn a"), id="no body"),
        pytest.param(PYTHON, "python", fence("def f(a):\n    try:\n        return a\n    a = 1"), id="a try alone"),
        pytest.param(PYTHON, "python", fence("def f(a):\n    return g(a=1, 2)"), id="arguments"),
    ],
)  # fmt: skip
def test_it_is_refused(kit: Any, analyst: Analyst, text: str, language: str, reply: str) -> None:
    assert kit.after(analyst, text, reply, **named(language)).startswith("refused: ")


def test_a_summary_behind_code_without_fences_is_none_of_it(kit: Any, analyst: Analyst) -> None:
    said = "def f(a):\n    return a\n\nSummary: simplified"
    assert kit.after(analyst, PYTHON, said) == plain(PYTHON).replace("    x = a\n    return x", "    return a")


@pytest.mark.parametrize("pattern", [r"re.match(r'\d{2,}', s)", "re.split('[^,]', s)", "s[:,]"])
def test_a_comma_in_a_findings_code_stays(kit: Any, analyst: Analyst, pattern: str) -> None:
    snapshot = kit.snapshot(f"def f(s):\n    x = {pattern}\n    return ‸x\n")
    region = around(snapshot, analyst.buffer(snapshot))
    assert region is not None
    said = pattern.replace("\\", "\\\\")
    for comma in ("", ","):  # of the list's own, which is forgiven
        reply = f'{{"findings": [{{"quote": "x = {said}", "message": "m", "fix": "y = {said}"}}{comma}]}}'
        [found] = findings.located(findings.told(reply) or [], region)
        assert found.fix is not None and pattern in found.fix
