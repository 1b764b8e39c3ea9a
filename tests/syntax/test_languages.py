"""Languages are data: what their files say exists in the grammar, and a file is all that a language takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

import pytest
from tree_sitter_language_pack import SupportedLanguage

from codriver.syntax import languages
from codriver.syntax.languages import Language

PARSED = [language for language in languages.every() if language.grammar]


def test_the_promised_languages_have_grammars() -> None:
    promised = {
        *("python", "javascript", "typescript", "tsx", "go", "rust", "java", "kotlin", "c", "cpp", "csharp", "ruby"),
        *("php", "swift", "scala", "lua", "dart", "elixir", "haskell", "r", "julia", "shell", "sql", "html", "css"),
        *("vue", "svelte", "yaml", "toml", "json", "dockerfile", "terraform"),
    }
    assert promised <= {language.name for language in PARSED}


@pytest.mark.parametrize("language", PARSED, ids=lambda language: language.name)
def test_every_node_and_field_named_exists_in_the_grammar(language: Language) -> None:
    grammar = language.load()
    assert grammar is not None
    kinds = {grammar.node_kind_for_id(number) for number in range(grammar.node_kind_count)}
    fields = {grammar.field_name_for_id(number) for number in range(1, grammar.field_count + 1)}
    keyed = language.scopes.keyed
    for kind in named_kinds(language):
        word, _, told = kind.partition(" ")
        assert word in kinds, kind
        assert not told or word in keyed, kind
        # A field's text may be anything, a type or a token is the grammar's.
        assert not told or keyed[word] not in ("", "#") or told in kinds, kind
    assert set(named_fields(language)) <= fields
    assert set(steps(language)) <= kinds | fields
    assert set(language.rules.operators) <= kinds or language.rules.signs


def named_kinds(language: Language) -> Iterator[str]:
    scopes, rules, lexis, imports = language.scopes, language.rules, language.lexis, language.imports
    for group in (
        scopes.functions, scopes.anonymous, scopes.classes, scopes.class_names, scopes.wrappers, scopes.binders,
        scopes.uncounted, scopes.counted, scopes.keyed, scopes.named, scopes.listed, scopes.headings, scopes.bodies, scopes.heads,
        scopes.results, scopes.results.values(), rules.cases, rules.cases.values(), rules.around, rules.arguments,
        rules.arguments.values(), rules.decisions, rules.defaults, rules.else_decisions, rules.logical, rules.signs, rules.else_bodies,
        rules.logical_chains, rules.ifs, rules.structures, rules.chained, rules.elses,
        rules.else_parents, rules.jumps, filter(None, rules.jumps.values()), rules.calls, rules.call_objects,
        lexis.strings, lexis.comments, lexis.interpolations, lexis.not_blocks, imports.nodes, imports.containers,
    ):  # fmt: skip
        yield from group


def named_fields(language: Language) -> Iterator[str]:
    scopes, rules = language.scopes, language.rules
    yield from (*scopes.class_names.values(), *filter(None, [scopes.receiver]))
    told = (by for by in scopes.keyed.values() if by not in ("", "0", "^", "#") and not by.startswith("~"))
    yield from (*rules.call_objects.values(), *told)


def steps(language: Language) -> Iterator[str]:
    """The fields and types on all paths."""
    scopes = language.scopes
    tables = (scopes.binders, scopes.named, scopes.listed, scopes.headings, scopes.bodies, language.rules.calls)
    for path in (path for table in tables for path in table.values()):
        yield from {step.rstrip("?!") for step in path.split("/")} - {"", ".", "..", "0", "-1"}


@pytest.mark.parametrize("language", PARSED, ids=lambda language: language.name)
def test_every_pattern_compiles(language: Language) -> None:
    for pattern in (language.lexis.opener, *language.rules.defaults.values(), *language.imports.patterns):
        assert re.compile(pattern.encode())


def test_ids_extensions_and_files_are_claimed_once() -> None:
    for claims in ("ids", "extensions", "files"):
        claimed = [claim for language in languages.every() for claim in getattr(language, claims)]
        assert sorted(set(claimed)) == sorted(claimed)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('name = "x"\ntitle = "X"\ncolour = "red"', "unknown key 'colour'"),
        ('name = "x"\ntitle = "X"\nids = "x"', "'ids' must be tuple"),
        ('name = "x"\ntitle = "X"\n[rules]\nbranches = ["if"]', "unknown key 'branches'"),
        ('name = "x"\ntitle = "X"\n[rules]\ncalls = { call = 1 }', "'calls' must be Mapping"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)) as caught:
        languages.parse(text, "x/language.toml")
    assert "x/language.toml" in str(caught.value)


def test_generic_languages_name_what_their_grammars_have() -> None:
    own = {language.name for language in languages.every()}
    others = [language for language in languages.known() if language.name not in own]
    assert len(others) > 100
    assert {language.reading for language in others} == {"generic"}
    for language in others:
        grammar = language.load()
        if language.scopes.functions and grammar is not None:
            kinds = {grammar.node_kind_for_id(number) for number in range(grammar.node_kind_count)}
            assert set(named_kinds(language)) <= kinds, language.name


def test_every_grammar_of_the_pack_is_some_language() -> None:
    told = {language.grammar for language in languages.known()}
    # The first two have scanners that may never return; HCL is read with Terraform's grammar.
    assert set(get_args(SupportedLanguage)) - told == {"cobol", "perl", "hcl"}


def test_a_language_is_one_file() -> None:
    added = languages.parse('name = "zig"\ntitle = "Zig"\ngrammar = "zig"\nextensions = ["zig"]\ncomment = "//"')
    assert added.load() is not None
    assert languages.parse('name = "x"\ntitle = "X"\ngrammar = "no_such_grammar"').load() is None
