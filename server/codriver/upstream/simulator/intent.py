"""What a message asks for, read with regular expressions: verbs, paths, renames, quotes, code blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codriver.model.request import Message, Text

VERBS: Mapping[str, re.Pattern[str]] = {
    "edit": re.compile(
        r"\b(edit|change|rename|replace|modify|update|fix|refactor|append|insert|patch|rewrite|convert|simplify|"
        r"improve|clean|annotate|document|extract|inline|add)\b|修改|重命名|替换|重构|优化|添加",
        re.I,
    ),
    "write": re.compile(r"\b(write|create|save|make|generate|put|produce|scaffold)\b|创建|写入|新建|生成|编写", re.I),
    "read": re.compile(r"\b(read|open|show|view|look|cat|print|inspect|check)\b|查看|打开|读取|阅读", re.I),
    "delete": re.compile(r"\b(delete|remove|drop)\b|删除", re.I),
    "search": re.compile(r"\b(search|find|grep|list|where)\b|搜索|查找|列出", re.I),
    "run": re.compile(r"\b(run|execute|test|build|install|shell|command)\b|运行|执行", re.I),
}
_EXPLAIN = re.compile(r"\b(explain|describe|what|why|how|summari[sz]e|understand)\b|解释|说明|为什么", re.I)
_EXTENSIONS = (
    "py pyi js mjs cjs ts tsx jsx go rs java kt c h cpp hpp cc cs rb php swift scala lua sh bash zsh sql html css scss "
    "json jsonl yaml yml toml md txt rst xml ini cfg conf csv vue svelte dart ex exs erl hs ml clj r jl pl zig proto "
    "graphql tf ipynb log"
)
_PATH = re.compile(
    r"(?<![\w/.@\-])((?:~/|/|\.{1,2}/)?(?:[A-Za-z0-9À-ɏ_.\-]+/)*"
    r"(?:[A-Za-z0-9À-ɏ_.\-]+\.(?:" + "|".join(_EXTENSIONS.split()) + r")|Makefile|Dockerfile))(?![A-Za-z0-9_/])"
)
_URL = re.compile(r"\bhttps?://\S+")
_QUOTED = re.compile(r"`([^`\n]+)`|\"([^\"\n]+)\"|(?<!\w)'([^'\n]+)'(?!\w)|“([^”\n]+)”|「([^」\n]+)」")
_NAME = r"[`'\"“]?([A-Za-z_$][\w$]*)[`'\"”]?(?:\(\))?"
_RENAME = re.compile(rf"\brenam\w*\s+(?:\w+\s+){{0,3}}?{_NAME}\s+(?:to|into|as|->|→|=>)\s+{_NAME}", re.I)
_RENAME_ZH = re.compile(rf"把?\s*{_NAME}\s*(?:重命名为|改名为|改为)\s*{_NAME}")
_REPLACE = re.compile(r"\breplace\s+[`\"']([^`\"'\n]+)[`\"']\s+(?:with|by)\s+[`\"']([^`\"'\n]*)[`\"']", re.I)
_CONTENT = re.compile(
    r"(?:contents?|containing|contains?|saying|says?|the (?:line|text|string|word|code)|内容(?:为|是)?)"
    r"(?:\s+(?:is|of|exactly|the|line|text))*\s*[:：]?\s*",
    re.I,
)
_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([\w+#.\-]*)")
_NOTES = (
    "system-reminder environment_details environment_context env command-message local-command-stdout "
    "ide_opened_file ide_selection"
)
# Not what closes a tag: prompts have "...the working directory.</description>".
_FOLDER = re.compile(
    r"(?:working (?:in the )?directory|\bcwd\b|workspace(?: root| folder)?)[^\n/]{0,40}(?<!<)(/[^\s<>`\"',;]+)", re.I
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced piece of code."""

    code: str
    language: str = ""


def wish(messages: Sequence[Message]) -> str:
    """The newest thing a person said, without the notes that agents put around it."""
    for message in reversed(messages):
        if message.role == "user":
            parts = [_quiet(part.text).strip() for part in message.parts if isinstance(part, Text)]
            said = [part for part in parts if part]
            if said:
                return said[-1]
    return ""


def everything(message: Message) -> str:
    """All text of a turn, without those notes."""
    return _quiet(message.text)


def verb(text: str) -> str:
    """The kind of the first verb that asks for something, or ""."""
    found = [(match.start(), kind) for kind, pattern in VERBS.items() if (match := pattern.search(text))]
    return min(found)[1] if found else ""


def explains(text: str) -> bool:
    """Whether an explanation is wanted rather than a change."""
    asked, done = _EXPLAIN.search(text), verb(text)
    if asked is None:
        return False
    return done not in ("edit", "write") or asked.start() < min(
        match.start() for kind in ("edit", "write") if (match := VERBS[kind].search(text))
    )


def paths(text: str) -> tuple[str, ...]:
    """The files named, each once, in order."""
    quoted = [item for item in quotes(text) if " " in item and _PATH.search(item) and "/" in item]
    bare = _PATH.findall(_URL.sub(" ", text))
    return tuple(dict.fromkeys([*bare, *(item for item in quoted if item in bare)]))


def quotes(text: str) -> tuple[str, ...]:
    """What stands in quotation marks or backticks."""
    return tuple(next(filter(None, groups)) for groups in _QUOTED.findall(text))


def rename(text: str) -> tuple[str, str] | None:
    """Old and new name, when a rename is asked for."""
    match = _RENAME.search(text) or _RENAME_ZH.search(text)
    return (match.group(1), match.group(2)) if match and match.group(1) != match.group(2) else None


def replacement(text: str) -> tuple[str, str] | None:
    """Old and new text, when `a` is to be replaced with `b`, or renamed."""
    match = _REPLACE.search(text)
    return (match.group(1), match.group(2)) if match else rename(text)


def content(text: str) -> str | None:
    """The content asked for: a code block, else what follows "containing" and the like, else a quotation."""
    found = fences(text)
    if found:
        return found[-1].code
    introduced = [match.end() for match in _CONTENT.finditer(text)]
    for start in introduced:
        match = _QUOTED.match(text, start)
        if match:
            return str(next(filter(None, match.groups())))
    named = paths(text)
    for quoted in quotes(text):
        if quoted not in named:
            return quoted
    line = text[introduced[0] :].split("\n", 1)[0].strip() if introduced else ""
    return line.rstrip(".") or None


def fences(text: str) -> tuple[Block, ...]:
    """The code blocks of a text, with an indented fence's indentation removed. The last may lack its end."""
    return tuple(block for block, _ in _split(text) if block is not None and block.code.strip())


def outside(text: str) -> str:
    """The text around its code blocks."""
    return "\n".join(words for _, words in _split(text) if words)


def _split(text: str) -> list[tuple[Block | None, str]]:
    """Code blocks and the words between them, in order, line by line."""
    parts: list[tuple[Block | None, str]] = []
    lines: list[str] = []
    opened: re.Match[str] | None = None
    for line in text.split("\n"):
        match = _FENCE.match(line)
        if opened is None and match is None:
            lines.append(line)
        elif opened is None:
            parts.append((None, "\n".join(lines)))
            opened, lines = match, []
        elif match and match[2].startswith(opened[2]) and line.strip() == match[2]:
            parts.append((Block("\n".join(lines), opened[3].lower()), ""))
            opened, lines = None, []
        else:
            lines.append(line.removeprefix(opened[1]))
    parts.append((Block("\n".join(lines), opened[3].lower()), "") if opened else (None, "\n".join(lines)))
    return parts


def _quiet(text: str) -> str:
    """The text without the notes in tags that agents add to what a person said."""
    for name in _NOTES.split():
        start = text.find(f"<{name}")
        while start >= 0 and (end := text.find(f"</{name}>", start)) >= 0:
            text = text[:start] + text[end + len(name) + 3 :]
            start = text.find(f"<{name}", start)
    return text


def folder(messages: Sequence[Message]) -> str:
    """The working directory that an agent's prompt names, or ""."""
    for message in messages:
        match = _FOLDER.search(message.text)
        if match:
            return match.group(1).rstrip("/.")
    return ""
