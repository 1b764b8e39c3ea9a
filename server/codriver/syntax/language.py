"""One language: which nodes of its grammar mean what, as its file `languages/<name>/language.toml` says."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from typing import Any

import tree_sitter
import tree_sitter_language_pack


@dataclass(frozen=True)
class Scopes:
    """Which nodes are functions and classes, and where their names stand. Node type -> kind."""

    functions: Mapping[str, str] = field(default_factory=dict)
    anonymous: tuple[str, ...] = ()
    """Functions without a name of their own; listed when a binder names them."""
    classes: Mapping[str, str] = field(default_factory=dict)
    class_names: Mapping[str, str] = field(default_factory=dict)
    """Class node type -> field of its name, when that is not `name`."""
    wrappers: tuple[str, ...] = ()
    """Nodes around top-level things: decorators, exports, conditional compilation, bodies."""
    binders: Mapping[str, str] = field(default_factory=dict)
    """Node type -> field of the name that it gives to the anonymous function inside."""
    receiver: str = ""
    """Field of the type a method belongs to, written before its name (Go)."""
    receivers: tuple[str, ...] = ()
    """Names of a method's first parameter that callers do not pass."""
    uncounted: tuple[str, ...] = ()
    """Nodes among the parameters that are no parameters."""
    counted: tuple[str, ...] = ()
    """Where given, only these are parameters; they may stand one level deeper (optional ones in brackets)."""
    keyed: Mapping[str, str] = field(default_factory=dict)
    """Node type -> what else tells its kind: a field whose text is added (`call` -> `call def`), "" for its first
    child's type, "0" for its text, "^" for standing at the margin, "#" for its first token, "~" and a pattern for
    beginning so (`type ~`). Others say `call def`."""
    named: Mapping[str, str] = field(default_factory=dict)
    """Kind -> path to the name, when that is no field `name` (names.follow)."""
    listed: Mapping[str, str] = field(default_factory=dict)
    """Kind -> path to the parameters, when they are no field `parameters`; "." when they are children."""
    bodies: Mapping[str, str] = field(default_factory=dict)
    """Class kind -> path to the node whose children are members, when that is no field `body`; "." for itself."""
    headings: Mapping[str, str] = field(default_factory=dict)
    """Kind -> path to the node that only says the function's name and parameters, where these look like a call."""
    annotations: tuple[str, ...] = ()
    """Types of parameters and results that may be left out and oblige nobody."""
    results: Mapping[str, str] = field(default_factory=dict)
    """Kind -> token behind which names are those of results, no parameters."""
    heads: tuple[str, ...] = ()
    """Nodes in front of a function's body that are no part of it, though name and parameters stand there (Dart)."""


@dataclass(frozen=True)
class Rules:
    """How complexity is counted; the definitions are in complexity.py."""

    decisions: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Decision type -> pattern of the beginning of those that decide nothing (`case _:`)."""
    guards: Mapping[str, str] = field(default_factory=dict)
    """Node type -> field that makes it a decision where it is there: an arm's condition, a parameter's default."""
    arms: Mapping[str, str] = field(default_factory=dict)
    """Node type -> type of its arms, one of which is always taken: they are one decision less than arms."""
    cases: Mapping[str, str] = field(default_factory=dict)
    """Node type -> token that begins each of its cases, where these are no nodes (Yul)."""
    else_decisions: tuple[str, ...] = ()
    """Nodes whose `else` is a path of its own: loops and try."""
    logical: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    """Nodes that only stand around every expression (Solidity)."""
    signs: tuple[str, ...] = ()
    """Nodes whose text is the operator, where all operators are nodes of one type."""
    coalescing: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    """Operators whose sequences cost nothing, cognitively: they stand for a default value more often than not."""
    free_in: tuple[str, ...] = ()
    """Nodes directly in which a sequence of one operator, no ternary in it, costs nothing: a part of a page or none."""
    logical_chains: tuple[str, ...] = ()
    ifs: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()
    """Everything that costs 1 + nesting, ifs included."""
    chained: tuple[str, ...] = ()
    """elif and its like."""
    elses: tuple[str, ...] = ()
    else_parents: tuple[str, ...] = ()
    else_if: bool = False
    """`else if` is an if inside an else."""
    alternative: str = "alternative"
    """Field of what stands after an else, or of the word itself, where that is no node of its own."""
    else_bodies: tuple[str, ...] = ()
    """Nodes around the statement after an else."""
    directives: Mapping[str, str] = field(default_factory=dict)
    """Node type -> field of the condition that is decided before there is a program (`#if`)."""
    jumps: Mapping[str, str] = field(default_factory=dict)
    """Jump type -> child that makes it cost; "" when it always does."""
    calls: Mapping[str, str] = field(default_factory=dict)
    """Call type -> field of what is called."""
    call_objects: Mapping[str, str] = field(default_factory=dict)
    """Call type -> field of the object, when that is not part of what is called."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Call type -> child of which there is one per argument, when these are in no field `arguments`."""
    selves: tuple[str, ...] = ()
    """What a method writes before its own name to call itself."""
    bare_self: bool = False
    """A method may call itself by its name alone."""
    entries: tuple[str, ...] = ()
    """Functions, or nodes directly around them, whose name is an object's entry: a bare call is another function."""
    overloads: bool = False
    """Functions of one name differ by their parameters' number."""
    apart: bool = False
    """Every function counts for itself alone, a nameless one too, and its parameters count with it."""
    decorators: bool = False
    """A function that only defines and returns another one adds no nesting to it."""


@dataclass(frozen=True)
class Lexis:
    """Which nodes are strings and comments, and how they look where no tree can be had."""

    strings: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    interpolations: tuple[str, ...] = ()
    docs: tuple[str, ...] = ()
    """Nodes directly in which a string documents, and computes nothing."""
    quotes: str = "\"'"
    opener: str = ""
    """Pattern of a line after which a block begins."""
    not_blocks: tuple[str, ...] = ()
    """Nodes in which such a line opens no block."""


@dataclass(frozen=True, eq=False)
class Imports:
    """Where imports stand and how a module's name is read from one."""

    nodes: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    """Each has groups; every non-empty group is one name or a comma-separated list of names."""

    @cached_property
    def compiled(self) -> tuple[re.Pattern[bytes], ...]:
        return tuple(re.compile(pattern.encode(), re.MULTILINE) for pattern in self.patterns)

    def compiling(self) -> Iterator[None]:
        """Compiles the patterns one by one, unless that is done: once for a language, some take ten milliseconds."""
        if "compiled" not in self.__dict__:
            for pattern in self.patterns:
                re.compile(pattern.encode(), re.MULTILINE)  # which remembers it
                yield


@dataclass(frozen=True, eq=False)
class Embedded:
    """Pieces of other languages in a text, found by pattern: they are parsed by their own grammars."""

    patterns: tuple[str, ...] = ()
    """Each has a group `code`; `tag` and `attributes`, or `language`, say what it is written in."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Tag -> language id when the attributes name none."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Words of `type` or `lang` that are no language ids -> language id; "" for what is no code."""

    @cached_property
    def compiled(self) -> tuple[re.Pattern[bytes], ...]:
        return tuple(re.compile(pattern.encode(), re.DOTALL | re.IGNORECASE) for pattern in self.patterns)


@dataclass(frozen=True, eq=False)
class Language:
    """One language, as its file says."""

    name: str
    title: str
    grammar: str = ""
    family: str = ""
    """The name under which frameworks list its imports."""
    ecosystem: str = ""
    """Where its packages come from: pypi, npm, go, cargo, maven, gem, composer."""
    ids: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """Whole file names, as patterns."""
    shebangs: tuple[str, ...] = ()
    comment: str = ""
    opener: str = ""
    closer: str = ""
    """What code stands between, in a file that is a page's text outside of them (`<?php`, `?>`)."""
    afresh: bool = False
    """Its grammar is one with which an edited tree may keep an error that is no more (syntax/trees.py)."""
    indented: bool = False
    """Blocks are made by indentation."""
    domain: str = ""
    """What such files are usually for, when nothing else tells."""
    tests: tuple[str, ...] = ()
    """Patterns of the paths of tests."""
    scopes: Scopes = Scopes()
    rules: Rules = Rules()
    lexis: Lexis = Lexis()
    imports: Imports = Imports()
    embedded: Embedded = Embedded()
    reading: str = ""
    """"" for code, read by all the rules; "configuration" and "markup" have keys and blocks but nothing to be
    counted; "generic" is a language known by its grammar's node names only: lines and nesting are counted."""

    @property
    def counted(self) -> bool:
        """Whether complexity means anything here."""
        return not self.reading

    def load(self) -> tree_sitter.Language | None:
        """The grammar; None when there is none. Loaded on first use."""
        return _grammar(self.grammar) if self.grammar else None


def parse(text: str, origin: str = "language.toml") -> Language:
    """A language from the text of its file. Raises ValueError, naming the file and the key."""
    return from_table(tomllib.loads(text), origin)


def from_table(table: Mapping[str, Any], origin: str) -> Language:
    """A language from its parsed table. Raises ValueError, naming the file and the key."""
    parts = {"scopes": Scopes, "rules": Rules, "lexis": Lexis, "imports": Imports, "embedded": Embedded}
    values = {
        key: parts[key](**_checked(parts[key], value, origin)) if key in parts else value
        for key, value in table.items()
    }
    return Language(**_checked(Language, values, origin))


@cache
def _grammar(name: str) -> tree_sitter.Language | None:
    """From the pack, else from a package `tree_sitter_<name>`: one grammar can be renewed alone."""
    try:
        # The pack wants one of its own names, and raises for others.
        return tree_sitter_language_pack.get_language(name)  # type: ignore[arg-type]
    except LookupError:
        pass
    try:
        module = importlib.import_module(f"tree_sitter_{name}")
    except ImportError:
        return None
    return tree_sitter.Language(module.language())


def _checked(kind: type, table: Mapping[str, Any], origin: str) -> dict[str, Any]:
    known = {entry.name: entry.type for entry in fields(kind)}
    checked: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise ValueError(f"{origin}: unknown key {key!r}")
        value = tuple(value) if isinstance(value, list) else value
        wanted = str(known[key])
        if not _fits(value, wanted):
            raise ValueError(f"{origin}: {key!r} must be {wanted}, not {value!r}")
        checked[key] = value
    return checked


def _fits(value: object, wanted: str) -> bool:
    match value:
        case bool():
            return wanted == "bool"
        case str():
            return wanted == "str"
        case tuple():
            return wanted.startswith("tuple") and all(isinstance(item, str) for item in value)
        case dict():
            return wanted.startswith("Mapping") and all(isinstance(item, str) for item in value.values())
        case _:
            return wanted in ("Scopes", "Rules", "Lexis", "Imports", "Embedded")
