"""The output items of an answer while they grow: what each adds to the stream, and what it is as a whole.

A step is an event's name and the fields that only this kind of item has in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from codriver.model.events import ReasoningDelta, fold
from codriver.wire import envelope
from codriver.wire.growing import GrowingValue
from codriver.wire.openai_responses.tools import unwrapped

Step: TypeAlias = tuple[str, Mapping[str, Any]]


class Draft(Protocol):
    """One item. `settled`: nothing more can belong to it once another item has begun."""

    id: str

    @property
    def settled(self) -> bool: ...

    def add(self, piece: Any) -> Sequence[Step]:
        """Takes a piece; the steps that show it."""
        ...

    def so_far(self) -> Sequence[Step]:
        """The steps that show all that was taken, for an item that had to wait."""
        ...

    def opening(self) -> Sequence[Step]:
        """The steps behind output_item.added."""
        ...

    def closing(self) -> Sequence[Step]:
        """The steps before output_item.done."""
        ...

    def item(self, status: str) -> dict[str, Any]:
        """The item itself; empty while it is in progress."""
        ...


class MessageDraft:
    """Text of the assistant, in one part."""

    settled = True

    def __init__(self, ident: str) -> None:
        self.id = ident
        self._texts: list[str] = []

    @property
    def _text(self) -> str:
        return "".join(self._texts)

    def add(self, piece: str) -> Sequence[Step]:
        self._texts.append(piece)
        return [self._delta(piece)]

    def so_far(self) -> Sequence[Step]:
        return [self._delta(self._text)] if self._texts else []

    def opening(self) -> Sequence[Step]:
        return [("response.content_part.added", {"content_index": 0, "part": _part("")})]

    def closing(self) -> Sequence[Step]:
        text = self._text
        return [
            ("response.output_text.done", {"content_index": 0, "text": text, "logprobs": []}),
            ("response.content_part.done", {"content_index": 0, "part": _part(text)}),
        ]

    def item(self, status: str) -> dict[str, Any]:
        content = [] if status == "in_progress" else [_part(self._text)]
        return {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": content}

    def _delta(self, text: str) -> Step:
        return "response.output_text.delta", {"content_index": 0, "delta": text, "logprobs": []}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


class ThoughtDraft:
    """Thinking: its text as one summary, all of it sealed for its maker (`origin`)."""

    settled = True

    def __init__(self, ident: str, origin: str) -> None:
        self.id = ident
        self._origin = origin
        self._pieces: list[ReasoningDelta] = []
        self._spoke = False

    @property
    def _text(self) -> str:
        return "".join(piece.text for piece in self._pieces)

    def add(self, piece: ReasoningDelta) -> Sequence[Step]:
        begins, self._spoke = not self._spoke, self._spoke or bool(piece.text)
        self._pieces.append(piece)
        return self._shown(piece.text, begins=begins)

    def so_far(self) -> Sequence[Step]:
        return self._shown(self._text, begins=True)

    def opening(self) -> Sequence[Step]:
        return []

    def closing(self) -> Sequence[Step]:
        text = self._text
        if not text:
            return []
        return [
            ("response.reasoning_summary_text.done", {"summary_index": 0, "text": text}),
            ("response.reasoning_summary_part.done", {"summary_index": 0, "part": _summary(text)}),
        ]

    def item(self, status: str) -> dict[str, Any]:
        item: dict[str, Any] = {"id": self.id, "type": "reasoning", "summary": []}
        if status == "in_progress":
            return item
        if text := self._text:
            item["summary"] = [_summary(text)]
        return {**item, "encrypted_content": envelope.seal(fold(self._pieces).reasoning, self._origin)}

    def _shown(self, text: str, *, begins: bool) -> Sequence[Step]:
        if not text:
            return []
        delta: Step = ("response.reasoning_summary_text.delta", {"summary_index": 0, "delta": text})
        part: Step = ("response.reasoning_summary_part.added", {"summary_index": 0, "part": _summary("")})
        return [part, delta] if begins else [delta]


def _summary(text: str) -> dict[str, str]:
    return {"type": "summary_text", "text": text}


class CallDraft:
    """A call of a function, or of a free-text tool, whose input is only known when its arguments are whole."""

    def __init__(self, ident: str, call_id: str, name: str, group: str, free: bool) -> None:
        self.id = ident
        self._known = {"call_id": call_id, "name": name} | ({"namespace": group} if group else {})
        self._free = free
        self._arguments = GrowingValue()

    @property
    def settled(self) -> bool:
        """Whether the arguments are whole; fragments of several calls may come interleaved."""
        return self._arguments.whole

    def add(self, piece: str) -> Sequence[Step]:
        if not piece:
            return []
        self._arguments.add(piece)
        return [] if self._free else [self._delta(piece)]

    def so_far(self) -> Sequence[Step]:
        return [self._delta(self._arguments.text)] if self._arguments and not self._free else []

    def opening(self) -> Sequence[Step]:
        return []

    def closing(self) -> Sequence[Step]:
        if self._free:
            text = unwrapped(self._arguments.text)
            done: Step = ("response.custom_tool_call_input.done", {"input": text})
            return [("response.custom_tool_call_input.delta", {"delta": text}), done]
        ended = [] if self._arguments else list(self.add("{}"))
        done = (
            "response.function_call_arguments.done",
            {"name": self._known["name"], "arguments": self._arguments.text},
        )
        return [*ended, done]

    def item(self, status: str) -> dict[str, Any]:
        shown = "" if status == "in_progress" else self._arguments.text
        if self._free:
            text = unwrapped(shown) if shown else ""
            return {"id": self.id, "type": "custom_tool_call", "status": status, **self._known, "input": text}
        arguments = shown or ("" if status == "in_progress" else "{}")
        return {"id": self.id, "type": "function_call", "status": status, **self._known, "arguments": arguments}

    def _delta(self, text: str) -> Step:
        return "response.function_call_arguments.delta", {"delta": text}
