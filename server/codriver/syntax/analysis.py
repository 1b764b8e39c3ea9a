"""Code in, facts out: the room's entry for one open text.

A Buffer holds the text's trees and what was counted on them. Facts are values: they never change,
and asking twice costs microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from codriver.model.features import Features, Function
from codriver.syntax import content, frameworks, languages, measures, outline, sizes
from codriver.syntax.code import Code
from codriver.syntax.embedded import Piece, Pieces
from codriver.syntax.headers import Header, Item
from codriver.syntax.language import Language
from codriver.syntax.outline import Signatures
from codriver.syntax.places import Range, around, span_of, within
from codriver.syntax.sizes import Size
from codriver.syntax.surroundings import Surroundings
from codriver.syntax.text import Edit
from codriver.syntax.trees import EAGER, WHOLE, Trees

_T = TypeVar("_T")

_LETTERS = re.compile(rb"[A-Za-z0-9_]*")

KEYS = 20
"""Edits of one line after which the facts around it are read again."""


@dataclass(slots=True)
class _Typing:
    """What is known of a place in the line of bytes [start, end), as long as only that line is edited."""

    start: int
    end: int
    keys: int = 0
    facts: Features | None = None
    function: tuple[int | None] | None = None
    inside: tuple[int, bool] | None = None
    """A byte offset, and whether it is in a string or comment."""

    def goes_on(self, edits: Sequence[Edit], data: bytes) -> bool:
        """Whether it still holds after these edits."""
        self.keys += len(edits)
        self.inside = self._inside(edits, data)
        for edit in edits:
            broken = edit.old_end_point[0] != edit.start_point[0] or edit.new_end_point[0] != edit.start_point[0]
            if broken or not self.start <= edit.start_byte <= edit.old_end_byte <= self.end:
                return False
            self.end += edit.new_end_byte - edit.old_end_byte
        return self.keys <= KEYS

    def _inside(self, edits: Sequence[Edit], data: bytes) -> tuple[int, bool] | None:
        """What was said of the place behind which only letters came since."""
        if self.inside is None:
            return None
        start = at = self.inside[0]
        for edit in edits:
            if not edit.start_byte == edit.old_end_byte == at:
                return None
            at = edit.new_end_byte
        return (at, self.inside[1]) if _LETTERS.fullmatch(data, start, at) else None


class Buffer:
    """One open text. Never raises, whatever the bytes; without a grammar it knows lines only.

    Answers come from the last parse, moved along by the edits since. Asking renews it by itself in
    texts up to trees.EAGER bytes; longer ones are seen through windows until `step()` was called, when
    there is time, until it says that all is read.
    """

    def __init__(
        self,
        data: bytes,
        *,
        language_id: str = "",
        path: str = "",
        limit: int = WHOLE,
        piece: Language | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """limit: bytes above which only a window around the asked place is parsed.

        piece: the language of a text that is a piece of another one; pieces in pieces are not looked for.
        clock: seconds of the processor this thread has used, by which reading garbage is given up in time.
        """
        self.path, self.data = path, data
        self.language: Language | None = piece or languages.find(language_id, path, data)
        self.language_id = self.language.name if self.language else language_id
        grammar = self.language.load() if self.language and not content.is_binary(data) else None
        embedded = self.language.embedded if self.language and grammar and not piece else None
        self._pieces: Pieces[Buffer] | None = None
        if embedded and embedded.patterns:
            self._pieces = Pieces(
                embedded, lambda code, inner: Buffer(code, path=path, limit=limit, piece=inner, clock=clock)
            )
        if self.language and self.language.reading == "generic":
            limit = min(limit, EAGER)  # grammars nobody tried out may take a second for any slice
        self._code: Code | None = None
        if self.language is not None and grammar is not None:
            marks = self.language.opener, self.language.closer
            trees = Trees(grammar, data, limit, marks, self.language.afresh, clock)
            self._code = Code(self.language, trees, clock)
        self._answers: dict[tuple[Any, ...], Any] = {}
        self._typing: _Typing | None = None

    @property
    def whole(self) -> bool:
        """False when only windows of the text are seen, or nothing: too long, or no grammar."""
        return self._code is not None and self._code.trees.whole

    @property
    def dirty(self) -> bool:
        """Whether edits came since the last parse."""
        stale = self._code is not None and self._code.trees.dirty
        return stale or any(piece.buffer.dirty for piece in self.pieces())

    def pieces(self) -> tuple[Piece[Buffer], ...]:
        """Pieces of other languages in the text (scripts of a page, fenced code of a document), with their buffers."""
        return self._pieces.of(self.data) if self._pieces is not None else ()

    def edit(self, edits: Sequence[Edit], data: bytes) -> None:
        """The text became `data` by these edits, each in the coordinates the ones before it left."""
        self.data = data
        self._answers.clear()
        if self._typing is not None and not self._typing.goes_on(edits, data):
            self._typing = None
        if self._code is not None:
            self._code.edit(edits, data)

    def parse(self) -> None:
        """Brings the tree up to date, unless the text is too long to be parsed whole."""
        if self._code is not None and self._code.trees.dirty:
            self._code.parse()
            self._answers.clear()
        for piece in self.pieces():
            if piece.buffer.dirty:
                piece.buffer.parse()
                self._answers.clear()

    @property
    def unread(self) -> bool:
        """Whether a long text still waits for its first whole parse: `step()` until it does not."""
        return self._code is not None and self._code.trees.unread

    def step(self) -> bool:
        """Goes on reading and counting for some milliseconds; True when nothing is left to do.

        The whole text; of one that is too long for that, what `functions` lists.
        """
        if self._code is None:
            return True
        if self._code.trees.whole and self._code.trees.dirty:
            done = self._code.step()
            self._answers.clear()
            return done and self.dirty
        waiting = next((piece for piece in self.pieces() if piece.buffer.dirty), None)
        if waiting is not None and self.whole:
            self._answers.clear()
            waiting.buffer.parse()
            return False
        return self._code.count()

    @property
    def held(self) -> int:
        """Bytes of text that a tree is kept of."""
        return self._code.trees.held if self._code is not None else 0

    def rest(self) -> None:
        """Forgets the trees, not the text; whoever asks next has them made again."""
        for piece in self.pieces() if self.held else ():
            piece.buffer.rest()
        if self._code is not None:
            self._code.rest()

    def facts(self, place: int | Range | None = None, manifests: Mapping[str, str] | None = None) -> Features:
        """What is known of the code at a byte offset or range; None: of the whole text.

        Numbers are of the smallest named function around the place, else of the outermost nameless
        one; else of the top-level things and members that the range touches. An offset outside of any
        function means the whole text, in a longer one places.COUNTED bytes around. manifests: file name
        -> text of the project's manifests.
        """
        declared = tuple(sorted((manifests or {}).items()))
        return self._once(("facts", place, declared), lambda: self._facts(place, manifests or {}))

    def facts_typing(self, offset: int, manifests: Mapping[str, str] | None = None) -> Features:
        """As `facts`; while nothing but the offset's line is typed in, they may be some keys old: they cost nothing
        then, and a line that is being written says little of the code around it."""
        line = self._line(offset)
        if line.facts is None:
            line.facts = self.facts(offset, manifests)
        return line.facts

    def ready(self, offset: int) -> bool:
        """Goes on for some milliseconds with what `facts_typing` will ask for; True when nothing is left to do."""
        offset = min(max(offset, 0), len(self.data))
        if self._code is None or self._line(offset).facts is not None or self._piece(offset) is not None:
            return True
        return self._code.ready(offset)

    def function_start_typing(self, offset: int) -> int | None:
        """As `function_start`, of the line's first key, for the same reason."""
        line = self._line(offset)
        if line.function is None:
            line.function = (self.function_start(offset),)
        return line.function[0]

    def _line(self, offset: int) -> _Typing:
        """What is remembered of the offset's line."""
        start = self.data.rfind(b"\n", 0, offset) + 1
        if self._typing is None or self._typing.start != start:
            end = self.data.find(b"\n", offset)
            self._typing = _Typing(start, end if end >= 0 else len(self.data))
        return self._typing

    def functions(self) -> tuple[Function, ...]:
        """All named functions in reading order; of a text too long for one tree, those in its first window."""
        return self._once(("functions",), self._functions)

    def function_named(self, name: str) -> Function | None:
        """The function with this dotted name; else the first whose dotted name ends with it."""
        found = [function for function in self.functions() if function.name == name]
        tail = f".{name}"
        found = found or [function for function in self.functions() if function.name.endswith(tail)]
        return found[0] if found else None

    def function_at(self, place: int | Range) -> Function | None:
        """The smallest named function that holds the whole place, else the outermost nameless one."""
        piece = self._piece(place)
        if piece is not None:
            found = piece.buffer.function_at(within(place, piece.start))
            return piece.placed(found) if found is not None else None
        return self._code.function_at(span_of(place, len(self.data))) if self._code is not None else None

    def function_start(self, offset: int) -> int | None:
        """Where the function begins that `function_at` tells of; nothing is counted for it."""
        piece = self._piece(offset)
        if piece is not None:
            found = piece.buffer.function_start(offset - piece.start)
            return found + piece.start if found is not None else None
        return self._code.function_start(span_of(offset, len(self.data))) if self._code is not None else None

    def size(self, place: Range | None = None) -> Size:
        """Lines of code and of comments, and tokens, of a byte range; None: of the whole text.

        Where no tree covers it, lines that are not blank.
        """
        return self._once(("size", place), lambda: self._size(place))

    def imports(self) -> tuple[str, ...]:
        """Imported modules as the text writes them, in order, each once."""
        return self._once(("imports",), self._imports)

    def frameworks(self) -> tuple[str, ...]:
        """Frameworks this text imports, in the order of its imports; then those its name or its words are made for."""
        imported = frameworks.of_imports(self._own_imports(), self.language.family) if self.language else ()
        told = frameworks.of_text(self.path, self.data[: frameworks.HEAD], self.language)
        inside = (name for piece in self.pieces() for name in piece.buffer.frameworks())
        return tuple(dict.fromkeys((*imported, *inside, *told)))

    def errors(self, start: int = 0, end: int | None = None) -> int:
        """ERROR and MISSING nodes in a byte range of the text as last parsed."""
        region = start, len(self.data) if end is None else end
        inside = (p.buffer.errors(region[0] - p.start, region[1] - p.start) for p in self._touching(*region))
        return (self._code.errors(region) if self._code is not None else 0) + sum(inside)

    def errors_with(self, insert: bytes, start: int, end: int, unknown: tuple[int, int] = (0, 0)) -> tuple[int, int]:
        """Errors before and after bytes [start, end) would become `insert`; nothing is changed.

        In texts that are not seen whole those near the place. (0, 0) when there is no grammar, `unknown`
        when there is no time.
        """
        start = min(max(start, 0), len(self.data))
        end = min(max(end, start), len(self.data))
        piece = self._piece((start, end))
        if piece is not None:
            return piece.buffer.errors_with(insert, start - piece.start, end - piece.start, unknown)
        return self._code.trees.errors_with(insert, start, end, unknown) if self._code else (0, 0)

    def parses_with(self, insert: bytes, start: int, end: int) -> bool:
        """Whether nothing near the place is an error when bytes [start, end) become `insert`. No says nothing:
        `errors_with` tells more. Costs some hundred bytes of parsing, since what stands there now is not parsed."""
        start = min(max(start, 0), len(self.data))
        end = min(max(end, start), len(self.data))
        piece = self._piece((start, end))
        if piece is not None:
            return piece.buffer.parses_with(insert, start - piece.start, end - piece.start)
        return self._code is not None and self._code.trees.parses_with(insert, start, end)

    def prepare(self, offset: int) -> None:
        """Makes ready what `parses_with` needs at a byte offset."""
        piece = self._piece(offset)
        if piece is not None:
            piece.buffer.prepare(offset - piece.start)
        elif self._code is not None:
            self._code.trees.prepare(min(max(offset, 0), len(self.data)))

    def signatures_with(self, insert: bytes, start: int, end: int) -> tuple[Signatures, Signatures]:
        """The outermost functions in bytes [start, end) before and after these would become `insert`."""
        piece = self._piece((start, end))
        if piece is not None:
            return piece.buffer.signatures_with(insert, start - piece.start, end - piece.start)
        return self._code.signatures_with(insert, start, end) if self._code else ((), ())

    def headers_with(self, insert: bytes, start: int, end: int) -> tuple[tuple[Header, ...], tuple[Header, ...]] | None:
        """What callers see of the outermost functions in bytes [start, end) before and after these would become
        `insert`, in the coordinates of each; None when nobody can tell."""
        piece = self._piece((start, end))
        if piece is None:
            return self._code.headers_with(insert, start, end) if self._code is not None else None
        found = piece.buffer.headers_with(insert, start - piece.start, end - piece.start)
        if found is None:
            return None
        old, new = (tuple(header.moved(piece.start) for header in side) for side in found)
        return old, new

    def same_code(self, insert: bytes, start: int, end: int) -> bool:
        """Whether bytes [start, end) and `insert` in their place differ in comments and documentation alone."""
        piece = self._piece((start, end))
        if piece is not None:
            return piece.buffer.same_code(insert, start - piece.start, end - piece.start)
        return self._code is not None and self._code.same_code(insert, start, end)

    def items(self) -> tuple[Item, ...]:
        """What stands at the top of the text, in reading order; none without a grammar."""
        return self._once(("items",), lambda: self._code.items() if self._code is not None else ())

    def surroundings(self, offset: int) -> Surroundings:
        """Scopes, symbols, calls and errors around a byte offset, from the newest tree."""
        piece = self._piece(offset)
        if piece is not None:
            return piece.buffer.surroundings(offset - piece.start)
        offset = min(max(offset, 0), len(self.data))
        return self._code.surroundings(offset) if self._code is not None else Surroundings()

    def excerpt(self, start: int, end: int, budget: int) -> tuple[bytes, bytes]:
        """The text before and behind bytes [start, end), cut between nodes to `budget` bytes in all.

        Both are empty where that cannot be: there is no tree, or a node is too long.
        """
        return self._code.excerpt((start, end), budget) if self._code is not None else (b"", b"")

    def at_block_start(self, offset: int) -> bool:
        """Whether a block was just opened here and its body is still to be written."""
        offset = min(max(offset, 0), len(self.data))
        piece = self._piece(offset)
        if piece is not None:
            return piece.buffer.at_block_start(offset - piece.start)
        return self._code is not None and self._code.at_block_start(offset)

    def in_string_or_comment(self, offset: int) -> bool:
        """Whether text typed here would be text of a string or comment, not code."""
        offset = min(max(offset, 0), len(self.data))
        piece = self._piece(offset)
        if piece is not None:
            return piece.buffer.in_string_or_comment(offset - piece.start)
        return self._code is not None and self._code.in_string_or_comment(offset)

    def in_string_typing(self, offset: int) -> bool:
        """As `in_string_or_comment`, of the word's first letter: letters neither begin nor end a string."""
        line = self._line(offset)
        if line.inside is None or line.inside[0] != offset:
            line.inside = offset, self.in_string_or_comment(offset)
        return line.inside[1]

    def inside_word(self, offset: int) -> bool:
        """Whether letters, digits or underscores stand on both sides."""
        return outline.inside_word(self.data, offset)

    def _piece(self, place: int | Range | None) -> Piece[Buffer] | None:
        """The piece of another language that holds the whole place."""
        if self._pieces is None or place is None:
            return None
        start, end = span_of(place, len(self.data))
        return next((piece for piece in self.pieces() if piece.start <= start and end <= piece.end), None)

    def _touching(self, start: int, end: int) -> list[Piece[Buffer]]:
        return [piece for piece in self.pieces() if piece.start < end and piece.end > start]

    def _functions(self) -> tuple[Function, ...]:
        own = self._code.functions() if self._code is not None else ()
        inside = [piece.placed(f) for piece in self.pieces() for f in piece.buffer.functions()]
        return tuple(sorted((*own, *inside), key=lambda function: function.start_byte)) if inside else own

    def _facts(self, place: int | Range | None, manifests: Mapping[str, str]) -> Features:
        piece = self._piece(place)
        if piece is not None and place is not None:
            facts = piece.buffer.facts(within(place, piece.start), manifests)
            domain = facts.domain or (self.language.domain if self.language else "")
            names = tuple(dict.fromkeys((*self.frameworks(), *facts.frameworks)))
            return replace(facts, domain=domain, frameworks=names)
        span = span_of(place, len(self.data))
        scopes = self._code.scopes(span) if self._code is not None and place is not None else ()
        scopes = tuple(scope for scope in scopes if scope.name)
        ecosystem = self.language.ecosystem if self.language else ""
        family = self.language.family if self.language else ""
        imported, declared = self.frameworks(), frameworks.declared(manifests, ecosystem, family)
        names = tuple(dict.fromkeys((*imported, *declared.names)))
        cyclomatic, cognitive, nesting, parameters, lines, errors = self._numbers(place, span)
        return Features(
            source="buffer",
            path=self.path,
            language=self.language_id,
            frameworks=names,
            versions=tuple(pair for pair in declared.versions if pair[0] in names),
            domain=frameworks.domain_of(
                self.path, self.language, imported, declared.names, self.data[: frameworks.HEAD]
            ),
            scope=".".join(scope.name for scope in scopes),
            scope_kind=scopes[-1].kind if scopes else "",
            cyclomatic=cyclomatic,
            cognitive=cognitive,
            nesting=nesting,
            parameters=parameters,
            lines=lines,
            errors=errors,
            reading=self.language.reading if self.language else "",
        )

    def _numbers(self, place: int | Range | None, span: Range) -> tuple[int, int, int, int, int, int]:
        function = self.function_at(span) if place is not None else None
        if function is not None:
            errors = self.errors(function.start_byte, max(function.end_byte, span[1]))
            f = self._code.with_callbacks(function) if self._code is not None else function
            return f.cyclomatic, f.cognitive, f.nesting, f.parameters, f.lines, errors
        region = around(span[0], len(self.data)) if isinstance(place, int) else span
        cyclomatic, cognitive, nesting = measures.total(self._code.units(region) if self._code is not None else ())
        cyclomatic = cyclomatic if self._code and self.language and self.language.counted else 0
        for inside in (piece.buffer.facts() for piece in self._touching(*region)):
            cyclomatic = max(cyclomatic, 1) + inside.cyclomatic - 1 if inside.cyclomatic else cyclomatic
            cognitive, nesting = cognitive + inside.cognitive, max(nesting, inside.nesting)
        lines = len(self.data[region[0] : region[1]].splitlines())
        return cyclomatic, cognitive, nesting, 0, lines, self.errors(*region)

    def _size(self, place: Range | None) -> Size:
        start, end = span_of(place, len(self.data))
        piece = self._piece(place)
        if piece is not None:
            return piece.buffer.size((start - piece.start, end - piece.start))
        if self._code is None:
            return sizes.of_lines(self.data[start:end])
        inside = self._touching(start, end)
        own = self._code.size((start, end), [(piece.start, piece.end) for piece in inside])
        whole = sum((piece.buffer.size(_clipped((start, end), piece)) for piece in inside), own)
        shared = sum(sizes.shared(self.data, piece.start, piece.end) for piece in inside)
        return replace(whole, code=max(whole.code - shared, min(own.code, 1)))

    def _imports(self) -> tuple[str, ...]:
        inside = (name for piece in self.pieces() for name in piece.buffer.imports())
        return tuple(dict.fromkeys((*self._own_imports(), *inside)))

    def _own_imports(self) -> tuple[str, ...]:
        return self._code.imports() if self._code is not None else ()

    def _once(self, key: tuple[Any, ...], answer: Callable[[], _T]) -> _T:
        if key not in self._answers:
            value = answer()
            self._answers[key] = value
        return cast(_T, self._answers[key])  # of this key, so of its type


def _clipped(span: Range, piece: Piece[Buffer]) -> Range:
    """What of the range lies in the piece, counted from its beginning."""
    return max(span[0], piece.start) - piece.start, min(span[1], piece.end) - piece.start


def analyze(path: str, data: bytes, *, limit: int = WHOLE) -> Buffer:
    """A parsed buffer of a file's bytes; its language is told by path, shebang or contents.

    Offsets are those of the text in UTF-8 without a mark: files in UTF-16 and UTF-32 are rewritten.
    """
    buffer = Buffer(content.decoded(data), path=path, limit=limit)
    buffer.parse()
    return buffer
