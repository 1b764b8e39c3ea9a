"""Where Codriver keeps its files. Standard library only at import: the forwarder uses it.

CODRIVER_HOME moves everything into one folder; else the platform's own folders are used.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders and files of one installation."""

    config: Path
    state: Path
    run: Path

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def token(self) -> Path:
        return self.state / "token"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.sqlite3"

    @property
    def prices(self) -> Path:
        """Price tables newer than the shipped ones, once `codriver models refresh` fetched some."""
        return self.state / "prices.json"

    @property
    def parsed(self) -> Path:
        """The shipped provider files as they were parsed the last time; may be removed at any time."""
        return self.state / "providers.json"

    @property
    def log(self) -> Path:
        return self.state / "daemon.log"

    @property
    def lock(self) -> Path:
        return self.run / "daemon.lock"

    @property
    def daemon(self) -> Path:
        """JSON about the running daemon: pid, version, where it listens."""
        return self.run / "daemon.json"

    def socket(self, name: str) -> Path:
        """A Unix socket's path: in the run folder, or in the temporary one when that is too long.

        The kernel's limit is about 104 bytes, and deep homes exceed it.
        """
        path = self.run / f"{name}.sock"
        if len(os.fsencode(path)) <= 100:
            return path
        # Imported here: the forwarder pays for every module, and few homes are that deep.
        import hashlib
        import tempfile

        digest = hashlib.sha256(os.fsencode(self.run)).hexdigest()[:12]
        uid = os.getuid() if hasattr(os, "getuid") else "user"
        return Path(tempfile.gettempdir()) / f"codriver-{uid}-{digest}" / f"{name}.sock"

    def create(self) -> None:
        """Makes the folders, readable by their owner only. Raises OSError."""
        for folder in {self.config, self.state, self.run, self.socket("lsp").parent}:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # A folder below /tmp may have been made by somebody else before us.
            if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
                raise PermissionError(f"{folder} belongs to another user; remove it or set CODRIVER_HOME")


def find(environ: dict[str, str] | os._Environ[str] = os.environ) -> Paths:
    """The paths of this user, or of CODRIVER_HOME."""
    home = environ.get("CODRIVER_HOME")
    if home:
        root = Path(home).expanduser().absolute()
        return Paths(root, root, root)
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("codriver", appauthor=False)
    state = Path(dirs.user_state_dir)
    # Only a login session of Linux has a folder that lives just as long. On Windows and macOS the temporary
    # one stands in for it, which is swept while the daemon runs: nobody would find it then.
    session = sys.platform not in ("darwin", "win32") and environ.get("XDG_RUNTIME_DIR")
    return Paths(Path(dirs.user_config_dir), state, Path(dirs.user_runtime_dir) if session else state / "run")
