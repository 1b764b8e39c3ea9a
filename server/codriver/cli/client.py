"""How commands talk: to the running daemon over HTTP, or to an App in this process in just the same way."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codriver import paths as places
from codriver.cli.terminal import Complaint
from codriver.model.address import reached
from codriver.paths import Paths

if TYPE_CHECKING:
    from codriver.app import App

NOT_RUNNING = "Codriver is not running; start it with `codriver serve`"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer whose body is JSON."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body. Raises Complaint with the error's own words when the answer is one."""
        try:
            page = json.loads(self.body or b"null")
        except ValueError:
            raise Complaint(f"the daemon answered {self.status} with something that is not JSON") from None
        if self.status >= 400:
            raise Complaint(_words(page, self.status))
        return page


def paths() -> Paths:
    """The folders of this installation."""
    return places.find()


def whereabouts(where: Paths) -> dict[str, Any] | None:
    """What the running daemon wrote about itself; None when there is no such file.

    The file may be stale after a crash: a connection then finds nobody.
    """
    try:
        found = json.loads(where.daemon.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def connect(where: Paths, timeout: float) -> http.client.HTTPConnection:
    """A connection to the daemon, by TCP where it listens there, else by its Unix socket. Raises Complaint."""
    found = whereabouts(where)
    if found is None:
        raise Complaint(NOT_RUNNING)
    address = found.get("http")
    unix = (found.get("unix") or {}).get("http")
    if address:
        connection = http.client.HTTPConnection(reached(address["host"]), address["port"], timeout=timeout)
    elif unix:
        connection = _UnixConnection(unix, timeout)
    else:
        raise Complaint(NOT_RUNNING)
    try:
        connection.connect()
    except OSError:
        raise Complaint(NOT_RUNNING) from None
    return connection


def call(where: Paths, method: str, path: str, body: Any = None, *, timeout: float = 30.0) -> Answer:
    """One request to the daemon. Raises Complaint when it is not there or does not answer."""
    connection = connect(where, timeout)
    try:
        response = send(where, connection, method, path, body)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())
    except (OSError, http.client.HTTPException) as error:
        raise Complaint(f"the daemon did not answer: {error or type(error).__name__}") from None
    finally:
        connection.close()


def status(where: Paths) -> dict[str, Any] | None:
    """What the running daemon says about itself; None when there is none that answers."""
    try:
        page = call(where, "GET", "/v1/status", timeout=5).json()
    except Complaint:
        return None
    return page if isinstance(page, dict) else None


def send(
    where: Paths, connection: http.client.HTTPConnection, method: str, path: str, body: Any = None
) -> http.client.HTTPResponse:
    """Sends a request with the token and gives the response, its body unread."""
    payload = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token(where)}", "Content-Type": "application/json"}
    connection.request(method, path, payload, headers)
    return connection.getresponse()


def token(where: Paths) -> str:
    """This installation's token. Raises Complaint when none was made yet."""
    try:
        return where.token.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise Complaint(f"there is no token at {where.token} yet; `codriver serve` makes it") from None


def inside(app: App, method: str, path: str, body: Any) -> Answer:
    """The same request answered by an App in this process, without a socket and without a daemon."""
    import asyncio

    return asyncio.run(_inside(app, method, path, json.dumps(body).encode()))


async def _inside(app: App, method: str, path: str, body: bytes) -> Answer:
    await app.start()
    try:
        return await asked(app, method, path, body)
    finally:
        await app.close()


async def asked(app: App, method: str, path: str, body: bytes) -> Answer:
    """A request answered by a started App in this process."""
    from codriver.fronts.http.guard import Guard
    from codriver.fronts.http.server import HttpFront

    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {app.token}".encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers, "client": None}
    await HttpFront(app, Guard(app.token))(scope, receive, send)
    return Answer(sent[0]["status"], {}, b"".join(message.get("body", b"") for message in sent[1:]))


class _UnixConnection(http.client.HTTPConnection):
    """http.client over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _words(page: Any, status: int) -> str:
    """The message of an error in any wire, with the reasons if there are some: each once, whoever it keeps away."""
    error = page.get("error") if isinstance(page, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    text = str(message or f"the daemon answered {status}")
    reasons = page.get("reasons") if isinstance(page, dict) else None
    kept_away: dict[str, list[str]] = {}
    for reason in map(str, reasons or ()):
        model, _, why = reason.partition(": ")
        kept_away.setdefault(why, []).append(model)
    for why, models in kept_away.items():
        others = f" and {len(models) - 1} more" if models[1:] else ""
        text += f"\n  {models[0]}{others}{why and f': {why}'}"
    return text


def absolute(file: str) -> str:
    """A path as another process understands it. Raises Complaint when there is no such file."""
    path = Path(os.path.expanduser(file))
    if not path.is_file():
        raise Complaint(f"there is no file {file}", 2)
    return str(path.absolute())
