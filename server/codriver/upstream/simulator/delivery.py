"""An answer on its way out: whole or as a stream, at the model's pace, with a fault if one is due."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codriver.upstream.simulator import faults
from codriver.upstream.simulator.connection import Exchange
from codriver.upstream.simulator.faults import Fault
from codriver.upstream.simulator.log import Entry, Log
from codriver.upstream.simulator.values import Answer, Frame, Refused, Wire, dump

LABEL = {"x-codriver-simulated": "true"}
_STREAM = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", **LABEL}
_JSON = {"content-type": "application/json", **LABEL}
_MALFORMED = b'data: {"id": "sim", "type": "content_block_delta", "choices": [{"delta": {"content": "\n\n'


class Cut(Exception):
    """A fault closed the connection."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One answer's way out. pace scales the model's delays; 0 sends at once."""

    exchange: Exchange
    entry: Entry
    log: Log
    wire: Wire
    pace: float
    fault: Fault | None

    async def before(self) -> bool:
        """The faults that act before the answer; True when one of them was the answer. Raises Cut."""
        fault = self.fault
        if fault is None:
            return False
        if fault.fault == "slow":
            await asyncio.sleep(fault.delay)
        if fault.fault == "reset":
            self.exchange.reset()
            raise Cut
        if fault.fault in faults.STATUSES:
            after = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
            await self.refuse(fault.refusal(), after)
            return True
        if fault.fault in faults.BODIES:
            kind, body = faults.BODIES[fault.fault]
            streamed = "text/event-stream" if self.entry.stream else "application/json"
            await self._document(200, {"content-type": kind or streamed, **LABEL}, body)
            return True
        return False

    async def refuse(self, refused: Refused, headers: Mapping[str, str] | None = None) -> None:
        """A refusal in the wire's shape."""
        extra = headers or {}
        if refused.status == 429 and "retry-after" in extra:
            extra = {**extra, "x-ratelimit-remaining-requests": "0"}
        await self._document(refused.status, {**_JSON, **extra}, dump(self.wire.error(refused)))

    async def answer(self, answer: Answer) -> None:
        """The answer, streamed or whole as it was asked. Raises Cut."""
        if answer.asked.stream:
            await self._stream(answer)
        else:
            await self._whole(answer)

    async def _whole(self, answer: Answer) -> None:
        model = answer.asked.model
        await self._wait(model.first_token + answer.usage.output / model.speed)
        body, fault = dump(self.wire.whole(answer)), self.fault
        name = fault.fault if fault else ""
        if fault and name == "slow_token":
            await asyncio.sleep(fault.delay)
        elif fault and name == "error_event":
            await self.refuse(fault.refusal())
            return
        elif name in ("malformed", "end"):
            body = body[: len(body) // 2]
        elif name in ("stall", "cut"):
            self.entry.status = 200
            await self.exchange.partly(200, _JSON, body)
            await self._silence(name)
        await self._document(200, _JSON, body)

    async def _stream(self, answer: Answer) -> None:
        model, shown, waiting = answer.asked.model, 0, self.fault if self.fault else None
        inside = waiting is not None and waiting.fault in faults.INSIDE
        self.entry.status = 200
        kind = getattr(self.wire, "stream_type", "")
        await self.exchange.begin(200, {**_STREAM, "content-type": kind} if kind else _STREAM)
        for frame in _dressed(self.wire.frames(answer), self.fault):
            if frame.kind == "content":
                await self._wait(frame.tokens / model.speed if shown else model.first_token)
            due = frame.kind == "end" or (frame.kind == "content" and waiting and shown >= waiting.after)
            if inside and waiting and due:
                inside = False
                if not await self._inside(waiting):
                    return
            await self._send(frame.data)
            shown += frame.kind == "content"
        await self.exchange.end()

    async def _inside(self, fault: Fault) -> bool:
        """The fault whose moment has come; whether the stream goes on behind it. Raises Cut."""
        if fault.fault == "slow_token":
            await asyncio.sleep(fault.delay)
        elif fault.fault == "malformed":
            await self._send(_MALFORMED)
        elif fault.fault == "error_event":
            await self._send(self.wire.error_frame(Refused(529, "Overloaded (simulated fault).", code="overloaded")))
            await self.exchange.end()
            return False
        elif fault.fault == "end":
            await self.exchange.end()
            return False
        else:
            await self._silence(fault.fault)
        return True

    async def _silence(self, name: str) -> None:
        if name == "stall":
            self.log.touched(self.entry)
            await self.exchange.stall()
        self.exchange.cut()
        raise Cut

    async def _send(self, data: bytes) -> None:
        if self.fault and self.fault.fault == "bytewise":
            for place in range(len(data)):
                await self.exchange.send(data[place : place + 1])
        else:
            await self.exchange.send(data)
        self.entry.events += 1
        self.log.touched(self.entry)

    async def _document(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.entry.status = status
        await self.exchange.respond(status, headers, body)

    async def _wait(self, seconds: float) -> None:
        if self.pace > 0:
            await asyncio.sleep(seconds * self.pace)


def _dressed(frames: Iterator[Frame], fault: Fault | None) -> Iterator[Frame]:
    """Frames with everything SSE allows, when asked: CRLF, comments, blank lines between events."""
    for frame in frames:
        if fault and fault.fault == "crlf":
            data = b": simulated comment\r\n\r\n" + frame.data.replace(b"\n", b"\r\n")
            yield Frame(data, frame.kind, frame.tokens)
        else:
            yield frame
