"""Reading outcome matrices: what is absent is unknown, what is broken is named by file and line; slices and folds."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import matrix, tiny, write

from codriver.errors import ConfigError
from codriver.evaluation.folds import folds
from codriver.evaluation.matrix import load
from codriver.evaluation.policies import priced
from codriver.evaluation.slicing import comparable, slices

ASK = {"query_id": "a", "split_key": "p", "source": "s", "text": "what?"}
OUT = {"query_id": "a", "model": "m", "score": 0.5}


def test_a_pair_of_files(tmp_path: Path) -> None:
    write(
        tmp_path / "one",
        [ASK, {"query_id": "b"}],
        [{**OUT, "cost_usd": 0.2, "calls": 3}, {**OUT, "model": "k", "query_id": "b"}],
    )
    (found,) = load(tmp_path)
    assert (found.name, found.title, found.models) == ("one", "one", ("k", "m"))
    assert [(query.id, query.split_key, query.text) for query in found.queries] == [("a", "p", "what?"), ("b", "b", "")]
    np.testing.assert_array_equal(found.score, [[np.nan, 0.5], [0.5, np.nan]])
    np.testing.assert_array_equal(found.cost, [[np.nan, 0.2], [np.nan, np.nan]])
    assert found.calls[0, 1] == 3 and np.isnan(found.seconds).all()


def test_parts_pair_by_their_middle_and_are_found_in_all_folders(tmp_path: Path) -> None:
    for part in ("public", "held", "x.y"):
        write(tmp_path / "deep" / "one", [ASK], [{**OUT, "score": 1}], part)
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "queries.a.jsonl").write_text(json.dumps(ASK))
    (tmp_path / "two" / "outcomes.a.jsonl").write_text(json.dumps(OUT))
    (tmp_path / "two" / "notes.jsonl").write_text("no JSON")
    assert [found.title for found in load(tmp_path)] == ["deep/one (held)", "deep/one", "deep/one (x.y)", "two (a)"]


def test_the_folder_itself_may_be_the_matrix_and_runs_of_one_model_are_averaged(tmp_path: Path) -> None:
    write(tmp_path / "solo", [ASK], [OUT, {**OUT, "score": 1.0, "cost_usd": 2}, {**OUT, "model": "n", "score": None}])
    (found,) = load(tmp_path / "solo")
    assert found.name == "solo"
    np.testing.assert_allclose(found.score, [[0.75, np.nan]])
    np.testing.assert_allclose(found.cost, [[2.0, np.nan]])


@pytest.mark.parametrize(
    ("queries", "outcomes", "told"),
    [
        ([ASK, "{"], [OUT], ("queries.public.jsonl.gz", "line 2", "no JSON")),
        ([ASK, "[1]"], [OUT], ("queries.public.jsonl.gz", "line 2", "no JSON object")),
        ([ASK, {"text": "x"}], [OUT], ("queries.public.jsonl.gz", "line 2", "no query_id")),
        ([ASK, ASK], [OUT], ("queries.public.jsonl.gz", "line 2", "twice")),
        ([{**ASK, "text": {"a": 1}}], [OUT], ("queries.public.jsonl.gz", "line 1", "text is no text")),
        (
            [ASK],
            [OUT, {**OUT, "query_id": "z"}],
            ("outcomes.public.jsonl.gz", "line 2", "'z' is not among the queries"),
        ),
        ([ASK], [OUT, {**OUT, "query_id": ["z"]}], ("outcomes.public.jsonl.gz", "line 2", "is not among the queries")),
        ([ASK], [{"query_id": "a", "score": 1}], ("outcomes.public.jsonl.gz", "line 1", "no model")),
        ([ASK], [{**OUT, "score": 1.5}], ("outcomes.public.jsonl.gz", "line 1", "beyond 0..1")),
        ([ASK], [OUT, "", {**OUT, "cost_usd": -1}], ("outcomes.public.jsonl.gz", "line 3", "cost -1")),
        ([ASK], [{**OUT, "calls": "many"}], ("outcomes.public.jsonl.gz", "line 1", "calls 'many'")),
        ([ASK], ['{"query_id": "a", "model": "m", "score": NaN}'], ("outcomes.public.jsonl.gz", "line 1", "score nan")),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, queries: list[Any], outcomes: list[Any], told: tuple[str, ...]) -> None:
    write(tmp_path / "bad", queries, outcomes)
    with pytest.raises(ConfigError) as raised:
        load(tmp_path)
    assert all(part in str(raised.value) for part in told), str(raised.value)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    folder = tiny(tmp_path / "cut")
    whole = (folder / "outcomes.public.jsonl.gz").read_bytes()
    (folder / "outcomes.public.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"outcomes.public.jsonl.gz: line \d+: the file breaks off"):
        load(tmp_path)
    (folder / "outcomes.public.jsonl.gz").write_bytes(b"plain")
    with pytest.raises(ConfigError, match="line 1: the file breaks off"):
        load(tmp_path)
    (folder / "outcomes.public.jsonl.gz").write_bytes(gzip.compress(b"\xff\xfe\n"))
    with pytest.raises(ConfigError, match="line 1: is no JSON"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "told"), [("queries", "no outcomes.b.jsonl.gz"), ("outcomes", "no queries.b.jsonl.gz")]
)
def test_half_a_pair_and_nothing_at_all(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        load(tmp_path / "gone")
    with pytest.raises(ConfigError, match="no queries"):
        load(tmp_path)
    (tmp_path / f"{name}.b.jsonl.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(ConfigError, match=told):
        load(tmp_path)


def test_few_sources_are_measured_each_by_itself(tmp_path: Path) -> None:
    queries = [{"query_id": f"{s}{n}", "source": f"x:{s}"} for s in "abc" for n in range(5 if s == "c" else 40)]
    outcomes = [{"query_id": q["query_id"], "model": f"only {q['source']}", "score": 1} for q in queries]
    write(tmp_path / "mix", queries, outcomes)
    (whole,) = load(tmp_path)
    parts = slices(whole)
    assert [(part.name, len(part.queries), part.models) for part in parts] == [
        ("mix/a", 40, ("only x:a",)),
        ("mix/b", 40, ("only x:b",)),
    ]


def test_models_are_compared_on_what_all_of_them_answered() -> None:
    score = np.ones((100, 4))
    score[:3, 1] = np.nan  # 97 of 100: comparable, the rows are left out
    score[:30, 2] = np.nan  # 70 of 100: not comparable
    found = comparable(matrix(score, models=("a", "b", "c", "d@other")))
    assert (found.models, len(found.queries), found.queries[0].id) == (("a", "b"), 97, "q3")


def test_missing_costs_and_bare_prices() -> None:
    costs = np.tile([1.0, 2.0, 4.0], (10, 1))
    costs[3, 0] = np.nan
    costs[4:, 2] = np.nan  # too few: the model is left out
    money = priced(matrix(np.ones((10, 3)), costs))
    assert money is not None and money.models == ("m0", "m1")
    np.testing.assert_allclose(money.cost[3], [1.0, 2.0])
    assert priced(matrix(np.ones((10, 3)))) is None


def test_a_pair_with_costs_only_where_both_ran() -> None:
    costs = np.tile([1.0, 2.0, np.nan], (10, 1))
    costs[7:, 0] = np.nan
    money = priced(matrix(np.ones((10, 3)), costs))
    assert money is not None and (money.models, len(money.queries)) == (("m0", "m1"), 7)


def test_folds_hold_problems_together_and_follow_the_seed() -> None:
    made = matrix(np.ones((30, 2)), keys=[f"p{row // 3}" for row in range(30)])
    splits = list(folds(made, 5, seed=1))
    assert len(splits) == 5
    assert sorted(row for _, test in splits for row in test) == list(range(30))
    for train, test in splits:
        assert not {made.queries[row].split_key for row in train} & {made.queries[row].split_key for row in test}
    again, other = list(folds(made, 5, seed=1)), list(folds(made, 5, seed=2))
    assert all((a[1] == b[1]).all() for a, b in zip(splits, again, strict=True))
    assert any(a[1].tolist() != b[1].tolist() for a, b in zip(splits, other, strict=True))
    assert len(list(folds(matrix(np.ones((2, 1))), 5))) == 2
