"""Stop sequences found here, for upstreams that cannot be told of them: the answer ends where the first one begins.

What may still become one is held back, over the borders of frames; each character is looked at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


def _borders(word: str) -> tuple[int, ...]:
    """For each beginning of the word: how long the longest shorter one is that it ends with."""
    borders = [0] * len(word)
    known = 0
    for place in range(1, len(word)):
        while known and word[place] != word[known]:
            known = borders[known - 1]
        known += word[place] == word[known]
        borders[place] = known
    return tuple(borders)


@dataclass(slots=True)
class _Word:
    """One sequence, and how much of its beginning the text ends with (Knuth, Morris and Pratt)."""

    text: str
    borders: tuple[int, ...]
    seen: int = 0

    def ends(self, sign: str) -> bool:
        """Takes the next character; whether the sequence is whole with it."""
        seen = self.seen
        while seen and self.text[seen] != sign:
            seen = self.borders[seen - 1]
        self.seen = seen + (self.text[seen] == sign)
        return self.seen == len(self.text)


class Watch:
    """Looks for the sequence that is whole first, in a text that comes in pieces. For one text."""

    def __init__(self, sequences: Iterable[str]) -> None:
        self._words = [_Word(text, _borders(text)) for text in dict.fromkeys(sequences) if text]
        self._held = ""

    def feed(self, text: str) -> tuple[str, str]:
        """What of the text so far belongs to no sequence for certain, and the sequence that was found, or ""."""
        before = len(self._held)
        self._held += text
        for place, sign in enumerate(text, before + 1):
            found = [word.text for word in self._words if word.ends(sign)]
            if found:
                stop = max(found, key=len)
                return self._held[: place - len(stop)], stop
        sure = len(self._held) - max((word.seen for word in self._words), default=0)
        shown, self._held = self._held[:sure], self._held[sure:]
        return shown, ""

    def rest(self) -> str:
        """What is still held back, when the text is over; the next one begins anew."""
        held, self._held = self._held, ""
        for word in self._words:
            word.seen = 0
        return held
