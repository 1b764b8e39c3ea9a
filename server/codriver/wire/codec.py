"""What a wire is: one module per format, both halves, bytes in and events out, no I/O.

A codec is a module `codriver/wire/<name>.py` with the functions of `Codec`; it is found by
name and imported on use. N formats cost N files: conversion always goes through the neutral
Request and Events of `codriver.model`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cache
from typing import Protocol, cast

from codriver.errors import Failure
from codriver.model.events import Event, Piece, Reply
from codriver.model.provider import Model, Quirks
from codriver.model.request import Request
from codriver.model.value import value


@value(frozen=True, slots=True)
class Call:
    """One upstream request, ready for the socket but for URL and key.

    dropped: names of what this wire could not carry; they go into the decision's reasons.
    action: what stands for {action} in the provider's path of this wire.
    family: of wire/fim.py, when its tokens were broken in the text: the answer is not relayed but
    mended (wire/mending.py).
    stop: sequences this call could not carry: the answer is not relayed but ends at them here.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    action: str = ""
    family: str = ""
    stop: tuple[str, ...] = ()


class Decoder(Protocol):
    """Reads one upstream answer. Never raises on bad input: it yields a Failed event instead."""

    def feed(self, data: bytes) -> list[Piece]:
        """Bytes of a streamed answer as they come, cut anywhere; complete frames out."""
        ...

    @property
    def over(self) -> bool:
        """Whether the answer has ended, well or not; what comes after is nobody's."""
        ...

    @property
    def left(self) -> bool:
        """Whether it ended before the upstream did, which goes on: nobody waits for the end of that."""
        ...

    def quiet(self, data: bytes) -> int:
        """How many of these next bytes are whole frames of nothing but text: none that ends, counts, fails,
        calls or thinks. A relay passes those on and never feeds them."""
        ...

    def ordinary(self) -> tuple[bytes, bytes] | None:
        """What stands before and after the text in frames of nothing but text, as they come now; None while all has to
        be read. Holds until something is fed."""
        ...

    def speaking(self, data: bytes) -> bool:
        """Whether these, the first bytes of an answer, are whole frames that say something and do nothing else. They
        may go on before they are read; False for all of which that is not quickly seen."""
        ...

    def close(self) -> list[Piece]:
        """The upstream ended the stream. Yields Failed(BROKEN) if it had not finished."""
        ...

    def whole(self, body: bytes) -> tuple[Event, ...]:
        """The body of an answer that was not streamed."""
        ...


class Encoder(Protocol):
    """Writes one answer to a caller. `feed` and `broken` are for streams, `whole` for the rest."""

    def feed(self, events: Sequence[Event]) -> bytes:
        """SSE bytes for these events; may be empty. Finished writes the regular end."""
        ...

    def broken(self, failure: Failure) -> bytes:
        """The wire's error inside a stream that has begun; no regular end follows."""
        ...

    def whole(self, reply: Reply) -> bytes:
        """The JSON body of an answer that is not streamed."""
        ...


class Codec(Protocol):
    """The functions a wire module has."""

    content_type: str
    """Of streamed answers: text/event-stream."""

    def parse(self, body: bytes, headers: Mapping[str, str]) -> Request:
        """A caller's body. Raises RequestRejected (position of broken JSON, field of a wrong type)."""
        ...

    def encoder(self, request: Request, model: str, at: int = 0) -> Encoder:
        """For the answer to this request; `model` is the name shown to the caller, `at` the Unix
        time of the answer (OpenAI's `created`)."""
        ...

    def failure(self, failure: Failure) -> bytes:
        """The JSON error body in this wire."""
        ...

    def ping(self) -> bytes:
        """A keep-alive frame, legal between any two events of a stream."""
        ...

    def call(self, request: Request, model: Model, quirks: Quirks) -> Call:
        """What to send upstream. When request.wire is this wire, the caller's own bytes but for
        the model's name and what the quirks demand (see relay.py); else built from the neutral form."""
        ...

    def decoder(self, model: Model, quirks: Quirks) -> Decoder:
        """For the answer of this model."""
        ...


@cache
def find(name: str) -> Codec:
    """The codec of a wire. Raises ModuleNotFoundError for a name nobody wrote."""
    # By name: a type checker cannot see which module it is.
    return cast(Codec, importlib.import_module(f"codriver.wire.{name}"))
