"""Prompts as data: every shipped one has its two parts, and values are put in once."""

from __future__ import annotations

from importlib import resources

import pytest

from codriver.tasks import prompts

SHIPPED = sorted(
    entry.name.removesuffix(".md")
    for entry in (resources.files("codriver") / "prompts").iterdir()
    if entry.name.endswith(".md")
)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_prompt_loads_and_is_filled(name: str) -> None:
    prompt = prompts.load(name)
    talk = prompt.filled(**{hole: f"<{hole} {{{{code}}}}>" for hole in prompt.names})
    assert [message.role for message in talk.messages] == ["system", "user"]
    assert all(f"<{hole} {{{{code}}}}>" in prompts.size(talk) for hole in prompt.names)


def test_there_are_prompts() -> None:
    assert {"fill", "refactor", "review"} <= set(SHIPPED)


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError, match="code"):
        prompts.Prompt("You code.", "Do {{code}}").filled()


@pytest.mark.parametrize("text", ["", "# system\nx", "# user\nx", "hello"])
def test_a_prompt_without_its_parts_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="one part"):
        prompts.parse(text)


@pytest.mark.parametrize(("text", "expected"), [("x", "```"), ("```py\n", "````"), ("a ````` b", "``````")])
def test_a_fence_is_longer_than_what_it_holds(text: str, expected: str) -> None:
    assert prompts.fence("x", text) == expected
