"""What a provider's refusal means: a status, headers and a body become a Failure.

One table, read from the top: the first row whose statuses and words fit says what it is. When
none does the status alone decides. Providers disagree on statuses (a used-up account is 400, 402,
403 or 429) far more than on words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from codriver.errors import Failure, Kind
from codriver.upstream.bodies import said_in
from codriver.upstream.response import (
    BadRequest,
    ConnectFailed,
    ConnectionLost,
    ProtocolBroken,
    TimedOut,
    TransportError,
)
from codriver.upstream.waiting import retry_after


@dataclass(frozen=True, slots=True)
class _Row:
    kind: Kind
    statuses: range
    words: re.Pattern[str]


_ANY, _CLIENT = range(300, 600), range(400, 500)


def _row(kind: Kind, statuses: range, *words: str) -> _Row:
    return _Row(kind, statuses, re.compile("|".join(words), re.IGNORECASE))


# Searched in "names message". Sources: the providers' error references, and the bodies quoted in
# public issues; each row has its cases in tests/upstream/test_failures.py.
_TABLE: tuple[_Row, ...] = (
    # What a provider kept of an earlier answer, and no longer has: nothing is wrong with its model.
    _row(
        Kind.INVALID,
        _CLIENT,
        "previous_response_not_found",
        "(item|response|conversation) with id .{0,100} not found",
    ),
    _row(
        Kind.TOO_LONG,
        _ANY,
        "context_length_exceeded",
        "exceed_context_size",
        "maximum context length",
        "prompt is too long",
        "(input|prompt|request|conversation) (is |was )?too long",
        "exceeds? (the |its |this model's )?(maximum |available |model'?s? )?context",
        "context (window|size|length|limit) (is |was |has been )?(exceeded|too small)",
        "exceed context limit",
        "(input|prompt) (token count|tokens?|length).{0,40}exceed",
        "reduce the length of the (messages|input|prompt)",
        "range of input length should be",
        "too many (input )?tokens",
        "exceeded model token limit",
        "tokens? .{0,60}larger than the maximum",
        # A single request above the account's limit per minute never passes, however long one waits.
        "request too large for",
    ),
    _row(
        Kind.REGION,
        _CLIENT,
        "unsupported_country_region_territory",
        "user location is not supported",
        "(not|isn't) (available|supported|offered) in your (country|region|location|territory)",
    ),
    _row(
        Kind.QUOTA,
        _CLIENT,
        "insufficient_quota",
        "billing_(hard_limit|not_active)",
        "credit balance is too low",
        "insufficient (account )?(balance|credit|fund)",
        "more credits",
        "exceeded_current_quota",
        "arrear",
        "余额不足",
        "specified api usage limits",
        "spend(ing)? limit",
        "payment required",
    ),
    _row(
        Kind.AUTH,
        _CLIENT,
        r"invalid_api_key|invalidapikey|api_key_invalid",
        "api key (not valid|not found|expired|invalid)",
        "(incorrect|invalid|missing|no) (x-)?api[- ]key",
        "authentication_error",
    ),
    _row(Kind.OVERLOADED, _ANY, "overloaded", "at capacity", "over capacity", "server is busy", "model is loading"),
    _row(
        Kind.RATE_LIMITED,
        _CLIENT,
        "rate_limit",
        r"rate limit (exceeded|reached)",
        "resource_exhausted",
        "throttl",
        "too many requests",
    ),
    _row(
        Kind.FILTERED,
        _CLIENT,
        "content_filter",
        "content_policy",
        "responsible ?ai",
        "data_?inspection_?failed",
        "content exists risk",
        "inappropriate content",
        "flagged",
        "sensitive content|敏感",
        "blocked by .{0,30}(safety|policy|moderation)",
    ),
    _row(
        Kind.UNSUPPORTED,
        _ANY,
        "unsupported_(parameter|value)",
        "no endpoints found that support",
        "(does|do) not support",
        "(doesn't|don't) support",
        "(image|vision|tool|function|schema|response_format|json|reasoning|thinking|suffix|stream)"
        r"\S* .{0,60}(not|un)[- ]?(be )?(supported|enabled|allowed|available)",
        "not a multimodal model",
        "requires --?(jinja|enable-auto-tool-choice)",
    ),
    _row(
        Kind.MODEL_GONE,
        _CLIENT,
        "model_not_found|model_decommissioned|modelnotfound|deploymentnotfound",
        "model:? .{0,120}(not found|not exist|unknown|decommissioned|deprecated|been (retired|removed|shut))",
        "(no such|unknown|invalid) model",
        "not (have )?access to (the )?model",
        "is not a valid model",
        "no endpoints found for",
    ),
)

_BY_STATUS: dict[int, Kind] = {
    401: Kind.AUTH,
    402: Kind.QUOTA,
    403: Kind.AUTH,
    404: Kind.MODEL_GONE,
    405: Kind.MODEL_GONE,
    407: Kind.TRANSIENT,
    408: Kind.SLOW,
    409: Kind.TRANSIENT,
    410: Kind.MODEL_GONE,
    413: Kind.TOO_LARGE,
    425: Kind.TRANSIENT,
    429: Kind.RATE_LIMITED,
    499: Kind.TRANSIENT,
    503: Kind.OVERLOADED,
    524: Kind.SLOW,
    529: Kind.OVERLOADED,
}

_WORDS: dict[Kind, tuple[str, str]] = {
    Kind.INVALID: ("{where} refused the request", ""),
    Kind.TOO_LARGE: ("the request's body is too large for {where}", "Send fewer or smaller images or files."),
    Kind.TOO_LONG: ("the request is too long for {where}", "Shorten it, or allow a model with a larger window."),
    Kind.UNSUPPORTED: ("{where} cannot do what the request needs", ""),
    Kind.FILTERED: ("{where} refused the content by its policy", ""),
    Kind.AUTH: ("{where} did not accept the key", "Check the key configured for {provider}."),
    Kind.QUOTA: ("the account at {where} is used up", "Check credit and billing at {provider}."),
    Kind.RATE_LIMITED: ("{where} limits the rate of requests", ""),
    Kind.OVERLOADED: ("{where} is overloaded", ""),
    Kind.TRANSIENT: ("{where} failed on its side", ""),
    Kind.SLOW: ("{where} took too long", ""),
    Kind.BROKEN: ("{where} broke off its answer", ""),
    Kind.MODEL_GONE: ("{where} is not offered there", "Check the model's name, the key's rights and the base URL."),
    Kind.REGION: ("{where} does not serve this country or region", ""),
}


def classify(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    provider: str,
    model: str,
    now: float,
    secret: str = "",
) -> Failure:
    """The failure behind an answer with a status of 300 or more.

    headers have lower-case names; body may be cut short. provider and model are the names used in
    the text and in the failure (model as its key). now: Unix time, for dates in Retry-After.
    secret: the key that was sent; neither it nor anything like a key gets into the message.
    """
    if status < 400:
        return _redirect(status, headers, provider, model)
    said = said_in(body)
    words = f"{said.names} {said.message}"
    kind = next((row.kind for row in _TABLE if status in row.statuses and row.words.search(words)), None)
    if kind is None:
        kind = _BY_STATUS.get(status, Kind.TRANSIENT if status >= 500 else Kind.INVALID)
    return Failure(
        kind,
        _hide(_text(kind, said.message, status, provider, model), secret),
        field=said.field,
        retry_after=retry_after(status, headers, body, now) if kind in _WAITING else None,
        provider=provider,
        model=model,
        upstream_status=status,
    )


_WAITING = (Kind.RATE_LIMITED, Kind.OVERLOADED, Kind.QUOTA, Kind.TRANSIENT, Kind.SLOW)


def from_transport(error: TransportError, *, provider: str, model: str) -> Failure:
    """The failure behind an exchange that broke below HTTP."""
    where = model or provider
    match error:
        case TimedOut(limit="queue"):
            return Failure(Kind.OVERLOADED, f"{where}: {error}: all to {provider} are busy.", "", None, provider, model)
        case TimedOut():
            kind, text = Kind.SLOW, f"{where} took too long: {error}."
        case BadRequest():
            kind, text = Kind.INVALID, f"the request to {where} cannot be sent: {error}."
        case ConnectFailed():
            kind, text = Kind.TRANSIENT, f"{where} cannot be reached: {error}."
        case ConnectionLost(begun=False):
            kind, text = Kind.TRANSIENT, f"{where} gave no answer: {error}."
        case ConnectionLost() | ProtocolBroken() | _:
            kind, text = Kind.BROKEN, f"{where} broke off its answer: {error}."
    return Failure(kind, text, provider=provider, model=model)


def _text(kind: Kind, message: str, status: int, provider: str, model: str) -> str:
    what, todo = (part.format(where=model or provider, provider=provider) for part in _WORDS[kind])
    said = message or f"status {status} without a message"
    if not said.endswith((".", "!", "?", "…")):
        said += "."
    return f"{what}: {said} {todo}".strip()


def _redirect(status: int, headers: Mapping[str, str], provider: str, model: str) -> Failure:
    # Never followed: the key would go to a place nobody configured.
    target = headers.get("location", "").split("?")[0] or "another address"
    text = f"{model or provider} redirects to {target} (status {status}). Check the base URL of {provider}."
    return Failure(Kind.TRANSIENT, text, provider=provider, model=model, upstream_status=status)


_KEY_LIKE = re.compile(
    r"(?:Bearer\s+\S{8,}|\b(?:sk|pk|rk|gsk|xai|pplx|fw|nvapi|ghp|hf|csk|tgp|AIza|ya29)[-_.]?[\w*.\-]{12,})"
)


def masked(failure: Failure, secret: str) -> Failure:
    """A failure that was told inside an answer, with no key in its text."""
    return replace(failure, message=_hide(failure.message, secret))


def _hide(text: str, secret: str) -> str:
    """Without the key, or anything that looks like one; halves of surrogate pairs, which no file takes, replaced."""
    text = text.encode("utf-8", "replace").decode()
    if len(secret) >= 6:
        text = text.replace(secret, "[key]")
    return _KEY_LIKE.sub("[key]", text)
