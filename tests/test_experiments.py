"""Experiments under way, and what they change in a decision."""

from __future__ import annotations

from dataclasses import replace

from codriver.experiments import Experiments
from codriver.model.decision import Decision, Outcome
from codriver.model.request import Purpose, Request
from codriver.routing.experiments import LEAST, Arm, Experiment, Guard
from codriver.state.store import MemoryStore

TWO = Experiment("brief", (Arm("a"), Arm("b", strategy="cost")), guard=Guard(failures=0.2))


def outcome(arm: str, status: str, number: int) -> Outcome:
    decision = Decision(f"d{number}", "auto", (), arm=arm)
    return Outcome(f"d{number}", 1000.0 + number, "http", "openai_chat", "chat", status, decision, model="a/b")


def arms(made: Experiments, count: int = 200) -> set[str]:
    found = (made.part(Request("r", Purpose.CHAT, session=f"s{n}")) for n in range(count))
    return {part[1].name for part in found if part is not None}


def test_a_session_stays_in_its_arm_and_others_do_not() -> None:
    made = Experiments(lambda: (TWO,))
    asked = [made.part(Request(f"r{n}", Purpose.CHAT, session="s")) for n in range(5)]
    assert len({part[1].name for part in asked if part is not None}) == 1
    assert arms(made) == {"a", "b"}
    by_user = Experiments(lambda: (replace(TWO, unit="user"),), "me")
    assert len(arms(by_user)) == 1


def test_other_purposes_take_no_part() -> None:
    made = Experiments(lambda: (replace(TWO, purposes=frozenset({"review"})),))
    assert made.part(Request("r", Purpose.CHAT)) is None
    assert made.part(Request("r", Purpose.REVIEW)) is not None


async def test_a_guard_rail_stops_an_arm_and_a_restart_remembers_it() -> None:
    made, store = Experiments(lambda: (TWO,)), MemoryStore(lambda: 2000.0)
    for number in range(LEAST):
        record = outcome("brief/b", "failed", number)
        made.ended(record)
        store.append(record)
    assert arms(made) == {"a"}
    part = next(
        p for n in range(50) if (p := made.part(Request("r", Purpose.CHAT, session=f"s{n}"))) and "stopped" in p[2]
    )
    assert "30 of 30 requests failed" in part[2]
    again = Experiments(lambda: (TWO,))
    await again.recover(store, now=2000.0)
    assert arms(again) == {"a"}
