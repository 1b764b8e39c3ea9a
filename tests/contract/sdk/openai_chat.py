"""OpenAI's library on chat completions."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from typing import Any

import openai

from contract.asking import Ask, Call, Client, Refused, Said


def client(base: str, key: str) -> Client:
    return _Chat(base, key)


class _Chat:
    def __init__(self, base: str, key: str) -> None:
        self._openai = openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0)

    async def close(self) -> None:
        await self._openai.close()

    async def ask(self, ask: Ask) -> Said:
        sdk = self._openai if ask.model else self._openai.with_options(api_key="wrong")
        counted = [0]
        try:
            made = await sdk.chat.completions.create(**asked(ask))
            return await streamed(made, ask, counted) if ask.stream else _whole(made)
        except openai.APIError as error:
            raise refused(error, counted[0]) from error


def asked(ask: Ask) -> dict[str, Any]:
    """The arguments of `create`."""
    content: Any = ask.text
    if ask.image:
        url = "data:image/png;base64," + base64.b64encode(ask.image).decode()
        content = [{"type": "text", "text": ask.text}, {"type": "image_url", "image_url": {"url": url}}]
    messages: list[Any] = [{"role": "system", "content": ask.system}] if ask.system else []
    messages.append({"role": "user", "content": content})
    if ask.after:
        said, results = ask.after
        messages.append(said.native)
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": result}
            for call, result in zip(said.calls, results, strict=True)
        ]
    made: dict[str, Any] = {"model": ask.model or "auto", "messages": messages, "max_tokens": ask.max_tokens}
    if ask.stream:
        made |= {"stream": True, "stream_options": {"include_usage": ask.usage}}
    if ask.tools:
        made["tools"] = [
            {"type": "function", "function": {"name": f.name, "description": f.description, "parameters": f.schema}}
            for f in ask.tools
        ]
    if ask.choice:
        known = ask.choice in ("auto", "none", "required")
        made["tool_choice"] = ask.choice if known else {"type": "function", "function": {"name": ask.choice}}
    if ask.parallel is not None:
        made["parallel_tool_calls"] = ask.parallel
    if ask.schema:
        form = {"name": "person", "schema": ask.schema, "strict": True}
        made["response_format"] = {"type": "json_schema", "json_schema": form}
    if ask.stop:
        made["stop"] = list(ask.stop)
    if ask.n > 1:
        made["n"] = ask.n
    if ask.temperature is not None:
        made["temperature"] = ask.temperature
    return made


def _whole(made: Any) -> Said:
    first = made.choices[0]
    calls = tuple(
        Call(call.id, call.function.name, json.loads(call.function.arguments))
        for call in first.message.tool_calls or ()
    )
    return Said(
        texts=tuple(choice.message.content or "" for choice in made.choices),
        calls=calls,
        finish=_finish(first.finish_reason),
        usage=(made.usage.prompt_tokens, made.usage.completion_tokens),
        native=first.message.model_dump(exclude_none=True),
    )


async def streamed(stream: Any, ask: Ask, counted: list[int]) -> Said:
    """Chunks put together; `counted` holds the content chunks so far, also when the stream breaks."""
    texts: dict[int, str] = defaultdict(str)
    calls: dict[int, dict[str, str]] = {}
    finishes, usage = {}, None
    async for chunk in stream:
        if chunk.usage is not None:
            assert usage is None, "usage was told twice"
            usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            for call in choice.delta.tool_calls or ():
                held = calls.setdefault(call.index, {"id": call.id, "name": call.function.name, "arguments": ""})
                held["arguments"] += call.function.arguments or ""
            if choice.finish_reason:
                assert choice.index not in finishes, "a choice ended twice"
                finishes[choice.index] = choice.finish_reason
            if any(value for name, value in choice.delta.model_dump().items() if name != "role"):
                counted[0] += 1
                if ask.seen:
                    ask.seen(counted[0])
    made = [
        {"id": held["id"], "type": "function", "function": {"name": held["name"], "arguments": held["arguments"]}}
        for held in calls.values()
    ]
    return Said(
        texts=tuple(texts[index] for index in sorted(texts)),
        calls=tuple(Call(held["id"], held["name"], json.loads(held["arguments"])) for held in calls.values()),
        finish=_finish(finishes[0]),
        usage=usage,
        pieces=counted[0],
        native={"role": "assistant", "content": texts[0] or None, **({"tool_calls": made} if made else {})},
    )


def _finish(reason: str) -> str:
    return "filtered" if reason == "content_filter" else reason


_CLASSES = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    404: openai.NotFoundError,
    429: openai.RateLimitError,
}


def refused(error: openai.APIError, pieces: int) -> Refused:
    """The library's error; it must be of the class that the library has for its status."""
    if not isinstance(error, openai.APIStatusError):
        assert not isinstance(error, openai.APIConnectionError), f"the connection broke: {error}"
        return Refused(0, error.message, type(error).__name__, pieces=pieces)
    wanted = _CLASSES.get(error.status_code, openai.InternalServerError)
    assert isinstance(error, wanted), f"{type(error).__name__} for status {error.status_code}"
    waits = error.response.headers.get("retry-after", "")
    return Refused(error.status_code, error.message, type(error).__name__, waits, pieces)
