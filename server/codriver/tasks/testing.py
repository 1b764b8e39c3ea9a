"""Tests: a function in, a new test file out. It parses, has tests, and tests the function itself and no copy of it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from codriver.analyst import path_of
from codriver.config import Settings
from codriver.errors import reject
from codriver.model.request import Purpose, Request, Snapshot
from codriver.syntax import languages
from codriver.syntax.analysis import Buffer
from codriver.tasks import alongside, document, edits, gate, prompts
from codriver.tasks.asking import FRONT, Answered, Asking, silent
from codriver.tasks.refactor import within
from codriver.tasks.region import around, chosen

if TYPE_CHECKING:
    from codriver.analyst import Analyst
    from codriver.router import Router

NOTHING = "There is nothing to test: place the cursor inside a function."


@dataclass(frozen=True, slots=True)
class Written:
    """A test file that is not there yet: its path and text (LF). path: absolute where the function's file is."""

    path: str
    text: str
    by: Answered


async def write_tests(
    router: Router,
    analyst: Analyst,
    snapshot: Snapshot,
    *,
    exists: Callable[[str], bool] = lambda path: False,
    notify: Callable[[str], None] = silent,
    settings: Settings | None = None,
    front: str = FRONT,
) -> Written:
    """Writes tests of the function that is selected or around the cursor. exists: whether a file or folder is there.

    Raises RequestRejected when there is no function, Unroutable and UpstreamFailed as the router does; the latter
    also when nobody wrote tests that parse and name the function.
    """
    settings = settings or Settings()
    gate.admit(snapshot, settings.privacy.never, settings.refactor.max_bytes, "test")
    buffer = await analyst.read(snapshot)
    region = within(chosen(snapshot, buffer) or around(snapshot, buffer), NOTHING)
    header = document.function_of(region)
    if header is None:
        raise reject(NOTHING)
    features = analyst.features(Request("", Purpose.TEST, code=region.marked))
    path, name = path_of(snapshot.uri), header.last
    target = place(path, snapshot.root, features.language, name, exists)
    others = alongside.files(analyst, snapshot, buffer, region.start, settings.privacy.never)
    words = region.words(features) | {"others": alongside.told(others)}
    talk = prompts.load("tests").filled(
        **words, fence=prompts.fence(*words.values()), tag=words["language"], name=name,
        place=_relative(path, snapshot.root), target=_relative(target, snapshot.root),
        framework=framework(features.language, features.frameworks),
    )  # fmt: skip
    asking = Asking(router, settings.refactor.deadline, notify, front)
    notify(f"Writing tests of {name}")
    request = asking.request(Purpose.TEST, talk, code=region.marked, tail=(f"Write tests for {name}",))
    reply, by = await asking.held(request, lambda text: judged(text, features.language, name)[1])
    return Written(target, judged(reply, features.language, name)[0], by)


def judged(reply: str, language: str, name: str) -> tuple[str, str]:
    """The test file in a reply, and why there is none."""
    code, why = edits.code_of(reply, language)
    if why:
        return "", why
    if edits.elided(code, ""):
        return "", "leaves code out"
    text = f"{code.rstrip()}\n"
    buffer = Buffer(text.encode("utf-8", "replace"), language_id=language)
    if buffer.errors():
        return "", "does not parse"
    if re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text) is None and name not in ("constructor", "__init__"):
        return "", f"does not test {name}"
    if re.search(_rules(language).get("tests", ""), text) is None:
        return "", "has no tests"
    if any(item.kind == "function" and item.name == name for item in buffer.items()):
        return "", f"tests a copy of {name}"
    return text, ""


def place(path: str, root: str, language: str, function: str, exists: Callable[[str], bool]) -> str:
    """Where the tests go: the usual place of the language, under a name that is not taken."""
    found = list(_places(path, root, language))
    known = [one for one in found if exists(str(PurePath(one).parent))]
    wanted = PurePath((known or found[-1:])[0])
    if not exists(str(wanted)):
        return str(wanted)
    stem, ending = (
        wanted.stem.removesuffix(".test"),
        "".join(wanted.suffixes[-2:] if ".test." in wanted.name else wanted.suffixes[-1:]),
    )
    word = re.sub(r"\W+", "_", function).strip("_") or "more"
    for more in ("", *(f"_{n}" for n in range(2, 100))):
        named = wanted.with_name(f"{_with(stem, word)}{more}{ending}")
        if not exists(str(named)):
            break
    return str(named)


def _with(stem: str, word: str) -> str:
    """The stem with a word more, such that it is still seen to be a test."""
    found = re.fullmatch(r"(.*?)([_-]?(?:[Tt]ests?|spec))", stem)
    return f"{found[1]}_{word}{found[2]}" if found else f"{stem}_{word}"


def framework(language: str, known: tuple[str, ...]) -> str:
    """What tests are written with: what the project has, else what is usual."""
    usual = _rules(language).get("frameworks", ["the language's usual test framework"])
    return str(next((name for name in usual if name in known), usual[0]))


def _places(path: str, root: str, language: str) -> Iterator[str]:
    pure = PurePath(path)
    words = {"folder": str(pure.parent), "stem": pure.stem, "ending": pure.suffix.lstrip(".") or "txt"}
    for pattern in _rules(language).get("places", ["{folder}/test_{stem}.{ending}"]):
        made = pattern.format(**words)
        if pattern.startswith("{folder}"):
            yield made
        elif root:
            yield str(PurePath(root) / made)


def _rules(language: str) -> Mapping[str, Any]:
    known = languages.of_id(language)
    table = _table()
    return table.get(known.name, table.get(known.family, {})) if known is not None else {}


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((resources.files("codriver") / "tasks" / "testing.toml").read_text("utf-8"))


def _relative(path: str, root: str) -> str:
    pure = PurePath(path)
    return pure.relative_to(root).as_posix() if root and pure.is_relative_to(root) else pure.name
