"""Facts derived from code and request. No code text in here: safe to store."""

from __future__ import annotations

from codriver.model.value import value


@value(frozen=True, slots=True)
class Function:
    """Numbers of one function (or method, or lambda bound to a name). Lines are 1-based."""

    name: str
    kind: str
    start_line: int
    end_line: int
    cyclomatic: int
    cognitive: int
    nesting: int
    parameters: int
    lines: int
    start_byte: int = 0
    end_byte: int = 0


@value(frozen=True, slots=True)
class Features:
    """What is known about a request and the code it is about.

    source says where the code facts come from: "buffer" (open in an editor), "file" (on disk, in a
    folder that is worked in), "fence" (a code block of the message), "none". Complexity numbers are
    those of the enclosing function, or of the whole region when there is none. difficulty is on the
    logit scale of routing/quality.py.
    """

    source: str = "none"
    path: str = ""
    language: str = ""
    frameworks: tuple[str, ...] = ()
    domain: str = ""
    scope: str = ""
    """Name of the enclosing function or class, dotted."""
    scope_kind: str = ""
    cyclomatic: int = 0
    cognitive: int = 0
    nesting: int = 0
    parameters: int = 0
    lines: int = 0
    errors: int = 0
    """Error and missing nodes in the region."""
    tokens: int = 0
    """Estimated prompt tokens."""
    task: str = "write"
    difficulty: float = 0.0
    reading: str = ""
    """"" for code read by its language's own rules; "configuration" and "markup" have keys and blocks but no
    complexity; of "generic" languages, only guessed at, lines and nesting are told."""
    local_only: bool = False
    """Code that must not leave the machine."""
    versions: tuple[tuple[str, str], ...] = ()
    """(framework, version) as far as manifests and locks tell; a range as it is written there."""
    files: tuple[str, ...] = ()
    """Paths of all files that were considered, the one that decided first; routing/combining.py says how."""

    wording: float = 0.0
    """The part of difficulty that the words of the wish make; routing/wording.py."""
    tongue: str = ""
    """Natural language of the wish, as ISO 639-1; "" where it cannot be told."""


NOTHING = Features()
"""No code was seen."""
