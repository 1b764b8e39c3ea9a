"""tabby-agent from npm, installed once into the user's cache: its language server, and what its backend has to answer.

Its telemetry is off before it ever starts: the settings lie in a home of its own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "fronts" / "lsp"))

from lsp_client import Client

PACKAGE = "tabby-agent@1.5.0"
CACHE = Path.home() / ".cache" / "codriver-completion" / "npm"
SETTINGS = """\
[server]
endpoint = "http://127.0.0.1:{port}"
token = "none"
[logs]
level = "silent"
[anonymousUsageTracking]
disable = true
{more}
"""
AT_ONCE = '[completion.debounce]\nmode = "fixed"\ninterval = 0\n'
HEALTH = {
    "model": "fast", "device": "cpu", "arch": "x86_64", "cpu_info": "", "cpu_count": 1, "cuda_devices": [],
    "version": {"build_date": "", "build_timestamp": "", "git_sha": "", "git_describe": "v0.11.0"},
    "disable_client_side_telemetry": True,
}  # fmt: skip
"""What its backend answers when asked how it is."""


def filled(text: str) -> bytes:
    """The backend's answer to a completion."""
    return json.dumps({"id": "cmpl-1", "choices": [{"index": 0, "text": text}]}).encode()


def available() -> str:
    """ "" when it is installed now, else why it cannot be had."""
    if _cli().is_file():
        return ""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "npm and node are needed"
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [npm, "i", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", str(CACHE), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    return "" if _cli().is_file() else f"npm: {done.stderr.strip()[-300:] or 'not installed'}"


def start(home: Path, port: int, more: str = AT_ONCE) -> Client:
    """Its language server over stdio, with a backend at this port and further settings."""
    folder = home / ".tabby-client" / "agent"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(SETTINGS.format(port=port, more=more))
    environ = {"HOME": str(home), "TABBY_DISABLE_USAGE_COLLECTION": "1"}
    return Client(["node", str(_cli()), "--lsp", "--stdio"], environ)


def _cli() -> Path:
    return CACHE / "node_modules" / "tabby-agent" / "dist" / "cli.js"
