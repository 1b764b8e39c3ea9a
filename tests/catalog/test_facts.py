"""Generated facts: their form, which of them count, and how they lie beneath what people write."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver import catalog
from codriver.catalog import facts
from codriver.catalog.building import build
from codriver.catalog.facts import BadFacts, Facts, Known, LongRates, Rates, Sheet, Spell
from codriver.catalog.sheets import Sheets, closed, opened, release
from codriver.config import ProviderTable
from codriver.model.provider import Model, Price

DAY = "2026-11-21"


def sheet(version: str = "0.2.3", provider: str = "acme", **models: Facts) -> Sheet:
    return Sheet(
        provider,
        DAY,
        {"genai-prices": version, "litellm": "1.0"},
        models or {"m": Facts(price=Rates(input=1, output=5))},
    )


# The form.


@pytest.mark.parametrize("path", sorted(facts.FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_shipped_facts_pass_their_own_check_and_are_written_as_they_are(path: Path) -> None:
    data = path.read_bytes()
    found = facts.read(data)
    assert (found.provider, facts.write(found)) == (path.stem, data)
    assert all(one.tables and (one.price or one.tariff or one.window) for one in found.models.values())


def test_shipped_facts_are_small() -> None:
    assert sum(path.stat().st_size for path in facts.FOLDER.iterdir()) < 800_000


def test_nothing_is_sold_at_a_price_that_lost_a_factor() -> None:
    """USD per token where per million is meant, or the other way round, is off by a million."""
    for path in facts.FOLDER.glob("*.json"):
        for id, one in facts.read(path.read_bytes()).models.items():
            if one.price is not None and one.chat:
                assert 0.001 <= one.price.input + one.price.output <= 2000, f"{path.stem}/{id}"


RATES = st.builds(
    Rates,
    input=st.floats(0, 100),
    output=st.floats(0, 100),
    cached=st.none() | st.floats(0, 10),
    long=st.just(()) | st.just((LongRates(above=1000, input=3.0),)),
)
FACTS = st.builds(
    Facts,
    window=st.none() | st.integers(1, 2_000_000),
    price=st.none() | RATES,
    batch=st.none() | RATES,
    tools=st.none() | st.booleans(),
    wires=st.sampled_from([(), ("openai_responses",)]),
    retires=st.sampled_from(["", "2027-02-28"]),
    source=st.text(max_size=20),
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(min_size=1, max_size=12), FACTS, min_size=1, max_size=5))
def test_what_is_written_is_read(models: dict[str, Facts]) -> None:
    made = sheet(**models) if "version" not in models and "provider" not in models else sheet()
    data = facts.write(made)
    assert facts.read(data) == made
    assert all(Known(data).find(id) == found for id, found in made.models.items())
    assert opened(closed([made])).keys() == {"acme"}


def page(**model: Any) -> bytes:
    whole = {"provider": "acme", "date": DAY, "tables": {}, "models": {"m": model}}
    return json.dumps(whole).encode()


BAD = [
    (b"", "empty"),
    (b"{", "cut off"),
    (b"[]", "another form"),
    (b"\xff\xfe", "no text"),
    (json.dumps({"provider": "acme", "date": DAY, "tables": {}, "models": {}}).encode(), "no models"),
    (page(price={"input": -1}), "a negative price"),
    (page(price={"input": 20_000}), "a lost factor"),
    (page(price={"input": "1"}), "a price in words"),
    (page(prize={"input": 1}), "an unknown key"),
    (page(window=0), "no window"),
    (page(retires="soon"), "no day"),
    (page(retires="2026-02-30"), "a day that is none"),
    (page(price={"input": 1}, tariff=[{"price": {"input": 1}}]), "both a price and a tariff"),
    (page(tariff=[{"price": {"input": 1}, "from": DAY}]), "no price before a day"),
    (page(tariff=[{"price": {"input": 1}}, {"price": {"input": 1}, "hours": ["10:00-04:00"]}]), "hours backwards"),
    (page(tariff=[{"price": {"input": 1}}, {"price": {"input": 1}, "hours": ["25:00-26:00"]}]), "hours that are none"),
    (page(tariff=[{"price": {"input": 1}}, {"price": {"input": 1}, "days": [8]}]), "a weekday that is none"),
    (page(price={"input": 1, "long": [{"above": 9}, {"above": 9}]}), "the same limit twice"),
    (page(price={"input": 1, "long": [{"above": 9, "long": [{"above": 10}]}]}), "limits within limits"),
]


@pytest.mark.parametrize(("data", "why"), BAD, ids=[why for _, why in BAD])
def test_bad_facts_are_refused(data: bytes, why: str) -> None:
    """E6: what is broken is refused, not half taken."""
    with pytest.raises(BadFacts):
        facts.read(data)


def test_a_name_is_known_with_its_date_too() -> None:
    known = Known(facts.write(sheet(**{"gpt-9": Facts(window=1), "gpt-9-2026-01-01": Facts(window=2)})))
    windows = {name: found.window if (found := known.find(name)) else None
               for name in ("gpt-9", "gpt-9-2026-01-01", "gpt-9-2026-05-05", "gpt-8", "gpt-9-latest")}  # fmt: skip
    assert windows == {"gpt-9": 1, "gpt-9-2026-01-01": 2, "gpt-9-2026-05-05": 1, "gpt-8": None, "gpt-9-latest": 1}
    assert known.find("nobody", "gpt-9") == Facts(window=1), "the first name that is known counts"


# Which count.


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "acme.json").write_bytes(facts.write(sheet("0.2.10")))
    return folder


@pytest.mark.parametrize(
    ("version", "taken"),
    [("0.2.11", "0.2.11"), ("0.3", "0.3"), ("0.2.10", "0.2.10"), ("0.2.9", "0.2.10"), ("?", "0.2.10")],
)
def test_the_newer_facts_count(shipped: Path, tmp_path: Path, version: str, taken: str) -> None:
    """An installation that was upgraded since a refresh does not go back to what it fetched then."""
    fetched = tmp_path / "prices.json"
    fetched.write_bytes(closed([sheet(version)]))
    found = Sheets(fetched, shipped).find("acme")
    assert found is not None and found.tables["genai-prices"] == taken


@pytest.mark.parametrize("harm", [b"", b"{}", b"half", b"changed"], ids=["empty", "other", "cut", "changed"])
def test_a_broken_fetched_file_is_told_and_the_shipped_facts_go_on(shipped: Path, tmp_path: Path, harm: bytes) -> None:
    """E6: a broken price file silently reverts to stale prices elsewhere."""
    fetched = tmp_path / "prices.json"
    whole = closed([sheet("9.9")])
    fetched.write_bytes({b"half": whole[: len(whole) // 2], b"changed": whole.replace(b":5", b":1")}.get(harm, harm))
    sheets = Sheets(fetched, shipped)
    found = sheets.find("acme")
    assert found is not None and found.tables["genai-prices"] == "0.2.10"
    assert str(fetched) in sheets.complaint and "shipped prices are used" in sheets.complaint
    assert catalog.load(fetched=fetched).complaint == sheets.complaint


def test_nothing_fetched_and_nothing_known_is_no_complaint(shipped: Path, tmp_path: Path) -> None:
    sheets = Sheets(tmp_path / "none.json", shipped)
    assert sheets.find("nobody") is None and sheets.complaint == ""


def test_versions_are_numbers() -> None:
    assert release({"genai-prices": "0.2.10"}) > release({"genai-prices": "0.2.9"}) > release({})


# Beneath what people write.

FOUND = Facts(
    window=400_000, max_input=272_000, max_output=64_000, images=True, schema=True, reasoning=True, tools=True,
    price=Rates(input=1, cached=0.1, output=5, long=(LongRates(above=1000, input=2, output=7),)),
    batch=Rates(input=0.5, output=2.5), retires="2027-01-01", source="https://acme.example/m",
)  # fmt: skip
TARIFF = Facts(tariff=(Spell(Rates(input=2, output=2)), Spell(Rates(input=1, output=1), hours=("00:00-12:00",))))


def made(id: str, theirs: dict[str, Any], mine: dict[str, Any] | None = None, **models: Facts) -> Model:
    """The model `id` of a provider with this shipped table, this one of the user, and these facts."""
    shipped_table = {"base_url": "https://acme.example", "wires": {"openai_chat": "/v1"}, "key_env": ["K"],
                     "source": "https://acme.example", "date": DAY, "models": {id: theirs}}  # fmt: skip
    own = ProviderTable.model_validate({"models": {id: mine}}) if mine is not None else None
    known = Known(facts.write(sheet(**models)))
    sold = build("acme", ProviderTable.model_validate(shipped_table), own, file="f", names=(), known=known, now=1.0)
    (model,) = sold.provider.models
    return model


def test_generated_facts_fill_what_nobody_wrote() -> None:
    model = made("m", {"tier": "large"}, m=FOUND)
    assert (model.window, model.max_input, model.max_output) == (400_000, 272_000, 64_000)
    assert (model.images, model.schema, model.reasoning, model.tools, model.chat) == (True,) * 5
    assert model.price == Price(1, 0.1, 1, 5, longer=((1000, Price(2, 2, 2, 7)),)), "an unstated cache costs as fresh"
    assert model.batch is not None and (model.batch.input, model.batch.cached) == (0.5, 0.1)
    assert model.source == f"https://acme.example/m ({DAY})"
    assert model.retires == 1798761600.0


def test_the_written_goes_over_the_generated_and_the_users_over_both() -> None:
    written = {"window": 300_000, "images": False, "retires": "2028-01-01", "price": {"input": 3, "output": 9}}
    model = made("m", written, m=FOUND)
    assert (model.window, model.images, model.schema, model.retires) == (300_000, False, True, 1830297600.0)
    assert model.price == Price(3, 3, 3, 9), "a price is one thing: no tier of another goes with it"
    assert (model.batch, model.tariff, model.source) == (None, None, f"https://acme.example ({DAY})")
    mine = {"images": True, "price": {"input": 4, "output": 10, "written_1h": 8}, "batch": {"input": 1, "output": 2}}
    model = made("m", written, mine, m=FOUND)
    assert (model.window, model.images, model.source) == (300_000, True, "your settings")
    assert model.price == Price(4, 4, 4, 10, written_1h=8) and model.batch == Price(1, 1, 1, 2)


def test_a_written_price_has_no_hours_of_another() -> None:
    model = made("m", {}, m=TARIFF)
    assert model.tariff is not None and (model.price.input, model.price_at(3600.0).input) == (2, 1)
    assert made("m", {"price": {"input": 3, "output": 9}}, m=TARIFF).tariff is None


def test_facts_are_found_by_the_providers_own_name() -> None:
    assert made("short", {"upstream_id": "accounts/a/m"}, **{"accounts/a/m": FOUND}).window == 400_000
    assert made("m-2026-01-01", {}, m=FOUND).window == 400_000


def test_a_model_is_served_on_the_wires_that_are_known_to_serve_it() -> None:
    both = Facts(window=9, wires=("openai_chat", "openai_responses"))
    assert made("m", {}, m=both).wires == ("openai_chat",), "the other one is not the provider's"
    assert made("m", {}, m=Facts(window=9, wires=("openai_responses",))).wires == ()
    assert made("m", {"wires": ["openai_chat"]}, m=Facts(window=9)).wires == ("openai_chat",)


@pytest.mark.parametrize(
    ("name", "wires"),
    [
        ("gpt-5.5-pro", ("openai_responses",)),
        ("gpt-5.3-codex", ("openai_responses",)),
        ("o3-pro-2025-06-10", ("openai_responses",)),
        ("o3-deep-research", ("openai_responses",)),
        ("gpt-5.4", ()),
        ("gpt-4.1", ()),
    ],
)
def test_openais_models_without_a_chat_endpoint(name: str, wires: tuple[str, ...]) -> None:
    found = Known((facts.FOLDER / "openai.json").read_bytes()).find(name)
    assert found is not None and found.wires == wires


def test_a_model_nobody_knows_is_never_free() -> None:
    model = made("unknown", {"tier": "large"}, m=FOUND)
    assert model.price.input > 0 and model.source == ""
    unpriced = made("m", {}, m=Facts(window=5))
    assert unpriced.price.input > 0 and (unpriced.window, unpriced.source) == (5, "")


def test_a_window_below_the_longest_prompt_is_the_limit() -> None:
    assert made("m", {"window": 8_000}, m=FOUND).max_input == 0


def test_discovered_models_have_facts_unless_a_template_fits() -> None:
    table = {"base_url": "https://acme.example", "wires": {"openai_chat": "/v1"}, "discover": "/v1/models",
             "models": {"tmpl": {"window": 9_000}}}  # fmt: skip
    known = Known(facts.write(sheet(m=FOUND, **{"tmpl-x": FOUND})))
    sold = build("acme", ProviderTable.model_validate(table), None, file="f", names=(), known=known)
    found = {model.id: model for model in catalog.building.instances(sold, ["m", "tmpl-x", "new"])}
    assert (found["m"].window, found["m"].price.input, found["m"].upstream_id) == (400_000, 1, "m")
    assert found["tmpl-x"].window == 9_000
    assert (found["new"].window, found["new"].source) == (128_000, "")


# The cache of parsed files.


def test_parsed_files_are_read_from_the_cache_and_anew_when_they_change(tmp_path: Path) -> None:
    folder, cache = tmp_path / "providers", tmp_path / "parsed.json"
    folder.mkdir()
    file = folder / "acme.toml"
    text = 'base_url = "https://acme.example"\n[wires]\nopenai_chat = "/v1"\n[models.one]\nwindow = 1000\n'
    file.write_text(text)
    fresh = catalog.load(folder=folder, cache=cache)
    kept = cache.read_bytes()
    assert catalog.load(folder=folder, cache=cache).models == fresh.models == catalog.load(folder=folder).models
    assert cache.read_bytes() == kept
    file.write_text(text.replace("1000", "20000"))
    assert catalog.load(folder=folder, cache=cache).models[0].window == 20_000
    assert cache.read_bytes() != kept


@pytest.mark.skipif(sys.platform == "win32", reason="there a file's own time is that of its making")
def test_a_changed_file_is_read_anew_though_its_size_and_time_are_as_before(tmp_path: Path) -> None:
    """As in images whose files all have one time."""
    file, cache = tmp_path / "box.toml", tmp_path / "parsed.json"
    for window in (11_111, 22_222):
        file.write_text(f'base_url = "http://box"\n[wires]\nopenai_chat = "/v1"\n[models.m]\nwindow = {window}\n')
        os.utime(file, (315_532_800, 315_532_800))
        assert catalog.load(folder=tmp_path, cache=cache).models[0].window == window


@pytest.mark.parametrize(
    "harm", [b"", b"{", b'{"x": 3}', b'{"FILE": {"changed": CHANGED, "size": SIZE, "tables": {"models": 3}}}']
)
def test_a_broken_cache_does_no_harm(tmp_path: Path, harm: bytes) -> None:
    cache, file = tmp_path / "parsed.json", catalog.SHIPPED / "openai.toml"
    seen = file.stat()
    for name, value in (("FILE", str(file)), ("CHANGED", str(seen.st_mtime_ns)), ("SIZE", str(seen.st_size))):
        harm = harm.replace(name.encode(), value.encode())
    cache.write_bytes(harm)
    assert catalog.load(cache=cache).models == catalog.load().models


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    assert catalog.load(cache=tmp_path / "no" / "folder.json").models == catalog.load().models
    assert list(tmp_path.iterdir()) == []
