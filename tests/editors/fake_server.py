"""A language server small enough to read: what the editor plugins are checked against without Codriver.

It knows one suggestion (`return a + b ...` at the end of a line that begins one), one finding (the
first emoji of the first line) and one refactor (the range becomes the instruction). It remembers the
commands it was asked to run, which every command gives back.
"""

from __future__ import annotations

import json
import sys
from typing import Any

FATES = ("accepted", "partlyAccepted", "rejected")
TASKS = ("review", "clearReview", "refactor", "document", "fix", "tests", "explain", "commitMessage", "status")
COMMANDS = [f"codriver.{name}" for name in (*FATES, *TASKS)]
ANSWER = "return a + b  # 😀 sum\n\n\ndef twice(a):\n    return 2 * a"


def read() -> dict[str, Any] | None:
    """The next message, or None at the end of the input."""
    length = 0
    while line := sys.stdin.buffer.readline():
        if line == b"\r\n":
            return json.loads(sys.stdin.buffer.read(length))
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return None


def write(message: dict[str, Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sys.stdout.buffer.flush()


CODECS = {"utf-16": ("utf-16-le", 2), "utf-8": ("utf-8", 1)}
columns = ["utf-16"]
"""How columns are counted; the client's first choice."""


def units(text: str) -> int:
    """The length in the columns agreed upon."""
    codec, size = CODECS[columns[0]]
    return len(text.encode(codec)) // size


def at(line: str, column: int) -> int:
    """The index in code points of a column."""
    codec, size = CODECS[columns[0]]
    return len(line.encode(codec)[: column * size].decode(codec))


def hello(params: dict[str, Any]) -> dict[str, Any]:
    """The answer to initialize."""
    offered = params["capabilities"].get("general", {}).get("positionEncodings", [])
    columns[0] = next((kind for kind in offered if kind in CODECS), "utf-16")
    return {
        "capabilities": {
            "positionEncoding": columns[0],
            "textDocumentSync": {"openClose": True, "change": 2},
            "inlineCompletionProvider": {},
            "executeCommandProvider": {"commands": COMMANDS},
        },
        "serverInfo": {"name": "fake"},
    }


def changed(text: str, change: dict[str, Any]) -> str:
    """The text after one change of a didChange notification."""
    if "range" not in change:
        return change["text"]
    lines = text.split("\n")

    def offset(place: dict[str, int]) -> int:
        row = min(place["line"], len(lines) - 1)
        return sum(len(line) + 1 for line in lines[:row]) + at(lines[row], place["character"])

    first, last = (offset(change["range"][end]) for end in ("start", "end"))
    return text[:first] + change["text"] + text[last:]


def suggest(text: str, place: dict[str, int]) -> list[dict[str, Any]]:
    """The suggestion for a place: it replaces the typed word, as Codriver's do."""
    line = text.split("\n")[place["line"]]
    typed = line[: at(line, place["character"])]
    word = typed[len(typed.rstrip("abcdefghijklmnopqrstuvwxyz")) :]
    if not word or not ANSWER.startswith(word):
        return []
    start = {"line": place["line"], "character": units(typed) - len(word)}
    command = {"title": "accepted", "command": "codriver.accepted", "arguments": [{"id": "s1"}]}
    return [
        {
            "insertText": ANSWER,
            "filterText": ANSWER,
            "range": {"start": start, "end": place},
            "command": command,
        }
    ]


def edited(command: str, wish: dict[str, Any]) -> dict[str, Any]:
    """The workspace edit of a command that changes the buffer: the range becomes what one can recognise."""
    said = wish.get("instruction") or next((one["message"] for one in wish.get("diagnostics", ())), command)
    change = {"textDocument": {"uri": wish["uri"], "version": None}}
    return {"documentChanges": [change | {"edits": [{"range": wish["range"], "newText": said}]}]}


def obey(command: str, wish: dict[str, Any], text: str) -> dict[str, Any]:
    """Does what a command asks; its own part of the answer."""
    if command == "codriver.review":
        at_emoji = units(text.split("😀")[0])
        where = {"start": {"line": 0, "character": at_emoji}, "end": {"line": 0, "character": at_emoji + 2}}
        found = {"range": where, "severity": 2, "source": "codriver", "message": "a face"}
        write({"method": "textDocument/publishDiagnostics", "params": {"uri": wish["uri"], "diagnostics": [found]}})
        return {"findings": 1}
    if command in ("codriver.refactor", "codriver.document", "codriver.fix"):
        edit = edited(command, wish)
        if wish.get("preview"):
            return {"applied": False, "edit": edit}
        write({"id": 7, "method": "workspace/applyEdit", "params": {"edit": edit}})
        return {"applied": True, "summary": "Done."}
    texts = {
        "codriver.explain": "It **is** so.",
        "codriver.commitMessage": "Say less\n\nBecause.",
        "codriver.tests": "pass",
    }
    return {"text": texts[command]} if command in texts else {}


def main() -> int:
    texts: dict[str, str] = {}
    asked: list[dict[str, Any]] = []
    results: dict[str, Any] = {
        "initialize": hello,
        "textDocument/inlineCompletion": lambda p: {
            "items": suggest(texts.get(p["textDocument"]["uri"], ""), p["position"])
        },
        "workspace/executeCommand": lambda p: done | {"model": "m", "simulated": True, "cost_today": 0.5},
        "shutdown": lambda p: None,
    }
    done: dict[str, Any] = {}
    while message := read():
        method, params = message.get("method", ""), message.get("params") or {}
        if method == "exit":
            return 0
        if method == "textDocument/didOpen":
            texts[params["textDocument"]["uri"]] = params["textDocument"]["text"]
        elif method == "textDocument/didChange":
            uri = params["textDocument"]["uri"]
            for change in params["contentChanges"]:
                texts[uri] = changed(texts[uri], change)
        elif method == "workspace/executeCommand" and params["command"] == "codriver.status":
            done = {"asked": asked, "texts": texts}
        elif method == "workspace/executeCommand":
            asked.append(params)
            wish = (params.get("arguments") or [{}])[0]
            done = obey(params["command"], wish, texts.get(wish.get("uri", ""), ""))
        if "id" in message and method:
            write({"id": message["id"], "result": results[method](params) if method in results else None})
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
