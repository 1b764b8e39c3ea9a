"""Models are asked once whether they fill holes: servers that ignore or refuse a suffix are found out before a keystroke (T39, N2)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from codriver import app as application
from codriver import paths
from codriver.app import App
from codriver.model.provider import Model, Price, Provider, Quirks
from codriver.model.request import Fim, Purpose, Request
from codriver.state.store import MemoryStore
from codriver.upstream import probing, simulator
from codriver.upstream.client import Upstream
from codriver.upstream.keys import Keys
from codriver.upstream.probing import NAME, Probes, Verdict, probe
from codriver.upstream.proxies import Network

Say = Callable[[dict[str, Any]], tuple[str, Any]]
"""What a fake server answers to a body: a status line and a document, or just the completion's text."""


def text(words: str) -> tuple[str, Any]:
    return "200 OK", {"choices": [{"index": 0, "text": words, "finish_reason": "stop"}]}


def fills(body: dict[str, Any]) -> tuple[str, Any]:
    return text(f"{NAME} = width * height" if NAME in body.get("suffix", "") else "return width * height")


def ignores(body: dict[str, Any]) -> tuple[str, Any]:
    return text("return width * height")


def refuses(body: dict[str, Any]) -> tuple[str, Any]:
    if "suffix" in body:
        return "400 Bad Request", {"error": {"message": "suffix is not currently supported", "type": "BadRequestError"}}
    return reads_marks(body)


def reads_marks(body: dict[str, Any]) -> tuple[str, Any]:
    found = re.fullmatch(r"<\|fim_prefix\|>.*<\|fim_suffix\|>(.*)<\|fim_middle\|>", body["prompt"], re.S)
    return text(f"{NAME} = width * height" if found and NAME in found[1] else "return width * height")


def busy(body: dict[str, Any]) -> tuple[str, Any]:
    return "503 Service Unavailable", {"error": {"message": "loading model"}}


def keyless(body: dict[str, Any]) -> tuple[str, Any]:
    return "401 Unauthorized", {"error": {"message": "no key"}}


def lacks_marks(body: dict[str, Any]) -> tuple[str, Any]:
    words = "Infill is not supported by this model: prefix token is missing."
    return "501 Not Implemented", {"error": {"code": 501, "message": words, "type": "not_supported_error"}}


def model(ident: str = "some-model", way: str = "suffix", **more: Any) -> Model:
    return Model("home", ident, ident, 8000, 1000, Price(), {"": 0.5}, fim=way, **more)


def provider(url: str, wire: str = "openai_completions", path: str = "/v1/completions") -> Provider:
    return Provider("home", "Home", url, {wire: path}, auth="none", local=True)


@pytest.fixture
async def upstream():
    made = Upstream(Network({}), Keys({}))
    yield made
    await made.aclose()


@pytest.fixture
def at(serve):
    async def started(say: Say):
        async def script(peer: Any, asked: Any) -> None:
            status, document = say(json.loads(asked.body))
            await peer.whole(json.dumps(document).encode(), status)

        return await serve(script)

    return started


@pytest.mark.parametrize(
    ("say", "name", "way", "found"),
    [
        (fills, "some-model", "suffix", "suffix"),
        (reads_marks, "qwen2.5-coder-7b", "qwen", "qwen"),
        (reads_marks, "qwen2.5-coder-7b", "suffix", "qwen"),
        (refuses, "Qwen/Qwen2.5-Coder-7B", "suffix", "qwen"),
        (fills, "qwen2.5-coder-7b", "qwen", "suffix"),
        (ignores, "some-model", "suffix", ""),
        (ignores, "qwen2.5-coder-7b", "qwen", ""),
        (refuses, "some-model", "suffix", ""),
        (lacks_marks, "some-model", "suffix", ""),
        (ignores, "some-model", "no-such-family", ""),
    ],
)
async def test_n2_t39_proof_is_a_name_only_the_suffix_tells(upstream, at, say, name, way, found) -> None:
    server = await at(say)
    verdict = await probe(upstream, provider(server.url), model(name, way))
    assert verdict is not None and verdict.fim == found
    assert bool(verdict.why) == (not found)


@pytest.mark.parametrize(("say", "word"), [(ignores, "ignored"), (refuses, "not currently supported")])
async def test_a_refusal_says_why(upstream, at, say, word) -> None:
    verdict = await probe(upstream, provider((await at(say)).url), model())
    assert verdict is not None and word in verdict.why


@pytest.mark.parametrize("say", [busy, keyless])
async def test_who_cannot_be_asked_now_is_not_judged(upstream, at, say) -> None:
    assert await probe(upstream, provider((await at(say)).url), model()) is None


async def test_nobody_there_is_not_judged(upstream) -> None:
    assert await probe(upstream, provider("http://127.0.0.1:9"), model()) is None


@pytest.mark.parametrize(
    ("wire", "path"),
    [
        ("openai_completions", "/v1/completions"), ("mistral_fim", "/v1/fim/completions"),
        ("llamacpp_infill", "/infill"), ("ollama_generate", "/api/generate"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["suffix", "qwen"])
async def test_every_wire_for_holes_can_be_probed(wire: str, path: str, way: str) -> None:
    async with await simulator.start() as simulated:
        made = Upstream(Network({}), Keys({}))
        key = {"authorization": "Bearer x"}
        # OpenAI's own rule, which the simulator holds: at most four stops.
        quirks = Quirks(stop_max=4)
        there = Provider("sim", "Sim", simulated.url, {wire: path}, auth="none", headers=key, quirks=quirks)
        try:
            verdict = await probe(made, there, model("sim-coder", way))
        finally:
            await made.aclose()
    assert verdict == Verdict(way)


async def test_a_verdict_outlives_a_restart_and_a_refusal_only_until_something_changed(upstream, at) -> None:
    server, store, now = await at(ignores), MemoryStore(lambda: 0.0), [0.0]
    first = Probes(upstream, store, lambda: now[0])
    there, one = provider(server.url), model()
    assert first.due(there, one)
    assert (await first.ask(there, one)) == first.verdict(there, one)
    asked = len(server.asked)
    second = Probes(upstream, store, lambda: now[0])
    await second.recall(there, one)
    assert second.verdict(there, one) == first.verdict(there, one) and not second.due(there, one)
    assert len(server.asked) == asked
    second.forgive()
    await second.recall(there, one)
    assert second.due(there, one) and second.verdict(there, one) is None


async def test_who_was_not_there_is_asked_again_later(upstream, at) -> None:
    now = [1000.0]
    probes = Probes(upstream, MemoryStore(lambda: 0.0), lambda: now[0])
    there, one = provider((await at(busy)).url), model()
    assert await probes.ask(there, one) is None and not probes.due(there, one)
    now[0] += 3600
    assert probes.due(there, one)


@pytest.mark.parametrize(
    ("name", "way", "local", "asked"),
    [
        ("some-model", "suffix", False, True), ("starcoder2-7b", "", True, True), ("starcoder2-7b", "", False, False),
        ("some-model", "", True, False),
    ],
)  # fmt: skip
def test_who_is_worth_a_proof(name: str, way: str, local: bool, asked: bool) -> None:
    assert probing.wanted(replace(provider("http://x"), local=local), model(name, way)) is asked


async def test_a_name_alone_is_proven_by_its_familys_form(upstream, at) -> None:
    verdict = await probe(upstream, provider((await at(refuses)).url), model("qwen2.5-coder:7b", ""))
    assert verdict == Verdict("qwen")


async def test_a_model_that_only_chats_is_not_asked(upstream) -> None:
    probes = Probes(upstream, MemoryStore(lambda: 0.0), lambda: 0.0)
    chat = Provider("home", "Home", "http://127.0.0.1:9", {"openai_chat": "/v1/chat/completions"}, auth="none")
    assert not probes.due(chat, model())


# The app: what is configured is proven in the background, and refused before anybody types.

CONFIG = """
[complete]
probe = "{probe}"

[providers.home]
base_url = "{url}"
local = {local}
wires = {{ openai_completions = "/v1/completions" }}

[providers.home.models.coder]
fim = "suffix"
chat = false
"""


@pytest.fixture
def configured(own_home) -> Callable[..., App]:
    def made(url: str, probe: str = "local", local: bool = True) -> App:
        found = paths.find()
        found.create()
        (found.config / "config.toml").write_text(CONFIG.format(url=url, probe=probe, local=str(local).lower()))
        return application.create(found, memory=True)

    return made


async def proven(app: App) -> Any:
    """The offer of home/coder once all probes are over."""
    await app.start()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "probes"))
    return next(offer for offer in app.offers() if offer.model.key == "home/coder")


@pytest.mark.parametrize(
    ("say", "probe_", "local", "way", "asked"),
    [
        (ignores, "local", True, "", True),
        (fills, "local", True, "suffix", True),
        (ignores, "never", True, "suffix", False),
        (ignores, "local", False, "", True),  # the user himself named fim for it
        (ignores, "all", False, "", True),
    ],
)
async def test_n2_what_cannot_fill_is_refused_when_configured(at, configured, say, probe_, local, way, asked) -> None:
    server = await at(say)
    app = configured(server.url, probe_, local)
    try:
        offer = await proven(app)
        assert offer.model.fim == way and bool(offer.unfit) == (not way)
        assert any(one.target == "/v1/completions" for one in server.asked) == asked
        if not way:
            hole = Request("r", Purpose.COMPLETE, model="home/coder", fim=Fim("a", "b"))
            with pytest.raises(Exception, match=r"does not serve fill-in-the-middle: .*ignored"):
                app.router.decide(hole)
    finally:
        await app.close()
