"""The families that fill holes, the completions wire's answers, and the token estimate."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import Failure, Kind
from codriver.model.events import Finish, Finished, Reply, Started, TextDelta, Usage, UsageSeen, fold
from codriver.model.request import Fim
from codriver.wire import fim, openai_completions, tokens
from wire.samples import PLAIN, asked, data, events, frames, model


@pytest.mark.parametrize("name", list(fim.families()))
def test_every_mark_of_a_template_is_a_stop(name: str) -> None:
    family = fim.families()[name]
    made = fim.prompt(family, Fim("before", "after"))
    rest = made
    for mark in family.marks:
        assert mark in made
        assert mark.strip() in family.stops or not mark
        rest = rest.replace(mark, "", 1)
    assert sorted((rest.replace("before", ""), "before" in rest, "after" in rest), key=str) == sorted(
        ("after", True, True), key=str
    )
    assert family.ends and len(set(family.stops)) == len(family.stops)


@pytest.mark.parametrize(
    ("model_name", "family"),
    [
        ("Qwen2.5-Coder-7B", "qwen"), ("qwen3-coder:30b", "qwen"), ("starcoder2-15b", "starcoder"),
        ("codellama:13b", "codellama"),
        ("deepseek-coder-6.7b-base", "deepseek"), ("codegemma-2b", "codegemma"), ("granite-4.0-h-tiny", "granite"),
        ("granite-3b-code-base", "granite3"), ("codestral-latest", "codestral"), ("gpt-5", ""),
    ],
)  # fmt: skip
def test_families_by_name(model_name: str, family: str) -> None:
    assert fim.family_of(model_name) == family


def test_exact_templates() -> None:
    hole = Fim("P", "S")
    assert fim.prompt(fim.families()["codellama"], hole) == "<PRE> P <SUF>S <MID>"
    assert fim.prompt(fim.families()["codestral"], hole) == "[SUFFIX]S[PREFIX]P"
    assert fim.prompt(fim.families()["deepseek"], hole) == "<｜fim▁begin｜>P<｜fim▁hole｜>S<｜fim▁end｜>"
    assert fim.prompt(fim.families()["qwen"], Fim("once")) == "once"


MARKS = sorted({mark for family in fim.families().values() for mark in family.stops})
TEXTS = st.lists(st.sampled_from([*MARKS, "{prefix}", "<", "x", " "]), max_size=5).map("".join)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(fim.families())), TEXTS, TEXTS)
def test_no_mark_of_the_buffer_is_ever_sent(name: str, before: str, after: str) -> None:
    family = fim.families()[name]
    made = fim.prompt(family, Fim(before, after))
    for mark in family.marks:
        assert made.count(mark.strip()) == 1 or not mark
    for end in family.ends:
        assert end not in made
    assert len(fim.neutral(family, before)) >= len(before)


def test_a_chat_prompt_marks_one_hole() -> None:
    said = fim.chat_prompt(Fim("a <HOLE/> b", "c"))
    assert said.messages[-1].text.count("<HOLE/>") == 1
    assert "only the code" in said.messages[0].text


def test_completion_answers_are_exact() -> None:
    told = [Started("x", "m"), TextDelta("a"), TextDelta("é"), UsageSeen(Usage(3, 0, 0, 2)), Finished(Finish.LENGTH)]
    written = openai_completions.encoder(asked("openai_completions"), "auto", 7).feed(told)
    lines = frames(written)
    assert [line["choices"][0]["text"] for line in lines[:3]] == ["a", "é", ""]
    assert lines[0]["object"] == "text_completion" and lines[0]["created"] == 7
    assert lines[2]["choices"][0]["finish_reason"] == "length"
    assert lines[3]["usage"]["total_tokens"] == 5 and lines[3]["choices"] == []
    assert lines[4] == {"done": True}
    read = fold(events(openai_completions.decoder(model(), PLAIN).feed(written)))
    assert (read.text, read.finish, read.usage) == ("aé", Finish.LENGTH, Usage(3, 0, 0, 2))


def test_whole_completion() -> None:
    body = openai_completions.encoder(asked("openai_completions"), "auto").whole(Reply("x", finish=Finish.STOP))
    assert json.loads(body)["choices"] == [{"index": 0, "text": "x", "logprobs": None, "finish_reason": "stop"}]
    read = fold(openai_completions.decoder(model(), PLAIN).whole(body))
    assert (read.text, read.finish) == ("x", Finish.STOP)


def test_trap41_a_server_that_answers_with_chat_objects() -> None:
    stream = data({"id": "c", "choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}, "[DONE]")
    assert fold(events(openai_completions.decoder(model(), PLAIN).feed(stream))).text == "x"


def test_a_broken_completion_has_no_done() -> None:
    written = openai_completions.encoder(asked("openai_completions"), "auto").broken(Failure(Kind.SLOW, "late"))
    assert frames(written)[0]["error"]["message"] == "late"
    assert b"[DONE]" not in written


CHINESE = "在软件开发过程中,我们需要考虑性能和可维护性。这个函数返回一个列表,其中包含所有的结果。请修改下面的代码。"


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        # Counted with o200k_base.
        (CHINESE, 32),
        ("The quick brown fox jumps over the lazy dog and runs back into the forest before the night comes.", 20),
        ("def add(self, left: int, right: int) -> int:\n    '''Adds two numbers.'''\n    return left + right\n", 27),
        ('{"name": "codriver", "version": "1.0.0", "private": true, "scripts": {"test": "pytest -q"}}', 33),
    ],
)  # fmt: skip
def test_estimates_lean_upwards(text: str, truth: int) -> None:
    for times in (1, 40, 400):
        guess = tokens.estimate([text] * times)
        assert 0.9 * truth * times <= guess <= 1.75 * truth * times + 2


def test_estimates_count_frames_and_images() -> None:
    assert tokens.estimate([]) == 0
    assert tokens.estimate([""], messages=2, images=1) == 2 * tokens.PER_MESSAGE + tokens.IMAGE
