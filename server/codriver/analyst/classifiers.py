"""Task classifiers of installed packages: entry points of the group "codriver.tasks".

Such a function takes a request's purpose and its last human turns (newest last), and returns a task family or "". The
first that knows one counts. One that fails is told once in the status, and asked no more.
"""

from __future__ import annotations

from collections.abc import Callable

from codriver.model.request import Request
from codriver.routing.task import BY_PURPOSE, FAMILIES

GROUP = "codriver.tasks"

Classifier = Callable[[str, tuple[str, ...]], str]


class Classifiers:
    """Those that are installed, loaded at the first request whose purpose leaves its task open."""

    def __init__(self) -> None:
        self._found: dict[str, Classifier] | None = None
        self.complaints: dict[str, str] = {}
        """What is wrong with which of them, in sentences."""

    def family(self, request: Request) -> str:
        """The task family by a classifier; "" where none is installed, or none knows."""
        if request.purpose in BY_PURPOSE:
            return ""
        for name, classify in list(self.loaded().items()):
            try:
                word = classify(str(request.purpose), request.tail)
            except Exception as error:  # somebody else's code: whatever it raises
                self._broken(name, f"failed with {type(error).__name__}: {error}")
                continue
            if word in FAMILIES:
                return word
            if word:
                self._broken(name, f"said {str(word)[:40]!r}, which is no task family; there are {', '.join(FAMILIES)}")
        return ""

    def loaded(self) -> dict[str, Classifier]:
        """Those that work, by name. To look for them among all that is installed takes tens of milliseconds, once."""
        if self._found is None:
            self._found = self._load()
        return self._found

    def _load(self) -> dict[str, Classifier]:
        from importlib.metadata import entry_points

        found: dict[str, Classifier] = {}
        for point in entry_points(group=GROUP):
            try:
                loaded = point.load()
            except Exception as error:  # as above
                self._broken(point.name, f"cannot be loaded: {type(error).__name__}: {error}")
                continue
            if callable(loaded):
                found[point.name] = loaded
            else:
                self._broken(point.name, f"{point.value} is no function")
        return found

    def _broken(self, name: str, why: str) -> None:
        self.complaints[name] = f"the task classifier {name!r} {why[:300]}. It is asked no more."
        if self._found is not None:
            self._found.pop(name, None)
