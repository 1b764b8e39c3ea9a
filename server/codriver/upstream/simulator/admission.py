"""What is refused before a model answers, in the words of the wire: path, method, key, body, the model's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from codriver.upstream.simulator import (
    anthropic,
    bulk,
    completions,
    embeddings,
    gemini,
    infill,
    mistral,
    ollama,
    openai,
    openai_rules,
    responses,
)
from codriver.upstream.simulator.connection import HttpRequest
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Refused, Wire

COUNT = "/v1/messages/count_tokens"
WIRES: Mapping[str, Wire] = {
    "/v1/chat/completions": openai,
    "/v1/completions": completions,
    "/v1/embeddings": embeddings,
    "/v1/messages": anthropic,
    "/v1/responses": responses,
    COUNT: anthropic,
    "/v1/fim/completions": mistral,
    "/infill": infill,
    "/api/generate": ollama.Ollama("ollama_generate"),
    "/api/chat": ollama.Ollama("ollama_chat"),
}
ABOUT = {"/api/version": "GET", "/api/tags": "GET", "/api/show": "POST"}
_KEYLESS = frozenset({"/infill", "/api/generate", "/api/chat", *ABOUT})
"""Servers at home ask for no key."""
_ELSEWHERE = {
    ("openai_chat", "openai_completions"): (
        "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use "
        "v1/completions?"
    ),
    ("openai_chat", "openai_responses"): (
        "This model is only supported in v1/responses and not in v1/chat/completions."
    ),
    ("openai_completions", "openai_chat"): (
        "This is a chat model and not supported in the v1/completions endpoint. Did you mean to use "
        "v1/chat/completions?"
    ),
}
"""What is said of a model on the first wire that is served on the second; the first row that fits."""


def wire_of(path: str, headers: Mapping[str, str]) -> Wire:
    """The wire in whose shape errors are told: the path's, else the one the headers speak of."""
    if path.startswith(gemini.PATHS):
        return gemini
    return WIRES.get(path, anthropic if "anthropic-version" in headers else openai)


def admit(request: HttpRequest) -> None:
    """What is refused before the body is looked at: size, path, method, key. Raises Refused."""
    if request.broken is not None:
        raise Refused(*request.broken)
    if ABOUT.get(request.path) == request.method:
        return
    google = request.path.startswith(gemini.PATHS)
    action = gemini.addressed(request.path)[1] if google else ""
    listing = request.path == "/v1/models" or request.path.startswith("/v1/models/") or (google and not action)
    bulky = request.path.startswith(bulk.PATHS)
    if request.path not in WIRES and not listing and not bulky and action not in gemini.ACTIONS:
        raise Refused(404, f"Invalid URL ({request.method} {request.path})")
    if not bulky and request.method not in (("GET", "HEAD") if listing else ("POST",)):
        raise Refused(405, f"Not allowed to {request.method} on {request.path}.", code="method_not_supported")
    if request.path not in _KEYLESS:
        _want_key(request, google)


def _want_key(request: HttpRequest, google: bool) -> None:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if request.headers.get("x-api-key", "").strip() or (scheme.lower() == "bearer" and bearer.strip()):
        return
    if google and request.headers.get("x-goog-api-key", "").strip():
        return
    if google:
        raise gemini.unregistered()
    if wire_of(request.path, request.headers) is anthropic:
        raise Refused(401, "x-api-key header is required")
    raise Refused(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
        "auth (i.e. Authorization: Bearer YOUR_KEY). The simulator takes any.",
    )


def body_of(body: bytes, wire: Wire, seen: Callable[[Any], None]) -> Mapping[str, Any]:
    """The body as an object; `seen` is told of it, whatever it is. Raises Refused in the wire's words."""
    try:
        document = parsed(body)
    except Refused as refused:
        seen(body.decode("utf-8", "replace"))
        if wire is anthropic:
            raise Refused(400, f"The request body is not valid JSON: {refused.message}") from refused
        if wire is gemini:
            raise Refused(400, f"Invalid JSON payload received. {refused.message}") from refused
        hint = (
            "(HINT: This likely means you aren't using your HTTP library correctly. The API expects "
            "a JSON payload, but what was sent was not valid JSON."
        )
        raise Refused(400, f"We could not parse the JSON body of your request. {hint} {refused.message})") from refused
    seen(document)
    if not isinstance(document, dict):
        raise Refused(400, "The request body is not a JSON object.")
    return document


def parsed(body: bytes) -> Any:
    """JSON as the standard has it. Raises Refused."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Refused(400, f"not UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"{error}" if isinstance(error, ValueError) else "too deeply nested") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def model_of(body: Mapping[str, Any], wire: Wire, models: Mapping[str, SimModel]) -> SimModel:
    """The model a body asks for. Raises Refused for one that is unknown, or unknown on this wire."""
    name = body.get("model")
    if wire is infill and name is None:
        name = next((model.id for model in models.values() if infill.name in model.wires), None)
    if isinstance(wire, ollama.Ollama):
        found = models.get(str(name or "").removesuffix(":latest"))
        if found is None or wire.name not in found.wires:
            raise wire.unknown(name)
        return found
    if wire is anthropic and name is None:
        raise Refused(400, "model: Field required")
    if wire is anthropic and not isinstance(name, str):
        raise Refused(400, "model: Input should be a valid string")
    if wire is not anthropic and (not isinstance(name, str) or not name):
        raise Refused(400, "you must provide a model parameter")
    found = models.get(str(name))
    if found is None or wire.name not in found.wires:
        raise _unknown(str(name), found, wire)
    return found


def _unknown(name: str, model: SimModel | None, wire: Wire) -> Refused:
    """model: who has that name, but is not served on this wire."""
    if wire is anthropic:
        return anthropic.unknown_model(name)
    if wire is gemini:
        return gemini.unknown_model(name)
    for (here, there), text in _ELSEWHERE.items():
        if model is not None and wire.name == here and there in model.wires:
            return Refused(404, text, param="model")
    return openai_rules.unknown_model(name)
