"""What is known of each language: the files `languages/<name>/language.toml`, read on first use.

To add a language, add a folder. A language without a grammar is known by name, comment and domain
only: enough to say what a file is, not what is in it.
"""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from functools import cache, cached_property
from importlib import resources
from pathlib import PurePosixPath
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


@dataclass(frozen=True)
class Rules:
    """How complexity is counted; the definitions are in complexity.py."""

    decisions: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Decision type -> pattern of the beginning of those that decide nothing (`case _:`)."""
    else_decisions: tuple[str, ...] = ()
    """Nodes whose `else` is a path of its own: loops and try."""
    logical: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    coalescing: tuple[str, ...] = ()
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
    jumps: Mapping[str, str] = field(default_factory=dict)
    """Jump type -> child that makes it cost; "" when it always does."""
    calls: Mapping[str, str] = field(default_factory=dict)
    """Call type -> field of what is called."""
    call_objects: Mapping[str, str] = field(default_factory=dict)
    """Call type -> field of the object, when that is not part of what is called."""
    selves: tuple[str, ...] = ()
    """What a method writes before its own name to call itself."""
    bare_self: bool = False
    """A method may call itself by its name alone."""
    overloads: bool = False
    """Functions of one name differ by their parameters' number."""
    decorators: bool = False
    """A function that only defines and returns another one adds no nesting to it."""


@dataclass(frozen=True)
class Lexis:
    """Which nodes are strings and comments, and how they look where no tree can be had."""

    strings: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    interpolations: tuple[str, ...] = ()
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

    def load(self) -> tree_sitter.Language | None:
        """The grammar; None when there is none. Loaded on first use."""
        return _grammar(self.grammar) if self.grammar else None


@cache
def every() -> tuple[Language, ...]:
    """All languages, by name. Raises ValueError for a file that says what no field can hold."""
    root = resources.files("codriver") / "languages"
    found = [entry / "language.toml" for entry in root.iterdir() if entry.is_dir()]
    return tuple(
        sorted(
            (parse(file.read_text("utf-8"), str(file)) for file in found if file.is_file()),
            key=lambda language: language.name,
        )
    )


def parse(text: str, origin: str = "language.toml") -> Language:
    """A language from the text of its file. Raises ValueError, naming the file and the key."""
    table = tomllib.loads(text)
    parts = {"scopes": Scopes, "rules": Rules, "lexis": Lexis, "imports": Imports}
    values = {
        key: parts[key](**_checked(parts[key], value, origin)) if key in parts else value
        for key, value in table.items()
    }
    return Language(**_checked(Language, values, origin))


def of_id(language_id: str) -> Language | None:
    """By LSP language id, Markdown fence tag or our own name; case does not matter."""
    return _indexes()[0].get(language_id.lower())


def of_path(path: str) -> Language | None:
    """By file name, else by its longest known extension."""
    name = PurePosixPath(path.replace("\\", "/")).name
    by_file, by_extension = _indexes()[1:]
    for pattern, language in by_file.items():
        if fnmatchcase(name, pattern):
            return language
    parts = name.lower().split(".")
    tails = (".".join(parts[at:]) for at in range(1, len(parts)))
    return next((by_extension[tail] for tail in tails if tail in by_extension), None)


def of_text(data: bytes) -> Language | None:
    """By the shebang of the first line."""
    if not data.startswith(b"#!"):
        return None
    words = data[2:200].split(b"\n", 1)[0].decode("utf-8", "replace").split()
    programs = [PurePosixPath(word).name for word in words if not word.startswith("-") and "=" not in word]
    program = next((name for name in programs if name != "env"), "")
    stem = re.sub(r"[\d.]+$", "", program)
    return next((language for language in every() if stem and stem in language.shebangs), None)


def find(language_id: str = "", path: str = "", data: bytes = b"") -> Language | None:
    """By id, then path, then shebang. JSX in plain TypeScript's id is told by the path."""
    by_id, by_path = of_id(language_id) if language_id else None, of_path(path) if path else None
    if by_id and by_path and by_path.family and by_id.family == by_path.family:
        return by_path
    return by_id or by_path or of_text(data)


@cache
def _indexes() -> tuple[dict[str, Language], dict[str, Language], dict[str, Language]]:
    ids = {name.lower(): language for language in every() for name in (*language.ids, language.name)}
    files = {pattern: language for language in every() for pattern in language.files}
    extensions = {extension: language for language in every() for extension in language.extensions}
    return ids, files, extensions


@cache
def _grammar(name: str) -> tree_sitter.Language | None:
    """From the pack, else from a package `tree_sitter_<name>`: one grammar can be renewed alone."""
    try:
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
            return wanted in ("Scopes", "Rules", "Lexis", "Imports")
