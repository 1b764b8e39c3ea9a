"""OpenAI's library on responses."""

from __future__ import annotations

import base64
import json
from typing import Any

import openai

from contract.asking import Ask, Call, Client, Refused, Said, absent
from contract.sdk.openai_chat import refused


def client(base: str, key: str) -> Client:
    return _Responses(base, key)


class _Responses:
    def __init__(self, base: str, key: str) -> None:
        self._openai = openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0)

    async def close(self) -> None:
        await self._openai.close()

    async def ask(self, ask: Ask) -> Said:
        sdk = self._openai if ask.model else self._openai.with_options(api_key="wrong")
        if ask.stop:
            raise absent(sdk.responses.create, "stop")
        if ask.n > 1:
            raise absent(sdk.responses.create, "n")
        counted = [0]
        try:
            made = await sdk.responses.create(**_asked(ask))
            return _whole(await _last(made, ask, counted), counted[0]) if ask.stream else _whole(made, 0)
        except openai.APIError as error:
            raise refused(error, counted[0]) from error


def _asked(ask: Ask) -> dict[str, Any]:
    content: Any = ask.text
    if ask.image:
        url = "data:image/png;base64," + base64.b64encode(ask.image).decode()
        content = [
            {"type": "input_text", "text": ask.text},
            {"type": "input_image", "image_url": url, "detail": "auto"},
        ]
    items: list[Any] = [{"role": "user", "content": content}]
    if ask.after:
        said, results = ask.after
        items += said.native
        items += [
            {"type": "function_call_output", "call_id": call.id, "output": result}
            for call, result in zip(said.calls, results, strict=True)
        ]
    made: dict[str, Any] = {
        "model": ask.model or "auto",
        "input": items,
        "max_output_tokens": ask.max_tokens,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "stream": ask.stream,
    }
    if ask.system:
        made["instructions"] = ask.system
    if ask.tools:
        made["tools"] = [
            {"type": "function", "name": f.name, "description": f.description, "parameters": f.schema, "strict": True}
            for f in ask.tools
        ]
    if ask.choice:
        known = ask.choice in ("auto", "none", "required")
        made["tool_choice"] = ask.choice if known else {"type": "function", "name": ask.choice}
    if ask.parallel is not None:
        made["parallel_tool_calls"] = ask.parallel
    if ask.schema:
        made["text"] = {"format": {"type": "json_schema", "name": "person", "schema": ask.schema, "strict": True}}
    if ask.temperature is not None:
        made["temperature"] = ask.temperature
    return made


_ENDS = ("response.completed", "response.incomplete")
_CONTENT = ("response.output_text.delta", "response.function_call_arguments.delta")


async def _last(stream: Any, ask: Ask, counted: list[int]) -> Any:
    """The response of the last event, with the stream's own order and sums checked on the way."""
    number, text, arguments = 0, "", ""
    async for event in stream:
        assert event.sequence_number == number, f"{event.type} is number {event.sequence_number}, not {number}"
        number += 1
        if event.type == "response.failed":
            raise Refused(0, event.response.error.message, event.type, pieces=counted[0])
        if event.type.endswith(".delta"):
            counted[0] += 1
            text += event.delta if event.type == _CONTENT[0] else ""
            arguments += event.delta if event.type == _CONTENT[1] else ""
            if ask.seen:
                ask.seen(counted[0])
        if event.type in _ENDS:
            made = event.response
            assert made.output_text == text, "the whole text is not the sum of its deltas"
            assert "".join(item.arguments for item in made.output if item.type == "function_call") == arguments
            return made
    raise AssertionError("the stream ended without an end")


def _whole(made: Any, pieces: int) -> Said:
    calls = tuple(
        Call(item.call_id, item.name, json.loads(item.arguments))
        for item in made.output
        if item.type == "function_call"
    )
    finish = "tool_calls" if calls else "stop"
    if made.status == "incomplete":
        finish = {"max_output_tokens": "length", "content_filter": "filtered"}[made.incomplete_details.reason]
    else:
        assert made.status == "completed", made.status
    return Said(
        texts=(made.output_text,),
        calls=calls,
        finish=finish,
        usage=(made.usage.input_tokens, made.usage.output_tokens),
        pieces=pieces,
        native=[item.model_dump(exclude_none=True) for item in made.output],
    )
