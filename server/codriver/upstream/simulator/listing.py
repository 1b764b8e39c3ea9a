"""GET /v1/models and /v1/models/{id}: OpenAI's form, and Anthropic's for its clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from codriver.upstream.simulator import anthropic, openai_rules
from codriver.upstream.simulator.models import SimModel

_STARTED = 1_750_000_000


def listed(models: Sequence[SimModel], path: str, headers: Mapping[str, str]) -> Mapping[str, Any]:
    """The document of a path below /v1/models. Raises Refused for a model that is not there."""
    anthropics = "anthropic-version" in headers
    rows = {model.id: _anthropic_row(model) if anthropics else _openai_row(model) for model in models}
    name = path.removeprefix("/v1/models").removeprefix("/")
    if name and name not in rows:
        raise anthropic.unknown_model(name) if anthropics else openai_rules.unknown_model(name)
    if name:
        return rows[name]
    ends = {"has_more": False, "first_id": models[0].id, "last_id": models[-1].id} if rows else {}
    return {"data": list(rows.values()), **(ends if anthropics else {"object": "list"})}


def _anthropic_row(model: SimModel) -> Mapping[str, Any]:
    name = f"{model.id} (simulated)"
    return {"type": "model", "id": model.id, "display_name": name, "created_at": "2025-06-15T00:00:00Z"}


def _openai_row(model: SimModel) -> Mapping[str, Any]:
    row = {"id": model.id, "object": "model", "created": _STARTED, "owned_by": "codriver-simulator"}
    return {**row, "context_window": model.window, "max_output_tokens": model.max_output}
