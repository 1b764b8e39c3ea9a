"""From a reply to an edit that may be applied, or to the reason why not."""

from __future__ import annotations

from typing import Any

import pytest

from codriver.syntax.analysis import Buffer
from codriver.tasks import edits, indent
from codriver.tasks.region import chosen

METHOD = """class Cart:
«    def total(self, tax):
        result = 0
        for item in self.items:
            result = result + item.price
        return result * tax
»
    def clear(self):
        self.items = []
"""
SUM = "return sum(item.price for item in self.items) * tax"
HEAD = "    def total(self, tax):\n"
GOOD = f"{HEAD}        {SUM}"


def fence(code: str, tag: str = "python") -> str:
    return f"```{tag}\n{code}\n```"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(fence(GOOD), id="good"),
        pytest.param(f"Here you go!\n\n{fence(GOOD)}\n\nSummary: uses sum.", id="chatter"),
        pytest.param(fence(GOOD, ""), id="no tag"),
        pytest.param(f"{fence(GOOD)}\n\nUse it like this:\n\n{fence('cart.total(1)')}", id="an example too"),
        pytest.param(f"{fence('pip install cart && more && more' * 9, 'bash')}\n{fence(GOOD)}", id="another language"),
        pytest.param(GOOD, id="no fence"),
        pytest.param(fence(GOOD + "\n\n"), id="blank lines behind"),
        pytest.param(fence(f"def total(self, tax):\n    {SUM}"), id="from zero"),
        pytest.param(fence(f"def total(self, tax):\n        {SUM}"), id="only the first line from zero"),
        pytest.param(fence(f"def total(self, tax):\n\t{SUM}"), id="tabs"),
        pytest.param(fence(GOOD).replace("\n", "\r\n"), id="CRLF"),
    ],
)
def test_a_reply_becomes_the_same_edit(kit: Any, analyst: Any, reply: str) -> None:
    snapshot = kit.snapshot(METHOD)
    region = chosen(snapshot, analyst.buffer(snapshot))
    assert region is not None
    judged = edits.judged(reply, region, "simplify")
    assert (judged.text, judged.why) == (GOOD, "")
    assert region.code.endswith(b"return result * tax")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param("", "no code in it", id="empty"),
        pytest.param(fence(""), "no code in it", id="empty fence"),
        pytest.param(
            "I would replace the loop by a call of sum, because that is shorter.", "prose instead of code", id="prose"
        ),
        pytest.param(f"```python\n{GOOD}", "the code was cut off", id="cut"),
        pytest.param(fence("const x = 1", "javascript"), "no python code in it", id="another language"),
        pytest.param(fence(f"{HEAD}        return (("), "does not parse in place", id="broken"),
        pytest.param(
            fence("    def total(self, tax):\n        # ... rest unchanged\n        pass"),
            "leaves code out",
            id="elided",
        ),
        pytest.param(
            fence(
                "    def total(self, tax):\n        result = 0\n        # ... existing code ...\n        return result"
            ),
            "leaves code out",
            id="elided within",
        ),
        pytest.param(fence(GOOD.replace("tax)", "tax, rebate)", 1)), "changes the signature of", id="a parameter more"),
        pytest.param(fence(GOOD.replace("total", "whole")), "changes the signature of", id="another name"),
        pytest.param(fence("    items = []"), "changes the signature of", id="elsewhere"),
    ],
)
def test_a_bad_reply_is_refused_with_its_reason(kit: Any, analyst: Any, reply: str, why: str) -> None:
    snapshot = kit.snapshot(METHOD)
    region = chosen(snapshot, analyst.buffer(snapshot))
    assert region is not None
    judged = edits.judged(reply, region, "simplify")
    assert judged.why.startswith(why) and judged.text == ""


def test_no_change_is_refused(kit: Any, analyst: Any) -> None:
    snapshot = kit.snapshot(METHOD)
    region = chosen(snapshot, analyst.buffer(snapshot))
    assert region is not None
    assert edits.judged(fence(region.code.decode()), region, "simplify").why == "changes nothing"


@pytest.mark.parametrize("wish", ["Rename it to whole", "add a parameter rebate", "change the signature"])
def test_a_signature_may_change_when_asked(kit: Any, analyst: Any, wish: str) -> None:
    snapshot = kit.snapshot(METHOD)
    region = chosen(snapshot, analyst.buffer(snapshot))
    assert region is not None
    assert edits.judged(fence(GOOD.replace("total(self, tax", "whole(self, tax, rebate")), region, wish).why == ""


def test_a_function_may_be_taken_out_of_another(kit: Any, analyst: Any) -> None:
    snapshot = kit.snapshot(METHOD)
    region = chosen(snapshot, analyst.buffer(snapshot))
    assert region is not None
    more = "    def total(self, tax):\n        return self.net() * tax\n\n    def net(self):\n        return 1"
    assert edits.judged(fence(more), region, "extract").text == more


def test_line_ends_of_the_buffer_stay(kit: Any, analyst: Any) -> None:
    snapshot = kit.snapshot(METHOD.replace("\n", "\r\n"))
    region = chosen(snapshot, analyst.buffer(snapshot))
    assert region is not None and not region.code.endswith(b"\r")
    assert edits.judged(fence(GOOD), region, "simplify").text == GOOD.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("text", "tags", "closed"),
    [
        ("```py\na\n```", [("py", "a")], True),
        ("```\na\n```\n~~~js\nb\n~~~", [("", "a"), ("js", "b")], True),
        ("````md\n```py\na\n```\n````", [("md", "```py\na\n```")], True),
        ("```py\na", [("py", "a")], False),
        ('```py\n"""\n    ```\n"""\n```', [("py", '"""\n    ```\n"""')], True),
        ("no fence", [], True),
    ],
)
def test_fenced(text: str, tags: list[tuple[str, str]], closed: bool) -> None:
    found = edits.fenced(text)
    assert [(block.tag, block.text) for block in found] == tags
    assert all(block.closed for block in found) is closed


@pytest.mark.parametrize(
    ("code", "original", "expected"),
    [
        ("# ... rest of the code", "", True),
        ("    // existing code unchanged", "", True),
        ("/* the other methods remain the same */", "", True),
        ("# rest of the file stays as before", "", True),
        ("<!-- ... -->", "", True),
        ("    ...", "", False),
        ("x = ...", "", False),
        ("# reads the rest of the line", "", False),
        ("# ... as always", "# ... as always", False),
        ("# previous value wins", "", False),
    ],
)
def test_elided(code: str, original: str, expected: bool) -> None:
    assert edits.elided(code, original) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("You should rename the variable, it is unclear.\nThen test it again with care.", True),
        ("return x", False),
        ("SELECT name FROM users WHERE age > 3", False),
        ("x = 1\n# this is a long comment about x\ny = 2", False),
    ],
)
def test_prose(text: str, expected: bool) -> None:
    assert edits.prose(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\n  b\n    c\n", "  "), ("a\n\tb\n", "\t"), ("a\n    b\n", "    "), ("a", "    ")],
)
def test_the_step_of_indentation(text: str, expected: str) -> None:
    assert indent.unit(text) == expected


@pytest.mark.parametrize(
    ("text", "picked"),
    [
        ("a = 1\nb «= 2\nc» = 3\n", "b = 2\nc = 3"),
        ("a = 1\n«b = 2\n»c = 3\n", "b = 2"),
        ("«\n\n  b = 2\n\n»c = 3\n", "  b = 2"),
        ("a = «1»", "a = 1"),
        ("é = 1\n«é» = 2\n", "é = 2"),
        ("a\n«\n  \n»b", None),
    ],
)
def test_a_selection_grows_to_whole_lines(kit: Any, text: str, picked: str | None) -> None:
    snapshot = kit.snapshot(text)
    region = chosen(snapshot, Buffer(snapshot.text, language_id="python"))
    assert (region.code.decode() if region else None) == picked


def test_a_signature_is_held_to_also_where_the_body_cannot_be_read(kit: Any, analyst: Any) -> None:
    """Grammars do not know every macro: of such a function the head is read all the same."""
    spoilt = METHOD.replace("return result", "return ?? result")
    assert spoilt != METHOD
    snapshot = kit.snapshot(spoilt)
    region = chosen(snapshot, analyst.buffer(snapshot))
    assert region is not None
    assert region.buffer.errors(region.start, region.end)
    another = region.code.decode().replace("tax)", "tax, rebate)", 1)
    assert edits.judged(fence(another), region, "simplify").why.startswith("changes the signature of")
    same = region.code.decode().replace("?? result", "?? whole", 1)
    assert edits.judged(fence(same), region, "simplify").why == ""


MARGIN = """class Command
{
«    protected function configure(): void
    {
        $this->setHelp(
            <<<EOT
What it does, and how.

At the margin.
EOT
        );
        $this->setName('archive');
    }
»}
"""


def test_only_the_first_line_lost_its_indentation_though_a_string_begins_at_the_margin(kit: Any, analyst: Any) -> None:
    snapshot = kit.snapshot(f"<?php\n{MARGIN}", language="php", uri="file:///a.php")
    region = chosen(snapshot, analyst.buffer(snapshot))
    assert region is not None
    wanted = region.code.decode().rstrip("\n").replace("archive", "archives")
    assert edits.judged(fence(wanted.lstrip(), "php"), region, "simplify").text == wanted


NESTED = """class Connection {
  void connect() {
    listen(new Listener() {
«      @Override
      public void onClosed(int code) {
        delegate.close(code);
      }
»
      @Override
      public void onFailure(Throwable error) {
        delegate.fail(1);
      }
    });
  }
}
"""


def test_a_changed_neighbour_within_a_function_is_refused(kit: Any, analyst: Any) -> None:
    snapshot = kit.snapshot(NESTED, language="java", uri="file:///Connection.java")
    region = chosen(snapshot, analyst.buffer(snapshot))
    assert region is not None
    whole = NESTED.replace("«", "").replace("»", "").replace("code);", "code, 1);").replace("(1)", "(2)")
    both = whole[whole.index("      @Override") : whole.index("    });")].rstrip()
    assert "onFailure" in edits.judged(fence(both, "java"), region, "simplify").why


@pytest.mark.parametrize("comment", ["", "  # type: ignore"])
def test_a_body_at_the_wanted_depth_under_a_dedented_header_moves_with_it(kit: Any, analyst: Any, comment: str) -> None:
    text = f"class A:\n«\tdef make() -> int:{comment}\n\t\tassert ready\n\t\treturn 1\n»"
    snapshot = kit.snapshot(text)
    region = chosen(snapshot, analyst.buffer(snapshot))
    assert region is not None
    said = f"def make() -> int:{comment}\n\tassert ready\n\treturn 2"
    wanted = f"\tdef make() -> int:{comment}\n\t\tassert ready\n\t\treturn 2"
    assert edits.judged(fence(said), region, "simplify").text == wanted


@pytest.mark.parametrize(
    ("line", "opens"),
    [
        ("def f():", True),
        ("def f():  # type: ignore", True),
        ("if (a) { // why", True),
        ("x = f(1)  # see: there", False),
        ('print(": # no comment")', False),
        ("// see https://example.com", False),
        ("a = b", False),
    ],
)
def test_a_line_opens_a_block_whatever_is_remarked_behind_it(line: str, opens: bool) -> None:
    assert indent.opens(line) is opens


def test_lines_that_need_not_move_stay_whatever_they_are_indented_with() -> None:
    assert indent.moved(["    if a:", "\tb = 1", "   ", "    c"], "    ", "    ") == [
        "    if a:",
        "\tb = 1",
        "",
        "    c",
    ]
