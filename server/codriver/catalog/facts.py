"""The form of `models/<provider>.json`: what the maintained price tables say of a provider's models.

Generated (codriver.catalog.tables), never written by hand: what providers/<name>.toml says goes over it.
One model stands on one line, so that a newer table reads as a short diff.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from codriver.catalog.names import variants

FOLDER = Path(__file__).parent / "models"

MOST_USD = 10_000.0
"""Per million tokens. What is dearer is a table with a lost factor, not a price."""

_WINDOW = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d:[0-5]\d|2[0-3]:[0-5]\d|24:00)")

Amount = Annotated[float, msgspec.Meta(ge=0, le=MOST_USD)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Weekday = Annotated[int, msgspec.Meta(ge=1, le=7)]


class Rates(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """USD per million tokens; null where the tables do not say. long: what holds instead for longer prompts."""

    input: Amount = 0.0
    cached: Amount | None = None
    written: Amount | None = None
    written_1h: Amount | None = None
    output: Amount = 0.0
    long: tuple[LongRates, ...] = ()


class LongRates(Rates, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """The rates of a whole request whose prompt is longer than `above` tokens."""

    above: Count


class Spell(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """When rates hold: from a day on (UTC midnight; "" always), in these hours, on these ISO weekdays, all in UTC.

    Hours are "HH:MM-HH:MM", the end not included. Of the spells that hold, the last one listed counts.
    """

    price: Rates
    since: Day | Literal[""] = ""
    hours: tuple[str, ...] = ()
    days: tuple[Weekday, ...] = ()


class Facts(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One model. Either `price`, or a `tariff` where prices change over days or hours, or neither (unknown).

    window: prompt and answer together. max_input: the longest prompt, where that is less than the window.
    wires: the only ones that serve it, where not all of the provider's do. retires: the day from which
    the provider answers no more. tables: who says so.
    """

    window: Count | None = None
    max_input: Count | None = None
    max_output: Count | None = None
    price: Rates | None = None
    tariff: tuple[Spell, ...] = ()
    batch: Rates | None = None
    chat: bool = True
    embeds: bool = False
    tools: bool | None = None
    images: bool | None = None
    schema: bool | None = None
    reasoning: bool | None = None
    caching: bool | None = None
    wires: tuple[str, ...] = ()
    retires: Day | Literal[""] = ""
    source: str = ""
    tables: str = ""


class Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One provider's file. date: when the tables were read. tables: the versions of those that were."""

    provider: str
    date: Day
    tables: dict[str, str]
    models: dict[str, Facts]


class _Raw(msgspec.Struct, frozen=True):
    """A sheet whose models are not decoded yet: of hundreds a few are asked for."""

    provider: str
    date: Day
    tables: dict[str, str]
    models: dict[str, msgspec.Raw]


class BadFacts(ValueError):
    """A file of facts that may not be used, and why."""


class Known:
    """One provider's facts, looked up by name and decoded on demand."""

    def __init__(self, data: bytes) -> None:
        """Raises BadFacts."""
        try:
            raw = _RAW.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as bad:
            raise BadFacts(str(bad)) from None
        self.provider, self.date, self.tables, self._models = raw.provider, raw.date, raw.tables, raw.models

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def find(self, *names: str) -> Facts | None:
        """The facts of the first of these names that is known, exactly or but for a date at its end."""
        for name in names:
            for form in variants(name):
                if form in self._models:
                    return _FACTS.decode(self._models[form])
        return None


_RAW = msgspec.json.Decoder(_Raw)
_FACTS = msgspec.json.Decoder(Facts)
_SHEET = msgspec.json.Decoder(Sheet)


def read(data: bytes) -> Sheet:
    """A whole sheet, everything in it looked at. Raises BadFacts for what may not be used."""
    try:
        sheet = _SHEET.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        raise BadFacts(str(bad)) from None
    for complaint in _complaints(sheet):
        raise BadFacts(complaint)
    return sheet


def write(sheet: Sheet) -> bytes:
    """The sheet as its file holds it: sorted, one model a line, the same bytes for the same facts."""
    encode = msgspec.json.Encoder(order="deterministic").encode
    lines = [b"%s:%s" % (encode(id), encode(sheet.models[id])) for id in sorted(sheet.models)]
    head = b'"provider":%s,\n"date":%s,\n"tables":%s' % tuple(map(encode, (sheet.provider, sheet.date, sheet.tables)))
    return b'{%s,\n"models":{\n%s\n}}\n' % (head, b",\n".join(lines))


def spans(hours: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """Minutes of the UTC day, from and to, of texts like "06:00-10:00". Raises BadFacts."""
    found = []
    for text in hours:
        if not _WINDOW.fullmatch(text):
            raise BadFacts(f"{text!r} is no span of hours like 06:00-10:00")
        begin, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
        if begin >= end:
            raise BadFacts(f"the span of hours {text!r} ends before it begins")
        found.append((begin, end))
    return tuple(found)


def midnight(day: str) -> float:
    """Unix time at which a day begins in UTC; 0 for "". Raises BadFacts for a day that is none."""
    if not day:
        return 0.0
    try:
        return datetime.datetime.fromisoformat(day).replace(tzinfo=datetime.UTC).timestamp()
    except ValueError:
        raise BadFacts(f"{day!r} is no day") from None


def _complaints(sheet: Sheet) -> Iterator[str]:
    """What types cannot say. The first one is enough: such a file is not used at all."""
    midnight(sheet.date)
    if not sheet.models:
        yield f"{sheet.provider}: no models"
    for id, facts in sheet.models.items():
        if facts.price is not None and facts.tariff:
            yield f"{id}: both a price and a tariff"
        if facts.tariff and (facts.tariff[0].hours or facts.tariff[0].days or facts.tariff[0].since):
            yield f"{id}: the first price of a tariff holds always"
        try:
            midnight(facts.retires)
            for spell in facts.tariff:
                midnight(spell.since)
                spans(spell.hours)
        except BadFacts as bad:
            yield f"{id}: {bad}"
        for rates in (facts.price, facts.batch, *(spell.price for spell in facts.tariff)):
            above = [step.above for step in rates.long] if rates else []
            if above != sorted(set(above)) or any(step.long for step in (rates.long if rates else ())):
                yield f"{id}: prices for long prompts are out of order"
