"""What models say into a hole, played: the hidden code, well said or spoilt in one of the ways that models have.

Whatever is played is labelled simulated; no model is asked anywhere here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TypeAlias

from masks import Mask

from codriver.upstream.simulator.fill import fill

Spoilt: TypeAlias = Callable[[str, Mask, random.Random], str]
"""From the hidden code (LF, from the cursor on) to an answer."""

LONGER = 400
"""Bytes that a model which does not stop goes on for."""


def truth(mask: Mask) -> str:
    """The hidden code as a model would say it whole."""
    return "\n".join(line.decode("utf-8", "replace") for line in mask.hidden)


def _run_on(code: str, mask: Mask, rng: random.Random) -> str:
    return code + mask.after[:LONGER].decode("utf-8", "replace")


def _fenced(code: str, mask: Mask, rng: random.Random) -> str:
    return f"```{rng.choice((mask.language, '', 'text'))}\n{code}\n```"


def _chatted(code: str, mask: Mask, rng: random.Random) -> str:
    start = rng.choice(("Sure! Here is the completed code:", "Here's the missing line:", "The completed code is:"))
    end = rng.choice(
        ("", "\n\nThis code handles the missing part of the function.", "\n\nLet me know if you need more!")
    )
    return f"{start}\n\n{_fenced(code, mask, rng)}{end}"


def _prose(code: str, mask: Mask, rng: random.Random) -> str:
    return rng.choice((
        "I'm sorry, but I need more context to complete this code.",
        "The next line should probably call the function and store its result.",
        "You could use a loop here. For example, iterate over the items (all of them",
    ))  # fmt: skip


def _echoed(code: str, mask: Mask, rng: random.Random) -> str:
    lines = mask.before.decode("utf-8", "replace").split("\n")
    return "\n".join(lines[-rng.choice((1, 1, 2, 4)) :]) + code


def _suffixed(code: str, mask: Mask, rng: random.Random) -> str:
    below = [line for line in mask.after.decode("utf-8", "replace").split("\n") if line.strip()]
    return "\n".join([code, *below[: rng.randrange(1, 4)]])


def _half(code: str, mask: Mask, rng: random.Random) -> str:
    return code[: rng.randrange(1, len(code) + 1)]


def _brackets(code: str, mask: Mask, rng: random.Random) -> str:
    places = [n for n, sign in enumerate(code) if sign in "()[]{}"]
    if not places or rng.random() < 0.3:
        at = rng.randrange(len(code) + 1)
        return code[:at] + rng.choice("()[]{}") + code[at:]
    at = rng.choice(places)
    return code[:at] + rng.choice(("", rng.choice("()[]{}"))) + code[at + 1 :]


def _quoted(code: str, mask: Mask, rng: random.Random) -> str:
    at = rng.randrange(len(code) + 1)
    return code[:at] + rng.choice(('"', "'", '"""', "`", "/*", "*/", "#", "//", "\\")) + code[at:]


def _indented(code: str, mask: Mask, rng: random.Random) -> str:
    moved = rng.choice(("", " ", "   ", "\t", "        ", "            "))
    first, *rest = code.split("\n")
    return "\n".join([rng.choice(("", moved)) + first, *(moved + line.lstrip() for line in rest)])


def _looped(code: str, mask: Mask, rng: random.Random) -> str:
    return "\n".join([code] * rng.randrange(3, 9))


def _foreign(code: str, mask: Mask, rng: random.Random) -> str:
    return rng.choice((
        "if (x === undefined) { return null; }", "def helper(self, *args):\n    return args", "else:", "} else {",
        "end", "fn main() -> Result<(), Error> {", "case 1: break;", "<div className={name}>", "SELECT * FROM users;",
        "#include <stdio.h>", "except ValueError:\n    pass", "};", ")", "]]", "package main", "@Override", "+", "return",
    ))  # fmt: skip


def _marked(code: str, mask: Mask, rng: random.Random) -> str:
    return (
        rng.choice(("<|fim_middle|>", "<fim_middle>", "<MID>", ""))
        + code
        + rng.choice(("<|endoftext|>", "<|fim_pad|>", "<EOT>", "</s>", "<|file_sep|>other.py\nimport os"))
    )


def _thought(code: str, mask: Mask, rng: random.Random) -> str:
    return f"<think>\nThe user wants (maybe) the next line.\n</think>\n{code}"


def _garbage(code: str, mask: Mask, rng: random.Random) -> str:
    return "".join(rng.choice("(){}[]\"'`:;,=+ \n\tab1#\\<>|&é\ufffd") for _ in range(rng.randrange(1, 60)))


def _blank(code: str, mask: Mask, rng: random.Random) -> str:
    return rng.choice(("", " ", "\n", "\n\n    \n", "```\n```"))


def _simulator(code: str, mask: Mask, rng: random.Random) -> str:
    return fill(mask.before.decode("utf-8", "replace"), mask.after.decode("utf-8", "replace"))


KINDS: Mapping[str, Spoilt] = {
    "as it was": lambda code, mask, rng: code, "runs on": _run_on, "fenced": _fenced, "chatter": _chatted,
    "prose": _prose, "echo before": _echoed, "echo behind": _suffixed, "half": _half, "brackets": _brackets,
    "quotes": _quoted, "indentation": _indented, "loop": _looped, "foreign": _foreign, "marks": _marked,
    "thinking": _thought, "garbage": _garbage, "nothing": _blank, "the simulator's": _simulator,
}  # fmt: skip
