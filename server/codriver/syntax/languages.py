"""Which language a text is in. What is known of each is a folder `languages/<name>/`, read on first use.

To add a language, add a folder. A language without a grammar is known by name, comment and domain
only: enough to say what a file is, not what is in it. Grammars without a folder are read as generic ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import cache
from importlib import resources
from pathlib import PurePosixPath

from codriver.syntax import content, generic
from codriver.syntax.language import Embedded, Imports, Language, Lexis, Rules, Scopes, parse

__all__ = ["Embedded", "Imports", "Language", "Lexis", "Rules", "Scopes", "every", "find", "known", "of_id", "parse"]


@cache
def every() -> tuple[Language, ...]:
    """All languages that have a folder, by name. Raises ValueError for a file that says what no field can hold."""
    root = resources.files("codriver") / "languages"
    found = [entry / "language.toml" for entry in root.iterdir() if entry.is_dir()]
    return tuple(
        sorted(
            (parse(file.read_text("utf-8"), str(file)) for file in found if file.is_file()),
            key=lambda language: language.name,
        )
    )


@cache
def known() -> tuple[Language, ...]:
    """All languages: those with a folder, then every other grammar of the pack, read as a generic one."""
    own = every()
    taken = {name for language in own for name in (language.name, language.grammar, *language.ids)}
    return (*own, *(language for language in generic.every() if language.name not in taken))


def of_id(language_id: str) -> Language | None:
    """By LSP language id, Markdown fence tag or our own name; case does not matter."""
    return _ready(_ids().get(language_id.lower()))


def of_path(path: str) -> Language | None:
    """By file name, else by its longest known extension."""
    found = _named_by(path)
    return _ready(found[0]) if found else None


def of_text(data: bytes) -> Language | None:
    """By the shebang of the first line, else by an editor's mode line."""
    return _ready(_first(content.programs(data), _shebangs()) or _first(content.modes(data), _ids()))


def find(language_id: str = "", path: str = "", data: bytes = b"") -> Language | None:
    """By id, then path, then shebang or mode line. JSX in plain TypeScript's id is told by the path.

    Where several languages write the same extension, the text tells; a mode line outweighs the extension.
    """
    by_id = of_id(language_id) if language_id else None
    by_path = _by_path(path, data) if path else None
    if by_id and by_path and by_path.family and by_id.family == by_path.family:
        return by_path
    return by_id or by_path or of_text(data)


def _ready(language: Language | None) -> Language | None:
    return generic.read(language) if language is not None else None


def _by_path(path: str, data: bytes) -> Language | None:
    language, by_name = _named_by(path) or (None, False)
    if by_name:
        return _ready(language)
    told = _first(content.modes(data), _ids()) or _first(content.told(_extension(path), data), _ids())
    return _ready(told or language)


def _named_by(path: str) -> tuple[Language, bool] | None:
    """The language, and whether the whole name told it."""
    name = PurePosixPath(path.replace("\\", "/")).name
    whole, patterns = _files()
    if name in whole:
        return whole[name], True
    for pattern, language in patterns:
        if pattern.match(name):
            return language, True
    parts = name.lower().split(".")
    tails = (".".join(parts[at:]) for at in range(1, len(parts)))
    by_extension = _extensions()
    found = next((by_extension[tail] for tail in tails if tail in by_extension), None)
    return (found, False) if found else None


def _extension(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/")).suffix.lower().lstrip(".")


def _first(names: Iterable[str], index: dict[str, Language]) -> Language | None:
    return next((index[name] for name in names if name in index), None)


@cache
def _ids() -> dict[str, Language]:
    """Later ones never take a name from earlier ones: a folder outweighs a generic language."""
    index: dict[str, Language] = {}
    for language in known():
        for name in (*language.ids, language.name):
            index.setdefault(name.lower(), language)
    return index


@cache
def _files() -> tuple[dict[str, Language], list[tuple[re.Pattern[str], Language]]]:
    """Whole names, and patterns of names."""
    claims = [(pattern, language) for language in known() for pattern in language.files]
    whole = {pattern: language for pattern, language in reversed(claims) if not set(pattern) & set("*?[")}
    return whole, [(re.compile(translate(pattern)), language) for pattern, language in claims if pattern not in whole]


@cache
def _extensions() -> dict[str, Language]:
    index: dict[str, Language] = {}
    for language in known():
        for extension in language.extensions:
            index.setdefault(extension, language)
    return index


@cache
def _shebangs() -> dict[str, Language]:
    return {program: language for language in reversed(known()) for program in language.shebangs}
