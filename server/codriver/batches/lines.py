"""A file of requests, checked line by line before any of it runs, and read by place afterwards."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from codriver.batches.record import Problem

ENDPOINTS = {
    "/v1/chat/completions": "openai_chat",
    "/v1/completions": "openai_completions",
    "/v1/embeddings": "openai_embeddings",
    "/v1/responses": "openai_responses",
    "/v1/messages": "anthropic",
}
"""What a line may ask, and its wire. The last is an extension of OpenAI's API."""

MOST_LINES = 50_000
LONGEST_ID = 512
MOST_PROBLEMS = 100
"""Problems told of one file; more would only repeat them."""


class Line(msgspec.Struct, gc=False):
    """One request of a batch. The body stays as it was written."""

    custom_id: str
    method: str
    url: str
    body: msgspec.Raw


class _Named(msgspec.Struct, gc=False):
    model: str
    stream: bool | None = None


_LINE = msgspec.json.Decoder(Line)
_BODY = msgspec.json.Decoder(_Named)


@dataclass(slots=True)
class Index:
    """Where the lines of a file are, in bytes, and what is wrong with it. Small: each batch that waits has one."""

    path: Path
    starts: array[int] = field(default_factory=lambda: array("Q"))
    lengths: array[int] = field(default_factory=lambda: array("Q"))
    problems: list[Problem] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.starts)

    def line(self, number: int) -> Line:
        """The line with this number, from 0; it was sound when it was checked."""
        with self.path.open("rb") as source:
            source.seek(self.starts[number])
            return _LINE.decode(source.read(self.lengths[number]))


def check(path: Path, endpoint: str) -> Index:
    """Reads a whole file: every line is a request for this endpoint with an id of its own. Raises OSError."""
    index = Index(path)
    seen: dict[str, int] = {}
    for number, start, text in _lines(path):
        if len(index.problems) >= MOST_PROBLEMS:
            break
        if len(index) >= MOST_LINES:
            index.problems.append(Problem("too_many_requests", f"A batch has at most {MOST_LINES:,} lines", number))
            break
        problem = _wrong(text, number, endpoint, seen)
        if problem is not None:
            index.problems.append(problem)
        index.starts.append(start)
        index.lengths.append(len(text))
    if len(index) == 0:
        index.problems.append(Problem("empty_file", "The file has no lines"))
    return index


def _lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Number from 1, place and text of each line that is not blank."""
    start = 0
    with path.open("rb") as source:
        for number, text in enumerate(source, start=1):
            if text.strip():
                # A byte order mark, as some Windows tools write it, is no part of the first line.
                mark = 3 if start == 0 and text.startswith(b"\xef\xbb\xbf") else 0
                yield number, start + mark, text[mark:]
            start += len(text)


def _wrong(text: bytes, number: int, endpoint: str, seen: dict[str, int]) -> Problem | None:
    try:
        line = _LINE.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Problem("invalid_json_line", f"This line is not a request: {error}", number)
    found = _of_line(line, number, endpoint, seen)
    seen.setdefault(line.custom_id, number)
    return found


def _of_line(line: Line, number: int, endpoint: str, seen: dict[str, int]) -> Problem | None:
    if not 0 < len(line.custom_id) <= LONGEST_ID:
        return Problem("invalid_custom_id", f"custom_id has 1 to {LONGEST_ID} characters", number, "custom_id")
    if line.custom_id in seen:
        text = f"The custom_id {line.custom_id!r} is used in line {seen[line.custom_id]} already"
        return Problem("duplicate_custom_id", text, number, "custom_id")
    if line.method != "POST":
        return Problem("invalid_method", f"method is 'POST', not {line.method!r}", number, "method")
    if line.url != endpoint:
        text = f"url is the batch's endpoint, {endpoint!r}, not {line.url!r}"
        return Problem("invalid_url", text, number, "url")
    try:
        body = _BODY.decode(line.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Problem("invalid_request", f"The body is no request: {error}", number, "body")
    if body.stream:
        return Problem("invalid_request", "A batch does not stream: leave out stream", number, "body.stream")
    return None
