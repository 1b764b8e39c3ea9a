"""An agent that calls tools, or one that writes code, by the set-up's name."""

from __future__ import annotations

from smolagents import CodeAgent, OpenAIModel, ToolCallingAgent, tool
from task import KEY, MODEL, OPENAI, SETUP, TASK, append_line, finish, read_file

model = OpenAIModel(model_id=MODEL, api_base=OPENAI, api_key=KEY)
tools = [tool(append_line), tool(read_file)]
if SETUP.endswith("code"):
    agent = CodeAgent(tools=tools, model=model, max_steps=5, stream_outputs=True)
else:
    agent = ToolCallingAgent(tools=tools, model=model, max_steps=5)
finish(agent.run(TASK))
