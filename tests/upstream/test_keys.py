"""Where keys are found, and that they are handled with care."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codriver.errors import ConfigError
from codriver.model.provider import Provider
from codriver.upstream.keys import Keys, read_key_file

ACME = Provider("acme", "Acme", "https://acme.example", {"openai_chat": "/v1"}, key_env=("ACME_API_KEY", "ACME_TOKEN"))
SECRET = "sk-very-secret-0123456789"


@pytest.mark.parametrize(
    ("environ", "file", "named", "key"),
    [
        ({}, {}, {}, None),
        ({"ACME_API_KEY": "a", "ACME_TOKEN": "b"}, {"acme": "c"}, {}, "a"),
        ({"ACME_API_KEY": "", "ACME_TOKEN": "b"}, {"acme": "c"}, {}, "b"),
        ({"ACME_API_KEY": "  "}, {"acme": "c"}, {}, "c"),
        ({"ACME_API_KEY": "a", "WORK_KEY": "w"}, {"acme": "c"}, {"acme": "env:WORK_KEY"}, "w"),
        ({"ACME_API_KEY": "a"}, {}, {"acme": "env:WORK_KEY"}, "a"),
        ({"ACME_API_KEY": " \ta\r\n"}, {}, {}, "a"),
        ({}, {"acme": "c\n"}, {}, "c"),
        ({}, {"other": "c"}, {"other": "env:ACME"}, None),
    ],
)
def test_the_first_that_is_set_wins(environ, file, named, key) -> None:
    assert Keys(environ, file=file, named=named).lookup(ACME) == key


def test_what_an_editor_handed_over_comes_first_and_an_empty_one_is_none() -> None:
    assert Keys({"ACME_API_KEY": "a"}, handed={"acme": "h"}).lookup(ACME) == "h"
    assert Keys({"ACME_API_KEY": "a"}, handed={"acme": " "}).lookup(ACME) == "a"
    with pytest.raises(ConfigError):
        Keys({}, handed={"acme": f"{SECRET}\r\nx: y"}).lookup(ACME)


def test_the_variables_to_name_when_a_key_is_missing() -> None:
    assert Keys({}).variables(ACME) == ("ACME_API_KEY", "ACME_TOKEN")
    assert Keys({}, named={"acme": "env:WORK"}).variables(ACME) == ("WORK", "ACME_API_KEY", "ACME_TOKEN")


@pytest.mark.parametrize("key", [f"{SECRET}\r\nx: y", f"{SECRET}\x00", f"{SECRET}\x7f", f"{SECRET}é"])
def test_a_key_that_would_break_a_header_is_refused_unseen(key: str) -> None:
    for keys in (Keys({"ACME_API_KEY": key}), Keys({}, file={"acme": key})):
        with pytest.raises(ConfigError) as caught:
            keys.lookup(ACME)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("source", [SECRET, "", "env:", "file:/etc/key"])
def test_the_config_names_a_variable_and_holds_no_key(source: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Keys({}, named={"acme": source})
    assert SECRET not in str(caught.value)


def test_nothing_shows_in_a_repr() -> None:
    keys = Keys({"ACME_API_KEY": SECRET}, file={"acme": SECRET}, handed={"acme": SECRET})
    assert SECRET not in f"{keys!r} {keys!s} {keys}"


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_the_key_file(tmp_path: Path) -> None:
    assert read_key_file(tmp_path / "keys.toml") == {}
    path = written(tmp_path / "keys.toml", 'acme = "a"\n"z.ai" = "b"\n')
    assert read_key_file(path) == {"acme": "a", "z.ai": "b"}


@pytest.mark.parametrize("text", [f"acme = {SECRET}", f'acme = "{SECRET}', f'[acme]\nkey = "{SECRET}"', "acme = 5"])
def test_a_key_file_of_another_form_is_refused_unseen(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_key_file(written(tmp_path / "keys.toml", text))
    shown = f"{caught.value} {caught.value.__cause__}"
    assert (SECRET not in shown and "keys.toml" in shown and "acme = " in shown) or "provider = " in shown


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o660])
def test_a_key_file_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path / "keys.toml", 'acme = "a"\n', mode)
    if os.name == "posix":
        with pytest.raises(ConfigError, match="chmod 600"):
            read_key_file(path)
    else:
        assert read_key_file(path) == {"acme": "a"}


def test_a_key_file_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read|other users"):
        read_key_file(tmp_path)
