"""What came of an answer, told by who got it: a word, a number from -1 to 1, and a reason."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

from codriver.app import App
from codriver.errors import Kind, reject
from codriver.fronts.http.exchange import Exchange
from codriver.fronts.http.route import Route, Routes
from codriver.wire import jsontext

SMALL_BODY = 100_000

WORDS = {
    "accepted": 1.0,
    "rejected": -1.0,
    "up": 1.0,
    "down": -1.0,
    "success": 1.0,
    "failure": -1.0,
    "neutral": 0.0,
}
"""The words that are kept, and what each says as a number."""

ALIKE = {
    "accept": "accepted", "reject": "rejected", "thumbs_up": "up", "thumbs_down": "down", "+1": "up", "-1": "down",
    "👍": "up", "👎": "down", "succeeded": "success", "failed": "failure",
}  # fmt: skip

TOLD = ("label", "rating", "accepted", "success")
"""The fields of which one says how it was."""


class Asked(msgspec.Struct):
    """The body of POST /v1/feedback."""

    decision: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    label: str | None = None
    rating: float | str | None = None
    accepted: bool | None = None
    success: bool | None = None
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


_ASKED = msgspec.json.Decoder(Asked)


async def feedback(app: App, exchange: Exchange) -> None:
    """POST /v1/feedback: the last word on a decision stays, so saying it twice changes nothing."""
    asked, _ = jsontext.body(_ASKED, await exchange.body(SMALL_BODY) or b"{}")
    word, score = verdict(asked)
    if not await app.ledger.knows(asked.decision):
        text = f"no answer has the decision {asked.decision!r}; an answer's header x-codriver-decision tells it"
        raise reject(text, kind=Kind.NOT_FOUND, field="decision")
    await app.lessons.recall(asked.decision)
    app.router.learn(asked.decision, word, score, asked.reason)
    page = {"decision": asked.decision, "label": word, "score": score, "reason": asked.reason}
    await exchange.answer(200, msgspec.json.encode(page))


def verdict(asked: Asked) -> tuple[str, float]:
    """The word and the number. Raises RequestRejected naming the field."""
    told = [name for name in TOLD if getattr(asked, name) is not None]
    if len(told) != 1:
        raise reject(f"say how it was by one of {', '.join(TOLD)}", field=told[1] if told else "label")
    if asked.accepted is not None:
        word = "accepted" if asked.accepted else "rejected"
    elif asked.success is not None:
        word = "success" if asked.success else "failure"
    elif isinstance(asked.rating, float | int):
        return _rated(asked.rating)
    else:
        word = _word(str(asked.label if asked.label is not None else asked.rating), told[0])
    return word, WORDS[word]


def _rated(rating: float) -> tuple[str, float]:
    if not math.isfinite(rating) or not -1 <= rating <= 1:
        raise reject("rating: Expected a number from -1 to 1, or 'up' or 'down'", field="rating")
    return "up" if rating > 0 else "down" if rating < 0 else "neutral", float(rating)


def _word(text: str, field: str) -> str:
    plain = text.strip().lower()
    word = ALIKE.get(plain, plain)
    if word not in WORDS:
        raise reject(f"{field}: Expected one of {', '.join(WORDS)}, got {text[:40]!r}", field=field)
    return word


ROUTES: Routes = {"POST /v1/feedback": Route(feedback), "POST /feedback": Route(feedback)}
