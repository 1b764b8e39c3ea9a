"""Provider files as they were parsed the last time: reading TOML costs more of a start than all else of the catalog."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from codriver.config import ProviderTable, check, parse
from codriver.errors import ConfigError


class _Held(msgspec.Struct, frozen=True):
    """A file's tables, and what it looked like when they were read. An installer may give all files one time of
    change (reproducible images): the system's own, of the entry, is nobody's to give."""

    changed: tuple[int, int]
    size: int
    tables: dict[str, Any]


class Parsed:
    """Tables by file, from the cache file while the provider's own file is unchanged. No cache is no harm."""

    def __init__(self, cache: Path | None) -> None:
        self._cache = cache
        self._before = _read(cache) if cache is not None else {}
        self._now: dict[str, _Held] = {}

    def table(self, path: Path) -> ProviderTable:
        """The validated table of a provider's file. Raises ConfigError."""
        seen = path.stat()
        changed = (seen.st_mtime_ns, seen.st_ctime_ns)
        held = self._before.get(str(path))
        if held is not None and (held.changed, held.size) == (changed, seen.st_size):
            try:
                table = check(ProviderTable, held.tables, file=str(path))
            except ConfigError:
                pass  # read anew, for the line
            else:
                self._now[str(path)] = held
                return table
        tables, text = parse(path)
        table = check(ProviderTable, tables, file=str(path), text=text)
        self._now[str(path)] = _Held(changed, seen.st_size, tables)
        return table

    def keep(self) -> None:
        """Writes the cache when something was read anew."""
        if self._cache is None or all(self._before.get(path) is held for path, held in self._now.items()):
            return
        draft = self._cache.with_name(f"{self._cache.name}.{os.getpid()}")
        try:
            draft.write_bytes(msgspec.json.encode(self._now))
            os.replace(draft, self._cache)
        except OSError:
            draft.unlink(missing_ok=True)


def _read(cache: Path) -> dict[str, _Held]:
    try:
        return msgspec.json.decode(cache.read_bytes(), type=dict[str, _Held])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
