"""What Python's own parser says of an edit: the grammar forgives what Python does not."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence

from codriver.tasks import indent

LONGEST = 30_000
"""Characters that are read: 9 to 20 ms where there are 20,000 and more."""


def worse(old_code: str, new_code: str, unparsed: str) -> str:
    """Why code that Python itself can read is none any more, or "". unparsed: how to say that it cannot be read.

    What only a newer Python than this one reads (within f-strings) is not held against it.
    """
    if max(len(old_code), len(new_code)) > LONGEST:
        return ""
    new = _python(new_code)
    if isinstance(new, str):
        sound = not isinstance(_python(old_code), str)
        return unparsed if sound and not new.startswith("f-string") else ""
    if "..." not in new_code:
        return ""
    old = _python(old_code)
    return "leaves code out" if not isinstance(old, str) and _dots(new) > _dots(old) else ""


def _python(code: str) -> ast.Module | str:
    """Whole lines of Python, however deep they stand, or why they cannot be read."""
    lines = code.replace("\r\n", "\n")
    deep = indent.lead(next((line for line in lines.split("\n") if line.strip()), ""))
    try:
        with warnings.catch_warnings(action="ignore"):  # what is odd but Python is none of our business
            return ast.parse(f"if 1:\n{lines}\n" if deep else f"{lines}\n")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        return str(problem) or "unreadable"


def _dots(tree: ast.Module) -> int:
    """How many times three dots stand beside other statements."""
    found = 0
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and len(body) - _docstring(body) > 1:
            found += sum(_constant(one) is Ellipsis for one in body)
    return found


def _docstring(body: Sequence[ast.stmt]) -> bool:
    return bool(body) and isinstance(_constant(body[0]), str)


def _constant(one: ast.stmt) -> object:
    """What a statement that is nothing but a literal says."""
    return one.value.value if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) else None
