"""The Model Context Protocol at /mcp and by `codriver mcp`: what agents are told of an editor's buffers, and what not."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsp_client import Client, change, codriver_lsp

from running import Daemon, daemon_at, environment

CONFIG = '[privacy]\nlocal_only = ["payroll/**"]\n'
HARD = "def hard(a, b):\n    for x in a:\n        if x and b:\n            while x:\n                x -= 1\n    return a\n"
KEY = "sk-proj-a1B2c3D4e5F6g7H8i9J0"

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_at(tmp_path_factory.mktemp("mcp"), "--simulate", config=CONFIG) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a file that is open and changed, and some that are not open."""
    (tmp_path / "shop.py").write_text("saved = 1\n")
    (tmp_path / "closed.py").write_text(HARD)
    (tmp_path / ".env").write_text("TOKEN=1\n")
    return tmp_path


@pytest.fixture
def editor(daemon: Daemon, folder: Path) -> Iterator[Client]:
    client = Client(codriver_lsp(), environment(daemon.home))
    client.initialize(workspaceFolders=[{"uri": folder.as_uri(), "name": "w"}])
    client.open((folder / "shop.py").as_uri(), "saved = 1\n")
    client.change((folder / "shop.py").as_uri(), 2, change((1, 0), (1, 0), HARD))
    client.command("codriver.status")
    yield client
    client.kill()


def send(daemon: Daemon, body: Any, **headers: str) -> Any:
    return daemon.post("/mcp", body, **headers)


def message(method: str, identity: Any = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identity, "method": method, "params": params}


def call(daemon: Daemon, name: str, **arguments: Any) -> dict[str, Any]:
    result = send(daemon, message("tools/call", name=name, arguments=arguments)).json()["result"]
    assert result["isError"] is False, result
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    return dict(result["structuredContent"])


def refusal(daemon: Daemon, name: str, **arguments: Any) -> str:
    result = send(daemon, message("tools/call", name=name, arguments=arguments)).json()["result"]
    assert result["isError"] is True and "structuredContent" not in result
    return str(result["content"][0]["text"])


# The protocol.


@pytest.mark.parametrize("version", ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])
def test_known_versions_are_agreed_on(daemon: Daemon, version: str) -> None:
    answer = send(daemon, message("initialize", protocolVersion=version, capabilities={})).json()["result"]
    assert answer["protocolVersion"] == version and answer["serverInfo"]["name"] == "codriver"
    assert answer["capabilities"] == {"tools": {"listChanged": False}}


def test_an_unknown_version_gets_the_newest(daemon: Daemon) -> None:
    for asked in ("2031-01-01", None, 7):
        answer = send(daemon, message("initialize", protocolVersion=asked)).json()["result"]
        assert answer["protocolVersion"] == "2025-11-25"
    assert send(daemon, message("ping"), **{"mcp-protocol-version": "2031-01-01"}).status_code == 400


def test_messages_that_get_no_answer(daemon: Daemon) -> None:
    for body in ({"jsonrpc": "2.0", "method": "notifications/initialized"}, {"jsonrpc": "2.0", "id": 1, "result": {}}):
        answer = send(daemon, body)
        assert (answer.status_code, answer.content) == (202, b"")


def test_older_clients_send_several_at_once(daemon: Daemon) -> None:
    answers = send(daemon, [message("ping", 1), {"jsonrpc": "2.0", "method": "x"}, message("nothing", "b")]).json()
    assert answers[0] == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert answers[1]["error"]["code"] == -32601 and answers[1]["id"] == "b" and len(answers) == 2


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [(b"{", 400, -32700), (b"7", 200, -32600), (b'{"id": 1, "method": "ping"}', 200, -32600), (b"[]", 400, None)],
)
def test_what_is_no_message(daemon: Daemon, content: bytes, status: int, code: int | None) -> None:
    with daemon.client as client:
        answer = client.post("/mcp", content=content)
    assert answer.status_code == status
    assert code is None or answer.json()["error"]["code"] == code


def test_other_methods_and_strangers_are_refused(daemon: Daemon) -> None:
    with daemon.client as client:
        assert client.get("/mcp").status_code == 405
        assert client.delete("/mcp").status_code == 405
        assert client.post("/mcp", json=message("ping"), headers={"origin": "https://evil.example"}).status_code == 403
        assert client.post("/mcp", json=message("ping"), headers={"authorization": "Bearer no"}).status_code == 401


def test_every_tool_says_what_it_takes_and_only_reads(daemon: Daemon) -> None:
    tools = send(daemon, message("tools/list")).json()["result"]["tools"]
    names = {"open_buffers", "read_buffer", "buffer_changes", "outline", "complexity", "route"}
    assert {tool["name"] for tool in tools} == names
    for tool in tools:
        assert len(tool["description"]) > 60 and tool["annotations"]["readOnlyHint"] is True
        assert tool["inputSchema"]["type"] == "object" and tool["inputSchema"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("read_buffer", {}, "path"),
        ("read_buffer", {"path": 7}, "path"),
        ("read_buffer", {"path": "a", "first_line": 0}, "first_line"),
        ("outline", {"path": "a", "more": 1}, "more"),
        ("outline", {"path": "nowhere/at/all.py"}, "not open"),
    ],
)
def test_wrong_arguments_are_told_to_the_model(daemon: Daemon, name: str, arguments: Any, words: str) -> None:
    assert words in refusal(daemon, name, **arguments)


def test_a_tool_that_is_none(daemon: Daemon) -> None:
    assert send(daemon, message("tools/call", name="rm")).json()["error"]["code"] == -32602


# The tools.


def test_open_buffers_with_unsaved_text(daemon: Daemon, editor: Client, folder: Path) -> None:
    editor.open("untitled:Untitled-1", "draft = 1\n")
    editor.command("codriver.status")
    page = call(daemon, "open_buffers")
    assert page["folders"] == [str(folder)]
    by_path = {entry["path"]: entry for entry in page["buffers"]}
    assert by_path[str(folder / "shop.py")] == {
        "path": str(folder / "shop.py"), "language": "python", "lines": 7, "unsaved": True,
    }  # fmt: skip
    assert by_path["Untitled-1"]["unsaved"] and by_path["Untitled-1"]["uri"] == "untitled:Untitled-1"
    read = call(daemon, "read_buffer", path="shop.py")
    assert read["text"] == "saved = 1\n" + HARD and read["unsaved"] and read["source"] == "buffer"
    part = call(daemon, "read_buffer", path=(folder / "shop.py").as_uri(), first_line=2, last_line=3)
    assert part["text"] == "def hard(a, b):\n    for x in a:\n" and (part["first_line"], part["last_line"]) == (2, 3)


def test_what_differs_from_the_disk(daemon: Daemon, editor: Client, folder: Path) -> None:
    (change_,) = call(daemon, "buffer_changes")["changes"]
    assert change_["path"] == str(folder / "shop.py") and change_["new"] is False
    assert "+def hard(a, b):" in change_["diff"] and "-" not in change_["diff"].split("@@")[-1].split("+")[0]
    (folder / "shop.py").write_bytes(("saved = 1\n" + HARD).replace("\n", "\r\n").encode())
    assert call(daemon, "buffer_changes", path="shop.py") == {"changes": []}, "line ends alone are no change"


def test_outline_and_complexity_of_buffers_and_of_files(daemon: Daemon, editor: Client, folder: Path) -> None:
    (function,) = call(daemon, "outline", path="shop.py")["functions"]
    assert (function["name"], function["first_line"], function["last_line"]) == ("hard", 2, 7)
    region = call(daemon, "complexity", path="shop.py", first_line=4, last_line=5)
    assert region["scope"] == "hard" and region["cyclomatic"] == function["cyclomatic"] == 5
    assert region["source"] == "buffer"
    (other,) = call(daemon, "outline", path="closed.py")["functions"]
    assert other["first_line"] == 1 and call(daemon, "outline", path="closed.py")["source"] == "file"
    assert (
        call(daemon, "complexity", path=str(folder / "closed.py"), first_line=2)["cognitive"] == function["cognitive"]
    )


def test_the_route_and_its_reasons(daemon: Daemon, editor: Client) -> None:
    before = daemon.get("/v1/status")["requests"]
    page = call(daemon, "route", prompt="Why is this slow?", path="shop.py", line=4)
    assert page["candidates"][0]["model"].startswith("simulator/") and page["reasons"]
    assert page["features"]["scope"] == "hard" and isinstance(page["refused"], int)
    assert daemon.get("/v1/status")["requests"] == before, "nobody was asked"


def test_secrets_and_private_files_are_withheld(daemon: Daemon, editor: Client, folder: Path) -> None:
    private, local = (folder / ".env").as_uri(), (folder / "payroll" / "pay.py").as_uri()
    editor.open(private, "TOKEN=verysecret\n", "plaintext")
    editor.open(local, "def pay(salary):\n    return salary\n")
    editor.open((folder / "keys.py").as_uri(), f'key = "{KEY}"\nafter = 1\n')
    editor.command("codriver.status")
    everything = json.dumps([
        call(daemon, "open_buffers"), call(daemon, "buffer_changes"), refusal(daemon, "read_buffer", path=".env"),
        refusal(daemon, "outline", path=".env"), refusal(daemon, "route", prompt="x", path=".env"),
        refusal(daemon, "read_buffer", path="payroll/pay.py"), call(daemon, "read_buffer", path="keys.py"),
    ])  # fmt: skip
    for secret in ("verysecret", "salary", KEY):
        assert secret not in everything
    assert "privacy.never" in everything and "privacy.local_only" in everything
    assert call(daemon, "read_buffer", path="keys.py")["text"] == 'key = "[API key withheld]"\nafter = 1\n'
    assert [f["name"] for f in call(daemon, "outline", path="payroll/pay.py")["functions"]] == ["pay"]


def test_files_outside_of_the_editors_folders_are_not_read(daemon: Daemon, editor: Client) -> None:
    for path in ("/etc/passwd", __file__, "../../secret.py", "/proc/self/environ"):
        assert "not open" in refusal(daemon, "read_buffer", path=path)


# Over stdio.


class Agent:
    """An agent that starts `codriver mcp` as its server."""

    def __init__(self, home: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "codriver", "mcp", *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(home)
        )

    def tell(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def ask(self, line: bytes) -> Any:
        self.tell(line)
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def leave(self) -> tuple[bytes, bytes, int]:
        out, errors = self.process.communicate(timeout=60)
        return out, errors, self.process.returncode


def test_stdio_carries_the_same(daemon: Daemon, editor: Client) -> None:
    agent = Agent(daemon.home)
    try:
        hello = json.dumps(message("initialize", protocolVersion="2025-06-18", capabilities={})).encode()
        assert agent.ask(hello)["result"]["protocolVersion"] == "2025-06-18"
        agent.tell(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}')
        agent.tell(b"")
        asked = message("tools/call", 5, name="read_buffer", arguments={"path": "shop.py"})
        assert agent.ask(json.dumps(asked).encode())["result"]["structuredContent"]["unsaved"]
        assert agent.ask(b"not json")["error"]["code"] == -32700
        assert agent.ask(json.dumps(message("nothing", 9)).encode())["error"]["code"] == -32601
        out, errors, code = agent.leave()
        assert (out, errors, code) == (b"", b"", 0)
    finally:
        agent.process.kill()


def test_stdio_starts_a_daemon_where_none_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    from homes import Home

    home = Home(tmp_path_factory.mktemp("alone"))
    process = home.run("mcp", "--simulate")
    process.kill()
    process.wait()
    agent = Agent(home.paths.state, "--simulate")
    try:
        agent.tell(json.dumps(message("tools/call", name="open_buffers")).encode())
        assert agent.process.stdout is not None
        answer = json.loads(agent.process.stdout.readline())
        assert answer["result"]["structuredContent"] == {"buffers": [], "folders": []}
        assert home.daemon()
        assert agent.leave()[2] == 0
    finally:
        agent.process.kill()
        home.close()


SDK = importlib.util.find_spec("mcp")


@pytest.mark.skipif(SDK is None, reason="the official client is a dev dependency: pip install -e .[dev]")
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_the_official_client(daemon: Daemon, editor: Client, transport: str) -> None:
    """The mcp package's own client connects, lists and calls, over either way."""
    import httpx2
    from mcp import Client as Official
    from mcp import StdioServerParameters, stdio_client
    from mcp.client.streamable_http import streamable_http_client

    if transport == "stdio":
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "codriver", "mcp"], env=environment(daemon.home)
        )
        way: Any = stdio_client(command)
    else:
        headers = {"authorization": f"Bearer {daemon.token}"}
        way = streamable_http_client(f"{daemon.base}/mcp", http_client=httpx2.AsyncClient(headers=headers))
    async with Official(way) as client:
        listed = await client.list_tools()
        assert "read_buffer" in {tool.name for tool in listed.tools}
        result = await client.call_tool("read_buffer", {"path": "shop.py"})
        assert result.structured_content is not None and result.structured_content["unsaved"] is True
        refused = await client.call_tool("read_buffer", {"path": "nowhere.py"})
        assert refused.is_error
