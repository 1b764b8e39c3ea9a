"""Rules and budgets in a settings file: hot-reloaded, told in the answer, and errors in each caller's wire."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from running import Daemon, daemon_at, until

HOUSES = """
[providers.house]
base_url = "{url}/v1"
wire = "openai_chat"
key = "env:HOUSE_TOKEN"
[providers.house.models.small]
upstream_id = "sim-small"
price = {{ input = 1, output = 2 }}
[providers.house.models.large]
upstream_id = "sim-large"
price = {{ input = 100, output = 200 }}
"""
CHAT: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Explain what a parser does"}]}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "codriver.upstream.simulator", "--pace", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        config = HOUSES.format(url=json.loads(process.stdout.readline())["url"])
        home = tmp_path_factory.mktemp("rules")
        with daemon_at(home, config=config, HOUSE_TOKEN="t") as running:
            yield running, config
    finally:
        process.terminate()
        process.wait(10)


def rewrite(daemon: Daemon, text: str) -> None:
    """New settings, taken up."""
    (daemon.home / "config.toml").write_text(text)
    answer = daemon.post("/v1/reload", {}).json()
    assert answer["reloaded"], answer


def test_a_rule_holds_from_the_moment_it_is_written(house: tuple[Daemon, str]) -> None:
    """L7: the answer names who answered and the rule that made it so."""
    daemon, config = house
    rewrite(daemon, config)
    before = daemon.post("/v1/chat/completions", CHAT, **{"x-codriver-strategy": "cost"})
    assert before.headers["x-codriver-model"] == "house/small"
    rule = (
        '[[rules]]\nname = "mine"\nmatch.agent = ["acme-agent"]\npin = "house/large"\n[[rules]]\ndeny = ["nobodys"]\n'
    )
    rewrite(daemon, config + rule)
    told = {"user-agent": "Acme-Agent/1.0", "x-codriver-strategy": "cost"}
    after = daemon.post("/v1/chat/completions", CHAT, **told)
    assert after.headers["x-codriver-model"] == "house/large"
    assert "'mine' (pins house/large)" in after.headers["x-codriver-reason"]
    made = daemon.get(f"/v1/decisions/{after.headers['x-codriver-decision']}")["decision"]
    assert any("'mine'" in reason for reason in made["reasons"])
    (complaint,) = daemon.get("/v1/status")["complaints"]
    assert "rules.1.deny" in complaint
    assert (
        daemon.post("/v1/chat/completions", CHAT, **{"x-codriver-strategy": "cost"}).headers["x-codriver-model"]
        == "house/small"
    ), "another program is not meant"


def test_a_broken_rule_changes_nothing_and_is_told(house: tuple[Daemon, str]) -> None:
    daemon, config = house
    (daemon.home / "config.toml").write_text(config + '[[rules]]\npin = "house/small"\nmatch.lang = "go"\n')
    answer = daemon.post("/v1/reload", {}).json()
    assert not answer["reloaded"]
    assert "rules.0.match.lang" in answer["error"]
    assert daemon.post("/v1/chat/completions", CHAT).status_code == 200


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_spent_session_budget_is_told_in_the_callers_wire(house: tuple[Daemon, str], path: str) -> None:
    daemon, config = house
    rewrite(daemon, config + "[budget]\nsession_usd = 0.0005\n")
    body = {**CHAT, "max_tokens": 100}
    told = {"x-codriver-session": f"s-{path}", "x-codriver-strategy": "cost"}

    def spent() -> bool:
        return bool(daemon.post(path, body, **told).status_code == 403)

    until(spent, "the budget to be spent")
    answer = daemon.post(path, body, **told)
    assert "this session's budget of $0.0005 is spent" in answer.json()["error"]["message"]
    assert daemon.post(path, body, **{**told, "x-codriver-session": "other"}).status_code == 200
