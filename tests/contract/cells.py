"""Cells of the matrix: which there are, what each is expected to be, and what it turned out to be."""

from __future__ import annotations

import importlib
import tomllib
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.asking import Absent, Client, Dropped, Refused
from contract.features import FEATURES, Feature
from contract.place import Place
from contract.upstreams import UPSTREAMS

LISTED = Path(__file__).with_name("expected.toml")
INBOUNDS: Mapping[str, str] = {
    "openai-chat": "",
    "openai-responses": "",
    "anthropic": "",
    "google-genai": "",
    "langchain-openai": "langchain-openai",
    "llamaindex": "llamaindex-openai-like",
}
"""Each SDK, and the client of tests/agents whose environment it needs: "" is ours."""
OURS = tuple(name for name, client in INBOUNDS.items() if not client)
_MODULES = {"openai-chat": "openai_chat", "openai-responses": "openai_responses", "anthropic": "anthropic_messages"}


@dataclass(frozen=True, slots=True)
class Expected:
    """A row of the written list: these cells are not "ok", but exactly this, for this reason.

    how: refused (the SDK raises this status, and its message has `says`), dropped (served without it, which the
    decision's reasons call `says`) or absent (the SDK has no parameter `says`).
    """

    name: str
    features: frozenset[str]
    inbounds: frozenset[str]
    upstreams: frozenset[str]
    how: str
    says: str
    status: int
    reason: str

    def covers(self, cell: Cell) -> bool:
        return cell.feature in self.features and cell.inbound in self.inbounds and cell.upstream in self.upstreams


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the matrix."""

    inbound: str
    upstream: str
    feature: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a cell. how: ok, refused, dropped, absent, or failed; told: the words of it."""

    how: str
    told: str = ""
    status: int = 0


def listed() -> tuple[Expected, ...]:
    """The written list. A key that is left out means all."""
    rows = tomllib.loads(LISTED.read_text(encoding="utf-8"))
    return tuple(_row(name, row) for name, row in rows.items())


def _row(name: str, row: Mapping[str, Any]) -> Expected:
    return Expected(
        name=name,
        features=frozenset(row["features"]),
        inbounds=frozenset(row.get("inbounds", INBOUNDS)),
        upstreams=frozenset(row.get("upstreams", UPSTREAMS)),
        how=row["how"],
        says=row["says"],
        status=row.get("status", 0),
        reason=row["reason"],
    )


def cells(inbounds: Sequence[str] = tuple(INBOUNDS), upstreams: Sequence[str] = tuple(UPSTREAMS)) -> Iterator[Cell]:
    """The whole matrix, or a part of it, upstream by upstream."""
    for upstream in upstreams:
        for inbound in inbounds:
            for feature in FEATURES:
                yield Cell(inbound, upstream, feature.name)


def named(name: str) -> Feature:
    return next(feature for feature in FEATURES if feature.name == name)


def connect(inbound: str, place: Place) -> Client:
    """The SDK's client. Its module is imported here, where its environment is."""
    module = importlib.import_module(f"contract.sdk.{_MODULES.get(inbound, inbound.replace('-', '_'))}")
    made: Client = module.client(place.base, place.token)
    return made


async def attempt(cell: Cell, client: Client, place: Place) -> Outcome:
    """Runs one check from a clean start."""
    place.fresh()
    try:
        await named(cell.feature).check(client, place)
    except Refused as refused:
        return Outcome("refused", refused.message, refused.status)
    except Absent as absent:
        return Outcome("absent", str(absent))
    except Dropped as dropped:
        return Outcome("dropped", str(dropped))
    except Exception as error:  # whatever the SDK raises is what the cell tells
        where = traceback.extract_tb(error.__traceback__)[-1]
        return Outcome("failed", f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {error}"[:900])
    return Outcome("ok")


def judged(cell: Cell, outcome: Outcome, rows: Sequence[Expected]) -> str:
    """Why this outcome is not what stands written, or ""."""
    row = next((row for row in rows if row.covers(cell)), None)
    if row is None:
        return "" if outcome.how == "ok" else f"{outcome.how} {outcome.status or ''}: {outcome.told}"
    fits = outcome.how == row.how and outcome.status == row.status and row.says in outcome.told
    return "" if fits else f"expected {row.name} ({row.how} {row.status or ''} {row.says!r}), not {outcome}"
