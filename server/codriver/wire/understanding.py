"""What a request's texts tell of it: purpose, tail and session. Read when it is first asked for, as sending the request
on needs none of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from codriver.model.request import Understood
from codriver.wire import actions, intake
from codriver.wire.survey import Survey


def understanding(
    shape: Callable[[], actions.Shape],
    headers: Mapping[str, str],
    found: Survey,
    wished: str,
    cache_key: str = "",
    user: str = "",
) -> Callable[[], Understood]:
    """What `Request.later` is. wished, cache_key, user: what the caller says of its session (`intake.session`)."""
    return partial(_read, shape, headers, found, wished, cache_key, user)


def _read(
    shape: Callable[[], actions.Shape],
    headers: Mapping[str, str],
    found: Survey,
    wished: str,
    cache_key: str,
    user: str,
) -> Understood:
    seen = shape()
    key = intake.session(headers, wished, cache_key, user, lambda: actions.beginning(seen, found.first))
    return actions.purpose(seen, headers), intake.tail(found.turns, found.results), key
