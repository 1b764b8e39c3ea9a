"""Relay on the same wire over real sockets: body and frames arrive byte-equal but for the model's name and quirks.

The provider is a recorder on loopback, which keeps each body as it came and answers with bytes written beforehand.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from codriver.upstream.probing import NAME
from codriver.wire import codec
from running import Daemon, daemon_at
from wire.streams import CODECS, SAMPLES

CONFIG = """
[providers.rec]
base_url = "{url}"
wires = {{ {wires} }}
auth = "none"
discover = ""
{models}
[providers.rec.models.fussy]
upstream_id = "rec-fussy"
wires = ["openai_chat"]
quirks = {{ drop = ["temperature"], max_tokens_field = "max_completion_tokens" }}
"""
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_completions": "/v1/completions",
    "openai_responses": "/v1/responses",
    "openai_embeddings": "/v1/embeddings",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/rec/gemini:streamGenerateContent?alt=sse",
    "ollama_chat": "/api/chat",
    "ollama_generate": "/api/generate",
    "llamacpp_infill": "/infill",
    "mistral_fim": "/v1/fim/completions",
}
# As clients really write them: blanks, line ends, escapes, numbers in every form, fields nobody knows.
ASKED = {
    "openai_chat": """{ "model": "MODEL",\n "messages":[{"role":"user","content":"gr\\u00fc\\u00dfe, \\"model\\" ü"}],
        "stream": true, "stream_options":{"include_usage":true}, "temperature":1.50, "future":{"b":1e3,"a":[ ]}}""",
    "openai_completions": """{"prompt":"x = ","suffix":"\\n","model":"MODEL","stream":true,"max_tokens":9,
        "stream_options":{"include_usage":true},"future":[1.0]}""",
    "openai_responses": """{"model":"MODEL", "input":[{"role":"user","content":"\\u00fc"},{"type":"tomorrow","x":1.0}],
        "stream":true,"store":false,"tools":[{"type":"web_search"}]}""",
    "openai_embeddings": """{"input":["gr\\u00fc\\u00dfe", "b"], "model":"MODEL", "future": 1.0}""",
    "anthropic": """{"max_tokens": 9, "model":"MODEL", "system":[{"type":"text","text":"\\u00fc","cache_control":{"type":"ephemeral"}}],
        "messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"stream":true,"future":1.0}""",
    "gemini": """{ "contents" : [ {"role":"user","parts":[{"text":"\\u00fc"}]} ],
        "safetySettings":[], "generationConfig":{"topK":7,"temperature":1.50} }""",
    "ollama_chat": """{"model":"MODEL","messages":[{"role":"user","content":"\\u00fc"}],"options":{"mirostat":1,"temperature":0.50},
        "keep_alive":"5m"}""",
    "ollama_generate": """{"model":"MODEL","prompt":"x = ","suffix":"\\n","options":{"num_predict":9,"top_k":1.0}}""",
    "llamacpp_infill": """{"input_prefix":"x","input_suffix":"\\u00fc","prompt":"","stream":true,"n_predict":9,"samplers":["top_k"],"model":"MODEL"}""",
    "mistral_fim": """{"model":"MODEL","prompt":"x = ","suffix":"\\n","stream":true,"random_seed":7,"min_tokens":1.0}""",
}
WHOLE = {
    "openai_chat": b'{ "id":"c", "choices" : [{"index":0,"message":{"role":"assistant","content":"\\u00fc"},"finish_reason":"stop"}], "x":1.0}',
    "openai_completions": b'{ "id":"c", "choices" : [{"index":0,"text":"\\u00fc","finish_reason":"stop"}], "x":1.0}',
    "openai_embeddings": b'{ "object":"list", "data":[{"index":0,"embedding":[0.10, 1e-3]}], "usage":{"prompt_tokens":2,"total_tokens":2}}',
    "openai_responses": b'{ "id":"resp_1","object":"response","status":"completed","model":"m","output":[{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"\\u00fc"}]}],"usage":{"input_tokens":1,"output_tokens":1}, "x":1.0}',
    "anthropic": b'{ "type":"message","id":"m","content":[{"type":"text","text":"\\u00fc"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}, "x":1.0}',
    "gemini": b'{ "candidates":[{"index":0,"content":{"parts":[{"text":"\\u00fc"}]},"finishReason":"STOP"}], "x":1.0}',
    "ollama_chat": b'{ "model":"m","message":{"role":"assistant","content":"\\u00fc"},"done":true, "x":1.0}',
    "ollama_generate": b'{ "model":"m","response":"\\u00fc","done":true, "x":1.0}',
    "llamacpp_infill": b'{ "content":"\\u00fc","stop":true,"stop_type":"eos", "x":1.0}',
    "mistral_fim": b'{ "id":"c","choices":[{"index":0,"message":{"content":"\\u00fc"},"finish_reason":"stop"}], "x":1.0}',
}
HOLES = {"openai_completions", "mistral_fim", "llamacpp_infill", "ollama_generate"}


@dataclass
class Recorder:
    """What a provider was sent."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


def serve(recorder: Recorder) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            wire = self.path.split("/")[1]
            if NAME.encode() in body:  # who is said to fill holes is asked for a proof first
                self.answer("application/json", WHOLE[wire].replace(b"\\u00fc", NAME.encode()))
                return
            recorder.bodies.append(body)
            recorder.paths.append(self.path)
            recorder.headers.append({name.lower(): value for name, value in self.headers.items()})
            said = json.loads(body)
            streamed = said.get("stream", wire.startswith("ollama")) or "streamGenerate" in self.path
            answer = SAMPLES[wire] if streamed and wire in SAMPLES else WHOLE[wire]
            kind = codec.find(wire).content_type if answer is SAMPLES.get(wire) else "application/json"
            self.answer(kind, answer)

        def answer(self, kind: str, answer: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            for start in range(0, len(answer), 100):
                self.wfile.write(answer[start : start + 100])
                self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    recorder.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, Recorder]]:
    """A daemon with one model for each wire, all of them at the recorder."""
    recorder = Recorder()
    server = serve(recorder)
    wires = (
        ", ".join(f'{wire} = "/{wire}/{{{{model}}}}:{{{{action}}}}"' for wire in CODECS)
        .replace("{{", "{")
        .replace("}}", "}")
    )
    models = "\n".join(
        f'[providers.rec.models.{wire}]\nupstream_id = "rec-{wire}"\nwires = ["{wire}"]\n'
        + ('chat = false\nfim = "suffix"' if wire in HOLES else "")
        + ("chat = false\nembeds = true" if wire == "openai_embeddings" else "")
        for wire in CODECS
    )
    config = CONFIG.format(url=recorder.url, wires=wires, models=models)
    try:
        with daemon_at(tmp_path_factory.mktemp("relay"), config=config) as running:
            yield running, recorder
    finally:
        server.shutdown()
        server.server_close()


def post(daemon: Daemon, path: str, body: str, **headers: str) -> httpx.Response:
    with daemon.client as client:
        answer = client.post(path, content=body.encode(), headers={"content-type": "application/json", **headers})
    assert answer.status_code == 200, answer.text
    return answer


def path(wire: str, *, stream: bool = True) -> str:
    return PATHS[wire] if stream else PATHS[wire].replace("streamGenerateContent?alt=sse", "generateContent")


def test_every_wire_is_here() -> None:
    assert sorted(PATHS) == sorted(ASKED) == sorted(WHOLE) == sorted(CODECS)


@pytest.mark.parametrize("wire", CODECS)
def test_w9_body_and_frames_arrive_byte_equal(setting: tuple[Daemon, Recorder], wire: str) -> None:
    """A5, G3, T7, T24, T25, D5."""
    daemon, recorder = setting
    asked = ASKED[wire]
    answer = post(daemon, path(wire), asked.replace("MODEL", f"rec/{wire}"))
    expected = asked.replace("MODEL", f"rec-{wire}").encode()
    assert recorder.bodies[-1] == expected
    assert f"rec-{wire}" in recorder.paths[-1]
    assert answer.content == SAMPLES.get(wire, WHOLE[wire])
    assert answer.headers["x-codriver-model"] == f"rec/{wire}"
    assert daemon.token not in str(recorder.headers[-1])


@pytest.mark.parametrize("wire", sorted(WHOLE))
def test_w9_whole_answers_arrive_byte_equal(setting: tuple[Daemon, Recorder], wire: str) -> None:
    daemon, recorder = setting
    asked = ASKED[wire].replace("MODEL", f"rec/{wire}").replace('"stream":true', '"stream":false')
    asked = asked.replace('"stream": true, "stream_options":{"include_usage":true},', "")
    asked = asked.replace('"stream_options":{"include_usage":true},', "")
    if wire.startswith("ollama"):
        asked = asked[:-1] + ',"stream":false}'
    answer = post(daemon, path(wire, stream=False), asked)
    assert recorder.bodies[-1] == asked.replace(f"rec/{wire}", f"rec-{wire}").encode()
    assert answer.content == WHOLE[wire]


def test_t22_only_the_wish_to_count_is_added_and_only_the_count_is_hidden(setting: tuple[Daemon, Recorder]) -> None:
    """W7, W17."""
    daemon, recorder = setting
    asked = '{"model":"MODEL","messages":[{"role":"user","content":"\\u00fc"}],"stream":true,"x":1.0}'
    answer = post(daemon, PATHS["openai_chat"], asked.replace("MODEL", "rec/openai_chat"))
    sent = asked.replace("MODEL", "rec-openai_chat")
    assert recorder.bodies[-1].decode() == sent[:-1] + ',"stream_options":{"include_usage":true}}'
    frames = SAMPLES["openai_chat"].split(b"\n\n")
    assert answer.content == b"\n\n".join(frame for frame in frames if b'"usage"' not in frame)


def test_w11_a_quirk_changes_what_it_names_and_nothing_else(setting: tuple[Daemon, Recorder]) -> None:
    daemon, recorder = setting
    messages = '[{"content":"\\u00fc","role":"user" , "x":1.0}]'
    asked = '{"model":"rec/fussy","temperature":0.5,"messages":' + messages + ',"max_tokens":9,"future":1e1}'
    post(daemon, PATHS["openai_chat"], asked)
    sent = '{"model":"rec-fussy","messages":' + messages + ',"max_completion_tokens":9,"future":1e1}'
    assert recorder.bodies[-1].decode() == sent


@pytest.mark.parametrize(("model", "goes"), [("rec/anthropic", True), ("rec/openai_chat", False)])
def test_w28_beta_headers_stay_on_their_wire(setting: tuple[Daemon, Recorder], model: str, goes: bool) -> None:
    """T37: and neither key nor cookie of the caller's goes anywhere."""
    daemon, recorder = setting
    private = {"cookie": "c=1", "x-stainless-os": "Linux", "user-agent": "claude-cli/9"}
    beta = {"anthropic-beta": "interleaved-thinking-2025-05-14", "anthropic-version": "2023-06-01"}
    post(daemon, "/v1/messages", ASKED["anthropic"].replace("MODEL", model), **private, **beta)
    sent = recorder.headers[-1]
    assert ("anthropic-beta" in sent, "interleaved" in str(sent)) == (goes, goes)
    assert not {"cookie", "x-stainless-os", "authorization"} & set(sent)
    assert "claude-cli" not in sent.get("user-agent", "")


def test_w29_the_real_window_is_told(setting: tuple[Daemon, Recorder]) -> None:
    """F5, F8: in the list, in the words of each, and with each answer, whatever name was asked for."""
    daemon, _ = setting
    answer = post(daemon, "/v1/messages", ASKED["anthropic"].replace("MODEL", "claude-sonnet-4-6"))
    served, window = answer.headers["x-codriver-model"], int(answer.headers["x-codriver-window"])
    rows = {row["id"]: row for row in daemon.get("/v1/models")["data"]}
    assert rows[served]["context_window"] == window > 0
    with daemon.client as client:
        listed = client.get("/v1/models", headers={"anthropic-version": "2023-06-01"}).json()["data"]
    assert next(row["max_input_tokens"] for row in listed if row["id"] == served) == window
