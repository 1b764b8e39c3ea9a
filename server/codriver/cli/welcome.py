"""What `codriver serve` tells a person once it listens: who answers, and how to use it from here."""

from __future__ import annotations

import json
import shlex
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codriver.app import App


def next_steps(app: App, found: dict[str, Any]) -> str:
    """The text. found: what daemon.json says."""
    http = found.get("http")
    lines = [_answers(app), ""]
    if http is None:
        return "\n".join([*lines, "No TCP port: agents reach it only by its Unix socket."])
    host = f"[{http['host']}]" if ":" in http["host"] else http["host"]
    base = f"http://{host}:{http['port']}"
    hello = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "Say hello"}]})
    shell = (
        f"curl {base}/v1/chat/completions -H {shlex.quote(f'Authorization: Bearer {app.token}')} "
        f"-H 'Content-Type: application/json' -d {shlex.quote(hello)}"
    )
    return "\n".join(
        [
            *lines,
            f"  base URL   {base}/v1        (Anthropic clients: {base})",
            f"  key        {app.token}",
            f"  try it     {shell}",
            f'  agents     eval "$({_command()} env)"',
            f"  editors    {_command()} lsp        (the language server command; see editors/ and vscode-extension/)",
            f"  look       {_command()} status, models, doctor, route FILE:LINE",
            "",
            "Ctrl-C stops it.",
        ]
    )


def _answers(app: App) -> str:
    usable = [offer for offer in app.offers() if not offer.missing]
    real = [offer for offer in usable if not offer.provider.simulated]
    if not real:
        return (
            "No provider's key was found and no local server answers, so the SIMULATOR answers: its texts are "
            "simulated, no model is asked.\nCompletions come from the local predictor first. Set a key such as "
            "OPENAI_API_KEY, or start Ollama, for real answers."
        )
    names = ", ".join(sorted({offer.provider.title for offer in real}))
    more = " The simulator's models are there too (--simulate); their answers are simulated." if usable != real else ""
    return f"{len(real)} models can be called, of {names}.{more}"


def _command() -> str:
    """How this installation is called from a shell."""
    import sys
    from pathlib import Path

    found = shutil.which("codriver")
    own = Path(sys.executable).with_name("codriver")
    if found is not None and Path(found).resolve() == own.resolve():
        return "codriver"
    return str(own) if own.exists() else f"{sys.executable} -m codriver"
