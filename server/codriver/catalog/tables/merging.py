"""Two tables -> one sheet of facts for each provider, and every disagreement, for a person to judge.

Prices come from genai-prices (it has dates) and abilities from litellm (only it has them); each fills what
the other leaves out. Where they contradict each other the rules below decide, and say so.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from codriver.catalog.facts import Facts, LongRates, Rates, Sheet, Spell
from codriver.catalog.names import variants
from codriver.catalog.tables.entry import Entry

SOURCES = Path(__file__).parent / "sources.toml"

CLASSES = ("input", "cached", "written", "written_1h", "output")

TOLERANCE = 0.01
"""Numbers nearer than this are the same: the tables round differently."""

ROUNDED = 0.05
"""Windows nearer than this are one number, rounded (1,000,000 for 1,048,576)."""

KEPT = datetime.timedelta(days=365)
"""How long a retired model is remembered, so that who still asks for it is told why not."""

# Nothing of these is a text request; only one of the tables says what kind of model a row is.
_OTHER_KIND = re.compile(
    r"image|audio|realtime|transcri|whisper|\btts\b|-tts|speech|dall-e|moderation|rerank|video|veo-|imagen|lyria"
    r"|\bocr\b|-ocr|live|voxtral|sora|guard|canvas|sonic|search-api|chirp|upscale|stable-|sdxl|flux|decider|parse",
    re.IGNORECASE,
)
_EMBEDDING = re.compile(r"embed|bge-|gte-|e5-", re.IGNORECASE)

RULES = {
    "price": "genai-prices is taken: its prices are dated, and changes are reviewed one by one",
    "hours": "litellm is taken: only it knows weekdays; where no hour is known the dearer price counts",
    "window": "the smaller is taken: better refused here than there. 256,000 for 262,144 is only rounded",
    "batch": "genai-prices is taken, as for prices",
    "dearer": "the dearer is taken: one table has the price of a region where the other has the cheapest one",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Which rows of the tables are one provider's; the file sources.toml."""

    genai: tuple[str, ...] = ()
    litellm: tuple[str, ...] = ()
    prefix: str = ""
    skip: str = ""
    only: str = ""
    dearer: bool = False

    def wants(self, id: str) -> bool:
        """Whether a name is one that a request of ours may use."""
        return not (self.skip and re.search(self.skip, id)) and bool(re.search(self.only, id))


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """Both tables speak of one thing and differ by more than TOLERANCE."""

    provider: str
    model: str
    what: str
    genai: str
    litellm: str
    rule: str


@dataclass(frozen=True, slots=True)
class Tables:
    """Both tables as they were read, with their versions ("" when one is not there)."""

    genai: Mapping[str, tuple[Entry, ...]]
    litellm: Mapping[str, Mapping[str, Entry]]
    versions: Mapping[str, str]


def sources(path: Path = SOURCES) -> dict[str, Source]:
    """By our name of the provider."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: msgspec.convert(table, Source) for name, table in tables.items()}


def sheet(provider: str, source: Source, tables: Tables, today: str) -> tuple[Sheet, list[Difference]]:
    """One provider's facts. Deterministic: the same tables and day give the same sheet."""
    theirs = [tables.genai.get(name, ()) for name in source.genai]
    rows = _rows(source, tables.litellm)
    models: dict[str, Facts] = {}
    differences: list[Difference] = []
    for id, one, other in _pairs(source, theirs, rows):
        found, differs = merged(one, other, today, dearer=source.dearer)
        if found is not None and _remembered(found, today):
            models[id] = found
            differences += [Difference(provider, id, *rest) for rest in differs]
    models = {id: found for id, found in models.items() if not _repeats(id, found, models)}
    kept = [difference for difference in differences if difference.model in models]
    return Sheet(provider, today, dict(tables.versions), models), sorted(kept)


def _rows(source: Source, litellm: Mapping[str, Mapping[str, Entry]]) -> dict[str, Entry]:
    """litellm's rows by the provider's own name of the model; a key with the prefix is the more exact one."""
    keys = {key: entry for name in source.litellm for key, entry in litellm.get(name, {}).items()}
    plain = {key: entry for key, entry in keys.items() if not key.startswith(source.prefix)}
    exact = {key.removeprefix(source.prefix): entry for key, entry in keys.items() if key.startswith(source.prefix)}
    return {id: entry for id, entry in (plain | exact).items() if source.wants(id)}


def _pairs(
    source: Source, theirs: Sequence[Sequence[Entry]], rows: Mapping[str, Entry]
) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    """Every model once: its name, and what either table has of it."""
    met: set[int] = set()
    for id, row in rows.items():
        entry = next((entry for entries in theirs for entry in entries if entry.fits(id)), None)
        met.add(_same(entry))
        yield id, entry, row
    for entry in theirs[0] if theirs else ():
        if _same(entry) not in met and entry.id not in rows and source.wants(entry.id):
            yield entry.id, entry, None


def _same(entry: Entry | None) -> int:
    """Two entries may be equal; which one was met is a matter of identity."""
    return id(entry)


def merged(
    one: Entry | None, other: Entry | None, today: str, *, dearer: bool = False
) -> tuple[Facts | None, list[tuple[str, ...]]]:
    """What genai-prices (one) and litellm (other) say of a model, and where they differ. None: not for text."""
    there = [entry for entry in (one, other) if entry is not None]
    name = there[-1].id
    kind = other.kind if other else ""
    if _OTHER_KIND.search(name):
        return None, []
    spells, differs = _spells(one, other, today, dearer)
    batch, more = _batch(one, other)
    window, max_input, most = _window(one, other)
    differs = [*differs, *more, *most]
    embeds = kind == "embedding" or (not kind and bool(_EMBEDDING.search(name)))
    able = {} if embeds or other is None else other.able
    facts = Facts(
        window=window,
        max_input=max_input,
        max_output=None if embeds or other is None else other.max_output,
        price=spells[0].price if len(spells) == 1 else None,
        tariff=spells if len(spells) > 1 else (),
        batch=batch if spells else None,
        chat=not embeds and kind != "completion",
        embeds=embeds,
        wires=other.wires if other else (),
        retires=other.retires if other else "",
        source=next((entry.source for entry in reversed(there) if entry.source.startswith("http")), ""),
        tables="+".join(label for label, entry in (("genai-prices", one), ("litellm", other)) if entry is not None),
        **able,
    )
    return facts, differs


def _spells(
    one: Entry | None, other: Entry | None, today: str, dearer: bool
) -> tuple[tuple[Spell, ...], list[tuple[str, ...]]]:
    mine, theirs = one.spells if one else (), other.spells if other else ()
    if not mine or not theirs:
        return trimmed(mine or theirs, today), []
    now, then = standing(mine, today), standing(theirs, today)
    differs = list(unlike("price", now, then))
    if differs and dearer:
        differs = [(*said, RULES["dearer"]) for *said, _ in differs]
        return trimmed(theirs if total(then) > total(now) else mine, today), differs
    if any(spell.hours or spell.days for spell in theirs):
        differs += [("hours", *_hours(mine, theirs), RULES["hours"])]
        return trimmed((*(spell for spell in mine if not spell.hours), *_dated(mine, theirs)), today), differs
    if not differs:
        mine = _filled(mine, now, then)
    return trimmed(mine, today), differs


def _dated(mine: Sequence[Spell], theirs: Sequence[Spell]) -> tuple[Spell, ...]:
    """The spells of a day, from the day on which the dated table's last change came into force."""
    since = max(spell.since for spell in mine)
    return tuple(msgspec.structs.replace(spell, since=since) for spell in theirs)


def _hours(*tables: Sequence[Spell]) -> list[str]:
    return ["; ".join(_when(spell) for spell in spells if spell.hours or spell.days) or "none" for spells in tables]


def _when(spell: Spell) -> str:
    days = f"days {','.join(map(str, spell.days))} " if spell.days else ""
    return f"{days}{' '.join(spell.hours) or 'all day'} {spell.price.input:g}/{spell.price.output:g}"


def standing(spells: Iterable[Spell], today: str) -> Rates:
    """The price that counts on a day when the hour is not known: the dearest of the last that began."""
    begun = [spell for spell in spells if spell.since <= today]
    daily = [spell for spell in begun if not spell.hours and not spell.days]
    last = daily[-1:]
    timed = [spell for spell in begun if spell.hours or spell.days]
    return max((spell.price for spell in (*last, *timed)), key=total)


def total(price: Rates) -> float:
    """One number to compare prices by."""
    return price.input + price.output


def trimmed(spells: Sequence[Spell], today: str) -> tuple[Spell, ...]:
    """Without prices that ended over a year ago, and without those that only repeat the one before."""
    oldest = (datetime.date.fromisoformat(today) - KEPT).isoformat()
    kept: list[Spell] = []
    for spell in spells:
        timed = spell.hours or spell.days
        if kept and not timed and (spell.since <= oldest or spell.since == kept[-1].since):
            kept.clear() if spell.since <= oldest else kept.pop()
        if not timed and kept and kept[-1].price == spell.price and not kept[-1].hours and not kept[-1].days:
            continue
        kept.append(spell)
    if kept and not (kept[0].hours or kept[0].days):
        kept[0] = msgspec.structs.replace(kept[0], since="")
    elif kept:
        # Hours without an ordinary price: the dearest stands for the rest of the day.
        kept.insert(0, Spell(standing(kept, today)))
    return tuple(kept)


def _filled(spells: Sequence[Spell], now: Rates, then: Rates) -> tuple[Spell, ...]:
    """The price of today completed with the classes that only the other table knows."""
    missing = {name: getattr(then, name) for name in CLASSES if getattr(now, name) is None}
    full = msgspec.structs.replace(now, **missing)
    if len(full.long) == len(then.long):
        pairs = zip(full.long, then.long, strict=True)
        full = msgspec.structs.replace(full, long=tuple(_longer(mine, theirs) for mine, theirs in pairs))
    return tuple(msgspec.structs.replace(spell, price=full) if spell.price is now else spell for spell in spells)


def _longer(mine: LongRates, theirs: LongRates) -> LongRates:
    missing = {name: getattr(theirs, name) for name in CLASSES if getattr(mine, name) is None}
    return msgspec.structs.replace(mine, **missing)


def same(one: Rates, two: Rates) -> bool:
    """Whether two prices agree in everything that both state."""
    return not any(True for _ in unlike("price", one, two))


def unlike(what: str, mine: Rates, theirs: Rates) -> Iterator[tuple[str, ...]]:
    """Each class of tokens, also for long prompts, in which both say something else."""
    for name in CLASSES:
        one, two = getattr(mine, name), getattr(theirs, name)
        if one is not None and two is not None and not _near(one, two):
            yield f"{what}: {name}", f"{one:g}", f"{two:g}", RULES[what]
    steps, others = ({_round(step.above): step for step in rates.long} for rates in (mine, theirs))
    if what == "price" and steps.keys() != others.keys():
        said = (" ".join(f"{above:,}" for above in sorted(each)) or "none" for each in (steps, others))
        yield f"{what}: long from", *said, RULES[what]
    for above in sorted(steps.keys() & others.keys()):
        for name in CLASSES:
            one, two = getattr(steps[above], name), getattr(others[above], name)
            if one is not None and two is not None and not _near(one, two):
                yield f"{what}: {name} over {above:,}", f"{one:g}", f"{two:g}", RULES[what]


def _round(above: int) -> int:
    """199,999 and 200,000 are the same limit, counted from either side."""
    return round(above, -1)


def _near(one: float, two: float, tolerance: float = TOLERANCE) -> bool:
    return abs(one - two) <= tolerance * max(one, two)


def _batch(one: Entry | None, other: Entry | None) -> tuple[Rates | None, list[tuple[str, ...]]]:
    mine, theirs = one.batch if one else None, other.batch if other else None
    if mine is None or theirs is None:
        return mine or theirs, []
    missing = {name: getattr(theirs, name) for name in CLASSES if getattr(mine, name) is None}
    return msgspec.structs.replace(mine, **missing), list(unlike("batch", mine, theirs))


def _window(one: Entry | None, other: Entry | None) -> tuple[int | None, int | None, list[tuple[str, ...]]]:
    """Tokens of prompt and answer together, and of the prompt alone where that is less.

    genai-prices counts the whole for most models; litellm the prompt for some, the whole for others.
    """
    whole, prompt = one.window if one else None, other.max_input if other else None
    if whole is None or prompt is None:
        return whole or prompt, None, []
    both = prompt + ((other.max_output or 0) if other else 0)
    if _near(whole, prompt, ROUNDED):
        return _exact(whole, prompt), None, []
    if _near(whole, both, ROUNDED):
        return _exact(whole, both), prompt, []
    return min(whole, prompt), None, [("window", f"{whole:,}", f"{prompt:,}", RULES["window"])]


def _exact(one: int, two: int) -> int:
    """Of a number and its rounded form the number: the one with fewer zeros at its end."""
    return min(one, two, key=lambda number: (len(str(number)) - len(str(number).rstrip("0")), number))


def _remembered(facts: Facts, today: str) -> bool:
    """Whether there is anything to know of a model that anybody may still ask for."""
    if not (facts.price or facts.tariff or facts.window):
        return False
    oldest = (datetime.date.fromisoformat(today) - KEPT).isoformat()
    return not facts.retires or facts.retires > oldest


def _repeats(id: str, facts: Facts, models: Mapping[str, Facts]) -> bool:
    """Whether the name without its date says the same: looking up leaves the date out too."""
    return any(models.get(form) == facts for form in list(variants(id))[1:])
