"""Anthropic's library on messages."""

from __future__ import annotations

import base64
from typing import Any

import anthropic

from contract.asking import Ask, Call, Client, Refused, Said, absent


def client(base: str, key: str) -> Client:
    return _Messages(base, key)


class _Messages:
    def __init__(self, base: str, key: str) -> None:
        self._anthropic = anthropic.AsyncAnthropic(base_url=base, api_key=key, max_retries=0)

    async def close(self) -> None:
        await self._anthropic.close()

    async def ask(self, ask: Ask) -> Said:
        sdk = self._anthropic if ask.model else self._anthropic.with_options(api_key="wrong")
        if ask.n > 1:
            raise absent(sdk.messages.create, "n")
        counted = [0]
        try:
            if not ask.stream:
                return _said(await sdk.messages.create(**_asked(ask)), 0)
            async with sdk.messages.stream(**_asked(ask)) as stream:
                async for event in stream:
                    if event.type == "content_block_delta":
                        counted[0] += 1
                        if ask.seen:
                            ask.seen(counted[0])
                return _said(await stream.get_final_message(), counted[0])
        except anthropic.APIError as error:
            raise _refused(error, counted[0]) from error


def _asked(ask: Ask) -> dict[str, Any]:
    content: Any = ask.text
    if ask.image:
        source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(ask.image).decode()}
        content = [{"type": "image", "source": source}, {"type": "text", "text": ask.text}]
    messages: list[Any] = [{"role": "user", "content": content}]
    if ask.after:
        said, results = ask.after
        answered = [
            {"type": "tool_result", "tool_use_id": call.id, "content": result}
            for call, result in zip(said.calls, results, strict=True)
        ]
        messages += [{"role": "assistant", "content": said.native}, {"role": "user", "content": answered}]
    made: dict[str, Any] = {"model": ask.model or "auto", "messages": messages, "max_tokens": ask.max_tokens}
    if ask.system:
        made["system"] = ask.system
    if ask.tools:
        made["tools"] = [{"name": f.name, "description": f.description, "input_schema": f.schema} for f in ask.tools]
    if ask.choice or ask.parallel is not None:
        kinds = {"": "auto", "auto": "auto", "none": "none", "required": "any"}
        kind = kinds.get(ask.choice)
        made["tool_choice"] = {"type": kind} if kind else {"type": "tool", "name": ask.choice}
        if ask.parallel is not None:
            made["tool_choice"]["disable_parallel_tool_use"] = not ask.parallel
    if ask.schema:
        made["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
    if ask.stop:
        made["stop_sequences"] = list(ask.stop)
    if ask.temperature is not None:  # the library has no such parameter any more: said as its users say it now
        made["extra_body"] = {"temperature": ask.temperature}
    return made


_FINISH = {
    "end_turn": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "filtered",
    "stop_sequence": "stop_sequence",
}


def _said(made: Any, pieces: int) -> Said:
    used = made.usage
    prompt = used.input_tokens + (used.cache_read_input_tokens or 0) + (used.cache_creation_input_tokens or 0)
    return Said(
        texts=("".join(block.text for block in made.content if block.type == "text"),),
        calls=tuple(Call(block.id, block.name, block.input) for block in made.content if block.type == "tool_use"),
        finish=_FINISH[made.stop_reason],
        usage=(prompt, used.output_tokens),
        pieces=pieces,
        native=[_back(block) for block in made.content],
    )


def _back(block: Any) -> dict[str, Any]:
    """A block as it may be sent again; the library's stream helper adds a field of its own."""
    return {key: value for key, value in block.model_dump(exclude_none=True).items() if key != "parsed_output"}


_CLASSES = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    404: anthropic.NotFoundError,
    429: anthropic.RateLimitError,
    529: anthropic.APIStatusError,
}


def _refused(error: anthropic.APIError, pieces: int) -> Refused:
    """The library's error; it must be of the class that the library has for its status."""
    assert isinstance(error, anthropic.APIStatusError), f"the connection broke: {error!r}"
    if error.status_code != 200:  # told inside a stream otherwise
        wanted = _CLASSES.get(error.status_code, anthropic.APIStatusError)
        assert isinstance(error, wanted), f"{type(error).__name__} for status {error.status_code}"
    assert isinstance(error.body, dict) and error.body["type"] == "error", error.body
    waits = error.response.headers.get("retry-after", "")
    return Refused(error.status_code, error.message, type(error).__name__, waits, pieces)
