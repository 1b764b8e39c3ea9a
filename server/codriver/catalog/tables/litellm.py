"""The table inside the litellm wheel: one flat JSON object, USD per token, conditions in the names of keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from codriver.catalog.facts import Rates, Spell
from codriver.catalog.tables.entry import BadTable, Entry, known
from codriver.catalog.tables.genai import tiered

_CLASSES = {
    "input_cost_per_token": "input",
    "cache_read_input_token_cost": "cached",
    "cache_creation_input_token_cost": "written",
    "cache_creation_input_token_cost_above_1hr": "written_1h",
    "output_cost_per_token": "output",
}
_ABILITIES = {
    "supports_function_calling": "tools",
    "supports_vision": "images",
    "supports_response_schema": "schema",
    "supports_reasoning": "reasoning",
    "supports_prompt_caching": "caching",
}
_KINDS = {"chat": "chat", "responses": "chat", "completion": "completion", "embedding": "embedding"}

_ABOVE = re.compile(r"_above_(\d+)k_tokens$")

Table = Mapping[str, Any]


def read(data: bytes) -> dict[str, dict[str, Entry]]:
    """Entries by the table's name of the provider, then by its key. Raises BadTable."""
    try:
        table = msgspec.json.decode(data, type=dict[str, dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        raise BadTable(f"litellm: not its table ({bad})") from None
    providers: dict[str, dict[str, Entry]] = {}
    for key, row in table.items():
        kind = _KINDS.get(row.get("mode", ""))
        if kind is not None and key != "sample_spec":
            try:
                providers.setdefault(row["litellm_provider"], {})[key] = _entry(key, row, kind)
            except (KeyError, TypeError, ValueError, AttributeError) as bad:
                raise BadTable(f"litellm: {key} has another form ({type(bad).__name__}: {bad})") from None
    return providers


def _entry(key: str, row: Table, kind: str) -> Entry:
    batch = _rates(row, "_batches")
    return Entry(
        id=key,
        spells=_spells(row),
        batch=batch if known(batch) else None,
        kind=kind,
        max_input=_count(row.get("max_input_tokens")),
        max_output=_count(row.get("max_output_tokens")),
        able={ours: bool(row[theirs]) for theirs, ours in _ABILITIES.items() if theirs in row},
        wires=_wires(row),
        retires=row.get("deprecation_date", ""),
        source=row.get("source", ""),
    )


def _wires(row: Table) -> tuple[str, ...]:
    """Some of OpenAI's models are served by the responses endpoint alone: that is their kind, or all that is listed."""
    listed = {path for path in row.get("supported_endpoints") or () if "batch" not in path}
    return ("openai_responses",) if row["mode"] == "responses" or listed == {"/v1/responses"} else ()


def _count(tokens: Any) -> int | None:
    return int(tokens) if isinstance(tokens, int | float) and tokens > 0 else None


def _spells(row: Table) -> tuple[Spell, ...]:
    """The flat price is the dear one; the hours and days on which less is asked come after it."""
    rates = _stepped(row["tiered_pricing"]) if "tiered_pricing" in row else _rates(row)
    if not known(rates):
        return ()
    cheap = row.get("off_peak_pricing")
    # Days counted elsewhere than in UTC would shift the hours: such a price stays at its dear one.
    if not cheap or cheap.get("weekday_timezone", "UTC") != "UTC":
        return (Spell(rates),)
    off = _rates(cheap)
    return (Spell(rates), *(Spell(off, hours=_hours(when), days=tuple(when["weekdays"])) for when in cheap["windows"]))


def _hours(when: Table) -> tuple[str, ...]:
    """Midnight at the end is hour 24; a span of a whole day needs no hours."""
    given = when["hours_utc"]
    texts = [given] if isinstance(given, str) else given
    return tuple(re.sub(r"-00:00$", "-24:00", text) for text in texts if text != "00:00-00:00")


def _rates(row: Table, suffix: str = "") -> Rates:
    """Long prompts have keys with a length in them, before the suffix of a kind of processing."""
    classes: dict[str, dict[int, float]] = {}
    for key, amount in row.items():
        name = key.removesuffix(suffix) if key.endswith(suffix) else ""
        long = _ABOVE.search(name)
        ours = _CLASSES.get(name[: long.start()] if long else name)
        # A cache that costs nothing to fill is billed as fresh input, not given away.
        if ours and isinstance(amount, int | float) and not (ours.startswith("written") and not amount):
            classes.setdefault(ours, {})[int(long[1]) * 1000 if long else 0] = per_million(amount)
    return tiered({ours: tiers for ours, tiers in classes.items() if 0 in tiers})


def _stepped(steps: list[Table]) -> Rates:
    """Prices by ranges of prompt length; where thinking costs more than answers, that is what counts."""
    classes: dict[str, dict[int, float]] = {}
    for step in steps:
        above = int(step["range"][0])
        for theirs, ours in _CLASSES.items():
            if theirs in step:
                classes.setdefault(ours, {})[above] = per_million(step[theirs])
        if "output_cost_per_reasoning_token" in step:
            classes["output"][above] = per_million(step["output_cost_per_reasoning_token"])
    return tiered({ours: tiers for ours, tiers in classes.items() if 0 in tiers})


def per_million(amount: float) -> float:
    """USD per token -> USD per million, without the dust that binary fractions leave."""
    return float(round(Decimal(repr(amount)) * 1_000_000, 6))
