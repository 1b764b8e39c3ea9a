"""What a user may write, what is made of it, and how mistakes are told."""

from __future__ import annotations

import contextlib
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from codriver import config
from codriver.config import Settings
from codriver.config.providers import QuirksTable
from codriver.config.reading import line_of
from codriver.errors import ConfigError
from codriver.model.provider import Quirks


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_no_file_is_the_defaults(file: Path) -> None:
    settings = config.load(file, {})
    assert settings == Settings()
    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 3748)
    assert settings.routing.strategy == "auto"
    assert ".env" in settings.privacy.never


def test_a_file_that_the_environment_names_must_be_there(file: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        config.load(file, {"CODRIVER_CONFIG": str(file)})


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().http.port = 1


def test_every_field_has_a_default_and_one_line_of_description() -> None:
    tables = [Settings, *(field.annotation for field in Settings.model_fields.values())]
    for table in tables:
        if not (isinstance(table, type) and issubclass(table, BaseModel)):
            continue
        for name, field in table.model_fields.items():
            assert not field.is_required(), f"{table.__name__}.{name}"
            assert field.description and "\n" not in field.description, f"{table.__name__}.{name}"


# text, where, key, words of the reason, words of the remedy
MISTAKES = [
    ('[routing]\nstrategy = "cost"\nflor = 0.2\n', 3, "routing.flor", "no such key", "'floor'"),
    ("[routin]\nfloor = 0.2\n", 1, "routin", "no such key", "'routing'"),
    ("[http]\nqqq = 1\n", 2, "http.qqq", "no such key", "host, port"),
    ("routing = 3\n", 1, "routing", "should be a table", "[routing]"),
    ("[http]\n\nport = 99_999\n", 3, "http.port", "less than or equal to 65535", ""),
    ('[http]\nport = "many"\n', 2, "http.port", "valid integer", ""),
    ('[http]\nhost = "0.0.0.0"\n', 1, "http", "reachable from other machines", "allow_remote"),
    ('[log]\nlevel = "loud"\n', 2, "log.level", "not one of the words", "'debug'"),
    ('[providers.openai]\nkey = "sk-secret"\n', 2, "providers.openai.key", "does not belong in this file", "env:NAME"),
    ('[providers.x]\nbase_url = "x.example"\n', 2, "providers.x.base_url", "not an http", ""),
    ('[providers.x]\nwire = "openai"\n', 2, "providers.x.wire", "not one of the words", "'openai_chat'"),
    ('[providers.x.quirks]\ndropp = ["a"]\n', 2, "providers.x.quirks.dropp", "no such key", "'drop'"),
    (
        '[providers.x.models."a/b"]\nwindow = 1000\nprice = { input = 1 }\n',
        3,
        "providers.x.models.a/b.price.output",
        "is missing",
        "Add it",
    ),
    ("[routing\nfloor = 1\n", 1, "", "not valid TOML", ""),
    ("[http]\nport = \n", 2, "", "not valid TOML", ""),
    ('[http]\nhost = "a\n', 2, "", "not valid TOML", ""),
]


@pytest.mark.parametrize(("text", "line", "key", "reason", "remedy"), MISTAKES, ids=[m[2] or "toml" for m in MISTAKES])
def test_mistakes_name_line_key_reason_and_remedy(
    file: Path, text: str, line: int, key: str, reason: str, remedy: str
) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load(file, {})
    error = caught.value
    assert (error.file, error.key) == (f"{file}:{line}", key)
    assert reason in error.reason
    assert remedy in error.remedy
    assert "sk-secret" not in str(error)


def test_several_mistakes_are_counted(file: Path) -> None:
    file.write_text("[http]\na = 1\nb = 1\n")
    with pytest.raises(ConfigError, match="1 more to mend"):
        config.load(file, {})


def test_a_file_in_another_encoding_is_told(file: Path) -> None:
    file.write_bytes("[http]\n# \xe9\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        config.load(file, {})


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path, {})


ENVIRONMENT: list[tuple[dict[str, str], str, object]] = [
    ({"CODRIVER_PORT": "8080"}, "http.port", 8080),
    ({"CODRIVER_STRATEGY": "cost"}, "routing.strategy", "cost"),
    ({"CODRIVER_LOG_LEVEL": "WARNING"}, "log.level", "warning"),
    ({"CODRIVER__COMPLETE__ENABLED": "false"}, "complete.enabled", False),
    ({"CODRIVER__TIMEOUTS__FIRST": "1.5"}, "timeouts.first", 1.5),
    ({"CODRIVER__PRIVACY__LOCAL_ONLY": '["secret/**", "b"]'}, "privacy.local_only", ("secret/**", "b")),
    ({"CODRIVER__ROUTING__ALIASES": '{fast = "auto:speed"}'}, "routing.aliases", {"fast": "auto:speed"}),
    ({"CODRIVER__ROUTING__STRATEGY": '"42"'}, "routing.strategy", "42"),
]


@pytest.mark.parametrize(("environ", "key", "value"), ENVIRONMENT)
def test_the_environment_is_stronger_than_the_file(
    file: Path, environ: dict[str, str], key: str, value: object
) -> None:
    file.write_text('[http]\nport = 1\n[routing]\nstrategy = "quality"\n[log]\nlevel = "debug"\n')
    found: Any = config.load(file, environ)
    for name in key.split("."):
        found = getattr(found, name)
    assert found == value


WRONG_VARIABLES = [
    ("CODRIVER_PORT", "many", "integer", ""),
    ("CODRIVER__ROUTNG__FLOOR", "0.5", "no such key", "'routing'"),
    ("CODRIVER__HTTP__PORTT", "1", "no such key", "'port'"),
    ("CODRIVER__HTTP__HOST", "0.0.0.0", "reachable", "allow_remote"),
    ("CODRIVER__HTTP", "3748", "table", ""),
    ("CODRIVER__HTTP__PORT__X", "3748", "not a section", "CODRIVER__SECTION__KEY"),
]


@pytest.mark.parametrize(("variable", "value", "reason", "remedy"), WRONG_VARIABLES)
def test_a_wrong_variable_is_named(file: Path, variable: str, value: str, reason: str, remedy: str) -> None:
    file.write_text("[http]\nport = 1\n")
    with pytest.raises(ConfigError) as caught:
        config.load(file, {"PATH": "/bin", variable: value})
    assert caught.value.file == "environment"
    assert variable in caught.value.key
    assert reason in caught.value.reason
    assert remedy in caught.value.remedy


def test_where_a_setting_comes_from(file: Path) -> None:
    file.write_text('[http]\nport = 1\n[providers.x]\nbase_url = "http://x"\n')
    found = {origin.key: origin for origin in config.origins(file, {"CODRIVER_STRATEGY": "cost"})}
    assert (found["http.port"].value, found["http.port"].source) == (1, str(file))
    assert (found["routing.strategy"].value, found["routing.strategy"].source) == ("cost", "CODRIVER_STRATEGY")
    assert (found["http.host"].value, found["http.host"].source) == ("127.0.0.1", "")
    assert found["providers.x.base_url"].source == str(file)


def test_the_fingerprint_changes_with_the_file(file: Path) -> None:
    assert config.fingerprint(file) == (0, 0)
    file.write_text("[http]\n")
    first = config.fingerprint(file)
    assert config.fingerprint(file) == first
    file.write_text("[http]\nport = 1\n")
    assert config.fingerprint(file) != first


def test_the_file_is_the_named_one_or_the_users_own(tmp_path: Path) -> None:
    assert config.where({"CODRIVER_CONFIG": "/x/y.toml"}) == Path("/x/y.toml")
    assert config.where({"CODRIVER_HOME": str(tmp_path)}) == tmp_path / "config.toml"


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("[a]\n# b = 1\nb = 2\n", "a.b", 3),
        ('[a."x.y"]\nb = 2\n', "a.x.y.b", 2),
        ("a.b = 1\n[c]\nb = 1\n", "c.b", 3),
        ("a.b = 1\n", "a.b", 1),
        ("[a]\nbc = 1\nb = { c = 1 }\n", "a.b.c", 3),
        ("[[a]]\nb = 1\n", "a.b", 2),
        ("x = 1\n[a.b]\nc = 1\n", "a", 2),
        ("[a]\nb = 1\nbc = 2\n", "a.bc", 3),
        ("[a]\n", "b", 0),
    ],
)
def test_lines_of_keys(text: str, key: str, line: int) -> None:
    assert line_of(text, key) == line


def test_each_quirk_can_be_written() -> None:
    assert set(QuirksTable.model_fields) == {quirk.name for quirk in fields(Quirks)}


# What a workspace may do: (its table, key, narrowed value).
NARROWING: list[tuple[dict[str, Any], str, object]] = [
    ({"complete": {"enabled": False}}, "complete.enabled", False),
    ({"complete": {"max_bytes": 10}}, "complete.max_bytes", 10),
    ({"routing": {"strict_models": True}}, "routing.strict_models", True),
    ({"budget": {"daily_usd": 2}}, "budget.daily_usd", 2),
    ({"privacy": {"local_only": ["src/**"]}}, "privacy.local_only", ("mine/**", "src/**")),
]

WIDENING: list[dict[str, Any]] = [
    {"http": {"host": "0.0.0.0", "allow_remote": True}},
    {"routing": {"strategy": "quality", "strict_models": False}},
    {"complete": {"max_bytes": 10**9}},
    {"budget": {"daily_usd": 500}},
    {"budget": {"daily_usd": 0}},
    {"privacy": {"never": ["!.env"]}},
    {"privacy": {"never": "everything"}},
    {"providers": {"openai": {"base_url": "https://evil.example"}}},
    {"providers": {"evil": {"base_url": "https://evil.example", "wire": "openai_chat", "enabled": True}}},
    {"complete": {"enabled": "no"}},
    {"complete": 3},
    {"nonsense": {"x": 1}},
]


@pytest.fixture
def mine() -> Settings:
    return Settings.model_validate(
        {"budget": {"daily_usd": 5}, "privacy": {"local_only": ["mine/**"]}, "routing": {"strict_models": True}}
    )


@pytest.mark.parametrize(("workspace", "key", "value"), NARROWING, ids=[n[1] for n in NARROWING])
def test_a_workspace_may_narrow(mine: Settings, workspace: dict[str, Any], key: str, value: object) -> None:
    section, name = key.split(".")
    assert getattr(getattr(config.narrow(mine, workspace), section), name) == value
    assert config.widening(mine, workspace) == ()


@pytest.mark.parametrize("workspace", WIDENING, ids=str)
def test_a_workspace_never_widens(mine: Settings, workspace: dict[str, Any]) -> None:
    assert config.narrow(mine, workspace) == mine
    assert config.widening(mine, workspace)


def test_a_workspace_may_turn_a_provider_off(mine: Settings) -> None:
    workspace = {"providers": {"openai": {"enabled": False}}}
    narrowed = config.narrow(mine, workspace)
    assert not narrowed.providers["openai"].enabled
    assert config.widening(mine, workspace) == ()


def test_any_budget_is_narrower_than_none() -> None:
    assert config.narrow(Settings(), {"budget": {"daily_usd": 3}}).budget.daily_usd == 3


toml_text = st.text(alphabet=st.sampled_from("[]\".={}#\n abchttporuing_1'\\"), max_size=80)


@given(toml_text)
def test_any_text_is_settings_or_a_config_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(ConfigError, match="not valid TOML"):
            config.load(path, {})
    else:
        with contextlib.suppress(ConfigError):
            assert isinstance(config.load(path, {}), Settings)
