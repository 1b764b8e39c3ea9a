"""Which answer a request gets: tool calls, edited code, findings, a document, or a few words.

The same request always gets the same answer; nothing here is random or remembered.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from codriver.model.events import Finish, ReasoningDelta, Reply, Usage
from codriver.model.request import Conversation, Limits, Message, ToolCall, ToolResult
from codriver.upstream.simulator import assisting, edits, errand, errand_words, fill, intent, review, schema, tools
from codriver.upstream.simulator.values import Asked, digest, tokens

_HOLE = re.compile(
    r"<\|?\s*(?:cursor|hole|fill|fill_here|fim_hole|caret|insert)\s*\|?\s*/?>|\[\[?(?:HOLE|CURSOR)\]\]?", re.I
)
_OPENERS = ("Here is", "This is", "Below is")


@dataclass(frozen=True, slots=True)
class Draft:
    """What is said before limits are applied."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    thinking: str = ""


def reply(asked: Asked, index: int = 0) -> Reply:
    """Choice number `index` of the answer, with its output tokens as usage."""
    seed = digest(asked.seed, index)
    if asked.prompts:
        hole = asked.prompts[index // asked.n]
        text = fill.fill(hole.prefix, hole.suffix or "")
        said = _bounded(Draft(text), asked.limits)
        return replace(said, text=hole.prefix + said.text) if asked.echo else said
    return _bounded(_draft(asked, seed), asked.limits)


def _draft(asked: Asked, seed: str) -> Draft:
    conversation = asked.conversation
    thinking = f"The simulated model considers: {_short(intent.wish(conversation.messages))}" if asked.thinking else ""
    calls = tools.wanted(conversation, seed)
    if calls:
        return Draft(calls=calls, thinking=thinking)
    if asked.limits.schema is not None or _wants_schema(conversation):
        return Draft(json.dumps(_asked_document(asked, seed), ensure_ascii=False), thinking=thinking)
    chore = _chore(conversation)
    if chore:
        return Draft(chore, thinking=thinking)
    if conversation.messages[-1].role == "tool":
        return Draft(_reported(conversation), thinking=thinking)
    return Draft(_said(conversation, asked.model.id, seed), thinking=thinking)


def _chore(conversation: Conversation) -> str:
    """The words of the job of appending a line: for agents that read text, and once it is done for all."""
    addition = errand.asked(conversation.messages)
    if addition is None:
        return ""
    progress = errand.progress(conversation.messages, addition)
    words = "" if conversation.tools else errand_words.text(conversation.messages, addition, progress)
    done = f"Done, in a simulated run: a line was appended to {addition.path}." if progress.done else ""
    return words or done


def _said(conversation: Conversation, model: str, seed: str) -> str:
    """The text for a message that wants no tool."""
    wish = intent.wish(conversation.messages)
    whole = next((intent.everything(item) for item in reversed(conversation.messages) if item.role == "user"), wish)
    prompt = "\n".join(message.text for message in conversation.messages if message.role == "system") + "\n" + whole
    if _HOLE.search(whole):
        return _filled(whole)
    block = _block(whole, conversation.messages)
    task = assisting.answer(prompt, whole, block) if block else ""
    if task:
        return task
    if re.search(r"\bjson\b", prompt, re.I) and re.search(r"\breview|finding|issue|problem", prompt, re.I) and block:
        return _findings(block.code, prompt, seed, assisting.changed(whole))
    if re.search(r"commit message", prompt, re.I):
        return _commit(whole)
    instruction = _instruction(intent.outside(whole) if intent.fences(whole) else whole)
    wants_code = re.search(r"fenced code block|only (the )?code", prompt, re.I)
    if block and intent.explains(instruction) and not wants_code:
        return _explained(block)
    if block:
        return _edited(block, instruction, prompt, seed)
    named = intent.paths(wish)
    if named and intent.verb(wish) in ("write", "edit"):
        content = intent.content(wish)
        written = tools.default_content(named[0]).rstrip("\n") if content is None else content
        return f"This is a simulated answer.\n\n{named[0]}\n{_fenced(written, named[0].rsplit('.', 1)[-1])}"
    return f"This is a simulated answer by {model}: no real model was asked. You said: {_short(wish) or 'nothing'}"


# Instructions for agents show the form of an answer with a block of "... goes in between": that is no code to edit.
_SKETCH = re.compile(r"^\W*\.\.\. ", re.M)


def _block(text: str, messages: Sequence[Message]) -> intent.Block | None:
    """The code that a message is about: its own last block, else, if it wants a change, the last one shown."""
    own = [block for block in intent.fences(text) if not _SKETCH.search(block.code)]
    if own:
        return own[-1]
    if intent.verb(intent.wish(messages)) != "edit":
        return None
    named = intent.paths(text)
    for message in reversed(messages[:-1]):
        earlier = intent.fences(message.text)
        shown = not named or any(path in message.text for path in named)
        if earlier and shown and message.role != "system":
            return earlier[-1]
    return None


def _edited(block: intent.Block, instruction: str, prompt: str, seed: str) -> str:
    wants_tests = re.search(r"\b(write|add|create|generate)\b[^.\n]{0,40}\btests?\b|测试", instruction, re.I)
    make = edits.test_for(block.code, block.language) if wants_tests else None
    done = make or edits.edit(block.code, block.language, instruction or prompt)
    fenced = _fenced(done.code, block.language)
    if "Summary:" in prompt:
        return f"{fenced}\nSummary: {done.what} (simulated)."
    opener = _OPENERS[int(seed[:4], 16) % len(_OPENERS)]
    return f"{opener} a simulated edit: {done.what}.\n\n{fenced}"


def _instruction(text: str) -> str:
    """What stands behind the label that prompts put before an instruction, if there is one; else all."""
    return re.split(r"^Instruction:[ \t]*", text, flags=re.M)[-1]


def _explained(block: intent.Block) -> str:
    names = list(dict.fromkeys(re.findall(r"\b(?:def|class|function|func|fn|struct|interface)\s+(\w+)", block.code)))
    lines = len(block.code.splitlines())
    about = f"It defines {', '.join(f'`{name}`' for name in names[:5])}." if names else "It defines no functions."
    return f"This is a simulated explanation. The code has {lines} lines. {about}"


def _findings(code: str, prompt: str, seed: str, changed: frozenset[str] = frozenset()) -> str:
    """Findings as JSON, under the keys of the example that the prompt shows, if it shows one.

    changed: the only lines that are to be looked at, if there are any.
    """
    example = _example(prompt)
    wrapper = ""
    if isinstance(example, dict):
        wrapper = next((key for key, value in example.items() if isinstance(value, list)), "")
        example = example[wrapper] if wrapper else example
    row = example[0] if isinstance(example, list) and example else example
    keys = row if isinstance(row, dict) else None
    found = [review.document(item, keys) for item in review.findings(code, seed, only=changed)]
    as_list = not wrapper and (example is not None or re.search(r"json\s+(array|list)", prompt, re.I))
    return json.dumps(found if as_list else {wrapper or "findings": found}, ensure_ascii=False, indent=1)


def _example(prompt: str) -> Any:
    """The first JSON of objects in a prompt."""
    decoder = json.JSONDecoder()
    for match in re.finditer(r"[\[{]\s*[\[{\"]", prompt):
        try:
            value, _ = decoder.raw_decode(prompt, match.start())
        except (ValueError, RecursionError):
            continue
        return value
    return None


def _asked_document(asked: Asked, seed: str) -> Any:
    """A document for response_format: findings where the schema has room for them."""
    wanted = asked.limits.schema or {}
    whole = "\n".join(message.text for message in asked.conversation.messages)
    shape = wanted.get("schema") if wanted.get("type") == "json_schema" else _schema_in(whole)
    if shape is None:
        return {"answer": "simulated", "about": _short(intent.wish(asked.conversation.messages))}
    root, offered = shape or {}, tools.offered(asked.conversation.messages)
    blocks = intent.fences(whole)
    found = [review.document(item) for item in review.findings(blocks[-1].code, seed)] if blocks else []

    def suggest(name: str, shape: Any) -> Sequence[Any]:
        items = shape.get("items") if shape.get("type") == "array" else None
        holds = "findings" in name or name in ("issues", "problems", "comments")
        if isinstance(items, dict) and found and holds:
            part = schema.resolve(items, root)
            return ([schema.fill(part, _from(item)) for item in found],)
        return offered(name, shape)

    return schema.fill(root, suggest)


def _wants_schema(conversation: Conversation) -> bool:
    """Whether the prompt itself asks for JSON after a schema that it shows."""
    whole = "\n".join(message.text for message in conversation.messages if message.role in ("system", "user"))
    asks = not conversation.tools and re.search(r"\bjson[ _]?schema\b", whole, re.I)
    return bool(asks) and _schema_in(whole) is not None


def _schema_in(prompt: str) -> Any:
    """The JSON Schema of an object that a prompt shows, if it shows one."""
    decoder = json.JSONDecoder()
    for match in itertools.islice(re.finditer(r"\{\s*\"", prompt), 50):
        try:
            value, _ = decoder.raw_decode(prompt, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value.get("properties"), dict) and value["properties"]:
            return value
    return None


def _from(fields: dict[str, Any]) -> schema.Suggest:
    def suggest(name: str, shape: Any) -> Sequence[Any]:
        keyed = review.under(name, fields)
        return () if keyed is None else (keyed,)

    return suggest


def _reported(conversation: Conversation) -> str:
    """The closing words after tool results: which tools ran on what, and whether they failed."""
    results: list[ToolResult] = []
    for message in reversed(conversation.messages):
        if message.role != "tool":
            break
        results = [*(part for part in message.parts if isinstance(part, ToolResult)), *results]
    calls = {part.id: part for message in conversation.messages for part in message.parts if isinstance(part, ToolCall)}
    done = [_did(calls[item.call_id]) for item in results if item.call_id in calls]
    failed = any(item.is_error for item in results)
    opening = "A tool failed in this simulated run" if failed else "Done, in a simulated run"
    return f"{opening}: {'; '.join(done) or 'no call is known'}."


def _did(call: ToolCall) -> str:
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        arguments = {}
    values = arguments.values() if isinstance(arguments, dict) else ()
    target = next((value for value in values if isinstance(value, str) and value and "\n" not in value), "")
    return f"{call.name} on {_short(target, 80)}" if target else call.name


def _commit(text: str) -> str:
    files = re.findall(r"^\+\+\+ b/(\S+)", text, re.M) or list(intent.paths(text))
    return f"Update {', '.join(files[:3]) or 'the code'} (simulated)"


def _filled(text: str) -> str:
    """The bare code for a hole marked in a prompt: it goes into a buffer, so no words around it."""
    match = next(found for found in reversed(list(_HOLE.finditer(text))))
    return fill.fill(text[: match.start()], text[match.end() :])


def _fenced(code: str, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"`{3,}", code)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"


def _short(text: str, most: int = 60) -> str:
    words = re.sub(r"simulated", "simul.", " ".join(text.split()), flags=re.I)
    return words if len(words) <= most else words[: most - 1] + "…"


def _bounded(draft: Draft, limits: Limits) -> Reply:
    """The draft cut at the first stop sequence and at max_tokens: thinking first, then text, then calls."""
    text, stop = _stopped(draft.text, limits.stop)
    left = limits.max_tokens if limits.max_tokens is not None else 1 << 30
    thinking, left = _cut(draft.thinking, left)
    text, left = _cut(text, left)
    calls = []
    for call in draft.calls:
        if left <= 0:
            left = -1
            break
        arguments, left = _cut(call.arguments, left)
        calls.append(ToolCall(call.id, call.name, arguments))
    whole = left >= 0
    finish = Finish.TOOL_CALLS if draft.calls else Finish.STOP_SEQUENCE if stop else Finish.STOP
    used = tokens(thinking) + tokens(text) + sum(tokens(call.arguments) for call in calls)
    return Reply(
        text=text,
        reasoning=(ReasoningDelta(thinking, digest(thinking)),) if thinking else (),
        tool_calls=tuple(calls),
        usage=Usage(output=max(used, 1), reasoning=tokens(thinking)),
        finish=finish if whole else Finish.LENGTH,
        stop=stop if whole else "",
    )


def _stopped(text: str, stops: Sequence[str]) -> tuple[str, str]:
    found = [(text.index(stop), stop) for stop in stops if stop and stop in text]
    return (text[: min(found)[0]], min(found)[1]) if found else (text, "")


def _cut(text: str, left: int) -> tuple[str, int]:
    """What fits into `left` tokens, and what is left: negative once something did not fit."""
    if left < 0:
        return "", left
    if tokens(text) <= left:
        return text, left - tokens(text)
    return text.encode("utf-8", "replace")[: left * 4].decode("utf-8", "ignore"), -1
