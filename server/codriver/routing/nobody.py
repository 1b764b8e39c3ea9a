"""What is said when nobody may answer: the one thing to do about it first, then each reason once."""

from __future__ import annotations

from collections.abc import Sequence

from codriver.errors import Failure, Kind, Unroutable
from codriver.model.decision import Refusal, View
from codriver.model.request import Request
from codriver.routing.eligibility import UNCARRIED, Offer

_ASIDE = ("pinned", "unavailable")
"""Refusals that say nothing about the request: told last, or not at all."""

_UNABLE = ("tools", "images", "schema", "wire")


def nobody(request: Request, refused: Sequence[Refusal], view: View, offers: Sequence[Offer] = ()) -> Unroutable:
    """The error, by what stands in the way of those that could have answered.

    A spent budget and resting models come with the seconds to wait (429); a prompt that is too long
    is told as the agents' clients expect it; the rest is about abilities and keys.
    """
    reasons = tuple(f"{r.model}: {r.text}" for r in sorted(refused, key=_aside) if r.why != "pinned")
    told = _grouped(refused)
    whys = {r.why for r in refused}
    if "cooling" in whys:
        failure = Failure(
            Kind.RATE_LIMITED, f"every model that could answer rests: {told}", retry_after=_wait(refused, view)
        )
    elif "budget" in whys:
        wait = max(60.0, view.midnight - view.now)
        failure = Failure(Kind.QUOTA, f"today's budget does not allow it: {told}", retry_after=wait)
    elif "session-budget" in whys:
        # Not to be asked again: waiting gives a session no more money.
        text = f"{told}. Begin another session, or raise budget.session_usd in the settings"
        failure = Failure(Kind.FORBIDDEN, f"the session's budget does not allow it: {text}")
    elif "cost" in whys:
        failure = Failure(Kind.UNROUTABLE, f"no model is cheap enough: {told}")
    elif "local-only" in whys:
        failure = Failure(Kind.UNROUTABLE, f"only a model on this machine may see this: {told}")
    elif "window" in whys:
        failure = Failure(Kind.TOO_LONG, f"prompt is too long: {_overflow(request, refused, offers)}; {told}")
    elif "vectors" in whys:
        failure = Failure(Kind.UNROUTABLE, f"the model that made the earlier vectors is not there: {told}")
    elif any(r.text.endswith(UNCARRIED) for r in refused):
        # A key that is missing elsewhere does not make this the provider's trouble: the request asks for it.
        failure = Failure(
            Kind.UNSUPPORTED, f"no model can serve this request: {told}", field=request.needs.same_wire[0]
        )
    elif whys & set(_UNABLE) and not (whys & {"unavailable"} and _only_fim(refused)):
        failure = Failure(Kind.UNSUPPORTED, f"no model can serve this request: {told}")
    elif "rule" in whys:
        failure = Failure(Kind.FORBIDDEN, f"the rules in the settings leave no model for this request: {told}")
    else:
        remedy = "Set a provider's key or run `codriver doctor`."
        if "retired" in whys and whys <= {"retired", "pinned"}:
            remedy = "Ask for another model: `codriver models` lists them."
        failure = Failure(Kind.UNROUTABLE, f"no model can serve this request: {told or 'none is configured'}. {remedy}")
    return Unroutable(failure, reasons)


def _overflow(request: Request, refused: Sequence[Refusal], offers: Sequence[Offer]) -> str:
    """Both numbers, as agents look for them: what the prompt has, with the answer where only that is too much, and
    the most that any of these models takes."""
    small = {r.model for r in refused if r.why == "window"}
    limits = [(o.model.max_input or o.model.window, o.model.max_output) for o in offers if o.model.key in small]
    if not limits:
        return f"{request.input_tokens} tokens"
    most, output = max(limits)
    asked = request.input_tokens
    if asked <= most:
        asked += min(request.limits.max_tokens or 0, output)
    return f"{asked} tokens > {most} maximum"


def _aside(refusal: Refusal) -> bool:
    return refusal.why in _ASIDE


def _grouped(refused: Sequence[Refusal]) -> str:
    """Each reason once, with the models it is about; what only lacks a key comes last."""
    groups: dict[str, list[str]] = {}
    for refusal in sorted(refused, key=_aside):
        if refusal.why != "pinned":
            groups.setdefault(refusal.text, []).append(refusal.model)
    return "; ".join(f"{_names(models)}: {text}" for text, models in list(groups.items())[:6])


def _names(models: Sequence[str]) -> str:
    more = f" and {len(models) - 3} more" if len(models) > 3 else ""
    return ", ".join(models[:3]) + more


def _only_fim(refused: Sequence[Refusal]) -> bool:
    """Whether those without a key are the ones that matter: the able are all without one."""
    return all(r.why in {"unavailable", "pinned", "wire"} for r in refused)


def _wait(refused: Sequence[Refusal], view: View) -> float:
    """Seconds until the first of those that rest is back, its provider too."""
    waits = []
    for refusal in refused:
        if refusal.why == "cooling":
            names = (refusal.model, refusal.model.partition("/")[0])
            waits.append(max(view.cooling[name].until for name in names if name in view.cooling) - view.now)
    return max(1.0, min(waits))
