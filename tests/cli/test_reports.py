"""stats, replay and experiments over a ledger with known outcomes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from codriver.model.decision import Candidate, Decision, Outcome
from codriver.model.events import Usage
from codriver.model.features import Features
from codriver.paths import find
from codriver.state.sqlite import SqliteStore
from codriver.state.store import Judgement

DEAR, CHEAP = "openai/gpt-4.1", "openai/gpt-4.1-mini"


@pytest.fixture
def ledger(home: Path) -> Path:
    """200 requests in 50 sessions: every fourth a trial of the dear model; the cheap one is good half the time."""
    store = SqliteStore(find().ledger, time.time)
    now = time.time()
    for number in range(200):
        tried = number % 4 == 3
        order = (DEAR, CHEAP) if tried else (CHEAP, DEAR)
        facts = {CHEAP: (0.5, 0.001), DEAR: (0.9, 0.005)}
        candidates = tuple(Candidate(m, "openai_chat", *facts[m], 1.0) for m in order)
        decision = Decision(
            f"d{number}", "cost", candidates, features=Features(task="debug"), propensity=0.25 if tried else 0.75,
            arm="trial/b" if tried else "trial/a",
        )  # fmt: skip
        usage = Usage(input=4000, output=500)
        store.append(
            Outcome(
                f"d{number}",
                now - 1000 + number,
                "http",
                "openai_chat",
                "chat",
                "ok",
                decision,
                model=order[0],
                usage=usage,
                cost=facts[order[0]][1],
                session=f"s{number // 4}",
            )
        )
        good = 1.0 if tried or number % 2 else 0.0
        store.judge(Judgement(f"d{number}", "tests", order[0], "w", now, "debug", 0.0, good, 1.0))
    store.close()
    return home


def test_stats_tell_what_each_single_model_would_have_cost(run: Any, ledger: Path) -> None:
    page = run("stats", "--json").json()
    assert (page["requests"], page["judged"]) == (200, 200)
    alone = {one["model"]: one for one in page["alone"]}
    assert alone[DEAR]["cost"] > alone[CHEAP]["cost"] > 0
    assert alone[DEAR]["saved"] == pytest.approx(alone[DEAR]["cost"] - page["cost_usd"])
    assert page["switching_usd"] > 0
    assert sum(one["switches"] for one in page["sessions"]) == 50
    said = run("stats")
    assert said.code == 0
    assert "alone" in said.out
    assert DEAR in said.out
    assert "changed their model" in said.out


def test_replay_estimates_another_strategy(run: Any, ledger: Path) -> None:
    page = run("replay", "--strategy", "quality", "--json").json()
    assert page["requests"] == 200
    assert page["same"] == 50
    assert page["quality_ips"]["mean"] == pytest.approx(1.0)
    assert page["quality_dr"]["low"] <= 1.0 <= page["quality_dr"]["high"] + 0.05
    assert page["saved"]["mean"] < 0
    said = run("replay", "--models", CHEAP, "--strategy", "cost")
    assert "doubly robust" in said.out


@pytest.mark.parametrize(("worth", "same"), [(0.0005, 150), (0.01, 50)])
def test_replay_weighs_quality_as_the_settings_do(run: Any, ledger: Path, worth: float, same: int) -> None:
    """A tenth more quality costs $0.001 here: who pays less for it takes the cheap model, which was asked 150 times."""
    (ledger / "config.toml").write_text(f"[routing]\ntenth_usd = {worth}\n")
    page = run("replay", "--strategy", "balanced", "--json").json()
    assert (page["same"], page["tenth_usd"]) == (same, worth)
    other = run("replay", "--strategy", "balanced", "--tenth", "0.0005", "--json").json()
    assert other["same"] == 150


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("--strategy", "nonsense"), "no strategy"), (("--models", "a/none"), "never a candidate: a/none")],
)
def test_replay_says_what_it_does_not_know(run: Any, ledger: Path, arguments: tuple[str, ...], told: str) -> None:
    said = run("replay", *arguments)
    assert said.code == 2
    assert told.split(":")[0] in said.err


@pytest.mark.parametrize("command", ["stats", "replay"])
def test_without_a_ledger_there_is_one_sentence(run: Any, home: Path, command: str) -> None:
    said = run(command)
    assert said.code == 1
    assert "nothing is recorded" in said.err
    assert not find().ledger.exists()


def test_experiments_compare_their_arms(run: Any, ledger: Path) -> None:
    (ledger / "config.toml").write_text(
        "[experiments.trial]\nunit = 'workflow'\n[experiments.trial.arms]\na = {}\nb = {}\n"
    )
    page = run("experiments", "trial", "--json").json()["trial"]
    first, second = page["arms"]
    assert (first["arm"], first["requests"], second["requests"]) == ("a", 150, 50)
    assert second["difference"] > 0.5
    assert second["verdict"] == "b is better than a."
    said = run("experiments")
    assert "b is better than a." in said.out


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("", "", "no experiment in the settings"),
        ("[experiments.x.arms]\na = {}\nb = {}\n", "y", "no experiment 'y'"),
        ("[experiments.x.arms]\na = {}\n", "", "arms"),
    ],
)
def test_experiments_that_cannot_be_told_of(run: Any, home: Path, text: str, name: str, told: str) -> None:
    (home / "config.toml").write_text(text)
    said = run("experiments", *([name] if name else []))
    assert said.code == 2
    assert told in said.err
