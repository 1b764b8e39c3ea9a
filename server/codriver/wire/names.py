"""Ids of tool calls and names of tools, made legal for a target and kept stable between turns.

Everything here is a pure function of the name, so the same history yields the same bytes and
prompt caches stay warm.
"""

from __future__ import annotations

import hashlib
import re

from codriver.model.request import Request

_LEGAL = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_UNDERSCORE = re.compile(r"_([a-z])")
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")


def legal_id(ident: str) -> str:
    """The id itself where every wire takes it (OpenAI: 64 characters; Anthropic: A-Z a-z 0-9 _ -)."""
    if _LEGAL.match(ident):
        return ident
    return f"call_{hashlib.sha256(ident.encode('utf-8', 'replace')).hexdigest()[:24]}"


def sized_id(ident: str, length: int) -> str:
    """The id itself where it is exactly so many letters and digits (Mistral: 9), else one made from it."""
    if len(ident) == length and ident.isascii() and ident.isalnum():
        return ident
    return hashlib.sha256(legal_id(ident).encode()).hexdigest()[:length]


def unique(ident: str) -> bool:
    """Whether an id is legal, and long enough to be no one else's."""
    return len(ident) >= 12 and _LEGAL.match(ident) is not None


def unique_id(ident: str, request: Request, index: int) -> str:
    """An id to show a caller: legal, and unique in the conversation.

    Some servers give none, count from 0 in every answer, or use letters that other wires refuse;
    those ids are made from the request's own.
    """
    if unique(ident):
        return ident
    return f"call_{legal_id(request.id)[:40]}_{index}"


def legal_name(name: str) -> str:
    """A tool's name as every wire takes it: at most 64 of A-Z a-z 0-9 _ -."""
    if _LEGAL.match(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{_ILLEGAL.sub('_', name)[:55]}_{digest}"


def lettered_name(name: str) -> str:
    """A legal name that begins with a letter or an underscore, as Gemini wants it."""
    legal = legal_name(name)
    if legal[0].isalpha() or legal[0] == "_":
        return legal
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"_{legal[:54]}_{digest}"


def original_name(name: str, request: Request) -> str:
    """The caller's own name of a tool that legal_name or lettered_name had to change."""
    if len(name) < 10 or name[-9] != "_":
        return name
    for tool in request.conversation.tools:
        if tool.name != name and name in (legal_name(tool.name), lettered_name(tool.name)):
            return tool.name
    return name


def cache_key(session: str) -> str:
    """OpenAI's prompt_cache_key for a session: the same in every turn, at most 64 characters, and telling nothing."""
    return f"cdr-{hashlib.sha256(session.encode('utf-8', 'replace')).hexdigest()[:40]}"


def camel(name: str) -> str:
    """A field's name in camelCase: Google takes that and snake_case."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name) if "_" in name else name
