"""Streamed with two tools, then whole with a typed output."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models import Model
from task import BASE, KEY, MODEL, OPENAI, TASK, WIRE, finish, read_file, replace_text


class Report(BaseModel):
    """What was done."""

    path: str
    summary: str


def model() -> Model:
    if WIRE == "anthropic":
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        return AnthropicModel(MODEL, provider=AnthropicProvider(base_url=BASE, api_key=KEY))
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(base_url=OPENAI, api_key=KEY)
    kind = OpenAIResponsesModel if WIRE == "openai_responses" else OpenAIChatModel
    return kind(MODEL, provider=provider)


async def main() -> str:
    async with Agent(model(), tools=[read_file, replace_text]).run_stream(TASK) as streamed:
        said = await streamed.get_output()
    asked = "Report that the file notes.txt was changed."
    report = (await Agent(model(), output_type=Report).run(asked)).output
    return f"{said} {report}"


finish(asyncio.run(main()))
