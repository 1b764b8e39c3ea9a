"""`explain`, `tests`, `document` and `commit-message`: tasks of the editor at a place in a file, from a shell.

Exit codes: 0 done, 1 there is nothing to do, 2 it could not run.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from codriver.cli.asking import CANNOT, Page, answered, by, read, root_of, tell
from codriver.cli.terminal import Complaint

Place = Annotated[str, typer.Argument(metavar="FILE:LINE", help="A line in a function, or lines as FILE:FIRST-LAST.")]
Simulate = Annotated[bool, typer.Option("--simulate", help="By simulated models: to try it.")]
Write = Annotated[bool, typer.Option("--write", "-w", help="Write it, where nothing was changed meanwhile.")]


def explain(
    place: Place,
    question: Annotated[str, typer.Option("--question", "-q", help="What you want to know about it.")] = "",
    simulate: Simulate = False,
) -> None:
    """Explain a function, some lines or a file (FILE alone)."""
    _, body = _body(place, whole=True)
    page = answered("explain", body | {"question": question}, simulate=simulate)
    print(page["text"])
    tell(by([page]))


def write_tests(place: Place, write: Write = False, simulate: Simulate = False) -> None:
    """Write tests of a function: printed, or with --write put into a new file."""
    _, body = _body(place)
    page = answered("tests", body, simulate=simulate)
    if write:
        target = Path(page["path"])
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("x", encoding="utf-8", newline="") as out:
                out.write(page["text"])
        except FileExistsError:
            raise Complaint(f"{target} is there already and was left as it is", CANNOT) from None
    else:
        print(page["text"], end="")
    tell(f"{os.path.relpath(page['path'])}, by {by([page])}")


def document(place: Place, write: Write = False, simulate: Simulate = False) -> None:
    """Write the documentation comment of a function: the change is printed, or with --write made."""
    path, body = _body(place)
    page = answered("document", body, simulate=simulate)
    old = body["text"].encode()
    new = old
    for edit in sorted(page["edits"], key=lambda edit: -edit["start"]):
        new = new[: edit["start"]] + edit["text"].encode() + new[edit["end"] :]
    if write:
        _replace(path, old, new)
    else:
        print(_diff(path, old, new), end="")
    tell(f"{page['summary']}, by {by([page])}")


def commit_message(
    everything: Annotated[bool, typer.Option("--all", "-a", help="Of all changes, not what is staged alone.")] = False,
    simulate: Simulate = False,
) -> None:
    """Write a commit message for what is staged; for all changes where nothing is. A hook can take it as it is."""
    from codriver.sources import git
    from codriver.tasks.commit import RECENT

    try:
        top = git.root(os.getcwd())
        sides = [("HEAD",) if git.has_commits(top) else ()]
        sides = sides if everything else [("--cached",), *sides]
        diff = next((text for side in sides if (text := git.difference(top, *side)).strip()), "")
        recent = git.subjects(top, RECENT)
    except git.GitFailed as problem:
        raise Complaint(f"git: {problem}", CANNOT) from None
    if not diff:
        raise Complaint("there is nothing to commit", 1)
    page = answered("commit-message", {"diff": diff, "recent": list(recent)}, simulate=simulate)
    print(page["text"])
    tell(by([page]))


def _body(place: str, *, whole: bool = False) -> tuple[str, Page]:
    """The file and what the endpoint is sent. Raises Complaint."""
    found = re.fullmatch(r"(.+?)(?::(\d+)(?:-(\d+))?)?(?::\d+)?", place, re.DOTALL)
    file, first, last = found.groups() if found else (place, None, None)
    if first is None and not whole:
        raise Complaint(f"name a line: {place}:LINE", CANNOT)
    path = os.path.abspath(os.path.expanduser(file))
    if not os.path.isfile(path):
        raise Complaint(f"there is no file {file}", CANNOT)
    body: Page = {"path": path, "text": read(path), "root": root_of(path)}
    return path, body if first is None else body | {"lines": [int(first), int(last or first)]}


def _replace(path: str, old: bytes, new: bytes) -> None:
    """Writes the file, if it is still what was sent; it is the old or the new one at any time."""
    if Path(path).read_bytes() != old:
        raise Complaint(f"{path} was changed meanwhile and was left as it is", CANNOT)
    target = Path(path).resolve()
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_bytes(new)
        draft.chmod(target.stat().st_mode & 0o7777)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _diff(path: str, old: bytes, new: bytes) -> str:
    from difflib import unified_diff

    shown = os.path.relpath(path)
    before, after = (side.decode("utf-8", "replace").splitlines(keepends=True) for side in (old, new))
    lines = unified_diff(before, after, f"a/{shown}", f"b/{shown}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
