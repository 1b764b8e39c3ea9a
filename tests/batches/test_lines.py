"""A file of requests: where its lines are, in every form text files come in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codriver.batches import lines
from codriver.batches.files import DOCUMENT, Files
from codriver.errors import Kind, RequestRejected

CHAT = "/v1/chat/completions"


def request(ident: str, **more: Any) -> bytes:
    body = {"model": "auto", "messages": [{"role": "user", "content": "ü\u2028"}]}
    line = {"custom_id": ident, "method": "POST", "url": CHAT, "body": body, **more}
    return json.dumps(line, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"%b\n%b\n",
        b"%b\r\n%b\r\n",
        b"\xef\xbb\xbf%b\n\n  \n%b",
        b"\n%b\n%b\n\n",
    ],
    ids=["plain", "CRLF", "byte order mark, blanks, no last break", "blank first"],
)
def test_lines_are_found_and_read_again(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "in"
    path.write_bytes(content % (request("a"), request("b")))
    index = lines.check(path, CHAT)
    assert not index.problems and [index.line(number).custom_id for number in range(len(index))] == ["a", "b"]
    assert json.loads(bytes(index.line(1).body))["messages"][0]["content"] == "ü\u2028"


def test_problems_name_the_line_as_an_editor_counts(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(request("a") + b"\n\nnonsense\n" + request("c", url="/v1/embeddings") + b"\n\xff\xfe\n")
    found = lines.check(path, CHAT).problems
    assert [(problem.line, problem.code) for problem in found] == [
        (3, "invalid_json_line"), (4, "invalid_url"), (5, "invalid_json_line"),
    ]  # fmt: skip


def test_an_empty_file_and_a_hopeless_one(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"\n \n")
    assert [problem.code for problem in lines.check(path, CHAT).problems] == ["empty_file"]
    path.write_bytes(b"nonsense\n" * 500)
    assert len(lines.check(path, CHAT).problems) == lines.MOST_PROBLEMS


def test_too_many_lines_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_LINES", 3)
    path = tmp_path / "in"
    path.write_bytes(b"\n".join(request(str(n)) for n in range(5)))
    (problem,) = lines.check(path, CHAT).problems
    assert (problem.code, problem.line) == ("too_many_requests", 4)


def test_files_outlive_a_process_and_go_in_time(tmp_path: Path) -> None:
    now = [1000.0]
    files = Files(tmp_path, lambda: now[0], most=lambda: 10**9)
    draft = files.draft()
    draft.write(b"one\n")
    draft.write(b"two\n")
    kept = files.keep(draft, "in.jsonl", "batch", 3600)
    made = files.write("file-x", "out.jsonl", "batch_output", [b"a", b"b"])
    left = files.draft()
    left.write(b"cut off by a kill")
    later = Files(tmp_path, lambda: now[0], most=lambda: 10**9)
    assert later.all() == [kept, made] and later.path(kept).read_bytes() == b"one\ntwo\n"
    assert not list(tmp_path.glob("*.draft")) and (kept.bytes, made.bytes) == (8, 2)
    now[0] += 3600
    later.expire([kept.id])
    assert later.get(kept.id) == kept, "a file that is used stays"
    later.expire()
    assert later.all() == [made] and Files(tmp_path, lambda: now[0], most=lambda: 10**9).all() == [made]


def test_files_together_have_a_most_and_results_are_written_all_the_same(tmp_path: Path) -> None:
    """Those being received count too, and what is removed or given up makes room."""
    most = [30_000]
    files = Files(tmp_path, lambda: 1000.0, most=lambda: most[0])
    first, second = files.draft(), files.draft()
    first.write(b"x" * 10_000)
    second.write(b"x" * 15_000)
    with pytest.raises(RequestRejected, match=r"batch\.max_files_mb") as refused:
        first.write(b"x" * 6_000)
    assert refused.value.failure.kind is Kind.TOO_LARGE
    second.drop()
    first.write(b"x" * 6_000)
    kept = files.keep(first, "in.jsonl", "batch")
    assert files.held == 16_000 + DOCUMENT
    result = files.write("file-x", "out.jsonl", "batch_output", [b"x" * 90_000])
    files.write("file-x", "out.jsonl", "batch_output", [b"x" * 90_000])
    assert files.held == 106_000 + 2 * DOCUMENT == Files(tmp_path, lambda: 1000.0, most=lambda: 1).held
    with pytest.raises(RequestRejected):
        files.draft().write(b"x")
    files.remove(kept)
    files.remove(result)
    assert files.held == 0
    most[0] = 1
    with pytest.raises(RequestRejected):
        files.draft().write(b"xx")
