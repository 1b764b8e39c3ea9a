"""Completion without a model: what followed when the code stood at a point like this before.

Code repeats itself. Places like the one at the cursor are looked up in this text and the other open ones
(`sightings.py`), and what most of them went on with is proposed. How sure to be was measured on published code
(`signs.py`), so that a threshold means what it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from codriver.model.value import value
from codriver.syntax.sightings import Place, Sighting, place_at, sightings
from codriver.syntax.signs import probability, signs

SHOWN = 0.75
"""Confidence from which a proposal is worth showing."""
CONSIDERED = 3
"""Different continuations that are weighed by all their signs."""
LINES = 6
"""Lines of the longest proposal."""


@value(frozen=True, slots=True)
class Prediction:
    """Text to insert at the cursor, the probability that its first line is right, and the tokens matched."""

    text: str
    confidence: float
    matched: int


@value(frozen=True, slots=True)
class Proposal:
    """One continuation of the line: who agrees on it, the most alike first, and what speaks for and against it."""

    line: bytes
    agreeing: list[Sighting]
    signs: dict[str, float]


def predict(before: bytes, after: bytes, others: Sequence[bytes] = ()) -> Prediction | None:
    """What most likely comes next, or None. Never blank, and never what stands behind the cursor.

    before, after: the text around the cursor. others: other open texts of the language, best first.
    Reaches to the line's end, and over further lines as far as all earlier places agree on them.
    """
    place = place_at(before, after)
    if place is None:
        return None
    told = [(probability(proposal.signs), proposal) for proposal in proposals(place, before, after, others)]
    if not told:
        return None
    confidence, best = max(told, key=lambda pair: pair[0])
    text = best.line + b"".join(_further(best.agreeing, place))
    return Prediction(text.decode("utf-8", "replace"), confidence, best.agreeing[0].tokens)


def proposals(place: Place, before: bytes, after: bytes, others: Sequence[bytes]) -> Iterator[Proposal]:
    """The continuations that most speaks for, with their signs."""
    votes: dict[bytes, list[Sighting]] = {}
    for sighting in sightings(place, after, others):
        votes.setdefault(sighting.line, []).append(sighting)
    weights = {line: sum(map(_weight, group)) for line, group in votes.items()}
    all_weights, every = sum(weights.values()), sum(map(len, votes.values()))
    for line in sorted(votes, key=weights.__getitem__, reverse=True)[:CONSIDERED]:
        if not line.strip() or place.typed + line == place.following:
            return
        agreeing = sorted(votes[line], key=_weight, reverse=True)
        rivals = every - len(agreeing)
        yield Proposal(line, agreeing, signs(agreeing, weights[line] / all_weights, rivals, place, before))


def _weight(sighting: Sighting) -> float:
    alike = 2**sighting.lines * (2 if sighting.whole else 1) * (1 if sighting.here else 0.7)
    return float(alike * (0.5 if sighting.renamed else 1))


def _further(agreeing: Sequence[Sighting], place: Place) -> Iterator[bytes]:
    """More lines, as long as at least two earlier places agree, in this line's indentation."""
    if len(agreeing) < 2 or place.rest:
        return
    for lines in zip(*map(_lines_below, agreeing), strict=False):
        indent, line = lines[0]
        if any(other != lines[0] for other in lines) or line == place.following:
            return
        yield b"\n" + place.indent + indent + line


def _lines_below(sighting: Sighting) -> Iterator[tuple[bytes, bytes]]:
    """Lines directly below, up to a blank or outer one: indentation added to the sighting's line, text."""
    source = sighting.source
    start = source.rfind(b"\n", 0, sighting.at) + 1
    outer = _lead(source[start : sighting.at])
    for _ in range(LINES - 1):
        start = source.find(b"\n", start) + 1
        end = source.find(b"\n", start)
        line = source[start:end].rstrip() if start and end >= 0 else b""
        lead = _lead(line)
        if not line or not lead.startswith(outer):
            return
        yield lead[len(outer) :], line[len(lead) :]


def _lead(line: bytes) -> bytes:
    return line[: len(line) - len(line.lstrip(b" \t"))]
