"""The form of a provider's table: the same in `providers/<name>.toml` and in the user's file.

Everything is optional here, because a user's table may say just one thing about a shipped
provider; what a whole provider needs is checked where it is built, in `codriver.catalog`.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import fields
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from codriver.model.provider import Quirks


class Table(BaseModel):
    """A TOML table: nothing but the named keys, and never changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _env_only(key: str) -> str:
    if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*", key):
        raise ValueError('a key itself does not belong in this file; write "env:NAME" and put the key into NAME')
    return key


def _address(url: str) -> str:
    if not re.match(r"https?://[^/\s]+|\{[a-z_]+\}", url):
        raise ValueError("this is not an http:// or https:// address")
    return url.rstrip("/")


EnvKey = Annotated[str, AfterValidator(_env_only)]
Address = Annotated[str, AfterValidator(_address)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Wire = Literal[
    "openai_chat", "openai_completions", "openai_responses", "openai_embeddings", "anthropic", "gemini",
    "mistral_fim", "llamacpp_infill", "ollama_chat", "ollama_generate",
]  # fmt: skip
Tier = Literal["small", "medium", "large"]

# One optional field per quirk: a new quirk in the model is at once something to write. The type is made here and not
# declared, which no type checker follows: hence what is ignored, here and where a table has one.
QuirksTable: type[Table] = create_model(
    "QuirksTable",
    __base__=Table,
    __doc__="How a provider or model differs from its wire's definition.",
    **{quirk.name: (get_type_hints(Quirks)[quirk.name] | None, None) for quirk in fields(Quirks)},  # type: ignore[call-overload]
)


class LongTable(Table):
    """How much dearer long prompts are, as a whole."""

    from_: int = Field(alias="from", ge=1, description="Prompt tokens above which the factors apply.")
    input: float = Field(default=1.0, ge=1, description="Factor on the three prompt prices.")
    output: float = Field(default=1.0, ge=1, description="Factor on the output price.")


class PriceTable(Table):
    """USD per million tokens."""

    input: Amount = Field(description="Fresh prompt tokens.")
    output: Amount = Field(description="Answer tokens, reasoning included.")
    cached: Amount | None = Field(default=None, description="Prompt tokens read from a cache; default: as input.")
    written: Amount | None = Field(default=None, description="Prompt tokens written to a cache; default: as input.")
    written_1h: Amount | None = Field(default=None, description="Written and kept for an hour; default: as written.")
    long: LongTable | None = Field(default=None, description="What changes for long prompts.")


class ModelTable(Table):
    """One model. All may be left out; the catalog says what then holds."""

    enabled: bool = Field(default=True, description="Whether the model may be used at all.")
    upstream_id: str | None = Field(
        default=None, description="The provider's own name; default: the model's name here."
    )
    tier: Tier | None = Field(default=None, description="small, medium or large.")
    window: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Tokens of prompt and answer together."
    )
    max_output: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Tokens of one answer.")
    max_input: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="The longest prompt in tokens, where that is less than the window."
    )
    price: PriceTable | None = Field(default=None, description="USD per million tokens.")
    batch: PriceTable | None = Field(default=None, description="The same in the provider's own batches.")
    retires: datetime.date | None = Field(default=None, description="From when on the provider does not answer it.")
    skill: dict[str, float] | None = Field(
        default=None, description='Ability per task family in logits; "" is the general one.'
    )
    first_token: Amount | None = Field(default=None, description="Expected seconds to the first token.")
    speed: Annotated[float, Field(gt=0)] | None = Field(default=None, description="Expected output tokens per second.")
    chat: bool | None = Field(default=None, description="Answers conversations.")
    tools: bool | None = Field(default=None, description="Calls tools.")
    images: bool | None = Field(default=None, description="Reads images.")
    schema_: bool | None = Field(default=None, alias="schema", description="Obeys a JSON schema.")
    reasoning: bool | None = Field(default=None, description="Thinks before it answers.")
    embeds: bool | None = Field(default=None, description="Turns texts into vectors.")
    fim: str | None = Field(
        default=None, description='Fills holes: "suffix" natively, or the name of a template family.'
    )
    aliases: tuple[str, ...] | None = Field(default=None, description="Other names it is asked for by.")
    wires: tuple[Wire, ...] | None = Field(
        default=None, description="The provider's wires it is served on; default: all."
    )
    quirks: QuirksTable | None = Field(default=None, description="Over the provider's quirks.")  # type: ignore[valid-type]


class VarTable(Table):
    """A name that stands in braces in a provider's addresses, and where its value comes from."""

    env: tuple[str, ...] = Field(default=(), description="Environment variables that may hold it, in order.")
    default: str | None = Field(default=None, description="Its value otherwise; may hold other names in braces.")
    pattern: str | None = Field(default=None, description="A regular expression the value must be like.")
    of: str | None = Field(default=None, description="Another name, by whose value `choices` are made.")
    choices: dict[str, str] = Field(default_factory=dict, description="Its value for each value of `of`.")
    trim: tuple[str, ...] = Field(default=(), description="Ends that people copy along, and that are cut off.")


class FormTable(Table):
    """Another style of a provider's addresses."""

    when: str = Field(description="It holds when this name has a value.")
    wires: dict[Wire, str] | None = Field(default=None, description="Its wires and their paths.")


class ProviderTable(Table):
    """One provider: for a new one, base_url and wire are enough."""

    enabled: bool = Field(default=True, description="Whether the provider may be used at all.")
    title: str | None = Field(default=None, description="The name shown to people.")
    base_url: Address | None = Field(default=None, description="Scheme, host and path prefix.")
    wire: Wire | None = Field(default=None, description="The one wire it speaks, at that wire's usual path.")
    wires: dict[Wire, str] | None = Field(default=None, description="Wires and their paths; the first is preferred.")
    key: EnvKey | None = Field(default=None, description='Where its key is: "env:NAME".')
    key_env: tuple[str, ...] | None = Field(default=None, description="Environment variables that may hold its key.")
    auth: Literal["bearer", "x-api-key", "api-key", "x-goog-api-key", "none"] | None = Field(
        default=None, description="How the key is sent."
    )
    keyless: bool | None = Field(default=None, description="Answers without a key too; one is sent where there is one.")
    login: str | None = Field(
        default=None, description="How to sign in where there is no key: google, azure or sigv4, each an extra."
    )
    vars: dict[str, str | VarTable] | None = Field(
        default=None, description="Names in braces in base_url, paths and headers: their values, or where those are."
    )
    forms: dict[str, FormTable] | None = Field(default=None, description="Other styles of its addresses.")
    headers: dict[str, str] | None = Field(default=None, description="Headers sent with every request.")
    local: bool | None = Field(default=None, description="On this machine or network: local-only code may go there.")
    discover: str | None = Field(default=None, description="Path that lists the installed models, in OpenAI's form.")
    describe: Literal["/api/show", "/props"] | None = Field(
        default=None, description="Path that tells more of the installed models: Ollama's or llama.cpp's."
    )
    recognise: dict[str, str] | None = Field(
        default=None, description='What each listed model says of itself there: field and value ("*": any).'
    )
    simulated: bool = Field(default=False, description="Answered by the shipped simulator, without a socket.")
    cache_ttl: Amount | None = Field(default=None, description="Seconds its prompt cache stays warm.")
    batch: Literal["openai", ""] | None = Field(default=None, description="Whose batch API it has, if any.")
    quirks: QuirksTable | None = Field(default=None, description="How it differs from its wires.")  # type: ignore[valid-type]
    models: dict[str, ModelTable] = Field(default_factory=dict, description="Its models, by the names used here.")
    source: str | None = Field(default=None, description="Where the facts were read.")
    date: datetime.date | None = Field(default=None, description="When the facts were read.")


def written(table: Table) -> dict[str, Any]:
    """What was really written in a table, defaults left out, under the names of the file."""
    return table.model_dump(exclude_unset=True, by_alias=True)
