"""Findings as SARIF 2.1.0 (OASIS), the form in which code hosts and CI take them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from codriver.cli.asking import Page
from codriver.cli.reviewed import Text
from codriver.tasks.findings import SEVERITIES

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note", "hint": "note"}
_TOLD = {
    "error": "It is wrong.",
    "warning": "It will be wrong.",
    "info": "Worth knowing.",
    "hint": "Small.",
}


def log(done: Sequence[tuple[Text, Page]], failed: Sequence[tuple[Text, str]], version: str) -> dict[str, Any]:
    """The SARIF log of a review. failed: what could not be reviewed, and why."""
    pages = [page for _, page in done]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "Codriver",
                "semanticVersion": version,
                "rules": [
                    {"id": f"review/{severity}", "name": f"Review{severity.capitalize()}",
                     "shortDescription": {"text": _TOLD[severity]},
                     "defaultConfiguration": {"level": _LEVELS[severity]}}
                    for severity in SEVERITIES
                ],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": _bases(done),
        "invocations": [_invocation(failed)],
        "properties": {
            "models": list(dict.fromkeys(page["model"] for page in pages)),
            "simulated": any(page["simulated"] for page in pages),
            "costUsd": sum(page["cost_usd"] for page in pages),
        },
        "results": [_result(text, page, finding) for text, page in done for finding in page["findings"]],
    }  # fmt: skip
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(failed: Sequence[tuple[Text, str]]) -> dict[str, Any]:
    told = [
        {"level": "error", "message": {"text": why}, "locations": [{"physicalLocation": _artifact(text)}]}
        for text, why in failed
    ]
    return {"executionSuccessful": not failed, **({"toolExecutionNotifications": told} if told else {})}


def _bases(done: Sequence[tuple[Text, Page]]) -> dict[str, Any]:
    roots = {text.root for text, _ in done if text.root}
    return {"SRCROOT": {"uri": f"{Path(min(roots)).as_uri()}/"}} if len(roots) == 1 else {}


def _artifact(text: Text) -> dict[str, Any]:
    """The file: from the repository's top where it is in one, so that the host finds it."""
    path, root = Path(text.path), text.root
    if root and path.resolve().is_relative_to(Path(root).resolve()):
        inside = path.resolve().relative_to(Path(root).resolve()).as_posix()
        return {"artifactLocation": {"uri": quote(inside), "uriBaseId": "SRCROOT"}}
    return {"artifactLocation": {"uri": path.as_uri()}}


def _result(text: Text, page: Page, finding: Page) -> dict[str, Any]:
    data = text.text.encode("utf-8", "replace")
    quoted = data[finding["start"] : finding["end"]].decode("utf-8", "replace")
    where = {**region(data, finding["start"], finding["end"]), "snippet": {"text": quoted}}
    severity = finding["severity"]
    message = f"{finding['message']}\n{finding['why']}" if finding["why"] else finding["message"]
    result: dict[str, Any] = {
        "ruleId": f"review/{severity}",
        "ruleIndex": SEVERITIES.index(severity),
        "level": _LEVELS[severity],
        "message": {"text": f"{message} (simulated)" if page["simulated"] and "simulated" not in message else message},
        "locations": [{"physicalLocation": {**_artifact(text), "region": where}}],
        "partialFingerprints": {"codriver/v1": _fingerprint(text, quoted, severity)},
        "properties": {"model": page["model"], "simulated": page["simulated"]},
    }  # fmt: skip
    if finding["fix"] is not None:
        result["fixes"] = [_fix(text, data, finding)]
    return result


def _fix(text: Text, data: bytes, finding: Page) -> dict[str, Any]:
    start, end = fixed(data, finding)
    replacement = {"deletedRegion": region(data, start, end), "insertedContent": {"text": finding["fix"]}}
    return {
        "description": {"text": finding["message"]},
        "artifactChanges": [{**_artifact(text), "replacements": [replacement]}],
    }


def fixed(data: bytes, finding: Page) -> tuple[int, int]:
    """The bytes a fix replaces: the finding's lines, from the first one's first character that is no blank."""
    start = data.rfind(b"\n", 0, finding["start"]) + 1
    line = data[start : finding["start"] + 1]
    start += len(line) - len(line.lstrip()) if line.strip() else 0
    found = data.find(b"\n", finding["end"])
    end = found if found >= 0 else len(data)
    return start, end - 1 if data[end - 1 : end] == b"\r" else end


def region(data: bytes, start: int, end: int) -> dict[str, int]:
    """A byte range in lines and columns from 1; columns in code points, the end one behind the last."""
    first, begun = place(data, start)
    last, done = place(data, end)
    return {"startLine": first, "startColumn": begun, "endLine": last, "endColumn": done}


def place(data: bytes, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of a byte offset."""
    line = data.rfind(b"\n", 0, offset) + 1
    return data.count(b"\n", 0, offset) + 1, len(data[line:offset].decode("utf-8", "replace")) + 1


def _fingerprint(text: Text, quoted: str, severity: str) -> str:
    """The same for the same lines of the same file, wherever they move: so a host knows findings again."""
    told = "\0".join((_artifact(text)["artifactLocation"]["uri"], severity, " ".join(quoted.split())))
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:32]
