"""From a model's reply to an edit that may be applied: taken out, put in place, checked or refused.

Nothing is repaired by guessing: what does not parse in place, leaves something out, changes a signature nobody asked to
change or code elsewhere is refused with a reason, and the router asks a stronger model.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from codriver.syntax import languages
from codriver.syntax.headers import Header
from codriver.tasks import elision, indent, narrowing
from codriver.tasks.merging import Patch
from codriver.tasks.region import Region
from codriver.tasks.suggestion import newline

NEAR = 60_000
"""Bytes before and after a region that tell how its buffer is indented."""

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
    imports = narrowing.hoisted(narrow.imports, region)
    if imports is None:
        return Judged(why="needs an import that cannot be placed")
    judged = _checked(in_place(code, region), region, instruction)
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
    if after > before:
        return Judged(why="does not parse in place")
    found = region.buffer.headers_with(new, region.start, region.end)
    if found is None:
        return Judged(text)
    old, now = found
    again = narrowing.defined_elsewhere(old, now, region)
    if again:
        return Judged(why=f"defines {again}, which stands outside the selection already")
    if may_change(instruction, [header.last for header in old]):
        return Judged(text)
    decorated = _decorated(text, region, old, now)
    if decorated is not None:
        return _checked(decorated, region, instruction)
    lost = _lost(region, old, now)
    return Judged(why=f"changes the signature of {lost}") if lost else Judged(text)


def _visible(code: bytes) -> list[bytes]:
    """Its lines without blanks at their ends."""
    return [line.rstrip() for line in code.split(b"\n")]


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


# Putting it in place.


def in_place(code: str, region: Region) -> str:
    """The code indented as the region was, with its buffer's steps and line ends."""
    near = region.snapshot.text[max(region.start - NEAR, 0) : region.end + NEAR]
    step = indent.unit(near.decode("utf-8", "replace").replace("\r\n", "\n"))
    original = region.code.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    lines = _moved(code.split("\n"), original, step)
    if not _like(lines, original):
        lines = _moved(indent.respaced(code, step).split("\n"), original, step)
    return "\n".join(lines).replace("\n", newline(region.snapshot.text).decode())


def _moved(lines: list[str], original: list[str], step: str) -> list[str]:
    """The lines as deep as the region's first one is."""
    own, wanted = indent.lead(lines[0]), indent.lead(original[0])
    if own == wanted:
        return lines
    if not own and _only_first(lines, original, wanted, step):
        return [wanted + lines[0].lstrip(" \t"), *lines[1:]]
    return indent.moved(lines, own, wanted)


def _like(lines: list[str], original: list[str]) -> bool:
    """Whether an indented line below the first stands in the original just so: then all are spaced as the file is."""
    known = {line for line in original if line.strip() and indent.lead(line)}
    return any(line in known for line in lines[1:])


def _only_first(lines: list[str], original: list[str], wanted: str, step: str) -> bool:
    """Whether just the first line lost its indentation: the others stand where they stood, or where the region's would.

    A string's text may begin at the margin.
    """
    rest, known = [line for line in lines[1:] if line.strip()], set(original)
    staying, moving = sum(line in known for line in rest), sum(wanted + line in known for line in rest)
    if staying != moving:
        return staying > moving
    deep = wanted + step if indent.opens(lines[0]) else wanted
    return bool(rest) and all(line.startswith(wanted) for line in rest) and rest[0].startswith(deep)


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
