"""`codriver route --request FILE`: the decision of a whole request, as some client sent it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codriver.cli.route import decided, sent
from codriver.cli.terminal import Complaint

TURN = [{"role": "user", "content": "Explain what a parser does"}]


@pytest.mark.parametrize(
    ("body", "wire"),
    [
        ({"model": "auto", "messages": TURN}, "openai_chat"),
        ({"model": "auto", "max_tokens": 9, "system": "x", "messages": TURN}, "anthropic"),
        ({"model": "auto", "input": "Explain what a parser does"}, "openai_responses"),
    ],
)
def test_bodies_of_three_wires_are_decided(tmp_path: Path, body: dict[str, Any], wire: str) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps(body))
    asked = sent(str(file))
    assert asked["wire"] == wire
    made = decided(asked)["decision"]
    assert made["features"]["task"] == "explain"
    assert made["reasons"]


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_a_file_that_is_no_request_is_told(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "request.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(Complaint, match=r"request\.json"):
        sent(str(file))
