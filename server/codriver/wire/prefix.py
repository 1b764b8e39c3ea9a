"""Agents send their whole history with every turn: what was read of it before is not read again.

A body that begins with the bytes of an earlier one, up to the start of a message, means the same up
to there. So only the rest is decoded, behind the fields that stand before the first message. Nothing
but time depends on it: a cache of pure functions, bounded in number and bytes.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Protocol, TypeVar

import msgspec

from codriver.errors import RequestRejected
from codriver.wire import jsontext, relay
from codriver.wire.survey import Survey

M = TypeVar("M")


class Talk(Protocol[M]):
    """A decoded body with a list of messages."""

    messages: list[M]


# Of any messages: a bound cannot name another variable.
B = TypeVar("B", bound=Talk)  # type: ignore[type-arg]

SMALLEST = 16_000
"""Bytes of a body below which remembering costs more than it saves."""
LARGEST = 4_000_000
ENTRIES, BYTES = 16, 16_000_000
LAST = 4
"""Messages at the end that are always read anew: cache marks move over them from turn to turn."""

_LIST = re.compile(rb'"messages"\s*:\s*(\[\s*)')
_BETWEEN = b" \t\r\n,"


class _Outline(msgspec.Struct):
    messages: list[msgspec.Raw] = []


_OUTLINE = msgspec.json.Decoder(_Outline)


@dataclass(frozen=True, slots=True)
class Known(Generic[M]):
    """What was read of a body's beginning. start: these bytes, up to a message's first one;
    opening: those before the first message; survey: what is in the messages."""

    start: bytes
    opening: bytes
    messages: list[M]
    survey: Survey


class Reader(Generic[B, M]):
    """Reads the bodies of one wire. walk: adds to a survey what is in some messages, given how many
    stand before them; raises RequestRejected."""

    def __init__(self, decoder: msgspec.json.Decoder[B], walk: Callable[[list[M], int, Survey], None]) -> None:
        self._decoder = decoder
        self._walk = walk
        self._held: deque[Known[M]] = deque()
        self._bytes = 0

    def read(self, body: bytes) -> tuple[B, Survey, bytes]:
        """The body, what is in its messages, and the bytes to go on with. Raises as jsontext.body."""
        known = self._find(body) if len(body) >= SMALLEST else None
        if known is not None:
            try:
                return (*self._read_on(body, known), body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, RequestRejected):
                pass  # reading it whole tells the right place
        asked, sound = jsontext.body(self._decoder, body)
        survey = Survey()
        self._walk(asked.messages, 0, survey)
        if known is None and sound is body and _worth(body, 0):
            self._grow(body, None, asked.messages)
        return asked, survey, sound

    def _find(self, body: bytes) -> Known[M] | None:
        """The beginning that this body shares, if what follows is no second list of messages."""
        for place, known in enumerate(self._held):
            if body.startswith(known.start):
                if place:
                    del self._held[place]
                    self._held.appendleft(known)
                return known if body.find(b'"messages"', len(known.start)) < 0 else None
        return None

    def _read_on(self, body: bytes, known: Known[M]) -> tuple[B, Survey]:
        asked = self._decoder.decode(known.opening + body[len(known.start) :])
        survey = known.survey.beyond()
        self._walk(asked.messages, len(known.messages), survey)
        asked.messages = known.messages + asked.messages
        if _worth(body, len(known.start)):
            self._grow(body, known, asked.messages)
        return asked, survey

    def _grow(self, body: bytes, known: Known[M] | None, messages: list[M]) -> None:
        """Remembers this body up to its last messages, of which `known` was known before."""
        rest = body if known is None else known.opening + body[len(known.start) :]
        place = _boundary(rest)
        if place is None:
            return
        first, last, count = place
        held = known or Known(b"", body[:first], [], Survey())
        end = len(held.messages) + count
        survey = held.survey.beyond()
        self._walk(messages[len(held.messages) : end], len(held.messages), survey)
        self._keep(Known(body[: len(body) - len(rest) + last], held.opening, messages[:end], survey.closed(end)), known)

    def _keep(self, fresh: Known[M], instead: Known[M] | None) -> None:
        if instead is not None:
            self._held.remove(instead)
            self._bytes -= len(instead.start)
        self._held.appendleft(fresh)
        self._bytes += len(fresh.start)
        while len(self._held) > ENTRIES or self._bytes > BYTES:
            self._bytes -= len(self._held.pop().start)


def _worth(body: bytes, known: int) -> bool:
    """Whether a body has grown enough beyond the `known` bytes of it to be remembered (again)."""
    return SMALLEST <= len(body) <= LARGEST and len(body) - known > max(SMALLEST // 2, known // 4)


def _boundary(body: bytes) -> tuple[int, int, int] | None:
    """Where the first message begins, where the last LAST do, and how many stand before those.

    None when there are none before, or when it is not certain that this list is the body's own.
    """
    fitting = (found for found in islice(_LIST.finditer(body), 4) if _top_level(body[: found.start()]))
    found = next(fitting, None)
    if found is None:
        return None
    messages = _OUTLINE.decode(body).messages
    at, last = found.end(), 0
    for left, message in zip(range(len(messages), 0, -1), messages, strict=True):
        text = bytes(message)
        if not body.startswith(text, at):
            return None
        if left == LAST:
            last = at
        at += len(text)
        while body[at] in _BETWEEN:
            at += 1
    return (found.end(), last, len(messages) - LAST) if len(messages) > LAST else None


def _top_level(before: bytes) -> bool:
    """Whether these bytes are the beginning of an object, up to one of its own keys."""
    try:
        relay.fields(before.rstrip().removesuffix(b",") + b"}")
    except msgspec.DecodeError:
        return False
    return True
