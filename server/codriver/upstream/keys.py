"""Provider keys: where they are looked for, and the care with which they are handled.

The order is: what an editor handed over, what the config names (`env:NAME`), the variables everybody uses, the key
file.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from codriver.errors import ConfigError
from codriver.model.provider import Provider

KEY_FILE = "keys.toml"


class Keys:
    """The keys of one installation. Its repr, and so every log and traceback, shows none."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        file: Mapping[str, str] | None = None,
        named: Mapping[str, str] | None = None,
        handed: Mapping[str, str] | None = None,
    ) -> None:
        """file: from `read_key_file`. named: provider -> "env:NAME", as the config has it. handed: provider -> key, out
        of an editor's own safe; kept in memory alone.

        Raises ConfigError for a `named` value that is not of that form: a key does not belong in
        the config file.
        """
        self._environ = dict(environ)
        self._file = dict(file or {})
        self._handed = dict(handed or {})
        self._named = {name: _variable(name, source) for name, source in (named or {}).items()}

    def lookup(self, provider: Provider) -> str | None:
        """The key, or None when there is none. Raises ConfigError for one that cannot be sent."""
        held = self._handed.get(provider.name, "").strip()
        if held:
            return _sendable(held, "the editor", provider.name)
        for variable in self.variables(provider):
            key = self._environ.get(variable, "").strip()
            if key:
                return _sendable(key, "the environment", variable)
        key = self._file.get(provider.name, "").strip()
        return _sendable(key, KEY_FILE, provider.name) if key else None

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment the keys are looked for in: for logins, which look there too."""
        return self._environ

    def variables(self, provider: Provider) -> tuple[str, ...]:
        """The environment variables asked for this provider's key, in order."""
        named = self._named.get(provider.name)
        return provider.key_env if named is None else (named, *provider.key_env)

    def __repr__(self) -> str:
        return "Keys(...)"


def read_key_file(path: Path) -> dict[str, str]:
    """`provider = "key"` lines; empty when there is no file.

    Raises ConfigError when others can read it (POSIX), or it is not such a file. The text of a
    parser's complaint is left out: it could quote a key.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise ConfigError(str(path), "", "other users of this machine can read it", f"Run: chmod 600 {path}")
            content = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        remedy = 'Each line is: provider = "key"'
        raise ConfigError(str(path), "", "it is not valid TOML", remedy) from None
    except OSError as error:
        raise ConfigError(str(path), "", f"it cannot be read: {error.strerror}", "Check its owner and mode") from error
    for name, value in content.items():
        if not isinstance(value, str):
            raise ConfigError(str(path), name, "its value is not text", f'Write: {name} = "key"')
    return content


def _variable(provider: str, source: str) -> str:
    scheme, _, name = source.partition(":")
    if scheme != "env" or not name.strip():
        reason = "a key is not written into this file"
        raise ConfigError("config.toml", f"providers.{provider}.key", reason, 'Write "env:NAME", or use keys.toml')
    return name.strip()


def _sendable(key: str, place: str, name: str) -> str:
    """Keys travel in a header: printable ASCII only, or the request would be cut in two."""
    if not (key.isascii() and key.isprintable()):
        reason = "the key holds a line break or another character no key has"
        raise ConfigError(place, name, reason, "Copy it again")
    return key
