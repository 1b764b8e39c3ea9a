"""Gemini's generateContent, both halves: what callers ask and what we send, what comes and what we answer."""

from __future__ import annotations

from codriver.wire.gemini.inbound import PATH, addressed, count, parse
from codriver.wire.gemini.outbound import call
from codriver.wire.gemini.reading import decoder
from codriver.wire.gemini.writing import encoder, failure, ping

content_type = "text/event-stream"

__all__ = [
    "PATH",
    "addressed",
    "call",
    "content_type",
    "count",
    "decoder",
    "encoder",
    "failure",
    "parse",
    "ping",
]
