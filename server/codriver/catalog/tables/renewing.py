"""A newer genai-prices over the sheets that are here: what it prices otherwise, and what it alone has.

The other table is too large to fetch for a refresh; what the sheets here know from it stays.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from codriver.catalog.facts import Facts, Rates, Sheet, Spell
from codriver.catalog.tables import genai
from codriver.catalog.tables.entry import BadTable, Entry
from codriver.catalog.tables.merging import Source, merged, same, standing, total, trimmed, unlike

_TABLE = "genai_prices/data.py"

_LARGEST = 32_000_000
"""Bytes of the table once unpacked; today's has a twentieth of that."""

_FEWEST = 0.5
"""A newer table with less than this part of the models is not a newer table."""


def table(wheel: bytes, today: str) -> dict[str, tuple[Entry, ...]]:
    """The table in a wheel of genai-prices. Raises BadTable."""
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            packed = archive.getinfo(_TABLE)
            text = archive.read(packed).decode() if packed.file_size <= _LARGEST else ""
    except (
        zipfile.BadZipFile,
        KeyError,
        UnicodeDecodeError,
        NotImplementedError,
        EOFError,
        OSError,
        zlib.error,
    ) as bad:
        raise BadTable(f"genai-prices: no table in this package ({bad})") from None
    return genai.read(text, today)


def renewed(
    held: Mapping[str, Sheet],
    newer: Mapping[str, Sequence[Entry]],
    sources: Mapping[str, Source],
    version: str,
    today: str,
) -> tuple[list[Sheet], list[str]]:
    """The sheets with a newer table's prices, and a sentence for each change of a price. Raises BadTable."""
    before = sum(1 for sheet in held.values() for facts in sheet.models.values() if "genai" in facts.tables)
    found: list[Sheet] = []
    changes: list[str] = []
    met = 0
    for provider, sheet in held.items():
        source = sources.get(provider, Source())
        models, told, count = _models(sheet, [newer.get(name, ()) for name in source.genai], source, today)
        met += count
        changes += [f"{provider}/{line}" for line in told]
        found.append(Sheet(provider, today, {**sheet.tables, "genai-prices": version}, models))
    if met < before * _FEWEST:
        raise BadTable(f"genai-prices {version}: it prices {met} models where {before} were known")
    return found, changes


def _models(
    sheet: Sheet, entries: Sequence[Sequence[Entry]], source: Source, today: str
) -> tuple[dict[str, Facts], list[str], int]:
    models: dict[str, Facts] = {}
    changes: list[str] = []
    met: set[int] = set()
    count = 0
    exact = {entry.id: entry for table in reversed(entries) for entry in table}
    for name, facts in sheet.models.items():
        entry = exact.get(name) or next((entry for table in entries for entry in table if entry.fits(name)), None)
        met.add(id(entry))
        count += entry is not None and "genai" in facts.tables
        models[name] = _repriced(facts, entry, source, today)
        changes += _told(name, facts, models[name], today)
    for entry in entries[0] if entries else ():
        if id(entry) not in met and entry.id not in models and source.wants(entry.id):
            made, _ = merged(entry, None, today)
            if made is not None and (made.price or made.tariff):
                models[entry.id] = made
                changes.append(f"{entry.id}: new")
    return models, changes, count


def _repriced(facts: Facts, entry: Entry | None, source: Source, today: str) -> Facts:
    """The price of a newer table where it says another one; hours and days that still fit stay."""
    if entry is None or not entry.spells:
        return facts
    now, then = standing(entry.spells, today), _standing(facts, today)
    announced = _announced(entry.spells, today) != _announced(facts.tariff, today)
    if then is not None and not announced and (same(now, then) or (source.dearer and total(now) <= total(then))):
        return facts
    spells = trimmed(entry.spells, today)
    return msgspec.structs.replace(
        facts,
        price=spells[0].price if len(spells) == 1 else None,
        tariff=spells if len(spells) > 1 else (),
        batch=entry.batch,
        tables="genai-prices" if "litellm" not in facts.tables else "genai-prices+litellm",
    )


def _standing(facts: Facts, today: str) -> Rates | None:
    return standing(facts.tariff, today) if facts.tariff else facts.price


def _announced(spells: Iterable[Spell], today: str) -> list[tuple[str, float]]:
    """The changes that are to come."""
    return [(spell.since, total(spell.price)) for spell in spells if spell.since > today]


def _told(name: str, before: Facts, after: Facts, today: str) -> Iterable[str]:
    if before is after:
        return
    was, now = _standing(before, today), _standing(after, today)
    if now is None:
        return
    if was is None:
        yield f"{name}: input {now.input:g}, output {now.output:g}; no price was known"
        return
    said = [f"{what.removeprefix('price: ')} {old} -> {new}" for what, old, new, _ in unlike("price", was, now)]
    said += [f"another price from {day}" for day, _ in _announced(after.tariff, today)]
    yield f"{name}: {', '.join(said) or 'other days or hours'}"
