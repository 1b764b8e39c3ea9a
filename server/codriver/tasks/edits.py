"""From a model's reply to an edit that may be applied: taken out, put in place, checked or refused.

Nothing is repaired by guessing: what does not parse in place, leaves something out or changes a
signature nobody asked to change is refused with a reason, and the router asks a stronger model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from codriver.syntax import languages
from codriver.tasks import indent
from codriver.tasks.region import Region
from codriver.tasks.suggestion import newline

NEAR = 60_000
"""Bytes before and after a region that tell how its buffer is indented."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The new text of a region, or why there is none. why: "" is good."""

    text: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a reply. closed: whether its end was there."""

    tag: str
    text: str
    closed: bool = True


def judged(reply: str, region: Region, instruction: str) -> Judged:
    """The edit a reply makes of a region."""
    code, why = code_of(reply, region.buffer.language_id)
    if why:
        return Judged(why=why)
    placed = in_place(code, region)
    new, old = placed.encode("utf-8", "replace"), region.code
    if elided(code, old.decode("utf-8", "replace")):
        return Judged(why="leaves code out")
    if new == old:
        return Judged(why="changes nothing")
    before, after = region.buffer.errors_with(new, region.start, region.end)
    if after > before:
        return Judged(why="does not parse in place")
    lost = _lost(region, new) if not _MAY_CHANGE.search(instruction) else ""
    return Judged(why=f"changes the signature of {lost}") if lost else Judged(placed)


# Taking the code out of the reply.


def code_of(reply: str, language: str) -> tuple[str, str]:
    """The code in a reply, and why there is none: its largest block in the language, or all of it without blocks."""
    text = reply.replace("\r\n", "\n")
    blocks = fenced(text)
    if not blocks:
        code = text.strip("\n")
        if not code.strip():
            return "", "no code in it"
        return ("", "prose instead of code") if prose(code) else (code.rstrip(), "")
    fitting = [block for block in blocks if _named(block.tag) == _named(language)]
    fitting = fitting or [block for block in blocks if not _named(block.tag)]
    if not fitting:
        return "", f"no {language} code in it"
    best = max(fitting, key=lambda block: len(block.text))
    if not best.closed:
        return "", "the code was cut off"
    code = best.text.strip("\n").rstrip()
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


def _named(tag: str) -> str:
    """The family of languages a fence's tag names; "" for no tag and unknown ones, which may be anything."""
    known = languages.of_id(tag.strip("{}.")) if tag else None
    return (known.family or known.name) if known is not None else ""


def prose(text: str) -> bool:
    """Whether a text without fences is talk: most of its lines are sentences without a sign of code."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    talk = sum(1 for line in lines if line.count(" ") >= 3 and not re.search(r"[=(){}\[\];<>_#@\\]|--|^\W", line))
    return 2 * talk > len(lines)


_COMMENT = r"(?:#|//|--|/\*|<!--|;|%|\{/\*|\"\"\")"
_LEFT = r"\b(?:rest of|remaining|existing|other|previous)\b"
_KEPT = r"(?:\.\.\.|…|unchanged|(?:the|as) (?:same|before))"
_ELIDED = re.compile(rf"(?im)^[ \t]*{_COMMENT}\s*(?:(?:\.\.\.|…).{{0,60}}|.{{0,40}}{_LEFT}.{{0,40}}{_KEPT}.{{0,20}})$")


def elided(code: str, original: str) -> bool:
    """Whether a comment stands for code that was left out (and did not stand there before)."""
    return any(found[0].strip() not in original for found in _ELIDED.finditer(code))


# Putting it in place.


def in_place(code: str, region: Region) -> str:
    """The code indented as the region was, with its buffer's steps and line ends."""
    near = region.snapshot.text[max(region.start - NEAR, 0) : region.end + NEAR]
    step = indent.unit(near.decode("utf-8", "replace").replace("\r\n", "\n"))
    wanted = indent.lead(region.code.decode("utf-8", "replace"))
    lines = indent.respaced(code, step).split("\n")
    own = indent.lead(lines[0])
    if own != wanted and _only_first(lines, own, wanted, step):
        lines = [wanted + lines[0].lstrip(" \t"), *lines[1:]]
    elif own != wanted:
        lines = indent.moved(lines, own, wanted)
    return "\n".join(lines).replace("\n", newline(region.snapshot.text).decode())


def _only_first(lines: list[str], own: str, wanted: str, step: str) -> bool:
    """Whether just the first line lost its indentation: the others stand where the region's would."""
    if own or not wanted:
        return False
    rest = [line for line in lines[1:] if line.strip()]
    deep = wanted + step if indent.opens(lines[0]) else wanted
    return bool(rest) and all(line.startswith(wanted) for line in rest) and rest[0].startswith(deep)


# Keeping the signature.

_MAY_CHANGE = re.compile(
    r"(?i)\b(renam\w*|signatures?|param\w*|arg(?:s|uments?)?\b|split|inline|remov\w*|delet\w*|drop|merge|convert"
    r"|replac\w*|move|rewrite as)\b"
)


def _lost(region: Region, new: bytes) -> str:
    """The name of a function of the region that is gone or takes another number of parameters; else ""."""
    old, now = region.buffer.signatures_with(new, region.start, region.end)
    return next((name for name, parameters in old if (name, parameters) not in now), "")
