"""Why a tool's number differs from ours: named differences in definition, each found by a rule in the function's tree.

A rule says by how much the tool's number must differ, given what stands in the function. A function is
explained when some of the differences that apply to it, each to its full amount, make ours into theirs.
Only a `misreading` is looser: the tool takes text of one kind for another, and how often shows only roughly.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from ours import Ours
from tree_sitter import Node

from codriver.syntax import complexity, names

_LIZARD = ("lizard",)
_SCRIPTS = ("javascript", "typescript", "tsx")


@dataclass(frozen=True, slots=True)
class Difference:
    """amount: what the tool counts more (or less, below zero) in this function, by this difference alone."""

    name: str
    tools: tuple[str, ...]
    languages: tuple[str, ...]
    example: str
    why: str
    amount: Callable[[Ours], int]
    misreading: bool = False
    """Any part of the amount may be the difference."""


def explain(ours: Ours, tool: str, mine: int, theirs: int) -> tuple[str, ...]:
    """Names of the fewest differences that make our number theirs; empty when none do."""
    found = [
        (each, amount)
        for each in ALL
        if tool in each.tools and ours.language.name in each.languages and (amount := each.amount(ours))
    ]
    for size in range(1, len(found) + 1):
        for chosen in combinations(found, size):
            if _makes(chosen, theirs - mine):
                return tuple(each.name for each, _ in chosen)
    return ()


def _makes(chosen: Iterable[tuple[Difference, int]], wanted: int) -> bool:
    least = most = 0
    for each, amount in chosen:
        least += min(amount, 0) if each.misreading else amount
        most += max(amount, 0) if each.misreading else amount
    return least <= wanted <= most and wanted != 0


def inside(node: Node, ours: Ours, *, nested: bool = True) -> Iterator[Node]:
    """All nodes below one, tokens too; without those of declared functions inside, which count for themselves."""
    declared = ours.language.scopes.functions
    pending = list(node.children)
    while pending:
        child = pending.pop()
        yield child
        if nested or child.type not in declared:
            pending.extend(child.children)


OTHER_BOUNDS = Difference("other-bounds", _LIZARD, ("c", "cpp", "javascript", "typescript", "ruby", "rust", "php", "go"),
    "a function after `#else {`, or in a type, a cast, a long expression",
    "lizard finds other functions here than the grammar does: it ends this one on another line, or has other ones inside "
    "it, whose decisions it gives to the one around or the reverse. Checked: the lines differ from the tree's",
    lambda ours: 0)  # fmt: skip

LITERALS = ("heredoc_body", "heredoc_beginning", "regex", "string_array", "symbol_array", "delimited_symbol", "subshell",
            "character", "bare_symbol", "template_string", "char_literal")  # fmt: skip


def emptied(root: Node, ours: Ours) -> bytes:
    """The text with every literal as a number and blanks, line by line as long as before."""
    kinds, source, pending = (*ours.language.lexis.strings, *LITERALS), bytearray(ours.source), [root]
    while pending:
        node = pending.pop()
        if node.type in kinds:
            literal = ours.source[node.start_byte : node.end_byte]
            blank = re.sub(rb"[^\n]", b" ", literal)
            source[node.start_byte : node.end_byte] = blank if node.type == "heredoc_body" else b"0" + blank[1:]
        else:
            pending.extend(node.children)
    return bytes(source)


def own(ours: Ours) -> Iterator[Node]:
    return inside(ours.node, ours, nested=False)


def text(node: Node, ours: Ours) -> str:
    return ours.source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def count(*kinds: str) -> Callable[[Ours], int]:
    return lambda ours: sum(node.type in kinds for node in own(ours))


def less(*kinds: str) -> Callable[[Ours], int]:
    return lambda ours: -count(*kinds)(ours)


def tokens(pattern: str, *within: str) -> Callable[[Ours], int]:
    """How often a pattern is found in the text of the outermost nodes of some kinds."""
    compiled = re.compile(pattern)

    def amount(ours: Ours) -> int:
        found, pending = 0, list(ours.node.children)
        while pending:
            node = pending.pop()
            if node.type in within:
                found += len(compiled.findall(text(node, ours)))
            else:
                pending.extend(node.children)
        return found

    return amount


def in_function_expressions(ours: Ours) -> int:
    """What the function expressions inside add to our number."""
    found, pending = 0, list(ours.node.named_children)
    while pending:
        node = pending.pop()
        if node.type in ours.language.scopes.anonymous:
            found += complexity.measure(node, ours.source, ours.language).cyclomatic - 1
        elif node.type not in ours.language.scopes.functions:
            pending.extend(node.named_children)
    return -found


def in_asserts(ours: Ours) -> int:
    asserts = [node for node in own(ours) if node.type == "assert_statement"]
    return -sum(complexity.measure(node, ours.source, ours.language).cyclomatic - 2 for node in asserts)


def preprocessor(ours: Ours) -> int:
    """The directives themselves are read: a broken-up statement is an error in the tree."""
    return len(re.findall(r"^[ \t]*#[ \t]*(?:if|ifdef|elif)\b", ours.text, re.MULTILINE))


def assigned_behind_and(ours: Ours) -> int:
    """An `&&` with a bare `=` before the next closing mark."""
    code = re.sub(r'//.*|/\*.*?\*/|"(?:\\.|[^"\\])*"', "", ours.text)
    return -len(re.findall(r"&&[^=;{})]*(?<![=!<>+*/|&^%-])=(?!=)", code))


def calls_itself(ours: Ours) -> int:
    own_name = re.escape(names.name_of(ours.node, ours.source, ours.language).rpartition(".")[2])
    body = ours.source[ours.body()[0] : ours.body()[1]].decode("utf-8", "replace")
    return -bool(own_name and re.search(rf"\b{own_name}\s*(?:<[^()]*>)?(?:\?\.)?\(", body))


def names_like(*words: str) -> Callable[[Ours], int]:
    """Names of methods and properties that are words of the language."""
    kinds = ("name", "identifier", "field_identifier", "property_identifier", "constant")
    return lambda ours: sum(
        node.type in kinds
        and text(node, ours) in words
        and node.parent is not None
        and node.parent.type != "variable_name"
        for node in own(ours)
    )


def _within(ours: Ours, kinds: tuple[str, ...], mark: str = "") -> int:
    """Our number of the outermost nodes of some kinds, where their text holds a mark."""
    found, pending = 0, list(ours.node.children)
    while pending:
        node = pending.pop()
        if node.type in kinds and mark in text(node, ours):
            found += complexity.measure(node, ours.source, ours.language).cyclomatic - 1
        elif node.type not in names.function_types(ours.language):
            pending.extend(node.children)
    return found


def _bare_calls(ours: Ours) -> int:
    is_method = ours.function.kind == "method"
    return int(is_method and re.search(rf"(?<![\w.]){ours.name}\s*\(", ours.text.partition("(")[2]) is not None)


def _boolean_trees(ours: Ours) -> int:
    found, pending = 0, list(ours.node.children)
    while pending:
        node = pending.pop()
        if node.type == "boolean_operator":
            tree = ast.walk(ast.parse(f"({text(node, ours)})"))
            ours_of_it = complexity.measure(node, ours.source, ours.language).cognitive
            found += sum(isinstance(each, ast.BoolOp) for each in tree) - ours_of_it
        else:
            pending.extend(node.children)
    return found


def _branches(ours: Ours) -> int:
    """Functions that are themselves the branch of a conditional."""
    return sum(
        node.type in ours.language.scopes.anonymous
        and node.parent is not None
        and node.parent.type == "ternary_expression"
        for node in inside(ours.node, ours)
    )


def _structures(ours: Ours) -> int:
    return sum(node.type in ours.language.rules.structures for node in inside(ours.node, ours))


def _bracketed(ours: Ours) -> int:
    """Our number of the conditionals in brackets or with brackets in them."""
    found, pending = 0, list(ours.node.children)
    while pending:
        node = pending.pop()
        holds = node.type == "ternary_expression" and "(" in text(node, ours)
        holds = holds or (node.type == "parenthesized_expression" and "?" in text(node, ours))
        if holds:
            found += complexity.measure(node, ours.source, ours.language).cyclomatic - 1
        elif node.type not in names.function_types(ours.language):
            pending.extend(node.children)
    return found


def _inner_expressions(ours: Ours) -> int:
    """Our number of the arrow functions without braces that stand directly in this function."""
    found, pending = 0, list(ours.node.children)
    while pending:
        node = pending.pop()
        if node.type not in names.function_types(ours.language):
            pending.extend(node.children)
            continue
        body = node.child_by_field_name("body")
        if body is not None and body.type != "statement_block":
            found += complexity.measure(node, ours.source, ours.language).cyclomatic - 1
            pending.extend(node.children)
    return found


def _in_expressions(ours: Ours) -> int:
    body = ours.node.child_by_field_name("body")
    return ours.function.cyclomatic - 1 if body is not None and body.type != "statement_block" else 0


TEXT_AS_CODE = Difference("text-as-code", _LIZARD, ("c", "cpp", "java", "javascript", "typescript", "go", "rust", "ruby", "php"),
    "/(a)?b/, \"#{a if b}\", <<~SQL",
    "lizard reads parts of strings, regular expressions and here-documents as code, or code behind them as text. Checked by "
    "another run over the same file with its literals emptied: there it agrees with us",
    lambda ours: 0)  # fmt: skip

ALL: tuple[Difference, ...] = (
    Difference("assert-inside", ("radon",), ("python",), "assert all(x for x in y)",
        "radon counts an assert and looks no further; a comprehension or a boolean operator in it is a path as elsewhere",
        in_asserts),
    Difference("preprocessor", _LIZARD, ("c", "cpp"), "#ifdef _WIN32 ... #endif",
        "lizard counts #if, #ifdef and #elif; they are decided before there is a program, so no path of it",
        preprocessor),
    Difference("assigned-and", _LIZARD, ("c", "cpp"), "a && (b = c)",
        "lizard takes && with an = behind it for an rvalue reference, and drops it; it is a boolean operator",
        assigned_behind_and),
    Difference("rvalue-reference", _LIZARD, ("cpp",), "auto&& x, f(T&& y)",
        "lizard counts the && of many references; they decide nothing",
        lambda ours: sum(node.type == "&&" and node.parent is not None and "reference" in node.parent.type for node in own(ours)), True),
    Difference("operator-words", _LIZARD, ("cpp", "php"), "a and b",
        "lizard counts && and || but not their words; they are the same operators",
        less("and", "or", "xor")),
    Difference("function-literal", _LIZARD, ("go", "php"), "defer func() { if a { } }()",
        "lizard counts a function expression by itself; we count it for the function around, where its paths are read",
        in_function_expressions),
    Difference("where-clause", _LIZARD, ("rust",), "fn f<T>(a: T) where T: Clone",
        "lizard counts `where` as a condition; it is a bound on a type", count("where")),
    Difference("closure-bars", _LIZARD, ("rust",), "a.map(|| b)",
        "lizard takes the bars of a closure without parameters for the operator ||",
        lambda ours: sum(node.type == "closure_parameters" and text(node, ours) == "||" for node in own(ours))),
    Difference("macro-arguments", _LIZARD, ("rust",), "assert!(a && b)",
        "lizard counts words and operators in a macro's arguments; what they become only the macro knows",
        tokens(r"\b(?:if|for|while|where|else|catch)\b|&&|\|\||\?|=>", "token_tree"), True),
    Difference("for-no-loop", _LIZARD, ("rust",), "impl A for B, for<'a> Fn(&'a str)",
        "lizard counts every `for`; these are no loops",
        lambda ours: sum(node.type == "for" and node.parent is not None and node.parent.type != "for_expression" for node in own(ours))),
    Difference("reference-twice", _LIZARD, ("rust",), "a: &&str", "lizard takes && for the operator; it is a type or a borrow",
        lambda ours: sum((node.type == "&&" and node.parent is not None and node.parent.type != "binary_expression")
                         or (node.type in ("reference_type", "reference_expression", "reference_pattern") and text(node, ours).startswith("&&"))
                         for node in own(ours)), True),
    Difference("maybe-sized", _LIZARD, ("rust",), "T: ?Sized", "lizard counts the ?; it is a bound on a type",
        count("removed_trait_bound")),
    Difference("unless", _LIZARD, ("ruby",), "return unless a",
        "lizard does not count `unless`; it is an `if`", lambda ours: -sum(node.type == "unless" and not node.is_named for node in own(ours))),
    Difference("ensure", _LIZARD, ("ruby",), "begin ... ensure ... end",
        "lizard counts `ensure`; it is passed on every path", lambda ours: sum(node.type == "ensure" and node.is_named for node in own(ours))),
    Difference("pattern-in", _LIZARD, ("ruby",), "case a in [b]", "lizard does not count `in`; it is a `when`", less("in_clause")),
    Difference("keyword-name", _LIZARD, ("ruby",), "Sequel.or(a)",
        "lizard takes a method's name for the keyword", names_like("or", "and", "if", "for", "while", "when", "until", "rescue", "ensure")),
    Difference("keyword-name", _LIZARD, ("php",), "$this->case",
        "lizard takes a property's or a method's name for the keyword", names_like("case", "match", "for", "if", "while", "catch", "foreach")),
    Difference("nullable-type", _LIZARD, ("php",), "function f(?string $a): ?int",
        "lizard takes the ? of a type for the conditional operator",
        count("optional_type")),
    Difference("null-default", _LIZARD, ("php",), "$a ?? $b",
        "lizard does not count ??, though it is a path as || is", less("??")),
    Difference("short-conditional", _LIZARD, ("php",), "$a ?: $b",
        "lizard does not count ?:, though it is a path as || is",
        lambda ours: -sum(node.type == "conditional_expression" and node.child_by_field_name("body") is None for node in own(ours))),
    Difference("recursion", ("sonarjs",), ("javascript", "typescript", "tsx"), "const f = a => f(a.b)",
        "sonarjs does not count recursion; the paper does", calls_itself),
    Difference("branch-is-function", ("sonarjs",), ("javascript", "typescript", "tsx"), "a ? (b) => c : d",
        "in sonarjs a function that is itself a branch leaves everything behind it nested one deeper",
        lambda ours: _branches(ours) * _structures(ours), True),
    Difference("field-initializer", ("eslint",), _SCRIPTS, "class { a = b || c }",
        "eslint takes a field's value for a function of its own; we read it where it stands",
        lambda ours: -_within(ours, ("field_definition", "public_field_definition"))),
    Difference("optional-chain", _LIZARD, _SCRIPTS, "a?.b",
        "lizard does not count ?., eslint does: what is behind it is not reached",
        lambda ours: -sum(node.type in ("optional_chain", "?.") and not node.child_count for node in own(ours))),
    Difference("logical-assignment", _LIZARD, _SCRIPTS, "a ||= b",
        "lizard does not count ||=, &&= and ??=, eslint does", less("||=", "&&=", "??=")),
    Difference("template", _LIZARD, _SCRIPTS, "`${a ? b : c}`",
        "lizard does not read what stands in a template; it is code", lambda ours: -_within(ours, ("template_substitution",))),
    Difference("arrow-expression", _LIZARD, _SCRIPTS, "a => a || b",
        "lizard loses the operators of an arrow function without braces, or counts them for the function around",
        lambda ours: -_in_expressions(ours), True),
    Difference("bracketed-conditional", _LIZARD, _SCRIPTS, "(a || b) ? c : d",
        "lizard takes brackets and a colon in one expression for parameters with types, and drops what it counted there",
        lambda ours: -_bracketed(ours), True),
    Difference("arrow-expression-inside", _LIZARD, _SCRIPTS, "a.map(b => b || c)",
        "the reverse of arrow-expression, seen from the function around", _inner_expressions, True),
    Difference("name-recursion", ("both",), ("python",), "def open(self): self.f = open(a)",
        "the tools take a method's own name for recursion; without self. it is another function", _bare_calls),
    Difference("boolean-trees", ("both",), ("python",), "(a or b and c) and d",
        "the tools count the nodes of the expression's tree; the paper counts sequences of like operators as they are read",
        _boolean_trees),
    TEXT_AS_CODE,
    OTHER_BOUNDS,
)  # fmt: skip
