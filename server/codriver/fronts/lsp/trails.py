"""What was done to documents while a model was thinking, edit by edit, so that its answer lands where it was meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from codriver.syntax.text import Edit


class Trails:
    """The trails that are kept now, by document."""

    def __init__(self) -> None:
        self._open: dict[str, list[list[Edit]]] = {}

    def record(self, uri: str, edits: Iterable[Edit]) -> None:
        """The document was changed so."""
        known = self._open.get(uri)
        if known:
            done = list(edits)
            for trail in known:
                trail += done

    @contextmanager
    def follow(self, uri: str) -> Iterator[list[Edit]]:
        """A list that every edit of a document from now on is added to."""
        trail: list[Edit] = []
        known = self._open.setdefault(uri, [])
        known.append(trail)
        try:
            yield trail
        finally:
            known[:] = [other for other in known if other is not trail]
            if not known:
                self._open.pop(uri, None)
