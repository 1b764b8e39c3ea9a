"""OpenAI responses, both halves: items instead of messages, named and numbered events instead of chunks."""

from __future__ import annotations

from codriver.wire.openai_responses.inbound import parse
from codriver.wire.openai_responses.outbound import call
from codriver.wire.openai_responses.reading import decoder
from codriver.wire.openai_responses.writing import encoder, failure, ping

content_type = "text/event-stream"

__all__ = ["call", "content_type", "decoder", "encoder", "failure", "parse", "ping"]
