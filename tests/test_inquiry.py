"""Agents' requests as they look on the wire: which files, functions and numbers they are decided by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from codriver.analyst import Analyst
from codriver.config.tree import Privacy
from codriver.model.features import Features
from codriver.model.request import Request, Snapshot
from codriver.sources.disk import Disk
from codriver.wire import codec

PAY = """import flask


def small(a):
    return a


class Till:
    def settle(self, accounts):
        total = 0
        for account in accounts:
            if account.late:
                while account.open:
                    if account.step() or account.forced:
                        total += 1
        return total
"""
CART = "export function fill(items) {\n  for (const i of items) {\n    if (i) { add(i) }\n  }\n}\n"

CLAUDE = (
    "You are a coding agent.\n\n<env>\nWorking directory: {root}\nIs directory a git repo: Yes\nPlatform: linux\n</env>"
)
OPENCODE = "You work in a terminal.\n<env>\n  Working directory: {root}\n  Workspace root folder: {root}\n</env>"
CODEX = "<environment_context>\n  <cwd>{root}</cwd>\n  <shell>bash</shell>\n</environment_context>"

TOOLS = [{"name": "Read", "input_schema": {"type": "object", "properties": {"file_path": {"type": "string"}}}}]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    (work / "shop").mkdir(parents=True)
    (work / "shop" / "pay.py").write_text(PAY)
    (work / "shop" / "cart.js").write_text(CART)
    (work / ".env").write_text("KEY=1")
    (tmp_path / "outside.py").write_text(PAY)
    return work


def analyst(tmp_path: Path, *roots: Path, **more: Any) -> Analyst:
    """One that reads at once, so that the first answer knows what later ones would."""
    disk = Disk(never=Privacy().never, run=lambda work: work(), home=tmp_path / "home")
    return Analyst(disk=disk, roots=lambda: tuple(map(str, roots)), **more)


def claude(root: Path, *talk: dict[str, Any]) -> Request:
    body = {"model": "auto", "max_tokens": 9, "system": [{"type": "text", "text": CLAUDE.format(root=root)}]}
    return codec.find("anthropic").parse(json.dumps({**body, "messages": talk, "tools": TOOLS}).encode(), {})


def opencode(root: Path, *talk: dict[str, Any]) -> Request:
    messages = [{"role": "system", "content": OPENCODE.format(root=root)}, *talk]
    tools = [{"type": "function", "function": {"name": "read", "parameters": TOOLS[0]["input_schema"]}}]
    return codec.find("openai_chat").parse(
        json.dumps({"model": "auto", "messages": messages, "tools": tools}).encode(), {}
    )


def codex(root: Path, *items: dict[str, Any]) -> Request:
    first = {"role": "user", "content": [{"type": "input_text", "text": CODEX.format(root=root)}]}
    tools = [{"type": "function", "name": "shell", "parameters": {"type": "object", "properties": {}}}]
    body = {"model": "auto", "input": [first, *items], "tools": tools}
    return codec.find("openai_responses").parse(json.dumps(body).encode(), {})


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def called(name: str, **arguments: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": name, "input": arguments}]}


def result(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": text}]}


def chat(*texts: str) -> Request:
    return codec.find("openai_chat").parse(json.dumps({"model": "auto", "messages": [*map(user, texts)]}).encode(), {})


def told(found: Features) -> tuple[str, str, str, int]:
    return found.source, Path(found.path).name, found.scope, found.cognitive


SETTLE = ("file", "pay.py", "Till.settle", 11)
SMALL = ("file", "pay.py", "small", 0)


@pytest.mark.parametrize(
    ("talk", "wanted"),
    [
        pytest.param([user("Why is settle in shop/pay.py so slow?")], SETTLE, id="function and file"),
        pytest.param([user("Rename small() in pay.py")], SMALL, id="the file's name alone"),
        pytest.param([user("shop/pay.py:5 please")], SMALL, id="a line"),
        pytest.param([user("look at shop/pay.py")], SETTLE, id="all of a file is as hard as its hardest function"),
        pytest.param([user("see @shop/pay.py"), called("Read", file_path="{root}/shop/pay.py", offset=4, limit=2),
                      result("     4\tdef small(a):\n     5\t    return a\n")], SETTLE, id="the human's file, read"),
        pytest.param([user("make it faster"), called("Read", file_path="{root}/shop/pay.py"),
                      result("     4\tdef small(a):\n     5\t    return a\n")], SMALL, id="lines that a reader shows"),
        pytest.param([user("make it faster"), called("Read", file_path="{root}/shop/pay.py", offset=8, limit=3),
                      result("     8\tclass Till:\n")], SETTLE, id="lines that a call asks for"),
        pytest.param([user("find it"), called("Grep", pattern="total"),
                      result("shop/pay.py:9:        total = 0\n")], SETTLE, id="grep's lines"),
        pytest.param([user("run the tests"), called("Bash", command="pytest"),
                      result('  File "{root}/shop/pay.py", line 5, in small\n    return a\nTypeError')], SMALL,
                     id="a traceback's lines"),
        pytest.param([user("list all"), called("Bash", command="ls"), result("pay.py\ncart.js\n")],
                     ("none", ".", "", 0), id="a listing points at nothing"),
        pytest.param([user("look at shop/pay.py"), {"role": "assistant", "content": "ok"}, user("now shop/cart.js")],
                     ("file", "cart.js", "fill", 3), id="the newest turn that names code"),
        pytest.param([user("look at shop/pay.py"), {"role": "assistant", "content": "ok"}, user("go on")], SETTLE,
                     id="else the one before"),
        pytest.param([user("--- a/shop/pay.py\n+++ b/shop/pay.py\n@@ -4,2 +4,2 @@\n def small(a):\n-    return b\n+    return a")],
                     SMALL, id="a diff"),
        pytest.param([user("../outside.py")], ("none", ".", "", 0), id="outside"),
        pytest.param([user("{root}/../outside.py")], ("none", ".", "", 0), id="outside by a whole path"),
        pytest.param([user("what is in .env?")], ("none", ".", "", 0), id="a secret"),
    ],
)  # fmt: skip
def test_claude_code(
    tmp_path: Path, root: Path, talk: Sequence[dict[str, Any]], wanted: tuple[str, str, str, int]
) -> None:
    written = json.loads(json.dumps(talk).replace("{root}", str(root)))
    found = analyst(tmp_path).features(claude(root, *written))
    assert told(found) == (wanted[0], wanted[1] if wanted[1] != "." else "", *wanted[2:])


def test_codex_tells_its_folder_and_patches(tmp_path: Path, root: Path) -> None:
    patch = "*** Begin Patch\n*** Update File: shop/pay.py\n@@ def small(a):\n-    return a\n+    return a + 1\n*** End Patch"
    asked = {"role": "user", "content": [{"type": "input_text", "text": f"Apply this:\n{patch}"}]}
    assert told(analyst(tmp_path).features(codex(root, asked))) == SMALL
    call = {"type": "function_call", "call_id": "c", "name": "shell",
            "arguments": json.dumps({"command": ["bash", "-lc", "sed -n '9,16p' shop/pay.py"]})}  # fmt: skip
    output = {"type": "function_call_output", "call_id": "c", "output": "    def settle(self, accounts):\n"}
    plain = {"role": "user", "content": [{"type": "input_text", "text": "what is wrong here?"}]}
    assert told(analyst(tmp_path).features(codex(root, plain, call, output))) == SETTLE


def test_opencode_reads_with_the_path_in_its_result(tmp_path: Path, root: Path) -> None:
    arguments = json.dumps({"filePath": f"{root}/shop/pay.py"})
    call = {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "read", "arguments": arguments}}],
    }
    text = f"<path>{root}/shop/pay.py</path>\n<content>\n4: def small(a):\n5:     return a\n</content>"
    output = {"role": "tool", "tool_call_id": "c", "content": text}
    assert told(analyst(tmp_path).features(opencode(root, user("go on"), call, output))) == SMALL


def test_aider_sends_whole_files_in_fences(tmp_path: Path) -> None:
    """No folder is told, so nothing can be read; the code is in the message."""
    found = analyst(tmp_path).features(
        chat(f"These are the files:\n\nshop/pay.py\n```\n{PAY}```\n", "Ok.", "make it faster")
    )
    assert told(found) == ("fence", "pay.py", "Till.settle", 11)
    assert (found.language, found.frameworks) == ("python", ("flask",))


def test_aiders_blocks_in_an_open_buffer(tmp_path: Path, root: Path) -> None:
    text = "shop/pay.py\n```python\n<<<<<<< SEARCH\n    return a\n=======\n    return 2 * a\n>>>>>>> REPLACE\n```\nIs this right?"
    assert told(analyst(tmp_path, root).features(chat(text))) == SMALL


def test_unsaved_text_wins_over_the_disk(tmp_path: Path, root: Path) -> None:
    analyst_ = analyst(tmp_path, root)
    assert told(analyst_.features(chat("refactor settle in shop/pay.py"))) == SETTLE
    text = b"def settle(a):\n    return a\n"
    analyst_.opened(1, Snapshot((root / "shop" / "pay.py").as_uri(), 1, "python", text, root=str(root)))
    assert told(analyst_.features(chat("refactor settle in shop/pay.py"))) == ("buffer", "pay.py", "settle", 0)
    assert told(analyst_.features(chat("refactor settle in /app/shop/pay.py"))) == ("buffer", "pay.py", "settle", 0)
    analyst_.left(1)
    assert told(analyst_.features(chat("refactor settle in shop/pay.py"))) == SETTLE


def test_of_several_files_the_hardest_decides_and_sizes_add_up(tmp_path: Path, root: Path) -> None:
    found = analyst(tmp_path, root).features(chat("move small from shop/pay.py:4 to shop/cart.js"))
    assert told(found) == ("file", "cart.js", "fill", 3)
    assert [Path(path).name for path in found.files] == ["cart.js", "pay.py"]
    assert found.lines == 2 + 5
    assert found.frameworks == ("flask",)


def test_several_places_of_a_file_count_once_each(tmp_path: Path, root: Path) -> None:
    found = analyst(tmp_path, root).features(chat("compare shop/pay.py:4, shop/pay.py:10 and shop/pay.py:12"))
    assert told(found) == SETTLE
    assert (found.lines, len(found.files)) == (2 + 8, 1)


def test_code_that_stays_here_in_one_file_keeps_all_here(tmp_path: Path, root: Path) -> None:
    found = analyst(tmp_path, root, local_only=("cart.js",)).features(chat("shop/pay.py and shop/cart.js"))
    assert found.path.endswith("pay.py")
    assert found.local_only


def test_a_function_of_an_open_buffer_is_found_without_its_file() -> None:
    analyst_ = Analyst()
    analyst_.opened(1, Snapshot("file:///w/pay.py", 1, "python", PAY.encode()))
    assert told(analyst_.features(chat("why does `settle` never end?"))) == ("buffer", "pay.py", "Till.settle", 11)
    assert told(analyst_.features(chat("why do accounts settle late?"))) == ("none", "", "", 0)


def test_fences_are_read_by_their_language_and_add_up() -> None:
    found = Analyst().features(chat(f"```python\n{PAY}```\nand\n```js\n{CART}```\nwhich is better?"))
    assert (found.source, found.scope, found.language, found.lines) == ("fence", "Till.settle", "python", 8 + 5)


def test_a_diff_of_a_file_nobody_has_is_read_as_code() -> None:
    added = "".join(f"+{line}\n" for line in PAY.splitlines())
    found = Analyst().features(chat(f"review\n```diff\n--- /dev/null\n+++ b/shop/pay.py\n@@ -0,0 +1,16 @@\n{added}```"))
    assert told(found) == ("fence", "pay.py", "Till.settle", 11)


def test_a_folder_that_a_chat_without_tools_names_is_not_trusted(tmp_path: Path, root: Path) -> None:
    request = chat(f"<cwd>{root}</cwd> Working directory: {root}\nlook at shop/pay.py")
    assert told(analyst(tmp_path).features(request)) == ("none", "", "", 0)
