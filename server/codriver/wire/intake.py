"""What every wire's body has in common on its way in: routing wishes, session key, tail of the talk."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from codriver.errors import reject
from codriver.wire import noise

_SESSION_HEADERS = ("x-claude-code-session-id", "session_id", "session-id", "x-session-id", "x-session-affinity")
_SESSION = re.compile(r'session(?:_id)?["_:\s]+([0-9A-Za-z-]{8,})')
_TURN, _RESULTS = 8192, 4096
TURNS = 3
"""How many human turns the tail has."""
KEPT = 8
"""How many turns are looked at for them: programs speak in a human's name too."""
_BEGINNING = 8192
_HEAD = 256
_DIGIT = re.compile(r"\d")
_DIGITS = b"0123456789"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a caller wants to be routed, from X-Codriver-* headers or codriver_* metadata."""

    strategy: str = ""
    workflow: str = ""
    session: str = ""
    task: str = ""
    deadline: float | None = None
    max_cost: float | None = None
    priority: str = ""
    file: str = ""
    locale: str = ""


_PRIORITIES = ("background", "interactive")
_NONE = Wishes()


def wishes(headers: Mapping[str, str], metadata: Mapping[str, Any] | None) -> Wishes:
    """Headers win over metadata. Raises RequestRejected naming a number that is none, or a priority."""
    notes = metadata or {}
    if not _wishing(headers, "x-codriver-") and not _wishing(notes, "codriver_"):
        return _NONE

    def text(name: str) -> str:
        value = headers.get(f"x-codriver-{name}") or notes.get(f"codriver_{name.replace('-', '_')}") or ""
        return str(value).strip()

    milliseconds = _number(text("max-latency-ms"), "X-Codriver-Max-Latency-Ms")
    return Wishes(
        text("strategy"),
        text("workflow"),
        text("session"),
        text("task"),
        None if milliseconds is None else milliseconds / 1000,
        _number(text("max-cost-usd"), "X-Codriver-Max-Cost-Usd"),
        _priority(text("priority").lower()),
        text("file"),
        text("locale"),
    )


def _wishing(names: Iterable[str], prefix: str) -> bool:
    # A plain loop: this runs for every request, and almost always in vain.
    for name in names:  # noqa: SIM110
        if name.startswith(prefix):
            return True
    return False


def _priority(text: str) -> str:
    if text and text not in _PRIORITIES:
        name = "X-Codriver-Priority"
        raise reject(f"{name}: Expected {' or '.join(_PRIORITIES)}, got {text[:40]!r}", field=name)
    return text


def _number(text: str, name: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value <= 0:
        raise reject(f"{name}: Expected a number above 0, got {text[:40]!r}", field=name)
    return value


def session(
    headers: Mapping[str, str], wished: str, cache_key: str, user: str, beginning: Callable[[], Iterable[str]] = tuple
) -> str:
    """The stable key of a conversation: the caller's word for it, else what agents send, else one made of how it
    begins, else "". A sub-agent's is its own, though it shares its parent's cache key.

    Claude Code hides its session in metadata.user_id, as JSON or as `user_..._session_<uuid>`.
    beginning: the texts a conversation begins with, none where it is not certain that it will go on.
    """
    key = wished or cache_key or _sent(headers, user)
    if not key:
        return derived(beginning())
    agent = headers.get("x-claude-code-agent-id")
    if agent is None and "x-codex-parent-thread-id" in headers:
        agent = headers.get("thread-id")
    return f"{key}/{agent}" if agent and agent != key else key


def _sent(headers: Mapping[str, str], user: str) -> str:
    for name in _SESSION_HEADERS:
        if value := headers.get(name):
            return value
    found = _SESSION.search(user)
    return found[1] if found else user


def derived(texts: Iterable[str]) -> str:
    """A key for a conversation that begins with these texts; "" for none. Ids at their heads and numbers do not count:
    programs put a new one there with each request, or the time."""
    digest = blake2b(digest_size=12)
    empty = True
    for text in texts:
        text = shorten(without_billing_line(text), _BEGINNING)
        head = " ".join(word for word in text[:_HEAD].split() if word.isalpha() or not _DIGIT.search(word))
        digest.update(head.encode("utf-8", "replace"))
        digest.update(text[_HEAD:].encode("utf-8", "replace").translate(None, _DIGITS) + b"\0")
        empty = False
    return "" if empty else f"~{digest.hexdigest()}"


def shorten(text: str, most: int) -> str:
    """Head and tail of a long text."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}\n...\n{text[-(most // 2) :]}"


def tail(turns: Sequence[str], results: Iterable[str]) -> tuple[str, ...]:
    """The last three human turns, newest last, each at most 8 KB, without what programs put into them; before them,
    where there are fresh tool results, their text (4 KB), so that the paths in them can be found."""
    latest = "\n".join(shorten(text, _RESULTS) for text in results if text)
    said: list[str] = []
    for turn in reversed(turns[-KEPT:]):
        words = noise.human(turn)
        if words:
            said.append(shorten(words, _TURN))
        if len(said) == TURNS:
            break
    human = tuple(reversed(said))
    return (shorten(latest, _RESULTS), *(human or ("",))) if latest else human


_BILLING = "x-anthropic-billing-header"


def billing_line(text: str) -> bool:
    """Whether a system prompt begins with the line that Claude Code bills by, which is another one each time."""
    return text.startswith(_BILLING)


def without_billing_line(text: str) -> str:
    """The system prompt behind that line."""
    return text.partition("\n")[2].lstrip("\n") if billing_line(text) else text
