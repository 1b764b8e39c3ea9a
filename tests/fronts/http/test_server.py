"""The front as an ASGI callable: what it makes of handlers that break, of methods, and of strange headers."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from codriver import app as application
from codriver import paths
from codriver.app import App
from codriver.fronts.http import server
from codriver.fronts.http.exchange import Exchange
from codriver.fronts.http.guard import Guard
from codriver.fronts.http.route import Route
from codriver.fronts.http.server import HttpFront
from codriver.model.request import Purpose, Request
from codriver.wire import codec


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    ended: bool
    """Whether it was sent to its end."""

    @property
    def page(self) -> Any:
        return json.loads(self.body)


@pytest.fixture
async def app(own_home: object) -> AsyncIterator[App]:
    made = application.create(paths.find(), memory=True)
    yield made
    await made.close()


async def ask(app: App, method: str, path: str, body: bytes = b"{}", **headers: str) -> Answer:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    given = {"host": "localhost", "authorization": f"Bearer {app.token}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw, "client": ("127.0.0.1", 1)}
    await HttpFront(app, Guard(app.token))(scope, receive, send)
    got = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    ended = not sent[-1].get("more_body", False)
    return Answer(sent[0]["status"], got, b"".join(message.get("body", b"") for message in sent[1:]), ended)


class Unforeseen(Exception):
    """Nothing that any handler is known to raise."""


async def broken(app: App, exchange: Exchange) -> None:
    raise Unforeseen


async def broken_in_a_stream(app: App, exchange: Exchange) -> None:
    """As who answers in a stream: it says how a failure is told there."""
    await exchange.start(200, [(b"content-type", b"text/event-stream")])
    await exchange.write(b"data: {}\n\n")
    exchange.broken = codec.find(server.wire_of(exchange)).encoder(Request("r", Purpose.CHAT), "m").broken
    raise Unforeseen


async def broken_in_a_download(app: App, exchange: Exchange) -> None:
    await exchange.start(200, [(b"content-type", b"application/x-jsonl")])
    await exchange.write(b"{}\n")
    raise Unforeseen


@pytest.mark.parametrize(("path", "shape"), [("/v1/chat/completions", None), ("/v1/messages", "error")])
async def test_whatever_breaks_is_told_in_the_wire_and_logged_once(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str, shape: str | None
) -> None:
    monkeypatch.setitem(server.ROUTES, f"POST {path}", Route(broken, server.ROUTES[f"POST {path}"].wire))
    answer = await ask(app, "POST", path)
    assert answer.status == 502 and "Unforeseen" in answer.page["error"]["message"]
    assert answer.page.get("type") == shape
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        ("/v1/chat/completions", b"data: "),
        ("/v1/messages", b"event: error\n"),
        ("/v1/responses", b"event: response.created\n"),
    ],
)
async def test_what_breaks_in_a_stream_is_told_in_the_stream(
    app: App, monkeypatch: pytest.MonkeyPatch, path: str, begins: bytes
) -> None:
    monkeypatch.setitem(server.ROUTES, f"POST {path}", Route(broken_in_a_stream, server.ROUTES[f"POST {path}"].wire))
    answer = await ask(app, "POST", path)
    told = answer.body.removeprefix(b"data: {}\n\n")
    assert answer.status == 200 and told.startswith(begins) and b"Unforeseen" in told and told.endswith(b"\n\n")
    assert answer.ended


async def test_a_download_that_breaks_has_no_end(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may take half a file for the whole of it, or an error object for its last line."""
    monkeypatch.setitem(server.ROUTES, "GET /v1/models", Route(broken_in_a_download))
    answer = await ask(app, "GET", "/v1/models")
    assert (answer.body, answer.ended) == (b"{}\n", False)


async def test_an_error_of_the_guard_itself_is_told_too(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Unforeseen

    monkeypatch.setattr(Guard, "refuse", refuse)
    assert (await ask(app, "GET", "/v1/models")).status == 502


@pytest.mark.parametrize("origin", ["http://[", "http://[::", "http://a]b", "\xff"])
async def test_an_origin_that_is_none_is_refused(app: App, origin: str) -> None:
    assert (await ask(app, "GET", "/v1/models", origin=origin)).status == 403


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/v1/chat/completions", 405, "POST"),
        ("DELETE", "/v1/models", 405, "GET"),
        ("POST", "/v1/models/auto", 405, "GET"),
        ("PUT", "/v1/messages", 405, "POST"),
        ("HEAD", "/", 200, ""),
        ("HEAD", "/v1/models", 200, ""),
        ("HEAD", "/v1/messages", 405, "POST"),
        ("GET", "/models/auto", 200, ""),
        ("GET", "/models/", 200, ""),
        ("GET", "/models/none", 404, ""),
        ("GET", "/v1/nothing", 404, ""),
    ],
)
async def test_methods_and_paths(app: App, method: str, path: str, status: int, allow: str) -> None:
    answer = await ask(app, method, path)
    assert (answer.status, answer.headers.get("allow", "")) == (status, allow)
    if status >= 400:
        assert answer.page["error"]["message"] and answer.page.get("type") == ("error" if "messages" in path else None)


async def test_tokens_are_counted_with_and_without_the_version(app: App) -> None:
    body = b'{"model": "auto", "messages": [{"role": "user", "content": "hello"}]}'
    answers = [await ask(app, "POST", path, body) for path in ("/v1/messages/count_tokens", "/messages/count_tokens")]
    assert answers[0] == answers[1] and answers[0].page["input_tokens"] > 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": "Bearer sk-other", "x_api_key": "{token}"}, 200),
        ({"authorization": "Bearer {token}", "x_api_key": "sk-other"}, 200),
        ({"authorization": "Basic eDp5", "x_goog_api_key": "{token}"}, 200),
        ({"authorization": "Bearer sk-other", "x_api_key": "sk-other"}, 401),
        ({"authorization": "Bearer ", "x_api_key": ""}, 401),
    ],
)
async def test_one_right_credential_is_enough(app: App, headers: dict[str, str], status: int) -> None:
    given = {name: value.format(token=app.token) for name, value in headers.items()}
    assert (await ask(app, "GET", "/v1/models", **given)).status == status


@pytest.mark.parametrize("path", ["/healthz", "/healthz/", "/"])
async def test_open_pages_need_no_token(app: App, path: str) -> None:
    assert (await ask(app, "GET", path, authorization="")).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://localhost:1", "content_type": "text/plain"}, 400),
        ({"origin": "http://localhost:1", "content_type": "application/x-www-form-urlencoded"}, 400),
        ({"origin": "http://localhost:1", "content_type": "application/json; charset=utf-8"}, 200),
        ({"origin": "http://localhost:1"}, 200),
        ({"content_type": "text/plain"}, 200),
    ],
)
async def test_pages_send_json(app: App, headers: dict[str, str], status: int) -> None:
    assert (await ask(app, "POST", "/v1/reload", **headers)).status == status


@pytest.mark.parametrize("file", ["/dev/zero", "/", "a\0b", "", "/none/such", "x" * 5000])
async def test_only_regular_files_are_read_for_a_route(app: App, file: str) -> None:
    answer = await ask(app, "POST", "/v1/route", json.dumps({"file": file}).encode())
    assert answer.status == 400 and answer.page["error"]["message"]


async def test_further_names_are_those_of_the_settings_now() -> None:
    names = {"box.example"}
    guard = Guard("t", lambda: names)
    headers = {"host": "other.example:3748", "x-api-key": "t"}
    assert guard.refuse("/v1/models", {**headers, "host": "box.example"}) is None
    assert guard.refuse("/v1/models", headers) is not None
    names.add("other.example")
    assert guard.refuse("/v1/models", headers) is None
