"""Abilities from public scores: names as people write them, sources with dates, and a rule for unknown models."""

from __future__ import annotations

import json
import re

import pytest

from codriver.catalog.abilities import FILE, Abilities, Cold, family, forms, shipped

COLD = Cold(1.0, 0.4, 0.2, -0.3, 0.5, {"qwen coder": 0.2, "gpt mini": -0.1})


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
    ],
)
def test_names_as_all_write_them(name: str, plain: str) -> None:
    assert forms(name)[-1] == plain


@pytest.mark.parametrize("name", ["", "/", "@", "-", "(x)", "claude--", "x" * 500, "模型"])
def test_of_odd_names_only_the_price_tells(name: str) -> None:
    known = shipped()
    assert not known.measured(name) and known.guessed(name) is None
    assert known.guessed(name, 3.0, 100_000) == known.guessed("nobody-knows-me", 3.0, 100_000)


def test_at_least_sixty_models_each_with_sources_and_dates() -> None:
    document = json.loads(FILE.read_text("utf-8"))
    models, licences = document["models"], tuple(document["licences"])
    current = [
        name for name, told in models.items() if any("2025" in cited or "2026" in cited for cited in told["from"])
    ]
    assert len(current) >= 60
    for name, told in models.items():
        assert "" in told["skill"] and all(-3 < skill < 5 for skill in told["skill"].values()), name
        assert all(cited.startswith(licences) for cited in told["from"]), name
        assert told["from"] and all(re.search(r" \d\.\d{3} \(\d{4}-\d\d", cited) for cited in told["from"]), name


def test_better_models_are_better() -> None:
    order = ["claude-opus-4-8", "claude-sonnet-4-5", "gpt-4o", "gpt-4o-mini", "codellama-7b"]
    skills = [shipped().measured(name).get("", -1.0) for name in order]
    assert skills == sorted(skills, reverse=True) and len(set(skills)) == len(skills)


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
