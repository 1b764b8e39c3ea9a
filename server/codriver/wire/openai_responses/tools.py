"""Tools of this wire and their calls, there and back: functions, free-text tools, groups of either.

Other wires know only functions with a flat name. A group's tools get its name in front, as their
calls come back with the two apart; free text becomes the one argument of a function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from codriver.errors import reject
from codriver.model import request as m
from codriver.wire import jsontext, names

DEFAULT_GROUP = "functions"
"""The group Codex puts its own tools in, and takes for granted where a call names none."""


class Tool(msgspec.Struct, gc=False):
    """A tool as a caller lists it. Those that only the provider can run have fields we do not read."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = jsontext.NOTHING
    strict: bool | None = None
    format: msgspec.Raw = jsontext.NOTHING
    tools: list[Tool] | None = None


_LISTED = msgspec.json.Decoder(list[Tool])


@dataclass(slots=True)
class Toolbox:
    """Tools in neutral form. foreign: types of those that only this wire's providers have."""

    tools: dict[str, m.Tool] = field(default_factory=dict)
    foreign: dict[str, None] = field(default_factory=dict)


def listed(value: object) -> list[Tool]:
    """Tools that stand inside an input item. Raises msgspec.ValidationError."""
    return _LISTED.decode(jsontext.encode(value))


def gathered(tools: Iterable[Tool], place: str = "tools") -> Toolbox:
    """All tools, flat. Raises RequestRejected naming one without a name or with a schema that is none."""
    box = Toolbox()
    _gather(box, tools, place, "", "")
    return box


def _gather(box: Toolbox, tools: Iterable[Tool], place: str, group: str, about: str) -> None:
    for number, tool in enumerate(tools):
        here = f"{place}[{number}]"
        if tool.type not in ("function", "custom", "namespace"):
            box.foreign[tool.type] = None
            continue
        if not tool.name:
            raise reject(f"{here}.name: Field required", field=f"{here}.name")
        if tool.type == "namespace":
            _gather(box, tool.tools or (), f"{here}.tools", tool.name, tool.description or "")
            continue
        # What is said of the group stands once, with its first tool.
        made = _neutral(tool, here, group, about)
        about = ""
        box.tools.setdefault(made.name, made)


def _neutral(tool: Tool, place: str, group: str, about: str) -> m.Tool:
    description = "\n\n".join(text for text in (tool.description or "", about and f"{group}: {about}") if text)
    name = joined(group, tool.name or "")
    if tool.type == "custom":
        form = jsontext.known(tool.format)
        form = form if isinstance(form, dict) else {}
        return m.Tool(name, description, _free_text(form), None, form, group)
    jsontext.schema(tool.parameters, f"{place}.parameters")
    return m.Tool(name, description, jsontext.known(tool.parameters) or {}, tool.strict, None, group)


def _free_text(form: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a free-text tool's one argument; a grammar is told in words."""
    grammar = form.get("definition")
    if not isinstance(grammar, str):
        return m.FREE_TEXT
    text = {"type": "string", "description": f"Text of this grammar ({form.get('syntax')}):\n{grammar}"}
    return {**m.FREE_TEXT, "properties": {"input": text}}


def joined(group: str, name: str) -> str:
    """The flat name of a group's tool."""
    return name if group in ("", DEFAULT_GROUP) else f"{group}{'' if group.endswith('_') else '__'}{name}"


def bare(tool: m.Tool) -> str:
    """The name of a tool inside its group."""
    return tool.name.removeprefix(joined(tool.namespace, "")) if tool.namespace else tool.name


def known(tools: Sequence[m.Tool]) -> dict[str, m.Tool]:
    """The caller's tools by every name under which a model may call them: as sent, and without the group if
    only one is called so."""
    found = {name: tool for tool in tools for name in (names.legal_name(tool.name), tool.name)}
    inner: dict[str, list[m.Tool]] = {}
    for tool in tools:
        inner.setdefault(bare(tool), []).append(tool)
    return {name: same[0] for name, same in inner.items() if len(same) == 1} | found


def wrapped(text: str) -> str:
    """Free text as the arguments of a function."""
    return jsontext.encode({"input": text}).decode()


def unwrapped(arguments: str) -> str:
    """The free text in a function's arguments; arguments of another form are taken for the text itself."""
    value = jsontext.arguments(arguments)
    if value is None:
        return arguments
    texts = [text for text in (value.get("input"), *value.values()) if isinstance(text, str)]
    return texts[0] if texts else arguments if value else ""
