"""Prompt caches: marks by position, a prefix that stays the same from turn to turn, counts that are never doubled."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.events import Usage, UsageSeen
from codriver.model.provider import Quirks
from codriver.model.request import Request
from codriver.wire import anthropic, codec, openai_chat
from codriver.wire.anthropic import caching
from wire.samples import PLAIN, dump, model

MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
LONG = "word " * 3000
BILLING = "x-anthropic-billing-header: cc_version=2.1; cch=0f3a9;"
CACHES = Quirks(cache_from=2048)


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def tool(name: str, **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"cache_control": {"type": "string"}, "model": {}}}
    return {"name": name, "input_schema": schema, **more}


TURNS: list[dict[str, Any]] = [
    {"role": "user", "content": LONG},
    {"role": "assistant", "content": [text("y")]},
    {"role": "user", "content": [text("z"), text("more")]},
]


def claude(**more: Any) -> Request:
    body = {"model": "auto", "max_tokens": 50, "system": "be kind", "messages": TURNS, "tools": [tool("f")], **more}
    return anthropic.parse(dump(body), {})


def relayed(request: Request, quirks: Quirks = CACHES) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(anthropic.call(request, model(), quirks).body)
    return found


# Marks ----------------------------------------------------------------------------------------------

MARKED: list[Any] = [
    pytest.param({"system": [text("s", **HOUR)]}, id="D8-an-hour-on-the-system-prompt"),
    pytest.param({"tools": [tool("f", **MARK)]}, id="on-a-tool"),
    pytest.param({"messages": [{"role": "user", "content": [text(LONG, **MARK)]}]}, id="on-a-turn"),
    pytest.param(
        {"messages": [*TURNS, {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t", "content": [text("r", **HOUR)]}]}]},
        id="inside-a-result",
    ),
    pytest.param(MARK, id="for-the-whole"),
    pytest.param({"system": [text(f"s{n}", **MARK) for n in range(4)]}, id="T24-four-already"),
]  # fmt: skip


@pytest.mark.parametrize("fields", MARKED)
def test_T24_a_caller_s_marks_are_kept_byte_for_byte(fields: dict[str, Any]) -> None:
    """D5, D3: and none of ours come beside them."""
    request = claude(**fields)
    call = anthropic.call(request, model(), CACHES)
    assert call.body == (request.body or b"").replace(b'"auto"', b'"acme-one-2026"')


@pytest.mark.parametrize(("system", "found"), [("be kind", "be kind"), ([text("a"), text("b")], "b")])
def test_T24_T25_marks_where_the_caller_set_none(system: Any, found: str) -> None:
    """By position: a schema's own cache_control is no mark, and stays."""
    sent = relayed(claude(system=system))
    assert sent["system"][-1] == text(found, **MARK)
    assert sent["tools"][-1] == tool("f", **MARK)
    assert [turn["content"][-1] for turn in sent["messages"] if turn["role"] == "user"] == [
        text(LONG, **MARK), text("more", **MARK),
    ]  # fmt: skip
    assert sent["messages"][1] == TURNS[1]
    assert caching.marked(dump(sent))
    assert json.dumps(sent).count('"cache_control": {"type": "ephemeral"}') == 4


NONE: list[Any] = [
    pytest.param(claude(), Quirks(), id="unknown-provider"),
    pytest.param(claude(messages=[{"role": "user", "content": "x"}]), CACHES, id="too-short"),
    pytest.param(claude(), Quirks(cache_from=100_000), id="below-the-model-s-least"),
    pytest.param(claude(messages=TURNS[:1], tools=None), CACHES, id="asked-once"),
]


@pytest.mark.parametrize(("request_", "quirks"), NONE)
def test_no_marks_where_they_would_not_pay(request_: Request, quirks: Quirks) -> None:
    assert not caching.marked(anthropic.call(request_, model(), quirks).body)


def test_marks_of_chat_callers_reach_anthropic_and_four_are_the_most() -> None:
    """D3, D8: with their time to live."""
    parts = [text(f"p{n}", **HOUR) for n in range(6)]
    request = openai_chat.parse(dump({"model": "auto", "messages": [{"role": "user", "content": parts}]}), {})
    blocks = json.loads(anthropic.call(request, model(), PLAIN).body)["messages"][0]["content"]
    assert [block.get("cache_control") for block in blocks] == [None, None, *[HOUR["cache_control"]] * 4]


# What changes each time -----------------------------------------------------------------------------

SYSTEMS: list[Any] = [
    ([text(BILLING), text("be kind", **HOUR)], [text("be kind", **HOUR)]),
    ([text(f"{BILLING}\n\nbe kind", **MARK)], [text("be kind", **MARK)]),
    (f"{BILLING}\nbe kind", "be kind"),
    ([text(BILLING)], None),
    (BILLING, None),
    ("be kind", "be kind"),
]


@pytest.mark.parametrize(("system", "expected"), SYSTEMS)
def test_D6_T26_the_billing_line_goes_only_where_it_is_wanted(system: Any, expected: Any) -> None:
    short = claude(system=system, messages=TURNS[1:], tools=None)
    assert relayed(short).get("system") == expected
    assert relayed(short, Quirks(billing_line=True))["system"] == system
    built = json.loads(openai_chat.call(short, model(), PLAIN).body)["messages"]
    assert [turn["content"] for turn in built if turn["role"] == "system"] == (["be kind"] if expected else [])


def test_D7_T26_a_cache_key_from_the_session() -> None:
    quirks = Quirks(cache_key=True)
    keys = set()
    for _ in range(2):
        request = openai_chat.parse(dump({"model": "auto", "messages": TURNS[:1]}), {"x-session-id": "s" * 90})
        keys.add(json.loads(openai_chat.call(request, model(), quirks).body)["prompt_cache_key"])
    user = {"user_id": "user_1_session_" + "s" * 90}
    other = claude(metadata=user)
    keys.add(json.loads(openai_chat.call(other, model(), quirks).body)["prompt_cache_key"])
    (key,) = keys
    assert len(key) <= 64 and "sss" not in key
    own = openai_chat.parse(dump({"model": "m", "messages": TURNS[:1], "prompt_cache_key": "mine"}), {})
    assert json.loads(openai_chat.call(own, model(), quirks).body)["prompt_cache_key"] == "mine"
    for wanted, headers in ((PLAIN, {"x-session-id": "s"}), (quirks, {})):
        request = openai_chat.parse(dump({"model": "m", "messages": TURNS[:1]}), headers)
        assert b"prompt_cache_key" not in openai_chat.call(request, model(), wanted).body


def test_D7_a_session_has_one_key_on_every_wire_and_way() -> None:
    """OpenAI's chat and responses wires lead to the same cache: whoever moves between them keeps it warm."""
    bodies = {
        "openai_chat": {"model": "auto", "messages": TURNS[:1]},
        "openai_responses": {"model": "auto", "input": "hi"},
    }
    keys = set()
    for source, body in bodies.items():
        request = codec.find(source).parse(dump(body), {"x-session-id": "one"})
        for target in bodies:
            sent = codec.find(target).call(request, model(), Quirks(cache_key=True)).body
            keys.add(json.loads(sent)["prompt_cache_key"])
    assert len(keys) == 1


WORDS = st.text(min_size=1, max_size=8).filter(str.strip)
STEPS = st.lists(st.tuples(WORDS, WORDS, st.booleans()), min_size=2, max_size=5)


def history(wire: str, steps: list[tuple[str, str, bool]]) -> list[dict[str, Any]]:
    """A conversation of an agent, as its client writes it down."""
    turns: list[dict[str, Any]] = []
    for number, (asked, said, calls) in enumerate(steps):
        ident, chat = f"call_{number:012}", wire == "openai_chat"
        turns.append({"role": "user", "content": asked})
        if not calls:
            turns.append({"role": "assistant", "content": said})
        elif chat:
            function = {"name": "f", "arguments": json.dumps({"b": said, "a": 1})}
            turns += [
                {
                    "role": "assistant",
                    "content": said,
                    "tool_calls": [{"id": ident, "type": "function", "function": function}],
                },
                {"role": "tool", "tool_call_id": ident, "content": said},
            ]
        else:
            use = {"type": "tool_use", "id": ident, "name": "f", "input": {"b": said, "a": 1}}
            result = {"type": "tool_result", "tool_use_id": ident, "content": said}
            turns += [{"role": "assistant", "content": [text(said), use]}, {"role": "user", "content": [result]}]
    return turns


@settings(max_examples=40, deadline=None)
@given(STEPS, st.sampled_from(["openai_chat", "anthropic"]), st.sampled_from(["openai_chat", "anthropic"]))
def test_T26_each_turn_s_body_begins_with_the_turn_s_before(
    steps: list[tuple[str, str, bool]], source: str, target: str
) -> None:
    """Rebuilt bodies, but for the marks, which are no part of the prompt: same bytes, same order, more at the end."""
    made = []
    for end in range(1, len(steps) + 1):
        turns = history(source, steps[:end])
        body: dict[str, Any] = {"model": "auto", "messages": [*turns, {"role": "user", "content": "next"}]}
        if source == "anthropic":
            body |= {"max_tokens": 9, "system": "s", "tools": [tool("f"), tool("g")]}
        else:
            names = ({"name": n, "parameters": tool(n)["input_schema"]} for n in ("f", "g"))
            body["messages"] = [{"role": "system", "content": "s"}, *body["messages"]]
            body["tools"] = [{"type": "function", "function": function} for function in names]
        request = codec.find(source).parse(dump(body), {})
        neutral = Request("r", request.purpose, unfold=request.unfold, input_tokens=9000)  # as from another wire
        made.append(json.loads(codec.find(target).call(neutral, model(), PLAIN).body))
    for before, after in pairwise(made):
        for field in ("system", "tools"):
            assert dump(before.get(field)) == dump(after.get(field))
        old, new = (_unmarked(page["messages"]) for page in (before, after))
        kept = len(_joined(old)) - len(_joined(old[-1:]))
        assert _joined(new)[:kept] == _joined(old)[:kept]


def _unmarked(turns: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Every block of every turn with its role, in order."""
    rows: list[tuple[str, str]] = []
    for turn in turns:
        blocks = turn["content"] if isinstance(turn["content"], list) else [turn]
        rows += [(turn["role"], json.dumps({k: v for k, v in b.items() if k != "cache_control"})) for b in blocks]
    return rows


def _joined(rows: list[tuple[str, str]]) -> list[str]:
    return [f"{role} {block}" for role, block in rows]


# Counts ---------------------------------------------------------------------------------------------

CHAT: list[Any] = [
    pytest.param(
        {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 80}},
        Usage(20, 80, 0, 7), id="E1-OpenAI",
    ),
    pytest.param(
        {"prompt_tokens": 100, "completion_tokens": 7, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},
        Usage(36, 64, 0, 7), id="E5-DeepSeek",
    ),
    pytest.param(
        {"prompt_tokens": 100, "completion_tokens": 7, "prompt_cache_hit_tokens": 64,
         "prompt_tokens_details": {"cached_tokens": 64}},
        Usage(36, 64, 0, 7), id="E1-DeepSeek-says-it-twice",
    ),
    pytest.param({"prompt_tokens": 100, "completion_tokens": 7, "cached_tokens": 90}, Usage(10, 90, 0, 7), id="Moonshot"),
    pytest.param(
        {"prompt_tokens": 100, "completion_tokens": 7, "cached_tokens": 90, "prompt_tokens_details": {"cached_tokens": 90}},
        Usage(10, 90, 0, 7), id="Moonshot-says-it-twice",
    ),
    pytest.param(
        {"prompt_tokens": 100, "completion_tokens": 7,
         "prompt_tokens_details": {"cached_tokens": 50, "cache_write_tokens": 30}},
        Usage(20, 50, 30, 7), id="OpenRouter-writes",
    ),
    pytest.param(
        {"prompt_tokens": 100, "completion_tokens": 7,
         "prompt_tokens_details": {"cached_tokens": 0, "cache_creation_input_tokens": 90}},
        Usage(10, 0, 90, 7), id="Qwen-writes",
    ),
    pytest.param(
        {"input_tokens": 100, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 60},
         "output_tokens_details": {"reasoning_tokens": 3}},
        Usage(40, 60, 0, 7, 3), id="in-the-words-of-responses",
    ),
    pytest.param(
        {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {
            "cached_tokens": 150, "cache_write_tokens": 50, "audio_tokens": 5}},
        Usage(0, 100, 0, 7), id="T23-never-more-than-there-was",
    ),
    pytest.param(
        {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 112,
         "completion_tokens_details": {"reasoning_tokens": 5}},
        Usage(100, 0, 0, 12, 5), id="xAI-leaves-reasoning-out",
    ),
    pytest.param(
        {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": None, "completion_tokens_details": None},
        Usage(100, 0, 0, 7), id="nulls",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("counts", "expected"), CHAT)
def test_T19_counts_of_every_chat_provider(counts: dict[str, Any], expected: Usage) -> None:
    body = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": counts}
    decoder = openai_chat.decoder(model(), PLAIN)
    (seen,) = (event.usage for event in decoder.whole(dump(body)) if isinstance(event, UsageSeen))
    assert seen == expected
    assert seen.prompt == 100, "no token is counted twice"


CLAUDE: list[Any] = [
    pytest.param(
        [{"input_tokens": 10, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 10, "output_tokens": 1},
         {"output_tokens": 7}],
        Usage(10, 80, 10, 7), id="T21-merged-by-field",
    ),
    pytest.param(
        [{"input_tokens": 0, "output_tokens": 0},
         {"input_tokens": 10, "cache_read_input_tokens": 80, "output_tokens": 7}],
        Usage(10, 80, 0, 7), id="E3-only-at-the-end",
    ),
    pytest.param(
        [{"input_tokens": 10, "cache_read_input_tokens": 80, "output_tokens": 1},
         {"input_tokens": 0, "cache_read_input_tokens": None, "output_tokens": 7}],
        Usage(10, 80, 0, 7), id="E4-a-later-zero-takes-nothing-away",
    ),
    pytest.param(
        [{"input_tokens": 10, "cache_creation_input_tokens": 30, "output_tokens": 1,
          "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}}, {"output_tokens": 7}],
        Usage(10, 0, 30, 7, written_1h=20), id="T19-the-dearer-hour",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("counts", "expected"), CLAUDE)
def test_T21_counts_of_anthropic(counts: list[dict[str, Any]], expected: Usage) -> None:
    first, last = counts
    stream = b"".join(
        b"event: " + frame["type"].encode() + b"\ndata: " + dump(frame) + b"\n\n"
        for frame in (
            {"type": "message_start", "message": {"id": "i", "usage": first}},
            {"type": "content_block_start", "index": 0, "content_block": text("x")},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": last},
            {"type": "message_stop"},
        )
    )
    found = [
        e.usage for p in anthropic.decoder(model(), PLAIN).feed(stream) for e in p.events if isinstance(e, UsageSeen)
    ]
    assert found[-1] == expected


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**5))
def test_E2_counts_survive_both_ways(fresh: int, cached: int, written: int, output: int) -> None:
    """Written for OpenAI, whose prompt includes the cache, and read again; and for Anthropic, whose does not."""
    used = Usage(fresh, cached, written, output)
    chat = openai_chat.writing.usage(used)
    assert chat["prompt_tokens"] == fresh + cached + written
    decoder = openai_chat.decoder(model(), PLAIN)
    body = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": chat}
    assert [e.usage for e in decoder.whole(dump(body)) if isinstance(e, UsageSeen)] == ([used] if any(
        (fresh, cached, written, output)) else [])  # fmt: skip
    assert anthropic.writing.usage(used)["input_tokens"] == fresh
