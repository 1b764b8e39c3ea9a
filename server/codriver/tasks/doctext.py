"""Documentation comments as text: read from a reply whatever marks it has, and written in a language's form."""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from codriver.syntax.language import Language

_LINE_MARK = re.compile(r"[ \t]*(?:///?!?|//!?|#'?|---?|;;?|%%?)(?: |$|(?=\w))")
_QUOTES = re.compile(r"[rRuUbB]{0,2}(\"\"\"|''')")
_STAR = re.compile(r"[ \t]*\*(?:[ \t]|$)")


@dataclass(frozen=True, slots=True)
class Form:
    """How a language's functions are documented. inside: the quotes of a string in the body; else in front, as a
    block (its three marks) or lines (their mark). told: the form in words, for prompts."""

    told: str
    inside: str = ""
    block: tuple[str, str, str] | None = None
    line: str = ""


def form_of(language: Language | None) -> Form | None:
    """The form of a language; None where there are no comments."""
    if language is None:
        return None
    row = _table().get(language.name) or _table().get(language.family)
    if row is None:
        mark = f"{language.comment} " if language.comment else ""
        return Form(f"a comment of lines that begin with {language.comment}", line=mark) if mark else None
    block = row.get("block")
    return Form(
        row["form"], row.get("inside", ""), (block[0], block[1], block[2]) if block else None, row.get("line", "")
    )


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((resources.files("codriver") / "tasks" / "documentation.toml").read_text("utf-8"))


def plain(text: str) -> str | None:
    """The words of a documentation comment without its marks; None when there is anything but comments in the text."""
    own = textwrap.dedent(text.strip("\n")).strip()
    quoted = _QUOTES.match(own)
    if quoted:
        return _string(own, quoted)
    if own.startswith("/*"):
        end = own.find("*/")
        return None if end < 0 or own[end + 2 :].strip() else _starred(own[:end])
    lines = own.split("\n")
    if all(_LINE_MARK.match(line) or not line.strip() for line in lines):
        return _dedented([_LINE_MARK.sub("", line, count=1) for line in lines])
    return None


def _string(own: str, quoted: re.Match[str]) -> str | None:
    end = own.find(quoted[1], quoted.end())
    if end < 0 or own[end + 3 :].strip():
        return None
    first, *rest = own[quoted.end() : end].split("\n")
    return "\n".join([first.strip(), *textwrap.dedent("\n".join(rest)).split("\n")]).strip()


def _starred(text: str) -> str:
    lines = re.sub(r"^/\*+!?", "", text).split("\n")
    stars = [line for line in lines[1:] if line.strip()]
    if stars and all(line.lstrip().startswith("*") for line in stars):
        lines = [lines[0], *(_STAR.sub("", line, count=1) for line in lines[1:])]
    return _dedented(lines)


def _dedented(lines: Sequence[str]) -> str:
    first, rest = lines[0].strip(), textwrap.dedent("\n".join(lines[1:]))
    return "\n".join([first, *rest.split("\n")]).strip() if first else rest.strip()


def written(words: str, form: Form, indentation: str) -> str | None:
    """The words as a comment of lines (LF, no line end behind); None when they would end the comment early."""
    lines = [line.rstrip() for line in words.split("\n")]
    if form.inside:
        return _quoted(lines, form.inside, indentation)
    if form.block is not None:
        start, middle, end = form.block
        if "*/" in words:
            return None
        if len(lines) == 1 and len(lines[0]) < 90:
            return f"{indentation}{start} {lines[0]}{end}"
        body = [f"{indentation}{middle}{line}".rstrip() for line in lines]
        return "\n".join([f"{indentation}{start}", *body, f"{indentation}{end}"])
    return "\n".join(f"{indentation}{form.line}{line}".rstrip() for line in lines)


def _quoted(lines: Sequence[str], quotes: str, indentation: str) -> str | None:
    if any(quotes in line for line in lines):
        return None
    raw = "r" if any("\\" in line for line in lines) else ""
    tail = " " if lines[-1].endswith('"') else ""
    if len(lines) == 1:
        return f"{indentation}{raw}{quotes}{lines[0]}{tail}{quotes}"
    rest = [f"{indentation}{line}".rstrip() for line in lines[1:]]
    return "\n".join([f"{indentation}{raw}{quotes}{lines[0]}", *rest, f"{indentation}{quotes}"])
