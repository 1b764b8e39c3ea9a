"""How hard code is to follow, counted on its tree. Two numbers with two published definitions.

Cyclomatic (McCabe 1976): 1 + decisions + boolean operators. A decision is a branch, loop, case that
tests something, handler, ternary, comprehension and its filters; for Python the list is radon's. Declared
functions inside count for themselves, function expressions for the function around them.

Cognitive (G. Ann Campbell, "Cognitive Complexity", SonarSource, version 1.7): branches, loops,
switches, handlers and ternaries cost 1 + how deep they are nested; else and elif cost 1; a sequence of
like boolean operators costs 1; jumps to a label cost 1; direct recursion costs 1 per function. Functions
inside add a nesting level and count for the function around them. A condition, or another head, is not nested
in what it guards; comprehensions and null-coalescing cost nothing.

Where Rules.apart is set (JavaScript, as eslint and sonarjs count) every function counts for itself alone.
What differs from which tool, and why, is in server/AGREEMENT.md.

Nesting is the greatest number of branches, loops, switches and handlers around one place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Generator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from tree_sitter import Node

from codriver.syntax import names
from codriver.syntax.language import Language, Rules
from codriver.syntax.paces import whole

NAMED = 60
"""Functions around one beyond which nobody looks what names it: looking up from it costs its depth."""

PACE = 200
"""Nodes that are looked at in one go when there is no hurry: some half a millisecond."""


@dataclass(slots=True)
class Count:
    """Numbers of one function or region.

    inner: the outermost named functions in a function; the outermost ones of any kind in a region.
    """

    cyclomatic: int = 1
    cognitive: int = 0
    nesting: int = 0
    inner: list[Node] = field(default_factory=list)


def measure(node: Node, source: bytes, language: Language, is_member: bool = False) -> Count:
    """Counts a function, or any other node with everything in it.

    is_member: the function stands in a class, so that its bare name may be another function.
    """
    return whole(measuring(node, source, language, is_member))


def measuring(node: Node, source: bytes, language: Language, is_member: bool = False) -> Generator[None, None, Count]:
    """As `measure`, PACE nodes between two yields."""
    is_function = names.kind(node, source, language) in names.function_types(language)
    own = _Own.of(node, source, language, is_member) if is_function else None
    walk = _Walk(source, language, own)
    if is_function:
        walk.push(_inside(node, source, language), _Place(functions=1))
    else:
        walk.push([node], _Place())
    return (yield from walk.run())


class _Place(NamedTuple):
    """Where a node stands."""

    nesting: int = 0
    """In the cognitive sense."""
    depth: int = 0
    """Structures around it."""
    functions: int = 0
    """Functions around it."""
    own: bool = True
    """Its decisions count for the cyclomatic number being made."""
    chained: bool = False
    """It is the `if` of an `else if`."""


@dataclass(frozen=True, slots=True)
class _Own:
    """How the function being counted would call itself."""

    name: str
    callees: frozenset[str]
    objects: frozenset[str]
    parameters: int

    @staticmethod
    def of(node: Node, source: bytes, language: Language, is_member: bool) -> _Own:
        written = names.name_of(node, source, language)
        name = written.rpartition(".")[2]
        selves, variable = list(language.rules.selves), names.receiver(node, source, language)[0]
        if variable:
            selves.append(f"{variable}.")
        if f"{name}." in selves:  # a constructor that calls another one (Scala)
            name = written = ""
        callees = {f"{self}{name}" for self in selves} | ({written} if "." in written else set())
        objects = {self.rstrip(".:->") for self in selves}
        if language.rules.bare_self or not (is_member or variable or _is_entry(node, language)):
            callees.add(name)
            objects.add("")
        parameters = names.parameters_of(node, source, language, is_member)
        return _Own(name, frozenset(callees if name else ()), frozenset(objects), parameters)


class _Walk:
    """One pass over a subtree with an explicit stack: expressions can be deeper than Python's own."""

    def __init__(self, source: bytes, language: Language, own: _Own | None) -> None:
        self.source, self.language, self.rules, self.own = source, language, language.rules, own
        self.functions = names.function_types(language)
        self.count = Count()
        self.recursive = False
        self.pending: list[tuple[Node, _Place]] = []

    def push(self, nodes: list[Node], place: _Place) -> None:
        self.pending.extend([(node, place) for node in nodes])

    def run(self) -> Generator[None, None, Count]:
        telling, pending, keyed = _telling(self.language), self.pending, self.language.scopes.keyed
        while pending:
            for _ in range(PACE):
                node, place = pending.pop()
                if node.type in telling:
                    kind = names.kind(node, self.source, self.language) if keyed else node.type
                    self.visit(node, kind, place)
                elif node.named_child_count:
                    pending.extend([(child, place) for child in node.named_children])
                if not pending:
                    break
            else:
                yield
        self.count.cognitive += self.recursive
        self.count.inner.sort(key=lambda node: node.start_byte)
        return self.count

    def visit(self, node: Node, kind: str, place: _Place) -> None:
        rules = self.rules
        if place.own:
            self.count.cyclomatic += self.decisions(node, kind)
        if kind in self.functions:
            if rules.apart:
                return self.count.inner.append(node)
            place = self.enter_function(node, kind, place)
        elif kind in rules.structures:
            return self.enter_structure(node, kind, place)
        elif kind in rules.logical:
            return self.enter_logical(node, place)
        elif kind in rules.chained:
            return self.enter_chained(node, kind, place)
        elif kind in rules.logical_chains or self.jumps_to_label(node, kind):
            self.count.cognitive += 1
        elif node.type in rules.calls and self.own and not self.recursive:
            self.recursive = self.calls_itself(node, node.type, self.own)
        if kind in rules.directives:
            asked = node.child_by_field_name(rules.directives[kind])
            return self.push([child for child in node.named_children if child != asked], place)
        if kind in rules.else_parents:
            self.count.cognitive += sum(child.type in rules.elses for child in node.named_children)
        return self.push(node.named_children, place)

    def decisions(self, node: Node, kind: str) -> int:
        rules, found = self.rules, 0
        if kind in rules.decisions:
            found += self.decides(node, kind)
        if kind in rules.guards:
            found += node.child_by_field_name(rules.guards[kind]) is not None
        if kind in rules.arms:
            found += max(sum(child.type == rules.arms[kind] for child in node.named_children) - 1, 0)
        if kind in rules.cases:
            found += sum(child.type == rules.cases[kind] for child in node.children)
        if kind in rules.else_decisions:
            found += sum(child.type in rules.elses and self.decides(child) for child in node.named_children)
        if kind in rules.logical_chains:
            found += sum(self.sign(child) in rules.operators for child in node.children)
        return found

    def decides(self, node: Node, kind: str = "") -> bool:
        """Whether it is none of the defaults, which always hold."""
        pattern = self.rules.defaults.get(kind or node.type)
        head = self.source[node.start_byte : node.start_byte + 80] if pattern else b""
        return not (pattern and re.match(pattern.encode(), head))

    def enter_function(self, node: Node, kind: str, place: _Place) -> _Place:
        named = kind not in self.language.scopes.anonymous
        near = place.functions < NAMED
        listed = named or (near and bool(names.name_of(node, self.source, self.language)))
        if (listed and place.own) if self.own else not place.functions:
            self.count.inner.append(node)
        deeper = place.functions > 0 and not (self.rules.decorators and near and _is_decorator(node, self.functions))
        return _Place(place.nesting + deeper, place.depth, place.functions + 1, place.own and not named)

    def enter_structure(self, node: Node, kind: str, place: _Place) -> None:
        """Costs 1 + nesting; the `if` of an `else if` costs 1 and stands no deeper than its first `if`."""
        self.count.cognitive += 1 if place.chained else 1 + place.nesting
        inside = place._replace(chained=False)
        if not place.chained:
            inside = inside._replace(nesting=place.nesting + 1, depth=place.depth + 1)
        self.count.nesting = max(self.count.nesting, inside.depth)
        bare = self.bare_else(node) if kind in self.rules.ifs else None
        for index, child in enumerate(node.named_children):
            if node.field_name_for_named_child(index) in _HEADS:
                self.pending.append((child, _out_of(place) if place.chained else place))
            elif kind in self.rules.else_parents and child.type in self.rules.elses and not child.child_count:
                bare = child.next_named_sibling  # a mark of its own, in front of what it belongs to (Swift)
            elif (kind in self.rules.else_parents and child.type in self.rules.elses) or child == bare:
                self.enter_else(child, inside)
            else:
                self.pending.append((child, inside))

    def bare_else(self, node: Node) -> Node | None:
        """What stands after an else, where that is no node of its own."""
        found = node.child_by_field_name(self.rules.alternative)
        while found is not None and (found.is_extra or not found.is_named):  # the word itself, or a remark behind it
            found = found.next_named_sibling
        return found

    def enter_chained(self, node: Node, kind: str, place: _Place) -> None:
        """elif and its like: its condition stands where that of its first `if` does."""
        elses = [
            child for child in node.named_children if kind in self.rules.else_parents and child.type in self.rules.elses
        ]
        self.count.cognitive += 1 + len(elses)
        for index, child in enumerate(node.named_children):
            head = node.field_name_for_named_child(index) in _HEADS
            self.pending.append((child, _out_of(place) if head else place))

    def enter_else(self, node: Node, place: _Place) -> None:
        """An else clause, or the bare statement after else; as `else if` it costs as that `if`."""
        rules = self.rules
        if node.type in rules.ifs:
            return self.pending.append((node, place._replace(chained=True)))
        if node.type in rules.chained:
            return self.pending.append((node, place))
        around = node.type in rules.elses or node.type in rules.else_bodies
        follower = node.named_children[:1] if rules.else_if and around else []
        if follower and follower[0].type in rules.ifs:
            return self.push(follower, place._replace(chained=True))
        self.count.cognitive += 1
        return self.pending.append((node, place))

    def enter_logical(self, node: Node, place: _Place) -> None:
        """A whole expression of boolean operators at once, through parentheses, in reading order."""
        rules, operator = self.rules, self.operator_of(node)
        if operator not in rules.operators:
            self.count.cyclomatic += place.own and operator in rules.coalescing
            return self.push(node.named_children, place)
        operators: list[str] = []
        parts, chooses = [node], False
        while parts:
            part = _unwrapped(parts.pop(), rules.logical, rules.around)
            sign = self.sign(part)
            if part.type in rules.logical and self.operator_of(part) in rules.operators:
                fields = (part.child_by_field_name(name) for name in ("right", "operator", "left"))
                sides = [child for child in fields if child is not None]
                parts += sides if len(sides) == 3 else reversed(part.children)
            elif sign in rules.operators:
                operators.append(_SAME.get(sign, sign))
            else:
                chooses = chooses or _unwrapped(part, rules.structures, rules.around).type in rules.structures
                self.pending.append((part, place))
        if node.parent is None or node.parent.type not in rules.free_in or len(set(operators)) > 1 or chooses:
            changes = [b for a, b in pairwise(["", *operators]) if a != b]
            self.count.cognitive += sum(sign not in rules.free for sign in changes)
        self.count.cyclomatic += len(operators) if place.own else 0
        return None

    def operator_of(self, node: Node) -> str:
        """The operator of an expression: its field, else the first child that is one."""
        operator = node.child_by_field_name("operator")
        if operator is not None:
            return self.sign(operator)
        known = (*self.rules.operators, *self.rules.coalescing)
        return next((sign for sign in map(self.sign, node.children) if sign in known), "")

    def sign(self, node: Node) -> str:
        return self.written(node) if node.type in self.rules.signs else node.type

    def jumps_to_label(self, node: Node, kind: str) -> bool:
        label = self.rules.jumps.get(kind)
        return label == "" or (label is not None and any(child.type == label for child in node.named_children))

    def calls_itself(self, node: Node, kind: str, own: _Own) -> bool:
        called = self.written(names.follow(node, self.rules.calls[kind]))
        if kind in self.rules.call_objects:
            target = node.child_by_field_name(self.rules.call_objects[kind])
            if called != own.name or self.written(target) not in own.objects:
                return False
        elif called not in own.callees:
            return False
        if not self.rules.overloads:
            return True
        if kind in self.rules.arguments:
            return sum(child.type == self.rules.arguments[kind] for child in node.children) == own.parameters
        passed = node.child_by_field_name("arguments")
        return passed is None or passed.named_child_count == own.parameters

    def written(self, node: Node | None) -> str:
        if node is None:
            return ""
        return self.source[node.start_byte : min(node.end_byte, node.start_byte + 100)].decode("utf-8", "replace")


def _out_of(place: _Place) -> _Place:
    """One structure further out."""
    return place._replace(nesting=place.nesting - 1, depth=place.depth - 1, chained=False)


def _is_entry(node: Node, language: Language) -> bool:
    """Whether its name is that of an object's entry, which a bare call does not mean."""
    entries = language.rules.entries
    return node.type in entries or (node.parent is not None and node.parent.type in entries)


_SAME = {"and": "&&", "or": "||"}
_HEADS = frozenset(
    (
        "condition",
        "value",
        "subject",
        "left",
        "right",
        "pattern",
        "parameter",
        "init",
        "initializer",
        "initial",
        "increment",
        "update",
    )
)
"""Fields of a structure that are evaluated on its own level, not in what it guards."""


@cache
def _telling(language: Language) -> frozenset[str]:
    """All node types that mean anything here; the walk passes the others by."""
    rules: Rules = language.rules
    groups = (
        rules.decisions, rules.guards, rules.arms, rules.cases, rules.else_decisions, rules.logical,
        rules.logical_chains, rules.structures, rules.chained, rules.else_parents, rules.directives, rules.jumps,
        rules.calls, names.function_types(language),
    )  # fmt: skip
    return frozenset(kind for group in groups for kind in group) | frozenset(language.scopes.keyed)


def _inside(node: Node, source: bytes, language: Language) -> list[Node]:
    """What a function holds besides its heading: parameters, and a name that looks like a call."""
    if language.rules.apart:
        return node.named_children
    path = language.scopes.headings.get(names.kind(node, source, language)) if language.scopes.headings else None
    heading = node.child_by_field_name("parameters") if path is None else names.follow(node, path)
    if path is None or heading is None:
        return [child for child in node.named_children if child != heading]
    found: list[Node] = []
    for child in node.named_children:
        holds = child.start_byte <= heading.start_byte and heading.end_byte <= child.end_byte
        inner = child.named_children if holds and child != heading else [child]
        found += [each for each in inner if each != heading]
    return found


def _unwrapped(node: Node, kinds: Collection[str], around: Collection[str] = ()) -> Node:
    """The node of these kinds inside parentheses, comments passed over; anything else stays as it is."""
    inner = node
    while inner.type.startswith("parenthesized_") or inner.type in around:
        held = [child for child in inner.named_children if not child.is_extra]
        if len(held) != 1:
            break
        inner = held[0]
    return inner if inner.type in kinds else node


def _is_decorator(node: Node, functions: frozenset[str]) -> bool:
    """Whether this function stands in one that does nothing but define and return it."""
    block = node.parent
    if block is not None and block.type == "decorated_definition":
        block = block.parent
    if block is None or block.parent is None or block.parent.type not in functions:
        return False
    kinds = [child.type for child in block.named_children if child.type != "comment"]
    return len(kinds) == 2 and kinds[1] == "return_statement"
