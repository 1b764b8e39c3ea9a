"""`ask`: one question to the running daemon, its answer as it comes; model and cost go to stderr."""

from __future__ import annotations

import http.client
import json
import os
import stat
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from codriver.cli import client
from codriver.cli.terminal import Complaint, usd

SECONDS = 600.0
"""Longest silence of the daemon, which sends keep-alives while a model thinks."""


def ask(
    question: Annotated[list[str], typer.Argument(help="What to ask. Text piped in is added below it.")],
    model: Annotated[str, typer.Option("--model", "-m", help="A model, or auto:<strategy>.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not tell model and cost.")] = False,
) -> None:
    """Ask a question and stream the answer."""
    where = client.paths()
    content = "\n\n".join(part for part in (" ".join(question), _piped()) if part)
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": content}]}
    connection = client.connect(where, SECONDS)
    try:
        response = client.send(where, connection, "POST", "/v1/chat/completions", body)
        if response.status >= 400:
            client.Answer(response.status, {}, response.read()).json()
        for text in _texts(response):
            sys.stdout.write(text)
            sys.stdout.flush()
    except (OSError, http.client.HTTPException) as error:
        raise Complaint(f"the answer broke off: {error or type(error).__name__}") from None
    finally:
        connection.close()
    print()
    if not quiet:
        print(
            _bill(response.getheader("x-codriver-decision", ""), response.getheader("x-codriver-model", "")),
            file=sys.stderr,
        )


def _texts(response: http.client.HTTPResponse) -> Iterator[str]:
    """The content of a stream, piece by piece. Raises Complaint when the stream tells of an error or is cut."""
    for raw in response:
        line = raw.decode("utf-8", "replace").strip()
        if not line.startswith("data:"):
            continue
        payload = line.removeprefix("data:").strip()
        if payload == "[DONE]":
            return
        event: dict[str, Any] = json.loads(payload)
        if event.get("error"):
            print()
            raise Complaint(f"the answer broke off: {event['error'].get('message', 'no reason was given')}")
        for choice in event.get("choices", ()):
            text = (choice.get("delta") or {}).get("content")
            if text:
                yield text
    print()
    raise Complaint("the answer broke off before its end")


def _bill(decision: str, model: str) -> str:
    """Who answered and what it cost, as the daemon recorded it."""
    try:
        record = client.call(client.paths(), "GET", f"/v1/decisions/{decision}").json()
    except Complaint:
        return model
    return f"{record['model'] or model}, {usd(record['cost'])}, {record['seconds']:.1f} s"


def _piped() -> str:
    """What was piped or redirected into the command. A terminal, or nothing at all, is not read."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return ""
    return sys.stdin.read().strip() if stat.S_ISFIFO(mode) or stat.S_ISREG(mode) else ""
