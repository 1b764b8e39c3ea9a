"""Faults and log over the socket, for the process form and for tests in other languages."""

from __future__ import annotations

import hmac
import urllib.parse
from collections.abc import Mapping
from typing import Any

from codriver.upstream.simulator import faults
from codriver.upstream.simulator.admission import parsed
from codriver.upstream.simulator.connection import HttpRequest
from codriver.upstream.simulator.faults import Faults
from codriver.upstream.simulator.log import Log
from codriver.upstream.simulator.values import Refused

PREFIX = "/simulator/"
_FAULTS, _LOG = "/simulator/faults", "/simulator/log"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def controlled(request: HttpRequest, held: Faults, log: Log, secret: str) -> Mapping[str, Any]:
    """Reads, sets or clears faults and log as asked; the document of what is there now. Raises Refused.

    secret: what is wanted as a bearer token; "" wants none.
    """
    if request.path not in (_FAULTS, _LOG):
        raise Refused(404, f"There is no {request.path} here.")
    _guard(request.headers, secret)
    if request.method == "DELETE":
        (held if request.path == _FAULTS else log).clear()
    elif request.method == "POST" and request.path == _FAULTS:
        held.add(faults.from_json(parsed(request.body)))
    elif request.method != "GET":
        raise Refused(405, f"Not allowed to {request.method} on {request.path}.")
    if request.path == _FAULTS:
        return {"faults": held.document(), "known": sorted(faults.NAMES)}
    return {"requests": log.document()}


def _guard(headers: Mapping[str, str], secret: str) -> None:
    """A web page must not read the log: neither by its own origin nor by a name bound to loopback."""
    host = urllib.parse.urlsplit("//" + headers.get("host", "127.0.0.1")).hostname
    if "origin" in headers or host not in _LOOPBACK:
        raise Refused(403, "The simulator's controls are for local programs, not for web pages.")
    given = headers.get("authorization", "").removeprefix("Bearer ")
    if secret and not hmac.compare_digest(given.encode(), secret.encode()):
        raise Refused(401, "The simulator's controls want the daemon's token.")
