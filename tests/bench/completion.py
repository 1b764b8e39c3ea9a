"""What Codriver adds to a completion, beside tabby-agent in the same run, with an upstream that answers both at once.

From asking to the answer over stdio, the change just before it included, the local predictor asked too, in Python and
TypeScript files of 100, 1,000, 10,000 and 50,000 lines; both take turns, so that both have the same weather. What
nobody can save is in it, and told first: a request to the daemon that does nothing, and the upstream's own answer.
tabby-agent 1.5.0 has no inlineCompletion: its textDocument/completion is asked, its debounce off; ours is asked as by a
key, for which nobody waits either. Then the daemon's memory with 50 open buffers of 1,000 lines.
Ends with 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tabby
from editing import CONFIG, LANGUAGES, source
from processes import codriver, script

sys.path.insert(0, str(Path(__file__).parent.parent / "fronts" / "lsp"))

from lsp_client import Client, change, codriver_lsp, position

AIMS = {100: 2.0, 1_000: 2.0, 10_000: 4.0, 50_000: 12.0}
"""Lines -> milliseconds at the median."""
SHARES = {100: 0.2, 1_000: 0.1, 10_000: 0.1, 50_000: 0.1}
"""Lines -> the most of tabby-agent's median."""
KEYS, FEWER = 120, 24
"""Completions measured; of the peer in long files, where each takes a second."""
BUFFERS, MEMORY = 50, 150.0
OURS = CONFIG.replace("predictor = false", "predictor = true\nalternatives = 1")


class Editor:
    """A file open in one server, in which a line is typed character by character."""

    def __init__(self, client: Client, method: str, language: str, lines: int) -> None:
        self._client, self._method = client, method
        self.uri = f"file:///work/bench{lines}{LANGUAGES[language][1]}"
        text = source(language, lines)
        rows = text.split("\n")
        self._row = next(n for n in range(len(rows) // 2, len(rows)) if not rows[n].strip())
        client.open(self.uri, text, language)
        begin = LANGUAGES[language][2]
        self._version, self._column = 2, len(begin)
        client.change(self.uri, 2, change((self._row, 0), (self._row, 0), begin + "\n"))

    def type(self, n: int) -> float:
        """One more character, then a completion: milliseconds from before the one until after the other."""
        params: dict[str, Any] = {"textDocument": {"uri": self.uri}, "context": {"triggerKind": 1}}
        start = time.perf_counter()
        self._version += 1
        at = (self._row, self._column)
        self._client.change(self.uri, self._version, change(at, at, "ab_cd"[n % 5]))
        self._column += 1
        found = self._client.request(self._method, params | {"position": position(self._row, self._column)})
        spent = (time.perf_counter() - start) * 1e3
        assert found["items"], f"nothing was suggested by {self._method}: {found}"
        return spent

    def close(self) -> None:
        self._client.notify("textDocument/didClose", {"textDocument": {"uri": self.uri}})


def compared(ours: Client, peer: Client | None, language: str, lines: int) -> bool:
    """One row of the table, and whether it holds the aims."""
    mine = Editor(ours, "textDocument/inlineCompletion", language, lines)
    other = Editor(peer, "textDocument/completion", language, lines) if peer is not None else None
    waits, theirs = list[float](), list[float]()
    for n in range(KEYS):
        waits.append(mine.type(n))
        if other is not None and (lines <= 1_000 or n % (KEYS // FEWER) == 0):
            theirs.append(other.type(n))
    mine.close()
    if other is not None:
        other.close()
    del waits[:10], theirs[:3]
    median, aim = statistics.median(waits), AIMS[lines]
    line = f"  {language:11}{lines:6} lines  {_told(waits)}  at most {aim:4.0f}: {'yes' if median <= aim else 'NO '}"
    holds = median <= aim
    if theirs:
        share = median / statistics.median(theirs)
        holds &= share <= SHARES[lines]
        good = "yes" if share <= SHARES[lines] else "NO"
        line += f"  tabby-agent {_told(theirs)}  {share:5.1%} of it, at most {SHARES[lines]:.0%}: {good}"
    print(line, flush=True)
    return holds


def floor(client: Client, upstream: int) -> str:
    """What a request costs that asks for nothing, and the upstream asked directly."""
    body = b'{"prompt":"x"}'
    asked = b"POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    nothing, direct = list[float](), list[float]()
    with socket.create_connection(("127.0.0.1", upstream)) as connection:
        for _ in range(KEYS):
            start = time.perf_counter()
            client.request("getVersion")
            nothing.append((time.perf_counter() - start) * 1e3)
            start = time.perf_counter()
            connection.sendall(asked)
            connection.recv(1 << 16)
            direct.append((time.perf_counter() - start) * 1e3)
    return f"a request for nothing {_told(nothing)}; the upstream asked directly {_told(direct)}"


def _told(values: list[float]) -> str:
    ordered = sorted(values)
    return f"p50 {statistics.median(ordered):8.2f} ms  p99 {ordered[int(len(ordered) * 0.99)]:8.2f}"


def memory(client: Client, pid: int) -> bool:
    """The daemon's resident memory with many open buffers, each of them read and completed in."""
    for n in range(BUFFERS):
        uri = f"file:///work/many{n}.py"
        client.open(uri, source("python", 1_000) + f"\n# {n}\n")
        place: dict[str, Any] = {"textDocument": {"uri": uri}, "position": position(500, 0)}
        client.request("textDocument/inlineCompletion", place | {"context": {"triggerKind": 2}})
        client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    held = pages * 4096 / 1e6
    print(f"  the daemon's memory with {BUFFERS} open buffers of 1,000 lines: {held:.0f} MB  under {MEMORY:.0f}: "
          f"{'yes' if held < MEMORY else 'NO'}")  # fmt: skip
    return held < MEMORY


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alone", action="store_true", help="without tabby-agent")
    parser.add_argument("--lines", nargs="*", type=int, default=list(AIMS))
    parser.add_argument("--languages", nargs="*", default=list(LANGUAGES))
    given = parser.parse_args()
    print("Completion: from the typed character to the suggestion, upstream at once")
    missing = "left out" if given.alone else tabby.available()
    if missing:
        print(f"  tabby-agent is not measured: {missing}")
    holds = list[bool]()
    started = list[Client]()
    with (
        tempfile.TemporaryDirectory() as folder,
        script("fake_upstream.py") as upstream,
        codriver(Path(folder) / "ours", OURS.format(port=upstream)) as about,
    ):
        try:
            ours = _started(started, Client(codriver_lsp(), {"CODRIVER_HOME": str(Path(folder) / "ours")}))
            peer = None if missing else _started(started, tabby.start(Path(folder) / "peer", upstream))
            print(f"  {floor(ours, upstream)}; load {os.getloadavg()[0]:.1f}")
            for language in given.languages:
                holds += [compared(ours, peer, language, lines) for lines in given.lines]
            holds.append(memory(ours, int(str(about["pid"]))))
        finally:
            for client in started:
                client.kill()
    sys.exit(0 if all(holds) else 1)


def _started(started: list[Client], client: Client) -> Client:
    started.append(client)
    client.initialize()
    return client


if __name__ == "__main__":
    main()
