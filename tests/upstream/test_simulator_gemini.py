"""The simulated Gemini over a real socket: what Google refuses, what it answers, and Google's own SDK on it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import types

from codriver.upstream import simulator as shipped
from codriver.upstream.simulator.faults import AROUND, BODIES, INSIDE, STATUSES

PATH = "/v1beta/models/sim-gemini"
HI = {"role": "user", "parts": [{"text": "hello"}]}
ASK = {"role": "user", "parts": [{"text": "Create the file grüße.py containing `print('Grüße 你好')`."}]}
WRITE = {
    "name": "write_file",
    "description": "Writes a file.",
    "parameters": {
        "type": "OBJECT",
        "properties": {"path": {"type": "STRING"}, "content": {"type": "STRING"}},
        "required": ["path", "content"],
    },
}
TOOLS = [{"functionDeclarations": [WRITE]}]


@pytest.fixture
async def simulator() -> AsyncIterator[shipped.Simulator]:
    async with await shipped.start() as running:
        yield running


@pytest.fixture
async def client(simulator: shipped.Simulator) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"x-goog-api-key": "simulated"}
    async with httpx.AsyncClient(base_url=simulator.url, timeout=10, trust_env=False, headers=headers) as opened:
        yield opened


async def ask(client: httpx.AsyncClient, body: Any, action: str = "generateContent", **headers: str) -> httpx.Response:
    return await client.post(f"{PATH}:{action}", json=body, headers=headers)


def tool(**parameters: Any) -> dict[str, Any]:
    schema = {"type": "OBJECT", "properties": {"p": parameters}}
    return {"contents": [HI], "tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]}


def declared(**declaration: Any) -> dict[str, Any]:
    return {"contents": [HI], "tools": [{"functionDeclarations": [{"name": "f", **declaration}]}]}


def turns(*contents: Any) -> dict[str, Any]:
    return {"contents": list(contents)}


def config(**values: Any) -> dict[str, Any]:
    return {"contents": [HI], "generationConfig": values}


CALL = {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "skip_thought_signature_validator"}
MADE = {"role": "model", "parts": [CALL]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "x"}}}]}
UNSIGNED = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}

REFUSED: list[tuple[Any, str]] = [
    (tool(type="STRING", exclusiveMinimum=1), 'Unknown name "exclusiveMinimum"'),
    (tool(type="OBJECT", properties={"a": {"type": "STRING"}}, additionalProperties=False), '"additionalProperties"'),
    (tool(type="STRING", const="x"), 'Unknown name "const"'),
    (tool(**{"$ref": "#/x"}), 'Unknown name "$ref"'),
    (tool(**{"type": "STRING", "x-a": 1}), 'Unknown name "x-a"'),
    (tool(type="OBJECT"), "should be non-empty for OBJECT type"),
    (tool(type="OBJECT", properties={}), "should be non-empty for OBJECT type"),
    (tool(type="ARRAY"), "items: missing field"),
    (tool(type=["STRING", "NULL"]), "cannot start list"),
    (tool(type="INTEGER", enum=[1]), "TYPE_STRING"),
    (tool(type="INTEGER", enum=["1"]), "only allowed for STRING type"),
    (tool(type="STRING", enum=[""]), "cannot be empty"),
    (tool(type="STRING", format="uri"), "only 'enum' and 'date-time' are supported"),
    (tool(anyOf=[{"type": "STRING"}], description="x"), "it must be the only field set"),
    (tool(description="x"), "must be specified when not using"),
    (tool(type="OBJECT", properties={"a": {"type": "STRING"}}, required=["b"]), "property is not defined"),
    (declared(parameters={"type": "OBJECT", "properties": {}}), "should be non-empty for OBJECT type"),
    (declared(parameters={"type": "STRING"}), "should be of type OBJECT"),
    (declared(parametersJsonSchema={"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}), "undefined schema"),
    (declared(name="7f"), "Invalid function name"),
    (declared(strict=True), 'Unknown name "strict"'),
    ({"contents": [HI], "tools": [*TOOLS, *TOOLS]}, "Duplicate function declaration"),
    (turns(), "contents is not specified"),
    (turns({"role": "assistant", "parts": [{"text": "x"}]}), "valid role: user, model"),
    (turns({"role": "user", "parts": []}), "must not be empty"),
    (turns({"role": "user", "parts": [{}]}), "must have one initialized field"),
    (turns({"role": "user", "parts": [{"text": "x", "zzz": 1}]}), 'Unknown name "zzz"'),
    (turns(HI, {"role": "model", "parts": [{"text": "x"}]}), "end with a user role"),
    (turns(MADE, RESULT), "immediately after a user turn"),
    (turns(HI, MADE, HI), "number of function response parts is equal"),
    (turns(HI, MADE, {"role": "user", "parts": [*RESULT["parts"], *RESULT["parts"]]}), "number of function response parts"),
    (turns(HI, RESULT), "immediately after a function call turn"),
    (turns(HI, UNSIGNED, RESULT), "missing a thought_signature"),
    (turns(HI, {"role": "model", "parts": [{**CALL, "thoughtSignature": "Zm9yZWlnbg=="}]}, RESULT), "Corrupted thought"),
    ({"contents": [HI], "messages": []}, 'Unknown name "messages"'),
    (config(topX=1), 'Unknown name "topX"'),
    (config(temperature=3), "temperature must be in the range"),
    (config(maxOutputTokens=999_999), "supported range is from 1"),
    (config(stopSequences=list("abcdef")), "at most 5"),
    (config(thinkingConfig={"thinkingLevel": "MINIMAL"}), "MINIMAL is not supported"),
    (config(thinkingConfig={"thinkingLevel": "LOW", "thinkingBudget": 1}), "only one of thinking budget"),
    (config(responseSchema={"type": "STRING"}), "only allowed for mime type json"),
    ({**config(responseMimeType="application/json"), "tools": TOOLS}, "response mime type"),
    ({"contents": [HI], "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "without function_declarations"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "words"), REFUSED)
async def test_what_google_refuses(client: httpx.AsyncClient, body: Any, words: str) -> None:
    """W31, W32, W33."""
    answer = await ask(client, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert words in error["message"]


@pytest.mark.parametrize(
    "body",
    [
        turns(HI, MADE, RESULT),
        turns(HI, UNSIGNED, RESULT, {"role": "model", "parts": [{"text": "ok"}]}, HI),
        turns(HI, MADE, {"role": "model", "parts": [{"text": ""}]}, RESULT),
        turns(HI, HI),
        declared(),
        declared(parametersJsonSchema={"type": "object", "properties": {"a": {"type": "object", "const": 1}}}),
        {"contents": [HI], "generation_config": {"max_output_tokens": 5, "thinking_config": {"thinking_level": "low"}}},
        {"contents": [HI], "tools": [{"googleSearch": {}}], "safetySettings": []},
    ],
)
async def test_what_google_takes(client: httpx.AsyncClient, body: Any) -> None:
    """Steps before the current turn need no signature; a stream's frames may come back one by one."""
    answer = await ask(client, body)
    assert answer.status_code == 200, answer.text


async def test_a_step_is_signed_and_its_signature_is_checked(client: httpx.AsyncClient) -> None:
    body = {"contents": [ASK], "tools": TOOLS}
    content = (await ask(client, body)).json()["candidates"][0]["content"]
    (call,) = [part for part in content["parts"] if "functionCall" in part]
    assert call["functionCall"]["args"] == {"path": "grüße.py", "content": "print('Grüße 你好')"}
    result = {
        "functionResponse": {"name": "write_file", "id": call["functionCall"]["id"], "response": {"output": "ok"}}
    }
    kept = [ASK, content, {"role": "user", "parts": [result]}]
    done = await ask(client, {**body, "contents": kept})
    assert "write_file" in done.json()["candidates"][0]["content"]["parts"][-1]["text"]
    call["functionCall"]["args"]["path"] = "other.py"
    assert "Corrupted" in (await ask(client, {**body, "contents": kept})).json()["error"]["message"]


@pytest.mark.parametrize("stream", [True, False])
async def test_words_are_signed_at_their_end_and_only_their_maker_takes_that_back(
    client: httpx.AsyncClient, stream: bool
) -> None:
    if stream:
        answer = await client.post(f"{PATH}:streamGenerateContent?alt=sse", json={"contents": [HI]})
        frames = [json.loads(one.removeprefix("data: ")) for one in answer.text.split("\r\n\r\n") if one]
        parts = [part for one in frames for part in one["candidates"][0]["content"]["parts"]]
    else:
        parts = (await ask(client, {"contents": [HI]})).json()["candidates"][0]["content"]["parts"]
    signed = [part for part in parts if "thoughtSignature" in part]
    assert signed == parts[-1:]
    kept = [HI, {"role": "model", "parts": parts}, HI]
    assert (await ask(client, {"contents": kept})).status_code == 200
    signed[0]["thoughtSignature"] = "b3RoZXI="
    assert "Corrupted" in (await ask(client, {"contents": kept})).json()["error"]["message"]


async def test_frames_count_on_and_end_with_a_reason(client: httpx.AsyncClient) -> None:
    """W34."""
    body = config(thinkingConfig={"includeThoughts": True})
    answer = await client.post(f"{PATH}:streamGenerateContent?alt=sse", json=body)
    frames = [json.loads(frame.removeprefix("data: ")) for frame in answer.text.split("\r\n\r\n") if frame]
    counts = [frame["usageMetadata"]["candidatesTokenCount"] for frame in frames]
    assert counts == sorted(counts) and frames[-1]["usageMetadata"]["thoughtsTokenCount"] > 0
    assert [frame["candidates"][0].get("finishReason") for frame in frames][-2:] == [None, "STOP"]
    assert any(part.get("thought") for part in frames[0]["candidates"][0]["content"]["parts"])


async def test_lists_counts_and_strangers(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1beta/models")).json()["models"]
    assert [model["name"] for model in listed] == ["models/sim-gemini"]
    assert (await client.get(PATH)).json()["inputTokenLimit"] == 1_000_000
    assert (await client.get("/v1beta/models/none")).status_code == 404
    assert (await ask(client, turns(HI), "countTokens")).json()["totalTokens"] > 0
    assert (await client.post("/v1beta/models/none:generateContent", json=turns(HI))).json()["error"][
        "status"
    ] == "NOT_FOUND"
    assert (await ask(client, turns(HI), "embedContent")).status_code == 404
    client.headers.pop("x-goog-api-key")
    assert (await ask(client, turns(HI))).status_code == 403


@pytest.mark.parametrize("fault", sorted(STATUSES))
async def test_status_faults_in_googles_shape(
    simulator: shipped.Simulator, client: httpx.AsyncClient, fault: str
) -> None:
    simulator.fault(fault, retry_after=2)
    answer = await ask(client, turns(HI))
    assert answer.status_code == STATUSES[fault][0] and answer.headers["retry-after"] == "2"
    assert answer.json()["error"]["status"].isupper()
    assert (await ask(client, turns(HI))).status_code == 200


@pytest.mark.parametrize("fault", sorted({*INSIDE, *AROUND, *BODIES} - {"stall", "reset", "slow", "slow_token", "cut"}))
async def test_faults_inside_a_stream(simulator: shipped.Simulator, client: httpx.AsyncClient, fault: str) -> None:
    simulator.fault(fault, after=2)
    text = (await client.post(f"{PATH}:streamGenerateContent?alt=sse", json=turns(HI))).content.decode(
        "utf-8", "replace"
    )
    if fault in AROUND or fault == "malformed":
        assert '"finishReason":"STOP"' in text
    else:
        assert "finishReason" not in text
    if fault == "error_event":
        assert json.loads(text[text.rindex('{\n  "error"') :])["error"]["status"] == "UNAVAILABLE"


async def test_googles_sdk_runs_a_tool_to_the_end(simulator: shipped.Simulator) -> None:
    google = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=simulator.url, api_version="v1beta"))
    written: dict[str, str] = {}

    def write_file(path: str, content: str) -> str:
        """Writes a file."""
        written[path] = content
        return "ok"

    chat = google.aio.chats.create(model="sim-gemini", config=types.GenerateContentConfig(tools=[write_file]))
    done = await chat.send_message(ASK["parts"][0]["text"])
    assert written == {"grüße.py": "print('Grüße 你好')"}
    assert done.text and "write_file" in done.text
    await google.aio.aclose()
