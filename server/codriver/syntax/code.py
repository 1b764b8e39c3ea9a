"""Text of one language: its trees, what was counted on them, and what both say of a place.

Places and ranges are bytes of the text. Where the newest tree is broken the last good one answers, if it knows more.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from tree_sitter import Tree

from codriver.model.features import Function
from codriver.syntax import headers, outline, paces, sizes, surroundings
from codriver.syntax.language import Language
from codriver.syntax.measures import Measures, Placed
from codriver.syntax.outline import Scope
from codriver.syntax.parse import Parse
from codriver.syntax.parsing import count_errors
from codriver.syntax.places import Range, around, middle
from codriver.syntax.sizes import Size, Sizes
from codriver.syntax.surroundings import Surroundings
from codriver.syntax.text import Edit
from codriver.syntax.trees import EAGER, NEAR, SLICE, Trees


@dataclass(frozen=True, slots=True)
class _Counted:
    """What was counted of a whole text, or of its first window."""

    tree: Tree
    units: tuple[Placed, ...]
    functions: tuple[Function, ...]


class Code:
    """One text in one language, followed through its edits. Code in other languages inside of it is none of its own."""

    def __init__(self, language: Language, trees: Trees, clock: Callable[[], float] | None = None) -> None:
        """clock: seconds of the processor this thread has used, by which slices of counting end."""
        self.language, self.trees, self._clock = language, trees, clock
        self._measures, self._sizes = Measures(language), Sizes(language)
        self._imported: tuple[str, ...] | None = None
        self._counting: Iterator[None] | None = None
        self._counted: _Counted | None = None
        self._nearing: tuple[int, Iterator[None]] | None = None
        self._beside: tuple[Tree, Range, tuple[Placed, ...]] | None = None
        self._sights: dict[int, tuple[Parse | None, Parse | None]] = {}

    # How it follows the text.

    def edit(self, edits: Sequence[Edit], data: bytes) -> None:
        """The text became `data` by these edits, each in the coordinates the ones before it left."""
        self._forget()
        if len(data) <= EAGER:
            self._imported = None
        self.trees.edit(edits, data)

    def parse(self) -> None:
        """Brings the tree up to date, unless the text is too long to be parsed whole."""
        self.trees.parse()
        self._renewed()

    def step(self) -> bool:
        """Goes on parsing for a slice; True when there is nothing left to parse."""
        done = self.trees.step()
        self._renewed()
        return done

    def count(self) -> bool:
        """Goes on counting what `functions` lists, for a slice; True when nothing is left to count."""
        if self._counting is None:
            self._counting = self._count()
        return paces.slice_of(self._counting, SLICE, self._clock)

    def _count(self) -> Generator[None, None, None]:
        parse = self.trees.good()
        yield
        yield from self._importing()  # remembered for the time when the tree is stale
        if parse is None:
            return
        units, functions = (yield from self._measures.all_of(parse)), list[Function]()
        for function in (function for unit in units for function in unit.functions()):
            functions += [function] if function.name else []
            yield
        self._counted = _Counted(parse.tree, units, tuple(functions))

    def ready(self, offset: int) -> bool:
        """Goes on making ready what is asked of a byte by `facts`, for a slice; True when nothing is left to do."""
        if self._nearing is None or self._nearing[0] != offset:
            self._nearing = offset, self._near(offset)
        return paces.slice_of(self._nearing[1], SLICE, self._clock)

    def _near(self, offset: int) -> Generator[None, None, None]:
        """What function_at and with_callbacks, or else units, will ask for: what they count is remembered."""
        self.trees.newest(offset)
        yield
        yield from self._importing()
        place = offset, offset
        scope, (_, good) = self._function_scope(place), self._seen(offset)
        if scope is not None and good is not None:
            yield from self._measures.one_of(good, scope.start)
            return
        region = around(offset, len(self.trees.data))
        parse = self.trees.remembered() or self.trees.good(middle(region))
        if parse is not None:
            units = yield from self._measures.some_of(parse, *parse.seen(region))
            self._beside = parse.tree, region, units

    def rest(self) -> None:
        """Forgets the trees, not what was counted."""
        self.trees.drop()
        self._forget()

    def _forget(self) -> None:
        """Nothing holds any more that hangs on nodes: edits move them."""
        self._counting = self._counted = self._nearing = self._beside = None
        self._sights.clear()

    def _renewed(self) -> None:
        self._imported = None
        self._forget()

    # What is in the text.

    def imports(self) -> tuple[str, ...]:
        """Imported modules; of a long text as they were when it was last read, until then those in its first window."""
        return paces.whole(self._importing())

    def _importing(self) -> Generator[None, None, tuple[str, ...]]:
        if self._imported is None and (not self.trees.dirty or len(self.trees.data) <= EAGER):
            self._imported = yield from self._imports(self.trees.newest())
        if self._imported is not None:
            return self._imported
        return (yield from self._imports(self.trees.newest(0)))

    def _imports(self, parse: Parse | None) -> Generator[None, None, tuple[str, ...]]:
        if parse is None:
            return ()
        return (yield from outline.importing(parse.root, parse.source, self.language))

    def functions(self) -> tuple[Function, ...]:
        """All named functions in reading order; of a text too long for one tree, those in its first window."""
        parse = self.trees.remembered() or self.trees.good()
        if parse is None:
            return ()
        if self._counted is not None and self._counted.tree is parse.tree:
            return self._counted.functions
        return tuple(function for unit in self._measures.of(parse) for function in unit.functions() if function.name)

    def units(self, region: Range) -> tuple[Placed, ...]:
        """What is counted in a range, as far as it is seen from its middle."""
        parse = self.trees.remembered() or self.trees.good(middle(region))
        if parse is None:
            return ()
        if region == (0, len(parse.source)) and parse.window is None:
            counted = self._counted is not None and self._counted.tree is parse.tree
            return self._counted.units if self._counted and counted else self._measures.of(parse)
        if self._beside is not None and self._beside[0] is parse.tree and self._beside[1] == region:
            return self._beside[2]
        return self._measures.within(parse, *parse.seen(region))

    def errors(self, region: Range) -> int:
        """ERROR and MISSING nodes in a range, as far as it is seen from its middle."""
        near = region[1] - region[0] <= NEAR or not self.trees.whole
        parse = self.trees.newest(middle(region) if near else None)
        if parse is None:
            return 0
        start, end = parse.seen(region)
        return count_errors(parse.root, start - parse.origin, end - parse.origin)

    def size(self, region: Range, holes: Sequence[Range] = ()) -> Size:
        """Lines of code and comments in a range without its holes; without a tree lines that are not blank."""
        parse = self.trees.newest(middle(region))
        if parse is not None and not parse.covers(*region):
            parse = self.trees.remembered()
        if parse is None:
            return sizes.of_lines(self.trees.data[slice(*region)])
        return self._sizes.of(parse, region, holes)

    # What is at a place.

    def scopes(self, region: Range) -> tuple[Scope, ...]:
        """Scopes that hold the whole range, outermost first."""
        start, end = region
        holding = self._scopes(start)
        # Blanks at its end are left out: editors select to the next line's start.
        end = start + len(self.trees.data[start:end].rstrip())
        if end <= start:
            return holding
        last = {scope.start for scope in self._scopes(end)}
        return tuple(scope for scope in holding if scope.start in last)

    def function_at(self, region: Range) -> Function | None:
        """The smallest named function that holds the whole range, else the outermost nameless one."""
        wanted = self._function_scope(region)
        return self._function_of(wanted, region[0]) if wanted else None

    def function_start(self, region: Range) -> int | None:
        """Where that function begins."""
        wanted = self._function_scope(region)
        return wanted.start if wanted else None

    def _function_scope(self, region: Range) -> Scope | None:
        holding = [scope for scope in self.scopes(region) if scope.is_function]
        return next((scope for scope in reversed(holding) if scope.name), holding[0] if holding else None)

    def with_callbacks(self, function: Function) -> Function:
        """Where every function counts for itself alone: with the nameless ones inside, which nobody asks for."""
        if not self.language.rules.apart:
            return function
        others = [
            other
            for placed in self.units((function.start_byte, function.end_byte))
            for other in placed.functions()
            if not other.name and _within(other, function) and other != function
        ]
        return replace(
            function,
            cyclomatic=function.cyclomatic + sum(other.cyclomatic - 1 for other in others),
            cognitive=function.cognitive + sum(other.cognitive for other in others),
            nesting=max([function.nesting, *(other.nesting for other in others)]),
        )

    def surroundings(self, offset: int) -> Surroundings:
        """Scopes, symbols, calls and errors around a place, from the newest tree."""
        newest, _ = self._seen(offset)
        return surroundings.around(newest, offset, self.language) if newest is not None else Surroundings()

    def excerpt(self, region: Range, budget: int) -> tuple[bytes, bytes]:
        """The text before and behind a range, cut between nodes; both empty where there is no whole tree."""
        parse = self.trees.good() if self.trees.whole and not self.trees.unread else None
        if parse is None or parse.window is not None:
            return b"", b""
        return surroundings.excerpt(parse.root, parse.source, region, budget)

    def in_string_or_comment(self, offset: int) -> bool:
        """Whether text typed here would be text of a string or comment; no, when there is no tree."""
        parse = self.trees.close(offset)
        return parse is not None and outline.in_string_or_comment(parse, offset, self.language)

    def at_block_start(self, offset: int) -> bool:
        """Whether a block was just opened here. The tree is asked only where the text looks so."""
        opener = outline.block_opener(self.trees.data, offset, self.language)
        if opener is None:
            return False
        parse = self.trees.newest(offset)
        return parse is not None and outline.is_block(parse, opener, self.language)

    def signatures_with(self, insert: bytes, start: int, end: int) -> tuple[outline.Signatures, outline.Signatures]:
        """Outermost functions in a range, and in what would be there if it became `insert`. None when nobody can tell.

        Costs what the range and the insertion cost, and little more.
        """
        before, after = self.trees.tried(insert, start, end)
        return (
            outline.signatures(before, start, end, self.language) if before is not None else (),
            outline.signatures(after, start, start + len(insert), self.language) if after is not None else (),
        )

    def headers_with(
        self, insert: bytes, start: int, end: int
    ) -> tuple[tuple[headers.Header, ...], tuple[headers.Header, ...]] | None:
        """What callers see of the functions in a range, and in what it would become; None when nobody can tell."""
        before, after = self.trees.tried(insert, start, end)
        if before is None or after is None:
            return None
        return (
            headers.headers(before, start, end, self.language),
            headers.headers(after, start, start + len(insert), self.language),
        )

    def same_code(self, insert: bytes, start: int, end: int) -> bool:
        """Whether a range and what it would become differ in comments and documentation alone. No, when nobody can
        tell."""
        before, after = self.trees.tried(insert, start, end)
        if before is None or after is None:
            return False
        old = headers.bare(before, start, end, self.language)
        return old == headers.bare(after, start, start + len(insert), self.language)

    def items(self) -> tuple[headers.Item, ...]:
        """What stands at the top of the text, as far as it is seen."""
        parse = self.trees.newest()
        return headers.items(parse, self.language) if parse is not None else ()

    def _scopes(self, offset: int) -> tuple[Scope, ...]:
        newest, good = self._seen(offset)
        if newest is None or good is None:
            return ()
        scopes = outline.scopes_at(newest, offset, self.language)
        if newest.tree is not good.tree and outline.is_broken_at(newest, offset):
            remembered = outline.scopes_at(good, offset, self.language)
            return remembered if len(remembered) > len(scopes) else scopes
        return scopes

    def _seen(self, offset: int) -> tuple[Parse | None, Parse | None]:
        """The newest and the last good tree for a place; the whole one where a function is longer than a window."""
        if offset not in self._sights:
            self._sights[offset] = self._looked(offset)
        return self._sights[offset]

    def _looked(self, offset: int) -> tuple[Parse | None, Parse | None]:
        newest, good, whole = self.trees.newest(offset), self.trees.good(offset), self.trees.remembered()
        if newest is None or newest.window is None or whole is None:
            return newest, good
        functions = (scope for scope in outline.scopes_at(newest, offset, self.language) if scope.is_function)
        return (newest, good) if all(newest.holds(scope.node) for scope in functions) else (whole, whole)

    def _function_of(self, scope: Scope, offset: int) -> Function | None:
        newest, good = self._seen(offset)
        if good is None or newest is None:
            return None
        unit = self._measures.at(good, scope.start)
        for function in unit.functions() if unit else ():
            if function.start_byte == scope.start:
                return function
        # The newest tree has a function that the last good one has not.
        return self._measures.single(scope.node, newest)


def _within(inner: Function, outer: Function) -> bool:
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte
