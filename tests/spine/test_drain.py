"""A stop while answers run: they have a moment to end, then their callers are told in their wire."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from running import Daemon, daemon_at, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as on Unix")


class Caller(threading.Thread):
    """One request whose answer is read as it comes, to its end, however that is."""

    def __init__(self, daemon: Daemon, path: str, model: str, *, stream: bool) -> None:
        super().__init__(daemon=True)
        self._client = daemon.client
        self._path = path
        turns = [{"role": "user", "content": "Explain what a parser does"}]
        said: dict[str, Any] = {"input": turns} if "responses" in path else {"messages": turns, "max_tokens": 300}
        self._body = {"model": f"simulator/{model}", "stream": stream, **said}
        self.status = 0
        self.headers = httpx.Headers()
        self.text = ""
        self.problem = ""
        self.start()

    def run(self) -> None:
        try:
            with self._client as client, client.stream("POST", self._path, json=self._body) as answer:
                self.status, self.headers = answer.status_code, answer.headers
                for part in answer.iter_text():
                    self.text += part
        except httpx.HTTPError as problem:
            self.problem = repr(problem)


def test_running_answers_are_interrupted_in_their_own_wire(tmp_path: Path) -> None:
    with daemon_at(tmp_path, "--simulate") as daemon:
        daemon.fault("sim-medium", "stall", after=1)
        daemon.fault("sim-claude", "stall", after=1)
        daemon.fault("sim-small", "slow", delay=60.0)
        daemon.fault("sim-large", "slow", delay=60.0)
        chat = Caller(daemon, "/v1/chat/completions", "sim-medium", stream=True)
        messages = Caller(daemon, "/v1/messages", "sim-claude", stream=True)
        whole = Caller(daemon, "/v1/chat/completions", "sim-small", stream=False)
        early = Caller(daemon, "/v1/messages", "sim-large", stream=True)
        until(lambda: chat.text and messages.text and len(daemon.log()) >= 4, "four answers on their way")
        os.kill(daemon.pid, signal.SIGTERM)
        began = time.monotonic()
        for caller in (chat, messages, whole, early):
            caller.join(20)
            assert not caller.is_alive() and not caller.problem, caller.problem
        assert time.monotonic() - began < 10

    assert (chat.status, messages.status) == (200, 200)
    last = chat.text.rstrip().rpartition("\n\n")[2]
    assert "stopping" in json.loads(last.removeprefix("data: "))["error"]["message"]
    assert "[DONE]" not in chat.text and '"finish_reason":"' not in chat.text
    event, data = messages.text.rstrip().rpartition("\n\n")[2].split("\n")
    assert event == "event: error" and json.loads(data.removeprefix("data: "))["error"]["type"] == "overloaded_error"
    assert "message_stop" not in messages.text
    for caller, shape in ((whole, None), (early, "error")):
        assert (caller.status, caller.headers["retry-after"]) == (503, "1"), caller.text
        assert json.loads(caller.text).get("type") == shape and "stopping" in caller.text


@pytest.mark.parametrize("model", ["sim-codex", "sim-medium"], ids=["relayed", "rebuilt"])
def test_a_numbered_answer_is_interrupted_by_its_next_number(tmp_path: Path, model: str) -> None:
    """The responses wire has one event for it, which is of the same answer and counts on (W2, W37)."""
    with daemon_at(tmp_path, "--simulate") as daemon:
        daemon.fault(model, "stall", after=2)
        caller = Caller(daemon, "/v1/responses", model, stream=True)
        until(lambda: "output_text.delta" in caller.text, "words on their way")
        os.kill(daemon.pid, signal.SIGTERM)
        caller.join(20)
        assert not caller.is_alive() and not caller.problem, caller.problem
    frames = [frame.split("\n") for frame in caller.text.strip().split("\n\n")]
    pages = [json.loads(data.removeprefix("data: ")) for _, data in frames]
    assert [page["sequence_number"] for page in pages] == list(range(len(pages)))
    assert frames[-1][0] == "event: response.failed" and pages[-1]["type"] == "response.failed"
    failed = pages[-1]["response"]
    assert (failed["status"], failed["id"]) == ("failed", pages[0]["response"]["id"])
    assert "stopping" in failed["error"]["message"] and "response.completed" not in caller.text
