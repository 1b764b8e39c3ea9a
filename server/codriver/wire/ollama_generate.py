"""Ollama's POST /api/generate, both halves: a hole (prompt and suffix), a raw prompt, or one question.

Completion plugins often write a family's marks themselves, with or without `raw`; such a prompt is
read as the hole it is, so that any model may fill it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from codriver.errors import Kind, reject
from codriver.model.ids import new_id
from codriver.model.provider import Model, Quirks
from codriver.model.request import (
    Conversation,
    Fim,
    Image,
    Limits,
    Message,
    Needs,
    Part,
    Purpose,
    Request,
    Text,
)
from codriver.wire import carried, fim, intake, jsontext, ndjson, ollama_chat, relay, tokens
from codriver.wire.codec import Call
from codriver.wire.ollama import asking, writing
from codriver.wire.ollama.asking import Options
from codriver.wire.ollama.writing import OllamaEncoder

content_type = ndjson.CONTENT_TYPE
decoder = ollama_chat.decoder
failure = writing.failure
_WIRE = "ollama_generate"


class Body(msgspec.Struct, gc=False):
    """The fields we read. All others pass to Ollama servers, and are named when they cannot be carried."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    prompt: str | None = None
    suffix: str | None = None
    system: str | None = None
    images: list[str] | None = None
    raw: bool | None = None
    stream: bool | None = None
    format: Any = None
    options: Options | None = None
    think: bool | str | None = None
    template: str | None = None
    context: list[int] | None = None


_BODY = msgspec.json.Decoder(Body)


def parse(body: bytes, headers: Mapping[str, str]) -> Request:
    """What is asked; without a prompt one that only loads the model. Raises RequestRejected."""
    asked, body = jsontext.body(_BODY, body)
    wish = intake.wishes(headers, None)
    hole = _hole(asked)
    limits = asking.limits(asked.options, asked.format, asked.think)
    if hole is not None and hole.form:
        limits = Limits(limits.max_tokens, limits.temperature, limits.top_p, fim.own_stops(limits.stop))
    texts = (asked.system or "", asked.prompt or "", asked.suffix or "")
    bound = {"context": bool(asked.context), "template": bool(asked.template)}
    return Request(
        id=new_id(),
        purpose=Purpose.CHAT if hole is None else Purpose.COMPLETE,
        model=asking.model_name(asked.model),
        wire=_WIRE,
        body=body,
        stream=asked.stream is not False,
        wants_usage=True,
        limits=limits if asked.prompt or asked.suffix else Limits(max_tokens=0),
        needs=Needs(
            images=bool(asked.images) and hole is None,
            schema=isinstance(asked.format, dict),
            fim=hole is not None and hole.suffix is not None,
            stream=asked.stream is not False,
            same_wire=tuple(name for name, given in bound.items() if given),
        ),
        fim=hole,
        unfold=(lambda: _conversation(asked)) if hole is None else None,
        input_tokens=tokens.estimate(texts, images=len(asked.images or ())),
        tail=intake.tail([asked.prompt or ""], ()) if hole is None else (),
        task=wish.task,
        session=intake.session(headers, wish.session, "", ""),
        strategy=wish.strategy,
        workflow=wish.workflow,
        deadline=wish.deadline,
        max_cost=wish.max_cost,
        priority=wish.priority,
        file=wish.file,
        locale=wish.locale,
    )


def _hole(asked: Body) -> Fim | None:
    """The hole that is meant, if one is: a suffix, a family's own prompt, or a raw prompt to go on from."""
    prompt = asked.prompt or ""
    if asked.suffix:
        return Fim(prompt, asked.suffix)
    return fim.read(prompt) or (Fim(prompt) if asked.raw else None)


def _conversation(asked: Body) -> Conversation:
    pictures = [Image(ollama_chat.media_type(image), image) for image in asked.images or ()]
    parts: tuple[Part, ...] = (Text(asked.prompt or ""), *pictures)
    system = (Message("system", (Text(asked.system),)),) if asked.system else ()
    return Conversation((*system, Message("user", parts)))


def call(request: Request, model: Model, quirks: Quirks) -> Call:
    """Native prompt and suffix, or a raw prompt of the model's family.

    Raises RequestRejected (UNSUPPORTED) for other wires' conversations, and for a hole the model cannot be told of.
    """
    hole = request.fim
    own = request.wire == _WIRE and request.body is not None
    if own and request.body is not None and (hole is None or _as_it_is(hole, model)):
        if not quirks.drop:
            return Call(relay.named(request.body, request.model, model.upstream_id))
        return Call(relay.edited(request.body, {"model": model.upstream_id}, drop=quirks.drop))
    if hole is None:
        raise reject("A conversation cannot be sent to /api/generate", kind=Kind.UNSUPPORTED)
    family = fim.families().get(model.fim)
    native = model.fim == "suffix" or hole.suffix is None
    if not native and family is None:
        raise reject(f"{model.key} cannot fill in the middle", field="suffix", kind=Kind.UNSUPPORTED)
    options = asking.options(request, model)
    body: dict[str, Any] = {"model": model.upstream_id, "stream": request.stream, "options": options}
    if native or family is None:
        body |= {"prompt": hole.prefix, **({"suffix": hole.suffix} if hole.suffix is not None else {"raw": True})}
    else:
        body |= {"prompt": fim.prompt(family, hole), "raw": True}
        options["stop"] = list(dict.fromkeys((*request.limits.stop, *family.stops)))
    dropped = carried.lost(request) + (["other files"] if native and hole.files else [])
    dropped += [name for name in quirks.drop if body.pop(name, None) is not None]
    broken = model.fim if family is not None and not native and fim.breaks(family, hole) else ""
    return Call(jsontext.encode(body), dropped=tuple(dropped), family=broken)


def _as_it_is(hole: Fim, model: Model) -> bool:
    """Whether the caller's own fields tell this model of the hole."""
    return hole.suffix is None or (model.fim == "suffix" and not hole.form) or fim.same_form(hole.form, model.fim)


def encoder(request: Request, model: str, at: int = 0) -> OllamaEncoder:
    """For the answer to this request; `at` is the Unix time shown in `created_at`."""
    return OllamaEncoder(request, model, at, chat=False)


def ping() -> bytes:
    """A line that says nothing: clients parse every line."""
    head = {"model": "codriver", "created_at": "1970-01-01T00:00:00Z"}
    return jsontext.encode({**head, "response": "", "done": False}) + b"\n"
