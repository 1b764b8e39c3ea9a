"""From a model's reply to an edit that may be applied: taken out, put in place, checked or refused.

Nothing is repaired by guessing: what does not parse in place, leaves something out, changes a signature nobody asked to
change or code elsewhere is refused with a reason, and the router asks a stronger model.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from codriver.syntax import languages
from codriver.syntax.headers import Header
from codriver.tasks import elision, importing, narrowing, placing, strictly
from codriver.tasks.merging import Patch
from codriver.tasks.region import Region

UNPARSED = "does not parse in place"

elided = elision.elided


@dataclass(frozen=True, slots=True)
class Judged:
    """The new text of a region, or why there is none. why: "" is good. imports: what the file's head gets for it."""

    text: str = ""
    why: str = ""
    imports: tuple[Patch, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a reply. closed: whether its end was there."""

    tag: str
    text: str
    closed: bool = True


def judged(reply: str, region: Region, instruction: str) -> Judged:
    """The edit a reply makes of a region."""
    code, why = code_of(reply, region.buffer.language_id)
    return Judged(why=why) if why else placed(code, region, instruction)


def placed(code: str, region: Region, instruction: str) -> Judged:
    """The edit that code (LF) makes of a region, whatever of it is for there."""
    original = region.code.decode("utf-8", "replace")
    found = region.buffer.headers_with(region.code, region.start, region.end)
    wanted = found[0] if found is not None else ()
    # Before anything is told from its syntax, which without what was left out may be another one.
    narrow = narrowing.narrowed(_filled(code, original) or code, region, wanted)
    if narrow.why:
        return Judged(why=narrow.why)
    filled = _filled(narrow.code, original)
    if filled is None:
        return Judged(why="leaves code out")
    code = filled
    imports = importing.hoisted(narrow.imports, region)
    if imports is None:
        return Judged(why="needs an import that cannot be placed")
    text = placing.in_place(code, region)
    judged = _checked(text, region, instruction)
    if judged.why == UNPARSED and original.rstrip().endswith(",") and not text.rstrip().endswith(","):
        judged = _checked(f"{text.rstrip()},", region, instruction)  # what parts it from the next one was left out
    return judged if judged.why else Judged(judged.text, imports=imports)


def _filled(code: str, original: str) -> str | None:
    """The code with all that it leaves out of the original; None where that is not sure."""
    return elision.restored(code, original) if elided(code, original) else code


def _checked(text: str, region: Region, instruction: str) -> Judged:
    """The text in its place, if it may stand there."""
    new = text.encode("utf-8", "replace")
    if _visible(new) == _visible(region.code):
        return Judged(why="changes nothing")
    before, after = region.buffer.errors_with(new, region.start, region.end)
    why = UNPARSED if after > before else ""
    if not why and region.buffer.language_id == "python":
        why = strictly.worse(region.code.decode("utf-8", "replace"), text, UNPARSED)
    if why:
        return Judged(why=why)
    found = region.buffer.headers_with(new, region.start, region.end)
    if found is None:
        return Judged(text)
    old, now = found
    again = narrowing.defined_elsewhere(old, now, region)
    if again:
        return Judged(why=f"defines {again}, which stands outside the selection already")
    if _emptied(text, region, old, now):
        return Judged(why="leaves code out")
    if may_change(instruction, [header.last for header in old]):
        return Judged(text)
    twice = Counter(header.name for header in now) - Counter(header.name for header in old)
    once_more = next((header.name for header in old if header.name in twice), "")
    if once_more:
        return Judged(why=f"defines {once_more} once more")
    decorated = _decorated(text, region, old, now)
    if decorated is not None:
        return _checked(decorated, region, instruction)
    lost = _lost(region, old, now)
    return Judged(why=f"changes the signature of {lost}") if lost else Judged(text)


_COMMENTS = re.compile(rb"(?s:/\*.*?\*/)|(?://|#|--)[^\n]*")
_EMPTY = re.compile(rb"(?:\s|pass\b|\.{3}|\xe2\x80\xa6|\bend\b|[{}();:])*")


def _emptied(text: str, region: Region, old: Sequence[Header], now: Sequence[Header]) -> bool:
    """Whether of some function nothing but its header is left."""
    data, new = region.snapshot.text, text.encode("utf-8", "replace")
    for header in old:
        same = next((one for one in now if one.name == header.name), None)
        if same is None or _hollow(data[header.body : header.end]):
            continue
        if _hollow(new[same.body - region.start : same.end - region.start]):
            return True
    return False


def _hollow(body: bytes) -> bool:
    """Whether a body holds nothing but comments, brackets and words that do nothing."""
    return bool(body) and _EMPTY.fullmatch(_COMMENTS.sub(b"", body)) is not None


def _visible(code: bytes) -> list[bytes]:
    """Its lines without blanks at their ends."""
    return [line.rstrip() for line in code.split(b"\n")]


# Taking the code out of the reply.


def code_of(reply: str, language: str) -> tuple[str, str]:
    """The code in a reply, and why there is none: its largest block in the language, or all of it without blocks."""
    text = reply.replace("\r\n", "\n")
    blocks = fenced(text)
    if not blocks:
        code = _SUMMARY.sub("", text).strip("\n")
        if not code.strip():
            return "", "no code in it"
        return ("", "prose instead of code") if prose(code) else (code.rstrip(), "")
    fitting = [block for block in blocks if _named(block.tag) == _named(language)]
    fitting = fitting or [block for block in blocks if not _named(block.tag) and block.tag.lower() not in _CHANGES]
    if not fitting:
        return "", f"no {language} code in it"
    best = max(fitting, key=lambda block: len(block.text))
    if not best.closed:
        return "", "the code was cut off"
    code = best.text if _named(language) in _WITH_COLONS else _SUMMARY.sub("", best.text)
    code = code.strip("\n").rstrip()
    return (code, "") if code else ("", "no code in it")


_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)[^`]*$")


def fenced(text: str) -> list[Block]:
    """The fenced blocks of a text. A block ends at a bare fence at least as long as its own (CommonMark, 4.5)."""
    blocks: list[Block] = []
    mark, tag, inside = "", "", list[str]()
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if not mark and found:
            mark, tag, inside = found[1], found[2], []
        elif mark and found and found[1].startswith(mark) and not found[2]:
            blocks.append(Block(tag, "\n".join(inside)))
            mark = ""
        elif mark:
            inside.append(line)
    if mark:
        blocks.append(Block(tag, "\n".join(inside), closed=False))
    return blocks


_SUMMARY = re.compile(r"\n[*_]*Summary:.*\s*\Z")
"""The line that tells what was done, where it ends the code."""
_WITH_COLONS = frozenset({"", "yaml", "markdown"})
"""Languages in which such a line may be code."""

_CHANGES = frozenset({"diff", "patch", "udiff"})
"""Tags of blocks that hold changes and not code."""


def _named(tag: str) -> str:
    """The family of languages a fence's tag names; "" for no tag and unknown ones, which may be anything."""
    known = languages.of_id(tag.strip("{}.")) if tag else None
    return (known.family or known.name) if known is not None else ""


def prose(text: str) -> bool:
    """Whether a text without fences is talk: most of its lines are sentences without a sign of code."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) == 1 and re.fullmatch(r"[A-Z][a-z]+[.!]?", lines[0]):
        return True
    talk = sum(1 for line in lines if line.count(" ") >= 3 and not re.search(r"[=(){}\[\];<>_#@\\]|--|^\W", line))
    return 2 * talk > len(lines)


# Keeping the signature.


def may_change(instruction: str, names: Sequence[str]) -> bool:
    """Whether an instruction asks for another signature of functions with these names, in any of eight languages."""
    anyway, with_function = _asking()
    if anyway.search(instruction):
        return True
    wished = with_function.search(instruction)
    named = "|".join(re.escape(name) for name in names if name)
    what = rf"(?i)\b(function|method|class|{named or 'function'})\b"
    return wished is not None and re.search(what, instruction) is not None


@cache
def _asking() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Words that ask for another signature, and words that do where they are about a function."""
    table = tomllib.loads((resources.files("codriver") / "tasks" / "signatures.toml").read_text("utf-8"))
    stems = [rf"\b{stem}" for stem in table["stems"]]
    return (
        re.compile("|".join([*stems, *table["spaceless"]]), re.IGNORECASE),
        re.compile("|".join(rf"\b{stem}" for stem in table["of_functions"]), re.IGNORECASE),
    )


def _decorated(text: str, region: Region, old: Sequence[Header], now: Sequence[Header]) -> str | None:
    """The text with the decorators (`export`, annotations) that the reply left out of its one function."""
    if len(old) != 1 or len(now) != 1:
        return None
    was, new = old[0], now[0]
    missing = len(was.tokens) - len(new.tokens)
    data = region.snapshot.text
    if missing <= 0 or was.tokens[missing:] != new.tokens or data[region.start : was.start].strip():
        return None
    left_out = _beginning(data[was.start : was.body].decode("utf-8", "replace"), was.tokens[:missing])
    if left_out is None:
        return None
    at = len(text.encode("utf-8", "replace")[: new.start - region.start].decode("utf-8", "replace"))
    return f"{text[:at]}{left_out}{text[at:]}"


def _beginning(head: str, tokens: Sequence[bytes]) -> str | None:
    """The beginning of a header up to behind these tokens, with the blanks that follow."""
    at = 0
    for token in tokens:
        found = re.compile(re.escape(token.decode("utf-8", "replace")).replace('"', "[\"']")).match(head, at)
        if found is None:
            return None
        at = found.end()
        at += len(head[at:]) - len(head[at:].lstrip())
    return head[:at]


def _lost(region: Region, old: Sequence[Header], now: Sequence[Header]) -> str:
    """The name of a function of the region that is gone, or that callers could not call as before; else "".

    Of a header that is broken where it stands, the name alone is sure.
    """
    left = list(now)
    for header in old:
        same = next((new for new in left if new.name == header.name and (header.serves(new) or not header.sound)), None)
        if same is not None:
            left.remove(same)
        elif len(old) == 1 or not _own_business(header, region):
            return header.name
    return ""


def _own_business(header: Header, region: Region) -> bool:
    """Whether a function is private and nothing outside the region names it."""
    last = header.last
    private = re.match(r"_[^_]|#", last) is not None or b"private" in header.tokens[:4]
    text = region.snapshot.text
    outside = text[: region.start] + b"\n" + text[region.end :]
    return private and re.search(rb"(?<!\w)" + re.escape(last.encode()) + rb"(?!\w)", outside) is None
