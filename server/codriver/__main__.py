"""The door: decides on argv before anything heavy is imported."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs `codriver ...`; the result is the exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["lsp"]:
        from codriver.fronts.lsp.forwarder import main as forward

        return forward(arguments[1:])
    if arguments[:1] == ["mcp"]:
        from codriver.cli.mcp import main as carry

        return carry(arguments[1:])
    if arguments[:1] == ["serve"] and "--from-forwarder" in arguments:
        from codriver.daemon import main as serve

        return serve(arguments[1:])
    from codriver.cli import main as command

    return command() or 0


if __name__ == "__main__":
    sys.exit(main())
