"""The simulator's routes of servers at home and of Mistral's holes: as strict as the real ones, and no key asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from codriver.upstream import simulator

GENERATE = {"model": "sim-coder", "prompt": "x = ", "suffix": "\n", "stream": False}
INFILL = {"input_prefix": "x = ", "input_suffix": "\n"}
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {}}}]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with await simulator.start() as running, httpx.AsyncClient(base_url=running.url) as made:
        yield made


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/api/generate", {}, 400, "model is required"),
        ("/api/generate", {**GENERATE, "model": "gone"}, 404, "model 'gone' not found"),
        ("/api/generate", {**GENERATE, "stream": "no"}, 400, "cannot unmarshal string into Go struct field"),
        ("/api/generate", {**GENERATE, "options": {"stop": "x"}}, 400, "Options.stop of type array"),
        ("/api/generate", {**GENERATE, "raw": True, "system": "s"}, 400, "raw mode does not support"),
        ("/api/chat", {"model": "sim-coder", "messages": []}, 404, "not found"),
        ("/api/chat", {"model": "sim-medium", "messages": [{"role": "boss", "content": "x"}]}, 400, "invalid role"),
        ("/api/chat", {"model": "sim-medium", "messages": [{"role": "user", "images": ["§"]}]}, 400, "illegal base64"),
        (
            "/api/chat",
            {"model": "sim-medium", "messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}]},
            400, "ToolCallFunction.arguments",
        ),
        ("/infill", {"input_suffix": ""}, 400, '"input_prefix" is required'),
        ("/infill", {"input_prefix": "a", "input_suffix": 1}, 400, "must be a string"),
        ("/infill", {**INFILL, "input_extra": [{"filename": "a"}]}, 400, '"text" field'),
    ],
)  # fmt: skip
async def test_mistakes_are_refused_in_each_servers_words(
    client, path: str, body: Any, status: int, words: str
) -> None:
    answer = await client.post(path, json=body)
    error = answer.json()["error"]
    assert answer.status_code == status and words in (error if isinstance(error, str) else error["message"])


async def test_mistral_refuses_what_it_does_not_know(client) -> None:
    body = {"model": "sim-coder", "prompt": "x", "stream_options": {"include_usage": True}}
    assert (await client.post("/v1/fim/completions", json=body)).status_code == 401
    answer = await client.post("/v1/fim/completions", json=body, headers={"authorization": "Bearer x"})
    assert answer.status_code == 422 and answer.json()["detail"][0]["loc"] == ["body", "stream_options"]


async def test_ollama_streams_lines_and_counts(client) -> None:
    answer = await client.post("/api/generate", json={**GENERATE, "stream": True})
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [line["done"] for line in told] == [False] * (len(told) - 1) + [True] and told[-1]["eval_count"] > 0


async def test_a_raw_prompt_is_read_by_its_marks_wherever_they_stand(client) -> None:
    async def said(prompt: str) -> str:
        body = {"model": "sim-coder", "prompt": prompt, "raw": True, "stream": False}
        return (await client.post("/api/generate", json=body)).json()["response"]

    whole = await said("<|fim_prefix|>def f(a):\n    <|fim_suffix|>\n    return quartzite\n<|fim_middle|>")
    assert whole == "quartzite = a"
    leaked = await said('<|fim_prefix|>S = "<|fim_suffix|>"\nx = <|fim_suffix|>\n    return quartzite\n<|fim_middle|>')
    assert "quartzite" not in leaked  # an unbroken mark of the buffer ends the prefix there


async def test_what_is_asked_about_models(client) -> None:
    assert (await client.get("/api/version")).json()["version"]
    assert "sim-coder" in [entry["name"] for entry in (await client.get("/api/tags")).json()["models"]]
    shown = (await client.post("/api/show", json={"model": "sim-coder:latest"})).json()
    assert ".Suffix" in shown["template"] and "insert" in shown["capabilities"]
    assert (await client.post("/api/show", json={"model": "gone"})).status_code == 404
    assert (await client.post("/api/show", json=["sim-coder"])).status_code == 400
    assert (await client.post("/api/tags", json={})).status_code in (404, 405)
