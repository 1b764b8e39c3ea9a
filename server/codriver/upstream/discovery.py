"""What a local server has installed, asked with its own list of models, and what it tells about each.

Ports are anybody's: a development server may well answer on a model server's. So a list counts
only in the right form and, where the provider says how its models are recognised, with that in
every entry. Nothing is ever sent to a server whose list did not count.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec

from codriver.errors import UpstreamFailed
from codriver.model.provider import Installed, Provider
from codriver.upstream.client import Upstream
from codriver.upstream.response import Timeouts

PROPS = "/props"

_QUICK = Timeouts(connect=0.3, first=1.0, between=1.0, total=2.0)
"""A server on this machine answers at once or is not there."""
_MOST = 200
"""Models of one server."""
_LARGEST = 1_000_000_000
"""Tokens of the largest context that is believed."""
_UNREAD = (UpstreamFailed, msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What comes of asking somebody who is no model server: whatever he says, Codriver starts."""
_NUMBER = re.compile(r"[0-9]{1,18}")
_CAPABILITIES = {
    "completion": "chat",
    "tools": "tools",
    "vision": "images",
    "thinking": "reasoning",
    "embedding": "embeds",
}
"""Ollama's words: https://docs.ollama.com/api"""


class _Entry(msgspec.Struct):
    """One model of a list, with what the kinds of servers add to OpenAI's form."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,500}$")]
    created: Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)] = 0
    max_model_len: int | None = None
    """vLLM: prompt and answer together."""
    max_context_length: int | None = None
    loaded_context_length: int | None = None
    type: str = ""
    """LM Studio: llm, vlm or embeddings; its contexts above."""
    meta: dict[str, Any] | None = None
    """llama.cpp: n_ctx, as the server was started; n_ctx_train, what the model was made for."""


class _Listed(msgspec.Struct):
    data: list[msgspec.Raw]


class _Props(msgspec.Struct):
    """llama.cpp's /props, as far as it is of use."""

    default_generation_settings: dict[str, Any]


class _Shown(msgspec.Struct):
    """Ollama's /api/show, as far as it is of use."""

    model_info: dict[str, Any] = {}
    parameters: str = ""
    capabilities: list[str] | None = None


async def installed(upstream: Upstream, provider: Provider, known: Iterable[Installed] = ()) -> tuple[Installed, ...]:
    """The models in OpenAI's list form at provider.discover; empty when nobody answers as this provider does.

    known: what was found last time; what did not change is not asked about again.
    """
    try:
        body = await upstream.fetch(provider, provider.discover, timeouts=_QUICK)
        raw = msgspec.json.decode(body, type=_Listed).data[:_MOST]
        if not all(_recognised(msgspec.json.decode(entry), provider.recognise) for entry in raw):
            return ()
        found = [_told(msgspec.json.decode(entry, type=_Entry)) for entry in raw]
    except _UNREAD:
        return ()
    if provider.describe == PROPS:
        return tuple(await _propped(upstream, provider, found))
    if not provider.describe:
        return tuple(found)
    before = {one.id: one for one in known if one.stamp}
    fresh = [one for one in found if one.id not in before or before[one.id].stamp != one.stamp]
    described = await asyncio.gather(*(_described(upstream, provider, one) for one in fresh))
    now = {one.id: one for one in described}
    return tuple(now.get(one.id) or before[one.id] for one in found)


def _recognised(entry: object, marks: Mapping[str, str]) -> bool:
    """Whether an entry has what marks this kind of server's."""
    if not isinstance(entry, dict):
        return False
    return all(name in entry and value in ("*", entry[name]) for name, value in marks.items())


def _told(entry: _Entry) -> Installed:
    places = (entry.max_model_len, entry.loaded_context_length, entry.max_context_length)
    told = (_count(one) for one in (*places, (entry.meta or {}).get("n_ctx")))
    found = Installed(entry.id, window=next(filter(None, told), None), stamp=int(entry.created))
    if entry.type == "embeddings":
        return replace(found, embeds=True, chat=False)
    return replace(found, images=True) if entry.type == "vlm" else found


async def _propped(upstream: Upstream, provider: Provider, found: list[Installed]) -> list[Installed]:
    """llama.cpp serves one model; older ones tell the context they were started with only there."""
    if len(found) != 1 or found[0].window:
        return found
    try:
        said = await upstream.fetch(provider, PROPS, timeouts=_QUICK)
        settings = msgspec.json.decode(said, type=_Props).default_generation_settings
    except _UNREAD:
        return found
    return [replace(found[0], window=_count(settings.get("n_ctx")))]


async def _described(upstream: Upstream, provider: Provider, one: Installed) -> Installed:
    """What the server tells of one model; what it does not tell, or not in time, stays unknown."""
    asked = msgspec.json.encode({"model": one.id})
    try:
        said = await upstream.fetch(provider, provider.describe, body=asked, timeouts=_QUICK)
        shown = msgspec.json.decode(said, type=_Shown)
    except _UNREAD:
        return replace(one, stamp=0)
    able: dict[str, Any] = {}
    if shown.capabilities is not None:
        able = {field: word in shown.capabilities for word, field in _CAPABILITIES.items()}
        able["fim"] = "suffix" if "insert" in shown.capabilities else None
    return replace(one, window=_context(shown) or one.window, **able)


def _context(shown: _Shown) -> int | None:
    """The context Ollama was told to use for this model, else the model's own."""
    for line in shown.parameters.splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "num_ctx" and _NUMBER.fullmatch(value.strip()):
            return _count(int(value))
    return next((_count(value) for name, value in shown.model_info.items() if name.endswith(".context_length")), None)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST else None
