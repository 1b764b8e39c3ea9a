"""Codriver's own numbers of a file's functions, each with its node, so that a difference can be looked for in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tree_sitter import Node, Parser

from codriver.model.features import Function
from codriver.syntax import languages, names
from codriver.syntax.language import Language
from codriver.syntax.measures import Measures
from codriver.syntax.parse import Parse


@dataclass(frozen=True, slots=True)
class Ours:
    """One function: our numbers and where they come from."""

    path: Path
    function: Function
    node: Node
    source: bytes
    language: Language

    @property
    def name(self) -> str:
        return self.function.name.rpartition(".")[2]

    @property
    def text(self) -> str:
        return self.source[self.node.start_byte : self.node.end_byte].decode("utf-8", "replace")

    @property
    def is_expression(self) -> bool:
        """It counts for the function around too, since it is part of it."""
        return self.node.type in self.language.scopes.anonymous

    def body(self) -> tuple[int, int]:
        """Bytes of the body, parentheses around an expression left out."""
        body = self.node.child_by_field_name("body") or self.node
        while body.type == "parenthesized_expression" and body.named_child_count:
            body = next(child for child in body.named_children if child.type != "comment")
        return body.start_byte, body.end_byte


def functions(path: Path, name: str) -> Iterator[Ours]:
    """All functions of a file, nameless ones too where they count for themselves."""
    language = languages.find(name)
    grammar = language.load() if language else None
    if language is None or grammar is None:
        raise SystemExit(f"{name}: no such language")
    source = path.read_bytes()
    tree = Parser(grammar).parse(source)
    for unit in Measures(language).of(Parse(tree, source)):
        for function in unit.functions():
            node = _node(tree.root_node, function, language, source)
            if node is not None:
                yield Ours(path, function, node, source, language)


def root(node: Node) -> Node:
    while node.parent is not None:
        node = node.parent
    return node


def _node(root: Node, function: Function, language: Language, source: bytes) -> Node | None:
    node = root.descendant_for_byte_range(function.start_byte, function.end_byte - 1)
    kinds = names.function_types(language)
    while node is not None and names.kind(node, source, language) not in kinds:
        node = node.parent
    return node
