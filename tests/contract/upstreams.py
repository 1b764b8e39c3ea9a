"""The upstream wires: the model that speaks each, and where in a body of it a feature is to be found.

Read from the providers' references, not from the codecs: a feature counts as arrived only in the upstream's own form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Body = Mapping[str, Any]

MODELS = ("sim-small", "sim-medium", "sim-large", "sim-claude", "sim-codex", "sim-gemini")
"""The simulator's chat models: all but one are switched off."""
WINDOW = 60_000
"""Tokens: so that a prompt can be too long for everybody without being megabytes."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """One wire. path: part of its URL. The functions say what a body of this wire asks for.

    choice: auto, none, required, or a function's name. single: whether one call at most is asked for.
    """

    model: str
    path: str
    system: Callable[[Body], str]
    tools: Callable[[Body], set[str]]
    choice: Callable[[Body], str]
    single: Callable[[Body], bool]
    schema: Callable[[Body], set[str]]
    image: Callable[[Body], str]
    stops: Callable[[Body], list[str]]
    n: Callable[[Body], int]

    def settings(self) -> str:
        """Settings under which this model is the only one for chats."""
        off = "".join(
            f"[providers.simulator.models.{name}]\nenabled = false\n" for name in MODELS if name != self.model
        )
        return f"{off}[providers.simulator.models.{self.model}]\nenabled = true\nwindow = {WINDOW}\n"


def _parts(turns: Any, inner: str) -> list[Mapping[str, Any]]:
    """All parts of all turns whose content is a list."""
    lists = [turn.get(inner) for turn in turns or ()]
    return [part for parts in lists if isinstance(parts, list) for part in parts]


def _words(content: Any) -> str:
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content or ())


def _said_by(turns: Any, *roles: str) -> str:
    return " ".join(_words(turn.get("content")) for turn in turns if turn.get("role") in roles)


def _first(found: list[str]) -> str:
    return found[0] if found else ""


def _openai_choice(choice: Any) -> str:
    if isinstance(choice, Mapping):
        return str((choice.get("function") or choice)["name"])
    return str(choice or "auto")


def _properties(schema: Any) -> set[str]:
    return set((schema or {}).get("properties", ()))


CHAT = Upstream(
    model="sim-large",
    path="/v1/chat/completions",
    system=lambda body: _said_by(body["messages"], "system", "developer"),
    tools=lambda body: {tool["function"]["name"] for tool in body.get("tools", ())},
    choice=lambda body: _openai_choice(body.get("tool_choice")),
    single=lambda body: body.get("parallel_tool_calls") is False,
    schema=lambda body: _properties(body.get("response_format", {}).get("json_schema", {}).get("schema")),
    image=lambda body: _first(
        [part["image_url"]["url"] for part in _parts(body["messages"], "content") if part["type"] == "image_url"]
    ).rpartition(",")[2],
    stops=lambda body: [body["stop"]] if isinstance(body.get("stop"), str) else list(body.get("stop") or ()),
    n=lambda body: body.get("n", 1),
)

RESPONSES = Upstream(
    model="sim-codex",
    path="/v1/responses",
    system=lambda body: f"{body.get('instructions') or ''} {_said_by(_items(body), 'system', 'developer')}",
    tools=lambda body: {tool["name"] for tool in body.get("tools", ())},
    choice=lambda body: _openai_choice(body.get("tool_choice")),
    single=lambda body: body.get("parallel_tool_calls") is False,
    schema=lambda body: _properties(body.get("text", {}).get("format", {}).get("schema")),
    image=lambda body: _first(
        [part["image_url"] for part in _parts(_items(body), "content") if part["type"] == "input_image"]
    ).rpartition(",")[2],
    stops=lambda body: [],
    n=lambda body: 1,
)


def _items(body: Body) -> list[Mapping[str, Any]]:
    asked = body["input"]
    return [{"role": "user", "content": asked}] if isinstance(asked, str) else list(asked)


def _anthropic_choice(body: Body) -> str:
    choice = body.get("tool_choice") or {"type": "auto"}
    return {"any": "required", "tool": choice.get("name", "")}.get(choice["type"], choice["type"])


ANTHROPIC = Upstream(
    model="sim-claude",
    path="/v1/messages",
    system=lambda body: _words(body.get("system")),
    tools=lambda body: {tool["name"] for tool in body.get("tools", ())},
    choice=_anthropic_choice,
    single=lambda body: (body.get("tool_choice") or {}).get("disable_parallel_tool_use") is True,
    schema=lambda body: _properties(((body.get("output_config") or {}).get("format") or {}).get("schema")),
    image=lambda body: _first(
        [part["source"]["data"] for part in _parts(body["messages"], "content") if part["type"] == "image"]
    ),
    stops=lambda body: list(body.get("stop_sequences") or ()),
    n=lambda body: 1,
)


def _gemini_choice(body: Body) -> str:
    told = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    allowed = told.get("allowedFunctionNames") or ()
    words = {"": "auto", "AUTO": "auto", "NONE": "none", "ANY": allowed[0] if len(allowed) == 1 else "required"}
    return str(words[told.get("mode", "")])


def _config(body: Body) -> Body:
    return dict(body.get("generationConfig") or {})


GEMINI = Upstream(
    model="sim-gemini",
    path="/v1beta/models/",
    system=lambda body: _words((body.get("systemInstruction") or {}).get("parts")),
    tools=lambda body: {f["name"] for tool in body.get("tools", ()) for f in tool.get("functionDeclarations", ())},
    choice=_gemini_choice,
    single=lambda body: False,
    schema=lambda body: _properties(_config(body).get("responseSchema") or _config(body).get("responseJsonSchema")),
    image=lambda body: _first(
        [part["inlineData"]["data"] for part in _parts(body["contents"], "parts") if "inlineData" in part]
    ),
    stops=lambda body: list(_config(body).get("stopSequences") or ()),
    n=lambda body: _config(body).get("candidateCount", 1),
)

UPSTREAMS: Mapping[str, Upstream] = {
    "openai_chat": CHAT,
    "openai_responses": RESPONSES,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
}
