"""OpenAI's batch API: a file of lines, a batch on it, files of results."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec

from codriver.batches.services import Came, State
from codriver.errors import Failure, Kind, UpstreamFailed
from codriver.model.provider import Provider
from codriver.upstream.client import Answer, Upstream
from codriver.upstream.response import Timeouts

ENDPOINTS = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"})

_LONG = Timeouts(connect=10.0, first=300.0, between=120.0, total=3600.0)
"""For files of up to 200 MB."""
_SHORT = Timeouts(connect=10.0, first=60.0, between=60.0, total=120.0)
_RUNNING = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
_OVER = frozenset({"completed", "failed", "expired", "cancelled"})


class _Response(msgspec.Struct):
    status_code: int
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class _Line(msgspec.Struct):
    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


_LINE = msgspec.json.Decoder(_Line)


async def upload(upstream: Upstream, provider: Provider, lines: Iterable[bytes]) -> str:
    """Sends the requests as one file; its id."""
    mark = secrets.token_hex(24)
    field = f"--{mark}\r\ncontent-disposition: form-data; name="
    head = f'{field}"purpose"\r\n\r\nbatch\r\n{field}"file"; filename="codriver.jsonl"\r\n'
    head += "content-type: application/jsonl\r\n\r\n"
    body = b"".join((head.encode(), *lines, f"\r\n--{mark}--\r\n".encode()))
    kind = f"multipart/form-data; boundary={mark}"
    answer = await upstream.ask(provider, "POST", f"{_root(provider)}/files", body, content_type=kind, timeouts=_LONG)
    return _text(await _document(answer), "id")


async def submit(upstream: Upstream, provider: Provider, endpoint: str, file: str) -> str:
    """The id of the batch on a file. One that was started before a kill is found, not started twice."""
    root = _root(provider)
    listed = await _document(await upstream.ask(provider, "GET", f"{root}/batches?limit=100", timeouts=_SHORT))
    entries = listed.get("data")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("input_file_id") == file:
            return _text(entry, "id")
    asked = {"input_file_id": file, "endpoint": endpoint, "completion_window": "24h"}
    answer = await upstream.ask(provider, "POST", f"{root}/batches", msgspec.json.encode(asked), timeouts=_SHORT)
    return _text(await _document(answer), "id")


async def look(upstream: Upstream, provider: Provider, batch: str) -> State:
    """Where it stands."""
    page = await _document(await upstream.ask(provider, "GET", f"{_root(provider)}/batches/{batch}", timeouts=_SHORT))
    status = _text(page, "status")
    if status in _RUNNING:
        return State("running")
    if status not in _OVER:
        raise _odd(f"calls the batch {status!r}")
    files = (page.get("output_file_id"), page.get("error_file_id"))
    errors = page.get("errors")
    told = errors.get("data") if isinstance(errors, dict) else None
    first = told[0] if isinstance(told, list) and told and isinstance(told[0], dict) else {}
    return State(status, tuple(file for file in files if isinstance(file, str)), str(first.get("message") or ""))


async def cancel(upstream: Upstream, provider: Provider, batch: str) -> None:
    """Asks to start no more of it."""
    answer = await upstream.ask(provider, "POST", f"{_root(provider)}/batches/{batch}/cancel", b"{}", timeouts=_SHORT)
    await _document(answer)


async def results(upstream: Upstream, provider: Provider, name: str) -> AsyncIterator[Came]:
    """The lines of a result file."""
    answer = await upstream.ask(provider, "GET", f"{_root(provider)}/files/{name}/content", timeouts=_LONG)
    try:
        held = b""
        async for chunk in answer.chunks():
            *whole, held = (held + chunk).split(b"\n")
            for line in whole:
                if line.strip():
                    yield _came(line)
        if held.strip():
            yield _came(held)
    finally:
        await answer.aclose()


def _came(line: bytes) -> Came:
    try:
        found = _LINE.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _odd(f"wrote a result that is none: {error}") from None
    if found.response is not None:
        return Came(found.custom_id, found.response.status_code, bytes(found.response.body))
    why = found.error or _Error()
    return Came(found.custom_id, 0, b"", why.code or "server_error", why.message or "The provider did not say why.")


def _root(provider: Provider) -> str:
    """The path below which the API lies: that of its chat endpoint."""
    for wire, end in (("openai_chat", "/chat/completions"), ("openai_responses", "/responses")):
        path = provider.wires.get(wire, "")
        if path.endswith(end):
            return path.removesuffix(end)
    return "/v1"


async def _document(answer: Answer) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(await answer.read())
    except msgspec.DecodeError as error:
        raise answer.odd(f"no JSON ({error})", "Check the base URL.") from None
    finally:
        await answer.aclose()
    if not isinstance(found, dict):
        raise answer.odd("no object", "Check the base URL.")
    return found


def _text(page: dict[str, Any], name: str) -> str:
    value = page.get(name)
    if not isinstance(value, str) or not value:
        raise _odd(f"told no {name}")
    return value


def _odd(what: str) -> UpstreamFailed:
    return UpstreamFailed(Failure(Kind.BROKEN, f"The provider's batch API {what}"))
