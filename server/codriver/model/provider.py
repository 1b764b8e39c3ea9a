"""Who answers: facts about providers and models, as the catalog holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from codriver.model.events import Usage
from codriver.model.value import value


@value(frozen=True, slots=True)
class Price:
    """USD per million tokens. cached: prompt-cache read; written: prompt-cache write.

    Prompts longer than long_from tokens (0: no such limit) are billed dearer as a whole:
    long_input times the three prompt prices, long_output times the output's.
    written_1h: a write that is kept for an hour (0: as any other write).
    longer: what holds as a whole instead for prompts of more than so many tokens, ascending.
    """

    input: float = 0.0
    cached: float = 0.0
    written: float = 0.0
    output: float = 0.0
    long_from: int = 0
    long_input: float = 1.0
    long_output: float = 1.0
    written_1h: float = 0.0
    longer: tuple[tuple[int, Price], ...] = ()

    def cost(self, usage: Usage) -> float:
        """USD for what was used; reasoning is already inside output, written_1h inside written."""
        if self.longer:
            tokens = usage.input + usage.cached + usage.written
            for above, price in reversed(self.longer):
                if tokens > above:
                    return price.cost(usage)
        prompt = usage.input * self.input + usage.cached * self.cached + usage.written * self.written
        if usage.written_1h and self.written_1h:
            prompt += usage.written_1h * (self.written_1h - self.written)
        answer = usage.output * self.output
        if self.long_from and usage.input + usage.cached + usage.written > self.long_from:
            prompt, answer = prompt * self.long_input, answer * self.long_output
        return (prompt + answer) / 1e6


@value(frozen=True, slots=True)
class Spell:
    """A price and when it holds, in UTC: from a Unix time on, in these spans of minutes of the day (the end not
    included), on these ISO weekdays. Empty spans or days: all of them."""

    price: Price
    since: float = 0.0
    hours: tuple[tuple[int, int], ...] = ()
    days: tuple[int, ...] = ()

    def holds(self, at: float) -> bool:
        """Whether it does at a Unix time. Days have 86,400 seconds in Unix time: nothing else is asked here."""
        if at < self.since:
            return False
        day, second = divmod(at, 86_400)
        if self.days and (int(day) + 3) % 7 + 1 not in self.days:  # day 0 was a Thursday
            return False
        return not self.hours or any(begin <= second / 60 < end for begin, end in self.hours)


@value(frozen=True, slots=True)
class Tariff:
    """Prices that change over days or hours. Of the spells that hold the last one counts; the first holds always."""

    spells: tuple[Spell, ...]

    def at(self, time: float) -> Price:
        """The price at a Unix time."""
        for spell in reversed(self.spells):
            if spell.holds(time):
                return spell.price
        return self.spells[0].price

    def dearest(self, day: float) -> Price:
        """What a request costs at most from the day of this Unix time on, whatever its hour and weekday."""
        begun = [spell for spell in self.spells if spell.since <= day]
        daily = [number for number, spell in enumerate(begun) if not (spell.hours or spell.days)]
        standing = begun[daily[-1] :] if daily else begun
        return max((spell.price for spell in standing or self.spells[:1]), key=lambda price: price.input + price.output)


@value(frozen=True, slots=True)
class Quirks:
    """How a provider or model differs from its wire's definition. Data, never an if on a name."""

    max_tokens_field: str = ""
    """OpenAI chat: "max_tokens" or "max_completion_tokens"; "" keeps the caller's choice."""
    drop: tuple[str, ...] = ()
    """Top-level fields this target refuses: removed before sending."""
    flatten_content: bool = False
    """Takes message content only as a string."""
    system_role: str = "system"
    """"system" or "developer"."""
    merge_system: bool = False
    """Knows only one system message, at the start."""
    stream_usage: bool = True
    """Understands stream_options.include_usage."""
    reasoning_field: str = "reasoning_content"
    """Where an OpenAI-chat answer carries thinking."""
    replay_reasoning: str = "forbid"
    """"forbid", "optional" or "required": whether earlier thinking goes back in messages."""
    requires_max_tokens: bool = False
    put: Mapping[str, Any] = field(default_factory=dict)
    """Top-level fields this target wants in every body (Vertex: anthropic_version)."""
    temperature_max: float | None = None
    """The highest temperature it takes; a higher one is lowered to it."""
    stop_max: int = 0
    """How many stop sequences it takes; the first ones are kept. 0: any number."""
    tool_id_length: int = 0
    """Its tool-call ids have exactly so many letters and digits (Mistral: 9); others are renamed, always
    to the same. 0: any id."""
    thinking: str = ""
    """How the wish for more or less thinking is written; "" where nothing is known: by a reasoning
    model's wire (chat: effort, Anthropic: budget), else not at all.

    effort: reasoning_effort. reasoning: {"reasoning": {"effort"}} (OpenRouter). type: {"thinking":
    {"type": "enabled" or "disabled"}}, with reasoning_effort beside it where efforts are named (GLM,
    DeepSeek, Moonshot, Doubao). enable: enable_thinking and thinking_budget (Qwen). template:
    chat_template_kwargs.enable_thinking (vLLM, llama.cpp). budget: Anthropic's budget_tokens, Gemini's
    thinkingBudget. adaptive: Anthropic's adaptive thinking with output_config.effort. level: Gemini's
    thinkingLevel."""
    efforts: tuple[str, ...] = ()
    """The effort words the model knows; "none" among them when it can be told not to think. Empty:
    low, medium and high for effort, everything for the other styles."""
    think_tags: str = ""
    """Whether thinking comes as <think> tags at the start of the text: "" no; "read": understood wherever
    an answer is rebuilt; "always": an answer on the caller's own wire is rebuilt too."""
    prefill: bool = True
    """Goes on with an answer that the caller began (a last message of the assistant's)."""
    forced_tools: bool = True
    """Takes a tool_choice that forces a call."""
    one_sampler: bool = False
    """Takes temperature or top_p, not both."""
    cache_from: int = 0
    """Anthropic: prompts of so many tokens get cache marks where the caller set none. 0: bodies built here
    get them from 2,048 tokens on, relayed ones never."""
    cache_key: bool = False
    """OpenAI chat and responses: knows prompt_cache_key; one is made from the session where the caller gave none."""
    billing_line: bool = False
    """Anthropic: wants the line of billing words that Claude Code puts before its system prompt. It
    changes with each request, so elsewhere it only costs the prompt cache."""
    beta_headers: bool = True
    """Understands the wire's beta headers; where not, they stay here."""
    tools_wire: str = ""
    """The one wire on which the model thinks and calls tools at once (OpenAI's newer models: responses).
    Requests with tools go there; on chat, tools come with the word not to think."""
    thought_signature: str = ""
    """Gemini: what stands for a missing thoughtSignature, at models that insist on one at the first call
    of each step; "" where none is needed."""

    @property
    def bounded(self) -> bool:
        """Whether wire/bounds.py has anything to do."""
        return bool(self.put or self.temperature_max is not None or self.stop_max or self.tool_id_length)


@value(frozen=True, slots=True)
class Model:
    """One model at one provider. `key` ("provider/id") is its name everywhere."""

    provider: str
    id: str
    """Our name within the provider; also what the user writes after the slash."""
    upstream_id: str
    """The name the provider wants in the request."""
    window: int
    """Tokens of context, prompt and answer together."""
    max_output: int
    price: Price
    """What holds when the catalog is read; the dearest hour's where hours differ."""
    skill: Mapping[str, float]
    """Ability per task family on the logit scale of routing/quality.py; "" is the general one."""
    first_token: float = 0.8
    """Seconds to the first token, before anything was measured."""
    speed: float = 80.0
    """Output tokens per second, before anything was measured."""
    chat: bool = True
    tools: bool = True
    images: bool = False
    schema: bool = False
    reasoning: bool = False
    embeds: bool = False
    """Turns texts into vectors; such a model has chat = False."""
    fim: str = ""
    """"" (cannot), "suffix" (native prompt + suffix), or a template family of wire/fim.py."""
    tier: str = "medium"
    """small, medium or large: how unknown well-known names are matched."""
    aliases: tuple[str, ...] = ()
    quirks: Quirks | None = None
    """Overrides the provider's quirks for this model."""
    wires: tuple[str, ...] = ()
    """The provider's wires this model is served on; empty means all of them."""
    max_input: int = 0
    """The longest prompt in tokens, where that is less than the window; 0: the window."""
    tariff: Tariff | None = None
    """Where the price changes over days or hours."""
    batch: Price | None = None
    """What the provider's own batches cost; None where that is not known."""
    retires: float = 0.0
    """Unix time from which the provider answers no more under this name; 0: not announced."""
    source: str = ""
    """Where the price was read: an address and a day. "" for one that was assumed, and for free models."""

    @property
    def key(self) -> str:
        return f"{self.provider}/{self.id}"

    def price_at(self, time: float) -> Price:
        """The price of a request that is made at this Unix time."""
        return self.price if self.tariff is None else self.tariff.at(time)


@value(frozen=True, slots=True)
class Provider:
    """One endpoint: where it is, what it speaks, how it wants its key, what it sells."""

    name: str
    title: str
    base_url: str
    """Scheme, host and path prefix, without a trailing slash."""
    wires: Mapping[str, str]
    """Wire name -> path appended to base_url. First one is preferred.

    In a path {model} stands for the model's upstream_id, {action} for what the wire's Call names
    (Gemini's generateContent or streamGenerateContent?alt=sse), {one|other} for the first word when
    the answer is wanted whole and for the second when it is to be streamed."""
    key_env: tuple[str, ...] = ()
    """Environment variables that may hold the key; empty when none is needed."""
    auth: str = "bearer"
    """bearer, none, or the name of the header that takes the bare key (x-api-key, api-key)."""
    login: str = ""
    """A module of upstream/logins: how to sign in where there is no key."""
    keyless: bool = False
    """Answers without a key too."""
    lacks: str = ""
    """What a person has to set before it can be called at all, in a sentence; "" is nothing."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Of its names in braces, as they were filled (region, project): for its login."""
    headers: Mapping[str, str] = field(default_factory=dict)
    quirks: Quirks = Quirks()
    models: tuple[Model, ...] = ()
    local: bool = False
    """On this machine or network: code marked local-only may go there."""
    simulated: bool = False
    cache_ttl: float = 300.0
    """Seconds a prompt cache stays warm."""
    batch: str = ""
    """Whose batch API it has: a module of batches/services, "" for none."""
    discover: str = ""
    """Path of the list of what is installed (OpenAI's list form), for servers that sell what their owner loaded."""
    describe: str = ""
    """Path that tells more of the models: Ollama's /api/show or llama.cpp's /props."""
    recognise: Mapping[str, str] = field(default_factory=dict)
    """What each listed model says of itself there, field and value ("*": any): another server may have the port."""


@value(frozen=True, slots=True)
class Installed:
    """A model that a server listed, with what it told about it; None where it told nothing."""

    id: str
    window: int | None = None
    chat: bool | None = None
    tools: bool | None = None
    images: bool | None = None
    reasoning: bool | None = None
    embeds: bool | None = None
    fim: str | None = None
    stamp: int = 0
    """Changes when the model does; 0 where that is not known."""
