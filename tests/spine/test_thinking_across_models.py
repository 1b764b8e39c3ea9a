"""Agents think, call tools and go on while the session's model changes under them, on an upstream as strict as the
real ones: another's signature is a 400, and so is a tool loop whose thinking is missing."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from codriver.model.events import Event, Reply, fold
from codriver.model.provider import Model, Price, Quirks
from codriver.upstream import simulator
from codriver.upstream.simulator.models import SimModel
from codriver.wire import codec
from running import Daemon, daemon_at

CLAUDES = ("sim-a", "sim-b")
WRITE = {"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}}}

CONFIG = """
[providers.east]
base_url = "{url}"
wire = "anthropic"
headers = {{ x-api-key = "any" }}
quirks = {{ thinking = "budget" }}
[providers.east.models.sim-a]
reasoning = true
max_output = 32000
[providers.east.models.sim-b]
reasoning = true
max_output = 32000

[providers.west]
base_url = "{url}"
wire = "openai_chat"
headers = {{ authorization = "Bearer any" }}
[providers.west.models.sim-chat]
max_output = 32000
"""


@pytest.fixture(scope="module")
def strict() -> Iterator[simulator.Simulator]:
    """The simulator with models of ours, on a loop of its own: the daemon outlives a test's loop."""
    models = [SimModel(name, 200_000, 32_000, ("anthropic",)) for name in CLAUDES]
    models.append(SimModel("sim-chat", 200_000, 32_000, ("openai_chat",)))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulator", daemon=True)
    thread.start()
    started = asyncio.run_coroutine_threadsafe(simulator.start(models=models), loop).result(20)
    yield started
    asyncio.run_coroutine_threadsafe(started.close(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()


@pytest.fixture
def upstream(strict: simulator.Simulator) -> simulator.Simulator:
    """Nothing in its log."""
    strict.log.clear()
    return strict


@pytest.fixture(scope="module")
def driver(strict: simulator.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_at(tmp_path_factory.mktemp("home"), config=CONFIG.format(url=strict.url)) as running:
        yield running


@dataclass
class Agent:
    """A client of one wire with a history of its own, which does what its tools are asked to."""

    daemon: Daemon
    wire: str
    stream: bool
    history: list[dict[str, Any]] = field(default_factory=list)

    async def ask(self, model: str) -> Reply:
        chat = self.wire == "openai_chat"
        path = "/v1/chat/completions" if chat else "/v1/messages"
        body: dict[str, Any] = {"model": model, "messages": self.history, "stream": self.stream, "max_tokens": 9000}
        if chat:
            body |= {"reasoning_effort": "low", "tools": [{"type": "function", "function": _tool("parameters")}]}
        else:
            body |= {"thinking": {"type": "enabled", "budget_tokens": 2000}, "tools": [_tool("input_schema")]}
        headers = {"authorization": f"Bearer {self.daemon.token}"}
        async with httpx.AsyncClient(base_url=self.daemon.base, headers=headers, timeout=30) as client:
            answer = await client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        reply = fold(_events(self.wire, answer.content, self.stream))
        assert reply.finish is not None, answer.text
        self.history.append(_said(self.wire, reply))
        return reply

    def say(self, text: str) -> None:
        self.history.append({"role": "user", "content": text})

    def answer(self, reply: Reply) -> None:
        """The results of its tool calls."""
        assert reply.tool_calls
        if self.wire == "openai_chat":
            self.history += [{"role": "tool", "tool_call_id": c.id, "content": "written"} for c in reply.tool_calls]
        else:
            done = [{"type": "tool_result", "tool_use_id": c.id, "content": "written"} for c in reply.tool_calls]
            self.history.append({"role": "user", "content": done})


def _tool(schema: str) -> dict[str, Any]:
    return {"name": "write_file", "description": "Writes a file", schema: WRITE}


def _events(wire: str, body: bytes, stream: bool) -> list[Event]:
    decoder = codec.find(wire).decoder(Model("p", "m", "m", 1, 1, Price(), {}), Quirks())
    if not stream:
        return list(decoder.whole(body))
    return [event for piece in [*decoder.feed(body), *decoder.close()] for event in piece.events]


def _said(wire: str, reply: Reply) -> dict[str, Any]:
    """The turn as such a client keeps it: chat clients drop the thinking, as most do."""
    if wire == "openai_chat":
        calls = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in reply.tool_calls
        ]
        return {"role": "assistant", "content": reply.text or None, **({"tool_calls": calls} if calls else {})}
    content: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": part.text, "signature": part.signature} for part in reply.reasoning
    ]
    content += [{"type": "text", "text": reply.text}] if reply.text else []
    content += [
        {"type": "tool_use", "id": c.id, "name": c.name, "input": json.loads(c.arguments)} for c in reply.tool_calls
    ]
    return {"role": "assistant", "content": content}


A, B, CHAT = "east/sim-a", "east/sim-b", "west/sim-chat"
ROUTES = [(A, A, A, A), (A, B, A, B), (A, CHAT, CHAT, A), (CHAT, A, A, CHAT), (B, CHAT, A, A), (CHAT, CHAT, B, B)]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: " ".join(name.partition("-")[2] for name in route))
@pytest.mark.parametrize(("wire", "stream"), [("openai_chat", True), ("anthropic", True), ("anthropic", False)])
async def test_a_tool_loop_survives_a_change_of_model(
    upstream: simulator.Simulator, driver: Daemon, wire: str, stream: bool, route: tuple[str, ...]
) -> None:
    """A1, A2, A3, A7, T8, trap 24: every turn of two loops is answered, by whichever model."""
    agent = Agent(driver, wire, stream)
    thought: dict[str, set[str]] = {}
    for number, (first, second) in enumerate([route[:2], route[2:]]):
        agent.say(f'Write the file notes{number}.txt with the content "hello {number}"')
        asked = await agent.ask(first)
        assert [call.name for call in asked.tool_calls] == ["write_file"]
        agent.answer(asked)
        done = await agent.ask(second)
        assert "simulated" in done.text and not done.tool_calls
    for entry in upstream.log:
        assert entry.status == 200
        assert "cdr1." not in json.dumps(entry.body), "an envelope of ours went out"
        for block in _thinking(entry.body):
            thought.setdefault(entry.model, set()).add(block["signature"])
    if route == (A, A, A, A):
        assert thought["sim-a"], "its own thinking went back to the model that made it"
        assert all("thinking" in entry.body for entry in upstream.log)


def _thinking(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for message in body["messages"]:
        if isinstance(message["content"], list):
            yield from (block for block in message["content"] if block.get("type") == "thinking")


async def test_a_signature_of_unknown_origin_is_tried_and_given_up_once(
    upstream: simulator.Simulator, driver: Daemon
) -> None:
    """A4: sent intact, because it may be right; refused, it is taken out and the same provider asked again."""
    agent = Agent(driver, "anthropic", stream=True)
    agent.say("Explain what a parser does")
    block = {"type": "thinking", "thinking": "from before a restart", "signature": "c29tZW9uZSBlbHNl"}
    agent.history.append({"role": "assistant", "content": [block, {"type": "text", "text": "It parses."}]})
    agent.say("And a lexer?")
    await agent.ask(A)
    first, second = upstream.log
    assert (first.status, second.status) == (400, 200)
    assert list(_thinking(first.body)) == [block] and not list(_thinking(second.body))
    reasons = driver.get("/v1/decisions/last")["decision"]["reasons"]
    assert any("refused the thinking" in reason for reason in reasons)
