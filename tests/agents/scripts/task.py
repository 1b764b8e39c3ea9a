"""What the libraries' scripts share: where the endpoint is, what is to be done, and tools to do it with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BASE = os.environ["AGENT_BASE"]
KEY = os.environ["AGENT_KEY"]
MODEL = os.environ["AGENT_MODEL"]
WIRE = os.environ["AGENT_WIRE"]
TASK = os.environ["AGENT_TASK"]
SETUP = os.environ["AGENT_SETUP"]
OPENAI = f"{BASE}/v1"


def append_line(path: str, line: str) -> str:
    """Appends one line to the end of a file.

    Args:
        path: the file's path, relative to the working directory
        line: the line to append
    """
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    return f"appended to {path}"


def read_file(path: str) -> str:
    """Returns the content of a file.

    Args:
        path: the file's path, relative to the working directory
    """
    file = Path(path)
    return file.read_text(encoding="utf-8") if file.is_file() else f"error: there is no file {path}"


def write_file(path: str, content: str) -> str:
    """Replaces the whole content of a file.

    Args:
        path: the file's path, relative to the working directory
        content: the new content
    """
    Path(path).write_text(content, encoding="utf-8")
    return f"wrote {path}"


def replace_text(path: str, old_text: str, new_text: str) -> str:
    """Replaces a text, which must occur exactly once, in a file.

    Args:
        path: the file's path, relative to the working directory
        old_text: the text as it is now
        new_text: the text as it shall be
    """
    file = Path(path)
    now = file.read_text(encoding="utf-8")
    if now.count(old_text) != 1:
        return f"error: the text occurs {now.count(old_text)} times"
    file.write_text(now.replace(old_text, new_text), encoding="utf-8")
    return f"edited {path}"


def run_shell(command: str) -> str:
    """Runs a command in a shell and returns its exit code and output.

    Args:
        command: the command line
    """
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20, check=False)
    return f"exit code {done.returncode}\n{done.stdout}{done.stderr}"


def finish(said: object) -> None:
    """Ends the script: well only when the model said something at the end."""
    print(said)
    sys.exit(0 if str(said or "").strip() else "the model said nothing at the end")
