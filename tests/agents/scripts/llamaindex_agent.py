"""A function-calling agent on an endpoint that is like OpenAI's."""

from __future__ import annotations

import asyncio

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai_like import OpenAILike
from task import KEY, MODEL, OPENAI, TASK, append_line, finish


async def main() -> str:
    model = OpenAILike(model=MODEL, api_base=OPENAI, api_key=KEY, is_chat_model=True, is_function_calling_model=True)
    return str(await FunctionAgent(tools=[append_line], llm=model).run(user_msg=TASK))


finish(asyncio.run(main()))
