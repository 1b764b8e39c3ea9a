"""What may be asked for, in the form of each wire's list: OpenAI's, Anthropic's, Gemini's, by path or header."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from codriver.app import App
from codriver.errors import Kind, reject
from codriver.fronts.http.exchange import Exchange
from codriver.fronts.http.route import Route, Routes

_SINCE = 1767225600
"""Unix time shown where a wire wants a date: 2026-01-01."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name that may be asked for. window and output: tokens, 0 where they depend on who answers."""

    name: str
    owner: str
    window: int = 0
    output: int = 0
    embeds: bool = False
    thinks: bool = False


def offered(app: App) -> list[Entry]:
    """Every name that would be answered now, "auto" first."""
    models = [(offer.model, offer.provider) for offer in app.offers() if not offer.missing]
    return [
        Entry("auto", "codriver"),
        *(
            Entry(model.key, provider.title, model.window, model.max_output, model.embeds, model.reasoning)
            for model, provider in models
            if model.chat or model.embeds
        ),
    ]


async def models(app: App, exchange: Exchange) -> None:
    """GET /v1/models and /v1beta/models: the list, in the caller's form."""
    form = _form(exchange)
    await _json(exchange, form.page(offered(app)))


async def model(app: App, exchange: Exchange) -> None:
    """GET /v1/models/{id} and /v1beta/models/{id}: one of them. Raises RequestRejected for an unknown one."""
    name = exchange.path.partition("/models/")[2]
    for entry in offered(app):
        if entry.name == name:
            await _json(exchange, _form(exchange).row(entry))
            return
    text = f"no model is called {name!r}; GET /v1/models lists them"
    raise reject(text, kind=Kind.UNKNOWN_MODEL, field="model")


@dataclass(frozen=True, slots=True)
class _Form:
    row: Callable[[Entry], dict[str, Any]]
    page: Callable[[Sequence[Entry]], dict[str, Any]]


def _form(exchange: Exchange) -> _Form:
    headers = exchange.headers
    if exchange.path.startswith(("/v1beta", "/v1alpha")) or "x-goog-api-key" in headers:
        return _GEMINI
    return _ANTHROPIC if "anthropic-version" in headers else _OPENAI


def _openai(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {"id": entry.name, "object": "model", "created": _SINCE, "owned_by": entry.owner}
    if entry.window:
        row |= {"context_window": entry.window, "max_output_tokens": entry.output}
    return row


def _anthropic(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "model", "id": entry.name, "display_name": entry.name}
    return row | {"created_at": "2026-01-01T00:00:00Z", "max_input_tokens": entry.window, "max_tokens": entry.output}


def _gemini(entry: Entry) -> dict[str, Any]:
    actions = (
        ["embedContent", "batchEmbedContents"]
        if entry.embeds
        else ["generateContent", "streamGenerateContent", "countTokens"]
    )
    row: dict[str, Any] = {"name": f"models/{entry.name}", "version": "1", "displayName": entry.name}
    row |= {"description": f"{entry.name} by {entry.owner}", "supportedGenerationMethods": actions}
    if entry.window:
        row |= {"inputTokenLimit": entry.window, "outputTokenLimit": entry.output}
    return {**row, "thinking": True} if entry.thinks else row


def _openai_page(entries: Sequence[Entry]) -> dict[str, Any]:
    return {"object": "list", "data": [_openai(entry) for entry in entries]}


def _anthropic_page(entries: Sequence[Entry]) -> dict[str, Any]:
    rows = [_anthropic(entry) for entry in entries]
    return {"data": rows, "has_more": False, "first_id": rows[0]["id"], "last_id": rows[-1]["id"]}


def _gemini_page(entries: Sequence[Entry]) -> dict[str, Any]:
    return {"models": [_gemini(entry) for entry in entries if not entry.embeds]}


_OPENAI = _Form(_openai, _openai_page)
_ANTHROPIC = _Form(_anthropic, _anthropic_page)
_GEMINI = _Form(_gemini, _gemini_page)


async def _json(exchange: Exchange, page: object) -> None:
    await exchange.answer(200, msgspec.json.encode(page))


_LIST, _ONE = Route(models), Route(model)
_GOOGLES_LIST, _GOOGLES_ONE = Route(models, wire="gemini"), Route(model, wire="gemini")

ROUTES: Routes = {
    "GET /v1/models": _LIST,
    "GET /models": _LIST,
    "GET /v1/models/*": _ONE,
    "GET /models/*": _ONE,
    "GET /v1beta/models": _GOOGLES_LIST,
    "GET /v1alpha/models": _GOOGLES_LIST,
    "GET /v1beta/models/*": _GOOGLES_ONE,
    "GET /v1alpha/models/*": _GOOGLES_ONE,
}
