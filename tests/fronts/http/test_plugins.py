"""Completion plugins and local-model clients against a real daemon, each with the bodies it really sends.

The bodies are those of llama.vim 2025, llama.vscode, minuet, llm-ls, Continue, Zed's edit prediction and
Codestral's clients, read in their sources; Ollama's Python client speaks for itself.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import ollama
import pytest
from lsp_client import Client, codriver_lsp

from codriver.fronts.http.guard import Guard
from codriver.fronts.http.plugins import KEYLESS
from running import Daemon, daemon_at, environment, until

PREFIX = "def area_of(width, height):\n"
MIDDLE = "    "
SUFFIX = "\n    return quartzite\n"
FILLED = "quartzite = width * height"


def vim(**changes: Any) -> dict[str, Any]:
    """llama.vim's request, field by field."""
    fields = ["prompt_n", "prompt_ms", "prompt_per_token_ms", "prompt_per_second"]
    fields += [name.replace("prompt", "predicted") for name in fields]
    body = {
        "input_prefix": PREFIX, "input_suffix": SUFFIX, "prompt": MIDDLE, "n_predict": 128, "n_indent": 4, "stop": [],
        "input_extra": [{"text": "def volume(a, b, c):\n    return a * b * c\n", "time": [1, 2], "filename": "lib/shapes.py"}],
        "top_k": 40, "top_p": 0.90, "stream": False, "samplers": ["top_k", "top_p", "infill"], "cache_prompt": True,
        "t_max_prompt_ms": 500, "t_max_predict_ms": 1000,
        "response_fields": ["content", *(f"timings/{name}" for name in fields), "truncated", "tokens_cached"],
    }  # fmt: skip
    return {**body, **changes}


ZED = {
    "model": "qwen2.5-coder:3b-base",
    "prompt": f"<|fim_prefix|>{PREFIX}{MIDDLE}<|fim_suffix|>{SUFFIX}<|fim_middle|>",
    "raw": True,
    "stream": False,
    "options": {
        "num_predict": 64, "temperature": 0.2,
        "stop": ["<|endoftext|>", "<|file_separator|>", "<|fim_pad|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>",
                 "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<PRE>", "<SUF>", "<MID>", "[PREFIX]", "[SUFFIX]"],
    },
}  # fmt: skip

CONTINUE = {
    "model": "auto:latest", "prompt": PREFIX + MIDDLE, "suffix": SUFFIX, "raw": False, "keep_alive": 1800, "stream": True,
    "options": {"temperature": 0.01, "num_predict": 2048, "stop": ["\n\n\n"], "num_ctx": 8096, "num_thread": 4},
}  # fmt: skip

LLM_LS = {
    "model": "codellama:7b", "prompt": f"<PRE> {PREFIX}{MIDDLE} <SUF>{SUFFIX} <MID>", "stream": False,
    "options": {"num_predict": 60, "temperature": 0.2, "top_p": 0.95, "stop": ["<EOT>"]},
}  # fmt: skip

MINUET = {
    "model": "auto", "stream": True, "max_tokens": 56, "top_p": 0.9, "stop": ["\n\n"],
    "prompt": f"# language: python\n# indentation: use 4 spaces for a tab\n{PREFIX}{MIDDLE}", "suffix": SUFFIX,
}  # fmt: skip

CODESTRAL = {"model": "auto", "prompt": PREFIX + MIDDLE, "suffix": SUFFIX, "max_tokens": 256, "stop": ["\n\n"]}


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.split("\n") if line]


def frames(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: {")]


def written(answer: httpx.Response) -> str:
    """The text of an answer in any of these wires, streamed or whole."""
    pages = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n") if "{" in line]
    choices = [choice for page in pages for choice in page.get("choices", [])]
    parts = [choice["text"] for choice in choices] + [page.get("response", page.get("content", "")) for page in pages]
    return "".join(parts)


# llama.cpp's clients.


def test_llama_vim_gets_the_fields_it_names(daemon: Daemon) -> None:
    answer = daemon.post("/infill", vim())
    page = answer.json()
    assert answer.status_code == 200 and page["content"] == FILLED
    assert set(page) == set(vim()["response_fields"])
    assert page["timings/predicted_n"] > 0 and page["timings/prompt_ms"] > 0 and page["truncated"] is False
    assert answer.headers["x-codriver-model"] == "simulator/sim-coder"


def test_llama_vim_warms_a_cache_that_is_not_here(daemon: Daemon) -> None:
    before = daemon.get("/v1/status")["requests"]
    answer = daemon.post("/infill", vim(input_prefix="", input_suffix="", prompt="", n_predict=0, response_fields=[""]))
    assert (answer.status_code, daemon.get("/v1/status")["requests"]) == (200, before)


@pytest.mark.parametrize("pinned", ["auto", "simulator/sim-medium"])
def test_llama_vscode_streams_and_asks_without_choosing_fields(daemon: Daemon, pinned: str) -> None:
    body = {key: value for key, value in vim(stream=True, model=pinned).items() if key != "response_fields"}
    told = frames(daemon.post("/infill", body))
    assert "".join(frame["content"] for frame in told).strip() == FILLED
    assert told[-1]["stop"] is True and told[-1]["stop_type"] == "eos" and told[-1]["timings"]["predicted_ms"] > 0


def test_other_files_reach_a_model_that_has_a_place_for_them(daemon: Daemon) -> None:
    daemon.heal()
    daemon.post("/infill", vim())
    sent = daemon.log()[-1]
    assert sent["path"] == "/infill" and sent["body"]["input_extra"][0]["filename"] == "lib/shapes.py"
    daemon.heal()
    daemon.post("/infill", vim(model="simulator/sim-medium"))
    assert "File lib/shapes.py" in json.dumps(daemon.log()[-1]["body"])


def test_completion_without_a_hole_goes_on_from_a_prompt(daemon: Daemon) -> None:
    page = daemon.post("/completion", {"prompt": "x = compute(", "n_predict": 8, "stream": False}).json()
    assert page["stop"] is True and page["content"]


def test_what_llama_clients_ask_before(daemon: Daemon) -> None:
    assert daemon.get("/health") == {"status": "ok"} and daemon.get("/v1/health") == {"status": "ok"}
    assert daemon.get("/props")["default_generation_settings"]["n_ctx"] >= 32768


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [({"input_prefix": 1}, 400, "input_prefix"), (vim(model="nobody/knows"), 404, "nobody"), (b"{", 400, "JSON")],
)  # fmt: skip
def test_infill_errors_are_llama_cpps(daemon: Daemon, body: Any, status: int, word: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with daemon.client as client:
        answer = client.post("/infill", content=content)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, status) and word in error["message"] and error["type"]


# Ollama's clients.


def test_zed_and_its_fourteen_stops(daemon: Daemon) -> None:
    page = daemon.post("/api/generate", ZED).json()
    assert page["response"] == FILLED and page["done"] is True and page["done_reason"] == "stop"


def test_t39_continue_streams_a_native_hole(daemon: Daemon) -> None:
    told = lines(daemon.post("/api/generate", CONTINUE))
    assert "".join(line["response"] for line in told) == FILLED
    last = told[-1]
    assert last["done"] and last["prompt_eval_count"] > 0 and last["total_duration"] >= last["eval_duration"] > 0


def test_llm_ls_writes_codellamas_marks_for_whom_it_may_concern(daemon: Daemon) -> None:
    assert daemon.post("/api/generate", LLM_LS).json()["response"] == FILLED


def test_w42_a_chat_model_fills_a_plugins_hole_with_code_only(daemon: Daemon) -> None:
    body = {**CONTINUE, "model": "simulator/sim-medium", "stream": False}
    assert daemon.post("/api/generate", body).json()["response"].strip() == FILLED


def test_generate_without_a_hole_is_a_question(daemon: Daemon) -> None:
    body = {"model": "auto", "system": "Be short.", "prompt": "What is a monad?", "stream": False}
    assert "simul" in daemon.post("/api/generate", body).json()["response"].lower()


@pytest.mark.parametrize(("path", "field"), [("/api/generate", "response"), ("/api/chat", "message")])
def test_loading_a_model_calls_nobody(daemon: Daemon, path: str, field: str) -> None:
    before = daemon.get("/v1/status")["requests"]
    told = lines(daemon.post(path, {"model": "auto", "keep_alive": -1}))
    assert [line["done"] for line in told] == [True] and field in told[0]
    assert daemon.get("/v1/status")["requests"] == before


def test_continue_finds_out_whether_holes_can_be_filled(daemon: Daemon) -> None:
    page = daemon.post("/api/show", {"name": "auto"}).json()
    assert ".Suffix" in page["template"] and "insert" in page["capabilities"]
    assert page["parameters"].startswith("num_ctx ")
    missing = daemon.post("/api/show", {"model": "not-there"})
    assert missing.status_code == 404 and "not-there" in missing.json()["error"]


def test_ollamas_errors_are_one_string(daemon: Daemon) -> None:
    answer = daemon.post("/api/chat", {"model": "auto", "messages": "none"})
    assert answer.status_code == 400 and "messages" in answer.json()["error"]


def test_a_break_is_told_in_a_line(daemon: Daemon) -> None:
    daemon.heal()
    for model in ("sim-coder", "sim-small", "sim-medium", "sim-large", "sim-claude"):
        daemon.fault(model, "cut", after=1, times=0)
    told = lines(daemon.post("/api/generate", CONTINUE))
    daemon.heal()
    assert "error" in told[-1] and not any(line.get("done") for line in told)


@pytest.fixture
def client(daemon: Daemon) -> ollama.Client:
    return ollama.Client(host=daemon.base, headers={"authorization": f"Bearer {daemon.token}"})


def test_ollamas_own_client_lists_shows_and_fills(client: ollama.Client) -> None:
    assert "auto" in [entry.model for entry in client.list().models]
    assert "insert" in (client.show("auto").capabilities or [])
    told = client.generate(model="auto", prompt=PREFIX + MIDDLE, suffix=SUFFIX)
    assert told.response == FILLED and told.done_reason == "stop"
    streamed = client.generate(model="auto", prompt=PREFIX + MIDDLE, suffix=SUFFIX, stream=True)
    assert "".join(piece.response for piece in streamed) == FILLED


WRITE = {
    "type": "function",
    "function": {
        "name": "write_file",
        "description": "Writes a file.",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
            "required": ["path", "content"],
        },
    },
}


@pytest.mark.parametrize("model", ["auto", "simulator/sim-claude"])
def test_ollamas_own_client_chats_with_tools(client: ollama.Client, model: str) -> None:
    asked = [{"role": "user", "content": "Write the file notes.txt with the text: grüße"}]
    told = client.chat(model=model, messages=asked, tools=[WRITE])
    calls = told.message.tool_calls or []
    assert [call.function.name for call in calls] == ["write_file"]
    assert calls[0].function.arguments["path"] == "notes.txt"
    answer = {"role": "tool", "tool_name": "write_file", "content": "written"}
    done = client.chat(model=model, messages=[*asked, told.message, answer], tools=[WRITE])
    assert not done.message.tool_calls and done.message.content


def test_ollamas_own_client_streams_images_and_schemas(client: ollama.Client) -> None:
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()
    seen = client.chat(model="auto", messages=[{"role": "user", "content": "What is this?", "images": [picture]}])
    assert seen.message.content
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    formed = client.chat(model="auto", messages=[{"role": "user", "content": "Name one."}], format=schema)
    assert "name" in json.loads(formed.message.content or "")


def test_ollamas_own_client_is_told_what_is_wrong(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="no model is called") as told:
        client.generate(model="nobody/knows", prompt="x")
    assert told.value.status_code == 404


# The OpenAI-like ones.


def test_minuet_streams_a_completion(daemon: Daemon) -> None:
    told = frames(daemon.post("/v1/completions", MINUET))
    assert "".join(frame["choices"][0]["text"] for frame in told if frame["choices"]) == FILLED


@pytest.mark.parametrize("path", ["/v1/fim/completions", "/fim/completions"])
def test_codestrals_clients_get_chat_objects(daemon: Daemon, path: str) -> None:
    page = daemon.post(path, CODESTRAL).json()
    assert page["choices"][0]["message"]["content"] == FILLED
    told = frames(daemon.post(path, {**CODESTRAL, "stream": True}))
    assert "".join(frame["choices"][0]["delta"].get("content") or "" for frame in told if frame["choices"]) == FILLED


# Whoever can send no token.

OPEN = """
[http]
open_plugins = true
"""


@pytest.fixture(scope="module")
def open_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_at(tmp_path_factory.mktemp("open"), "--simulate", config=OPEN) as running:
        yield running


def test_nothing_is_served_without_a_token_unless_that_is_asked_for(daemon: Daemon) -> None:
    for path in ("/infill", "/api/generate", "/api/chat"):
        assert httpx.post(daemon.base + path, json={"model": "auto"}).status_code == 401
    assert httpx.get(f"{daemon.base}/api/tags").status_code == 401


def test_open_plugins_opens_their_paths_and_no_others(open_daemon: Daemon) -> None:
    base = open_daemon.base
    assert httpx.post(f"{base}/infill", json=vim(), headers={"authorization": "Bearer"}).json()["content"] == FILLED
    assert ollama.Client(host=base).generate(model="auto", prompt="x = ", suffix="\n").done
    assert httpx.post(f"{base}/infill", json=vim(), headers={"authorization": "Bearer dummy"}).status_code == 200
    for path in ("/v1/completions", "/v1/chat/completions", "/v1/messages", "/v1/reload", "/v1/shutdown"):
        assert httpx.post(base + path, json={}).status_code == 401, path
    assert httpx.get(f"{base}/v1/status").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"}, {"origin": "http://localhost:5173"}, {"sec-fetch-site": "cross-site"},
        {"host": "evil.example"}, {"host": "[::1]evil.example"}, {"referer": "https://evil.example/"},
        {"content-type": "text/plain"}, {"content-type": "text/plain;charset=UTF-8"},
        {"content-type": "multipart/form-data; boundary=x"},
    ],
)  # fmt: skip
def test_open_plugins_is_for_programs_and_never_for_pages(open_daemon: Daemon, headers: dict[str, str]) -> None:
    answer = httpx.post(f"{open_daemon.base}/api/generate", json={"model": "auto", "prompt": "x"}, headers=headers)
    assert answer.status_code in (401, 403)


def test_a_token_may_stand_in_the_address_as_a_password(daemon: Daemon) -> None:
    host = f"http://codriver:{daemon.token}@127.0.0.1:{daemon.port}"
    assert httpx.get(f"{host}/api/version").status_code == 200
    assert httpx.get(f"http://codriver:wrong@127.0.0.1:{daemon.port}/api/version").status_code == 401
    assert Guard("t").refuse("/api/tags", {"host": "localhost", "authorization": "Basic ###"}) is not None


def test_only_paths_of_keyless_clients_can_be_opened() -> None:
    assert "/infill" in KEYLESS and "/api/chat" in KEYLESS
    assert not [path for path in KEYLESS if path.startswith("/v1/") and path != "/v1/health"]


# What the editor has open.

OPENED = """\
import os


def settle(accounts, today):
    total = 0
    for account in accounts:
        if account.open and account.due < today:
            for rule in account.rules:
                if rule.applies(account) or rule.forced:
                    total += rule.fee
        
    return total
"""  # noqa: W293 (blanks on an empty line, as editors leave them)


def test_the_buffer_in_the_editor_decides_what_a_plugin_asks(daemon: Daemon) -> None:
    editor = Client(codriver_lsp(), environment(daemon.home))
    try:
        editor.initialize()
        uri = "file:///work/ledger/settle.py"
        item = {"uri": uri, "languageId": "python", "version": 1, "text": OPENED}
        editor.notify("textDocument/didOpen", {"textDocument": item})
        until(lambda: daemon.get("/v1/status")["buffers"], "the buffer to be known")
        above, below = OPENED.split("        \n")
        # As llama.vim does on a line of blanks: it sends none of them.
        answer = daemon.post("/infill", vim(input_prefix=above, prompt="", input_suffix="\n" + below, input_extra=[]))
        features = daemon.get(f"/v1/decisions/{answer.headers['x-codriver-decision']}")["decision"]["features"]
        assert features["path"] == "/work/ledger/settle.py" and features["scope"] == "settle"
        assert features["source"] == "buffer" and features["cognitive"] >= 8
    finally:
        editor.kill()


# A server at home as upstream.

HOME = """
[providers.home]
base_url = "{url}"
wires = {{ ollama_chat = "/api/chat", ollama_generate = "/api/generate" }}

[providers.home.models.talker]
upstream_id = "sim-medium"
images = true
wires = ["ollama_chat"]

[providers.home.models.coder]
upstream_id = "sim-coder"
chat = false
fim = "qwen"
wires = ["ollama_generate"]
"""


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, open_daemon: Daemon) -> Iterator[Daemon]:
    """A daemon whose only providers are an Ollama server: another daemon's simulator."""
    config = HOME.format(url=open_daemon.simulator)
    with daemon_at(tmp_path_factory.mktemp("behind"), config=config) as running:
        yield running


@pytest.mark.parametrize("stream", [False, True])
def test_w41_an_ollama_server_fills_holes_of_every_caller(behind: Daemon, open_daemon: Daemon, stream: bool) -> None:
    for path, body in (("/v1/completions", MINUET), ("/api/generate", CONTINUE), ("/infill", vim(response_fields=[]))):
        open_daemon.heal()
        answer = behind.post(path, {**body, "model": "home/coder", "stream": stream})
        assert answer.status_code == 200 and FILLED in written(answer), path
        sent = open_daemon.log()[-1]["body"]
        assert sent["raw"] is True and sent["prompt"].endswith("<|fim_middle|>")


@pytest.mark.parametrize("stream", [False, True])
def test_an_ollama_server_chats_with_openai_and_anthropic_callers(behind: Daemon, stream: bool) -> None:
    asked = [{"role": "user", "content": "Write the file notes.txt with the text: grüße"}]
    function = WRITE["function"]
    chat = behind.post(
        "/v1/chat/completions", {"model": "home/talker", "messages": asked, "tools": [WRITE], "stream": stream}
    )
    assert chat.status_code == 200 and "write_file" in chat.text and '"tool_calls"' in chat.text
    tool = {"name": function["name"], "description": "Writes.", "input_schema": function["parameters"]}
    body = {"model": "home/talker", "messages": asked, "tools": [tool], "stream": stream, "max_tokens": 200}
    messages = behind.post("/v1/messages", body)
    assert messages.status_code == 200 and "write_file" in messages.text and "tool_use" in messages.text


def test_relay_from_ollama_to_ollama_keeps_the_servers_own_bytes(behind: Daemon) -> None:
    body = {"model": "home/talker", "messages": [{"role": "user", "content": "Hello"}], "options": {"seed": 1}}
    told = lines(behind.post("/api/chat", body))
    assert told[-1]["done"] is True and told[-1]["model"] == "sim-medium"
    assert told[-1]["total_duration"] == 2_000_000  # the simulator's own figure, untouched
