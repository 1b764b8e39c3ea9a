"""The process at the near end of stdio, for an editor or an agent: its arguments, and a stdout for the protocol alone.

Standard library only: it must be up before anybody notices.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple


class Options(NamedTuple):
    """The arguments of `codriver lsp` and `codriver mcp`; `daemon` are those a daemon we start gets."""

    client: int | None = None
    standalone: bool = False
    simulate: bool = False
    config: str | None = None
    error: str = ""

    @property
    def daemon(self) -> list[str]:
        config = ["--config", self.config] if self.config else []
        return [*config, *(["--simulate"] if self.simulate else [])]


def understood(command: str, usage: str, arguments: Sequence[str]) -> Options | int:
    """The options; or the exit code of a command that ends here, told its usage or that its arguments are wrong."""
    if {"-h", "--help"} & set(arguments):
        sys.stdout.write(f"{usage}\n")
        return 0
    options = parse(arguments)
    if options.error:
        sys.stderr.write(f"codriver {command}: {options.error}\n{usage}\n")
        return 2
    return options


def parse(arguments: Sequence[str]) -> Options:
    """Reads argv by hand: an argument parser would cost more than all the rest."""
    options, rest = Options(), list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name in ("--clientProcessId", "--config"):
            value = value if equals else (rest.pop(0) if rest else "")
            if name == "--config" and value:
                options = options._replace(config=os.path.abspath(value))
            elif value.isdigit():
                options = options._replace(client=int(value))
            else:
                return options._replace(error=f"{name} needs a value")
        elif name == "--standalone":
            options = options._replace(standalone=True)
        elif name == "--simulate":
            options = options._replace(simulate=True)
        elif name != "--stdio":
            return options._replace(error=f"unknown argument {name}")
    return options


def take_stdout() -> int:
    """A private descriptor for the protocol; whatever prints to stdout from now on lands on stderr."""
    out = os.dup(1)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (0, out):
            msvcrt.setmode(descriptor, os.O_BINARY)
    return out


def write(out: int, frames: bytes) -> None:
    """All of it. Raises OSError when nobody reads any more."""
    view = memoryview(frames)
    while view:
        view = view[os.write(out, view) :]
