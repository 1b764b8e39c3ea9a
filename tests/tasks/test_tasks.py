"""Explain, document, tests, fix, names, commit messages: what is shown, what is refused, what is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codriver.analyst import Analyst
from codriver.config import Settings
from codriver.errors import RequestRejected, UpstreamFailed
from codriver.model.request import Purpose
from codriver.tasks import commit, doctext, merging, testing
from codriver.tasks.commit import commit_message
from codriver.tasks.document import document
from codriver.tasks.explain import explain
from codriver.tasks.fix import fix
from codriver.tasks.naming import names
from codriver.tasks.review import review
from codriver.tasks.testing import write_tests

CODE = "import os\n\n\ndef total(items, tax):\n    result = sum(items)‸\n    return result * tax\n"


def fence(code: str, tag: str = "python") -> str:
    return f"```{tag}\n{code}\n```"


# Explain.


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("Qqzz wwyy zzxx.", "is about other code"),
        ("`total` calls `qqzz`, `wwyy`, `xxzz` and `yyzz`.", "speaks of names that are not there"),
    ],
)
async def test_words_about_something_else_are_refused(kit: Any, analyst: Analyst, reply: str, why: str) -> None:
    router = kit.router(reply, "`total` sums up `items`.")
    done = await explain(router, analyst, kit.snapshot(CODE), "what is tax?")
    assert done.text == "`total` sums up `items`." and router.verdicts == [why]
    assert router.requests[0].purpose is Purpose.EXPLAIN and "what is tax?" in router.prompt()


async def test_short_names_are_names_where_they_are_marked(kit: Any, analyst: Analyst) -> None:
    router = kit.router("`f` gives `a` back.")
    done = await explain(router, analyst, kit.snapshot("def f(a):\n    return a‸\n"))
    assert done.text == "`f` gives `a` back." and not router.verdicts


# Document.


@pytest.mark.parametrize(
    ("text", "reply", "expected"),
    [
        pytest.param(CODE, '"""Sums up."""', 'tax):\n    """Sums up."""\n    result', id="a docstring"),
        pytest.param(
            CODE.replace("    result =", '    """Old."""\n    result ='),
            "'''New words.'''",
            'tax):\n    """New words."""\n    result',
            id="in place of another",
        ),
        pytest.param("def f(a): return a‸\n", '"""Gives a."""', 'def f(a):\n    """Gives a."""\n    return a\n', id="one line"),
        pytest.param(
            CODE, f'{CODE[11:].replace("‸", "").replace("    result =", "    # Adds." + chr(10) + "    result =")}',
            "tax):\n    # Adds.\n    result", id="the whole function with a comment",
        ),
    ],
)  # fmt: skip
async def test_a_docstring_goes_where_it_belongs(
    kit: Any, analyst: Analyst, text: str, reply: str, expected: str
) -> None:
    snapshot = kit.snapshot(text)
    done = await document(kit.router(fence(reply)), analyst, snapshot)
    assert expected in merging.applied(snapshot.text, done.patches).decode()


@pytest.mark.parametrize(
    ("language", "text", "reply", "expected"),
    [
        pytest.param(
            "typescript", "class A {\n  @Dec()\n  m(a: number) {\n    return a;‸\n  }\n}\n", "/** Gives a. */",
            "class A {\n  /** Gives a. */\n  @Dec()\n  m(", id="above the decorator",
        ),
        pytest.param(
            "typescript", "/** Old. */\nexport const f = (a: number) => {\n  return a;‸\n};\n", "// Gives a back.",
            "/** Gives a back. */\nexport const f", id="in place of the old one, in the usual form",
        ),
        pytest.param(
            "go", "package a\n\n// Old.\n//go:noinline\nfunc F(a int) int {\n\treturn a‸\n}\n", "// F gives a.",
            "// Old.\n//go:noinline\n// F gives a.\nfunc F", id="what tools read stays",
        ),
        *(
            pytest.param("ruby", f"{above}\ndef f(a)\n  a‸\nend\n", "# Gives a.", f"{above}\n# Gives a.\ndef f", id=above)
            for above in ("# frozen_string_literal: true", "# rubocop:disable Metrics", "# -----\n# Helpers\n# -----")
        ),
        pytest.param(
            "rust", "impl A {\n    #[inline]\n    pub fn f(&self) -> u8 {\n        1‸\n    }\n}\n", "/// Gives one.\n///\n/// Always.",
            "impl A {\n    /// Gives one.\n    ///\n    /// Always.\n    #[inline]", id="lines",
        ),
    ],
)  # fmt: skip
async def test_a_comment_stands_in_front(
    kit: Any, analyst: Analyst, language: str, text: str, reply: str, expected: str
) -> None:
    snapshot = kit.snapshot(text, uri=f"file:///w/a.{language}", language=language)
    done = await document(kit.router(fence(reply, language)), analyst, snapshot)
    assert expected in merging.applied(snapshot.text, done.patches).decode()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (fence(CODE[11:].replace("‸", "").replace("sum", "max")), "changes code"),
        (fence('"""Ends here."""\nx = 1'), "changes the signature of total"),
        (fence('"""x"""'), "says nothing"),
        ("It sums up all of the items and multiplies them by a tax.", "no comment in it"),
    ],
)
async def test_what_changes_code_is_no_documentation(kit: Any, analyst: Analyst, reply: str, why: str) -> None:
    router = kit.router(reply, fence('"""Sums up."""'))
    await document(router, analyst, kit.snapshot(CODE))
    assert router.verdicts == [why]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"""One.\n\n    Two.\n    """', "One.\n\nTwo."),
        ("/**\n * One.\n *\n *   deep\n */", "One.\n\n  deep"),
        ("/* One. */", "One."),
        ("    # One.\n    #\n    # Two.", "One.\n\nTwo."),
        ("/// One.\n///Two.", "One.\nTwo."),
        ("x = 1", None),
        ('"""One."""\nx = 1', None),
        ("/* One. */ x", None),
    ],
)
def test_a_comment_s_words(text: str, words: str | None) -> None:
    assert doctext.plain(text) == words


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (doctext.Form("", inside='"""'), 'ends """ here'),
        (doctext.Form("", block=("/**", " * ", " */")), "ends */ here"),
    ],
)
def test_words_that_would_end_their_comment_are_refused(form: doctext.Form, words: str) -> None:
    assert doctext.written(words, form, "") is None


# Tests.

GOOD = "from app import total\n\n\ndef test_total():\n    assert total([1], 2) == 2"


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (fence("def test_x():\n    assert total(("), "does not parse"),
        (fence("def test_x():\n    assert other(1)"), "does not test total"),
        (fence("total = 1"), "has no tests"),
        (fence(f"def total(items, tax):\n    return 1\n\n\n{GOOD[23:]}"), "tests a copy of total"),
        (fence(f"{GOOD}\n# ... more tests ..."), "leaves code out"),
    ],
)
async def test_tests_that_test_nothing_are_refused(kit: Any, analyst: Analyst, reply: str, why: str) -> None:
    router = kit.router(reply, fence(GOOD))
    done = await write_tests(router, analyst, kit.snapshot(CODE))
    assert router.verdicts == [why] and done.text == f"{GOOD}\n"
    assert done.path == "/work/test_app.py" and "pytest" in router.prompt()


@pytest.mark.parametrize(
    ("language", "path", "there", "place"),
    [
        ("python", "/w/pkg/a.py", (), "/w/pkg/test_a.py"),
        ("python", "/w/pkg/a.py", ("/w/tests",), "/w/tests/test_a.py"),
        ("python", "/w/pkg/a.py", ("/w/tests", "/w/tests/test_a.py"), "/w/tests/test_a_f.py"),
        ("python", "/w/a.py", ("/w/test_a.py", "/w/test_a_f.py", "/w"), "/w/test_a_f_2.py"),
        ("typescript", "/w/a.tsx", (), "/w/a.test.tsx"),
        ("typescript", "/w/a.ts", ("/w", "/w/a.test.ts"), "/w/a_f.test.ts"),
        ("go", "/w/a.go", ("/w", "/w/a_test.go"), "/w/a_f_test.go"),
    ],
)
def test_tests_never_take_the_place_of_a_file(language: str, path: str, there: tuple[str, ...], place: str) -> None:
    assert testing.place(path, "/w", language, "f", lambda one: one in there) == place


# Fix.


async def test_a_repair_has_to_repair(kit: Any, analyst: Analyst) -> None:
    text = "def f(a):\n    return (a‸\n\n\nx = 1\n"
    snapshot = kit.snapshot(text)
    still = fence("def f(a):\n    return [a")
    router = kit.router(still, fence("def f(a):\n    return (a)") + "\nSummary: closes the bracket.")
    done = await fix(router, analyst, snapshot, ["'(' was never closed"])
    assert merging.applied(snapshot.text, done.patches).startswith(b"def f(a):\n    return (a)\n")
    assert len(router.verdicts) == 1 and done.summary == "closes the bracket."
    assert "'(' was never closed" in router.prompt() and router.requests[0].purpose is Purpose.FIX


async def test_an_import_that_a_repair_needs_goes_to_the_head(kit: Any, analyst: Analyst) -> None:
    snapshot = kit.snapshot("import os\n\n\ndef f(a):\n    b = 1\n    return re.sub(a)‸\n")
    reply = fence("import re\n\ndef f(a):\n    return re.sub('x', '', a)")
    done = await fix(kit.router(reply), analyst, snapshot, ["undefined name re"])
    after = merging.applied(snapshot.text, done.patches).decode()
    assert after == "import os\nimport re\n\n\ndef f(a):\n    return re.sub('x', '', a)\n"


async def test_where_nobody_complains_nothing_is_asked(kit: Any, analyst: Analyst) -> None:
    router = kit.router("x")
    with pytest.raises(RequestRejected, match="nobody complains"):
        await fix(router, analyst, kit.snapshot(CODE), [" "])
    assert router.requests == []


# Names.


async def test_names_are_those_that_could_stand_there(kit: Any, analyst: Analyst) -> None:
    wrong = [{"name": name} for name in ("result", "tax", "os", "class", "two words", "1st")]
    router = kit.router(
        json.dumps({"names": wrong}), json.dumps({"names": [*wrong, {"name": "net", "why": "before tax"}]})
    )
    done = await names(router, analyst, kit.snapshot(CODE.replace("‸", "").replace("result =", "res‸ult =")))
    assert [(one.name, one.why) for one in done.items] == [("net", "before tax")] and done.old == "result"
    assert router.verdicts == ["no name that could be used"]


@pytest.mark.parametrize("text", ["x = 'so‸me words'\n", "# so‸me\n", "x ‸ + 1\n", "‸"])
async def test_what_is_no_name_gets_none(kit: Any, analyst: Analyst, text: str) -> None:
    with pytest.raises(RequestRejected):
        await names(kit.router("x"), analyst, kit.snapshot(text))


# Commit messages.

DIFF = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
SECRET = "diff --git a/.env b/.env\n--- a/.env\n+++ b/.env\n@@ -1 +1 @@\n-KEY=1\n+KEY=hunter2\n"


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("Make x two", "Make x two"),
        ("```\nMake x two.\n```", "Make x two"),
        ('Here is a commit message:\n\n"Make x two"', "Make x two"),
        ("Commit message: Make x two\n\nBecause one was too few.", "Make x two\n\nBecause one was too few."),
        (
            f"Make x two\n\n- {LONG}",
            "Make x two\n\n- one two three four five six seven eight nine ten eleven twelve\n  thirteen fourteen fifteen",
        ),
    ],
)
async def test_a_message_is_taken_out_of_what_is_said_around_it(kit: Any, reply: str, text: str) -> None:
    assert (await commit_message(kit.router(reply), DIFF)).text == text


@pytest.mark.parametrize("reply", ["x" * 90, "```\n```", "diff --git a/a.py b/a.py"])
async def test_what_is_no_message_is_asked_again(kit: Any, reply: str) -> None:
    router = kit.router(reply, "Make x two")
    assert (await commit_message(router, DIFF)).text == "Make x two" and len(router.verdicts) == 1


async def test_what_no_model_may_see_is_not_in_the_prompt(kit: Any) -> None:
    router = kit.router("Make x two")
    await commit_message(router, SECRET + DIFF, ["fix(a): one", "feat: two"])
    assert "hunter2" not in router.prompt() and ".env" in router.prompt() and "x = 2" in router.prompt()
    assert "begins with a type" in router.prompt() and router.requests[0].purpose is Purpose.COMMIT
    with pytest.raises(RequestRejected, match="nothing to commit"):
        await commit_message(kit.router("x"), "")


def test_of_a_long_diff_every_file_has_its_part() -> None:
    long = "".join(f"diff --git a/{n}.py b/{n}.py\n+++ b/{n}.py\n" + "+x\n" * 20_000 for n in range(3))
    told = commit._shortened(long)
    assert len(told) <= commit.LONGEST and all(f"b/{n}.py" in told for n in range(3))


# Reviews of changes.

OLD = "def f(a):\n    return a\n\n\ndef g(b):\n    return b\n"


async def test_only_changed_lines_are_reported(kit: Any, analyst: Analyst) -> None:
    snapshot = kit.snapshot(OLD.replace("return b", "return b + 1"))
    found = [{"quote": "    return a", "message": "old"}, {"quote": "    return b + 1", "message": "new"}]
    router = kit.router(json.dumps({"findings": found}))
    done = await review(router, analyst, snapshot, base=OLD.encode())
    assert [one.message for one in done.items] == ["new"] and done.dropped == 1
    assert "+    return b + 1" in router.prompt() and "-    return b\n" in router.prompt()


async def test_of_a_long_file_only_what_is_around_the_change_goes_out(kit: Any, analyst: Analyst) -> None:
    many = "".join(f"def f{n}(a):\n    x = a + {n}\n    return x\n\n\n" for n in range(2_000))
    changed = many.replace("a + 7\n", "a + 77\n").replace("a + 1900\n", "a + 19\n")
    router = kit.router('{"findings": []}', '{"findings": [{"quote": "x = a + 19", "message": "wrong"}]}')
    done = await review(router, analyst, kit.snapshot(changed), base=many.encode())
    assert [one.start_line for one in done.items] == [9_502] and done.cost == 0.025 and len(router.requests) == 2
    assert all(len(router.prompt(n)) < 20_000 for n in range(2)) and "a + 77" in router.prompt(0)


async def test_where_nothing_was_changed_nobody_is_asked(kit: Any, analyst: Analyst) -> None:
    router = kit.router("x")
    with pytest.raises(RequestRejected, match="nothing was changed"):
        await review(router, analyst, kit.snapshot(OLD), base=OLD.encode())
    assert router.requests == []


# All of them.


@pytest.mark.parametrize("task", [explain, document, write_tests, names])
async def test_files_that_no_model_may_see_are_refused(kit: Any, analyst: Analyst, task: Any) -> None:
    router = kit.router("x")
    with pytest.raises(RequestRejected, match="marked as private"):
        await task(router, analyst, kit.snapshot(CODE, uri="file:///w/.env"))
    small = Settings.model_validate({"refactor": {"max_bytes": 3}, "review": {"max_bytes": 3}})
    with pytest.raises(RequestRejected, match="too large"):
        await task(router, analyst, kit.snapshot(CODE), settings=small)
    assert router.requests == []


async def test_when_nobody_is_good_enough_nothing_is_shown(kit: Any, analyst: Analyst) -> None:
    for task in (explain, document, write_tests):
        with pytest.raises(UpstreamFailed):
            await task(kit.router("", ""), analyst, kit.snapshot(CODE))
