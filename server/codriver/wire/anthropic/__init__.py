"""Anthropic messages, both halves: what callers ask and what we send, what comes and what we answer."""

from __future__ import annotations

from codriver.wire.anthropic.inbound import count, parse
from codriver.wire.anthropic.outbound import call
from codriver.wire.anthropic.reading import decoder
from codriver.wire.anthropic.writing import encoder, failure, ping

content_type = "text/event-stream"

__all__ = ["call", "content_type", "count", "decoder", "encoder", "failure", "parse", "ping"]
