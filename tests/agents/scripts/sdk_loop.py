"""A loop by hand over a maker's own library, streamed, with two tools."""

from __future__ import annotations

import json
from typing import Any

from task import BASE, KEY, MODEL, OPENAI, TASK, WIRE, finish, read_file, write_file

TEXT = {"type": "string"}
TOOLS = {
    "read_file": (read_file, {"path": TEXT}),
    "write_file": (write_file, {"path": TEXT, "content": TEXT}),
}


def schema(name: str) -> dict[str, Any]:
    properties = TOOLS[name][1]
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def call(name: str, arguments: dict[str, Any]) -> str:
    return TOOLS[name][0](**arguments)


def chat() -> str:
    import openai

    client = openai.OpenAI(base_url=OPENAI, api_key=KEY)
    tools = [{"type": "function", "function": {"name": name, "parameters": schema(name)}} for name in TOOLS]
    messages: list[Any] = [{"role": "user", "content": TASK}]
    for _ in range(6):
        with client.chat.completions.stream(model=MODEL, messages=messages, tools=tools) as stream:
            message = stream.get_final_completion().choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        for wanted in message.tool_calls:
            result = call(wanted.function.name, json.loads(wanted.function.arguments))
            messages.append({"role": "tool", "tool_call_id": wanted.id, "content": result})
    return ""


def responses() -> str:
    import openai

    client = openai.OpenAI(base_url=OPENAI, api_key=KEY)
    tools = [{"type": "function", "name": name, "parameters": schema(name), "strict": True} for name in TOOLS]
    given: list[Any] = [{"role": "user", "content": TASK}]
    previous = openai.NOT_GIVEN
    for _ in range(6):
        with client.responses.stream(model=MODEL, input=given, tools=tools, previous_response_id=previous) as stream:
            response = stream.get_final_response()
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return response.output_text
        previous = response.id
        given = [
            {
                "type": "function_call_output",
                "call_id": item.call_id,
                "output": call(item.name, json.loads(item.arguments)),
            }
            for item in calls
        ]
    return ""


def anthropic() -> str:
    from anthropic import Anthropic

    client = Anthropic(base_url=BASE, api_key=KEY)
    tools = [{"name": name, "input_schema": schema(name)} for name in TOOLS]
    messages: list[Any] = [{"role": "user", "content": TASK}]
    for _ in range(6):
        with client.messages.stream(model=MODEL, max_tokens=2000, messages=messages, tools=tools) as stream:
            message = stream.get_final_message()
        messages.append({"role": "assistant", "content": [block.model_dump() for block in message.content]})
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in message.content if block.type == "text")
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": call(block.name, block.input)}
            for block in calls
        ]
        messages.append({"role": "user", "content": results})
    return ""


finish({"openai_chat": chat, "openai_responses": responses, "anthropic": anthropic}[WIRE]())
