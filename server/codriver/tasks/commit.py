"""Commit messages: a diff in, a message out. Files that no model may see are named in it, and not shown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codriver.config import Settings
from codriver.errors import reject
from codriver.model.request import Purpose
from codriver.tasks import gate, prompts
from codriver.tasks.asking import FRONT, Answered, Asking, silent

if TYPE_CHECKING:
    from codriver.router import Router

SUBJECT, WIDTH = 72, 72
"""Characters of the first line at most, and of the others."""
LONGEST = 60_000
"""Characters of a diff that go out; of a longer one the beginning of each file's part."""
MORE = "\n(and so on)"
RECENT = 12

_FILE = re.compile(r"(?m)^diff --git .*$")
_TALK = re.compile(
    r"(?i)(?:sure|here(?:'s| is)|certainly|okay|ok|of course)\b.*|(?:suggested |proposed )?commit message:?"
)
_CONVENTIONAL = re.compile(r"[a-z]+(?:\([\w./-]+\))?!?: \S")


@dataclass(frozen=True, slots=True)
class Message:
    """A commit message, without a line end behind it."""

    text: str
    by: Answered


async def commit_message(
    router: Router,
    diff: str,
    recent: Sequence[str] = (),
    *,
    notify: Callable[[str], None] = silent,
    settings: Settings | None = None,
    front: str = FRONT,
) -> Message:
    """A message for a change. diff: as git writes it; recent: subjects of earlier commits, for their style.

    Raises RequestRejected when nothing was changed, Unroutable and UpstreamFailed as the router does.
    """
    settings = settings or Settings()
    shown = "\n".join(parts(diff, settings.privacy.never))
    if not shown.strip():
        raise reject("There is nothing to commit.")
    talk = prompts.load("commit").filled(
        recent=_style(recent), fence=prompts.fence(shown), diff=_shortened(shown), most=str(SUBJECT),
        style=_conventional(recent),
    )  # fmt: skip
    asking = Asking(router, settings.refactor.deadline, notify, front)
    notify("Writing a commit message")
    # The diff's paths decide whether it must stay on this machine (Analyst.features).
    paths = " ".join(dict.fromkeys(re.findall(r"(?m)^(?:\+\+\+|---) [ab]/(.+)$", shown)))
    request = asking.request(Purpose.COMMIT, talk, tail=(f"Write a commit message for changes of {paths}",))
    reply, by = await asking.held(request, lambda text: judged(message(text)))
    return Message(message(reply), by)


def parts(diff: str, never: Sequence[str]) -> Iterator[str]:
    """The diff file by file; of files in `never` the name alone."""
    starts = [found.start() for found in _FILE.finditer(diff)] or [0]
    for start, end in zip(starts, [*starts[1:], len(diff)], strict=True):
        part = diff[start:end].rstrip("\n")
        names = re.findall(r"(?m)^(?:diff --git a/(.+?) b/|(?:\+\+\+|---) [ab]/(.+)$)", part)
        if any(gate.hidden(f"/{name}", never) for pair in names for name in pair if name):
            part = f"{part.splitlines()[0]}\n(its content is not shown)"
        yield part


def message(reply: str) -> str:
    """The message in a reply: without fences, quotes and talk around it, its other lines wrapped."""
    lines = reply.replace("\r\n", "\n").strip().split("\n")
    lines = [line.rstrip() for line in lines if not line.lstrip().startswith(("```", "~~~"))]
    while lines and (not lines[0].strip() or _TALK.fullmatch(lines[0].strip().strip("*#: "))):
        lines = lines[1:]
    if not lines:
        return ""
    subject = re.sub(r"(?i)^(?:commit message|subject):\s*", "", lines[0].strip()).strip("\"'`*").rstrip(".").strip()
    body = "\n".join(_wrapped(lines[1:])).strip("\n \"'`")
    return f"{subject}\n\n{body}" if body else subject


def _wrapped(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        deep = re.match(r"\s*(?:[-*] )?", line)
        rest = " " * len(deep[0]) if deep else ""
        yield from textwrap.wrap(line, WIDTH, subsequent_indent=rest, break_long_words=False) or [""]


def judged(text: str) -> str:
    """Why a message is none, or ""."""
    subject = text.split("\n", 1)[0]
    if not re.search(r"\w{2}", subject):
        return "no message in it"
    if len(subject) > SUBJECT:
        return f"its first line has {len(subject)} characters"
    if subject.startswith(("diff --git", "@@", "+++", "---")):
        return "repeats the diff"
    return ""


def _shortened(diff: str) -> str:
    """The diff within the limit: of each file so much that all have their part, as far as 200 characters each fit."""
    if len(diff) <= LONGEST:
        return diff
    files = list(parts(diff, ()))
    each = max(LONGEST // len(files) - len(MORE) - 1, 200)
    return "\n".join(part if len(part) <= each else f"{part[:each]}{MORE}" for part in files)[:LONGEST]


def _style(recent: Sequence[str]) -> str:
    listed = "\n".join(f"- {subject}" for subject in recent[:RECENT])
    return f"Earlier messages of this repository, for their style:\n{listed}\n\n" if listed else ""


def _conventional(recent: Sequence[str]) -> str:
    """Says so where most earlier subjects begin with a type, as in `fix(parser): ...`."""
    typed = sum(1 for subject in recent[:RECENT] if _CONVENTIONAL.match(subject))
    return " It begins with a type, as the earlier ones do." if typed and 2 * typed > len(recent[:RECENT]) else ""
