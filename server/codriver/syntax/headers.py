"""What of a function its callers see, and whether two pieces of code are the same but for comments.

Both are compared as tokens of the tree: spaces, line breaks, comments and the kind of quotes say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from codriver.syntax import names, outline
from codriver.syntax.language import Language
from codriver.syntax.parse import Parse

_DECORATING = ("decorator", "attribute_item", "annotation", "modifiers", "attribute_list")
_BODIES = ("block", "body", "declaration_list", "program", "module", "source_file", "translation_unit", "chunk")
_NAMELESS_BODIES = ("do_block", "body_statement", "function_body")
"""Bodies that a grammar gives no field (Elixir, Ruby, Kotlin)."""
_GRAMMAR_OF_TYPES = (b":", b"->")


@dataclass(frozen=True, slots=True)
class Header:
    """One named function: its dotted name, and everything before its body but annotations that may be left out.

    types: these annotations. [start, end) are bytes of the text, decorators and `export` included; `head` is where
    the line of its own name begins, `body` where its body begins (`end` where none is told apart). sound: whether
    all of it could be read.
    """

    name: str
    tokens: tuple[bytes, ...]
    types: tuple[bytes, ...]
    start: int
    head: int
    body: int
    end: int
    sound: bool = True

    @property
    def last(self) -> str:
        """The name without the classes around it."""
        return self.name.rpartition(".")[2]

    def moved(self, by: int) -> Header:
        """The same in a text that begins `by` bytes earlier."""
        at = (self.start + by, self.head + by, self.body + by, self.end + by)
        return Header(self.name, self.tokens, self.types, *at, self.sound)

    def serves(self, new: Header) -> bool:
        """Whether callers of this function can go on calling the new one: only annotations may have come to it."""
        return self.tokens == new.tokens and _subsequence(self.types, new.types)


def headers(parse: Parse, start: int, end: int, language: Language) -> tuple[Header, ...]:
    """Of the outermost named functions in bytes [start, end) of the text, in reading order."""
    start, end = start - parse.origin, end - parse.origin
    functions, found = names.function_types(language), list[Header]()
    pending = list(outline.units(parse.root, parse.source, language, (start, end)))[::-1]
    while pending:
        unit = pending.pop()
        node = unit.node
        inside = start <= node.start_byte and node.end_byte <= end
        if inside and names.kind(node, parse.source, language) in functions:
            name = names.name_of(node, parse.source, language)
            if name:
                found.append(_header(f"{unit.prefix}{name}", node, parse, language))
                continue
        inner = [child for child in node.named_children if child.start_byte < end and child.end_byte > start]
        pending += [outline.Unit(child, unit.prefix, "") for child in reversed(inner)]
    return tuple(found)


def _header(name: str, node: Node, parse: Parse, language: Language) -> Header:
    whole, head = _declared(node), names.head_of(node, language) or node
    body = _body(node)
    stop = body.start_byte if body is not None else node.end_byte
    tokens: list[bytes] = []
    types: list[bytes] = []
    sound = True
    for leaf, typed in _leaves(whole, stop, language):
        text = parse.text(leaf)
        sound = sound and not (leaf.is_error or leaf.is_missing or (leaf.parent is not None and leaf.parent.is_error))
        if typed:
            types.append(text)
        elif not (language.scopes.annotations and text in _GRAMMAR_OF_TYPES):
            tokens.append(text.replace(b"'", b'"'))
    at = parse.origin
    begins = min(whole.start_byte, head.start_byte)
    named = _undecorated(node, language)
    return Header(
        name, _plain(tokens), tuple(types), at + begins, at + named, at + stop, at + max(whole.end_byte, node.end_byte),
        sound,
    )  # fmt: skip


def _declared(node: Node) -> Node:
    """The statement a function is all of: with its decorators, `export const f =` and the like."""
    while (parent := node.parent) is not None and parent.parent is not None:
        tail = parent.end_byte - node.end_byte
        if tail > 1 or any(word in parent.type for word in _BODIES) or "class" in parent.type:
            break
        before = [child for child in parent.named_children if child.end_byte <= node.start_byte]
        if any(child.type.endswith(("statement", "definition")) for child in before):
            break
        node = parent
    return node


def _undecorated(node: Node, language: Language) -> int:
    """Where the function itself begins: behind decorators that are part of its node."""
    first = next((child for child in node.children if child.type not in _DECORATING), node)
    head = names.head_of(node, language)
    return min(first.start_byte, head.start_byte) if head is not None else first.start_byte


def _body(node: Node) -> Node | None:
    found = node.child_by_field_name("body")
    return found or next((child for child in node.named_children if child.type in _NAMELESS_BODIES), None)


def _leaves(node: Node, stop: int, language: Language) -> Iterator[tuple[Node, bool]]:
    """Leaves up to a byte, without comments, and whether each belongs to an annotation that may be left out."""
    comments, annotations = language.lexis.comments, language.scopes.annotations
    pending = [(node, False)]
    while pending:
        here, typed = pending.pop()
        if here.start_byte >= stop or here.type in comments:
            continue
        typed = typed or here.type in annotations
        if here.child_count:
            pending += [(child, typed) for child in reversed(here.children)]
        elif here.end_byte > here.start_byte:
            yield here, typed


def _plain(tokens: list[bytes]) -> tuple[bytes, ...]:
    """Without a comma before a closing bracket."""
    following = [*tokens[1:], b""]
    return tuple(
        token for token, after in zip(tokens, following, strict=True) if not (token == b"," and after in (b")", b"]"))
    )


def _subsequence(few: tuple[bytes, ...], many: tuple[bytes, ...]) -> bool:
    left = iter(many)
    return all(token in left for token in few)


# The same but for comments.


def bare(parse: Parse, start: int, end: int, language: Language) -> tuple[bytes, ...]:
    """The code in bytes [start, end) of the text as its tree has it, without comments and documenting strings."""
    start, end = start - parse.origin, end - parse.origin
    found: list[bytes] = []
    pending: list[Node | bytes] = [parse.root]
    while pending:
        node = pending.pop()
        if isinstance(node, bytes):
            found.append(node)
            continue
        if node.start_byte >= end or node.end_byte <= start or _says_nothing(node, language):
            continue
        inside = start <= node.start_byte and node.end_byte <= end
        if not node.child_count:
            found.append(parse.text(node) if inside else b"")
            continue
        if inside and node.is_named:
            found.append(node.type.encode())
            pending.append(b"/")
        pending += reversed(node.children)
    return tuple(token for token in found if token.strip())


def _says_nothing(node: Node, language: Language) -> bool:
    if node.type in language.lexis.comments:
        return True
    documents = node.parent is not None and node.parent.type in language.lexis.docs
    if not documents or not language.lexis.docs:
        return False
    held = node.named_child(0) if node.type == "expression_statement" and node.named_child_count == 1 else node
    return held is not None and held.type in language.lexis.strings


# What a piece of code is made of.


@dataclass(frozen=True, slots=True)
class Item:
    """One thing at the top of a text, or of a class in it. Bytes [start, end).

    kind: import, function, class, comment or statement. runs: a statement that does something by itself (a call).
    """

    kind: str
    name: str
    start: int
    end: int
    runs: bool = False
    inner: tuple[Item, ...] = ()


def items(parse: Parse, language: Language) -> tuple[Item, ...]:
    """What stands at the top of the text, in reading order; classes with their members."""
    return tuple(_items(parse.root, parse, language))


def _items(holder: Node, parse: Parse, language: Language) -> Iterator[Item]:
    for child in holder.named_children:
        yield _item(child, parse, language)


def _item(node: Node, parse: Parse, language: Language) -> Item:
    core = _core(node, parse, language)
    span = parse.origin + node.start_byte, parse.origin + node.end_byte
    kind = names.kind(core, parse.source, language)
    if node.type in language.lexis.comments:
        return Item("comment", "", *span)
    if kind in names.function_types(language):
        return Item("function", names.name_of(core, parse.source, language), *span)
    if kind in language.scopes.classes:
        opened = core.child_by_field_name("body") or names.follow(core, language.scopes.bodies.get(kind, "."))
        inner = tuple(_items(opened, parse, language)) if opened is not None and opened is not core else ()
        return Item("class", names.name_of(core, parse.source, language), *span, inner=inner)
    if _imports(node, parse, language):
        return Item("import", "", *span)
    return Item("statement", "", *span, runs=_runs(node))


def _imports(node: Node, parse: Parse, language: Language) -> bool:
    wanted = language.imports
    if node.type in wanted.containers and "import" in node.type:
        return True
    return node.type in wanted.nodes and bool(outline.imported(node, parse, language))


def _runs(node: Node) -> bool:
    """Whether a statement is nothing but a call."""
    called = node
    while called.type in ("expression_statement", "await_expression", "await") and called.named_child_count:
        called = called.named_children[0]
    return "call" in called.type or called.type == "print_statement"


def _core(node: Node, parse: Parse, language: Language) -> Node:
    """The function or class that a statement declares, whatever is around it; else the statement."""
    functions, wanted = names.function_types(language), node
    for _ in range(4):
        kind = names.kind(wanted, parse.source, language)
        if kind in functions or kind in language.scopes.classes:
            return names.body_of(wanted, language)
        inner = [
            child
            for child in wanted.named_children
            if child.type not in language.lexis.comments and child.type not in _DECORATING
        ]
        if not inner or inner[-1].end_byte < wanted.end_byte - 1 or "call" in wanted.type:
            return node
        wanted = inner[-1]
    return node
