"""Numbers of every function of a text, counted once per text of each unit (outline.Unit).

A keystroke changes one unit; the others are found again by their bytes, wherever they moved.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from codriver.model.features import Function
from codriver.syntax import complexity, names, outline
from codriver.syntax.language import Language
from codriver.syntax.paces import whole
from codriver.syntax.parse import Parse

DEEPEST = 20
"""Named functions inside one another beyond this are not listed."""

_UNCLAIMED = 500
"""Measures made since everything was counted; older ones make room."""

_NESTED, _LEVELS = 5_000, 20
"""Functions in functions that are remembered on their own, and how deep inside one another."""

_Key = tuple[str, str, bytes]


@dataclass(frozen=True, slots=True)
class Measured:
    """One unit. Functions count bytes from the unit's start, and lines from its first line as 0.

    The list holds functions without a name too, where no named one is around them.
    cyclomatic is the sum of decisions, without the 1.
    """

    functions: tuple[Function, ...]
    cyclomatic: int
    cognitive: int
    nesting: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A measured unit and where it stands in the text now."""

    start: int
    end: int
    line: int
    measured: Measured

    def functions(self) -> Iterator[Function]:
        """Its functions, in the text's bytes and 1-based lines."""
        for function in self.measured.functions:
            yield _shifted(function, self.line, self.start)


class Measures:
    """The cache: numbers by the unit's bytes and the scope it stands in."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._known: dict[_Key, Measured] = {}
        self._nested: dict[_Key, Measured] = {}
        self._claimed = 0

    def of(self, parse: Parse) -> tuple[Placed, ...]:
        """All units of a parse, in reading order. Forgets what is no longer in the text."""
        return whole(self.all_of(parse))

    def all_of(self, parse: Parse) -> Generator[None, None, tuple[Placed, ...]]:
        """As `of`, bit by bit."""
        known, placed = dict[_Key, Measured](), list[Placed]()
        for unit in outline.units(parse.root, parse.source, self._language):
            placed.append((yield from self._placed(unit, parse, self._known, known)))
            yield
        self._claimed, self._known = len(known), known
        return tuple(placed)

    def within(self, parse: Parse, start: int, end: int) -> tuple[Placed, ...]:
        """Units that touch bytes [start, end) of the text; the others are not counted."""
        return whole(self.some_of(parse, start, end))

    def some_of(self, parse: Parse, start: int, end: int) -> Generator[None, None, tuple[Placed, ...]]:
        """As `within`, bit by bit."""
        placed, span = list[Placed](), (start - parse.origin, end - parse.origin)
        for unit in outline.units(parse.root, parse.source, self._language, span):
            placed.append((yield from self._placed(unit, parse, self._known)))
            yield
        self._forget()
        return tuple(placed)

    def at(self, parse: Parse, start: int) -> Placed | None:
        """The unit that holds this byte of the text; the others are not counted."""
        return whole(self.one_of(parse, start))

    def one_of(self, parse: Parse, start: int) -> Generator[None, None, Placed | None]:
        """As `at`, bit by bit."""
        unit = outline.unit_at(parse.root, parse.source, self._language, start - parse.origin)
        self._forget()
        return (yield from self._placed(unit, parse, self._known)) if unit is not None else None

    def _forget(self) -> None:
        """Typing makes a new text of one unit with every key; the oldest of these are not needed any more."""
        while len(self._known) > self._claimed + _UNCLAIMED:
            del self._known[next(iter(self._known))]
        while len(self._nested) > _NESTED:
            del self._nested[next(iter(self._nested))]

    def _placed(self, unit: outline.Unit, parse: Parse, *caches: dict[_Key, Measured]) -> Generator[None, None, Placed]:
        node, head = unit.node, names.head_of(unit.node, self._language)
        prefix = unit.prefix if head is None else f"{unit.prefix}{parse.text(head).decode('utf-8', 'replace')}"
        key = prefix, unit.parent_kind, parse.text(node)
        measured = caches[0].get(key) or self._known.get(key)
        if measured is None:
            measured = yield from self._measure(unit, parse.source)
        for cache in caches:
            cache[key] = measured
        return Placed(
            node.start_byte + parse.origin,
            node.end_byte + parse.origin,
            node.start_point.row + parse.rows + 1,
            measured,
        )

    def single(self, node: Node, parse: Parse) -> Function:
        """Numbers of one function of a parse, not cached; its name is its own."""
        count = whole(self._count(node, parse.source, False))
        function = self._function(node, parse.source, "", "", count)
        return _shifted(function, parse.rows + 1, parse.origin)

    def _measure(self, unit: outline.Unit, source: bytes, level: int = 0) -> Generator[None, None, Measured]:
        language, functions = self._language, list[Function]()
        entire = yield from self._count(unit.node, source, names.is_class(unit.parent_kind, language))
        apart, anonymous = language.rules.apart, language.scopes.anonymous
        decisions, cognitive, nesting = 0, entire.cognitive, entire.nesting
        roots = (
            [unit.node] if names.kind(unit.node, source, language) in names.function_types(language) else entire.inner
        )
        pending = [(node, unit.prefix, unit.parent_kind, 0) for node in reversed(roots)]
        while pending:
            node, prefix, parent_kind, depth = pending.pop()
            if apart and node != unit.node and level < _LEVELS:
                inner = yield from self._inside(outline.Unit(node, prefix, parent_kind), source, level + 1)
                lines, size = node.start_point.row - unit.node.start_point.row, node.start_byte - unit.node.start_byte
                functions += (_shifted(function, lines, size) for function in inner.functions)
                decisions, cognitive = decisions + inner.cyclomatic, cognitive + inner.cognitive
                nesting = max(nesting, inner.nesting)
                yield
                continue
            is_member = names.is_class(parent_kind, language)
            count = entire if node == unit.node else (yield from self._count(node, source, is_member))
            function = self._function(node, source, prefix, parent_kind, count)
            functions.append(_shifted(function, -unit.node.start_point.row, -unit.node.start_byte))
            if node != unit.node and (apart or names.kind(node, source, language) not in anonymous):
                decisions += max(count.cyclomatic - 1, 0)
            if node != unit.node and apart:
                cognitive, nesting = cognitive + count.cognitive, max(nesting, count.nesting)
            if depth < DEEPEST or apart:
                inside = f"{function.name}." if function.name else prefix
                pending += [(inner, inside, function.kind, depth + 1) for inner in reversed(count.inner)]
        own = entire.cyclomatic - 1 if language.counted else 0
        return Measured(tuple(functions), own + decisions, cognitive, nesting)

    def _inside(self, unit: outline.Unit, source: bytes, level: int) -> Generator[None, None, Measured]:
        """A function that counts for itself alone, remembered as a unit is: what is around it may change."""
        name = names.name_of(unit.node, source, self._language)
        key = f"{unit.prefix}\0{name}", unit.parent_kind, source[unit.node.start_byte : unit.node.end_byte]
        measured = self._nested.get(key)
        if measured is None:
            measured = self._nested[key] = yield from self._measure(unit, source, level)
        return measured

    def _count(self, node: Node, source: bytes, is_member: bool) -> Generator[None, None, complexity.Count]:
        """What is counted; of a language that is only guessed at, no more than nesting."""
        count = yield from complexity.measuring(node, source, self._language, is_member)
        if not self._language.counted:
            count.cyclomatic, count.cognitive = 0, 0
        return count

    def _function(self, node: Node, source: bytes, prefix: str, parent_kind: str, count: complexity.Count) -> Function:
        name = names.name_of(node, source, self._language)
        is_member = names.is_class(parent_kind, self._language)
        begin = names.head_of(node, self._language) or node
        first, last = begin.start_point.row, _last_row(node)
        return Function(
            name=f"{prefix}{name}" if name else "",
            kind=names.kind_of(node, source, self._language, parent_kind),
            start_line=first,
            end_line=last,
            cyclomatic=count.cyclomatic,
            cognitive=count.cognitive,
            nesting=count.nesting,
            parameters=names.parameters_of(node, source, self._language, is_member),
            lines=last - first + 1,
            start_byte=begin.start_byte,
            end_byte=node.end_byte,
        )


def total(units: Sequence[Placed]) -> tuple[int, int, int]:
    """Cyclomatic (1 + all decisions), cognitive (sum) and nesting (greatest) of some units."""
    measured = [unit.measured for unit in units]
    return (
        1 + sum(one.cyclomatic for one in measured),
        sum(one.cognitive for one in measured),
        max((one.nesting for one in measured), default=0),
    )


def _last_row(node: Node) -> int:
    """The row of the node's last byte: a node that ends with a line feed does not reach the next row."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point.row else row


def _shifted(function: Function, lines: int, size: int) -> Function:
    # Written out: dataclasses.replace takes three times as long, and a long text has thousands.
    return Function(
        name=function.name,
        kind=function.kind,
        start_line=function.start_line + lines,
        end_line=function.end_line + lines,
        cyclomatic=function.cyclomatic,
        cognitive=function.cognitive,
        nesting=function.nesting,
        parameters=function.parameters,
        lines=function.lines,
        start_byte=function.start_byte + size,
        end_byte=function.end_byte + size,
    )
