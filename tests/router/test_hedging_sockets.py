"""Hedging over real sockets: the simulator is both providers, and sees which connection is closed."""

from __future__ import annotations

from dataclasses import replace

from fleet import EAST, MEDIUM, SMALL, WEST

from codriver.errors import Kind
from codriver.router.hedging import Hedging, Limits
from codriver.routing.eligibility import Offer
from codriver.upstream import simulator
from codriver.upstream.client import Upstream
from codriver.upstream.keys import Keys
from codriver.upstream.proxies import Network
from scripted import Bench, chat

WIRES = {"openai_chat": "/v1/chat/completions"}


async def test_the_loser_sees_its_connection_closed_and_there_is_one_outcome() -> None:
    upstream = Upstream(Network(), Keys({"SIM_KEY": "any"}))
    async with await simulator.start(pace=0) as running:
        east = replace(EAST, base_url=running.url, wires=WIRES, key_env=("SIM_KEY",))
        west = replace(WEST, base_url=running.url, wires=WIRES, key_env=("SIM_KEY",))
        first = replace(SMALL.model, upstream_id="sim-small", first_token=0.02, skill={"": 3.0})
        other = replace(MEDIUM.model, provider="west", upstream_id="sim-medium")
        running.fault("slow", model="sim-small", delay=60.0)
        made = Bench({}, (Offer(east, first), Offer(west, other)), real=upstream, strategy="speed")
        made.router.hedging = Hedging(lambda: Limits(share=1.0), lambda: made.ledger.latency)
        async with made.router.open(chat(), front="http") as stream:
            assert "simulated" in (await stream.reply()).text
        left = await running.wait_for(lambda entry: entry.model == "sim-small" and bool(entry.ended))
        assert left.ended == "disconnected"
        answered = await running.wait_for(lambda entry: entry.model == "sim-medium" and bool(entry.ended))
        assert answered.ended == "finished"
    await upstream.aclose()
    (row,) = await made.store.outcomes()
    assert (row.status, row.model, row.attempts) == ("ok", "west/medium", 2)
    assert row.reasons.attempts[0].failure.kind is Kind.SLOW
