"""Real edits of code, made by rule: renames, annotations, docstrings, tests, comments.

Every edit keeps what parsed parsing, and keeps the code's indentation and line ends.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from codriver.upstream.simulator import intent

_HASH = "python py sh bash zsh shell yaml yml toml ruby rb r perl pl elixir dockerfile makefile cmake conf ini graphql"
_DASH = "sql lua haskell hs elm ada"
_COMMENTS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(_HASH.split(), ("# ", "")),
    **dict.fromkeys(_DASH.split(), ("-- ", "")),
    **dict.fromkeys(("html", "xml", "vue", "svelte", "markdown", "md"), ("<!-- ", " -->")),
    **dict.fromkeys(("css", "scss", "less"), ("/* ", " */")),
    **dict.fromkeys(("clojure", "lisp", "scheme", "elisp"), (";; ", "")),
    **dict.fromkeys(("latex", "tex", "erlang", "matlab"), ("% ", "")),
}
_NOTE = "Simulated edit: reviewed."
# Lines that must stay first: shebangs, declarations of the language, opening tags, encodings.
_FIRST = re.compile(r"#!|<\?|<!doctype|# -\*-|package |'use strict'|\"use strict\"|@charset|---", re.I)
_BRACED_TEST = re.compile(r"\b(?:function|func|fn|def)\s+(?:\([^)]*\)\s*)?([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Edit:
    """Edited code, and in a few words what was done to it."""

    code: str
    what: str


def edit(code: str, language: str, instruction: str) -> Edit:
    """The code with the change asked for, or the nearest safe one."""
    language = language or guess(code)
    newline = "\r\n" if "\r\n" in code else "\n"
    plain = code.replace("\r\n", "\n")
    done = _asked(plain, language, instruction) or _default(plain, language)
    return Edit(done.code.replace("\n", newline), done.what)


def test_for(code: str, language: str) -> Edit:
    """A test of the first function in the code."""
    match = _BRACED_TEST.search(code)
    name = match.group(1) if match else "subject"
    if (language or guess(code)) in ("python", "py"):
        return Edit(f"def test_{name.strip('_')}_is_callable():\n    assert callable({name})", f"a test of {name}")
    body = f'test("{name} is a function", () => {{\n  expect(typeof {name}).toBe("function");\n}});'
    return Edit(body, f"a test of {name}")


def guess(code: str) -> str:
    """A language for code that came without one: python where it parses as Python, else c-like, else text."""
    if _tree(code) is not None and re.search(r"^\s*(def|class|import|from|async def|@|\w+ = )", code, re.M):
        return "python"
    if code.lstrip()[:1] in "{[" and _json(code) is not None:
        return "json"
    if code.lstrip().startswith("<"):
        return "html"
    return "c" if re.search(r"[;{}]\s*$", code, re.M) else "python" if re.search(r":\s*$", code, re.M) else "text"


def _asked(code: str, language: str, instruction: str) -> Edit | None:
    replaced = intent.replacement(instruction)
    if replaced:
        old, new = replaced
        pattern = rf"(?<![\w$]){re.escape(old)}(?![\w$])" if re.fullmatch(r"[\w$]+", old) else re.escape(old)
        changed = re.sub(pattern, lambda _: new, code)
        if changed != code and not _breaks(code, changed, language):
            return Edit(changed, f"renamed {old} to {new}")
    if language in ("python", "py", "python3") and re.search(r"type hint|annotat|typing|类型", instruction, re.I):
        return _annotated(code)
    return None


def _default(code: str, language: str) -> Edit:
    if language in ("python", "py", "python3"):
        return _documented(code) or _commented(code, language)
    if language in ("json", "jsonc", "json5"):
        parsed = _json(code)
        pretty = code if parsed is None else json.dumps(parsed, indent=2, ensure_ascii=False)
        return Edit(
            pretty if pretty != code or parsed is None else json.dumps(parsed, ensure_ascii=False), "reformatted"
        )
    if language in ("text", "txt", "plain", "plaintext"):
        return Edit(f"{code.rstrip()}\n{_NOTE}", "added a line")
    return _commented(code, language)


def _commented(code: str, language: str) -> Edit:
    """A comment above the first line of code, at its indentation."""
    before, after = _COMMENTS.get(language, ("// ", ""))
    lines = code.split("\n")
    place = next((number for number, line in enumerate(lines) if line.strip()), 0)
    indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())] if lines else ""
    while place < len(lines) and _FIRST.match(lines[place].strip()):
        place += 1
    return Edit("\n".join([*lines[:place], f"{indent}{before}{_NOTE}{after}", *lines[place:]]), "added a comment")


def _documented(code: str) -> Edit | None:
    """A docstring in the first function or class that has none."""
    tree = _tree(code)
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or ast.get_docstring(node):
            continue
        first, lines = node.body[0], code.split("\n")
        start = min([first.lineno, *(item.lineno for item in getattr(first, "decorator_list", ()))]) - 1
        if start < node.lineno or lines[start - 1].rstrip().endswith("\\"):
            continue
        indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", node.name).replace("_", " ").strip() or node.name
        lines.insert(start, f'{indent}"""{words[:1].upper()}{words[1:]}. Simulated docstring."""')
        changed = "\n".join(lines)
        if _tree(changed) is not None:
            return Edit(changed, f"documented {node.name}")
    return None


def _annotated(code: str) -> Edit | None:
    """Annotations for parameters whose default says their type, and `-> None` where nothing is returned."""
    tree = _tree(code)
    if tree is None:
        return None
    shift = len(code.split("\n")[0]) - len(textwrap.dedent(code).split("\n")[0])
    lines = [line.encode() for line in code.split("\n")]
    inserts: list[tuple[int, int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inserts += _parameter_hints(node)
            place = _header_end(node, lines, shift)
            if place and node.returns is None and not _returns(node):
                inserts.append((*place, " -> None"))
    for row, column, text in sorted(inserts, reverse=True):
        line, at = lines[row - 1], column + shift
        lines[row - 1] = line[:at] + text.encode() + line[at:]
    changed = b"\n".join(lines).decode()
    return Edit(changed, "added type hints") if changed != code and _tree(changed) is not None else None


def _parameter_hints(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[tuple[int, int, str]]:
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    hints = []
    for argument, default in [
        *zip(positional, defaults, strict=True),
        *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
    ]:
        known = isinstance(default, ast.Constant) and type(default.value).__name__ in (
            "int",
            "str",
            "bool",
            "float",
            "bytes",
        )
        if known and argument.annotation is None and argument.end_lineno and argument.end_col_offset is not None:
            assert isinstance(default, ast.Constant)
            hints.append((argument.end_lineno, argument.end_col_offset, f": {type(default.value).__name__}"))
    return hints


def _header_end(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[bytes], shift: int) -> tuple[int, int] | None:
    """Just behind the closing parenthesis, when the header is one line and its body is below."""
    line = lines[node.lineno - 1]
    match = re.search(rb"\)(?=\s*:\s*(?:#.*)?$)", line)
    return (node.lineno, match.end() - shift) if match and node.body[0].lineno > node.lineno else None


def _returns(node: ast.AST) -> bool:
    kinds = (ast.Yield, ast.YieldFrom)
    return any(isinstance(item, kinds) or (isinstance(item, ast.Return) and item.value) for item in ast.walk(node))


def _breaks(old: str, new: str, language: str) -> bool:
    return language in ("python", "py") and _tree(old) is not None and _tree(new) is None


def _tree(code: str) -> ast.Module | None:
    try:
        return ast.parse(textwrap.dedent(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _json(code: str) -> object | None:
    try:
        parsed: object = json.loads(code)
    except (ValueError, RecursionError):
        return None
    return parsed
