"""The Model Context Protocol at /mcp: streamable HTTP without sessions, tools only.

Every answer is one JSON document, nothing is kept between requests, so any number of agents share it and a restarted
daemon is not noticed. `codriver mcp` carries the same messages over stdio. Written here and not taken from the `mcp`
package: that takes 1.3 s of processor time and 56 MB to import, for the four methods below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from codriver.app import App
from codriver.errors import CodriverError, reject
from codriver.fronts.http.exchange import Exchange
from codriver.fronts.http.route import Route, Routes

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""The versions of the protocol that are spoken, newest first; in what is used here they are alike."""

BODY = 4_000_000
INSTRUCTIONS = (
    "Codriver sits beside the user's editor. Its tools show files as they stand in the editor now, with changes that "
    "are not saved yet, and measure code. Ask for open_buffers before editing files that the user may have open."
)
_PARSE_ERROR, _INVALID_REQUEST, _NO_METHOD, _INVALID_PARAMS = -32700, -32600, -32601, -32602


async def mcp(app: App, exchange: Exchange) -> None:
    """POST /mcp: one JSON-RPC message, or several in an array as older versions allow."""
    version = exchange.headers.get("mcp-protocol-version", VERSIONS[0])
    if version not in VERSIONS:
        text = f"MCP {version} is not spoken here; {', '.join(VERSIONS)} are"
        await exchange.answer(400, msgspec.json.encode(_error(None, _INVALID_REQUEST, text)))
        return
    body = await exchange.body(BODY)
    try:
        content = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        await exchange.answer(400, msgspec.json.encode(_error(None, _PARSE_ERROR, f"the body is not JSON: {error}")))
        return
    messages = content if isinstance(content, list) else [content]
    if not messages:
        raise reject("an array of messages may not be empty")
    answers = [answer for message in messages if (answer := await answered(app, message)) is not None]
    if not answers:
        await exchange.start(202, [(b"content-length", b"0")])
        await exchange.end()
        return
    await exchange.answer(200, msgspec.json.encode(answers if isinstance(content, list) else answers[0]))


async def answered(app: App, message: Any) -> dict[str, Any] | None:
    """The answer to one message; None for those that get none."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return _error(None, _INVALID_REQUEST, 'a message must be an object with "jsonrpc": "2.0"')
    if "method" not in message or "id" not in message:
        return None  # an answer to a question we never ask, or a notification
    identity, method, params = message["id"], message["method"], message.get("params")
    params = params if isinstance(params, dict) else {}
    if method == "initialize":
        result = _introduced(app, params)
    elif method == "ping":
        result = {}
    elif method == "tools/list":
        from codriver.fronts.http.mcp import tools

        result = {"tools": tools.listed()}
    elif method == "tools/call":
        return await _called(app, identity, params)
    else:
        return _error(identity, _NO_METHOD, f"there is no method {method}")
    return {"jsonrpc": "2.0", "id": identity, "result": result}


def _introduced(app: App, params: Mapping[str, Any]) -> dict[str, Any]:
    asked = params.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {"name": "codriver", "title": "Codriver", "version": app.version},
        "instructions": INSTRUCTIONS,
    }


async def _called(app: App, identity: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """A tool's answer. What a model can mend comes as a result, so that it is told of it."""
    from codriver.fronts.http.mcp import tools
    from codriver.fronts.http.mcp.code import Missing

    tool = tools.TOOLS.get(str(params.get("name")))
    if tool is None:
        return _error(identity, _INVALID_PARAMS, f"there is no tool {params.get('name')}")
    arguments, call = tool
    try:
        page = await call(app, msgspec.convert(params.get("arguments") or {}, arguments))
    except (Missing, CodriverError, msgspec.ValidationError) as problem:
        result: dict[str, Any] = {"content": [{"type": "text", "text": str(problem)}], "isError": True}
    else:
        text = msgspec.json.encode(page).decode()
        result = {"content": [{"type": "text", "text": text}], "structuredContent": page, "isError": False}
    return {"jsonrpc": "2.0", "id": identity, "result": result}


def _error(identity: Any, code: int, text: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": text}}


ROUTES: Routes = {"POST /mcp": Route(mcp)}
