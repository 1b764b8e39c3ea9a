"""A daemon on the simulator that has chat models of one wire only, so that `auto` means this wire."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codriver.upstream.simulator.models import SimModel, shipped
from running import Daemon, daemon_at

CHAT_WIRES = ("openai_chat", "anthropic", "gemini", "openai_responses")
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "503": {"fault": "503"},
    "429": {"fault": "429", "retry_after": 1},
    "cut": {"fault": "cut", "after": 5},
    "error-event": {"fault": "error_event", "after": 5},
}
"""What goes wrong once, in the first request for a model."""


def offered() -> tuple[str, ...]:
    """The wires on which the shipped simulator has chat models."""
    spoken = {wire for model in shipped() for wire in model.wires}
    return tuple(wire for wire in CHAT_WIRES if wire in spoken)


def settings(wire: str) -> str:
    """Settings that switch on the simulator's chat models that speak this wire, and all others off."""
    chats = [model for model in shipped() if _chats(model)]
    switches = {model.id: str(wire in model.wires).lower() for model in chats}
    return "".join(f"[providers.simulator.models.{name}]\nenabled = {on}\n" for name, on in switches.items())


def _chats(model: SimModel) -> bool:
    return any(wire in CHAT_WIRES for wire in model.wires)


@contextlib.contextmanager
def upstream(wire: str, home: Path) -> Iterator[Daemon]:
    """A running daemon in its own home whose simulator speaks only this wire."""
    with daemon_at(home, "--simulate", config=settings(wire)) as running:
        yield running


def break_once(daemon: Daemon, name: str) -> None:
    """The next request for a model fails in the way of this name; the ones after it do not."""
    daemon.heal()
    daemon.fault("", **FAULTS[name])
