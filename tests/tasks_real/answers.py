"""What models answer: good, sloppy and bad replies made from a real function and a real edit of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tasks_real.real import Real, broken, neighbour, other_signature

COMMENT = {"python": "#", "ruby": "#", "lua": "--"}
USAGE = {
    "python": "print({name}())", "javascript": "console.log({name}());", "typescript": "console.log({name}());",
    "ruby": "puts({name}())", "lua": "print({name}())",
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """A reply, and what must come of it: good and sloppy ones are applied, bad ones are refused."""

    kind: str
    name: str
    reply: str


def fence(code: str, tag: str = "") -> str:
    return f"```{tag}\n{code}\n```"


def edits(real: Real, new: str) -> Iterator[Said]:
    """Replies that hold an edited function."""
    tag = real.language
    good = f"{fence(new, tag)}\nSummary: clearer names."
    yield Said("good", "fenced", good)
    yield from (Said("sloppy", name, reply) for name, reply in _sloppy(real, new))
    yield from (Said("bad", name, reply) for name, reply in _bad(real, new) if reply is not None)


def _sloppy(real: Real, new: str) -> Iterator[tuple[str, str]]:
    tag = real.language
    yield "chatter", f"Sure! Here is the new version:\n\n{fence(new, tag)}\n\nI kept the rest. Let me know if it helps!"
    yield "no tag", fence(new)
    yield "no fence", new
    yield "tildes", f"~~~{tag}\n{new}\n~~~"
    yield "CRLF", fence(new, tag).replace("\n", "\r\n")
    yield "blank lines", fence(f"\n\n{new}\n\n", tag)
    yield "dedented", fence(dedented(new), tag)
    yield "deeper", fence("\n".join(f"    {line}" if line else line for line in new.split("\n")), tag)
    yield "first line dedented", fence(new.lstrip(), tag)
    yield "an example too", f"{fence(new, tag)}\n\nUse it so:\n\n{fence('make && ./run', 'bash')}"
    part = partial(real, new)
    if part is not None:
        yield "partial", fence(part, tag)
    other = neighbour(real)
    if other is not None and not real.text[real.start : real.end].startswith(b"@"):
        text = real.text
        start = text.rfind(b"\n", 0, other.start_byte) + 1
        comma = "," if text[other.end_byte : other.end_byte + 1] == b"," else ""
        whole = f"{text[start : other.end_byte].decode()}{comma}"
        if text[start : other.start_byte].strip() == b"" and real.language in ("python", "javascript", "ruby", "lua"):
            yield "with a neighbour", fence(f"{whole}\n\n{new}", tag)


def dedented(code: str) -> str:
    lines = code.split("\n")
    lead = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[lead:] for line in lines)


def partial(real: Real, new: str) -> str | None:
    """The edit with unchanged lines left out, between lines that stand in the function once."""
    old, lines = real.code.split("\n"), new.split("\n")
    if len(old) != len(lines):
        return None
    mark = COMMENT.get(real.language, "//")
    same = [a == b for a, b in zip(old, lines, strict=True)]
    once = [
        old.count(line) == 1 and [x.strip() for x in old].count(line.strip()) == 1 and re.search(r"\w", line)
        for line in old
    ]
    for start in range(1, len(lines) - 4):
        end = start + 2
        if (
            all(same[start - 1 : end + 1])
            and once[start - 1]
            and once[end]
            and any(line.strip() for line in lines[start:end])
        ):
            kept = [*lines[:start], f"{mark} ... existing code ...", *lines[end:]]
            return "\n".join(kept)
    return None


def _bad(real: Real, new: str) -> Iterator[tuple[str, str | None]]:
    tag = real.language
    wrong = broken(real, new)
    yield "syntax error", wrong and fence(wrong, tag)
    signature = other_signature(real, new)
    if signature and signature.split("\n")[0] == new.split("\n")[0] and real.language in ("ruby", "rust"):
        signature = None  # it takes no parameters, and what was changed is a call in its body
    yield "signature", signature and fence(signature, tag)
    if real.code.count(real.name) == 1 and re.fullmatch(r"\w{3,}", real.name):
        yield "renamed", fence(new.replace(real.name, f"{real.name}2"), tag)
    yield "cut fence", f"```{tag}\n{new}"
    yield "elided", fence(f"{new.split(chr(10))[0]}\n{COMMENT.get(tag, '//')} ... rest of the code unchanged", tag)
    yield "prose", "I would rename the variable in this function, because its name says very little about it."
    yield "another language", fence("SELECT 1", "sql")
    yield "empty", fence("", tag)
    yield "nothing new", fence(real.code, tag)
    if tag in USAGE and re.fullmatch(r"\w+", real.name):
        yield "usage beside it", fence(f"{dedented(new)}\n\n{USAGE[tag].format(name=real.name)}", tag)
    other = neighbour(real)
    if other is not None:
        start = real.text.rfind(b"\n", 0, other.start_byte) + 1
        whole = real.text[start : other.end_byte].decode()
        words = re.sub(r"\b(\d+|true|false|True|False|nil|None|null)\b", "42", whole, count=1)
        if words != whole and not real.text[start : other.start_byte].strip():
            yield "edits elsewhere", fence(f"{new}\n\n{words}", tag)


# Documentation.

DOCS = {
    "python": ('"""Does what its name says.\n\nNothing else."""', "'''Does what its name says.'''"),
    "javascript": ("/**\n * Does what its name says.\n * Nothing else.\n */", "// Does what its name says."),
    "typescript": ("/**\n * Does what its name says.\n * Nothing else.\n */", "// Does what its name says."),
    "java": ("/**\n * Does what its name says.\n */", "/* Does what its name says. */"),
    "php": ("/**\n * Does what its name says.\n */", "// Does what its name says."),
    "kotlin": ("/**\n * Does what its name says.\n */", "// Does what its name says."),
    "c": ("/**\n * Does what its name says.\n */", "/* Does what its name says. */"),
    "go": ("// Does what its name says.\n// Nothing else.", "/* Does what its name says. */"),
    "rust": ("/// Does what its name says.\n/// Nothing else.", "// Does what its name says."),
    "ruby": ("# Does what its name says.\n# Nothing else.", "# Does what its name says."),
    "lua": ("--- Does what its name says.\n-- Nothing else.", "-- Does what its name says."),
}  # fmt: skip


def documents(real: Real) -> Iterator[Said]:
    """Replies that hold a documentation comment."""
    tag = real.language
    usual, other = DOCS[tag]
    yield Said("good", "fenced", fence(usual, tag))
    yield Said("sloppy", "chatter", f"Here is the comment:\n\n{fence(usual, tag)}\n\nHope it helps!")
    yield Said("sloppy", "no tag", fence(usual))
    yield Said("sloppy", "other marks", fence(other, tag))
    yield Said("sloppy", "deep", fence("\n".join(f"      {line}" for line in usual.split("\n")), tag))
    yield Said("sloppy", "bare words", fence("Does what its name says and nothing else at all.", tag))
    yield Said("bad", "code too", fence(f"{usual}\nx = 1" if tag == "python" else f"{usual}\nint x = 1;", tag))
    yield Said(
        "bad", "code alone", fence("x = compute_it(1)" if tag in ("python", "ruby", "lua") else "x = f(1);", tag)
    )
    yield Said("bad", "cut", f"```{tag}\n{usual}")
    yield Said("bad", "empty", fence("", tag))
    yield Said("bad", "prose", "This function does what its name says, and that is all that there is to say about it.")
    yield Said("bad", "says nothing", fence(usual.split("\n")[0][:3] + ("" if tag != "python" else '"""'), tag))


# Tests.

TESTS = {
    "python": "from somewhere import {name}\n\n\ndef test_it():\n    assert {name}(1) == 2",
    "javascript": 'import {{ {name} }} from "./x";\n\ntest("it works", () => {{\n  expect({name}(1)).toBe(2);\n}});',
    "typescript": 'import {{ {name} }} from "./x";\n\ntest("it works", () => {{\n  expect({name}(1)).toBe(2);\n}});',
    "go": "package x\n\nimport \"testing\"\n\nfunc TestIt(t *testing.T) {{\n\tif {name}(1) != 2 {{\n\t\tt.Fatal(1)\n\t}}\n}}",
    "rust": "use x::{name};\n\n#[test]\nfn it_works() {{\n    assert_eq!({name}(1), 2);\n}}",
    "java": "class XTest {{\n  @Test\n  void works() {{\n    assertEquals(2, x.{name}(1));\n  }}\n}}",
    "php": "<?php\n\nclass XTest extends TestCase\n{{\n    public function testIt(): void\n    {{\n        $this->assertSame(2, $x->{name}(1));\n    }}\n}}",
    "ruby": "RSpec.describe X do\n  it 'works' do\n    expect(x.{name}(1)).to eq(2)\n  end\nend",
    "c": "#include <assert.h>\n\nint main(void) {{\n  assert({name}(1) == 2);\n  return 0;\n}}",
    "lua": "describe('x', function()\n  it('works', function()\n    assert.equal(2, x.{name}(1))\n  end)\nend)",
    "kotlin": "class XTest {{\n    @Test\n    fun works() {{\n        assertEquals(2, {name}(1))\n    }}\n}}",
}  # fmt: skip


def tests(real: Real) -> Iterator[Said]:
    """Replies that hold a test file."""
    tag, code = real.language, TESTS[real.language].format(name=real.name)
    yield Said("good", "fenced", fence(code, tag))
    yield Said("sloppy", "chatter", f"Sure:\n\n{fence(code, tag)}\n\nRun them with make.")
    yield Said("sloppy", "no tag", fence(code))
    yield Said("sloppy", "no fence", code)
    yield Said("sloppy", "CRLF", fence(code, tag).replace("\n", "\r\n"))
    yield Said("bad", "syntax error", fence(f"{code}\n)(" if tag != "php" else code.replace("{", "", 1), tag))
    if real.name not in ("__init__", "constructor"):
        yield Said("bad", "another function", fence(TESTS[tag].format(name="qqzz"), tag))
    yield Said("bad", "no tests", fence(f"{COMMENT.get(tag, '//')} {real.name}", tag if tag != "php" else "php"))
    yield Said("bad", "more tests elided", fence(f"{code}\n{COMMENT.get(tag, '//')} ... more tests ...", tag))
    yield Said("bad", "cut", f"```{tag}\n{code}")
    yield Said("bad", "prose", "I would test the usual case, then the empty one, and the errors it can raise.")


# Findings and words.


def findings(real: Real) -> Iterator[Said]:
    """Replies that hold findings about the function's lines; bad ones must find nothing, or be asked again."""
    lines = [line for line in real.code.split("\n") if re.search(r"\w{3}", line)]
    one = lines[len(lines) // 2]
    item = {"quote": one, "line": 1, "severity": "warning", "message": "It may fail.", "why": "So it is."}
    reply = json.dumps({"findings": [item]})
    yield Said("good", "JSON", reply)
    yield Said("sloppy", "fenced", f"Here you go:\n```json\n{reply}\n```\nThat is all.")
    yield Said("sloppy", "a list", json.dumps([item]))
    yield Said("sloppy", "no indentation", json.dumps({"findings": [{**item, "quote": one.strip()}]}))
    yield Said("sloppy", "wrong line", json.dumps({"findings": [{**item, "line": 99_999}]}))
    yield Said("sloppy", "trailing comma", reply.replace('"why": "So it is."', '"why": "So it is.",'))
    yield Said("sloppy", "one alone", json.dumps(item))
    yield Said("bad", "not there", json.dumps({"findings": [{**item, "quote": "qqzz_never_written(1, 2, 3)"}]}))
    yield Said("bad", "no quote", json.dumps({"findings": [{**item, "quote": ""}]}))
    yield Said("bad", "no message", json.dumps({"findings": [{**item, "message": ""}]}))
    yield Said("bad", "prose", "The code looks fine to me, although I would look at the loop again.")
    yield Said("bad", "cut", reply[: len(reply) // 3])


def words(real: Real) -> Iterator[Said]:
    """Explanations."""
    yield Said("good", "named", f"`{real.name}` reads its arguments and answers with what it found.")
    yield Said("sloppy", "a heading", f"## Overview\n\nHere is what `{real.name}` does: it reads what it is given.")
    yield Said("bad", "other code", "Qqzz wwyy: xxqq zzww.")
    yield Said("bad", "empty", "   ")
    yield Said("bad", "refused", "I'm sorry, but I can't assist with that.")
