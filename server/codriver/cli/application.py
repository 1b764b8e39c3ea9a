"""The command line as a typer application: each command by its name, in the order in which the help shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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


COMMANDS: Mapping[str, Callable[..., None]] = {
    "serve": serve.serve,
    "stop": serve.stop,
    "status": serve.status,
    "lsp": lsp,
    "mcp": mcp,
    "route": route.route,
    "ask": ask.ask,
    "review": review.review,
    "explain": task.explain,
    "tests": task.write_tests,
    "document": task.document,
    "commit-message": task.commit_message,
    "stats": stats.stats,
    "dashboard": dashboard.dashboard,
    "replay": replay.replay,
    "experiments": experiments.experiments,
    "analyze": analyze.analyze,
    "eval": evaluate.evaluate,
    "train": train.train,
    "connect": connect.connect,
    "env": env.env,
    "doctor": doctor.doctor,
    "version": version,
}

GROUPS: Mapping[str, Callable[[], typer.Typer]] = {"models": models.group, "batch": batch.group, "config": config.group}

PASSED_ON = ("lsp", "mcp")
"""Their arguments go on as they are, to what reads them without typer."""


def application() -> typer.Typer:
    """All commands, ready to be called with argv."""
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
    for name, command in COMMANDS.items():
        app.command(name, context_settings={"ignore_unknown_options": name in PASSED_ON})(command)
    for name, group in GROUPS.items():
        app.add_typer(group(), name=name)
    return app
