"""What kind of work a request is: a task family from its purpose or from the words of the human.

Keyword rules, in order; data, so that a trained classifier can take their place. Harness noise
(reminders, environment blocks) is cut before anything is read.
"""

from __future__ import annotations

import re

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

# The first family that matches wins, so the more telling words stand first.
_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (family, re.compile(pattern, re.IGNORECASE))
    for family, pattern in (
        ("review", r"\b(review|critique|audit|code smell)"),
        ("test", r"\b(unit ?tests?|pytest|write tests?|add tests?|test cases?|coverage)\b"),
        ("debug", r"\b(fix|bug|debug|crash|traceback|exception|error|fails?|failing|broken|wrong)\b"),
        ("refactor", r"\b(refactor|simplif|clean ?up|restructure|extract|rename|modernis|modernize|readab)"),
        ("document", r"\b(docstrings?|document|comments?|readme|changelog)\b"),
        ("explain", r"\b(explain|what does|how does|why does|understand|walk me through)\b"),
        ("summarise", r"\b(summari[sz]e|summary|tl;?dr)\b"),
        ("plan", r"\b(plan|design|architecture|approach|strategy|trade-?offs?)\b"),
        ("edit", r"\b(change|update|replace|modify|edit|move|convert|migrate|port|optimi[sz]e|make (it|this))\b"),
        ("generate", r"\b(write|implement|create|add|generate|build)\b"),
    )
)

_NOISE = re.compile(r"<(system-reminder|environment_details|environment_context|user_instructions)>.*?</\1>", re.DOTALL)


def clean(text: str) -> str:
    """The human's words without blocks that harnesses inject."""
    return _NOISE.sub("", text).strip() if "<" in text else text.strip()


def family(purpose: Purpose, tail: tuple[str, ...]) -> str:
    """The task family of a request. Looks back over the tail when the last turn says nothing.

    "commit it", "continue" and the like mean nothing alone (routing.md, 3), so up to three human
    turns are read, newest first; without any hint it is "write".
    """
    known = BY_PURPOSE.get(purpose)
    if known is not None:
        return known
    for text in reversed(tail[-3:]):
        words = clean(text)[:2000]
        for name, pattern in _WORDS:
            if pattern.search(words):
                return name
    return "write"
