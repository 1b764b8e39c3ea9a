"""Abilities from public scores: names as people write them, sources with dates, and a rule for unknown models."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import codriver
from codriver import catalog
from codriver.catalog.abilities import FILE, Abilities, Cold, family, forms, predecessor, shipped, version
from codriver.catalog.facts import FOLDER

COLD = Cold(1.0, 0.4, 0.2, -0.3, 0.5, {"qwen coder": 0.2, "gpt mini": -0.1})
NEXT = Abilities(
    {"gpt-5-5": {"": 2.5}, "gpt-4o": {"": 0.9}, "claude-haiku-4-5": {"": 1.6}, "qwen3-235b": {"": 2.0}},
    Cold(0.5, 0.4, 0.2, -0.3, 0.5, {}, step=0.2, dearer=0.5),
    {"gpt-5-5": 30.0, "gpt-4o": 10.0, "claude-haiku-4-5": 5.0, "qwen3-235b": 1.0},
)

ANY_USE = re.compile(r"\b(Apache-2\.0|MIT|BSD-[23]-Clause|CC0-1\.0|CC BY 4\.0)\b")
CLOSED = re.compile(r"openhands index|swt-bench|swebench_mini|mini-swe-agent's board|routerbench|terminal_bench", re.I)
"""Sources without a licence for any use: their rows serve to measure, and no shipped number comes from them."""

RELEASED = {
    "2025-01": ("deepseek-r1", "o3-mini"),
    "2025-02": ("claude-sonnet-3-7", "gemini-2-0-flash", "gpt-4-5", "grok-3", "grok-3-mini", "phi-4-mini"),
    "2025-03": ("command-a", "gemini-2-5-pro", "gemma-3-12b", "gemma-3-27b", "gemma-3-4b", "qwq-32b"),
    "2025-04": (
        "gemini-2-5-flash", "gpt-4-1", "gpt-4-1-mini", "gpt-4-1-nano", "llama-4-maverick", "llama-4-scout", "o3",
        "o4-mini", "qwen3-14b", "qwen3-235b-a22b", "qwen3-30b-a3b", "qwen3-32b", "qwen3-4b", "qwen3-8b",
    ),
    "2025-05": ("claude-opus-4", "claude-sonnet-4", "mistral-medium-3"),
    "2025-06": ("gemini-2-5-flash-lite", "mistral-small-3-2-24b", "o3-pro"),
    "2025-07": ("glm-4-5", "glm-4-5-air", "grok-4", "kimi-k2", "qwen3-235b-a22b-thinking"),
    "2025-08": ("claude-opus-4-1", "gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-oss-120b"),
    "2025-09": ("claude-sonnet-4-5", "grok-4-fast"),
    "2025-10": ("claude-haiku-4-5",),
    "2025-11": ("claude-opus-4-5", "gemini-3-pro", "grok-4-1-fast-reasoning", "kimi-k2-thinking"),
    "2025-12": ("deepseek-v3-2", "gemini-3-flash", "glm-4-7", "gpt-5-2", "gpt-5-2-codex", "mimo-v2-flash", "minimax-m2-1"),
    "2026-01": ("kimi-k2-5",),
    "2026-02": (
        "claude-opus-4-6", "claude-sonnet-4-6", "gemini-3-1-pro", "glm-5", "qwen3-5-122b-a10b", "qwen3-5-397b-a17b",
        "step-3-5-flash",
    ),
    "2026-03": ("gpt-5-4", "grok-4-20", "nemotron-3-super-120b-a12b"),
    "2026-04": ("claude-opus-4-7", "gemma-4-31b", "gpt-5-5", "granite-4-1-8b"),
    "2026-05": ("claude-opus-4-8",),
    "2026-06": ("glm-5-2", "longcat-2-0"),
}  # fmt: skip
"""Models by the month in which they could first be used, where that was in 2025 or later."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text("utf-8")))


def sold() -> set[str]:
    """Plain names of what a provider's table offers to chat with and no date has ended."""
    found = set()
    for path in FOLDER.glob("*.json"):
        table = json.loads(path.read_text("utf-8"))
        for name, model in table["models"].items():
            if model.get("chat", True) and not model.get("embeds") and model.get("retires", "9999") > table["date"]:
                found.add(forms(name)[-1])
    return found


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("claude-4-opus-20250514", "claude-opus-4"),
        ("Claude-3.5-Sonnet-20241022", "claude-sonnet-3-5"),
        ("openai/gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("gpt-4-1106-preview", "gpt-4-turbo"),
        ("Qwen--Qwen2.5-72B-Instruct", "qwen2-5-72b"),
        ("qwen2.5-coder:32b", "qwen2-5-coder-32b"),
        ("claude-sonnet-4@mini-swe-agent", "claude-sonnet-4"),
        ("GPT-4O-2024-05-13 +cot", "gpt-4o"),
        ("Gemini 2.5 Pro Preview 05-06", "gemini-2-5-pro"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("us-gov.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
        ("openai.gpt-oss-120b-1:0", "gpt-oss-120b"),
        ("deepseek.v3.2", "deepseek-v3-2"),
        ("accounts/fireworks/models/kimi-k2p5", "kimi-k2-5"),
    ],
)
def test_names_as_all_write_them(name: str, plain: str) -> None:
    assert forms(name)[-1] == plain


@pytest.mark.parametrize("name", ["", "/", "@", "-", "(x)", "claude--", "x" * 500, "模型"])
def test_of_odd_names_only_the_price_tells(name: str) -> None:
    known = shipped()
    assert not known.measured(name) and known.guessed(name) is None
    assert known.guessed(name, 3.0, 100_000) == known.guessed("nobody-knows-me", 3.0, 100_000)


def test_at_least_sixty_current_models_have_a_score_of_their_own(document: dict[str, Any]) -> None:
    """Current: first to be used in 2025 or later, and still sold by a provider of the catalog."""
    offered = sold()
    current = {name for names in RELEASED.values() for name in names}
    assert current <= set(document["models"])
    assert len(current & offered) >= 60


def test_every_score_names_its_source_date_and_a_licence_that_allows_any_use(document: dict[str, Any]) -> None:
    sources = document["sources"]
    assert all(ANY_USE.search(source["licence"]) for source in sources.values())
    for name, told in document["models"].items():
        assert "" in told["skill"] and all(-3 < skill < 5 for skill in told["skill"].values()), name
        for cited in told["from"]:
            assert re.search(r" \d\.\d{3} \(\d{4}-\d\d", cited) and ANY_USE.search(cited), cited
            assert cited.startswith(tuple(sources)) or cited.rstrip(")").endswith(tuple(sources)), cited
            assert not CLOSED.search(cited), cited
        assert told["from"], name


@pytest.mark.parametrize("path", sorted(Path(codriver.__file__).parent.rglob("*.toml")), ids=lambda path: path.stem)
def test_no_shipped_table_tells_numbers_of_a_source_without_a_licence(path: Path) -> None:
    if "frameworks" not in path.parts and path.name != "aims.toml":
        assert not CLOSED.search(path.read_text("utf-8"))


BY_HAND = {"mistral", "codestral", "qianfan", "ollama", "llamacpp", "lmstudio", "vllm", "simulator"}
"""Providers whose models are placed by hand, as no public score has them; all others go by abilities.json."""


@pytest.mark.parametrize(
    "path", sorted((Path(catalog.__file__).parent.parent / "providers").glob("*.toml")), ids=lambda p: p.stem
)
def test_only_what_no_score_has_is_placed_by_hand(path: Path) -> None:
    models = tomllib.loads(path.read_text("utf-8")).get("models", {})
    placed = [name for name, model in models.items() if model.get("skill", {}).get("", 0.0) != 0.0]
    assert path.stem in BY_HAND or not placed


def test_better_models_are_better() -> None:
    order = ["claude-opus-4-8", "claude-sonnet-4-5", "claude-haiku-4-5", "gpt-4o", "gpt-4o-mini", "llama-3-2-1b"]
    skills = [shipped().measured(name).get("", -1.0) for name in order]
    assert skills == sorted(skills, reverse=True) and len(set(skills)) == len(skills)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("claude-opus-5-5", "claude-opus-4-8"),
        ("claude-fable-5-1", "claude-opus-4-8"),
        ("gpt-6-astra", "gpt-5.5"),
        ("gpt-5.5", "gpt-5.2"),
        ("gemini-4-argon", "gemini-3-flash-preview"),
        ("glm-5.3", "glm-4.7"),
        ("claude-haiku-5-5", "gpt-4o"),
        ("grok-4.7", "gemini-2.5-flash"),
        ("gpt-6-luna", "gpt-4.1-mini"),
    ],
)
def test_this_years_models_do_not_fall_behind_those_before(better: str, worse: str) -> None:
    models = {model.id: model.skill[""] for model in catalog.load().models}
    known = shipped().measured
    assert models.get(better, known(better).get("", -9)) >= models.get(worse, known(worse).get("", 9))


@pytest.mark.parametrize(
    ("name", "price", "window", "expected"),
    [
        ("thing", 0.0, 0, None),
        ("thing", 10.0, 128_000, 1.4),
        ("thing", 10.0, 256_000, 1.6),
        ("gpt-9-mini", 1.0, 0, 0.9),
        ("thing-70b", 0.0, 0, 0.62),
        ("qwen9-coder-7b", 0.0, 0, 0.32),
    ],
)
def test_cold_start(name: str, price: float, window: int, expected: float | None) -> None:
    found = Abilities({}, COLD).guessed(name, price, window)
    assert found == expected


@pytest.mark.parametrize(
    ("name", "price", "expected"),
    [
        ("gpt-6-sol", 30.0, 2.7),  # a step above the newest
        ("gpt-6-luna", 0.3, 1.7),  # of another class: much cheaper is worse
        ("claude-haiku-5-5", 0.5, 1.6),  # of its family: cheaper alone is not
        ("qwen3-8-23-5b", 1.0, 1.7),  # a tenth of the size
        ("qwen3-8-max", 10.0, 2.7),
        ("gpt-oss-20b", 1.0, None),  # no version
        ("gpt-3-5", 1.0, None),  # older than all
        ("mistral-large-4", 1.0, None),  # of a maker without scores
        ("gpt-6-sol", 0.0, None),
    ],
)
def test_what_succeeds_a_measured_model(name: str, price: float, expected: float | None) -> None:
    assert NEXT.follows(name, price) == expected
    if expected is not None:
        assert (NEXT.guessed(name, price) or 0) >= expected


@pytest.mark.parametrize(
    ("plain", "number"),
    [
        ("claude-opus-4-8", 4.8), ("gpt-6-1-sol", 6.1), ("qwen3-8b", 3.0), ("qwen3-8-max", 3.8), ("kimi-k3-1-pro", 3.1),
        ("deepseek-v4-1-flash", 4.1), ("grok-4-20", 4.2), ("gemma-4-31b", 4.0), ("gpt-oss-120b", None), ("codestral", None),
        ("", None),
    ],
)  # fmt: skip
def test_versions(plain: str, number: float | None) -> None:
    assert version(plain) == number
    assert predecessor(plain, (plain,)) == ""


def test_dearer_and_larger_are_guessed_better() -> None:
    known = shipped()
    assert (known.guessed("thing", 25.0) or 0) > (known.guessed("thing", 0.3) or 0)
    assert (known.guessed("thing-70b") or 0) > (known.guessed("thing-3b") or 0)


@pytest.mark.parametrize(
    ("plain", "line"),
    [("claude-opus-4-8", "claude-opus"), ("gpt-5-mini", "gpt mini"), ("qwen3-coder-480b", "qwen coder"), ("9x", "")],
)
def test_families(plain: str, line: str) -> None:
    assert family(plain) == line
