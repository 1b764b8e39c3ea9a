"""An agent loop over a chat model with bound tools, streamed."""

from __future__ import annotations

from langchain.agents import create_agent
from langchain.chat_models import BaseChatModel
from task import BASE, KEY, MODEL, OPENAI, TASK, WIRE, finish, read_file, write_file


def model() -> BaseChatModel:
    if WIRE == "anthropic":
        from langchain_anthropic import ChatAnthropic

        thinking = {"type": "enabled", "budget_tokens": 2000}
        return ChatAnthropic(model=MODEL, base_url=BASE, api_key=KEY, max_tokens=4096, thinking=thinking)
    from langchain_openai import ChatOpenAI

    if WIRE == "openai_responses":
        return ChatOpenAI(
            model=MODEL,
            base_url=OPENAI,
            api_key=KEY,
            use_responses_api=True,
            store=False,
            include=["reasoning.encrypted_content"],
            reasoning={"effort": "low", "summary": "auto"},
        )
    return ChatOpenAI(model=MODEL, base_url=OPENAI, api_key=KEY, stream_usage=True)


agent = create_agent(model(), tools=[read_file, write_file])
said = ""
for part, _ in agent.stream({"messages": [("user", TASK)]}, stream_mode="messages"):
    if part.type == "AIMessageChunk":
        said += part.text
finish(said)
