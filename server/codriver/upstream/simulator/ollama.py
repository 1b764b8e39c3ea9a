"""Ollama's two routes as its server speaks them: no key, wrong types in Go's words, lines of JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from codriver.model.events import Finish, Reply
from codriver.model.request import Conversation, Fim, Image, Limits, Message, Part, Text, Tool, ToolCall, ToolResult
from codriver.upstream.simulator import raw
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Answer, Asked, Frame, Refused, Unit, dump, pieces, seed, tokens

_KINDS: Mapping[type, str] = {
    bool: "bool",
    str: "string",
    list: "array",
    dict: "object",
    int: "number",
    float: "number",
}
_FIELDS: Mapping[str, tuple[type, ...]] = {
    "prompt": (str,), "suffix": (str,), "system": (str,), "template": (str,), "raw": (bool,), "stream": (bool,),
    "options": (dict,), "messages": (list,), "tools": (list,), "images": (list,), "think": (bool, str),
    "format": (str, dict), "context": (list,),
}  # fmt: skip
_OPTIONS: Mapping[str, tuple[type, ...]] = {
    "num_predict": (int,), "num_ctx": (int,), "seed": (int,), "top_k": (int,), "temperature": (int, float),
    "top_p": (int, float), "stop": (list,),
}  # fmt: skip


@dataclass
class Ollama:
    """One of the two routes. name: the wire's."""

    name: str
    stream_type: str = "application/x-ndjson"

    @property
    def chat(self) -> bool:
        return self.name == "ollama_chat"

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel) -> Asked:
        """What is asked. Raises Refused."""
        route = "ChatRequest" if self.chat else "GenerateRequest"
        _typed(body, _FIELDS, route)
        options = body.get("options") or {}
        _typed(options, _OPTIONS, "Options")
        conversation, prompts = (_conversation(body, model), ()) if self.chat else _generate(body)
        texts = [message.text for message in conversation.messages]
        texts += [f"{hole.prefix}{hole.suffix or ''}" for hole in prompts]
        length = options.get("num_predict", -1)
        form = body.get("format")
        schema = {"type": "json_schema", "schema": form} if isinstance(form, dict) else {"type": "json_object"}
        return Asked(
            model=model,
            seed=seed(body),
            units=tuple(Unit(text.encode("utf-8", "replace"), tokens(text)) for text in texts if text),
            conversation=conversation,
            prompts=prompts,
            limits=Limits(
                max_tokens=length if length >= 0 else None,
                stop=tuple(options.get("stop") or ()),
                schema=schema if form else None,
            ),
            stream=body.get("stream", True),
        )

    def frames(self, answer: Answer) -> Iterator[Frame]:
        """Lines: the text in pieces, calls whole, and the one that is done."""
        reply = answer.replies[0]
        for piece in pieces(reply.text):
            yield Frame(_line({**self._head(answer), **self._said(piece), "done": False}), "content", 1)
        if reply.tool_calls:
            yield Frame(_line({**self._head(answer), **self._said("", reply), "done": False}), "content", 1)
        yield Frame(_line({**self._head(answer), **self._said(""), **_done(answer, reply)}), "end")

    def whole(self, answer: Answer) -> Mapping[str, Any]:
        """The answer as one document."""
        reply = answer.replies[0]
        return {**self._head(answer), **self._said(reply.text, reply), **_done(answer, reply)}

    def error(self, refused: Refused) -> Mapping[str, Any]:
        """The document of a refusal."""
        return {"error": refused.message}

    def error_frame(self, refused: Refused) -> bytes:
        """A failure told inside a stream."""
        return _line(self.error(refused))

    def unknown(self, name: object) -> Refused:
        """The refusal of a model that is not there."""
        return Refused(404, f"model '{name}' not found") if name else Refused(400, "model is required")

    def _head(self, answer: Answer) -> dict[str, Any]:
        made = datetime.fromtimestamp(answer.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"model": answer.asked.model.id, "created_at": made}

    def _said(self, text: str, reply: Reply | None = None) -> dict[str, Any]:
        if not self.chat:
            return {"response": text}
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if reply is not None and reply.tool_calls:
            message["tool_calls"] = [
                {"function": {"name": call.name, "arguments": json.loads(call.arguments)}} for call in reply.tool_calls
            ]
        return {"message": message}


def page(path: str, body: Mapping[str, Any], models: Mapping[str, SimModel]) -> Mapping[str, Any] | None:
    """The answers about models, or None for another path. Raises Refused."""
    if path == "/api/version":
        return {"version": "0.12.6"}
    served = {name: model for name, model in models.items() if {"ollama_chat", "ollama_generate"} & set(model.wires)}
    if path == "/api/tags":
        return {"models": [{"name": name, "model": name, "size": 1, "digest": "0" * 64} for name in served]}
    if path != "/api/show":
        return None
    name = str(body.get("model") or body.get("name") or "").removesuffix(":latest")
    if name not in served:
        raise Refused(404, f"model '{name}' not found")
    holes = "ollama_generate" in served[name].wires
    template = "{{ .Prompt }}{{ .Suffix }}" if holes else "{{ .Prompt }}"
    return {"template": template, "capabilities": ["completion", *(["insert"] if holes else [])], "details": {}}


def _typed(body: Mapping[str, Any], known: Mapping[str, tuple[type, ...]], struct: str) -> None:
    """Wrong types are refused in the words of Go's decoder; what nobody knows is not looked at."""
    for name, kinds in known.items():
        value = body.get(name)
        if value is None or (isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))):
            continue
        kind = _KINDS.get(type(value), "value")
        wanted = _KINDS[kinds[0]]
        text = f"json: cannot unmarshal {kind} into Go struct field {struct}.{name} of type {wanted}"
        raise Refused(400, text)


def _generate(body: Mapping[str, Any]) -> tuple[Conversation, tuple[Fim, ...]]:
    if body.get("raw") and (body.get("template") or body.get("system") or body.get("context")):
        raise Refused(400, "raw mode does not support template, system, or context")
    prompt = body.get("prompt") or ""
    if body.get("raw"):
        return Conversation(()), (raw.hole(prompt),)
    if body.get("suffix"):
        return Conversation(()), (Fim(prompt, body["suffix"]),)
    system = (Message("system", (Text(body["system"]),)),) if body.get("system") else ()
    return Conversation((*system, Message("user", (Text(prompt),)))), ()


def _conversation(body: Mapping[str, Any], model: SimModel) -> Conversation:
    if body.get("tools") and not model.tools:
        raise Refused(400, f"registry.ollama.ai/library/{model.id} does not support tools")
    messages = [_message(number, item) for number, item in enumerate(body.get("messages") or [])]
    tools = [item.get("function", {}) for item in body.get("tools") or []]
    for tool in tools:
        if not isinstance(tool.get("parameters", {}), dict):
            raise Refused(400, "json: cannot unmarshal string into Go struct field ToolFunction.parameters")
    return Conversation(
        tuple(messages), tuple(Tool(t["name"], t.get("description", ""), t.get("parameters", {})) for t in tools)
    )


def _message(number: int, item: Any) -> Message:
    _typed(item, {"role": (str,), "content": (str,), "images": (list,), "tool_calls": (list,)}, "Message")
    if item.get("role") not in ("system", "user", "assistant", "tool"):
        raise Refused(400, f"invalid role: {item.get('role')}, role must be one of [system, user, assistant, tool]")
    content = item.get("content") or ""
    if item["role"] == "tool":
        return Message("tool", (ToolResult(item.get("tool_call_id", f"call_{number}"), (Text(content),)),))
    parts: list[Part] = [Text(content)] if content else []
    parts += [_image(image) for image in item.get("images") or []]
    for place, call in enumerate(item.get("tool_calls") or []):
        function = call.get("function", {})
        if not isinstance(function.get("arguments"), dict):
            text = "json: cannot unmarshal string into Go struct field ToolCallFunction.arguments of type api.Arguments"
            raise Refused(400, text)
        ident = call.get("id") or f"call_{number}_{place}"
        parts.append(ToolCall(ident, function["name"], json.dumps(function["arguments"])))
    return Message(item["role"], tuple(parts))


def _image(data: Any) -> Image:
    try:
        base64.b64decode(data, validate=True)
    except (ValueError, TypeError) as error:
        raise Refused(400, "illegal base64 data at input byte 0") from error
    return Image("image/png", data)


def _done(answer: Answer, reply: Reply) -> dict[str, Any]:
    return {
        "done": True,
        "done_reason": "length" if reply.finish is Finish.LENGTH else "stop",
        "total_duration": 2_000_000,
        "load_duration": 0,
        "prompt_eval_count": answer.usage.prompt,
        "prompt_eval_duration": 1_000_000,
        "eval_count": answer.usage.output,
        "eval_duration": 1_000_000,
    }


def _line(value: Any) -> bytes:
    return dump(value) + b"\n"
