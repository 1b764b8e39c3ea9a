"""The bare proxy Codriver is measured beside: the same server and client libraries, and nothing between.

uvicorn, one ASGI callable, Http11: the body goes on as it came, the answer comes back as it comes.
Usage: bare_proxy.py UPSTREAM_URL. Prints its port, then serves until its standard input closes.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import uvicorn
import uvloop

from codriver.upstream.http11 import Http11

HEADERS = ((b"content-type", b"application/json"), (b"authorization", b"Bearer x"))


class Proxy:
    def __init__(self, url: str) -> None:
        self.url = url
        self.client = Http11()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        response = await self.client.request("POST", self.url, HEADERS, body)
        kind = response.headers.get("content-type", "").encode()
        await send({"type": "http.response.start", "status": response.status, "headers": [(b"content-type", kind)]})
        while data := await response.more():
            await send({"type": "http.response.body", "body": data, "more_body": True})
        response.close()
        await send({"type": "http.response.body", "body": b""})


async def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        Proxy(sys.argv[1]), http="httptools", loop="none", ws="none", lifespan="off", log_config=None,
        access_log=False, server_header=False, date_header=False, proxy_headers=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    uvloop.run(main())
