"""From what a model said to what may stand at the cursor: small pure functions, in one order.

`bare` (wire/cutting.py) takes away what is no code, `shaped` fits the rest to its place (indentation,
one line or a block, nothing that stands there already). What the parser says of it afterwards is in
brackets.py.
"""

from __future__ import annotations

import re

from codriver.tasks import indent
from codriver.wire.cutting import Place, bare, unchatted, unechoed, unfenced, unmarked, unthought

__all__ = [
    "Place", "aligned", "bare", "block", "circling", "enough", "one_line", "shaped", "tidy", "unchatted", "undoubled",
    "unechoed", "unfenced", "unlooped", "unmarked", "unthought", "wide",
]  # fmt: skip


def tidy(text: str, place: Place) -> str:
    """A model's words as a candidate for this place; "" when nothing is left."""
    return shaped(bare(text, place), place)


def shaped(text: str, place: Place) -> str:
    """Fitted to its place as text: indentation, extent, nothing twice, no trailing space."""
    text = indent.respaced(text, place.unit)
    text = aligned(text, place)
    text = unlooped(block(text, place.line) if wide(text, place) else one_line(text, place.line))
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
    if not wide(code, place):
        return "\n" in code.lstrip("\n")
    closed = not place.markup and re.search(r"(?m)^```[^\n]*\n[\s\S]+\n```[ \t]*$", whole) is not None
    return closed or _lines(shaped(code, place)) < _lines(indent.respaced(code, place.unit))


def wide(text: str, place: Place) -> bool:
    """Whether several lines are wanted: the place wants them, or the text opens a block that is not there yet."""
    if place.many:
        return True
    opened = (place.line + text.partition("\n")[0]).rstrip()
    return indent.opens(opened) and not place.rest.strip() and indent.columns(place.below) <= indent.columns(place.line)


def _lines(text: str) -> int:
    return sum(1 for line in text.split("\n") if line.strip())


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
    """The first line; on a line with nothing on it yet, the first line that has something, and behind a comma or an
    opening bracket the next one, when nothing more is said of this one."""
    body = text.lstrip("\n")
    if not line.strip():
        return body.partition("\n")[0]
    if body != text and line.rstrip()[-1:] in (",", "(", "[", "{"):
        return "\n" + body.partition("\n")[0]
    return text.partition("\n")[0]


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
    """Cut where up to four lines, or the signs of a line, begin to come again and again; the first round stays."""
    if "\n" not in text:
        return _uncircled(text)
    lines = [_uncircled(line) for line in text.split("\n")]
    text = "\n".join(lines)
    for start in range(len(lines)):
        for period in range(1, 5):
            one, two, three = (lines[start + period * n : start + period * (n + 1)] for n in range(3))
            if one == two == three and len("".join(one).strip()) >= 4:
                return "\n".join(lines[: start + period])
    return text


_SIGNS = re.compile(r"\w+|([^\w\s])\1*")


def circling(text: str) -> bool:
    """Whether the last line of a text says the same again and again."""
    line = text[text.rfind("\n") + 1 :]
    return _uncircled(line) != line


def _uncircled(line: str) -> str:
    """Cut where up to twenty signs begin to come again, at least three times and for at least thirty signs."""
    if len(line) < 60:
        return line
    signs = list(_SIGNS.finditer(line))
    words = [sign[0] for sign in signs]
    for period in range(1, 21):
        size = max(30, 3 * period)
        run = 0
        for n in range(period, len(words)):
            run = run + 1 if words[n] == words[n - period] else 0
            if run + period >= size:
                return line[: signs[n - run].end()]
    return line


def undoubled(text: str, place: Place) -> str:
    """Without what stands below the cursor already, or right above it."""
    lines = text.split("\n")
    said, line = text.strip(), place.line
    if len(said) > 2 and line.rstrip().endswith(said) and re.search(r"\W", said):
        return ""
    whole = [line + lines[0], *lines[1:]]
    if not line.strip() and whole[0].strip() == place.above.strip() and re.search(r"[^\W\d]", whole[0]):
        return ""
    below = place.below.rstrip()
    if not below:
        return text
    for n, line in enumerate(whole):
        if line.rstrip() == below and line.strip():
            return "\n".join(lines[:n]).rstrip()
    return text
