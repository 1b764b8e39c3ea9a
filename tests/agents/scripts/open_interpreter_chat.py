"""An interpreter that runs the code it is told."""

from __future__ import annotations

from interpreter import interpreter
from task import KEY, MODEL, OPENAI, TASK, finish

interpreter.offline = True
interpreter.auto_run = True
interpreter.llm.model = f"openai/{MODEL}"
interpreter.llm.api_base = OPENAI
interpreter.llm.api_key = KEY
interpreter.llm.context_window = 32000
interpreter.llm.max_tokens = 2000
interpreter.llm.supports_functions = True
messages = interpreter.chat(TASK, display=False)
finish("".join(item["content"] for item in messages if item["role"] == "assistant" and item["type"] == "message"))
