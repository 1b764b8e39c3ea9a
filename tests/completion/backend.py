"""A model played for a typing trace: it knows some lines of the files that are being typed, and is wrong about others.

One HTTP server for each server under test, so that requests are told apart; it speaks the completions of OpenAI and
those of tabby-agent, and answers both the same after the same time. Simulated, like all that comes of it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import zlib
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))

import tabby

from codriver.upstream.simulator.fill import fill

LATENCY = 0.2
KNOWN = 0.55
"""Share of the lines that the model knows."""
MOST = 3
"""Lines of an answer at a line's beginning."""
TAIL = 80
"""Characters before the cursor by which the place in a file is found."""


def answer(prefix: str, suffix: str, files: Sequence[str]) -> str:
    """The hidden text where it is known, from the cursor to the line's end; at a line's beginning some lines more."""
    tail = prefix[-TAIL:]
    text = next((text for text in files if tail and tail in text), None)
    if text is None:
        return fill(prefix, suffix)
    at = text.index(tail) + len(tail)
    start = text.rfind("\n", 0, at) + 1
    if not known(text, start):
        return fill(prefix, suffix)
    end = _line_end(text, at)
    for _ in range(MOST - 1):
        if text[start:at].strip() or not known(text, end + 1) or not text[end + 1 : _line_end(text, end + 1)].strip():
            break
        end = _line_end(text, end + 1)
    return text[at:end]


def known(text: str, start: int) -> bool:
    """Whether the model knows the line that begins here: always the same, whoever asks."""
    line = text[start : _line_end(text, start)]
    return zlib.crc32(f"{start}{line}".encode()) % 1000 < 1000 * KNOWN


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return end if end >= 0 else len(text)


class Backend(ThreadingHTTPServer):
    """Counts what is asked of it."""

    daemon_threads = True

    def __init__(self, files: Sequence[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.requests = files, 0
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def count(self) -> None:
        with self._lock:
            self.requests += 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Backend

    def do_GET(self) -> None:
        self._send(json.dumps(tabby.HEALTH).encode(), "application/json")

    def do_POST(self) -> None:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        if "segments" in body:
            parts = body["segments"]
            self._send(tabby.filled(self._filled(parts["prefix"], parts.get("suffix") or "")), "application/json")
        elif "prompt" in body:
            self._send(_events(self._filled(body["prompt"], body.get("suffix") or "")), "text/event-stream")
        else:
            self._send(json.dumps(tabby.HEALTH).encode(), "application/json")

    def _filled(self, prefix: str, suffix: str) -> str:
        self.server.count()
        time.sleep(LATENCY)
        return answer(prefix, suffix, self.server.files)

    def _send(self, data: bytes, kind: str) -> None:
        try:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:  # whoever asked has gone: a newer request took its place
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


def _events(text: str) -> bytes:
    page = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "fast"}
    parts = [{"index": 0, "text": text, "finish_reason": None}, {"index": 0, "text": "", "finish_reason": "stop"}]
    frames = [b"data: " + json.dumps(page | {"choices": [part]}).encode() + b"\n\n" for part in parts]
    return b"".join(frames) + b"data: [DONE]\n\n"
