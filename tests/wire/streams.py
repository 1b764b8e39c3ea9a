"""One streamed answer for each wire, saying the same as far as the wire can: thinking, text, two calls or one, counts."""

from __future__ import annotations

import pkgutil
from typing import Any

from codriver import wire
from codriver.wire import codec
from wire.samples import data, dump, named

TEXT = "Grüße 🎈"

CODEC = ("parse", "encoder", "failure", "ping", "call", "decoder", "content_type")


def wires() -> list[str]:
    """Every module of codriver.wire that is a codec, by its name."""
    names = [module.name for module in pkgutil.iter_modules(wire.__path__)]
    return [name for name in names if all(hasattr(codec.find(name), part) for part in CODEC)]


CODECS = wires()


def delta(finish: str | None = None, **said: Any) -> dict[str, Any]:
    return {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": said, "finish_reason": finish}]}


def call(index: int, arguments: str, **more: str) -> dict[str, Any]:
    name = {"name": more.pop("name")} if "name" in more else {}
    return {"index": index, **more, "function": {**name, "arguments": arguments}}


def lines(*pages: dict[str, Any]) -> bytes:
    return b"".join(dump({"model": "m", **page}) + b"\n" for page in pages)


def block(index: int, opened: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": opened},
        *({"type": "content_block_delta", "index": index, "delta": one} for one in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def part(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"candidates": [{"index": 0, "content": {"role": "model", "parts": list(parts)}, **more}]}


def told(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **more}


A, B = "call_aaaaaaaaaaaa", "call_bbbbbbbbbbbb"
OUTPUT = [
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
    {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Grüße 🎈"}]},
    {"type": "function_call", "id": "fc_1", "call_id": A, "name": "f", "arguments": '{"a":1}'},
]

SAMPLES: dict[str, bytes] = {
    "openai_chat": data(
            delta(role="assistant", content=""),
            delta(reasoning_content="hm"),
            delta(content="Gr"),
            delta(content="\u00fc\u00dfe \U0001f388"),
            delta(tool_calls=[call(0, "", id=A, name="f"), call(2, "", id=B, name="f")]),
            delta(tool_calls=[call(2, "{}"), call(0, '{"a"')]),
            delta(tool_calls=[call(0, ":1}")]),
            delta("tool_calls"),
            {"id": "c1", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
            "[DONE]",
        ),
    "openai_completions": data(
            {"id": "c", "model": "m", "choices": [{"index": 0, "text": "Grüße", "finish_reason": None}]},
            {"id": "c", "model": "m", "choices": [{"index": 0, "text": " 🎈", "finish_reason": "length"}]},
            {"id": "c", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
            "[DONE]",
        ),
    "anthropic": named(
            {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 9}}},
            {"type": "ping"},
            *block(
                0,
                {"type": "thinking", "thinking": ""},
                {"type": "thinking_delta", "thinking": "hm"},
                {"type": "signature_delta", "signature": "S"},
            ),
            *block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Grüße 🎈"}),
            *block(
                2,
                {"type": "tool_use", "id": "toolu_aaaaaaaa", "name": "f", "input": {}},
                {"type": "input_json_delta", "partial_json": '{"a"'},
                {"type": "input_json_delta", "partial_json": ":1}"},
            ),
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
            {"type": "message_stop"},
        ),
    "gemini": data(
            part({"text": "hm", "thought": True}),
            part({"text": "Grüße"}),
            part({"text": " 🎈"}),
            part({"functionCall": {"id": A, "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}),
            {**part(finishReason="STOP"), "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5}},
        ),
    "openai_responses": named(
            told("created", response={"id": "resp_1", "model": "m", "status": "in_progress", "output": []}),
            told("output_item.added", output_index=0, item={**OUTPUT[0], "summary": []}),
            told("reasoning_summary_text.delta", output_index=0, item_id="rs_1", summary_index=0, delta="hm"),
            told("output_item.done", output_index=0, item=OUTPUT[0]),
            told("output_item.added", output_index=1, item={**OUTPUT[1], "content": []}),
            told("output_text.delta", output_index=1, item_id="msg_1", content_index=0, delta="Grüße"),
            told("output_text.delta", output_index=1, item_id="msg_1", content_index=0, delta=" 🎈"),
            told("output_item.done", output_index=1, item=OUTPUT[1]),
            told("output_item.added", output_index=2, item={**OUTPUT[2], "arguments": ""}),
            told("function_call_arguments.delta", output_index=2, item_id="fc_1", delta='{"a":1}'),
            told("output_item.done", output_index=2, item=OUTPUT[2]),
            told(
                "completed",
                response={
                    "id": "resp_1", "model": "m", "status": "completed", "output": OUTPUT,
                    "usage": {"input_tokens": 9, "output_tokens": 5},
                },
            ),
        ),
    "ollama_chat": lines(
            {"message": {"role": "assistant", "content": "", "thinking": "hm"}, "done": False},
            {"message": {"role": "assistant", "content": "Grüße 🎈"}, "done": False},
            {
                "message": {"content": "", "tool_calls": [{"id": A, "function": {"name": "f", "arguments": {"a": 1}}}]},
                "done": False,
            },
            {"message": {"content": ""}, "done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 5},
        ),
    "ollama_generate": lines(
            {"response": "Grüße", "done": False},
            {"response": " 🎈", "done": False},
            {"response": "", "done": True, "done_reason": "length", "prompt_eval_count": 9, "eval_count": 5},
        ),
    "llamacpp_infill": data(
            {"content": "Grüße", "stop": False},
            {"content": " 🎈", "stop": False},
            {"content": "", "stop": True, "stop_type": "eos", "tokens_evaluated": 9, "tokens_predicted": 5},
        ),
    "mistral_fim": data(
            delta(role="assistant", content="Grüße"),
            delta(content=" 🎈"),
            {**delta("stop", content=""), "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
            "[DONE]",
        ),
}  # fmt: skip
