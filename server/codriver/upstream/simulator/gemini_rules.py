"""The rules of generateContent: from a body to what is asked, or the refusal Google gives."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from codriver.model.request import Conversation, Limits, Message, Text, Tool, ToolChoice
from codriver.upstream.simulator import gemini_schema
from codriver.upstream.simulator.gemini_contents import read_turns, split
from codriver.upstream.simulator.gemini_schema import refused, unknown
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Asked, Unit, digest, dump, seed, tokens

_TOP = frozenset(
    {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent"}
    | {"serviceTier", "store", "labels", "model", "stream"}  # the last two: from the path, by the server
)
_CONFIG: Mapping[str, tuple[type, ...]] = {
    "maxOutputTokens": (int,), "temperature": (int, float), "topP": (int, float), "topK": (int, float),
    "stopSequences": (list,), "candidateCount": (int,), "responseMimeType": (str,), "responseSchema": (dict,),
    "responseJsonSchema": (dict,), "responseModalities": (list,), "seed": (int,), "presencePenalty": (int, float),
    "frequencyPenalty": (int, float), "responseLogprobs": (bool,), "logprobs": (int,), "thinkingConfig": (dict,),
    "mediaResolution": (str,), "speechConfig": (dict,), "imageConfig": (dict,), "enableEnhancedCivicAnswers": (bool,),
}  # fmt: skip
_THINKING: Mapping[str, tuple[type, ...]] = {
    "includeThoughts": (bool,),
    "thinkingBudget": (int,),
    "thinkingLevel": (str,),
}
_BUILT_IN = ("googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "googleMaps", "fileSearch")
_DECLARATION = frozenset(
    ("name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior")
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}\Z")
_LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
_MOST_STOPS, _MOST_CANDIDATES, _MOST_BUDGET = 5, 8, 24_576
_IMAGE_TOKENS = 258
_SCHEMAS = ("parameters", "responseSchema")
_OPAQUE = ("args", "response", "parametersJsonSchema", "responseJsonSchema")
"""What belongs to the caller's functions: names in there are nobody's to change."""
_UNDERSCORE = re.compile(r"_([a-z])")


def read(body: Mapping[str, Any], model: SimModel) -> Asked:
    """What is asked. Raises Refused."""
    body = camel(body)
    for name in body:
        if name not in _TOP:
            raise unknown(name, "")
    config = _config(body, model)
    tools = _tools(body)
    choice = _choice(body, tools)
    turns = read_turns(body.get("contents"), model)
    if tools and config.get("responseMimeType") == "application/json":
        raise refused("Function calling with a response mime type: 'application/json' is unsupported")
    units = _units(body)
    prompt = sum(unit.tokens for unit in units)
    if prompt > model.window:
        raise refused(
            f"The input token count ({prompt}) exceeds the maximum number of tokens allowed ({model.window})."
        )
    thinking = config.get("thinkingConfig") or {}
    return Asked(
        model=model,
        seed=seed(body),
        units=units,
        conversation=Conversation((*_system(body.get("systemInstruction")), *split(turns)), tools, choice),
        limits=Limits(
            max_tokens=config.get("maxOutputTokens"),
            stop=tuple(config.get("stopSequences") or ()),
            schema=_format(config),
        ),
        n=config.get("candidateCount") or 1,
        stream=bool(body.get("stream")),
        thinking=bool(thinking.get("includeThoughts")) and thinking.get("thinkingBudget") != 0,
    )


def camel(value: Any) -> Any:
    """The body with snake_case names as the reference writes them: Google takes both, and its SDK mixes them."""
    if isinstance(value, list):
        return [camel(part) for part in value]
    if not isinstance(value, dict):
        return value
    named = {_renamed(key): part for key, part in value.items()}
    return {
        name: part if name in _OPAQUE else _schema(part) if name in _SCHEMAS else camel(part)
        for name, part in named.items()
    }


def _schema(value: Any) -> Any:
    """A schema likewise, but for the names of its properties."""
    if isinstance(value, list):
        return [_schema(part) for part in value]
    if not isinstance(value, dict):
        return value
    named = {_renamed(key): part for key, part in value.items()}
    for name in ("items", "anyOf"):
        if name in named:
            named[name] = _schema(named[name])
    if isinstance(named.get("properties"), dict):
        named["properties"] = {name: _schema(part) for name, part in named["properties"].items()}
    return named


def _renamed(name: str) -> str:
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)


def _typed(value: Mapping[str, Any], known: Mapping[str, tuple[type, ...]], path: str) -> None:
    for name, part in value.items():
        if name not in known:
            raise unknown(name, path)
        if part is not None and (
            not isinstance(part, known[name]) or (isinstance(part, bool) and bool not in known[name])
        ):
            raise refused(f"Invalid value at '{path}.{name}', {json.dumps(part)}")


def _config(body: Mapping[str, Any], model: SimModel) -> Mapping[str, Any]:
    config = body.get("generationConfig") or {}
    if not isinstance(config, dict):
        raise refused("Invalid value at 'generation_config'")
    _typed(config, _CONFIG, "generation_config")
    where = "* GenerateContentRequest.generation_config"
    most = config.get("maxOutputTokens")
    if most is not None and not 1 <= most <= model.max_output:
        raise refused(
            f"Unable to submit request because it has a maxOutputTokens value of {most} but the supported range is "
            f"from 1 (inclusive) to {model.max_output + 1} (exclusive). Update the value and try again."
        )
    for name, least, highest in (("temperature", 0, 2), ("topP", 0, 1), ("candidateCount", 1, _MOST_CANDIDATES)):
        if config.get(name) is not None and not least <= config[name] <= highest:
            raise refused(f"{where}.{name}: {name} must be in the range [{least}, {highest}].")
    if len(config.get("stopSequences") or ()) > _MOST_STOPS:
        raise refused(f"{where}.stop_sequences: at most {_MOST_STOPS} stop sequences are allowed.")
    _schemas(config)
    if isinstance(config.get("thinkingConfig"), dict):
        _thinking(config["thinkingConfig"], model)
    return config


def _schemas(config: Mapping[str, Any]) -> None:
    own, other = config.get("responseSchema"), config.get("responseJsonSchema")
    if own is None and other is None:
        return
    if own is not None and other is not None:
        raise refused("Only one of response_schema and response_json_schema can be set.")
    if config.get("responseMimeType") not in ("application/json", "text/x.enum"):
        raise refused("* GenerateContentRequest.generation_config.response_schema: only allowed for mime type json")
    if own is not None:
        gemini_schema.dialect(own, "generation_config.response_schema")
    else:
        gemini_schema.json_schema(other, "generation_config.response_json_schema")


def _thinking(thinking: Mapping[str, Any], model: SimModel) -> None:
    _typed(thinking, _THINKING, "generation_config.thinking_config")
    level, budget = thinking.get("thinkingLevel"), thinking.get("thinkingBudget")
    if not model.thinking:
        raise refused("Thinking is not enabled for this model.")
    if level is not None and budget is not None:
        raise refused("You can only set only one of thinking budget and thinking level.")
    if level is not None and level.upper() not in _LEVELS:
        raise refused(f"Invalid value at 'generation_config.thinking_config.thinking_level', {level!r}")
    if level is not None and model.thinking != "level":
        raise refused("Thinking level is not supported for this model.")
    if level is not None and model.efforts and level.lower() not in model.efforts:
        raise refused(f"Thinking level {level.upper()} is not supported for this model.")
    if budget is not None and not -1 <= budget <= _MOST_BUDGET:
        raise refused(f"The thinking budget {budget} is invalid. Please choose a value between 0 and {_MOST_BUDGET}.")


def _tools(body: Mapping[str, Any]) -> tuple[Tool, ...]:
    found: list[Tool] = []
    listed = body.get("tools") or []
    if not isinstance(listed, list):
        raise refused("Invalid value at 'tools'")
    for place, tool in enumerate(listed):
        for name in tool:
            if name != "functionDeclarations" and name not in _BUILT_IN:
                raise unknown(name, f"tools[{place}]")
        for number, item in enumerate(tool.get("functionDeclarations") or ()):
            found.append(_declared(item, f"tools[{place}].function_declarations[{number}]"))
    names = [tool.name for tool in found]
    for name in names:
        if names.count(name) > 1:
            raise refused(f"Duplicate function declaration found: {name}")
    return tuple(found)


def _declared(item: Mapping[str, Any], path: str) -> Tool:
    for word in item:
        if word not in _DECLARATION:
            raise unknown(word, path)
    name = item.get("name")
    if not isinstance(name, str) or not _NAME.match(name):
        raise refused(
            f"* GenerateContentRequest.{path}.name: Invalid function name. Must start with a letter or an underscore. "
            "Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a "
            "maximum length of 128."
        )
    own, other = item.get("parameters"), item.get("parametersJsonSchema")
    if own is not None and other is not None:
        raise refused(f"{path}: only one of parameters and parameters_json_schema can be set.")
    if own is not None:
        gemini_schema.parameters(own, f"{path}.parameters", name)
    if other is not None:
        gemini_schema.json_schema(other, f"{path}.parameters_json_schema", parameters=True)
    schema = other if other is not None else plain(own) if own is not None else {"type": "object", "properties": {}}
    return Tool(name, str(item.get("description") or ""), schema)


def plain(schema: Any) -> Any:
    """A schema of the dialect as JSON Schema, for those who fill it."""
    if isinstance(schema, list):
        return [plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    named = {key: plain(value) if key in ("items", "anyOf") else value for key, value in schema.items()}
    if isinstance(named.get("type"), str):
        named["type"] = named["type"].lower()
    if isinstance(named.get("properties"), dict):
        named["properties"] = {name: plain(part) for name, part in named["properties"].items()}
    return named


def _choice(body: Mapping[str, Any], tools: Sequence[Tool]) -> ToolChoice | None:
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode = str(calling.get("mode") or "AUTO").upper()
    only = calling.get("allowedFunctionNames") or []
    if mode not in ("AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"):
        raise refused(f"Invalid value at 'tool_config.function_calling_config.mode', {mode!r}")
    if only and mode not in ("ANY", "VALIDATED"):
        raise refused("Function calling config: allowed_function_names should only be set when the mode is ANY.")
    if not tools and mode in ("ANY", "VALIDATED"):
        raise refused("Function calling config is set without function_declarations.")
    for name in only:
        if name not in [tool.name for tool in tools]:
            raise refused(f"Function calling config: allowed function name {name!r} is not declared.")
    if mode == "ANY":
        return ToolChoice("named", only[0]) if len(only) == 1 else ToolChoice("required")
    return ToolChoice("none") if mode == "NONE" else None


def _format(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if config.get("responseMimeType") != "application/json":
        return None
    schema = plain(config.get("responseJsonSchema") or config.get("responseSchema"))
    return {"type": "json_schema", "name": "output", "schema": schema} if schema else {"type": "json_object"}


def _system(content: Any) -> list[Message]:
    if content is None:
        return []
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list):
        raise refused("Invalid value at 'system_instruction' (type.googleapis.com/...Content)")
    texts = tuple(Text(part["text"]) for part in parts if isinstance(part.get("text"), str))
    if len(texts) < len(parts):
        raise refused("System instruction must only contain text parts.")
    return [Message("system", texts)] if texts else []


def _units(body: Mapping[str, Any]) -> tuple[Unit, ...]:
    """Tools, system and parts in the order in which they are cached."""
    units = [_unit(part, "head") for part in (body.get("tools"), body.get("systemInstruction")) if part]
    for content in body["contents"]:
        units += [_unit(part, str(content.get("role") or "user")) for part in content["parts"]]
    return tuple(units)


def _unit(part: Any, role: str) -> Unit:
    """A part; an image counts by a flat rate."""
    if isinstance(part, dict) and ("inlineData" in part or "fileData" in part):
        return Unit(digest(part, role).encode(), _IMAGE_TOKENS)
    content = dump([role, part])
    return Unit(content, tokens(content))
