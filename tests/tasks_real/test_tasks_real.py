"""A sample of `tests/tasks_real/run.py`: real functions of installed packages, good, sloppy and bad answers."""

from __future__ import annotations

import asyncio
import random

import pytest

from tasks_real import changing, real, run


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not all packages are looked through."""
    monkeypatch.setattr(real, "FILES", 300)
    monkeypatch.setattr(run, "GOOD_ENOUGH", 10)
    real._files.cache_clear()


def test_answers_about_real_functions_are_applied_or_refused_and_never_misapplied() -> None:
    """Python is on every machine that runs this; the whole run takes other languages, too."""
    table = asyncio.run(run.run(["python"], 2, 3, lambda text: None))
    # A neighbour in a block of its own (`if`, `try`) is not told from an edit of it: refused, which is safe.
    assert [trouble for trouble in table.troubles if "(with a neighbour): refused" not in trouble] == []
    came = {(task, kind) for task, kind, _ in table.counts}
    assert {(task, kind) for task in run.TASKS for kind in ("good", "sloppy", "bad")} <= came
    assert not any(what == "misapplied" for _, _, what in table.counts)


def test_a_trap_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner itself: an edit that lands one line too low is called misapplied."""
    from codriver.tasks import merging

    right = merging.landed

    def low(patch: merging.Patch, base: bytes, now: bytes, edits: object) -> merging.Patch | None:
        found = right(patch, base, now, edits)
        return found and merging.Patch(found.start + 1, found.end, found.text)

    monkeypatch.setattr(merging, "landed", low)
    table = run.Table()
    found = [one for one in real.functions("python", 6, 4) if real.changed(one).count("\n") == one.code.count("\n")]
    for one in found:
        run.typed_meanwhile(table, one, 5, 1)
    assert found and any("misapplied" in trouble for trouble in table.troubles)


def test_what_is_typed_is_what_the_text_says() -> None:
    chance = random.Random(5)
    for whole in (False, True):
        typing = changing.Typing.of(b"a\nb\nc\nd\n")
        for _ in range(40):
            typing.once(chance, (1, 2), whole=whole)
            assert typing.text.data.decode() == "\n".join(text for _, text in typing.lines)
        assert typing.trail
