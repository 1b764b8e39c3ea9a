"""Prints how often Codriver speaks where a suggestion is right, and is silent where silence is.

python tests/quiet/run.py [PART OF A NAME]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

for place in ("", "fronts/lsp", "routing"):
    sys.path.insert(0, str(Path(__file__).parent.parent / place))

from quiet.player import Judged, Rates, play, scenarios  # noqa: E402 (behind the path)

QUIET, SHOWN = 0.95, 0.9
"""What is aimed at."""


async def everything(part: str) -> list[Judged]:
    """All questions of all scenarios whose name has the part."""
    return [one for scenario in scenarios() if part in scenario.name for one in await play(scenario)]


def main() -> None:
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    rates = Rates(asyncio.run(everything(part)))
    count = len({one.scenario.name for one in rates.judged})
    print(f"Quiet: {count} scenarios, an upstream that always has an answer")
    print("\n".join(rates.lines()))
    (quiet, silences), (shown, suggestions) = rates.of("quiet"), rates.of("show")
    sys.exit(0 if quiet >= QUIET * silences and shown >= SHOWN * suggestions else 1)


if __name__ == "__main__":
    main()
