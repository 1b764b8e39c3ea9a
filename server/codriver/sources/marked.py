"""Whether a path is marked by patterns as .gitignore has them: what must not leave the machine, what is not read."""

from __future__ import annotations

from collections.abc import Sequence


class Marked:
    """Whether a path is marked, by gitignore-style patterns. Empty without patterns.

    Paths here are absolute and folders unknown, so a pattern with a slash in it (`payroll/**`,
    `.kube/config`) counts wherever in a path it stands, not only at some root.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        from pathspec import GitIgnoreSpec

        self._spec = GitIgnoreSpec.from_lines([_anywhere(pattern) for pattern in patterns])
        self._empty = not patterns

    def __bool__(self) -> bool:
        return not self._empty

    def __call__(self, path: str) -> bool:
        return bool(path) and not self._empty and self._spec.match_file(path.replace("\\", "/").lstrip("/"))


def _anywhere(pattern: str) -> str:
    unless, body = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    if "/" in body.rstrip("/") and not body.startswith("**/"):
        body = f"**/{body.lstrip('/')}"
    return unless + body
