"""The job of appending a line, done to its end: small agents of every kind, with real files, until the model stops."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.events import Reply
from codriver.model.request import Message, Text
from codriver.upstream.simulator import answers, errand, openai, shipped

MODEL = next(model for model in shipped() if model.id == "sim-small")
LINE = "Naïve 'quotes', $HOME and \\n: 漢字"
BEFORE = "# Notes\n\nfirst\nlast\n"
TASK = f"Append the line `{LINE}` to the file notes.txt. Keep everything that is already there."
TEXT = {"type": "string"}


def said(messages: list[dict[str, Any]], **more: Any) -> Reply:
    return answers.reply(openai.read({"model": "sim-small", "messages": messages, **more}, {}, MODEL))


def tool(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}


# What tools do, on the files of the working directory.


def read(path: str) -> str:
    file = Path(path)
    return file.read_text(encoding="utf-8") if file.is_file() else "Error: file not found"


def numbered(form: str) -> Callable[..., str]:
    def show(**given: Any) -> str:
        path = next(iter(given.values()))
        shown = read(path)
        if shown.startswith("Error"):
            return shown
        return "".join(form.format(number, line) for number, line in enumerate(shown.splitlines(), 1))

    return show


def write(path: str, content: str) -> str:
    Path(path).write_text(content, encoding="utf-8")
    return "written"


def edit(path: str, old_string: str, new_string: str) -> str:
    now = read(path)
    if now.count(old_string) != 1:
        return f"Error: {now.count(old_string)} matches"
    return write(path, now.replace(old_string, new_string))


def edit_many(path: str, edits: list[dict[str, str]]) -> str:
    return [edit(path, item["oldText"], item["newText"]) for item in edits][-1]


def read_many(files: list[dict[str, str]]) -> str:
    shown = [numbered("{} | {}\n")(path=item["path"]) for item in files]
    return json.dumps([{"result": text, "success": not text.startswith("Error")} for text in shown])


def patch(input: str) -> str:
    """The envelope: an update whose new lines follow the old ones, or the end."""
    match = re.fullmatch(
        r"\*\*\* Begin Patch\n\*\*\* Update File: (.+)\n@@\n((?: .*\n)*)\+(.*)\n\*\*\* End of File\n\*\*\* End Patch\n",
        input,
    )
    assert match, input
    old = re.sub(r"^ ", "", match[2], flags=re.M)
    now = read(match[1])
    assert now.endswith(old)
    return write(match[1], f"{now}{match[3]}\n")


def shell(command: str | list[str]) -> str:
    words = ["sh", "-c", command] if isinstance(command, str) else ["sh", *command[1:]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
    return f"exit code: {done.returncode}\n{done.stdout}{done.stderr}"


def run_code(language: str, code: str) -> str:
    assert language == "python"
    exec(compile(code, "code", "exec"), {})
    return "No output"


def append(path: str, line: str) -> str:
    return write(path, f"{read(path)}{line}\n")


READ, WRITE = tool("read_file", path=TEXT), tool("write_file", path=TEXT, content=TEXT)
EDIT = tool("edit_file", path=TEXT, old_string=TEXT, new_string=TEXT)
SHELL = tool("run_shell_command", command=TEXT)
MANY = {"type": "array", "items": {"type": "object", "properties": {"oldText": TEXT, "newText": TEXT}}}
MANY["items"]["required"] = ["oldText", "newText"]
FILES = {
    "type": "array",
    "items": {"type": "object", "properties": {"path": TEXT}, "required": ["path"], "additionalProperties": False},
}
WORDS = {"type": "array", "items": TEXT}
LANGUAGE = {"type": "string", "enum": ["shell", "python"]}


@dataclass(frozen=True)
class Kit:
    """Tools as a client offers them, what they do, and the calls expected."""

    offered: list[dict[str, Any]]
    does: dict[str, Callable[..., str]]
    calls: list[str]


KITS = {
    "edit": Kit([READ, EDIT], {"read_file": read, "edit_file": edit}, ["read_file", "edit_file"]),
    "edit-among-many": Kit(
        [SHELL, WRITE, EDIT, READ], {"read_file": read, "edit_file": edit}, ["read_file", "edit_file"]
    ),
    "numbered-arrow": Kit(
        [READ, EDIT], {"read_file": numbered("{:6}→{}\n"), "edit_file": edit}, ["read_file", "edit_file"]
    ),
    "numbered-tab": Kit([READ, WRITE], {"read_file": numbered("{}\t{}\n"), "write_file": write}, ["read_file"]),
    "numbered-colon": Kit([READ, WRITE], {"read_file": numbered("{}: {}\n"), "write_file": write}, ["read_file"]),
    "write": Kit([READ, WRITE], {"read_file": read, "write_file": write}, ["read_file", "write_file"]),
    "many-edits": Kit(
        [tool("read", path=TEXT), tool("edit", path=TEXT, edits=MANY)],
        {"read": read, "edit": edit_many},
        ["read", "edit"],
    ),
    "many-files": Kit(
        [tool("read_files", files=FILES), EDIT], {"read_files": read_many, "edit_file": edit}, ["read_files"]
    ),
    "patch": Kit([tool("apply_patch", input=TEXT)], {"apply_patch": patch}, ["apply_patch"]),
    "append": Kit([READ, tool("append_line", path=TEXT, line=TEXT)], {"append_line": append}, ["append_line"]),
    "shell": Kit([SHELL], {"run_shell_command": shell}, ["run_shell_command"]),
    "shell-words": Kit([tool("shell", command=WORDS)], {"shell": shell}, ["shell"]),
    "shell-commands": Kit(
        [tool("run_commands", commands=WORDS)], {"run_commands": lambda commands: shell(commands[0])}, ["run_commands"]
    ),
    "code": Kit([tool("execute", language=LANGUAGE, code=TEXT)], {"execute": run_code}, ["execute"]),
    "edit-refused-then-shell": Kit(
        [READ, EDIT, SHELL],
        {"read_file": read, "edit_file": lambda **_: "Error: not allowed", "run_shell_command": shell},
        ["read_file", "edit_file", "run_shell_command"],
    ),
    "edit-without-reading": Kit([EDIT, SHELL], {"run_shell_command": shell}, ["run_shell_command"]),
}


def run_agent(kit: Kit, task: str = TASK, **more: Any) -> list[str]:
    """The loop every agent has; gives the names of the tools called. The model must come to an end with words."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": task}]
    called: list[str] = []
    for _ in range(10):
        reply = said(messages, tools=kit.offered, **more)
        if not reply.tool_calls:
            assert "simulated" in reply.text
            return called
        shown = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.tool_calls
        ]
        messages.append({"role": "assistant", "content": None, "tool_calls": shown})
        for call in reply.tool_calls:
            called.append(call.name)
            result = kit.does[call.name](**json.loads(call.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    raise AssertionError(f"no end in sight after {called}")


@pytest.mark.parametrize("name", KITS)
def test_the_line_is_appended_with_whatever_tools_there_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text(BEFORE, encoding="utf-8")
    called = run_agent(KITS[name])
    assert called[: len(KITS[name].calls)] == KITS[name].calls
    assert Path("notes.txt").read_text(encoding="utf-8").rstrip("\n") == f"{BEFORE}{LINE}"


@pytest.mark.parametrize("before", ["", "one\n", "same\nsame\n", "a\nsame\nb\nsame\n", "no end"])
def test_whatever_is_in_the_file_stays(before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text(before, encoding="utf-8")
    kit = Kit([READ, EDIT, WRITE], {"read_file": read, "edit_file": edit, "write_file": write}, [])
    run_agent(kit)
    expected = [*before.splitlines(), LINE]
    assert Path("notes.txt").read_text(encoding="utf-8").splitlines() == expected


@pytest.mark.parametrize("name", ["write", "shell", "edit-among-many"])
def test_a_file_that_is_not_there_is_made(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kit = KITS[name]
    does = {"run_shell_command": shell, "write_file": write, **kit.does}
    run_agent(Kit(kit.offered, does, []))
    assert Path("notes.txt").read_text(encoding="utf-8").splitlines() == [LINE]


@pytest.mark.parametrize("reads", [1, 9], ids=["once", "always"])
def test_a_file_that_cannot_be_read_is_not_overwritten(
    reads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed read says nothing about the file: it is tried again, and then another way is taken."""
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text(BEFORE, encoding="utf-8")
    refused = iter(['Required parameter "path" missing'] * reads)
    does = {
        "read_file": lambda path: next(refused, None) or read(path),
        "write_file": write,
        "run_shell_command": shell,
    }
    run_agent(Kit([READ, WRITE, SHELL], does, []))
    assert Path("notes.txt").read_text(encoding="utf-8") == f"{BEFORE}{LINE}\n"


def test_nothing_is_tried_for_ever() -> None:
    broken = {name: lambda **_: "Error: out of order" for name in ("read_file", "edit_file", "run_shell_command")}
    assert len(run_agent(Kit([READ, EDIT, SHELL], broken, []))) <= 8


def test_absolute_paths_where_a_tool_wants_them() -> None:
    absolute = {"type": "string", "description": "The absolute path of the file"}
    messages = [
        {"role": "system", "content": "Working directory: /home/me/project\nBe brief."},
        {"role": "user", "content": TASK},
    ]
    reply = said(messages, tools=[tool("read", filePath=absolute), tool("write", filePath=absolute, content=TEXT)])
    assert json.loads(reply.tool_calls[0].arguments) == {"filePath": "/home/me/project/notes.txt"}


def test_a_prompt_may_name_the_command_that_ends_the_job() -> None:
    system = "When all is done, submit with `echo COMPLETE_THE_TASK_NOW` as the only command."
    first = said([{"role": "system", "content": system}, {"role": "user", "content": TASK}], tools=[SHELL])
    call = first.tool_calls[0]
    shown = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": TASK},
        {"role": "assistant", "content": None, "tool_calls": [shown]},
        {"role": "tool", "tool_call_id": call.id, "content": '{"returncode": 0, "output": ""}'},
    ]
    last = said(messages, tools=[SHELL]).tool_calls[0]
    assert json.loads(last.arguments)["command"] == "echo COMPLETE_THE_TASK_NOW"


def test_results_told_as_a_persons_words_are_results() -> None:
    """Some agents flatten earlier calls to text and want a tool in every turn."""
    tools = [tool("append_line", path=TEXT, line=TEXT), tool("final_answer", answer=TEXT)]
    messages = [{"role": "user", "content": TASK}]
    assert said(messages, tools=tools, tool_choice="required").tool_calls[0].name == "append_line"
    messages += [
        {"role": "assistant", "content": f"Calling tools: append_line(notes.txt, {LINE})"},
        {"role": "user", "content": "Observation:\nappended to notes.txt"},
    ]
    assert said(messages, tools=tools, tool_choice="required").tool_calls[0].name == "final_answer"


SEARCH = "Answer with blocks:\npath\n```\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n```"
SHOWN = f"These are the files:\n\nnotes.txt\n```\n{BEFORE}```"
FORMS = [
    (SEARCH, f"notes.txt\n```\n<<<<<<< SEARCH\nlast\n=======\nlast\n{LINE}\n>>>>>>> REPLACE\n```"),
    ("Return every file as a *file listing*.", f"notes.txt\n```\n{BEFORE}{LINE}\n```"),
    (
        "Return edits as `diff -U0` would, in a ```diff block.",
        f"```diff\n--- notes.txt\n+++ notes.txt\n@@ ... @@\n \n first\n last\n+{LINE}\n```",
    ),
]


@pytest.mark.parametrize(("system", "expected"), FORMS, ids=["search-replace", "whole", "diff"])
def test_edits_in_words_take_the_form_the_prompt_asks_for(system: str, expected: str) -> None:
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": SHOWN},
        {"role": "assistant", "content": "Ok."},
        {"role": "user", "content": TASK},
    ]
    text = said(messages).text
    assert expected in text
    assert "simulated" in text


def test_a_command_in_a_code_block_then_the_end() -> None:
    system = (
        "Answer with exactly ONE bash code block.\n```my_bash\nyour_command\n```\nAt last: `echo SUBMIT_THE_RESULT`."
    )
    messages = [{"role": "system", "content": system}, {"role": "user", "content": TASK}]
    first = said(messages).text
    fenced = re.search(r"```my_bash\nprintf .* >> notes\.txt\n```", first)
    assert fenced, first
    messages += [
        {"role": "assistant", "content": first},
        {"role": "user", "content": "<returncode>0</returncode>\n<output>\n</output>"},
    ]
    assert "```my_bash\necho SUBMIT_THE_RESULT\n```" in said(messages).text


def test_python_in_a_code_block_calls_the_prompts_functions() -> None:
    functions = "def append_line(path: string, line: string) -> string:\n    ...\n"
    system = f"Write <code> blocks; end with final_answer(...). You have:\n{functions}"
    text = said([{"role": "system", "content": system}, {"role": "user", "content": TASK}]).text
    code = re.search(r"<code>\n(.*)\n</code>", text, re.S)
    assert code
    told: list[Any] = []
    names = {"append_line": lambda *given: told.append(given), "final_answer": told.append}
    exec(compile(code[1], "code", "exec"), names)
    assert told[0] == ("notes.txt", LINE)
    assert "simulated" in told[1]


@pytest.mark.parametrize(
    ("text", "line", "path"),
    [
        (TASK, LINE, "notes.txt"),
        ('Please add a line "x y" at the end of docs/a.md', "x y", "docs/a.md"),
        ("In src/list.txt, add the new line: `z`.", "z", "src/list.txt"),
        ("append the line hello world to the end of the file a/b.txt, please", "hello world", "a/b.txt"),
        ("在文件 notes.txt 末尾添加一行：「你好」", "你好", "notes.txt"),
        ("<system-reminder>append the line `no` to x.py</system-reminder>Add the line 'yes' to y.py", "yes", "y.py"),
    ],
)
def test_wishes_are_understood(text: str, line: str, path: str) -> None:
    assert errand.asked([Message("user", (Text(text),))]) == errand.Addition(line, path, 0)


@pytest.mark.parametrize(
    "text",
    ["Add a test for the line parser in a.py", "Append the line `x`", "Rename foo to bar in a.py", "What is a line?"],
)
def test_other_wishes_are_not_this_one(text: str) -> None:
    assert errand.asked([Message("user", (Text(text),))]) is None


def test_a_later_wish_counts() -> None:
    turns = [TASK, "Thanks. What is a parser?"]
    assert errand.asked([Message("user", (Text(turn),)) for turn in turns]) is None


@settings(max_examples=150, deadline=None)
@given(
    st.text("append the line`'\"to a.txt:\n\\|1→\t{}[]<>", max_size=80), st.text('1:→\t\n<content>{}[]"', max_size=60)
)
def test_any_words_are_read(text: str, shown: str) -> None:
    errand.asked([Message("user", (Text(text),))])
    assert isinstance(errand.lines(shown), tuple)


@pytest.mark.parametrize(
    "piece", ["append the line `", "append the line x ", "add a line 「", "the the the ", "1: x\n"]
)
def test_long_and_hostile_prompts_are_read_in_linear_time(piece: str) -> None:
    started = time.thread_time()
    errand.asked([Message("user", (Text(piece * 20_000),))])
    errand.lines(piece * 20_000)
    assert time.thread_time() - started < 5
