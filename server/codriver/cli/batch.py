"""`batch submit|list|show|results|cancel`: bulk work for the daemon, from a file of requests to a file of answers."""

from __future__ import annotations

import http.client
import itertools
import json
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from codriver.cli import client
from codriver.cli.terminal import Complaint, dump, table

SECONDS = 600.0
"""Longest silence while a large file goes up or down."""

_SLICE = 256 * 1024

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def group() -> typer.Typer:
    """The commands below `codriver batch`."""
    app = typer.Typer(no_args_is_help=True, help="Run a file of requests in the background.", rich_markup_mode=None)
    app.command()(submit)
    app.command(name="list")(listing)
    app.command()(show)
    app.command()(results)
    app.command()(cancel)
    return app


def submit(
    file: Annotated[str, typer.Argument(help="JSON Lines: custom_id, method, url and body of each request.")],
    as_json: Json = False,
) -> None:
    """Start a batch from a file."""
    path = Path(client.absolute(file))
    uploaded = _upload(path)
    body = {"input_file_id": uploaded, "endpoint": _endpoint(path), "completion_window": "24h"}
    batch = client.call(client.paths(), "POST", "/v1/batches", body).json()
    if as_json:
        dump(batch)
    else:
        print(f"{batch['id']} is on its way; `codriver batch show {batch['id']}` tells how far it is.")


def listing(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="The newest so many.")] = 20,
    as_json: Json = False,
) -> None:
    """List batches, the newest first."""
    found = client.call(client.paths(), "GET", f"/v1/batches?limit={limit}").json()["data"]
    if as_json:
        dump(found)
        return
    rows = [(b["id"], b["status"], *_counts(b), b["endpoint"], _when(b["created_at"])) for b in found]
    table(("batch", "status", "done", "failed", "of", "endpoint", "made"), rows, right=(2, 3, 4))


def show(ident: Annotated[str, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Show one batch."""
    batch = _batch(ident)
    if as_json:
        dump(batch)
        return
    done, failed, total = _counts(batch)
    print(f"{batch['id']}: {batch['status']}, {done} of {total} done, {failed} failed, on {batch['endpoint']}")
    usage = batch["usage"]
    print(f"made {_when(batch['created_at'])}, {usage['input_tokens']} tokens in, {usage['output_tokens']} out")
    for problem in (batch.get("errors") or {}).get("data", ()):
        place = f"line {problem['line']}: " if problem.get("line") else ""
        print(f"  {place}{problem['message']}")


def results(
    ident: Annotated[str, typer.Argument(metavar="ID")],
    output: Annotated[str, typer.Option("--output", "-o", help="Write here, not to stdout.")] = "",
) -> None:
    """Fetch the results of a batch, those of failed lines last, as JSON Lines."""
    batch = _batch(ident)
    files = [batch[name] for name in ("output_file_id", "error_file_id") if batch.get(name)]
    if not files:
        raise Complaint(f"{ident} is {batch['status']} and has no results")
    if not output:
        for file in files:
            _download(file, sys.stdout.buffer)
        return
    with open(output, "wb") as out:
        for file in files:
            _download(file, out)
    done, failed, _ = _counts(batch)
    print(f"{output}: {done} done, {failed} failed", file=sys.stderr)


def cancel(ident: Annotated[str, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Start no further line of a batch; what is done stays."""
    batch = client.call(client.paths(), "POST", f"/v1/batches/{ident}/cancel").json()
    if as_json:
        dump(batch)
    else:
        print(f"{batch['id']} is {batch['status']}")


def _batch(ident: str) -> dict[str, Any]:
    page: dict[str, Any] = client.call(client.paths(), "GET", f"/v1/batches/{ident}").json()
    return page


def _counts(batch: dict[str, Any]) -> tuple[str, str, str]:
    counts = batch["request_counts"]
    return str(counts["completed"]), str(counts["failed"]), str(counts["total"])


def _when(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _endpoint(path: Path) -> str:
    """What the first line asks: all others must ask the same. Raises Complaint."""
    with path.open("rb") as source:
        first = next((line for line in source if line.strip()), b"")
    try:
        url = json.loads(first.decode("utf-8-sig"))["url"]
    except (ValueError, KeyError, TypeError):
        text = 'its first line is no request like {"custom_id": "1", "method": "POST", "url": ..., "body": {...}}'
        raise Complaint(f"{path}: {text}", 2) from None
    return str(url)


def _upload(path: Path) -> str:
    """The id of the file once the daemon has it. Raises Complaint."""
    mark = secrets.token_hex(24)
    name = path.name.replace('"', "%22")
    field = f"--{mark}\r\ncontent-disposition: form-data; name="
    head = f'{field}"purpose"\r\n\r\nbatch\r\n{field}"file"; filename="{name}"\r\n\r\n'.encode()
    tail = f"\r\n--{mark}--\r\n".encode()
    where = client.paths()
    connection = client.connect(where, SECONDS)
    headers = {
        "Authorization": f"Bearer {client.token(where)}",
        "Content-Type": f"multipart/form-data; boundary={mark}",
        "Content-Length": str(len(head) + path.stat().st_size + len(tail)),
    }
    try:
        with path.open("rb") as source:
            connection.request("POST", "/v1/files", itertools.chain([head], _slices(source), [tail]), headers)
        response = connection.getresponse()
        page = client.Answer(response.status, {}, response.read()).json()
    except (OSError, http.client.HTTPException) as error:
        raise Complaint(f"the upload broke off: {error or type(error).__name__}") from None
    finally:
        connection.close()
    return str(page["id"])


def _slices(source: IO[bytes]) -> Iterator[bytes]:
    while data := source.read(_SLICE):
        yield data


def _download(file: str, out: IO[bytes]) -> None:
    """A file's content into `out`. Raises Complaint."""
    where = client.paths()
    connection = client.connect(where, SECONDS)
    try:
        response = client.send(where, connection, "GET", f"/v1/files/{file}/content")
        if response.status >= 400:
            client.Answer(response.status, {}, response.read()).json()
        for data in _slices(response):
            out.write(data)
    except http.client.HTTPException as error:
        raise Complaint(f"the download broke off: {error or type(error).__name__}") from None
    finally:
        connection.close()
    out.flush()
