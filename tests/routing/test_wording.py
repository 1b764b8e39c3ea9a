"""What words of a wish add to its difficulty: bounded, the same for the same words, quick, and safe for any text."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from fleet import model
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.features import NOTHING, Features
from codriver.routing import quality, wording
from codriver.routing.tongue import tongue

HARD = (
    "Let A and B be n by n matrices over the integers. Prove that the determinant of the commutator is divisible by "
    "the given prime for every k less than n, then compute the number of ordered pairs modulo 998244353 for which "
    "the eigenvalues of A B lie in the field, as n tends to infinity, in O(n log n), without any approximation."
)


@given(st.text(max_size=5000))
@settings(max_examples=60, deadline=None)
def test_any_text_is_read_and_bounded(text: str) -> None:
    assert abs(quality.worded(text)) <= quality.WORDING_WEIGHT * quality.WORDING_BOUND
    hard, gap, words = wording.told(text)
    assert -3 <= hard <= 3 and -3 <= gap <= 3 and words >= 0


def test_what_cannot_be_encoded_is_read_too() -> None:
    assert wording.read("\ud800 half a sign").words == 4


def test_only_the_beginning_is_read() -> None:
    beginning = "word " * 400
    assert wording.read(beginning + "x" * 400_000) == wording.read(beginning)


def test_few_words_say_less_than_many() -> None:
    assert abs(quality.worded(HARD[:40])) < abs(quality.worded(HARD))
    assert quality.worded("") == 0.0


def test_learnt_words_separate_hard_from_easy() -> None:
    assert quality.worded(HARD) > quality.worded("What is the capital of France? Answer with one word. " * 4) + 0.05


@pytest.mark.parametrize(
    ("tail", "found"),
    [
        (("please rename the helper so that its name says what it does", "commit it"), "rename"),
        (("commit it", "continue"), ""),
        ((), ""),
        (("one two three four five six seven eight\n```py\nx = 1\n```",), "eight"),
        (("fix it\n```py\n" + "x = 1\n" * 50 + "```",), ""),
    ],
)
def test_the_newest_turn_that_says_enough(tail: tuple[str, ...], found: str) -> None:
    said = wording.wish(tail)
    assert (found in said) if found else said == ""
    assert "x = 1" not in said


def test_words_are_told_apart_and_added() -> None:
    plain, asked = quality.judged(NOTHING, "generate", 100), quality.judged(NOTHING, "generate", 100, HARD)
    assert plain.wording == 0.0 and asked.wording == pytest.approx(quality.worded(HARD))
    assert asked.difficulty == pytest.approx(plain.difficulty + asked.wording)
    assert asked.tongue == "en"


def test_words_of_another_language_count_nothing() -> None:
    found = quality.judged(NOTHING, "debug", 100, "请修复这个函数中的错误，并为每个分支写测试")
    assert found.tongue == "zh" and found.wording == 0.0


def test_code_weighs_more_than_words() -> None:
    tangle = Features(source="buffer", language="python", cognitive=25, cyclomatic=14, nesting=4, lines=60)
    getter = Features(source="buffer", language="python", cognitive=0, cyclomatic=1, nesting=1, lines=3)
    bound = quality.WORDING_WEIGHT * quality.WORDING_BOUND
    apart = quality.difficulty(tangle, "refactor", 500) - quality.difficulty(getter, "refactor", 500)
    assert apart > 4 * 2 * bound


def test_weights_of_another_way_of_reading_are_refused() -> None:
    told = json.loads(wording.FILE.read_text("ascii"))
    with pytest.raises(ValueError, match="another way of reading"):
        wording.parsed(json.dumps(told | {"bits": 8}))


def test_the_shipped_weights_are_small() -> None:
    assert wording.FILE.stat().st_size < 400_000


def test_reading_takes_well_under_a_millisecond() -> None:
    texts = [f"{number} {HARD} {HARD} {HARD} {HARD}"[:1500] for number in range(40)]
    weights, spent = wording.weights(), []
    for text in texts:
        begun = time.perf_counter()
        wording.traits(wording.read(text), weights)
        spent.append(time.perf_counter() - begun)
    assert min(spent) < 0.001


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please fix the bug in this function", "en"),
        ("请修复这个函数中的错误", "zh"),
        ("请 refactor `foo` 这个 function 吧 in utils.py", "zh"),
        ("Corrige el error en esta función por favor", "es"),
        ("Bitte korrigiere den Fehler in dieser Funktion", "de"),
        ("Corrigez le bug dans cette fonction", "fr"),
        ("Corrija o erro nesta função, por favor", "pt"),
        ("Correggi gli errori di questa funzione", "it"),
        ("この関数のバグを直してください", "ja"),
        ("이 함수의 버그를 고쳐줘", "ko"),
        ("Исправь ошибку в этой функции", "ru"),
        ("Виправ помилку в цій функції, її не можна викликати", "uk"),
        ("أصلح الخطأ في هذه الدالة", "ar"),
        ("इस फ़ंक्शन में बग ठीक करें", "hi"),
        ("```\n错误\n``` please fix the error in the code above", "en"),
        ("fix", ""),
        ("", ""),
    ],
)
def test_the_language_of_a_wish(text: str, expected: str) -> None:
    assert tongue(text) == expected


def test_a_skill_in_a_language_counts_only_there() -> None:
    able = replace(model("east", "able", 1.0, 1.0), skill={"": 1.0, "in zh": 0.5})
    assert quality.skill(able, "edit", "zh") == 1.5
    assert quality.skill(able, "edit", "en") == quality.skill(able, "edit") == 1.0
