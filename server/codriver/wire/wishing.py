"""A wish for more or less thinking, put into a request whose caller had none."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from codriver.errors import RequestRejected
from codriver.model.request import Request
from codriver.wire import codec, relay


def wished(request: Request, effort: str) -> Request:
    """The request as if its caller had asked for so much thinking (a word of wire/effort.py).

    Where the caller's own body goes on, on a wire whose wish is one field, it stands in that too.
    """
    body = request.body
    if body is not None and request.wire in ("openai_chat", "openai_responses"):
        try:
            put = _field(request.wire, relay.fields(body), effort)
            read = codec.find(request.wire).parse(relay.edited(body, put), request.headers)
        except (msgspec.DecodeError, RequestRejected):
            return request
        request = replace(request, body=read.body, unfold=read.unfold)
    return replace(request, limits=replace(request.limits, effort=effort))


def _field(wire: str, fields: relay.Fields, effort: str) -> dict[str, object]:
    if wire == "openai_chat":
        return {"reasoning_effort": effort}
    held = msgspec.json.decode(fields["reasoning"]) if "reasoning" in fields else None
    return {"reasoning": {**(held or {}), "effort": effort}}
