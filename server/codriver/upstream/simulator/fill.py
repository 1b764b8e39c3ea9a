"""What could stand at a hole in code: a short continuation made of the prefix's own names."""

from __future__ import annotations

import re
from collections.abc import Sequence

_RESERVED = (
    "and as assert async await break case catch class const continue def default del do elif else enum except export "
    "extends false finally fn for from func function global if impl implements import in interface is lambda let loop "
    "match mod mut new nil none nonlocal not null or package pass private protected pub public raise return self "
    "static struct super switch this throw true try type typeof undefined use var void while with yield int str float "
    "bool string number boolean i32 i64 u8 usize f64 char double long byte list dict set tuple print len range"
)
_WORDS = frozenset(_RESERVED.split())
_HEADER = re.compile(
    r"^\s*(?:(?:export|default|pub|public|private|protected|static|async|const|final|inline)\s+)*"
    r"(?:def|function|func|fn|fun|sub|[A-Za-z_][\w<>\[\], ]*?)\s*(?:\([^)]*\)\s*)??"
    r"(?P<name>[A-Za-z_$][\w$]*)\s*\((?P<parameters>[^()]*(?:\([^()]*\)[^()]*)*)\)[^(){};]*(?P<open>[:{]|=>\s*\{)\s*$"
)
_OPERATORS = (
    (("add", "sum", "plus", "total", "concat"), "+"),
    (("sub", "minus", "diff"), "-"),
    (("mul", "times", "product", "area"), "*"),
    (("div", "ratio", "quotient"), "/"),
    (("less", "before", "smaller"), "<"),
    (("greater", "after", "larger"), ">"),
    (("equal", "same"), "=="),
)


def fill(prefix: str, suffix: str = "") -> str:
    """The text for the hole. Never empty, never a comment; in the prefix's indentation and line ends."""
    line = prefix.rsplit("\n", 1)[-1]
    found = _line(prefix, line) if line.strip() else _statement(prefix, suffix)
    newline = "\r\n" if "\r\n" in prefix else "\n"
    return _fitted(found, suffix).replace("\n", newline)


def _fitted(text: str, suffix: str) -> str:
    """Without the closers that the suffix already has."""
    rest = suffix.split("\n", 1)[0].strip()
    while rest and text[-1:] == rest[0] and rest[0] in ")]};:\"'" and len(text) > 1:
        text, rest = text[:-1], ""
    return text


def _line(prefix: str, line: str) -> str:
    """A continuation of a line that has begun."""
    names = _names(prefix)
    end = ";" if _semicolons(prefix) else ""
    known = names[-1] if names else "value"
    bare = line.strip()
    if re.match(r"(#|//|--)", bare) or bare.endswith("*/"):
        indent = line[: len(line) - len(line.lstrip())]
        return "\n" + indent + _statement(prefix + "\n" + indent, "")
    if re.search(r"\breturn\s*$", line):
        return ("" if line[-1:].isspace() else " ") + _returned(prefix, names) + end
    if re.search(r"\bfor\s+$", line):
        return f"item in {_plural(names) or known}:" if not end else f"(const item of {_plural(names) or known}) {{"
    if re.search(r"\b(if|while|elif)\s+$", line):
        return f"{known}:" if not end else f"({known}) {{"
    if re.search(r"\b(import|from)\s+$", line):
        return "os" if not end else f'{{ {known} }} from "./{known}";'
    if bare.endswith("."):
        return _attribute(prefix, line) + end
    if _HEADER.match(line):
        indent = line[: len(line) - len(line.lstrip())] + ("\t" if "\n\t" in prefix else "    ")
        return "\n" + indent + _statement(prefix + "\n" + indent, "")
    return _partial(line, names, known, end)


def _partial(line: str, names: Sequence[str], known: str, end: str) -> str:
    if line[-1:] in "([{":
        called = re.search(r"([\w$]*).$", line)
        known = next((name for name in reversed(names) if not called or name != called.group(1)), "0")
        return known + {"(": ")", "[": "]", "{": "}"}[line[-1]] + (end if line[-1] != "{" else "")
    if re.search(r"[=+\-*/%<>,:|&]\s*$", line):
        return ("" if line[-1:].isspace() else " ") + known + end
    begun = re.search(r"([A-Za-z_$][\w$]*)$", line)
    if begun:
        word = begun.group(1)
        longer = [name for name in [*names, "return", "import", "function"] if name.startswith(word) and name != word]
        return longer[0][len(word) :] if longer else f" = {next((name for name in names if name != word), '0')}{end}"
    if line[-1:] in ")]}\"'" and not line.rstrip().endswith(("{", ":")):
        return f"\n{line[: len(line) - len(line.lstrip())]}{known} = {known}{end}"
    return known + end


def _statement(prefix: str, suffix: str) -> str:
    """A whole statement on a fresh line; what the suffix begins with is not said again."""
    header = _enclosing(prefix)
    end = ";" if _semicolons(prefix) else ""
    names = _names(prefix)
    options = []
    if header:
        options.append(f"return {_result(header['name'], _parameters(header['parameters'], header['line']))}{end}")
    known = names[-1] if names else ""
    if needed := _needed(suffix, names):
        return f"{needed} = {options[0].removeprefix('return ') if header else (known or '0') + end}"
    options.append(f"{known} = {names[-2]}{end}" if len(names) > 1 else f"result = {known or 0}{end}")
    options.append(f"value = {known or 0}{end}")
    next_line = suffix.lstrip().split("\n", 1)[0].strip()
    return next((option for option in options if option != next_line), options[-1])


def _needed(suffix: str, names: Sequence[str]) -> str:
    """The name that the line below uses alone and nobody has set yet."""
    below = suffix.lstrip().split("\n", 1)[0]
    used = re.match(r"(?:return|yield|print|await)\b[ (]*([A-Za-z_$][\w$]*)\)?;?\s*$", below)
    return used.group(1) if used and used.group(1).lower() not in _WORDS and used.group(1) not in names else ""


def _enclosing(prefix: str) -> dict[str, str] | None:
    """The function header that stands directly above, if nothing but blank space is between."""
    for line in reversed(prefix.split("\n")):
        if line.strip() and not re.match(r"\s*(#|//|--)", line):
            match = _HEADER.match(line.rstrip("\r"))
            named = match and match["name"] not in ("if", "for", "while", "switch", "catch", "with", "elif", "match")
            return {**match.groupdict(), "line": line} if match and named else None
    return None


def _parameters(text: str, line: str) -> list[str]:
    """The names of parameters, in languages that write the type behind, before, or not at all."""
    leading = re.match(r"\s*(?:func|fn|def|function|fun|pub)\b", line) is not None or ":" in text
    found = []
    for part in re.sub(r"\[[^\]]*\]|<[^>]*>", "", text).split(","):
        words = re.findall(r"[A-Za-z_$][\w$]*", part.split("=")[0].split(":")[0])
        words = [word for word in words if word not in ("self", "cls", "this", "mut", "const", "final", "var")]
        if words:
            found.append(words[0] if leading else words[-1])
    return found


def _result(name: str, parameters: Sequence[str]) -> str:
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+", name)}
    if not parameters:
        return "0" if words & {"count", "size", "length", "total", "sum"} else "None" if name.islower() else "null"
    for verbs, operator in _OPERATORS:
        if words & set(verbs) and len(parameters) > 1:
            return f" {operator} ".join(parameters[:3] if operator in "+*" else parameters[:2])
    return parameters[0]


def _returned(prefix: str, names: Sequence[str]) -> str:
    """What a started `return` gives: the parameters combined, if directly below the header; else what was set last."""
    above = prefix.rstrip().rsplit("\n", 1)[0] if "\n" in prefix.rstrip() else prefix.rstrip()
    header = _enclosing(above)
    if header:
        parameters = _parameters(header["parameters"], header["line"])
        return _result(header["name"], parameters) if parameters else "0"
    assigned = re.findall(r"(?:^|\s)([A-Za-z_$][\w$]*)\s*(?:[-+*/|&]|:\s*[\w\[\], .|]+)?=(?!=)", prefix)
    return assigned[-1] if assigned else (names[-1] if names else "0")


def _attribute(prefix: str, line: str) -> str:
    owner = re.search(r"([A-Za-z_$][\w$]*)\.\s*$", line)
    name = re.escape(owner.group(1)) if owner else r"\w+"
    used = re.findall(rf"\b{name}\.([A-Za-z_$][\w$]*)", prefix)
    return used[-1] if used else (_names(prefix[: -len(line)] or prefix) or ["value"])[-1]


def _names(prefix: str) -> list[str]:
    """Identifiers of the prefix's last part, each once, the newest last. No words of strings and comments."""
    code = re.sub(r"\"[^\"\n]*\"|'[^'\n]*'|#[^\n]*|//[^\n]*|--[^\n]*", " ", prefix[-4000:])
    found = [name for name in re.findall(r"(?<![\w$.])[A-Za-z_$][\w$]*", code) if name.lower() not in _WORDS]
    return list(dict.fromkeys(reversed(found)))[::-1]


def _plural(names: Sequence[str]) -> str:
    return next((name for name in reversed(names) if name.endswith("s")), "")


def _semicolons(prefix: str) -> bool:
    """Whether this language ends statements with a semicolon, as far as the prefix tells."""
    tail = prefix[-4000:]
    braces = re.search(r"[{;]\s*$", tail, re.M) is not None
    python = re.search(r"^\s*(def|class|from|elif)\b[^{;]*$", tail, re.M) is not None
    go = re.search(r"^func\b|:=", tail, re.M) is not None
    return braces and not python and not go
