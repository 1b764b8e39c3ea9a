"""Failures on demand: which there are, who set them, and whose turn it is.

A fault acts before the answer (a status, another body), inside it (at a content event), or on
what it says. The table below is the whole list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from codriver.model.events import Finish, Reply
from codriver.upstream.simulator.values import Refused

STATUSES: Mapping[str, tuple[int, str, str]] = {
    "too_long": (
        400,
        "This model's maximum context length is 60000 tokens. However, your messages resulted in 70000 tokens "
        "(simulated fault).",
        "context_length_exceeded",
    ),
    "content_policy": (400, "The prompt was flagged by the content filter (simulated fault).", "content_filter"),
    "401": (401, "Incorrect API key provided (simulated fault).", "invalid_api_key"),
    "403": (403, "Your account may not use this model (simulated fault).", "permission_denied"),
    "404": (404, "The model is gone (simulated fault).", "model_not_found"),
    "408": (408, "Request timeout (simulated fault).", "request_timeout"),
    "429": (429, "Rate limit reached (simulated fault).", "rate_limit_exceeded"),
    "quota": (429, "You exceeded your current quota (simulated fault).", "insufficient_quota"),
    "500": (500, "The server had an error (simulated fault).", "server_error"),
    "502": (502, "Bad gateway (simulated fault).", "server_error"),
    "503": (503, "The engine is currently overloaded (simulated fault).", "server_error"),
    "504": (504, "Gateway timeout (simulated fault).", "server_error"),
    "529": (529, "Overloaded (simulated fault).", "overloaded"),
}
BODIES: Mapping[str, tuple[str, bytes]] = {
    "html": ("text/html; charset=utf-8", b"<!doctype html><title>Sign in</title><p>Simulated captive portal.</p>"),
    "empty": ("", b""),
    "garbage": ("application/json", b'{"id": "sim\xff\xfe", "choices": [[[ not json'),
}
INSIDE = frozenset({"slow_token", "stall", "cut", "end", "error_event", "malformed"})
"""At the content event numbered `after`: wait `delay`, fall silent, close, end without a finish, tell, babble."""
AROUND = frozenset({"slow", "reset", "bytewise", "crlf"})
"""Before any byte: wait `delay`; reset. Or the whole stream in single bytes, or with CRLF and comments."""
ANSWERS: Mapping[str, Callable[[Reply], Reply]] = {
    "refusal": lambda reply: replace(
        reply, text="I'm sorry, but I can't help with that (simulated refusal).", tool_calls=(), finish=Finish.STOP
    ),
    "filter": lambda reply: replace(
        reply, text=reply.text[: len(reply.text) // 2], tool_calls=(), finish=Finish.FILTERED
    ),
    "blank": lambda reply: replace(reply, text="", tool_calls=(), finish=Finish.STOP),
    "unbalanced": lambda reply: replace(reply, text=reply.text.replace(")", "").replace("]", "")),
    "truncated": lambda reply: replace(
        reply, text=reply.text[: len(reply.text) // 2], tool_calls=(), finish=Finish.LENGTH
    ),
}
NAMES = frozenset({*STATUSES, *BODIES, *INSIDE, *AROUND, *ANSWERS})


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure to come. model "" is any. times 0 means until cleared.

    after: content events that are still sent. retry_after and delay in seconds.
    """

    fault: str
    model: str = ""
    times: int = 1
    after: int = 0
    retry_after: float | None = None
    delay: float = 5.0

    def refusal(self) -> Refused:
        """What this fault tells, for those that tell something."""
        status, message, code = STATUSES.get(self.fault, STATUSES["500"])
        return Refused(status, message, code=code)


@dataclass(slots=True)
class Faults:
    """The failures to come, in the order they were set."""

    _pending: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self._pending.append(fault)

    def clear(self, model: str = "") -> None:
        """Forgets all, or those of one model."""
        self._pending = [fault for fault in self._pending if model and fault.model != model]

    def take(self, model: str) -> Fault | None:
        """The next failure for a request to this model, if there is one."""
        return self._take(lambda fault: fault.model in ("", model))

    def take_reset(self) -> bool:
        """Whether the connection that was just accepted is to be reset."""
        return self._take(lambda fault: fault.fault == "reset" and not fault.model) is not None

    def document(self) -> list[dict[str, Any]]:
        """The failures to come, as JSON would have them."""
        return [asdict(fault) for fault in self._pending]

    def _take(self, fits: Callable[[Fault], bool]) -> Fault | None:
        for place, fault in enumerate(self._pending):
            if fits(fault):
                if fault.times == 1:
                    del self._pending[place]
                elif fault.times > 1:
                    self._pending[place] = replace(fault, times=fault.times - 1)
                return fault
        return None


def from_json(document: Any) -> Fault:
    """A fault as the control path takes it. Raises Refused, naming what is wrong."""
    if not isinstance(document, dict):
        raise Refused(400, "A fault is an object such as {'fault': '500', 'model': 'sim-small', 'times': 1}.")
    known = {item.name for item in fields(Fault)}
    unknown = sorted(set(document) - known)
    if unknown:
        raise Refused(400, f"Unknown field {unknown[0]!r}; a fault has {', '.join(sorted(known))}.")
    if str(document.get("fault")) not in NAMES:
        raise Refused(400, f"Unknown fault {document.get('fault')!r}; there are {', '.join(sorted(NAMES))}.")
    try:
        return Fault(
            fault=str(document["fault"]),
            model=str(document.get("model") or ""),
            times=_number(document.get("times"), 1),
            after=_number(document.get("after"), 0),
            retry_after=None if document.get("retry_after") is None else float(document["retry_after"]),
            delay=float(document.get("delay", 5.0)),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused(400, f"A fault's times, after, retry_after and delay are numbers: {error}.") from error


def from_header(text: str) -> Fault:
    """A fault as the header `x-simulator-fault` has it: `cut; after=3`. Raises Refused."""
    name, *settings = (part.strip() for part in text.split(";"))
    pairs = (setting.partition("=") for setting in settings if setting)
    return from_json({"fault": name, **{key.strip(): value.strip() for key, _, value in pairs}})


def _number(value: Any, absent: int) -> int:
    number = absent if value is None else int(value)
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number
