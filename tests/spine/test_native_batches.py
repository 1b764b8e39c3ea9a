"""A provider's own batch API: used where all lines go there anyway, at its price, found again after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from running import Daemon, daemon_at, until


class Provider:
    """A simulator as a process of its own, which outlives the daemon as a provider does."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "codriver.upstream.simulator", "--pace", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url: str = json.loads(self.process.stdout.readline())["url"]

    def asked(self, method: str, path: str) -> int:
        """How often it was asked."""
        log = httpx.get(f"{self.url}/simulator/log").json()["requests"]
        return sum(entry["method"] == method and entry["path"] == path for entry in log)

    def fault(self, model: str, fault: str) -> None:
        httpx.post(f"{self.url}/simulator/faults", json={"model": model, "fault": fault, "times": 1}).raise_for_status()

    @property
    def settings(self) -> str:
        """The settings of a daemon for which this is a provider with a batch API at half price."""
        return f"""
        [providers.box]
        base_url = "{self.url}"
        wires = {{ openai_chat = "/v1/chat/completions", openai_embeddings = "/v1/embeddings" }}
        headers = {{ authorization = "Bearer any" }}
        batch = "openai"
        [providers.box.models.sim-small]
        price = {{ input = 10, output = 40 }}
        batch = {{ input = 5, output = 20 }}
        [providers.box.models.embed-small]
        chat = false
        embeds = true
        wires = ["openai_embeddings"]
        price = {{ input = 2, output = 0 }}
        batch = {{ input = 1, output = 0 }}
        """


@pytest.fixture(scope="module")
def box() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.process.terminate()
    provider.process.communicate(timeout=20)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, box: Provider) -> Iterator[Daemon]:
    with daemon_at(tmp_path_factory.mktemp("native"), config=box.settings) as daemon:
        yield daemon


@pytest.fixture
def fresh(box: Provider) -> Provider:
    """The provider with an empty log and no faults."""
    for what in ("faults", "log"):
        httpx.delete(f"{box.url}/simulator/{what}").raise_for_status()
    return box


def sdk(daemon: Daemon) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{daemon.base}/v1", api_key=daemon.token, max_retries=0)


def chat(ident: str, model: str = "box/sim-small", **more: Any) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": f"Say {ident} – ü"}], "max_tokens": 40, **more}
    return {"custom_id": ident, "method": "POST", "url": "/v1/chat/completions", "body": body}


def submit(client: openai.OpenAI, lines: list[dict[str, Any]]) -> str:
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    made: Any = client.batches.create(input_file_id=file.id, endpoint=lines[0]["url"], completion_window="24h")
    return str(made.id)


def ended(client: openai.OpenAI, ident: str) -> Any:
    over = {"completed", "failed", "expired", "cancelled"}
    return until(lambda: (b := client.batches.retrieve(ident)).status in over and b, f"{ident} to end", 60)


def results(client: openai.OpenAI, file: str | None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.files.content(file).text.splitlines()] if file else []


def test_a_batch_runs_at_its_provider_at_its_price(running: Daemon, fresh: Provider) -> None:
    """E: half the price, and the ledger says so; names and ids are the caller's own again."""
    lines = [chat(f"line {i}", "auto" if i % 2 else "box/sim-small") for i in range(10)]
    before = running.get("/v1/status")["cost_today_usd"]
    with sdk(running) as client:
        batch = ended(client, submit(client, lines))
        good = results(client, batch.output_file_id)
    assert (batch.status, batch.request_counts.completed, batch.error_file_id) == ("completed", 10, None)
    assert fresh.asked("POST", "/v1/batches") == 1 and fresh.asked("POST", "/v1/chat/completions") == 0
    assert [line["custom_id"] for line in good] == [line["custom_id"] for line in lines]
    for line in good:
        assert f"Say {line['custom_id']}" in line["response"]["body"]["choices"][0]["message"]["content"]
    record = running.get(f"/v1/decisions/{good[0]['response']['request_id']}")
    assert (record["workflow"], record["model"]) == (f"batch:{batch.id}", "box/sim-small")
    half = (batch.usage.input_tokens * 5 + batch.usage.output_tokens * 20) / 1e6
    assert running.get("/v1/status")["cost_today_usd"] - before == pytest.approx(half)


def test_embeddings_too(running: Daemon, fresh: Provider) -> None:
    line = {"custom_id": "e", "method": "POST", "url": "/v1/embeddings", "body": {"model": "auto", "input": ["a", "b"]}}
    with sdk(running) as client:
        batch = ended(client, submit(client, [line]))
        (good,) = results(client, batch.output_file_id)
    assert len(good["response"]["body"]["data"]) == 2 and fresh.asked("POST", "/v1/batches") == 1


def test_lines_the_provider_refuses_are_errors_of_the_batch(running: Daemon, fresh: Provider) -> None:
    fresh.fault("sim-small", "429")
    with sdk(running) as client:
        batch = ended(client, submit(client, [chat("a"), chat("b")]))
        (bad,) = results(client, batch.error_file_id)
    assert batch.request_counts.failed == 1
    assert bad["response"]["status_code"] == 429 and bad["response"]["body"]["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize("where", ["another provider", "a line nobody can run", "another wire"])
def test_it_runs_here_where_not_all_lines_go_there(running: Daemon, fresh: Provider, where: str) -> None:
    line = {"another provider": chat("x", "simulator/sim-medium"), "a line nobody can run": chat("x", "no-such"),
            "another wire": {**chat("x"), "url": "/v1/messages"}}[where]  # fmt: skip
    first = {**chat("a"), "url": line["url"]}
    with sdk(running) as client:
        batch = ended(client, submit(client, [first, line]))
    assert batch.status == "completed" and batch.request_counts.completed >= 1
    assert fresh.asked("POST", "/v1/batches") == 0


def test_a_cancelled_batch_is_cancelled_there_and_keeps_what_came(running: Daemon, fresh: Provider) -> None:
    with sdk(running) as client:
        ident = submit(client, [chat(f"r{i}") for i in range(6)])
        until(lambda: fresh.asked("POST", "/v1/batches"), "the provider to have it")
        client.batches.cancel(ident)
        batch = ended(client, ident)
        good, rest = results(client, batch.output_file_id), results(client, batch.error_file_id)
    assert batch.status == "cancelled"
    assert sorted(line["custom_id"] for line in good + rest) == [f"r{i}" for i in range(6)]
    assert {line["error"]["code"] for line in rest} <= {"batch_cancelled"}


def kill(daemon: Daemon) -> None:
    os.kill(daemon.pid, signal.SIGKILL)
    (daemon.home / "daemon.json").unlink()


LEFT: dict[str, tuple[str, ...]] = {"nothing": (), "the batch": ("batch",), "the file": ("batch", "file"), "lost": ()}
"""What the kill left unwritten, of the provider's names for a batch; "lost": the provider does not know it any more."""


@pytest.mark.skipif(sys.platform == "win32", reason="a kill as on Unix")
def test_after_a_kill_each_batch_there_is_found_again(tmp_path: Path, fresh: Provider) -> None:
    """One that is lost there runs here; none runs twice; each has all its lines."""
    lines = [chat(f"r{i}") for i in range(8)]
    with daemon_at(tmp_path, config=fresh.settings) as daemon, sdk(daemon) as client:
        made = {left: submit(client, lines) for left in LEFT}
        states = {left: tmp_path / "batches" / f"{ident}.json" for left, ident in made.items()}
        for state in states.values():
            until(lambda at=state: json.loads(at.read_bytes()).get("elsewhere", {}).get("batch"), "its name")
        kill(daemon)
    assert fresh.asked("POST", "/v1/batches") == len(LEFT)
    for left, state in states.items():
        page = json.loads(state.read_bytes())
        page |= {"status": "in_progress"}
        for name in LEFT[left]:
            del page["elsewhere"][name]
        if left == "lost":
            page["elsewhere"]["batch"] = "batch_nobody_knows"
        state.write_text(json.dumps(page))
    with daemon_at(tmp_path, config=fresh.settings) as daemon, sdk(daemon) as client:
        for left, ident in made.items():
            batch = ended(client, ident)
            good = results(client, batch.output_file_id)
            assert batch.status == "completed", left
            assert [line["custom_id"] for line in good] == [line["custom_id"] for line in lines], left
    assert fresh.asked("POST", "/v1/batches") == len(LEFT) + 1, "only what has no name there starts again"
    assert fresh.asked("POST", "/v1/chat/completions") == len(lines), "only what is lost runs here"
