"""Feedback over a real socket: what may be said, what is refused by field, and that the last word stays."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from running import Daemon, daemon_at, until


def answered(daemon: Daemon) -> str:
    """The decision of a fresh answer."""
    body = {"model": "simulator/sim-small", "messages": [{"role": "user", "content": "hi"}]}
    return daemon.post("/v1/chat/completions", body).headers["x-codriver-decision"]


def kept(daemon: Daemon, ident: str) -> Any:
    """What the ledger's file says of it."""
    with sqlite3.connect(f"file:{daemon.home / 'ledger.sqlite3'}?mode=ro", uri=True) as db:
        return db.execute("SELECT label, score, remark FROM outcome WHERE id = ? AND label != ''", (ident,)).fetchone()


@pytest.mark.parametrize(
    ("said", "word", "score"),
    [
        ({"label": "accept"}, "accepted", 1.0),
        ({"label": "Rejected"}, "rejected", -1.0),
        ({"accepted": True}, "accepted", 1.0),
        ({"accepted": False}, "rejected", -1.0),
        ({"rating": "up"}, "up", 1.0),
        ({"rating": "-1"}, "down", -1.0),
        ({"rating": -1}, "down", -1.0),
        ({"rating": 0.25}, "up", 0.25),
        ({"rating": 0}, "neutral", 0.0),
        ({"label": "👎"}, "down", -1.0),
        ({"success": True}, "success", 1.0),
        ({"success": False, "reason": "the tests fail – ü"}, "failure", -1.0),
    ],
    ids=str,
)
def test_each_way_of_saying_it(daemon: Daemon, said: dict[str, Any], word: str, score: float) -> None:
    ident = answered(daemon)
    answer = daemon.post("/v1/feedback", {"decision": ident, **said})
    assert answer.status_code == 200
    assert answer.json() == {"decision": ident, "label": word, "score": score, "reason": said.get("reason", "")}
    assert until(lambda: kept(daemon, ident), "the feedback in the ledger") == (word, score, said.get("reason", ""))


def test_twice_is_once_and_the_last_word_stays(daemon: Daemon) -> None:
    ident = answered(daemon)
    for said in ({"rating": "up"}, {"rating": "up"}, {"rating": "down", "reason": "no"}):
        assert daemon.post("/feedback", {"decision": ident, **said}).status_code == 200
    until(lambda: kept(daemon, ident) == ("down", -1.0, "no"), "the last word")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"decision": "no-such-answer", "rating": "up"}, 404, "decision"),
        ({"rating": "up"}, 400, "decision"),
        ({"decision": "", "rating": "up"}, 400, "decision"),
        ({"decision": "x"}, 400, "label"),
        ({"decision": "x", "rating": "up", "accepted": True}, 400, "accepted"),
        ({"decision": "x", "rating": 2}, 400, "rating"),
        ({"decision": "x", "rating": "great"}, 400, "rating"),
        ({"decision": "x", "rating": True}, 400, "rating"),
        ({"decision": "x", "label": "fine"}, 400, "label"),
        ({"decision": "x", "accepted": "yes"}, 400, "accepted"),
        ({"decision": "x", "rating": 1, "reason": "x" * 501}, 400, "reason"),
        ([], 400, None),
    ],
    ids=str,
)
def test_w9_what_is_wrong_is_named(daemon: Daemon, body: Any, status: int, field: str | None) -> None:
    answer = daemon.post("/v1/feedback", body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, field)


def test_an_answer_of_an_earlier_process_is_still_known(tmp_path: Path) -> None:
    with daemon_at(tmp_path, "--simulate") as first:
        ident = answered(first)
    with daemon_at(tmp_path, "--simulate") as second:
        assert second.post("/v1/feedback", {"decision": ident, "rating": "up"}).status_code == 200
        until(lambda: kept(second, ident), "the feedback in the ledger")


def test_a_ledger_that_cannot_be_used_is_named_and_answers_go_on(tmp_path: Path) -> None:
    with daemon_at(tmp_path, "--simulate") as daemon:
        with sqlite3.connect(tmp_path / "ledger.sqlite3") as db:
            db.execute("ALTER TABLE outcome RENAME TO elsewhere")
        answer = daemon.post("/v1/feedback", {"decision": "long ago", "label": "accept"})
        assert answer.status_code == 502
        assert "the ledger cannot be" in answer.json()["error"]["message"]
        assert answered(daemon)
