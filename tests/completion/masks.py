"""Holes cut into published code, as somebody writing it has them before him: what is hidden, and what an editor shows.

Non-trivial is a line with at least two words (names, numbers) and eight characters, outside of strings and comments;
the cursor stands where at least one word and four characters of it are still to come. Of the file, an editor has what stands above, and in half of the holes what stands below (the
other half is a file being written from top to bottom); of others, three neighbours of its folder, none that is mostly
the same text. Packages are on one side only: those that numbers are fitted on, or those they are measured on.
"""

from __future__ import annotations

import random
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "agreement"))

import fetch

from codriver.syntax.analysis import Buffer

CACHE = Path.home() / ".cache" / "codriver-agreement"
LANGUAGES = ("python", "typescript", "javascript", "tsx", "go", "rust", "php", "ruby", "c", "lua", "kotlin")
SMALLEST = 3_000
NEIGHBOURS = 3
ALIKE = 0.5
"""Share of its longer lines that a neighbour may have in common with a file."""
BLOCK = 6
"""Lines of the longest hidden block."""

TOKEN = re.compile(rb"[\w\x80-\xff]+|[^\w\s\x80-\xff]")
WORD = re.compile(rb"[\w\x80-\xff]+")
NAME = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]+")


@dataclass(frozen=True, slots=True)
class Mask:
    """One hole. kind: "line" (all of it), "rest" (from a token's border on) or "block" (a line and those below it)."""

    language: str
    path: Path
    kind: str
    below: bool
    """Whether the text below is there."""
    before: bytes
    after: bytes
    others: tuple[bytes, ...]
    hidden: tuple[bytes, ...]
    """The hidden lines, the first from the cursor on; without trailing space."""

    @property
    def package(self) -> str:
        return package_of(self.path)


def package_of(path: Path) -> str:
    """The published package that a file came with."""
    parts = path.parts
    return "/".join(parts[parts.index("sources") + 1 :][:2]) if "sources" in parts else str(path.parent)


def measured(path: Path) -> bool:
    """Whether this file's package is one that numbers are measured on, and never fitted on."""
    return zlib.crc32(package_of(path).encode()) % 5 >= 2


def published(language: str, *, held_out: bool, cache: Path = CACHE) -> list[Path]:
    """Files of one language in published packages, of one side only, always in the same order."""
    return [path for path in fetch.files(cache, language) if measured(path) is held_out]


def masks(files: Sequence[Path], language: str, most: int, each: int, seed: int = 6) -> Iterator[Mask]:
    """Up to `each` holes in each of the first `most` files that are long enough."""
    for path in [path for path in files if path.stat().st_size >= SMALLEST][:most]:
        rng = random.Random(f"{seed}{path.name}")
        source = path.read_bytes()
        yield from masked(source, language, path, neighbours(path, source), each, rng)


def masked(
    source: bytes, language: str, path: Path, others: tuple[bytes, ...], each: int, rng: random.Random
) -> Iterator[Mask]:
    """Holes in one text."""
    lines, starts = source.splitlines(keepends=True), [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    buffer = Buffer(source, language_id=language)
    wanted = [n for n, line in enumerate(lines) if n and telling(line)]
    rng.shuffle(wanted)
    for n in wanted[: 2 * each]:
        line = lines[n].rstrip()
        indent = len(line) - len(line.lstrip())
        if buffer.in_string_or_comment(starts[n] + indent):
            continue
        kind = rng.choice(("line", "rest", "rest", "block"))
        borders = [m.end() for m in TOKEN.finditer(line, indent) if something(line[m.end() :])]
        cut = rng.choice(borders) if kind == "rest" and borders else indent
        end = _block_end(lines, n, indent) if kind == "block" else n + 1
        below = rng.random() < 0.5
        hidden = (line[cut:], *(hidden.rstrip() for hidden in lines[n + 1 : end]))
        tail = source[starts[end] - len(lines[end - 1]) + len(lines[end - 1].rstrip(b"\r\n")) :] if below else b""
        before = source[: starts[n] + cut]
        yield Mask(
            language, path, kind if cut > indent or kind != "rest" else "line", below, before, tail, others, hidden
        )
        each -= 1
        if not each:
            return


def telling(line: bytes) -> bool:
    """Whether a line is not trivial."""
    stripped = line.strip()
    return len(stripped) >= 8 and len(WORD.findall(stripped)) >= 2


def something(rest: bytes) -> bool:
    """Whether in the rest of a line there is still something to predict."""
    return len(rest.strip()) >= 4 and NAME.search(rest) is not None


def neighbours(path: Path, source: bytes) -> tuple[bytes, ...]:
    """What else would be open: files of its folder, the next ones by name."""
    beside = sorted(f for f in path.parent.glob(f"*{path.suffix}") if f != path and f.is_file())
    after = [f for f in beside if f.name > path.name]
    found = list[bytes]()
    for file in [*after, *beside[: len(beside) - len(after)]]:
        text = file.read_bytes() if file.stat().st_size <= fetch.LARGEST else b""
        if text and not _mostly(text, source):
            found.append(text)
        if len(found) == NEIGHBOURS:
            break
    return tuple(found)


def _mostly(text: bytes, source: bytes) -> bool:
    long = {line.strip() for line in source.splitlines() if len(line.strip()) > 12}
    return sum(line.strip() in long for line in set(text.splitlines())) > ALIKE * max(len(long), 1)


def _block_end(lines: Sequence[bytes], first: int, indent: int) -> int:
    """Behind the last line of the block that begins here: up to a blank or outer line, `BLOCK` lines at most."""
    for n in range(first + 1, min(first + BLOCK, len(lines))):
        line = lines[n].rstrip()
        if not line or len(line) - len(line.lstrip()) < indent:
            return n
    return min(first + BLOCK, len(lines))
