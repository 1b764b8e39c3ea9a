"""What kind of work a request is: a task family from its purpose or from the words of the human.

Keyword rules, in order; data, so that a trained classifier can take their place. Harness noise
(reminders, environment blocks) is cut before anything is read.
"""

from __future__ import annotations

import re
from functools import lru_cache

from codriver.model.request import Purpose

FAMILIES = (
    "complete", "generate", "edit", "refactor", "debug", "explain", "review", "test", "document",
    "plan", "summarise", "title", "classify", "commit", "write",
)  # fmt: skip

BY_PURPOSE: dict[Purpose, str] = {
    Purpose.COMPLETE: "complete",
    Purpose.REFACTOR: "refactor",
    Purpose.REVIEW: "review",
    Purpose.EXPLAIN: "explain",
    Purpose.TEST: "test",
    Purpose.DOCUMENT: "document",
    Purpose.FIX: "debug",
    Purpose.COMMIT: "commit",
    Purpose.COMPACTION: "summarise",
    Purpose.TITLE: "title",
    Purpose.CLASSIFY: "classify",
    Purpose.PROBE: "classify",
}

# Stems, as they begin a word. Of the families a text names, the first in this table wins: the more
# telling words stand first.
_STEMS: tuple[tuple[str, str], ...] = (
    ("review", "review|critique|audit|code smell"),
    ("test", "unit ?test|pytest|write tests?|add tests?|test cases?|coverage"),
    ("debug", "fix|bug|debug|crash|traceback|exception|error|fail|broken|wrong"),
    ("refactor", "refactor|simplif|clean ?up|restructure|extract|rename|moderni[sz]|readab"),
    ("document", "docstring|document|comment|readme|changelog"),
    ("explain", "explain|what does|how does|why does|understand|walk me through"),
    ("summarise", "summari[sz]|summary|tl;?dr"),
    ("plan", "plan|design|architecture|approach|strategy|trade-?off"),
    ("edit", "change|update|replace|modify|edit|move|convert|migrate|port|optimi[sz]|make (?:it|this)"),
    ("generate", "write|implement|create|add|generate|build"),
)
_RANK = {f"f{rank}": rank for rank in range(len(_STEMS))}
# One pass over the text instead of one for each family: this runs for every request.
_WORDS = re.compile(
    r"\b(?:" + "|".join(f"(?P<f{rank}>{stems})" for rank, (_, stems) in enumerate(_STEMS)) + ")", re.IGNORECASE
)

WORDS_READ = 1500
"""Characters of a turn that are looked at: what is wanted is said early."""

_NOISE = re.compile(r"<(system-reminder|environment_details|environment_context|user_instructions)>.*?</\1>", re.DOTALL)


def clean(text: str) -> str:
    """The human's words without blocks that harnesses inject."""
    return _NOISE.sub("", text).strip() if "<" in text else text.strip()


def family(purpose: Purpose, tail: tuple[str, ...]) -> str:
    """The task family of a request. Looks back over the tail when the last turn says nothing.

    "commit it", "continue" and the like mean nothing alone, so up to three human
    turns are read, newest first; without any hint it is "write".
    """
    known = BY_PURPOSE.get(purpose)
    if known is not None:
        return known
    for text in reversed(tail[-3:]):
        found = _told(clean(text)[:WORDS_READ])
        if found:
            return found
    return "write"


@lru_cache(maxsize=512)
def _told(text: str) -> str:
    """The family a text's words name, or "". Remembered: an agent sends the same turn with every step."""
    best = len(_STEMS)
    for found in _WORDS.finditer(text):
        best = min(best, _RANK[found.lastgroup or ""])
    return _STEMS[best][0] if best < len(_STEMS) else ""
