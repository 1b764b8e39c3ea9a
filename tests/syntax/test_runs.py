"""Summaries of test runners and builds, as they look in tools' results."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.syntax import runs

SUMMARIES = [
    ("pytest", "tests", True, "tests/test_a.py ..\n\n============ 12 passed, 1 warning in 0.52s ============\n"),
    ("pytest", "tests", True, "....\n4 passed in 0.01s"),
    ("pytest", "tests", False, "FAILED test_a.py::test_x - assert 1\n==== 1 failed, 3 passed, 2 skipped in 1.20s ===="),
    ("pytest", "tests", False, "==== 3 passed, 1 error in 61.20s (0:01:01) ===="),
    ("pytest", "tests", False, "E   ImportError\n!!!! Interrupted: 1 error during collection !!!!\n1 error in 0.12s"),
    ("unittest", "tests", True, "...\n----------------\nRan 3 tests in 0.001s\n\nOK\n"),
    ("unittest", "tests", False, "Ran 3 tests in 0.001s\n\nFAILED (failures=1)"),
    ("jest", "tests", False, "Test Suites: 1 failed, 1 total\nTests:       1 failed, 2 passed, 3 total\nTime: 1.2 s"),
    ("jest", "tests", True, "Test Suites: 1 passed, 1 total\nTests:       3 passed, 3 total\nSnapshots:   0 total"),
    ("vitest", "tests", False, " Test Files  1 failed (1)\n      Tests  1 failed | 2 passed (3)\n   Duration  300ms"),
    ("vitest", "tests", True, " Test Files  1 passed (1)\n      Tests  3 passed (3)\n   Duration  300ms"),
    ("mocha", "tests", True, "  adder\n    ok adds\n\n  2 passing (5ms)\n"),
    ("mocha", "tests", False, "  2 passing (5ms)\n  1 failing\n\n  1) adder"),
    ("tap", "tests", False, "# tests 3\n# pass 2\n# fail 1\n"),
    ("tap", "tests", True, "ℹ tests 3\nℹ pass 3\nℹ fail 0\nℹ cancelled 0"),
    ("cargo", "tests", True, "running 3 tests\ntest result: ok. 3 passed; 0 failed; 0 ignored; finished in 0.00s"),
    ("cargo", "tests", False, "test result: FAILED. 2 passed; 1 failed; 0 ignored\nerror: test failed, rerun with"),
    ("go", "tests", True, "ok  \texample.com/a\t0.012s\nok  \texample.com/b\t(cached)"),
    ("go", "tests", False, "--- FAIL: TestAdd (0.00s)\n    a_test.go:9: 3\nFAIL\nexit status 1\nFAIL\texample.com/a\t0.01s"),
    ("maven", "tests", False, "[ERROR] Tests run: 5, Failures: 1, Errors: 0, Skipped: 0"),
    ("maven", "build", True, "Tests run: 5, Failures: 0, Errors: 0, Skipped: 0\n[INFO] BUILD SUCCESS"),
    ("dotnet", "tests", True, "Passed!  - Failed:     0, Passed:     7, Skipped:     0, Total:     7"),
    ("dotnet", "tests", False, "Failed!  - Failed:     1, Passed:     6, Skipped:     0, Total:     7"),
    ("rspec", "tests", True, "Finished in 0.01 seconds\n3 examples, 0 failures"),
    ("rspec", "tests", False, "3 examples, 1 failure\n\nFailed examples:"),
    ("minitest", "tests", False, "3 runs, 5 assertions, 1 failures, 0 errors, 0 skips"),
    ("phpunit", "tests", True, "OK (3 tests, 5 assertions)"),
    ("phpunit", "tests", False, "FAILURES!\nTests: 3, Assertions: 5, Failures: 1."),
    ("swift", "tests", True, "Executed 3 tests, with 0 failures (0 unexpected) in 0.1 seconds"),
    ("ctest", "tests", False, "80% tests passed, 1 tests failed out of 5"),
    ("exunit", "tests", True, "Finished in 0.03 seconds\n3 tests, 0 failures"),
    ("dart", "tests", True, "00:01 +3: All tests passed!"),
    ("deno", "tests", True, "ok | 3 passed | 0 failed (5ms)"),
    ("bun", "tests", False, " 2 pass\n 1 fail\n 3 expect() calls"),
    ("cargo", "build", False, "error[E0425]: cannot find value\nerror: could not compile `a` (lib) due to 1 previous error"),
    ("cargo", "build", True, "   Compiling a v0.1.0\n    Finished `dev` profile [unoptimized] target(s) in 0.5s"),
    ("tsc", "build", False, "src/a.ts(3,5): error TS2304: Cannot find name 'x'."),
    ("go", "build", False, "# example.com/a\n./a.go:3:2: undefined: x"),
    ("make", "build", False, "gcc -c a.c\nmake: *** [Makefile:3: a.o] Error 1"),
    ("mypy", "build", True, "Success: no issues found in 3 source files"),
    ("mypy", "build", False, "a.py:1: error: no\nFound 1 error in 1 file (checked 3 source files)"),
    ("eslint", "build", False, "✖ 3 problems (1 error, 2 warnings)"),
]  # fmt: skip


@pytest.mark.parametrize(("by", "what", "passed", "text"), SUMMARIES)
def test_a_summary_is_recognised(by: str, what: str, passed: bool, text: str) -> None:
    assert runs.read(text) == runs.Run(what, passed, by)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def test_passed():\n    assert run() == 'passed'\n",
        "The tests passed yesterday, but 1 failed once in a while.",
        "# Release notes\n- all checks now run in 0.5s\n- 3 passed exams",
        "Found 3 files\nsrc/a.py\nsrc/b.py",
        "ok",
        "0 passing (1ms)",
        "collected 0 items\n\n==== no tests ran in 0.01s ====",
        "test result: ok. 0 passed; 0 failed; 0 ignored",
        "Ran 0 tests in 0.000s\n\nOK",
    ],
)
def test_other_texts_are_no_runs(text: str) -> None:
    assert runs.read(text) is None


def test_the_last_run_of_several_counts() -> None:
    fixed = "1 failed, 3 passed in 0.20s\n\n$ pytest -q\n4 passed in 0.21s\n"
    assert runs.read(fixed) == runs.Run("tests", True, "pytest")
    broken = "Success: no issues found in 3 source files\n1 failed, 3 passed in 0.20s\n"
    assert runs.read(broken) == runs.Run("tests", False, "pytest")


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("Error: ENOENT: no such file or directory, open 'a'", True),
        ("<tool_use_error>File has not been read yet.</tool_use_error>", True),
        ("Exit code 1\nTraceback", True),
        ("bash: foo: command not found", True),
        ("cat: a.txt: No such file or directory", True),
        ("exit code 0\nfine", False),
        ("def error():\n    pass", False),
        ("The file a.py has been updated.", False),
    ],
)
def test_a_failed_call_is_told_by_how_its_result_begins(text: str, failed: bool) -> None:
    assert runs.failing(text) is failed


def body(wire: str, name: str, arguments: dict[str, str]) -> bytes:
    """A request of an agent that just called one tool, with the tools' schemas behind the messages."""
    schema = {"name": "Edit", "input_schema": {"properties": {"old_string": {"type": "string"}, "file_path": {}}}}
    text = msgspec.json.encode(arguments).decode()
    messages = {
        "anthropic": [
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": name, "input": arguments}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "done"}]},
        ],
        "openai_chat": [
            {"role": "assistant", "tool_calls": [{"id": "t", "function": {"name": name, "arguments": text}}]},
            {"role": "tool", "tool_call_id": "t", "content": "done"},
        ],
        "openai_responses": [
            {"type": "function_call", "call_id": "t", "name": name, "arguments": text},
            {"type": "function_call_output", "call_id": "t", "output": "done"},
        ],
        "gemini": [
            {"role": "model", "parts": [{"functionCall": {"name": name, "args": arguments}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": name, "response": {}}}]},
        ],
    }[wire]
    return msgspec.json.encode({"messages": messages, "tools": [schema]})


@pytest.mark.parametrize("wire", ["anthropic", "openai_chat", "openai_responses", "gemini"])
def test_whether_the_newest_call_changes_a_file(wire: str) -> None:
    edit = {"file_path": "/w/src/settle.py", "old_string": "a", "new_string": "b"}
    assert runs.edited(body(wire, "Edit", edit), wire) == "/w/src/settle.py"
    assert runs.edited(body(wire, "Write", {"file_path": "/w/tests/test_a.py", "content": "x"}), wire) == (
        "/w/tests/test_a.py"
    )
    assert runs.edited(body(wire, "Bash", {"command": "ls"}), wire) is None


def test_what_only_reads_or_speaks_another_wire_changes_nothing() -> None:
    reading = msgspec.json.encode(
        {
            "messages": [
                {"role": "assistant", "content": [{"type": "tool_use", "name": "Bash", "input": {"command": "ls"}}]}
            ]
        }
    )
    assert runs.edited(reading, "anthropic") is None
    assert runs.edited(b"{}", "anthropic") is None
    assert runs.edited(reading, "mistral_fim") is None


def test_a_patch_of_codex_is_an_edit() -> None:
    patch = "*** Begin Patch\n*** Update File: src/a.py\n@@\n-x\n+y\n*** End Patch"
    sent = msgspec.json.encode({"input": [{"type": "custom_tool_call", "name": "apply_patch", "input": patch}]})
    assert runs.edited(sent, "openai_responses") == "src/a.py"


@pytest.mark.parametrize(
    ("path", "tests"),
    [("tests/test_a.py", True), ("src/a.spec.ts", True), ("a_test.go", True), ("src/contest.py", False), ("", False)],
)
def test_files_of_tests_by_their_names(path: str, tests: bool) -> None:
    assert runs.of_tests(path) is tests


@given(st.text(max_size=3000))
@settings(max_examples=80, deadline=None)
def test_no_text_is_too_strange(text: str) -> None:
    runs.read(text)
    runs.failing(text)


def test_texts_made_to_be_slow_are_not() -> None:
    for text in ("1 passed, " * 600, "=" * 6000, "Tests: " * 900, "1 a, " * 1200 + " failed", " passing\n" * 600):
        began = time.perf_counter()
        runs.read(text)
        assert time.perf_counter() - began < 0.5
