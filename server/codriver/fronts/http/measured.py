"""GET /metrics, in Prometheus' text format: what this process did since it started, and how things stand now."""

from __future__ import annotations

import time
from collections.abc import Iterator

from codriver.app import App
from codriver.fronts.http.exchange import Exchange
from codriver.fronts.http.route import Route, Routes
from codriver.metrics import CONTENT_TYPE, Gauge


async def metrics(app: App, exchange: Exchange) -> None:
    """GET /metrics, with the token like everything else."""
    body = app.metrics.text(list(_gauges(app))).encode()
    kind, length = (b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(len(body)).encode())
    await exchange.start(200, [kind, length])
    await exchange.end(body)


def _gauges(app: App) -> Iterator[Gauge]:
    offers = [offer for offer in app.offers() if not offer.missing]
    yield "codriver_uptime_seconds", "Seconds since the start.", time.monotonic() - app.started
    yield "codriver_requests_waiting", "Requests under way that somebody waits for.", app.router.waiting
    yield "codriver_batches_unfinished", "Batches that are not done.", app.batches.unfinished
    yield "codriver_editors", "Editors connected.", app.editors
    yield "codriver_buffers", "Buffers open in them.", app.analyst.count
    yield "codriver_models_available", "Models that can be called.", len(offers)
    yield "codriver_resting", "Models and providers left alone after a failure.", len(app.ledger.view().cooling)
    yield "codriver_cost_today_usd", "USD spent since local midnight.", app.ledger.spent_today
    yield "codriver_budget_daily_usd", "The day's budget in USD; 0 is none.", app.settings.budget.daily_usd


ROUTES: Routes = {"GET /metrics": Route(metrics)}
