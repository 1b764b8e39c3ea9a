"""What one walk over a caller's messages finds for routing: texts to weigh, turns, results, images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from codriver.wire import intake, tokens


@dataclass(slots=True)
class Survey:
    """texts: everything that costs tokens; turns: what the human said; results: of tools, since then;
    foreign: what only the caller's own wire can carry; marks: what a target's quirks may mind."""

    texts: list[str] = field(default_factory=list)
    turns: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    images: int = 0
    foreign: set[str] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)
    counted: tokens.Counted = tokens.NOTHING
    """Those whose texts are not listed, because they were counted before."""
    signatures: list[str] = field(default_factory=list)
    """Of the thinking in the history, one for each block; "" where it has none."""
    first: list[str] = field(default_factory=list)
    """The first turns: a conversation is known by them."""

    def heard(self, turn: str) -> None:
        """Takes a turn that came in the human's name."""
        self.turns.append(turn)
        if len(self.first) < intake.KEPT:
            self.first.append(turn)

    def beyond(self) -> Survey:
        """A survey that goes on where this one was closed."""
        return Survey(
            [],
            self.turns.copy(),
            self.results.copy(),
            self.images,
            self.foreign.copy(),
            self.marks.copy(),
            self.counted,
            self.signatures.copy(),
            self.first.copy(),
        )

    def closed(self, messages: int) -> Survey:
        """This survey of so many messages, with their texts counted and forgotten."""
        turns = self.turns[-intake.KEPT :]
        counted = self._counted(self.texts, messages)
        return Survey(
            [],
            turns,
            self.results,
            self.images,
            self.foreign,
            self.marks,
            counted,
            self.signatures,
            self.first,
        )

    def weighed(self, messages: int, more: Sequence[str] = ()) -> int:
        """A rough count of the tokens of all, of so many messages, and of more texts."""
        return self._counted([*self.texts, *more] if more else self.texts, messages).tokens

    def _counted(self, texts: Sequence[str], messages: int) -> tokens.Counted:
        return tokens.beyond(self.counted, texts, messages=messages, images=self.images)
