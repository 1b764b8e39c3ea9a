"""From what a model said to what may stand at the cursor: small pure functions, in one order.

`bare` takes away what is no code (thinking, marks, fences, chatter, echo), `shaped` fits the rest to
its place (indentation, one line or a block, nothing that stands there already). What the parser says
of it afterwards is in brackets.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from codriver.tasks import indent


@dataclass(frozen=True, slots=True)
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
        lines = self.before.split("\n")[:-1]
        return next((line for line in reversed(lines) if line.strip()), "")

    @property
    def below(self) -> str:
        """The nearest line below with something on it."""
        return next((line for line in self.after.split("\n")[1:] if line.strip()), "")


def tidy(text: str, place: Place) -> str:
    """A model's words as a candidate for this place; "" when nothing is left."""
    return shaped(bare(text, place), place)


def bare(text: str, place: Place) -> str:
    """Without what is no code."""
    text = unthought(text.replace("\r\n", "\n"))
    text = unmarked(text, place.before + place.after)
    if not place.markup:
        text = unchatted(unfenced(text))
    return unechoed(text, place)


def shaped(text: str, place: Place) -> str:
    """Fitted to its place as text: indentation, extent, nothing twice, no trailing space."""
    text = indent.respaced(text, place.unit)
    text = aligned(text, place)
    text = unlooped(block(text, place.line) if place.many else one_line(text, place.line))
    text = undoubled(text, place)
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def enough(text: str, place: Place) -> bool:
    """Whether a streamed text already holds all that will be used of it. Looks at whole lines only."""
    whole = text[: text.rfind("\n") + 1]
    if not whole.strip():
        return False
    code = bare(whole, place)
    if not code.strip():
        return False
    if not place.many:
        return "\n" in code.lstrip("\n")
    closed = not place.markup and re.search(r"(?m)^```[^\n]*\n[\s\S]+\n```[ \t]*$", whole) is not None
    return closed or _lines(shaped(code, place)) < _lines(indent.respaced(code, place.unit))


def _lines(text: str) -> int:
    return sum(1 for line in text.split("\n") if line.strip())


# What is no code.

_THOUGHT = re.compile(r"<(think|thinking|thought)>.*?(?:</\1>|\Z)", re.DOTALL)


def unthought(text: str) -> str:
    """Without blocks of thinking, closed or cut off; a lone end mark ends one whose start was in the prompt."""
    text = _THOUGHT.sub("", text)
    return re.sub(r"\A.*?</think>\s*", "", text, flags=re.DOTALL)


_MARK = re.compile(
    r"<[|｜]?(?:fim[_▁-](?:prefix|suffix|middle|pad|begin|hole|end)|end[_▁]of[_▁](?:text|sentence)|endoftext"
    r"|file_sep(?:arator)?|repo_name|reponame|filename|im_start|im_end|eot_id|cursor|begin▁of▁sentence)[|｜]?>"
    r"|<\[fim-(?:prefix|suffix|middle)\]>|<(?:PRE|SUF|MID|EOT|EOF)>|\[(?:PREFIX|SUFFIX|MIDDLE)\]|</s>"
)


def unmarked(text: str, around: str) -> str:
    """Cut at the first sentinel token; leading ones are dropped. Tokens the buffer itself contains are text."""
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
    opening = _FENCE.search(text)
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
    lines = text.split("\n")
    told = next((n for n, line in enumerate(lines) if line.strip()), 0)
    if _chat(lines[told]):
        code = (n for n in range(told, len(lines)) if lines[n].strip() and not _chat(lines[n]))
        lines = lines[next(code, len(lines)) :]
    ends = (n for n in range(1, len(lines)) if _chat(lines[n]) and not lines[n - 1].strip())
    return "\n".join(lines[: next(ends, len(lines))])


def _chat(line: str) -> bool:
    return _CHATTER.match(line) is not None and line.count(" ") >= 2 and (_sentence(line) or line.endswith(":"))


def unechoed(text: str, place: Place) -> str:
    """Without lines before the cursor that the answer says again, the longest run first (up to 20 lines)."""
    body = text.lstrip("\n")
    starts = [m.end() for m in re.finditer(r"(?:^|\n)", place.before)][-20:]
    for start in starts:
        told = place.before[start:]
        bare_told = told.lstrip(" \t\n")
        if len(bare_told.strip()) < 3 or not re.search(r"\w", bare_told):
            continue
        for echo in (told, bare_told, bare_told.rstrip()):
            if body.startswith(echo) or body.lstrip(" \t").startswith(echo):
                return _after_echo(body[body.index(echo) + len(echo) :], echo, place.line)
    if place.line.strip() and place.line[-1:] in " \t" and text[:1] == " ":
        return text.lstrip(" ")  # Codestral likes to begin with one more space
    return text


def _after_echo(text: str, echo: str, line: str) -> str:
    """A space that was typed but not echoed is not said again."""
    return text.lstrip(" ") if line.endswith(" ") and not echo.endswith(" ") else text


# What fits the place.


def aligned(text: str, place: Place) -> str:
    """Lines indented for the cursor's line: models say the first line's indentation again, or count from zero."""
    first, *rest = text.split("\n")
    if place.line.strip():
        return "\n".join([first, *_under(place.line + first, rest, place.unit)])
    while rest and not first.strip():
        first, *rest = rest
    typed, own = indent.lead(place.line), indent.lead(first)
    if typed and own == typed and indent.opens(place.above) and indent.columns(place.above) >= indent.columns(typed):
        return "\n".join([first, *rest])  # not said again: the block begins one step further in
    if own.startswith(typed):
        return "\n".join([first[len(typed) :], *rest])
    stripped = first.lstrip(" \t")
    if _from_zero(stripped, rest, typed, own):
        rest = indent.moved(rest, own, typed)
    return "\n".join([stripped, *rest])


def _from_zero(first: str, rest: list[str], typed: str, own: str) -> bool:
    """Whether the lines after the first count from `own` and not from the buffer's left edge."""
    following = rest[0] if rest else ""
    if not following.strip():  # a blank line: what follows may well leave the block
        following = next((line for line in rest if line.strip()), "")
        return indent.opens(first) and bool(following) and indent.columns(following) <= len(typed.expandtabs(4))
    depth, wanted = indent.columns(following), len(typed.expandtabs(4))
    if indent.opens(first) and not _continues(following):
        return depth <= wanted
    return depth < wanted and depth <= len(own.expandtabs(4)) and not _leaves_well(following)


def _under(opening: str, rest: list[str], step: str) -> list[str]:
    """The lines below a line that opens a block, pushed in where they do not stand deeper than it."""
    following = next((line for line in rest if line.strip()), "")
    if not following or not indent.opens(opening) or _continues(following):
        return rest
    if indent.columns(following) > indent.columns(opening):
        return rest
    return indent.moved(rest, indent.lead(following), indent.lead(opening) + step)


_CONTINUES = re.compile(
    r"\s*(?:[}\])]|end\b|else\b|elif\b|elsif\b|except\b|finally\b|catch\b|rescue\b|ensure\b|fi\b|done\b)"
)


def _continues(line: str) -> bool:
    return _CONTINUES.match(line) is not None


def _leaves_well(line: str) -> bool:
    return (
        _continues(line) or re.match(r"\s*(?:@|def |class |func |function |fn |pub |export |import )", line) is not None
    )


def one_line(text: str, line: str) -> str:
    """The first line; on a line with nothing on it yet, the first line that has something."""
    return (text if line.strip() else text.lstrip("\n")).partition("\n")[0]


def block(text: str, line: str) -> str:
    """Up to where the text leaves the block it began in, by indentation."""
    first, *rest = text.split("\n")
    header = bool(line.strip()) and indent.opens((line + first).rstrip())
    floor = indent.columns(line + first)
    kept, blank = [first], False
    for current in rest:
        if current.strip():
            if _leaves(current, floor, header=header, blank=blank):
                break
            blank = False
        else:
            blank = bool("".join(kept).strip())
        kept.append(current)
    return "\n".join(kept).rstrip()


def _leaves(current: str, floor: int, *, header: bool, blank: bool) -> bool:
    depth = indent.columns(current)
    if header:
        return depth < floor or (depth == floor and not _continues(current))
    return depth < floor or (depth == floor and blank)


def unlooped(text: str) -> str:
    """Cut where up to four lines begin to come three times in a row; the first round stays."""
    lines = text.split("\n")
    for start in range(len(lines)):
        for period in range(1, 5):
            one, two, three = (lines[start + period * n : start + period * (n + 1)] for n in range(3))
            if one == two == three and len("".join(one).strip()) >= 4:
                return "\n".join(lines[: start + period])
    return text


def undoubled(text: str, place: Place) -> str:
    """Without what stands below the cursor already, or right above it."""
    lines = text.split("\n")
    whole = [place.line + lines[0], *lines[1:]]
    if re.search(r"[^\W\d]", whole[0]) and whole[0].strip() == place.above.strip() and not place.line.strip():
        return ""
    below = place.below.rstrip()
    if not below:
        return text
    for n, line in enumerate(whole):
        if line.rstrip() == below and line.strip():
            return "\n".join(lines[:n]).rstrip()
    return text
