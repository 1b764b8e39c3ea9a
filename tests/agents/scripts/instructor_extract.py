"""No agent: the same document, extracted with a named tool, with a JSON object and with a JSON schema."""

from __future__ import annotations

import instructor
from openai import OpenAI
from pydantic import BaseModel, Field
from task import KEY, MODEL, OPENAI, TASK, append_line, finish


class Addition(BaseModel):
    """A line to append to a file."""

    path: str = Field(description="the file's path")
    line: str = Field(description="the line to append")


found = []
for mode in (instructor.Mode.TOOLS, instructor.Mode.JSON, instructor.Mode.JSON_SCHEMA):
    client = instructor.from_openai(OpenAI(base_url=OPENAI, api_key=KEY), mode=mode)
    messages = [{"role": "user", "content": TASK}]
    found.append(client.chat.completions.create(model=MODEL, response_model=Addition, messages=messages))
if not all(item.model_dump() == found[0].model_dump() for item in found):
    raise SystemExit(f"three ways, different documents: {found}")
finish(append_line(found[0].path, found[0].line))
