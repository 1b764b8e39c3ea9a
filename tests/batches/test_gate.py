"""Who may start a line: so many at once, nobody while somebody waits, and never never."""

from __future__ import annotations

import asyncio

from codriver.batches.gate import Gate


class Place:
    """A gate whose limit and busyness a test sets."""

    def __init__(self, patience: float = 60.0) -> None:
        self.limit, self.busy = 2, False
        self.gate = Gate(lambda: self.limit, lambda: self.busy, patience)
        self.stop = asyncio.Event()

    def line(self) -> asyncio.Task[bool]:
        return asyncio.create_task(self.gate.enter(self.stop))


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_so_many_at_once_first_come_first_served() -> None:
    place = Place()
    lines = [place.line() for _ in range(4)]
    await turns()
    assert [line.done() for line in lines] == [True, True, False, False]
    place.gate.leave()
    await turns()
    assert [line.done() for line in lines] == [True, True, True, False] and place.gate.running == 2
    place.limit = 3
    place.gate.look()
    await turns()
    assert lines[3].result() and place.gate.running == 3
    place.gate.close()


async def test_nobody_starts_while_somebody_waits() -> None:
    place = Place()
    place.busy = True
    line = place.line()
    await turns()
    assert not line.done()
    place.busy = False
    place.gate.look()
    assert await line
    place.gate.close()


async def test_one_line_starts_anyway_after_a_while() -> None:
    place = Place(patience=0.02)
    place.busy = True
    lines = [place.line(), place.line()]
    done, _ = await asyncio.wait(lines, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1 and place.gate.running == 1
    place.gate.leave()
    assert await asyncio.wait_for(lines[1], 5)
    place.gate.close()


async def test_who_is_stopped_goes_without_a_turn() -> None:
    place = Place()
    place.busy = True
    line = place.line()
    await turns()
    place.stop.set()
    place.gate.look()
    assert await line is False and place.gate.running == 0
    place.gate.close()


async def test_who_leaves_the_queue_takes_no_place_with_him() -> None:
    place = Place()
    place.limit = 1
    first, second, third = place.line(), place.line(), place.line()
    await turns()
    second.cancel()
    await turns()
    place.gate.leave()
    second_or_third = await asyncio.wait_for(third, 5)
    assert first.result() and second_or_third and place.gate.running == 1
    fourth = place.line()
    await turns()
    place.gate.leave()  # lets the fourth in, which is cancelled in the same moment
    fourth.cancel()
    await turns()
    assert fourth.cancelled() and place.gate.running == 0
    place.gate.close()
