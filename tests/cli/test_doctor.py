"""The doctor: each ailment has its verdict and its remedy."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from codriver import __version__
from codriver.cli import checks


@pytest.fixture
def diagnose(run: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("CODRIVER_PORT", str(free.getsockname()[1]))

    def found() -> tuple[int, dict[str, list[dict[str, str]]]]:
        ran = run("doctor", "--json")
        by_name: dict[str, list[dict[str, str]]] = {}
        for check in ran.json():
            by_name.setdefault(check["name"], []).append(check)
        return ran.code, by_name

    return found


def test_a_sound_installation(diagnose: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    code, found = diagnose()
    assert code == 0
    assert {check["verdict"] for checks in found.values() for check in checks} <= {"ok", "warn"}
    assert found["tree-sitter"][0]["verdict"] == found["tree-sitter-language-pack"][0]["verdict"] == "ok"
    assert {"verdict": "ok", "text": "OpenAI: there"}.items() <= next(
        check for check in found["key"] if "OpenAI" in check["text"]
    ).items()


def test_without_any_key_answers_are_simulated(diagnose: Any) -> None:
    code, found = diagnose()
    assert code == 0
    assert found["keys"][0]["verdict"] == "warn"
    assert "OPENAI_API_KEY" in found["keys"][0]["remedy"]


def test_keys_are_never_shown(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-0123")
    assert "sk-secret" not in run("doctor").out


def test_our_own_token_is_no_providers_key(diagnose: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "token").write_text("cdr-0123456789abcdef\n")
    (home / "token").chmod(0o600)
    monkeypatch.setenv("OPENAI_API_KEY", "cdr-0123456789abcdef")
    code, found = diagnose()
    told = [check for check in found["key"] if "own token" in check["text"]]
    assert code == 0
    assert (len(told), told[0]["verdict"]) == (1, "warn")
    assert "was not evaluated" in told[0]["remedy"]


def test_a_key_that_only_the_daemon_has(diagnose: Any, daemon: Any) -> None:
    daemon.page("GET", "/v1/status", {"version": __version__, "pid": 1, "models": ["openai/gpt-6.1-sol"]})
    _, found = diagnose()
    assert {check["verdict"] for check in found["key"] if "OpenAI" in check["text"]} == {"ok"}
    assert "keys" not in found


def test_a_strategy_that_is_none(diagnose: Any, home: Path) -> None:
    (home / "config.toml").write_text('[routing]\nstrategy = "cheapest"\n')
    code, found = diagnose()
    assert code == 1
    assert "'cheapest'" in found["settings"][0]["text"] and "balanced" in found["settings"][0]["remedy"]


def test_settings_that_are_no_toml(diagnose: Any, home: Path) -> None:
    (home / "config.toml").write_text("[routing\n")
    code, found = diagnose()
    assert code == 1
    assert ": :" not in found["settings"][0]["text"]


def test_broken_settings(diagnose: Any, home: Path) -> None:
    (home / "config.toml").write_text("[http]\nprot = 1\n")
    code, found = diagnose()
    assert code == 1
    assert found["settings"][0] == {
        "name": "settings",
        "verdict": "fail",
        "text": f"{home}/config.toml:2: http.prot: there is no such key",
        "remedy": "Did you mean 'port'?",
    }


@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX thing")
def test_a_token_that_others_can_read(diagnose: Any, home: Path) -> None:
    (home / "token").write_text("cdr-0123456789abcdef\n")
    (home / "token").chmod(0o644)
    code, found = diagnose()
    assert code == 1
    assert found["token"][0]["remedy"] == f"Run: chmod 600 {home / 'token'}"


def test_a_port_that_is_taken(diagnose: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("CODRIVER_PORT", str(taken.getsockname()[1]))
        code, found = diagnose()
    assert (code, found["port"][0]["verdict"]) == (1, "fail")


def test_local_servers_are_asked(diagnose: Any, server: Any, home: Path) -> None:
    port, role = server
    role["answer"] = lambda *_: (200, {}, json.dumps({"data": [{"id": "qwen3"}, {"id": "gpt-oss"}]}).encode())
    (home / "config.toml").write_text(f'[providers.ollama]\nbase_url = "http://127.0.0.1:{port}"\n')
    assert diagnose()[1]["local"][0]["text"] == "Ollama has qwen3, gpt-oss"
    role["answer"] = lambda *_: (200, {}, b'{"data": []}')
    assert diagnose()[1]["local"][0]["verdict"] == "warn"
    role["answer"] = lambda *_: (500, {}, b"what?")
    assert "does not run" in (told := diagnose()[1]["local"][0]["text"]) and "Ollama" in told


def test_a_daemon_of_another_version(diagnose: Any, daemon: Any) -> None:
    daemon.page("GET", "/v1/status", {"version": "9", "pid": 1, "models": []})
    _, found = diagnose()
    assert (found["daemon"][0]["verdict"], found["daemon"][0]["remedy"]) == ("warn", "Run: codriver stop")


def test_a_daemon_that_refuses_us(diagnose: Any, daemon: Any) -> None:
    daemon.page("GET", "/v1/status", {"error": {"message": "the token is wrong"}}, status=401)
    code, found = diagnose()
    assert (code, found["daemon"][0]["text"]) == (1, "the token is wrong")


def test_each_check_says_one_of_three_words(home: Path) -> None:
    for check in checks.run({"PATH": "/nowhere", "CODRIVER_HOME": str(home)}):
        assert check.verdict in {"ok", "warn", "fail"}
        assert check.text
