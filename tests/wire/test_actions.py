"""What requests are to the agents that send them: bodies of real programs, cut short, and what must not be confused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.request import Purpose, Request
from codriver.wire import actions, codec, intake, noise
from codriver.wire.noise import Openings

FOLDER = Path(__file__).parent / "actions"
CAPTURED: list[dict[str, Any]] = [
    json.loads(line) for file in sorted(FOLDER.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()
]
SIDE = {"title", "classify", "compaction", "commit", "subagent", "probe"}


def named(row: dict[str, Any]) -> str:
    return f"{row['agent']}-{row['wire']}-{row['action']}"


def asked(row: dict[str, Any]) -> Request:
    return codec.find(row["wire"]).parse(json.dumps(row["body"]).encode(), row["headers"])


@pytest.mark.parametrize("row", CAPTURED, ids=named)
def test_each_captured_request_is_told(row: dict[str, Any]) -> None:
    assert asked(row).purpose == row["action"]


def test_every_program_was_seen_at_its_errands() -> None:
    seen: dict[str, set[str]] = {}
    for row in CAPTURED:
        seen.setdefault(row["agent"].split()[0], set()).add(row["action"])
    assert {agent: sorted(actions & SIDE) for agent, actions in seen.items()} == {
        "aider": ["commit", "compaction"],
        "claude-code": ["classify", "compaction", "subagent", "title"],
        "cline": ["compaction"],
        "codex": ["compaction", "subagent"],
        "continue": ["compaction", "title"],
        "gemini-cli": ["classify", "compaction", "subagent"],
        "opencode": ["compaction", "subagent", "title"],
        "pi": ["compaction"],
        "qwen-code": ["compaction", "subagent"],
    }
    assert all("main" in actions for actions in seen.values())


@pytest.mark.parametrize(
    "row", [row for row in CAPTURED if row["wire"] == "openai_chat" and row["action"] != "subagent"], ids=named
)
def test_the_same_talk_on_ollamas_wire_is_told_alike(row: dict[str, Any]) -> None:
    body = {"model": "auto", "messages": [_flat(m) for m in row["body"]["messages"]], "tools": row["body"].get("tools")}
    if most := row["body"].get("max_tokens"):
        body["options"] = {"num_predict": most}
    assert codec.find("ollama_chat").parse(json.dumps(body).encode(), row["headers"]).purpose == row["action"]


def _flat(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    text = content if isinstance(content, str) else "\n".join(part["text"] for part in content or ())
    return {"role": message["role"], "content": text}


# Asked the way programs do, where they could not be made to do it here: their published source says so.


@pytest.mark.parametrize(
    ("body", "action"),
    [
        ({"max_tokens": 1, "messages": [{"role": "user", "content": "quota"}]}, "probe"),
        ({"max_tokens": 1, "messages": [{"role": "user", "content": "test"}], "temperature": 1}, "probe"),
        ({"max_tokens": 10, "messages": [{"role": "user", "content": "ping"}]}, "probe"),
        ({"max_tokens": 16, "messages": [{"role": "user", "content": "Is it a quota?"}]}, "chat"),
        ({"max_tokens": 64, "messages": [{"role": "user", "content": "test"}]}, "chat"),
        (
            {"max_tokens": 99, "messages": [{"role": "user", "content": "### Task:\nGenerate 1-3 broad tags categorizing"}]},
            "title",
        ),
        (
            {
                "max_tokens": 900,
                "system": "You are an expert in crafting pithy titles for chatbot conversations. You are presented with",
                "messages": [{"role": "user", "content": "Please write a brief title for the following request"}],
            },
            "title",
        ),
        (
            {
                "max_tokens": 8192,
                "tools": [{"name": "f", "input_schema": {"type": "object"}}],
                "messages": [
                    {"role": "user", "content": "fix it"},
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
                    {
                        "role": "user",
                        "content": [
                            {"type": "tool_result", "tool_use_id": "a", "content": "x"},
                            {"type": "text", "text": "Your task is to create a detailed summary of the conversation so far"},
                        ],
                    },
                ],
            },
            "compaction",
        ),
    ],
)  # fmt: skip
def test_what_their_source_says(body: dict[str, Any], action: str) -> None:
    assert codec.find("anthropic").parse(json.dumps({"model": "auto", **body}).encode(), {}).purpose == action


ERRANDS = [
    "Generate a title for this conversation:",
    "Summarize this session for continuation. Be concise and factual.",
    "Your task is to create a detailed summary of the conversation so far",
    "You are a title generator. You output ONLY a thread title.",
    "You are performing a CONTEXT CHECKPOINT COMPACTION.",
]
TOOLS = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}]


@pytest.mark.parametrize("phrase", ERRANDS)
@pytest.mark.parametrize(
    "wish",
    [
        "Why does our prompt begin with '{}'? It should be shorter.",
        "Rename the constant TITLE.\n\n```python\nTITLE = '{}'\n```",
        "Translate this into German: {}",
        "please {}",
    ],
)
def test_a_human_who_quotes_such_words_is_still_a_human(phrase: str, wish: str) -> None:
    messages = [{"role": "system", "content": "You are an agent."}, {"role": "user", "content": wish.format(phrase)}]
    body = json.dumps({"model": "auto", "messages": messages, "tools": TOOLS}).encode()
    assert codec.find("openai_chat").parse(body, {}).purpose is Purpose.MAIN


@pytest.mark.parametrize("phrase", ERRANDS)
def test_results_of_tools_and_old_turns_are_no_errands(phrase: str) -> None:
    """A compaction that is history, or stands in a file that was read, asks for nothing."""
    call = {"id": "a", "type": "function", "function": {"name": "read", "arguments": "{}"}}
    talk = [
        {"role": "user", "content": phrase},
        {"role": "assistant", "content": "Done.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": phrase},
    ]
    parse = codec.find("openai_chat").parse
    assert parse(json.dumps({"model": "auto", "messages": talk, "tools": TOOLS}).encode(), {}).purpose == "tool-result"
    talk += [{"role": "assistant", "content": phrase}, {"role": "user", "content": "go on"}]
    assert parse(json.dumps({"model": "auto", "messages": talk, "tools": TOOLS}).encode(), {}).purpose == "main"


def test_a_system_message_behind_a_result_hides_nothing() -> None:
    """Claude Code puts system messages behind the turn: seen with its beta of 2026-04-07."""
    talk = [
        {"role": "user", "content": "fix it"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "x"}]},
        {"role": "system", "content": "A file changed."},
    ]
    body = {"model": "auto", "max_tokens": 99, "messages": talk, "tools": [{"name": "f", "input_schema": {"a": 1}}]}
    assert codec.find("anthropic").parse(json.dumps(body).encode(), {}).purpose is Purpose.TOOL_RESULT


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300), st.booleans())
def test_whatever_a_human_says_with_tools_is_the_main_line(said: str, system: str, tools: bool) -> None:
    shape = actions.Shape((system,), (said,), False, tools, 1, 4096)
    assert actions.purpose(shape, {}) == ("main" if tools else "chat")


def test_the_table_is_sound() -> None:
    """Every phrase is long enough to tell, and none is in two tables."""
    with pytest.raises(ValueError, match="too short"):
        Openings({"Title": 0})
    with pytest.raises(ValueError, match="more than one space"):
        Openings({"Generate a  title, please": 0})
    shape = actions.Shape((), ("Generate a title for this conversation:",), False, False, 1)
    assert actions.purpose(shape, {}) is Purpose.TITLE


# Sessions.


def _runs() -> Iterator[list[dict[str, Any]]]:
    runs: dict[str, list[dict[str, Any]]] = {}
    for row in CAPTURED:
        runs.setdefault(row["run"], []).append(row)
    yield from runs.values()


@pytest.mark.parametrize("rows", list(_runs()), ids=lambda rows: rows[0]["run"])
def test_one_run_is_one_session_and_sub_agents_are_others(rows: list[dict[str, Any]]) -> None:
    """D8, and D6: what a program writes anew into each prompt does not count."""
    main = {asked(row).session for row in rows if row["action"] in ("main", "tool-result")}
    beside = {asked(row).session for row in rows if row["action"] == "subagent"}
    # aider's /ask has another system prompt, sub-agents of Cline do not say that they are some.
    most = {"aider-tui": 2, "cline-sub": 2}.get(rows[0]["run"], 1)
    if rows[0]["run"] == "qwen-big":
        most = 2  # its history was replaced by a summary
    assert len(main) <= most and "" not in main
    assert not main & beside


NONCE = "x-anthropic-billing-header: cc_version=2.1.{0}\nx-request-nonce: {0}\nYou are an agent that writes code.\nToday is {1}."


def _talk(nonce: str, day: str, turns: int = 3) -> bytes:
    talk = [{"role": "user", "content": "Make the parser faster"}]
    talk += [{"role": "assistant", "content": "Done."}, {"role": "user", "content": "more"}] * turns
    system = {"role": "system", "content": NONCE.format(nonce, day)}
    return json.dumps({"model": "auto", "messages": [system, *talk], "tools": TOOLS}).encode()


def test_d6_a_nonce_or_the_date_does_not_change_the_session() -> None:
    parse = codec.find("openai_chat").parse
    keys = {
        parse(_talk("9f86d081884c7d65", "2026-11-21"), {}).session,
        parse(_talk("0c1ee5a4-77aa-41c8-9f25-1b7d3aa2c9b1", "2026-11-22", 1), {}).session,
        parse(_talk("71828182845904", "2026-11-22", 5), {}).session,
    }
    assert len(keys) == 1 and keys.pop().startswith("~")


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"headers": {"x-session-id": "s-1"}}, False),
        ({"system": "You are another agent."}, False),
        ({"first": "Make the lexer faster"}, False),
        ({"tools": []}, True),
    ],
)
def test_another_beginning_is_another_session(changed: dict[str, Any], same: bool) -> None:
    def key(headers: dict[str, str], system: str, first: str, tools: list[Any]) -> str:
        talk = [
            {"role": "user", "content": first},
            {"role": "assistant", "content": "x"},
            {"role": "user", "content": "y"},
        ]
        body = {"model": "auto", "messages": [{"role": "system", "content": system}, *talk], "tools": tools}
        return codec.find("openai_chat").parse(json.dumps(body).encode(), headers).session

    plain: dict[str, Any] = {"headers": {}, "system": "You are an agent.", "first": "Hello", "tools": TOOLS}
    assert (key(**plain) == key(**{**plain, **changed})) is same


def test_a_single_question_has_no_session() -> None:
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "What is a monad?"}]}).encode()
    assert codec.find("openai_chat").parse(body, {}).session == ""
    assert intake.derived(()) == ""


# Noise.


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        ("fix the parser", "fix the parser"),
        ("<system-reminder>\nexplain all\n</system-reminder>\n\nfix the parser", "fix the parser"),
        ("a <environment_details>x\ny</environment_details> b", "a  b"),
        ("<environment_context>\n  <cwd>/x</cwd>\n</environment_context>", ""),
        ("<system-reminder>never closed, fix it", "<system-reminder>never closed, fix it"),
        ("# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>Test it.</INSTRUCTIONS>", ""),
        ("This session is being continued from a previous conversation that ran out of context.", ""),
        ("Explain it\n\nTo suggest changes to a file you MUST return the entire content of the updated file.\n x",
         "Explain it"),
        ("<session_context>tree:\n a.py\n</session_context>\nfix a.py", "fix a.py"),
        ("I have *added these files to the chat* so you can go ahead\n\na.py", ""),
        ("List<String> a <b> c", "List<String> a <b> c"),
        ("<command-name>/compact</command-name>\n<command-args></command-args>", ""),
    ],
)  # fmt: skip
def test_only_the_humans_words_are_left(turn: str, words: str) -> None:
    assert noise.human(turn) == words


def test_turns_of_programs_do_not_push_the_humans_out_of_the_tail() -> None:
    turns = ["review the parser", *["<system-reminder>x</system-reminder>"] * 4, "fix it"]
    assert intake.tail(turns, []) == ("review the parser", "fix it")
    assert intake.tail(["<system-reminder>x</system-reminder>"], ["a result"]) == ("a result", "")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["<system-reminder>", "</system-reminder>", "<a>", "x ", "\n", "Reply in English."])))
def test_no_turn_is_too_odd(parts: list[str]) -> None:
    once = noise.human("".join(parts))
    assert len(once) <= len("".join(parts))


def test_a_turn_of_many_tags_is_read_in_time_that_grows_with_it() -> None:
    """Unclosed tags are looked for once each: without that this takes minutes."""
    assert noise.human("<system-reminder>" * 200_000 + "fix it").endswith("fix it")
