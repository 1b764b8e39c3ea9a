"""JSON, with comments and trailing commas where somebody wrote some: parsed to spans, edited at them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from codriver.cli.connect.formats import Broken, Path, line_of, newline

_TRIVIA = re.compile(r"(?:[ \t\r\n\f\v\ufeff]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_SCALAR = re.compile(r"true\b|false\b|null\b|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])")
_BLANK = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands; members of an object: key, start of the key, value. comma: after the last one."""

    start: int
    end: int
    value: Any
    members: tuple[tuple[str, int, Node], ...] | None = None
    comma: bool = False


def read(text: str) -> dict[str, Any]:
    """The object's values; {} of a text without any."""
    found: dict[str, Any] = _root(text).value
    return found


def raw(text: str, path: Path) -> str | None:
    """The value's own text."""
    nodes = _walk(_root(text), path)
    return text[nodes[-1].start : nodes[-1].end] if len(nodes) == len(path) + 1 else None


def put(text: str, path: Path, value: Any) -> str:
    """Replaces the value, or inserts it behind the last member of the deepest object that is there."""
    if not _TRIVIA.sub("", text):
        text += f"{{}}{newline(text)}"
    nodes = _walk(_root(text), path)
    deepest, missing = nodes[-1], path[len(nodes) - 1 :]
    if not missing:
        rendered = _render(text, value, _indent_at(text, deepest.start))
        return text[: deepest.start] + rendered + text[deepest.end :]
    for key in reversed(missing[1:]):
        value = {key: value}
    if deepest.members is None:
        held = ".".join(path[: len(nodes) - 1])
        raise Broken(f"line {line_of(text, deepest.start)}: {held} holds something else than settings of its own")
    return _insert(text, deepest, missing[0], value)


def replace(text: str, path: Path, raw: str) -> str:
    """Another text for a value."""
    node = _walk(_root(text), path)[-1]
    return text[: node.start] + raw + text[node.end :]


def drop(text: str, path: Path) -> str:
    """Takes a member away, with the comma that is then too many."""
    holder, node = _walk(_root(text), path)[-2:]
    members = holder.members or ()
    index = next(i for i, (_, _, held) in enumerate(members) if held is node)
    start = len(text[: members[index][1]].rstrip(_BLANK))
    last = index == len(members) - 1
    end = node.end
    if not last or holder.comma:
        end = _trivia_end(text, end) + 1
    if not members[1:]:
        inner = text[holder.start + 1 : start] + text[end : holder.end - 1]
        return text[: holder.start + 1] + (inner if inner.strip() else "") + text[holder.end - 1 :]
    shorter = text[:start] + text[end:]
    if last and not holder.comma:
        comma = _trivia_end(text, members[index - 1][2].end)
        shorter = shorter[:comma] + shorter[comma + 1 :]
    return shorter


def _insert(text: str, holder: Node, key: str, value: Any) -> str:
    """One more member at the end of an object, in the way its others stand."""
    members, end = holder.members or (), holder.end - 1
    last = members[-1][2].end if members else 0
    name = json.dumps(key, ensure_ascii=False)
    if members and "\n" not in text[holder.start : end]:
        member = f" {name}: {json.dumps(value, ensure_ascii=False)}"
        if holder.comma:
            at = _trivia_end(text, last) + 1
            return f"{text[:at]}{member},{text[at:]}"
        return f"{text[:last]},{member}{text[last:]}"
    own, line = _indent_at(text, holder.start), newline(text)
    indent = own + _unit(text)
    if members and not text[_line_start(text, members[0][1]) : members[0][1]].strip():
        indent = _indent_at(text, members[0][1])
    at = len(text[:end].rstrip(_BLANK))
    tail = text[at:end] if "\n" in text[at:end] else line + own
    member = f"{line}{indent}{name}: {_render(text, value, indent)}{',' if holder.comma else ''}"
    head = text[:at] if holder.comma or not members else f"{text[:last]},{text[last:at]}"
    return f"{head}{member}{tail}{text[end:]}"


def _render(text: str, value: Any, indent: str) -> str:
    written = json.dumps(value, indent=_unit(text), ensure_ascii=False)
    return written.replace("\n", newline(text) + indent)


def _unit(text: str) -> str:
    """What one level is indented by: as the first indented line is, else two spaces."""
    found = re.search(r"^([ \t]+)[\"}\]]", text, re.MULTILINE)
    return found[1] if found and len(found[1]) <= 8 else "  "


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _indent_at(text: str, at: int) -> str:
    line = text[_line_start(text, at) : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _walk(root: Node, path: Path) -> list[Node]:
    """The nodes along a path, as far as they are there, the root first."""
    nodes = [root]
    for key in path:
        found = [node for name, _, node in nodes[-1].members or () if name == key]
        if len(found) > 1:
            raise Broken(f"{key!r} stands there twice")
        if not found:
            break
        nodes.append(found[0])
    return nodes


def _root(text: str) -> Node:
    start = _trivia_end(text, 0)
    if start == len(text):
        return Node(start, start, {}, ())
    try:
        root = _node(text, start)
    except RecursionError:
        raise Broken("it is nested too deeply") from None
    if root.members is None:
        raise Broken("it is not an object")
    rest = _trivia_end(text, root.end)
    if rest != len(text):
        raise _unexpected(text, rest)
    return root


def _node(text: str, at: int) -> Node:
    if text[at : at + 1] == "{":
        return _object(text, at)
    if text[at : at + 1] == "[":
        return _array(text, at)
    found = _STRING.match(text, at) or _SCALAR.match(text, at)
    if found is None:
        raise _unexpected(text, at)
    try:
        return Node(at, found.end(), json.loads(found[0]))
    except ValueError:
        raise _unexpected(text, at) from None


def _object(text: str, start: int) -> Node:
    members: list[tuple[str, int, Node]] = []
    at, comma = _trivia_end(text, start + 1), False
    while text[at : at + 1] != "}":
        name = _node(text, at)
        colon = _trivia_end(text, name.end)
        if not isinstance(name.value, str) or text[colon : colon + 1] != ":" or (members and not comma):
            raise _unexpected(text, at)
        node = _node(text, _trivia_end(text, colon + 1))
        members.append((name.value, name.start, node))
        at, comma = _after(text, node.end)
    return Node(start, at + 1, {name: node.value for name, _, node in members}, tuple(members), comma)


def _array(text: str, start: int) -> Node:
    values: list[Any] = []
    at, comma = _trivia_end(text, start + 1), False
    while text[at : at + 1] != "]":
        if values and not comma:
            raise _unexpected(text, at)
        node = _node(text, at)
        values.append(node.value)
        at, comma = _after(text, node.end)
    return Node(start, at + 1, values)


def _after(text: str, end: int) -> tuple[int, bool]:
    """Where the next thing stands behind a value, and whether a comma was between."""
    at = _trivia_end(text, end)
    if text[at : at + 1] == ",":
        return _trivia_end(text, at + 1), True
    return at, False


def _trivia_end(text: str, at: int) -> int:
    found = _TRIVIA.match(text, at)
    return found.end() if found else at


def _unexpected(text: str, at: int) -> Broken:
    what = repr(text[at : at + 1]) if at < len(text) else "the end"
    return Broken(f"line {line_of(text, at)}: {what} was not expected there")
