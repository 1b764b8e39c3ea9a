"""The job of appending a line, done in words, for agents that read a model's text instead of offering tools.

The prompt says which words: search/replace blocks, a whole file's listing, a unified diff, a shell's code block,
or Python in a code block.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from codriver.model.request import Message
from codriver.upstream.simulator.errand import Addition, Progress
from codriver.upstream.simulator.errand_calls import code, command

_SHELL_FENCE = re.compile(r"^[ \t]*```(\w*(?:bash|shell|\bsh\b)\w*)[ \t]*$", re.M)
_ENDING = re.compile(r"`(echo [A-Z][A-Z_]{9,})`")
_FUNCTION = re.compile(r"^[ \t]*def (\w*(?:append|add_line)\w*)\((\w+)[^,()]*, *(\w+)[^,()]*\)", re.M)
_OPENING = "This is a simulated step"


def text(messages: Sequence[Message], addition: Addition, progress: Progress) -> str:
    """What to say next in the form the prompt asks for, or "" when it asks for none that is known here."""
    prompt = "\n".join(message.text for message in messages if message.role != "assistant")
    if "<<<<<<< SEARCH" in prompt:
        return _search_replace(prompt, addition)
    if re.search(r"\*file listing\*", prompt):
        return _listing(prompt, addition)
    if re.search(r"unified diff|diff -U0", prompt) and "```diff" in prompt:
        return _diff(prompt, addition)
    if "<code>" in prompt and "final_answer" in prompt:
        return _python(prompt, addition, progress)
    fence = _SHELL_FENCE.search(prompt)
    if fence and re.search(r"code block|triple backticks", prompt, re.I):
        return _shell(prompt, addition, progress, fence[1])
    return ""


def _search_replace(prompt: str, addition: Addition) -> str:
    shown = _content(prompt, addition.path)
    last = next((line for line in reversed(shown) if line.strip()), "")
    old, new = (f"{last}\n", f"{last}\n{addition.line}\n") if last else ("", f"{addition.line}\n")
    block = f"```\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n```"
    return f"{_OPENING}: one line is appended.\n\n{addition.path}\n{block}"


def _listing(prompt: str, addition: Addition) -> str:
    whole = "\n".join([*_content(prompt, addition.path), addition.line])
    return f"{_OPENING}: one line is appended.\n\n{addition.path}\n```\n{whole}\n```"


def _diff(prompt: str, addition: Addition) -> str:
    known = "".join(f" {line}\n" for line in _content(prompt, addition.path)[-3:])
    head = f"--- {addition.path}\n+++ {addition.path}\n@@ ... @@\n"
    return f"{_OPENING}: one line is appended.\n\n```diff\n{head}{known}+{addition.line}\n```"


def _shell(prompt: str, addition: Addition, progress: Progress, fence: str) -> str:
    ending = _ENDING.search(prompt)
    if progress.done and not ending:
        return ""
    run = ending[1] if progress.done and ending else command(addition)
    return f"THOUGHT: {_OPENING}.\n\n```{fence}\n{run}\n```"


def _python(prompt: str, addition: Addition, progress: Progress) -> str:
    """One step: the prompt's own function where it has one, else a plain open(), and the answer at once."""
    function = _FUNCTION.search(prompt)
    act = f"{function[1]}({addition.path!r}, {addition.line!r})\n" if function else code(addition)
    act = "" if progress.done else act
    return f"Thoughts: {_OPENING}.\n<code>\n{act}final_answer('Done, in a simulated run.')\n</code>"


def _content(prompt: str, path: str) -> list[str]:
    """The file's lines where the prompt shows them: its name, then a fenced block. The newest showing counts."""
    shown = list(re.finditer(rf"^{re.escape(path)}\n(`{{3,}})[^\n`]*\n", prompt, re.M))
    if not shown:
        return []
    start = shown[-1].end()
    end = prompt.find(f"\n{shown[-1][1]}", start - 1)
    return prompt[start : end if end >= 0 else len(prompt)].rstrip("\n").split("\n")
