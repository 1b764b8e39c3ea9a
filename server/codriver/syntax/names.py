"""What a node is, what functions and classes are called, and how many parameters they take. Which nodes
they are, and where the names stand, is said by the language's file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from tree_sitter import Node

from codriver.syntax import generic
from codriver.syntax.language import Language

_NAME = re.compile(r"[\w$@.~!?=#:<>-]+|operator\s*\S+")
_SEPARATOR = re.compile(r"::|\\|->|(?<=\w):(?=\w)")
_GENERICS = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")
_RECEIVER = re.compile(r"\(\s*(?:(\w+)\s+)?\*?\s*(\w+)\s*\)")


@cache
def function_types(language: Language) -> frozenset[str]:
    """All node types that are functions, named and anonymous."""
    return frozenset(language.scopes.functions) | frozenset(language.scopes.anonymous)


def kind(node: Node, source: bytes, language: Language) -> str:
    """The node's type, with what else tells its kind where the language says so (Scopes.keyed)."""
    keyed = language.scopes.keyed
    return _keyed(node, source, keyed[node.type]) if node.type in keyed else node.type


def _keyed(node: Node, source: bytes, by: str) -> str:
    if by == "^":
        return node.type if node.start_point.column else f"{node.type} ^"
    if by.startswith("~"):
        head = source[node.start_byte : node.start_byte + 80]
        return f"{node.type} ~" if re.match(by[1:].encode(), head) else node.type
    if by == "#":
        return next((f"{node.type} {child.type}" for child in node.children if not child.is_named), node.type)
    told = node.child_by_field_name(by) if by not in ("", "0") else node.named_child(0)
    if told is None:
        return node.type
    return f"{node.type} {_text(told, source)[:40] if by else told.type}"


def follow(node: Node | None, path: str) -> Node | None:
    """The node at the end of a path of fields and types of children: `a/b`. `b?` is stepped over where there is
    none, `0` is the first named child, `-1` the named sibling before, `..` the parent, `a!` the last `a`."""
    for step in path.split("/"):
        if node is None:
            return None
        name = step.rstrip("?")
        found = _step(node, name)
        if found is not None or name == step:
            node = found
    return node


def _step(node: Node, name: str) -> Node | None:
    if name == ".":
        return node
    if name == "0":
        return node.named_child(0) if node.named_child_count else None
    if name == "-1":
        return node.prev_named_sibling
    if name == "..":
        return node.parent
    if name.endswith("!"):
        return next((child for child in reversed(node.children) if child.type == name[:-1]), None)
    found = node.child_by_field_name(name)
    return found if found is not None else next((child for child in node.children if child.type == name), None)


def head_of(node: Node, language: Language) -> Node | None:
    """The signature in front of a function's body, where it is no part of it."""
    heads = language.scopes.heads
    head = node.prev_named_sibling if heads and node.type in language.scopes.functions else None
    return head if head is not None and head.type in heads else None


def body_of(node: Node, language: Language) -> Node:
    """The function a signature in front of it belongs to; any other node is itself."""
    if node.type not in language.scopes.heads:
        return node
    following = node.next_named_sibling
    return following if following is not None and following.type in language.scopes.functions else node


def name_of(node: Node, source: bytes, language: Language, outer: Sequence[Node] = ()) -> str:
    """The name of a function or class, dotted where the language qualifies it; "" when it has none.

    outer: the two nodes around it, innermost last, where known: a node finds them only by looking from the root down.
    """
    scopes = language.scopes
    if node.type in scopes.anonymous:
        return _bound_name(node, source, language, outer)
    path = scopes.named.get(kind(node, source, language)) if scopes.named else None
    if path is not None:
        named = follow(node, path)
    else:
        named = node.child_by_field_name(scopes.class_names.get(node.type, "name")) or _declared(node)
        if named is None and language.reading == "generic":
            named = generic.name_node(node)
    name = _clean(_text(named, source)) if named is not None else ""
    owner = receiver(node, source, language)[1] if name else ""
    return f"{owner}.{name}" if owner else name


def receiver(node: Node, source: bytes, language: Language) -> tuple[str, str]:
    """The variable and the type a Go method is called on; empty when it has none."""
    written = node.child_by_field_name(language.scopes.receiver) if language.scopes.receiver else None
    found = _RECEIVER.search(_GENERICS.sub("", _text(written, source))) if written is not None else None
    return (found[1] or "", found[2]) if found else ("", "")


def kind_of(node: Node, source: bytes, language: Language, parent_kind: str) -> str:
    """class, struct, function, method, ...; `parent_kind` is the kind of the scope directly around."""
    scopes, key = language.scopes, kind(node, source, language)
    if key in scopes.classes:
        return scopes.classes[key]
    called = scopes.functions.get(key, "lambda")
    return "method" if called == "function" and is_class(parent_kind, language) else called


def is_class(kind: str, language: Language) -> bool:
    """Whether functions in a scope of this kind are methods."""
    return kind in language.scopes.classes.values() and kind not in ("module", "namespace")


def parameters_of(node: Node, source: bytes, language: Language, is_member: bool) -> int:
    """How many parameters a caller may pass: without self, cls and bare separators."""
    scopes = language.scopes
    key = kind(node, source, language)
    path = scopes.listed.get(key)
    if path is None and node.child_by_field_name("parameter") is not None:
        return 1
    listed = _parameters(node) if path is None else follow(node, path)
    if listed is None:
        return 0
    if scopes.counted:
        inner = [child for outer in listed.named_children for child in (outer, *outer.named_children)]
        return sum(child.type in scopes.counted for child in inner)
    if not listed.named_child_count:
        return int(listed.type in ("identifier", "implicit_parameter"))
    name = follow(node, scopes.named[key]) if key in scopes.named else None
    children = [child for child in listed.named_children if child.type not in scopes.uncounted and child != name]
    if key in scopes.results:
        mark = next((child for child in listed.children if child.type == scopes.results[key]), None)
        children = [child for child in children if mark is None or child.end_byte <= mark.start_byte]
    if is_member and children and _text(children[0], source).split(":")[0] in language.scopes.receivers:
        children = children[1:]
    if len(children) == 1 and source[children[0].start_byte : children[0].end_byte] == b"void":
        return 0
    return sum(max(1, len(child.children_by_field_name("name"))) for child in children)


def _parameters(node: Node | None) -> Node | None:
    """The parameter list; in C it hangs on a declarator, below pointers."""
    while node is not None:
        listed = node.child_by_field_name("parameters")
        if listed is not None:
            return listed
        node = node.child_by_field_name("declarator")
    return None


def _declared(node: Node) -> Node | None:
    """The identifier at the end of C's chain of declarators."""
    inner = node.child_by_field_name("declarator")
    while inner is not None:
        deeper = inner.child_by_field_name("declarator")
        if deeper is None and inner.type.endswith("_declarator") and inner.named_child_count:
            deeper = inner.named_child(0)  # parentheses and references name no field
        if deeper is None:
            return inner
        inner = deeper
    return None


def _bound_name(node: Node, source: bytes, language: Language, outer: Sequence[Node]) -> str:
    binder = outer[-1] if outer else node.parent
    if binder is not None and binder.type in ("expression_list", "parenthesized_expression"):
        binder = outer[-2] if len(outer) > 1 else binder.parent
    if binder is None or binder.type not in language.scopes.binders:
        return ""
    target = follow(binder, language.scopes.binders[binder.type])
    if target is None or target == node:
        return ""
    return _clean(_text(target, source)).rpartition(".")[2]


def _clean(text: str) -> str:
    """`Foo<T>::bar` is Foo.bar, `$f` is f; what is no name (a pattern, a list) is "" ."""
    bare = text.strip("\"'`*& ")
    while _GENERICS.search(bare) and "operator" not in bare:
        bare = _GENERICS.sub("", bare)
    bare = _SEPARATOR.sub(".", bare).lstrip("$.")
    return bare if _NAME.fullmatch(bare) else ""


def _text(node: Node, source: bytes) -> str:
    return source[node.start_byte : min(node.end_byte, node.start_byte + 200)].decode("utf-8", "replace")
