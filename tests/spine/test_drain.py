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
        self._body: dict[str, Any] = {
            "model": f"simulator/{model}", "max_tokens": 300, "stream": stream,
            "messages": [{"role": "user", "content": "Explain what a parser does"}],
        }  # fmt: skip
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
