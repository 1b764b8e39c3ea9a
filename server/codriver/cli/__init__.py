"""`codriver ...`: argv -> one of the commands, each in a module of its own. Everything heavy is imported on use."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. The exit code: 0 done, 1 failed, 2 wrong usage or settings, 3 runs already, 130 interrupted."""
    from codriver.cli.terminal import Complaint
    from codriver.errors import CodriverError, ConfigError

    try:
        try:
            commands()(args=arguments, prog_name="codriver")
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
    except Exception as error:
        if os.environ.get("CODRIVER_TRACEBACK"):
            raise
        text = f"something unforeseen happened ({type(error).__name__}: {error}); CODRIVER_TRACEBACK=1 shows where"
        return _failed(text, 1)
    return 0


def commands() -> typer.Typer:
    """The command line as a typer application."""
    import typer

    from codriver.cli import (
        analyze,
        ask,
        batch,
        config,
        connect,
        dashboard,
        doctor,
        env,
        evaluate,
        experiments,
        models,
        replay,
        review,
        route,
        serve,
        stats,
        task,
        train,
    )

    app = typer.Typer(
        help="Codriver sits beside your editor and calls the right model for every request.",
        epilog="Start with `codriver serve`, then `codriver env` for agents. "
        "Exit codes: 0 done, 1 failed, 2 usage, 3 already running.",
        add_completion=True,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.command()(serve.serve)
    app.command()(serve.stop)
    app.command()(serve.status)
    app.command(context_settings={"ignore_unknown_options": True})(lsp)
    app.command(context_settings={"ignore_unknown_options": True})(mcp)
    app.command()(route.route)
    app.command()(ask.ask)
    app.command()(review.review)
    app.command()(task.explain)
    app.command("tests")(task.write_tests)
    app.command()(task.document)
    app.command("commit-message")(task.commit_message)
    app.add_typer(models.group(), name="models")
    app.command()(stats.stats)
    app.command()(dashboard.dashboard)
    app.command()(replay.replay)
    app.command()(experiments.experiments)
    app.command()(analyze.analyze)
    app.command("eval")(evaluate.evaluate)
    app.command()(train.train)
    app.command()(connect.connect)
    app.command()(env.env)
    app.command()(doctor.doctor)
    app.add_typer(batch.group(), name="batch")
    app.add_typer(config.group(), name="config")
    app.command()(version)
    return app


def lsp(arguments: list[str] | None = None) -> None:
    """Be the language server of one editor, on stdin and stdout; editors start this.

    Options: --stdio, --clientProcessId PID, --standalone (no daemon, all in this process), --simulate, --config FILE.
    """
    from codriver.fronts.lsp.forwarder import main as forward

    raise SystemExit(forward(arguments or []))


def mcp(arguments: list[str] | None = None) -> None:
    """Give an agent read-only tools over stdio (MCP): open buffers with unsaved text, complexity, routes.

    Agents start this. The daemon serves the same over HTTP, at /mcp. Options: --simulate, --config FILE.
    """
    from codriver.cli.mcp import main as carry

    raise SystemExit(carry(arguments or []))


def version() -> None:
    """Print the version."""
    from codriver import __version__

    print(f"codriver {__version__}")


def _failed(text: str, code: int) -> int:
    print(f"codriver: {text}", file=sys.stderr)
    return code
