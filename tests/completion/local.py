"""How often the local predictor is right, by confidence: `python tests/completion/local.py`, on packages that its numbers
were not fitted on.

First as it is lived: a line is typed token by token, and the first proposal that is sure enough is shown. Coverage is
the share of non-trivial lines on which anything was shown, precision the share of those on which it was right to the
line's last character. Then hole by hole, one cursor a line, by language, kind of hole and what stands below it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import masks
from masks import Mask

from codriver.syntax.predictor import predict

AIM_COVERAGE, AIM_PRECISION = 0.15, 0.80
LIVED = (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)
THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Trial:
    """What was proposed for a hole: its confidence (-1: nothing), whether it was right, and what it would have saved."""

    mask: Mask
    confidence: float
    right: bool
    whole: bool
    """Whether all proposed lines are right."""
    lines: int
    saved: int
    seconds: float


def trial(mask: Mask) -> Trial:
    start = time.thread_time()
    told = predict(mask.before, mask.after, mask.others)
    seconds = time.thread_time() - start
    if told is None:
        return Trial(mask, -1.0, False, False, 0, 0, seconds)
    first, *more = [line.rstrip() for line in told.text.encode().split(b"\n")]
    right = first.strip() == mask.hidden[0].strip()
    whole = right and list(mask.hidden[1 : len(more) + 1]) == more if mask.kind == "block" else right
    return Trial(mask, told.confidence, right, whole, 1 + len(more), len(first.strip()) if right else 0, seconds)


def table(title: str, trials: Sequence[Trial]) -> None:
    """Coverage and precision by threshold, in one line each."""
    cells = []
    for threshold in THRESHOLDS:
        shown = [t for t in trials if t.confidence >= threshold]
        cells.append(f"{len(shown) / max(len(trials), 1):.3f}/{sum(t.right for t in shown) / max(len(shown), 1):.3f}")
    print(f"  {title:24}{len(trials):6}  " + "  ".join(cells))


Typed = list[tuple[float, bool]]
"""Confidence and rightness of what was proposed at each token's border of one line, in the order of typing."""


def typed(mask: Mask) -> Typed:
    """The line of a hole written token by token, as long as there is something to predict in it."""
    line = mask.hidden[0]
    cuts = [0, *(m.end() for m in masks.TOKEN.finditer(line) if masks.something(line[m.end() :]))]
    told = [(predict(mask.before + line[:cut], mask.after, mask.others), line[cut:].strip()) for cut in cuts]
    return [
        (p.confidence, p.text.split("\n")[0].strip().encode() == rest) if p is not None else (-1.0, False)
        for p, rest in told
    ]


def lived(lines: Sequence[Typed], threshold: float) -> tuple[float, float]:
    """Coverage and precision when what is proposed first with at least this confidence is shown."""
    shown = [right for line in lines if (right := _first(line, threshold)) is not None]
    return len(shown) / max(len(lines), 1), sum(shown) / max(len(shown), 1)


def _first(line: Typed, threshold: float) -> bool | None:
    return next((right for confidence, right in line if confidence >= threshold), None)


def at_coverage(lines: Sequence[Typed], coverage: float) -> tuple[float, float]:
    """The threshold that shows something on this share of the lines at least, and the precision there."""
    surest = sorted((max(confidence for confidence, _ in line) for line in lines), reverse=True)
    threshold = surest[min(round(coverage * len(lines)), len(surest) - 1)]
    return threshold, lived(lines, threshold)[1]


def report(trials: Sequence[Trial]) -> None:
    print(f"  {'coverage/precision from':24}{'holes':>6}  " + "  ".join(f"{t:^11.1f}" for t in THRESHOLDS))
    table("all", trials)
    for language in dict.fromkeys(t.mask.language for t in trials):
        table(language, [t for t in trials if t.mask.language == language])
    for kind in ("line", "rest", "block"):
        table(kind, [t for t in trials if t.mask.kind == kind])
    table("text below is there", [t for t in trials if t.mask.below])
    table("written to its end", [t for t in trials if not t.mask.below])
    calibration(trials)
    slowest = sorted(t.seconds for t in trials)
    print(
        f"  {slowest[len(slowest) // 2] * 1e3:.2f} ms at the median, {slowest[int(len(slowest) * 0.99)] * 1e3:.2f} at p99"
    )


def calibration(trials: Iterable[Trial]) -> None:
    """What confidence promises, beside what came of it."""
    shown = sorted((t for t in trials if t.confidence >= 0), key=lambda t: t.confidence)
    size = max(len(shown) // 8, 1)
    for n in range(0, len(shown) - size + 1, size):
        part = shown[n : n + size]
        mean = sum(t.confidence for t in part) / len(part)
        print(f"  promised {mean:.2f}  right {sum(t.right for t in part) / len(part):.2f}  ({len(part)})")


def report_lived(by_language: dict[str, list[Typed]]) -> bool:
    """Whether the aim holds: more than 80 % right where something is shown on 15 % of the lines."""
    print(f"  {'as typed, from':24}{'lines':>6}  " + "  ".join(f"{t:^11.2f}" for t in LIVED))
    everything = [line for lines in by_language.values() for line in lines]
    for title, lines in (("all", everything), *by_language.items()):
        cells = [lived(lines, threshold) for threshold in LIVED]
        print(f"  {title:24}{len(lines):6}  " + "  ".join(f"{c:.3f}/{p:.3f}" for c, p in cells))
    threshold, precision = at_coverage(everything, AIM_COVERAGE)
    holds = precision > AIM_PRECISION
    print(
        f"  on 15 % of non-trivial lines (confidence from {threshold:.2f}) precision {precision:.3f};"
        f"  over {AIM_PRECISION}: {'yes' if holds else 'NO'}"
    )
    return holds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", nargs="*", default=masks.LANGUAGES)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--each", type=int, default=12)
    given = parser.parse_args()
    holes = {
        language: list(masks.masks(masks.published(language, held_out=True), language, given.files, given.each))
        for language in given.languages
    }
    print("The local predictor, on packages that its numbers were not fitted on (coverage/precision)")
    holds = report_lived({name: [typed(m) for m in found if m.kind != "rest"] for name, found in holes.items()})
    report([trial(mask) for found in holes.values() for mask in found])
    raise SystemExit(0 if holds else 1)


if __name__ == "__main__":
    main()
