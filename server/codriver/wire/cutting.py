"""From what a model said for a hole to the code in it: pure functions that take away what is no code.

Chat models think aloud, fence, explain and repeat; trained ones run on into the suffix. What is left
may be inserted as it is. Editors, who know more of the place, go on from `bare` in tasks/trim.py.
"""

from __future__ import annotations

import re

from codriver.model.request import Fim
from codriver.model.value import value

WINDOW = 4000
"""Characters before and after the hole that an answer is compared with."""

_MARKUP = (".md", ".mdx", ".markdown", ".rst", ".adoc", ".txt", ".tex")
_CLOSERS = {")": "(", "]": "[", "}": "{"}


@value(frozen=True, slots=True)
class Place:
    """Where a suggestion is to stand: text before and after the cursor (LF only, may be windows of the file).

    many: whether more than one line is wanted. unit: one step of indentation.
    """

    before: str
    after: str
    many: bool = False
    unit: str = "    "
    markup: bool = False
    """The buffer's own language has fences and prose, so they are not taken away."""

    @property
    def line(self) -> str:
        """The cursor's line up to the cursor."""
        return self.before[self.before.rfind("\n") + 1 :]

    @property
    def rest(self) -> str:
        """The cursor's line from the cursor on."""
        return self.after.partition("\n")[0]

    @property
    def above(self) -> str:
        """The nearest line above with something on it."""
        end = self.before.rfind("\n")
        while end >= 0:
            start = self.before.rfind("\n", 0, end) + 1
            line = self.before[start:end]
            if line.strip():
                return line
            end = start - 1
        return ""

    @property
    def below(self) -> str:
        """The nearest line below with something on it."""
        start = self.after.find("\n") + 1
        while start:
            end = self.after.find("\n", start)
            line = self.after[start : end if end >= 0 else None]
            if line.strip():
                return line
            start = end + 1
        return ""


def cut(text: str, hole: Fim) -> str:
    """A model's answer without what is no code, and what stands around the hole already; may be ""."""
    crlf = "\r\n" in hole.prefix[-WINDOW:]
    before, after = (part.replace("\r\n", "\n") for part in (hole.prefix[-WINDOW:], (hole.suffix or "")[:WINDOW]))
    place = Place(before, after, markup=hole.path.lower().endswith(_MARKUP))
    told = unthought(text)
    code = unrepeated(bare(text if told == text else told.lstrip("\n"), place), place)
    if place.line.strip() or not place.rest.strip():
        code = code.rstrip("\n")  # a fence's line end: only a line put above another has one of its own
    return code.replace("\n", "\r\n") if crlf else code


def bare(text: str, place: Place) -> str:
    """Without what is no code."""
    text = unthought(text.replace("\r\n", "\n"))
    if "<" in text or "[" in text:
        text = unmarked(text, place.before + place.after)
    if not place.markup:
        text = unchatted(unfenced(text))
    return unechoed(text, place)


# What is no code.

_THOUGHT = re.compile(r"<(think|thinking|thought)>.*?(?:</\1>[ \t]*\n*|\Z)", re.DOTALL)


def unthought(text: str) -> str:
    """Without blocks of thinking, closed or cut off; a lone end mark ends one whose start was in the prompt."""
    if "<" not in text:
        return text
    text = _THOUGHT.sub("", text)
    return re.sub(r"\A.*?</think>\s*", "", text, flags=re.DOTALL)


_MARK = re.compile(
    r"<[|｜]?(?:fim[_▁-](?:prefix|suffix|middle|pad|begin|hole|end)|end[_▁]of[_▁](?:text|sentence)|endoftext"
    r"|file_sep(?:arator)?|repo_name|reponame|filename|im_start|im_end|eot_id|cursor|begin▁of▁sentence)[|｜]?>"
    r"|<\[(?:fim-(?:prefix|suffix|middle)|end▁of▁sentence|(?:PAD|SEP)▁TOKEN)\]>|<(?:PRE|SUF|MID|EOT|EOF)>"
    r"|<fim-(?:prefix|suffix|middle|pad)>|<\|code_(?:prefix|suffix|middle)\|>|\[(?:PREFIX|SUFFIX|MIDDLE)\]|</s>"
    r"|<\|(?:user|observation)\|>|<(?:eos|end_of_turn)>"
)


def unmarked(text: str, around: str) -> str:
    """Cut at the first sentinel token; leading ones are dropped. Tokens the buffer itself contains are text."""
    if "<" not in text and "[" not in text:
        return text
    start = 0
    for found in _MARK.finditer(text):
        if found[0] in around:
            continue
        if text[start : found.start()].strip():
            return text[start : found.start()]
        start = found.end()
    return text[start:]


_FENCE = re.compile(r"(?m)^[ \t]*(```+|~~~+)([^\n`]*)(?:\n|\Z)")


def unfenced(text: str) -> str:
    """What stands inside the first fence; or before it, when the text began with code and the fence only ends it."""
    opening = _FENCE.search(text) if "```" in text or "~~~" in text else None
    if opening is None:
        return text
    before = text[: opening.start()]
    if before.strip() and not _CHATTER.match(before.strip()) and not _sentence(before.strip().split("\n")[-1]):
        return before
    inside = text[opening.end() :]
    closing = re.search(rf"(?m)^[ \t]*{re.escape(opening[1])}[ \t]*$", inside)
    return inside[: closing.start()] if closing else inside


_CHATTER = re.compile(
    r"(?i)(?:sure|certainly|of course|okay|ok|great)\b[!,.:]"
    r"|here(?:['’]s| is| are)\b|the (?:completed?|missing|following|code|completion)\b[^\n]*:$"
    r"|(?:this|the above) (?:code|completion|function|implementation)\b"
    r"|(?:note|explanation)\s*:|i(?:['’]ve| have|['’]ll| will)\b|let me\b|to complete\b"
)


def _sentence(line: str) -> bool:
    """Whether a line reads as prose: words with spaces, ended like a sentence, no signs of code."""
    line = line.strip()
    return line.count(" ") >= 3 and line[-1:] in ".:!?" and not re.search(r"[=(){}\[\];<>_#/\\@]|--", line)


def unchatted(text: str) -> str:
    """Without sentences to the reader before the code, and from the first one after it on."""
    if text.count(" ") < 2:
        return text  # no sentence is that short
    lines = text.split("\n")
    told = next((n for n, line in enumerate(lines) if line.strip()), 0)
    if _chat(lines[told]):
        code = (n for n in range(told, len(lines)) if lines[n].strip() and not _chat(lines[n]))
        lines = lines[next(code, len(lines)) :]
    ends = (n for n in range(1, len(lines)) if _chat(lines[n]) and not lines[n - 1].strip())
    return "\n".join(lines[: next(ends, len(lines))])


def _chat(line: str) -> bool:
    return _CHATTER.match(line) is not None and line.count(" ") >= 2 and (_sentence(line) or line.endswith(":"))


_ECHOED = 20
"""Lines before the cursor that an answer may say again."""


def unechoed(text: str, place: Place) -> str:
    """Without lines before the cursor that the answer says again, the longest run first (up to _ECHOED lines)."""
    body = text.lstrip("\n")
    for start, bare_start in _repeatable(place.before, body):
        told, bare_told = place.before[start:], place.before[bare_start:]
        if len(bare_told.strip()) < 3 or not re.search(r"\w", bare_told):
            continue
        for echo in (told, bare_told, bare_told.rstrip()):
            if body.startswith(echo) or body.lstrip(" \t").startswith(echo):
                return _after_echo(body[body.index(echo) + len(echo) :], echo, place.line)
    if place.line.strip() and place.line[-1:] in " \t" and text[:1] == " ":
        return text.lstrip(" ")  # Codestral likes to begin with one more space
    return text


def _repeatable(before: str, body: str) -> list[tuple[int, int]]:
    """Where the last lines begin from which on the body can say all of the text again, and the first sign there that is
    no blank; the longest run first."""
    head, end = body.lstrip(" \t\n")[:3], len(before.rstrip())
    found, at, bare = list[tuple[int, int]](), len(before), len(before)
    for line in reversed(before.rsplit("\n", _ECHOED)[-_ECHOED:]):
        at -= len(line)
        if line.strip(" \t"):
            bare = at + len(line) - len(line.lstrip(" \t"))
        if end - bare > len(body):
            break  # from further above it is longer still
        if before.startswith(head, bare):
            found.append((at, bare))
        at -= 1
    return found[::-1]


def _after_echo(text: str, echo: str, line: str) -> str:
    """A space that was typed but not echoed is not said again."""
    return text.lstrip(" ") if line.endswith(" ") and not echo.endswith(" ") else text


# What stands there already.


def unrepeated(text: str, place: Place) -> str:
    """Without an end that says what follows the hole again: whole lines, or the rest of the cursor's line."""
    lines = text.split("\n")
    below = [line.rstrip() for line in place.after.split("\n")[1:] if line.strip()]
    for n in range(1, len(lines)):
        said = [line.rstrip() for line in lines[n:] if line.strip()]
        if said and _says(said, below) and _telling(said, text):
            return "\n".join(lines[:n]).rstrip()
    rest = place.rest.rstrip()
    taken = rest[: overlap(text, rest)]
    if taken and (len(taken) > 3 or not re.search(r"\w", taken)) and text.rstrip().endswith(taken):
        return text.rstrip()[: -len(taken)]
    return text


def _says(said: list[str], below: list[str]) -> bool:
    """Whether these lines are the first ones below, as far as either goes; the last may be cut off."""
    if not below:
        return False
    *whole, last = said[: len(below)]
    return whole == below[: len(whole)] and below[len(whole)].startswith(last)


def _telling(said: list[str], text: str) -> bool:
    """Whether a repetition is no chance: it has words, or closes brackets that the text did not open."""
    return sum(len(word) for line in said for word in re.findall(r"\w+", line)) >= 6 or bool(unmatched(text))


def overlap(text: str, rest: str) -> int:
    """How many characters right of the cursor the text repeats, so that it has to replace them.

    All of the line's rest when the text says it whole; else as many closers and signs (an editor's
    auto-closed pairs) as the text brings itself.
    """
    said = rest.rstrip()
    if not said:
        return 0
    if re.search(r"\w", said):
        return len(said) if text.endswith(said) else 0
    spare, taken = unmatched(text), 0
    for sign in said:
        if sign in _CLOSERS:
            if not spare or spare.pop(0) != sign:
                break
        elif sign in "\"'`":
            if text.count(sign) % 2 == 0:
                break
        elif not text.rstrip().endswith(said[taken:]):
            break
        taken += 1
    return taken


def unmatched(text: str) -> list[str]:
    """Closers without an opener in this text, in order."""
    open_, spare = [], []
    for sign in text:
        if sign in "([{":
            open_.append(sign)
        elif sign in _CLOSERS:
            if open_ and open_[-1] == _CLOSERS[sign]:
                open_.pop()
            else:
                spare.append(sign)
    return spare
