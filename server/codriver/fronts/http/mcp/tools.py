"""The tools that agents are given: all of them only read, and none asks a model.

A tool is a struct of its arguments, whose docstring is what the agent reads, and a function. Lines count from 1.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import msgspec

from codriver.app import App
from codriver.errors import Unroutable
from codriver.fronts.http.mcp import code as codes
from codriver.fronts.http.mcp.code import Code, Missing
from codriver.fronts.http.pages import decided, explain
from codriver.model.features import Function
from codriver.model.ids import new_id
from codriver.model.request import Purpose, Request, Snapshot

MOST_LINES = 2_000
"""Lines of a buffer in one answer."""
MOST_CHARACTERS = 200_000
MOST_COMPARED = 500_000
"""Bytes of a buffer that is compared line by line."""
SHOWN = 5
"""Candidates of a route that are told."""

_UNASKED = frozenset({"tokens", "difficulty", "wording", "task", "files", "tongue"})
"""Facts of a request, not of code."""

Path = Annotated[str, msgspec.Meta(description="A path, the end of one (src/app.py) or a URI.", min_length=1)]
Line = Annotated[int, msgspec.Meta(description="A line, counted from 1.", ge=1)]


class OpenBuffers(msgspec.Struct, forbid_unknown_fields=True):
    """List the files that are open in the user's editors, and which of them have unsaved changes. Where a file is listed as unsaved, what is on disk is out of date: read it with read_buffer."""  # noqa: E501 (as models read it)


class ReadBuffer(msgspec.Struct, forbid_unknown_fields=True):
    """Read a file as it stands in the user's editor now, unsaved changes included. Values that look like secrets are replaced by a note in brackets: never write such a note back."""  # noqa: E501 (as models read it)

    path: Path
    first_line: Line = 1
    last_line: Line | None = None


class BufferChanges(msgspec.Struct, forbid_unknown_fields=True):
    """Show what is not saved yet: a unified diff from the file on disk to the buffer in the editor, of one file or of all open ones."""  # noqa: E501 (as models read it)

    path: Path | None = None


class Outline(msgspec.Struct, forbid_unknown_fields=True):
    """List the functions of a file with their lines and complexity (cyclomatic and cognitive), from the editor's buffer where it is open."""  # noqa: E501 (as models read it)

    path: Path


class Complexity(msgspec.Struct, forbid_unknown_fields=True):
    """Measure a file or some of its lines: language, frameworks, enclosing function, cyclomatic and cognitive complexity, nesting, syntax errors."""  # noqa: E501 (as models read it)

    path: Path
    first_line: Line | None = None
    last_line: Line | None = None


class RouteOf(msgspec.Struct, forbid_unknown_fields=True):
    """Ask which model Codriver would choose for a prompt, optionally about a line of a file, and why. No model is called and nothing is spent."""  # noqa: E501 (as models read it)

    prompt: Annotated[str, msgspec.Meta(min_length=1)]
    path: Path | None = None
    line: Line = 1
    model: str = "auto"
    strategy: str = ""


async def open_buffers(app: App, asked: OpenBuffers) -> dict[str, Any]:
    """See OpenBuffers."""
    listed = []
    for code in codes.buffers(app):
        saved = await codes.on_disk(code)
        entry: dict[str, Any] = {"path": code.path, "language": code.language, "lines": code.lines}
        entry["unsaved"] = saved is None or not codes.same(saved, code.text)
        if code.buffer is not None and not code.buffer.uri.startswith("file:"):
            entry["uri"] = code.buffer.uri
        if code.focused:
            entry["focused"] = True
        if reason := codes.withheld(app, code.path):
            entry["withheld"] = reason
        listed.append(entry)
    return {"buffers": listed, "folders": list(app.workspace.roots)}


async def read_buffer(app: App, asked: ReadBuffer) -> dict[str, Any]:
    """See ReadBuffer."""
    code = await codes.find(app, asked.path)
    first = min(asked.first_line, code.lines)
    last = min(asked.last_line or code.lines, first + MOST_LINES - 1, code.lines)
    shown = codes.readable(app, code, first, last)
    saved = await codes.on_disk(code)
    page = {
        "path": code.path, "source": code.source, "first_line": first, "last_line": last, "lines": code.lines,
        "unsaved": code.buffer is not None and (saved is None or not codes.same(saved, code.text)),
        "text": shown[:MOST_CHARACTERS],
    }  # fmt: skip
    if len(shown) > MOST_CHARACTERS or last < min(asked.last_line or code.lines, code.lines):
        page["more"] = "there is more: ask for the lines that follow"
    return page


async def buffer_changes(app: App, asked: BufferChanges) -> dict[str, Any]:
    """See BufferChanges."""
    found = [await codes.find(app, asked.path)] if asked.path else codes.buffers(app)
    changes: list[dict[str, Any]] = []
    for code in found:
        saved = await codes.on_disk(code)
        if code.buffer is None or (saved is not None and codes.same(saved, code.text)):
            continue
        if reason := codes.withheld(app, code.path):
            changes.append({"path": code.path, "withheld": reason})
        elif len(code.text) > MOST_COMPARED:
            changes.append({"path": code.path, "withheld": "it is too long to be compared"})
        else:
            diff = await asyncio.to_thread(_diff, code, saved or b"")
            changes.append({"path": code.path, "new": saved is None, "diff": diff})
    return {"changes": changes}


async def outline(app: App, asked: Outline) -> dict[str, Any]:
    """See Outline."""
    code = await codes.find(app, asked.path)
    _admitted(app, code)
    facts = await codes.facts(app, code, None)
    listed = [_function(one) for one in await codes.functions(app, code)]
    return {"path": code.path, "source": code.source, "language": facts.language, "functions": listed}


async def complexity(app: App, asked: Complexity) -> dict[str, Any]:
    """See Complexity."""
    code = await codes.find(app, asked.path)
    _admitted(app, code)
    span = None
    if asked.first_line is not None:
        span = code.span(asked.first_line, asked.last_line or asked.first_line)
    found = asdict(await codes.facts(app, code, span))
    told = {name: value for name, value in found.items() if value and name not in _UNASKED}
    return {**told, "path": code.path, "source": code.source}


async def route_of(app: App, asked: RouteOf) -> dict[str, Any]:
    """See RouteOf."""
    snapshot = None
    if asked.path is not None:
        code = await codes.find(app, asked.path)
        _admitted(app, code)
        start, _ = code.span(asked.line, asked.line)
        uri, root = (code.buffer.uri, code.buffer.root) if code.buffer else (code.path, "")
        snapshot = Snapshot(uri, 0, code.language, code.text, cursor=start, root=root)
    size = len(asked.prompt.encode()) + (len(snapshot.text) if snapshot else 0)
    request = Request(
        new_id(), Purpose.CHAT, model=asked.model, strategy=asked.strategy, tail=(asked.prompt,), code=snapshot,
        input_tokens=size // 4 + 1,
    )  # fmt: skip
    try:
        page = explain(await decided(app, request))
    except Unroutable as nobody:
        raise Missing("\n".join((str(nobody), *nobody.reasons))) from None
    page["refused"] = len(page["refused"])
    page["candidates"] = page["candidates"][:SHOWN]
    page["features"] = {name: value for name, value in page["features"].items() if value}
    return page


def _admitted(app: App, code: Code) -> None:
    """Numbers of what must stay here may be told; what no model may see is not spoken of. Raises Missing."""
    if codes.withheld(app, code.path) == codes.NEVER:
        raise Missing(f"nothing is told of {code.path}: {codes.NEVER}")


def _function(one: Function) -> dict[str, Any]:
    return {
        "name": one.name, "kind": one.kind, "first_line": one.start_line, "last_line": one.end_line,
        "cyclomatic": one.cyclomatic, "cognitive": one.cognitive, "nesting": one.nesting, "parameters": one.parameters,
    }  # fmt: skip


def _diff(code: Code, saved: bytes) -> str:
    before, after = ([line.rstrip("\r\n") for line in codes.lines(text)] for text in (saved, code.text))
    lines = difflib.unified_diff(before, after, f"{code.path} (disk)", f"{code.path} (editor)", lineterm="")
    return "\n".join(lines)[:MOST_CHARACTERS]


Tool = tuple[type[msgspec.Struct], Callable[[App, Any], Awaitable[dict[str, Any]]]]

TOOLS: Mapping[str, Tool] = {
    "open_buffers": (OpenBuffers, open_buffers),
    "read_buffer": (ReadBuffer, read_buffer),
    "buffer_changes": (BufferChanges, buffer_changes),
    "outline": (Outline, outline),
    "complexity": (Complexity, complexity),
    "route": (RouteOf, route_of),
}
"""By the names under which agents call them."""


def listed() -> list[dict[str, Any]]:
    """The tools as tools/list tells them."""
    return [
        {
            "name": name,
            "title": name.replace("_", " ").capitalize(),
            "description": arguments.__doc__,
            "inputSchema": _schema(arguments),
            "annotations": {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": False},
        }
        for name, (arguments, _) in TOOLS.items()
    ]


def _schema(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    schema = dict(msgspec.json.schema(arguments)["$defs"][arguments.__name__])
    for word in ("title", "description"):
        schema.pop(word, None)
    return schema
