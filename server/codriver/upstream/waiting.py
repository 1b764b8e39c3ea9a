"""How long a provider asks to be left alone: seconds, dates and durations in half a dozen forms."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

_LONGEST = 24 * 3600.0
_EPOCH = 1e9  # numbers above are moments, not spans; above 1e12 in milliseconds
_UNITS = {"ms": 0.001, "milli": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|milli|s|m|h|d)", re.ASCII)
_WHOLE_SPAN = re.compile(rf"(?:{_SPAN.pattern}\s*)+", re.ASCII)
_IN_TEXT = re.compile(r"(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)[a-z]*\s*)+)", re.IGNORECASE)


def retry_after(status: int, headers: Mapping[str, str], body: bytes, now: float) -> float | None:
    """Seconds to wait, 0 to a day, or None when nothing was said. now: Unix time.

    headers have lower-case names. The x-ratelimit-reset family counts only at 429, where every
    provider sends it; the body's word is the last resort.
    """
    found = _number(headers.get("retry-after-ms"), 0.001)
    if found is None:
        found = moment(headers.get("retry-after", ""), now)
    if found is None and status == 429:
        found = _limits(headers, now)
    if found is None and body:
        found = _said(body)
    return None if found is None else min(max(found, 0.0), _LONGEST)


def moment(text: str, now: float) -> float | None:
    """Seconds from now: "30", "1m2.5s", "20ms", a Unix time, an HTTP or an RFC 3339 date; else None."""
    text = text.strip()
    number = _number(text, 1.0)
    if number is not None:
        if number > _EPOCH * 1000:
            number /= 1000
        return number - now if number > _EPOCH else number
    if _WHOLE_SPAN.fullmatch(text):
        return span(text)
    return _date(text, now)


def span(text: str) -> float:
    """Seconds of "6m0s" and the like."""
    return sum(float(count) * _UNITS[unit] for count, unit in _SPAN.findall(text))


def _number(text: str | None, unit: float) -> float | None:
    if text is None or not re.fullmatch(r"\s*\d{1,15}(\.\d{1,9})?\s*", text, re.ASCII):
        return None
    return float(text) * unit


def _date(text: str, now: float) -> float | None:
    if not text or not text[0].isalnum():
        return None
    from email.utils import parsedate_to_datetime

    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            when = parse(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now
    return None


def _limits(headers: Mapping[str, str], now: float) -> float | None:
    """x-ratelimit-reset, -requests, -tokens; anthropic-ratelimit-*-reset.

    The longest of those whose remaining count is 0; when none says so, the shortest, because too
    long a pause costs more than one more refusal.
    """
    spent: list[float] = []
    others: list[float] = []
    for name, value in headers.items():
        if "ratelimit" not in name or "reset" not in name:
            continue
        seconds = moment(value, now)
        if seconds is not None:
            left = headers.get(name.replace("reset", "remaining"), "").strip()
            (spent if left == "0" else others).append(seconds)
    return max(spent) if spent else min(others, default=None)


def _said(body: bytes) -> float | None:
    """Google's RetryInfo, or "try again in 1m2s" in the text."""
    try:
        delays = list(_delays(json.loads(body)))
    except (ValueError, RecursionError):
        delays = []
    if delays:
        return max(delays)
    told = _IN_TEXT.search(body.decode("utf-8", "replace"))
    return span(told[1]) if told else None


def _delays(content: Any) -> Iterator[float]:
    content = content[0] if isinstance(content, list) and content else content
    error = content.get("error") if isinstance(content, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and _SPAN.search(delay):
            yield span(delay)
