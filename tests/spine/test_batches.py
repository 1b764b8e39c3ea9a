"""Batches through a real daemon with the real SDK; across kill -9 each line is in the result exactly once."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from running import Daemon, daemon_at, until

HERE = """
[batch]
provider = "never"
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_at(tmp_path_factory.mktemp("batches"), "--simulate", config=HERE) as daemon:
        yield daemon


@pytest.fixture
def client(running: Daemon) -> Iterator[openai.OpenAI]:
    running.heal()
    with sdk(running) as client:
        yield client


def sdk(daemon: Daemon) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{daemon.base}/v1", api_key=daemon.token, max_retries=0)


def chat(ident: str, words: str = "say something", model: str = "simulator/sim-small", **more: Any) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": words}], "max_tokens": 40, **more}
    return {"custom_id": ident, "method": "POST", "url": "/v1/chat/completions", "body": body}


def submit(client: openai.OpenAI, lines: list[dict[str, Any]], endpoint: str = "/v1/chat/completions") -> str:
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    assert file.bytes == len(content)
    made: Any = client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h")
    return str(made.id)


def ended(client: openai.OpenAI, ident: str) -> Any:
    """The batch once it is over."""
    over = {"completed", "failed", "expired", "cancelled"}
    return until(lambda: (b := client.batches.retrieve(ident)).status in over and b, f"{ident} to end", 60)


def results(client: openai.OpenAI, file: str | None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.files.content(file).text.splitlines()] if file else []


def test_each_wire_in_its_own_form(client: openai.OpenAI) -> None:
    for endpoint, body, kind in (
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}]}, "chat.completion"),
        ("/v1/completions", {"prompt": "def f(", "model": "auto"}, "text_completion"),
        ("/v1/embeddings", {"input": ["a", "b"]}, "list"),
        ("/v1/messages", {"max_tokens": 20, "messages": [{"role": "user", "content": "hi"}]}, None),
        ("/v1/responses", {"input": "hi"}, "response"),
    ):
        line = {"custom_id": "one", "method": "POST", "url": endpoint, "body": {"model": "auto", **body}}
        batch = ended(client, submit(client, [line], endpoint))
        (result,) = results(client, batch.output_file_id)
        assert batch.status == "completed" and batch.error_file_id is None, result
        assert result["custom_id"] == "one" and result["error"] is None
        answer = result["response"]["body"]
        assert result["response"]["status_code"] == 200 and answer.get("object") == kind
        assert batch.usage.total_tokens > 0


def test_good_lines_and_bad_ones_go_to_their_files(running: Daemon, client: openai.OpenAI) -> None:
    lines = [chat("good"), chat("nobody", model="no-such-model"), chat("wrong", temperature="hot"), chat("ünï")]
    batch = ended(client, submit(client, lines))
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 2, 2)
    good, bad = results(client, batch.output_file_id), results(client, batch.error_file_id)
    assert [line["custom_id"] for line in good] == ["good", "ünï"]
    told = {line["custom_id"]: line["response"] for line in bad}
    assert told["nobody"]["status_code"] == 404 and told["wrong"]["body"]["error"]["param"] == "temperature"
    record = running.get(f"/v1/decisions/{good[0]['response']['request_id']}")
    assert (record["workflow"], record["front"]) == (f"batch:{batch.id}", "batch")


@pytest.mark.parametrize(
    ("line", "code", "param"),
    [
        ({**chat("b"), "custom_id": "a"}, "duplicate_custom_id", "custom_id"),
        ({**chat("b"), "custom_id": ""}, "invalid_custom_id", "custom_id"),
        ({**chat("b"), "method": "GET"}, "invalid_method", "method"),
        ({**chat("b"), "url": "/v1/embeddings"}, "invalid_url", "url"),
        ({**chat("b"), "body": {"messages": []}}, "invalid_request", "body"),
        ({**chat("b"), "body": [1]}, "invalid_request", "body"),
        (chat("b", stream=True), "invalid_request", "body.stream"),
        ({"custom_id": "b"}, "invalid_json_line", None),
        ([], "invalid_json_line", None),
    ],
)
def test_a_file_is_refused_by_line_before_anything_runs(
    running: Daemon, client: openai.OpenAI, line: Any, code: str, param: str | None
) -> None:
    batch = ended(client, submit(client, [chat("a"), line]))
    assert batch.status == "failed" and batch.failed_at and batch.output_file_id is None
    (problem,) = batch.errors.data
    assert (problem.code, problem.line, problem.param) == (code, 2, param)
    assert running.log() == []


def test_a_passing_failure_is_waited_for_and_nothing_is_lost(running: Daemon, client: openai.OpenAI) -> None:
    """H: a rate limit in the middle of a batch costs time, not lines."""
    running.fault("sim-small", "429", times=2, retry_after=0.2)
    running.fault("sim-small", "reset", times=1)
    batch = ended(client, submit(client, [chat(f"r{i}") for i in range(12)]))
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 12, 0)


def test_a_cancelled_batch_keeps_what_was_done_and_names_the_rest(running: Daemon, client: openai.OpenAI) -> None:
    running.fault("sim-small", "slow", times=0, after=0, delay=0.5)  # all of them: five seconds to cancel in
    ident = submit(client, [chat(f"r{i}") for i in range(40)])
    until(lambda: len(running.log()) >= 4, "four lines to run")
    assert client.batches.cancel(ident).status == "cancelling"
    batch = ended(client, ident)
    assert batch.status == "cancelled" and batch.cancelling_at and batch.cancelled_at
    good, rest = results(client, batch.output_file_id), results(client, batch.error_file_id)
    assert len(good) == batch.request_counts.completed < 40
    assert {line["error"]["code"] for line in rest} == {"batch_cancelled"}
    assert sorted(line["custom_id"] for line in good + rest) == sorted(f"r{i}" for i in range(40))
    with pytest.raises(openai.BadRequestError, match="cancelled"):
        client.batches.cancel(ident)


def test_lists_are_paged(client: openai.OpenAI) -> None:
    made = [submit(client, [chat("a")]) for _ in range(3)]
    for ident in made:
        ended(client, ident)
    first = client.batches.list(limit=2)
    assert [batch.id for batch in first.data] == [made[2], made[1]] and first.has_more
    assert client.batches.list(limit=2, after=first.data[-1].id).data[0].id == made[0]
    outputs = [file.purpose for file in client.files.list(purpose="batch_output", limit=2).data]
    assert outputs == ["batch_output", "batch_output"]
    with pytest.raises(openai.BadRequestError, match="limit"):
        client.batches.list(limit=0)


def test_interactive_requests_come_first(running: Daemon, client: openai.OpenAI) -> None:
    """While somebody waits for an answer no further line starts."""
    running.fault("sim-claude", "slow", times=1, delay=0.4)
    ident = ""
    with running.client as http:
        body = {"model": "simulator/sim-claude", "max_tokens": 9, "stream": True,
                "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip
        with http.stream("POST", "/v1/messages", json=body) as answer:
            ident = submit(client, [chat(f"r{i}") for i in range(8)])
            answer.read()
    batch = ended(client, ident)
    assert batch.request_counts.completed == 8
    asked = [entry for entry in running.log() if entry["path"] != "/v1/models"]
    claude = next(entry for entry in asked if entry["model"] == "sim-claude")
    over = claude["started"] + claude["seconds"]
    assert all(entry["started"] >= over - 0.05 for entry in asked if entry["model"] == "sim-small")


def kill_in_the_middle(daemon: Daemon, client: openai.OpenAI, ident: str, done: int) -> None:
    until(lambda: client.batches.retrieve(ident).request_counts.completed >= done, "the middle", 60)
    assert client.batches.retrieve(ident).status == "in_progress"
    os.kill(daemon.pid, signal.SIGKILL)
    (daemon.home / "daemon.json").unlink()  # what it says is stale, and the next one is waited for by it


@pytest.mark.skipif(sys.platform == "win32", reason="a kill as on Unix")
def test_two_hundred_lines_across_a_kill_are_each_there_once(tmp_path: Path) -> None:
    """The batch is killed in the middle, twice: nothing is lost, nothing is there twice, the bill is honest."""
    home = tmp_path / "home"
    lines = [chat(f"line-{i:03}", f"Say the number {i}") for i in range(200)]
    with daemon_at(home, "--simulate", config=HERE) as daemon, sdk(daemon) as client:
        ident = submit(client, lines)
        kill_in_the_middle(daemon, client, ident, 60)
    with daemon_at(home, "--simulate", config=HERE) as daemon, sdk(daemon) as client:
        kill_in_the_middle(daemon, client, ident, 130)
    with daemon_at(home, "--simulate", config=HERE) as daemon, sdk(daemon) as client:
        batch = ended(client, ident)
        good = results(client, batch.output_file_id)
        asked = len([entry for entry in daemon.log() if entry["path"] == "/v1/chat/completions"])
    assert batch.status == "completed" and batch.error_file_id is None
    assert [line["custom_id"] for line in good] == [line["custom_id"] for line in lines]
    for line, result in zip(lines, good, strict=True):
        said = result["response"]["body"]["choices"][0]["message"]["content"]
        assert line["body"]["messages"][0]["content"] in said, "the answer belongs to its line"
    assert asked <= 200 - 130, "what was there before the kill did not run again"
    assert batch.usage.input_tokens == sum(r["response"]["body"]["usage"]["prompt_tokens"] for r in good)


IDLE = """
[batch]
provider = "never"
[daemon]
idle_seconds = 0.3
[http]
port = 0
"""


def test_a_daemon_that_editors_started_stays_while_a_batch_runs(tmp_path: Path) -> None:
    with daemon_at(tmp_path, "--simulate", "--from-forwarder", config=IDLE) as daemon, sdk(daemon) as client:
        daemon.fault("sim-small", "slow", times=1, delay=1.0)
        ident = submit(client, [chat("slow")])
        state = tmp_path / "batches" / f"{ident}.json"
        # Nobody asks meanwhile: the daemon's own file tells that it left, the batch's how far that was then.
        until(lambda: not (tmp_path / "daemon.json").exists(), "the daemon to leave")
        assert json.loads(state.read_bytes())["status"] == "completed"
