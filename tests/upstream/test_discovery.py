"""Local servers: each is recognised by its own list, tells what it has, and nobody else on its port is taken for it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from codriver import catalog
from codriver.model.provider import Installed, Model, Provider
from codriver.upstream.client import Upstream
from codriver.upstream.discovery import installed
from codriver.upstream.keys import Keys
from codriver.upstream.proxies import Network

LOCAL = ("llamacpp", "vllm", "lmstudio", "ollama")

# As these servers answer, shortened.
LLAMA = {
    "object": "list",
    "models": [{"name": "qwen2.5-coder-7b-q8_0.gguf", "capabilities": ["completion"]}],
    "data": [
        {
            "id": "qwen2.5-coder-7b-q8_0.gguf", "object": "model", "created": 1763000000, "owned_by": "llamacpp",
            "meta": {"n_vocab": 152064, "n_ctx_train": 131072, "n_params": 7615616512},
        }
    ],
}  # fmt: skip
LLAMA_NEWER = {"data": [{**LLAMA["data"][0], "meta": {"n_ctx_train": 131072, "n_ctx": 16384}}]}
PROPS = {"default_generation_settings": {"n_ctx": 8192, "params": {}}, "total_slots": 1, "model_path": "/m/q.gguf"}
VLLM = {
    "object": "list",
    "data": [
        {
            "id": "Qwen/Qwen3-Coder-30B-A3B-Instruct", "object": "model", "created": 1763000000, "owned_by": "vllm",
            "root": "Qwen/Qwen3-Coder-30B-A3B-Instruct", "parent": None, "max_model_len": 65536, "permission": [],
        }
    ],
}  # fmt: skip
LMSTUDIO = {
    "object": "list",
    "data": [
        {
            "id": "qwen2-vl-7b-instruct", "object": "model", "type": "vlm", "publisher": "mlx-community",
            "arch": "qwen2_vl", "compatibility_type": "mlx", "quantization": "4bit", "state": "not-loaded",
            "max_context_length": 32768,
        },
        {
            "id": "qwen3-coder-30b", "object": "model", "type": "llm", "publisher": "qwen", "arch": "qwen3",
            "compatibility_type": "gguf", "quantization": "Q4_K_M", "state": "loaded", "max_context_length": 262144,
            "loaded_context_length": 16384, "capabilities": ["tool_use"],
        },
        {
            "id": "text-embedding-nomic-embed-text-v1.5", "object": "model", "type": "embeddings",
            "publisher": "nomic-ai", "arch": "nomic-bert", "compatibility_type": "gguf", "quantization": "Q4_0",
            "state": "not-loaded", "max_context_length": 2048,
        },
    ],
}  # fmt: skip
OLLAMA = {
    "object": "list",
    "data": [
        {"id": "qwen2.5-coder:7b-base", "object": "model", "created": 1763000000, "owned_by": "library"},
        {"id": "gemma3:4b", "object": "model", "created": 1763000001, "owned_by": "library"},
        {"id": "nomic-embed-text:latest", "object": "model", "created": 1763000002, "owned_by": "library"},
    ],
}
SHOWN = {
    "qwen2.5-coder:7b-base": {
        "parameters": 'stop    "<|endoftext|>"',
        "model_info": {"general.architecture": "qwen2", "qwen2.context_length": 32768},
        "capabilities": ["completion", "insert"],
    },
    "gemma3:4b": {
        "parameters": "num_ctx                        16384\ntemperature 1",
        "model_info": {"general.architecture": "gemma3", "gemma3.context_length": 131072},
        "capabilities": ["completion", "vision"],
    },
    "nomic-embed-text:latest": {
        "model_info": {"nomic-bert.context_length": 2048},
        "capabilities": ["embedding"],
    },
}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream(Network({}), Keys({}))
    yield made
    await made.aclose()


def shipped(name: str, url: str = "") -> Provider:
    return replace(catalog.load().providers[name], base_url=url)


def pages(answers: dict[str, Any]) -> Any:
    """A server with these pages; a page that is a function gets the request's body."""

    async def script(peer: Any, asked: Any) -> None:
        page = answers.get(asked.target)
        if callable(page):
            page = page(json.loads(asked.body))
        if page is None:
            await peer.whole(b'{"detail":"Not Found"}', status="404 Not Found")
        else:
            await peer.whole(page if isinstance(page, bytes) else json.dumps(page).encode())

    return script


def models(name: str, found: tuple[Installed, ...]) -> dict[str, Model]:
    return {model.id: model for model in catalog.load().found(name, found).providers[name].models}


FOUND = [
    ("llamacpp", {"/v1/models": LLAMA, "/props": PROPS}, {"qwen2.5-coder-7b-q8_0.gguf": 8192}),
    ("llamacpp", {"/v1/models": LLAMA_NEWER}, {"qwen2.5-coder-7b-q8_0.gguf": 16384}),
    # Who tells nothing keeps what the template says.
    ("llamacpp", {"/v1/models": LLAMA}, {"qwen2.5-coder-7b-q8_0.gguf": 32768}),
    ("vllm", {"/v1/models": VLLM}, {"Qwen/Qwen3-Coder-30B-A3B-Instruct": 65536}),
    ("lmstudio", {"/api/v0/models": LMSTUDIO},
     {"qwen2-vl-7b-instruct": 32768, "qwen3-coder-30b": 16384, "text-embedding-nomic-embed-text-v1.5": 2048}),
    ("ollama", {"/v1/models": OLLAMA, "/api/show": lambda asked: SHOWN[asked["model"]]},
     {"qwen2.5-coder:7b-base": 32768, "gemma3:4b": 16384, "nomic-embed-text:latest": 2048}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answers", "windows"), FOUND)
async def test_what_is_there_is_found_with_its_context(
    serve: Any, upstream: Upstream, name: str, answers: dict[str, Any], windows: dict[str, int]
) -> None:
    server = await serve(pages(answers))
    found = models(name, await installed(upstream, shipped(name, server.url)))
    assert {id: model.window for id, model in found.items()} == windows
    assert all(model.max_output <= model.window for model in found.values())


async def test_what_servers_tell_of_abilities_counts(serve: Any, upstream: Upstream) -> None:
    studio = await serve(pages({"/api/v0/models": LMSTUDIO}))
    found = models("lmstudio", await installed(upstream, shipped("lmstudio", studio.url)))
    assert found["qwen2-vl-7b-instruct"].images and not found["qwen3-coder-30b"].images
    vectors = found["text-embedding-nomic-embed-text-v1.5"]
    assert (vectors.embeds, vectors.chat, vectors.wires) == (True, False, ("openai_embeddings",))
    ollama = await serve(pages({"/v1/models": OLLAMA, "/api/show": lambda asked: SHOWN[asked["model"]]}))
    found = models("ollama", await installed(upstream, shipped("ollama", ollama.url)))
    assert found["gemma3:4b"].images and not found["gemma3:4b"].tools
    coder = found["qwen2.5-coder:7b-base"]
    assert coder.fim == "suffix" and coder.chat and not coder.tools


async def test_a_model_is_described_once(serve: Any, upstream: Upstream) -> None:
    listed = json.loads(json.dumps(OLLAMA))
    server = await serve(pages({"/v1/models": listed, "/api/show": lambda asked: SHOWN[asked["model"]]}))
    ollama = shipped("ollama", server.url)
    first = await installed(upstream, ollama)
    again = await installed(upstream, ollama, first)
    assert again == first
    assert [asked.target for asked in server.asked].count("/api/show") == 3
    listed["data"][1]["created"] += 60  # pulled anew
    await installed(upstream, ollama, again)
    assert [asked.target for asked in server.asked].count("/api/show") == 4
    assert json.loads(server.asked[-1].body) == {"model": "gemma3:4b"}


@pytest.mark.parametrize(
    "told",
    [
        {"parameters": "num_ctx \u00b2"}, {"parameters": f"num_ctx {'9' * 5000}"}, {"parameters": f"num_ctx {'9' * 15}"},
        {"model_info": {"x.context_length": -5}}, b'{"parameters": "\xff"}', b'{"model_info": ' + b"[" * 100_000,
    ],
)  # fmt: skip
async def test_nonsense_told_of_a_model_is_nothing_told(serve: Any, upstream: Upstream, told: Any) -> None:
    """Whatever stands on a port, Codriver starts."""
    listed: dict[str, Any] = OLLAMA
    server = await serve(pages({"/v1/models": {"data": listed["data"][:1]}, "/api/show": lambda asked: told}))
    (found,) = models("ollama", await installed(upstream, shipped("ollama", server.url))).values()
    assert found.window == 32768
    props = told if isinstance(told, bytes) else json.dumps({"default_generation_settings": told}).encode()
    server = await serve(pages({"/v1/models": LLAMA, "/props": props}))
    (found,) = models("llamacpp", await installed(upstream, shipped("llamacpp", server.url))).values()
    assert found.window == 32768


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"max_model_len": -5}, [None]), ({"max_model_len": 0}, [None]), ({"max_model_len": 2**60}, [None]),
        ({"id": ""}, []), ({"id": "\x1b[2J"}, []), ({"id": "a\nb"}, []), ({"id": "a" * 501}, []),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_not_believed(serve: Any, upstream: Upstream, said: Any, found: Any) -> None:
    """Names are shown in terminals."""
    page: dict[str, Any] = VLLM
    server = await serve(pages({"/v1/models": {"data": [{**page["data"][0], **said}]}}))
    assert [one.window for one in await installed(upstream, shipped("vllm", server.url))] == found


async def test_an_older_ollama_that_describes_nothing_is_still_there(serve: Any, upstream: Upstream) -> None:
    server = await serve(pages({"/v1/models": OLLAMA}))
    found = await installed(upstream, shipped("ollama", server.url))
    assert [one.id for one in found] == [entry["id"] for entry in OLLAMA["data"]]
    assert await installed(upstream, shipped("ollama", server.url), found) == found


LIST = {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "somebody"}]}
IMPOSTORS = {
    "a development server's page": b"<!doctype html><title>Vite</title>",
    "an interface of somebody's own": {"data": [{"id": 1, "name": "Ada"}]},
    "a list of something else": {"data": [{"id": "u-1"}, {"id": "u-2"}]},
    "a gateway to other makers": LIST,
    "half of one, half of the other": {"data": [*VLLM["data"], *LIST["data"]]},
    "another kind of model server": {"data": [{**LIST["data"][0], "owned_by": "sglang"}]},
    "no list": {"data": {"id": "m"}},
    "numbers": {"data": [1, 2]},
    "nothing": b"",
    "not JSON": b"{",
    "words": b'"data"',
    "a list without end": b'{"data": [{"id": "m", "owned_by": "vllm", "x": ' + b"[" * 100_000,
    "no text": b'{"data": [{"id": "\xff", "owned_by": "vllm"}]}',
    "the end of time": b'{"data": [{"id": "m", "owned_by": "vllm", "created": 1e999}]}',
}


@pytest.mark.parametrize("page", IMPOSTORS.values(), ids=IMPOSTORS)
@pytest.mark.parametrize("name", ["llamacpp", "vllm", "lmstudio"])
async def test_nobody_else_on_the_port_is_taken_for_a_model_server(
    serve: Any, upstream: Upstream, name: str, page: Any
) -> None:
    """Port 8000 and 8080 are every second development server's."""
    server = await serve(pages({"/v1/models": page, "/api/v0/models": page, "/props": PROPS}))
    assert await installed(upstream, shipped(name, server.url)) == ()
    assert len(server.asked) == 1 and server.asked[0].method == "GET"


@pytest.mark.parametrize("other", [("llamacpp", VLLM), ("vllm", LLAMA), ("lmstudio", VLLM), ("lmstudio", LLAMA)])
async def test_they_are_not_taken_for_each_other(serve: Any, upstream: Upstream, other: tuple[str, Any]) -> None:
    name, page = other
    server = await serve(pages({"/v1/models": page, "/api/v0/models": page}))
    assert await installed(upstream, shipped(name, server.url)) == ()


@pytest.mark.parametrize("name", LOCAL)
async def test_nobody_there_is_no_failure(upstream: Upstream, name: str) -> None:
    assert await installed(upstream, shipped(name, "http://127.0.0.1:9")) == ()


async def test_a_server_that_never_answers_is_not_waited_for(
    serve: Any, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codriver.upstream import discovery

    monkeypatch.setattr(discovery, "_QUICK", replace(discovery._QUICK, first=0.02, total=0.05))

    async def silent(peer: Any, asked: Any) -> None:
        await peer.gone()

    server = await serve(silent)
    assert await installed(upstream, shipped("vllm", server.url)) == ()


async def test_a_key_is_shown_only_where_the_user_set_one(serve: Any) -> None:
    server = await serve(pages({"/v1/models": VLLM}))
    for environ, shown in (({}, None), ({"VLLM_API_KEY": "k"}, "Bearer k")):
        upstream = Upstream(Network({}), Keys(environ))
        assert await installed(upstream, shipped("vllm", server.url))
        assert server.asked[-1].headers.get("authorization") == shown
        await upstream.aclose()


async def test_a_server_the_user_named_needs_no_marks(serve: Any, upstream: Upstream) -> None:
    server = await serve(pages({"/v1/models": LIST}))
    own = Provider("box", "Box", server.url, {"openai_chat": "/v1/chat/completions"}, discover="/v1/models")
    assert [one.id for one in await installed(upstream, own)] == ["m"]
