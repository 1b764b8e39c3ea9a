"""Shipped facts, the user's over them, and what names mean."""

from __future__ import annotations

import datetime
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from codriver import catalog
from codriver.catalog import Catalog, Resolution
from codriver.config import Settings
from codriver.errors import ConfigError, Kind, RequestRejected
from codriver.model.events import Usage
from codriver.model.provider import Price, Provider
from codriver.model.request import HOLES

SHIPPED = sorted((Path(catalog.__file__).parent.parent / "providers").glob("*.toml"))
REAL = [path for path in SHIPPED if path.stem != "simulator"]


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return catalog.load()


def settings(**tables: Any) -> Settings:
    return Settings.model_validate(tables)


# Shipped files.


def test_the_first_providers_are_there(shipped: Catalog) -> None:
    assert {"openai", "anthropic", "deepseek", "ollama"} <= set(shipped.providers)


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_each_shipped_file_says_where_and_when_its_facts_were_read(path: Path) -> None:
    table = tomllib.loads(path.read_text())
    assert table["source"].startswith("https://")
    assert isinstance(table["date"], datetime.date)
    for name, model in table["models"].items():
        if model.get("wires") != ["openai_embeddings"]:
            assert "tier" in model, name


def test_every_remote_model_has_a_price_with_a_source_and_a_day(shipped: Catalog) -> None:
    """Only what is local or simulated may cost nothing; nothing that is sold may rest on a guess."""
    for model in shipped.models:
        provider = shipped.providers[model.provider]
        if not (provider.local or provider.simulated):
            assert re.fullmatch(r"https://\S+ \(\d{4}-\d\d-\d\d\)", model.source), f"{model.key}: {model.source!r}"


def test_shipped_models_make_sense(shipped: Catalog) -> None:
    for model in shipped.models:
        provider = shipped.providers[model.provider]
        assert 0 < model.max_output <= model.window, model.key
        assert -2 <= model.skill[""] <= 3.5, model.key
        if not provider.local:
            price = model.price
            assert 0 < price.cached <= price.input <= price.written <= 2 * price.input, model.key
            assert price.output >= price.input or (model.embeds and price.output == 0), model.key
        if model.fim:
            assert HOLES & set(provider.wires), model.key


def test_better_tiers_of_a_provider_are_better(shipped: Catalog) -> None:
    for provider in shipped.providers.values():
        best = {tier: max((m.skill[""] for m in provider.models if m.tier == tier), default=None) for tier in
                ("small", "medium", "large")}  # fmt: skip
        ranked = [skill for skill in best.values() if skill is not None]
        assert ranked == sorted(ranked), provider.name


def test_reasoning_models_of_openai_are_not_sent_what_they_refuse(shipped: Catalog) -> None:
    openai = shipped.providers["openai"]
    for model in openai.models:
        quirks = model.quirks or openai.quirks
        assert quirks.max_tokens_field == "max_completion_tokens", model.key
        assert ("temperature" in quirks.drop) == model.reasoning, model.key


def test_long_prompts_cost_more_where_they_do(shipped: Catalog) -> None:
    haiku = shipped.find("anthropic/claude-haiku-5-5")
    assert haiku is not None
    short = haiku.price.cost(Usage(input=100_000, output=1000))
    long = haiku.price.cost(Usage(input=50_000, cached=50_001, output=1000))
    assert short == pytest.approx(0.0105)
    assert long == pytest.approx(5 * (50_000 * 0.1 + 50_001 * 0.01 + 1000 * 0.5) / 1e6)


# The user's tables.


def test_a_new_provider_needs_two_things() -> None:
    found = catalog.load(settings(providers={"box": {"base_url": "http://10.0.0.5:8000/v1/", "wire": "openai_chat"}}))
    box = found.providers["box"]
    assert box.base_url + box.wires["openai_chat"] == "http://10.0.0.5:8000/v1/chat/completions"
    assert box.base_url + box.discover == "http://10.0.0.5:8000/v1/models"
    assert (box.auth, box.local, box.models) == ("none", False, ())
    sold = found.found("box", ["qwen3", "bge-m3", "text-embedding-3"]).providers["box"].models
    assert [model.key for model in sold] == ["box/qwen3"]
    assert sold[0].price.input > 0, "what nobody stated must not look free"


@pytest.mark.parametrize(
    ("base_url", "wire", "path"),
    [
        ("https://a.example", "openai_chat", "/v1/chat/completions"),
        ("https://a.example/v1", "openai_chat", "/chat/completions"),
        ("https://a.example/api/v1/", "openai_completions", "/completions"),
        ("https://a.example/v2", "openai_chat", "/v1/chat/completions"),
        ("https://a.example/v1", "anthropic", "/messages"),
        ("https://a.example/anthropic", "anthropic", "/v1/messages"),
    ],
)
def test_the_version_is_not_doubled(base_url: str, wire: str, path: str) -> None:
    table = {"base_url": base_url, "wire": wire, "models": {"m": {}}}
    assert catalog.load(settings(providers={"a": table})).providers["a"].wires == {wire: path}


def test_a_user_changes_just_what_is_written(shipped: Catalog) -> None:
    found = catalog.load(
        settings(
            providers={
                "openai": {
                    "base_url": "https://proxy.example/v1",
                    "key": "env:WORK_KEY",
                    "models": {
                        "gpt-5.5": {"enabled": False},
                        "gpt-6.1-sol": {"skill": {"edit": 2.0}, "quirks": {"system_role": "developer"}},
                        "mine": {"tier": "small", "window": 9000, "max_output": 20_000},
                    },
                }
            }
        )
    )
    before, after = shipped.providers["openai"], found.providers["openai"]
    assert after.wires["openai_chat"] == "/chat/completions"
    assert after.key_env == ("WORK_KEY",)
    assert found.find("openai/gpt-5.5") is None
    assert len(after.models) == len(before.models)
    sol = found.find("openai/gpt-6.1-sol")
    was = shipped.find("openai/gpt-6.1-sol")
    assert sol is not None and was is not None and sol.quirks is not None
    assert sol.skill == {**was.skill, "edit": 2.0}
    assert (sol.price, sol.window) == (was.price, was.window)
    assert (sol.quirks.system_role, sol.quirks.max_tokens_field) == ("developer", "max_completion_tokens")
    assert "temperature" in sol.quirks.drop
    mine = found.find("openai/mine")
    assert mine is not None
    assert (mine.upstream_id, mine.window, mine.max_output, mine.skill[""]) == ("mine", 9000, 9000, 0.7)


def test_a_provider_can_be_turned_off() -> None:
    found = catalog.load(settings(providers={"openai": {"enabled": False}}))
    assert "openai" not in found.providers
    with pytest.raises(RequestRejected, match="turned off"):
        found.resolve("openai/gpt-5.5", Settings())


def test_local_models_come_from_the_server_and_the_templates(shipped: Catalog) -> None:
    assert shipped.providers["ollama"].models == ()
    listed = ["qwen2.5-coder:7b-base", "qwen2.5-coder:32b", "llama9:70b", "all-minilm:latest", "hf.co/me/StarCoder2-7B",
              "bge-reranker-v2-m3", "hf.co/me/some-embed-7b"]  # fmt: skip
    models = {model.id: model for model in shipped.found("ollama", listed).providers["ollama"].models}
    assert list(models) == [*listed[:5], listed[6]], "a reranker answers nobody"
    for embedder in (models[listed[3]], models[listed[6]]):
        assert embedder.embeds and not (embedder.chat or embedder.tools or embedder.fim)
        assert embedder.wires == ("openai_embeddings",)
    assert models[listed[1]].skill[""] > models[listed[0]].skill[""]
    assert models[listed[0]].fim == "suffix" and models[listed[0]].upstream_id == listed[0]
    assert not models[listed[4]].chat
    assert models["llama9:70b"].price == Price()
    assert shipped.found("ollama", listed).found("ollama", []).providers["ollama"].models == ()


def test_a_described_local_model_is_there_without_asking_and_keeps_its_template() -> None:
    table = {"qwen2.5-coder:7b": {"window": 8192}, "llama9": {"enabled": False}}
    found = catalog.load(settings(providers={"ollama": {"models": table}}))
    (model,) = found.providers["ollama"].models
    assert (model.id, model.window, model.max_output, model.fim) == ("qwen2.5-coder:7b", 8192, 8192, "suffix")
    after = found.found("ollama", ["qwen2.5-coder:7b", "llama9", "gpt-oss:20b"]).providers["ollama"].models
    assert [model.id for model in after] == ["qwen2.5-coder:7b", "gpt-oss:20b"]


@pytest.mark.parametrize(
    ("table", "key", "remedy"),
    [
        ({"opnai": {"key": "env:K"}}, "providers.opnai.base_url", "'openai'"),
        ({"zzz": {"base_url": "http://z"}}, "providers.zzz.wire", "base_url and wire"),
        (
            {"openai": {"models": {"gpt-5.5": {"wires": ["anthropic"]}}}},
            "providers.openai.models.gpt-5.5.wires",
            "openai_chat",
        ),
    ],
)
def test_tables_that_make_no_provider(table: dict[str, Any], key: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        catalog.load(settings(providers=table), config_file="mine.toml")
    assert (caught.value.file, caught.value.key) == ("mine.toml", key)
    assert remedy in caught.value.remedy


def test_the_line_of_a_bad_provider_is_told(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('\n[providers.opnai]\nkey = "env:K"\n')
    with pytest.raises(ConfigError, match=r"config\.toml:2"):
        catalog.load(settings(providers={"opnai": {"key": "env:K"}}), config_file=str(file))


def test_a_broken_provider_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text('base_url = "https://acme.example"\n[wires]\nopenai_chat = "/v1"\n[model.x]\n')
    with pytest.raises(ConfigError) as caught:
        catalog.load(folder=tmp_path)
    assert caught.value.file == f"{tmp_path / 'acme.toml'}:4"
    assert "'models'" in caught.value.remedy


def test_one_file_adds_a_provider(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(
        'base_url = "https://acme.example"\nkey_env = ["ACME_KEY"]\n[wires]\nanthropic = "/v1/messages"\n'
        "[models.one]\ntier = 'large'\nwindow = 1000\nmax_output = 100\nprice = { input = 1, output = 2 }\n"
    )
    found = catalog.load(folder=tmp_path)
    assert list(found.providers) == ["acme"]
    acme = found.providers["acme"]
    assert (acme.auth, acme.discover) == ("x-api-key", "")
    assert found.models[0].price == Price(1, 1, 1, 2)


# Names.


def keyed(*names: str) -> Any:
    def available(provider: Provider) -> bool:
        return provider.name in names

    return available


# asked, (kind, strategy, model, tier), words of the note
NAMES: list[tuple[str, tuple[str, str, str, str], str]] = [
    ("", ("auto", "auto", "", ""), ""),
    ("auto", ("auto", "auto", "", ""), ""),
    ("codriver/auto", ("auto", "auto", "", ""), ""),
    ("auto:cost", ("auto", "cost", "", ""), ""),
    ("auto:quality", ("auto", "quality", "", ""), ""),
    ("quick", ("auto", "speed", "", ""), "your name for auto:speed"),
    ("best", ("pin", "auto", "openai/gpt-6-astra", ""), "your name for"),
    ("openai/gpt-5.5", ("pin", "auto", "openai/gpt-5.5", ""), ""),
    ("openai/gpt-5.5-latest", ("pin", "auto", "openai/gpt-5.5", ""), "is taken for openai/gpt-5.5"),
    ("OpenAI/GPT-5.5", ("pin", "auto", "openai/gpt-5.5", ""), "is taken for"),
    ("anthropic/claude-opus-5-5", ("pin", "auto", "anthropic/claude-opus-5-5", ""), ""),
    ("gpt-5.5", ("pin", "auto", "openai/gpt-5.5", ""), ""),
    ("gpt-5.5-2026-04-23", ("pin", "auto", "openai/gpt-5.5", ""), "is taken for"),
    ("gpt-6-luna-2026-09-01", ("pin", "auto", "openai/gpt-6-luna", ""), "is taken for"),
    ("claude-sonnet-5-5", ("tier", "auto", "", "medium"), "needs one of anthropic, vertex, which has no key"),
    ("claude-opus-5-5[1m]", ("tier", "auto", "", "large"), "large"),
    ("claude-haiku-4-5-20251001", ("tier", "auto", "", "small"), "small"),
    ("claude-3-5-haiku-latest", ("tier", "auto", "", "small"), "not configured"),
    ("gpt-4o", ("tier", "auto", "", "medium"), ""),
    ("gpt-4o-mini", ("tier", "auto", "", "small"), ""),
    ("gpt-5-codex", ("tier", "auto", "", "large"), ""),
    ("gpt-5-nano-2025-08-07", ("tier", "auto", "", "small"), ""),
    ("o3", ("tier", "auto", "", "large"), ""),
    ("o4-mini", ("tier", "auto", "", "small"), ""),
    ("gemini-2.5-pro", ("tier", "auto", "", "large"), ""),
    ("gemini-3-flash-preview", ("tier", "auto", "", "small"), ""),
]


@pytest.mark.parametrize(("asked", "expected", "note"), NAMES, ids=[n[0] or "(empty)" for n in NAMES])
def test_names(shipped: Catalog, asked: str, expected: tuple[str, str, str, str], note: str) -> None:
    mine = settings(routing={"aliases": {"quick": "auto:speed", "best": "openai/gpt-6-astra"}})
    found = shipped.resolve(asked, mine, keyed("openai"))
    assert (found.kind, found.strategy, found.model, found.tier) == expected
    assert note in found.note
    assert bool(found.note) == bool(note) or found.kind == "tier"


UNKNOWN = [
    ("qwertz", "auto"),
    ("gpt-55", "gpt-5.5"),
    ("openai/gpt-9", "providers.openai.models"),
    ("opena/gpt-5.5", "openai/gpt-5.5"),
    ("auto:cheap", "balanced"),
    ("loop", "no model is called 'loop'"),
]


@pytest.mark.parametrize(("asked", "words"), UNKNOWN)
def test_unknown_names_are_refused_with_near_ones(shipped: Catalog, asked: str, words: str) -> None:
    mine = settings(routing={"aliases": {"loop": "loop"}})
    with pytest.raises(RequestRejected) as caught:
        shipped.resolve(asked, mine, keyed("openai"))
    assert caught.value.failure.kind is Kind.UNKNOWN_MODEL
    assert caught.value.failure.field == "model"
    assert words in caught.value.failure.message


@pytest.mark.parametrize("asked", ["claude-sonnet-5-5", "gpt-4o", "gemini-2.5-pro"])
def test_strict_takes_no_hints(shipped: Catalog, asked: str) -> None:
    with pytest.raises(RequestRejected):
        shipped.resolve(asked, settings(routing={"strict_models": True}), keyed("openai"))


@pytest.mark.parametrize(
    ("usable", "asked", "tier"),
    [(("deepseek",), "gpt-4o-mini", "medium"), (("anthropic",), "gpt-4o-mini", "small"), ((), "o3", "large")],
)
def test_a_hint_goes_to_the_nearest_tier_there_is(
    shipped: Catalog, usable: tuple[str, ...], asked: str, tier: str
) -> None:
    found = shipped.resolve(asked, Settings(), keyed(*usable))
    assert (found.kind, found.tier) == ("tier", tier)


def test_a_model_that_two_providers_serve() -> None:
    dear = {
        "base_url": "https://d.example",
        "wire": "openai_chat",
        "models": {"gpt-5.5": {"price": {"input": 90, "output": 99}}},
    }
    found = catalog.load(settings(providers={"dear": dear}))
    both = keyed("openai", "dear")
    assert found.resolve("gpt-5.5", Settings(), both) == Resolution(
        "pin", "auto", "openai/gpt-5.5", note="of openai/gpt-5.5, dear/gpt-5.5, the cheapest is taken for 'gpt-5.5'"
    )
    assert found.resolve("gpt-5.5", Settings(), keyed("dear")).model == "dear/gpt-5.5"
    with pytest.raises(RequestRejected, match="say which"):
        found.resolve("gpt-5.5", settings(routing={"strict_models": True}), both)


def test_an_id_with_a_slash_is_found_before_it_is_cut() -> None:
    hub = {"base_url": "https://h.example", "wire": "openai_chat", "models": {"zai/glm-9": {}}}
    found = catalog.load(settings(providers={"hub": hub}))
    assert found.resolve("zai/glm-9", Settings()).model == "hub/zai/glm-9"
    assert found.resolve("hub/zai/glm-9", Settings()).model == "hub/zai/glm-9"
