"""What a generateContent caller asks: read, refused, surveyed, unfolded."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import Kind, RequestRejected
from codriver.model.request import Image, Message, Purpose, Reasoning, Request, Text, ToolCall, ToolChoice, ToolResult
from codriver.wire import gemini
from wire.samples import dump

PATH = {":path": "/v1beta/models/auto:generateContent"}
HI = {"role": "user", "parts": [{"text": "hi"}]}


def ask(headers: dict[str, str] | None = None, **changes: Any) -> Request:
    return gemini.parse(dump({"contents": [HI], **changes}), {**PATH, **(headers or {})})


def config(**changes: Any) -> Request:
    return ask(generationConfig=changes)


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def call(name: str, ident: str = "", **arguments: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": arguments} | ({"id": ident} if ident else {})}


def result(name: str, text: Any, ident: str = "") -> dict[str, Any]:
    response = {"output": text} if isinstance(text, str) else text
    return {"functionResponse": {"name": name, "response": response} | ({"id": ident} if ident else {})}


@pytest.mark.parametrize(
    ("path", "name", "stream"),
    [
        ("/v1beta/models/auto:generateContent", "auto", False),
        ("/v1beta/models/auto:streamGenerateContent", "auto", True),
        ("/v1/models/auto:cost:streamGenerateContent", "auto:cost", True),
        ("/v1beta/models/google/gemini-3.8-flash:generateContent", "google/gemini-3.8-flash", False),
        ("/v1beta/models/models/auto:generateContent", "auto", False),
    ],
)
def test_model_and_stream_come_from_the_path(path: str, name: str, stream: bool) -> None:
    request = ask({":path": path})
    assert (request.model, request.stream, request.needs.stream) == (name, stream, stream)


def test_without_a_path_the_body_names_its_model() -> None:
    assert gemini.parse(dump({"contents": [HI], "model": "models/auto"}), {}).model == "auto"
    with pytest.raises(RequestRejected, match=r"^model: Field required$"):
        gemini.parse(dump({"contents": [HI]}), {})


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"contents": []}, "contents"),
    ({"contents": 3}, "contents"),
    ({"contents": [{"role": "robot", "parts": [{"text": "x"}]}]}, "contents[0].role"),
    ({"contents": [user({"text": 5})]}, "contents[0].parts[0].text"),
    ({"contents": [model({"functionCall": {"args": {}}})]}, "contents[0].parts[0].functionCall.name"),
    ({"tools": [{"functionDeclarations": [{"description": "x"}]}]}, "tools[0].functionDeclarations[0].name"),
    (
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": []}]}]},
        "tools.functionDeclarations[0].parameters",
    ),
    ({"generationConfig": {"temperature": 3}}, "generationConfig.temperature"),
    ({"generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
    ({"generationConfig": {"maxOutputTokens": 0}}, "generationConfig.maxOutputTokens"),
    ({"systemInstruction": 5}, "systemInstruction"),
]


@pytest.mark.parametrize(("changes", "field"), REFUSED)
def test_w9_wrong_types_name_their_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        ask(**changes)
    assert caught.value.failure.field == field and field in str(caught.value)
    assert caught.value.failure.kind is Kind.INVALID


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "at byte 0"),
        (b'{"contents": [', "at byte 14"),
        (b"[1]", "Expected `object`"),
        (b'{"model": "\xff"}', "not UTF-8 at byte 11"),
    ],
)
def test_w9_broken_json_names_its_place(body: bytes, words: str) -> None:
    with pytest.raises(RequestRejected, match=words):
        gemini.parse(body, PATH)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_body_is_read_or_refused(draw: st.DataObject) -> None:
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)

    def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)

    junk = draw.draw(st.recursive(scalars, nested, max_leaves=6))
    place = draw.draw(
        st.sampled_from(["contents", "tools", "toolConfig", "systemInstruction", "generationConfig", "x"])
    )
    try:
        request = ask(**{place: junk})
    except RequestRejected:
        return
    assert request.conversation.messages or place == "contents"


def test_w31_roles_system_calls_and_results() -> None:
    request = ask(
        systemInstruction={"role": "user", "parts": [{"text": "be"}, {"text": "brief"}]},
        contents=[
            HI,
            model(
                {"text": "hm", "thought": True}, {"text": "so"}, {**call("f", "i1", a="ü"), "thoughtSignature": "c2ln"}
            ),
            user(result("f", "done", "i1"), {"text": "go on"}),
        ],
    )
    assert request.conversation.messages == (
        Message("system", (Text("be"), Text("brief"))),
        Message("user", (Text("hi"),)),
        Message("assistant", (Reasoning("hm"), Text("so"), ToolCall("i1", "f", '{"a": "\\u00fc"}', "c2ln"))),
        Message("tool", (ToolResult("i1", (Text("done"),)),)),
        Message("user", (Text("go on"),)),
    )
    assert request.purpose is Purpose.TOOL_RESULT
    assert request.signatures == ("c2ln",)
    assert request.tail == ('{"output": "done"}', "hi")


def test_b4_calls_without_ids_are_matched_by_name_and_order() -> None:
    """W31: three calls of one function are three calls; older callers send no ids."""
    request = ask(
        contents=[
            HI,
            model(call("f", n=1), call("g"), call("f", n=2)),
            user(result("f", "first"), result("f", "second"), result("g", "other")),
        ]
    )
    made = [part for part in request.conversation.messages[1].parts if isinstance(part, ToolCall)]
    answered = [part for part in request.conversation.messages[2].parts if isinstance(part, ToolResult)]
    assert len({part.id for part in made}) == 3
    assert [part.call_id for part in answered] == [made[0].id, made[2].id, made[1].id]


def test_ids_made_here_are_the_same_in_every_turn() -> None:
    history = [HI, model(call("f")), user(result("f", "x"))]
    later = [*history, model(call("f")), user(result("f", "y"))]
    assert ask(contents=later).conversation.messages[:3] == ask(contents=history).conversation.messages


@pytest.mark.parametrize(
    ("response", "text", "failed"),
    [
        ({"output": "a"}, "a", False),
        ({"result": "a"}, "a", False),
        ({"error": "a"}, "a", True),
        ({"output": {"x": 1}}, '{"output": {"x": 1}}', False),
        ({"a": 1, "b": 2}, '{"a": 1, "b": 2}', False),
        ({}, "{}", False),
    ],
)
def test_what_a_function_responded(response: Any, text: str, failed: bool) -> None:
    request = ask(contents=[HI, model(call("f")), user(result("f", response))])
    (part,) = request.conversation.messages[-1].parts
    assert isinstance(part, ToolResult) and part.parts == (Text(text),) and part.is_error is failed


def test_images_inline_on_the_web_and_in_results() -> None:
    shown = {
        "functionResponse": {
            "name": "f",
            "response": {"output": "see"},
            "parts": [{"inlineData": {"mimeType": "image/png", "data": "QQ"}}],
        }
    }
    request = ask(
        contents=[
            user(
                {"inlineData": {"mimeType": "image/png", "data": "QUJD"}},
                {"fileData": {"mimeType": "image/png", "fileUri": "https://x.example/a.png"}},
                {"inlineData": {"mimeType": "text/plain", "data": base64.b64encode("grün".encode()).decode()}},
            ),
            model(call("f")),
            user(shown),
        ]
    )
    assert request.conversation.messages[0].parts == (
        Image("image/png", "QUJD"),
        Image("image/png", url="https://x.example/a.png"),
        Text("grün"),
    )
    (result_part,) = request.conversation.messages[2].parts
    assert isinstance(result_part, ToolResult) and result_part.parts == (Text("see"), Image("image/png", "QQ"))
    assert request.needs.images and request.needs.same_wire == ()


SHOWN = (
    ("application/pdf", {"inlineData": {"mimeType": "application/pdf", "data": "QQ"}}),
    ("fileData", {"fileData": {"mimeType": "image/png", "fileUri": "gs://a/b"}}),
)


@pytest.mark.parametrize(
    ("changes", "bound"),
    [
        ({"generationConfig": {"candidateCount": 2}}, "candidateCount"),
        ({"generationConfig": {"seed": 1}}, "seed"),
        ({"generationConfig": {"responseLogprobs": True}}, "responseLogprobs"),
        ({"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}, "responseModalities"),
        ({"generationConfig": {"speechConfig": {}}}, "speechConfig"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "responseMimeType"),
        ({"cachedContent": "cachedContents/a"}, "cachedContent"),
        ({"tools": [{"googleSearch": {}}]}, "tools[googleSearch]"),
        ({"tools": [{"codeExecution": {}}, {"urlContext": {}}]}, "tools[codeExecution]"),
        (
            {"contents": [user({"inlineData": {"mimeType": "application/pdf", "data": "QQ"}})]},
            "inlineData[application/pdf]",
        ),
        ({"contents": [user({"fileData": {"mimeType": "image/png", "fileUri": "gs://a/b"}})]}, "fileData"),
        *(
            ({"contents": [HI, model(call("f")), user(response)]}, f"functionResponse[{kind}]")
            for kind, part in SHOWN
            for response in ({"functionResponse": {"name": "f", "response": {}, "parts": [part]}},)
        ),
        ({"contents": [HI, model({"executableCode": {"code": "1"}}), HI]}, "executable_code"),
    ],
)
def test_w10_what_only_gemini_carries_stays_there(changes: dict[str, Any], bound: str) -> None:
    assert bound in ask(**changes).needs.same_wire


@pytest.mark.parametrize(
    "changes",
    [
        {"generationConfig": {"candidateCount": 1, "topK": 40, "responseModalities": ["TEXT"]}},
        {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
        {"tools": [{"functionDeclarations": [{"name": "f"}]}, {"googleSearch": {}}]},
    ],
)
def test_wishes_others_can_do_without_bind_nothing(changes: dict[str, Any]) -> None:
    assert ask(**changes).needs.same_wire == ()


@pytest.mark.parametrize(
    ("thinking", "effort"),
    [
        ({"thinkingBudget": 0}, "none"),
        ({"thinkingBudget": 512}, "minimal"),
        ({"thinkingBudget": 4096}, "low"),
        ({"thinkingBudget": 8192}, "medium"),
        ({"thinkingBudget": 24576}, "high"),
        ({"thinkingBudget": 32768}, "max"),
        ({"thinkingBudget": -1}, None),
        ({"thinkingLevel": "LOW"}, "low"),
        ({"thinkingLevel": "high"}, "high"),
        ({"thinkingLevel": "MINIMAL"}, "minimal"),
        ({"includeThoughts": True}, None),
        ({}, None),
    ],
)
def test_w35_budgets_and_levels_are_one_scale(thinking: dict[str, Any], effort: str | None) -> None:
    assert config(thinkingConfig=thinking).limits.effort == effort


def test_limits() -> None:
    limits = config(maxOutputTokens=5, temperature=1, topP=0.5, stopSequences=["a"]).limits
    assert (limits.max_tokens, limits.temperature, limits.top_p, limits.stop) == (5, 1.0, 0.5, ("a",))


@pytest.mark.parametrize("name", ["responseSchema", "responseJsonSchema"])
@pytest.mark.parametrize("dialect", [False, True])
def test_an_asked_form_of_the_answer(name: str, dialect: bool) -> None:
    """gemini-cli writes the dialect into the field for JSON Schema."""
    shape = {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}}
    wanted = shape if dialect else {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    request = config(responseMimeType="application/json", **{name: wanted})
    assert request.limits.schema is not None and request.needs.schema
    assert request.limits.schema["schema"] == {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    assert config(responseMimeType="application/json").limits.schema == {"type": "json_object"}


@pytest.mark.parametrize(
    ("calling", "choice", "tools"),
    [
        ({"mode": "AUTO"}, ToolChoice("auto"), ["f", "g", "h"]),
        ({"mode": "VALIDATED"}, ToolChoice("auto"), ["f", "g", "h"]),
        ({"mode": "NONE"}, ToolChoice("none"), ["f", "g", "h"]),
        ({"mode": "ANY"}, ToolChoice("required"), ["f", "g", "h"]),
        ({"mode": "ANY", "allowedFunctionNames": ["g"]}, ToolChoice("named", "g"), ["f", "g", "h"]),
        ({"mode": "ANY", "allowedFunctionNames": ["g", "h"]}, ToolChoice("required"), ["g", "h"]),
        (None, None, ["f", "g", "h"]),
    ],
)
def test_tool_choice(calling: Any, choice: ToolChoice | None, tools: list[str]) -> None:
    declared = [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}, {"functionDeclarations": [{"name": "h"}]}]
    request = ask(tools=declared, **({"toolConfig": {"functionCallingConfig": calling}} if calling else {}))
    assert request.conversation.tool_choice == choice
    assert [tool.name for tool in request.conversation.tools] == tools
    assert request.needs.tools


def test_schemas_of_either_field_are_json_schema_inside() -> None:
    schema = {"type": "object", "properties": {"a_b": {"type": "string"}}}
    own = {"type": "OBJECT", "properties": {"a_b": {"type": "STRING"}}}
    request = ask(
        tools=[
            {"functionDeclarations": [
                {"name": "f", "parameters": own}, {"name": "g", "parametersJsonSchema": schema}, {"name": "h"},
            ]}
        ]
    )  # fmt: skip
    assert [dict(tool.schema) for tool in request.conversation.tools] == [
        schema,
        schema,
        {"type": "object", "properties": {}},
    ]


def test_both_spellings_and_single_things_are_read() -> None:
    """Google takes them, and its own SDK mixes them; names of the caller's functions stay as they are."""
    loose = {
        "system_instruction": {"parts": {"text": "brief"}},
        "contents": {"role": "user", "parts": {"text": "hi"}},
        "tools": {"function_declarations": [
            {"name": "f", "parameters_json_schema": {"type": "object", "properties": {"file_uri": {"type": "string"}}}},
        ]},
        "generationConfig": {"max_output_tokens": 7, "thinking_config": {"thinking_level": "LOW"}},
    }  # fmt: skip
    request = gemini.parse(dump(loose), PATH)
    assert request.conversation.messages == (Message("system", (Text("brief"),)), Message("user", (Text("hi"),)))
    assert request.conversation.tools[0].schema["properties"] == {"file_uri": {"type": "string"}}
    assert (request.limits.max_tokens, request.limits.effort) == (7, "low")
    assert request.body == dump(loose)


@pytest.mark.parametrize(
    "body",
    [
        {"contents": [{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "QQ"}}]}]},
        {"contents": [{"role": "user", "parts": [{"inlineData": {"mime_type": "image/png", "data": "QQ"}}]}]},
    ],
)
def test_images_in_snake_case(body: Any) -> None:
    assert gemini.parse(dump(body), PATH).conversation.messages[0].parts == (Image("image/png", "QQ"),)


def test_wishes_come_in_headers() -> None:
    request = ask({"x-codriver-session": "s1", "x-codriver-strategy": "cost", "x-codriver-max-cost-usd": "0.5"})
    assert (request.session, request.strategy, request.max_cost) == ("s1", "cost", 0.5)
