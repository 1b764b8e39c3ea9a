"""Document: a function in, its documentation comment out. Only comments may differ afterwards: the tree says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codriver.config import Settings
from codriver.errors import reject
from codriver.model.request import Purpose, Request, Snapshot
from codriver.syntax import languages
from codriver.syntax.headers import Header
from codriver.tasks import doctext, edits, gate, indent, placing, prompts
from codriver.tasks.asking import FRONT, Asking, silent
from codriver.tasks.doctext import Form
from codriver.tasks.merging import Patch
from codriver.tasks.refactor import Rewrite, within
from codriver.tasks.region import Region, around, chosen
from codriver.tasks.suggestion import newline

if TYPE_CHECKING:
    from codriver.analyst import Analyst
    from codriver.router import Router

NOTHING = "There is nothing to document: place the cursor inside a function."
SHORTEST, LONGEST = 8, 8_000
"""Characters of a documentation comment."""

# What tools read in comments: it stays where it is.
_DIRECTIVE = re.compile(
    r"(?i)\b(?:noqa|type: ?ignore|pragma|pylint|mypy|eslint|ts-|prettier|nolint|go:|region|license|copyright|todo"
    r"|rubocop|standard:|swiftlint|(?:en)?coding[:=]|frozen_string_literal|[\w-]+:(?:disable|enable|ignore))"
)
_RULE = re.compile(rb"\W*([-=#*~_])\1{3,}\W*$")
"""A line drawn with comment marks: what stands above it, and it, is a heading."""
_STRING = re.compile(rb"[rRuUbB]{0,2}(\"\"\"|'''|\"|')")


@dataclass(frozen=True, slots=True)
class Judged:
    """Where the comment goes and how, or why not."""

    patch: Patch | None
    why: str = ""


async def document(
    router: Router,
    analyst: Analyst,
    snapshot: Snapshot,
    *,
    notify: Callable[[str], None] = silent,
    settings: Settings | None = None,
    front: str = FRONT,
) -> Rewrite:
    """Writes the documentation comment of the function that is selected or around the cursor, or writes it anew.

    Raises RequestRejected when there is no function, Unroutable and UpstreamFailed as the router does; the latter
    also when nobody wrote one that changes comments alone.
    """
    settings = settings or Settings()
    gate.admit(snapshot, settings.privacy.never, settings.refactor.max_bytes, "document")
    buffer = await analyst.read(snapshot)
    place = within(chosen(snapshot, buffer) or around(snapshot, buffer), NOTHING)
    features = analyst.features(Request("", Purpose.DOCUMENT, code=place.marked))
    header, form = function_of(place), doctext.form_of(languages.of_id(features.language))
    if header is None or form is None:
        raise reject(NOTHING)
    words = {**place.words(features), "others": ""}
    talk = prompts.load("document").filled(
        **words, fence=prompts.fence(*words.values()), tag=words["language"], form=form.told
    )
    asking = Asking(router, settings.refactor.deadline, notify, front)
    notify(f"Documenting {header.last}")
    request = asking.request(Purpose.DOCUMENT, talk, code=place.marked, tail=(f"Document {header.last}",))
    reply, by = await asking.held(request, lambda text: judged(text, place, form).why)
    patch = judged(reply, place, form).patch
    assert patch is not None, "a reply that passed has a patch"
    who = (by.model, by.simulated, by.cost, by.decision)
    return Rewrite(patch.start, patch.end, patch.text, *who, f"Document {header.last}")


def function_of(place: Region) -> Header | None:
    """The first function of a region."""
    found = place.buffer.headers_with(place.code, place.start, place.end)
    return found[0][0] if found is not None and found[0] else None


def judged(reply: str, place: Region, form: Form) -> Judged:
    """The comment a reply writes, in its place; or why it cannot stand there."""
    header = function_of(place)
    code, why = edits.code_of(reply, place.buffer.language_id)
    if header is None or not code:
        return Judged(None, why if why != "prose instead of code" else "no comment in it")
    words = doctext.plain(code)
    if words is None and edits.fenced(reply.replace("\r\n", "\n")) and edits.prose(code):
        words = "\n".join(line.strip() for line in code.split("\n")).strip()
    if words is None:
        return _whole(code, place)
    if not SHORTEST <= len(words) <= LONGEST:
        return Judged(None, "says nothing" if len(words) < SHORTEST else "is too long")
    if edits.elided(code, place.code.decode("utf-8", "replace")):
        return Judged(None, "leaves something out")
    patch = _inside(words, header, place, form) if form.inside else _before(words, header, place, form)
    return _kept(patch, place) if patch is not None else Judged(None, "would end the comment early")


def _whole(code: str, place: Region) -> Judged:
    """A reply that holds the whole function: good when only comments differ."""
    done = edits.placed(code, place, "")
    if done.why or done.imports:
        return Judged(None, done.why or "changes code")
    return _kept(Patch(place.start, place.end, done.text), place)


def _kept(patch: Patch, place: Region) -> Judged:
    new = patch.text.encode("utf-8", "replace")
    if new == place.snapshot.text[patch.start : patch.end]:
        return Judged(None, "changes nothing")
    before, after = place.buffer.errors_with(new, patch.start, patch.end)
    if after > before:
        return Judged(None, "does not parse in place")
    return Judged(patch) if place.buffer.same_code(new, patch.start, patch.end) else Judged(None, "changes code")


# Where it goes.


def _inside(words: str, header: Header, place: Region, form: Form) -> Patch | None:
    """As the first string of the body, in place of the one that is there."""
    data = place.snapshot.text
    if not re.match(rb"(?:async\s+)?def\b", data[header.head : header.body]):
        return _before(words, header, place, Form(form.told, line="# "))
    line = data.rfind(b"\n", 0, header.head) + 1
    outer = indent.lead(data[line : header.head + 1].decode("utf-8", "replace"))
    body_line = data.rfind(b"\n", 0, header.body) + 1
    apart = not data[body_line : header.body].strip()
    step = indent.unit(data[: placing.NEAR].decode("utf-8", "replace").replace("\r\n", "\n"))
    deep = data[body_line : header.body].decode("utf-8", "replace") if apart else outer + step
    written = doctext.written(words, form, deep)
    if written is None:
        return None
    end, more = _string_end(data, header)
    lines = newline(data).decode()
    text = written.replace("\n", lines)
    if end is not None and apart:
        return Patch(body_line, end, text)
    if end is not None:  # the string stands behind the colon
        return Patch(header.body, end, f"{lines}{text}")
    if apart:
        return Patch(body_line, body_line, f"{text}{lines}")
    begins = len(data[: header.body].rstrip(b" \t"))
    return Patch(begins, header.body, f"{lines}{text}{lines}{deep}") if more else None


def _string_end(data: bytes, header: Header) -> tuple[int | None, bool]:
    """Where the body's first string ends, if the body begins with one that documents; and whether there is a body."""
    found = _STRING.match(data, header.body)
    if found is None:
        return None, header.body < header.end
    at = found.end()
    while at < header.end:
        if data[at : at + 1] == b"\\":
            at += 2
        elif data.startswith(found[1], at):
            end = at + len(found[1])
            rest = data[end : data.find(b"\n", end) if b"\n" in data[end:] else len(data)].strip()
            return (end if not rest or rest.startswith((b"#", b";")) else None), True
        else:
            at += 1
    return None, True


def _before(words: str, header: Header, place: Region, form: Form) -> Patch | None:
    """In front of the function and what decorates it, in place of the documentation that is there."""
    data = place.snapshot.text
    start = _undecorated(data, data.rfind(b"\n", 0, header.start) + 1)
    rest = data[start : data.find(b"\n", start) if b"\n" in data[start:] else len(data)].decode("utf-8", "replace")
    written = doctext.written(words, form, indent.lead(rest))
    if written is None:
        return None
    above = _above(data, start, form)
    lines = newline(data).decode()
    return Patch(above, start, f"{written}\n".replace("\n", lines))


def _undecorated(data: bytes, start: int) -> int:
    """The line above attributes and decorators that stand on lines of their own."""
    while start:
        before = data.rfind(b"\n", 0, start - 1) + 1
        line = data[before:start].strip()
        if not (line.startswith((b"@", b"#[")) or (line.startswith(b"[") and line.endswith(b"]"))):
            break
        start = before
    return start


def _above(data: bytes, start: int, form: Form) -> int:
    """Where the documentation directly above a line begins: the line itself where there is none to be replaced."""
    end = len(data[:start].rstrip(b" \t\r\n"))
    if data.count(b"\n", end, start) != 1:
        return start
    if form.block is not None:
        opened = data.rfind(b"/**", 0, end)
        whole = opened >= 0 and data[end - 2 : end] == b"*/" and data.find(b"*/", opened) == end - 2
        line = data.rfind(b"\n", 0, opened) + 1 if whole else start
        alone = (
            whole
            and not data[line:opened].strip()
            and not _DIRECTIVE.search(data[opened:end].decode("utf-8", "replace"))
        )
        return line if alone else start
    mark, first = form.line.strip().encode(), start
    while first:
        before = data.rfind(b"\n", 0, first - 1) + 1
        line_text = data[before:first].strip()
        if (
            not line_text.startswith(mark)
            or line_text.startswith(b"#!")
            or _RULE.match(line_text)
            or _DIRECTIVE.search(line_text.decode("utf-8", "replace"))
        ):
            break
        first = before
    return first
