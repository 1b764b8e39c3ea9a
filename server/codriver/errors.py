"""Everything that can go wrong, in five exceptions and one table.

    CodriverError
    ├── ConfigError       a file or variable the user wrote; names file, key, reason, remedy
    ├── RequestRejected   the caller's fault; carries a Failure
    ├── Unroutable        nobody may answer; carries the reasons
    ├── UpstreamFailed    a provider failed; carries a Failure
    └── StoreError        the ledger's file cannot be used

A Failure is a value: what happened, and through POLICY what to do next. No other
module looks at status numbers to decide anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """What a failure says about the request, the key, the model or the place."""

    INVALID = "invalid"
    TOO_LARGE = "too_large"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD = "method"
    UNKNOWN_MODEL = "unknown_model"
    TOO_LONG = "too_long"
    UNSUPPORTED = "unsupported"
    FILTERED = "filtered"
    AUTH = "auth"
    QUOTA = "quota"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    TRANSIENT = "transient"
    SLOW = "slow"
    BROKEN = "broken"
    MODEL_GONE = "model_gone"
    REGION = "region"
    UNFIT = "unfit"
    UNROUTABLE = "unroutable"


class Scope(StrEnum):
    """What is left alone for a while after a failure."""

    NOTHING = "nothing"
    MODEL = "model"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do after a failure of one kind.

    next: may another candidate be tried (while nothing was shown).
    cools, seconds: what is left alone, and how long when the provider named no time.
    status: the HTTP status a caller of ours sees when nobody else could help.
    """

    next: bool
    cools: Scope
    seconds: float
    status: int


POLICY: dict[Kind, Policy] = {
    Kind.INVALID: Policy(False, Scope.NOTHING, 0, 400),
    Kind.TOO_LARGE: Policy(False, Scope.NOTHING, 0, 413),
    Kind.UNAUTHORIZED: Policy(False, Scope.NOTHING, 0, 401),
    Kind.FORBIDDEN: Policy(False, Scope.NOTHING, 0, 403),
    Kind.NOT_FOUND: Policy(False, Scope.NOTHING, 0, 404),
    Kind.METHOD: Policy(False, Scope.NOTHING, 0, 405),
    Kind.UNKNOWN_MODEL: Policy(False, Scope.NOTHING, 0, 404),
    Kind.TOO_LONG: Policy(True, Scope.NOTHING, 0, 400),
    Kind.UNSUPPORTED: Policy(True, Scope.NOTHING, 0, 400),
    Kind.FILTERED: Policy(True, Scope.NOTHING, 0, 400),
    # The caller's own token was fine: 502, never 401.
    Kind.AUTH: Policy(True, Scope.PROVIDER, 300, 502),
    Kind.QUOTA: Policy(True, Scope.PROVIDER, 600, 429),
    Kind.RATE_LIMITED: Policy(True, Scope.MODEL, 20, 429),
    Kind.OVERLOADED: Policy(True, Scope.MODEL, 15, 503),
    Kind.TRANSIENT: Policy(True, Scope.MODEL, 5, 502),
    Kind.SLOW: Policy(True, Scope.MODEL, 20, 504),
    Kind.BROKEN: Policy(True, Scope.MODEL, 10, 502),
    Kind.MODEL_GONE: Policy(True, Scope.MODEL, 3600, 404),
    Kind.REGION: Policy(True, Scope.PROVIDER, 3600, 403),
    # The reply came, but failed its check (verify.py, tasks): the model was wrong, not ill.
    Kind.UNFIT: Policy(True, Scope.NOTHING, 0, 502),
    Kind.UNROUTABLE: Policy(False, Scope.NOTHING, 0, 503),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that went wrong, in words fit for the user.

    message: what happened and what to do. field: the request's field at fault, if one is.
    retry_after: seconds, when known. upstream_status: what the provider answered, for the record.
    """

    kind: Kind
    message: str
    field: str = ""
    retry_after: float | None = None
    provider: str = ""
    model: str = ""
    upstream_status: int | None = None

    @property
    def policy(self) -> Policy:
        return POLICY[self.kind]

    def at(self, provider: str, model: str) -> Failure:
        """The same failure, with the place where it happened."""
        return replace(self, provider=provider, model=model)


class CodriverError(Exception):
    """The root of everything Codriver raises on purpose."""


class ConfigError(CodriverError):
    """Something the user wrote cannot be used."""

    def __init__(self, file: str, key: str, reason: str, remedy: str) -> None:
        super().__init__(f"{file}: {key}: {reason}. {remedy}" if key else f"{file}: {reason}. {remedy}")
        self.file, self.key, self.reason, self.remedy = file, key, reason, remedy


class RequestRejected(CodriverError):
    """The caller's request cannot be served as it is."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Unroutable(CodriverError):
    """No candidate may answer; `failure` is for the wire, `reasons` say why each was refused."""

    def __init__(self, failure: Failure, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(failure.message)
        self.failure, self.reasons = failure, reasons


class UpstreamFailed(CodriverError):
    """A provider failed, or all that were tried did (then `failure` is the last one's)."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class StoreError(CodriverError):
    """The ledger's file cannot be read or written."""


def reject(message: str, *, field: str = "", kind: Kind = Kind.INVALID) -> RequestRejected:
    """A rejection to raise, for codecs: what is wrong, and in which field."""
    return RequestRejected(Failure(kind, message, field=field))
