"""Which top-level fields of each wire's body the neutral Request carries; the rest is named, not lost in silence."""

from __future__ import annotations

from codriver.model.request import Request
from codriver.wire import relay
from codriver.wire.names import camel

_QUIET = frozenset({"model", "messages", "stream", "stream_options", "metadata", "prompt_cache_key", "user", "store"})
_SAMPLING = frozenset({"max_tokens", "temperature", "top_p"})

CARRIED: dict[str, frozenset[str]] = {
    "openai_chat": _QUIET
    | _SAMPLING
    | {"max_completion_tokens", "stop", "tools", "tool_choice", "parallel_tool_calls", "response_format"}
    | {"reasoning_effort", "reasoning", "n"},
    "anthropic": _QUIET
    | _SAMPLING
    | {"system", "stop_sequences", "tools", "tool_choice", "thinking", "output_config", "output_format"},
    "openai_responses": _QUIET
    | _SAMPLING
    | {"input", "instructions", "max_output_tokens", "tools", "tool_choice", "parallel_tool_calls", "text"}
    | {"reasoning", "include", "client_metadata", "prompt_cache_retention"},
    "gemini": frozenset({"contents", "model", "systemInstruction", "tools", "toolConfig", "generationConfig"})
    | {"maxOutputTokens", "temperature", "topP", "stopSequences", "candidateCount", "thinkingConfig"}
    | {"responseMimeType", "responseSchema", "responseJsonSchema"},
    "openai_completions": _QUIET | _SAMPLING | {"prompt", "suffix", "stop", "n", "echo", "best_of"},
    "mistral_fim": _QUIET | _SAMPLING | {"prompt", "suffix", "stop"},
    "ollama_chat": _QUIET | {"tools", "format", "options", "think", "keep_alive"},
    "ollama_generate": _QUIET
    | {"prompt", "suffix", "system", "images", "raw", "format", "options", "think", "keep_alive"},
    # What steers a cache, a sampler or the answer's fields is no loss for another server.
    "llamacpp_infill": _QUIET
    | _SAMPLING
    | {"input_prefix", "input_suffix", "input_extra", "prompt", "n_predict", "stop", "response_fields"}
    | {"cache_prompt", "samplers", "id_slot", "t_max_prompt_ms", "t_max_predict_ms", "n_indent", "top_k"},
}

_NESTED = "generationConfig"
"""Where Gemini keeps what other wires have at the top."""


def lost(request: Request) -> list[str]:
    """Names of the fields in the caller's body that only its own wire can carry, in their order."""
    known = CARRIED.get(request.wire)
    if known is None or request.body is None:
        return []
    fields = relay.fields(request.body)
    if request.wire == "gemini":
        fields = _unnested(fields)
    left = [name for name, value in fields.items() if name not in known and bytes(value) != b"null"]
    return left + list(request.conversation.lost)


def _unnested(fields: relay.Fields) -> relay.Fields:
    """A Gemini body's fields with those of its generation config, all in camelCase."""
    named = {camel(name): value for name, value in fields.items()}
    inner = relay.fields(bytes(named[_NESTED])) if bytes(named.get(_NESTED, b"null")) != b"null" else {}
    return named | {camel(name): value for name, value in inner.items()}
