"""A conversation put in order for a wire that is stricter than the one it came from.

Repairs what clients leave behind after compaction and trimming: calls without results, results
without calls, repeated or illegal ids, arguments that are no object, empty texts, two turns of one
role. A pure function of the messages: the same history gives the same bytes, turn after turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from codriver.model.request import Image, Message, Part, Reasoning, Text, ToolCall, ToolResult
from codriver.wire import jsontext, names

_NO_RESULT = "No result of this call was recorded."
_NO_OBJECT = "The arguments of this call were not valid JSON."


@dataclass(slots=True)
class Turn:
    """What one role says before the other does. `results` come before `parts` and answer the
    calls of the turn before."""

    role: str
    parts: list[Part] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)

    @property
    def calls(self) -> list[ToolCall]:
        return [part for part in self.parts if isinstance(part, ToolCall)]


def system(messages: Iterable[Message]) -> list[Text]:
    """All system texts in order, hoisted out of the conversation, without empty ones."""
    return [
        part
        for message in messages
        if message.role == "system"
        for part in message.parts
        if isinstance(part, Text) and part.text.strip()
    ]


def turns(messages: Sequence[Message], *, tools: bool, thinking: bool = True) -> list[Turn]:
    """The conversation without its system texts as alternating turns of user and assistant.

    Every call has exactly one result, in the next turn, in the order of the calls; without tools
    (a target refuses calls then) both become text. Ids are legal everywhere and unique.
    """
    joined = _join(_unique(messages), thinking)
    for number, turn in enumerate(joined):
        if turn.role == "assistant" and turn.calls:
            if number + 1 == len(joined):
                joined.append(Turn("user"))
            _pair(turn, joined[number + 1], tools)
        elif turn.role == "user" and (number == 0 or not joined[number - 1].calls):
            _tell(turn, turn.results)
    return [turn for turn in joined if turn.parts or turn.results]


def _join(messages: Iterable[Message], thinking: bool) -> list[Turn]:
    """Neighbours of one role in one turn; tool results belong to the user's, calls to the assistant's."""
    joined: list[Turn] = []
    for message in messages:
        if message.role == "system":
            continue
        if results := [part for part in message.parts if isinstance(part, ToolResult)]:
            _turn(joined, "user").results += results
        parts = [part for part in message.parts if not isinstance(part, ToolResult) and _says(part, thinking)]
        if parts and message.role == "assistant":
            _turn(joined, "assistant").parts += parts
        elif parts:
            _turn(joined, "user").parts += [told(part) if isinstance(part, ToolCall) else part for part in parts]
    return joined


def _turn(joined: list[Turn], role: str) -> Turn:
    if not joined or joined[-1].role != role:
        joined.append(Turn(role))
    return joined[-1]


def told(call: ToolCall) -> Text:
    """A call as plain text, where it cannot stand as a call."""
    return Text(f"[Called {call.name} with: {call.arguments}]")


def _says(part: Part, thinking: bool) -> bool:
    if isinstance(part, Reasoning):
        return thinking
    return not isinstance(part, Text) or bool(part.text.strip())


def _unique(messages: Iterable[Message]) -> list[Message]:
    """Ids made legal; one that came before (servers that count from 0 in each answer) gets a number."""
    seen: dict[str, int] = {}
    current: dict[str, str] = {}
    renamed = []
    for message in messages:
        parts: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolCall):
                legal = names.legal_id(part.id)
                seen[legal] = seen.get(legal, 0) + 1
                ident = legal if seen[legal] == 1 else names.legal_id(f"{legal}_{seen[legal]}")
                current[part.id] = ident
                part = replace(part, id=ident)
            elif isinstance(part, ToolResult):
                part = replace(part, call_id=current.get(part.call_id, names.legal_id(part.call_id)))
            parts.append(part)
        renamed.append(Message(message.role, tuple(parts)))
    return renamed


def _pair(turn: Turn, answer: Turn, tools: bool) -> None:
    """Leaves one result for each sound call, in their order; everything else becomes text."""
    given: dict[str, ToolResult] = {}
    for one in answer.results:
        given.setdefault(one.call_id, one)
    parts: list[Part] = []
    results: list[ToolResult] = []
    spoken: list[ToolResult] = []
    for part in turn.parts:
        if not isinstance(part, ToolCall):
            parts.append(part)
            continue
        result = given.pop(part.id) if part.id in given else None
        if not tools or jsontext.arguments(part.arguments) is None:
            parts.append(told(part))
            spoken.append(result or ToolResult(part.id, (Text(_NO_OBJECT if tools else _NO_RESULT),), is_error=True))
            continue
        parts.append(part)
        results.append(result or ToolResult(part.id, (Text(_NO_RESULT),), is_error=True))
    turn.parts, answer.results = parts, results
    _tell(answer, [*spoken, *given.values()], keep=True)


def _tell(turn: Turn, results: Iterable[ToolResult], *, keep: bool = False) -> None:
    """Results that answer no call, as text at the start of the turn; images stay images."""
    spoken: list[Part] = []
    for result in results:
        spoken.append(Text(f"[Result of an earlier tool call]\n{plain(result)}"))
        spoken += images(result)
    if spoken:
        turn.parts = [*spoken, *turn.parts]
    if not keep:
        turn.results = []


def plain(result: ToolResult) -> str:
    """A result's text, its parts on lines of their own."""
    return "\n".join(part.text for part in result.parts if isinstance(part, Text))


def images(result: ToolResult) -> list[Image]:
    """A result's images."""
    return [part for part in result.parts if isinstance(part, Image)]


def reasoning(parts: Iterable[Part]) -> str:
    """The readable thinking of a turn."""
    return "\n".join(part.text for part in parts if isinstance(part, Reasoning) and part.text)
