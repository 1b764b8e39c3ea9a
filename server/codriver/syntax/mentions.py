"""Which files, lines and functions a message names: prose, tracebacks, compilers, grep, diffs, edits, fenced code.

Nothing is looked up here: a path is what is written like one and has a language's ending. Whoever holds files tells
which of them exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from codriver.model.value import value
from codriver.syntax import languages
from codriver.syntax.patches import Change, changes

Lines = tuple[int, int]
"""First and last line, 1-based."""

LIMIT = 16_384
"""Characters of a text that are read."""
PATHS, FILES, PLACES = 100, 24, 8
"""Paths in one text that are looked at, files of it that are told, and places in one of them."""


@value(frozen=True, slots=True)
class Mention:
    """A file as a text names it. lines: what is pointed at; quoted: pieces of its text, as a search for them would have
    them; named: functions told with it; code: its new text as far as a diff has it."""

    path: str
    lines: tuple[Lines, ...] = ()
    quoted: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    code: str = ""

    @property
    def exact(self) -> bool:
        """Whether it points into the file, not only at it."""
        return bool(self.lines or self.quoted or self.named)


@value(frozen=True, slots=True)
class Fence:
    """A fenced block: the language and path its first line or the line above give, "" where they do not."""

    language: str
    code: str
    path: str = ""


@value(frozen=True, slots=True)
class Mentions:
    """What a text names, in its order. shown: numbered lines of a file that it does not name, as tools print them."""

    files: tuple[Mention, ...] = ()
    fences: tuple[Fence, ...] = ()
    shown: Lines | None = None


_ENDING = re.compile(r"\.[A-Za-z]\w{0,9}(?![\w/\\])(?!\.[\w])")
_BACK = re.compile(r"[^\s\"'`,;=<>|*?{}]*")
_LONGEST = 260
"""Characters of a path, and of its line before it, that are looked at."""
_AFTER = re.compile(
    r"[\"'`*>\])]{0,3}(?:(?::|\#L|\(|\"?,?[ ]{0,2}\(?(?:on |at |around )?[Ll]ines?[ :]{1,2}))(?P<first>\d{1,7})(?!\.\d)"
    r"(?:(?:-L?|–|\.\.|,[ ]?L|[ ]?-[ ]|[ ]to[ ]|[ ]and[ ])(?P<last>\d{1,7})\b)?(?::\d+)?"
    r"(?:,[ ]in[ ](?P<named>[\w.<>]+))?"
)
_BEFORE = re.compile(
    r"\b[Ll]ines?\s+(?P<first>\d{1,7})(?:\s?(?:-|–|to|and)\s?(?P<last>\d{1,7}))?\s+(?:of|in)\s+(?:the\s+)?(?:file\s+)?[\"'`*@]*$"
)
_SED = re.compile(r"\bsed\s+-n\s+[\"']?(?P<first>\d{1,7}),(?P<last>\d{1,7})p[\"']?\s+[\"']?$")
_LED = 60
"""Characters before a path in which its lines may be told."""
_JAVA = re.compile(r"\bat\s+(?:[\w.$-]+/)?((?:[\w$]+\.)*)[A-Z][\w$]*\.[\w$<>]+\($")
_HEADED = re.compile(
    r"[:>`\"]{0,2}(?:</\w+>)?[ ]*\n(?=(?:[^\n]{0,200}\n){0,3}?[ ]{0,8}(?:Line[ ])?\d{1,7}(?:[:|\t→-]|[ ]\|))"
)
_NUMBERED = re.compile(r"^[ ]{0,8}(?:Line[ ])?(\d{1,7})(?:[:|\t→-]|[ ]\|)", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([^\n`]*)\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_SYMBOL = re.compile(r"`[\w.:]++|[^\W\d]\w++\(?")
_WORD = re.compile(r"[^\W\d]\w++")
_HUMP = re.compile(r"[a-z0-9][A-Z]|\w_\w")


@lru_cache(maxsize=256)
def mentions(text: str) -> Mentions:
    """What a text names. Remembered: an agent sends the same turns with every step."""
    text = text[:LIMIT]
    fences = tuple(_fences(text)) if "```" in text or "~~~" in text else ()
    files: dict[str, Mention] = {}
    for found in (*_changed(text), *_named(text)):
        if len(files) < FILES or found.path in files:
            files[found.path] = _joined(files.get(found.path), found)
    return Mentions(tuple(files.values()), fences, None if files else _shown(text))


@lru_cache(maxsize=64)
def words(text: str) -> frozenset[str]:
    """All words of a text."""
    return frozenset(_WORD.findall(text[:LIMIT]))


@lru_cache(maxsize=64)
def symbols(text: str) -> frozenset[str]:
    """Words that are written as names of code: `so`, so(), so_so, soSo. Of dotted names the last."""
    found = _SYMBOL.findall(text[:LIMIT])
    names = (name for name in found if name[0] == "`" or name[-1] == "(" or _HUMP.search(name))
    return frozenset(re.split(r"[.:`]", name.rstrip("(:."))[-1] for name in names)


def is_path(path: str) -> bool:
    """Whether something is written like a path of a file in a language that is known."""
    stem, dot, ending = path.rpartition(".")
    return bool(dot and stem.strip("./\\ ") and ending) and _known(ending)


def _known(ending: str) -> bool:
    return ending.lower() in _endings()


@cache
def _endings() -> frozenset[str]:
    return frozenset(ending for language in languages.known() for ending in language.extensions)


def plain(path: str) -> str:
    """A path as this room compares it: slashes forward, no `./`."""
    path = path.replace("\\", "/")
    while path.startswith("./"):
        path = path[2:]
    return path


def _joined(known: Mention | None, more: Mention) -> Mention:
    if known is None:
        return more
    return Mention(
        known.path,
        tuple(dict.fromkeys(known.lines + more.lines))[:PLACES],
        (known.quoted + more.quoted)[:PLACES],
        tuple(dict.fromkeys(known.named + more.named))[:PLACES],
        known.code or more.code,
    )


def _changed(text: str) -> Iterator[Mention]:
    for change in changes(text):
        if is_path(change.path):
            yield _mention(change)


def _mention(change: Change) -> Mention:
    return Mention(plain(change.path), change.lines, change.quoted, change.named, change.code)


def _named(text: str) -> Iterator[Mention]:
    left = PATHS
    for found in _ENDING.finditer(text):
        if not _known(found[0][1:]):
            continue
        left -= 1
        if left < 0:
            return
        path = _written(text, found.end())
        if not is_path(path):
            continue
        at = found.end() - len(path)
        line = text[text.rfind("\n", max(0, at - _LONGEST), at) + 1 : at]
        if line.startswith(("--- ", "+++ ", "diff --git", "index ", "*** ")):
            continue  # a diff's, read as one
        yield _pointed(text, path, found.end(), line)


def _written(text: str, end: int) -> str:
    """The path whose last character stands before this place; "" for the address of a page."""
    backwards = text[max(0, end - _LONGEST) : end][::-1]
    found = _BACK.match(backwards)
    path = (found[0][::-1] if found else "").rpartition("](")[2]
    before, colon, after = path.rpartition(":")
    if colon and after.startswith("//"):
        return after[2:] if before.endswith("file") and after[2:3] == "/" else ""
    if colon and not (after[:1] in ("/", "\\") and before[-1:].isalpha() and len(before) < 3):
        path = after
    for opening, closing in ("()", "[]"):
        if path.rfind(opening) > path.rfind(closing):
            path = path[path.rfind(opening) + 1 :]
    return path.lstrip("@!&#")


def _pointed(text: str, path: str, end: int, line: str) -> Mention:
    """The file with the place that is told beside it. line: what stands before it on its line."""
    after = _AFTER.match(text, end)
    where = after or _led(line[-_LED:])
    package = _JAVA.search(line) if line.endswith("(") else None
    if package is not None and "/" not in path:
        path = package[1].replace(".", "/") + path
    named = (after["named"],) if after and after["named"] and after["named"].isidentifier() else ()
    lines = (_lines(where["first"], where["last"]),) if where else tuple(_headed(text, end))
    return Mention(plain(path), lines, (), named)


def _led(line: str) -> re.Match[str] | None:
    """The place that stands before a path."""
    if "ine" in line and (found := _BEFORE.search(line)):
        return found
    return _SED.search(line) if "sed" in line else None


def _lines(first: str, last: str | None) -> Lines:
    start = int(first)
    return start, max(start, int(last)) if last else start


def _headed(text: str, end: int) -> Iterator[Lines]:
    """The numbered lines below a path that stands at its line's end: what grep, ripgrep and readers of files print."""
    headed = _HEADED.match(text, end)
    if headed is None:
        return
    found = _run(text, headed.end())
    if found is not None:
        yield found


def _shown(text: str) -> Lines | None:
    """Numbered lines at the beginning of a text, as `cat -n` has them."""
    return _run(text, 0) if _NUMBERED.search(text, 0, 400) else None


def _run(text: str, start: int) -> Lines | None:
    """First and last number of the numbered lines from here, as long as they grow."""
    first = last = 0
    end = start
    for found in _NUMBERED.finditer(text, start):
        number = int(found[1])
        if first and (number <= last or text.count("\n", end, found.start()) > 3):
            break
        first, last, end = first or number, number, found.end()
    return (first, last) if first else None


def _fences(text: str) -> Iterator[Fence]:
    for found in _FENCE.finditer(text):
        head = found[2].strip()
        language, _, more = head.partition(" ")
        language, _, tail = language.partition(":")
        told = next((word for word in (tail, *more.split(), language) if _told(word)), "")
        above = text[text.rfind("\n", 0, max(0, found.start() - 1)) + 1 : found.start()].strip().strip("`*#: ")
        path = told.partition("=")[2].strip("\"'") if "=" in told else told
        path = path or (above if _told(above) and " " not in above else "")
        yield Fence("" if language == told else language.strip("{}."), found[3], plain(path))


def _told(word: str) -> bool:
    return "." in word and is_path(word.partition("=")[2].strip("\"'") or word)
