"""What a keystroke costs, and what Codriver adds to a completion, in files of 1,000 and 10,000 lines.

In process: applying one change (text store, analyst's bookkeeping), and reading the code again after
it (parse and features), which happens behind the keystroke. Over stdio: a real `codriver lsp`, a real
daemon, an upstream that answers at once; from the change to the suggestion. Python and TypeScript.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from processes import codriver, script

sys.path.insert(0, str(Path(__file__).parent.parent / "fronts" / "lsp"))

from lsp_client import Client, change, codriver_lsp, position

from codriver.analyst import Analyst
from codriver.model.request import Snapshot
from codriver.syntax.text import Text

KEYS = 150
SIZES = (1_000, 10_000)

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


def keystrokes(language: str, lines: int) -> None:
    """One typed character: bookkeeping now, parse and features behind."""
    text = Text(source(language, lines))
    analyst, uri = Analyst(), f"file:///bench{LANGUAGES[language][1]}"

    def snapshot(version: int) -> Snapshot:
        return Snapshot(uri, version, language, text.data)

    analyst.opened(1, snapshot(0))
    row = text.line_count // 2
    offset = text.offset(row, 0, "utf-16")
    analyst.facts(1, uri, offset)
    booked, read = [], []
    for n in range(KEYS):
        start = time.perf_counter()
        edit = text.apply(((row, 0), (row, 0)), "#" if n == 0 and language == "python" else "x", "utf-16")
        analyst.changed(1, snapshot(n + 1), [edit])
        booked.append((time.perf_counter() - start) * 1e3)
        start = time.perf_counter()
        analyst.facts(1, uri, offset)
        read.append((time.perf_counter() - start) * 1e3)
    print(f"  {language:11}{lines:6} lines  keystroke, bookkeeping            {percentiles(booked)}")
    print(f"  {language:11}{lines:6} lines  parse and features behind it      {percentiles(read)}")


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
    for language in LANGUAGES:
        for lines in SIZES:
            keystrokes(language, lines)
    with tempfile.TemporaryDirectory() as folder, script("fake_upstream.py") as upstream:
        home = Path(folder)
        with codriver(home, CONFIG.format(port=upstream)):
            for language in LANGUAGES:
                for lines in SIZES:
                    completions(home, language, lines)


if __name__ == "__main__":
    main()
