"""Files changed so that it can be undone: what was there lies in the state folder before anything is written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from codriver.cli.connect.editing import Done


@dataclass(frozen=True, slots=True)
class Change:
    """One file: its bytes before (None: it is not there) and after (None: it goes), and what undoes it.

    base: the bytes an undo restores, which are older than `before` where it was connected already.
    """

    path: Path
    format: str
    before: bytes | None
    after: bytes | None
    base: bytes | None = None
    done: tuple[Done, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal says of one file. base: None where there was no file. folders: those that were made."""

    path: Path
    format: str
    base: bytes | None
    digest: str
    done: tuple[Done, ...]
    folders: tuple[Path, ...]

    def untouched(self, now: bytes | None) -> bool:
        """Whether the file is as it was left."""
        return now is not None and hashlib.sha256(now).hexdigest() == self.digest


def read(folder: Path) -> dict[Path, Entry]:
    """The entries of one client by path. Raises ValueError when the journal is damaged, OSError."""
    try:
        rows = json.loads((folder / "journal.json").read_bytes())
    except FileNotFoundError:
        return {}
    try:
        return {Path(row["path"]): _entry(folder, row) for row in rows}
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is damaged: {error!r}") from None


def _entry(folder: Path, row: dict[str, Any]) -> Entry:
    made = tuple(Done(**{**one, "path": tuple(one["path"])}) for one in row["done"])
    base = present(folder / row["backup"]) if row["backup"] else None
    if row["backup"] and base is None:
        raise ValueError(f"its backup {row['backup']} is not there")
    folders = tuple(map(Path, row["folders"]))
    return Entry(Path(row["path"]), str(row["format"]), base, str(row["digest"]), made, folders)


def carry_out(folder: Path, changes: Sequence[Change], entries: dict[Path, Entry]) -> None:
    """Writes the journal, then the files. Raises OSError."""
    keep(folder, changes, entries)
    for change in changes:
        if change.after is not None and change.after != change.before:
            write(change.path, change.after)


def take_back(folder: Path, changes: Sequence[Change], entries: dict[Path, Entry]) -> None:
    """Writes the files as they are to be without us, then forgets the journal. Raises OSError."""
    for change in changes:
        if change.after is None:
            remove(change.path, entries[change.path].folders)
        else:
            write(change.path, change.after)
    forget(folder)


def keep(folder: Path, changes: Sequence[Change], before: dict[Path, Entry]) -> None:
    """Writes the backups and the journal of one client, readable by their owner only. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    rows = []
    for number, change in enumerate(changes):
        backup = f"{number}-{change.path.name}.before" if change.base is not None else ""
        if change.base is not None:
            write(folder / backup, change.base)
        earlier = before.get(change.path)
        folders = earlier.folders if earlier else _missing(change.path.parent)
        digest = hashlib.sha256(change.after or b"").hexdigest()
        rows.append(
            {"path": str(change.path), "format": change.format, "backup": backup, "digest": digest,
             "folders": [str(made) for made in folders], "done": [asdict(one) for one in change.done]}
        )  # fmt: skip
    write(folder / "journal.json", json.dumps(rows, indent=1).encode())


def stale(changes: Sequence[Change]) -> Path | None:
    """The first file that is not any more as it was when the changes were planned."""
    return next((change.path for change in changes if present(change.path) != change.before), None)


def present(path: Path) -> bytes | None:
    """A file's bytes; None where there is none. Raises OSError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def exposed(changes: Sequence[Change], token: str) -> list[Path]:
    """Those of the files with the token in them that other users can read."""
    held = [change.path for change in changes if token.encode() in (change.after or b"")]
    return [path for path in held if os.name == "posix" and path.stat().st_mode & 0o044]


def forget(folder: Path) -> None:
    """Takes one client's journal and backups away."""
    shutil.rmtree(folder, ignore_errors=True)


def write(path: Path, content: bytes) -> None:
    """Replaces a file whole or not at all; a link stays one, the mode stays, a new file is its owner's alone."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            os.chmod(name, stat.S_IMODE(path.stat().st_mode))
        os.replace(name, path)
    except BaseException:  # also when interrupted: no draft stays behind
        Path(name).unlink(missing_ok=True)
        raise


def remove(path: Path, folders: Sequence[Path]) -> None:
    """Takes a file away that was made, and the folders that were made for it, where nobody else uses them."""
    path.unlink(missing_ok=True)
    for folder in sorted(folders, key=lambda made: -len(made.parts)):
        try:
            folder.rmdir()
        except OSError:
            return


def _missing(folder: Path) -> tuple[Path, ...]:
    return tuple(made for made in (folder, *folder.parents) if not made.exists())
