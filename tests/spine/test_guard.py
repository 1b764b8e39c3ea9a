"""Who may come in, and what bad input gets: a clear error in the caller's shape, and the process goes on."""

from __future__ import annotations

import json

import httpx
import pytest

from running import Daemon

CHAT = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"x-api-key": "wrong"}, 401),
        ({"authorization": "Bearer {token}"}, 200),
        ({"x-api-key": "{token}"}, 200),
        ({"authorization": "Bearer {token}", "host": "evil.example"}, 403),
        ({"authorization": "Bearer {token}", "host": "127.0.0.1.evil.example:3748"}, 403),
        ({"authorization": "Bearer {token}", "host": "localhost:99"}, 200),
        ({"authorization": "Bearer {token}", "host": "[::1]:3748"}, 200),
        ({"authorization": "Bearer {token}", "origin": "https://evil.example"}, 403),
        ({"authorization": "Bearer {token}", "origin": "null"}, 403),
        ({"authorization": "Bearer {token}", "origin": "http://localhost:3748"}, 200),
    ],
)
def test_guard(daemon: Daemon, headers: dict[str, str], status: int) -> None:
    sent = {name: value.format(token=daemon.token) for name, value in headers.items()}
    answer = httpx.get(f"{daemon.base}/v1/models", headers=sent)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"]["message"]
    assert "access-control-allow-origin" not in answer.headers


def test_the_health_check_needs_no_token_and_tells_nothing(daemon: Daemon) -> None:
    assert httpx.get(f"{daemon.base}/healthz").json()["status"] == "ok"
    assert httpx.head(daemon.base).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/v1/chat/completions", b"{broken", 400, "byte"),
        ("/v1/chat/completions", b"[]", 400, "object"),
        ("/v1/chat/completions", b'{"model": 5, "messages": []}', 400, "model"),
        ("/v1/chat/completions", json.dumps({**CHAT, "model": "gpt-nonsense"}).encode(), 404, "gpt-nonsense"),
        ("/v1/chat/completions", json.dumps({**CHAT, "model": "simulator/none"}).encode(), 404, "none"),
        ("/v1/messages", b"{broken", 400, "byte"),
        ("/v1/messages", b'{"model": "auto", "messages": [{"role": "user", "content": "x"}]}', 400, "max_tokens"),
        ("/v1/completions", b'{"model": "auto"}', 400, "prompt"),
        ("/v1/route", b"{broken", 400, "JSON"),
        ("/v1/route", b"{}", 400, "prompt"),
        ("/v1/nothing", b"{}", 404, "/v1/nothing"),
    ],
)
def test_bad_bodies_get_a_clear_error(daemon: Daemon, path: str, body: bytes, status: int, words: str) -> None:
    headers = {"authorization": f"Bearer {daemon.token}", "content-type": "application/json"}
    answer = httpx.post(daemon.base + path, content=body, headers=headers)
    assert answer.status_code == status
    page = answer.json()
    assert words in page["error"]["message"]
    assert page.get("type") == ("error" if path == "/v1/messages" else None)
    assert httpx.get(f"{daemon.base}/healthz").status_code == 200


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_413(daemon: Daemon, declared: bool) -> None:
    """W9."""
    size = 65_000_000
    chunk = b" " * 1_000_000

    def parts() -> object:
        for _ in range(size // len(chunk)):
            yield chunk

    headers = {"authorization": f"Bearer {daemon.token}"}
    if declared:
        headers["content-length"] = str(size)
    try:
        answer = httpx.post(f"{daemon.base}/v1/chat/completions", content=parts(), headers=headers, timeout=30)
        assert answer.status_code == 413
        assert "max_body_mb" in answer.json()["error"]["message"]
    except httpx.WriteError:
        pass  # refused while still sending: the socket was closed on us
    assert httpx.get(f"{daemon.base}/healthz").status_code == 200


def test_wrong_method_and_unknown_model_pages(daemon: Daemon) -> None:
    with daemon.client as client:
        assert client.get("/v1/chat/completions").status_code == 405
        assert client.get("/v1/models/none").status_code == 404
        assert client.get("/v1/models/auto").json()["id"] == "auto"
        assert client.get("/v1/decisions/none").status_code == 404
