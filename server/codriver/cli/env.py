"""`env`: the variables that point agents and SDKs to Codriver, for a shell to evaluate."""

from __future__ import annotations

import json
import os
import shlex
import sys
from typing import Annotated

import typer

from codriver.cli import client
from codriver.cli.terminal import Complaint
from codriver.model.address import base_url
from codriver.paths import Paths

QUOTE = "'"
SHELLS = ("bash", "zsh", "sh", "fish", "powershell", "pwsh", "json")


def env(
    shell: Annotated[str, typer.Option(help="bash (also sh and zsh), fish, powershell, or json.")] = "",
) -> None:
    """Print the variables agents need: `eval "$(codriver env)"`."""
    shell = shell or own_shell()
    if shell not in SHELLS:
        raise Complaint(f"{shell!r} is no shell known here; there are {', '.join(SHELLS)}", 2)
    found = variables(address(), own_token(client.paths()))
    print(assignments(found, shell))


def own_token(where: Paths) -> str:
    """The token, made now if nothing was ever started."""
    try:
        return client.token(where)
    except Complaint:
        from codriver import app

        where.create()
        return app.token(where)


def variables(base: str, token: str) -> dict[str, str]:
    """The variables, by name. OpenAI's base ends with /v1; Anthropic's clients add that themselves."""
    return {
        "OPENAI_BASE_URL": f"{base}/v1",
        "OPENAI_API_KEY": token,
        "ANTHROPIC_BASE_URL": base,
        "ANTHROPIC_AUTH_TOKEN": token,
        "ANTHROPIC_API_KEY": token,
    }


def address() -> str:
    """Where the daemon listens, or would: scheme, host and port."""
    found = client.whereabouts(client.paths())
    if found is not None and found.get("http"):
        host, port = found["http"]["host"], found["http"]["port"]
    else:
        from codriver import config

        held = config.load(config.where(os.environ), os.environ).http
        host, port = held.host, held.port
        if found is None:
            print("codriver: not running yet; start it with `codriver serve`", file=sys.stderr)
    return base_url(host, port)


def assignments(found: dict[str, str], shell: str) -> str:
    """Assignments in a shell's own language, quoted so that it reads back the very values; else JSON."""
    match shell:
        case "bash" | "sh" | "zsh":
            lines = [f"export {name}={shlex.quote(value)}" for name, value in found.items()]
        case "fish":
            lines = [f"set -gx {name} {_fish(value)}" for name, value in found.items()]
        case "powershell" | "pwsh":
            # Inside single quotes PowerShell knows one special thing: a quote, written twice.
            lines = [f"$env:{name} = '{value.replace(QUOTE, QUOTE * 2)}'" for name, value in found.items()]
        case _:
            return json.dumps(found, indent=2)
    return "\n".join(lines)


def _fish(value: str) -> str:
    """Fish knows two escapes inside single quotes: of the backslash and of the quote."""
    escaped = value.replace("\\", "\\\\").replace(QUOTE, "\\" + QUOTE)
    return f"{QUOTE}{escaped}{QUOTE}"


def own_shell() -> str:
    """The shell of whoever asks, as far as the system says."""
    name = os.path.basename(os.environ.get("SHELL", ""))
    return "fish" if name == "fish" else "powershell" if os.name == "nt" and not name else "bash"
