"""Tables -> Provider and Model values: a shipped table, the user's over it, and sound assumptions for the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from codriver.catalog.abilities import shipped
from codriver.catalog.facts import Known, midnight
from codriver.catalog.places import settle
from codriver.catalog.pricing import beneath, priced
from codriver.config import ProviderTable, written
from codriver.config.reading import line_of, near
from codriver.config.tree import loopback
from codriver.errors import ConfigError
from codriver.model.provider import Installed, Model, Provider, Quirks

USUAL_PATH = {
    "openai_chat": "/v1/chat/completions",
    "openai_completions": "/v1/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "openai_embeddings": "/v1/embeddings",
    "gemini": "/v1beta/models/{model}:{action}",
    "mistral_fim": "/v1/fim/completions",
    "llamacpp_infill": "/infill",
    "ollama_chat": "/api/chat",
    "ollama_generate": "/api/generate",
}

_EMBEDDINGS = "openai_embeddings"

SKILL_OF_TIER = {"small": 0.7, "medium": 1.8, "large": 2.8}
"""General ability (logits) of a model of which only the tier is known."""

# Servers list these beside their chat models.
_EMBEDS = re.compile(r"embed|minilm|\bbge-|\bgte-|\be5-", re.IGNORECASE)
_NEITHER = re.compile(r"rerank|whisper|moderation|\btts\b|dall-e", re.IGNORECASE)

# Fields of a model whose table and value are the same thing.
_AS_WRITTEN = (
    "first_token", "speed", "chat", "tools", "images", "schema", "reasoning", "embeds", "fim", "aliases", "wires",
)  # fmt: skip

# Fields of a model that its server may tell.
_TOLD = ("chat", "tools", "images", "reasoning", "embeds", "fim")

Tables = Mapping[str, Any]
Template = TypeVar("Template")
_NOWHERE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sold:
    """A provider with the models that are surely there, and templates for those to be discovered.

    described: ids the user wrote a table for, also to turn them off; those are not discovered.
    stated: what the price tables say of a discovered model, for those that no template but "*" fits.
    """

    provider: Provider
    templates: Mapping[str, Model]
    described: frozenset[str] = frozenset()
    stated: Callable[[str], Model | None] = lambda id: None


def build(
    name: str,
    shipped: ProviderTable | None,
    own: ProviderTable | None,
    *,
    file: str,
    names: Iterable[str],
    environ: Mapping[str, str] = _NOWHERE,
    known: Known | None = None,
    now: float = 0.0,
) -> Sold:
    """A provider from its shipped table and the user's, either of which may be missing.

    Where a provider discovers its models, the shipped ones are templates and the user's are real.
    names: of shipped providers, to guess what a misspelt one meant. environ: fills the names in braces of
    its addresses. known: what the price tables say, which goes beneath both. now: Unix time, for prices
    that change. Raises ConfigError.
    """
    theirs, mine = (written(shipped) if shipped else {}), (written(own) if own else {})
    table = _over(theirs, mine)
    table.setdefault("discover", "" if table.get("models") else "/v1/models")
    provider = _provider(name, table, file, names, environ)
    models: dict[str, Tables] = table.get("models", {})
    if {"wire", "wires"} & mine.keys():
        models = _spoken(models, mine.get("models", {}), provider)
    _check_wires(provider, models, file)
    described = frozenset(mine.get("models", {})) - {"*"}
    patterns: dict[str, Tables] = {"*": {}}
    if provider.discover:
        patterns |= {id: model for id, model in models.items() if id not in described}
    sure = {
        id: {**_template(patterns, id), **model}
        for id, model in models.items()
        if model.get("enabled", True) and (id in described or not provider.discover)
    }
    yours = {id for id, model in mine.get("models", {}).items() if "price" in model}
    read = f"{table['source']} ({table['date']})" if table.get("source") and table.get("date") else name

    def made(id: str, model: Tables) -> Model:
        source = "your settings" if id in yours else read
        return _model(provider, id, {"read": source, **beneath(known, id, model, provider.wires), **model}, now)

    return Sold(
        replace(provider, models=tuple(made(id, model) for id, model in sure.items())),
        {pattern: made(pattern, model) for pattern, model in patterns.items()},
        described,
        lambda id: made(id, patterns["*"]) if known is not None and known.find(id) else None,
    )


def instances(sold: Sold, listed: Iterable[str | Installed]) -> tuple[Model, ...]:
    """The models that a server listed, each made from the template with the longest fitting name.

    What the server told of a model goes over the template. Embedders are known by that or by their
        names, and are left out where the provider has no wire for them.
    """
    told = (one if isinstance(one, Installed) else Installed(one) for one in listed)
    fresh = {one.id: one for one in told if one.id not in sold.described and not _NEITHER.search(one.id)}
    made = (_named(_fitting(sold, id), one) for id, one in fresh.items())
    return tuple(model for model in made if not model.embeds or _EMBEDDINGS in sold.provider.wires)


def _fitting(sold: Sold, id: str) -> Model:
    template = _template(sold.templates, id)
    return (sold.stated(id) or template) if template.id == "*" else template


def _named(template: Model, one: Installed) -> Model:
    told: dict[str, Any] = {name: value for name in _TOLD if (value := getattr(one, name)) is not None}
    window = one.window or template.window
    told |= {"window": window, "max_output": min(template.max_output, window)}
    model = replace(template, id=one.id, upstream_id=one.id, **told)
    if template.embeds or not (model.embeds or (one.embeds is None and _EMBEDS.search(one.id))):
        return model
    return replace(model, embeds=True, chat=False, tools=False, images=False, fim="", wires=(_EMBEDDINGS,))


def _template(templates: Mapping[str, Template], id: str) -> Template:
    """The longest name that the model's begins with, an owner before the last slash left out; else that of "*"."""
    name = id.casefold().rpartition("/")[2]
    fitting = [pattern for pattern in templates if name.startswith(pattern.casefold())]
    return templates[max(fitting, key=len, default="*")]


def _over(theirs: Tables, mine: Tables) -> dict[str, Any]:
    """The user's table over the shipped one: tables are merged, but a price or a list of wires is one thing."""
    table = {**theirs, **mine}
    for key, value in mine.items():
        if isinstance(value, Mapping) and isinstance(theirs.get(key), Mapping) and key not in {"price", "wires"}:
            table[key] = _over(theirs[key], value)
    if "wire" in mine:
        table["wires"] = {mine["wire"]: USUAL_PATH[mine["wire"]], **mine.get("wires", {})}
    if "key" in mine:
        table["key_env"] = (mine["key"].removeprefix("env:"),)
    return table


def _provider(name: str, given: Tables, file: str, names: Iterable[str], environ: Mapping[str, str]) -> Provider:
    places = settle(name, given, environ)
    table = places.table
    base_url, wires = table.get("base_url"), table.get("wires")
    for key, value, words in (("base_url", base_url, "is missing"), ("wire", wires, "is missing")):
        if not value:
            place = f"providers.{name}.{key}"
            guess = near(name, list(names))
            raise ConfigError(_line(file, place), place, words, guess or "A new provider needs base_url and wire")
    assert base_url and wires
    local = table.get("local", loopback(urlsplit(base_url).hostname or ""))
    return Provider(
        name=name,
        title=table.get("title", name),
        base_url=base_url,
        wires={wire: _path(base_url, path) for wire, path in wires.items()},
        key_env=tuple(table.get("key_env", ())),
        auth=table.get("auth") or _auth(table, wires),
        login=table.get("login", ""),
        keyless=table.get("keyless", False),
        lacks=places.lacks,
        values=places.values,
        headers=table.get("headers", {}),
        quirks=Quirks(**{**_usual(local), **table.get("quirks", {})}),
        local=local,
        simulated=table.get("simulated", False),
        cache_ttl=table.get("cache_ttl", 300.0),
        batch=table.get("batch") or "",
        discover=_path(base_url, table["discover"]) if table["discover"] else "",
        describe=table.get("describe", ""),
        recognise=table.get("recognise", {}),
    )


def _usual(local: bool) -> Tables:
    """Models at home often think aloud: their servers leave the tags in the text."""
    return {"think_tags": "read"} if local else {}


def _model(provider: Provider, id: str, table: Tables, now: float) -> Model:
    tier = table.get("tier", "medium")
    quirks = table.get("quirks")
    known = {field: table[field] for field in _AS_WRITTEN if field in table}
    window = table.get("window", 128_000)
    cost = priced(table, tier, free=provider.local, now=now)
    output = cost["price"].output if "source" in cost else 0.0
    return Model(
        provider=provider.name,
        id=id,
        upstream_id=table.get("upstream_id", id),
        window=window,
        max_output=min(table.get("max_output", 8_192), window),
        **cost,
        skill=_skill(table.get("upstream_id", id), table, tier, output),
        tier=tier,
        quirks=replace(provider.quirks, **quirks) if quirks else None,
        max_input=table.get("max_input", 0) if table.get("max_input", 0) < window else 0,
        retires=midnight(str(table["retires"])) if table.get("retires") else 0.0,
        **known,
    )


def _skill(id: str, table: Tables, tier: str, price: float) -> dict[str, float]:
    """As written; else what public scores say of a model of this name; else a guess, halfway to its tier's where it
    succeeds no measured model. price: USD per million output tokens, 0 where nobody states it."""
    told: dict[str, float] = {"": SKILL_OF_TIER[tier]}
    if "" in table.get("skill", {}):
        return {**told, **table["skill"]}
    known = shipped()
    if measured := known.measured(id):
        told |= measured
    elif (guess := known.guessed(id, price, table.get("window", 0))) is not None:
        alone = "tier" in table and known.follows(id, price) is None
        told[""] = round((guess + told[""]) / 2 if alone else guess, 2)
    return {**told, **table.get("skill", {})}


def _auth(table: Tables, wires: Tables) -> str:
    if not (table.get("key_env") or table.get("login")):
        return "none"
    return "x-api-key" if next(iter(wires)) == "anthropic" else "bearer"


def _path(base_url: str, path: str) -> str:
    """A path without the version that the base URL ends with already: people copy both forms."""
    first = "/" + path.lstrip("/").split("/", 1)[0]
    rest = path.removeprefix(first)
    return rest if rest and re.fullmatch(r"/v\d+\w*", first) and base_url.endswith(first) else path


def _spoken(models: Mapping[str, Tables], mine: Mapping[str, Tables], provider: Provider) -> dict[str, Tables]:
    """Without the shipped models that are served on none of the wires the user left; his own are checked."""
    return {
        id: table
        for id, table in models.items()
        if "wires" in mine.get(id, {}) or "wires" not in table or set(table["wires"]) & provider.wires.keys()
    }


def _check_wires(provider: Provider, models: Mapping[str, Tables], file: str) -> None:
    for id, table in models.items():
        for wire in table.get("wires", ()):
            if wire not in provider.wires:
                key = f"providers.{provider.name}.models.{id}.wires"
                reason = f"{provider.name} does not speak {wire!r}"
                raise ConfigError(_line(file, key), key, reason, f"Its wires are {', '.join(provider.wires)}")


def _line(file: str, key: str) -> str:
    """The file with the line of the key, or of the table above it, where that can be found."""
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return file
    line = line_of(text, key)
    return f"{file}:{line}" if line else file
