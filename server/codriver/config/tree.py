"""The settings: one frozen tree in which every field has a default and a one-line description.

The reference page and the editors' settings are generated from this file.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from codriver.config.choosing import BudgetStep, Fuse, Hedge, Peak, RuleTable
from codriver.config.providers import ProviderTable, Table


class Routing(Table):
    """How the model for a request is chosen."""

    strategy: str = Field(
        default="auto", description="auto, quality, cost, speed, balanced, fuse, or the name of your own."
    )
    floor: float = Field(
        default=0.1, ge=0, le=1, description="How far below the best expected quality a cheaper model may be."
    )
    tenth_usd: float = Field(
        default=0.0, ge=0, description="USD that a tenth more quality is worth; 0: by what is asked for."
    )
    strict_models: bool = Field(
        default=False, description="Refuse well-known model names that are not configured, not take them as hints."
    )
    aliases: dict[str, str] = Field(
        default_factory=dict, description='Names of your own, each for "provider/model" or "auto:<strategy>".'
    )
    harder: bool = Field(
        default=False,
        description="Let a cheaper model think more in place of a dearer one, where that is as good and costs less.",
    )
    experience: bool = Field(
        default=True, description="Let measured latency and outcomes adjust what is expected of a model."
    )


class Complete(Table):
    """Inline completion."""

    enabled: bool = Field(default=True, description="Whether completions are offered.")
    predictor: bool = Field(
        default=True, description="Answer from the open buffers alone where that is certain enough."
    )
    threshold: float = Field(default=0.75, ge=0, le=1, description="How certain the local predictor must be.")
    others: bool = Field(
        default=True, description="Whether parts of other open files that look alike go along to the model."
    )
    comments: bool = Field(default=False, description="Whether prose is completed too: in comments and strings.")
    alternatives: int = Field(default=3, ge=1, le=5, description="How many suggestions a model is asked for on demand.")
    next_edits: bool = Field(
        default=True, description="Whether the place where an edit is likely to be repeated is offered."
    )
    max_bytes: int = Field(default=1_000_000, ge=1, description="Larger files get no completions.")
    delay: float = Field(
        default=1.0,
        ge=0,
        le=10,
        description="How long a pause in typing is waited for before a model is asked: a multiple of what was learned.",
    )
    deadline: float = Field(default=4.0, gt=0, description="Seconds after which a completion is no longer wanted.")
    one_line_tokens: int = Field(default=48, ge=1, description="Longest answer in the middle of a line, in tokens.")
    block_tokens: int = Field(default=192, ge=1, description="Longest answer where a block may follow, in tokens.")
    probe: Literal["local", "all", "never"] = Field(
        default="local",
        description="Which models are asked once whether they fill holes: local ones and those your settings name "
        "`fim` for, all (some 80 tokens each, billed), or none.",
    )


class Refactor(Table):
    """Refactorings and other edits asked for in the editor."""

    enabled: bool = Field(default=True, description="Whether refactorings are offered.")
    max_bytes: int = Field(default=1_000_000, ge=1, description="Larger files are not edited.")
    deadline: float = Field(default=120.0, gt=0, description="Seconds for the whole edit.")


class Review(Table):
    """Reviews asked for in the editor."""

    enabled: bool = Field(default=True, description="Whether reviews are offered.")
    max_bytes: int = Field(default=1_000_000, ge=1, description="Larger files are not reviewed.")
    deadline: float = Field(default=120.0, gt=0, description="Seconds for the whole review.")
    max_findings: int = Field(default=20, ge=1, description="The most findings shown at once.")


class Http(Table):
    """The endpoint for coding agents."""

    host: str = Field(default="127.0.0.1", description="The address to listen on; a change needs a restart.")
    port: int = Field(
        default=3748,
        ge=0,
        le=65535,
        description="The port to listen on; 0 lets the system choose. A change needs a restart.",
    )
    max_body_mb: int = Field(default=64, ge=1, description="The largest request, in megabytes.")
    allow_remote: bool = Field(
        default=False, description="Permit listening on an address other machines can reach; a change needs a restart."
    )
    names: tuple[str, ...] = Field(
        default=(), description="Further host names it may be called by, when it serves a network."
    )
    open_plugins: bool = Field(
        default=False,
        description="Serve llama.cpp's and Ollama's endpoints on loopback without the token, for plugins that can "
        "send none. Every program and user of this machine may then spend your money there; web pages may not.",
    )

    @model_validator(mode="after")
    def _loopback_only(self) -> Http:
        if not self.allow_remote and not loopback(self.host):
            raise ValueError(
                f"host {self.host!r} is reachable from other machines; "
                "use 127.0.0.1, or set http.allow_remote = true if that is meant"
            )
        return self


class Privacy(Table):
    """What may leave the machine."""

    local_only: tuple[str, ...] = Field(
        default=(), description="Globs (gitignore rules) of code only local models may see."
    )
    never: tuple[str, ...] = Field(
        default=(
            ".env", ".env.*", "!.env.example", "!.env.sample", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks",
            "*.keystore", "*.kdbx", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".ssh/", ".gnupg/", ".aws/",
            ".netrc", "_netrc", ".npmrc", ".pypirc", ".htpasswd", ".git-credentials", ".docker/config.json",
            ".kube/config", "*.tfstate", "*.tfstate.*", "*.tfvars", "*.ovpn", "secrets.*",
            "credentials", "credentials.*",
        ),
        description="Globs (gitignore rules) of files no model may see.",
    )  # fmt: skip


class Budget(Table):
    """What may be spent."""

    daily_usd: float = Field(
        default=0.0, ge=0, description="USD a day, after which only free models answer; 0 is no limit."
    )
    session_usd: float = Field(
        default=0.0, ge=0, description="USD a session, after which only free models answer it; 0 is no limit."
    )
    workflow_usd: float = Field(
        default=0.0, ge=0, description="USD a day and workflow, after which only free models answer; 0 is no limit."
    )
    steps: tuple[BudgetStep, ...] = Field(
        default=(), description="Steps down before a budget is spent, each with its quality floor."
    )


class Learning(Table):
    """What outcomes teach about models."""

    enabled: bool = Field(default=True, description="Whether feedback changes what is expected of models.")
    explore: float = Field(
        default=0.05, ge=0, le=0.4, description="Share of requests at which a model that may be better can be tried."
    )
    explore_usd_per_day: float = Field(
        default=0.5, ge=0, description="USD a day that trials may cost beyond the usual choice."
    )


class ArmTable(Table):
    """One way to do it; what is left out stays as the request has it."""

    strategy: str = Field(default="", description="The strategy of this arm.")
    model: str = Field(default="", description="The model, or an alias, of this arm.")
    weight: float = Field(default=1.0, gt=0, description="Its part of the requests, beside the other arms' weights.")
    system: str = Field(default="", max_length=20_000, description="Words put behind the system prompt in this arm.")
    prompt: str = Field(
        default="",
        max_length=20_000,
        description="Words in place of the system prompt of an editor's task.",
    )


class ExperimentTable(Table):
    """An experiment: two or more ways to choose, side by side. The first arm is what the others are compared with."""

    arms: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")], ArmTable] = Field(
        min_length=2, max_length=8, description="The arms by their names."
    )
    enabled: bool = Field(default=True, description="Whether it takes requests now.")
    share: float = Field(default=1.0, gt=0, le=1, description="Share of the units that take part.")
    unit: Literal["session", "user", "workflow"] = Field(default="session", description="What stays in its arm.")
    metric: Literal["quality", "cost", "seconds"] = Field(default="quality", description="What is compared.")
    purposes: tuple[str, ...] = Field(default=(), description="Purposes that take part; empty: all.")
    max_failures: float = Field(default=0.2, ge=0, le=1, description="Share of failed requests that stops an arm.")
    max_cost_ratio: float = Field(
        default=0.0, ge=0, description="Times the first arm's mean cost that stops an arm; 0 is no limit."
    )


class Timeouts(Table):
    """How long to wait for a provider, in seconds, before the next one is tried."""

    connect: float = Field(default=5.0, gt=0, description="For a connection.")
    first: float = Field(default=60.0, gt=0, description="For the first content of an answer.")
    between: float = Field(default=60.0, gt=0, description="For anything at all, between two pieces of an answer.")
    thinking: float = Field(
        default=300.0, gt=0, description="In place of the two above, when the caller asks the model to think."
    )
    total: float = Field(default=600.0, gt=0, description="For a whole answer.")
    complete_first: float = Field(default=5.0, gt=0, description="For the first content of a completion.")


class Batch(Table):
    """Bulk work in the background."""

    concurrency: int = Field(default=4, ge=1, le=64, description="Lines of batches under way at once.")
    provider: Literal["auto", "never"] = Field(
        default="auto", description="auto lets a provider's own batch API run a batch at its price; never does not."
    )
    max_files_mb: int = Field(
        default=5_000,
        ge=1,
        description="Megabytes that uploaded files and results may fill before uploads are refused.",
    )


class Daemon(Table):
    """The process behind the editors."""

    idle_seconds: float = Field(
        default=900.0, ge=0, description="A daemon that an editor started ends after this long unused."
    )


class Log(Table):
    """The log file."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error."
    )

    @field_validator("level", mode="before")
    @classmethod
    def _any_case(cls, level: object) -> object:
        return level.lower() if isinstance(level, str) else level


class Settings(Table):
    """All of it. `providers` holds only what was written; `codriver.catalog` makes Providers of it."""

    routing: Routing = Field(default_factory=Routing, description="How the model for a request is chosen.")
    providers: dict[str, ProviderTable] = Field(default_factory=dict, description="Changes to providers, and new ones.")
    complete: Complete = Field(default_factory=Complete, description="Inline completion.")
    refactor: Refactor = Field(default_factory=Refactor, description="Edits asked for in the editor.")
    review: Review = Field(default_factory=Review, description="Reviews asked for in the editor.")
    http: Http = Field(default_factory=Http, description="The endpoint for coding agents.")
    privacy: Privacy = Field(default_factory=Privacy, description="What may leave the machine.")
    rules: tuple[RuleTable, ...] = Field(default=(), description="Rules of your own about who answers what.")
    budget: Budget = Field(default_factory=Budget, description="What may be spent.")
    peak: Peak = Field(default_factory=Peak, description="What gives way when much is going on.")
    hedge: Hedge = Field(default_factory=Hedge, description="A second provider where the first is slow to begin.")
    fuse: Fuse = Field(default_factory=Fuse, description="The strategy fuse: several answers, and the best of them.")
    learning: Learning = Field(default_factory=Learning, description="What outcomes teach about models.")
    experiments: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")], ExperimentTable] = Field(
        default_factory=dict, description="Ways to choose that are compared on your own requests."
    )
    timeouts: Timeouts = Field(default_factory=Timeouts, description="How long to wait for a provider.")
    batch: Batch = Field(default_factory=Batch, description="Bulk work in the background.")
    daemon: Daemon = Field(default_factory=Daemon, description="The process behind the editors.")
    log: Log = Field(default_factory=Log, description="The log file.")


def loopback(host: str) -> bool:
    """Whether only this machine can reach a server on this host name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
