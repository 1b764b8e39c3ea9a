"""What of a buffer goes out with a request, within a budget of bytes.

The nearest text counts most, then the head of the file (imports) and of the enclosing function.
Cuts fall on line ends, and move in steps, so that the prompt's beginning stays equal between
keystrokes and a provider's prompt cache keeps hitting.
"""

from __future__ import annotations

from dataclasses import dataclass

from codriver.model.request import Fim

PREFIX, SUFFIX = 6000, 2000
"""Default shares in bytes: about 2,000 and 700 tokens of code."""

STEP = 1024
"""How far, in bytes, a window's start moves at a time."""

SHORT = 400
"""Below so many bytes before the cursor, path and language say more than the text does."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Bytes before and after the cursor."""

    prefix: int = PREFIX
    suffix: int = SUFFIX


@dataclass(frozen=True, slots=True)
class Where:
    """What is known of the buffer: its name for people, its comment sign, the function around the cursor."""

    path: str = ""
    comment: str = ""
    function: tuple[int, int] | None = None


def around(text: bytes, cursor: int, where: Where = Where(), shares: Shares = Shares()) -> Fim:
    """Prefix and suffix for the hole at the cursor (a byte offset), each within its share."""
    prefix = _header(where) + text[:cursor] if cursor < SHORT else _before(text, cursor, where, shares.prefix)
    return Fim(readable(prefix), readable(below(text, cursor, shares.suffix)))


def above(text: bytes, end: int, budget: int) -> bytes:
    """Whole lines up to `end`, within the budget; the part of a line at `end` itself is always there."""
    if end <= budget:
        return text[:end]
    return text[_line_after(text, _stepped(end - budget), end) : end]


def below(text: bytes, start: int, budget: int) -> bytes:
    """From `start` on, up to the last line end within the budget."""
    if len(text) - start <= budget:
        return text[start:]
    cut = text.rfind(b"\n", start, start + budget)
    return text[start : cut + 1 if cut >= 0 else whole(text, start + budget)]


def whole(text: bytes, offset: int) -> int:
    """The offset itself, or the start of the UTF-8 character it would cut."""
    while 0 < offset < len(text) and text[offset] & 0xC0 == 0x80:
        offset -= 1
    return offset


def readable(text: bytes) -> str:
    """As str for a model, line ends as LF; bytes that are not UTF-8 become U+FFFD."""
    return text.decode("utf-8", "replace").replace("\r\n", "\n")


def tokens(*texts: str) -> int:
    """About how many tokens these texts are: code has some 3.3 bytes to a token; rounded up, for budgets."""
    return sum(len(text.encode("utf-8", "replace")) for text in texts) // 3 + 1


def _before(text: bytes, cursor: int, where: Where, budget: int) -> bytes:
    """The window up to the cursor; what it cut off of file head and function head goes in front of it."""
    if cursor <= budget:
        return text[:cursor]
    head = below(text[:cursor], 0, budget // 6)
    start = _function_head(text, where.function, cursor, budget // 12)
    window = above(text, cursor, budget - len(head) - len(start))
    if cursor - len(window) <= len(head):
        return above(text, cursor, budget)
    if where.function is not None and cursor - len(window) <= where.function[0]:
        start = b""
    return head + start + window


def _function_head(text: bytes, function: tuple[int, int] | None, cursor: int, budget: int) -> bytes:
    """The first line or lines of the enclosing function, indentation included."""
    if function is None or function[0] >= cursor:
        return b""
    start = text.rfind(b"\n", 0, function[0]) + 1
    end = text.find(b"\n", function[0], min(cursor, start + budget))
    return text[start : end + 1] if end >= 0 else b""


def _header(where: Where) -> bytes:
    if not (where.path and where.comment):
        return b""
    return f"{where.comment} {where.path}\n".encode()


def _stepped(offset: int) -> int:
    return -(-offset // STEP) * STEP


def _line_after(text: bytes, offset: int, end: int) -> int:
    """The start of the first line at or behind the offset; in a line that reaches to `end`, a character's start."""
    if offset >= end:
        offset = max(end - STEP, 0)
    found = text.find(b"\n", max(offset - 1, 0), end)
    return found + 1 if found >= 0 else whole(text, offset)
