"""Where a place is: the scopes around it, and what the text around it is (string, comment, word,
the beginning of a block). And what a whole text holds: its functions and the modules it imports."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from tree_sitter import Node

from codriver.syntax import names
from codriver.syntax.language import Imports, Language
from codriver.syntax.paces import whole
from codriver.syntax.parse import Parse

_WORD = re.compile(rb"[\w\x80-\xff]")
_BLANKS = b" \t\r\n\f"
_CODE = re.compile(rb"[^ \t\r\n\f]")
MANY, PACE = 2_000, 200
"""Children of a node above which they are not all taken at once, and nodes that are: some half a millisecond."""
_FEW = 400
"""Bytes in which the end of the code above is nearly always found: a long text is not copied for it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One function or class around a place. Name is its own, not dotted with the outer ones."""

    name: str
    kind: str
    node: Node
    is_function: bool
    start: int
    """Its first byte in the text."""


def scopes_at(parse: Parse, offset: int, language: Language) -> tuple[Scope, ...]:
    """Scopes around a byte offset of the text, outermost first.

    In front of a line's first character one is where that character is: the line of a `def`
    belongs to it, wherever in it a cursor or a selection begins. Behind the last statement of an
    indented block one is still in it, as far as one's line is indented (Python), though the tree
    ends the block before.
    """
    at = _onto_code(parse.source, min(max(offset - parse.origin, 0), len(parse.source)))
    if not language.indented:
        return tuple(_chain(parse, at, language))
    line = parse.source.rfind(b"\n", 0, at) + 1
    lead = parse.source[line:at]
    if parse.source[at : at + 1] not in (b"", b" ", b"\t", b"\n", b"\r"):
        return tuple(_chain(parse, at, language))
    anchor = max(len(parse.source[:at].rstrip(_BLANKS)) - 1, 0)
    chain = _chain(parse, anchor, language)
    if lead.strip(b" \t"):
        return tuple(chain)
    return tuple(scope for scope in chain if _column(scope.node, parse.source) < len(lead))


def _onto_code(source: bytes, at: int) -> int:
    """The first character that is no blank, for a place in front of it on its line; else the place."""
    start = source.rfind(b"\n", 0, at) + 1
    end = _line_end(source, at)
    if source[start:at].strip(b" \t") or not source[at:end].strip(b" \t\r"):
        return at
    return end - len(source[at:end].lstrip(b" \t"))


def path_to(root: Node, at: int) -> list[Node]:
    """Nodes from the root down to the leaf that hold byte `at`."""
    # By cursor: Node.first_child_for_byte can end the process in tree-sitter 0.25.2.
    cursor, path = root.walk(), [root]
    while cursor.goto_first_child_for_byte(at) is not None:
        node = cursor.node
        if node is None or not node.start_byte <= at < node.end_byte:
            break
        path.append(node)
    return path


def is_broken_at(parse: Parse, offset: int) -> bool:
    """Whether the place lies in something the grammar could not make sense of."""
    return any(node.is_error for node in path_to(parse.root, max(offset - parse.origin - 1, 0)))


@dataclass(frozen=True, slots=True)
class Unit:
    """A top-level thing, or a member of a class: what is measured and cached as one."""

    node: Node
    prefix: str
    """Dotted names of the classes around it, with a dot at the end."""
    parent_kind: str


def units(root: Node, source: bytes, language: Language, span: tuple[int, int] | None = None) -> Iterator[Unit]:
    """All units in reading order, or those that touch a byte range of the source."""
    scopes = language.scopes
    pending = [_under(_touching(root, span), "", "")]
    while pending:
        unit = next(pending[-1], None)
        if unit is None:
            pending.pop()
            continue
        node, prefix, kind = unit.node, unit.prefix, unit.parent_kind
        key = names.kind(node, source, language)
        if key in scopes.classes:
            name = names.name_of(node, source, language)
            prefix, kind = f"{prefix}{name}." if name else prefix, scopes.classes[key]
            children = _members(node, scopes.bodies.get(key), span)
        elif node.type in scopes.wrappers or node.is_error:
            children = _touching(node, span)
        else:
            yield unit
            continue
        pending.append(_under(children, prefix, kind))


def _under(nodes: Iterable[Node], prefix: str, kind: str) -> Iterator[Unit]:
    return (Unit(node, prefix, kind) for node in nodes)


def _named(node: Node) -> Iterable[Node]:
    """Its named children; where there are many, one by one."""
    return node.named_children if node.named_child_count <= MANY else _walked(node)


def _walked(node: Node) -> Iterator[Node]:
    cursor = node.walk()
    more = cursor.goto_first_child()
    while more and cursor.node is not None:
        if cursor.node.is_named:
            yield cursor.node
        more = cursor.goto_next_sibling()


def _touching(node: Node, span: tuple[int, int] | None) -> Iterable[Node]:
    """Its named children, or those that touch the range, found without looking at all the others."""
    return _named(node) if span is None else _beside(node, span)


def _beside(node: Node, span: tuple[int, int]) -> list[Node]:
    cursor, found = node.walk(), list[Node]()
    more = cursor.goto_first_child_for_byte(span[0]) is not None
    while more and cursor.node is not None and cursor.node.start_byte < span[1]:
        if cursor.node.is_named and _touches(cursor.node, span):
            found.append(cursor.node)
        more = cursor.goto_next_sibling()
    return found


def _touches(node: Node, span: tuple[int, int]) -> bool:
    return node.start_byte < span[1] and node.end_byte > span[0]


def _members(node: Node, path: str | None, span: tuple[int, int] | None) -> Iterable[Node]:
    if path is not None:
        opened = names.follow(node, path)
        return _touching(opened, span) if opened is not None else []
    opened = node.child_by_field_name("body")
    return [opened] if opened is not None and (span is None or _touches(opened, span)) else []


def unit_at(root: Node, source: bytes, language: Language, at: int) -> Unit | None:
    """The unit that holds byte `at`, without looking at the others."""
    scopes, prefix, kind = language.scopes, "", ""
    for node in path_to(root, at)[1:]:
        key = names.kind(node, source, language)
        if key in scopes.classes:
            name = names.name_of(node, source, language)
            prefix, kind = f"{prefix}{name}." if name else prefix, scopes.classes[key]
        elif node.type not in scopes.wrappers and not node.is_error:
            return Unit(names.body_of(node, language), prefix, kind)
    return None


Signatures = tuple[tuple[str, int], ...]
"""Names of functions, dotted with the classes around them, and how many parameters each takes."""


def signatures(parse: Parse, start: int, end: int, language: Language) -> Signatures:
    """Of the outermost named functions that lie in bytes [start, end) of the text, in reading order."""
    start, end = start - parse.origin, end - parse.origin
    functions, found = names.function_types(language), list[tuple[str, int]]()
    pending = list(units(parse.root, parse.source, language, (start, end)))[::-1]
    while pending:
        unit = pending.pop()
        node = unit.node
        inside = start <= node.start_byte and node.end_byte <= end
        if inside and names.kind(node, parse.source, language) in functions:
            name = names.name_of(node, parse.source, language)
            if name:
                is_member = names.is_class(unit.parent_kind, language)
                count = names.parameters_of(node, parse.source, language, is_member)
                found.append((f"{unit.prefix}{name}", count))
                continue
        pending += [Unit(child, unit.prefix, "") for child in reversed(_beside(node, (start, end)))]
    return tuple(found)


def imports(root: Node, source: bytes, language: Language) -> tuple[str, ...]:
    """Names of imported modules as the text writes them, in order, each once."""
    return whole(importing(root, source, language))


def importing(root: Node, source: bytes, language: Language) -> Generator[None, None, tuple[str, ...]]:
    """As `imports`, PACE nodes between two yields."""
    wanted = language.imports
    yield from wanted.compiling()
    found, seen = dict[str, None](), 0
    pending = [iter(_named(root))]
    while pending:
        node = next(pending[-1], None)
        if node is None:
            pending.pop()
            continue
        seen += 1
        if seen % PACE == 0:
            yield
        key = names.kind(node, source, language)
        if key in wanted.nodes:
            text = source[node.start_byte : min(node.end_byte, node.start_byte + 600)]
            found.update(dict.fromkeys(_imported(text, wanted)))
        elif key in wanted.containers or node.is_error:
            pending.append(iter(_named(node)))
    return tuple(found)


def imported(node: Node, parse: Parse, language: Language) -> tuple[str, ...]:
    """The modules that one statement imports."""
    text = parse.source[node.start_byte : min(node.end_byte, node.start_byte + 600)]
    return _imported(text, language.imports)


def in_string_or_comment(parse: Parse, offset: int, language: Language) -> bool:
    """Whether text typed here would be text of a string or comment, not code."""
    at, lexis = offset - parse.origin, language.lexis
    path = path_to(parse.root, max(at - 1, 0))
    for node in reversed(path):
        if node.type in lexis.interpolations and node.start_byte < at < node.end_byte:
            return False
        if node.type in lexis.strings and node.start_byte < at < node.end_byte:
            return not any(_is_open_code(child, at, parse.source, language) for child in node.named_children)
        if node.type in lexis.comments and node.start_byte < at:
            text = parse.text(node)
            return at < node.end_byte or not text.endswith((b"*/", b"\n", b"=end"))
    return _is_open_on_line(parse.source, at, language)


def _is_open_code(node: Node, at: int, source: bytes, language: Language) -> bool:
    """Whether this is code in a string whose brackets are no part of it, and the place lies between them."""
    bracketed = source[node.start_byte - 1 : node.start_byte] in (b"(", b"{")
    return node.type in language.lexis.interpolations and bracketed and node.start_byte <= at <= node.end_byte


def block_opener(source: bytes, at: int, language: Language) -> int | None:
    """The byte behind what, by the look of the text, just opened a block whose body is still to be written at `at`.
    None for most places; of the others a tree tells more (`is_block`).

    The rest of the line is blank, the code before ends with what opens a block, and what follows is
    not indented deeper than the line that opened it.
    """
    if not language.lexis.opener:
        return None
    line_end = _line_end(source, at)
    if source[at:line_end].strip(b" \t)]};"):
        return None
    opener_end = _code_end(source, at)
    line = source[source.rfind(b"\n", 0, opener_end) + 1 : opener_end]
    if not _opener(language).search(line) or (language.indented and _opens_bracket(line)):
        return None
    following = _CODE.search(source, line_end)
    if following is None:
        return opener_end
    column = following.start() - (source.rfind(b"\n", 0, following.start()) + 1)
    return opener_end if column <= _indent(line) else None


def is_block(parse: Parse, opener_end: int, language: Language) -> bool:
    """Whether what ends at this byte of the text opens a block, and nothing that only looks so."""
    inside = path_to(parse.root, max(opener_end - parse.origin - 1, 0))[-3:]
    return not any(node.type in language.lexis.not_blocks for node in inside)


def inside_word(source: bytes, offset: int) -> bool:
    """Whether letters, digits or underscores stand on both sides."""
    before, after = source[offset - 1 : offset] if offset > 0 else b"", source[offset : offset + 1]
    return bool(_WORD.match(before) and _WORD.match(after))


def _chain(parse: Parse, at: int, language: Language) -> list[Scope]:
    functions, chain = names.function_types(language), list[Scope]()
    path = path_to(parse.root, at)
    for depth, inner in enumerate(path):
        node = names.body_of(inner, language)
        key = names.kind(node, parse.source, language)
        if key in functions or key in language.scopes.classes:
            name = names.name_of(node, parse.source, language, path[max(depth - 2, 0) : depth])
            kind = names.kind_of(node, parse.source, language, chain[-1].kind if chain else "")
            start = (names.head_of(node, language) or node).start_byte
            chain.append(Scope(name, kind, node, key in functions, start + parse.origin))
    return chain


@lru_cache(maxsize=2048)
def _imported(text: bytes, wanted: Imports) -> tuple[str, ...]:
    """Modules named in a statement. Remembered, since each keystroke asks for all of a text again."""
    return tuple(name for pattern in wanted.compiled for match in pattern.finditer(text) for name in _modules(match))


def _modules(match: re.Match[bytes]) -> Iterator[str]:
    for group in match.groups():
        for part in (group or b"").split(b","):
            name = part.split(b" as ")[0].strip().decode("utf-8", "replace")
            if name:
                yield name.rstrip(".:\\") or name


@cache
def _opener(language: Language) -> re.Pattern[bytes]:
    return re.compile(language.lexis.opener.encode())


def _is_open_on_line(source: bytes, at: int, language: Language) -> bool:
    """Without help of the tree: a quote or comment opened on this line and not closed before `at`."""
    line = source[source.rfind(b"\n", 0, at) + 1 : at]
    quotes, comment, quote = language.lexis.quotes.encode(), language.comment.encode(), 0
    skip = False
    for index, byte in enumerate(line[:2000]):
        if skip:
            skip = False
        elif quote:
            skip, quote = byte == 0x5C, 0 if byte == quote else quote
        elif comment and line.startswith(comment, index):
            return True
        elif byte in quotes:
            quote = byte
    return bool(quote)


def _opens_bracket(line: bytes) -> bool:
    return sum(map(line.count, (b"(", b"[", b"{"))) > sum(map(line.count, (b")", b"]", b"}")))


def _code_end(source: bytes, at: int) -> int:
    """Where the text before `at` ends without the blanks at its end."""
    near = len(source[max(at - _FEW, 0) : at].rstrip(_BLANKS))
    return max(at - _FEW, 0) + near if near else len(source[:at].rstrip(_BLANKS))


def _line_end(source: bytes, at: int) -> int:
    found = source.find(b"\n", at)
    return len(source) if found < 0 else found


def _column(node: Node, source: bytes) -> int:
    return node.start_byte - (source.rfind(b"\n", 0, node.start_byte) + 1)


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip(b" \t"))
