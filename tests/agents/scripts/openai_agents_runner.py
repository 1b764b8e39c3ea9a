"""A runner with a shell for its only tool, streamed."""

from __future__ import annotations

import asyncio

from openai import AsyncOpenAI
from task import KEY, MODEL, OPENAI, TASK, WIRE, finish, run_shell

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)


async def main() -> str:
    set_tracing_disabled(True)
    kind = OpenAIResponsesModel if WIRE == "openai_responses" else OpenAIChatCompletionsModel
    model = kind(model=MODEL, openai_client=AsyncOpenAI(base_url=OPENAI, api_key=KEY))
    agent = Agent(name="Clerk", instructions="You keep notes.", model=model, tools=[function_tool(run_shell)])
    result = Runner.run_streamed(agent, TASK)
    async for _ in result.stream_events():
        pass
    return str(result.final_output)


finish(asyncio.run(main()))
