"""Items, the pieces of this wire's conversations: checked and surveyed, and told as neutral messages.

Items that only this wire's providers understand are kept for them and make others ineligible, unless
they are mere records of what a provider did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from codriver.errors import RequestRejected, reject
from codriver.model import request as m
from codriver.wire import envelope
from codriver.wire.openai_responses.tools import joined, wrapped

CALLS = frozenset({"function_call", "custom_tool_call"})
RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})
RECORDS = frozenset({"web_search_call"})
"""What a provider did on its own; its fruit is in the message behind it."""
_ROLE: dict[str, m.Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_TEXTS = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})


class Item(msgspec.Struct, gc=False):
    """Any item. What depends on its type is checked by `seen`: a new type may have any shape."""

    type: str | None = None
    role: str | None = None
    content: Any = None
    id: Any = None
    call_id: Any = None
    name: Any = None
    namespace: Any = None
    arguments: Any = None
    input: Any = None
    output: Any = None
    summary: Any = None
    encrypted_content: Any = None
    tools: Any = None


@dataclass(slots=True)
class Seen:
    """What is in an item: its texts, how many images, and names of what no other wire carries."""

    texts: list[str] = field(default_factory=list)
    images: int = 0
    foreign: set[str] = field(default_factory=set)


def seen(item: Item, place: str) -> Seen:
    """Looks through an item. Raises RequestRejected naming what the API would refuse."""
    found = Seen()
    if item.type in (None, "message"):
        _message(item, place, found)
    elif item.type in CALLS:
        _text(item.call_id, f"{place}.call_id")
        free = item.type == "custom_tool_call"
        said = _text(item.input, f"{place}.input") if free else _text(item.arguments, f"{place}.arguments")
        found.texts += (_text(item.name, f"{place}.name"), said)
    elif item.type in RESULTS:
        _text(item.call_id, f"{place}.call_id")
        if item.output is None:
            raise _missing(f"{place}.output")
        _content(item.output, f"{place}.output", found)
    elif item.type == "reasoning":
        found.texts += list(_thoughts(item))
    elif item.type not in RECORDS and item.type != "additional_tools":
        found.foreign.add(f"input[{item.type}]")
    return found


def _message(item: Item, place: str, found: Seen) -> None:
    if item.role is None and item.type is None:
        raise _missing(f"{place}.role")
    if item.role not in _ROLE:
        text = f"{place}.role: Expected one of {', '.join(_ROLE)}, got {str(item.role)[:40]!r}"
        raise reject(text, field=f"{place}.role")
    if item.content is None:
        raise _missing(f"{place}.content")
    _content(item.content, f"{place}.content", found)


def _content(content: object, place: str, found: Seen) -> None:
    if isinstance(content, str):
        found.texts.append(content)
        return
    if not isinstance(content, list):
        raise reject(f"{place}: Expected `str | array`", field=place)
    for number, part in enumerate(content):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise reject(f"{place}[{number}]: Expected `object` with a type", field=f"{place}[{number}]")
        kind = part["type"]
        if kind in _TEXTS:
            found.texts.append(_text(part.get("text"), f"{place}[{number}].text"))
        elif kind == "refusal":
            found.texts.append(str(part.get("refusal") or ""))
        elif kind == "input_image" and isinstance(part.get("image_url"), str):
            found.images += 1
        else:
            found.foreign.add(f"content[{kind}]")


def _text(value: object, place: str) -> str:
    if value is None:
        raise _missing(place)
    if not isinstance(value, str):
        raise reject(f"{place}: Expected `str`", field=place)
    return value


def _missing(place: str) -> RequestRejected:
    return reject(f"{place}: Field required", field=place)


def messages(entries: Iterable[Item]) -> tuple[tuple[m.Message, ...], list[str]]:
    """The conversation in neutral form, neighbours of one kind in one message; and the names of items left out."""
    told: list[tuple[m.Role, list[m.Part]]] = []
    left: dict[str, None] = {}
    for item in entries:
        if item.type in RECORDS:
            left[f"input[{item.type}]"] = None
        for role, parts in _told(item):
            if told and told[-1][0] == role and role in ("assistant", "tool"):
                told[-1][1].extend(parts)
            else:
                told.append((role, parts))
    return tuple(m.Message(role, tuple(parts)) for role, parts in told), list(left)


def _told(item: Item) -> Iterator[tuple[m.Role, list[m.Part]]]:
    match item.type:
        case None | "message":
            yield _ROLE[item.role or ""], list(parts_of(item.content))
        case "function_call" | "custom_tool_call":
            said = wrapped(item.input) if item.type == "custom_tool_call" else item.arguments
            yield "assistant", [m.ToolCall(item.call_id, flat_name(item.namespace, item.name), said)]
        case "function_call_output" | "custom_tool_call_output":
            shown = tuple(part for part in parts_of(item.output) if isinstance(part, m.Text | m.Image))
            yield "tool", [m.ToolResult(item.call_id, shown)]
        case "reasoning":
            if thought := list(reasoning(item)):
                yield "assistant", thought
        case _:
            pass


def parts_of(content: object) -> Iterator[m.Part]:
    """The texts and images of a content or an output."""
    if isinstance(content, str):
        if content:
            yield m.Text(content)
        return
    for part in content if isinstance(content, list) else ():
        if text := part.get("text") or part.get("refusal"):
            yield m.Text(str(text))
        elif isinstance(part.get("image_url"), str):
            yield image(part["image_url"])


def image(url: str) -> m.Image:
    """An image by its address; a data URL is taken apart."""
    if url.startswith("data:") and ";base64," in url:
        kind, _, data = url[5:].partition(";base64,")
        return m.Image(kind, data)
    return m.Image(url=url)


def reasoning(item: Item) -> Iterator[m.Part]:
    """A reasoning item's blocks: those in an envelope of ours, else its text with the item itself as signature."""
    sealed = item.encrypted_content if isinstance(item.encrypted_content, str) else ""
    opened = envelope.open(sealed)
    if opened is not None:
        yield from opened
        return
    text = "\n\n".join(_thoughts(item))
    if sealed and not envelope.sealed(sealed):
        yield m.Reasoning(text, signature(item.id, sealed))
    elif text:
        yield m.Reasoning(text)


def signature(ident: object, encrypted: str) -> str:
    """An encrypted item in one string. Its id goes along: the API verifies the two together."""
    return f"{ident if isinstance(ident, str) else ''}|{encrypted}"


def bound(item: Item) -> str:
    """What only the item's maker can read or find again, "" if there is no such thing. Our own envelope
    names its maker itself."""
    held = item.encrypted_content
    if isinstance(held, str) and held:
        return "" if envelope.sealed(held) else held
    return signature(item.id, "") if item.type == "reasoning" and isinstance(item.id, str) else ""


def _thoughts(item: Item) -> Iterator[str]:
    for listed in (item.summary, item.content):
        for part in listed if isinstance(listed, list) else ():
            if isinstance(part, dict) and isinstance(part.get("text"), str) and part["text"]:
                yield part["text"]


def flat_name(group: object, name: object) -> str:
    """The neutral name of a tool that a call or a choice names."""
    return joined(group if isinstance(group, str) else "", name if isinstance(name, str) else "")
