"""Commands that work without a daemon, and one run of a real one from start to stop."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCE = """import os
from fastapi import FastAPI

api = FastAPI()


def plain(a):
    return a


@api.get("/")
def knotty(items, limit=3):
    found = []
    for item in items:
        if item and item > limit:
            while item:
                item -= 1
                if item == 7:
                    found.append(item)
        elif limit:
            found.append(os.name)
    return found
"""


@pytest.fixture
def source(home: Path) -> Path:
    path = home / "service.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


def test_analyze_tells_what_is_in_a_file(run: Any, source: Path) -> None:
    page = run("analyze", str(source), "--json").json()
    assert (page["language"], page["frameworks"]) == ("python", ["fastapi"])
    functions = {function["name"]: function for function in page["functions"]}
    assert list(functions) == ["plain", "knotty"]
    assert (functions["plain"]["cyclomatic"], functions["plain"]["cognitive"]) == (1, 0)
    knotty = functions["knotty"]
    assert knotty["cyclomatic"] == 7
    # for 1, if 2, and 1, while 3, if 4, elif 1: SonarSource's rules, by hand.
    assert knotty["cognitive"] == 12
    assert (knotty["nesting"], knotty["parameters"]) == (4, 2)
    shown = run("analyze", str(source))
    assert shown.code == 0
    assert "fastapi" in shown.out and "knotty" in shown.out


def test_analyze_of_something_else(run: Any, home: Path) -> None:
    (home / "blob").write_bytes(b"\x00\xff\xfe")
    page = run("analyze", str(home / "blob"), "--json").json()
    assert (page["language"], page["functions"]) == ("", [])


def test_models_with_a_key(run: Any, key: None) -> None:
    models = {model["model"]: model for model in run("models", "--json").json()}
    sol = models["openai/gpt-6.1-sol"]
    assert (sol["available"], sol["missing"], sol["tools"], sol["simulated"]) == (True, "", True, False)
    usual = {"input": 2.0, "cached": 0.1, "written": 2.5, "output": 10.0}
    assert usual.items() <= sol["price"].items()
    assert sol["price"]["longer"][0]["above"] == 272_000 and sol["price_now"] == sol["price"]
    assert sol["batch"]["input"] == 1.0 and sol["source"].startswith("https://")
    assert models["anthropic/claude-opus-5-5"]["missing"] == "ANTHROPIC_API_KEY is not set"
    shown = run("models").out
    assert "openai/gpt-6.1-sol" in shown and "anthropic/" not in shown
    assert "Anthropic: ANTHROPIC_API_KEY is not set" in shown
    assert "anthropic/claude-opus-5-5" in run("models", "--all").out


def test_models_without_a_key_are_simulated(run: Any) -> None:
    models = run("models", "--json").json()
    assert all(model["simulated"] for model in models if model["available"])
    assert any(model["available"] for model in models)


def test_models_are_those_of_the_running_daemon(run: Any, daemon: Any) -> None:
    daemon.page("GET", "/v1/status", {"models": ["openai/gpt-6.1-sol"]})
    models = {model["model"]: model for model in run("models", "--json").json()}
    assert models["openai/gpt-6.1-sol"]["available"]
    assert [name for name, model in models.items() if model["available"]] == ["openai/gpt-6.1-sol"]
    assert models["anthropic/claude-opus-5-5"]["missing"] == "ANTHROPIC_API_KEY is not set"
    assert not any(model["simulated"] for model in models.values())
    assert "openai/gpt-6.1-sol" in run("models").out


def test_models_name_a_provider_of_the_settings_that_lists_none(run: Any, home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    (home / "config.toml").write_text(f'[providers.work]\nbase_url = "{base}/v1"\nwire = "openai_chat"\n')
    assert f"work: {base}/v1 lists no models now" in run("models").out


def test_route_works_alone(run: Any, key: None, source: Path) -> None:
    decision = run("route", f"{source}:13", "--prompt", "simplify this", "--json").json()["decision"]
    assert decision["candidates"][0]["model"].startswith("openai/")
    assert decision["features"]["scope"].endswith("knotty")
    assert decision["features"]["cognitive"] == 12
    assert {refused["why"] for refused in decision["refused"]} >= {"unavailable"}


def test_a_function_deep_in_a_long_class_is_routed_by_its_numbers(run: Any, key: None, tmp_path: Path) -> None:
    methods = "".join(f"    *walk{n}(node) {{\n        yield node.child{n};\n    }}\n\n" for n in range(900))
    source = tmp_path / "walker.js"
    source.write_text(f"export class Walker {{\n{methods}}}\n")
    features = run("route", f"{source}:{3 + 4 * 700}", "--prompt", "simplify", "--json").json()["decision"]["features"]
    assert (features["scope"], features["cyclomatic"]) == ("Walker.walk700", 1)


def test_route_says_when_a_name_is_unknown(run: Any, key: None) -> None:
    ran = run("route", "-p", "hi", "-m", "openai/gpt-55")
    assert ran.code == 1
    assert "openai/gpt-5.5" in ran.err


def test_env_makes_the_token(run: Any, home: Path) -> None:
    found = run("env", "--shell", "json").json()
    assert found["OPENAI_API_KEY"] == (home / "token").read_text().strip()
    assert (home / "token").stat().st_mode & 0o077 == 0


def test_the_unforeseen_is_one_sentence(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr("codriver.app.create", broken)
    ran = run("models")
    assert ran.code == 1
    assert "ZeroDivisionError: by chance" in ran.err
    monkeypatch.setenv("CODRIVER_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        run("models")


def test_serve_ask_and_stop(run: Any, home: Path) -> None:
    command = [sys.executable, "-m", "codriver", "serve", "--simulate", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ}) as serving:
        assert serving.stderr is not None
        try:
            first = next(line for line in serving.stderr if "listens" in line or serving.poll() is not None)
            assert "http://127.0.0.1:" in first
            assert run("status", "--json").json()["simulated"]
            asked = run("ask", "say", "hello")
            assert asked.code == 0
            assert asked.out.strip()
            assert asked.err.startswith("simulator/")
            assert run("route", "-p", "hi").out.startswith("simulator/")
            assert run("stop").out == "Codriver has stopped.\n"
            assert serving.wait(20) == 0
        finally:
            serving.kill()
    assert run("status").code == 1
