"""A line of the routing table. Each module of endpoints lists its own as `ROUTES`; the server puts them together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from codriver.app import App
from codriver.fronts.http.exchange import Exchange

Handler = Callable[[App, Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers a path, and the wire whose error shape its callers understand."""

    handler: Handler
    wire: str = "openai_chat"


Routes: TypeAlias = Mapping[str, Route]
"""Keys are "METHOD /path". A path that ends with * stands for all that begin so; the longest one that fits wins."""
