"""Google's library on generateContent."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from google import genai
from google.genai import errors, types

from contract.asking import Ask, Call, Client, Refused, Said, absent


def client(base: str, key: str) -> Client:
    return _Google(base, key)


class _Google:
    def __init__(self, base: str, key: str) -> None:
        self._right, self._wrong = (
            genai.Client(api_key=word, http_options=types.HttpOptions(base_url=base)).aio for word in (key, "wrong")
        )

    async def close(self) -> None:
        await self._right.aclose()
        await self._wrong.aclose()

    async def ask(self, ask: Ask) -> Said:
        if ask.parallel is not None:
            for model in (types.FunctionCallingConfig, types.ToolConfig, types.GenerateContentConfig):
                missing = absent(model, "parallel_tool_calls")
            raise missing
        models = (self._right if ask.model else self._wrong).models
        asked = {"model": ask.model or "auto", "contents": _contents(ask), "config": _config(ask)}
        counted = [0]
        try:
            if not ask.stream:
                return _whole([await models.generate_content(**asked)], 0)
            chunks = []
            async for chunk in await models.generate_content_stream(**asked):
                chunks.append(chunk)
                if any(part.text or part.function_call for part in _parts(chunk)):
                    counted[0] += 1
                    if ask.seen:
                        ask.seen(counted[0])
            return _whole(chunks, counted[0])
        except errors.APIError as error:
            raise _refused(error, counted[0]) from error


def _contents(ask: Ask) -> list[types.Content]:
    parts = [types.Part.from_text(text=ask.text)]
    if ask.image:
        parts.append(types.Part.from_bytes(data=ask.image, mime_type="image/png"))
    contents = [types.Content(role="user", parts=parts)]
    if ask.after:
        said, results = ask.after
        answered = [
            types.Part(
                function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": result})
            )
            for call, result in zip(said.calls, results, strict=True)
        ]
        contents += [said.native, types.Content(role="user", parts=answered)]
    return contents


def _config(ask: Ask) -> types.GenerateContentConfig:
    made: dict[str, Any] = {
        "max_output_tokens": ask.max_tokens,
        "automatic_function_calling": types.AutomaticFunctionCallingConfig(disable=True),
    }
    if ask.system:
        made["system_instruction"] = ask.system
    if ask.tools:
        declared = [
            types.FunctionDeclaration(name=f.name, description=f.description, parameters_json_schema=dict(f.schema))
            for f in ask.tools
        ]
        made["tools"] = [types.Tool(function_declarations=declared)]
    if ask.choice:
        mode = {"auto": "AUTO", "none": "NONE", "required": "ANY"}.get(ask.choice, "ANY")
        names = None if ask.choice in ("auto", "none", "required") else [ask.choice]
        told = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode(mode), allowed_function_names=names)
        made["tool_config"] = types.ToolConfig(function_calling_config=told)
    if ask.schema:
        made |= {"response_mime_type": "application/json", "response_json_schema": dict(ask.schema)}
    if ask.stop:
        made["stop_sequences"] = list(ask.stop)
    if ask.n > 1:
        made["candidate_count"] = ask.n
    if ask.temperature is not None:  # the library checks its own fields: nonsense goes in through its open door
        extra = {"generationConfig": {"temperature": ask.temperature}}
        made["http_options"] = types.HttpOptions(extra_body=extra)
    return types.GenerateContentConfig(**made)


def _parts(chunk: Any) -> list[Any]:
    contents = [candidate.content for candidate in chunk.candidates or ()]
    return [part for content in contents if content for part in content.parts or ()]


def _whole(chunks: list[Any], pieces: int) -> Said:
    texts: dict[int, str] = defaultdict(str)
    parts, reasons, usage = [], [], None
    for chunk in chunks:
        for number, candidate in enumerate(chunk.candidates or ()):
            held = (candidate.content.parts if candidate.content else None) or []
            texts[candidate.index or number] += "".join(part.text or "" for part in held if not part.thought)
            reasons += [candidate.finish_reason] if candidate.finish_reason else []
            parts += held
        usage = chunk.usage_metadata or usage
    assert reasons, "no finish reason"
    assert usage is not None, "no usage"
    calls = tuple(
        Call(part.function_call.id, part.function_call.name, part.function_call.args)
        for part in parts
        if part.function_call
    )
    return Said(
        texts=tuple(texts[index] for index in sorted(texts)),
        calls=calls,
        finish=_finish(reasons[-1], bool(calls)),
        usage=(usage.prompt_token_count, (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)),
        pieces=pieces,
        native=types.Content(role="model", parts=parts),
    )


def _finish(reason: types.FinishReason, calls: bool) -> str:
    if reason is types.FinishReason.STOP:
        return "tool_calls" if calls else "stop"
    return {types.FinishReason.MAX_TOKENS: "length", types.FinishReason.SAFETY: "filtered"}[reason]


def _refused(error: errors.APIError, pieces: int) -> Refused:
    """The library's error; it must be of the class that the library has for its status."""
    wanted = errors.ClientError if error.code < 500 else errors.ServerError
    assert isinstance(error, wanted), f"{type(error).__name__} for status {error.code}"
    assert error.message and error.status, f"not Google's error shape: {error}"
    waits = error.response.headers.get("retry-after", "") if getattr(error, "response", None) is not None else ""
    # The library has no other word for what a stream tells after its 200.
    return Refused(0 if pieces else error.code, error.message, type(error).__name__, waits, pieces)
