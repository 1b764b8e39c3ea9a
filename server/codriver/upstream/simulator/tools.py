"""Which tool is called for a wish, and with what: arguments that conform to the tool's schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from codriver.model.request import Conversation, Message, Tool, ToolCall
from codriver.upstream.simulator import errand, errand_calls, intent
from codriver.upstream.simulator.schema import Suggest, fill
from codriver.upstream.simulator.values import digest

# Which tools serve which kind of wish, best first.
_SERVES: Mapping[str, Sequence[str]] = {
    "edit": (r"edit|str_replace|replace|update|modify", r"patch|diff", r"write|create|save", r"read|view|open"),
    "write": (r"write|create|save", r"edit|str_replace|insert", r"patch|diff"),
    "read": (r"read|view|open|cat|fetch", r"list|glob|search|grep"),
    "delete": (r"delete|remove", r"bash|shell|exec|run|terminal|command"),
    "search": (r"grep|search|find|glob|list|\bls\b", r"read|view"),
    "run": (r"bash|shell|exec|run|terminal|command",),
}
_SHELL = re.compile(r"bash|shell|exec|run|terminal|command", re.I)
_LAST = re.compile(r"final|finish|complet|submit|done|answer", re.I)
_PLAIN_WORDS = (
    "get set read write file files tool tools search list create make edit update run find with from this that "
    "user data the and for use add code"
)
_PLAIN = frozenset(_PLAIN_WORDS.split())
_COMMAND = "echo simulated"
_AGAIN = re.compile(r"\b(both|twice|two|each|parallel)\b|同时|两个", re.I)
_PLACE = re.compile(r"\b(?:in|at|for|to|from|of)\s+([A-ZÀ-Þ][\wÀ-ɏ\-]+(?:\s[A-ZÀ-Þ][\wÀ-ɏ\-]+)*)")


def wanted(conversation: Conversation, seed: str) -> tuple[ToolCall, ...]:
    """The calls that the newest message asks for, obeying tool_choice; none when it asks for no tool."""
    choice, tools = conversation.tool_choice, conversation.tools
    if not tools or (choice and choice.mode == "none"):
        return ()
    addition, last = errand.asked(conversation.messages), len(conversation.messages) - 1
    if addition and not (choice and choice.mode == "named"):
        step = errand_calls.following(conversation, addition, errand.progress(conversation.messages, addition))
        if step is not None:
            return (_call(step[0], step[1], seed, 0),)
    answered = conversation.messages[-1].role == "tool" or (addition is not None and addition.place < last)
    text = intent.wish(conversation.messages)
    forced = choice is not None and choice.mode in ("required", "named")
    if answered and not forced:
        return ()
    if choice and choice.mode == "named":
        picked = [tool for tool in tools if tool.name == choice.name][:1]
    else:
        picked = _picked(tools, text, finishing=answered) or (list(tools[:1]) if forced else [])
    if not picked:
        return ()
    parallel = (choice is None or choice.parallel is not False) and not answered
    return _calls(picked, conversation, text, seed, parallel)


def _picked(tools: Sequence[Tool], text: str, *, finishing: bool) -> list[Tool]:
    if finishing:
        last = [tool for tool in tools if _LAST.search(tool.name)]
        if last:
            return last[:1]
    named = [tool for tool in tools if re.search(rf"(?<!\w){re.escape(tool.name)}(?!\w)", text)]
    kind = intent.verb(text)
    about_file = bool(intent.paths(text)) or re.search(r"\bfiles?\b|文件", text, re.I) is not None
    if named:
        return named
    if kind in ("run", "search") or (kind and about_file):
        for pattern in _SERVES[kind]:
            serving = [tool for tool in tools if re.search(pattern, tool.name, re.I)]
            if serving:
                # "Create" is also in the names of tools for tasks and alarms: one that takes a file goes first.
                return sorted(serving, key=lambda tool: about_file and not _takes_a_file(tool))[:1]
    if kind and about_file:
        return [tool for tool in tools if _SHELL.search(tool.name)][:1]
    return [tool for tool in tools if _words(tool.name) & _words(text)]


def _takes_a_file(tool: Tool) -> bool:
    return any(re.search(r"path|file", name, re.I) for name in tool.schema.get("properties", ()))


def _words(text: str) -> set[str]:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    return {word.lower() for word in re.findall(r"[A-Za-z]{3,}", spaced)} - _PLAIN


def _calls(
    picked: Sequence[Tool], conversation: Conversation, text: str, seed: str, parallel: bool
) -> tuple[ToolCall, ...]:
    named = intent.paths(intent.outside(text))[:4]
    again = _AGAIN.search(text) is not None
    if not parallel:
        jobs = [(picked[0], named[0] if named else "")]
    elif len(named) > 1:
        jobs = [(picked[0], path) for path in named]
    elif again and len(picked) > 1:
        jobs = [(tool, named[0] if named else "") for tool in picked[:2]]
    else:
        jobs = [(picked[0], named[0] if named else "")] * (2 if again else 1)
    folder = intent.folder(conversation.messages)
    calls = []
    for place, (tool, path) in enumerate(jobs):
        arguments = fill(tool.schema, _suggest(tool, text, path, folder, errand.asked(conversation.messages)))
        calls.append(_call(tool, arguments, seed, place))
    return tuple(calls)


def _call(tool: Tool, arguments: Any, seed: str, place: int) -> ToolCall:
    shown = json.dumps(arguments if isinstance(arguments, dict) else {}, ensure_ascii=False)
    return ToolCall(f"call_sim{digest(tool.name, seed, place)[:20]}", tool.name, shown)


def offered(messages: Sequence[Message]) -> Suggest:
    """What the newest message offers for a document's fields: a line to append and its file; nothing else."""
    addition = errand.asked(messages)

    def suggest(name: str, schema: Mapping[str, Any]) -> Sequence[Any]:
        if addition is None:
            return ()
        if re.search(r"path|file", name, re.I):
            return (addition.path,)
        return (addition.line,) if name.lower() in ("line", "text", "sentence") else ()

    return suggest


def _suggest(tool: Tool, text: str, path: str, folder: str, addition: errand.Addition | None) -> Suggest:
    """What the message offers for a property, by the property's name."""
    content, replaced = intent.content(text), intent.replacement(text)
    old, new = replaced or (content or "simulated", content or "simulated")
    written = content if content is not None else default_content(path)
    place = _PLACE.search(text)
    absolute = re.compile(r"absolute", re.I)

    def suggest(name: str, schema: Mapping[str, Any]) -> Sequence[Any]:
        words = set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))
        if words & {"path", "file", "filename", "filepath", "paths", "files", "uri"} and not words & {
            "content",
            "text",
        }:
            known = path or "simulated.txt"
            hint = name + str(schema.get("description", ""))
            full = f"{folder}/{known}" if folder and absolute.search(hint) and known[0] != "/" else known
            return (full, [full]) if path or not words & {"paths", "files"} else ()
        if words & {"line", "sentence"} and addition:
            return (addition.line,)
        if words & {"old", "search", "before", "find"} and words - {"search"}:
            return (old,)
        if words & {"new", "after", "replacement"} and not words & {"content"}:
            return (new if replaced else written,)
        if words & {"content", "contents", "text", "body", "code"}:
            return (written,)
        if words & {"patch", "diff", "input"} and re.search(r"patch", tool.name + tool.description, re.I):
            return (_patch(path or "simulated.txt", written),)
        if words & {"command", "cmd", "commands", "script"}:
            return (_COMMAND, ["bash", "-lc", _COMMAND], [_COMMAND])
        if words & {"pattern", "query", "regex", "glob"}:
            return (content or path or "simulated",)
        if words & {"city", "location", "place", "country", "town", "region"} and place:
            return (place.group(1),)
        if schema.get("enum"):
            return [item for item in schema["enum"] if isinstance(item, str) and item.lower() in text.lower()]
        return [int(number) for number in re.findall(r"(?<![\w.])\d{1,9}(?![\w.])", text)] if _counts(schema) else ()

    return suggest


def _counts(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in ("integer", "number")


def default_content(path: str) -> str:
    """What is written to a file when nobody said what: a comment with letters of several scripts."""
    words = "simulated content – Grüße, ñandú, 漢字 🚗"
    ending = path.rsplit(".", 1)[-1].lower()
    if ending == "json":
        return json.dumps({"note": words}, ensure_ascii=False) + "\n"
    if ending in ("js", "ts", "tsx", "jsx", "go", "rs", "java", "kt", "c", "h", "cpp", "hpp", "cs", "swift", "scala"):
        return f"// {words}\n"
    return f"{words}\n" if ending in ("txt", "md", "rst", "log", "csv") else f"# {words}\n"


def _patch(path: str, content: str) -> str:
    added = "\n".join(f"+{line}" for line in content.rstrip("\n").split("\n"))
    return f"*** Begin Patch\n*** Add File: {path}\n{added}\n*** End Patch"
