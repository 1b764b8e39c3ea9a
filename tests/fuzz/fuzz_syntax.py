"""Fuzzing of everything that reads code: `make fuzz SECONDS=600`.

Real files (the standard library's, installed packages', this repository's) are mutated, random bytes are made, and
all of it goes through a Buffer: facts, functions, edits, trial insertions, the predictor. This happens in a worker
process. One that dies, says that something raised, or computes longer than STEP seconds on one step is a finding:
it is saved with its seed, and `--seed N` does the same again. The last line tells how many texts and steps there
were, the findings by kind, and the longest step.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import select
import subprocess
import sys
import sysconfig
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codriver.model.features import Function
    from codriver.syntax.analysis import Buffer

STEP = 5.0
"""Seconds of the processor that one step may take."""
MEMORY = 4 << 30
LARGEST = 400_000
FILES = 4000
ROOT = Path(__file__).parents[2]
TOKENS = (
    b"(", b")", b"{", b"}", b"[", b"]", b"<", b">", b'"', b"'", b"`", b'"""', b"/*", b"*/", b"//", b"#", b"<!--", b"${",
    b"#{", b"\\", b"\0", b"\xff", b"\xc3", b"\xef\xbb\xbf", b"\r", b"\r\n", b"\n", b"\t", b"  ", b";", b":", b",", b"if ",
    b"else ", b"def f(", b"function ", b"class A", b"end", b"=>", b"<script>", b"</script>", b"<style lang=scss>", b"```py\n",
    b"<?php", b"?>", b"R\"x(", b"<<EOF\n", b"|", b"&&", b"\xf0\x9f\x98\x80", b"\xe2\x80\xa8", b"@", b"$", b"%", b"=begin\n",
)  # fmt: skip


def everywhere() -> list[Path]:
    """Where real files are: the standard library, installed packages, this repository."""
    return [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")] + here()


def here() -> list[Path]:
    return [ROOT / name for name in ("server", "tests", "editors") if (ROOT / name).is_dir()]


def corpus(folders: list[Path]) -> list[Path]:
    """Real files of as many kinds as there are, in an order that does not change."""
    from codriver.syntax import languages

    by_kind: dict[str, list[Path]] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.*")):
            if path.is_file() and path.stat().st_size <= LARGEST and "__pycache__" not in path.parts:
                language = languages.of_path(str(path))
                if language is not None:
                    by_kind.setdefault(language.name, []).append(path)
    most = max(FILES // max(len(by_kind), 1), 40)
    return [path for kind in sorted(by_kind) for path in by_kind[kind][:: max(len(by_kind[kind]) // most, 1)][:most]]


# Mutations: each takes the bytes and the dice.


def cut(data: bytes, dice: random.Random) -> bytes:
    start, end = _range(data, dice)
    return data[:start] + data[end:]


def doubled(data: bytes, dice: random.Random) -> bytes:
    start, end = _range(data, dice)
    return data[:end] + data[start:end] * dice.choice([1, 1, 2, 30]) + data[end:]


def truncated(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def tokens_put_in(data: bytes, dice: random.Random) -> bytes:
    for _ in range(dice.choice([1, 2, 5, 50])):
        at = dice.randrange(len(data) + 1)
        data = data[:at] + dice.choice(TOKENS) + data[at:]
    return data


def flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice([1, 5, 100]) if changed else 0):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def nested(data: bytes, dice: random.Random) -> bytes:
    at, depth = dice.randrange(len(data) + 1), dice.choice([10, 300, 5_000, 50_000])
    opened = dice.choice(
        [b"(", b"[", b"{", b"<", b"if(", b"f(", b"a[", b"{a:", b"-", b"!", b"<b>", b"(lambda:", b"x=>"]
    )
    return data[:at] + opened * depth + dice.choice([b"", b")" * depth, b"}" * depth]) + data[at:]


def in_one_line(data: bytes, dice: random.Random) -> bytes:
    return data.replace(b"\n", dice.choice([b" ", b";", b"\r", b""]))


def shuffled(data: bytes, dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    dice.shuffle(lines)
    return b"\n".join(lines)


def recoded(data: bytes, dice: random.Random) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(dice.choice(["utf-16", "utf-16-le", "utf-32", "latin-1", "utf-8-sig"]), "replace")


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    cut, doubled, truncated, tokens_put_in, tokens_put_in, flipped, nested, in_one_line, shuffled, recoded,
)  # fmt: skip


def _range(data: bytes, dice: random.Random) -> tuple[int, int]:
    start = dice.randrange(len(data) + 1)
    return start, min(start + dice.choice([1, 10, 200, 5000]), len(data))


def made(seed: int, files: list[Path]) -> tuple[str, str, bytes]:
    """(path, language id, bytes) of a seed."""
    from codriver.syntax import languages

    dice = random.Random(seed)
    known = [language.name for language in languages.known()]
    if dice.random() < 0.1 or not files:
        size = dice.choice([1, 20, 500, 5000, 60_000])
        data = dice.randbytes(size) if dice.random() < 0.4 else b"".join(dice.choices(TOKENS, k=size // 2 + 1))
        return "", dice.choice(known), data
    path = dice.choice(files)
    data = path.read_bytes()
    if dice.random() < 0.2:
        other = dice.choice(files).read_bytes()
        data = data[: len(data) // 2] + other[len(other) // 2 :]
    for _ in range(dice.choice([0, 1, 1, 2, 3])):
        data = dice.choice(MUTATIONS)(data, dice)[: 3 * LARGEST]
    return str(path), dice.choice(known) if dice.random() < 0.25 else "", data


def steps(path: str, language: str, data: bytes, dice: random.Random) -> Iterator[str]:
    """Does everything with this text; yields what comes next."""
    from codriver.syntax.analysis import Buffer
    from codriver.syntax.content import decoded
    from codriver.syntax.text import Text

    yield "opening"
    text = Text(decoded(data) if dice.random() < 0.5 else data)
    buffer = Buffer(text.data, language_id=language, path=path, clock=time.thread_time)
    yield "parse"
    buffer.parse()
    for turn in range(4):
        at = dice.randrange(len(text.data) + 1)
        for name, ask in questions(buffer, text.data, at, dice.choice(TOKENS)):
            yield f"{turn} {name} at {at}"
            ask()
        for _ in range(dice.choice([1, 3])):
            start = dice.randrange(len(text.data) + 1)
            end = min(start + dice.choice([0, 0, 1, 40]), len(text.data))
            yield f"{turn} edit {start} {end}"
            buffer.edit([text.splice(start, end, dice.choice(TOKENS))], text.data)
        for pause in range(dice.choice([0, 1, 10])):
            yield f"{turn} pause {pause}"
            buffer.step()
        yield f"{turn} sanity"
        check(buffer.functions(), len(text.data), text.data.count(b"\n") + 1)


def questions(buffer: Buffer, data: bytes, at: int, insert: bytes) -> tuple[tuple[str, Callable[[], object]], ...]:
    """All that can be asked of a buffer at a place."""
    from codriver.syntax import predictor, surroundings

    return (
        ("facts", lambda: buffer.facts(at)),
        ("facts of a range", lambda: buffer.facts((at, at + 500))),
        ("facts of all", buffer.facts),
        ("functions", buffer.functions),
        ("function_at", lambda: buffer.function_at(at)),
        ("imports", buffer.imports),
        ("frameworks", buffer.frameworks),
        ("errors", buffer.errors),
        ("string", lambda: buffer.in_string_or_comment(at)),
        ("block", lambda: buffer.at_block_start(at)),
        ("word", lambda: buffer.inside_word(at)),
        ("errors_with", lambda: buffer.errors_with(insert, at, min(at + 3, len(data)))),
        ("size", buffer.size),
        ("size of a range", lambda: buffer.size((at, at + 500))),
        ("surroundings", lambda: buffer.surroundings(at)),
        ("excerpt", lambda: buffer.excerpt(at, min(at + 20, len(data)), 3000)),
        ("alike", lambda: surroundings.alike(surroundings.sight(data, at), [data])),
        ("predict", lambda: predictor.predict(data[:at], data[at:])),
    )


def check(functions: Sequence[Function], size: int, lines: int) -> None:
    """Numbers that hold together, whatever was read."""
    for function in functions:
        assert 0 <= function.start_byte <= function.end_byte <= size, function
        assert 1 <= function.start_line <= function.end_line <= lines, function
        assert min(function.cyclomatic, function.cognitive, function.nesting, function.parameters) >= 0, function


def work() -> None:
    """The worker: seeds come in a line each, and every step is told before it is done."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    files = [Path(line) for line in json.loads(sys.stdin.readline())]
    for line in sys.stdin:
        seed = int(line)
        try:
            for step in steps(*made(seed, files), random.Random(seed + 1)):
                print(json.dumps({"step": step}), flush=True)
            print(json.dumps({"done": seed}), flush=True)
        except Exception:  # the finding itself
            print(json.dumps({"raised": traceback.format_exc(), "done": seed}), flush=True)


class Worker:
    """A worker process and the watch over it."""

    def __init__(self, files: list[Path]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.heard = b""
        self.steps = 0
        self.longest = (0.0, "")
        """Seconds of the processor, and which step of which seed."""
        self.say(json.dumps([str(path) for path in files]))

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it is gone, which hearing from it will tell
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()

    def run(self, seed: int) -> str:
        """What was found with this seed; "" for nothing. After a hang or a crash the worker is gone."""
        self.say(str(seed))
        step, since = "start", self.spent()
        while True:
            while b"\n" not in self.heard:
                if not self.hear():
                    return f"crash ({self.process.wait()}) in {step}"
                if self.spent() - since > STEP and b"\n" not in self.heard:
                    self.end()
                    return f"hang in {step}"
            line, self.heard = self.heard.split(b"\n", 1)
            told = json.loads(line)
            self.steps += 1
            self.longest = max(self.longest, (self.spent() - since, f"seed {seed}, {step}"))
            if "done" in told:
                return f"raised in {step}\n{told['raised']}" if "raised" in told else ""
            step, since = told["step"], self.spent()

    def hear(self) -> bool:
        """Waits a little for what the worker says; False when it will say nothing more."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 0.5)
        if not ready:
            return True
        said = os.read(self.process.stdout.fileno(), 65_536)
        self.heard += said
        return bool(said)

    def spent(self) -> float:
        """Seconds of the processor this worker has used: the machine may be busy with other things."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return time.monotonic()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Run:
    """What a run has to say."""

    texts: int = 0
    steps: int = 0
    longest: tuple[float, str] = (0.0, "")
    found: list[str] = field(default_factory=list)

    def ended(self, worker: Worker) -> None:
        self.steps += worker.steps
        self.longest = max(self.longest, worker.longest)

    def __str__(self) -> str:
        kinds = ", ".join(
            f"{sum(f': {kind} ' in line for line in self.found)} {name}"
            for kind, name in (("crash", "crashes"), ("hang", "hangs"), ("raised", "exceptions"))
        )
        return (
            f"{self.texts} texts, {self.steps} steps: {kinds}; longest step {self.longest[0]:.2f} s ({self.longest[1]})"
        )


def fuzz(seeds: Iterator[int], seconds: float, out: Path, folders: list[Path]) -> Run:
    """Runs seeds until the time is over. Findings are saved in `out`."""
    files, run = corpus(folders), Run()
    worker, end = Worker(files), time.monotonic() + seconds
    for seed in seeds:
        if time.monotonic() > end:
            break
        run.texts += 1
        told = worker.run(seed)
        if told:
            path, language, data = made(seed, files)
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{seed}.txt").write_text(f"{told}\npath {path}\nlanguage {language}\nbytes {len(data)}\n")
            (out / f"{seed}.bin").write_bytes(data)
            run.found.append(
                f"seed {seed}: {told.strip().splitlines()[0]} / {told.strip().splitlines()[-1]} ({path or language})"
            )
            print(run.found[-1], flush=True)
        if worker.process.poll() is not None:
            run.ended(worker)
            worker = Worker(files)
    run.ended(worker)
    worker.end()
    return run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--start", type=int, default=None, help="first seed; without one every run is another")
    parser.add_argument("--seed", type=int, default=None, help="only this one")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "codriver-fuzz")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work()
        return 0
    first = asked.start if asked.start is not None else int(time.time()) * 1000
    seeds = iter([asked.seed]) if asked.seed is not None else iter(range(first, sys.maxsize))
    run = fuzz(seeds, asked.seconds, asked.out, everywhere())
    print(f"{run}{f'; saved in {asked.out}' if run.found else ''}")
    return 1 if run.found else 0


if __name__ == "__main__":
    sys.exit(main())
