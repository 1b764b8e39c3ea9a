"""Feedback of all sources, as it reaches the beliefs and the store."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from codriver.config.tree import Learning
from codriver.errors import Failure, Kind
from codriver.ledger import Ledger
from codriver.lessons import Lessons
from codriver.model.decision import Attempt, Candidate, Decision, Outcome
from codriver.model.features import Features
from codriver.model.request import Purpose, Request
from codriver.routing.posterior import UNSEEN
from codriver.state.store import MemoryStore


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Agent:
    """One session of an agent: sends what one would, and has its answers recorded."""

    def __init__(self, **limits: object) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.limits = Learning(**limits)
        self.lessons = self.made()
        self.count = 0

    def made(self) -> Lessons:
        return Lessons(self.store, lambda: self.limits, clock=self.clock, random=Random(1))

    def sends(self, request: Request, *, model: str = "a/b", status: str = "ok", **over: object) -> str:
        self.count += 1
        ident = f"d{self.count}"
        candidates = (Candidate("a/b", "anthropic", 0.8, 0.01, 1.0), Candidate("a/c", "anthropic", 0.9, 0.03, 2.0))
        decision = Decision(ident, "auto", candidates, features=Features(task="debug"))
        values: dict[str, object] = {
            "id": ident, "at": self.clock.now, "front": "http", "wire": "anthropic", "purpose": request.purpose,
            "status": status, "decision": decision, "model": model, "session": request.session,
        }  # fmt: skip
        self.lessons.asked(decision, request)
        outcome = Outcome(**(values | over))
        self.store.append(outcome)
        self.lessons.ended(outcome)
        return ident

    def turn(self, text: str = "fix the bug") -> str:
        return self.sends(Request("r", Purpose.CHAT, wire="anthropic", session="s", tail=(text,), input_tokens=10))

    def result(self, text: str, name: str = "Bash", **arguments: str) -> str:
        call = {"type": "tool_use", "name": name, "input": arguments or {"command": "pytest"}}
        body = msgspec.json.encode({"messages": [{"role": "assistant", "content": [call]}, {"role": "user"}]})
        tail = (text, "fix the bug")
        return self.sends(Request("r", Purpose.TOOL_RESULT, wire="anthropic", session="s", tail=tail, body=body))

    def edits(self, file: str = "/w/src/a.py") -> str:
        return self.result("The file has been updated.", "Edit", file_path=file, old_string="a", new_string="b")

    async def said(self) -> list[tuple[str, str]]:
        return [(one.outcome, one.word) for one in reversed(await self.store.judgements())]


PASSED, FAILED = "==== 4 passed in 0.12s ====", "==== 1 failed, 3 passed in 0.12s ===="


@pytest.mark.parametrize(("text", "word", "better"), [(PASSED, "tests-passed", True), (FAILED, "tests-failed", False)])
async def test_a_run_of_the_tests_judges_the_answer_that_made_the_edit(text: str, word: str, better: bool) -> None:
    agent = Agent()
    edit = agent.turn()  # its answer calls Edit, whose result comes with the next request
    agent.edits()
    agent.result(text)
    assert await agent.said() == [(edit, word)]
    assert (agent.lessons.abilities.belief("a/b", "debug").mean > 0) is better


async def test_tests_that_fail_before_any_edit_are_nobodys_fault() -> None:
    agent = Agent()
    agent.turn()
    agent.result(FAILED)
    assert await agent.said() == []


async def test_a_new_test_may_fail() -> None:
    agent = Agent()
    agent.turn()
    agent.edits("/w/tests/test_a.py")
    agent.result(FAILED)
    assert await agent.said() == []


async def test_a_later_run_of_the_same_edit_replaces_the_first() -> None:
    agent = Agent()
    edit = agent.turn()
    agent.edits()
    agent.result(FAILED)
    low = agent.lessons.abilities.belief("a/b", "debug").mean
    agent.result(PASSED)
    assert await agent.said() == [(edit, "tests-passed")]
    assert low < 0 < agent.lessons.abilities.belief("a/b", "debug").mean


async def test_the_same_failing_call_again_speaks_against_the_answer() -> None:
    agent = Agent()
    agent.turn()
    again = agent.result("Error: file not found: a.py", "Read")
    agent.result("Error: file not found: a.py", "Read")
    assert await agent.said() == [(again, "failing-calls")]


async def test_the_same_request_again_speaks_against_the_first_answer() -> None:
    agent = Agent()
    first = agent.turn("explain this")
    agent.turn("explain this")
    agent.turn("and now that")
    assert await agent.said() == [(first, "repeated")]


async def test_a_reply_that_failed_its_check_speaks_against_its_model_not_the_one_that_answered() -> None:
    agent = Agent()
    attempts = (
        Attempt("a/b", "anthropic", 0.0, ended=1.0, failure=Failure(Kind.UNFIT, "does not parse")),
        Attempt("a/c", "anthropic", 1.0, first=1.5, ended=2.0),
    )
    agent.sends(Request("r", Purpose.REFACTOR), model="a/c", attempts=attempts)
    assert agent.lessons.abilities.belief("a/b", "debug").mean < 0
    assert agent.lessons.abilities.belief("a/c", "debug") == UNSEEN


async def test_the_last_word_of_a_person_counts_once() -> None:
    agent = Agent()
    told = agent.turn()
    assert agent.lessons.told(told, "up")
    once = agent.lessons.abilities.belief("a/b", "debug")
    assert agent.lessons.told(told, "up")
    assert agent.lessons.abilities.belief("a/b", "debug").mean == pytest.approx(once.mean, abs=1e-3)
    assert agent.lessons.told(told, "down")
    assert agent.lessons.abilities.belief("a/b", "debug").mean < 0
    assert not agent.lessons.told("nobody", "up")


async def test_what_was_learned_outlives_the_process() -> None:
    agent = Agent()
    for _ in range(5):
        agent.lessons.told(agent.turn(), "failure")
    known = agent.lessons.abilities.belief("a/b", "debug")
    await agent.lessons.keep()
    agent.clock.now += 1
    agent.lessons.told("d1", "success")  # after the evidence was kept: only the judgement tells
    for lessons in (agent.made(), agent.made()):
        await lessons.recover()
        belief = lessons.abilities.belief("a/b", "debug")
        assert known.mean < belief.mean < known.mean + 0.5


async def test_feedback_on_an_answer_before_the_restart_still_teaches() -> None:
    agent = Agent()
    told = agent.turn()
    after = agent.made()
    await after.recall(told)
    assert after.told(told, "down")
    assert after.abilities.belief("a/b", "debug").mean < 0


async def test_turned_off_nothing_is_learned_or_tried() -> None:
    agent = Agent(enabled=False)
    agent.lessons.told(agent.turn(), "down")
    assert await agent.said() == []
    assert len(agent.lessons.abilities) == 0
    assert agent.lessons.chance() is None


async def test_trials_begin_with_the_first_judgement_and_end_with_the_days_allowance() -> None:
    agent = Agent(explore_usd_per_day=0.05)
    assert agent.lessons.chance() is None
    agent.lessons.told(agent.turn(), "up")
    chance = agent.lessons.chance()
    assert chance is not None
    assert (chance.share, chance.usd) == (0.05, 0.05)
    dear, usual = Candidate("a/c", "x", 0.9, 0.04, 1.0), Candidate("a/b", "x", 0.8, 0.01, 1.0)
    agent.lessons.asked(Decision("t", "auto", (dear, usual), propensity=0.01), Request("r", Purpose.CHAT))
    left = agent.lessons.chance()
    assert left is not None
    assert left.usd == pytest.approx(0.02)
    agent.clock.now += 86_400 * 1.5
    tomorrow = agent.lessons.chance()
    assert tomorrow is not None
    assert tomorrow.usd == 0.05


async def test_a_restart_forgets_no_trial_of_today() -> None:
    agent = Agent(explore_usd_per_day=0.05)
    dear, usual = Candidate("a/c", "x", 0.9, 0.04, 1.0), Candidate("a/b", "x", 0.8, 0.01, 1.0)
    trial = Decision("t", "auto", (dear, usual), propensity=0.01)
    agent.sends(Request("r", Purpose.CHAT), decision=trial, id="t", model="a/c")
    agent.lessons.told(agent.turn(), "up")
    agent.store.append(
        Outcome("u", agent.clock.now, "http", "x", "chat", "ok", Decision("u", "auto", (dear, usual), propensity=0.99))
    )
    again = agent.made()
    ledger = Ledger(agent.store, agent.clock)
    again.resume(await ledger.recover())
    await again.recover()
    chance = again.chance()
    assert chance is not None
    assert chance.usd == pytest.approx(0.02)


ERROR = "Error: no such file or directory: src/b.py"


@pytest.mark.parametrize(
    ("results", "said"),
    [
        pytest.param([FAILED] * 3, "3 results in a row", id="tests that go on failing"),
        pytest.param([ERROR] * 3, "3 results in a row", id="the same call fails again"),
        pytest.param(["a.py b.py"] * 4, "3 results in a row", id="the same result again and again"),
        pytest.param([FAILED, FAILED, PASSED, FAILED], "", id="progress between"),
        pytest.param([f"line {n}" for n in range(40)], "40 steps", id="a long loop"),
        pytest.param([f"line {n}" for n in range(30)], "", id="an ordinary loop"),
    ],
)
async def test_a_loop_tells_by_itself_that_it_goes_wrong(results: list[str], said: str) -> None:
    agent = Agent()
    agent.turn()
    for text in results:
        agent.result(text)
    trouble = agent.lessons.troubles.get("s", "")
    assert said in trouble and bool(said) is bool(trouble)
    agent.turn("now something else")
    assert "s" not in agent.lessons.troubles


async def test_another_model_begins_with_a_clean_slate() -> None:
    agent = Agent()
    agent.turn()
    for _ in range(3):
        agent.result(FAILED)
    assert "s" in agent.lessons.troubles
    request = Request("r", Purpose.TOOL_RESULT, wire="anthropic", session="s", tail=(FAILED, "fix the bug"), body=b"{}")
    agent.sends(request, model="a/c")
    assert "s" not in agent.lessons.troubles
