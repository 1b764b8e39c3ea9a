"""`make test-agents`: real clients do a task to its end through Codriver, on every upstream wire; a table tells.

Clients are installed, at pinned versions, into $CODRIVER_AGENTS_CACHE (~/.cache/codriver-test-agents). Each run
has an empty environment, a fresh home and a repository of its own. Done means: the asked line is in the file,
nothing else changed, and the client exited with 0.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from install import Client, cache_folder, clients, install
from trial import Verdict, attempt, clear
from upstreams import FAULTS, break_once, offered, upstream

from running import Daemon


@dataclass(frozen=True, slots=True)
class Column:
    """What a client meets: an upstream wire, and one fault or none."""

    wire: str
    fault: str = ""

    def __str__(self) -> str:
        return f"{self.wire}+{self.fault}" if self.fault else self.wire


def main() -> int:
    wanted = _arguments()
    cache, chosen = cache_folder(), _chosen(wanted)
    absent = _installed(chosen, cache)
    runnable = [client for client in chosen if client.name not in absent]
    columns = [Column(wire, fault) for wire in wanted.upstreams for fault in wanted.faults or [""]]
    results: dict[tuple[str, Column], Verdict] = {}
    work = Path(tempfile.mkdtemp(prefix="codriver-agents-"))
    for column in columns:
        results.update(_column(column, runnable, cache, work, wanted.jobs))
    print(_table(chosen, columns, results, absent))
    failed = [(name, column, verdict) for (name, column), verdict in results.items() if verdict.reason]
    for name, column, verdict in failed:
        print(f"\n--- {name} on {column}: {verdict.reason}\n{verdict.said.strip()[-1500:]}")
    if not failed and not wanted.keep:
        clear(work)
    else:
        print(f"\nThe runs' folders are in {work}")
    return 1 if failed or (absent and not wanted.quick) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Real clients do a task through Codriver with its simulator.")
    parser.add_argument("--clients", default="", help="names, comma-separated; a name's start will do")
    parser.add_argument("--upstreams", default=",".join(offered()), help="upstream wires, comma-separated")
    parser.add_argument(
        "--faults", nargs="?", const=",".join(FAULTS), default="", help=f"one fault each: {', '.join(FAULTS)}"
    )
    parser.add_argument("--jobs", type=int, default=2, help="clients at a time (a run with faults takes one)")
    parser.add_argument("--quick", action="store_true", help="only what installs fast; what cannot be had is skipped")
    parser.add_argument("--keep", action="store_true", help="keep the runs' folders")
    found = parser.parse_args()
    found.upstreams = _listed(parser, found.upstreams, offered())
    found.faults = _listed(parser, found.faults, tuple(FAULTS))
    return found


def _listed(parser: argparse.ArgumentParser, text: str, known: Sequence[str]) -> list[str]:
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in known:
            parser.error(f"{name!r} is none of {', '.join(known)}")
    return names


def _chosen(wanted: argparse.Namespace) -> list[Client]:
    starts = tuple(name for name in wanted.clients.split(",") if name)
    listed = [client for client in clients().values() if not starts or client.name.startswith(starts)]
    if not listed:
        sys.exit(f"no client's name starts with {wanted.clients}; there are {', '.join(clients())}")
    return [client for client in listed if client.light or not wanted.quick]


def _installed(chosen: Iterable[Client], cache: Path) -> dict[str, str]:
    """Installs one client after the other; gives those that cannot be had, with the reason."""
    absent: dict[str, str] = {}
    known: dict[str, str] = {}
    for client in chosen:
        if client.package not in known:
            known[client.package] = install(client, cache)
        if known[client.package]:
            absent[client.name] = known[client.package]
            print(f"{client.name}: not installed: {known[client.package]}", flush=True)
    return absent


def _column(
    column: Column, runnable: Sequence[Client], cache: Path, work: Path, jobs: int
) -> dict[tuple[str, Column], Verdict]:
    """All clients on one upstream. With a fault one at a time, so that each gets its own."""
    with ExitStack() as stack:
        daemon = stack.enter_context(upstream(column.wire, work / f"daemon-{column}"))
        pool = stack.enter_context(ThreadPoolExecutor(1 if column.fault else max(1, jobs)))

        def one(client: Client) -> tuple[tuple[str, Column], Verdict]:
            if column.fault:
                break_once(daemon, column.fault)
            folder = work / f"{client.name}-{column}"
            verdict = attempt(client, cache, daemon.base, daemon.token, folder)
            if column.fault:
                _note(daemon, folder / "asked.json")
            print(f"{client.name} on {column}: {verdict.seconds:.1f} s {verdict.reason or 'done'}", flush=True)
            return (client.name, column), verdict

        found = dict(pool.map(one, runnable))
        _note(daemon, work / f"asked-{column}.json")
    return found


def _note(daemon: Daemon, file: Path) -> None:
    """What the upstream was asked, for whoever wonders about a failure."""
    file.write_text(json.dumps(daemon.log(), indent=1), encoding="utf-8")


def _table(
    chosen: Sequence[Client],
    columns: Sequence[Column],
    results: Mapping[tuple[str, Column], Verdict],
    absent: Mapping[str, str],
) -> str:
    """One row per client, one column per upstream: seconds when done, else the reason."""
    rows = [["client", "wire", *map(str, columns)]]
    for client in chosen:
        told = [_cell(results.get((client.name, column)), absent.get(client.name, "")) for column in columns]
        rows.append([client.name, client.wire, *told])
    done = [sum(not v.reason for (_, c), v in results.items() if c == column) for column in columns]
    rows.append(["done", "", *(f"{count} of {len(chosen)}" for count in done)])
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)


def _cell(verdict: Verdict | None, absent: str) -> str:
    if verdict is None:
        return f"skipped ({absent[:40]})"
    return f"FAILED: {verdict.reason}" if verdict.reason else f"{verdict.seconds:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
