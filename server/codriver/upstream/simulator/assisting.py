"""What the prompts of an editor's tasks get: test files, better names, repairs. Simulated, and it says so."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath

from codriver.upstream.simulator import edits, intent, review

_HUNK = re.compile(r"^@@ .* @@", re.M)
_IMPORTS = {
    "python": "from {stem} import {name}",
    "javascript": 'import {{ {name} }} from "./{stem}";',
    "typescript": 'import {{ {name} }} from "./{stem}";',
}
_IMPORTS["py"], _IMPORTS["js"], _IMPORTS["ts"], _IMPORTS["tsx"] = (
    _IMPORTS["python"], _IMPORTS["javascript"], _IMPORTS["typescript"], _IMPORTS["typescript"],
)  # fmt: skip


def answer(prompt: str, whole: str, block: intent.Block) -> str:
    """The answer to a task's prompt about a block of code, or "" when it asks for something else."""
    if re.search(r"\bwhole new test file\b", prompt):
        return _tests(whole, block)
    if re.search(r"\"names\"\s*:\s*\[", prompt):
        return _names(whole)
    if re.search(r"^Complaints to repair:", whole, re.M):
        return _repaired(block)
    return ""


def changed(whole: str) -> frozenset[str]:
    """The new lines of a diff that a prompt shows, without blanks around them; none where it shows no diff."""
    diffs = [block.code for block in intent.fences(whole) if _HUNK.search(block.code)]
    return frozenset(
        line[1:].strip() for diff in diffs for line in diff.split("\n") if line.startswith("+") and line[1:].strip()
    )


def _tests(whole: str, block: intent.Block) -> str:
    path = re.search(r"^File with the function: (.+)$", whole, re.M)
    stem = PurePosixPath(path[1].strip()).stem if path else "code"
    done = edits.test_for(block.code, block.language)
    name = done.what.rpartition(" ")[2]
    head = _IMPORTS.get(block.language, "").format(stem=stem, name=name)
    mark = "#" if block.language in ("python", "py") else "//"
    text = f"{head}\n\n{mark} Simulated tests.\n{done.code}" if head else done.code
    return f"```{block.language}\n{text}\n```"


def _names(whole: str) -> str:
    found = re.search(r"^The name to improve: (\S+)$", whole, re.M)
    old = found[1] if found else "value"
    snake = "_" in old or old.islower()
    better = [f"{old}_to_use", f"current_{old}"] if snake else [f"{old}ToUse", f"current{old[:1].upper()}{old[1:]}"]
    return json.dumps({"names": [{"name": name, "why": "A simulated suggestion."} for name in better]})


def _repaired(block: intent.Block) -> str:
    """The code with what a glance finds repaired, else with a comment."""
    lines = block.code.split("\n")
    fixes = [item for item in review.findings(block.code, "0" * 32) if item.fix]
    for item in fixes:
        lines[item.line - 1] = item.fix
    if fixes:
        code, what = "\n".join(lines), "repaired what a glance finds"
    else:
        done = edits.edit(block.code, block.language, "")
        code, what = done.code, done.what
    return f"```{block.language}\n{code}\n```\nSummary: {what} (simulated)."
