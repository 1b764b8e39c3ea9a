"""The likely next place of an edit: the same name elsewhere, the same change at another call. Deterministic, no model.

For fronts: `Completer.next_edits(snapshot, *, owner) -> list[Suggestion]` (tasks/complete.py), best first, [] for
nothing. Each replaces bytes [start, end) of that snapshot by `text`, anywhere in it: the editor jumps there. Its fate
is told by its `decision` like any suggestion's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codriver.tasks import changes
from codriver.tasks.changes import Change, Span
from codriver.tasks.watch import Past

CONFIDENCE = 0.5
"""What is recorded for one: nobody has measured it yet."""

PAUSE = 10.0
"""Seconds without a change after which another edit begins, though it is on the same line."""

STALE = 120.0
"""Seconds after which nobody repeats an edit."""

MOST = 20
"""Places looked at."""

_NAME = re.compile(rb"[A-Za-z_$\x80-\xff][\w$\x80-\xff]*")
_CALLED = re.compile(rb"[\w$.\x80-\xff]+$")
_WORDY = re.compile(rb"[\w$\x80-\xff]")
_WORDS_BEFORE = re.compile(
    rb"(?:\b(?:def|class|function|func|fun|fn|let|const|var|val|mut|struct|enum|interface|type|trait|module|as|for|static"
    rb"|impl|object|record|namespace)\s+)$"
)
_PARAMETER = re.compile(rb"^\s*(?:\w+\s+)*(?:def|function|func|fun|fn)\b.*[(,]\s*(?:\*{1,2}|&(?:mut )?|mut )?$")
_ASSIGNED = re.compile(rb"^\s*(?:[\w$.\[\]<>, ]+:\s*|:\s*[^=]+)?(?::=|=(?!=))")
_KEYWORDS = frozenset(
    b"and as assert async await break case catch class const continue def default del do elif else enum except export"
    b" false False finally fn for from func function global if impl import in interface is lambda let match new nil"
    b" None not null or pass private protected public raise return self static struct super switch this throw true True"
    b" try type var void while with yield".split()
)


@dataclass(frozen=True, slots=True)
class NextEdit:
    """Bytes [start, end) of a text are likely to become `text`, as it happened at `like`, a byte offset too."""

    start: int
    end: int
    text: str
    label: str
    like: int


@dataclass(frozen=True, slots=True)
class _Edited:
    """One line before and after an edit by hand; at: where the line begins."""

    old: bytes
    new: bytes
    at: int
    count: int
    """Changes it was made by."""

    @property
    def change(self) -> Change:
        """What became what, in whole words, counted from the line's beginning."""
        found = changes.narrowed(0, self.old, self.new)
        start, old, new = found.at, found.at + len(found.removed), found.end
        split = start and _wordy(self.old, start - 1) and _wordy(self.old, old)
        if split or _wordy(found.removed, 0) or _wordy(found.inserted, 0):
            while start and _wordy(self.old, start - 1):
                start -= 1
        if split or _wordy(found.removed[-1:], 0) or _wordy(found.inserted[-1:], 0):
            while _wordy(self.old, old):
                old, new = old + 1, new + 1
        return Change(start, self.old[start:old], self.new[start:new])


def find(text: bytes, past: Sequence[Past], now: float) -> Iterator[NextEdit]:
    """Places where the newest edit of a text is likely to be repeated, those behind it first. past: all its changes."""
    if not past or now - past[-1].when > STALE:
        return
    edited = _edited(text, past)
    if edited is None:
        return
    change = edited.change
    earlier = _earlier(text, past, edited)
    again = earlier is not None and (earlier.change.removed, earlier.change.inserted) == (
        change.removed, change.inserted,
    )  # fmt: skip
    spans = list(_places(text, edited, change, again=again))
    ordered = [s for s in spans if s[0][0] > edited.at] + [s for s in spans if s[0][0] < edited.at]
    for (start, end), new in ordered[:MOST]:
        line = text.count(b"\n", 0, start) + 1
        yield NextEdit(start, end, new.decode("utf-8", "replace"), f"Same change on line {line}", edited.at + change.at)


# The edit that was made.


def _edited(text: bytes, past: Sequence[Past]) -> _Edited | None:
    """The newest edit, on the one line it was made on; None where a line was written anew, or taken away."""
    last = past[-1].change
    if last.end > len(text):
        return None
    start = text.rfind(b"\n", 0, last.at) + 1
    end = text.find(b"\n", last.at)
    new = old = text[start : end if end >= 0 else len(text)]
    count, when = 0, past[-1].when
    for one in reversed(past):
        change = one.change
        inside = start <= change.at and change.end <= start + len(old)
        if not inside or b"\n" in change.inserted + change.removed or when - one.when > PAUSE:
            break
        old = old[: change.at - start] + change.removed + old[change.end - start :]
        count, when = count + 1, one.when
    edited = _Edited(old, new, start, count)
    return edited if count and old.strip() and new.strip() and old != new else None


def _earlier(text: bytes, past: Sequence[Past], edited: _Edited) -> _Edited | None:
    """The edit before that one."""
    before = list(past[: -edited.count])
    if not before:
        return None
    return _edited(changes.taken_back(text, [one.change for one in past[-edited.count :]]), before)


# Where it may be repeated.


def _places(text: bytes, edited: _Edited, change: Change, *, again: bool) -> Iterator[tuple[Span, bytes]]:
    """Spans and what would replace them, in the order of the text."""
    old, new = change.removed, change.inserted
    renamed = _named(old) and _named(new)
    if renamed and (again or _declares(edited, change)):
        scope = _scope(text, edited, change)
        dotted = edited.new[: change.at].endswith(b".")
        yield from (((at, at + len(old)), new) for at in _occurrences(text, old, edited, scope, dotted=dotted))
        return
    if again and len(old) >= 3:
        yield from (((at, at + len(old)), new) for at in _occurrences(text, old, edited, (0, len(text))))
        return
    call = _call(edited, change)
    if call is not None:
        name, was, becomes = call
        same = list(_occurrences(text, was, edited, (0, len(text))))
        yield from (((at, at + len(was)), becomes) for at in same)
        if not same and not old and new.lstrip().startswith(b",") and edited.new[change.end :].startswith(b")"):
            count = _arguments(was[len(name) + 1 : -1])
            yield from (((at, at), new) for at in _ends_of_calls(text, name, edited, new, count))


def _named(text: bytes) -> bool:
    return len(text) >= 2 and _NAME.fullmatch(text) is not None and text not in _KEYWORDS


def _declares(edited: _Edited, change: Change) -> bool:
    """Whether the renamed word is named first where it was renamed."""
    before, after = edited.new[: change.at], edited.new[change.end :]
    if _WORDS_BEFORE.search(before) or _PARAMETER.match(before):
        return True
    target = not before.strip() or re.fullmatch(rb"\s*(?:self|this)\.", before) is not None
    typed = re.fullmatch(rb"\s*[\w$<>\[\],*&: ]+[\s*&]", before) is not None and not _NAME.fullmatch(
        before.strip() + b"("
    )
    return _ASSIGNED.match(after) is not None and (target or (typed and before.strip() not in _KEYWORDS))


def _scope(text: bytes, edited: _Edited, change: Change) -> Span:
    """Where the name holds: the whole text, or for what is indented and no member, the block it stands in."""
    before = edited.new[: change.at]
    parameter = _PARAMETER.match(before) is not None
    lead = _lead(edited.new)
    if not parameter and (not lead or _WORDS_BEFORE.search(before) or before.endswith(b".")):
        return 0, len(text)
    end = edited.at + len(edited.new)
    while end < len(text):
        stop = text.find(b"\n", end + 1)
        line = text[end + 1 : stop if stop >= 0 else len(text)]
        outside = _lead(line) <= lead if parameter else _lead(line) < lead
        if line.strip() and outside and not line.lstrip().startswith((b")", b"}", b"]", b"{")):
            break
        end = stop if stop >= 0 else len(text)
    return edited.at, end


def _wordy(text: bytes, at: int) -> bool:
    return _WORDY.match(text, at) is not None


def _lead(line: bytes) -> int:
    return len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip(b" "))


def _occurrences(text: bytes, word: bytes, edited: _Edited, scope: Span, *, dotted: bool = False) -> Iterator[int]:
    """Places of whole words outside of the edited line, within a span; dotted: only members, else none of them."""
    at, count = text.find(word, *scope), 0
    while at >= 0 and count < MOST:
        end = at + len(word)
        cut = (_wordy(word, 0) and at and _wordy(text, at - 1)) or (_wordy(word[-1:], 0) and _wordy(text, end))
        member = text[max(at - 1, 0) : at] == b"."
        own = edited.at <= at <= edited.at + len(edited.new)
        if not cut and not own and member == dotted:
            count += 1
            yield at
        at = text.find(word, end, scope[1])


def _call(edited: _Edited, change: Change) -> tuple[bytes, bytes, bytes] | None:
    """The call whose arguments were changed: its name, its old and its new text; None for another change."""
    opening, end_old, end_new = (
        _opening(edited.old, change.at),
        _closing(edited.old, change.at),
        _closing(edited.new, change.at),
    )
    if opening is None or end_old is None or end_new is None or edited.old[end_old:] != edited.new[end_new:]:
        return None
    name = _CALLED.search(edited.old[:opening])
    if name is None or name[0] in _KEYWORDS or _WORDS_BEFORE.search(edited.old[: name.start()]):
        return None
    return name[0], edited.old[name.start() : end_old], edited.new[name.start() : end_new]


def _opening(line: bytes, at: int) -> int | None:
    """The bracket whose call holds this place."""
    depth = 0
    for n in range(min(at, len(line)) - 1, -1, -1):
        depth += (line[n : n + 1] == b")") - (line[n : n + 1] == b"(")
        if depth < 0:
            return n
    return None


def _closing(line: bytes, at: int) -> int | None:
    """The end of the call that holds this place."""
    opening, depth = _opening(line, at), 0
    if opening is None:
        return None
    for n in range(opening, len(line)):
        depth += (line[n : n + 1] == b"(") - (line[n : n + 1] == b")")
        if depth == 0:
            return n + 1
    return None


def _ends_of_calls(text: bytes, name: bytes, edited: _Edited, new: bytes, count: int) -> Iterator[int]:
    """Places before the closing bracket of other calls of this name with so many arguments, and not this one."""
    for at in _occurrences(text, name + b"(", edited, (0, len(text))):
        stop = text.find(b"\n", at)
        line = text[at : stop if stop >= 0 else len(text)]
        end = _closing(line, len(name) + 1)
        if end is None or _WORDS_BEFORE.search(text[max(at - 20, 0) : at]):
            continue
        given = line[len(name) + 1 : end - 1]
        if count and _arguments(given) == count and new.strip(b", ") not in given:
            yield at + end - 1


def _arguments(given: bytes) -> int:
    """How many arguments stand between two brackets; commas in strings and inner brackets count along."""
    return given.count(b",") + 1 if given.strip() else 0
