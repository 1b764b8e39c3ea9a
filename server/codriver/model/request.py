"""What is wanted, wire-neutral. Values only; nothing here does I/O or knows a provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from codriver.model.value import value


class Purpose(StrEnum):
    """Why somebody asks. MAIN to PROBE are what agents do; EMBED wants vectors, not words."""

    COMPLETE = "complete"
    REFACTOR = "refactor"
    REVIEW = "review"
    EXPLAIN = "explain"
    TEST = "test"
    DOCUMENT = "document"
    FIX = "fix"
    COMMIT = "commit"
    CHAT = "chat"
    MAIN = "main"
    TOOL_RESULT = "tool-result"
    SUBAGENT = "subagent"
    COMPACTION = "compaction"
    TITLE = "title"
    CLASSIFY = "classify"
    PROBE = "probe"
    EMBED = "embed"


ERRANDS = frozenset({Purpose.COMPACTION, Purpose.TITLE, Purpose.CLASSIFY, Purpose.PROBE, Purpose.COMMIT})
"""What agents ask for beside their work: it goes to the cheapest model that can, and moves no session's model."""


@value(frozen=True, slots=True)
class Text:
    """Plain text. `cache` is an Anthropic cache_control object, kept for providers that know it."""

    text: str
    cache: Mapping[str, Any] | None = None


@value(frozen=True, slots=True)
class Image:
    """An image: base64 `data` with its media type, or a `url`."""

    media_type: str = ""
    data: str = ""
    url: str = ""


@value(frozen=True, slots=True)
class Reasoning:
    """A model's thinking. `signature` and `redacted` are only valid at the model that made them.

    origin: the key ("provider/id") of that model, "" when nobody knows.
    """

    text: str
    signature: str = ""
    redacted: str = ""
    origin: str = ""


@value(frozen=True, slots=True)
class ToolCall:
    """A call the model wants. `arguments` is JSON text as the model wrote it.

    signature: Gemini's thoughtSignature on this call, valid only at the model named by origin.
    """

    id: str
    name: str
    arguments: str
    signature: str = ""
    origin: str = ""


@value(frozen=True, slots=True)
class ToolResult:
    """What a tool answered to the call with this id."""

    call_id: str
    parts: tuple[Text | Image, ...]
    is_error: bool = False
    cache: Mapping[str, Any] | None = None


Part = Text | Image | Reasoning | ToolCall | ToolResult
Role = Literal["system", "user", "assistant", "tool"]


@value(frozen=True, slots=True)
class Message:
    """One turn. Role `tool` holds only ToolResults; `system` also stands for `developer`."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The turn's plain text, without reasoning, calls and results."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))


@value(frozen=True, slots=True)
class Tool:
    """A function the model may call; `schema` is JSON Schema of its arguments.

    custom: OpenAI's free-text tools. Their schema is that of FREE_TEXT, so that every wire can carry
    them; a codec that knows them writes this object (its format) instead, and its encoder turns the
    arguments back into text. namespace: Codex groups tools in one; `name` is already unique without it.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    strict: bool | None = None
    custom: Mapping[str, Any] | None = None
    namespace: str = ""


FREE_TEXT: Mapping[str, Any] = MappingProxyType(
    {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
)
"""The schema of a custom tool's arguments where only functions exist: one string field."""


@value(frozen=True, slots=True)
class ToolChoice:
    """Whether tools may, must, must not be called, or which one must."""

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""
    parallel: bool | None = None


@value(frozen=True, slots=True)
class Conversation:
    """The content of a chat-like request.

    lost: names of what its body says besides, and only the caller's own wire can carry.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    lost: tuple[str, ...] = ()


@value(frozen=True, slots=True)
class Fim:
    """The content of a completion: what stands before and after the hole.

    suffix None means plain continuation of a prompt (no hole was named). path: of the file the hole is
    in, "" unknown. files: parts of other files for context, as (path, text). form: the family of
    wire/fim.py in whose form the caller wrote it himself, "" if he did not.
    """

    prefix: str
    suffix: str | None = None
    path: str = ""
    files: tuple[tuple[str, str], ...] = ()
    form: str = ""


HOLES = frozenset({"openai_completions", "mistral_fim", "llamacpp_infill", "ollama_generate"})
"""The wires that have a place for a hole; on all others a hole becomes a chat prompt."""


@value(frozen=True, slots=True)
class Limits:
    """Sampling and length, as asked. None means the caller said nothing."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    """Asked output: {"type": "json_object"} or {"type": "json_schema", "name", "schema", "strict"}."""
    effort: str | None = None
    """Reasoning effort: none, minimal, low, medium, high, max."""


@value(frozen=True, slots=True)
class Needs:
    """What a model must be able to do to serve this request at all."""

    tools: bool = False
    images: bool = False
    schema: bool = False
    fim: bool = False
    stream: bool = False
    embed: bool = False
    same_wire: tuple[str, ...] = ()
    """Fields asked for that only the caller's own wire can carry, such as n > 1 or logprobs."""


@value(frozen=True, slots=True)
class Snapshot:
    """One moment of an open buffer. The only form in which a buffer leaves the LSP front.

    text is UTF-8. cursor is a byte offset, selection a half-open byte range.
    """

    uri: str
    version: int
    language_id: str
    text: bytes
    cursor: int | None = None
    selection: tuple[int, int] | None = None
    root: str = ""
    """Workspace folder as a path, or empty."""


Understood = tuple[Purpose, tuple[str, ...], str]
"""A request's purpose, tail and session: what reading its texts tells, and sending it on does not need."""


@value(frozen=True)
class Request:
    """What is wanted. `conversation` is unfolded on first use, so relaying never pays for it.

    wire: the caller's wire, or "" when an editor task asks. body: the bytes as they came, only
    with a wire. model: the name asked for ("auto", "auto:cost", "provider/model", an alias).
    input_tokens: estimate of everything sent. tail: text of the last human turns, newest last,
    without what harnesses put in. session: stable key of the conversation or "". deadline and
    max_cost: seconds and USD the caller sets, or None.
    """

    id: str
    purpose: Purpose
    model: str = "auto"
    wire: str = ""
    body: bytes | None = field(default=None, repr=False)
    stream: bool = True
    wants_usage: bool = False
    limits: Limits = Limits()
    needs: Needs = Needs()
    fim: Fim | None = None
    unfold: Callable[[], Conversation] | None = field(default=None, compare=False, repr=False)
    input_tokens: int = 0
    tail: tuple[str, ...] = field(default_factory=tuple)
    code: Snapshot | None = field(default=None, repr=False)
    task: str = ""
    """Task family when the caller knows it: generate, edit, debug, explain, ... else derived."""
    session: str = field(default_factory=str)
    strategy: str = ""
    workflow: str = ""
    deadline: float | None = None
    max_cost: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Wire headers that go on to a provider of the same wire (anthropic-beta and the like)."""
    signatures: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """What only its maker may see again, as it stands in the body: signatures, redacted and encrypted thinking."""
    forget: bool = False
    """Another model made the thinking in this history: whoever writes the call leaves all of it out."""
    own: frozenset[str] = frozenset()
    """With `forget`: those of `signatures` that are known to be the target's, and may stay."""
    recalled: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Thinking the caller dropped, by the id of the tool call it led to, for a target that wants it back."""
    priority: str = ""
    """"background", "interactive" or ""."""
    file: str = ""
    """Path of the file the request is about, when the caller says so."""
    locale: str = ""
    """Language the caller wants to read, such as "zh-CN", or ""."""
    agent: str = ""
    """The program that asks, in its own words (User-Agent); only where rules ask for it."""
    later: Callable[[], Understood] | None = field(default=None, compare=False, repr=False)
    """Reads purpose, tail and session when somebody first asks for one of them; what was given for them is void."""

    def __post_init__(self) -> None:
        if self.later is not None:
            own = self.__dict__
            del own["purpose"], own["tail"], own["session"]

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if name not in ("purpose", "tail", "session") or own.get("later") is None:
            raise AttributeError(f"a Request has no {name}")
        own["purpose"], own["tail"], own["session"] = own["later"]()
        own["later"] = None
        return own[name]

    @property
    def typed(self) -> bool:
        """Whether it is a completion at somebody's cursor. Reads nothing that was left for later: those are none."""
        return self.later is None and self.purpose is Purpose.COMPLETE

    @cached_property
    def conversation(self) -> Conversation:
        """The messages and tools; empty for a fill-in-the-middle request."""
        return self.unfold() if self.unfold is not None else Conversation(())
