"""Our answer to a responses caller: numbered events in the order of the real API, whatever they were made from.

One item is written at a time, as that API does and as clients rely on. What belongs to a later item
waits until the one before it is complete, so interleaved calls come out one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from codriver.errors import Failure, Kind
from codriver.model.events import (
    Event,
    Finish,
    Finished,
    ReasoningDelta,
    Reply,
    Started,
    TextDelta,
    ToolDelta,
    ToolStart,
    Usage,
    UsageSeen,
)
from codriver.model.request import Request, Tool
from codriver.wire import jsontext, names, overflow, relay
from codriver.wire.openai_chat.writing import failure, ping
from codriver.wire.openai_responses import tools
from codriver.wire.openai_responses.drafts import CallDraft, Draft, MessageDraft, Step, ThoughtDraft

__all__ = ["ResponsesEncoder", "encoder", "failure", "ping", "usage"]

_INCOMPLETE = {Finish.LENGTH: "max_output_tokens", Finish.FILTERED: "content_filter"}
# The codes of a failed response: what is none of these is the server's fault, and worth another try.
_CODES = {
    Kind.RATE_LIMITED: "rate_limit_exceeded",
    Kind.QUOTA: "insufficient_quota",
    Kind.TOO_LONG: "context_length_exceeded",
    Kind.FILTERED: "invalid_prompt",
    Kind.INVALID: "invalid_prompt",
}
# Fields of a response that repeat the request's, with what stands there when it said nothing.
_ECHOED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


def encoder(request: Request, model: str, at: int = 0) -> ResponsesEncoder:
    """For the answer to this request; `at` is the Unix time shown in `created_at`."""
    return ResponsesEncoder(request, model, at)


def usage(used: Usage) -> dict[str, Any]:
    """Disjoint classes as the API counts: the input includes what was cached."""
    return {
        "input_tokens": used.prompt,
        "input_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": used.written},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.prompt + used.output,
    }


class ResponsesEncoder:
    """Events of one answer, or the whole of it."""

    def __init__(self, request: Request, model: str, at: int) -> None:
        self._request = request
        self._model = model
        self._at = at
        self._id = f"resp_{names.legal_id(request.id)}"
        self._number = 0
        self._begun = False
        self._usage: Usage | None = None
        self._written = 0
        self._drafts: list[Draft] = []
        self._calls: dict[int, CallDraft] = {}
        self._head = 0
        self._opened = False
        self._known: dict[str, Tool] | None = None

    def feed(self, events: Sequence[Event]) -> bytes:
        return b"".join([data for event in events for data in self._write(event)])

    def resumed(self, first: bytes, last: bytes) -> None:
        """For an answer that was relayed so far, of which these were the first and the last frames: what comes now
        goes on with its id and its numbers."""
        for data in _documents(first):
            if isinstance(shown := data.get("response"), dict) and isinstance(shown.get("id"), str):
                self._id = shown["id"]
        for data in _documents(last):
            if isinstance(number := data.get("sequence_number"), int):
                self._number = number + 1
        self._begun = True

    def broken(self, failure: Failure) -> bytes:
        begin = list(self._begin())
        message = overflow.told(failure, overflow.OPENAI)
        shown = {"code": _CODES.get(failure.kind, "server_error"), "message": message}
        items = [draft.item("incomplete") for draft in self._drafts[: self._head]]
        told = self._response("failed", items, error=shown)
        return b"".join([*begin, self._event("response.failed", {"response": told})])

    def whole(self, reply: Reply) -> bytes:
        drafts: list[Draft] = []
        if reply.reasoning:
            drafts.append(thought := ThoughtDraft(self._name("rs", 0), self._model))
            for block in reply.reasoning:
                thought.add(block)
        if reply.text or not reply.tool_calls:
            drafts.append(message := MessageDraft(self._name("msg", len(drafts))))
            message.add(reply.text)
        for index, call in enumerate(reply.tool_calls):
            drafts.append(draft := self._call(ToolStart(index, call.id, call.name), len(drafts)))
            draft.add(call.arguments)
        finish = reply.finish or Finish.LENGTH
        status = "incomplete" if finish in _INCOMPLETE else "completed"
        items = [draft.item(_ending(status, draft is drafts[-1])) for draft in drafts]
        return jsontext.encode(self._response(status, items, finish=finish, used=reply.usage))

    # Events in, events out.

    def _write(self, event: Event) -> Iterator[bytes]:
        match event:
            case Started():
                self._usage = event.usage or self._usage
                yield from self._begin()
            case TextDelta() if event.text:
                yield from self._add(self._last(MessageDraft), event.text)
            case ReasoningDelta() if event.text or event.signature or event.redacted:
                yield from self._add(self._last(ThoughtDraft), event)
            case ToolStart():
                draft = self._calls[event.index] = self._call(event, len(self._drafts))
                self._drafts.append(draft)
                yield from self._add(draft, "")
            case ToolDelta():
                yield from self._add(self._calls[event.index], event.arguments)
            case UsageSeen():
                self._usage = event.usage
            case Finished():
                yield from self._end(event.reason)
            case _:
                pass

    def _begin(self) -> Iterator[bytes]:
        if self._begun:
            return
        self._begun = True
        shown = self._response("in_progress", [])
        yield self._event("response.created", {"response": shown})
        yield self._event("response.in_progress", {"response": shown})

    def _last(self, kind: type[MessageDraft] | type[ThoughtDraft]) -> Draft:
        """The newest item if it is of this kind, else a new one."""
        if self._drafts and isinstance(self._drafts[-1], kind):
            return self._drafts[-1]
        place = len(self._drafts)
        draft = MessageDraft(self._name("msg", place)) if kind is MessageDraft else None
        self._drafts.append(draft or ThoughtDraft(self._name("rs", place), self._model))
        return self._drafts[-1]

    def _call(self, event: ToolStart, place: int) -> CallDraft:
        if self._known is None:
            self._known = tools.known(self._request.conversation.tools)
        tool = self._known.get(event.name)
        ident = names.unique_id(event.id, self._request, event.index)
        free = tool is not None and tool.custom is not None
        name, group = (tools.bare(tool), tool.namespace) if tool is not None else (event.name, "")
        return CallDraft(self._name("ctc" if free else "fc", place), ident, name, group, free)

    def _name(self, kind: str, place: int) -> str:
        return f"{kind}_{names.legal_id(self._request.id)}{place:02x}"

    def _add(self, draft: Draft, piece: Any) -> Iterator[bytes]:
        """A piece for one item: shown at once if it is that item's turn. Complete items make room for the next."""
        yield from self._begin()
        self._written += len(piece) if isinstance(piece, str) else len(piece.text)
        steps = draft.add(piece)
        if draft is self._drafts[self._head]:
            yield from self._show(draft, steps)
        while self._head < len(self._drafts) - 1 and self._drafts[self._head].settled:
            yield from self._close("completed")
            yield from self._show(self._drafts[self._head], self._drafts[self._head].so_far())

    def _show(self, draft: Draft, steps: Sequence[Step]) -> Iterator[bytes]:
        if not self._opened:
            self._opened = True
            shown = {"output_index": self._head, "item": draft.item("in_progress")}
            yield self._event("response.output_item.added", shown)
            steps = [*draft.opening(), *steps]
        for name, fields in steps:
            yield self._event(name, {"item_id": draft.id, "output_index": self._head, **fields})

    def _close(self, status: str) -> Iterator[bytes]:
        """The events that end the item whose turn it is; the next one is not begun yet."""
        draft = self._drafts[self._head]
        yield from self._show(draft, draft.closing())
        item = {"output_index": self._head, "item": draft.item(status)}
        yield self._event("response.output_item.done", item)
        self._head += 1
        self._opened = False

    def _end(self, finish: Finish) -> Iterator[bytes]:
        yield from self._begin()
        if not self._drafts:
            self._drafts.append(MessageDraft(self._name("msg", 0)))
        status = "incomplete" if finish in _INCOMPLETE else "completed"
        last = len(self._drafts) - 1
        while self._head <= last:
            if not self._opened:
                yield from self._show(self._drafts[self._head], self._drafts[self._head].so_far())
            yield from self._close(_ending(status, self._head == last))
        items = [draft.item(_ending(status, draft is self._drafts[-1])) for draft in self._drafts]
        told = self._response(status, items, finish=finish, used=self.used)
        yield self._event(f"response.{status}", {"response": told})

    @property
    def used(self) -> Usage:
        """What the upstream counted, else what we guess."""
        return self._usage or Usage(self._request.input_tokens, output=self._written // 4 + 1, estimated=True)

    # What is in an event.

    def _event(self, name: str, fields: dict[str, Any]) -> bytes:
        document = jsontext.encode({"type": name, "sequence_number": self._number, **fields})
        self._number += 1
        return b"event: " + name.encode() + b"\ndata: " + document + b"\n\n"

    def _response(
        self,
        status: str,
        items: list[dict[str, Any]],
        *,
        error: Any = None,
        finish: Finish | None = None,
        used: Usage | None = None,
    ) -> dict[str, Any]:
        said = relay.fields(self._request.body) if self._request.body is not None else {}
        echoed = {name: said[name] if jsontext.given(said.get(name, jsontext.NOTHING)) else usual
                  for name, usual in _ECHOED.items()}  # fmt: skip
        why = _INCOMPLETE.get(finish) if finish is not None else None
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._at,
            "status": status,
            "background": False,
            "completed_at": self._at if status == "completed" else None,
            "error": error,
            "incomplete_details": {"reason": why} if why else None,
            "model": self._model,
            "output": items,
            "previous_response_id": None,
            "service_tier": "default",
            **echoed,
            "usage": usage(used) if used is not None else None,
        }


def _ending(status: str, last: bool) -> str:
    """An answer that was cut is cut in its last item."""
    return status if last else "completed"


def _documents(frames: bytes) -> Iterator[dict[str, Any]]:
    for line in frames.splitlines():
        if line.startswith(b"data:"):
            try:
                document = msgspec.json.decode(line[5:])
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            if isinstance(document, dict):
                yield document
