"""The endpoints that completion plugins and local-model clients already speak: llama.cpp's, Ollama's, Mistral's.

A plugin made for a server at home becomes a client by its address alone. What it asks about models is
answered from what Codriver knows; what it wants written goes the one path.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from codriver.app import App
from codriver.errors import RequestRejected, reject
from codriver.fronts.http.converse import answered, converse, fail
from codriver.fronts.http.exchange import Exchange
from codriver.fronts.http.route import Route, Routes
from codriver.model.events import Finish, Finished, Reply, Started
from codriver.model.ids import new_id
from codriver.model.provider import Model
from codriver.model.request import Purpose, Request
from codriver.wire import codec
from codriver.wire.ollama import asking

OLLAMA_API = "0.12.6"
"""The version of Ollama whose API this is: clients refuse servers that are too old."""

_SMALL_BODY = 1_000_000
_EPOCH = "1970-01-01T00:00:00Z"


async def ask(app: App, exchange: Exchange, wire: str) -> None:
    """Answers one request in the caller's wire; one that only warms a model is thanked, and nobody is called."""
    speaker = codec.find(wire)
    try:
        request = speaker.parse(await exchange.body(app.settings.http.max_body_mb * 1_000_000), exchange.headers)
    except RequestRejected as rejected:
        await fail(exchange, speaker, rejected.failure)
        return
    if request.limits.max_tokens == 0:
        await _thank(exchange, request, speaker)
    else:
        await answered(app, exchange, request, speaker)


async def _thank(exchange: Exchange, request: Request, speaker: codec.Codec) -> None:
    encoder = speaker.encoder(request, request.model)
    if not request.stream:
        await exchange.answer(200, encoder.whole(Reply(finish=Finish.STOP)))
        return
    await exchange.start(200, [(b"content-type", speaker.content_type.encode())])
    await exchange.end(encoder.feed([Started(), Finished(Finish.STOP)]))


# llama.cpp.


async def health(app: App, exchange: Exchange) -> None:
    """GET /health."""
    await _json(exchange, {"status": "ok"})


async def props(app: App, exchange: Exchange) -> None:
    """GET /props: what a client sizes its prompts by."""
    models = _models(app, "auto")
    page = {
        "default_generation_settings": {"n_ctx": _window(models), "params": {}},
        "total_slots": 1,
        "model_path": "codriver",
        "chat_template": "",
        "modalities": {"vision": any(model.images for model in models)},
        "build_info": f"codriver {app.version}",
    }
    await _json(exchange, page)


# Ollama.


async def tags(app: App, exchange: Exchange) -> None:
    """GET /api/tags: what may be asked for."""
    offered = [offer.model for offer in app.offers() if not offer.missing and (offer.model.chat or offer.model.fim)]
    await _json(exchange, {"models": [_tag("auto", "codriver"), *(_tag(one.key, one.provider) for one in offered)]})


async def show(app: App, exchange: Exchange) -> None:
    """POST /api/show: what a name stands for. Every name can fill holes: a chat model is asked for the hole."""
    asked = await exchange.json(_SMALL_BODY)
    name = asked.get("model") or asked.get("name")
    if not isinstance(name, str):
        raise reject("model: Field required", field="model")
    models = _models(app, name)
    abilities = {
        "completion": bool(models),
        "insert": bool(models),
        "tools": any(model.tools for model in models),
        "vision": any(model.images for model in models),
        "thinking": any(model.reasoning for model in models),
    }
    page = {
        "license": "",
        "modelfile": "",
        "parameters": f"num_ctx {_window(models)}",
        # Clients look here for a variable that stands for the text after the hole.
        "template": "{{ .System }}{{ .Prompt }}{{ .Suffix }}",
        "details": _details("codriver" if len(models) != 1 else models[0].provider),
        "model_info": {"general.architecture": "codriver", "codriver.context_length": _window(models)},
        "capabilities": [word for word, able in abilities.items() if able],
        "modified_at": _EPOCH,
    }
    await _json(exchange, page)


async def version(app: App, exchange: Exchange) -> None:
    """GET /api/version."""
    await _json(exchange, {"version": OLLAMA_API, "codriver": app.version})


async def running(app: App, exchange: Exchange) -> None:
    """GET /api/ps: nothing is loaded here."""
    await _json(exchange, {"models": []})


def _models(app: App, name: str) -> list[Model]:
    """The models that may answer to a name. Raises RequestRejected for one that nobody knows."""
    plan = app.plan(Request(new_id(), Purpose.PROBE, model=asking.model_name(name)))
    return [offer.model for offer in plan.offers if offer.model.chat or offer.model.fim]


def _window(models: list[Model]) -> int:
    """Tokens that some model of these can hold."""
    return max((model.window for model in models), default=0)


def _tag(name: str, provider: str) -> dict[str, Any]:
    entry = {"name": name, "model": name, "modified_at": _EPOCH, "size": 0, "digest": ""}
    return {**entry, "details": _details(provider)}


def _details(family: str) -> dict[str, Any]:
    sizes = {"parameter_size": "", "quantization_level": ""}
    return {"parent_model": "", "format": "", "family": family, "families": [family], **sizes}


async def _json(exchange: Exchange, page: object) -> None:
    await exchange.answer(200, msgspec.json.encode(page))


def _asks(wire: str) -> Route:
    return Route(partial(ask, wire=wire), wire=wire)


_INFILL = "llamacpp_infill"
_MISTRAL = Route(partial(converse, wire="mistral_fim"), wire="mistral_fim")

ROUTES: Routes = {
    "POST /infill": _asks(_INFILL),
    "POST /completion": _asks(_INFILL),
    "GET /props": Route(props, wire=_INFILL),
    "GET /health": Route(health, wire=_INFILL),
    "GET /v1/health": Route(health, wire=_INFILL),
    "POST /api/generate": _asks("ollama_generate"),
    "POST /api/chat": _asks("ollama_chat"),
    "GET /api/tags": Route(tags, wire="ollama_chat"),
    "POST /api/show": Route(show, wire="ollama_chat"),
    "GET /api/version": Route(version, wire="ollama_chat"),
    "GET /api/ps": Route(running, wire="ollama_chat"),
    "POST /v1/fim/completions": _MISTRAL,
    "POST /fim/completions": _MISTRAL,
}

KEYLESS = frozenset(key.partition(" ")[2] for key, route in ROUTES.items() if route is not _MISTRAL)
"""The paths of clients that often can send no key: served without one where http.open_plugins says so."""
