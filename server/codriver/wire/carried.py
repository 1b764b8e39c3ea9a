"""Which top-level fields of each wire's body the neutral Request carries; the rest is named, not lost in silence."""

from __future__ import annotations

from codriver.model.request import Request
from codriver.wire import relay

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
    "openai_completions": _QUIET | _SAMPLING | {"prompt", "suffix", "stop", "n", "echo", "best_of"},
}


def lost(request: Request) -> list[str]:
    """Names of the fields in the caller's body that only its own wire can carry, in their order."""
    known = CARRIED.get(request.wire)
    if known is None or request.body is None:
        return []
    fields = relay.fields(request.body).items()
    return [name for name, value in fields if name not in known and bytes(value) != b"null"] + list(
        request.conversation.lost
    )
