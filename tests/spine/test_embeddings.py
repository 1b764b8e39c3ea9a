"""Embeddings through a real daemon with the real SDK: near texts near, one model for auto, ledger and budget."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from running import Daemon, daemon_at

TWO = """
[providers.simulator.models.embed-other]
upstream_id = "embed-small"
chat = false
embeds = true
wires = ["openai_embeddings"]
price = { input = 0.5, output = 0 }
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with two embedders, of which embed-small is the cheaper."""
    with daemon_at(tmp_path_factory.mktemp("two"), "--simulate", config=TWO) as running:
        yield running


@pytest.fixture
def client(two: Daemon) -> Iterator[openai.OpenAI]:
    two.heal()
    two.post("/v1/reload", {})
    with openai.OpenAI(base_url=f"{two.base}/v1", api_key=two.token, max_retries=0) as client:
        yield client


def near(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_similar_texts_are_near_in_every_form(client: openai.OpenAI) -> None:
    texts = ["how to parse a json file", "parsing json files", "a recipe for plum cake – süß"]
    # The SDK asks for base64 by itself; a format of one's own is passed as it is.
    packed = client.embeddings.create(model="auto", input=texts)
    plain = client.embeddings.create(model="auto", input=texts, encoding_format="float")
    for answer in (packed, plain):
        vectors = [entry.embedding for entry in answer.data]
        assert [entry.index for entry in answer.data] == [0, 1, 2]
        assert all(math.isclose(near(vector, vector), 1.0, abs_tol=1e-5) for vector in vectors)
        assert near(vectors[0], vectors[1]) > 0.4 > near(vectors[0], vectors[2])
    assert packed.usage.prompt_tokens == packed.usage.total_tokens > 0
    short = client.embeddings.create(model="auto", input=texts[0], dimensions=64)
    assert len(short.data[0].embedding) == 64
    assert len(client.embeddings.create(model="auto", input=[[1, 2, 3], [4]]).data) == 2


@pytest.mark.parametrize("asked", ["auto", "auto:quality", "auto:speed", "codriver/auto"])
def test_auto_is_always_the_cheapest_whatever_the_strategy(client: openai.OpenAI, asked: str) -> None:
    answer = client.embeddings.with_raw_response.create(model=asked, input="a")
    assert answer.headers["x-codriver-model"] == "simulator/embed-small"


@pytest.mark.parametrize("fault", ["529", "429", "reset"])
def test_no_failure_moves_a_text_to_another_models_space(two: Daemon, client: openai.OpenAI, fault: str) -> None:
    two.fault("embed-small", fault, times=0)
    for _ in range(3):
        with pytest.raises(openai.APIError):
            client.embeddings.create(model="auto", input="a")
    two.heal()
    two.post("/v1/reload", {})
    answer = client.embeddings.with_raw_response.create(model="auto", input="a")
    assert answer.headers["x-codriver-model"] == "simulator/embed-small"


def test_a_too_long_text_is_told_and_not_moved(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model="auto", input="word " * 9000)
    assert refused.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("model", "status", "words"),
    [
        ("text-embedding-3-small", 404, "would not mix"),
        ("gpt-5.4", 404, "would not mix"),
        ("simulator/sim-small", 400, "does not serve embeddings"),
        ("nobody-knows-this", 404, "nobody-knows-this"),
    ],
)
def test_a_name_is_never_taken_as_a_hint(client: openai.OpenAI, model: str, status: int, words: str) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.embeddings.create(model=model, input="a")
    assert refused.value.status_code == status and words in refused.value.message


def test_an_embedder_does_not_chat(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="does not serve chat"):
        client.chat.completions.create(model="simulator/embed-small", messages=[{"role": "user", "content": "hi"}])
    assert "simulator/embed-small" in [model.id for model in client.models.list()]


def test_the_ledger_has_it_with_its_tokens(two: Daemon, client: openai.OpenAI) -> None:
    answer = client.embeddings.with_raw_response.create(model="auto", input="one two three four")
    record = two.get(f"/v1/decisions/{answer.headers['x-codriver-decision']}")
    assert (record["wire"], record["purpose"], record["status"]) == ("openai_embeddings", "embed", "ok")
    assert record["usage"]["input"] == answer.parse().usage.prompt_tokens and record["usage"]["output"] == 0


def test_i1_a_budget_holds_for_vectors_too(tmp_path: Path, two: Daemon) -> None:
    """Only simulated models are free, so the same simulator is described as a provider that costs."""
    dear = f"""
    [budget]
    daily_usd = 0.001
    [providers.box]
    base_url = "{two.simulator}"
    wire = "openai_embeddings"
    headers = {{ authorization = "Bearer any" }}
    [providers.box.models.embed-small]
    chat = false
    embeds = true
    price = {{ input = 100, output = 0 }}
    """
    with daemon_at(tmp_path, config=dear) as daemon:
        first = daemon.post("/v1/embeddings", {"model": "auto", "input": "a text of more than six tokens in all"})
        assert first.status_code == 200 and float(first.headers["x-codriver-cost-usd"]) > 0.0005
        second = daemon.post("/v1/embeddings", {"model": "auto", "input": "a text of more than six tokens in all"})
        assert second.status_code == 429 and "budget" in second.text
        assert daemon.get("/v1/status")["cost_today_usd"] == pytest.approx(float(first.headers["x-codriver-cost-usd"]))
