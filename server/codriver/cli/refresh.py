"""`models refresh`: newer prices, when a network is there and only when it is asked for."""

from __future__ import annotations

import datetime
import os
from typing import TYPE_CHECKING, Annotated

import typer

from codriver.cli import client
from codriver.cli.terminal import Complaint, dump

if TYPE_CHECKING:
    from codriver.catalog.facts import Sheet
    from codriver.paths import Paths
    from codriver.upstream.package import Release

INDEX = "https://pypi.org/pypi/genai-prices/json"
SHOWN = 30


def refresh(
    index: Annotated[
        str, typer.Option("--index", envvar="CODRIVER_PRICES_INDEX", help="The package's page in PyPI's JSON form.")
    ] = INDEX,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fetch a newer price table, look it through, and use it from then on. Changes nothing when it cannot."""
    import asyncio

    from codriver.catalog.facts import BadFacts
    from codriver.catalog.tables.entry import BadTable
    from codriver.upstream.package import Unfetched

    where = client.paths()
    held = _held(where)
    version = next(iter(held.values())).tables["genai-prices"]
    try:
        release, package = asyncio.run(_fetch(index, version))
        changes = _use(where, held, release, package) if package else []
    except (Unfetched, BadTable, BadFacts) as trouble:
        raise Complaint(f"{str(trouble).rstrip('.')}. The prices that are here stay ({version}).") from None
    if as_json:
        dump({"before": version, "now": release.version if package else version, "changes": changes})
        return
    if not package:
        print(f"genai-prices {version} is what is here, and nothing newer was published.")
        return
    print(
        f"genai-prices {version} -> {release.version} ({release.date}): {len(changes)} changes; USD per million tokens."
    )
    for line in changes[:SHOWN]:
        print(f"  {line}")
    if len(changes) > SHOWN:
        print(f"  and {len(changes) - SHOWN} more; --json prints all")


def _held(where: Paths) -> dict[str, Sheet]:
    """The sheets that count now: all of one age, shipped or fetched."""
    from codriver.catalog.facts import BadFacts, read
    from codriver.catalog.sheets import opened, release, shipped

    ours = shipped()
    try:
        theirs = {name: read(raw) for name, raw in opened(where.prices.read_bytes()).items()}
    except (OSError, BadFacts):
        return ours
    newer = {name: sheet for name, sheet in theirs.items() if name in ours}
    return {
        name: newer[name] if name in newer and release(newer[name].tables) > release(sheet.tables) else sheet
        for name, sheet in ours.items()
    }


async def _fetch(index: str, version: str) -> tuple[Release, bytes]:
    """The newest release, and its wheel unless it is the one that is here or older. Raises Unfetched."""
    from codriver.catalog.sheets import release as age
    from codriver.upstream import package
    from codriver.upstream.proxies import Network

    network = Network()
    try:
        release = await package.newest(network, index)
        if age({"genai-prices": release.version}) <= age({"genai-prices": version}):
            return release, b""
        return release, await package.wheel(network, release)
    finally:
        await network.aclose()


def _use(where: Paths, held: dict[str, Sheet], release: Release, package: bytes) -> list[str]:
    """Puts the newer prices in place, as a whole, after all of it was looked through. Raises BadTable or BadFacts."""
    from codriver.catalog.sheets import closed
    from codriver.catalog.tables.merging import sources
    from codriver.catalog.tables.renewing import renewed, table

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    sheets, changes = renewed(held, table(package, today), sources(), release.version, today)
    data = closed(sheets)
    where.create()
    draft = where.prices.with_name(f"{where.prices.name}.{os.getpid()}")
    try:
        draft.write_bytes(data)
        os.replace(draft, where.prices)
    finally:
        draft.unlink(missing_ok=True)
    return changes
