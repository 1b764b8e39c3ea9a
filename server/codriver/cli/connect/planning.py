"""What connecting and disconnecting a client would change: files read, nothing written."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codriver.cli.connect import editing
from codriver.cli.connect.clients import Client, Target
from codriver.cli.connect.formats import Broken, named
from codriver.cli.connect.journal import Change, Entry, present

_SECRET = re.compile(
    r"((?:key|token|secret|password)[\w-]*[\"']?[ \t]*[:=][ \t]*[\"']?)([^\s\"',{\[]{4})[^\s\"',]+", re.I
)


class Refused(Exception):
    """A client's file cannot be edited; says which and why."""


@dataclass(frozen=True, slots=True)
class Undoing:
    """An undo: what changes, and what stays because somebody has changed it since."""

    changes: tuple[Change, ...]
    left: tuple[str, ...]


def state(client: Client) -> str:
    """`yes`, `no` or `partly`: whether the client's files point here; `unreadable` where one is broken."""
    held = []
    for target in client.targets:
        try:
            held.append(editing.holds(named(target.format), _text(present(target.path), target.path), target.settings))
        except (Refused, Broken, OSError):
            return "unreadable"
    if not held:
        return ""
    return "yes" if all(held) else "partly" if any(held) else "no"


def connecting(client: Client, entries: dict[Path, Entry]) -> tuple[Change, ...]:
    """The changes that point a client here; none where it does already. Raises Refused, OSError."""
    changes = [_connected(target, entries.get(target.path)) for target in client.targets]
    if all(change.before == change.after for change in changes):
        return ()
    elsewhere = entries.keys() - {change.path for change in changes}
    if elsewhere:
        raise Refused(f"{min(elsewhere)} was connected before, and another file counts now; take it back first: --undo")
    return tuple(changes)


def disconnecting(entries: dict[Path, Entry]) -> Undoing:
    """The changes that take back what was done. Raises Refused, OSError."""
    changes, left = [], []
    for path, entry in entries.items():
        now = present(path)
        if now is None:
            continue
        base, stayed = _undone(now, entry)
        changes.append(Change(path, entry.format, now, base))
        left += [f"{path}: {name}" for name in stayed]
    return Undoing(tuple(change for change in changes if change.before != change.after), tuple(left))


def difference(change: Change, token: str) -> str:
    """A unified diff of a file, in which keys are hidden but for their first letters."""
    before, after = (_shown(side, token) for side in (change.before, change.after))
    old, new = (str(change.path) if side is not None else "/dev/null" for side in (change.before, change.after))
    return "".join(_ended(line) for line in difflib.unified_diff(before, after, old, new))


def _connected(target: Target, entry: Entry | None) -> Change:
    now, form = present(target.path), named(target.format)
    text = _text(now, target.path)
    try:
        if editing.holds(form, text, target.settings):
            base, done = (entry.base, entry.done) if entry else (now, ())
            return Change(target.path, target.format, now, now, base, done)
        base = _undone(now, entry)[0] if entry is not None and now is not None else now
        _, done = editing.apply(form, _text(base, target.path), target.settings)
        after, _ = editing.apply(form, text, target.settings)
        settled = tuple(replace(one, after=form.raw(after, one.path) or "") for one in done)
    except Broken as error:
        raise Refused(f"{target.path}: {error}") from None
    return Change(target.path, target.format, now, after.encode(), base, settled)


def _undone(now: bytes, entry: Entry) -> tuple[bytes | None, tuple[str, ...]]:
    """What a file was before it was connected; with changes since, what it would be without ours."""
    if entry.untouched(now):
        return entry.base, ()
    try:
        text, left = editing.revert(named(entry.format), _text(now, entry.path), entry.done)
    except Broken as error:
        raise Refused(f"{entry.path}: {error}") from None
    if entry.base is None and text.strip() in ("", "{}"):
        return None, left
    return text.encode(), left


def _text(content: bytes | None, path: Path) -> str:
    try:
        return (content or b"").decode()
    except UnicodeDecodeError:
        raise Refused(f"{path}: it is not UTF-8 text") from None


def _shown(content: bytes | None, token: str) -> Sequence[str]:
    text = (content or b"").decode().replace(token, f"{token[:4]}...") if token else (content or b"").decode()
    return _SECRET.sub(r"\1\2...", text).splitlines(keepends=True)


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
