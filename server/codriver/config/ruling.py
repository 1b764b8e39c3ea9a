"""The rules and steps of the settings as the router takes them, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence

from codriver.config.choosing import MatchTable, RuleTable
from codriver.config.reading import near
from codriver.config.tree import Settings
from codriver.errors import ConfigError
from codriver.routing import degrading, strategies
from codriver.routing.rules import DAYS, Match, Rule, glob, minutes, named


def check(tables: Sequence[RuleTable], file: str) -> None:
    """Raises ConfigError for a rule with a strategy that does not exist."""
    for number, table in enumerate(tables):
        try:
            strategies.find(table.strategy or "auto")
        except LookupError as unknown:
            raise ConfigError(file, f"rules.{number}.strategy", str(unknown), "Write one of these") from None


def rules_of(tables: Sequence[RuleTable], keys: Sequence[str]) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The rules over these models, and a sentence for each name in them that means none."""
    complaints: list[str] = []
    return tuple(_rule(table, number, keys, complaints) for number, table in enumerate(tables)), tuple(complaints)


def _rule(table: RuleTable, number: int, keys: Sequence[str], complaints: list[str]) -> Rule:
    name = table.name or f"rule {number + 1}"

    def meant(patterns: Sequence[str], field: str) -> frozenset[str]:
        found: set[str] = set()
        for pattern in patterns:
            models = named(pattern, keys)
            if not models:
                guess = near(pattern, keys) or "`codriver models` lists them."
                text = f"{name!r} names {pattern!r}, and no model is called so. {guess}"
                complaints.append(f"rules.{number}.{field}: {text}")
            found |= models
        return frozenset(found)

    allow = meant(table.allow, "allow") if table.allow else None
    pinned = meant((table.pin,), "pin") if table.pin else frozenset[str]()
    pin = table.pin
    if len(pinned) == 1:
        (pin,) = pinned
    elif pinned:  # a name that several providers have: any of those
        pin, allow = "", pinned if allow is None else pinned & allow
    return Rule(
        name,
        _match(table.match),
        allow=allow,
        deny=meant(table.deny, "deny"),
        prefer=meant(table.prefer, "prefer"),
        pin=pin,
        strategy=table.strategy,
        floor=table.floor,
        request_usd=table.request_usd,
    )


def _match(table: MatchTable) -> Match:
    return Match(
        languages=frozenset(language.lower() for language in table.language),
        path=glob(table.path) if table.path else None,
        purposes=frozenset(table.purpose),
        tasks=frozenset(table.task),
        workflows=frozenset(table.workflow),
        agents=tuple(agent.lower() for agent in table.agent),
        cognitive=table.cognitive,
        tokens=table.tokens,
        load=table.load,
        hours=minutes(table.hours) if table.hours is not None else None,
        days=frozenset(DAYS.index(day) for day in table.days),
    )


def steps_of(settings: Settings) -> degrading.Steps | None:
    """The steps down under strain; None where there are none."""
    peak, budget = settings.peak.steps, settings.budget.steps
    if not peak and not budget:
        return None
    return degrading.Steps(
        tuple(degrading.PeakStep(step.requests, step.throttled, step.floor) for step in peak),
        tuple(degrading.BudgetStep(step.spent, step.floor) for step in budget),
    )
