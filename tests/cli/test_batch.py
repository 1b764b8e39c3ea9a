"""`codriver batch ...` against a real daemon: a file goes in, the answers come out, mistakes are one sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codriver import cli
from running import Daemon, daemon_at, until

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with daemon_at(tmp_path_factory.mktemp("cli"), "--simulate", config='[batch]\nprovider = "never"\n') as daemon:
        yield daemon


@pytest.fixture
def run(served: Daemon, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("CODRIVER_HOME", str(served.home))

    def command(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(["batch", *arguments])
        sys.stdout.flush()
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return command


def write(path: Path, lines: list[Any]) -> str:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return str(path)


def line(ident: str, model: str = "simulator/sim-small") -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": "hi – ü"}]}
    return {"custom_id": ident, "method": "POST", "url": "/v1/chat/completions", "body": body}


def test_from_a_file_to_its_answers(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path / 'in "put".jsonl', [line("a"), line("b", "no-such-model"), line("c")])
    code, out, _ = run("submit", file, "--json")
    assert code == 0
    ident = json.loads(out)["id"]
    shown = until(lambda: "completed, 2 of 3 done, 1 failed" in (said := run("show", ident)[1]) and said, "the end")
    assert ident in shown and "/v1/chat/completions" in shown
    assert ident in run("list")[1]
    code, out, _ = run("results", ident)
    assert [json.loads(each)["custom_id"] for each in out.splitlines()] == ["a", "c", "b"]
    target = tmp_path / "out.jsonl"
    code, out, err = run("results", ident, "-o", str(target))
    assert (code, out) == (0, "") and "2 done, 1 failed" in err and len(target.read_bytes().splitlines()) == 3
    code, _, err = run("cancel", ident)
    assert code == 1 and "completed" in err


def test_what_is_wrong_with_a_file_is_told_by_line(run: Run, tmp_path: Path) -> None:
    _, out, _ = run("submit", write(tmp_path / "in.jsonl", [line("a"), line("a")]), "--json")
    ident = json.loads(out)["id"]
    until(lambda: f"{ident}: failed," in run("show", ident)[1], "the end")
    assert "line 2: The custom_id 'a' is used in line 1 already" in run("show", ident)[1]
    assert run("results", ident)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("submit", "no-such-file"), 2, "there is no file"),
        (("show", "batch_none"), 1, "No batch has the id"),
        (("cancel", "batch_none"), 1, "No batch has the id"),
        (("results", "batch_none"), 1, "No batch has the id"),
    ],
)
def test_mistakes_are_one_sentence(run: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    got, _, err = run(*arguments)
    assert got == code and words in err


def test_a_file_that_is_none_of_requests_is_not_sent(run: Run, tmp_path: Path) -> None:
    for content in ("", "{}\n", "[1]\n", "not json\n"):
        file = tmp_path / "in.jsonl"
        file.write_text(content)
        code, _, err = run("submit", str(file))
        assert code == 2 and "first line" in err
