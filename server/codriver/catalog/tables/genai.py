"""The table of genai-prices: a Python module of nothing but constructor calls, read without running it.

What its prices mean (the order of conditions, tiers by prompt length) is told in its own types module.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from codriver.catalog.facts import LongRates, Rates, Spell
from codriver.catalog.tables.entry import BadTable, Entry, known

_CLASSES = {
    "input_mtok": "input",
    "cache_read_mtok": "cached",
    "cache_write_mtok": "written",
    "cache_write_1h_mtok": "written_1h",
    "output_mtok": "output",
}

Node = dict[str, Any]
"""A constructor call: its arguments by name, and its own name under ""."""


def read(text: str, today: str) -> dict[str, tuple[Entry, ...]]:
    """Entries by the table's name of the provider. today: the day (ISO) whose batch prices count. Raises BadTable."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as bad:
        raise BadTable(f"genai-prices: not its table ({bad})") from None
    for statement in tree.body:
        if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == "providers" and statement.value:
            try:
                return {provider["id"]: _entries(provider, today) for provider in _value(statement.value)}
            except (KeyError, TypeError, AttributeError, InvalidOperation, re.error, RecursionError) as bad:
                raise BadTable(f"genai-prices: its table has another form ({type(bad).__name__}: {bad})") from None
    raise BadTable("genai-prices: no table of providers in it")


def _value(node: ast.expr) -> Any:
    """Literals, lists, dicts, and calls as a Node. Nothing is run."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_value(element) for element in elements]
        case ast.Dict(keys=keys, values=values):
            return {_value(key): _value(value) for key, value in zip(keys, values, strict=True) if key is not None}
        case ast.Attribute():
            return ast.unparse(node)
        case ast.Call(func=called, args=given, keywords=named):
            name = ast.unparse(called)
            plain: list[Any] = [_value(argument) for argument in given]
            if name == "Decimal":
                return Decimal(plain[0])
            if name == "datetime.date":
                return date(*plain).isoformat()
            if name == "datetime.time":
                return f"{plain[0]:02d}:{plain[1] if len(plain) > 1 else 0:02d}"
            return {"": name} | {argument.arg: _value(argument.value) for argument in named}
        case _:
            raise BadTable(f"genai-prices: line {node.lineno} is no plain value")


def _entries(provider: Node, today: str) -> tuple[Entry, ...]:
    source = next(iter(provider.get("pricing_urls") or ()), "")
    return tuple(_entry(model, source, today) for model in provider["models"])


def _entry(model: Node, source: str, today: str) -> Entry:
    names = _named(model["match"])
    # Where one other spelling is all that fits, that is what requests say, and the id is a short form of it.
    id = names[0] if len(names) == 1 and model["match"][""] == "ClauseEquals" else model["id"]
    return Entry(
        id=id,
        spells=_spells(model["prices"]),
        batch=_batch(model.get("price_variants") or (), today),
        window=model.get("context_window"),
        source=source,
        fits=_fitting(model["match"]),
    )


def _spells(prices: Node | list[Node]) -> tuple[Spell, ...]:
    """The table's own order of precedence is ours: of those that hold the last one counts."""
    if isinstance(prices, dict):
        rates = _rates(prices)
        return (Spell(rates),) if known(rates) else ()
    spells = []
    for conditional in prices:
        rates, when = _rates(conditional["prices"]), conditional.get("constraint") or {"": ""}
        if not known(rates):
            continue
        match when[""]:
            case "StartDateConstraint":
                spells.append(Spell(rates, since=when["start_date"]))
            case "TimeOfDateConstraint":
                spells.append(Spell(rates, hours=_hours(when["start_time"], when["end_time"])))
            case "":
                spells.append(Spell(rates))
            case other:
                raise BadTable(f"genai-prices: a price under an unknown condition, {other}")
    if spells and not spells[0].hours:
        # "If no conditional prices match, the first one is used."
        spells[0] = Spell(spells[0].price)
    return tuple(spells)


def _hours(begin: str, end: str) -> tuple[str, ...]:
    if end == "00:00":
        end = "24:00"
    return (f"{begin}-{end}",) if begin < end else (f"00:00-{end}", f"{begin}-24:00")


def _rates(price: Node) -> Rates:
    return tiered({ours: _tiers(price[theirs]) for theirs, ours in _CLASSES.items() if price.get(theirs) is not None})


def _tiers(price: Any) -> dict[int, float]:
    if isinstance(price, Decimal):
        return {0: float(price)}
    return {0: float(price["base"])} | {tier["start"]: float(tier["price"]) for tier in price["tiers"]}


def tiered(classes: Mapping[str, Mapping[int, float]]) -> Rates:
    """Rates from a price for each class of tokens and each length above which it holds (0: the ordinary one)."""
    ordinary = {name: tiers[0] for name, tiers in classes.items() if 0 in tiers}
    steps = sorted({above for tiers in classes.values() for above in tiers if above})
    long = []
    for above in steps:
        held = {name: tiers[max(start for start in tiers if start <= above)] for name, tiers in classes.items()}
        long.append(msgspec.structs.replace(LongRates(above=above), **held))
    return Rates(**ordinary, long=tuple(long))


def _batch(variants: Iterable[Node], today: str) -> Rates | None:
    """What asynchronous batches cost today; classes it leaves out stay unsaid."""
    classes: dict[str, dict[int, float]] = {}
    for variant in variants:
        since = (variant.get("constraint") or {}).get("start_date", "")
        if variant["when"] == {"processing": "batch"} and since <= today:
            for theirs, ours in _CLASSES.items():
                if variant["prices"].get(theirs) is not None:
                    classes.setdefault(ours, _tiers(variant["prices"][theirs]))
    rates = tiered(classes)
    return rates if known(rates) else None


def _named(clause: Node) -> list[str]:
    """The full names that a clause lists."""
    if clause[""] == "ClauseEquals":
        return [clause["equals"]]
    return [name for part in clause.get("or_", ()) for name in _named(part)]


def _fitting(clause: Node) -> Callable[[str], bool]:
    """The clause as a function of a name, without regard to case."""
    match clause[""]:
        case "ClauseEquals":
            return lambda name: name.lower() == clause["equals"].lower()
        case "ClauseStartsWith":
            return lambda name: name.lower().startswith(clause["starts_with"].lower())
        case "ClauseEndsWith":
            return lambda name: name.lower().endswith(clause["ends_with"].lower())
        case "ClauseContains":
            return lambda name: clause["contains"].lower() in name.lower()
        case "ClauseRegex":
            pattern = re.compile(clause["regex"], re.IGNORECASE)
            return lambda name: bool(pattern.search(name))
        case "ClauseOr" | "ClauseAnd" as kind:
            parts = [_fitting(part) for part in clause["or_" if kind == "ClauseOr" else "and_"]]
            test = any if kind == "ClauseOr" else all
            return lambda name: test(part(name) for part in parts)
        case other:
            raise BadTable(f"genai-prices: an unknown way of matching names, {other}")
