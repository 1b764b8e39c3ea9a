"""Filling a hole: raw prompts for families of models trained for it, there and back; a chat prompt for the rest.

A family is a row of fim.toml. A buffer may contain the very tokens a family reads as structure (that
file does). Each such token gets a space after its first character, one more than it had; so no token
of the text is ever sent, nothing is removed, and what a model copies from there is restored exactly.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

from codriver.model.request import Conversation, Fim, Message, Text

_SLOT = re.compile(r"\{(\w+)\}")
UNNAMED = "untitled"
"""Stands for the path of a file whose name nobody told."""


@dataclass(frozen=True)
class Family:
    """How a family wants a hole. The fields are those of fim.toml, whose head explains them."""

    name: str
    hole: str
    ends: tuple[str, ...]
    names: tuple[str, ...]
    special: tuple[str, ...] = ()
    file: str = "{text}\n"
    here: str = ""
    inside: bool = False

    @cached_property
    def marks(self) -> tuple[str, str, str]:
        """What stands before, between and behind the two texts."""
        before, first, between, second, behind = _SLOT.split(self.hole)
        assert {first, second} == {"prefix", "suffix"}
        return before, between, behind

    @cached_property
    def suffix_first(self) -> bool:
        """Whether the text after the hole comes before the text in front of it."""
        return self.hole.index("{suffix}") < self.hole.index("{prefix}")

    @cached_property
    def stops(self) -> tuple[str, ...]:
        """What ends an answer: the ends first, then the marks."""
        return tuple(dict.fromkeys((*self.ends, *(mark.strip() for mark in self.marks if mark))))

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Everything the model reads as structure."""
        return tuple(dict.fromkeys((*self.stops, *self.special)))

    @cached_property
    def written(self) -> re.Pattern[str]:
        """Finds a token in text, and the spaces it was broken by."""
        longest = sorted(self.tokens, key=len, reverse=True)
        return re.compile("|".join(f"{re.escape(token[0])} *{re.escape(token[1:])}" for token in longest))


@cache
def families() -> Mapping[str, Family]:
    """All families by name, in the order in which names are tried."""
    tables = tomllib.loads((Path(__file__).parent / "fim.toml").read_text(encoding="utf-8"))
    return MappingProxyType({name: _family(name, table) for name, table in tables.items()})


def _family(name: str, table: Mapping[str, object]) -> Family:
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    del values["source"]
    return Family(name, **values)  # type: ignore[arg-type]  # fim.toml, read whole by the tests


def family_of(model: str) -> str:
    """The family a model's name speaks of, or ""."""
    lowered = model.lower()
    for name, family in families().items():
        if any(fnmatchcase(lowered, pattern) for pattern in family.names):
            return name
    return ""


def prompt(family: Family, hole: Fim) -> str:
    """The raw prompt; without a suffix it is the prefix alone, for the model to go on from."""
    before = neutral(family, hole.prefix)
    if hole.suffix is None:
        return before
    around = "".join(
        _filled(family.file, path=neutral(family, path or UNNAMED), text=neutral(family, text))
        for path, text in hole.files
    )
    if around:
        around += _filled(family.here, path=neutral(family, hole.path or UNNAMED))
    if family.inside:
        before, around = around + before, ""
    return around + _filled(family.hole, prefix=before, suffix=neutral(family, hole.suffix))


def _filled(template: str, **values: str) -> str:
    """The template with its slots filled, once: braces in the values stay."""
    return _SLOT.sub(lambda slot: values[slot[1]], template)


def neutral(family: Family, text: str) -> str:
    """The text with this family's tokens broken, so that none is read as structure. `restored` undoes it."""
    return family.written.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def breaks(family: Family, hole: Fim) -> bool:
    """Whether any token has to be broken in the texts around this hole."""
    texts = (hole.prefix, hole.suffix or "", *(part for file in hole.files for part in file))
    return any(family.written.search(text) for text in texts)


def restored(family: Family, text: str) -> str:
    """The text with broken tokens whole again; tokens that are whole stay."""
    return family.written.sub(lambda found: found[0][0] + found[0][1:].removeprefix(" "), text)


# The way back: plugins that write a family's prompt themselves.


def read(raw: str) -> Fim | None:
    """The hole in a prompt that a caller wrote in some family's form, so that any model can fill it.

    None for a prompt in no such form, or one whose texts contain its marks, so that nobody can tell.
    """
    for family in families().values():
        if family.marks[1].strip() in raw and (found := _taken_apart(family, raw)) is not None:
            return found
    return None


def _taken_apart(family: Family, raw: str) -> Fim | None:
    first, between, last = family.marks
    if any(raw.count(mark.strip()) != 1 for mark in family.marks if mark):
        return None
    around, _, rest = raw.partition(first)
    one, found, rest = rest.partition(between)
    two, _, behind = rest.partition(last) if last else (rest, "", "")
    if not found or behind.strip() or one.count(last or between):
        return None
    prefix, suffix = (two, one) if family.suffix_first else (one, two)
    files, path = _files(family, around)
    return Fim(prefix, suffix, files=files, path=path, form=family.name)


def _files(family: Family, around: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """The other files in front of a hole, and the path of the one the hole is in."""
    chunks = [chunk for chunk in family.written.split(around) if chunk.strip()]
    parts = [(path, text.removesuffix("\n")) for path, _, text in (chunk.partition("\n") for chunk in chunks)]
    path = parts[-1][0] if parts and not parts[-1][1].strip() else ""
    return tuple((name, text) for name, text in parts if text.strip()), path


def own_stops(stops: Iterable[str]) -> tuple[str, ...]:
    """The stops that are a caller's wish and not some family's tokens, which only that family writes."""
    known = {token for family in families().values() for token in family.tokens}
    return tuple(stop for stop in stops if stop not in known and stop.strip() not in known)


def same_form(one: str, other: str) -> bool:
    """Whether two families' prompts look alike; names of no family look like nothing."""
    table = families()
    return one in table and other in table and table[one].hole == table[other].hole


# Models that only chat.

_HOLE = "<HOLE/>"
_BROKEN = re.compile(r"< *HOLE/>")
_INSTRUCTION = (
    "You complete code at a cursor. The user sends a file in which the cursor is marked "
    f"{_HOLE}. Answer with only the code that stands in its place: no explanation, no fence, "
    "nothing repeated from before or after it. Keep the indentation. Answer with nothing if nothing is missing."
)


def chat_prompt(hole: Fim) -> Conversation:
    """The same wish for a model that only chats. A mark in the buffer is broken as elsewhere."""
    others = "".join(f"File {path or UNNAMED}:\n{text}\n\n" for path, text in hole.files)
    here = f"Other files, for reference only:\n\n{others}The file {hole.path or UNNAMED}:\n" if others else ""
    before, after = (_BROKEN.sub(lambda found: f"< {found[0][1:]}", text) for text in (hole.prefix, hole.suffix or ""))
    asked = here.replace(_HOLE, "< HOLE/>") + before + _HOLE + after
    return Conversation((Message("system", (Text(_INSTRUCTION),)), Message("user", (Text(asked),))))


def chat_restored(text: str) -> str:
    """What a chat model copied from the buffer, with the hole's mark whole again."""
    return _BROKEN.sub(lambda found: f"<{found[0][1:].removeprefix(' ')}", text)
