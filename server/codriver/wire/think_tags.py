"""Thinking that a local model writes into its text, as <think> ... </think>: taken out as the text comes.

Only at the start of an answer: further on the words are the answer's own (code about such tags).
Whatever may still become a tag is held back, however the text is cut.
"""

from __future__ import annotations

from collections.abc import Iterable

from codriver.model.events import Event, ReasoningDelta, Started, TextDelta, UsageSeen

_TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "◁think▷": "◁/think▷",
}

_OPENINGS = frozenset(tag[0] for tag in _TAGS)


class ThinkTags:
    """The events of one answer, with tagged thinking as ReasoningDelta."""

    def __init__(self) -> None:
        self._held = ""
        self._close = ""
        """The tag that ends the thinking; "" before it and after it."""
        self._done = False
        self._fresh = True
        """Blanks at the start of the thinking, and of the answer after it, are of the form."""

    @property
    def done(self) -> bool:
        """Whether all that comes is the answer's own: no thinking, and nothing held back."""
        return self._done

    def may_begin(self, text: str) -> bool:
        """Whether thinking may begin with these words, the first of an answer."""
        return text.lstrip()[:1] in _OPENINGS

    def feed(self, events: Iterable[Event]) -> list[Event]:
        """The events with what can be told by now."""
        told: list[Event] = []
        for event in events:
            if self._done or isinstance(event, Started | UsageSeen):
                told.append(event)
            elif isinstance(event, TextDelta):
                told += self._text(event.text)
            else:  # a server that separates thinking itself, or a call
                told += [*self.rest(), event]
        return told

    def rest(self) -> list[Event]:
        """What was held back, when nothing more comes."""
        held, thinking = self._held, bool(self._close)
        self._held, self._close, self._done = "", "", True
        if not held:
            return []
        return [ReasoningDelta(held) if thinking else TextDelta(held)]

    def _text(self, text: str) -> list[Event]:
        self._held += text
        if not self._close and self._fresh:
            return self._start()
        return self._thinking() if self._close else self._after()

    def _start(self) -> list[Event]:
        """Nothing is known yet: a tag, the beginning of one, or the answer itself."""
        said = self._held.lstrip()
        if said and said[0] not in _OPENINGS:
            return self.rest()
        for tag, close in _TAGS.items():
            if said.startswith(tag):
                self._close, self._held = close, said[len(tag) :]
                return self._thinking()
        if any(tag.startswith(said) for tag in _TAGS):
            return []
        return self.rest()

    def _thinking(self) -> list[Event]:
        if self._fresh:
            self._held = self._held.lstrip()
            self._fresh = not self._held
        end = self._held.find(self._close)
        if end < 0:
            kept = _overlap(self._held, self._close)
            thought, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
            return [ReasoningDelta(thought)] if thought else []
        thought, self._held = self._held[:end], self._held[end + len(self._close) :]
        self._close, self._fresh = "", False
        return [*([ReasoningDelta(thought)] if thought else []), *self._after()]

    def _after(self) -> list[Event]:
        self._held = self._held.lstrip()
        return self.rest() if self._held else []


def _overlap(text: str, tag: str) -> int:
    """How many characters at the text's end may be the beginning of the tag."""
    return next((n for n in range(min(len(text), len(tag) - 1), 0, -1) if text.endswith(tag[:n])), 0)
