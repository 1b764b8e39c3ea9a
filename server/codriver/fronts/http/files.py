"""OpenAI's files, as far as batches need them: upload, list, look, fetch, delete."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import parse_qs

import msgspec

from codriver.app import App
from codriver.batches import File
from codriver.batches.files import KEEP_SECONDS, Draft
from codriver.errors import Kind, reject
from codriver.fronts.http.exchange import Exchange
from codriver.fronts.http.multipart import Multipart, Part, boundary
from codriver.fronts.http.route import Route, Routes

MOST_BYTES = 200_000_000
"""Of one file, as OpenAI's batches have it."""

_MOST_TEXT = 4_096
_SLICE = 256 * 1024
_NUMBER = re.compile(r"[0-9]{1,9}")
_ANCHOR, _SECONDS = "expires_after[anchor]", "expires_after[seconds]"


async def upload(app: App, exchange: Exchange) -> None:
    """POST /v1/files: a form with file and purpose, written to disk as it comes."""
    reader = Multipart(boundary(exchange.headers.get("content-type", "")))
    form = _Form(app.batches.files.draft(), reader)
    try:
        async for chunk in exchange.chunks(MOST_BYTES + 100_000):
            form.take(chunk)
        reader.close()
        seconds = form.check()
        kept = await asyncio.to_thread(
            app.batches.files.keep, form.draft, form.filename or "upload.jsonl", "batch", seconds
        )
    except BaseException:  # also when the caller leaves: half a file is none
        form.draft.drop()
        raise
    await answer(exchange, page(kept))


async def listing(app: App, exchange: Exchange) -> None:
    """GET /v1/files: purpose, limit, after and order as OpenAI has them; the newest first."""
    query = queried(exchange)
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise reject("order: Expected 'asc' or 'desc'", field="order")
    files = app.batches.files.all()
    if order == "desc":
        files.reverse()
    purpose = query.get("purpose")
    files = [file for file in files if purpose in (None, file.purpose)]
    await answer(exchange, paged([page(file) for file in files], query, usual=10_000, most=10_000))


async def look(app: App, exchange: Exchange) -> None:
    """GET /v1/files/{id} and GET /v1/files/{id}/content."""
    ident, _, rest = exchange.path.partition("/files/")[2].partition("/")
    file = _found(app, ident)
    if rest == "content":
        await send(app, exchange, file)
    elif rest:
        raise reject(f"a file has no {rest!r}", kind=Kind.NOT_FOUND)
    else:
        await answer(exchange, page(file))


async def remove(app: App, exchange: Exchange) -> None:
    """DELETE /v1/files/{id}: not while a batch reads it."""
    file = _found(app, exchange.path.partition("/files/")[2])
    if app.batches.uses(file.id):
        raise reject(f"{file.id} is read by a batch that is not over; cancel it first", field="file_id")
    await asyncio.to_thread(app.batches.files.remove, file)
    await answer(exchange, {"id": file.id, "object": "file", "deleted": True})


async def send(app: App, exchange: Exchange, file: File) -> None:
    """A file's content, a slice at a time."""
    length = str(file.bytes).encode()
    with app.batches.files.path(file).open("rb") as source:
        await exchange.start(200, [(b"content-type", b"application/octet-stream"), (b"content-length", length)])
        while data := await asyncio.to_thread(source.read, _SLICE):
            await exchange.write(data)
    await exchange.end()


def page(file: File) -> dict[str, Any]:
    """A file as OpenAI shows it."""
    return {
        "id": file.id, "object": "file", "bytes": file.bytes, "created_at": file.created_at, "filename": file.filename,
        "purpose": file.purpose, "status": "processed", "expires_at": file.expires_at, "status_details": None,
    }  # fmt: skip


def queried(exchange: Exchange) -> dict[str, str]:
    """The query's fields, the last of each name."""
    return {name: values[-1] for name, values in parse_qs(exchange.query.decode("latin-1")).items()}


def limited(query: dict[str, str], *, usual: int = 20, most: int = 100) -> int:
    """How many entries of a list are wanted. Raises RequestRejected."""
    text = query.get("limit", str(usual))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise reject(f"limit: Expected a number from 1 to {most}, got {text[:20]!r}", field="limit")
    return int(text)


def paged(entries: list[dict[str, Any]], query: dict[str, str], *, usual: int = 20, most: int = 100) -> dict[str, Any]:
    """The part of a list that a query with `after` and `limit` asks for, in OpenAI's form."""
    limit = limited(query, usual=usual, most=most)
    if after := query.get("after"):
        places = [place for place, entry in enumerate(entries) if entry["id"] == after]
        if not places:
            raise reject(f"after: nothing here has the id {after!r}", field="after")
        entries = entries[places[0] + 1 :]
    shown = entries[:limit]
    ends = {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if shown else {"first_id": None, "last_id": None}
    return {"object": "list", "data": shown, **ends, "has_more": len(entries) > limit}


async def answer(exchange: Exchange, page: object) -> None:
    """A page as JSON."""
    await exchange.answer(200, msgspec.json.encode(page))


class _Form:
    """An upload being received."""

    def __init__(self, draft: Draft, reader: Multipart) -> None:
        self.draft, self.reader = draft, reader
        self.filename: str | None = None
        self._fields: dict[str, bytes] = {}
        self._at: Part | None = None

    def take(self, chunk: bytes) -> None:
        for item in self.reader.feed(chunk):
            if isinstance(item, Part):
                self._begin(item)
            elif self._at is not None and self._at.name == "file":
                self.draft.write(item)
            elif self._at is not None:
                text = self._fields[self._at.name] = self._fields[self._at.name] + item
                if len(text) > _MOST_TEXT:
                    raise reject(f"{self._at.name}: longer than any value of it", field=self._at.name)

    def check(self) -> int:
        """How long the file is to be kept, in seconds. Raises RequestRejected naming the field."""
        if self.filename is None:
            raise reject("file: Field required", field="file")
        purpose = self._fields.get("purpose", b"").decode("utf-8", "replace")
        if purpose != "batch":
            text = f"purpose: Expected 'batch', got {purpose[:40]!r}; Codriver keeps files for batches only"
            raise reject(text if purpose else "purpose: Field required", field="purpose")
        if self.draft.size > MOST_BYTES:
            raise reject(f"the file is larger than {MOST_BYTES / 1e6:g} MB", field="file", kind=Kind.TOO_LARGE)
        if _SECONDS not in self._fields:
            return KEEP_SECONDS
        text, anchor = self._fields[_SECONDS].decode("latin-1"), self._fields.get(_ANCHOR, b"created_at")
        if anchor != b"created_at" or not _NUMBER.fullmatch(text) or not 3_600 <= int(text) <= KEEP_SECONDS:
            raise reject(
                f"expires_after: Expected 3600 to {KEEP_SECONDS} seconds after created_at", field="expires_after"
            )
        return int(text)

    def _begin(self, part: Part) -> None:
        if part.name == "file":
            if self.filename is not None:
                raise reject("file: one is expected, got several", field="file")
            self.filename = part.filename or ""
        else:
            self._fields[part.name] = b""
        self._at = part


def _found(app: App, ident: str) -> File:
    file = app.batches.files.get(ident)
    if file is None:
        raise reject(f"No file has the id {ident!r}", kind=Kind.NOT_FOUND, field="file_id")
    return file


_LIST, _UPLOAD, _LOOK, _REMOVE = Route(listing), Route(upload), Route(look), Route(remove)

ROUTES: Routes = {
    f"{method} {base}": route
    for prefix in ("/v1/files", "/files")
    for method, base, route in (
        ("GET", prefix, _LIST),
        ("POST", prefix, _UPLOAD),
        ("GET", f"{prefix}/*", _LOOK),
        ("DELETE", f"{prefix}/*", _REMOVE),
    )
}
