"""Real outcomes of real models on real tasks: queries x models, read from JSON lines. What is absent is nan."""

from __future__ import annotations

import gzip
import json
import math
import tomllib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codriver.errors import ConfigError

Floats = NDArray[np.float64]
"""Scores, dollars, counts."""
Rows = NDArray[np.intp]
"""Numbers of a matrix's rows, that is queries."""

QUANTITIES = ("score", "cost", "calls", "prompt_tokens", "completion_tokens", "seconds")
_FIELDS = {quantity: {"cost": "cost_usd"}.get(quantity, quantity) for quantity in QUANTITIES}
_REMEDY = "The README tells the schema: one JSON object a line"


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked. split_key names the problem: rows that share it never lie on both sides of a split."""

    id: str
    split_key: str
    source: str = ""
    task: str = ""
    domain: str = ""
    language: str = ""
    repo: str = ""
    difficulty: str = ""
    date: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Outcomes of `models` on `queries`; every array is queries x models.

    name: the folder's, with "/source" behind it after a split. part: the middle of the files' names, "public" or
    "held" or any other. score: 0..1. cost: dollars of the whole run. calls: requests it took. seconds: it lasted.
    price: dollars per million tokens of each model, where only that is known.
    """

    name: str
    queries: tuple[Query, ...]
    models: tuple[str, ...]
    score: Floats
    cost: Floats
    calls: Floats
    prompt_tokens: Floats
    completion_tokens: Floats
    seconds: Floats
    part: str = "public"
    price: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def title(self) -> str:
        return self.name if self.part == "public" else f"{self.name} ({self.part})"

    def take(self, rows: Rows | Sequence[int], models: Rows | Sequence[int] | None = None, name: str = "") -> Matrix:
        """The same outcomes of some queries and models, in the order given."""
        chosen = np.arange(len(self.models)) if models is None else np.asarray(models, dtype=np.intp)
        picked = np.asarray(rows, dtype=np.intp)
        arrays = {quantity: getattr(self, quantity)[np.ix_(picked, chosen)] for quantity in QUANTITIES}
        return replace(
            self,
            name=name or self.name,
            queries=tuple(self.queries[row] for row in picked),
            models=tuple(self.models[model] for model in chosen),
            price=self.price[chosen] if self.price.size else self.price,
            **arrays,
        )

    def hiding(self, model: int) -> Matrix:
        """The same, with nothing known about one model but its name: what a newcomer looks like to training."""
        hidden = {quantity: getattr(self, quantity).copy() for quantity in QUANTITIES}
        for array in hidden.values():
            array[:, model] = math.nan
        return replace(self, **hidden)


def load(folder: Path) -> list[Matrix]:
    """Every pair of queries.*.jsonl(.gz) and outcomes.*.jsonl(.gz) below a folder, ordered by name.

    Several outcomes of one model on one query are averaged. Raises ConfigError, with file and line, for what cannot
    be read: a half of a pair, broken gzip or JSON, a score beyond 0..1, an outcome of no query.
    """
    if not folder.is_dir():
        raise ConfigError(str(folder), "", "there is no such folder", "Name the folder with the outcome matrices")
    found = sorted(path for path in folder.rglob("*.jsonl*") if _middle(path, "queries") or _middle(path, "outcomes"))
    pairs: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in found:
        kind = "queries" if _middle(path, "queries") else "outcomes"
        pairs.setdefault((path.parent, _middle(path, kind)), {})[kind] = path
    if not pairs:
        raise ConfigError(
            str(folder), "", "no queries.*.jsonl.gz with outcomes.*.jsonl.gz in it", "Name the folder with the matrices"
        )
    return [_matrix(folder, part, files) for (_, part), files in pairs.items()]


def _middle(path: Path, kind: str) -> str:
    """`public` of queries.public.jsonl.gz; "" for a file of another kind."""
    for ending in (".jsonl.gz", ".jsonl"):
        if path.name.startswith(f"{kind}.") and path.name.endswith(ending):
            return path.name[len(kind) + 1 : -len(ending)] or "all"
    return ""


def _matrix(folder: Path, part: str, files: dict[str, Path]) -> Matrix:
    for kind, other in (("queries", "outcomes"), ("outcomes", "queries")):
        if kind not in files:
            raise ConfigError(str(files[other]), "", f"there is no {kind}.{part}.jsonl.gz beside it", _REMEDY)
    queries = tuple(_queries(files["queries"]))
    home = files["queries"].parent
    name = home.relative_to(folder).as_posix() if home != folder else home.resolve().name
    models, arrays = _outcomes(files["outcomes"], {query.id: row for row, query in enumerate(queries)})
    return Matrix(name, queries, models, part=part, price=_prices(home / "meta.json", models), **arrays)


def _queries(path: Path) -> Iterator[Query]:
    texts = {known.name for known in fields(Query)} - {"id", "split_key"}
    seen: set[str] = set()
    for number, row in _lines(path):
        identity = row.get("query_id")
        if not isinstance(identity, str) or not identity or identity in seen:
            reason = "there is no query_id" if not identity else f"query_id {identity!r} is no text, or is there twice"
            raise _broken(path, number, reason)
        seen.add(identity)
        told = {key: value for key, value in row.items() if key in texts and value is not None}
        wrong = next((key for key, value in told.items() if not isinstance(value, str | int | float)), "")
        if wrong:
            raise _broken(path, number, f"{wrong} is no text")
        yield Query(identity, str(row.get("split_key") or identity), **{key: str(value) for key, value in told.items()})


def _outcomes(path: Path, rows: dict[str, int]) -> tuple[tuple[str, ...], dict[str, Floats]]:
    cells: dict[tuple[int, str], list[list[float]]] = {}
    for number, row in _lines(path):
        query, model = row.get("query_id"), row.get("model")
        if not isinstance(query, str) or query not in rows:
            raise _broken(path, number, f"query_id {query!r} is not among the queries")
        if not isinstance(model, str) or not model:
            raise _broken(path, number, "there is no model")
        told = [_number(path, number, row, quantity) for quantity in QUANTITIES]
        cells.setdefault((rows[query], model), []).append(told)
    models = tuple(sorted({model for _, model in cells}))
    places = {model: column for column, model in enumerate(models)}
    arrays = {quantity: np.full((len(rows), len(models)), math.nan) for quantity in QUANTITIES}
    for (line, model), runs in cells.items():
        for quantity, values in zip(QUANTITIES, zip(*runs, strict=True), strict=True):
            known = [value for value in values if value == value]
            if known:
                arrays[quantity][line, places[model]] = sum(known) / len(known)
    return models, arrays


def _number(path: Path, line: int, row: dict[str, Any], quantity: str) -> float:
    value = row.get(_FIELDS[quantity])
    if value is None:
        return math.nan
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise _broken(path, line, f"{quantity} {value!r} is no number from 0 upwards")
    if quantity == "score" and value > 1:
        raise _broken(path, line, f"score {value!r} is beyond 0..1")
    return float(value)


def _prices(path: Path, models: Sequence[str]) -> Floats:
    """Dollars per million tokens as a matrix's meta.json states them, else prices.toml; nan where neither does."""
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        meta = None
    stated = meta if isinstance(meta, dict) else {}
    told = stated.get("price_per_mtok") or stated.get("price_per_mtok_blended")
    own = {name: price for name, price in told.items() if _positive(price)} if isinstance(told, dict) else {}
    found = np.array([float(own.get(model, _known_prices().get(model, math.nan))) for model in models])
    return found if np.isfinite(found).any() else np.empty(0)


def _positive(price: object) -> bool:
    return isinstance(price, int | float) and math.isfinite(price) and price >= 0


@cache
def _known_prices() -> dict[str, float]:
    text = (Path(__file__).parent / "prices.toml").read_text(encoding="utf-8")
    return {model: price for group in tomllib.loads(text).values() for model, price in group.items()}


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _object(path, number, line)
    except (OSError, EOFError, zlib.error) as error:
        raise _broken(path, number + 1, f"the file breaks off ({error})") from error


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise _broken(path, number, f"is no JSON ({error})") from error
    if not isinstance(row, dict):
        raise _broken(path, number, "is no JSON object")
    return row


def _broken(path: Path, line: int, reason: str) -> ConfigError:
    return ConfigError(str(path), f"line {line}", reason, _REMEDY)
