"""A prompt cache as simple as it can be: prefixes seen before, per model, cost less."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from codriver.model.events import Usage
from codriver.upstream.simulator.values import Unit


@dataclass(slots=True)
class PromptCache:
    """Remembers the digests of prompt prefixes; the oldest go first."""

    limit: int = 20_000
    _seen: OrderedDict[bytes, None] = field(default_factory=OrderedDict)

    def automatic(self, model: str, units: Sequence[Unit]) -> Usage:
        """OpenAI's way: whatever prefix was sent before is read from the cache. At least one token is fresh."""
        prefixes = list(_prefixes(model, units))
        total = prefixes[-1][1] if prefixes else 0
        known = max((count for key, count in prefixes if key in self._seen), default=0)
        for key, _ in prefixes:
            self._remember(key)
        cached = min(known, max(total - 1, 0))
        return Usage(input=total - cached, cached=cached)

    def marked(self, model: str, units: Sequence[Unit]) -> Usage:
        """Anthropic's way: only prefixes that ended at a breakpoint are kept, and only with one are they read."""
        prefixes = list(_prefixes(model, units))
        total = prefixes[-1][1] if prefixes else 0
        marks = [place for place, unit in enumerate(units) if unit.mark]
        if not marks:
            return Usage(input=total)
        reachable = prefixes[: marks[-1] + 1]
        cached = max((count for key, count in reachable if key in self._seen), default=0)
        for place in marks:
            self._remember(prefixes[place][0])
        marked = prefixes[marks[-1]][1]
        return Usage(input=total - marked, cached=cached, written=marked - cached)

    def _remember(self, key: bytes) -> None:
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > self.limit:
            self._seen.popitem(last=False)


def _prefixes(model: str, units: Sequence[Unit]) -> Iterator[tuple[bytes, int]]:
    """For each unit: the digest of everything up to and with it, and its tokens so far."""
    chain, total = model.encode(), 0
    for unit in units:
        chain = hashlib.sha256(chain + hashlib.sha256(unit.content).digest()).digest()
        total += unit.tokens
        yield chain, total
