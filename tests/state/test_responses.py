"""The memory of answers: what is used together stays together, and nothing grows without bound."""

from __future__ import annotations

from codriver.state.responses import Remembered, Responses


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def answer(previous: str = "", *, size: int = 10, name: str = "") -> Remembered:
    return Remembered(b"r" * size, (b"asked",), (b"said",), (name,) if name else (), previous)


def test_a_chain_comes_first_to_last() -> None:
    held = Responses(Clock())
    for ident, previous in (("a", ""), ("b", "a"), ("c", "b"), ("other", "")):
        held.keep(ident, answer(previous))
    assert held.chain("c") == [held.find("a"), held.find("b"), held.find("c")]
    assert held.chain("nobody") is None


def test_a_broken_chain_is_none() -> None:
    held = Responses(Clock())
    held.keep("a", answer())
    held.keep("b", answer("a"))
    assert held.forget("a")
    assert not held.forget("a")
    assert held.chain("b") is None
    assert held.find("b") is not None


def test_a_circle_is_no_chain() -> None:
    held = Responses(Clock())
    held.keep("a", answer("b"))
    held.keep("b", answer("a"))
    assert held.chain("a") is None


def test_the_longest_unused_goes_and_a_conversation_from_its_end() -> None:
    held = Responses(Clock(), count=4)
    held.keep("a", answer())
    held.keep("b", answer("a"))
    held.keep("x", answer())
    held.keep("c", answer("b"))
    held.keep("y", answer())
    assert held.find("x") is None
    assert held.chain("c") is not None
    held.keep("z", answer())
    held.keep("zz", answer())
    left = [ident for ident in "abc" if held.find(ident)]
    assert left == ["a", "b"][: len(left)]
    assert len(held) == 4


def test_bytes_are_bounded() -> None:
    held = Responses(Clock(), most=5000)
    for number in range(50):
        held.keep(f"r{number}", answer(size=500, name=f"m{number}"))
    assert 0 < len(held) < 5
    assert held.item("m49") == b"said"
    assert held.item("m0") is None
    held.keep("huge", answer(size=6000))
    assert held.find("huge") is None


def test_old_ones_are_forgotten_unless_used() -> None:
    clock = Clock()
    held = Responses(clock, age=10)
    held.keep("a", answer())
    held.keep("b", answer())
    clock.now = 8
    held.chain("a")
    clock.now = 15
    assert held.find("b") is None
    assert held.find("a") is not None
    clock.now = 30
    assert held.find("a") is None
    assert len(held) == 0
