"""The dashboard over real sockets: who gets in, what it is told, and that nobody is told the token."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from running import Daemon, daemon_at, until

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

CONFIG = """
[budget]
daily_usd = 2.0
[experiments.brief]
arms = { a = {}, b = { strategy = "cost" } }
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_at(tmp_path_factory.mktemp("dashboard"), "--simulate", config=CONFIG) as running:
        yield running


def chat(daemon: Daemon, text: str, **more: Any) -> httpx.Response:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}], **more}
    return daemon.post("/v1/chat/completions", body)


def code(daemon: Daemon) -> str:
    url = str(daemon.post("/v1/dashboard/code", {}).json()["url"])
    assert url.startswith(f"{daemon.base}/dashboard#")
    return url.partition("#")[2]


def entered(daemon: Daemon, told: str) -> httpx.Response:
    return httpx.post(f"{daemon.base}/dashboard/enter", json={"code": told}, headers={"origin": daemon.base})


def shown(daemon: Daemon, key: str) -> httpx.Response:
    return httpx.get(f"{daemon.base}/v1/dashboard", headers={"authorization": f"Bearer {key}"}, timeout=30)


def page(daemon: Daemon) -> dict[str, Any]:
    return dict(daemon.get("/v1/dashboard"))


def test_the_page_holds_nothing_and_runs_only_its_own_script(daemon: Daemon) -> None:
    answer = httpx.get(f"{daemon.base}/dashboard")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert daemon.token not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    # Nothing is fetched from elsewhere, and told words never become markup.
    assert not re.findall(r"(?:src|href)=|@import|url\(|innerHTML|insertAdjacentHTML", answer.text)
    assert "vscode-webview:" in policy.partition("frame-ancestors")[2]


def test_a_code_opens_once_and_its_key_opens_nothing_else(daemon: Daemon) -> None:
    told = code(daemon)
    key = entered(daemon, told).json()["key"]
    assert entered(daemon, told).status_code == 401
    assert shown(daemon, key).status_code == 200
    for path in ("/v1/status", "/metrics", "/v1/models", "/v1/decisions/last"):
        assert httpx.get(daemon.base + path, headers={"authorization": f"Bearer {key}"}).status_code == 401
    body = {"model": "auto", "messages": [{"role": "user", "content": "x"}]}
    for path in ("/v1/chat/completions", "/v1/dashboard/code"):
        answer = httpx.post(daemon.base + path, json=body, headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v1/dashboard", {}, 401),
        ("GET", "/v1/dashboard", {"authorization": "Bearer made-up"}, 401),
        ("POST", "/v1/dashboard/code", {}, 401),
        ("POST", "/dashboard/enter", {}, 401),
        ("GET", "/dashboard", {"host": "evil.example"}, 403),
        ("POST", "/dashboard/enter", {"origin": "https://evil.example"}, 403),
        ("GET", "/dashboard", {"host": "localhost:1"}, 200),
        ("POST", "/dashboard", {}, 405),
        ("GET", "/metrics", {}, 401),
    ],
)
def test_who_may_come_in(daemon: Daemon, method: str, path: str, headers: dict[str, str], status: int) -> None:
    body = {"code": "guessed"} if method == "POST" else None
    assert httpx.request(method, daemon.base + path, json=body, headers=headers).status_code == status


def test_it_tells_what_was_decided_spent_and_saved(daemon: Daemon) -> None:
    before = page(daemon)["today"]["requests"]
    ident = chat(daemon, "explain generators").headers["x-codriver-decision"]
    chat(daemon, "why does this loop never end?")

    def both() -> dict[str, Any] | None:
        told = page(daemon)
        return told if told["today"]["requests"] >= before + 2 else None

    told = until(both, "two more requests")
    assert told["simulated"] is True
    mine = next(one for one in told["decisions"] if one["id"] == ident)
    assert (mine["status"], mine["simulated"]) == ("ok", True)
    assert any("task explain" in reason for reason in mine["reasons"])
    assert mine["arm"] in ("brief/a", "brief/b")
    row = next(one for one in told["models"] if one["model"] == mine["model"])
    assert row["requests"] >= 1
    assert row["first_s"] is not None
    assert told["budgets"] == [{"of": "today", "spent_usd": 0.0, "limit_usd": 2.0, "left_usd": 2.0}]
    (experiment,) = told["experiments"]
    assert sum(arm["requests"] for arm in experiment["arms"]) == told["today"]["requests"]
    assert told["today"]["cost_usd"] == 0.0
    single = next(one for one in told["today"]["alone"] if one["model"] == mine["model"])
    assert single["simulated"] is True
    assert single["requests"] == told["today"]["requests"]
    assert single["was_usd"] > 0.0, "simulated answers are compared as if they were billed"
    assert told["completing"] == {"shown": 0, "silent": {}}
    until(lambda: page(daemon)["read"], "the days before today")
    assert len(page(daemon)["days"]) == 31


def test_a_failure_is_seen_at_its_model(daemon: Daemon) -> None:
    model = chat(daemon, "hello").headers["x-codriver-model"]
    daemon.fault(model.removeprefix("simulator/"), "503", times=2)
    try:
        assert chat(daemon, "hello", model=model).status_code in (200, 503)

        def failed() -> Any:
            rows = page(daemon)["models"]
            return next((row for row in rows if row["model"] == model and row["failures"]), None)

        assert until(failed, "the failure")["failures"] >= 1
    finally:
        daemon.heal()
        daemon.post("/v1/reload", {})


def test_what_was_spent_before_a_restart_is_told(tmp_path: Path) -> None:
    with daemon_at(tmp_path, "--simulate") as first:
        ident = chat(first, "first").headers["x-codriver-decision"]
        page(first)
    with daemon_at(tmp_path, "--simulate") as again:
        told = page(again)
        assert told["today"]["requests"] == 1
        assert [one["id"] for one in told["decisions"]] == [ident]


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_browser_shows_it(daemon: Daemon, tmp_path: Path) -> None:
    ident = chat(daemon, "explain <b>generators</b>").headers["x-codriver-decision"]
    assert CHROMIUM is not None
    command = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}",
        "--virtual-time-budget=10000", "--dump-dom", f"{daemon.base}/dashboard?theme=dark#{code(daemon)}",
    ]  # fmt: skip
    whole = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    shown = re.sub(r"<script>.*?</script>", "", whole, flags=re.DOTALL)
    assert 'data-theme="dark"' in shown
    assert "Spent this month" in shown
    assert "Simulated: no provider can be called" in shown
    assert ident in shown
    assert "task explain" in shown
    assert "live, " in shown


def test_metrics_are_in_the_text_format(daemon: Daemon) -> None:
    chat(daemon, "count me")

    def counted() -> str:
        with daemon.client as client:
            answer = client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        return answer.text if "codriver_requests_total{" in answer.text else ""

    text = until(counted, "a counted request")
    sample = re.compile(r'[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? [0-9.e+-]+')
    for line in text.splitlines():
        assert line.startswith("# ") or sample.fullmatch(line), line
    assert 'codriver_request_seconds_bucket{purpose="chat",le="+Inf"}' in text
    assert 'kind="output"' in text
