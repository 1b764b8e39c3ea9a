"""`codriver ...`: argv -> one of the commands, each in a module of its own. Everything heavy is imported on use."""

from __future__ import annotations

import os
import sys


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. The exit code: 0 done, 1 failed, 2 wrong usage or settings, 3 runs already, 130 interrupted."""
    from codriver.cli.terminal import Complaint
    from codriver.errors import CodriverError, ConfigError

    try:
        try:
            from codriver.cli.application import application

            application()(args=arguments, prog_name="codriver")
        finally:
            sys.stdout.flush()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (head, less) has seen enough; the flush at exit must not complain about it either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Complaint as complaint:
        return _failed(str(complaint), complaint.code)
    except ConfigError as error:
        return _failed(str(error), 2)
    except (CodriverError, OSError) as error:
        return _failed(str(error), 1)
    except Exception as error:  # the end of the command: one line in place of a traceback
        if os.environ.get("CODRIVER_TRACEBACK"):
            raise
        text = f"something unforeseen happened ({type(error).__name__}: {error}); CODRIVER_TRACEBACK=1 shows where"
        return _failed(text, 1)
    return 0


def _failed(text: str, code: int) -> int:
    print(f"codriver: {text}", file=sys.stderr)
    return code
