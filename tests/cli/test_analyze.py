"""`codriver analyze` on folders: what is read, how it is told, and that processes change nothing but the time."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from codriver.cli import analysis
from codriver.cli.analysis import Page, pages

EASY = "def easy(a):\n    return a\n"
HARD = "def hard(a):\n    for b in a:\n        if b:\n            while b:\n                b -= 1\n    return a\n"
PARENT = os.getpid()


@pytest.fixture
def project(home: Path) -> Path:
    root = home / "project"
    (root / "src").mkdir(parents=True)
    (root / "node_modules").mkdir()
    (root / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["flask==3.0.1"]\n')
    (root / "src" / "a.py").write_text("import flask\n\n\n" + EASY + "\n\n" + HARD)
    (root / "src" / "b.js").write_text("function go(a) { if (a) { return 1 } return 2 }\n")
    (root / "src" / "odd.py").write_bytes(b"\x00\x01\x02" * 50)
    (root / "node_modules" / "c.js").write_text("function no() {}\n")
    (root / "gone.py").write_text(HARD)
    (root / ".gitignore").write_text("gone.py\n")
    return root


def names(page: Any) -> list[str]:
    return [Path(file["path"]).name for file in page["files"]]


def test_a_folder_as_json(run: Any, project: Path) -> None:
    page = run("analyze", str(project), "--json").json()
    assert [name for name in names(page) if not name.startswith(".")] == ["pyproject.toml", "a.py", "b.js", "odd.py"]
    python = next(file for file in page["files"] if file["path"].endswith("a.py"))
    assert (python["language"], python["frameworks"], python["versions"]) == ("python", ["flask"], {"flask": "3.0.1"})
    assert [(f["name"], f["cognitive"], f["start_line"]) for f in python["functions"]] == [
        ("easy", 0, 4),
        ("hard", 6, 8),
    ]
    assert (python["cyclomatic"], python["cognitive"], python["nesting"], python["errors"]) == (4, 6, 3, 0)
    assert (page["total"]["functions"], page["total"]["cognitive"]) == (3, 7)
    assert page["total"]["languages"]["python"] == 2


def test_a_line_for_each_file(run: Any, project: Path) -> None:
    lines = [json.loads(line) for line in run("analyze", str(project), "--json-lines").out.splitlines()]
    assert lines == run("analyze", str(project), "--json").json()["files"]


def test_for_people_the_most_complex_functions(run: Any, project: Path) -> None:
    shown = run("analyze", str(project), "--top", "2").out
    table = shown[shown.index("function ") :].splitlines()
    assert [line.split()[0] for line in table[1:]] == ["hard", "go"]
    assert "a.py:8" in table[1]
    assert "flask 3.0.1" in shown
    by_name = run("analyze", str(project), "--sort", "name", "--top", "0").out
    assert by_name.index("easy ") < by_name.index("go ") < by_name.index("hard ")


def test_sizes_and_maintainability_of_functions_files_and_all(run: Any, project: Path) -> None:
    (project / "src" / "c.py").write_text('"""Doc."""\n\n# a word\n' + EASY)
    (project / "src" / "d.zig").write_text("fn add(a: i32) i32 {\n    return a;\n}\n")
    page = run("analyze", str(project), "--json").json()
    files = {Path(file["path"]).name: file for file in page["files"]}
    easy, hard = files["a.py"]["functions"]
    assert (easy["code_lines"], easy["comment_lines"], hard["code_lines"]) == (2, 0, 6)
    assert 0 < hard["maintainability"] < easy["maintainability"] <= 100
    mean = (2 * easy["maintainability"] + 6 * hard["maintainability"]) / 8
    assert files["a.py"]["maintainability"] == round(mean)
    assert (files["c.py"]["code_lines"], files["c.py"]["comment_lines"]) == (2, 2)
    assert files["d.zig"]["maintainability"] is files["pyproject.toml"]["maintainability"] is None
    for name in ("code_lines", "comment_lines"):
        assert page["total"][name] == sum(file[name] for file in page["files"])
    worst = run("analyze", str(project), "--sort", "maintainability").out
    assert worst.index("hard ") < worst.index("easy ")
    assert f"lines       {page['total']['lines']}, {page['total']['code_lines']} of code" in worst
    assert "lines       3, 3 of code, 0 of comments" in run("analyze", str(project / "src" / "d.zig")).out


def test_several_paths_and_ignored_files(run: Any, project: Path) -> None:
    page = run(
        "analyze", str(project / "src" / "b.js"), str(project / "gone.py"), str(project / "src"), "--json"
    ).json()
    assert names(page) == ["b.js", "gone.py", "a.py", "odd.py"]
    assert "gone.py" in names(run("analyze", str(project), "--ignored", "--json").json())


def test_scripts_without_an_ending_are_read(run: Any, project: Path) -> None:
    scripts = {
        "tool": "#!/usr/bin/env python3\n" + HARD,
        "odd": "#!/opt/unheard-of\n",
        "program": "\x7fELF",
        "notes": "a",
    }
    for name, text in scripts.items():
        (project / "src" / name).write_text(text)
        (project / "src" / name).chmod(0o644 if name == "notes" else 0o755)
    page = run("analyze", str(project / "src"), "--json").json()
    assert names(page) == ["a.py", "b.js", "odd.py", "tool"]
    assert page["files"][-1]["language"] == "python" and page["files"][-1]["functions"][0]["name"] == "hard"


def test_too_complex_fails(run: Any, project: Path) -> None:
    assert run("analyze", str(project), "--max-cognitive", "6").code == 0
    failed = run("analyze", str(project), "--max-cognitive", "5", "--json")
    assert failed.code == 1
    assert "hard: cognitive 6 > 5" in failed.err
    assert failed.json()["files"]
    assert run("analyze", str(project / "src" / "a.py"), "--max-cognitive", "5").code == 1


def test_what_is_not_read_is_told(run: Any, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "LIMIT", 150)
    (project / "long.py").write_text("a = 1\n" * 100)
    page = run("analyze", str(project), "--json").json()
    assert [Path(file["path"]).name for file in page["files"] if "skipped" in file] == ["long.py"]
    shown = run("analyze", str(project))
    assert "1 skipped" in shown.out and "long.py: longer than" in shown.err
    assert run("analyze", str(project / "long.py")).code == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("/nowhere",), "there is no file"),
        ((".", "--sort", "beauty"), "--sort beauty"),
        ((".", "--diff", "nothing"), "git"),
    ],
)
def test_wrong_usage(
    run: Any, home: Path, arguments: Sequence[str], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    wrong = run("analyze", *arguments)
    assert wrong.code == 2
    assert word in wrong.err


def git(root: Path, *arguments: str) -> None:
    settings = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *settings, *arguments], check=True, capture_output=True)


def test_what_changed_since_a_commit(run: Any, project: Path) -> None:
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    (project / "src" / "a.py").write_text(
        HARD.replace("while b", "while b and a") + "\n\ndef new(a):\n    return a or 1\n"
    )
    (project / "src" / "b.js").write_text("// a word\nfunction go(a) { if (a) { return 1 } return 2 }\n")
    page = run("analyze", str(project), "--diff", "HEAD", "--json").json()
    rows = {
        row["name"]: [row[side] and row[side]["cognitive"] for side in ("before", "after")] for row in page["functions"]
    }
    assert rows == {"hard": [6, 7], "new": [None, 1], "easy": [0, None]}
    assert page["total"] == {
        "cyclomatic": 1 + 2 - 1, "cognitive": 1 + 1, "lines": 0, "code_lines": 0, "comment_lines": 0
    }  # fmt: skip
    shown = run("analyze", str(project), "--diff", "HEAD", "--max-cognitive", "6")
    assert "6 -> 7" in shown.out
    assert shown.code == 1


def test_functions_of_one_name_are_kept_apart(run: Any, project: Path) -> None:
    java = "class A {\n  int f() { return 1; }\n  int f(int a) { if (a > 0) return 2; return 3; }\n}\n"
    (project / "src" / "A.java").write_text(java)
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    (project / "src" / "A.java").write_text(java.replace("return 1;", "return 0;"))
    [row] = run("analyze", str(project), "--diff", "HEAD", "--json").json()["functions"]
    assert (row["name"], row["before"], row["before"]["cyclomatic"]) == ("A.f", row["after"], 1)


@pytest.fixture
def many(tmp_path: Path) -> list[str]:
    paths = [tmp_path / f"f{number}.py" for number in range(80)]
    for number, path in enumerate(paths):
        path.write_text(HARD if number % 2 else EASY)
    return [*map(str, paths)]


def dying(chunk: Sequence[str]) -> list[Page]:
    if os.getpid() != PARENT and chunk[0].endswith("f16.py"):
        os._exit(9)
    return [analysis.page(path) for path in chunk]


@pytest.mark.parametrize("method", [*multiprocessing.get_all_start_methods()])
def test_processes_give_the_same_pages(many: list[str], method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "_context", lambda: multiprocessing.get_context(method))
    assert list(pages(many, 2)) == list(pages(many, 1))


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="a child must have the test's function"
)
def test_a_process_that_dies_costs_nothing_but_time(many: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "_context", lambda: multiprocessing.get_context("fork"))
    monkeypatch.setattr(analysis, "_read", dying)
    assert list(pages(many, 2)) == [analysis.page(path) for path in many]


def test_where_no_process_can_start_one_is_enough(many: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(analysis, "_context", none)
    assert list(pages(many, 2)) == [analysis.page(path) for path in many]
