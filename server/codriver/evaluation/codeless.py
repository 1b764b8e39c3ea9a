"""The same questions with the code taken out of their texts: what is left of a measure then did not come from code."""

from __future__ import annotations

import re
from dataclasses import replace

from codriver.evaluation.matrix import Matrix

_FENCE = re.compile(r"(`{3,}|~{3,})[^\n]*\n.*?(?:\n[ \t]*\1|\Z)", re.DOTALL)
_LINE = re.compile(r"^(?: {4,}|\t|>>> |\.\.\. |[+-]{3} |@@ |diff --git |\s*File \").*$", re.MULTILINE)
_INLINE = re.compile(r"`[^`\n]+`")
FEWEST = 0.05
"""Share of the queries that must hold code for the comparison to say anything."""


def codeless(matrix: Matrix) -> Matrix | None:
    """The matrix with fenced and indented blocks, transcripts, diffs, traces and inline code taken out of its texts;
    None where fewer than one in twenty have any."""
    queries = tuple(replace(query, text=prose(query.text)) for query in matrix.queries)
    changed = sum(after.text != before.text for after, before in zip(queries, matrix.queries, strict=True))
    return replace(matrix, queries=queries) if changed >= max(1, FEWEST * len(queries)) else None


def prose(text: str) -> str:
    """A text without its code."""
    text = text.replace("\r\n", "\n")
    return _INLINE.sub(" ", _LINE.sub("", _FENCE.sub("\n", text)))
