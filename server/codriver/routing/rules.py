"""The user's own rules: which hold for a request, and what they make of its plan. Pure.

All rules that match hold, in their order: what they deny and what they limit adds up, and a model must be allowed by
each that allows anything. Of pin, strategy, floor and prefer the first rule that says it counts. A model that the
caller names himself is only bound by what rules deny, allow and limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from codriver.model.decision import Refusal
from codriver.model.features import Features
from codriver.model.request import Request
from codriver.routing.decide import Wish
from codriver.routing.eligibility import Offer, Roster

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As `Moment.day` counts them."""

_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Moment:
    """When a request came. minute: of the local day; day: 0 is Monday; load: requests that somebody waits for."""

    minute: int = 0
    day: int = 0
    load: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """When a rule holds; what is empty asks nothing. path: of any file the request is about. hours: local minutes,
    the second excluded, perhaps over midnight. agent: beginnings of the program's User-Agent, in small letters."""

    languages: frozenset[str] = frozenset()
    path: Callable[[str], bool] | None = None
    purposes: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()
    workflows: frozenset[str] = frozenset()
    agents: tuple[str, ...] = ()
    cognitive: int = 0
    tokens: int = 0
    load: int = 0
    hours: tuple[int, int] | None = None
    days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `name` stands in the reasons. Models by their keys: `named` made them of globs.

    allow: None allows everybody. pin: "" for none; a model that is not there is told, and nobody answers in its place.
    """

    name: str
    match: Match = Match()
    allow: frozenset[str] | None = None
    deny: frozenset[str] = frozenset()
    prefer: frozenset[str] = frozenset()
    pin: str = ""
    strategy: str = ""
    floor: float | None = None
    request_usd: float | None = None


def matching(rules: Sequence[Rule], request: Request, features: Features, moment: Moment) -> list[Rule]:
    """The rules that hold for this request, in their order."""
    return [rule for rule in rules if holds(rule.match, request, features, moment)]


def holds(match: Match, request: Request, features: Features, moment: Moment) -> bool:
    """Whether everything a match asks for is so."""
    words = (
        (match.languages, features.language),
        (match.purposes, request.purpose),
        (match.tasks, features.task),
        (match.workflows, request.workflow),
    )
    if any(wanted and word not in wanted for wanted, word in words):
        return False
    if features.cognitive < match.cognitive or features.tokens < match.tokens or moment.load < match.load:
        return False
    return (
        _at(match, moment)
        and (match.path is None or any(match.path(path) for path in _paths(request, features)))
        and (not match.agents or request.agent.lower().startswith(match.agents))
    )


def _at(match: Match, moment: Moment) -> bool:
    """A span over midnight belongs to the day on which it begins."""
    if match.hours is None:
        return not match.days or moment.day in match.days
    start, end = match.hours
    inside = (moment.minute - start) % _DAY < ((end - start) % _DAY or _DAY)
    day = (moment.day - 1) % 7 if moment.minute < start else moment.day
    return inside and (not match.days or day in match.days)


def _paths(request: Request, features: Features) -> list[str]:
    return [path for path in (features.path, request.file, *features.files) if path]


def ruled(
    held: Sequence[Rule], request: Request, offers: Sequence[Offer], wish: Wish
) -> tuple[tuple[Offer, ...], Wish]:
    """Who may still answer under these rules, and how is chosen among them; the reasons name each rule."""
    named = bool(wish.bounds.only)
    pin = "" if named else _first(rule.pin for rule in held)
    kept: list[Offer] = []
    refused = list(wish.refused)
    for offer in offers:
        no = _against(held, offer.model.key)
        if no:
            refused.append(Refusal(offer.model.key, "rule", no))
        elif pin and offer.model.key != pin:
            refused.append(Refusal(offer.model.key, "rule", f"a rule pins the request to {pin}"))
        else:
            kept.append(offer)
    limits = [rule.request_usd for rule in held if rule.request_usd is not None]
    if wish.bounds.request_usd is not None:
        limits.append(wish.bounds.request_usd)
    bounds = replace(wish.bounds, only=wish.bounds.only or pin, request_usd=min(limits, default=None))
    strategy = "" if request.strategy or named else _first(rule.strategy for rule in held)
    floor = next((rule.floor for rule in held if rule.floor is not None), wish.floor)
    prefer = frozenset[str]() if named else next((rule.prefer for rule in held if rule.prefer), frozenset[str]())
    told = f"rules: {'; '.join(_told(rule) for rule in held)}"
    return (offers.part(kept) if isinstance(offers, Roster) else tuple(kept)), replace(
        wish,
        bounds=bounds,
        strategy=strategy or wish.strategy,
        floor=floor,
        prefer=prefer,
        refused=tuple(refused),
        hint=f"{wish.hint}; {told}" if wish.hint else told,
    )


def _first(words: Iterable[str]) -> str:
    return next((word for word in words if word), "")


def _against(held: Sequence[Rule], key: str) -> str:
    for rule in held:
        if key in rule.deny:
            return f"the rule {rule.name!r} denies it"
        if rule.allow is not None and key not in rule.allow:
            return f"the rule {rule.name!r} does not allow it"
    return ""


def _told(rule: Rule) -> str:
    """A rule's name and what it says, in words."""
    said = [
        f"allows {len(rule.allow)} models" if rule.allow is not None else "",
        f"denies {len(rule.deny)} models" if rule.deny else "",
        f"prefers {', '.join(sorted(rule.prefer)[:3])}{' ...' if len(rule.prefer) > 3 else ''}" if rule.prefer else "",
        f"pins {rule.pin}" if rule.pin else "",
        f"strategy {rule.strategy}" if rule.strategy else "",
        f"floor {rule.floor:g}" if rule.floor is not None else "",
        f"at most ${rule.request_usd:g}" if rule.request_usd is not None else "",
    ]
    return f"{rule.name!r} ({', '.join(part for part in said if part)})"


# What is written -> rules.


def minutes(text: str) -> tuple[int, int]:
    """ "22:00-06:00" as minutes of the day."""
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
    return start, end


def named(pattern: str, keys: Sequence[str]) -> frozenset[str]:
    """The models a glob means, by their keys; one without a slash means every provider's model of this id."""
    if "/" not in pattern:
        pattern = f"*/{pattern}"
    # Ids may have slashes of their own, so a star crosses them.
    told = re.compile("".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern), re.IGNORECASE)
    return frozenset(key for key in keys if told.fullmatch(key))


def glob(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path fits one of the globs and none of those after a "!".

    As in a .gitignore, which is read from any folder on: a glob without a slash means files and folders of that name
    wherever they are; ** is any number of folders.
    """
    yes = [_glob(pattern) for pattern in patterns if not pattern.startswith("!")]
    no = [_glob(pattern[1:]) for pattern in patterns if pattern.startswith("!")]

    def fits(path: str) -> bool:
        path = path.replace("\\", "/")
        return (not yes or any(one.search(path) for one in yes)) and not any(one.search(path) for one in no)

    return fits


def _glob(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.strip("/"))
    told = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(told.get(part, re.escape(part)) for part in parts)
    return re.compile(rf"(?:^|/){body}(?:/|$)")
