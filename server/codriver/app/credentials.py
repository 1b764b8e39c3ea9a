"""Who may come in and what goes out: this installation's own token, and the providers' keys."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from codriver.errors import StoreError
from codriver.paths import Paths
from codriver.upstream.keys import KEY_FILE, Keys, read_key_file


def keys_of(paths: Paths, environ: Mapping[str, str], own: str, handed: Mapping[str, str] | None = None) -> Keys:
    """The providers' keys. After `eval "$(codriver env)"` our own token stands where a key would: it is none.

    handed: keys out of an editor's own safe, by provider. Raises ConfigError for a key file that cannot be read.
    """
    theirs = {name: value for name, value in environ.items() if value.strip() != own}
    return Keys(theirs, file=read_key_file(paths.config / KEY_FILE), handed=handed)


def token(paths: Paths) -> str:
    """This installation's token, made on first use in a file only its owner can read. Raises StoreError."""
    try:
        return _held_token(paths.token) or _new_token(paths.token)
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{paths.token}: {error}. Remove the file and a new token is made.") from error


def _held_token(file: Path) -> str:
    try:
        held = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
    if os.name == "posix" and file.stat().st_mode & 0o077:
        file.chmod(0o600)
    return held if len(held) >= 16 else ""


def _new_token(file: Path) -> str:
    fresh = f"cdr-{secrets.token_urlsafe(32)}"
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
        out.write(fresh + "\n")
    try:
        # Two processes may be first at once: the link fails for the later one, which takes the other's.
        os.link(draft, file)
    except OSError:
        held = _held_token(file)
        if held:
            return held
        # What is there is no token, or there are no hard links (FAT, some shared folders).
        os.replace(draft, file)
        return _held_token(file)
    finally:
        draft.unlink(missing_ok=True)
    return fresh
