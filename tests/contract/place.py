"""A running daemon and its simulator, as seen by a check: what was asked upstream, faults, the ledger's word."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contract.upstreams import UPSTREAMS, Upstream

PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where to ask: the daemon's address and token, its simulator, and the one wire that this speaks."""

    base: str
    token: str
    simulator: str
    wire: str

    @property
    def upstream(self) -> Upstream:
        return UPSTREAMS[self.wire]

    def fresh(self) -> None:
        """No faults, no log, no model that rests."""
        self._call("DELETE", f"{self.simulator}/simulator/faults")
        self._call("DELETE", f"{self.simulator}/simulator/log")
        self._call("POST", f"{self.base}/v1/reload", {})

    def fault(self, fault: str, **more: Any) -> None:
        """What goes wrong with the next request."""
        self._call("POST", f"{self.simulator}/simulator/faults", {"fault": fault, "times": 1, **more})

    def log(self) -> list[dict[str, Any]]:
        """What the simulator was asked, oldest first."""
        return list(self._call("GET", f"{self.simulator}/simulator/log")["requests"])

    def sent(self) -> Mapping[str, Any]:
        """The one body that reached the upstream, on its wire."""
        entries = self.log()
        assert len(entries) == 1, f"the upstream was asked {len(entries)} times"
        assert self.upstream.path in entries[0]["path"], f"asked on {entries[0]['path']}"
        return dict(entries[0]["body"])

    def decision(self) -> Mapping[str, Any]:
        """The record of the last request."""
        return dict(self._call("GET", f"{self.base}/v1/decisions/last"))

    def _call(self, method: str, url: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, content, headers, method=method)  # loopback, by our own hand
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read() or b"{}")


async def until(condition: Callable[[], Any], what: str) -> Any:
    """Waits for a condition and returns its value."""
    deadline = time.monotonic() + PATIENCE
    while not (value := await asyncio.to_thread(condition)):
        assert time.monotonic() < deadline, f"waited {PATIENCE} s in vain for {what}"
        await asyncio.sleep(0.01)
    return value
