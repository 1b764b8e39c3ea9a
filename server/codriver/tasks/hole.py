"""What a model is asked for a completion: the text around the cursor, and parts of other files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from codriver.analyst import path_of
from codriver.model.ids import new_id
from codriver.model.request import Conversation, Limits, Purpose, Request
from codriver.tasks import alongside, context, prompts
from codriver.tasks.listening import BROKEN, CURSOR
from codriver.tasks.suggestion import Site

if TYPE_CHECKING:
    from codriver.config.tree import Complete


def request(there: Site, settings: Complete) -> Request:
    """The request for a site, with its own text only."""
    snapshot, buffer = there.snapshot, there.buffer
    # Only what does not fit is cut at the function's beginning.
    inside = buffer.function_start_typing(there.cursor) if there.cursor > context.PREFIX else None
    where = context.Where(
        _name(there),
        buffer.language.comment if buffer.language else "",
        (inside, there.cursor) if inside is not None else None,
    )
    fim = context.around(snapshot.text, there.cursor, where)
    return Request(
        new_id(),
        Purpose.COMPLETE,
        # No stop at a newline: whether the answer begins with a fence or a newline is not known
        # before the model is, and the stream is closed at the first whole line anyway.
        limits=Limits(
            max_tokens=settings.block_tokens if there.place.many else settings.one_line_tokens,
            temperature=0.0,
            effort="none",
        ),
        fim=fim,
        unfold=lambda: _chat(there, fim.prefix, fim.suffix or ""),
        input_tokens=context.tokens(fim.prefix, fim.suffix or ""),
        code=snapshot,
        deadline=settings.deadline,
    )


def informed(asked: Request, there: Site, files: Sequence[alongside.File]) -> Request:
    """The request with parts of other files."""
    fim, name = asked.fim, _name(there)
    if fim is None or not files:
        return asked
    return replace(
        asked,
        fim=replace(fim, files=tuple(files), path=name),
        unfold=lambda: _chat(there, fim.prefix, fim.suffix or "", f"{alongside.told(files)}The file {name}:\n"),
        input_tokens=asked.input_tokens + context.tokens(*(text for _, text in files)),
    )


def _name(there: Site) -> str:
    return path_of(there.snapshot.uri).rsplit("/", 1)[-1]


def _chat(there: Site, prefix: str, suffix: str, others: str = "") -> Conversation:
    """The same hole for models that only chat."""
    one, many = "Complete the current line only.", "Complete the current statement or block, and no more."
    return prompts.load("fill").filled(
        language=there.buffer.language_id or "text",
        extent=many if there.place.many else one,
        others=others.replace(CURSOR, BROKEN),
        prefix=prefix.replace(CURSOR, BROKEN),
        suffix=suffix.replace(CURSOR, BROKEN),
    )
