"""What a target bounds in any chat body: temperatures, stop sequences, the form of tool-call ids, fields it insists on.

All from Quirks, and nothing for targets without such (`Quirks.bounded`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from codriver.model.provider import Quirks
from codriver.wire import names

_CALLS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_ID = msgspec.json.Decoder(str | None)


def stops(asked: tuple[str, ...], quirks: Quirks, field: str = "stop") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stop sequences that a target takes in this field, and those it does not: its answer is cut there here."""
    taken = () if field in quirks.drop else asked[: quirks.stop_max or None]
    return taken, asked[len(taken) :]


def limits(temperature: float | None, quirks: Quirks) -> tuple[dict[str, Any], list[str]]:
    """The fields that must differ from what was asked, and what of it is lost."""
    put: dict[str, Any] = dict(quirks.put)
    lost: list[str] = []
    most = quirks.temperature_max
    if most is not None and temperature is not None and temperature > most:
        put["temperature"] = most
        lost.append(f"temperature above {most:g}")
    return put, lost


def bound(body: dict[str, Any], quirks: Quirks) -> list[str]:
    """Bounds a body of ours; returns what of it is lost."""
    put, lost = limits(body.get("temperature"), quirks)
    body |= put
    if quirks.tool_id_length:
        for message in body["messages"]:
            _rename(message, quirks.tool_id_length)
    return lost


def _rename(message: dict[str, Any], length: int) -> None:
    if "tool_call_id" in message:
        message["tool_call_id"] = names.sized_id(message["tool_call_id"], length)
    for call in message.get("tool_calls", ()):
        call["id"] = names.sized_id(call["id"], length)


def renamed(message: Mapping[str, msgspec.Raw], length: int) -> dict[str, Any]:
    """The fields of a caller's own message that hold tool-call ids, with ids of this length."""
    changed: dict[str, Any] = {}
    if raw := message.get("tool_call_id"):
        changed["tool_call_id"] = names.sized_id(_ID.decode(raw) or "", length)
    if raw := message.get("tool_calls"):
        calls = _CALLS.decode(raw) or ()
        changed["tool_calls"] = [
            {**call, "id": names.sized_id(_ID.decode(call["id"]) or "", length)} if "id" in call else call
            for call in calls
        ]
    return changed
