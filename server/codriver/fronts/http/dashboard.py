"""The dashboard: one static page, the way in, and what it shows. Nobody's request waits for it.

The page is served to anybody on loopback: it holds nothing. A one-time code from the address's fragment gets it a key
(visits.py), and with that it asks for `/v1/dashboard` every two seconds while somebody sees it.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from codriver import overview
from codriver.app import App
from codriver.errors import Failure, Kind, reject
from codriver.fronts.http.exchange import Exchange
from codriver.fronts.http.route import Route, Routes
from codriver.model.decision import View
from codriver.overview import Day
from codriver.routing.eligibility import Offer
from codriver.routing.savings import Alone
from codriver.state.store import Row
from codriver.visits import CODE_SECONDS

DATA_PATH = "/v1/dashboard"
"""The one path that a page's key opens."""

SMALL_BODY = 10_000

MODELS, PAYERS = 60, 5
"""Models and sessions told of, those with the most traffic or spending first."""

FRAMED_BY = "'self' http://127.0.0.1:* http://localhost:* vscode-webview: vscode-file: https://*.vscode-cdn.net"
"""Whose pages may show it in a frame: editors'. There is nothing in it that a click could do."""


async def page(app: App, exchange: Exchange) -> None:
    """GET /dashboard: the page."""
    body, policy = _page()
    await exchange.start(
        200,
        [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"content-security-policy", policy.encode()),
            (b"cache-control", b"no-store"),
            (b"referrer-policy", b"no-referrer"),
            (b"x-content-type-options", b"nosniff"),
        ],
    )
    await exchange.end(body)


async def invite(app: App, exchange: Exchange) -> None:
    """POST /v1/dashboard/code, with the token: the address that opens the page once, and how long it is good for."""
    address = app.dashboard()
    if not address:
        text = "Codriver listens on no port here, only on a Unix socket: a browser cannot reach it"
        raise reject(text, kind=Kind.UNSUPPORTED)
    await _json(exchange, {"url": address, "seconds": CODE_SECONDS})


async def enter(app: App, exchange: Exchange) -> None:
    """POST /dashboard/enter: a code for a key."""
    body = await exchange.json(SMALL_BODY)
    key = app.visits.enter(str(body.get("code", "")))
    if not key:
        failure = Failure(Kind.UNAUTHORIZED, "this code was used or is too old: `codriver dashboard` makes a new one")
        page = {"error": {"message": failure.message}}
        await exchange.answer(failure.policy.status, msgspec.json.encode(page))
        return
    await _json(exchange, {"key": key})


async def data(app: App, exchange: Exchange) -> None:
    """GET /v1/dashboard: everything that is shown, as JSON. USD, seconds, Unix times."""
    days = await app.overview.look()
    await _json(exchange, shown(app, days))


def shown(app: App, days: Sequence[Day]) -> dict[str, Any]:
    """The page's content. days: as `Overview.look` gives them, today last."""
    now = time.time()
    today, month = days[-1], overview.merged(day for day in days if day.date[:7] == days[-1].date[:7])
    offers = [offer for offer in app.offers() if not offer.missing]
    free = frozenset(offer.model.key for offer in offers if offer.provider.simulated)
    view = app.ledger.view()
    return {
        "version": app.version,
        "at": now,
        "up_s": round(time.monotonic() - app.started, 1),
        "strategy": app.settings.routing.strategy,
        "simulated": bool(offers) and len(free) == len(offers),
        "read": app.overview.complete,
        "config_error": app.config_error,
        "complaints": list(app.complaints),
        "under_way": _under_way(app),
        "today": _sums(today, free),
        "month": _sums(month, free),
        "completing": _completing(app),
        "days": [{"date": day.date, "requests": day.requests, "cost_usd": day.cost} for day in days],
        "decisions": [_decision(row, free) for row in app.overview.recent()],
        "models": _models(offers, view, today),
        "unavailable": _unavailable(app.offers()),
        "budgets": _budgets(app, view),
        "experiments": _experiments(app),
    }


def _under_way(app: App) -> dict[str, Any]:
    waiting = app.lessons.under_way
    purposes: dict[str, int] = {}
    for request in waiting:
        purposes[request.purpose] = purposes.get(request.purpose, 0) + 1
    return {
        "requests": max(len(waiting), app.router.waiting),
        "purposes": purposes,
        "batches": app.batches.unfinished,
        "editors": app.editors,
        "buffers": app.analyst.count,
    }


def _completing(app: App) -> dict[str, Any]:
    """What editors were shown since the start, and why nothing was, by reason."""
    told = app.tasks.completer.silences
    return {"shown": told[""], "silent": {why: n for why, n in told.most_common() if why and n}}


def _sums(day: Day, free: frozenset[str]) -> dict[str, Any]:
    return {
        "requests": day.requests,
        "failed": day.failed,
        "cost_usd": day.cost,
        "prompt_tokens": day.prompt,
        "cached_tokens": day.cached,
        "output_tokens": day.output,
        "purposes": dict(day.purposes.most_common()),
        "completions": {word or "said nothing": n for word, n in day.words.most_common() if n},
        "alone": [_alone(one, one.model in free) for one in day.singles.rows()[:MODELS]],
    }


def _alone(one: Alone, simulated: bool) -> dict[str, Any]:
    return {
        "model": one.model, "simulated": simulated, "requests": one.requests, "cost_usd": one.cost,
        "was_usd": one.was, "saved_usd": one.cost - one.was, "quality": one.quality, "quality_was": one.quality_was,
    }  # fmt: skip


def _decision(row: Row, free: frozenset[str]) -> dict[str, Any]:
    decision = row.reasons.decision
    return {
        "id": row.id, "at": row.at, "front": row.front, "purpose": row.purpose, "status": row.status,
        "model": row.model, "simulated": row.model in free, "cost_usd": row.cost, "seconds": row.seconds,
        "first_s": row.first, "prompt_tokens": row.prompt_tokens, "cached_tokens": row.reasons.usage.cached,
        "output_tokens": row.output_tokens, "strategy": decision.strategy, "reasons": list(decision.reasons),
        "feedback": row.label, "arm": row.arm, "session": row.session[:24],
        "failed": [
            {"model": attempt.model, "kind": attempt.failure.kind}
            for attempt in row.reasons.attempts
            if attempt.failure is not None
        ],
        "error": row.reasons.error,
    }  # fmt: skip


def _models(offers: Iterable[Offer], view: View, today: Day) -> list[dict[str, Any]]:
    """Who can be called, those with trouble first, then by today's requests."""
    rows: list[dict[str, Any]] = []
    for offer in offers:
        key, used = offer.model.key, today.models.get(offer.model.key, overview.Used())
        rest = view.cooling.get(key) or view.cooling.get(offer.provider.name)
        pace = view.latency.get(key)
        rows.append(
            {
                "model": key, "provider": offer.provider.title, "simulated": offer.provider.simulated,
                "local": offer.provider.local, "rests_s": max(0.0, rest.until - view.now) if rest else 0.0,
                "why": rest.failure.message if rest else offer.unfit,
                "first_s": pace.first if pace else None, "p95_s": pace.p95 if pace else None,
                "speed": pace.speed if pace else None, "requests": used.requests, "failures": used.failures,
                "cost_usd": used.cost,
            }
        )  # fmt: skip
    rows.sort(key=lambda row: (not row["rests_s"], -row["failures"], -row["requests"], row["model"]))
    return rows[:MODELS]


def _unavailable(offers: Iterable[Offer]) -> list[dict[str, Any]]:
    """Providers that cannot be called now, and why."""
    found: dict[tuple[str, str], int] = {}
    for offer in offers:
        if offer.missing:
            place = (offer.provider.title, offer.missing)
            found[place] = found.get(place, 0) + 1
    return [{"provider": title, "why": why, "models": n} for (title, why), n in sorted(found.items())]


def _budgets(app: App, view: View) -> list[dict[str, Any]]:
    """Each budget that is set, with what is spent of it; of sessions and workflows the dearest."""
    limits = app.settings.budget
    found = [("today", view.spent_today, limits.daily_usd)] if limits.daily_usd else []
    for kind, most in (("session", limits.session_usd), ("workflow", limits.workflow_usd)):
        if most:
            spent = [(name, usd) for name, usd in view.spent_by.items() if name.startswith(f"{kind}:")]
            found += [(name, usd, most) for name, usd in sorted(spent, key=lambda one: -one[1])[:PAYERS]]
    return [
        {"of": name, "spent_usd": spent, "limit_usd": most, "left_usd": max(0.0, most - spent)}
        for name, spent, most in found
    ]


def _experiments(app: App) -> list[dict[str, Any]]:
    return [
        {
            "name": experiment.name, "metric": experiment.metric, "unit": experiment.unit,
            "arms": [
                {"arm": arm.name, "requests": tally.n, "failed": tally.failed, "cost_usd": tally.cost, "stopped": why}
                for arm, tally, why in arms
            ],
        }
        for experiment, arms in app.experiments.standing()
    ]  # fmt: skip


@cache
def _page() -> tuple[bytes, str]:
    """The page and the policy that lets nothing run in it but its own style and script."""
    text = resources.files(__package__).joinpath("dashboard.html").read_text(encoding="utf-8")
    style, script = (_hash(text, tag) for tag in ("style", "script"))
    rules = (
        "default-src 'none'", f"style-src '{style}'", f"script-src '{script}'", "connect-src 'self'", "img-src data:",
        "base-uri 'none'", "form-action 'none'", f"frame-ancestors {FRAMED_BY}",
    )  # fmt: skip
    return text.encode(), "; ".join(rules)


def _hash(text: str, tag: str) -> str:
    """The content of the one element with this tag, as Content-Security-Policy names it (W3C CSP 3, section 2.3)."""
    (found,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return f"sha256-{base64.b64encode(hashlib.sha256(found.encode()).digest()).decode()}"


async def _json(exchange: Exchange, page: object) -> None:
    await exchange.answer(200, msgspec.json.encode(page), [(b"cache-control", b"no-store")])


ROUTES: Routes = {
    "GET /dashboard": Route(page),
    "POST /dashboard/enter": Route(enter),
    "POST /v1/dashboard/code": Route(invite),
    f"GET {DATA_PATH}": Route(data),
}
