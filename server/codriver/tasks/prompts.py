"""Prompts are data: `prompts/<name>.md` with a `# system` and a `# user` part and {{placeholders}}."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from codriver.model.request import Conversation, Message, Text

_PART = re.compile(r"(?m)^# (system|user)[ \t]*\n")
_HOLE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt as it is written, with its placeholders."""

    system: str
    user: str

    @property
    def names(self) -> frozenset[str]:
        """Its placeholders."""
        return frozenset(_HOLE.findall(self.system + self.user))

    def filled(self, **values: str) -> Conversation:
        """With its placeholders replaced, once: braces in the values stay. Raises KeyError for one without value."""
        system, user = (_HOLE.sub(lambda found: values[found[1]], part) for part in (self.system, self.user))
        return Conversation((Message("system", (Text(system),)), Message("user", (Text(user),))))


@cache
def load(name: str) -> Prompt:
    """The prompt of this name, read once. Raises FileNotFoundError, or ValueError when a part is missing."""
    return parse((resources.files("codriver") / "prompts" / f"{name}.md").read_text("utf-8"))


def parse(text: str) -> Prompt:
    """A prompt from its file's text."""
    pieces = _PART.split(text)
    parts = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    if set(parts) != {"system", "user"}:
        raise ValueError("a prompt has one part '# system' and one part '# user'")
    return Prompt(parts["system"].strip(), parts["user"].strip())


def size(conversation: Conversation) -> str:
    """All words of a conversation as one text, for estimates."""
    return "\n".join(message.text for message in conversation.messages)


def fence(*texts: str) -> str:
    """A code fence longer than any in these texts."""
    longest = max((len(run) for text in texts for run in re.findall(r"`{3,}", text)), default=2)
    return "`" * (longest + 1)
