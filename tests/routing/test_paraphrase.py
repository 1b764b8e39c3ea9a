"""The same wish about the same code, in other words, gets the same decision (issue 5: at least 98 of 100).

200 requests in five wordings each (paraphrases.toml beside five pieces of code), with the shipped catalog, through
wire, analyst and decision as a daemon does it. `python tests/routing/test_paraphrase.py` prints each that moved.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from codriver import catalog
from codriver.analyst import Analyst
from codriver.config.tree import Settings
from codriver.model.decision import View
from codriver.routing.decide import Wish, decide
from codriver.routing.eligibility import Offer, standing
from codriver.wire import codec

WISHES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "paraphrases.toml").read_text("utf-8"))["wish"]
CODE = {
    ("size_of", "box.py"): "def size_of(boxes):\n    return sum(box.size for box in boxes)\n",
    ("pick", "choice.ts"): (
        "export function pick(items: number[], least: number): number[] {\n  const kept: number[] = []\n"
        "  for (const item of items) {\n    if (item > least && item % 2 === 0) kept.push(item)\n  }\n  return kept\n}\n"
    ),
    ("Merge", "merge.go"): (
        "func Merge(a, b []int) []int {\n\tout := make([]int, 0, len(a)+len(b))\n\ti, j := 0, 0\n"
        "\tfor i < len(a) || j < len(b) {\n\t\tif j >= len(b) || (i < len(a) && a[i] < b[j]) {\n"
        "\t\t\tout = append(out, a[i])\n\t\t\ti++\n\t\t} else {\n\t\t\tout = append(out, b[j])\n\t\t\tj++\n\t\t}\n\t}\n"
        "\treturn out\n}\n"
    ),
    ("settle", "ledger.py"): (
        "def settle(entries, rates, strict):\n    total, skipped = 0, []\n    for entry in entries:\n"
        "        if entry.kind == 'fee':\n            if entry.currency not in rates:\n                if strict:\n"
        "                    raise KeyError(entry.currency)\n                skipped.append(entry)\n"
        "                continue\n            total += entry.amount * rates[entry.currency]\n"
        "        elif entry.kind == 'refund' and (entry.approved or not strict):\n"
        "            for part in entry.parts:\n                if part.amount < 0:\n"
        "                    if part.reason in ('typo', 'double') or strict:\n                        continue\n"
        "                    total += part.amount\n                elif part.late:\n"
        "                    total -= part.amount * 0.9\n                else:\n"
        "                    total -= part.amount\n        else:\n            try:\n"
        "                total += entry.amount\n            except TypeError:\n"
        "                skipped.append(entry)\n    return total, skipped\n"
    ),
    ("drain", "queue.rs"): (
        "fn drain(queue: &mut Vec<Job>, most: usize) -> Vec<Job> {\n    let mut taken = Vec::new();\n"
        "    while let Some(job) = queue.pop() {\n        match job.state {\n            State::Ready => taken.push(job),\n"
        "            State::Waiting if job.tries > 3 => continue,\n            State::Waiting => queue.insert(0, job),\n"
        "            State::Done => {}\n        }\n        if taken.len() >= most {\n            break;\n        }\n    }\n"
        "    taken\n}\n"
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One request: the same wish in five wordings, beside the same code."""

    says: str
    code: str
    wordings: tuple[str, ...]


def cases(wishes: Sequence[dict[str, Any]], most: int = 5) -> Iterator[Case]:
    """Each wish beside the last `most` pieces of code."""
    for wish in wishes:
        for (name, file), code in list(CODE.items())[-most:]:
            wordings = tuple(text.format(name=name, file=file) for text in wish["wordings"])
            yield Case(wish["says"], code, wordings)


@cache
def offers() -> tuple[Offer, ...]:
    """What a user with keys of six makers has in the shipped catalog."""
    makers = ("openai", "anthropic", "google", "deepseek", "mistral", "xai")
    return tuple(Offer(provider, model) for name in makers for provider in [_catalog().providers[name]]
                 for model in provider.models)  # fmt: skip


@cache
def _catalog() -> catalog.Catalog:
    return catalog.load(Settings(), environ={})


@cache
def decided(case: Case, wording: str, *, tools: bool = False) -> tuple[str, str]:
    """The model that answers first, and the family the words were taken for."""
    messages = [{"role": "user", "content": f"{wording}\n\n```\n{case.code}```\n"}]
    body: dict[str, object] = {"model": "auto", "messages": messages}
    if tools:
        body["tools"] = [{"type": "function", "function": {"name": "edit", "parameters": {"type": "object"}}}]
    request = codec.find("openai_chat").parse(json.dumps(body).encode(), {})
    features = Analyst().features(request)
    wish = Wish()
    kept, refused = standing(offers(), wish.bounds)
    made = decide(request, features, kept, View(now=1_795_000_000.0), replace(wish, refused=refused), ident="d")
    return made.candidates[0].model, features.task


@dataclass(frozen=True, slots=True)
class Figure:
    """How many wordings get the decision that most wordings of their wish get, and those that do not."""

    kept: int
    all: int
    alike: int
    """Requests, of a fifth as many, all of whose wordings get the same."""
    understood: int
    """Wordings taken for the family that most are taken for."""
    moved: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.kept / self.all


def figure(chosen: Sequence[Case]) -> Figure:
    """Of each wording, whether its decision is the one that most of the five get."""
    kept = alike = understood = 0
    moved: list[str] = []
    for case in chosen:
        made = [decided(case, wording) for wording in case.wordings]
        usual, times = Counter(model for model, _ in made).most_common(1)[0]
        kept += times
        alike += times == len(made)
        understood += Counter(family for _, family in made).most_common(1)[0][1]
        moved += [
            f"{case.says}: {wording!r} -> {model} as {family}, usually {usual}"
            for wording, (model, family) in zip(case.wordings, made, strict=True)
            if model != usual
        ]
    return Figure(kept, 5 * len(chosen), alike, understood, tuple(moved))


FIRST = 40
"""Wishes that, beside all the code, make 200 requests."""
CHOSEN: dict[str, tuple[list[Case], float]] = {
    "200 requests": (list(cases(WISHES[:FIRST])), 0.98),
    "odder words": (list(cases([wish for wish in WISHES[FIRST:] if not wish.get("held")], 2)), 0.95),
    "held out": (list(cases([wish for wish in WISHES if wish.get("held")], 2)), 0.95),
}
"""Requests, and the share of their wordings that must keep the decision."""


@pytest.mark.parametrize("name", CHOSEN)
def test_other_words_same_decision(name: str) -> None:
    chosen, least = CHOSEN[name]
    found = figure(chosen)
    assert found.share >= least, "\n".join(found.moved)


def test_the_words_are_understood_alike() -> None:
    """A catalog in which every family gets the same model would hide a family that is not recognised."""
    found = figure(CHOSEN["200 requests"][0])
    assert found.understood >= 0.98 * found.all
    assert len(CHOSEN["200 requests"][0]) == 200


def test_requests_differ_all_the_same() -> None:
    """Decisions that are always the same would be kept under any wording."""
    models = Counter(decided(case, case.wordings[0])[0] for case in CHOSEN["200 requests"][0])
    assert len(models) >= 2 and models.most_common(1)[0][1] < 150


if __name__ == "__main__":
    for told, chosen in (
        ("the first forty", WISHES[:FIRST]),
        ("all that mended the words", [wish for wish in WISHES if not wish.get("held")]),
        ("held out", [wish for wish in WISHES if wish.get("held")]),
    ):
        shown = figure(list(cases(chosen)))
        print(
            f"{told}: {shown.kept} of {shown.all} wordings keep their decision ({shown.share:.1%}), "
            f"{shown.alike} of {shown.all // 5} requests in all five; {shown.understood} get one family"
        )
        print("\n".join(shown.moved))
