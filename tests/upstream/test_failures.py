"""What providers say, in their own words, and what we make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import Kind
from codriver.upstream.bodies import said_in
from codriver.upstream.failures import classify, from_transport
from codriver.upstream.response import BadRequest, ConnectFailed, ConnectionLost, ProtocolBroken, TimedOut
from codriver.upstream.waiting import moment, retry_after

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC
KEY = "sk-proj-AbCdEf0123456789AbCdEf"


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error", param: str | None = None) -> Any:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def anthropic(kind: str, message: str) -> Any:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def google(code: int, status: str, message: str, *details: Any) -> Any:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


# status, body as sent by the provider named in the comment, kind
CASES: list[tuple[int, Any, Kind]] = [
    # OpenAI
    (400, openai("This model's maximum context length is 128000 tokens. However, you sent 130000.",
                 "context_length_exceeded", param="messages"), Kind.TOO_LONG),
    (400, openai("Your input exceeds the context window of this model.", "context_length_exceeded"), Kind.TOO_LONG),
    (429, openai("Request too large for gpt-4 in organization o on tokens per min (TPM): Limit 10000, Requested 20000.",
                 "rate_limit_exceeded", "tokens"), Kind.TOO_LONG),
    (401, openai(f"Incorrect API key provided: {KEY}.", "invalid_api_key"), Kind.AUTH),
    (429, openai("You exceeded your current quota, please check your plan and billing details.",
                 "insufficient_quota", "insufficient_quota"), Kind.QUOTA),
    (429, openai("Rate limit reached for gpt-5 on tokens per min. Please try again in 6.5s.",
                 "rate_limit_exceeded", "tokens"), Kind.RATE_LIMITED),
    (403, openai("Country, region, or territory not supported", "unsupported_country_region_territory",
                 "request_forbidden"), Kind.REGION),
    (404, openai("The model `gpt-9` does not exist or you have no access to it.", "model_not_found"), Kind.MODEL_GONE),
    (403, openai("Project `p` does not have access to model `gpt-5`", "model_not_found"), Kind.MODEL_GONE),
    (400, openai("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'.",
                 "unsupported_parameter", param="max_tokens"), Kind.UNSUPPORTED),
    (400, openai("Invalid type for 'messages[0].content'", "invalid_type", param="messages[0].content"), Kind.INVALID),
    (500, openai("The server had an error while processing your request.", kind="server_error"), Kind.TRANSIENT),
    (503, openai("That model is currently overloaded with other requests.", kind="server_error"), Kind.OVERLOADED),
    # OpenAI responses: what it no longer keeps says nothing about the model.
    (404, openai("Item with id 'rs_1' not found. Items are not persisted when `store` is set to false."), Kind.INVALID),
    (404, openai("Previous response with id 'resp_1' not found.", "previous_response_not_found"), Kind.INVALID),
    # Azure
    (400, openai("The response was filtered due to the prompt triggering content management policy.", "content_filter"),
     Kind.FILTERED),
    (404, openai("The API deployment for this resource does not exist.", "DeploymentNotFound"), Kind.MODEL_GONE),
    # Anthropic
    (400, anthropic("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), Kind.TOO_LONG),
    (400, anthropic("invalid_request_error",
                    "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"), Kind.TOO_LONG),
    (413, anthropic("request_too_large", "Request exceeds the maximum size"), Kind.TOO_LARGE),
    (401, anthropic("authentication_error", "invalid x-api-key"), Kind.AUTH),
    (403, anthropic("permission_error", "Your API key does not have permission to use this resource."), Kind.AUTH),
    (400, anthropic("invalid_request_error", "Your credit balance is too low to access the API."), Kind.QUOTA),
    (400, anthropic("invalid_request_error", "You have reached your specified API usage limits."), Kind.QUOTA),
    (404, anthropic("not_found_error", "model: claude-9"), Kind.MODEL_GONE),
    (429, anthropic("rate_limit_error", "This request would exceed your rate limit."), Kind.RATE_LIMITED),
    (529, anthropic("overloaded_error", "Overloaded"), Kind.OVERLOADED),
    (500, anthropic("api_error", "Internal server error"), Kind.TRANSIENT),
    (400, anthropic("invalid_request_error", "messages: roles must alternate between the two"), Kind.INVALID),
    # Google
    (400, google(400, "INVALID_ARGUMENT", "The input token count (1200000) exceeds the maximum number allowed."),
     Kind.TOO_LONG),
    (400, google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
                 {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}), Kind.AUTH),
    (400, [google(400, "FAILED_PRECONDITION", "User location is not supported for the API use.")], Kind.REGION),
    (429, google(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, check your plan."), Kind.RATE_LIMITED),
    (503, google(503, "UNAVAILABLE", "The model is overloaded. Please try again later."), Kind.OVERLOADED),
    (404, google(404, "NOT_FOUND", "models/gemini-9 is not found for API version v1beta"), Kind.MODEL_GONE),
    # DeepSeek, Moonshot, DashScope, Zhipu, MiniMax, Baidu
    (402, openai("Insufficient Balance", kind="unknown_error"), Kind.QUOTA),
    (400, openai("Content Exists Risk"), Kind.FILTERED),
    (400, openai("Model Not Exist"), Kind.MODEL_GONE),
    (429, openai("Your account is suspended, please recharge", kind="exceeded_current_quota_error"), Kind.QUOTA),
    (429, openai("The engine is currently overloaded, please try again later", kind="engine_overloaded_error"),
     Kind.OVERLOADED),
    (400, {"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content."}, Kind.FILTERED),
    (400, {"code": "InvalidParameter", "message": "Range of input length should be [1, 30720]"}, Kind.TOO_LONG),
    (401, {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "1"}, Kind.AUTH),
    (400, {"code": "Arrearage", "message": "Access denied, make sure your account is in good standing."}, Kind.QUOTA),
    (429, {"error": {"code": "1113", "message": "您的账户余额不足"}}, Kind.QUOTA),
    (400, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, Kind.QUOTA),
    (429, {"error_code": 18, "error_msg": "Open api qps request limit reached"}, Kind.RATE_LIMITED),
    # Groq, Mistral, xAI, OpenRouter, Together
    (400, openai("The model `x` has been decommissioned", "model_decommissioned"), Kind.MODEL_GONE),
    (413, openai("Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 9000",
                 "rate_limit_exceeded", "tokens"), Kind.TOO_LONG),
    (422, {"detail": [{"loc": ["body", "messages", 0], "msg": "field required"}]}, Kind.INVALID),
    (400, {"object": "error", "message": "Invalid model: tiny", "type": "invalid_model"}, Kind.MODEL_GONE),
    (404, {"error": {"message": "No endpoints found that support tool use", "code": 404}}, Kind.UNSUPPORTED),
    (403, {"error": {"message": "Your input was flagged", "code": 403, "metadata": {"reasons": ["x"]}}}, Kind.FILTERED),
    (402, {"error": {"message": "This request requires more credits", "code": 402}}, Kind.QUOTA),
    (400, {"error": {"message": "Provider returned error", "code": 400,
                     "metadata": {"raw": "prompt is too long: 9 tokens > 8 maximum"}}}, Kind.TOO_LONG),
    # at home: Ollama, llama.cpp, vLLM, LM Studio
    (404, {"error": "model 'qwen' not found, try pulling it first"}, Kind.MODEL_GONE),
    (400, {"error": "registry.ollama.ai/library/gemma does not support tools"}, Kind.UNSUPPORTED),
    (400, {"error": {"code": 400, "message": "the request exceeds the available context size",
                     "type": "exceed_context_size_error", "n_prompt_tokens": 9, "n_ctx": 8}}, Kind.TOO_LONG),
    (500, {"error": {"code": 500, "message": "image input is not supported"}}, Kind.UNSUPPORTED),
    (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, Kind.OVERLOADED),
    (400, {"object": "error", "message": "x is not a multimodal model", "type": "BadRequestError"}, Kind.UNSUPPORTED),
    (400, openai('"auto" tool choice requires --enable-auto-tool-choice'), Kind.UNSUPPORTED),
    # nobody in particular
    (408, b"", Kind.SLOW),
    (504, b"<html><head><title>504 Gateway Time-out</title></head></html>", Kind.TRANSIENT),
    (502, b"Bad Gateway", Kind.TRANSIENT),
    (524, b"error code: 524", Kind.SLOW),
    (404, b"404 page not found", Kind.MODEL_GONE),
    (405, {"detail": "Method Not Allowed"}, Kind.MODEL_GONE),
    (403, b"", Kind.AUTH),
    (429, b"", Kind.RATE_LIMITED),
    (418, b"", Kind.INVALID),
    (599, b"\xff\xfe", Kind.TRANSIENT),
    (307, b"", Kind.TRANSIENT),
]  # fmt: skip


def failure(status: int, body: Any, headers: dict[str, str] | None = None):
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return classify(status, headers or {}, raw, provider="acme", model="acme/fast", now=NOW, secret=KEY)


@pytest.mark.parametrize(("status", "body", "kind"), CASES, ids=lambda value: str(value)[:60])
def test_what_a_refusal_means(status: int, body: Any, kind: Kind) -> None:
    found = failure(status, body)
    assert found.kind is kind
    assert (found.provider, found.model, found.upstream_status) == ("acme", "acme/fast", status)
    assert "acme/fast" in found.message and KEY not in found.message and "\n" not in found.message


def test_the_providers_words_reach_the_caller() -> None:
    found = failure(400, anthropic("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"))
    assert "prompt is too long: 210000 tokens > 200000 maximum" in found.message
    found = failure(400, openai("Invalid type", "invalid_type", param="messages[0].content"))
    assert (found.message, found.field) == ("acme/fast refused the request: Invalid type.", "messages[0].content")
    assert failure(422, {"detail": [{"loc": ["body", "messages", 0], "msg": "required"}]}).field == "messages.0"
    found = failure(502, b"<!DOCTYPE html><html><title>\nBad gateway | 502</title><p>...</html>")
    assert "a web page titled 'Bad gateway | 502'" in found.message
    assert "status 418 without a message" in failure(418, b"").message
    assert len(failure(400, b"long " * 5000).message) < 800


def test_a_redirect_names_where_it_leads() -> None:
    found = failure(308, b"", {"location": f"https://elsewhere.example/v1?key={KEY}"})
    assert "redirects to https://elsewhere.example/v1 " in found.message and "base URL" in found.message


@pytest.mark.parametrize(
    "echoed",
    [
        KEY,
        f"Bearer {KEY}",
        "sk-ant-api03-abcdefghijklmnop",
        "gsk_abcdefghijklmnopqrst",
        "AIzaSyA1234567890abcdefg",
        "sk-abc*****************wxyz",
    ],
)
def test_keys_never_reach_a_message(echoed: str) -> None:
    message = failure(401, openai(f"Incorrect key: {echoed}, sorry")).message
    assert echoed not in message and "[key]" in message and "sorry" in message


def test_the_key_that_was_sent_is_hidden_whatever_it_looks_like() -> None:
    found = classify(401, {}, b"bad key 'open sesame'", provider="p", model="", now=NOW, secret="open sesame")
    assert "bad key '[key]'" in found.message


@pytest.mark.parametrize(
    ("status", "headers", "body", "seconds"),
    [
        (429, {}, {}, None),
        (429, {"retry-after": "7"}, {}, 7),
        (429, {"retry-after": "1.5"}, {}, 1.5),
        (503, {"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, {}, 30),
        (429, {"retry-after": "Fri, 15 Jan 2027 07:59:00 GMT"}, {}, 0),
        (429, {"retry-after": "soon"}, {}, None),
        (429, {"retry-after": "9999999"}, {}, 86400),
        (429, {"retry-after": "9", "retry-after-ms": "250"}, {}, 0.25),
        (429, {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, {}, 1),
        (429, {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "2m59.5s",
               "x-ratelimit-remaining-tokens": "0"}, {}, 179.5),
        (429, {"x-ratelimit-reset": str(int(NOW) + 40)}, {}, 40),
        (429, {"x-ratelimit-reset": f"{int(NOW) + 40}000"}, {}, 40),
        (429, {"anthropic-ratelimit-tokens-reset": "2027-01-15T08:01:00Z"}, {}, 60),
        (503, {"x-ratelimit-reset": "5"}, {}, None),
        (429, {}, google(429, "RESOURCE_EXHAUSTED", "x", {"@type": "RetryInfo", "retryDelay": "32.5s"}), 32.5),
        (429, {}, openai("Please try again in 1m2.5s. Thanks"), 62.5),
        (429, {}, openai("Please try again in 20ms."), 0.02),
        (429, {}, openai("retry after 3 minutes 2 seconds"), 182),
        (429, {}, openai("Retry after 40 milliseconds."), 0.04),
    ],
)  # fmt: skip
def test_how_long_to_wait(status: int, headers: dict[str, str], body: Any, seconds: float | None) -> None:
    assert retry_after(status, headers, json.dumps(body).encode(), NOW) == (
        None if seconds is None else pytest.approx(seconds)
    )


def test_only_a_failure_that_passes_has_a_time() -> None:
    assert failure(429, b"", {"retry-after": "3"}).retry_after == 3
    assert failure(400, b"", {"retry-after": "3"}).retry_after is None


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ConnectFailed("nothing answers at h port 1"), Kind.TRANSIENT, "cannot be reached: nothing answers"),
        (ConnectionLost("closed", begun=False), Kind.TRANSIENT, "gave no answer"),
        (ConnectionLost("cut", begun=True), Kind.BROKEN, "broke off"),
        (ProtocolBroken("not HTTP"), Kind.BROKEN, "not HTTP"),
        (BadRequest("a header holds a line break"), Kind.INVALID, "cannot be sent"),
        (TimedOut("connect", 10), Kind.SLOW, "no connection within 10 s"),
        (TimedOut("first", 60), Kind.SLOW, "no first byte within 60 s"),
        (TimedOut("between", 2.5), Kind.SLOW, "no further byte within 2.5 s"),
        (TimedOut("total", 900), Kind.SLOW, "not finished within 900 s"),
        (TimedOut("queue", 10), Kind.OVERLOADED, "no connection became free within 10 s"),
    ],
)
def test_what_a_broken_exchange_means(error, kind: Kind, words: str) -> None:
    found = from_transport(error, provider="acme", model="acme/fast")
    assert found.kind is kind and words in found.message and found.message.startswith(("acme/fast", "the request"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["error", "message", "code", "type", "details", "detail", "errors", "metadata", "raw",
                         "loc", "param", "status", "base_resp", "status_msg", "retryDelay", "reason", "msg"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.integers(300, 599), JSON | st.binary(max_size=40))
def test_no_body_is_too_strange(status: int, body: Any) -> None:
    found = failure(status, body)
    assert found.message and isinstance(found.field, str)


def test_deep_nesting_is_not_our_problem() -> None:
    assert said_in(b"[" * 60_000).message.startswith("[[")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    assert moment(text, NOW) is None or isinstance(moment(text, NOW), float)
