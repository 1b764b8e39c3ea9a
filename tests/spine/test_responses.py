"""OpenAI's SDK on /v1/responses, unchanged but for base URL and key, with upstreams of every wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel

from running import Daemon, daemon_at

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL: dict[str, Any] = {
    "type": "function", "name": "weather", "description": "Forecast", "parameters": WEATHER, "strict": False,
}  # fmt: skip
ASK = "Call the weather tool for Zürich, 3 days"

MODELS = ("sim-small", "sim-medium", "sim-large", "sim-claude", "sim-codex")
ONLY = {"openai_chat": MODELS[:3], "anthropic": MODELS[3:4], "openai_responses": MODELS[4:]}


@pytest.fixture(scope="module", params=list(ONLY))
def upstream(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose only chat models speak one wire, so that `auto` means that wire."""
    names = [name for name in MODELS if name not in ONLY[request.param]]
    off = "".join(f"[providers.simulator.models.{name}]\nenabled = false\n" for name in (*names, "sim-gemini"))
    with daemon_at(tmp_path_factory.mktemp("responses"), "--simulate", config=off) as running:
        yield running


@pytest.fixture
def client(upstream: Daemon) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{upstream.base}/v1", api_key=upstream.token, max_retries=0) as client:
        yield client


def test_a_whole_answer(client: openai.OpenAI) -> None:
    made = client.responses.create(model="auto", input="Tell me about parsers – kurz 🙂", instructions="Be brief.")
    assert "simulated" in made.output_text.lower()
    assert made.status == "completed"
    assert made.instructions == "Be brief."
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    assert made.usage.input_tokens > 0


def test_a_streamed_answer(client: openai.OpenAI) -> None:
    with client.responses.stream(model="auto", input="Tell me about parsers 🙂") as stream:
        events = list(stream)
        final = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == final.output_text
    assert "simulated" in text.lower()


class Verdict(BaseModel):
    good: bool
    why: str
    kind: Literal["bug", "style"]


def test_a_parsed_answer(client: openai.OpenAI) -> None:
    made = client.responses.parse(model="auto", input="Judge this", text_format=Verdict)
    assert isinstance(made.output_parsed, Verdict)


def test_a_tool_is_called_and_its_result_taken(client: openai.OpenAI) -> None:
    history: list[Any] = [{"role": "user", "content": ASK}]
    with client.responses.stream(model="auto", input=history, tools=[TOOL], tool_choice="required") as stream:
        final = stream.get_final_response()
    (call,) = [item for item in final.output if item.type == "function_call"]
    assert call.name == "weather"
    assert json.loads(call.arguments)["city"] == "Zürich"
    history += [item.model_dump(exclude_none=True) for item in final.output]
    history.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
    done = client.responses.create(model="auto", input=history, tools=[TOOL], store=False)
    assert done.status == "completed"
    assert done.output_text


def test_parallel_calls_with_results_as_parts(client: openai.OpenAI) -> None:
    """T17: calls first, then their outputs, as Codex groups them."""
    ask = "Call the weather tool twice, for Zürich and for Łódź"
    made = client.responses.create(model="auto", input=ask, tools=[TOOL], parallel_tool_calls=True)
    calls = [item for item in made.output if item.type == "function_call"]
    assert len({call.call_id for call in calls}) == len(calls) == 2
    history: list[Any] = [
        {"role": "user", "content": ask},
        *(item.model_dump(exclude_none=True) for item in made.output),
    ]
    output = [{"type": "input_text", "text": "rain"}]
    history += [{"type": "function_call_output", "call_id": call.call_id, "output": output} for call in calls]
    assert client.responses.create(model="auto", input=history, tools=[TOOL]).output_text


def test_a_free_text_tool(client: openai.OpenAI) -> None:
    """T16: a patch goes through as text, whatever the upstream's wire has for tools."""
    tool: Any = {"type": "custom", "name": "apply_patch", "description": "Applies a patch to files"}
    ask: Any = [{"role": "user", "content": "Use apply_patch to create notes.txt containing 'é \"x\"'"}]
    with client.responses.stream(model="auto", input=ask, tools=[tool], tool_choice="required") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    (call,) = [item for item in final.output if item.type == "custom_tool_call"]
    assert call.input.startswith("*** Begin Patch\n*** Add File: notes.txt")
    assert "response.custom_tool_call_input.done" in kinds
    ask += [item.model_dump(exclude_none=True) for item in final.output]
    ask.append({"type": "custom_tool_call_output", "call_id": call.call_id, "output": "Done"})
    assert client.responses.create(model="auto", input=ask, tools=[tool]).output_text


def test_grouped_tools(client: openai.OpenAI) -> None:
    group: Any = {"type": "namespace", "name": "sky", "description": "What is above", "tools": [TOOL]}
    made = client.responses.create(model="auto", input=ASK, tools=[group], tool_choice="required")
    (call,) = [item for item in made.output if item.type == "function_call"]
    assert (call.namespace, call.name) == ("sky", "weather")
    history: Any = [
        {"role": "user", "content": ASK},
        *(item.model_dump(exclude_none=True) for item in made.output),
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"},
    ]
    assert client.responses.create(model="auto", input=history, tools=[group]).output_text


@pytest.mark.parametrize("streamed", [False, True])
def test_going_on_from_an_earlier_answer(client: openai.OpenAI, upstream: Daemon, streamed: bool) -> None:
    """W38, W39: the whole conversation reaches whoever answers; earlier instructions do not."""
    first = client.responses.create(model="auto", input="My name is Ada.", instructions="FIRST RULES")
    if streamed:
        with client.responses.stream(model="auto", input="And mine is Bo.", previous_response_id=first.id) as stream:
            second = stream.get_final_response()
    else:
        second = client.responses.create(model="auto", input="And mine is Bo.", previous_response_id=first.id)
    upstream.heal()
    client.responses.create(model="auto", input=[{"role": "user", "content": "Who?"}], previous_response_id=second.id)
    sent = json.dumps(upstream.log()[-1]["body"])
    places = [sent.index(word) for word in ("My name is Ada.", "And mine is Bo.", "Who?")]
    assert places == sorted(places)
    assert sent.count("My name is Ada.") >= 1
    assert "FIRST RULES" not in sent
    assert "previous_response_id" not in sent


def test_a_tool_loop_by_reference(client: openai.OpenAI) -> None:
    """W38: the output alone is sent; the call it answers is in what it refers to."""
    made = client.responses.create(model="auto", input=ASK, tools=[TOOL], tool_choice="required")
    (call,) = [item for item in made.output if item.type == "function_call"]
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    done = client.responses.create(model="auto", input=[output], previous_response_id=made.id, tools=[TOOL])
    assert done.output_text


def test_unknown_and_unstored_answers(client: openai.OpenAI) -> None:
    """W38: 404 with the code that the API has for it."""
    unstored = client.responses.create(model="auto", input="hi", store=False)
    for ident in ("resp_nobody", unstored.id):
        with pytest.raises(openai.NotFoundError) as told:
            client.responses.create(model="auto", input="on", previous_response_id=ident)
        assert told.value.code == "previous_response_not_found"
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(ident)


def test_answers_are_shown_listed_and_deleted(client: openai.OpenAI) -> None:
    first = client.responses.create(model="auto", input="one")
    made = client.responses.create(model="auto", input="two", previous_response_id=first.id)
    assert client.responses.retrieve(made.id).output_text == made.output_text
    items = client.responses.input_items.list(made.id, order="asc").data
    assert [item.content[0].text for item in items if item.type == "message"] == ["one", first.output_text, "two"]
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.delete(made.id)


def test_thinking_comes_back_from_its_caller(client: openai.OpenAI, upstream: Daemon) -> None:
    """T14, trap 5 of real clients: a second turn with the reasoning items of the first is never refused."""
    include: Any = ["reasoning.encrypted_content"]
    history: Any = [{"role": "user", "content": ASK}]
    wish: Any = {"effort": "low", "summary": "auto"}
    more: Any = {"tools": [TOOL], "store": False, "include": include, "reasoning": wish}
    made = client.responses.create(model="auto", input=history, **more)
    history += [item.model_dump(exclude_none=True) for item in made.output]
    for item in made.output:
        if item.type == "function_call":
            history.append({"type": "function_call_output", "call_id": item.call_id, "output": "sunny"})
    assert client.responses.create(model="auto", input=history, **more).output_text


def test_tokens_are_counted(client: openai.OpenAI) -> None:
    counted = client.responses.input_tokens.count(model="auto", input="hello " * 100)
    assert 80 <= counted.input_tokens <= 250


def test_errors_are_the_sdks_own(client: openai.OpenAI, upstream: Daemon) -> None:
    with pytest.raises(openai.NotFoundError, match="no model is called"):
        client.responses.create(model="nonsense-9", input="hi")
    with pytest.raises(openai.BadRequestError, match=r"input\[0\]\.role"):
        client.responses.create(model="auto", input=[{"role": "king", "content": "hi"}])
    with pytest.raises(openai.BadRequestError, match="conversation"):
        client.responses.create(model="auto", input="hi", conversation="conv_1")
    with pytest.raises(openai.BadRequestError, match="background"):
        client.responses.create(model="auto", input="hi", background=True)
    with pytest.raises(openai.NotFoundError, match="compact"):
        client.responses.compact(model="auto", input="hi")


def test_a_break_in_the_stream_is_told(client: openai.OpenAI, upstream: Daemon) -> None:
    """W2, C1: before the first content another try; after it response.failed with the answer's own id."""
    for model in MODELS:
        upstream.fault(model, "cut", after=2, times=6)
    try:
        stream = client.responses.create(model="auto", input="Tell me about parsers", stream=True)
        events = list(stream)
    finally:
        upstream.heal()
    assert events[-1].type == "response.failed"
    assert events[-1].response.id == events[0].response.id
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_the_path_without_v1(upstream: Daemon) -> None:
    answer = upstream.post("/responses", {"model": "auto", "input": "hi"})
    assert answer.status_code == 200
    assert answer.json()["object"] == "response"
