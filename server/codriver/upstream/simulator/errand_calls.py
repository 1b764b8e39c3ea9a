"""The next tool call of the job of appending a line, with whatever tools there are.

A tool is known by the names of its arguments more than by its own: a path and a text to append; a path, an old and
a new text; a path and a content; a patch; a command line; code.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from codriver.model.request import Conversation, Message, Tool
from codriver.upstream.simulator import intent
from codriver.upstream.simulator.errand import Addition, Progress
from codriver.upstream.simulator.schema import fill, resolve

_MOST_STEPS = 8
_ENDING = re.compile(r"`(echo [A-Z][A-Z_]{9,})`")
_SHELL = re.compile(r"bash|shell|exec|run|terminal|command", re.I)
_FILE = re.compile(r"path|file(?!s_with)|filename", re.I)
_OTHER_FILES = re.compile(r"notebook|memory|todo|mailbox|resource|skill|image|media", re.I)

Filled = tuple[Tool, Any]
"""A tool and its arguments."""


def following(conversation: Conversation, addition: Addition, progress: Progress) -> Filled | None:
    """The call to make now; None when the job is done, or nothing here can do it."""
    tools = [tool for tool in conversation.tools if not _OTHER_FILES.search(tool.name)]
    folder = intent.folder(conversation.messages)
    if progress.done:
        return _end(tools, conversation.messages)
    if progress.steps >= _MOST_STEPS:
        return None
    for means in _MEANS:
        for tool in tools:
            made = means(tool, addition, progress) if tool.name not in progress.failed else None
            if made is None:
                continue
            if made.get("needs content") and progress.content is None and not progress.missing:
                reader = _reader(tools)
                if reader is not None and reader.name not in progress.failed:
                    return reader, _arguments(reader, addition, folder, {})
                if means is _edit or reader is not None:
                    continue
            return tool, _arguments(tool, addition, folder, made)
    return None


def _end(tools: Sequence[Tool], messages: Sequence[Message]) -> Filled | None:
    """Some prompts name a command that has to be run when all is done."""
    named = [
        match[1] for message in messages if message.role != "assistant" for match in _ENDING.finditer(message.text)
    ]
    shell = next((tool for tool in tools if _command(tool)), None)
    return (shell, _filled(shell, {_command(shell): named[0]})) if named and shell else None


def _append(tool: Tool, addition: Addition, progress: Progress) -> Mapping[str, Any] | None:
    if not re.search(r"append|add_?(?:a_?)?(?:line|text)", tool.name, re.I) or not _path(tool):
        return None
    texts = [name for name in _properties(tool) if re.search(r"line|text|content", name, re.I)]
    return {texts[0]: addition.line} if texts else None


def _edit(tool: Tool, addition: Addition, progress: Progress) -> Mapping[str, Any] | None:
    names = [*_properties(tool), *_inner(tool)]
    old = next((name for name in names if re.match(r"old|search|before|find", name, re.I)), "")
    new = next((name for name in names if re.match(r"new|replace(?!_?all)|after", name, re.I)), "")
    if not (old and new and _path(tool)) or progress.missing or progress.content == ("",):
        return None
    ending = _ending(progress.content or ())
    return {"needs content": True, old: ending, new: f"{ending}\n{addition.line}"}


def _write(tool: Tool, addition: Addition, progress: Progress) -> Mapping[str, Any] | None:
    content = next(
        (name for name in _properties(tool) if re.match(r"contents?$|text$|body$|file_?text$", name, re.I)), ""
    )
    if not (content and _path(tool) and re.search(r"write|create|save", tool.name, re.I)):
        return None
    before = [line for line in (progress.content or ()) if progress.content != ("",)]
    return {"needs content": True, content: "\n".join([*before, addition.line]) + "\n"}


def _patch(tool: Tool, addition: Addition, progress: Progress) -> Mapping[str, Any] | None:
    """The envelope of apply_patch. An update without old lines adds at the end of the file."""
    name = next((name for name in _properties(tool) if re.match(r"patch|input|diff", name, re.I)), "")
    if not name or not re.search(r"apply_?patch", tool.name, re.I):
        return None
    known = [f" {line}" for line in (progress.content or ())[-3:]]
    hunk = "\n".join(["@@", *known, f"+{addition.line}"])
    return {name: f"*** Begin Patch\n*** Update File: {addition.path}\n{hunk}\n*** End of File\n*** End Patch\n"}


def _shell(tool: Tool, addition: Addition, progress: Progress) -> Mapping[str, Any] | None:
    name = _command(tool)
    return {name: command(addition)} if name else None


def _code(tool: Tool, addition: Addition, progress: Progress) -> Mapping[str, Any] | None:
    name = next((name for name in _properties(tool) if re.match(r"code$|python|source$", name, re.I)), "")
    return {name: code(addition), "language": "python"} if name else None


_MEANS: Sequence[Callable[[Tool, Addition, Progress], Mapping[str, Any] | None]] = (
    _append,
    _edit,
    _write,
    _patch,
    _shell,
    _code,
)


def command(addition: Addition) -> str:
    """A shell's command line that appends the line, whatever is in it."""
    return f"printf '%s\\n' {shlex.quote(addition.line)} >> {shlex.quote(addition.path)}"


def code(addition: Addition) -> str:
    """Python that appends the line."""
    written = f"{addition.line}\n"
    return f"with open({addition.path!r}, 'a', encoding='utf-8') as file:\n    file.write({written!r})\n"


def _ending(content: Sequence[str]) -> str:
    """The shortest run of last lines that occurs only once."""
    whole = "\n".join(content)
    for count in range(1, len(content) + 1):
        ending = "\n".join(content[-count:])
        if ending.strip() and whole.count(ending) == 1:
            return ending
    return whole


def _reader(tools: Sequence[Tool]) -> Tool | None:
    reading = [tool for tool in tools if re.search(r"read|view|cat\b|open_?file", tool.name, re.I)]
    return next((tool for tool in reading if _path(tool) or _path_inside(tool)), None)


def _properties(tool: Tool) -> list[str]:
    return list(resolve(tool.schema, tool.schema).get("properties") or ())


def _inner(tool: Tool) -> list[str]:
    """The names of properties in lists of objects, such as several edits in one call."""
    found: list[str] = []
    for part in (resolve(tool.schema, tool.schema).get("properties") or {}).values():
        items = resolve(resolve(part, tool.schema).get("items", {}), tool.schema)
        found += items.get("properties") or ()
    return found


def _path(tool: Tool) -> bool:
    return any(_FILE.search(name) and not re.search(r"text|content", name, re.I) for name in _properties(tool))


def _path_inside(tool: Tool) -> bool:
    return any(_FILE.search(name) for name in _inner(tool))


def _command(tool: Tool) -> str:
    """The name of the argument that takes a command line, or ""."""
    names = [name for name in _properties(tool) if re.fullmatch(r"cmd|commands?|script|command_?line", name, re.I)]
    return names[0] if names and _SHELL.search(tool.name + names[0]) else ""


def _arguments(tool: Tool, addition: Addition, folder: str, told: Mapping[str, Any]) -> Any:
    """What is told, the file's path where a path is wanted, and what else the schema requires."""
    names = {name: value for name, value in told.items() if name != "needs content"}

    def path(hint: str) -> str:
        absolute = folder and addition.path[0] not in "/~" and re.search(r"absolute", hint, re.I)
        return f"{folder}/{addition.path}" if absolute else addition.path

    def suggest(name: str, schema: Mapping[str, Any]) -> Sequence[Any]:
        if name in names:
            return _shapes(name, names[name])
        if _FILE.search(name) and not re.search(r"text|content|type|encoding|pattern", name, re.I):
            place = path(name + str(schema.get("description", "")) + str(schema.get("items", "")))
            return (place, [place])
        return ()

    return fill(tool.schema, suggest)


def _filled(tool: Tool, told: Mapping[str, Any]) -> Any:
    return fill(tool.schema, lambda name, schema: _shapes(name, told[name]) if name in told else ())


def _shapes(name: str, value: Any) -> Sequence[Any]:
    """A value, or, where a list is wanted: one command of several, or one command's words."""
    return (value, [value]) if name.endswith("s") else (value, ["bash", "-lc", value], [value])
