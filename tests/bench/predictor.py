"""How often the local predictor is right, on real code: `python tests/bench/predictor.py [folder] [pattern]`.

Line ends of files under a folder (default: this Python's library) are masked at random token borders, and
predicted from the rest of the file and three neighbours. Coverage: proposals per position. Precision: first
lines that are right to the last character. Also prints the time per call at 10,000 lines.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from codriver.syntax.predictor import predict

FILES, POSITIONS = 80, 60
TOKEN = re.compile(rb"[\w\x80-\xff]+|[^\w\s\x80-\xff]")


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.__file__).resolve()
    folder = folder if folder.is_dir() else folder.parent
    pattern = sys.argv[2] if len(sys.argv) > 2 else "*.py"
    random.seed(4)
    trials = list(run(folder, pattern))
    print(f"{len(trials)} positions, {1000 * sum(t for *_, t in trials) / len(trials):.2f} ms each")
    print("confidence  coverage  precision  characters saved per position")
    for threshold in (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        shown = [(right, size) for confidence, right, size, _ in trials if confidence >= threshold]
        right = sum(hit for hit, _ in shown)
        saved = sum(size for hit, size in shown if hit) / len(trials)
        print(f"{threshold:9.1f} {len(shown) / len(trials):9.3f} {right / max(len(shown), 1):10.3f} {saved:10.2f}")
    print(f"10,000 lines: {1000 * slowest():.2f} ms")


def run(folder: Path, pattern: str) -> Iterator[tuple[float, bool, int, float]]:
    """Confidence (-1: nothing proposed), whether it was right, characters of the truth, seconds."""
    files = sorted(
        f for f in folder.rglob(pattern) if "site-packages" not in f.parts and 6000 < f.stat().st_size < 200_000
    )
    for file in random.sample(files, min(FILES, len(files))):
        source = file.read_bytes()
        neighbours = [f.read_bytes() for f in sorted(file.parent.glob(pattern)) if f != file][:3]
        lines = source.splitlines(keepends=True)
        for number in random.sample(range(len(lines)), min(POSITIONS, len(lines))):
            line = lines[number].rstrip()
            if not line.strip():
                continue
            indent = len(line) - len(line.lstrip())
            cut = random.choice([indent, *(m.end() for m in TOKEN.finditer(line, indent))][:-1])
            start = sum(map(len, lines[:number]))
            before, after = source[: start + cut], source[start + len(line) :]
            clock = time.perf_counter()
            prediction = predict(before, after, neighbours)
            taken = time.perf_counter() - clock
            truth = line[cut:].decode("utf-8", "replace").strip()
            right = prediction is not None and prediction.text.split("\n")[0].strip() == truth
            yield (prediction.confidence if prediction else -1.0), right, len(truth), taken


def slowest() -> float:
    """Seconds of the slowest of some calls in a text of 10,000 different lines, five such others open."""
    rng = random.Random(4)
    words = [f"name{n}" for n in range(300)]
    texts = [
        "\n".join(
            f"    {rng.choice(words)} = {rng.choice(words)}({rng.choice(words)}, {n})" for n in range(10_000)
        ).encode()
        for _ in range(6)
    ]
    worst = 0.0
    for end in (b"\n    name1 = name2(name3, ", b"\n    zzz = yyy(xxx, ", b"\n    ", b"\n    name7 = "):
        before = texts[0][: len(texts[0]) // 2] + end
        clock = time.perf_counter()
        predict(before, b"\n" + texts[0][len(texts[0]) // 2 :], texts[1:])
        worst = max(worst, time.perf_counter() - clock)
    return worst


if __name__ == "__main__":
    main()
