"""One line of a batch, through the router like any other request, and its result in OpenAI's form."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from codriver.batches.journal import Result
from codriver.batches.lines import ENDPOINTS, Line
from codriver.batches.record import Spent
from codriver.errors import Failure, Kind, RequestRejected, Unroutable, UpstreamFailed
from codriver.model.events import Usage
from codriver.model.ids import new_id
from codriver.model.request import Request
from codriver.router import BACKGROUND, Router
from codriver.wire import codec

log = logging.getLogger("codriver.batches")

WAITS = frozenset({Kind.RATE_LIMITED, Kind.QUOTA})
"""Failures that end by themselves: a line waits for that as long as its batch has time."""

PASSES = frozenset({Kind.OVERLOADED, Kind.TRANSIENT, Kind.SLOW, Kind.BROKEN})
"""Failures that a line meets with another try, a few times."""

_LASTING = frozenset({Kind.AUTH, Kind.REGION, Kind.MODEL_GONE})
"""Rests for a reason that no waiting mends."""


@dataclass(frozen=True, slots=True)
class Later:
    """The line may be tried again after so many seconds. waits: however often that was done."""

    failure: Failure
    seconds: float
    waits: bool


class Response(msgspec.Struct):
    """The answer to a line, as HTTP would have given it."""

    status_code: int
    request_id: str
    body: msgspec.Raw


class Trouble(msgspec.Struct):
    """Why a line has no answer."""

    code: str
    message: str


class Output(msgspec.Struct):
    """A line of a result file."""

    id: str
    custom_id: str
    response: Response | None
    error: Trouble | None


def parsed(line: Line, ident: str, headers: Mapping[str, str]) -> Request:
    """The request a line stands for, in its batch's workflow. Raises RequestRejected."""
    request = codec.find(ENDPOINTS[line.url]).parse(bytes(line.body), headers)
    return replace(request, workflow=f"batch:{ident}")


async def ask(
    router: Router, line: Line, number: int, ident: str, headers: Mapping[str, str], met: set[str]
) -> Result | Later:
    """Runs a line once: its result, or why and when it should be tried again. met: gets who was asked."""
    speaker = codec.find(ENDPOINTS[line.url])
    try:
        request = parsed(line, ident, headers)
        async with router.open(request, front=BACKGROUND) as stream:
            met.update(*((c.model, c.model.partition("/")[0]) for c in stream.decision.candidates[: stream.attempts]))
            if stream.relayed:
                body = b"".join([piece.raw async for piece in stream])
            else:
                body = speaker.encoder(request, stream.model.key, int(time.time())).whole(await stream.reply())
            return answered(line, number, 200, stream.id, body, stream.usage)
    except RequestRejected as refused:
        failure = refused.failure
    except (Unroutable, UpstreamFailed) as failed:
        failure = failed.failure
        if failure.provider:
            met.update((failure.provider, f"{failure.provider}/{failure.model}"))
        later = _later(router, failure)
        if later is not None:
            return later
    except Exception as error:
        # One line that nobody foresaw must not hold up the others: it gets its tries, and then its error.
        log.exception("line %d of the batch %s failed inside Codriver", number + 1, ident)
        text = f"Codriver failed on this request ({type(error).__name__}); the log has the details"
        return Later(Failure(Kind.TRANSIENT, text), 1.0, waits=False)
    return refusal(line, number, failure)


def answered(line: Line, number: int, status: int, request_id: str, body: bytes, usage: Usage) -> Result:
    """The result of a line that was answered, whatever the status says."""
    # Raw line breaks stand only between values, never in them: what is left is one line with the same bytes.
    raw = msgspec.Raw(body.replace(b"\r", b" ").replace(b"\n", b" "))
    output = Output(f"batch_req_{new_id()}", line.custom_id, Response(status, request_id, raw), None)
    spent = Spent(usage.input + usage.written, usage.cached, usage.output, usage.reasoning)
    return Result(number, 200 <= status < 300, msgspec.json.encode(output), spent)


def refusal(line: Line, number: int, failure: Failure) -> Result:
    """The result of a line that nobody answered, with the error its own wire would have told."""
    body = codec.find(ENDPOINTS[line.url]).failure(failure)
    return answered(line, number, failure.policy.status, new_id(), body, Usage())


def unrun(line: Line, number: int, code: str, message: str) -> Result:
    """What is told of a line that never ran."""
    output = Output(f"batch_req_{new_id()}", line.custom_id, None, Trouble(code, message))
    return Result(number, False, msgspec.json.encode(output))


def _later(router: Router, failure: Failure) -> Later | None:
    if failure.kind not in WAITS | PASSES:
        return None
    resting = router.ledger.view().cooling.values()
    if failure.kind is Kind.RATE_LIMITED and resting and all(rest.failure.kind in _LASTING for rest in resting):
        return None
    seconds = failure.policy.seconds if failure.retry_after is None else failure.retry_after
    return Later(failure, max(seconds, 0.1), failure.kind in WAITS)
