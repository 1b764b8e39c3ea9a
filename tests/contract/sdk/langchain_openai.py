"""LangChain's ChatOpenAI, in an environment of its own."""

from __future__ import annotations

import base64
from typing import Any

import openai
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI

from contract.asking import Absent, Ask, Call, Client, Said
from contract.sdk.openai_chat import refused


def client(base: str, key: str) -> Client:
    return _LangChain(base, key)


class _LangChain:
    def __init__(self, base: str, key: str) -> None:
        self._base, self._key = f"{base}/v1", key

    async def close(self) -> None:
        """The models share LangChain's own connections."""

    async def ask(self, ask: Ask) -> Said:
        if ask.n > 1 and ask.stream:
            raise self._no_choices_in_streams()
        model, counted = self._model(ask), [0]
        try:
            if ask.n > 1:
                return _choices(await model.agenerate([_messages(ask)]))
            bound = _bound(model, ask)
            if not ask.stream:
                return _said(await bound.ainvoke(_messages(ask)), 0)
            whole: Any = None
            async for chunk in bound.astream(_messages(ask)):
                whole = chunk if whole is None else whole + chunk
                if chunk.content or chunk.tool_call_chunks or chunk.additional_kwargs:
                    counted[0] += 1
                    if ask.seen:
                        ask.seen(counted[0])
            return _said(whole, counted[0])
        except openai.APIError as error:
            raise refused(error, counted[0]) from error

    def _model(self, ask: Ask) -> ChatOpenAI:
        more: dict[str, Any] = {"extra_body": {"temperature": ask.temperature}} if ask.temperature is not None else {}
        return ChatOpenAI(
            model=ask.model or "auto",
            base_url=self._base,
            api_key=self._key if ask.model else "wrong",
            max_retries=0,
            max_tokens=ask.max_tokens,
            stream_usage=ask.usage,
            n=ask.n if ask.n > 1 else None,
            stop_sequences=list(ask.stop) or None,
            **more,
        )

    def _no_choices_in_streams(self) -> Exception:
        try:
            ChatOpenAI(model="auto", base_url=self._base, api_key=self._key, n=3, streaming=True)
        except ValueError as error:
            if "n must be 1 when streaming" in str(error):
                return Absent("n with streaming")
        return AssertionError("LangChain streams several choices now: the contract must ask for them")


def _messages(ask: Ask) -> list[Any]:
    content: Any = ask.text
    if ask.image:
        data = base64.b64encode(ask.image).decode()
        content = [
            {"type": "text", "text": ask.text},
            {"type": "image", "base64": data, "mime_type": "image/png"},
        ]
    messages: list[Any] = [SystemMessage(ask.system)] if ask.system else []
    messages.append(HumanMessage(content))
    if ask.after:
        said, results = ask.after
        messages.append(said.native)
        messages += [
            ToolMessage(result, tool_call_id=call.id) for call, result in zip(said.calls, results, strict=True)
        ]
    return messages


def _bound(model: ChatOpenAI, ask: Ask) -> Any:
    if ask.schema:
        form = {"name": "person", "schema": ask.schema, "strict": True}
        return model.bind(response_format={"type": "json_schema", "json_schema": form})
    if not ask.tools:
        return model
    tools = [
        {"type": "function", "function": {"name": f.name, "description": f.description, "parameters": dict(f.schema)}}
        for f in ask.tools
    ]
    choice = {"": None, "required": "any"}.get(ask.choice, ask.choice)
    more = {} if ask.parallel is None else {"parallel_tool_calls": ask.parallel}
    return model.bind_tools(tools, tool_choice=choice, **more)


_FINISH = {"content_filter": "filtered"}


def _said(message: Any, pieces: int) -> Said:
    used = message.usage_metadata
    assert not message.invalid_tool_calls, message.invalid_tool_calls
    reason = message.response_metadata["finish_reason"]
    return Said(
        texts=(message.text,),
        calls=tuple(Call(call["id"], call["name"], call["args"]) for call in message.tool_calls),
        finish=_FINISH.get(reason, reason),
        usage=(used["input_tokens"], used["output_tokens"]) if used else None,
        pieces=pieces,
        native=message,
    )


def _choices(made: Any) -> Said:
    return Said(texts=tuple(generation.text for generation in made.generations[0]))
