"""Why a tool's number differs from ours: named differences in definition, each found by a rule in the function's tree.

A rule says by how much the tool's number must differ, given what stands in the function. A function is
explained when some of the differences that apply to it, each to its full amount, make ours into theirs.
Only a `misreading` is looser: the tool takes text of one kind for another, and how often shows only roughly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from ours import Ours
from tree_sitter import Node

from codriver.syntax import complexity, names


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
    code = re.sub(r'//.*|/\*.*?\*/|"(?:\\.|[^"\\])*"', "", ours.text, flags=re.DOTALL if False else 0)
    return -len(re.findall(r"&&[^=;{})]*(?<![=!<>+*/|&^%-])=(?!=)", code))


def calls_itself(ours: Ours) -> int:
    own_name = re.escape(names.name_of(ours.node, ours.source, ours.language).rpartition(".")[2])
    body = ours.source[ours.body()[0] : ours.body()[1]].decode("utf-8", "replace")
    return -bool(own_name and re.search(rf"\b{own_name}\s*(?:<[^()]*>)?(?:\?\.)?\(", body))


def names_like(*words: str) -> Callable[[Ours], int]:
    """Names of methods and properties that are words of the language."""
    kinds = ("name", "identifier", "field_identifier", "property_identifier", "constant")
    return lambda ours: sum(node.type in kinds and text(node, ours) in words for node in own(ours))


_WORDS = r"\b(?:if|elsif|until|for|while|rescue|ensure|when|and|or)\b|\|\||&&|\?"
_LIZARD = ("lizard",)

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
    Difference("text-as-code", _LIZARD, ("ruby",), "/(a)?(b|c)?/, \"#{a if b}\", <<~SQL",
        "lizard reads regular expressions, here-documents and strings with code inside partly as code, partly not at all",
        tokens(_WORDS, "regex", "heredoc_body", "string", "string_array", "symbol_array", "subshell", "delimited_symbol"), True),
    Difference("text-as-code-lost", _LIZARD, ("ruby",), "\"#{a if b}\"",
        "lizard loses code behind a string, a regular expression or a character that it did not see the end of",
        lambda ours: -(ours.function.cyclomatic - 1) if re.search(r"#\{|[?/%]\S|<<", ours.text) else 0, True),
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
        lambda ours: sum(node.type in ours.language.scopes.anonymous and node.parent is not None and node.parent.type == "ternary_expression" for node in inside(ours.node, ours)), True),
    Difference("method-recursion", ("cognitive_complexity", "complexipy", "both"), ("python",), "self.walk(a)",
        "the tools take f() for recursion even in a method, where it is another function, and not self.f()",
        lambda ours: 0),
)  # fmt: skip
