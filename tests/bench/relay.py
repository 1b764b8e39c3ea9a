"""What a relayed stream of 200 chunks costs: CPU of Codriver's process beside the bare proxy's, in one run.

Rounds alternate between the two, so that what disturbs the machine disturbs both. As a model speaks, one word after
another, each chunk is a read of its own for both; all at once, a few reads bring the whole answer.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

import uvloop
from gateway import MARK, body, call
from processes import CONFIG, codriver, process, script

from codriver.upstream.http11 import Http11

ROUNDS, EACH, AT_ONCE = 15, 60, 6
TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """Seconds of CPU this process has used, to the nanosecond where the kernel tells."""
    schedstat = Path(f"/proc/{pid}/schedstat")
    tasks = Path(f"/proc/{pid}/task")
    if schedstat.exists():
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


async def rounds(targets: dict[str, tuple[str, list[tuple[bytes, bytes]], int]]) -> dict[str, list[float]]:
    """Milliseconds of CPU per request, one figure for each round."""
    client = Http11()
    spent: dict[str, list[float]] = {name: [] for name in targets}
    payload = body(1000, stream=True)
    for number in range(ROUNDS + 1):
        for name, (url, headers, pid) in targets.items():
            before = cpu(pid)
            turns = [payload.replace(MARK.encode(), b"turn %05d." % (number * EACH + n)) for n in range(EACH)]
            for first in range(0, EACH, AT_ONCE):
                part = turns[first : first + AT_ONCE]
                await asyncio.gather(*[call(client, url, headers, turn) for turn in part])
            await asyncio.sleep(0.4)  # what is written behind is part of the price
            if number:
                spent[name].append((cpu(pid) - before) / EACH * 1e3)
    await client.aclose()
    return spent


def main() -> None:
    print(f"Relay: CPU per streamed request of 200 chunks, {ROUNDS} rounds of {EACH}, {AT_ONCE} at a time")
    for title, pace in (("all chunks at once", "0"), ("one chunk after another", "1")):
        with tempfile.TemporaryDirectory() as home, script("fake_upstream.py", "200", pace) as upstream:
            path = "/v1/chat/completions"
            direct = f"http://127.0.0.1:{upstream}{path}"
            with (
                process("bare_proxy.py", direct) as (proxy, proxy_pid),
                codriver(Path(home), CONFIG.format(port=upstream)) as about,
            ):
                time.sleep(2)
                http, pid = about["http"], about["pid"]
                assert isinstance(http, dict)
                assert isinstance(pid, int)
                kind = (b"content-type", b"application/json")
                token = (b"authorization", f"Bearer {about['token']}".encode())
                ours = f"http://127.0.0.1:{http['port']}{path}"
                bare = f"http://127.0.0.1:{proxy}{path}"
                targets = {"bare proxy": (bare, [kind], proxy_pid), "codriver": (ours, [kind, token], pid)}
                spent = uvloop.run(rounds(targets))
        medians = {name: statistics.median(values) for name, values in spent.items()}
        above = [ours - bare for bare, ours in zip(spent["bare proxy"], spent["codriver"], strict=True)]
        print(
            f"  {title:26} bare {medians['bare proxy']:6.3f} ms  codriver {medians['codriver']:6.3f} ms  "
            f"above {statistics.median(above):6.3f} ms  ({medians['codriver'] / medians['bare proxy']:.2f} x bare)"
        )


if __name__ == "__main__":
    main()
