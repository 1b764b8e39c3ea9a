"""Gemini's routes over real sockets: Google's own SDK, raw HTTP for what it hides, upstreams of three wires."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import errors, types

from codriver.errors import Failure, Kind
from codriver.fronts.http.gemini import array
from codriver.model.events import TextDelta
from codriver.model.request import Purpose, Request
from codriver.wire import gemini as wire
from running import Daemon, daemon_at

ONLY = {
    "gemini": "sim-gemini",
    "openai_chat": "sim-large",
    "anthropic": "sim-claude",
}
MODELS = ("sim-small", "sim-medium", "sim-large", "sim-claude", "sim-codex", "sim-gemini")
PATH = "/v1beta/models/auto"
HI = {"contents": [{"role": "user", "parts": [{"text": "Tell me about parsers – kurz, bitte 🙂"}]}]}
WRITE = types.FunctionDeclaration(
    name="write_file",
    description="Writes a file",
    parameters_json_schema={
        "type": "object",
        "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
        "required": ["path", "content"],
    },
)
NOW = types.FunctionDeclaration(name="now", description="What time it is")


def only(*models: str) -> str:
    """Settings under which no other chat models are there."""
    return "".join(
        f"[providers.simulator.models.{name}]\nenabled = {'true' if name in models else 'false'}\n" for name in MODELS
    )


@pytest.fixture(scope="module", params=list(ONLY))
def upstream(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose only chat model speaks one wire, so that `auto` means that wire."""
    with daemon_at(tmp_path_factory.mktemp("gemini"), "--simulate", config=only(ONLY[request.param])) as running:
        yield running


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a Gemini model and one of another wire."""
    home = tmp_path_factory.mktemp("gemini-two")
    with daemon_at(home, "--simulate", config=only("sim-gemini", "sim-small")) as running:
        yield running


def sdk(daemon: Daemon, **options: Any) -> genai.Client:
    return genai.Client(api_key=daemon.token, http_options=types.HttpOptions(base_url=daemon.base, **options))


def post(daemon: Daemon, path: str, body: Any = None, **headers: str) -> httpx.Response:
    sent = headers or {"x-goog-api-key": daemon.token}
    return httpx.post(f"{daemon.base}{path}", json=HI if body is None else body, headers=sent, timeout=30)


def test_the_sdk_streams_text_with_usage(upstream: Daemon) -> None:
    client = sdk(upstream)
    chunks = list(client.models.generate_content_stream(model="auto", contents="Tell me about parsers 🙂"))
    assert "simulated" in "".join(chunk.text or "" for chunk in chunks).lower()
    last = chunks[-1]
    assert last.candidates and last.candidates[0].finish_reason is types.FinishReason.STOP
    used = last.usage_metadata
    assert used is not None and used.prompt_token_count and used.candidates_token_count
    assert used.total_token_count == used.prompt_token_count + used.candidates_token_count
    booked = upstream.get("/v1/decisions/last")["usage"]
    assert (booked["input"] + booked["cached"], booked["output"]) == (
        used.prompt_token_count,
        used.candidates_token_count,
    )


def test_the_sdk_answers_whole(upstream: Daemon) -> None:
    client = sdk(upstream)
    made = client.models.generate_content(
        model="auto", contents="hello", config=types.GenerateContentConfig(max_output_tokens=400, temperature=0.3)
    )
    assert made.text and "simulated" in made.text.lower()
    assert made.usage_metadata is not None and made.usage_metadata.prompt_token_count


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_loop_goes_to_its_end(upstream: Daemon, stream: bool) -> None:
    """T10, W33: what the model signed comes back with it, and nobody else's signature does."""
    client = sdk(upstream)
    chat = client.chats.create(
        model="auto",
        config=types.GenerateContentConfig(
            tools=[types.Tool(function_declarations=[WRITE, NOW])],
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        ),
    )

    def say(message: Any) -> list[types.Part]:
        answers = chat.send_message_stream(message) if stream else [chat.send_message(message)]
        contents = [answer.candidates[0].content for answer in answers if answer.candidates]
        return [part for content in contents if content for part in content.parts or ()]

    parts = say("Write a file grüße.py that contains `print('hi')`")
    (call,) = [part.function_call for part in parts if part.function_call]
    assert call.name == "write_file" and call.args is not None and call.args["path"].endswith(".py") and call.id
    done = say(
        types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": "ok"}))
    )
    assert "write_file" in "".join(part.text or "" for part in done)
    again = say("Write a file b.py that contains `x = 1`")
    assert [part.function_call.name for part in again if part.function_call] == ["write_file"]


def test_an_answer_fits_its_schema(upstream: Daemon) -> None:
    if "sim-claude" in str(upstream.get("/v1/status")["models"]):
        pytest.skip("the simulated Claude promises no schema")
    schema = {"type": "OBJECT", "properties": {"name": {"type": "STRING"}, "age": {"type": "INTEGER"}}}
    client = sdk(upstream)
    made = client.models.generate_content(
        model="auto",
        contents="Somebody",
        config=types.GenerateContentConfig(response_mime_type="application/json", response_schema=schema),
    )
    assert set(json.loads(made.text or "")) <= {"name", "age"}


async def test_the_async_sdk_streams(daemon: Daemon) -> None:
    google = sdk(daemon)
    client = google.aio
    chunks = [chunk async for chunk in await client.models.generate_content_stream(model="auto", contents="hello")]
    assert "".join(chunk.text or "" for chunk in chunks)
    await client.aclose()


@pytest.mark.parametrize(
    ("model", "answered"),
    [
        ("auto", "sim"),
        ("auto:cost", "cost"),
        ("simulator/sim-small", "sim-small"),
        ("simulator/sim-gemini", "sim-gemini"),
        ("models/simulator/sim-gemini", "sim-gemini"),
        ("simulator%2Fsim-small", "sim-small"),
        ("auto%3Acost", "cost"),
    ],
)
def test_names_with_slashes_and_colons(daemon: Daemon, model: str, answered: str) -> None:
    answer = post(daemon, f"/v1beta/models/{model.removeprefix('models/')}:generateContent")
    assert answer.status_code == 200, answer.text
    assert answered in answer.headers["x-codriver-model"] + answer.headers["x-codriver-strategy"]
    if "%" not in model:
        client = sdk(daemon)
        assert client.models.generate_content(model=model, contents="hi").text


@pytest.mark.parametrize("version", ["v1", "v1alpha", "v1beta"])
def test_versions(daemon: Daemon, version: str) -> None:
    client = sdk(daemon, api_version=version)
    assert client.models.generate_content(model="auto", contents="hi").text


def test_models_are_listed_in_geminis_form(daemon: Daemon) -> None:
    """T18: three lists, chosen by path or header."""
    client = sdk(daemon)
    names = [model.name for model in client.models.list()]
    assert names[0] == "models/auto" and "models/simulator/sim-gemini" in names
    one = client.models.get(model="simulator/sim-gemini")
    assert one.name == "models/simulator/sim-gemini" and one.input_token_limit == 1_000_000
    with pytest.raises(errors.ClientError, match="no model is called"):
        client.models.get(model="nonsense-9")
    stable = sdk(daemon, api_version="v1")
    assert stable.models.get(model="auto").name == "models/auto"


def test_tokens_are_counted_and_marked_as_an_estimate(daemon: Daemon) -> None:
    """W29, T36."""
    client = sdk(daemon)
    counted = client.models.count_tokens(model="auto", contents="hello " * 100)
    assert counted.total_tokens is not None and 80 <= counted.total_tokens <= 250
    whole = {
        "generateContentRequest": {
            "model": "models/auto",
            **HI,
            "systemInstruction": {"parts": [{"text": "Parse. " * 300}]},
        }
    }
    answer = post(daemon, f"{PATH}:countTokens", whole)
    assert answer.headers["x-codriver-estimated"] == "true" and answer.json()["totalTokens"] > 100


@pytest.mark.parametrize("place", ["x-goog-api-key", "authorization", "query"])
def test_the_token_comes_in_three_places(daemon: Daemon, place: str) -> None:
    query = f"?key={daemon.token}" if place == "query" else ""
    headers = {"x": "y"} if query else {place: f"Bearer {daemon.token}" if place == "authorization" else daemon.token}
    assert post(daemon, f"{PATH}:generateContent{query}", **headers).status_code == 200


def test_a_wrong_token_is_refused_in_googles_shape_and_logged_nowhere(daemon: Daemon) -> None:
    answer = post(daemon, f"{PATH}:generateContent?key=wrong-secret", x="y")
    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED" and answer.json()["error"]["code"] == 401
    logs = b"".join(file.read_bytes() for file in daemon.home.rglob("*.log"))
    assert b"wrong-secret" not in logs and daemon.token.encode() not in logs


TEXT = {"parts": [{"text": "hi"}]}
PICTURE = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
SIZES = [{"content": TEXT, "outputDimensionality": size} for size in (64, 128)]


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("/v1beta/models/nonsense-9:generateContent", None, 404, "no model is called"),
        (f"{PATH}:generateContent", {"contents": []}, 400, "contents"),
        (f"{PATH}:generateContent", {"contents": [{"role": "robot", "parts": []}]}, 400, "contents[0].role"),
        (f"{PATH}:generateContent", {}, 400, "contents: Field required"),
        (f"{PATH}:predict", None, 404, "no predict of a model: it has generateContent"),
        (f"{PATH}:embedContent", {}, 400, "content: Field required"),
        (f"{PATH}:embedContent", {"content": {"parts": []}}, 400, "content: Expected a text"),
        (f"{PATH}:embedContent", {"content": {"parts": [PICTURE]}}, 400, "content.parts: Codriver embeds texts only"),
        (f"{PATH}:batchEmbedContents", {"requests": []}, 400, "requests"),
        (f"{PATH}:batchEmbedContents", {"requests": SIZES}, 400, "requests.outputDimensionality"),
        ("/v1beta/models/nonsense-9:embedContent", {"content": TEXT}, 404, "no model is called"),
        ("/v1beta/models/simulator/sim-gemini:embedContent", {"content": TEXT}, 400, "sim-gemini"),
    ],
)
def test_errors_in_googles_shape(daemon: Daemon, path: str, body: Any, status: int, told: str) -> None:
    answer = post(daemon, path, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, status)
    assert told in error["message"]
    assert error["status"] == {400: "INVALID_ARGUMENT", 404: "NOT_FOUND"}[status]


@pytest.mark.parametrize("name", ["auto", "simulator/embed-small"])
def test_the_sdk_embeds_texts(daemon: Daemon, name: str) -> None:
    """In any of the ways it has; vectors are those of the wire that vectors have here."""
    client = sdk(daemon)
    texts = ["how to parse a json file", "parsing json files", "a recipe for plum cake – süß"]
    config = types.EmbedContentConfig(output_dimensionality=64, task_type="SEMANTIC_SIMILARITY")
    several = client.models.embed_content(model=name, contents=texts, config=config).embeddings or []
    assert [len(one.values or ()) for one in several] == [64, 64, 64]
    (single,) = client.models.embed_content(model=name, contents=texts[2], config=config).embeddings or []
    assert single.values == several[2].values
    one = post(daemon, f"/v1beta/models/{name}:embedContent", {"content": {"parts": [{"text": texts[0]}]}})
    again = daemon.post("/v1/embeddings", {"model": name, "input": texts[0], "encoding_format": "float"})
    assert one.json() == {"embedding": {"values": again.json()["data"][0]["embedding"]}}
    assert one.headers["x-codriver-model"] == "simulator/embed-small"
    assert int(one.headers["content-length"]) == len(one.content)


def test_who_embeds_says_how(daemon: Daemon) -> None:
    client = sdk(daemon)
    shown = client.models.get(model="simulator/embed-small")
    assert shown.supported_actions == ["embedContent", "batchEmbedContents"]


def test_a_post_without_an_action_is_told_what_to_do(daemon: Daemon) -> None:
    answer = post(daemon, PATH)
    assert answer.status_code == 405 and answer.headers["allow"] == "GET"


@pytest.mark.parametrize("model", ["simulator/sim-gemini", "simulator/sim-small"])
def test_a_stream_without_sse_is_one_array(daemon: Daemon, model: str) -> None:
    answer = post(daemon, f"/v1beta/models/{model}:streamGenerateContent")
    assert answer.headers["content-type"] == "application/json"
    documents = answer.json()
    assert len(documents) > 3 and documents[-1]["candidates"][0]["finishReason"] == "STOP"
    text = "".join(part.get("text", "") for d in documents for part in d["candidates"][0]["content"]["parts"])
    assert "simulated" in text.lower()


@pytest.mark.parametrize("query", ["", "?alt=sse"])
@pytest.mark.parametrize("fault", ["cut", "error_event", "end"])
def test_a_broken_stream_ends_with_an_error_and_no_finish(daemon: Daemon, fault: str, query: str) -> None:
    """W2: never a silent end. Bare JSON is what every SDK raises."""
    daemon.fault("sim-gemini", fault, after=3)
    answer = post(daemon, f"/v1beta/models/simulator/sim-gemini:streamGenerateContent{query}")
    daemon.heal()
    assert answer.status_code == 200
    assert "finishReason" not in answer.text
    last = json.loads(answer.text.strip().splitlines()[-1]) if query else answer.json()[-1]
    assert last["error"]["code"] >= 500 and last["error"]["message"]


@pytest.mark.parametrize("query", ["", "?alt=sse"])
def test_a_broken_frame_is_told(daemon: Daemon, query: str) -> None:
    """T41: a frame that held a part of the answer is a break, by status where nothing was shown yet."""
    daemon.fault("sim-gemini", "malformed", after=3, times=2)
    answer = post(daemon, f"/v1beta/models/simulator/sim-gemini:streamGenerateContent{query}")
    daemon.heal()
    daemon.post("/v1/reload", {})
    assert "finishReason" not in answer.text and "broken" in answer.text


def test_the_sdk_raises_what_breaks_in_a_stream(daemon: Daemon) -> None:
    daemon.fault("sim-gemini", "cut", after=2)
    client = sdk(daemon)
    with pytest.raises(errors.APIError, match="broke off"):
        list(client.models.generate_content_stream(model="simulator/sim-gemini", contents="hello"))
    daemon.heal()


@pytest.mark.parametrize(("fault", "status"), [("429", 429), ("503", 503), ("401", 502)])
def test_failures_before_the_first_word_keep_their_status(daemon: Daemon, fault: str, status: int) -> None:
    """W6: an upstream's 401 is ours to explain."""
    daemon.fault("sim-gemini", fault, retry_after=7)
    answer = post(daemon, "/v1beta/models/simulator/sim-gemini:streamGenerateContent?alt=sse")
    daemon.heal()
    daemon.post("/v1/reload", {})
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == status
    if fault == "429":
        assert answer.headers["retry-after"] == "7"
        assert answer.json()["error"]["details"][0]["retryDelay"] == "7s"


def test_a_relay_changes_nothing(daemon: Daemon) -> None:
    """Body and frames of the same wire are those of caller and provider."""
    body = {**HI, "safetySettings": [], "generationConfig": {"topK": 7, "temperature": 0.5}}
    daemon.heal()
    answer = post(daemon, "/v1beta/models/simulator/sim-gemini:streamGenerateContent?alt=sse", body)
    (entry,) = [entry for entry in daemon.log() if entry["model"] == "sim-gemini"]
    assert entry["body"] == body
    assert entry["path"] == "/v1beta/models/sim-gemini:streamGenerateContent"
    frames = answer.text.split("\r\n\r\n")
    assert all(json.loads(frame.removeprefix("data: "))["modelVersion"] == "sim-gemini" for frame in frames if frame)


def test_a_client_cannot_send_the_pseudo_header(daemon: Daemon) -> None:
    head = f"POST /v1/models HTTP/1.1\r\nhost: localhost\r\nx-api-key: {daemon.token}\r\n:path: /v1beta/models/x:y\r\n"
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as raw:
        raw.sendall(f"{head}content-length: 0\r\n\r\n".encode())
        assert b" 400 " in raw.recv(4096).split(b"\r\n")[0]


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose only model insists on its own signatures."""
    home = tmp_path_factory.mktemp("gemini-signs")
    with daemon_at(home, "--simulate", config=only("sim-gemini")) as running:
        yield running


def signatures(daemon: Daemon) -> list[str | None]:
    """Of the calls in the newest request to the simulator."""
    contents = daemon.log()[-1]["body"]["contents"]
    return [part.get("thoughtSignature") for c in contents for part in c["parts"] if "functionCall" in part]


ASK = "Write a file grüße.py that contains `print('hi')`"
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}}}


def test_a11_a_chat_caller_gets_his_signatures_back(signing: Daemon) -> None:
    """T10, agents 6: the id of a call is all that every client returns."""
    tools = [{"type": "function", "function": {"name": "write_file", "parameters": SCHEMA}}]
    history: list[Any] = [{"role": "user", "content": ASK}]
    for _ in range(2):
        body = {"model": "auto", "messages": history, "tools": tools}
        message = signing.post("/v1/chat/completions", body).raise_for_status().json()["choices"][0]["message"]
        history.append(message)
        history += [
            {"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in message.get("tool_calls") or ()
        ]
    assert "write_file" in history[-1]["content"]
    (signature,) = signatures(signing)
    assert signature and signature != "skip_thought_signature_validator"


def test_a11_an_anthropic_caller_gets_his_signatures_back(signing: Daemon) -> None:
    tools = [{"name": "write_file", "input_schema": SCHEMA}]
    history: list[Any] = [{"role": "user", "content": ASK}]
    for _ in range(2):
        body = {"model": "auto", "max_tokens": 900, "messages": history, "tools": tools}
        content = signing.post("/v1/messages", body).raise_for_status().json()["content"]
        history.append({"role": "assistant", "content": content})
        calls = [block["id"] for block in content if block["type"] == "tool_use"]
        history += [
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": ident, "content": "ok"}]}
            for ident in calls
        ]
    (signature,) = signatures(signing)
    assert signature and signature != "skip_thought_signature_validator"


def test_w33_a_history_that_another_model_made_is_taken(signing: Daemon) -> None:
    call = {"id": "call_of_another", "type": "function", "function": {"name": "write_file", "arguments": "{}"}}
    history = [
        {"role": "user", "content": ASK},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_of_another", "content": "ok"},
    ]
    tools = [{"type": "function", "function": {"name": "write_file", "parameters": SCHEMA}}]
    answer = signing.post("/v1/chat/completions", {"model": "auto", "messages": history, "tools": tools})
    assert answer.status_code == 200, answer.text
    assert signatures(signing) == ["skip_thought_signature_validator"]


def test_the_sdk_takes_keep_alives_and_raises_breaks() -> None:
    """W3, T35: a comment would be taken for JSON. This is what the blank line and the bare error are for."""
    encoder = wire.encoder(Request("r1", Purpose.CHAT, wire="gemini"), "m")
    ping = wire.ping()
    sent = ping + encoder.feed([TextDelta("a")]) + ping + ping + encoder.feed([TextDelta("b")]) + ping
    sent += encoder.broken(Failure(Kind.OVERLOADED, "busy"))

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        client = genai.Client(api_key="k", http_options={"base_url": f"http://127.0.0.1:{server.server_port}"})
        said: list[str | None] = []

        def listen() -> None:
            for chunk in client.models.generate_content_stream(model="m", contents="x"):
                said.append(chunk.text)

        with pytest.raises(errors.ServerError, match="busy"):
            listen()
    assert said == ["a", "b"]


async def test_keep_alives_in_an_array_are_blanks() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    through = array(send)
    encoder = wire.encoder(Request("r1", Purpose.CHAT, wire="gemini"), "m")
    await through({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for data in (wire.ping(), encoder.feed([TextDelta("a")]), wire.ping(), encoder.feed([TextDelta("b")])):
        await through({"type": "http.response.body", "body": data, "more_body": True})
    await through({"type": "http.response.body", "body": encoder.broken(Failure(Kind.SLOW, "late"))})
    assert all(message["body"] for message in sent[1:])
    documents = json.loads(b"".join(message["body"] for message in sent[1:]))
    texts = [document["candidates"][0]["content"]["parts"][0]["text"] for document in documents[:-1]]
    assert texts == ["a", "b"] and documents[-1]["error"]["message"] == "late"
