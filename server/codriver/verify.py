"""Verdicts on whole replies: "" is good, else a short reason that sends the router to the next model.

Only what can be told cheaply and surely from request and reply. What the code around the reply has
to say (does it parse in place?) is the task's own check.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from codriver.model.events import Finish, Reply
from codriver.model.request import Purpose, Request


def verdict(request: Request, reply: Reply) -> str:
    """What is wrong with a reply to this request: empty, cut, filtered, refused, broken, repeating; or ""."""
    return _ended(request, reply) or _tools(request, reply) or _text(request, reply)


def _ended(request: Request, reply: Reply) -> str:
    if reply.finish is None:
        return "cut"
    if reply.finish is Finish.FILTERED:
        return "filtered"
    if reply.finish is Finish.LENGTH and not _short_on_purpose(request):
        return "cut"
    return ""


def _short_on_purpose(request: Request) -> bool:
    """Completions end where their limit is, and a caller's own limit is no fault of the model."""
    return request.purpose is Purpose.COMPLETE or bool(request.wire and request.limits.max_tokens)


def _tools(request: Request, reply: Reply) -> str:
    if not reply.tool_calls:
        return ""
    known = {tool.name for tool in request.conversation.tools}
    for call in reply.tool_calls:
        if known and call.name not in known:
            return f"calls an unknown tool {call.name}"
        try:
            json.loads(call.arguments or "{}")
        except ValueError:
            return f"arguments of {call.name} are not JSON"
    return ""


def _text(request: Request, reply: Reply) -> str:
    if not reply.text.strip():
        pausing = reply.finish is Finish.PAUSE
        return "" if reply.tool_calls or pausing else "empty"
    if repeats(reply.text):
        return "repeats itself"
    if reply.tool_calls or request.purpose is Purpose.COMPLETE:
        return ""
    if refuses(reply.text):
        return "refused"
    return obeys(reply.text, request.limits.schema)


# First words of a refusal to work. Conservative: an apology alone, or a refusal quoted in an
# answer, is none, and a reply with code in it never is.
_APOLOGY = r"(?:(?:i['’]m|i am)?(?: very)? ?sorry[,.]? (?:but )?|unfortunately,? )?"
_CANNOT = r"i (?:can['’]?t|can ?not|won['’]t|will not|am not able to|am unable to)|i['’]m (?:not able|unable) to"
_WORK = r"assist|help|comply|fulfil|provide|do that|engage|create|generate"
_PERSONA = r"as an? (?:ai|artificial|language)\b[^.\n]{0,40} (?:i can|i['’]m (?:not|unable))"
_REFUSALS = re.compile(rf"(?i)\W*{_APOLOGY}(?:(?:{_CANNOT}) (?:{_WORK})|{_PERSONA})")


def refuses(text: str) -> bool:
    """Whether a reply opens by declining the work. Long replies and replies with code do not count."""
    return len(text) < 1000 and "```" not in text and _REFUSALS.match(text) is not None


def repeats(text: str) -> bool:
    """Whether a text ends in a loop: up to six lines over and over, or one scrap of a line."""
    lines = [line.strip() for line in text.rstrip().split("\n")][-60:]
    for period in range(1, 7):
        tail, rounds = lines[-period:], 1
        while len(lines) >= period * (rounds + 1) and lines[-period * (rounds + 1) : -period * rounds] == tail:
            rounds += 1
        if rounds >= 6 and rounds * len("".join(tail)) >= 60:
            return True
    return _LOOP.search(lines[-1][-600:]) is not None


# A scrap with a letter in it, twelve times: rulers of dashes and rows of numbers are no loops.
_LOOP = re.compile(r"(?=[^\n]{0,40}[^\W\d_])([^\n]{2,40}?)\1{11,}\S{0,40}$")


def obeys(text: str, asked: Mapping[str, Any] | None) -> str:
    """Whether a text is the JSON that was asked for (Limits.schema); "" when nothing was."""
    if not asked:
        return ""
    try:
        value = json.loads(text)
    except ValueError:
        return "not JSON"
    schema = asked.get("schema")
    if isinstance(schema, Mapping):
        return _conforms(value, schema, "")
    return "" if isinstance(value, dict) else "not a JSON object"


_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def _conforms(value: Any, schema: Mapping[str, Any], at: str) -> str:
    """The part of JSON Schema that models miss: type, enum, required, and the same inside."""
    if not _typed(value, schema.get("type")):
        return f"{at or 'reply'} is not of type {schema.get('type')}"
    if isinstance(schema.get("enum"), list) and value not in schema["enum"]:
        return f"{at or 'reply'} is none of the allowed values"
    if isinstance(value, dict):
        return _object(value, schema, at)
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, Mapping):
        return _first(_conforms(item, items, f"{at}[{n}]") for n, item in enumerate(value))
    return ""


def _object(value: dict[str, Any], schema: Mapping[str, Any], at: str) -> str:
    for name in schema.get("required") or ():
        if name not in value:
            return f"{at}.{name} is missing".lstrip(".")
    inside = schema.get("properties") or {}
    pairs = ((name, value[name], inner) for name, inner in inside.items() if name in value)
    return _first(_conforms(v, s, f"{at}.{name}".lstrip(".")) for name, v, s in pairs if isinstance(s, Mapping))


def _typed(value: Any, wanted: Any) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(names, list):
        return True
    return any(_is(value, name) for name in names)


def _is(value: Any, name: Any) -> bool:
    types = _TYPES.get(name) if isinstance(name, str) else None
    if types is None:
        return True
    # In JSON a truth value is no number, and 1.0 is an integer.
    if isinstance(value, bool):
        return bool in types
    return isinstance(value, types) or (name == "integer" and isinstance(value, float) and value.is_integer())


def _first(reasons: Iterable[str]) -> str:
    return next((reason for reason in reasons if reason), "")
