"""Why a tool's number differs from ours: named differences in definition, each found by a rule.

Where a difference has an amount, it says by how much the tool's number must differ, given what stands in the
function: a function is explained when some of the differences that apply to it, each to its full amount, make our
number into theirs. The others are what a tokenizer misreads (plainly.py): found by asking it again.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

import plainly
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
    amount: Callable[[Ours], int] | None = None
    loosely: bool = False
    """Any part of the amount may be the difference."""


def explain(ours: Ours, tool: str, mine: int, theirs: int) -> tuple[str, ...]:
    """Names of the fewest differences that make our number theirs; empty when none do."""
    applying = [each for each in ALL if tool in each.tools and ours.language.name in each.languages]
    found = [(each, amount) for each in applying if each.amount is not None and (amount := each.amount(ours))]
    for size in range(1, len(found) + 1):
        for chosen in combinations(found, size):
            if _makes(chosen, theirs - mine):
                return tuple(each.name for each, _ in chosen)
    return ()


def _makes(chosen: Iterable[tuple[Difference, int]], wanted: int) -> bool:
    least = most = 0
    for each, amount in chosen:
        least += min(amount, 0) if each.loosely else amount
        most += max(amount, 0) if each.loosely else amount
    return least <= wanted <= most and wanted != 0


def inside(node: Node) -> Iterator[Node]:
    """All nodes below one, tokens too."""
    pending = list(node.children)
    while pending:
        child = pending.pop()
        yield child
        pending.extend(child.children)


def text(node: Node, ours: Ours) -> str:
    return ours.source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _in_asserts(ours: Ours) -> int:
    asserts = [node for node in _own(ours) if node.type == "assert_statement"]
    return -sum(complexity.measure(node, ours.source, ours.language).cyclomatic - 2 for node in asserts)


def _own(ours: Ours) -> Iterator[Node]:
    """All nodes of a function without those of declared functions inside, which count for themselves."""
    pending = list(ours.node.children)
    while pending:
        child = pending.pop()
        yield child
        if child.type not in ours.language.scopes.functions:
            pending.extend(child.children)


def _preprocessor(ours: Ours) -> int:
    """How many more directives the text has than the tree: in a statement broken up by them the tree has errors."""
    written = len(re.findall(r"^[ \t]*#[ \t]*(?:if|ifdef|elif)\b", ours.text, re.MULTILINE))
    kinds = ("preproc_if", "preproc_ifdef", "preproc_elif")
    counted = sum(node.type in kinds and not re.match(r"#\s*ifndef", text(node, ours)) for node in _own(ours))
    return written - counted


def _calls_itself(ours: Ours) -> int:
    own_name = re.escape(names.name_of(ours.node, ours.source, ours.language).rpartition(".")[2])
    body = ours.source[ours.body()[0] : ours.body()[1]].decode("utf-8", "replace")
    return -bool(own_name and re.search(rf"(?<!\w){own_name}\s*(?:<[^()]*>)?(?:\?\.)?\(", body))


def _within(ours: Ours, kinds: tuple[str, ...]) -> int:
    """Our number of the outermost nodes of some kinds."""
    found, pending = 0, list(ours.node.children)
    while pending:
        node = pending.pop()
        if node.type in kinds:
            found += complexity.measure(node, ours.source, ours.language).cyclomatic - 1
        elif node.type not in names.function_types(ours.language):
            pending.extend(node.children)
    return found


def _calls(ours: Ours, before: str) -> bool:
    """Whether it calls a function of its own name, with this pattern before it."""
    return re.search(rf"{before}{re.escape(ours.name)}\s*\(", ours.text.partition("(")[2]) is not None


def _bare_calls(ours: Ours) -> int:
    return int(ours.function.kind == "method" and _calls(ours, r"(?<![\w.])"))


def _calls_of_self(ours: Ours) -> int:
    return -int(ours.function.kind == "method" and _calls(ours, r"\b(?:self|cls)\."))


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


def _by_chance(ours: Ours) -> int:
    """What both add, for different things: complexipy the loop of a comprehension, cognitive_complexity each elif's depth."""
    nodes = list(inside(ours.node))
    loops = sum(_depth(node, ours) + 1 for node in nodes if node.type == "for_in_clause")
    chains = sum(max(_depth(node, ours) - 2, 0) for node in nodes if node.type == "elif_clause")
    return loops if loops == chains else 0


def _depth(node: Node, ours: Ours) -> int:
    depth = 0
    while (around := node.parent) is not None and around != ours.node:
        depth += around.type in ours.language.rules.structures
        node = around
    return depth


def _behind_length(ours: Ours) -> int:
    """Decisions between a length operator and the end of its line."""
    marks: dict[int, int] = {}
    for node in inside(ours.node):
        if node.type == "#":
            row = node.start_point.row
            marks[row] = min(node.end_byte, marks.get(row, node.end_byte))
    unread = (ours.source[start:].partition(b"\n")[0] for start in marks.values())
    return -sum(len(re.findall(rb"\b(?:and|or|if|elseif|for|while|until|repeat)\b", line)) for line in unread)


def _tokens(kind: str, within: str) -> Callable[[Ours], int]:
    """How many nodes or tokens of one kind the tool passes by."""
    return lambda ours: (
        -sum(node.type == kind and node.parent is not None and node.parent.type == within for node in _own(ours))
    )


def _branches(ours: Ours) -> int:
    """How often a structure may stand deeper behind functions that are themselves the branch of a conditional."""
    anonymous, structures = ours.language.scopes.anonymous, ours.language.rules.structures
    nodes = list(inside(ours.node))
    functions = sum(
        node.type in anonymous and node.parent is not None and node.parent.type == "ternary_expression"
        for node in nodes
    )
    return functions * sum(node.type in structures for node in nodes)


TEXT_AS_CODE = plainly.TEXT_AS_CODE
OTHER_BOUNDS = "other-bounds"
NOT_PARSED = "not-parsed"
_COUNTED = ("c", "cpp", "java", "go", "kotlin", "objc", "objcpp", "solidity", "rust", "ruby", "php", "swift", "lua")

ALL: tuple[Difference, ...] = (
    Difference("assert-inside", ("radon",), ("python",), "assert all(x for x in y)",
        "radon counts an assert and looks no further; a comprehension or a boolean operator in it is a path as elsewhere",
        _in_asserts),
    Difference("field-initializer", ("eslint",), _SCRIPTS, "class { a = b || c }",
        "eslint takes a field's value for a function of its own; we read it where it stands",
        lambda ours: -_within(ours, ("field_definition", "public_field_definition"))),
    Difference("recursion", ("sonarjs",), _SCRIPTS, "const f = a => f(a.b)",
        "sonarjs does not count recursion; the paper of the same owner does", _calls_itself),
    Difference("branch-is-function", ("sonarjs",), _SCRIPTS, "a ? (b) => c : d",
        "in sonarjs a function that is itself a branch leaves everything behind it nested one deeper", _branches, True),
    Difference("name-recursion", ("both",), ("python",), "def open(self): self.f = open(a)",
        "the tools take a method's own name for recursion; without self. it is another function", _bare_calls),
    Difference("self-recursion", ("both",), ("python",), "def f(self): self.f()",
        "the tools look for bare names only; the paper counts a method that calls itself", _calls_of_self),
    Difference("boolean-trees", ("both",), ("python",), "(a or b and c) and d",
        "the tools count the nodes of the expression's tree; the paper counts sequences of like operators as they are read",
        _boolean_trees),
    Difference("by-chance", ("both",), ("python",), "a generator beside elif deep inside",
        "they differ from us for different reasons by the same amount: complexipy counts the loop of a comprehension, "
        "cognitive_complexity lets each elif cost as much as its if; the paper has neither", _by_chance),
    Difference("preprocessor", _LIZARD, ("c", "cpp", "objc", "objcpp"), "if (a\n#ifdef B\n || b\n#endif\n)",
        "a statement broken up by directives is no tree; those we do not find are counted by lizard", _preprocessor),
    Difference("assigned-and", _LIZARD, ("c", "cpp", "objc", "objcpp"), "a && (b = c)",
        "lizard takes && with an = behind it for an rvalue reference, and drops it; it is a boolean operator"),
    Difference("rvalue-reference", _LIZARD, ("cpp",), "auto&& x, f(T&& y)",
        "lizard counts the && of many references; they decide nothing"),
    Difference("initializers", _LIZARD, ("cpp",), "A::A() : b_(c ? 1 : 0) {}",
        "lizard does not read what a constructor's initializers decide", lambda ours: -_within(ours, ("field_initializer_list",))),
    Difference("operator-words", _LIZARD, ("cpp", "php"), "a and b",
        "lizard counts && and || but not their words; they are the same operators"),
    Difference("where-clause", _LIZARD, ("rust",), "fn f<T>(a: T) where T: Clone",
        "lizard counts `where` as a condition; it is a bound on a type"),
    Difference("closure-bars", _LIZARD, ("rust",), "a.map(|| b)",
        "lizard takes the bars of a closure without parameters for the operator ||"),
    Difference("macro-arguments", _LIZARD, ("rust",), "assert!(a && b)",
        "lizard counts words and operators in a macro's arguments; what they become only the macro knows"),
    Difference("for-no-loop", _LIZARD, ("rust",), "impl A for B, for<'a> Fn(&'a str)",
        "lizard counts every `for`; these are no loops"),
    Difference("reference-twice", _LIZARD, ("rust",), "a: &&str", "lizard takes && for the operator; it is a type or a borrow"),
    Difference("maybe-sized", _LIZARD, ("rust",), "T: ?Sized", "lizard counts the ?; it is a bound on a type"),
    Difference("unless", _LIZARD, ("ruby",), "return unless a", "lizard does not count `unless`; it is an `if`"),
    Difference("ensure", _LIZARD, ("ruby",), "begin ... ensure ... end",
        "lizard counts `ensure`; it is passed on every path"),
    Difference("block-end", _LIZARD, ("ruby",), "case a ... end, until a ... end",
        "lizard takes the `end` of these for the end of what is around them, and stops reading the function too early"),
    Difference("pattern-in", _LIZARD, ("ruby",), "case a in [b]", "lizard does not count `in`; it is a `when`"),
    Difference("handler", _LIZARD, ("solidity",), "try a.b() {} catch {}",
        "lizard counts `catch` in other languages, in Solidity it does not; it is a handler",
        _tokens("catch_clause", "try_statement")),
    Difference("yul-case", _LIZARD, ("solidity",), "assembly { switch a case 0 {} }",
        "lizard does not count the cases of assembly; they are those of a switch", _tokens("case", "yul_switch_statement")),
    Difference("nullable-type", _LIZARD, ("php",), "function f(?string $a): ?int",
        "lizard takes the ? of a type for the conditional operator"),
    Difference("short-conditional", _LIZARD, ("php",), "$a ?: $b",
        "lizard does not count ?:, PHP's own tools do: it is a conditional"),
    Difference("trailing-comma", _LIZARD, ("kotlin",), "when (a) { B, C, -> d() }",
        "lizard does not see an arrow behind a comma, nor the arm"),
    Difference("lambda-arrow", _LIZARD, ("kotlin",), "a.map { b -> when (b) { ... } }",
        "lizard waits for a brace behind the arrow of a lambda, and passes over what comes before one"),
    Difference("optional-mark", _LIZARD, ("swift",), "for case let a? in b",
        "lizard takes some marks of optional values for the conditional operator"),
    Difference("pattern-case", _LIZARD, ("swift",), "if case .a = b",
        "lizard counts the `if` and the `case`; it is one question"),
    Difference("length", _LIZARD, ("lua",), "#a > 0 and b",
        "lizard takes the length operator for the beginning of a comment, and does not read the rest of the line",
        _behind_length),
    Difference("keyword-name", _LIZARD, _COUNTED, "$this->case, Sequel.or(a), f(for: b)",
        "lizard takes a name that is a keyword elsewhere for the keyword"),
    Difference(TEXT_AS_CODE, _LIZARD, _COUNTED, '/(a)?b/, "#{a if b}", <<~SQL',
        "lizard reads parts of strings, regular expressions and here-documents as code, or code behind them as text"),
    Difference(OTHER_BOUNDS, _LIZARD, _COUNTED, "func f() <-chan struct{} {",
        "lizard ends this function on another line than the grammar does, or finds other ones inside it, whose decisions it "
        "gives to the one around or the reverse: a struct in a result's type, `#else {`, a function's body that is an "
        "expression. Checked: its lines differ from the tree's"),
    Difference(NOT_PARSED, _LIZARD, _COUNTED, "if let a = try? b?.c {",
        "the weakness is ours: the grammar has an error in this function, so that a part of it may not be counted"),
)  # fmt: skip
