"""LlamaIndex's OpenAI-like model, in an environment of its own, with version 2 of OpenAI's library beneath."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import openai
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool, ToolMetadata
from llama_index.llms.openai_like import OpenAILike

from contract.asking import Ask, Call, Client, Said
from contract.sdk.openai_chat import refused


def client(base: str, key: str) -> Client:
    return _LlamaIndex(base, key)


class _LlamaIndex:
    def __init__(self, base: str, key: str) -> None:
        self._base, self._key = f"{base}/v1", key

    async def close(self) -> None:
        """The models close their connections themselves."""

    async def ask(self, ask: Ask) -> Said:
        model, counted = self._model(ask), [0]
        try:
            if not ask.stream:
                return _whole(await self._asked(model, ask))
            return await _streamed(await self._asked(model, ask), ask, counted)
        except openai.APIError as error:
            raise refused(error, counted[0]) from error

    def _model(self, ask: Ask) -> OpenAILike:
        more: dict[str, Any] = {}
        if ask.stop:
            more["stop"] = list(ask.stop)
        if ask.n > 1:
            more["n"] = ask.n
        if ask.temperature is not None:
            more["temperature"] = ask.temperature
        if ask.stream:
            more["stream_options"] = {"include_usage": ask.usage}
        if ask.schema:
            form = {"name": "person", "schema": ask.schema, "strict": True}
            more["response_format"] = {"type": "json_schema", "json_schema": form}
        return OpenAILike(
            model=ask.model or "auto",
            api_base=self._base,
            api_key=self._key if ask.model else "wrong",
            max_retries=0,
            max_tokens=ask.max_tokens,
            is_chat_model=True,
            is_function_calling_model=True,
            additional_kwargs=more,
        )

    async def _asked(self, model: OpenAILike, ask: Ask) -> Any:
        if not ask.tools:
            return await (model.astream_chat if ask.stream else model.achat)(_messages(ask))
        more: dict[str, Any] = {"allow_parallel_tool_calls": ask.parallel is not False}
        if ask.choice == "required":
            more["tool_required"] = True
        elif ask.choice:
            more["tool_choice"] = ask.choice
        call = model.astream_chat_with_tools if ask.stream else model.achat_with_tools
        return await call([_Tool(function) for function in ask.tools], chat_history=_messages(ask), **more)


class _Tool(FunctionTool):
    """A tool whose schema is given, not derived from a function's signature."""

    def __init__(self, function: Any) -> None:
        super().__init__(fn=lambda **_: "", metadata=_Metadata(function))


class _Metadata(ToolMetadata):
    def __init__(self, function: Any) -> None:
        super().__init__(description=function.description, name=function.name)
        self._schema = function.schema

    def get_parameters_dict(self) -> dict[str, Any]:
        return dict(self._schema)


def _messages(ask: Ask) -> list[ChatMessage]:
    blocks: list[Any] = [TextBlock(text=ask.text)]
    if ask.image:
        blocks.append(ImageBlock(image=ask.image, image_mimetype="image/png"))
    messages = [ChatMessage(role="system", content=ask.system)] if ask.system else []
    messages.append(ChatMessage(role="user", blocks=blocks))
    if ask.after:
        said, results = ask.after
        messages.append(said.native)
        messages += [
            ChatMessage(role="tool", content=result, additional_kwargs={"tool_call_id": call.id})
            for call, result in zip(said.calls, results, strict=True)
        ]
    return messages


def _calls(message: ChatMessage) -> tuple[Call, ...]:
    found = [block for block in message.blocks if block.block_type == "tool_call"]
    return tuple(
        Call(
            block.tool_call_id,
            block.tool_name,
            json.loads(block.tool_kwargs) if isinstance(block.tool_kwargs, str) else block.tool_kwargs,
        )
        for block in found
    )


def _finish(reason: str) -> str:
    return "filtered" if reason == "content_filter" else reason


def _whole(made: Any) -> Said:
    used = made.raw.usage
    return Said(
        texts=tuple(choice.message.content or "" for choice in made.raw.choices),
        calls=_calls(made.message),
        finish=_finish(made.raw.choices[0].finish_reason),
        usage=(used.prompt_tokens, used.completion_tokens),
        native=made.message,
    )


async def _streamed(stream: Any, ask: Ask, counted: list[int]) -> Said:
    last, reason, usage = None, "", None
    texts: dict[int, str] = defaultdict(str)  # the library itself puts only the first choice together
    async for made in stream:
        for choice in made.raw.choices:
            texts[choice.index] += choice.delta.content or ""
            reason = choice.finish_reason or reason
            if any(value for name, value in choice.delta.model_dump().items() if name != "role"):
                counted[0] += 1
                if ask.seen:
                    ask.seen(counted[0])
        if made.raw.usage is not None:
            usage = (made.raw.usage.prompt_tokens, made.raw.usage.completion_tokens)
        last = made.message
    assert last is not None, "nothing was streamed"
    return Said(tuple(texts[index] for index in sorted(texts)), _calls(last), _finish(reason), usage, counted[0], last)
