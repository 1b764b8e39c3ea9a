"""`codriver dashboard`: prints the address and opens it where there is a screen."""

from __future__ import annotations

import webbrowser
from typing import Any

import pytest

URL = "http://127.0.0.1:3748/dashboard#once"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that a browser was opened with."""
    found: list[str] = []

    def open_(url: str) -> bool:
        found.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", open_)
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    return found


@pytest.mark.parametrize(
    ("arguments", "display", "opens"),
    [((), ":0", True), (("--no-browser",), ":0", False), ((), "", False)],
)
def test_the_address_is_printed_and_opened(
    run: Any, daemon: Any, opened: list[str], monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...], display: str, opens: bool,
) -> None:  # fmt: skip
    if display:
        monkeypatch.setenv("DISPLAY", display)
    daemon.page("POST", "/v1/dashboard/code", {"url": URL, "seconds": 120})
    said = run("dashboard", *arguments)
    assert (said.code, said.out) == (0, f"{URL}\n")
    assert opened == ([URL] if opens else [])


def test_without_a_port_it_says_why(run: Any, daemon: Any, opened: list[str]) -> None:
    daemon.page("POST", "/v1/dashboard/code", {"error": {"message": "a browser cannot reach it"}}, status=400)
    said = run("dashboard")
    assert (said.code, opened) == (1, [])
    assert "a browser cannot reach it" in said.err


def test_without_a_daemon_it_says_how_to_start_one(run: Any, opened: list[str]) -> None:
    said = run("dashboard")
    assert said.code == 1
    assert "codriver serve" in said.err
