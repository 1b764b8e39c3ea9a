"""Facts of several pieces of code a request is about, as one: the hardest decides, sizes add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codriver.model.features import NOTHING, Features


def hardness(features: Features) -> tuple[int, int, int, int]:
    """By what the hardest of several is told."""
    return features.cognitive, features.cyclomatic, features.nesting, features.lines


def combined(parts: Sequence[Features]) -> Features:
    """One set of facts for a request about all of these.

    Scope, language, domain, path and the complexity numbers are those of the hardest part: who can follow it can
    follow the others. Lines and errors are the sums, since all of it has to be read. Frameworks are everybody's, the
    hardest part's first; what must stay on this machine in one part keeps all of them here.
    """
    if not parts:
        return NOTHING
    first = max(parts, key=hardness)
    files = tuple(dict.fromkeys(part.path for part in (first, *parts) if part.path))
    if len(parts) == 1:
        return replace(first, files=files)
    ordered = (first, *(part for part in parts if part is not first))
    return replace(
        first,
        files=files,
        lines=sum(part.lines for part in parts),
        errors=sum(part.errors for part in parts),
        frameworks=tuple(dict.fromkeys(name for part in ordered for name in part.frameworks)),
        versions=tuple({name: version for part in reversed(ordered) for name, version in part.versions}.items()),
        local_only=any(part.local_only for part in parts),
    )
