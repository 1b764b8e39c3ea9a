"""A loop by hand over the library's completion(), streamed, with one tool."""

from __future__ import annotations

import json

import litellm
from task import KEY, MODEL, OPENAI, TASK, append_line, finish

PARAMETERS = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "line": {"type": "string"}},
    "required": ["path", "line"],
}
TOOL = {"name": "append_line", "description": append_line.__doc__, "parameters": PARAMETERS}

messages = [{"role": "user", "content": TASK}]
for _ in range(5):
    chunks = list(
        litellm.completion(
            model=f"openai/{MODEL}",
            api_base=OPENAI,
            api_key=KEY,
            messages=messages,
            tools=[{"type": "function", "function": TOOL}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    message = litellm.stream_chunk_builder(chunks, messages=messages).choices[0].message
    messages.append(message.model_dump())
    if not message.tool_calls:
        finish(message.content)
    for call in message.tool_calls:
        result = append_line(**json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
raise SystemExit("the model never came to an end")
