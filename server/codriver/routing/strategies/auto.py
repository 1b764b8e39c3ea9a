"""auto: balanced, with a taste that depends on the purpose (routing/decide.py sets it)."""

from __future__ import annotations

from codriver.routing.strategies.balanced import rank

__all__ = ["rank"]
