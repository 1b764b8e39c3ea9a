"""`review`, `explain`, `tests`, `document`, `commit-message`: what they print, and their exit codes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from codriver.cli import sarif
from codriver.cli.review import FAILS
from codriver.tasks.findings import SEVERITIES

CODE = (
    "import os\n\n\ndef mean(values):\n    if values == None:\n        return 0\n    return sum(values) / len(values)\n"
)


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit; the current folder."""
    folder = home / "work"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "a.py").write_text(CODE)
    (folder / "notes.txt").write_text("nothing\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "First")
    monkeypatch.chdir(folder)
    return folder


def finding(**more: Any) -> dict[str, Any]:
    start = CODE.index("if values")
    return {
        "start": start, "end": start + 18, "start_line": 5, "end_line": 5, "severity": "warning",
        "message": "Compare by identity.", "why": "An __eq__ may answer.", "fix": "if values is None:", **more,
    }  # fmt: skip


def page(*found: dict[str, Any], **more: Any) -> dict[str, Any]:
    who = {"model": "acme/large", "simulated": False, "cost_usd": 0.0125, "decision": "d1"}
    return {"findings": list(found), "dropped": 0, **who, **more}


# With a daemon that plays its part.


@pytest.mark.parametrize(
    ("found", "arguments", "code"),
    [
        pytest.param([], (), 0, id="none"),
        pytest.param([finding()], (), 1, id="findings"),
        pytest.param([finding()], ("--fail-on", "warning"), 1, id="as grave"),
        pytest.param([finding()], ("--fail-on", "error"), 0, id="not so grave"),
        pytest.param([finding(severity="error")], ("--fail-on", "never"), 0, id="never"),
    ],
)
def test_the_exit_code_says_whether_something_was_found(
    daemon: Any, repository: Path, run: Any, found: list[Any], arguments: tuple[str, ...], code: int
) -> None:
    daemon.page("POST", "/v1/tasks/review", page(*found))
    done = run("review", "a.py", *arguments)
    assert done.code == code
    assert ("a.py:5:5: warning: Compare by identity." in done.out) is any(f["severity"] == "warning" for f in found)
    assert ("acme/large" in done.err and "$0.013" in done.err) or not found
    ((_, _, asked),) = daemon.asked
    assert asked == {"path": str(repository / "a.py"), "text": CODE, "root": str(repository)}


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        pytest.param(503, {"error": {"message": "No model may answer"}, "reasons": ["acme: no key"]}, "no key", id="nobody"),
        pytest.param(502, {"error": {"message": "the reply did not pass its check: cut"}}, "cut", id="no good answer"),
        pytest.param(200, page(finding(), simulated=True), "no real model was asked", id="simulated"),
    ],
)  # fmt: skip
def test_what_could_not_run_is_no_review(
    daemon: Any, repository: Path, run: Any, status: int, body: Any, words: str
) -> None:
    daemon.page("POST", "/v1/tasks/review", body, status=status)
    done = run("review", "a.py")
    assert done.code == 2 and words in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("review", "nothing.py"),
        ("review", "--format", "xml"),
        ("review", "--fail-on", "panic"),
        ("review", "--staged", "--range", "HEAD"),
        ("review", "--range", "nowhere..HEAD"),
        ("explain", "nothing.py:3"),
        ("tests", "a.py"),
        ("document", "a.py:99"),
    ],
)
def test_wrong_usage_ends_with_2(daemon: Any, repository: Path, run: Any, arguments: tuple[str, ...]) -> None:
    daemon.page("POST", "/v1/tasks/document", {"error": {"message": "a.py has 7 lines"}}, status=400)
    done = run(*arguments)
    assert done.code == 2 and done.err.startswith("codriver: ") and not done.out


def test_outside_of_a_repository_there_are_no_changes(home: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / "plain"
    folder.mkdir()
    monkeypatch.chdir(folder)
    done = run("review", "--staged")
    assert done.code == 2 and "git: not a git repository" in done.err


@pytest.mark.parametrize(
    ("arguments", "text", "base"),
    [
        pytest.param(("--staged",), CODE.replace("0", "00"), CODE, id="staged"),
        pytest.param((), CODE.replace("0", "000"), CODE, id="since the last commit"),
        pytest.param(("--range", "HEAD"), CODE.replace("0", "000"), CODE, id="since a commit"),
        pytest.param(("--range", "HEAD~1..HEAD"), CODE, CODE.replace("os", "re"), id="between two"),
        pytest.param(("--range", "HEAD~1..HEAD", "b"), None, None, id="elsewhere"),
    ],
)
def test_changes_are_sent_with_what_was_before(
    daemon: Any, repository: Path, run: Any, arguments: tuple[str, ...], text: str | None, base: str | None
) -> None:
    (repository / "a.py").write_text(CODE.replace("os", "re"))
    git(repository, "commit", "-aqm", "Before", "--amend")
    (repository / "a.py").write_text(CODE)
    git(repository, "commit", "-aqm", "Second")
    (repository / "a.py").write_text(CODE.replace("0", "00"))
    (repository / "notes.txt").write_text("no code\n")
    git(repository, "add", ".")
    (repository / "a.py").write_text(CODE.replace("0", "000"))
    daemon.page("POST", "/v1/tasks/review", page())
    done = run("review", *arguments)
    assert done.code == 0
    assert [(body["text"], body["base"]) for _, _, body in daemon.asked] == ([(text, base)] if text else [])
    assert text is not None or "nothing to review" in done.err


def test_a_renamed_file_is_compared_with_what_it_was(daemon: Any, repository: Path, run: Any) -> None:
    git(repository, "mv", "a.py", "ü b.py")
    (repository / "ü b.py").write_text(CODE.replace("0", "00"))
    git(repository, "add", ".")
    daemon.page("POST", "/v1/tasks/review", page())
    assert run("review", "--staged").code == 0
    ((_, _, body),) = daemon.asked
    assert body["path"].endswith("ü b.py") and body["base"] == CODE


def test_a_repository_s_own_programs_are_not_run(daemon: Any, repository: Path, run: Any) -> None:
    trap = repository / "trap"
    trap.write_text("#!/bin/sh\ntouch sprung\n")
    trap.chmod(0o755)
    for key in ("diff.external", "core.fsmonitor", "diff.x.textconv"):
        git(repository, "config", key, str(trap))
    (repository / ".gitattributes").write_text("*.py diff=x\n")
    (repository / "a.py").write_text(CODE.replace("0", "00"))
    daemon.page("POST", "/v1/tasks/review", page())
    daemon.page("POST", "/v1/tasks/commit-message", {"text": "Zero", **page()})
    assert run("review").code == 0 and run("commit-message", "--all").code == 0
    assert not (repository / "sprung").exists()


def test_json_has_lines_and_columns(daemon: Any, repository: Path, run: Any) -> None:
    daemon.page("POST", "/v1/tasks/review", page(finding()))
    (file,) = run("review", "a.py", "--format", "json").json()["files"]
    place = {"startLine": 5, "startColumn": 5, "endLine": 5, "endColumn": 23}
    told = {"severity": "warning", "message": "Compare by identity.", "why": "An __eq__ may answer."}
    assert file["findings"] == [{**place, **told, "fix": {**place, "text": "if values is None:"}}]
    assert (file["path"], file["model"], file["cost_usd"]) == ("a.py", "acme/large", 0.0125)


# SARIF.


def test_sarif_has_what_the_standard_and_code_hosts_require(daemon: Any, repository: Path, run: Any) -> None:
    """Read by hand against the schema of 2.1.0: required properties, closed enumerations, 1-based regions."""
    text = f"# ä😀\n{CODE}"
    (repository / "ä b.py").write_text(text)
    start = len(text[: text.index("if values")].encode())
    one = finding(start=start, end=start + 18, start_line=6, end_line=6)
    daemon.page("POST", "/v1/tasks/review", page(one, finding(start=0, end=8, severity="hint", why="", fix=None)))
    log = run("review", "ä b.py", "--format", "sarif").json()
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    (ran,) = log["runs"]
    driver = ran["tool"]["driver"]
    rules = [rule["id"] for rule in driver["rules"]]
    assert driver["name"] and ran["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    assert ran["originalUriBaseIds"]["SRCROOT"]["uri"].endswith("/")
    assert [call["executionSuccessful"] for call in ran["invocations"]] == [True]
    for result in ran["results"]:
        assert result["level"] in ("none", "note", "warning", "error") and result["message"]["text"]
        assert rules[result["ruleIndex"]] == result["ruleId"]
        (location,) = result["locations"]
        where = location["physicalLocation"]
        assert where["artifactLocation"] == {"uri": "%C3%A4%20b.py", "uriBaseId": "SRCROOT"}
        assert 1 <= where["region"]["startLine"] <= where["region"]["endLine"] and where["region"]["startColumn"] >= 1
        assert set(result["partialFingerprints"]) == {"codriver/v1"}
    first, second = ran["results"]
    assert first["locations"][0]["physicalLocation"]["region"]["startColumn"] == 5
    assert second["locations"][0]["physicalLocation"]["region"]["snippet"] == {"text": "# ä😀"}
    (fix,) = first["fixes"]
    (replacement,) = fix["artifactChanges"][0]["replacements"]
    assert replacement["deletedRegion"] == {"startLine": 6, "startColumn": 5, "endLine": 6, "endColumn": 23}
    assert replacement["insertedContent"] == {"text": "if values is None:"} and "fixes" not in second


def test_sarif_tells_what_could_not_be_reviewed(daemon: Any, repository: Path, run: Any) -> None:
    daemon.page("POST", "/v1/tasks/review", {"error": {"message": "busy"}}, status=503)
    done = run("review", "a.py", "--format", "sarif")
    (call,) = done.json()["runs"][0]["invocations"]
    assert done.code == 2 and not call["executionSuccessful"]
    assert call["toolExecutionNotifications"][0]["message"] == {"text": "busy"}


@pytest.mark.parametrize(
    ("data", "span", "expected"),
    [
        ("a\nbc\n", (2, 4), (2, 1, 2, 3)),
        ("ä😀x\n", (6, 7), (1, 3, 1, 4)),
        ("a\r\nb", (3, 4), (2, 1, 2, 2)),
        ("", (0, 0), (1, 1, 1, 1)),
    ],
)
def test_regions_count_code_points_from_1(data: str, span: tuple[int, int], expected: tuple[int, ...]) -> None:
    assert tuple(sarif.region(data.encode(), *span).values()) == expected


def test_the_words_for_severities_are_the_task_s() -> None:
    assert FAILS[:-1] == SEVERITIES


# The others.


def test_a_comment_is_printed_as_a_diff_or_written(daemon: Any, repository: Path, run: Any) -> None:
    at = CODE.index("    if values")
    edit = {"start": at, "end": at, "text": '    """Mean of values."""\n'}
    daemon.page("POST", "/v1/tasks/document", {"edits": [edit], "summary": "Document mean", **page()})
    done = run("document", "a.py:5")
    assert done.code == 0 and '+    """Mean of values."""\n' in done.out and (repository / "a.py").read_text() == CODE
    (repository / "a.py").chmod(0o755)
    assert run("document", "--write", "a.py:5").code == 0
    assert (repository / "a.py").read_text() == CODE[:at] + edit["text"] + CODE[at:]
    assert (repository / "a.py").stat().st_mode & 0o777 == 0o755 and len(list(repository.iterdir())) == 3
    assert daemon.asked[0][2]["lines"] == [5, 5]


def test_a_file_that_changed_meanwhile_is_left_alone(
    daemon: Any, repository: Path, run: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codriver.cli import task

    def slow(*arguments: Any, **more: Any) -> Any:
        (repository / "a.py").write_text("changed\n")
        return {"edits": [{"start": 0, "end": 0, "text": "x"}], "summary": "", **page()}

    monkeypatch.setattr(task, "answered", slow)
    done = run("document", "--write", "a.py:5")
    assert done.code == 2 and "changed meanwhile" in done.err and (repository / "a.py").read_text() == "changed\n"


def test_tests_are_printed_or_put_into_a_new_file(daemon: Any, repository: Path, run: Any) -> None:
    target = repository / "tests" / "test_a.py"
    daemon.page("POST", "/v1/tasks/tests", {**page(), "path": str(target), "text": "def test_x(): ...\n"})
    done = run("tests", "a.py:4-7")
    assert done.out == "def test_x(): ...\n" and not target.exists() and daemon.asked[0][2]["lines"] == [4, 7]
    assert run("tests", "a.py:4", "--write").code == 0 and target.read_text() == done.out
    target.write_text("mine\n")
    assert run("tests", "a.py:4", "--write").code == 2 and target.read_text() == "mine\n"


def test_a_commit_message_is_of_what_is_staged_else_of_all(daemon: Any, repository: Path, run: Any) -> None:
    daemon.page("POST", "/v1/tasks/commit-message", {**page(), "text": "Count from zero"})
    assert (nothing := run("commit-message")).code == 1 and "nothing to commit" in nothing.err
    (repository / "a.py").write_text(CODE.replace("0", "00"))
    assert run("commit-message").out == "Count from zero\n"
    git(repository, "add", ".")
    (repository / "a.py").write_text(CODE.replace("0", "000"))
    run("commit-message")
    run("commit-message", "--all")
    diffs = [body["diff"] for _, _, body in daemon.asked]
    assert ["return 000" in diff for diff in diffs] == [False, False, True]
    assert daemon.asked[0][2]["recent"] == ["First"]


# Without a daemon, by the simulator.


def test_all_of_it_can_be_tried_without_key_and_daemon(repository: Path, run: Any) -> None:
    (repository / "a.py").write_text(CODE.replace("return 0", "return 00 == None"))
    reviewed = run("review", "a.py", "--simulate", "--format", "json")
    assert reviewed.code == 1 and reviewed.json()["files"][0]["simulated"]
    assert any(f["message"].endswith("(simulated finding)") for f in reviewed.json()["files"][0]["findings"])
    assert run("review", "a.py").code == 2, "a hook must not take simulated answers for a review"
    changed = run("review", "--simulate", "--format", "json").json()["files"][0]
    assert {f["startLine"] for f in changed["findings"]} == {6}, "only the changed line"
    assert "mean" in run("explain", "a.py:5").out
    written = run("tests", "a.py:5")
    assert "import mean" in written.out and "simulated" in written.err
    assert "Simulated docstring" in run("document", "a.py:5").out
    assert run("commit-message").out.strip().endswith("(simulated)")
