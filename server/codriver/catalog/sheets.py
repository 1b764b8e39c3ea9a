"""Which generated facts count: the shipped ones, or newer ones that `codriver models refresh` fetched.

What was fetched lies in one file, so that it is replaced as a whole, under a checksum, so that a part of it is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from codriver.catalog.facts import FOLDER, BadFacts, Known, Sheet, read, write

_MARK = b"sha256:"


class Sheets:
    """Facts by provider, read when first asked for. `complaint` says why what was fetched is not used, if so."""

    def __init__(self, fetched: Path | None = None, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._fetched: Mapping[str, bytes] = {}
        self.complaint = ""
        if fetched is not None and fetched.exists():
            try:
                self._fetched = opened(fetched.read_bytes())
            except (BadFacts, OSError) as bad:
                self.complaint = f"{fetched}: {bad}. The shipped prices are used; `codriver models refresh` mends it."

    def find(self, provider: str) -> Known | None:
        """The newer facts of a provider; None where there are none. Raises BadFacts for a broken shipped file."""
        try:
            shipped = Known((self._folder / f"{provider}.json").read_bytes())
        except FileNotFoundError:
            shipped = None
        if provider not in self._fetched:
            return shipped
        newer = Known(self._fetched[provider])
        return newer if shipped is None or release(newer.tables) > release(shipped.tables) else shipped


def release(tables: Mapping[str, str]) -> tuple[tuple[int, ...], ...]:
    """Versions of the tables as something to compare; the dated table first, for it is what a refresh renews."""
    return tuple(
        tuple(int(part) for part in tables.get(name, "").split(".") if part.isdigit())
        for name in ("genai-prices", "litellm")
    )


def shipped(folder: Path = FOLDER) -> dict[str, Sheet]:
    """Every shipped sheet, looked through. Raises BadFacts."""
    return {path.stem: read(path.read_bytes()) for path in sorted(folder.glob("*.json"))}


def closed(sheets: Iterable[Sheet]) -> bytes:
    """Sheets as one file under a checksum, every one looked through first. Raises BadFacts."""
    written = {sheet.provider: write(sheet) for sheet in sheets}
    for name, data in written.items():
        try:
            read(data)
        except BadFacts as bad:
            raise BadFacts(f"{name}: {bad}") from None
    body = b"{%s}\n" % b",\n".join(b'"%s":%s' % (name.encode(), written[name].strip()) for name in sorted(written))
    return _MARK + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def opened(data: bytes) -> dict[str, bytes]:
    """The sheets of such a file by provider. Raises BadFacts for anything that is not one, whole."""
    head, _, body = data.partition(b"\n")
    if head != _MARK + hashlib.sha256(body).hexdigest().encode():
        raise BadFacts("not a whole file of prices: its checksum does not fit")
    try:
        return {name: bytes(raw) for name, raw in msgspec.json.decode(body, type=dict[str, msgspec.Raw]).items()}
    except msgspec.DecodeError as bad:
        raise BadFacts(str(bad)) from None
