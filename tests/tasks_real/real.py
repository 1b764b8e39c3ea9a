"""Real functions of real packages on this machine, and what a model could do to them."""

from __future__ import annotations

import os
import random
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from codriver.config import Settings
from codriver.model.features import Function
from codriver.model.request import Snapshot
from codriver.syntax.analysis import Buffer
from codriver.tasks import gate

HERE = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
ENDINGS = {
    "python": (".py",), "javascript": (".js", ".mjs"), "typescript": (".ts",), "go": (".go",), "rust": (".rs",),
    "java": (".java",), "php": (".php",), "ruby": (".rb",), "c": (".c",), "lua": (".lua",), "kotlin": (".kt",),
}  # fmt: skip
FOLDERS = (
    Path(sysconfig.get_paths()["purelib"]), HERE / "vscode-extension" / "node_modules", CACHE / "codriver-agreement",
    CACHE / "codriver-completion", Path("/usr/share"), Path("/usr/lib/node_modules"),
)  # fmt: skip
SMALLEST, LARGEST = 1_500, 60_000
NEVER = Settings().privacy.never
FILES = 6_000
"""Files of one language that are looked at at most."""


@dataclass(frozen=True)
class Real:
    """One function in a real file."""

    path: str
    language: str
    text: bytes
    function: Function

    @property
    def id(self) -> str:
        return f"{self.language}:{Path(self.path).name}:{self.function.name}"

    @property
    def start(self) -> int:
        """Where its first line begins."""
        return self.text.rfind(b"\n", 0, self.function.start_byte) + 1

    @property
    def end(self) -> int:
        """Where its last line ends."""
        found = self.text.find(b"\n", self.function.end_byte)
        return found if found >= 0 else len(self.text)

    @property
    def code(self) -> str:
        """Its lines."""
        return self.text[self.start : self.end].decode()

    @property
    def name(self) -> str:
        return self.function.name.rpartition(".")[2]

    def snapshot(self) -> Snapshot:
        """Its file with the cursor in it."""
        return Snapshot(Path(self.path).as_uri(), 1, self.language, self.text, cursor=self.function.start_byte + 1)

    def buffer(self) -> Buffer:
        return Buffer(self.text, language_id=self.language, path=self.path)

    def with_code(self, code: str) -> bytes:
        """The file with other lines in the function's place."""
        return self.text[: self.start] + code.encode() + self.text[self.end :]


def functions(language: str, count: int, seed: int = 1) -> list[Real]:
    """So many functions, at most two of a file, chosen by chance; fewer where this machine has not so many."""
    chance, found = random.Random(seed), list[Real]()
    paths = list(_files(language))
    chance.shuffle(paths)
    for path in paths:
        if len(found) >= count:
            break
        candidates = list(_of(path, language))
        found += chance.sample(candidates, min(2, len(candidates)))
    return found[:count]


@cache
def _files(language: str) -> tuple[str, ...]:
    return tuple(sorted(_walked(language)))


def _walked(language: str) -> Iterator[str]:
    seen = 0
    for folder in FOLDERS:
        for top, _, names in os.walk(folder):
            for name in names:
                if name.endswith(ENDINGS[language]) and not name.endswith((".d.ts", ".min.js")):
                    seen += 1
                    yield os.path.join(top, name)
            if seen > FILES:
                return


def _of(path: str, language: str) -> Iterator[Real]:
    if gate.hidden(path, NEVER):
        return
    try:
        data = Path(path).read_bytes()
        data.decode()
    except (OSError, UnicodeDecodeError):
        return
    if not SMALLEST <= len(data) <= LARGEST or b"\r" in data or b"\f" in data or data.count(b"\n") < 20:
        return
    buffer = Buffer(data, language_id=language, path=path)
    if buffer.errors() or (language == "python" and b"\nprint " in data):
        return
    found = buffer.functions()
    names = [function.name for function in found]
    for function in found:
        real = Real(path, language, data, function)
        lines = function.end_line - function.start_line + 1
        alone = not re.search(r"\w", data[real.start : function.start_byte].decode().replace("export", ""))
        ends = not data[function.end_byte : real.end].strip(b" \t;,")
        if (
            5 <= lines <= 60
            and names.count(function.name) == 1
            and alone
            and ends
            and function.name not in ("", "main")
        ):
            header = buffer.headers_with(data[real.start : real.end], real.start, real.end)
            if header and len(header[0]) == 1 and header[0][0].last == real.name:
                yield real


# What a model could do to it.


def changed(real: Real) -> str:
    """The function with one of its own names changed throughout, else with a comment more: a real edit."""
    header = real.buffer().headers_with(real.code.encode(), real.start, real.end)
    assert header is not None
    body = real.text[header[0][0].body : real.end].decode()
    head = real.text[real.start : header[0][0].body].decode()
    outside = real.text[: real.start].decode() + real.text[real.end :].decode()
    for name in dict.fromkeys(re.findall(r"(?<![\w.$@:\"'`-])\$?[a-z_][a-zA-Z_]{2,}(?=\s*(?::=|=[^=>~]))", body)):
        word = rf"(?<![\w$]){re.escape(name)}(?![\w$])"
        if re.search(word, head) or re.search(word, outside):
            continue
        new = head + re.sub(word, f"{name}_new", body)
        if _parses(real, new):
            return new
    return commented(real)


def commented(real: Real) -> str:
    """The function with a comment line where it parses."""
    mark = {"python": "#", "ruby": "#", "lua": "--"}.get(real.language, "//")
    lines = real.code.split("\n")
    for at in range(1, len(lines)):
        lead = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        new = "\n".join([*lines[:at], f"{lead}{mark} Checked by hand.", *lines[at:]])
        if lines[at].strip() and _parses(real, new):
            return new
    raise AssertionError(f"{real.id} takes no comment")


def _parses(real: Real, new: str) -> bool:
    before, after = real.buffer().errors_with(new.encode(), real.start, real.end)
    return after <= before and new != real.code


def broken(real: Real, code: str) -> str | None:
    """The code without one of its brackets, so that it does not parse."""
    for found in reversed(list(re.finditer(r"[()\[\]{}]", code))):
        new = code[: found.start()] + code[found.end() :]
        before, after = real.buffer().errors_with(new.encode(), real.start, real.end)
        if after > before:
            return new
    return None


def other_signature(real: Real, code: str) -> str | None:
    """The code with one more parameter."""
    at = code.find("(", code.find(real.name))
    typed = {
        "go": "more int",
        "rust": "more: u8",
        "java": "int more",
        "c": "int more",
        "php": "$more",
        "kotlin": "more: Int",
    }
    if at < 0 or not real.name:
        return None
    empty = code[at + 1 :].lstrip().startswith(")")
    return f"{code[: at + 1]}{typed.get(real.language, 'more')}{'' if empty else ', '}{code[at + 1 :]}"


def neighbour(real: Real) -> Function | None:
    """Another function of the same class or file, that is not around this one."""
    prefix = real.function.name.rpartition(".")[0]
    for other in real.buffer().functions():
        apart = other.end_byte <= real.function.start_byte or other.start_byte >= real.end
        if apart and other.name.rpartition(".")[0] == prefix and 3 <= other.end_line - other.start_line <= 30:
            return other
    return None
