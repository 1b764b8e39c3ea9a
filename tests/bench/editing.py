"""What a keystroke costs, and what Codriver adds to a completion, in files of 1,000, 10,000 and 100,000 lines.

In process, in CPU time: applying one change (text store, analyst's bookkeeping), then what it takes to read the code
again (parse and features at the cursor) behind the keystroke, over a mix of edits; the first answer, the first
analysis, and the slices in which the rest is read; memory. Over stdio: a real `codriver lsp`, a real daemon, an
upstream that answers at once; from the change to the suggestion, and the longest that the daemon worked while somebody
else waited for it (beside it what went by on the clock, and by how much the machine wakes anybody late meanwhile). Python and TypeScript.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from processes import codriver, script

sys.path.insert(0, str(Path(__file__).parent.parent / "fronts" / "lsp"))

from lsp_client import Client, change, codriver_lsp, position

from codriver.analyst import Analyst, buffers
from codriver.model.request import Snapshot
from codriver.syntax.analysis import Buffer
from codriver.syntax.text import Edit, Text

KEYS = 150
SIZES = (1_000, 10_000)
LONGEST = 100_000
BUFFERS = 12
READ = {1_000: 2.0, 10_000: 15.0}
"""Lines -> milliseconds in which an edit should be read, at the median."""

PYTHON = """\
def handle_{n}(request, items):
    total = 0
    for item in items:
        if item.active and item.price > {n}:
            total += item.price * item.count
        elif item.kind == "gift":
            total += 1
    return total


"""
TYPESCRIPT = """\
export function handle{n}(request: Request, items: Item[]): number {{
  let total = 0;
  for (const item of items) {{
    if (item.active && item.price > {n}) {{
      total += item.price * item.count;
    }}
  }}
  return total;
}}

"""
LANGUAGES = {"python": (PYTHON, ".py", "    amount = "), "typescript": (TYPESCRIPT, ".ts", "  const amount = ")}

CONFIG = """
[http]
port = 0
[complete]
predictor = false
probe = "never"
max_bytes = 10_000_000
delay = 0
[providers.bench]
base_url = "http://127.0.0.1:{port}"
wire = "openai_completions"
auth = "none"
discover = ""
[providers.bench.models.fast]
chat = false
fim = "suffix"
"""


def source(language: str, lines: int) -> str:
    shape = LANGUAGES[language][0]
    each = shape.count("\n")
    return "".join(shape.format(n=n) for n in range(lines // each))


def percentiles(values: list[float]) -> str:
    ordered = sorted(values)
    return f"p50 {statistics.median(ordered):7.3f} ms  p99 {ordered[int(len(ordered) * 0.99)]:7.3f}"


def mix(language: str, row: int, n: int) -> tuple[tuple[int, int], tuple[int, int], str]:
    """The n-th change: inside a word, a new line, the start of a statement, a paste, and what takes them back."""
    name = {"python": 8, "typescript": 20}[language]
    statement, pasted = LANGUAGES[language][2] + "1\n", LANGUAGES[language][0].format(n=n)
    lines = pasted.count("\n")
    changes = [
        ((row, name), (row, name), "x"),
        ((row, name), (row, name + 1), ""),
        ((row + 2, 0), (row + 2, 0), "\n"),
        ((row + 2, 0), (row + 3, 0), ""),
        ((row + 2, 0), (row + 2, 0), statement),
        ((row + 2, 0), (row + 3, 0), ""),
        ((row, 0), (row, 0), pasted),
        ((row, 0), (row + lines, 0), ""),
    ]
    return changes[n % len(changes)]


def cpu(work: Callable[[], object]) -> float:
    """Milliseconds of the processor that it takes."""
    start = time.thread_time()
    work()
    return (time.thread_time() - start) * 1e3


def keystrokes(language: str, lines: int) -> None:
    """A mix of edits: bookkeeping now, parse and features behind; and beside them a parse of everything."""
    text = Text(source(language, lines))
    analyst, uri = Analyst(), f"file:///bench{LANGUAGES[language][1]}"

    def snapshot(version: int) -> Snapshot:
        return Snapshot(uri, version, language, text.data)

    shape = LANGUAGES[language][0].count("\n")
    row = lines // shape // 2 * shape
    offset = text.offset(row + 2, 4)
    opened = cpu(lambda: analyst.opened(1, snapshot(0)))
    first, slices = cpu(lambda: analyst.facts(1, uri, offset)), list[float]()
    buffer, done = analyst.buffer(snapshot(0)), [False]
    while not done[-1]:
        slices.append(cpu(lambda: done.append(buffer.step())))
    booked, read = [], []

    def typed(n: int, edits: list[Edit]) -> None:
        first, last, new = mix(language, row, n)
        edits.append(text.apply((first, last), new, "utf-16"))
        analyst.changed(1, uri, edits, partial(snapshot, n + 1))

    for n in range(KEYS):
        edits: list[Edit] = []
        booked.append(cpu(partial(typed, n, edits)))
        read.append(cpu(partial(analyst.facts, 1, uri, edits[0].new_end_byte)))
    whole = [cpu(lambda: everything(text.data, language, offset)) for _ in range(3)]
    ratio = statistics.median(whole) / statistics.median(read)
    aims = READ.get(lines, 25.0)
    tell(language, lines, "keystroke, bookkeeping", booked, 0.3)
    tell(language, lines, "parse and features behind it", read, aims)
    tell(language, lines, "opened, and a first answer", [opened + first], 25.0)
    analysed = [cpu(lambda: analysis(text.data, language, offset)) for _ in range(5)]
    tell(language, lines, "first analysis: tree and features", analysed, 80.0 if lines <= 10_000 else None)
    tell(language, lines, f"slices behind it ({len(slices):3}, {sum(slices):4.0f} ms)", slices, 25.0)
    print(
        f"  {language:11}{lines:7} lines  everything anew {statistics.median(whole):8.1f} ms: {ratio:.0f} times an edit"
    )


def analysis(data: bytes, language: str, offset: int) -> None:
    """The tree of a whole text (of one that is too long, a window) and the features at the cursor."""
    fresh = Buffer(data, language_id=language)
    fresh.parse()
    fresh.facts(offset)


def everything(data: bytes, language: str, offset: int) -> None:
    """The same, and the numbers of every function."""
    fresh = Buffer(data, language_id=language)
    fresh.parse()
    fresh.functions()
    fresh.facts(offset)


def tell(language: str, lines: int, what: str, values: list[float], aim: float | None) -> None:
    """One row: median and greatest, and whether the median holds the aim; where 25 ms are the aim, the greatest."""
    median, most = statistics.median(values), max(values)
    verdict = "" if aim is None else f"  under {aim:4}: {'yes' if (most if aim == 25.0 else median) < aim else 'NO'}"
    ordered = sorted(values)
    p99 = ordered[int(len(ordered) * 0.99)]
    print(f"  {language:11}{lines:7} lines  {what:34} p50 {median:7.3f}  p99 {p99:7.3f}  max {most:7.3f} ms{verdict}")


def memory(language: str) -> None:
    """Resident memory per open buffer of 10,000 lines, all of them read whole; and of more than trees are kept of."""
    analyst, data = Analyst(), source(language, 10_000).encode()
    analyst.opened(1, Snapshot("file:///warm", 1, language, data[:20_000]))
    analyst.functions(1, "file:///warm")
    most = buffers.TREES // len(data)
    for count, title in ((min(BUFFERS, most), "read whole"), (most * 3, "of which trees are dropped")):
        gc.collect()
        before = resident()
        for n in range(count):
            uri = f"file:///{title}{n}"
            text = data + b"\n" * n
            analyst.opened(1, Snapshot(uri, 1, language, text))
            analyst.facts(1, uri, len(text) // 2)
            while not analyst.buffer(Snapshot(uri, 1, language, text)).step():
                pass
        each = (resident() - before) / count
        verdict = f"under 15: {'yes' if each < 15 else 'NO'}"
        print(f"  {language:11}  10000 lines  memory each of {count:3}, {title:28} {each:6.1f} MB  {verdict}")


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


class Heartbeat:
    """Somebody else, who asks the daemon for a sign of life all the time (heartbeat.py)."""

    def __init__(self, about: dict[str, Any]) -> None:
        arguments = [str(about["http"]["port"]), str(about["pid"])]
        command = [sys.executable, str(Path(__file__).parent / "heartbeat.py"), *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def stop(self) -> dict[str, list[float]]:
        """What it measured, each list in order of size."""
        told, _ = self._process.communicate("", timeout=30)
        return {name: sorted(values) for name, values in json.loads(told).items()}


def stalls(home: Path, about: dict[str, Any], language: str, lines: int) -> None:
    """Opening, lenses and typing in a long file, with somebody else asking the daemon meanwhile."""
    editor = Client(codriver_lsp(), {"CODRIVER_HOME": str(home)})
    uri, shape = f"file:///stall{lines}{LANGUAGES[language][1]}", LANGUAGES[language][0].count("\n")
    place: dict[str, Any] = {"textDocument": {"uri": uri}}
    title = f"  {language:11}{lines:7} lines  longest others waited while"
    try:
        editor.initialize()
        beat = Heartbeat(about)
        editor.open(uri, source(language, lines), language)
        editor.request("textDocument/codeLens", place)
        opened = beat.stop()
        beat, row = Heartbeat(about), lines // shape // 2 * shape
        for n in range(KEYS):
            first, last, new = mix(language, row, n)
            editor.change(uri, n + 2, change(first, last, new))
            where = {"position": position(row + 2, 4), "context": {"triggerKind": 2}}
            editor.request("textDocument/inlineCompletion", place | where)
        typed = beat.stop()
        longest, p99 = (
            [told["worked"][-1] for told in (opened, typed)],
            typed["worked"][len(typed["worked"]) * 99 // 100],
        )
        print(
            f"{title} opened {longest[0]:6.1f} ms, typing {longest[1]:6.1f} ms (p99 {p99:.1f})"
            f"  under 25: {'yes' if max(longest) < 25 else 'NO'}"
            f"; by the clock {opened['waited'][-1]:.1f} and {typed['waited'][-1]:.1f},"
            f" the machine late by {opened['late'][-1]:.1f} and {typed['late'][-1]:.1f}"
        )
    finally:
        editor.kill()


def completions(home: Path, language: str, lines: int) -> None:
    """From a typed character to its suggestion, through forwarder and daemon."""
    editor = Client(codriver_lsp(), {"CODRIVER_HOME": str(home)})
    try:
        editor.initialize()
        uri = f"file:///bench{lines}{LANGUAGES[language][1]}"
        text = source(language, lines)
        row = text[: len(text) // 2].count("\n")
        while text.splitlines()[row].strip():
            row += 1
        editor.open(uri, text, language)
        start_of_line = LANGUAGES[language][2]
        editor.change(uri, 2, change((row, 0), (row, 0), start_of_line + "\n"))
        column, waits = len(start_of_line), []
        for n in range(KEYS):
            editor.change(uri, n + 3, change((row, column), (row, column), "ab_cd"[n % 5]))
            column += 1
            params: dict[str, Any] = {"textDocument": {"uri": uri}, "position": position(row, column)}
            start = time.perf_counter()
            editor.request("textDocument/inlineCompletion", params | {"context": {"triggerKind": 2}})
            waits.append((time.perf_counter() - start) * 1e3)
        print(f"  {language:11}{lines:6} lines  completion, upstream at once      {percentiles(waits[10:])}")
    finally:
        editor.kill()


def main() -> None:
    print("Editing: cost per keystroke and overhead per completion")
    gc.freeze()  # as the daemon does once it listens: else the garbage of start-up is looked at again in some slice
    gc.set_threshold(3_000, 5, 400)
    Analyst().warm()  # as the daemon does
    for language in LANGUAGES:
        for lines in (*SIZES, LONGEST):
            keystrokes(language, lines)
        memory(language)
    with tempfile.TemporaryDirectory() as folder, script("fake_upstream.py") as upstream:
        home = Path(folder)
        with codriver(home, CONFIG.format(port=upstream)) as about:
            for language in LANGUAGES:
                for lines in SIZES:
                    completions(home, language, lines)
                for lines in (*SIZES, LONGEST):
                    stalls(home, about, language, lines)


if __name__ == "__main__":
    main()
