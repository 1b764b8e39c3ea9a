"""The tool that the command-line client gets."""

from pathlib import Path


def append_line(path: str, line: str) -> str:
    """Appends one line to the end of a file."""
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    return f"appended to {path}"
