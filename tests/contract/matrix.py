"""`make test-matrix`: every SDK, on every upstream wire, with every feature; a table tells, with a reason for each hole.

The SDKs that cannot share our environment have their own in the folder that `make test-agents` keeps, made on demand;
without a package index they are left out, and the table says so.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contract.cells import INBOUNDS, Cell, Expected, Outcome, attempt, cells, connect, judged, listed
from contract.features import FEATURES
from contract.place import Place
from contract.upstreams import UPSTREAMS

_TESTS = Path(__file__).resolve().parents[1]
_LIMIT = 120.0
"""Seconds for one SDK on one upstream: some 10 on a quiet machine."""


def main() -> int:
    wanted = _arguments()
    if wanted.child:
        asyncio.run(_child(wanted.child))
        return 0
    pythons = {inbound: _python(inbound) for inbound in wanted.inbounds}
    outcomes: dict[Cell, Outcome] = {}
    runnable = [name for name in wanted.inbounds if not pythons[name][1]]
    with ThreadPoolExecutor(wanted.jobs) as pool:
        for column in pool.map(lambda upstream: _column(upstream, runnable, pythons), wanted.upstreams):
            outcomes |= column
    print(table(outcomes, wanted.inbounds, wanted.upstreams, listed()))
    absent = [f"{inbound} was left out: {why}" for inbound, (_, why) in pythons.items() if why]
    print("\n".join(absent))
    wrong = {cell: why for cell, outcome in outcomes.items() if (why := judged(cell, outcome, listed()))}
    for cell, why in wrong.items():
        print(f"\n{cell.inbound} on {cell.upstream}, {cell.feature}: {why}")
    good = sum(outcome.how == "ok" for outcome in outcomes.values())
    print(f"\n{good} ok, {len(outcomes) - good - len(wrong)} refused as written, {len(wrong)} wrong")
    return 1 if wrong or (absent and not wanted.lenient) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Inbound SDKs x upstream wires x features, over real sockets.")
    parser.add_argument("--inbounds", default=",".join(INBOUNDS), help="SDKs, comma-separated")
    parser.add_argument("--upstreams", default=",".join(UPSTREAMS), help="upstream wires, comma-separated")
    parser.add_argument("--lenient", action="store_true", help="an SDK that cannot be installed is no failure")
    parser.add_argument("--jobs", type=int, default=2, help="upstream wires at a time, each with its own daemon")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    found = parser.parse_args()
    for name, known in (("inbounds", INBOUNDS), ("upstreams", UPSTREAMS)):
        chosen = [item for item in getattr(found, name).split(",") if item]
        for item in chosen:
            if item not in known:
                parser.error(f"{item!r} is none of {', '.join(known)}")
        setattr(found, name, chosen)
    return found


def _python(inbound: str) -> tuple[str, str]:
    """The Python of an SDK's environment, or why there is none."""
    name = INBOUNDS[inbound]
    if not name:
        return sys.executable, ""
    sys.path.insert(1, str(_TESTS / "agents"))
    from install import cache_folder, clients, install

    client, cache = clients()[name], cache_folder()
    failed = install(client, cache)
    return str(client.folder(cache) / "bin" / "python"), failed


def _column(upstream: str, inbounds: Sequence[str], pythons: Mapping[str, tuple[str, str]]) -> dict[Cell, Outcome]:
    """All cells of one upstream wire, on one daemon."""
    from running import daemon_at

    outcomes: dict[Cell, Outcome] = {}
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="codriver-matrix-"))
        try:
            daemon = stack.enter_context(daemon_at(Path(home), "--simulate", config=UPSTREAMS[upstream].settings()))
        except AssertionError as error:  # it did not come up: told in every cell of its column
            return dict.fromkeys(cells(inbounds, [upstream]), Outcome("failed", str(error)[-600:]))
        place = Place(daemon.base, daemon.token, daemon.simulator, upstream)
        for inbound in inbounds:
            began = time.monotonic()
            outcomes |= _cells_of(inbound, place, pythons[inbound][0])
            print(f"{inbound} on {upstream}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return outcomes


def _cells_of(inbound: str, place: Place, python: str) -> dict[Cell, Outcome]:
    """One SDK on one upstream, in a process of its own environment."""
    # Without bytecode every start would compile thousands of modules again.
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY") and k != "PYTHONDONTWRITEBYTECODE"}
    asked = json.dumps({"inbound": inbound, "place": asdict(place)})
    command = [python, str(Path(__file__).resolve()), "--child", asked]
    try:
        done = subprocess.run(
            command, env=kept, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LIMIT, check=False
        )
        said, ended = done.stdout, done.stderr[-600:]
    except subprocess.TimeoutExpired as error:
        said, ended = (error.stdout or b"").decode(), f"time is up after {_LIMIT:.0f} s"
    told = [json.loads(line) for line in said.splitlines() if line.startswith('{"feature"')]
    found = {row.pop("feature"): Outcome(**row) for row in told}
    missing = Outcome("failed", f"no word of it: {ended}")
    return {cell: found.get(cell.feature, missing) for cell in cells([inbound], [place.wire])}


async def _child(asked: str) -> None:
    """In the SDK's environment: a line of JSON for each cell."""
    document = json.loads(asked)
    place = Place(**document["place"])
    client = connect(document["inbound"], place)
    for cell in cells([document["inbound"]], [place.wire]):
        outcome = await attempt(cell, client, place)
        print(json.dumps({"feature": cell.feature, **asdict(outcome)}), flush=True)
    await client.close()


def table(
    outcomes: Mapping[Cell, Outcome], inbounds: Sequence[str], upstreams: Sequence[str], rows: Sequence[Expected]
) -> str:
    """Features down, SDKs and upstream wires across; a number points to the list of reasons below."""
    places = [(inbound, upstream) for inbound in inbounds for upstream in upstreams]
    short = {"openai_chat": "chat", "openai_responses": "resp", "anthropic": "anth", "gemini": "gemi"}
    width = max(len(feature.name) for feature in FEATURES)
    span = 5 * len(upstreams)
    lines = [
        f"{'':{width}}  " + " ".join(f"{inbound:<{span}}" for inbound in inbounds),
        f"{'upstream:':{width}}  " + " ".join("".join(f"{short[u]:<5}" for u in upstreams) for _ in inbounds),
    ]
    for feature in FEATURES:
        marks = [_mark(Cell(i, u, feature.name), outcomes, rows) for i, u in places]
        groups = [marks[start : start + len(upstreams)] for start in range(0, len(marks), len(upstreams))]
        cells_of_row = " ".join("".join(f"{mark:<5}" for mark in group) for group in groups)
        lines.append(f"{feature.name:{width}}  {cells_of_row} {feature.about}")
    notes = [
        f"[{number}] {row.name}: {row.how} {row.status or ''} — {row.reason}" for number, row in enumerate(rows, 1)
    ]
    return "\n".join([*lines, "", *notes])


def _mark(cell: Cell, outcomes: Mapping[Cell, Outcome], rows: Sequence[Expected]) -> str:
    outcome = outcomes.get(cell)
    if outcome is None:
        return "out"
    if judged(cell, outcome, rows):
        return "FAIL"
    number = next((number for number, row in enumerate(rows, 1) if row.covers(cell)), 0)
    return f"[{number}]" if number else "ok"


if __name__ == "__main__":
    sys.exit(main())
