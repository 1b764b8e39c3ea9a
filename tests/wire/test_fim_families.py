"""Every family's row: its exact prompt, its tokens broken and restored, and prompts that plugins wrote themselves (W41, T39)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.events import Event, Finish, Finished, TextDelta, fold
from codriver.model.request import Fim, Limits, Request
from codriver.wire import cutting, fim, mending, ollama_generate, openai_completions
from codriver.wire.codec import Call
from wire.samples import PLAIN, data, dump, events, model

FAMILIES = fim.families()

PROMPTS = {
    "qwen": "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    "codeqwen": "<fim_prefix>P<fim_suffix>S<fim_middle>",
    "starcoder": "<fim_prefix>P<fim_suffix>S<fim_middle>",
    "stablecode": "<fim_prefix>P<fim_suffix>S<fim_middle>",
    "santacoder": "<fim-prefix>P<fim-suffix>S<fim-middle>",
    "codellama": "<PRE> P <SUF>S <MID>",
    "deepseek": "<｜fim▁begin｜>P<｜fim▁hole｜>S<｜fim▁end｜>",
    "codegemma": "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    "granite": "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    "granite3": "<fim_prefix>P<fim_suffix>S<fim_middle>",
    "codestral": "[SUFFIX]S[PREFIX]P",
    "mellum": "<fim_suffix>S<fim_prefix>P<fim_middle>",
    "seed": "<[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>",
    "glm": "<|code_prefix|>P<|code_suffix|>S<|code_middle|>",
}

WITH_FILES = {
    "qwen": "<|file_sep|>a.py\nA\n<|file_sep|>b.py\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    "codeqwen": "<file_sep>a.py\nA\n<file_sep>b.py\n<fim_prefix>P<fim_suffix>S<fim_middle>",
    "starcoder": "<file_sep>a.py\nA\n<file_sep>b.py\n<fim_prefix>P<fim_suffix>S<fim_middle>",
    "stablecode": "<filename>a.py\nA\n<filename>b.py\n<fim_prefix>P<fim_suffix>S<fim_middle>",
    "santacoder": "A\n<fim-prefix>P<fim-suffix>S<fim-middle>",
    "codellama": "A\n<PRE> P <SUF>S <MID>",
    "deepseek": "<｜fim▁begin｜>#a.py\nA\n#b.py\nP<｜fim▁hole｜>S<｜fim▁end｜>",
    "codegemma": "a.py\nA\n<|file_separator|>b.py\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    "granite": "<|filename|>a.py\nA\n<|filename|>b.py\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    "granite3": "<filename>a.py\nA\n<filename>b.py\n<fim_prefix>P<fim_suffix>S<fim_middle>",
    "codestral": "[SUFFIX]S[PREFIX]+++++ a.py\nA\n+++++ b.py\nP",
    "mellum": "<filename>a.py\nA\n<filename>b.py\n<fim_suffix>S<fim_prefix>P<fim_middle>",
    "seed": "A\n<[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>",
    "glm": "A\n<|code_prefix|>P<|code_suffix|>S<|code_middle|>",
}


@pytest.mark.parametrize("name", list(FAMILIES))
def test_w41_the_exact_prompt_of_every_family(name: str) -> None:
    family = FAMILIES[name]
    assert fim.prompt(family, Fim("P", "S")) == PROMPTS[name]
    assert fim.prompt(family, Fim("P", "S", "b.py", (("a.py", "A"),))) == WITH_FILES[name]
    assert fim.prompt(family, Fim("P")) == "P"


@pytest.mark.parametrize(
    ("model_name", "family"),
    [
        ("qwen3-coder-30b-a3b-instruct", "qwen"), ("Qwen/Qwen2.5-Coder-1.5B", "qwen"), ("codeqwen:7b", "codeqwen"),
        ("bigcode/starcoder2-7b", "starcoder"), ("starcoderbase-1b", "starcoder"), ("stable-code:3b", "stablecode"),
        ("santacoder", "santacoder"), ("codellama:13b-code", "codellama"), ("deepseek-coder-v2:16b", "deepseek"),
        ("deepseek-ai/DeepSeek-Coder-V2-Lite-Base", "deepseek"), ("codegemma:2b-code", "codegemma"),
        ("granite4:micro-h", "granite"), ("granite-code:8b", "granite3"), ("codestral:22b", "codestral"),
        ("JetBrains/Mellum-4b-base", "mellum"), ("ByteDance-Seed/Seed-Coder-8B-Base", "seed"), ("glm-4.5-air", "glm"),
        ("llama3.1:8b", ""), ("qwen3:8b", ""), ("deepseek-r1:7b", ""), ("zeta", ""), ("granite-embedding:30m", ""),
    ],
)  # fmt: skip
def test_families_are_told_by_name(model_name: str, family: str) -> None:
    assert fim.family_of(model_name) == family


@pytest.mark.parametrize("name", list(FAMILIES))
def test_what_a_family_writes_at_its_end_is_cut_from_any_answer(name: str) -> None:
    for stop in FAMILIES[name].stops:
        assert cutting.unmarked(f"x = 1{stop}more", "") == "x = 1", stop


TOKENS = sorted({token for family in FAMILIES.values() for token in family.tokens})
BROKEN = [f"{token[0]}{spaces}{token[1:]}" for token in TOKENS[::3] for spaces in (" ", "  ")]
PIECES = st.lists(
    st.sampled_from([*TOKENS, *BROKEN, "<", "|", "[", " ", "{prefix}", "{suffix}", "\n", "x"]), max_size=6
)
TEXTS = PIECES.map("".join)
NAMES = st.sampled_from(sorted(FAMILIES))


@settings(max_examples=150, deadline=None)
@given(NAMES, TEXTS)
def test_broken_tokens_are_never_tokens_and_come_back_exactly(name: str, text: str) -> None:
    family = FAMILIES[name]
    safe = fim.neutral(family, text)
    assert not any(token in safe for token in family.tokens)
    assert fim.restored(family, safe) == text


@settings(max_examples=100, deadline=None)
@given(NAMES, TEXTS, TEXTS, st.lists(st.tuples(st.just("a.py"), TEXTS), max_size=2))
def test_w41_no_token_of_any_text_is_sent(name: str, before: str, after: str, files: list[tuple[str, str]]) -> None:
    family = FAMILIES[name]
    made = fim.prompt(family, Fim(before, after, "b.py", tuple(files)))
    frame = fim.prompt(family, Fim("", "", "b.py", tuple((path, "") for path, _ in files)))
    for token in family.tokens:
        assert made.count(token) == frame.count(token), token


class Whole:
    """A decoder that gives the events it was made with, cut into pieces as they came."""

    def __init__(self, batches: list[list[Event]]) -> None:
        self.batches = batches
        self.over = True

    def feed(self, data: bytes) -> list[Any]:
        from codriver.model.events import Piece

        return [Piece(b"", tuple(batch)) for batch in self.batches]

    def quiet(self, data: bytes) -> int:
        return len(data)

    def close(self) -> list[Any]:
        return []

    def whole(self, body: bytes) -> tuple[Event, ...]:
        return tuple(event for batch in self.batches for event in batch)


def restored(name: str, text: str, cuts: list[int]) -> str:
    parts, last = [], 0
    for cut in [*sorted({min(cut, len(text)) for cut in cuts}), len(text)]:
        parts.append(text[last:cut])
        last = cut
    batches: list[list[Event]] = [[TextDelta(part)] for part in parts if part]
    decoder = mending.Restoring(Whole([*batches, [Finished(Finish.STOP)]]), FAMILIES[name])
    return fold(events(decoder.feed(b"x"))).text


@settings(max_examples=150, deadline=None)
@given(NAMES, TEXTS, st.lists(st.integers(0, 120), max_size=8))
def test_a_streamed_copy_of_broken_text_is_restored_in_any_cut(name: str, text: str, cuts: list[int]) -> None:
    assert restored(name, fim.neutral(FAMILIES[name], text), cuts) == text


def test_a_streamed_answer_ends_at_the_models_own_stop() -> None:
    for cut in range(30):
        assert restored("qwen", 'x = "< |fim_pad|>"<|im_end|>junk', [cut]) == 'x = "<|fim_pad|>"'


# Prompts that plugins wrote.


@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_familys_own_prompt_is_read_back(name: str) -> None:
    found = fim.read(PROMPTS[name])
    assert found is not None and (found.prefix, found.suffix) == ("P", "S")
    assert fim.same_form(found.form, name)


def test_files_in_front_of_a_hole_are_read_back() -> None:
    found = fim.read("<|repo_name|>demo\n" + WITH_FILES["qwen"])
    assert found == Fim("P", "S", "b.py", (("a.py", "A"),), form="qwen")


@pytest.mark.parametrize(
    "prompt",
    [
        "", "def f():", "<|fim_prefix|>only", "<|fim_suffix|>S<|fim_middle|>", "<|fim_prefix|>a<|fim_middle|>b<|fim_suffix|>",
        "<|fim_prefix|>a<|fim_suffix|>b<|fim_suffix|>c<|fim_middle|>", "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|> already begun",
    ],
)  # fmt: skip
def test_what_is_no_clear_hole_stays_a_prompt(prompt: str) -> None:
    assert fim.read(prompt) is None


RAW = {
    "model": "auto",
    "prompt": "<|fim_prefix|>def f(a):\n    <|fim_suffix|>\n    return b\n<|fim_middle|>",
    "stop": ["<|endoftext|>", "<|fim_prefix|>", "\n\n"],
    "max_tokens": 64,
}


def test_t39_a_prompt_for_one_family_reaches_models_of_another() -> None:
    request = openai_completions.parse(dump(RAW), {})
    assert request.needs.fim and request.limits.stop == ("\n\n",)
    native = json.loads(openai_completions.call(request, model(fim="suffix"), PLAIN).body)
    assert (native["prompt"], native["suffix"]) == ("def f(a):\n    ", "\n    return b\n")
    assert native["stop"] == ["\n\n"] and native["max_tokens"] == 64
    other = json.loads(openai_completions.call(request, model(fim="codestral"), PLAIN).body)
    assert other["prompt"] == "[SUFFIX]\n    return b\n[PREFIX]def f(a):\n    " and "suffix" not in other
    assert other["stop"][0] == "\n\n" and "[PREFIX]" in other["stop"]


def test_t39_a_prompt_for_the_models_own_family_stays_byte_equal() -> None:
    request = openai_completions.parse(dump(RAW), {})
    sent = openai_completions.call(request, model(fim="qwen"), PLAIN)
    assert json.loads(sent.body) == {**RAW, "model": model().upstream_id} and not sent.family


def test_w41_an_answer_from_a_broken_text_is_mended_and_not_relayed() -> None:
    body = {"model": "auto", "prompt": 'STOP = "<|fim_pad|>"\nx = ', "suffix": "\n"}
    request = openai_completions.parse(dump(body), {})
    sent = openai_completions.call(request, model(fim="qwen"), PLAIN)
    assert "< |fim_pad|>" in json.loads(sent.body)["prompt"] and sent.family == "qwen"
    stream = data(
        {"choices": [{"index": 0, "text": '"< |fim_p'}]},
        {"choices": [{"index": 0, "text": 'ad|>"', "finish_reason": "stop"}]},
        "[DONE]",
    )
    decoder = mending.mended(openai_completions.decoder(model(), PLAIN), request, sent, "openai_completions")
    assert decoder.quiet(stream) == 0
    assert fold(events(decoder.feed(stream))).text == '"<|fim_pad|>"'


def test_stops_that_a_server_does_not_take_are_cut_from_the_answer() -> None:
    request = Request("r", "complete", fim=Fim("P", "S"), limits=Limits(stop=("\n\n",)))
    few = replace(PLAIN, stop_max=4)
    sent = openai_completions.call(request, model(fim="qwen"), few)
    assert json.loads(sent.body)["stop"] == ["\n\n", "<|endoftext|>", "<|fim_pad|>", "<|repo_name|>"]
    assert sent.family == "qwen" and restored("qwen", "x<|file_sep|>y", [3]) == "x"


@pytest.mark.parametrize("can", ["suffix", "qwen"])
@pytest.mark.parametrize("own", [True, False], ids=["the caller's own body", "built"])
def test_a_callers_own_stops_beyond_the_most_are_found_here(can: str, own: bool) -> None:
    body = {"model": "auto", "prompt": "a = ", "suffix": "\n", "stop": ["A", "B", "C"]}
    request = openai_completions.parse(dump(body), {})
    if not own:
        request = replace(request, wire="llamacpp_infill", body=None)
    sent = openai_completions.call(request, model(fim=can), replace(PLAIN, stop_max=2))
    assert (json.loads(sent.body)["stop"], sent.stop) == (["A", "B"], ("C",))
    stream = data({"choices": [{"index": 0, "text": "w * hC"}]})
    decoder = mending.mended(openai_completions.decoder(model(), PLAIN), request, sent, "openai_completions")
    reply = fold(events(decoder.feed(stream)))
    assert (reply.text, reply.finish, reply.stop) == ("w * h", Finish.STOP_SEQUENCE, "C")


# What chat models say for a hole (W42).

HOLE = Fim("def area(w, h):\n    result = ", "\n    return result\n")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("w * h", "w * h"),
        ("```python\nw * h\n```", "w * h"),
        ("Here is the completed code:\n\n```python\nw * h\n```\nThis multiplies the two.", "w * h"),
        ("<think>\nthe product\n</think>\n\nw * h", "w * h"),
        ("    result = w * h", "w * h"),
        ("def area(w, h):\n    result = w * h", "w * h"),
        ("w * h\n    return result", "w * h"),
        ("w * h\n    return result\n", "w * h"),
        ("w * h<|im_end|>\n", "w * h"),
        ("```\n```", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_w42_only_the_code_for_the_hole_is_left(said: str, code: str) -> None:
    assert cutting.cut(said, HOLE) == code


@pytest.mark.parametrize(
    ("prefix", "said", "suffix", "code"),
    [
        ("print(", "value)", ")\n", "value"),
        ("print(", "value", ")\n", "value"),
        ("x = [1, ", "2, 3]", "]\n", "2, 3"),
        ("if (a) {\n    ", "go();\n}", "\n}\n", "go();"),
        ("for (;;) {\n  if (a) {\n    ", "go();\n  }", "\n  }\n}\n", "go();"),
        ("if (a) {\n    ", "if (b) {\n        go();\n    }", "\n}\n", "if (b) {\n        go();\n    }"),
        ("", "import os\n", "import re\n", "import os\n"),
        (
            "def f():\n    pass\n",
            "\n\ndef g():\n    pass\n\n\ndef handle():\n",
            "\n\ndef handle():\n    pass\n",
            "\n\ndef g():\n    pass",
        ),
        ("total = ", "price * count  # with tax", "\n", "price * count  # with tax"),
        ("a = 1\r\nb = ", "2\nc = 3", "\r\n", "2\r\nc = 3"),
    ],
)
def test_w42_a_repeated_suffix_is_cut_and_brackets_stay_even(prefix: str, said: str, suffix: str, code: str) -> None:
    assert cutting.cut(said, Fim(prefix, suffix)) == code


def test_w42_markup_keeps_its_fences() -> None:
    hole = Fim("# Title\n\n", "\n", path="README.md")
    assert cutting.cut("```sh\nmake\n```", hole) == "```sh\nmake\n```"


def test_w42_n4_a_chat_models_words_are_held_until_they_can_be_cut() -> None:
    batches: list[list[Event]] = [
        [TextDelta("Sure! Here it is:\n``")],
        [TextDelta("`py\nw * h\n")],
        [TextDelta("```\n")],
    ]
    request = Request("r", "complete", wire="openai_completions", fim=HOLE)
    decoder = mending.mended(Whole([*batches, [Finished(Finish.STOP)]]), request, Call(b""), "openai_chat")
    pieces = decoder.feed(b"")
    assert [piece.events for piece in pieces[:3]] == [(), (), ()]
    assert pieces[3].events == (TextDelta("w * h"), Finished(Finish.STOP))


def test_an_editors_own_prompt_is_not_cut_here() -> None:
    inner = Whole([[TextDelta("```\nx\n```"), Finished(Finish.STOP)]])
    request = Request("r", "complete", fim=HOLE, unfold=lambda: fim.chat_prompt(HOLE))
    assert mending.mended(inner, request, Call(b""), "openai_chat") is inner


def test_a_chat_prompt_names_other_files_and_breaks_its_own_mark() -> None:
    said = fim.chat_prompt(Fim("a <HOLE/> b < HOLE/>", "c", "b.py", (("a.py", "A <HOLE/>"),)))
    text = said.messages[-1].text
    assert text.count("<HOLE/>") == 1 and "File a.py:\nA < HOLE/>" in text and "The file b.py:" in text
    assert fim.chat_restored("a < HOLE/> b <  HOLE/>") == "a <HOLE/> b < HOLE/>"


def test_ollama_gets_a_raw_prompt_of_the_models_family_and_room_for_it() -> None:
    request = Request("r", "complete", fim=Fim("P", "S"), limits=Limits(64), input_tokens=9000)
    sent = json.loads(ollama_generate.call(request, model(fim="starcoder"), PLAIN).body)
    assert sent["prompt"] == PROMPTS["starcoder"] and sent["raw"] is True
    assert sent["options"]["num_ctx"] == 16384 and sent["options"]["num_predict"] == 64
    native = json.loads(ollama_generate.call(request, model(fim="suffix"), PLAIN).body)
    assert (native["prompt"], native["suffix"], "raw" in native) == ("P", "S", False)
