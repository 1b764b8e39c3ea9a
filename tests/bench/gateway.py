"""Added latency: Codriver beside a direct call and beside a bare proxy, in one run.

Each round calls all three, so that what disturbs the machine disturbs all, in an order of its own: who comes behind a
heavier one finds colder caches (the same code twice differs by 4 to 10 % in a fixed order). Added is the median minus
the direct call's median; the ratio to the bare proxy's is what counts.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from pathlib import Path

import uvloop
from processes import CONFIG, codriver, script

from codriver.upstream.http11 import Http11

MARK = "turn 00000."
"""Stands in the last message; each round's is another one, as no turn of a session is like the one before."""

ROUNDS = 600
WARM = 60


def body(size: int, *, stream: bool, model: str = "bench/fast") -> bytes:
    """A chat request of about `size` bytes, shaped like an agent's: many turns, tools, results."""
    messages = [{"role": "system", "content": "You are a coding agent. Refactor with care."}]
    while size > 2000 and len(json.dumps(messages)) < size:
        call = {"id": f"call_{len(messages)}", "type": "function"}
        call["function"] = {"name": "read", "arguments": '{"path": "src/app.py"}'}
        messages += [
            {"role": "user", "content": "Look at the next file and fix what you find. " * 8},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": "def handler(request):\n    return None\n" * 30},
        ]
    messages.append({"role": "user", "content": f"{MARK} Explain the parser. " + "x" * max(0, min(size, 1000) - 300)})
    tool = {"type": "function", "function": {"name": "read", "description": "reads", "parameters": {"type": "object"}}}
    page = {"model": model, "messages": messages, "stream": stream}
    # Compact, as the SDKs send it.
    return json.dumps(page | ({"tools": [tool]} if size > 2000 else {}), separators=(",", ":")).encode()


async def call(client: Http11, url: str, headers: list[tuple[bytes, bytes]], payload: bytes) -> tuple[float, float]:
    """Seconds to the first and to the last byte of one answer's body."""
    start = time.perf_counter()
    response = await client.request("POST", url, headers, payload)
    first = 0.0
    data = await response.more()
    first = time.perf_counter() - start
    assert response.status == 200, data
    while data:
        data = await response.more()
    response.close()
    return first, time.perf_counter() - start


async def measure(
    targets: dict[str, tuple[str, list[tuple[bytes, bytes]]]], payload: bytes, at: int
) -> dict[str, list[float]]:
    client = Http11()
    times: dict[str, list[float]] = {name: [] for name in targets}
    order, chance = list(targets), random.Random(1)
    for n in range(WARM + ROUNDS):
        fresh = payload.replace(MARK.encode(), b"turn %05d." % n)
        chance.shuffle(order)
        for name in order:
            url, headers = targets[name]
            seconds = await call(client, url, headers, fresh)
            if n >= WARM:
                times[name].append(seconds[at] * 1e3)
    await client.aclose()
    return times


def report(title: str, times: dict[str, list[float]]) -> None:
    medians = {name: statistics.median(values) for name, values in times.items()}
    direct = medians["direct"]
    bare = medians["bare proxy"] - direct
    for name, values in times.items():
        p99 = sorted(values)[int(len(values) * 0.99)]
        added = medians[name] - direct
        ratio = f"{added / bare:5.2f} x bare" if name != "direct" else ""
        print(f"  {title:34} {name:11} p50 {medians[name]:7.3f} ms  p99 {p99:7.3f}  added {added:7.3f}  {ratio}")


async def compare(targets: dict[str, tuple[str, list[tuple[bytes, bytes]]]]) -> None:
    """A model that is named, as a bare proxy's callers must; then one that is chosen, which only we do."""
    for title, size, stream, model in (
        ("1 KB chat", 1000, False, "bench/fast"),
        ("1 KB streamed, first token", 1000, True, "bench/fast"),
        ("60 KB agent request", 60_000, False, "bench/fast"),
        ("60 KB agent, first token", 60_000, True, "bench/fast"),
        ("400 KB agent request", 400_000, False, "bench/fast"),
        ("1 KB, model chosen", 1000, False, "auto"),
        ("1 KB, chosen, first token", 1000, True, "auto"),
        ("60 KB agent, model chosen", 60_000, False, "auto"),
    ):
        report(title, await measure(targets, body(size, stream=stream, model=model), 0 if stream else 1))


def main() -> None:
    print("Gateway: added latency, one connection, upstream answers at once")
    with tempfile.TemporaryDirectory() as home, script("fake_upstream.py") as upstream:
        path = "/v1/chat/completions"
        direct = f"http://127.0.0.1:{upstream}{path}"
        with script("bare_proxy.py", direct) as proxy, codriver(Path(home), CONFIG.format(port=upstream)) as about:
            time.sleep(2)  # what the daemon imports after it listens would be measured too
            http = about["http"]
            assert isinstance(http, dict)
            kind = (b"content-type", b"application/json")
            token = (b"authorization", f"Bearer {about['token']}".encode())
            uvloop.run(
                compare(
                    {
                        "direct": (direct, [kind]),
                        "bare proxy": (f"http://127.0.0.1:{proxy}{path}", [kind]),
                        "codriver": (f"http://127.0.0.1:{http['port']}{path}", [kind, token]),
                    }
                )
            )


if __name__ == "__main__":
    main()
