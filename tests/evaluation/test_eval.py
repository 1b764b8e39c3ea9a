"""`codriver eval` end to end on small folders: rows, baselines, aims, picture, JSON, the same again by the same seed."""

from __future__ import annotations

import builtins
import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from synthetic import Guessing, Peeking, matrix, tiny, write

from codriver.cli import main
from codriver.errors import CodriverError
from codriver.evaluation import report
from codriver.evaluation.aims import aim, aims
from codriver.evaluation.baselines import Blind, Nearest, Ridge
from codriver.evaluation.codeless import codeless, prose
from codriver.evaluation.matrix import load
from codriver.evaluation.measures import OURS, Settings
from codriver.evaluation.picture import draw
from codriver.evaluation.running import chosen, run
from codriver.evaluation.study import Page, examine, pair
from codriver.evaluation.timing import clocked


def figures(page: Page) -> dict[str, float]:
    return {measure.key: measure.ours.value for measure in page.measures}


def two(seed: int = 0, rows: int = 400) -> Any:
    """A weak model that is right on what is easy, a strong one that is always right."""
    easy = np.random.default_rng(seed).random(rows) < 0.5
    return matrix(np.stack([easy.astype(float), np.ones(rows)], axis=1), [1.0, 10.0])


def test_who_knows_all_recovers_all_and_who_guesses_half() -> None:
    made = two()
    known, guessed = (figures(examine(made, Settings(kind, samples=50, unseen=0))) for kind in (Peeking, Guessing))
    share = 1 - made.score[:, 0].mean()
    assert known["apgr"] == pytest.approx(1 - share / 2)
    assert guessed["apgr"] == pytest.approx(0.5, abs=0.06)
    assert known["hardness"] > 0.99 and abs(guessed["hardness"]) < 0.15
    best = 1 - ((1 - share) * 1 + share * 10) / 10
    assert known["saved_100"] == pytest.approx(best)
    assert guessed["saved_100"] == pytest.approx(0.0, abs=0.02)
    assert guessed["below_98"] == pytest.approx(0.0, abs=0.05)


def test_a_model_left_out_is_hidden_from_training_and_measured() -> None:
    seen: list[np.ndarray] = []

    class Watching(Peeking):
        def fit(self, matrix: Any, rows: Any) -> None:
            seen.append(np.isnan(matrix.score[rows]).all(axis=0))

    score = np.random.default_rng(0).random((60, 3))
    page = examine(matrix(score, [1.0, 2.0, 3.0]), Settings(Watching, samples=20, unseen=3))
    assert {tuple(hidden.tolist()) for hidden in seen} == {
        (False, False, False), (True, False, False), (False, True, False), (False, False, True)
    }  # fmt: skip
    (unseen,) = (measure for measure in page.measures if measure.key == "unseen")
    assert unseen.ours.value == 0.0 and not unseen.rises
    lots = examine(matrix(score, [1.0, 2.0, 3.0]), Settings(Blind, samples=20, unseen=3))
    assert "unseen" not in figures(lots), "where nothing is recovered nothing can be lost"


def test_a_prediction_that_is_no_number_is_refused() -> None:
    class Broken(Peeking):
        def predict(self, matrix: Any, rows: Any) -> Any:
            return np.full((rows.size, len(matrix.models)), np.nan)

    with pytest.raises(CodriverError, match="peeking predicts what is no number on made"):
        examine(two(), Settings(Broken, samples=5, unseen=0))


@pytest.mark.parametrize("kind", [Ridge, Nearest, Blind])
def test_baselines_learn_what_a_word_says(tmp_path: Path, kind: Any) -> None:
    (made,) = load(tiny(tmp_path / "tiny", rows=240))
    page = figures(examine(made, Settings(kind, samples=20, unseen=0)))
    if kind is Blind:
        assert page["apgr"] == 0.5 and page["hardness"] == 0.0
    else:
        assert page["apgr"] > 0.6 and page["hardness"] > 0.5


def test_baselines_bear_unknown_models_and_empty_texts() -> None:
    made = matrix(np.random.default_rng(0).random((20, 3))).hiding(1)
    rows = np.arange(20)
    for kind in (Ridge, Nearest, Blind):
        predictor = kind()
        predictor.fit(made, rows[:10])
        found = predictor.predict(made, rows[10:])
        assert found.shape == (10, 3) and np.isfinite(found).all() and np.isfinite(predictor.hardness(made, rows)).all()


def test_the_pair_an_aim_names_is_taken_else_the_cheapest_and_the_best() -> None:
    score, names = np.tile([0.2, 0.5, 0.9], (20, 1)), ("kimi-k2-instruct", "x", "claude-sonnet-4.5")
    assert pair(matrix(score, models=names, name="swebench_pro")) == (0, 2)
    assert pair(matrix(score)) == (0, 2)
    assert pair(matrix(score, [5.0, 1.0, 7.0])) == (1, 2)


def test_processes_change_nothing(tmp_path: Path) -> None:
    tiny(tmp_path / "one"), tiny(tmp_path / "two", rows=40)
    settings = Settings(Ridge, {"neighbours": Nearest}, samples=20, unseen=1)
    told: list[str] = []
    alone, together = run(chosen(tmp_path), settings, 1, told.append), run(chosen(tmp_path), settings, 2, told.append)
    assert json.dumps(report.as_json(alone)) == json.dumps(report.as_json(together))
    assert sorted(told) == ["one", "one", "two", "two"]


def test_the_picture_is_a_drawing_of_every_priced_slice(tmp_path: Path) -> None:
    tiny(tmp_path / "a<b")
    pages = run(chosen(tmp_path), Settings(Ridge, samples=10, unseen=0), 1)
    root = ElementTree.fromstring(draw(pages))
    space = "{http://www.w3.org/2000/svg}"
    assert "a<b" in [text.text for text in root.iter(f"{space}text")]
    assert len(list(root.iter(f"{space}polyline"))) >= 5 and len(list(root.iter(f"{space}circle"))) >= 3
    for line in root.iter(f"{space}polyline"):
        assert all(
            math.isfinite(float(number)) for point in line.attrib["points"].split() for number in point.split(",")
        )
    ElementTree.fromstring(draw([]))


def test_every_aim_is_reachable_and_falling_ones_are_met_from_below() -> None:
    keys = {"apgr", "hardness", "share_98", "live_98", "unseen", "saved_95", "saved_100", "hardness_session",
            "milliseconds", "milliseconds_400k", *(f"verifier_{a}_{b}" for a in (80, 90) for b in (98, 100))}  # fmt: skip
    assert {each.measure for each in aims()} <= keys
    found = aim("routellm/mmlu", "apgr")
    assert found is not None and (found.floor, found.aim) == (0.684, 0.72)
    assert aim("anything", "apgr") is None and aim("anything", "unseen") is not None


def test_time_is_taken_for_each_text_and_a_long_one(tmp_path: Path) -> None:
    lengths: list[int] = []

    class Reading(Blind):
        def predict(self, matrix: Any, rows: Any) -> Any:
            lengths.append(len(matrix.queries[0].text))
            return np.zeros((1, len(matrix.models)))

    found = load(tiny(tmp_path / "tiny"))
    page = clocked(Reading(), found)
    assert page is not None
    assert [measure.key for measure in page.measures] == ["milliseconds", "milliseconds_400k"]
    assert all(0 < measure.ours.low <= measure.ours.value <= measure.ours.high for measure in page.measures)
    assert lengths.count(400_000) == 5 and max(length for length in lengths if length < 400_000) < 100
    assert clocked(Reading(), [matrix(np.ones((2, 2)))]) is not None
    assert clocked(Reading(), []) is None


def test_a_slice_is_measured_without_a_model_in_doubt_too(tmp_path: Path) -> None:
    queries = [{"query_id": f"q{row}", "source": source} for row, source in enumerate(["swe-bench", "gaia"] * 40)]
    outcomes = [
        {"query_id": query["query_id"], "model": model, "score": row % 2, "cost_usd": 1}
        for row, query in enumerate(queries)
        for model in ("claude-fable-5", "b", "c")
    ]
    write(tmp_path / "openhands_index", queries, outcomes)
    assert [(found.name, found.models) for found in chosen(tmp_path)] == [
        ("openhands_index/gaia", ("b", "c", "claude-fable-5")),
        ("openhands_index/swe-bench", ("b", "c", "claude-fable-5")),
        ("openhands_index/swe-bench without claude-fable-5", ("b", "c")),
    ]
    assert report.aim("openhands_index/swe-bench", "share_98") is not None


def test_prices_stand_for_costs_where_only_they_are_known(tmp_path: Path) -> None:
    queries = [{"query_id": f"q{row}", "text": "x"} for row in range(20)]
    outcomes = [
        {"query_id": f"q{row}", "model": model, "score": int(model == "llama3-70b-instruct")}
        for row in range(20)
        for model in ("qwen2.5-7b-instruct", "llama3-70b-instruct")
    ]
    known, stated = write(tmp_path / "known", queries, outcomes), write(tmp_path / "stated", queries, outcomes)
    (stated / "meta.json").write_text(json.dumps({"price_per_mtok": {"qwen2.5-7b-instruct": 3, "x": "?"}}))
    prices = {found.name: found.price.tolist() for found in load(tmp_path)}
    assert prices == {"known": [0.9, 0.2], "stated": [0.9, 3.0]}
    page = examine(load(known)[0], Settings(Blind, samples=10, unseen=0))
    assert page.axis == "dollars a token" and page.singles[0] == (
        "best single: llama3-70b-instruct",
        pytest.approx(9e-7),
        1.0,
    )


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("before\n```py\nx = 1\n```\nafter", ["before", "after"]),
        ("a `name` here", ["a", "here"]),
        ("cut off\n~~~~\nx\ny", ["cut", "off"]),
        ("see\r\n\r\n    x = 1\r\n\r\n>>> y\r\nend", ["see", "end"]),
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\nend - of it", ["end", "-", "of", "it"]),
        ("no code at all", ["no", "code", "at", "all"]),
    ],
)
def test_prose_is_a_text_without_its_code(text: str, left: list[str]) -> None:
    assert prose(text).split() == left


def test_what_code_brings_is_measured_by_taking_it_out(tmp_path: Path) -> None:
    hard = np.random.default_rng(0).random(120) < 0.5
    queries = [
        {"query_id": f"q{row}", "text": f"why?\n```\n{'goto' if is_hard else 'print'} it\n```"}
        for row, is_hard in enumerate(hard)
    ]
    outcomes = [{"query_id": f"q{row}", "model": model, "score": int(model == "strong" or not is_hard)}
                for row, is_hard in enumerate(hard) for model in ("weak", "strong")]  # fmt: skip
    (found,) = load(write(tmp_path / "code", queries, outcomes))
    page = examine(found, Settings(Ridge, samples=10, unseen=0))
    recovered = next(measure for measure in page.measures if measure.key == "apgr")
    assert recovered.ours.value > 0.7 and recovered.beside["without code"].value == pytest.approx(0.5, abs=0.05)
    assert {row[2] for row in report.ablation([page])} == {"all", "without code"}
    assert codeless(matrix(np.ones((3, 2)))) is None


ARGUMENTS = ("--quick", "--workers", "1")


def test_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny(tmp_path / "tiny")
    tiny(tmp_path / "tiny", part="held", rows=30)
    assert main(["eval", str(tmp_path), *ARGUMENTS, "--picture", str(tmp_path / "p.svg")]) == 0
    out = capsys.readouterr().out
    for part in ("tiny (held)", "APGR small -> large", "cost saved at 98%", OURS, "TF-IDF", "neighbours", "blind mix",
                 "best single: large", "best cheap single: small", "random mix", "(simulated)", "(replayed)", "ablation"):  # fmt: skip
        assert part in out, part
    assert (tmp_path / "p.svg").read_text().startswith("<svg")


def test_json_is_the_same_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny(tmp_path / "tiny"), tiny(tmp_path / "other")
    outputs = []
    for seed in ("1", "1", "2"):
        arguments = ["eval", str(tmp_path), "--json", "--matrix", "tiny", "--seed", seed, *ARGUMENTS]
        assert main(arguments) == 0
        outputs.append(json.loads(capsys.readouterr().out))
    assert outputs[0] == outputs[1] != outputs[2]
    (page,) = outputs[0]["matrices"]
    assert (page["matrix"], page["queries"], page["models"]) == ("tiny", 60, 3)
    by_key = {measure["measure"]: measure for measure in page["measures"]}
    saved = by_key["saved_98"]["codriver"]
    assert saved["low"] <= saved["value"] <= saved["high"]
    assert {"blind mix", "oracle", "TF-IDF", "neighbours"} <= set(by_key["saved_98"]["beside"])


def test_the_shipped_weights_are_measured_on_models_and_tasks_never_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny(tmp_path / "unheard-of")
    assert main(["eval", str(tmp_path), "--frozen", *ARGUMENTS]) == 0
    printed = capsys.readouterr().out
    assert "never saw" in printed and "public rows of: evalperf, llmrouter_mixed" in printed
    assert main(["eval", str(tmp_path), "--frozen", "--json", *ARGUMENTS]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frozen"] is True
    assert all(math.isfinite(measure["codriver"]["value"]) for measure in told["matrices"][0]["measures"]
               if measure["measure"] in {"apgr", "hardness", "saved_98"})  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--matrix", "nothing"], "no matrix nothing. It has tiny"), (["--folds", "1"], "folds")],
)
def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    tiny(tmp_path / "tiny")
    assert main(["eval", str(tmp_path), *arguments]) == 2
    assert told in capsys.readouterr().err


def test_without_numpy_one_is_told_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("codriver.evaluation"):
            raise ModuleNotFoundError("No module named 'numpy'", name="numpy")
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["eval", str(tmp_path)]) == 1
    assert "numpy" in capsys.readouterr().err
