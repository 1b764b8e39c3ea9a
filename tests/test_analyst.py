"""Which code a request is about, and what must not leave the machine."""

from __future__ import annotations

import json

import pytest

from codriver.analyst import Analyst, Marked, buffers
from codriver.config.tree import Privacy
from codriver.model.request import Purpose, Request, Snapshot
from codriver.syntax.text import Text
from codriver.wire import codec

CODE = b"def settle(a):\n    if a:\n        return 1\n    return 2\n"


@pytest.mark.parametrize(
    ("pattern", "path", "marked"),
    [
        ("payroll/**", "/home/u/proj/payroll/x.py", True),
        ("payroll/**", "/home/u/proj/payrolls/x.py", False),
        ("src/secret/**", "/w/src/secret/deep/x.py", True),
        ("clients/acme/", "/w/clients/acme/x.py", True),
        ("/top/x.py", "/w/top/x.py", True),
        ("*.pem", "/w/certs/a.pem", True),
        (".kube/config", "/home/u/.kube/config", True),
        ("payroll/**", "C:\\\\w\\\\payroll\\\\x.py", True),
        ("payroll/**", "", False),
    ],
)
def test_patterns_count_wherever_in_a_path_they_stand(pattern: str, path: str, marked: bool) -> None:
    assert Marked([pattern])(path) is marked


@pytest.mark.parametrize(
    "path",
    ["/p/.env", "/p/.env.local", "/p/a.pem", "/h/.ssh/id_ed25519", "/h/.docker/config.json", "/h/.kube/config",
     "/h/.aws/credentials", "/p/terraform.tfstate", "/p/secrets.yaml"],
)  # fmt: skip
def test_the_default_secret_files_are_marked(path: str) -> None:
    assert Marked(Privacy().never)(path)


def test_examples_of_secret_files_are_not() -> None:
    assert not Marked(Privacy().never)("/p/.env.example")


def chat(text: str, *earlier: str) -> Request:
    turns = [{"role": "user", "content": turn} for turn in (*earlier, text)]
    return codec.find("openai_chat").parse(json.dumps({"model": "auto", "messages": turns}).encode(), {})


def editor(*paths: str, local_only: tuple[str, ...] = ()) -> Analyst:
    analyst = Analyst(local_only=local_only)
    for path in paths:
        analyst.opened(1, Snapshot(f"file://{path}", 1, "python", CODE))
    return analyst


@pytest.mark.parametrize(
    ("open_", "asked", "local"),
    [
        pytest.param(("/w/payroll/pay.py", "/w/deep/er/public_module.py"),
                     "compare pay.py with deep/er/public_module.py", True, id="both open, the public one fits better"),
        pytest.param((), "look at payroll/pay.py please", True, id="only named"),
        pytest.param(("/w/public.py",), "look at public.py", False, id="public"),
        pytest.param(("/w/payroll/pay.py",), "good morning", False, id="open and not named"),
    ],
)  # fmt: skip
def test_local_only_holds_for_all_that_a_request_names(open_: tuple[str, ...], asked: str, local: bool) -> None:
    analyst = editor(*open_, local_only=("payroll/**",))
    assert analyst.features(chat(asked)).local_only is local


def test_local_only_holds_for_earlier_turns_too() -> None:
    analyst = editor(local_only=("payroll/**",))
    request = chat("go on", "see payroll/pay.py", *(f"and then {n}" for n in range(9)))
    assert analyst.features(request).local_only


def test_two_editors_with_the_same_file_and_version_keep_their_own_text() -> None:
    analyst = editor("/w/a.py")
    other = Snapshot("file:///w/a.py", 1, "python", b"def other():\n    pass\n")
    analyst.opened(2, other)
    assert [f.name for f in analyst.buffer(other).functions()] == ["other"]
    mine = Snapshot("file:///w/a.py", 1, "python", CODE)
    assert [f.name for f in analyst.buffer(mine).functions()] == ["settle"]


@pytest.mark.parametrize(
    ("text", "scope", "source"),
    [
        ("fix settle in billing/a.py", "settle", "buffer"),
        ("see billing/a.py:2", "settle", "buffer"),
        ("see ab.py", "", "none"),
        ("```python\ndef f(x):\n    return x\n```", "f", "fence"),
    ],
)
def test_the_code_a_request_is_about(text: str, scope: str, source: str) -> None:
    found = editor("/w/billing/a.py").features(chat(text))
    assert (found.scope, found.source) == (scope, source)


def test_a_purpose_and_a_task_are_told() -> None:
    request = Request("r", Purpose.COMPLETE)
    assert Analyst().features(request).task == "complete"


TYPED = b"import os\n\n\ndef settle(accounts):\n    for account in accounts:\n        if account.late:\n            \n    return accounts\n"


def hole(before: str, after: str) -> Request:
    body = {"model": "auto", "prompt": before, "suffix": after}
    return codec.find("openai_completions").parse(json.dumps(body).encode(), {})


def test_a_plugins_hole_is_decided_by_the_buffer_it_stands_in() -> None:
    analyst = Analyst(local_only=["payroll/**"])
    analyst.opened(1, Snapshot("file:///w/other.py", 1, "python", b"def other():\n    return 1\n"))
    analyst.opened(1, Snapshot("file:///w/payroll/settle.py", 1, "python", TYPED))
    at = TYPED.index(b"            \n") + 12
    found = analyst.features(hole(TYPED[:at].decode(), TYPED[at:].decode()))
    assert (found.source, found.path, found.scope) == ("buffer", "/w/payroll/settle.py", "settle")
    assert found.cyclomatic == 3 and found.local_only
    assert analyst.features(hole("def nobody(has, this, open):\n    ", "\n    return nothing_of_it\n")).source == "none"


def test_a_hole_in_no_buffer_is_read_by_the_language_its_plugin_names() -> None:
    found = Analyst(local_only=["pay.py"]).features(
        hole("# path: src/pay.py\ndef pay(a):\n    if a:\n        return ", "\n")
    )
    assert (found.source, found.path, found.language, found.scope) == ("fence", "src/pay.py", "python", "pay")
    assert found.local_only


def filed(path: str, text: str = "go on") -> Request:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    return codec.find("openai_chat").parse(json.dumps(body).encode(), {"x-codriver-file": path})


def test_a_file_that_the_caller_names_is_found_among_the_open_ones() -> None:
    analyst = editor("/w/a/settle.py", "/w/b/other.py")
    assert analyst.features(filed("a/settle.py")).path == "/w/a/settle.py"
    assert analyst.features(filed("/w/b/other.py", "see settle.py")).path == "/w/b/other.py"
    unknown = analyst.features(filed("/w/c/closed.py"))
    assert (unknown.path, unknown.source) == ("/w/c/closed.py", "none")


def test_a_named_file_may_be_one_that_stays_here() -> None:
    assert editor(local_only=("payroll/**",)).features(filed("/w/payroll/x.py")).local_only
    assert not editor(local_only=("payroll/**",)).features(filed("/w/pay/x.py")).local_only


def test_a_keystroke_only_notes_what_it_did_until_somebody_asks() -> None:
    analyst, text, asked = editor("/w/pay.py"), Text(CODE), list[int]()

    def now() -> Snapshot:
        asked.append(text.size)
        return Snapshot("file:///w/pay.py", 9, "python", text.data)

    for letter in "abc":
        analyst.changed(1, "file:///w/pay.py", [text.splice(0, 0, letter.encode())], now)
    assert not asked
    analyst.changed(1, "file:///w/pay.py", [text.splice(0, 3, b"def first(a):\n    return a\n\n")], now)
    assert analyst.functions(1, "file:///w/pay.py")[0].name == "first"
    assert asked == [text.size]
    assert analyst.buffer(now()).data is text.data


def test_edits_that_nobody_asks_about_do_not_pile_up() -> None:
    analyst, text, asked = editor("/w/pay.py"), Text(CODE), list[int]()

    def now() -> Snapshot:
        asked.append(text.size)
        return Snapshot("file:///w/pay.py", 9, "python", text.data)

    for _ in range(3 * buffers.LATE):
        analyst.changed(1, "file:///w/pay.py", [text.splice(0, 0, b"#")], now)
    assert len(asked) == 2


def test_trees_of_buffers_not_used_lately_make_room_and_come_back_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "TREES", 4 * len(CODE))
    analyst = editor(*(f"/w/{n}.py" for n in range(8)))
    open_ = [Snapshot(f"file:///w/{n}.py", 1, "python", CODE) for n in range(8)]
    for snapshot in open_:
        assert analyst.facts(1, snapshot.uri, 30).scope == "settle"
    held = [bool(next(h for h in analyst._buffers.latest() if h.snapshot.uri == s.uri).buffer.held) for s in open_]
    assert held == [False] * 3 + [True] * 5  # the last one was not read yet when room was made for it
    assert analyst.facts(1, open_[0].uri, 30).scope == "settle"
    assert [f.name for f in analyst.functions(1, open_[1].uri)] == ["settle"]
