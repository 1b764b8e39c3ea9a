"""The simulated models: what `providers/simulator.toml` says of them, which is what is enforced."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class SimModel:
    """One simulated model. window and max_output in tokens, first_token in seconds, speed in tokens per second."""

    id: str
    window: int
    max_output: int
    wires: tuple[str, ...]
    first_token: float = 0.0
    speed: float = 1000.0
    tools: bool = True
    images: bool = False
    max_tokens_field: str = ""
    """The only name this model takes for its output limit; "" takes both."""
    refused: tuple[str, ...] = ()
    """Top-level fields this model refuses."""
    reasoning: bool = False
    """Thinks before it answers (on the responses wire)."""
    thinking: str = ""
    """Gemini: "budget", "level", or "" for a model that takes no thinkingConfig."""
    efforts: tuple[str, ...] = ()
    """Gemini: the levels it takes; empty means all."""
    signs: bool = False
    """Gemini: signs the first call of each step, and insists on that."""


def shipped() -> tuple[SimModel, ...]:
    """The models of the shipped provider file, in its order."""
    text = (files("codriver") / "providers" / "simulator.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    return tuple(_model(row, document) for row in document["models"].values())


def _model(row: Mapping[str, Any], document: Mapping[str, Any]) -> SimModel:
    quirks = {**document.get("quirks", {}), **row.get("quirks", {})}
    return SimModel(
        id=row["upstream_id"],
        window=row["window"],
        max_output=row["max_output"],
        wires=tuple(row.get("wires", document["wires"])),
        first_token=row["first_token"],
        speed=row["speed"],
        tools=row["tools"],
        images=row["images"],
        max_tokens_field=quirks.get("max_tokens_field", ""),
        refused=tuple(quirks.get("drop", ())),
        reasoning=row.get("reasoning", False),
        thinking=quirks.get("thinking", ""),
        efforts=tuple(quirks.get("efforts", ())),
        signs=bool(quirks.get("thought_signature")),
    )
