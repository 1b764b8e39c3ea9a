"""How long a decision takes: CPU time at the median, features given and with them.

    python tests/bench/decision.py

Editor: `decide` among 40 candidates, 9 and one, features given; also where outcomes have taught and trials are open, as
in a daemon that ran for a day. Agent: a 400 KB body of an agent's session, from the parsed request to the decision, the
features of its text included; and, told apart, the parsing before it. Each request is new to every memory.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from codriver.analyst import Analyst
from codriver.model.decision import Belief, Latency, Length, View
from codriver.model.features import Features
from codriver.model.provider import Model, Price, Provider
from codriver.model.request import Purpose, Request
from codriver.routing.decide import Wish, decide
from codriver.routing.degrading import BudgetStep, PeakStep, Steps, strain
from codriver.routing.eligibility import Bounds, Offer, Roster
from codriver.routing.exploring import Chance
from codriver.routing.quality import judged
from codriver.routing.rules import Match, Moment, Rule, glob, matching, ruled
from codriver.wire import codec

AIM_EDITOR, AIM_AGENT = 0.3, 3.0
"""Milliseconds."""

TASK = "refactor"


def fleet(number: int = 40) -> Roster:
    """So many models at eight providers, as a plan has them: the same ones for request after request."""
    made = []
    for n in range(number):
        name = f"p{n % 8}"
        price = Price(0.1 + 0.1 * n, 0.01 + 0.01 * n, 0.1 + 0.1 * n, 0.4 + 0.4 * n)
        model = Model(name, f"m{n}", f"m{n}", 1_000_000, 32_000, price, {"": n / 12}, speed=50.0 + n, schema=True)
        made.append(Offer(Provider(name, name, f"http://{name}", {"openai_chat": "/c"}), model))
    return Roster(made)


def learned(offers: Sequence[Offer]) -> View:
    """What a ledger knows after a day."""
    keys = [offer.model.key for offer in offers]
    return View(
        now=1000.0,
        latency={key: Latency(0.5, 80.0, 50, 1.5) for key in keys},
        abilities={TASK: {key: Belief(0.1, 0.2) for key in keys}},
        lengths={TASK: {key: Length(1.1, 30) for key in keys}},
    )


def body(size: int = 400_000) -> Callable[[int], bytes]:
    """An agent's session of about so many bytes; no two alike."""
    draw = random.Random(7)
    words = ["index", "parser", "return", "buffer", "self.items", "import os", "for line in text:", "x += 1", "error"]
    turns: list[dict[str, object]] = [{"role": "system", "content": "You are a coding agent. " * 200}]
    while sum(len(str(turn)) for turn in turns) < size:
        turns.append({"role": "user", "content": "Please fix the failing test in src/app.py and explain the cause."})
        ident = f"call_{len(turns)}"
        call = {"id": ident, "type": "function", "function": {"name": "read", "arguments": '{"path": "src/app.py"}'}}
        turns.append({"role": "assistant", "content": "Reading.", "tool_calls": [call]})
        code = "\n".join(" ".join(draw.choices(words, k=8)) for _ in range(120))
        turns.append({"role": "tool", "tool_call_id": ident, "content": code})
    tools = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object", "properties": {}}}}]

    def made(number: int) -> bytes:
        last = {"role": "user", "content": f"Now refactor the parser so that test {number} passes, step by step."}
        return json.dumps({"model": "auto", "messages": [*turns, last], "tools": tools}).encode()

    return made


def measured(what: Callable[[int], object], rounds: int) -> tuple[float, float]:
    """Median and 95th percentile of the CPU time of one round, in milliseconds."""
    for number in range(5):
        what(-number - 1)
    times = []
    for number in range(rounds):
        began = time.thread_time_ns()
        what(number)
        times.append((time.thread_time_ns() - began) / 1e6)
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=400)
    rounds = parser.parse_args().rounds
    offers = fleet()
    facts = Features(source="buffer", language="python", cognitive=9, lines=30, nesting=2, task=TASK)
    facts = judged(facts, TASK, 1200)
    chat = Request("r", Purpose.CHAT, wire="openai_chat", input_tokens=1200, tail=("refactor it",))
    plain, taught, wish = View(now=1000.0), learned(offers), Wish()
    chance = Chance(random.Random(1), 0.05, 0.5)
    thinkers = Roster(replace(offer, model=replace(offer.model, reasoning=True)) for offer in offers)
    hard, few, one = Wish("quality", harder=True), fleet(9), fleet(1)
    named = Wish(bounds=Bounds(only=one[0].model.key))
    held = tuple(
        Rule(f"r{n}", Match(path=glob([f"src/{n}/**"]), cognitive=5), deny=frozenset({f"p1/m{n}"})) for n in range(10)
    )
    steps = Steps((PeakStep(8, 2, 0.2),), (BudgetStep(0.8, 0.3),))

    def ruling(number: int) -> None:
        found = matching(held, chat, facts, Moment())
        if found:
            ruled(found, chat, offers, wish)
        strain(steps, chat, plain, wish.bounds, 1)

    cases: list[tuple[str, Callable[[int], object], float]] = [
        ("decide, 40 candidates", lambda n: decide(chat, facts, offers, plain, wish, ident="d"), AIM_EDITOR),
        ("  taught by outcomes", lambda n: decide(chat, facts, offers, taught, wish, ident="d"), AIM_EDITOR),
        (
            "  and open to trials",
            lambda n: decide(chat, facts, offers, taught, wish, ident="d", chance=chance),
            AIM_EDITOR,
        ),
        (
            "  and a cheaper one may think more",
            lambda n: decide(chat, facts, thinkers, taught, hard, ident="d"),
            AIM_EDITOR,
        ),
        ("  ten rules and two steps, beside it", ruling, AIM_EDITOR),
        ("decide, 9 candidates", lambda n: decide(chat, facts, few, taught, wish, ident="d"), AIM_EDITOR),
        ("decide, the one that was named", lambda n: decide(chat, facts, one, taught, named, ident="d"), AIM_EDITOR),
    ]
    made, wire, analyst = body(), codec.find("openai_chat"), Analyst()
    requests = {n: wire.parse(made(n), {}) for n in range(-5, rounds // 8)}

    def agent(number: int) -> object:
        request = replace(requests[number])
        return decide(request, analyst.features(request), offers, taught, wish, ident="d", chance=chance)

    worst = 0.0
    for name, what, aim in cases:
        worst = max(worst, told(name, measured(what, rounds), aim) / aim)
    size = len(made(0)) // 1000
    worst = max(
        worst, told(f"agent, {size} KB: features and decision", measured(agent, rounds // 8), AIM_AGENT) / AIM_AGENT
    )
    bodies = {n: made(n) for n in range(-5, rounds // 8)}
    told("  parsing before it, as a session goes on", measured(lambda n: wire.parse(bodies[n], {}), rounds // 8), 0.0)
    # No two of one session: each begins otherwise, so nothing of it was read before.
    bodies = {n: body.replace(b"coding agent", b"agent no. %04d" % (n + 9)) for n, body in bodies.items()}
    told("  parsing of a session's first", measured(lambda n: wire.parse(bodies[n], {}), rounds // 8), 0.0)
    sys.stdout.write(f"the slowest takes {worst:.0%} of what it may\n")
    return 0


def told(name: str, times: tuple[float, float], aim: float) -> float:
    median, high = times
    verdict = "" if not aim else f"  (aim {aim:g}: {'holds' if median <= aim else 'MISSED'})"
    sys.stdout.write(f"{name:<44} {median:7.3f} ms, 95th {high:7.3f}{verdict}\n")
    return median


if __name__ == "__main__":
    raise SystemExit(main())
