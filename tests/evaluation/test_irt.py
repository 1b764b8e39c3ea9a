"""The item-response model, the shipped weights and their training, on worlds whose truth is known."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import synthetic

from codriver.cli import main
from codriver.errors import ConfigError
from codriver.evaluation import abilities as public
from codriver.evaluation import licences, sources
from codriver.evaluation.irt import Codriver, Frozen
from codriver.evaluation.kernels import near, products
from codriver.evaluation.matrix import Matrix, Query
from codriver.evaluation.texts import beside, filled, lettered, worded
from codriver.evaluation.training import lesson, train
from codriver.routing import wording

FILLER = [
    "please",
    "look",
    "at",
    "the",
    "file",
    "and",
    "tell",
    "what",
    "it",
    "does",
    "there",
    "before",
    "the",
    "next",
    "step",
    "of",
    "our",
    "long",
    "plan",
]


def world(rows: int = 240, seed: int = 3) -> Matrix:
    """Three models; `tensor` makes a question hard for the small ones, `riddle` for all, `poem` for the middle one."""
    draw = np.random.default_rng(seed)
    queries, scores = [], []
    for row in range(rows):
        hard, riddle, poem = draw.random(3) < 0.4
        words = [str(word) for word in draw.choice(FILLER, 12)]
        words += ["tensor"] * bool(hard) + ["riddle"] * bool(riddle) + ["poem"] * bool(poem)
        logits = np.array([0.5 - 3 * hard - 2 * riddle, 1.0 - 2 * hard - 2 * riddle - 3 * poem, 2.5 - 2 * riddle])
        draw.shuffle(words)
        queries.append(Query(f"q{row}", f"q{row}", "made", "generate", text=" ".join(words)))
        scores.append((draw.random(3) < 1 / (1 + np.exp(-logits))).astype(float))
    made = synthetic.matrix(scores, models=("gpt-4o-mini", "claude-3-5-sonnet", "claude-opus-4-8"))
    return replace(made, queries=tuple(queries))


def test_it_learns_what_each_model_finds_hard() -> None:
    matrix, asked = world(600), np.arange(480, 600)
    learner = Codriver()
    learner.fit(matrix, np.arange(480))
    told = learner.predict(matrix, asked)
    assert told.shape == (120, 3) and np.isfinite(told).all() and (told >= 0).all() and (told <= 1).all()
    texts = [matrix.queries[row].text for row in asked]
    tensor, poem = (np.array([word in text for text in texts]) for word in ("tensor", "poem"))
    gain = told[:, 2] - told[:, 0]
    assert gain[tensor].mean() > gain[~tensor].mean() + 0.1
    assert told[~poem, 1].mean() > told[poem, 1].mean() + 0.1
    assert np.corrcoef(learner.hardness(matrix, asked), -matrix.score[480:].mean(axis=1))[0, 1] > 0.3


def test_outcomes_of_the_asked_rows_are_not_looked_at() -> None:
    matrix = world(120)
    learner, rows = Codriver(), np.arange(80, 120)
    learner.fit(matrix, np.arange(80))
    before = learner.predict(matrix, rows)
    matrix.score[80:] = 0.0
    assert np.array_equal(before, learner.predict(matrix, rows))


def test_a_model_of_which_only_the_name_is_known() -> None:
    matrix = world().hiding(2)
    learner = Codriver()
    learner.fit(matrix, np.arange(180))
    told = learner.predict(matrix, np.arange(180, 240)).mean(axis=0)
    assert np.isfinite(told).all() and told[2] > told[0]


@pytest.mark.parametrize("kind", [Codriver, Frozen])
@pytest.mark.parametrize(
    "text", ["", "x", "\ud800", "词 " * 50, "```\n" * 20], ids=["none", "one", "surrogate", "chinese", "fences"]
)
def test_matrices_with_little_in_them(kind: type[Codriver] | type[Frozen], text: str) -> None:
    matrix = synthetic.matrix([[0.0, 1.0], [1.0, np.nan], [1.0, 1.0], [0.0, 1.0]])
    matrix = replace(matrix, queries=tuple(replace(query, text=text) for query in matrix.queries))
    learner = kind()
    learner.fit(matrix, np.arange(3))
    told = learner.predict(matrix, np.array([3]))
    assert np.isfinite(told).all() and np.isfinite(learner.hardness(matrix, np.array([3]))).all()


def test_frozen_goes_by_names_alone() -> None:
    told = Frozen().predict(world(30), np.arange(30)).mean(axis=0)
    assert told[0] < told[1] < told[2]


def test_kernels_are_inner_products() -> None:
    texts = [query.text for query in world(90).queries]
    for space in (worded(texts), lettered(texts), beside(worded(texts), filled(np.ones((90, 2))))):
        dense = np.zeros((90, space.columns))
        dense[space.row_of(), space.column] = space.value
        assert np.allclose(products(space), dense @ dense.T, rtol=1e-4, atol=1e-3)
        assert np.allclose(space.times(np.eye(space.columns)[:, :4]), dense[:, :4])
    alike = near(products(worded(texts)), 0.1)
    assert np.allclose(np.diag(alike), 1.0) and alike.max() <= 1.0 + 1e-6


def test_trained_weights_know_the_hard_words_and_come_out_the_same_again() -> None:
    taught = lesson(world(400))
    text = train([taught])
    assert text == train([taught])
    by = wording.parsed(text)
    calm = " ".join(FILLER[:12])
    hard, gap = wording.traits(wording.read(f"{calm} tensor"), by)
    plain, usual = wording.traits(wording.read(calm), by)
    assert hard > plain and gap > usual
    assert wording.traits(wording.read(""), by) == (0.0, 0.0)


def _folder(folder: Path, name: str) -> Path:
    matrix = world(60)
    queries = [{"query_id": query.id, "split_key": query.id, "text": query.text} for query in matrix.queries]
    outcomes = [
        {"query_id": query.id, "model": model, "score": float(matrix.score[row, column])}
        for row, query in enumerate(matrix.queries)
        for column, model in enumerate(matrix.models)
    ]
    return synthetic.write(folder / name, queries, outcomes)


def test_train_writes_weights_abilities_and_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _folder(tmp_path / "in", "routellm")
    _folder(tmp_path / "in", "secret")
    (tmp_path / "in" / "priors").mkdir()
    rows = [
        {"source": "aider:polyglot_leaderboard", "model": model, "task": "edit", "score": score, "n": 225, "date": "2025-08-01"}
        for model, score in (("gpt-5", 0.88), ("gpt-4o", 0.23), ("claude-opus-4-20250514", 0.72))
    ]  # fmt: skip
    (tmp_path / "in" / "priors" / "task_scores.jsonl.gz").write_bytes(
        gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    )
    files = {name: str(tmp_path / name) for name in ("weights.json", "abilities.json", "report.md")}
    words = ["train", str(tmp_path / "in"), "--out", files["weights.json"], "--abilities", files["abilities.json"]]
    assert main([*words, "--report", files["report.md"]]) == 0
    text = Path(files["weights.json"]).read_text()
    wording.parsed(text)
    assert all(word not in text for word in ("tensor", "riddle"))
    told = json.loads(Path(files["abilities.json"]).read_text())["models"]
    assert told["gpt-5"]["skill"][""] > told["gpt-4o"]["skill"][""]
    assert "0.880 (2025-08-01; Apache-2.0)" in told["gpt-5"]["from"][0]
    report = Path(files["report.md"]).read_text()
    assert "| routellm |" in report and "secret" not in report
    again = tmp_path / "again.json"
    assert main(["train", str(tmp_path / "in"), "--out", str(again)]) == 0
    assert again.read_bytes() == Path(files["weights.json"]).read_bytes()


def test_abilities_rest_on_licensed_rows_alone(tmp_path: Path) -> None:
    _folder(tmp_path / "in", "routellm")
    _folder(tmp_path / "in", "secret")
    (tmp_path / "in" / "priors").mkdir()
    rows = [
        {"source": source, "model": model, "task": "edit", "score": score, "n": 200, "date": "2025-08-01"}
        for source, model, score in (
            ("aider:polyglot_leaderboard", "gpt-5", 0.88), ("aider:polyglot_leaderboard", "gpt-4o", 0.23),
            ("openhands-index", "gpt-5", 0.7), ("openhands-index", "claude-fable-5", 0.8),
            ("matrix:swebench_mini", "claude-fable-6", 0.7), ("a board nobody knows", "glm-99", 0.6),
        )
    ]  # fmt: skip
    priors = tmp_path / "in" / "priors" / "task_scores.jsonl.gz"
    out = tmp_path / "abilities.json"
    words = ["train", str(tmp_path / "in"), "--out", str(tmp_path / "w.json"), "--abilities", str(out)]
    priors.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    assert main(words) == 0
    made = out.read_bytes()
    told = json.loads(made)
    assert told["sources"]["aider"]["licence"] == "Apache-2.0" and "gpt-4o" in told["models"]
    assert not {"claude-fable-5", "claude-fable-6", "glm-99"} & set(told["models"])
    priors.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows[:2]).encode()))
    assert main(words) == 0
    assert out.read_bytes() == made, "rows of other sources change nothing"


def test_a_table_without_a_licence_for_any_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = sources.FILE.read_text("utf-8")
    assert {board.licence for board in sources.boards()} <= set(licences.ANY_USE)
    assert all(re.fullmatch(r"[0-9a-f]{40}", board.commit) and board.stated for board in sources.boards())
    (tmp_path / "scores.toml").write_text(text.replace('licence = "MIT"', 'licence = "CC BY-NC 4.0"', 1))
    monkeypatch.setattr(sources, "FILE", tmp_path / "scores.toml")
    sources.boards.cache_clear()
    with pytest.raises(ConfigError, match="does not allow any use"):
        sources.boards()
    sources.boards.cache_clear()


def test_asked_in_several_ways_a_model_counts_once() -> None:
    one = sources.Score("a", "board", "", 1.0, 2.0, "x")
    other = sources.Score("b", "board", "", -1.0, 2.0, "y")
    alone, again = public.fitted(public.shared([one, other])), public.fitted(public.shared([one, one, other]))
    assert alone[0] == pytest.approx(again[0])


def test_train_refuses_rows_without_a_licence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _folder(tmp_path, "secret")
    assert main(["train", str(tmp_path), "--out", str(tmp_path / "w.json")]) == 2
    assert "may be trained on" in capsys.readouterr().err
