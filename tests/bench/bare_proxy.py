"""The bare proxy Codriver is measured beside: the same server and client libraries, and nothing between.

uvicorn, one ASGI callable, Http11: headers and body go on as they came, and so does the answer.
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

HOP = {b"host", b"connection", b"content-length", b"transfer-encoding", b"keep-alive"}


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
        headers = [(name, value) for name, value in scope["headers"] if name not in HOP]
        response = await self.client.request("POST", self.url, headers, body)
        headers = [(name, value) for name, value in response.fields if name.lower() not in HOP]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
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
