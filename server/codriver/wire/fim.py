"""Filling a hole: one row per family of models that were trained for it, and a chat prompt for the rest.

A buffer may contain the very marks a family uses (this file does). A mark in the text would be
read as structure, so it is broken by a space after its first character: the model sees almost the
same text, and the mark is never sent. Nothing is removed, so line numbers and lengths stay sane.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from codriver.model.request import Conversation, Fim, Message, Text


@dataclass(frozen=True, slots=True)
class Family:
    """How a family wants a hole: the three marks around its two texts, what it writes at its end, its names.

    The texts are prefix and suffix in this order, or the other way round with suffix_first.
    """

    marks: tuple[str, str, str]
    ends: tuple[str, ...]
    names: tuple[str, ...]
    suffix_first: bool = False

    @property
    def stops(self) -> tuple[str, ...]:
        """What ends an answer: the ends first (some servers take only four), then the marks."""
        return (*self.ends, *(mark.strip() for mark in self.marks if mark))


_PIPES = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
_PLAIN = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")

# Sources: the model cards and technical reports of each family.
FAMILIES: dict[str, Family] = {
    "qwen": Family(
        _PIPES,
        ("<|endoftext|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<|im_start|>", "<|im_end|>"),
        ("*qwen*coder*", "*codeqwen*"),
    ),
    "starcoder": Family(
        _PLAIN, ("<|endoftext|>", "<file_sep>", "<fim_pad>"), ("*starcoder*", "*stable-code*", "*stablecode*")
    ),
    # The blanks around CodeLlama's marks are part of them.
    "codellama": Family(("<PRE> ", " <SUF>", " <MID>"), ("<EOT>",), ("*codellama*", "*code-llama*")),
    "deepseek": Family(
        ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"), ("<｜end▁of▁sentence｜>",), ("*deepseek-coder*",)
    ),
    "codegemma": Family(_PIPES, ("<|file_separator|>", "<eos>", "<end_of_turn>"), ("*codegemma*",)),
    # Granite's code models up to 3.x use StarCoder's spelling of the marks; Granite 4 the one with pipes.
    "granite": Family(_PIPES, ("<|end_of_text|>", "<|fim_pad|>"), ("*granite-4*", "*granite4*")),
    "granite3": Family(_PLAIN, ("<|endoftext|>", "<|end_of_text|>"), ("*granite*code*", "*granite-3*", "*granite3*")),
    "codestral": Family(("[SUFFIX]", "[PREFIX]", ""), ("</s>",), ("*codestral*",), suffix_first=True),
}


def family_of(model: str) -> str:
    """The family a model's name speaks of, or ""."""
    lowered = model.lower()
    for name, family in FAMILIES.items():
        if any(fnmatchcase(lowered, pattern) for pattern in family.names):
            return name
    return ""


def prompt(family: Family, fim: Fim) -> str:
    """The raw prompt; without a suffix it is the prefix alone, for the model to go on from."""
    before = neutral(family, fim.prefix)
    if fim.suffix is None:
        return before
    after = neutral(family, fim.suffix)
    first, second = (after, before) if family.suffix_first else (before, after)
    head, between, end = family.marks
    return f"{head}{first}{between}{second}{end}"


def neutral(family: Family, text: str) -> str:
    """The text with this family's marks broken, so that none is read as structure."""
    for mark in family.stops:
        if mark in text:
            text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


_HOLE = "<HOLE/>"
_INSTRUCTION = (
    "You complete code at a cursor. The user sends a file in which the cursor is marked "
    f"{_HOLE}. Answer with only the code that stands in its place: no explanation, no fence, "
    "nothing repeated from before or after it. Keep the indentation. Answer with nothing if nothing is missing."
)


def chat_prompt(fim: Fim) -> Conversation:
    """The same wish for a model that only chats. A mark in the buffer is broken as elsewhere."""
    before = fim.prefix.replace(_HOLE, "< HOLE/>")
    after = (fim.suffix or "").replace(_HOLE, "< HOLE/>")
    return Conversation(
        (
            Message("system", (Text(_INSTRUCTION),)),
            Message("user", (Text(f"{before}{_HOLE}{after}"),)),
        )
    )
