"""What agents tell beside their messages, as it stands in the bytes of their bodies."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.syntax import agents


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        pytest.param(
            "<env>\nWorking directory: /w/shop\nIs directory a git repo: Yes", "/w/shop", id="claude code, opencode"
        ),
        pytest.param("# Environment\n - Primary working directory: /w/shop\n", "/w/shop", id="claude code, newer"),
        pytest.param("<environment_context>\n  <cwd>/w/shop</cwd>", "/w/shop", id="codex"),
        pytest.param("# Current Working Directory (/w/shop) Files\na.py", "/w/shop", id="cline"),
        pytest.param("I'm currently working in the directory: /w/shop\nHere", "/w/shop", id="gemini cli, qwen code"),
        pytest.param("The current working directory is `/w/my shop`.", "/w/my shop", id="in marks"),
        pytest.param("Working directory: C:\\Users\\me\\shop\n", "C:\\Users\\me\\shop", id="windows"),
        pytest.param("directory: none. Working directory: /w/shop", "/w/shop", id="not the first word"),
        pytest.param("Never leave the working directory. Say <cwd> when lost.", "", id="none"),
    ],
)
@pytest.mark.parametrize("depth", [1, 2], ids=["text", "text in a part"])
def test_the_folder(text: str, folder: str, depth: int) -> None:
    content: Any = text if depth == 1 else [{"type": "text", "text": text}]
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": content}]}, ensure_ascii=False)
    assert agents.folder(body.encode()) == folder


def anthropic(name: str, **arguments: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": name, "input": arguments}]}


def openai(name: str, **arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": function}]}


@pytest.mark.parametrize("call", [anthropic, openai])
@pytest.mark.parametrize(
    ("arguments", "path", "lines"),
    [
        ({"file_path": "/w/a.py"}, "/w/a.py", ()),
        ({"file_path": "/w/a.py", "offset": 10, "limit": 20}, "/w/a.py", ((10, 29),)),
        ({"filePath": "a.py"}, "a.py", ()),
        ({"path": "src/a.py", "start_line": 3, "end_line": 9}, "src/a.py", ((3, 9),)),
        ({"path": "C:\\w\\a.py"}, "C:/w/a.py", ()),
        ({"command": ["bash", "-lc", "sed -n '3,9p' src/a.py"]}, "src/a.py", ((3, 9),)),
        ({"command": 'grep -n "settle" src/a.py'}, "src/a.py", ()),
        ({"cmd": "cat src/a.py\nls"}, "src/a.py", ()),
        ({"input": "*** Begin Patch\n*** Update File: src/a.py\n@@\n-a\n+b\n*** End Patch"}, "src/a.py", ()),
    ],
)
def test_the_last_call(call: Any, arguments: dict[str, Any], path: str, lines: tuple[Any, ...]) -> None:
    schema = {"type": "object", "properties": {"file_path": {"type": "string"}, "path": {"type": "string"}}}
    talk = [call("read", path="old.py"), call("do", **arguments)]
    body = json.dumps({"messages": talk, "tools": [{"name": "read", "input_schema": schema}] * 8}).encode()
    first, second = agents.calls(body)
    assert (first.path, first.lines) == (path, lines)
    assert second.path == "old.py"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400) | st.text(alphabet='{}[]":\\path_cmdFile: /.y*U', max_size=400).map(str.encode))
def test_no_body_is_too_odd(body: bytes) -> None:
    folder, calls = agents.folder(body), agents.calls(body)
    assert "\n" not in folder
    assert len(calls) <= agents.CALLS
    assert len({mention.path for mention in calls}) == len(calls), "a file is named once"


@pytest.mark.parametrize(
    "piece", [b'"path":', b"irectory: /", b"_path", b'\\"cmd\\":\\"', b"<cwd>", b"x", b'"file_path":"a.py",']
)
def test_no_body_takes_long(piece: bytes) -> None:
    body = piece * (1_000_000 // len(piece))
    agents.calls(b'"path":"a.py"')
    start = time.process_time()
    agents.folder(body)
    agents.calls(body)
    assert time.process_time() - start < 0.1
