"""An OpenAI-chat upstream that answers at once: the floor that every gateway is measured over.

One process, asyncio and httptools, no work: a whole answer of about 1 KB, or a stream whose first
word and whose others come as two writes.
It answers tabby-agent too, which is a peer for completions.
Usage: fake_upstream.py [WORDS [MS]]; with MS each word of a stream is a write of its own, so many milliseconds after
the one before, as a model speaks. Prints its port, then serves until its standard input closes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

import httptools
import tabby
import uvloop

WHOLE = json.dumps({
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "fast",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 160}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 160, "total_tokens": 170},
}).encode()  # fmt: skip


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    page = {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fast",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }  # fmt: skip
    return b"data: " + json.dumps(page).encode() + b"\n\n"


WORDS = int(sys.argv[1]) if len(sys.argv) > 1 else 50
PACE = int(sys.argv[2]) / 1e3 if len(sys.argv) > 2 else 0.0
"""Seconds between two words; 0 is all at once."""

FRAMES = [
    chunk({"role": "assistant", "content": ""}),
    *(chunk({"content": f"word{n} "}) for n in range(WORDS)),
    chunk({}, "stop"),
    b"data: [DONE]\n\n",
]


def _head(kind: bytes, length: int | None = None) -> bytes:
    size = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
    return b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\n" + size + b"\r\n\r\n"


ANSWER = _head(b"application/json", len(WHOLE)) + WHOLE

_FILLED = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "fast"}
_FILL = b"".join(
    b"data: " + json.dumps(_FILLED | {"choices": [{"index": 0, "text": text, "finish_reason": finish}]}).encode() + b"\n\n"
    for text, finish in (("total", None), ("", "stop"))
) + b"data: [DONE]\n\n"  # fmt: skip
FILL = _head(b"text/event-stream", len(_FILL)) + _FILL
_TABBY = json.dumps({"id": "cmpl-1", "choices": [{"index": 0, "text": "total"}], **tabby.HEALTH}).encode()
TABBY = _head(b"application/json", len(_TABBY)) + _TABBY
FIRST, *REST = [b"%x\r\n" % len(frame) + frame + b"\r\n" for frame in FRAMES]
STREAM_HEAD = _head(b"text/event-stream") + FIRST + REST[0]
STREAM_TAIL = b"".join(REST[1:]) + b"0\r\n\r\n"


class Upstream(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.body = b""

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if not self.body or b'"segments"' in self.body:
            self.transport.write(TABBY)
        elif b'"prompt"' in self.body:
            self.transport.write(FILL)
        elif b'"stream":true' in self.body or b'"stream": true' in self.body:
            self.transport.write(STREAM_HEAD)
            self.go_on(iter([*REST[1:], b"0\r\n\r\n"] if PACE else [STREAM_TAIL]))
        else:
            self.transport.write(ANSWER)

    def go_on(self, parts: Iterator[bytes]) -> None:
        for part in parts:
            asyncio.get_running_loop().call_later(PACE, self._write, part, parts)
            break

    def _write(self, part: bytes, parts: Iterator[bytes]) -> None:
        self.transport.write(part)
        self.go_on(parts)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main())
