"""The contract matrix of the SDKs that share our environment; `make test-matrix` prints it with the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from contract.asking import Client
from contract.cells import OURS, Cell, Outcome, attempt, cells, connect, judged, listed
from contract.features import FEATURES
from contract.place import Place
from contract.upstreams import UPSTREAMS
from running import daemon_at


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """One loop for all, so that each SDK keeps its connections."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module", params=list(UPSTREAMS))
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A daemon whose only chat model speaks one wire, so that `auto` means that wire."""
    wire = request.param
    with daemon_at(tmp_path_factory.mktemp("matrix"), "--simulate", config=UPSTREAMS[wire].settings()) as running:
        yield Place(running.base, running.token, running.simulator, wire)


@pytest.fixture(scope="module")
def connected(place: Place, loop: asyncio.Runner) -> Iterator[Callable[[str], Client]]:
    """One client for each SDK and daemon."""
    clients: dict[str, Client] = {}

    def of(inbound: str) -> Client:
        if inbound not in clients:
            clients[inbound] = connect(inbound, place)
        return clients[inbound]

    yield of
    for client in clients.values():
        loop.run(client.close())


@pytest.mark.parametrize("feature", [feature.name for feature in FEATURES])
@pytest.mark.parametrize("inbound", OURS)
def test_cell(
    inbound: str, feature: str, place: Place, loop: asyncio.Runner, connected: Callable[[str], Client]
) -> None:
    cell = Cell(inbound, place.wire, feature)
    outcome = loop.run(attempt(cell, connected(inbound), place))
    assert not judged(cell, outcome, listed())


def test_the_written_list_says_each_thing_once() -> None:
    """No cell under two rows, no row without a cell, a reason for each."""
    rows = listed()
    for row in rows:
        assert len(row.reason) > 20, row.name
        assert row.how in ("refused", "dropped", "absent"), row.name
        assert any(row.covers(cell) for cell in cells()), f"{row.name} is about nothing"
        assert row.features <= {feature.name for feature in FEATURES}, row.name
    for cell in cells():
        assert sum(row.covers(cell) for row in rows) <= 1, cell


@pytest.mark.parametrize(
    ("cell", "outcome", "good"),
    [
        (Cell("openai-chat", "gemini", "text"), Outcome("ok"), True),
        (Cell("openai-chat", "gemini", "text"), Outcome("refused", "no", 400), False),
        (Cell("openai-chat", "gemini", "text"), Outcome("dropped", "text"), False),
        (Cell("openai-chat", "gemini", "n"), Outcome("refused", "n cannot be carried to its wire", 400), True),
        (Cell("openai-chat", "gemini", "n"), Outcome("refused", "n cannot be carried to its wire", 503), False),
        (Cell("openai-chat", "gemini", "n"), Outcome("refused", "something else", 400), False),
        (Cell("openai-chat", "gemini", "n"), Outcome("ok"), False),
    ],
)
def test_a_cell_is_what_stands_written_or_wrong(cell: Cell, outcome: Outcome, good: bool) -> None:
    """No unexplained hole: a refusal nobody wrote down fails, and so does a written one that is none any more."""
    assert (judged(cell, outcome, listed()) == "") is good
