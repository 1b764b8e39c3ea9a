"""Parsers bounded in time, and what of a tree makes no sense."""

from __future__ import annotations

import warnings
from functools import cache

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser, Tree

PATIENCE, PER_BYTE = 400_000, 4
"""Microseconds after which a parse is given up. Garbage can take a grammar minutes."""

TURNS = 4
"""Times that a parse is tried: the clock runs on while the machine does something else; one such gap is no fault."""


@cache
def parser(grammar: Grammar) -> Parser:
    """The one parser of a grammar for parses that are not put off: it gives up after PATIENCE."""
    return patient(grammar, PATIENCE // TURNS)


def patient(grammar: Grammar, micros: int) -> Parser:
    """A parser that stops with ValueError after some microseconds; asked again for the same, it goes on there."""
    with warnings.catch_warnings():
        # Deprecated in favour of a progress callback, but in tree-sitter 0.25.2 that one ends
        # the process with a segmentation fault.
        warnings.simplefilter("ignore", DeprecationWarning)
        return Parser(grammar, timeout_micros=micros)


def attempt(parser: Parser, data: bytes, old: Tree | None = None) -> Tree | None:
    """The tree of a text, or None when time ran out.

    Each time from the beginning: where garbage is gone on with, a parser comes to steps of seconds, which heed no time.
    """
    for _ in range(TURNS):
        try:
            return parser.parse(data, old) if old is not None else parser.parse(data)
        except ValueError:  # out of time
            parser.reset()
    return None


def count_errors(node: Node, start: int = 0, end: int | None = None, most: int = 1000) -> int:
    """ERROR and MISSING nodes that touch bytes [start, end), up to `most`. Only broken branches are visited."""
    count, pending = 0, [node] if node.has_error else []
    while pending and count < most:
        node = pending.pop()
        count += node.is_error or node.is_missing
        pending += [
            child
            for child in node.children
            if child.has_error and child.end_byte >= start and (end is None or child.start_byte < end)
        ]
    return count


def count_faults(root: Node) -> int:
    """As count_errors, with those that no visible node shows: a missing line end is a hidden node of some grammars."""
    return count_errors(root) or int(root.has_error)


def wreckage(root: Node) -> int:
    """Bytes of the text that no construct holds: errors of the two topmost levels."""
    if not root.has_error:
        return 0
    if root.is_error:
        return root.end_byte - root.start_byte
    tops = [child for child in root.children if child.has_error]
    inner = [child for top in tops if not top.is_error for child in top.children if child.is_error]
    return sum(node.end_byte - node.start_byte for node in [top for top in tops if top.is_error] + inner)
