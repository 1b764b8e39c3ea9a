"""What a user may write about the choice beside [routing]: rules of his own, steps down, hedging, fusing."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from codriver.config.providers import Table
from codriver.model.request import Purpose


def _hours(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError('this is no span of hours; write it as "22:00-06:00"')
    return text


Hours = Annotated[str, AfterValidator(_hours)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class MatchTable(Table):
    """When a rule holds: all that is written must be so; of several words in one list any."""

    language: tuple[str, ...] = Field(default=(), description="Languages of the code, such as python.")
    path: tuple[str, ...] = Field(default=(), description="Globs of the file the request is about; ! excludes.")
    purpose: tuple[Purpose, ...] = Field(default=(), description="What is asked for: complete, refactor, main, ...")
    task: tuple[str, ...] = Field(default=(), description="Task families: generate, debug, test, ...")
    workflow: tuple[str, ...] = Field(default=(), description="Workflows, as X-Codriver-Workflow names them.")
    agent: tuple[str, ...] = Field(default=(), description="Programs, as their User-Agent begins, such as claude-cli.")
    cognitive: int = Field(default=0, ge=0, description="Cognitive complexity of the function, at least.")
    tokens: int = Field(default=0, ge=0, description="Tokens of the prompt, at least.")
    load: int = Field(default=0, ge=0, description="Requests that somebody waits for, at least.")
    hours: Hours | None = Field(default=None, description='Local time of day, such as "22:00-06:00".')
    days: tuple[Day, ...] = Field(default=(), description="Days of the week: mon, tue, ...")


class RuleTable(Table):
    """One rule. Of all that match, denials and limits add up; of pin, strategy, floor and prefer the first counts."""

    name: str = Field(default="", max_length=80, description="What reasons call it.")
    match: MatchTable = Field(default_factory=MatchTable, description="When it holds; empty: always.")
    allow: tuple[str, ...] = Field(default=(), description='The only models that may answer; "openai/*" is a glob.')
    deny: tuple[str, ...] = Field(default=(), description="Models that may not answer.")
    prefer: tuple[str, ...] = Field(default=(), description="Models that come before the others.")
    pin: str = Field(default="", description="The one model that answers.")
    strategy: str = Field(default="", description="The strategy, unless the caller names one.")
    floor: float | None = Field(default=None, ge=0, le=1, description="The quality floor, as routing.floor.")
    request_usd: float | None = Field(default=None, gt=0, description="USD that one request may cost at most.")

    @model_validator(mode="after")
    def _says_something(self) -> RuleTable:
        said = (self.allow, self.deny, self.prefer, self.pin, self.strategy, self.floor, self.request_usd)
        if all(part in ((), "", None) for part in said):
            raise ValueError(
                "this rule changes nothing; write allow, deny, prefer, pin, strategy, floor or request_usd"
            )
        return self


class PeakStep(Table):
    """A step down while much is going on. Either condition is enough."""

    requests: int = Field(default=0, ge=0, description="Requests that somebody waits for, from which it holds; 0: any.")
    throttled: int = Field(default=0, ge=0, description="Models and providers that rest after throttling; 0: any.")
    floor: float = Field(ge=0, le=1, description="How far below the best expected quality a cheaper model may be.")

    @model_validator(mode="after")
    def _has_a_condition(self) -> PeakStep:
        if not (self.requests or self.throttled):
            raise ValueError("this step never holds; write requests or throttled")
        return self


class Peak(Table):
    """What gives way when much is going on."""

    steps: tuple[PeakStep, ...] = Field(default=(), description="Steps down, each with its quality floor.")
    patience: float = Field(
        default=30.0, ge=0, description="Seconds that requests of priority background wait for the peak to pass."
    )


class BudgetStep(Table):
    """A step down before a budget is spent."""

    spent: float = Field(gt=0, le=1, description="The part of a budget from which it holds.")
    floor: float = Field(ge=0, le=1, description="How far below the best expected quality a cheaper model may be.")


class Hedge(Table):
    """A second provider is asked when the first is slow to begin."""

    strategies: tuple[str, ...] = Field(default=("speed",), description="The strategies whose requests are hedged.")
    share: float = Field(default=0.05, ge=0, le=1, description="The most of those that may be; both are billed.")


class Fuse(Table):
    """The strategy fuse: several models answer, and the best comes of it."""

    k: int = Field(default=3, ge=2, le=5, description="How many models answer.")
    judge: str = Field(
        default="", description="The model that picks or merges; empty: a local one, else the best candidate."
    )
