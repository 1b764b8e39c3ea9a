"""Grammars nobody wrote a folder for: what is a function, a class, a branch is guessed from the names of their nodes.

Such a language says that it is one (`reading = "generic"`): its lines and its nesting are counted, nothing else.
What its files are called stands in `languages/generic.toml`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from functools import cache
from importlib import resources

import tree_sitter
from tree_sitter import Node

from codriver.syntax.language import Language, Lexis, Rules, Scopes, from_table

_LOOKED_AT = 20
"""Nodes on one level, and in all, that are looked at for a name."""

_THING = r"(?:_(?:definition|declaration|def|decl|item|statement|stmt|form))*"
_FUNCTION = re.compile(
    r"(?:local_|proper_|external_|normal_|named_|sub)?(?:function|func(?=_)|fun|fn|method|procedure|proc|subroutine|routine"
    rf"|constructor|destructor|defun|sub|defn|subprogram){_THING}"
)
_CLASS = re.compile(
    rf"(?:object_)?(?:class|interface|struct|trait|enum|union|module|namespace|contract|protocol){_THING}"
    r"|(?:class|module|category)_(?:implementation|interface|specifier)"
)
_NESTING = re.compile(
    r"(?:if|elif|else_if|elsif|unless|for|foreach|for_each|while|until|loop|repeat|do_while|do_until|switch|match|case"
    r"|select|cond|try|catch|except|rescue|handler|conditional|when)"
    r"(?:_(?:statement|stmt|expression|expr|clause|block|loop|item|arm|in|of))*"
)
_NOT_NESTING = re.compile(
    r"(?:elif|else_if|elsif|else|case|when|match)_(?:clause|arm|item|block)|(?:else_if|elsif|elif).*"
)
_COMMENT = re.compile(r"(?:.*_)?comments?(?:_.*)?")
_STRING = re.compile(
    r"(?:.*_)?(?:string|str|string_literal|char|character|char_literal|heredoc)(?:_(?:literal|lit|value))?"
)
_BODY = re.compile(
    r"(?:.*_)?(?:body|block|declaration_list|member_list|members|statements|stmts)|source_file|source|program|file|chunk"
    r"|declarations?|definitions?|sections?|implementation_definition|design_unit|exports?|decorated_definition"
)
_WORDS = ("function", "func", "method", "procedure", "proc", "fn", "fun", "sub", "class", "struct", "module", "enum")
_NAME = re.compile(r"(?:.*_)?(?:identifier|ident|name|id|symbol|word|variable|label)(?:_.*)?")


@cache
def every() -> tuple[Language, ...]:
    """All of them, by name, without their tables: `read` fills these, when one is met."""
    file = resources.files("codriver") / "languages" / "generic.toml"
    rows = tomllib.loads(file.read_text("utf-8"))
    return tuple(
        from_table({"name": name, "grammar": name, "reading": "generic", **row}, "generic.toml")
        for name, row in rows.items()
    )


@cache
def read(language: Language) -> Language:
    """The language with its tables guessed; languages with tables of their own stay as they are."""
    grammar = language.load() if language.reading == "generic" else None
    if grammar is None:
        return language
    kinds = _kinds(grammar)
    ifs = tuple(kind for kind in kinds if re.fullmatch(r"(?:if|unless)(?:_.*)?", kind) and _nests(kind))
    rules = (
        language.rules
        if language.rules.structures
        else Rules(
            ifs=ifs,
            structures=_without_keywords([kind for kind in kinds if _nests(kind)]),
            chained=tuple(kind for kind in kinds if re.fullmatch(r"(?:elif|elsif|else_?if)(?:_.*)?", kind)),
            elses=tuple(kind for kind in kinds if re.fullmatch(r"else_(?:clause|block|statement|branch)", kind)),
            else_parents=ifs,
            else_if=True,
        )
    )
    functions = _without_keywords([kind for kind in kinds if _FUNCTION.fullmatch(kind)])
    classes = _without_keywords([kind for kind in kinds if _CLASS.fullmatch(kind)])
    inner = [kind for kind in kinds if _BODY.fullmatch(kind) and kind not in (*functions, *classes)]
    scopes = (
        language.scopes
        if language.scopes.functions
        else Scopes(
            functions=dict.fromkeys(functions, "function"),
            classes={kind: _first_word(kind) for kind in classes},
            bodies=dict.fromkeys(classes, "body?"),
            wrappers=tuple(inner),
        )
    )
    lexis = Lexis(
        strings=tuple(kind for kind in kinds if _STRING.fullmatch(kind)),
        comments=tuple(kind for kind in kinds if _COMMENT.fullmatch(kind)),
        interpolations=tuple(kind for kind in kinds if "interpolation" in kind or "substitution" in kind),
        quotes='"',
        opener=r"\{\s*$",
    )
    return replace(language, scopes=scopes, rules=rules, lexis=lexis)


def name_node(node: Node) -> Node | None:
    """What is most likely the name of a function or class: the first thing called so, not deep inside."""
    level, looked_at = [node], 0
    while level and looked_at < _LOOKED_AT:
        inner = [child for parent in level for child in parent.named_children[:_LOOKED_AT]]
        found = next((child for child in inner if _NAME.fullmatch(child.type)), None)
        if found is not None:
            return found
        looked_at += len(inner)
        level = inner[:_LOOKED_AT]
    return None


def _kinds(grammar: tree_sitter.Language) -> tuple[str, ...]:
    numbers = range(grammar.node_kind_count)
    kinds = (grammar.node_kind_for_id(number) or "" for number in numbers if grammar.node_kind_is_named(number))
    return tuple(dict.fromkeys(kind for kind in kinds if kind and not kind.startswith("_")))


def _nests(kind: str) -> bool:
    return bool(_NESTING.fullmatch(kind)) and not _NOT_NESTING.fullmatch(kind)


def _without_keywords(kinds: list[str]) -> tuple[str, ...]:
    """Without `if` where there is `if_statement`, without `method` where there is any longer name: mere words."""
    long = tuple(kind for kind in kinds if kind.endswith(("definition", "declaration", "statement", "item", "decl")))
    bare = (kind for kind in kinds if not any(other.startswith(f"{kind}_") for other in kinds))
    return tuple(kind for kind in bare if "_" in kind or not long or kind not in _WORDS)


def _first_word(kind: str) -> str:
    words = [word for word in kind.split("_") if word != "object"]
    return words[0] if words else kind
