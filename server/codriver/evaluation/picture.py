"""Cost against quality as one SVG: a panel for each slice, models as dots, frontiers of policies as lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from math import ceil, floor, log10

from codriver.evaluation.measures import BLIND, CHECKED, KNOWN, ORACLE, OURS, WATCHED, Line
from codriver.evaluation.study import Page

WIDTH, HEIGHT, COLUMNS = 460, 330, 3
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 46, 44
BENDS = 8
STYLES = {
    OURS: ("#c0392b", 2.4, ""),
    BLIND: ("#555555", 1.4, ""),
    "TF-IDF": ("#2980b9", 1.2, ""),
    "neighbours": ("#16a085", 1.2, ""),
    KNOWN: ("#8e44ad", 1.4, "6 3"),
    WATCHED: ("#d68910", 1.4, ""),
    "verifier 0.8 (simulated)": ("#7dcea0", 1.4, "4 2"),
    "verifier 0.9 (simulated)": ("#239b56", 1.4, "4 2"),
    CHECKED: ("#145a32", 1.4, "2 2"),
    ORACLE: ("#aaaaaa", 1.2, "2 3"),
}


def draw(pages: Sequence[Page]) -> str:
    """The picture's text. Slices without costs have no panel."""
    shown = [page for page in pages if page.lines]
    columns = max(1, min(COLUMNS, len(shown)))
    height = HEIGHT * ceil(len(shown) / columns) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH * columns}" height="{height}" '
        f'viewBox="0 0 {WIDTH * columns} {height}" font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, page in enumerate(shown):
        place = f"translate({number % columns * WIDTH} {number // columns * HEIGHT})"
        parts += [f'<g transform="{place}">', *_panel(page), "</g>"]
    parts += [f'<g transform="translate(10 {height - 14})">', *_legend(shown), "</g>", "</svg>"]
    return "\n".join(parts) + "\n"


def _panel(page: Page) -> Iterator[str]:
    costs = [x for line in page.lines for x in line.x if x > 0]
    low, high = _decades(min(costs, default=1.0), max(costs, default=1.0))
    scores = [y for line in page.lines for y in line.y if line.name in STYLES and line.name != ORACLE]
    bottom, top = floor(min(scores) * 20) / 20, min(1.0, ceil(max(scores) * 20) / 20)
    top = top if top > bottom else bottom + 0.1

    def x(cost: float) -> float:
        share = (log10(max(cost, 10**low)) - low) / (high - low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(score: float) -> float:
        # Models far below every frontier lie on the lower edge.
        share = (min(max(score, bottom), top) - bottom) / (top - bottom)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    yield f'<text x="{LEFT}" y="22" font-size="13" font-weight="bold">{escape(page.title)}</text>'
    yield f'<text x="{LEFT}" y="35" fill="#777777">{page.queries} tasks, {page.models} models</text>'
    for decade in range(ceil(low), floor(high) + 1):
        yield _rule(x(10**decade), TOP, x(10**decade), HEIGHT - BOTTOM)
        yield f'<text x="{x(10**decade)}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">${10**decade:g}</text>'
    steps = 20 if top - bottom < 0.45 else 10
    for step in range(ceil(bottom * steps - 1e-9), floor(top * steps + 1e-9) + 1):
        yield _rule(LEFT, y(step / steps), WIDTH - RIGHT, y(step / steps))
        yield f'<text x="{LEFT - 6}" y="{y(step / steps) + 4}" text-anchor="end">{step / steps:.2f}</text>'
    yield f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(page.axis)}</text>'
    for line in page.lines:
        yield from _line(line, [(x(cost), y(score)) for cost, score in _mixed(line)])


def _mixed(line: Line) -> list[tuple[float, float]]:
    """The points of a frontier, with mixtures of neighbours between them: straight in dollars, bent on the axis."""
    points = list(zip(line.x, line.y, strict=True))
    if line.name not in STYLES or len(points) < 2:
        return points
    between = [
        (left[0] + share / BENDS * (right[0] - left[0]), left[1] + share / BENDS * (right[1] - left[1]))
        for left, right in pairwise(points)
        for share in range(BENDS)
    ]
    return [*between, points[-1]]


def _line(line: Line, places: Sequence[tuple[float, float]]) -> Iterator[str]:
    if line.name not in STYLES:
        yield from (f'<circle cx="{left}" cy="{up}" r="2.4" fill="#555555" fill-opacity="0.5"/>' for left, up in places)
        return
    colour, width, dash = STYLES[line.name]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    if len(places) == 1:
        yield f'<circle cx="{places[0][0]}" cy="{places[0][1]}" r="4" fill="none" stroke="{colour}"/>'
        return
    points = " ".join(f"{left},{up}" for left, up in places)
    yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>'


def _legend(pages: Sequence[Page]) -> Iterator[str]:
    names = [name for name in STYLES if any(line.name == name for page in pages for line in page.lines)]
    left = 0
    for name in names:
        colour, width, dash = STYLES[name]
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        yield f'<path d="M{left} 0h18" stroke="{colour}" stroke-width="{width}"{dashed}/>'
        yield f'<text x="{left + 22}" y="4">{escape(name)}</text>'
        left += 34 + 7 * len(name)


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#e5e5e5"/>'


def _decades(least: float, most: float) -> tuple[float, float]:
    """The logarithms of an axis that holds both, with some air."""
    low, high = log10(least) - 0.1, log10(most) + 0.1
    return (low, high) if high - low > 0.5 else (low - 0.25, high + 0.25)
