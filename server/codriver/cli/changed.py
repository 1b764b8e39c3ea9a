"""What changed since a commit, function by function: complexity before and after of each that a diff touches."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from codriver.cli.analysis import LIMIT, page, page_of
from codriver.cli.terminal import Complaint
from codriver.syntax import languages
from codriver.syntax.patches import Change, changes

NUMBERS = (
    "cyclomatic", "cognitive", "nesting", "parameters", "lines", "code_lines", "comment_lines", "maintainability"
)  # fmt: skip
GAINED = ("cyclomatic", "cognitive", "lines", "code_lines", "comment_lines")

# Context lines would count neighbours as touched; a rename would need the old name; the rest undoes users' settings.
_DIFF = ("-c", "core.quotePath=false", "diff", "--unified=0", "--no-renames", "--no-color", "--no-ext-diff",
         "--src-prefix=a/", "--dst-prefix=b/")  # fmt: skip


def since(base: str, paths: Sequence[str]) -> dict[str, Any]:
    """{"base", "functions": [{"path", "name", "start_line", "before", "after"}], "total"}; before or after is None for
    a function that was not, or is no more. The total is what all of them gained. Raises Complaint without git."""
    top = _git(os.path.dirname(paths[0]) if os.path.isfile(paths[0]) else paths[0], "rev-parse", "--show-toplevel")
    root = top.decode("utf-8", "surrogateescape").strip()
    told = _git(root, *_DIFF, base, "--", *map(os.path.realpath, paths))
    touched = [row for change in changes(told.decode("utf-8", "replace")) for row in _touched(root, base, change)]
    gained = {name: sum(_gain(row, name) for row in touched) for name in GAINED}
    return {"base": base, "functions": touched, "total": gained}


def _touched(root: str, base: str, change: Change) -> Iterator[dict[str, Any]]:
    if languages.of_path(change.path) is None:
        return
    path = os.path.join(root, change.path)
    now = page(path).get("functions", ()) if os.path.isfile(path) else ()
    old = _git(root, "show", f"{base}:{change.path}", missing=b"")
    was = _keyed(page_of(path, old)["functions"]) if len(old) <= LIMIT else {}
    there = _keyed(now)
    for key, function in there.items():
        if any(function["start_line"] <= last and first <= function["end_line"] for first, last in change.lines):
            yield _row(path, function, was.get(key), function)
    for key, function in was.items():
        if key not in there:
            yield _row(path, function, function, None)


def _keyed(functions: Sequence[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
    """By name and number: overloads and accessors share a name."""
    seen = Counter[str]()
    keyed = {}
    for function in functions:
        seen[function["name"]] += 1
        keyed[function["name"], seen[function["name"]]] = function
    return keyed


def _row(
    path: str, function: dict[str, Any], before: dict[str, Any] | None, after: dict[str, Any] | None
) -> dict[str, Any]:
    numbers = ({name: side[name] for name in NUMBERS} if side else None for side in (before, after))
    return {
        "path": path, "name": function["name"], "start_line": function["start_line"],
        **dict(zip(("before", "after"), numbers, strict=True)),
    }  # fmt: skip


def _gain(row: dict[str, Any], name: str) -> int:
    return sum(sign * row[side][name] for side, sign in (("after", 1), ("before", -1)) if row[side])


def _git(folder: str, *arguments: str, missing: bytes | None = None) -> bytes:
    try:
        done = subprocess.run(["git", "-C", folder or ".", *arguments], capture_output=True, check=False)
    except OSError as problem:
        raise Complaint("--diff needs git, which is not there", 2) from problem
    if done.returncode == 0:
        return done.stdout
    if missing is not None:
        return missing
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    raise Complaint(f"git: {said[0] if said else 'failed'}", 2)
