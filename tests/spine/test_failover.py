"""Failures before the first content are invisible; after it they are told, and never look like an end."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from running import Daemon, until

CHAT: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Explain what a parser does"}]}
MESSAGES: dict[str, Any] = {**CHAT, "max_tokens": 300}


@pytest.fixture(autouse=True)
def healthy(daemon: Daemon) -> None:
    """No faults and no rests from the test before."""
    daemon.heal()
    daemon.post("/v1/reload", {}).raise_for_status()


def first_choice(daemon: Daemon) -> str:
    made = daemon.post("/v1/route", {"request": CHAT}).json()["decision"]
    return str(made["candidates"][0]["model"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("fault", "more", "kind"),
    [
        ("500", {}, "transient"),
        ("429", {"retry_after": 7}, "rate_limited"),
        ("529", {}, "overloaded"),
        ("503", {}, "overloaded"),
        ("stall", {"after": 0}, "slow"),
        ("cut", {"after": 0}, "broken"),
        ("end", {"after": 0}, "broken"),
        ("malformed", {"after": 0}, "broken"),
        ("html", {}, "broken"),
        ("empty", {}, "broken"),
        ("garbage", {}, "broken"),
    ],
)
def test_before_the_first_content_nobody_notices(
    fast_daemon: Daemon, fault: str, more: dict[str, Any], kind: str, stream: bool
) -> None:
    """T33, W27, C1, C2, C3: frames of a beginning wait, so nothing of a failed try is ever seen."""
    daemon = fast_daemon
    daemon.heal()
    daemon.post("/v1/reload", {}).raise_for_status()
    first = first_choice(daemon)
    daemon.fault(first.split("/")[1], fault, **more)
    answer = daemon.post("/v1/chat/completions", {**CHAT, "stream": stream})
    assert answer.status_code == 200
    assert "simulated" in said(answer, stream=stream)
    assert '"error"' not in answer.text
    if stream:
        assert answer.text.rstrip().endswith("data: [DONE]")
        assert answer.text.count('"role":"assistant"') <= 1
    assert answer.headers["x-codriver-attempts"] == "2"
    assert answer.headers["x-codriver-model"] != first
    outcome = daemon.get(f"/v1/decisions/{answer.headers['x-codriver-decision']}")
    assert outcome["status"] == "ok"
    failed, answered = outcome["attempts"]
    assert failed["model"] == first
    assert answered["failure"] is None
    assert failed["failure"]["kind"] in {kind, "transient", "broken"}
    if kind in {"rate_limited", "slow", "overloaded"}:
        assert failed["failure"]["kind"] == kind


def test_an_error_inside_the_stream_before_content_is_invisible_too(daemon: Daemon) -> None:
    first = first_choice(daemon)
    daemon.fault(first.split("/")[1], "error_event", after=0)
    answer = daemon.post("/v1/chat/completions", {**CHAT, "stream": True})
    assert "simulated" in said(answer, stream=True)
    assert answer.headers["x-codriver-attempts"] == "2"


def said(answer: httpx.Response, *, stream: bool) -> str:
    """The text of a chat answer, put together."""
    if not stream:
        return str(answer.json()["choices"][0]["message"]["content"])
    pages = [json.loads(frame.removeprefix("data:")) for frame in frames(answer.text) if "[DONE]" not in frame]
    return "".join(page["choices"][0]["delta"].get("content") or "" for page in pages)


def frames(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("data:")]


@pytest.mark.parametrize("model", ["simulator/sim-large", "simulator/sim-claude"], ids=["same wire", "other wire"])
def test_a_cut_after_content_is_told_in_openais_wire(daemon: Daemon, model: str) -> None:
    daemon.fault(model.split("/")[1], "cut", after=6)
    answer = daemon.post("/v1/chat/completions", {**CHAT, "model": model, "stream": True})
    assert answer.status_code == 200
    told = frames(answer.text)
    assert '"error"' in told[-1]
    assert "[DONE]" not in answer.text
    assert all('"finish_reason":"stop"' not in frame.replace(" ", "") for frame in told)
    assert len(told) > 1
    assert daemon.get("/v1/decisions/last")["status"] == "broken"


@pytest.mark.parametrize("model", ["simulator/sim-claude", "simulator/sim-large"], ids=["same wire", "other wire"])
def test_a_cut_after_content_is_told_in_anthropics_wire(daemon: Daemon, model: str) -> None:
    daemon.fault(model.split("/")[1], "cut", after=8)
    answer = daemon.post("/v1/messages", {**MESSAGES, "model": model, "stream": True})
    events = [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event:")]
    assert events[-1] == "error"
    assert "content_block_delta" in events
    assert "message_stop" not in events


def test_a_pinned_model_that_fails_is_an_error_with_its_status(daemon: Daemon) -> None:
    """W6, H3."""
    pinned = {**CHAT, "model": "simulator/sim-small"}
    daemon.fault("sim-small", "429", retry_after=9)
    answer = daemon.post("/v1/chat/completions", pinned)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 8
    assert answer.json()["error"]["message"]
    resting = daemon.post("/v1/chat/completions", pinned)
    assert resting.status_code == 429
    assert len(daemon.log()) == 1, "a rate limit is kept, not tried again"


def test_a_request_the_upstream_refuses_is_not_tried_elsewhere(daemon: Daemon) -> None:
    bad = {**CHAT, "tools": [{"type": "function", "function": {"name": "not a name!", "parameters": {}}}]}
    answer = daemon.post("/v1/chat/completions", {**bad, "model": "auto"})
    assert answer.status_code == 400
    assert len(daemon.log()) <= 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", ["simulator/sim-small", "simulator/sim-claude"])
def test_a_caller_who_leaves_closes_the_upstream(daemon: Daemon, model: str, stream: bool) -> None:
    """W5, T42, C11: also before the first token: the upstream sees a closed connection, within 50 ms of ours closing."""
    daemon.fault(model.split("/")[1], "stall", after=0 if not stream else 3)
    body = json.dumps({**CHAT, "model": model, "stream": stream})
    headers = {"authorization": f"Bearer {daemon.token}", "content-type": "application/json"}
    with httpx.Client(base_url=daemon.base, timeout=30) as client:
        if stream:
            with client.stream("POST", "/v1/chat/completions", content=body, headers=headers) as response:
                next(response.iter_raw())
                left = time.time()
        else:
            with pytest.raises(httpx.ReadTimeout):
                client.post("/v1/chat/completions", content=body, headers=headers, timeout=0.3)
            left = time.time()
    entry = until(lambda: [e for e in daemon.log() if e["ended"] == "disconnected"], "the upstream to be closed")[0]
    assert entry["started"] + entry["seconds"] - left < 0.05
    assert until(lambda: daemon.get("/v1/decisions/last")["status"] == "cancelled", "the outcome")


def test_one_outcome_for_each_request(daemon: Daemon) -> None:
    before = daemon.get("/v1/status")["requests"]
    for n in range(4):
        daemon.post("/v1/chat/completions", {**CHAT, "stream": bool(n % 2)}).raise_for_status()
    daemon.post("/v1/chat/completions", {**CHAT, "model": "simulator/sim-small"}).raise_for_status()
    assert until(lambda: daemon.get("/v1/status")["requests"] == before + 5, "five outcomes")
