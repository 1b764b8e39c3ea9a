"""How long an answer took, for the wires that tell their callers: time is handed in, none is read here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Clock = Callable[[], tuple[float, float]]
"""Seconds from the request to its first content, and until now."""


def unknown() -> tuple[float, float]:
    """Nobody measured."""
    return 0.0, 0.0


class Timed(Protocol):
    """An encoder that tells times. Whoever has a clock sets it before the first event."""

    clock: Clock
