"""Every editor of editors.toml that is installed, driven for real; prints a table of what was run.

`make test-editors` (EDITORS="vim-new helix" for some, EDITORS=--install to fetch what is missing first).
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from provide import Editor, cache_folder, editors, install

HERE = Path(__file__).parent
TESTS = {"Neovim": "test_nvim.py", "Vim": "test_vim.py", "Emacs": "test_emacs.py", "Helix": "test_helix.py"}
TESTS["Kakoune"] = "test_kakoune.py"
START, END = "<!-- table -->", "<!-- end of table -->"
_LONGEST = 600.0


def main(arguments: Sequence[str]) -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*", help="editors of editors.toml; all without")
    asked.add_argument("--install", action="store_true", help="fetch those that are not there")
    asked.add_argument("--write", action="store_true", help="put the table into the README")
    options = asked.parse_args(arguments)
    known, cache = editors(), cache_folder()
    wanted = [known[name] for name in options.names or known]
    failed = install(wanted, cache) if options.install else {}
    rows, wrong = ["| editor | version | what was run |", "|---|---|---|"], 0
    for editor in wanted:
        version, told, good = _tried(editor, cache, failed.get(editor.name, "not installed"))
        rows.append(f"| {editor.title} | {version} | {told} |")
        wrong += not good
        print(f"{editor.title} {version}: {told}", flush=True)
    table = "\n".join(rows)
    print(f"\n{table}")
    if options.write:
        page = HERE / "README.md"
        before, _, rest = page.read_text(encoding="utf-8").partition(START)
        page.write_text(f"{before}{START}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return 1 if wrong else 0


def _tried(editor: Editor, cache: Path, missing: str) -> tuple[str, str, bool]:
    """Its version, what was run or why not, and whether all that was run is good."""
    command = editor.command(cache)
    if command is None:
        return "", f"not run: {missing}", True
    environ = {
        "EDITOR_UNDER_TEST": str(command),
        "NVIM_UNDER_TEST": str(command) if editor.title == "Neovim" else "",
        "EDITOR_KIND": editor.title,
        **({"ENGINE": editor.engine} if editor.engine else {}),
        "EDITOR_ROOT": str(editor.root(cache)),
    }
    words = [sys.executable, "-m", "pytest", "-q", "-rA", "--no-header", "-p", "no:cacheprovider", TESTS[editor.title]]
    done = subprocess.run(
        words, cwd=HERE, env={**os.environ, **environ}, capture_output=True, text=True, timeout=_LONGEST, check=False
    )
    passed = re.findall(r"^PASSED \S+::(\w+)", done.stdout, re.MULTILINE)
    failed = re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", done.stdout, re.MULTILINE)
    if done.returncode or not passed:
        print(done.stdout[-4000:] + done.stderr[-2000:])
    what = _words(TESTS[editor.title])
    ran = ", ".join(dict.fromkeys(part for name in passed for part in what.get(name, "").split(", ") if part))
    told = f"ok ({len(passed)} tests): {ran}" + (f"; failed: {', '.join(failed)}" if failed else "")
    version = editor.said(command, cache) + (f" ({editor.engine} engine)" if editor.engine else "")
    return version, told, not failed and done.returncode == 0


def _words(tests: str) -> dict[str, str]:
    """What each test does in words for users: its docstring."""
    tree = ast.parse((HERE / tests).read_text(encoding="utf-8"))
    found = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))
    return {node.name: ast.get_docstring(node) or "" for node in found}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
