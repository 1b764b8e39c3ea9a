"""One batch: what was asked, where it stands and since when. A value; each change makes a new one."""

from __future__ import annotations

import msgspec

WINDOW = 24 * 3600
"""Seconds a batch has."""

OVER = frozenset({"completed", "failed", "expired", "cancelled"})
"""The statuses that nothing comes after."""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with a file. line: from 1, 0 where it is about the whole."""

    code: str
    message: str
    line: int = 0
    param: str = ""


class Spent(msgspec.Struct, frozen=True):
    """Tokens of all results."""

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.input + other.input,
            self.cached + other.cached,
            self.output + other.output,
            self.reasoning + other.reasoning,
        )


class Elsewhere(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a batch runs at a provider: its names for our file and for the batch, "" until it told them.

    models: keys of the models that were asked; a line's name there ends with the place of its model.
    expected: USD, counted against today's budget while it runs.
    """

    provider: str
    models: tuple[str, ...] = ()
    expected: float = 0.0
    file: str = ""
    batch: str = ""


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """One batch. Times are Unix seconds, 0 for what has not happened.

    headers: the caller's wishes (x-codriver-*), which hold for every line. form: "openai" or
    "anthropic", the API it was made with. output and errors: ids of the result files, chosen before
    they are written. elsewhere: the provider that runs it, if one does.
    """

    id: str
    endpoint: str
    input: str
    at: float
    form: str = "openai"
    status: str = "validating"
    metadata: dict[str, str] | None = None
    headers: dict[str, str] = {}
    problems: tuple[Problem, ...] = ()
    output: str = ""
    errors: str = ""
    total: int = 0
    completed: int = 0
    failed: int = 0
    spent: Spent = Spent()
    in_progress_at: int = 0
    finalizing_at: int = 0
    cancelling_at: int = 0
    ended_at: int = 0
    elsewhere: Elsewhere | None = None
    ended: str = ""
    """The status that finalizing leads to."""
    note: str = ""
    """What a person may want to know about how it went."""

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in OVER

    @property
    def expires_at(self) -> int:
        """When what has not run by then no longer will."""
        return int(self.at) + WINDOW
