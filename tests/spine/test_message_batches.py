"""Anthropic's message batches with the real SDK: made, listed, read, cancelled, deleted; one queue with OpenAI's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from running import Daemon, daemon_at, until


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_at(tmp_path_factory.mktemp("messages"), "--simulate") as daemon:
        yield daemon


@pytest.fixture
def client(running: Daemon) -> Iterator[anthropic.Anthropic]:
    running.heal()
    with anthropic.Anthropic(base_url=running.base, api_key=running.token, max_retries=0) as client:
        yield client


def asked(ident: str, model: str = "auto", **more: Any) -> Any:
    message = {"role": "user", "content": f"Say {ident} – ü"}
    return {"custom_id": ident, "params": {"model": model, "max_tokens": 40, "messages": [message], **more}}


def ended(client: anthropic.Anthropic, ident: str) -> Any:
    return until(
        lambda: (b := client.messages.batches.retrieve(ident)).processing_status == "ended" and b, "the end", 60
    )


def test_each_request_has_its_result(running: Daemon, client: anthropic.Anthropic) -> None:
    """Whatever wire the model speaks, an answer is a message; errors are in the wire's shape."""
    requests = [asked("a", "simulator/sim-claude"), asked("b", "simulator/sim-small"), asked("c", "no-such-model")]
    made = client.messages.batches.create(requests=requests)
    assert made.id.startswith("msgbatch_") and made.results_url is None
    batch = ended(client, made.id)
    assert (batch.request_counts.succeeded, batch.request_counts.errored, batch.request_counts.processing) == (2, 1, 0)
    found = {result.custom_id: result.result for result in client.messages.batches.results(made.id)}
    for name in ("a", "b"):
        answer: Any = found[name]
        assert answer.type == "succeeded" and f"Say {name} – ü" in answer.message.content[0].text
        assert answer.message.usage.output_tokens > 0
    wrong: Any = found["c"]
    assert wrong.type == "errored" and wrong.error.error.type == "not_found_error"
    assert made.id in [entry["id"] for entry in running.get("/v1/batches")["data"]], "one queue"


def test_a_cancelled_batch_names_what_did_not_run(running: Daemon, client: anthropic.Anthropic) -> None:
    running.fault("sim-claude", "slow", times=0, delay=1.0)  # all of them: five seconds to cancel in
    made = client.messages.batches.create(requests=[asked(f"r{i}", "simulator/sim-claude") for i in range(20)])
    until(lambda: len(running.log()) >= 4, "four requests to run")
    with pytest.raises(anthropic.BadRequestError, match="cancel it first"):
        client.messages.batches.delete(made.id)
    assert client.messages.batches.cancel(made.id).processing_status == "canceling"
    batch = ended(client, made.id)
    kinds = [result.result.type for result in client.messages.batches.results(made.id)]
    assert kinds.count("canceled") == batch.request_counts.canceled > 0 and len(kinds) == 20
    assert client.messages.batches.delete(made.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(made.id)


def test_lists_go_both_ways(client: anthropic.Anthropic) -> None:
    made = [client.messages.batches.create(requests=[asked("a")]).id for _ in range(3)]
    listed = client.messages.batches.list(limit=2)
    assert [batch.id for batch in listed.data] == [made[2], made[1]] and listed.has_more
    assert client.messages.batches.list(limit=2, after_id=made[1]).data[0].id == made[0]
    assert [batch.id for batch in client.messages.batches.list(limit=1, before_id=made[0]).data] == [made[1]]


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        ([], "requests"),
        ([asked("a"), asked("a")], "used twice"),
        ([asked("no blanks")], "custom_id"),
        ([asked("a", stream=True)], "does not stream"),
        ([{"custom_id": "a", "params": {}}], "requests.0.params"),
        ([{"custom_id": "a"}], "params"),
    ],
)
def test_w9_what_is_wrong_is_named_in_the_wire(running: Daemon, requests: list[Any], words: str) -> None:
    answer = running.post("/v1/messages/batches", {"requests": requests}, **{"anthropic-version": "2023-06-01"})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error" and words in answer.json()["error"]["message"]
