"""OpenAI chat completions, both halves: what callers ask and what we send, what comes and what we answer."""

from __future__ import annotations

from codriver.wire.openai_chat.inbound import parse
from codriver.wire.openai_chat.outbound import call
from codriver.wire.openai_chat.reading import decoder
from codriver.wire.openai_chat.writing import encoder, failure, ping

content_type = "text/event-stream"

__all__ = ["call", "content_type", "decoder", "encoder", "failure", "parse", "ping"]
