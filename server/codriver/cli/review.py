"""`review`: findings in files, in what is staged, or in a range of commits; for people, hooks and CI."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from codriver.cli.asking import CANNOT, Page, by, several, tell
from codriver.cli.terminal import Complaint, coloured, dump

if TYPE_CHECKING:
    from codriver.cli.reviewed import Text

FORMATS = ("text", "json", "sarif")
FAILS = ("error", "warning", "info", "hint", "never")
"""Severities, the gravest first; and none of them."""
_COLOURS = {"error": "red", "warning": "yellow"}


def review(
    paths: Annotated[list[str] | None, typer.Argument(help="Files and folders.", metavar="[PATH]...")] = None,
    staged: Annotated[bool, typer.Option("--staged", help="Only what is staged for the next commit.")] = False,
    span: Annotated[
        str, typer.Option("--range", metavar="A..B", help="Only what changed between two commits; A alone: since it.")
    ] = "",
    form: Annotated[str, typer.Option("--format", "-f", help="text, json or sarif.")] = "text",
    fail_on: Annotated[
        str, typer.Option(help="The least severity that makes the exit code 1: error, warning, info, hint or never.")
    ] = "hint",
    simulate: Annotated[
        bool, typer.Option("--simulate", help="By simulated models, and let their answers count: to try it.")
    ] = False,
) -> None:
    """Review code with a model. Without paths and options: what changed since the last commit.

    Exit codes: 0 nothing found, 1 something found (--fail-on), 2 it could not run, or no real model was asked.
    """
    if form not in FORMATS:
        raise Complaint(f"--format {form}: expected {', '.join(FORMATS)}", CANNOT)
    if fail_on not in FAILS:
        raise Complaint(f"--fail-on {fail_on}: expected {', '.join(FAILS)}", CANNOT)
    if staged and span:
        raise Complaint("--staged and --range exclude each other", CANNOT)
    from codriver.cli.reviewed import changes, files

    whole = bool(paths) and not staged and not span
    texts = list(files(paths or ())) if whole else list(changes(paths or (), staged=staged, span=span))
    done, failed = _reviewed(texts, simulate)
    _show(done, failed, form)
    raise typer.Exit(_code(done, failed, fail_on, simulate))


def _reviewed(texts: Sequence[Text], simulate: bool) -> tuple[list[tuple[Text, Page]], list[tuple[Text, str]]]:
    """What was reviewed, and what could not be, with the reason."""

    def told(done: int) -> None:
        if sys.stderr.isatty() and len(texts) > 1:
            print(f"\r{done} of {len(texts)} reviewed", end="\n" if done == len(texts) else "", file=sys.stderr)

    answers = several("review", [text.body() for text in texts], simulate=simulate, told=told) if texts else []
    done = [(text, answer.page) for text, answer in zip(texts, answers, strict=True) if answer.page is not None]
    failed = [(text, answer.why) for text, answer in zip(texts, answers, strict=True) if answer.page is None]
    return done, failed


def _code(done: Sequence[tuple[Text, Page]], failed: Sequence[tuple[Text, str]], fail_on: str, simulate: bool) -> int:
    if failed or (not simulate and any(page["simulated"] for _, page in done)):
        return CANNOT
    grave = FAILS[: FAILS.index(fail_on) + 1] if fail_on != "never" else ()
    return int(any(finding["severity"] in grave for _, page in done for finding in page["findings"]))


def _show(done: Sequence[tuple[Text, Page]], failed: Sequence[tuple[Text, str]], form: str) -> None:
    if form == "sarif":
        from codriver import __version__
        from codriver.cli import sarif

        dump(sarif.log(done, failed, __version__))
    elif form == "json":
        dump({"files": [_told(text, page) for text, page in done],
              "failed": [{"path": text.shown, "why": why} for text, why in failed]})  # fmt: skip
    else:
        for text, page in done:
            _print(text, page)
    for text, why in failed:
        tell(f"{text.shown}: {why}")
    if form == "text" or not done:
        _sum(done)


def _told(text: Text, page: Page) -> Page:
    """A file's findings with lines and columns, as JSON."""
    return {"path": text.shown, **{name: value for name, value in page.items() if name != "findings"},
            "findings": [_placed(text, finding) for finding in page["findings"]]}  # fmt: skip


def _placed(text: Text, finding: Page) -> Page:
    from codriver.cli import sarif

    data = text.text.encode("utf-8", "replace")
    told = sarif.region(data, finding["start"], finding["end"]) | {
        name: finding[name] for name in ("severity", "message", "why")
    }
    if finding["fix"] is None:
        return told
    replaced = sarif.region(data, *sarif.fixed(data, finding))
    return told | {"fix": {**replaced, "text": finding["fix"]}}


def _print(text: Text, page: Page) -> None:
    for finding in page["findings"]:
        placed = _placed(text, finding)
        severity = coloured(finding["severity"], _COLOURS.get(finding["severity"], "bold"))
        print(f"{text.shown}:{placed['startLine']}:{placed['startColumn']}: {severity}: {finding['message']}")
        for line in finding["why"].splitlines():
            print(f"    {line}")
        for line in (finding["fix"] or "").splitlines():
            print(f"    {coloured('+', 'green')} {line}")


def _sum(done: Sequence[tuple[Text, Page]]) -> None:
    if not done:
        tell("there is nothing to review")
        return
    pages = [page for _, page in done]
    found = sum(len(page["findings"]) for page in pages)
    tell(f"{found} finding{'s' * (found != 1)} in {len(done)} file{'s' * (len(done) != 1)}, by {by(pages)}")
