"""Asks a daemon for a sign of life all the time, until stdin closes: `heartbeat.py PORT PID`.

A process of its own, since what asks from within a busy one is late by itself. Prints `begun`, and in the end as JSON
the milliseconds of each wait that the daemon worked (in CPU time, so that a machine with other things to do tells the
same), those that went by, and by how much this process itself was woken late.
"""

from __future__ import annotations

import http.client
import json
import select
import sys
import time
from pathlib import Path

PAUSE = 0.001


def main(port: int, pid: int) -> None:
    clock, connection = Path(f"/proc/{pid}/schedstat"), http.client.HTTPConnection("127.0.0.1", port)
    told: dict[str, list[float]] = {"worked": [], "waited": [], "late": []}
    over = select.poll()
    over.register(sys.stdin, select.POLLIN | select.POLLHUP)

    def worked() -> float:
        return int(clock.read_text().split()[0]) / 1e6

    print("begun", flush=True)
    while True:
        start, now = worked(), time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        told["worked"].append(worked() - start)
        asleep = time.perf_counter()
        told["waited"].append((asleep - now) * 1e3)
        if over.poll(PAUSE * 1e3):
            break
        told["late"].append((time.perf_counter() - asleep - PAUSE) * 1e3)
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
