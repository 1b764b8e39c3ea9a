"""How long an attempt may take, by what is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codriver import app as application
from codriver import paths
from codriver.app import App
from codriver.model.request import Purpose, Request
from codriver.wire import codec


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("CODRIVER_HOME", str(tmp_path))
    return application.create(paths.find(), memory=True)


def chat(**more: Any) -> Request:
    page = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": "hi"}], **more}
    return codec.find("openai_chat").parse(json.dumps(page).encode(), {})


@pytest.mark.parametrize(
    ("request_", "spent", "first", "between", "total"),
    [
        pytest.param(chat(), 0.0, 60, 60, 600, id="ordinary"),
        pytest.param(chat(reasoning_effort="high"), 0.0, 300, 300, 600, id="C9: thinks in silence"),
        pytest.param(chat(reasoning_effort="none"), 0.0, 60, 60, 600, id="asked not to think"),
        pytest.param(chat(reasoning_effort="high"), 590.0, 10, 300, 10, id="little is left"),
        pytest.param(chat(stream=False), 0.0, 600, 60, 600, id="whole"),
        pytest.param(Request("x", Purpose.COMPLETE), 0.0, 5, 60, 600, id="a keystroke"),
        pytest.param(Request("x", Purpose.CHAT, deadline=2.0), 0.5, 1.5, 60, 1.5, id="the caller's deadline"),
    ],
)
def test_each_step_has_its_limit(
    app: App, request_: Request, spent: float, first: float, between: float, total: float
) -> None:
    limits = app.timeouts(request_, spent)
    assert (limits.first, limits.between, limits.total) == (first, between, total)
