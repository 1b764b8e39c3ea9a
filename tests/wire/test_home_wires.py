"""Ollama's, llama.cpp's and Mistral's wires: what is read, what is sent, what comes back in any cut, what callers see (W41)."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import Failure, Kind, RequestRejected
from codriver.model.events import (
    Failed,
    Finish,
    Finished,
    Started,
    TextDelta,
    ToolDelta,
    ToolStart,
    Usage,
    UsageSeen,
    fold,
)
from codriver.model.request import (
    Conversation,
    Fim,
    Image,
    Limits,
    Message,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from codriver.wire import codec, llamacpp_infill, mistral_fim, ollama_chat, ollama_generate, openai_chat
from codriver.wire.ollama import asking
from wire.samples import PLAIN, data, dump, events, frames, model

HEAD = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}


def lines(*pages: dict[str, Any]) -> bytes:
    return b"".join(dump({**HEAD, **page}) + b"\n" for page in pages)


def said(**message: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": "", **message}, "done": False}


END = {"done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 4}
CALL = {"function": {"name": "look", "arguments": {"path": "grüße.txt", "n": 2}}}

STREAMS: dict[str, tuple[str, bytes]] = {
    "chat": ("ollama_chat", lines(said(content="Grü"), said(content="ße 🎈"), {**said(), **END})),
    "thinking": ("ollama_chat", lines(said(thinking="hm"), said(content="x"), {**said(), **END})),
    "calls": ("ollama_chat", lines(said(tool_calls=[CALL, CALL]), {**said(), **END})),
    "generate": ("ollama_generate", lines({"response": "a\n", "done": False}, {"response": "b", "done": False}, {"response": "", **END})),
    "length": ("ollama_generate", lines({"response": "a", "done": False}, {"response": "", **END, "done_reason": "length"})),
    "error": ("ollama_generate", lines({"response": "a", "done": False}) + b'{"error":"model runner has stopped"}\n'),
    "infill": (
        "llamacpp_infill",
        data(
            {"content": "x = ", "stop": False}, {"content": "é", "stop": False},
            {"content": "", "stop": True, "stop_type": "limit", "tokens_evaluated": 9, "tokens_predicted": 4},
        ),
    ),
    "infill error": ("llamacpp_infill", data({"content": "x", "stop": False}, {"error": {"code": 500, "message": "gone", "type": "server_error"}})),
    "mistral": (
        "mistral_fim",
        data({"id": "1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "x"}}]},
             {"id": "1", "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 4}},
             "[DONE]"),
    ),
}  # fmt: skip


def read(wire: str, chunks: list[bytes]) -> list[Any]:
    decoder = codec.find(wire).decoder(model(), PLAIN)
    found = [event for chunk in chunks for event in events(decoder.feed(chunk))]
    return found + events(decoder.close())


def plain(found: list[Any]) -> list[Any]:
    """Without ids that are made up, and texts that belong together as one."""
    return [replace(event, id="") if isinstance(event, ToolStart) else event for event in found]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(STREAMS)), st.lists(st.integers(0, 700), max_size=6))
def test_w1_any_cut_gives_the_same_events(name: str, cuts: list[int]) -> None:
    wire, stream = STREAMS[name]
    whole = plain(read(wire, [stream]))
    assert plain(read(wire, [stream[n : n + 1] for n in range(len(stream))])) == whole
    ends = [0, *sorted({min(cut, len(stream)) for cut in cuts}), len(stream)]
    assert plain(read(wire, [stream[a:b] for a, b in itertools.pairwise(ends)])) == whole
    assert isinstance(whole[-1], Finished | Failed)


@pytest.mark.parametrize(
    ("name", "text", "finish", "usage"),
    [
        ("chat", "Grüße 🎈", Finish.STOP, Usage(9, output=4)),
        ("thinking", "x", Finish.STOP, Usage(9, output=4)),
        ("calls", "", Finish.TOOL_CALLS, Usage(9, output=4)),
        ("generate", "a\nb", Finish.STOP, Usage(9, output=4)),
        ("length", "a", Finish.LENGTH, Usage(9, output=4)),
        ("error", "a", None, Usage()),
        ("infill", "x = é", Finish.LENGTH, Usage(9, output=4)),
        ("infill error", "x", None, Usage()),
        ("mistral", "x", Finish.STOP, Usage(9, output=4)),
    ],
)
def test_what_comes_is_read(name: str, text: str, finish: Finish | None, usage: Usage) -> None:
    reply = fold(read(STREAMS[name][0], [STREAMS[name][1]]))
    assert (reply.text, reply.finish, reply.usage) == (text, finish, usage)
    if name == "calls":
        assert [json.loads(call.arguments) for call in reply.tool_calls] == [CALL["function"]["arguments"]] * 2
        assert len({call.id for call in reply.tool_calls}) == 2


@pytest.mark.parametrize("name", ["chat", "generate", "infill"])
def test_w2_a_cut_stream_is_a_break(name: str) -> None:
    wire, stream = STREAMS[name]
    last = read(wire, [stream[: len(stream) * 2 // 3]])[-1]
    assert isinstance(last, Failed) and last.failure.kind is Kind.BROKEN


@pytest.mark.parametrize(
    ("wire", "body", "text"),
    [
        ("ollama_chat", {**HEAD, **said(content="x"), **END}, "x"),
        ("ollama_generate", {**HEAD, "response": "x", **END}, "x"),
        ("llamacpp_infill", {"content": "x", "stop": True, "stop_type": "eos"}, "x"),
        ("mistral_fim", {"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]}, "x"),
    ],
)
def test_whole_answers(wire: str, body: dict[str, Any], text: str) -> None:
    decoder = codec.find(wire).decoder(model(), PLAIN)
    reply = fold(decoder.whole(dump(body)))
    assert (reply.text, reply.finish) == (text, Finish.STOP)
    broken = codec.find(wire).decoder(model(), PLAIN).whole(b"<html>")
    assert isinstance(broken[-1], Failed)


@pytest.mark.parametrize("wire", ["ollama_chat", "ollama_generate", "llamacpp_infill"])
def test_what_callers_see_reads_back(wire: str) -> None:
    speaker = codec.find(wire)
    asked = Request("r1", "complete", wire=wire, body=b"{}", wants_usage=True, input_tokens=5)
    told = [Started("u", "m"), TextDelta("a "), TextDelta("é"), UsageSeen(Usage(3, output=2)), Finished(Finish.LENGTH)]
    encoder = speaker.encoder(asked, "maker/model", 1_800_000_000)
    reply = fold(events(speaker.decoder(model(), PLAIN).feed(encoder.feed(told))))
    assert (reply.text, reply.finish, reply.usage) == ("a é", Finish.LENGTH, Usage(3, output=2))
    whole = fold(speaker.decoder(model(), PLAIN).whole(speaker.encoder(asked, "maker/model", 0).whole(reply)))
    assert (whole.text, whole.finish, whole.usage) == ("a é", Finish.LENGTH, Usage(3, output=2))
    broken = speaker.encoder(asked, "m", 0).broken(Failure(Kind.SLOW, "late"))
    failed = events(speaker.decoder(model(), PLAIN).feed(broken))
    assert isinstance(failed[-1], Failed) and failed[-1].failure.message == "late"


@pytest.mark.parametrize("wire", ["ollama_chat", "ollama_generate", "llamacpp_infill", "mistral_fim"])
def test_w3_a_keep_alive_says_nothing(wire: str) -> None:
    speaker = codec.find(wire)
    kept = fold(events(speaker.decoder(model(), PLAIN).feed(speaker.ping())))
    assert (kept.text, kept.finish) == ("", None)
    assert speaker.content_type == ("application/x-ndjson" if wire.startswith("ollama") else "text/event-stream")


def test_calls_go_out_whole_with_the_callers_own_names() -> None:
    long = "a.tool/with signs and a name of more than sixty-four letters, as some agents have"
    talk = Conversation((Message("user", (Text("x"),)),), (Tool(long, "", {}),))
    asked = Request("r1", "chat", wire="ollama_chat", unfold=lambda: talk)
    name = json.loads(ollama_chat.call(replace(asked, wire=""), model(), PLAIN).body)["tools"][0]["function"]["name"]
    told = [
        ToolStart(0, "c", name),
        ToolDelta(0, '{"a"'),
        ToolDelta(0, ":1}"),
        ToolStart(1, "d", "other"),
        Finished(Finish.TOOL_CALLS),
    ]
    written = ollama_chat.encoder(asked, "m").feed(told)
    calls = json.loads(written.split(b"\n")[0])["message"]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == [long, "other"]
    assert [call["function"]["arguments"] for call in calls] == [{"a": 1}, {}]
    assert json.loads(written.split(b"\n")[1])["done"] is True


# What callers ask.

CHAT = {
    "model": "llama3:latest",
    "messages": [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "What is in these?", "images": ["iVBORw0KGgo=", "/9j/4AAQ"]},
        {"role": "assistant", "content": "", "thinking": "two files", "tool_calls": [CALL, {"function": {"name": "list", "arguments": {}}}]},
        {"role": "tool", "tool_name": "list", "content": "a b"},
        {"role": "tool", "content": "hello"},
    ],
    "tools": [{"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}}],
    "format": {"type": "object"},
    "options": {"num_predict": 100, "temperature": 0.5, "top_p": 0.9, "stop": ["END"], "mirostat": 2, "num_ctx": 4096},
    "think": "low",
    "keep_alive": "5m",
}  # fmt: skip


def test_a_chat_is_unfolded_and_its_results_find_their_calls() -> None:
    request = ollama_chat.parse(dump(CHAT), {})
    talk = request.conversation
    assert request.stream and request.needs.tools and request.needs.images and request.needs.schema
    assert request.limits == Limits(
        100,
        0.5,
        0.9,
        ("END",),
        {"type": "json_schema", "name": "output", "schema": {"type": "object"}, "strict": None},
        "low",
    )
    assert [part.media_type for part in talk.messages[1].parts if isinstance(part, Image)] == [
        "image/png",
        "image/jpeg",
    ]
    thought, look, listed = talk.messages[2].parts
    assert thought == Reasoning("two files") and isinstance(look, ToolCall) and isinstance(listed, ToolCall)
    results = [part for message in talk.messages[3:] for part in message.parts if isinstance(part, ToolResult)]
    assert [result.call_id for result in results] == [listed.id, look.id]


def test_a_chat_reaches_another_wire_whole() -> None:
    sent = json.loads(openai_chat.call(ollama_chat.parse(dump(CHAT), {}), model(reasoning=True), PLAIN).body)
    roles = [message["role"] for message in sent["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool"]
    assert sent["max_tokens"] == 100 and sent["stop"] == ["END"] and sent["tools"][0]["function"]["name"] == "look"
    assert sent["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


def test_a_chat_comes_from_another_wire_whole() -> None:
    body = {
        "model": "auto",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "call_abcdefghijkl", "type": "function", "function": {"name": "look", "arguments": '{"n": 1}'}}]},
            {"role": "tool", "tool_call_id": "call_abcdefghijkl", "content": "seen"},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}],
        "tool_choice": "required", "response_format": {"type": "json_object"}, "max_tokens": 50, "stream": True,
    }  # fmt: skip
    call = ollama_chat.call(openai_chat.parse(dump(body), {}), model(), PLAIN)
    sent = json.loads(call.body)
    assert sent["messages"][0] == {"role": "user", "content": "see", "images": ["AAAA"]}
    assert sent["messages"][1]["tool_calls"][0]["function"] == {"name": "look", "arguments": {"n": 1}}
    assert sent["messages"][2] == {"role": "tool", "content": "seen", "tool_call_id": "call_abcdefghijkl"}
    assert sent["format"] == "json" and sent["stream"] is True and sent["options"]["num_predict"] == 50
    assert "tool_choice" in call.dropped


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        ("ollama_chat", CHAT),
        ("ollama_generate", {"model": "llama3:latest", "prompt": "P", "suffix": "S", "options": {"seed": 7, "num_ctx": 99}, "keep_alive": -1}),
        ("ollama_generate", {"model": "llama3:latest", "prompt": "why?", "context": [1, 2], "stream": False}),
        ("mistral_fim", {"model": "llama3:latest", "prompt": "P", "suffix": "S", "random_seed": 7, "min_tokens": 2}),
    ],
)  # fmt: skip
def test_w_relay_keeps_a_callers_own_fields(wire: str, body: dict[str, Any]) -> None:
    speaker = codec.find(wire)
    sent = speaker.call(speaker.parse(dump(body), {}), model(fim="suffix"), PLAIN)
    assert sent.body == dump(body).replace(b'"llama3:latest"', dump(model().upstream_id)) and not sent.dropped


def test_infill_keeps_a_callers_own_fields_and_gains_a_model() -> None:
    body = {"input_prefix": "P", "input_suffix": "S", "n_indent": 4, "samplers": ["infill"], "prompt": "Q"}
    request = llamacpp_infill.parse(dump(body), {})
    assert request.model == "auto" and request.fim == Fim("PQ", "S") and request.limits.max_tokens == 256
    assert json.loads(llamacpp_infill.call(request, model(), PLAIN).body) == {**body, "model": model().upstream_id}


def test_a_hole_with_files_on_every_wire_that_has_a_place_for_it() -> None:
    request = Request(
        "r", "complete", fim=Fim("P", "S", "b.py", (("a.py", "A"),)), limits=Limits(64, 0.0, stop=("\n",))
    )
    infill = json.loads(llamacpp_infill.call(request, model(fim="suffix"), PLAIN).body)
    assert (infill["input_prefix"], infill["input_suffix"], infill["n_predict"]) == ("P", "S", 64)
    assert infill["input_extra"] == [{"filename": "a.py", "text": "A"}] and infill["stop"] == ["\n"]
    mistral = mistral_fim.call(request, model(fim="suffix"), PLAIN)
    assert json.loads(mistral.body) == {
        "model": model().upstream_id, "prompt": "P", "suffix": "S", "max_tokens": 64, "temperature": 0.0, "stop": ["\n"],
        "stream": True,
    } and mistral.dropped == ("other files",)  # fmt: skip


@pytest.mark.parametrize("wire", ["mistral_fim", "llamacpp_infill", "ollama_generate"])
def test_a_conversation_is_no_hole(wire: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        codec.find(wire).call(Request("r", "chat"), model(), PLAIN)
    assert refused.value.failure.kind is Kind.UNSUPPORTED


def test_a_question_with_a_system_text_and_a_picture() -> None:
    body = {"model": "m", "system": "Be short.", "prompt": "What?", "images": ["iVBOR"], "think": False}
    request = ollama_generate.parse(dump(body), {})
    assert request.fim is None and request.limits.effort == "none" and request.needs.images
    system, user = request.conversation.messages
    assert system.text == "Be short." and isinstance(user.parts[1], Image)


@pytest.mark.parametrize(
    ("wire", "body", "field"),
    [
        ("ollama_chat", {"messages": []}, "model"),
        ("ollama_chat", {"model": "m", "options": {"num_predict": "many"}}, "options.num_predict"),
        ("ollama_generate", {"model": "m", "prompt": ["x"]}, "prompt"),
        ("llamacpp_infill", {"input_prefix": "a", "input_extra": "none"}, "input_extra"),
        ("mistral_fim", {"model": "m"}, "prompt"),
        ("mistral_fim", {"model": "m", "prompt": "x", "temperature": 9}, "temperature"),
    ],
)
def test_w9_wrong_types_name_the_field(wire: str, body: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        codec.find(wire).parse(dump(body), {})
    assert refused.value.failure.field == field


@pytest.mark.parametrize(
    ("name", "meant"),
    [("auto:latest", "auto"), ("auto:cost:latest", "auto:cost"), ("auto", "auto"), ("llama3:latest", "llama3:latest"),
     ("acme/one:latest", "acme/one:latest")],
)  # fmt: skip
def test_a_tag_behind_auto_says_nothing(name: str, meant: str) -> None:
    assert asking.model_name(name) == meant


@pytest.mark.parametrize(
    ("tokens", "window", "told"),
    [(100, 32768, None), (4096, 32768, None), (4097, 32768, 8192), (20_000, 24_000, 24_000)],
)
def test_a_context_is_told_only_where_it_must_be(tokens: int, window: int, told: int | None) -> None:
    assert asking.context(tokens, window) == told


def test_frames_of_infill_are_events() -> None:
    asked = Request(
        "r", "complete", wire="llamacpp_infill", body=dump({"input_prefix": "a", "response_fields": ["content"]})
    )
    told = frames(llamacpp_infill.encoder(asked, "m").feed([Started(), TextDelta("x"), Finished(Finish.STOP)]))
    assert told == [{"index": 0, "content": "x", "tokens": [], "stop": False}, {"content": ""}]
