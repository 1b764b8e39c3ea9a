"""fuse: several models answer, and one answer comes of it (router/fusing.py): the first ones by auto's order."""

from __future__ import annotations

from codriver.routing.strategies.auto import order, scores

__all__ = ["order", "scores"]
