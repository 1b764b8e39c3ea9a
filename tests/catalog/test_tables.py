"""Two maintained price tables become one sheet of facts: tiers, hours, dates, batches, disagreements."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.small import TODAY, genai_table, hours, litellm_table, price, row, since
from codriver.catalog import facts
from codriver.catalog.facts import Facts, Rates, Sheet, Spell
from codriver.catalog.tables import genai, litellm
from codriver.catalog.tables.entry import BadTable
from codriver.catalog.tables.merging import Difference, Source, Tables, sheet, sources
from codriver.catalog.tables.renewing import renewed

ACME = Source(genai=("acme",), litellm=("acme",), prefix="acme/")


def merge(
    models: list[str] | None = None, source: Source = ACME, **rows: dict[str, Any]
) -> tuple[dict[str, Facts], list[Difference]]:
    tables = Tables(
        genai.read(genai_table(acme=models or []), TODAY), litellm.read(litellm_table(**rows)), {"genai-prices": "1"}
    )
    found, differences = sheet("acme", source, tables, TODAY)
    assert facts.read(facts.write(found)) == found, "what is generated passes its own check"
    return found.models, differences


def flat(per_million: float, output: float, **more: Any) -> dict[str, Any]:
    return {"input_cost_per_token": per_million / 1e6, "output_cost_per_token": output / 1e6} | more


PLAIN = price(input_mtok="1", output_mtok="5")


def test_both_know_a_model_and_each_fills_what_the_other_leaves_out() -> None:
    models, differences = merge(
        [row("m", price(input_mtok="1", cache_read_mtok="0.1", output_mtok="5"), more="context_window=400_000")],
        m=flat(1, 5, cache_creation_input_token_cost_above_1hr=2e-6, max_input_tokens=272_000, max_output_tokens=128_000,
               supports_vision=True, supports_reasoning=False, source="https://acme.example/m",
               input_cost_per_token_batches=5e-7, output_cost_per_token_batches=2.5e-6),
    )  # fmt: skip
    m = models["m"]
    assert m.price == Rates(input=1, cached=0.1, written_1h=2, output=5)
    assert m.batch == Rates(input=0.5, output=2.5)
    assert (m.window, m.max_input, m.max_output) == (400_000, 272_000, 128_000), "prompt and answer make the window"
    assert (m.images, m.reasoning, m.tools) == (True, False, None)
    assert (m.source, m.tables) == ("https://acme.example/m", "genai-prices+litellm")
    assert differences == []


@pytest.mark.parametrize("only", ["genai", "litellm"])
def test_a_model_that_one_table_lacks(only: str) -> None:
    models, differences = merge([row("m", PLAIN)]) if only == "genai" else merge(m=flat(1, 5))
    assert models["m"].price == Rates(input=1, output=5) and models["m"].tables.startswith(only)
    assert differences == []


def test_a_disagreement_over_one_percent_is_listed_and_the_dated_table_is_taken() -> None:
    models, differences = merge([row("m", PLAIN), row("n", PLAIN)], m=flat(1.2, 5.04), n=flat(1.005, 5))
    assert models["m"].price == Rates(input=1, output=5)
    assert [(d.model, d.what, d.genai, d.litellm) for d in differences] == [("m", "price: input", "1", "1.2")]
    assert "genai-prices is taken" in differences[0].rule


def test_the_dearer_is_taken_where_a_source_says_so() -> None:
    models, differences = merge([row("m", PLAIN), row("n", PLAIN)], Source(("acme",), ("acme",), "acme/", dearer=True),
                                m=flat(1.2, 6), n=flat(0.8, 4))  # fmt: skip
    assert (models["m"].price, models["n"].price) == (Rates(input=1.2, output=6), Rates(input=1, output=5))
    assert {d.model for d in differences} == {"m", "n"}


def test_prices_for_long_prompts() -> None:
    tiered = price(
        input_mtok={0: "1", 200_000: "2"},
        cache_read_mtok={0: "0.1", 200_000: "0.2"},
        output_mtok={0: "5", 200_000: "7.5"},
    )
    models, differences = merge(
        [row("m", tiered)],
        m=flat(1, 5, input_cost_per_token_above_200k_tokens=2e-6, output_cost_per_token_above_200k_tokens=7.5e-6,
               input_cost_per_token_above_200k_tokens_priority=9e-6),
        stepped={"tiered_pricing": [
            {"range": [0, 32_000.0], "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6},
            {"range": [32_000.0, 128_000.0], "input_cost_per_token": 3e-6, "output_cost_per_token": 4e-6,
             "output_cost_per_reasoning_token": 6e-6}]},
    )  # fmt: skip
    (step,) = models["m"].price.long if models["m"].price else ()
    assert (step.above, step.input, step.cached, step.output) == (200_000, 2, 0.2, 7.5)
    stepped = models["stepped"].price
    assert stepped is not None and (stepped.input, stepped.output) == (1, 2)
    assert [(s.above, s.input, s.output) for s in stepped.long] == [(32_000, 3, 6)], "thinking is the dearer answer"
    assert differences == []


def test_prices_have_a_history_and_a_future_and_what_ended_long_ago_is_left_out() -> None:
    history = [f"ConditionalPrice(prices={price(input_mtok='9', output_mtok='9')})",
               since("2025-01-01", price(input_mtok="8", output_mtok="8")),
               since("2026-06-01", price(input_mtok="2", output_mtok="4")),
               since("2027-01-01", price(input_mtok="1", output_mtok="2"))]  # fmt: skip
    models, _ = merge([row("m", f"[{', '.join(history)}]")])
    assert [(s.since, s.price.input) for s in models["m"].tariff] == [("", 8), ("2026-06-01", 2), ("2027-01-01", 1)]


OFF_PEAK = {
    "input_cost_per_token": 1e-6,
    "output_cost_per_token": 2e-6,
    "windows": [
        {"hours_utc": ["00:00-01:00", "10:00-00:00"], "weekdays": [1, 2]},
        {"hours_utc": "00:00-00:00", "weekdays": [6]},
    ],
}


def test_hours_come_from_the_table_that_knows_weekdays_and_dates_from_the_other() -> None:
    peak, cheap = price(input_mtok="2", output_mtok="4"), price(input_mtok="1", output_mtok="2")
    timed = ", ".join([f"ConditionalPrice(prices={PLAIN})", since("2026-08-17", cheap), hours(1, 10, peak)])
    models, differences = merge([row("m", f"[{timed}]")], m=flat(2, 4, off_peak_pricing=OFF_PEAK))
    assert [(s.since, s.days, s.hours, s.price.input) for s in models["m"].tariff] == [
        ("", (), (), 1), ("2026-08-17", (), (), 2), ("2026-08-17", (1, 2), ("00:00-01:00", "10:00-24:00"), 1),
        ("2026-08-17", (6,), (), 1),
    ]  # fmt: skip
    assert [d.what for d in differences] == ["hours"]


def test_days_that_are_counted_elsewhere_leave_the_dear_price() -> None:
    models, _ = merge(m=flat(2, 4, off_peak_pricing=OFF_PEAK | {"weekday_timezone": "Asia/Shanghai"}))
    assert models["m"].price == Rates(input=2, output=4)


def test_hours_over_midnight_are_two_spans() -> None:
    night = price(input_mtok="1", output_mtok="1")
    models, _ = merge([row("m", f"[ConditionalPrice(prices={PLAIN}), {hours(22, 3, night)}]")])
    assert models["m"].tariff[1].hours == ("00:00-03:00", "22:00-24:00")


def test_batch_prices_that_have_begun() -> None:
    def variant(when: str, cost: str, constraint: str = "") -> str:
        prices = price(input_mtok=cost, output_mtok=cost)
        return f"PriceVariant(when={{'processing': {when!r}}}, prices={prices}{constraint})"

    later = ", constraint=StartDateConstraint(start_date=datetime.date(2027, 1, 1))"
    variants = f"price_variants=[{variant('batch', '9', later)}, {variant('batch', '0.5')}, {variant('flex', '3')}]"
    models, _ = merge([row("m", PLAIN, more=variants)])
    assert models["m"].batch == Rates(input=0.5, output=0.5)


WINDOWS = [
    (None, 1000, 100, (1000, None), "one table only"),
    (400_000, 272_000, 128_000, (400_000, 272_000), "the prompt alone, and both"),
    (1_000_000, 1_048_576, 8192, (1_048_576, None), "a rounded number is the same number"),
    (1_000_000, 922_000, 128_000, (1_050_000, 922_000), "rounded, and the prompt alone"),
    (128_000, 128_000, 16_000, (128_000, None), "both count the whole"),
    (256_000, 32_000, 8191, (32_000, None), "the smaller, when they contradict"),
]


@pytest.mark.parametrize(("whole", "prompt", "answer", "expected", "why"), WINDOWS, ids=[w[4] for w in WINDOWS])
def test_windows(whole: int | None, prompt: int, answer: int, expected: tuple[int, int | None], why: str) -> None:
    mine = [row("m", PLAIN, more=f"context_window={whole}")] if whole else []
    models, differences = merge(mine, m=flat(1, 5, max_input_tokens=prompt, max_output_tokens=answer))
    assert (models["m"].window, models["m"].max_input) == expected
    assert bool(differences) == ("contradict" in why)


def test_retired_models_are_remembered_for_a_year() -> None:
    models, _ = merge(new=flat(1, 5, deprecation_date="2027-01-01"), gone=flat(1, 5, deprecation_date="2026-02-01"),
                      forgotten=flat(1, 5, deprecation_date="2025-11-01"))  # fmt: skip
    assert {name: found.retires for name, found in models.items()} == {"new": "2027-01-01", "gone": "2026-02-01"}


def test_what_is_for_free_is_not_believed_and_a_free_cache_write_is_an_ordinary_one() -> None:
    models, _ = merge([row("n", "ModelPrice()")], m=flat(0, 0, max_input_tokens=1000),
                      w=flat(1, 5, cache_creation_input_token_cost=0.0))  # fmt: skip
    assert (models["m"].price, models["m"].window, "n" in models) == (None, 1000, False)
    assert models["w"].price == Rates(input=1, output=5)


def test_only_what_answers_text_with_text_and_embedders() -> None:
    models, _ = merge([row("m-tts", PLAIN), row("bge-m3", price(input_mtok="0.1"))],
                      image=flat(1, 5, mode="image_generation"), e=flat(0.1, 0, mode="embedding", supports_vision=True),
                      hole=flat(1, 2, mode="completion"))  # fmt: skip
    assert models.keys() == {"bge-m3", "e", "hole"}
    assert [(models[name].embeds, models[name].chat) for name in ("bge-m3", "e", "hole")] == [
        (True, False), (True, False), (False, False)]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "wires"),
    [
        ({"mode": "responses"}, ("openai_responses",)),
        (
            {"mode": "responses", "supported_endpoints": ["/v1/chat/completions", "/v1/responses"]},
            ("openai_responses",),
        ),
        ({"supported_endpoints": ["/v1/responses", "/v1/batch"]}, ("openai_responses",)),
        ({"supported_endpoints": ["/v1/chat/completions", "/v1/responses"]}, ()),
        ({"supported_endpoints": None}, ()),
        ({}, ()),
    ],
)
def test_models_that_only_the_responses_endpoint_serves(said: dict[str, Any], wires: tuple[str, ...]) -> None:
    models, _ = merge(m=flat(1, 5, **said))
    assert (models["m"].wires, models["m"].chat) == (wires, True)


def test_names() -> None:
    either = "ClauseOr(or_=[ClauseStartsWith(starts_with='M-1'), ClauseAnd(and_=[ClauseContains(contains='one'), ClauseEndsWith(ends_with='x')])])"
    models, _ = merge(
        [row("m", PLAIN, match=either), row("short", PLAIN, match="ClauseEquals(equals='accounts/a/short')"),
         row("r", PLAIN, match="ClauseRegex(regex='^r-\\\\d$')")],
        **{"acme/m-1-a": flat(1, 5, max_input_tokens=10), "m-1-a": flat(7, 7), "the-one-x": flat(1, 5), "r-7": flat(1, 5),
           "m-1-a-2026-01-01": flat(1, 5, max_input_tokens=10), "other": flat(2, 2)},
    )  # fmt: skip
    assert models.keys() == {"m-1-a", "the-one-x", "r-7", "other", "accounts/a/short"}, (
        "a date that says nothing new goes"
    )
    assert models["m-1-a"].tables == "genai-prices+litellm" and models["m-1-a"].window == 10, "a prefix is more exact"


def test_the_same_tables_give_the_same_bytes() -> None:
    rows = {name: flat(1, 5, supports_vision=True) for name in ("b", "a", "c")}
    made = [facts.write(Sheet("acme", TODAY, {"litellm": "1"}, merge(**dict(order))[0]))
            for order in (rows.items(), reversed(rows.items()))]  # fmt: skip
    assert made[0] == made[1]
    assert made[0].count(b"\n") == 3 + 1 + 3 + 1, "one line for each model"


BROKEN = ["", "x = 1", "def", genai_table(acme=["ModelInfo(id=__import__('os'))"]), genai_table(acme=["3"]),
          "providers: list = [Provider(id='a', models=[" + row("m", "[ConditionalPrice(constraint=Moon(), prices=" + PLAIN + ")]") + "])]",
          "providers: list = open('/etc/passwd').read()", "providers: list = " + "[" * 4000 + "]" * 4000, "\0"]  # fmt: skip


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_table_is_refused_and_never_run(text: str) -> None:
    """E6: a broken price table is refused loudly."""
    with pytest.raises(BadTable):
        genai.read(text, TODAY)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"m": 3}', b'{"m": {"mode": "chat"}}', b'{"m": {"mode":', b"\xff"])
def test_what_is_no_table_of_the_other_kind_is_refused(data: bytes) -> None:
    with pytest.raises(BadTable):
        litellm.read(data)


def test_every_source_is_a_shipped_sheet_and_the_other_way_round() -> None:
    assert {path.stem for path in facts.FOLDER.glob("*.json")} == sources().keys()


# A newer table over what is here.


def renew(held: Facts, newer: str, source: Source = ACME) -> tuple[Facts, list[str]]:
    sheets = {"acme": Sheet("acme", "2026-01-01", {"genai-prices": "1", "litellm": "1"}, {"m": held})}
    found, changes = renewed(
        sheets, genai.read(genai_table(acme=[row("m", newer)]), TODAY), {"acme": source}, "2", TODAY
    )
    assert found[0].tables == {"genai-prices": "2", "litellm": "1"} and found[0].date == TODAY
    return found[0].models["m"], changes


HELD = Facts(price=Rates(input=1, cached=0.1, output=5), images=True, window=9, tables="genai-prices+litellm")
HOURLY = Facts(
    tariff=(Spell(Rates(input=2, output=4)), Spell(Rates(input=1, output=2), days=(6, 7))),
    tables="genai-prices+litellm",
)


def test_a_newer_price_replaces_one_and_nothing_else() -> None:
    found, changes = renew(HELD, price(input_mtok="2", output_mtok="5"))
    assert found.price == Rates(input=2, output=5) and (found.images, found.window) == (True, 9)
    assert changes == ["acme/m: input 1 -> 2"]


def test_the_same_price_keeps_what_the_other_table_knew() -> None:
    assert renew(HELD, PLAIN) == (HELD, [])
    assert renew(HOURLY, price(input_mtok="2", output_mtok="4")) == (HOURLY, [])


def test_an_announced_change_is_taken_although_nothing_changed_yet() -> None:
    later = since("2027-01-01", price(input_mtok="3", output_mtok="6"))
    found, changes = renew(HELD, f"[ConditionalPrice(prices={PLAIN}), {later}]")
    assert [(spell.since, spell.price.input) for spell in found.tariff] == [("", 1), ("2027-01-01", 3)]
    assert changes == ["acme/m: another price from 2027-01-01"]


def test_a_newer_price_ends_the_hours_of_an_older_one() -> None:
    found, changes = renew(HOURLY, price(input_mtok="3", output_mtok="4"))
    assert (found.price, found.tariff) == (Rates(input=3, output=4), ())
    assert changes == ["acme/m: input 2 -> 3"]


def test_where_the_dearer_counts_a_cheaper_one_is_not_taken() -> None:
    dearer = Source(("acme",), ("acme",), dearer=True)
    assert renew(HELD, price(input_mtok="0.5", output_mtok="5"), dearer) == (HELD, [])
    assert renew(HELD, price(input_mtok="1.5", output_mtok="5"), dearer)[0].price == Rates(input=1.5, output=5)
