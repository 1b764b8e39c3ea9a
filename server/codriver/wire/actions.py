"""What a request is to the agent that sends it: its main line of work, a tool's result, a sub-agent's, or an errand
beside it (a title, a classification, a compaction, a commit message, a probe).

Told by shape and by how known programs begin such requests (actions.toml). Whatever is not certain is the main line:
to take an errand for it costs a little, to take it for an errand costs an answer.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from codriver.model.request import Purpose
from codriver.model.value import value
from codriver.wire import noise
from codriver.wire.noise import Openings

SYSTEMS = 4
"""Texts of the system prompt that are looked at: the first may be a billing line, the second a name."""
BLOCKS = 2
"""Texts of the last turn that are looked at, from its end: a wish of the program's own stands there."""
_PROBES = frozenset({"quota", "test", "count", "ping"})
_PROBED = 16
_TITLE = frozenset({"title"})


@value(frozen=True, slots=True)
class Shape:
    """What is looked at of a request.

    system: the system prompt's first texts; last: the texts of the last turn that is not the system's, if a human
    or a program in his name wrote it. answers: whether that turn brings results of tools. most: tokens an answer may
    have. schema: as in Limits. messages: how many there are, without the system prompt.
    """

    system: tuple[str, ...]
    last: tuple[str, ...]
    answers: bool
    tools: bool
    messages: int
    most: int | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    action: Purpose
    tools: bool | None


@dataclass(frozen=True, slots=True)
class _Header:
    name: str
    has: str
    action: Purpose


@dataclass(frozen=True, slots=True)
class _Known:
    rules: tuple[_Rule, ...]
    system: Openings
    last: Openings
    headers: tuple[_Header, ...]


@cache
def _known() -> _Known:
    table = tomllib.loads((Path(__file__).parent / "actions.toml").read_text(encoding="utf-8"))
    headers = tuple(_Header(row["name"], row.get("has", ""), Purpose(row["action"])) for row in table.pop("headers"))
    rules: list[_Rule] = []
    places: dict[str, dict[str, int]] = {"system": {}, "last": {}}
    for action, rows in table.items():
        for row in rows:
            asked = row.get("tools", False)
            rules.append(_Rule(Purpose(action), None if asked == "either" else asked))
            for place, phrases in places.items():
                phrases |= dict.fromkeys(row.get(place, ()), len(rules) - 1)
    return _Known(tuple(rules), Openings(places["system"]), Openings(places["last"]), headers)


def purpose(shape: Shape, headers: Mapping[str, str]) -> Purpose:
    """The action of a request. A tool's result is one in sub-agents too: `intake.session` keeps those apart."""
    told = _told(headers)
    if told is Purpose.COMPACTION:
        return told
    found = _by_words(shape)
    if found is None and not shape.answers:
        found = _by_shape(shape)
    if found is not None and found not in (Purpose.SUBAGENT, Purpose.MAIN):
        return found
    if shape.answers:
        return Purpose.TOOL_RESULT
    return told or found or (Purpose.MAIN if shape.tools else Purpose.CHAT)


def _told(headers: Mapping[str, str]) -> Purpose | None:
    """What a header says."""
    for header in _known().headers:
        value = headers.get(header.name)
        if value and header.has in value:
            return header.action
    return None


def _by_words(shape: Shape) -> Purpose | None:
    """What a known program says of itself: the last turn's words before the system prompt's."""
    known = _known()
    return _first(known, known.last, shape.last[-BLOCKS:][::-1], shape) or _first(
        known, known.system, shape.system[:SYSTEMS], shape
    )


def _first(known: _Known, openings: Openings, texts: Iterable[str], shape: Shape) -> Purpose | None:
    for text in texts:
        number = openings.of(text)
        if number is not None and known.rules[number].tools in (None, shape.tools):
            return known.rules[number].action
    return None


def _by_shape(shape: Shape) -> Purpose | None:
    """What any program's request of this shape is: one token is a probe, a schema of a title alone asks for one."""
    if not shape.messages or (shape.most is None and shape.schema is None):
        return None
    if shape.most is not None and 0 < shape.most <= 1:
        return Purpose.PROBE
    if shape.tools or shape.messages > 1:
        return None
    word = "".join(shape.last[:2]).strip().lower()
    if shape.most is not None and shape.most <= _PROBED and not shape.system and word in _PROBES:
        return Purpose.PROBE
    asked = (shape.schema or {}).get("schema")
    properties = asked.get("properties") if isinstance(asked, dict) else None
    return Purpose.TITLE if isinstance(properties, dict) and properties.keys() == _TITLE else None


def beginning(shape: Shape, turns: Sequence[str]) -> Iterator[str]:
    """What a conversation without a key of its own is known by: its system prompt and its first turns, up to the one in
    which a human says something. Nothing where it may be a single question: only with tools, or from the second turn
    on, is there something to come back to."""
    if not turns or not (shape.tools or shape.messages > len(turns)):
        return
    yield from shape.system[:SYSTEMS]
    for turn in turns:
        if lasting := noise.lasting(turn).strip():
            yield lasting
        if noise.human(turn):
            return
