"""What of a reply belongs into the region, what goes to the file's head, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from codriver.analyst import Analyst
from codriver.tasks import edits

CART = """import os
from shop import Item


class Cart(list):
    tax = 2

    @property
    @cached
    def total(self):
        result = 0
        for item in self:‸
            result = result + item.price
        return result * self.tax

    def clear(self):
        self[:] = []


def show(cart):
    print(cart.total)
"""
BODY = "return sum(item.price for item in self) * self.tax"
TOTAL = f"def total(self):\n    {BODY}"
METHOD = f"    @property\n    @cached\n    def total(self):\n        {BODY}"


def fence(code: str, tag: str = "python") -> str:
    return f"```{tag}\n{code}\n```"


def wanted(imports: str = "") -> str:
    old = CART[CART.index("        result = 0") : CART.index("\n    def clear")]
    text = CART.replace(old, f"        {BODY}\n")
    return text.replace("from shop import Item\n", f"from shop import Item\n{imports}")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(fence(TOTAL), id="the function alone"),
        pytest.param(fence(f"@property\n@cached\n{TOTAL}"), id="with its decorators"),
        pytest.param(fence(f"class Cart(list):\n{METHOD}"), id="in its class"),
        pytest.param(fence(f"class Cart(list):\n    tax = 2\n\n{METHOD}\n\n    def clear(self):\n        self[:] = []"), id="the class"),
        pytest.param(fence(f"{TOTAL}\n\ndef clear(self):\n    self[:] = []"), id="with its neighbour"),
        pytest.param(fence(f"import os\n\n{TOTAL}"), id="with an import that is there"),
        pytest.param(fence(f"from shop import (\n    Item,\n)\n\n{TOTAL}"), id="with an import that is there, spelled otherwise"),
        pytest.param(fence(wanted()), id="the whole file"),
    ],
)  # fmt: skip
def test_what_stands_there_already_is_left_out(kit: Any, analyst: Analyst, reply: str) -> None:
    assert kit.after(analyst, CART, reply) == wanted()


def test_an_import_goes_to_the_head(kit: Any, analyst: Analyst) -> None:
    reply = fence(f"import math\nfrom a import b\n\n{TOTAL}")
    assert kit.after(analyst, CART, reply) == wanted("import math\nfrom a import b\n")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param(fence(f"{TOTAL}\n\ndef clear(self):\n    del self[:]"), "changes clear, which", id="a neighbour"),
        pytest.param(fence(f"class Cart(dict):\n{METHOD}"), "changes Cart, which", id="the class's own line"),
        pytest.param(fence(wanted().replace("print(cart.total)", "return cart.total")), "changes show, which", id="elsewhere"),
        pytest.param(fence(f"{TOTAL}\n\nprint(Cart().total)"), "adds code that runs", id="a use of it"),
        pytest.param(fence(f"class Cart(list):\n{METHOD}\n\nLIMIT = 3"), "adds code outside", id="beside the class"),
        pytest.param(fence(TOTAL.replace("(self)", "(self, tax)")), "changes the signature of Cart.total", id="a parameter"),
        pytest.param(fence(f"@property\n{TOTAL}"), "changes the signature of Cart.total", id="a decorator less"),
        pytest.param(fence(f"async {TOTAL}"), "changes the signature of Cart.total", id="async"),
    ],
)  # fmt: skip
def test_what_would_change_other_code_is_refused(kit: Any, analyst: Analyst, reply: str, why: str) -> None:
    text = CART.replace("    @property", "«    @property").replace("self.tax\n", "self.tax»\n", 1).replace("‸", "")
    assert kit.after(analyst, text, reply).startswith(f"refused: {why}")


def test_decorators_that_were_left_out_are_put_back(kit: Any, analyst: Analyst) -> None:
    text = CART.replace("    @property", "«    @property").replace("self.tax\n", "self.tax»\n", 1).replace("‸", "")
    assert kit.after(analyst, text, fence(TOTAL)) == wanted()


@pytest.mark.parametrize(
    ("new", "fits"),
    [
        ("def f(a: int, b='x') -> str:", True),
        ('def f(a, b="x",):', True),
        ("def f(a, b=None):", False),
        ("def f(a, c='x'):", False),
        ("def f(b, a='x'):", False),
        ("def f(a, *, b='x'):", False),
    ],
)
def test_annotations_may_come_and_nothing_else(kit: Any, analyst: Analyst, new: str, fits: bool) -> None:
    text = "def f(a, b='x'):\n    x = 1‸\n    return a\n"
    done = kit.after(analyst, text, fence(f"{new}\n    return a"))
    assert done == (f"{new}\n    return a\n" if fits else "refused: changes the signature of f")


@pytest.mark.parametrize(
    ("language", "text", "good", "bad"),
    [
        pytest.param(
            "typescript",
            "export class A {\n  public static m(a: number): number {\n    const x = a;‸\n    return x;\n  }\n}\n",
            "  public static m(a: number): number {\n    return a;\n  }",
            "  protected static m(a: number): number {\n    return a;\n  }",
            id="typescript",
        ),
        pytest.param(
            "go",
            "package a\n\nfunc (t *T) F(a int) (int, error) {\n\tx := a‸\n\treturn x, nil\n}\n",
            "func (t *T) F(a int) (int, error) {\n\treturn a, nil\n}",
            "func (t *T) F(a int) int {\n\treturn a\n}",
            id="go",
        ),
        pytest.param(
            "rust",
            "impl A {\n    pub fn f(&self, a: u8) -> u8 {\n        let x = a;‸\n        x\n    }\n}\n",
            "    pub fn f(&self, a: u8) -> u8 {\n        a\n    }",
            "    pub fn f(&self, a: u8) -> u16 {\n        a\n    }",
            id="rust",
        ),
        pytest.param(
            "java",
            "class A {\n    @Override\n    public int f(int a) {\n        int x = a;‸\n        return x;\n    }\n}\n",
            "    public int f(int a) {\n        return a;\n    }",
            "    public long f(int a) {\n        return a;\n    }",
            id="java",
        ),
    ],
)
def test_what_callers_see_stays_in_other_languages(
    kit: Any, analyst: Analyst, language: str, text: str, good: str, bad: str
) -> None:
    done = kit.after(analyst, text, fence(good, language), uri=f"file:///w/a.{language}", language=language)
    assert good.strip() in done and "x" not in done.replace("export", "").replace("Extra", "")
    assert kit.after(analyst, text, fence(bad, language), uri=f"file:///w/a.{language}", language=language).startswith(
        "refused: changes the signature"
    )


ELIDED = """def f(a):
    one = 1
    two = 2
    three = 3
    four = 4
    return a + one
‸"""


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param("def f(a):\n    one = 1\n    # ... existing code ...\n    return a + one", None, id="nothing new"),
        pytest.param(
            "def f(a):\n    one = 11\n    two = 2\n    # ... existing code ...\n    return a + one",
            "def f(a):\n    one = 11\n    two = 2\n    three = 3\n    four = 4\n    return a + one",
            id="between two lines",
        ),
        pytest.param(
            "    def f(a):\n        # ... unchanged\n        four = 44\n        return a + one", None, id="no line behind it"
        ),
        pytest.param(
            "def f(a):\n    # ...\n    three = 3\n    four = 44\n    return a + one",
            "def f(a):\n    one = 1\n    two = 2\n    three = 3\n    four = 44\n    return a + one",
            id="at the beginning",
        ),
    ],
)  # fmt: skip
def test_what_a_reply_leaves_out_is_put_back_or_refused(
    kit: Any, analyst: Analyst, reply: str, expected: str | None
) -> None:
    text = ELIDED.replace("‸", "").replace("    two", "    tw‸o")
    done = kit.after(analyst, text, fence(reply))
    assert done == f"{expected}\n" if expected else done.startswith("refused: ")


@pytest.mark.parametrize(
    ("wish", "names", "may"),
    [
        ("use sum", ["total"], False),
        ("replace the loop by sum", ["total"], False),
        ("remove duplication", ["total"], False),
        ("remove the function helper", ["total"], True),
        ("replace total by whole", ["total"], True),
        ("rename it", ["total"], True),
        ("Parameter tax ergänzen", ["total"], True),
        ("把它重命名为 whole", ["total"], True),
        ("переименуй её", ["total"], True),
    ],
)
def test_who_asks_for_another_signature_gets_one(wish: str, names: list[str], may: bool) -> None:
    assert edits.may_change(wish, names) is may


def test_a_private_function_that_nobody_else_names_is_the_class_s_own_business(kit: Any, analyst: Analyst) -> None:
    text = "«class A:\n    def f(self):\n        return self._g()\n\n    def _g(self):\n        return 1»\n{}\n"
    new = "class A:\n    def f(self):\n        return 1"
    assert kit.after(analyst, text.format(""), fence(new)) == f"{new}\n\n"
    assert kit.after(analyst, text.format("A()._g()"), fence(new)) == "refused: changes the signature of A._g"


def test_lines_that_stand_above_are_left_out_only_where_they_decorate(kit: Any, analyst: Analyst) -> None:
    text = "function g() {\n  one();\n  two();\n}\nfunction f() {\n  one();\n  tw‸o();\n}\n"
    new = "function f() {\n  one();\n  three();\n}"
    done = kit.after(analyst, text, fence(new, "javascript"), uri="file:///w/a.js", language="javascript")
    assert done == "function g() {\n  one();\n  two();\n}\n" + new + "\n"


@pytest.mark.parametrize("again", ["/** Old. */", "/**\n * New words.\n */", "// Old."])
def test_a_comment_above_is_not_doubled(kit: Any, analyst: Analyst, again: str) -> None:
    text = "/** Old. */\nfunction f() {\n  tw‸o();\n}\n"
    reply = fence(f"{again}\nfunction f() {{\n  three();\n}}", "javascript")
    done = kit.after(analyst, text, reply, uri="file:///w/a.js", language="javascript")
    assert done == "/** Old. */\nfunction f() {\n  three();\n}\n"


def test_what_looks_alike_inside_of_another_function_is_elsewhere(kit: Any, analyst: Analyst) -> None:
    text = "function a() {\n  function f() {\n    return 1;‸\n  }\n  function g() {\n    return 2;\n  }\n}\n"
    reply = fence("function f() {\n  return 3;\n}\nfunction g() {\n  return 4;\n}", "javascript")
    done = kit.after(analyst, text, reply, uri="file:///w/a.js", language="javascript")
    assert done.startswith("refused: changes g, which")


LEFT_OUT = """def pick(values)
  found = values.map { |one| one.to_s }
  known =
    if found.empty?
      [0]
    else
      found.sort
    end

  before = known.size‸
  log(before)
end
"""


def test_what_a_reply_leaves_out_may_be_the_beginning_of_a_block_whose_end_it_says(kit: Any, analyst: Analyst) -> None:
    said = """def pick(values)
  # ... existing code ...
      [0]
    else
      found.sort
    end

  count = known.size
  log(count)
end"""
    clean = LEFT_OUT.replace("‸", "").replace("before", "count")
    assert kit.after(analyst, LEFT_OUT, fence(said, "ruby"), language="ruby", uri="file:///a.rb") == clean


OBJECT = """export const checks = {
  name(value) {
    return (one) => one.name === value;
  },
  kind(value) {
    if (typeof value === "function") {‸
      return (one) => value(one.kind);
    }
    return (one) => one.kind === value;
  },
  text(value) {
    return (one) => one.text === value;
  },
};
"""


@pytest.mark.parametrize(
    "around",
    [
        pytest.param("{before},\n\n{code},", id="before"),
        pytest.param("{code},\n{behind},", id="behind"),
        pytest.param("{before},\n{code},\n{behind}", id="both"),
    ],
)
def test_methods_of_an_object_that_stand_there_already_are_left_out(kit: Any, analyst: Analyst, around: str) -> None:
    text = OBJECT.replace("‸", "")
    code = text[text.index("  kind") : text.index(",\n  text")].replace("typeof value", "typeof  value")
    before, behind = (
        text[text.index("  name") : text.index(",\n  kind")],
        text[text.index("  text") : text.index(",\n};")],
    )
    said = fence(around.format(before=before, code=code, behind=behind), "javascript")
    wanted = text.replace("typeof value", "typeof  value")
    assert kit.after(analyst, OBJECT, said, language="javascript", uri="file:///a.js") == wanted


def test_a_method_of_an_object_that_was_changed_beside_the_wanted_one_is_refused(kit: Any, analyst: Analyst) -> None:
    text = OBJECT.replace("‸", "").replace("one.name ===", "one.name ==").replace("one.kind ===", "one.kind ==")
    said = fence(text[text.index("  name") : text.index("\n  text")], "javascript")
    assert "refused" in kit.after(analyst, OBJECT, said, language="javascript", uri="file:///a.js")
