"""A file once more, with what a tokenizer without a grammar takes for something else put into words it knows.

lizard counts words. Where a word means another thing than it thinks (`where` in Rust, `unless` in Ruby, the ? of a
type) its number says little about the function. Asked plainly it gets the same code, line for line, with such words
replaced, found by the language's grammar alone: none of our counting rules takes part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from tree_sitter import Node

from codriver.syntax.language import Language

TEXT_AS_CODE = "text-as-code"
LITERALS = ("heredoc_body", "heredoc_beginning", "regex", "string_array", "symbol_array", "delimited_symbol", "subshell",
            "character", "bare_symbol", "char_literal", "simple_symbol", "regex_literal")  # fmt: skip
CODE = ("interpolation", "interpolated_expression")
"""Nodes of a literal that hold code."""
WORDS = frozenset(
    (
        "if",
        "for",
        "while",
        "where",
        "match",
        "case",
        "catch",
        "guard",
        "or",
        "and",
        "when",
        "until",
        "rescue",
        "ensure",
        "unless",
        "repeat",
        "do",
        "end",
        "foreach",
        "elseif",
        "elsif",
        "get",
        "set",
        "func",
        "fun",
        "fn",
        "def",
        "class",
        "begin",
        "module",
    )
)

Rule = Callable[[Node], tuple[bytes, str] | None]


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes [start, end) of the source become `text`; `difference` is the name of what the tool misreads there."""

    start: int
    end: int
    text: bytes
    difference: str


def edits(root: Node, source: bytes, language: Language) -> list[Edit]:
    """What is to be replaced in a file. None of them lies in another one."""
    rules, literals = _RULES.get(language.name, {}), (*language.lexis.strings, *LITERALS)
    found, pending = list[Edit](), [root]
    while pending:
        node = pending.pop()
        rule = rules.get(node.type)
        replaced = rule(node) if rule is not None else None
        if replaced is not None:
            found.append(Edit(node.start_byte, node.end_byte, *replaced))
        elif node.type in literals and node.is_named:
            codes = list(_codes(node))
            found += _emptied(node, codes)
            pending += codes
        elif _is_name(node, language) and source[node.start_byte : node.end_byte].decode("utf-8", "replace") in WORDS:
            found.append(Edit(node.start_byte, node.end_byte, b"x", "keyword-name"))
        else:
            pending += node.children
    return found


def rewritten(source: bytes, changes: Iterable[Edit]) -> bytes:
    """The source with its edits made; it has as many lines as before."""
    parts, at = list[bytes](), 0
    for each in sorted(changes, key=lambda edit: edit.start):
        lost = source[each.start : each.end].count(b"\n")
        parts += [source[at : each.start], each.text, b"\n" * lost]
        at = each.end
    return b"".join([*parts, source[at:]])


def _emptied(node: Node, codes: list[Node]) -> Iterator[Edit]:
    """A literal as a number; what is code in it stays, in parentheses."""
    at, mark = node.start_byte, b";" if node.type == "heredoc_body" else b"0 "
    for code in codes:
        yield Edit(at, code.start_byte, mark + b"+(", TEXT_AS_CODE)
        at, mark = code.end_byte, b")"
    yield Edit(at, node.end_byte, mark, TEXT_AS_CODE)


def _codes(node: Node) -> Iterator[Node]:
    """The pieces of code in a literal, in reading order."""
    for child in node.children:
        if child.type in CODE:
            yield from child.named_children
        else:
            yield from _codes(child)


def _is_name(node: Node, language: Language) -> bool:
    """A name, other than the one that a function is found by."""
    is_name = not node.child_count and (node.type.endswith("identifier") or node.type in ("name", "constant"))
    return is_name and (node.parent is None or node.parent.type not in language.scopes.functions)


def _as(text: bytes, difference: str, within: tuple[str, ...] = (), beyond: tuple[str, ...] = ()) -> Rule:
    """For a token directly within nodes of these types, or not directly within those."""

    def rule(node: Node) -> tuple[bytes, str] | None:
        around = node.parent.type if node.parent is not None else ""
        holds = not node.is_named and (not within or around in within) and around not in beyond
        return (text, difference) if holds else None

    return rule


def _assignment(node: Node) -> tuple[bytes, str] | None:
    """The = of an assignment within an expression with operators."""
    around = node.parent if node.parent is not None and node.parent.type == "assignment_expression" else None
    while around is not None and around.type != "binary_expression" and around.type.endswith("expression"):
        around = around.parent
    return (b"-", "assigned-and") if around is not None and around.type == "binary_expression" else None


def _bars(node: Node) -> tuple[bytes, str] | None:
    return (b"|_|", "closure-bars") if node.text == b"||" else None


def _borrowed(node: Node) -> tuple[bytes, str] | None:
    """The first of two marks of references that stand together."""
    behind = node.next_sibling
    twice = behind is not None and behind.start_byte == node.end_byte and (behind.text or b"").startswith(b"&")
    return (b"& ", "reference-twice") if twice else None


def _macro(node: Node) -> tuple[bytes, str]:
    return b"()", "macro-arguments"


def _php_mark(node: Node) -> tuple[bytes, str] | None:
    around = node.parent
    if around is not None and around.type == "optional_type":
        return b"", "nullable-type"
    is_short = around is not None and around.type == "conditional_expression" and not around.child_by_field_name("body")
    return (b"||", "short-conditional") if is_short else None


def _trailing(node: Node) -> tuple[bytes, str] | None:
    """The comma in front of an arm's arrow."""
    behind = node.next_sibling
    return (b"", "trailing-comma") if behind is not None and behind.type == "->" else None


_C = {"=": _assignment}
_RULES: Mapping[str, Mapping[str, Rule]] = {
    "c": _C,
    "objc": _C,
    "objcpp": _C,
    "cpp": {
        **_C,
        "&&": _as(b"&", "rvalue-reference", beyond=("binary_expression",)),
        "and": _as(b"&&", "operator-words"),
        "or": _as(b"||", "operator-words"),
    },
    "rust": {
        "where": _as(b"", "where-clause"),
        "for": _as(b"", "for-no-loop", beyond=("for_expression",)),
        "&&": _as(b"&", "reference-twice", beyond=("binary_expression", "let_chain")),
        "?": _as(b"", "maybe-sized", beyond=("try_expression",)),
        "&": _borrowed,
        "closure_parameters": _bars,
        "token_tree": _macro,
        "token_tree_pattern": _macro,
    },
    "ruby": {
        "unless": _as(b"if", "unless"),
        "ensure": _as(b"", "ensure"),
        "case": _as(b"begin", "block-end"),
        "until": _as(b"while", "block-end", beyond=("until_modifier",)),
        "in": _as(b"when", "pattern-in", within=("in_clause",)),
    },
    "php": {
        "?": _php_mark,
        "and": _as(b"&&", "operator-words"),
        "or": _as(b"||", "operator-words"),
        "xor": _as(b"||", "operator-words"),
    },
    "kotlin": {",": _trailing, "->": _as(b"", "lambda-arrow", within=("lambda_literal",))},
    "swift": {
        "?": _as(b"", "optional-mark", beyond=("ternary_expression",)),
        "case": _as(b"", "pattern-case", beyond=("switch_entry", "enum_entry")),
    },
    "lua": {"#": _as(b"", "length")},
}
