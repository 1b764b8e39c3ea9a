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
from codriver.cli.terminal import Complaint, dump, usd
from codriver.paths import Paths

SECONDS = 600.0
"""Longest silence of the daemon, which sends keep-alives while a model thinks."""


def ask(
    question: Annotated[list[str], typer.Argument(help="What to ask. Text piped in is added below it.")],
    model: Annotated[str, typer.Option("--model", "-m", help="A model, or auto:<strategy>.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not tell model and cost.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON once the answer has ended.")] = False,
) -> None:
    """Ask a question and stream the answer."""
    where = client.paths()
    content = "\n\n".join(part for part in (" ".join(question), _piped()) if part)
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": content}]}
    said, decision, answered_by = _answer(where, body, show=not as_json)
    bill = _bill(decision, answered_by) if as_json or not quiet else {}
    if as_json:
        dump({"answer": said, "decision": decision, **bill})
    elif not quiet:
        print(_in_words(bill), file=sys.stderr)


def _answer(where: Paths, body: dict[str, Any], *, show: bool) -> tuple[str, str, str]:
    """The whole answer, the decision's id and the model; shown as it comes. Raises Complaint when it breaks off."""
    connection = client.connect(where, SECONDS)
    said: list[str] = []
    try:
        response = client.send(where, connection, "POST", "/v1/chat/completions", body)
        if response.status >= 400:
            client.Answer(response.status, {}, response.read()).json()
        for text in _texts(response):
            said.append(text)
            if show:
                print(text, end="", flush=True)
    except (OSError, http.client.HTTPException) as error:
        raise Complaint(f"the answer broke off: {error or type(error).__name__}") from None
    finally:
        connection.close()
        if said and show:
            print()
    return "".join(said), response.getheader("x-codriver-decision", ""), response.getheader("x-codriver-model", "")


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
            raise Complaint(f"the answer broke off: {event['error'].get('message', 'no reason was given')}")
        for choice in event.get("choices", ()):
            text = (choice.get("delta") or {}).get("content")
            if text:
                yield text
    raise Complaint("the answer broke off before its end")


def _bill(decision: str, model: str) -> dict[str, Any]:
    """Who answered and what it cost (USD) and took, as the daemon recorded it; the model alone if it did not."""
    try:
        record = client.call(client.paths(), "GET", f"/v1/decisions/{decision}").json()
    except Complaint:
        return {"model": model}
    return {"model": record["model"] or model, "cost_usd": record["cost"], "seconds": record["seconds"]}


def _in_words(bill: dict[str, Any]) -> str:
    if "cost_usd" not in bill:
        return str(bill["model"])
    return f"{bill['model']}, {usd(bill['cost_usd'])}, {bill['seconds']:.1f} s"


def _piped() -> str:
    """What was piped or redirected into the command. A terminal, or nothing at all, is not read."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return ""
    return sys.stdin.read().strip() if stat.S_ISFIFO(mode) or stat.S_ISREG(mode) else ""
