"""Error objects of all wires, as they stand in bodies and streams, read into a Failure.

The words decide, type and code before prose, because servers copy each other's shapes loosely.
"""

from __future__ import annotations

from typing import Any

from codriver.errors import Failure, Kind

# Looked for in this order in "type code" of the object; first hit wins.
_WORDS: tuple[tuple[str, Kind], ...] = (
    ("context_length", Kind.TOO_LONG),
    ("context_window", Kind.TOO_LONG),
    ("string_above_max_length", Kind.TOO_LONG),
    ("insufficient_quota", Kind.QUOTA),
    ("insufficient_balance", Kind.QUOTA),
    ("billing", Kind.QUOTA),
    ("rate_limit", Kind.RATE_LIMITED),
    ("too_many_requests", Kind.RATE_LIMITED),
    ("overloaded", Kind.OVERLOADED),
    ("unavailable", Kind.OVERLOADED),
    ("authentication", Kind.AUTH),
    ("invalid_api_key", Kind.AUTH),
    ("permission", Kind.AUTH),
    ("unsupported_country", Kind.REGION),
    ("content_filter", Kind.FILTERED),
    ("content_policy", Kind.FILTERED),
    ("data_inspection_failed", Kind.FILTERED),
    ("model_not_found", Kind.MODEL_GONE),
    ("not_found", Kind.MODEL_GONE),
    ("request_too_large", Kind.TOO_LARGE),
    ("unsupported", Kind.UNSUPPORTED),
    ("timeout", Kind.SLOW),
    ("invalid_request", Kind.INVALID),
    ("invalid_prompt", Kind.INVALID),
    ("server_error", Kind.TRANSIENT),
    ("api_error", Kind.TRANSIENT),
    ("internal", Kind.TRANSIENT),
)
_PROSE: tuple[tuple[str, Kind], ...] = (
    ("prompt is too long", Kind.TOO_LONG),
    ("maximum context length", Kind.TOO_LONG),
    ("context window", Kind.TOO_LONG),
    ("context length", Kind.TOO_LONG),
    ("context size", Kind.TOO_LONG),
    ("maximum prompt length", Kind.TOO_LONG),
    ("input token count", Kind.TOO_LONG),
    ("rate limit", Kind.RATE_LIMITED),
    ("overloaded", Kind.OVERLOADED),
    ("insufficient balance", Kind.QUOTA),
    ("quota", Kind.QUOTA),
)
_NUMBERS: dict[int, Kind] = {
    400: Kind.INVALID,
    401: Kind.AUTH,
    402: Kind.QUOTA,
    403: Kind.AUTH,
    404: Kind.MODEL_GONE,
    408: Kind.SLOW,
    413: Kind.TOO_LARGE,
    429: Kind.RATE_LIMITED,
    503: Kind.OVERLOADED,
    504: Kind.SLOW,
    529: Kind.OVERLOADED,
}


def failure(error: object) -> Failure:
    """What an error object (or string) of any wire says. Without any known word: TRANSIENT."""
    if not isinstance(error, dict):
        return Failure(_prose(str(error)) or Kind.TRANSIENT, str(error) or "The provider reported an error")
    inner = error.get("error")
    if isinstance(inner, dict | str) and inner:
        return failure(inner)
    message = error.get("message") or error.get("detail") or error.get("msg") or "The provider reported an error"
    message = message if isinstance(message, str) else str(message)
    return Failure(_kind(error, message), message, field=_text(error.get("param")))


def _kind(error: dict[str, Any], message: str) -> Kind:
    code = error.get("code")
    words = f"{_text(error.get('type'))} {_text(code)} {_text(error.get('status'))}".lower()
    number = int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdecimal()) else 0
    found = next((kind for word, kind in _WORDS if word in words), None)
    if found in (None, Kind.INVALID):
        # A context overflow often comes as a mere invalid request; only its prose tells.
        prose = _prose(message)
        found = prose if found is None or prose is Kind.TOO_LONG else found
    return found or _NUMBERS.get(number) or Kind.TRANSIENT


def _prose(message: str) -> Kind | None:
    lowered = message.lower()
    return next((kind for word, kind in _PROSE if word in lowered), None)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
