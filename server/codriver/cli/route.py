"""`route`: which model would be called, and why. Nobody is called, nothing is spent, no daemon is needed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from codriver.cli import client
from codriver.cli.terminal import Complaint, dump, table, usd


def route(
    place: Annotated[str, typer.Argument(metavar="[FILE:LINE]", help="Code, as file or file:line.")] = "",
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="What is asked for.")] = "",
    model: Annotated[str, typer.Option("--model", "-m", help="The model's name as a client would send it.")] = "auto",
    strategy: Annotated[str, typer.Option("--strategy", "-s", help="auto, quality, cost, speed, balanced.")] = "",
    request: Annotated[str, typer.Option("--request", help="A file with a request's JSON body, as sent.")] = "",
    wire: Annotated[str, typer.Option("--wire", help="Its wire: openai_chat, anthropic, openai_responses.")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Also tell the features, and who was refused.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show which model a request would go to, and why."""
    page = decided(sent(request, wire) if request else wish(place, prompt, model, strategy))
    if as_json:
        dump(page)
    else:
        _show(page["decision"], explain)


def sent(file: str, wire: str = "") -> dict[str, Any]:
    """The body of POST /v1/route for a whole request, as some client sent it. Raises Complaint."""
    try:
        body = json.loads(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        raise Complaint(f"{file} is no JSON that can be read: {error}", 2) from None
    if not isinstance(body, dict):
        raise Complaint(f"{file} holds no JSON object", 2)
    guess = "openai_responses" if "input" in body else "anthropic" if "system" in body else "openai_chat"
    return {"request": body, "wire": wire or guess}


def wish(place: str, prompt: str, model: str = "auto", strategy: str = "") -> dict[str, Any]:
    """The body of POST /v1/route. Raises Complaint for a place that is none."""
    if not place and not prompt:
        raise Complaint("name a FILE:LINE, or give a --prompt", 2)
    body: dict[str, Any] = {"model": model, "strategy": strategy}
    if prompt:
        body["prompt"] = prompt
    if place:
        found = re.fullmatch(r"(.+?)(?::(\d+))?(?::\d+)?", place, re.DOTALL)
        file, line = (found[1], found[2]) if found else (place, None)
        body["file"], body["line"] = client.absolute(file), int(line or 1)
    return body


def decided(body: dict[str, Any]) -> dict[str, Any]:
    """The answer of the running daemon, else of an App made for this question alone. Raises Complaint."""
    where = client.paths()
    try:
        answer = client.call(where, "POST", "/v1/route", body)
    except Complaint as complaint:
        if str(complaint) != client.NOT_RUNNING:
            raise
        from codriver import app

        answer = client.inside(app.create(where, memory=True), "POST", "/v1/route", body)
    page: dict[str, Any] = answer.json()
    return page


def _show(decision: dict[str, Any], explain: bool) -> None:
    chosen, *_ = decision["candidates"]
    print(f"{chosen['model']}  ({decision['strategy']}, over {chosen['wire']})")
    for reason in decision["reasons"]:
        print(f"  {reason}")
    rows = [
        (c["model"], f"{c['quality']:.2f}", usd(c["cost_usd"]), f"{c['latency_s']:.1f} s", c["reason"])
        for c in decision["candidates"]
    ]
    print()
    table(("model", "quality", "cost", "latency", ""), rows, right=(1, 2, 3))
    if explain:
        _show_more(decision)


def _show_more(decision: dict[str, Any]) -> None:
    if decision["refused"]:
        print()
        table(("refused", "", ""), [(r["model"], r["why"], r["text"]) for r in decision["refused"]])
    print()
    for name, value in decision["features"].items():
        if value not in ("", 0, 0.0, [], False):
            shown = (
                ", ".join(value) if isinstance(value, list) else f"{value:.2f}" if isinstance(value, float) else value
            )
            print(f"{name:<12} {shown}")
