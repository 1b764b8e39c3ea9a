"""Anthropic's structured output: `output_config.format`, one kind of format, in which every object is closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codriver.upstream.simulator.anthropic_blocks import invalid


def asked_schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema that the answer has to keep to, or None. Raises Refused."""
    wanted = (body.get("output_config") or {}).get("format")
    if wanted is None:
        return None
    path = "output_config.format"
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        raise invalid(f"{path}.type: Input should be 'json_schema'")
    if not isinstance(wanted.get("schema"), dict):
        raise invalid(f"{path}.schema: Field required")
    if _open_object(wanted["schema"]):
        raise invalid(f"{path}.schema: For 'object' type, 'additionalProperties' must be explicitly set to false")
    return {"type": "json_schema", "schema": wanted["schema"]}


def _open_object(schema: Any) -> bool:
    """Whether an object somewhere in the schema takes properties it does not name."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if part.get("type") == "object" and part.get("additionalProperties") is not False:
                return True
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return False
