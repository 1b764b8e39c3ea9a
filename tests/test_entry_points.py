"""Strategies and task classifiers of installed packages: a real dist-info in a folder of its own, good ones and broken."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fleet import FLEET

from codriver.analyst import Analyst
from codriver.model.decision import Decision, View
from codriver.model.features import Features
from codriver.model.request import Purpose, Request
from codriver.routing import strategies
from codriver.routing.decide import Wish, decide

CHAT = Request("r", Purpose.CHAT, wire="openai_chat", input_tokens=800, tail=("translate the docs",))
Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a package with this code and these entry points where Python finds it."""
    names: list[str] = []

    def put(code: str, points: str) -> None:
        (tmp_path / "acme_codriver.py").write_text(code)
        folder = tmp_path / "acme_codriver-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-codriver\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(points)
        names.append("acme_codriver")
        importlib.invalidate_caches()

    monkeypatch.syspath_prepend(str(tmp_path))
    strategies.find.cache_clear()
    yield put
    strategies.find.cache_clear()
    for name in names:
        sys.modules.pop(name, None)


def made(strategy: str) -> Decision:
    return decide(CHAT, Features(tokens=800), FLEET, View(now=1.0), Wish(strategy=strategy), ident="d")


DEAREST = """
class dearest:
    @staticmethod
    def rank(candidates, taste):
        return [c.scored(c.cost) for c in sorted(candidates, key=lambda c: -c.cost)]
"""


def test_a_strategy_of_an_installed_package(install: Install) -> None:
    install(DEAREST, "[codriver.strategies]\ndearest = acme_codriver:dearest\n")
    assert "dearest" in strategies.names()
    decision = made("dearest")
    assert (decision.strategy, decision.candidates[0].model) == ("dearest", "west/large")


BROKEN = [
    pytest.param("import nothing_like_this\n", "cannot be loaded: ModuleNotFoundError", id="import"),
    pytest.param("x = 1\n", "cannot be loaded: AttributeError", id="missing"),
    pytest.param("dearest = 3\n", "has no rank", id="no strategy"),
    pytest.param("class dearest:\n    def rank(c, t):\n        raise KeyError('oh')\n", "KeyError: 'oh'", id="raises"),
    pytest.param(
        "class dearest:\n    def rank(c, t):\n        return c[1:]\n", "lost, doubled or invented", id="loses"
    ),
    pytest.param(
        "class dearest:\n    def rank(c, t):\n        return c + c\n", "lost, doubled or invented", id="doubles"
    ),
    pytest.param("class dearest:\n    def rank(c, t):\n        return None\n", "TypeError", id="nothing"),
    pytest.param("class dearest:\n    def rank(c, t):\n        return [1]\n", "something else", id="numbers"),
]


@pytest.mark.parametrize(("code", "why"), BROKEN)
def test_a_broken_strategy_is_told_and_breaks_no_request(install: Install, code: str, why: str) -> None:
    install(code, "[codriver.strategies]\ndearest = acme_codriver:dearest\n")
    decision = made("dearest")
    assert decision.strategy == "auto"
    assert [c.model for c in decision.candidates] == [c.model for c in made("auto").candidates]
    (told,) = [reason for reason in decision.reasons if "dearest is broken" in reason]
    assert why in told


POINT = "[codriver.tasks]\nmine = acme_codriver:classify\n"


def test_a_task_classifier_of_an_installed_package(install: Install) -> None:
    code = (
        "def classify(purpose, turns):\n    return 'plan' if 'translate' in turns[-1] and purpose == 'chat' else ''\n"
    )
    install(code, POINT)
    analyst = Analyst()
    assert analyst.features(CHAT).task == "plan"
    assert analyst.features(Request("r", Purpose.CHAT, tail=("explain this",))).task == "explain"
    assert analyst.features(Request("r", Purpose.CHAT, tail=("translate",), task="test")).task == "test"
    assert analyst.features(Request("r", Purpose.TITLE, tail=("translate",))).task == "title"
    assert not analyst.classifiers.complaints


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nothing_like_this\n", "cannot be loaded"),
        ("classify = 3\n", "is no function"),
        ("def classify(purpose, turns):\n    raise OSError('no disk')\n", "failed with OSError: no disk"),
        ("def classify(purpose):\n    return ''\n", "failed with TypeError"),
        ("def classify(purpose, turns):\n    return 'cooking'\n", "said 'cooking', which is no task family"),
    ],
)
def test_a_broken_classifier_is_told_and_asked_no_more(install: Install, code: str, why: str) -> None:
    install(code, POINT)
    analyst = Analyst()
    usual = analyst.features(CHAT).task
    assert usual == analyst.features(CHAT).task == "document"
    assert why in analyst.classifiers.complaints["mine"]


def test_none_is_installed_here() -> None:
    analyst = Analyst()
    assert analyst.features(CHAT).task == "document"
    assert not analyst.classifiers.complaints
