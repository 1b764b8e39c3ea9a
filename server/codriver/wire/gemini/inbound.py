"""A caller's generateContent body: decoded once, surveyed for what routing needs, unfolded only when asked.

The model and whether to stream stand in the path, not in the body: whoever serves the path hands it
over as the pseudo-header PATH, whose name begins like HTTP/2's with a colon, so no client can send it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from codriver.errors import reject
from codriver.model import request as m
from codriver.model.ids import new_id
from codriver.wire import actions, effort, intake, jsontext, tokens
from codriver.wire.gemini.body import Body, Content, Generation, Part, Shown, Thinking, public, shown, text_of
from codriver.wire.gemini.loose import loosened
from codriver.wire.gemini.plain import json_schema
from codriver.wire.survey import Survey
from codriver.wire.understanding import understanding

PATH = ":path"
"""The header of `parse` that holds the request's path, decoded: /v1beta/models/NAME:ACTION."""


class Countable(msgspec.Struct, gc=False, rename="camel"):
    """What countTokens takes: contents, or a whole request."""

    contents: list[Content] | None = None
    generate_content_request: Body | None = None


_BODY = msgspec.json.Decoder(Body)
_COUNTABLE = msgspec.json.Decoder(Countable)
_PLAIN = Generation()
_FOREIGN = ("executable_code", "code_execution_result", "tool_call", "tool_response")


def parse(body: bytes, headers: Mapping[str, str]) -> m.Request:
    """A generateContent request. Raises RequestRejected with the position or the field, as the real API refuses."""
    asked, body = loosened(_BODY, body, headers)
    model, action = addressed(headers.get(PATH, ""))
    model = model or asked.model.removeprefix("models/")
    if not model:
        raise reject("model: Field required", field="model")
    config = asked.generation_config or _PLAIN
    found = Survey()
    _walk(asked.contents, found)
    stream = action == "streamGenerateContent"
    wish = intake.wishes(headers, None)
    return m.Request(
        id=new_id(),
        purpose=m.Purpose.CHAT,
        model=model,
        wire="gemini",
        body=body,
        stream=stream,
        wants_usage=True,
        limits=m.Limits(
            max_tokens=config.max_output_tokens,
            temperature=config.temperature,
            top_p=config.top_p,
            stop=tuple(config.stop_sequences or ()),
            schema=_schema(config),
            effort=_effort(config.thinking_config),
        ),
        needs=_needs(asked, config, found, stream),
        unfold=asked,
        input_tokens=found.weighed(len(asked.contents), _framing(asked)),
        task=wish.task,
        strategy=wish.strategy,
        workflow=wish.workflow,
        deadline=wish.deadline,
        max_cost=wish.max_cost,
        signatures=tuple(found.signatures),
        priority=wish.priority,
        file=wish.file,
        locale=wish.locale,
        later=understanding(partial(_shape, asked, config), headers, found, wish.session),
    )


def addressed(path: str) -> tuple[str, str]:
    """Model and action of a path; a model's name may itself have slashes and colons."""
    model, _, action = path.partition("/models/")[2].rpartition(":")
    return model.removeprefix("models/"), action


def count(body: bytes, headers: Mapping[str, str]) -> bytes:
    """The answer to countTokens, estimated. Raises RequestRejected as parse does."""
    asked, _ = loosened(_COUNTABLE, body, headers)
    whole = asked.generate_content_request
    contents = whole.contents if whole else asked.contents
    if not contents:
        raise reject("contents: Field required", field="contents")
    found = Survey()
    _walk(contents, found)
    texts = [*found.texts, *(_framing(whole) if whole else ())]
    total = tokens.estimate(texts, messages=len(contents), images=found.images)
    return jsontext.encode({"totalTokens": total})


def _framing(asked: Body) -> list[str]:
    """The texts of system and tools. Raises RequestRejected."""
    texts = _system(asked)
    for number, tool in enumerate(asked.declared):
        place = f"tools.functionDeclarations[{number}]"
        schema = jsontext.schema(tool.parameters, f"{place}.parameters")
        schema = schema or jsontext.schema(tool.parameters_json_schema, f"{place}.parametersJsonSchema")
        texts += (tool.name, tool.description or "", schema)
    return texts


def _walk(contents: list[Content], found: Survey) -> None:
    """Adds what is in the turns."""
    for content in contents:
        said: list[str] = []
        results: list[str] = []
        answers = False
        for part in content.parts or ():
            if part.thought_signature:
                found.signatures.append(part.thought_signature)
            if part.text is not None:
                said.append("" if part.thought else part.text)
            elif part.function_call is not None:
                found.texts.append(f"{part.function_call.name} {shown(part.function_call.args)}")
            elif part.function_response is not None:
                answers = True
                results.append(shown(part.function_response.response))
                for seen in part.function_response.parts or ():
                    _show(seen, found)
            else:
                _weigh(part, found)
        found.texts += said
        found.texts += results
        if content.role == "model":
            continue
        if answers:
            found.results = [*found.results, *results]
        else:
            found.heard("\n".join(said))
            found.results = []


def _weigh(part: Part, found: Survey) -> None:
    """A part that is neither words nor a function: an image, or what only Gemini knows."""
    if part.inline_data is not None:
        kind = part.inline_data.mime_type
        if kind.startswith("image/"):
            found.images += 1
        elif kind.startswith("text/"):
            found.texts.append(text_of(part.inline_data))
        else:
            found.foreign.add(f"inlineData[{kind}]")
    elif part.file_data is not None:
        if public(part.file_data):
            found.images += 1
        else:
            found.foreign.add("fileData")
    for name in _FOREIGN:
        if jsontext.given(getattr(part, name)):
            found.foreign.add(name)


def _show(part: Shown, found: Survey) -> None:
    """What a function showed beside its words: an image, or what only Gemini takes there."""
    kind = part.inline_data.mime_type if part.inline_data is not None else "fileData"
    if kind.startswith("image/"):
        found.images += 1
    else:
        found.foreign.add(f"functionResponse[{kind}]")


def _shape(asked: Body, config: Generation) -> actions.Shape:
    """What tells the action: the system instruction and the last turn."""
    last = asked.contents[-1]
    parts = last.parts or ()
    said = tuple(part.text for part in parts if part.text is not None and not part.thought)
    return actions.Shape(
        system=tuple(_system(asked)),
        last=said if last.role != "model" else (),
        answers=any(part.function_response is not None for part in parts),
        tools=any(asked.declared),
        messages=len(asked.contents),
        most=config.max_output_tokens,
        schema=_schema(config),
    )


def _system(asked: Body) -> list[str]:
    system = asked.system_instruction
    return [system] if isinstance(system, str) else [part.text or "" for part in (system and system.parts) or ()]


def _schema(config: Generation) -> dict[str, Any] | None:
    if config.response_mime_type != "application/json":
        return None
    # gemini-cli writes the dialect into the field for JSON Schema.
    schema = json_schema(jsontext.known(config.response_json_schema) or jsontext.known(config.response_schema))
    if not isinstance(schema, dict) or not schema:
        return {"type": "json_object"}
    return {"type": "json_schema", "name": "output", "schema": schema, "strict": None}


def _effort(thinking: Thinking | None) -> str | None:
    """One scale from Gemini's two: the level's word, else what the budget amounts to (-1: the model's choice)."""
    if thinking is None:
        return None
    if thinking.thinking_level:
        return effort.word(thinking.thinking_level)
    budget = thinking.thinking_budget
    return None if budget is None or budget < 0 else effort.of_budget(budget)


def _needs(asked: Body, config: Generation, found: Survey, stream: bool) -> m.Needs:
    same = set(found.foreign)
    functions = any(asked.declared)
    if not functions:  # beside functions they are wishes that another wire drops by name
        same |= set(asked.built_in)
    same |= {
        name
        for name, bound in (
            ("candidateCount", (config.candidate_count or 1) > 1),
            ("responseLogprobs", bool(config.response_logprobs)),
            ("seed", config.seed is not None),
            ("responseModalities", bool(config.response_modalities) and config.response_modalities != ["TEXT"]),
            ("responseMimeType", config.response_mime_type not in (None, "", "text/plain", "application/json")),
            ("speechConfig", jsontext.given(config.speech_config)),
            ("imageConfig", jsontext.given(config.image_config)),
            ("cachedContent", bool(asked.cached_content)),
        )
        if bound
    }
    return m.Needs(
        tools=functions,
        images=found.images > 0,
        schema=(_schema(config) or {}).get("type") == "json_schema",
        stream=stream,
        same_wire=tuple(sorted(same)),
    )
