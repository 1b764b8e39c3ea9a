"""Two small price tables in the forms of the real ones, and a wheel around one of them."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

TODAY = "2026-11-21"

HEAD = "import datetime\nfrom decimal import Decimal\nfrom .types import *\n\nproviders: list[Provider] = "


def price(**classes: str | dict[int, str]) -> str:
    """ModelPrice(...): a text is a flat price; a dict has the ordinary one at 0 and those above a length."""

    def one(value: str | dict[int, str]) -> str:
        if isinstance(value, str):
            return f"Decimal({value!r})"
        tiers = ", ".join(f"Tier(start={above}, price=Decimal({p!r}))" for above, p in value.items() if above)
        return f"TieredPrices(base=Decimal({value[0]!r}), tiers=[{tiers}])"

    return f"ModelPrice({', '.join(f'{name}={one(value)}' for name, value in classes.items())})"


def since(day: str, what: str) -> str:
    year, month, date = map(int, day.split("-"))
    start = f"constraint=StartDateConstraint(start_date=datetime.date({year}, {month}, {date}))"
    return f"ConditionalPrice({start}, prices={what})"


def hours(begin: int, end: int, what: str) -> str:
    times = (f"{name}=datetime.time({hour}, 0, tzinfo=datetime.UTC)" for name, hour in
             (("start_time", begin), ("end_time", end)))  # fmt: skip
    return f"ConditionalPrice(constraint=TimeOfDateConstraint({', '.join(times)}), prices={what})"


def row(name: str, prices: str, *, match: str = "", more: str = "") -> str:
    clause = match or f"ClauseEquals(equals={name!r})"
    return f"ModelInfo(id={name!r}, match={clause}, prices={prices}{', ' + more if more else ''})"


def genai_table(**providers: list[str]) -> str:
    rows = (
        f"Provider(id={name!r}, name='x', api_pattern='x', pricing_urls=['https://{name}.example/prices'], "
        f"models=[{', '.join(models)}])"
        for name, models in providers.items()
    )
    return f"{HEAD}[{', '.join(rows)}]\n"


def litellm_table(**rows: dict[str, Any]) -> bytes:
    usual = {"mode": "chat", "litellm_provider": "acme"}
    return json.dumps({name: usual | row for name, row in rows.items()}).encode()


def wheel(table: str | None, member: str = "genai_prices/data.py") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("genai_prices/__init__.py", "")
        if table is not None:
            archive.writestr(member, table)
    return packed.getvalue()
