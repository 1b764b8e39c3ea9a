"""What a local server has installed, asked with its own list of models."""

from __future__ import annotations

import msgspec

from codriver.errors import UpstreamFailed
from codriver.model.provider import Provider
from codriver.upstream.client import Upstream
from codriver.upstream.response import Timeouts

_QUICK = Timeouts(connect=0.3, first=1.0, between=1.0, total=2.0)
"""A server on this machine answers at once or is not there."""


class _Entry(msgspec.Struct):
    id: str


class _Listed(msgspec.Struct):
    data: list[_Entry]


async def installed(upstream: Upstream, provider: Provider) -> tuple[str, ...]:
    """The model ids in OpenAI's list form at provider.discover; empty when nobody answers sensibly."""
    try:
        body = await upstream.fetch(provider, provider.discover, timeouts=_QUICK)
        return tuple(entry.id for entry in msgspec.json.decode(body, type=_Listed).data)
    except (UpstreamFailed, msgspec.DecodeError):
        return ()
