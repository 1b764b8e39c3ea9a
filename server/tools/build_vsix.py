"""The VS Code extension with the server's wheel in it: `python server/tools/build_vsix.py [--out dist]`.

Works in build/vscode-extension, so that nothing is left in the sources; needs npm. Prints the path of the .vsix.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "vscode-extension"
LEFT_OUT = shutil.ignore_patterns("node_modules", "out", "server", "*.vsix")


def build(out: Path, folder: Path, *, environ: Mapping[str, str] = os.environ, wheel: bool = True) -> Path:
    """Packages the extension into the folder `out`; `folder` is worked in and kept for the next time.

    Raises RuntimeError with what a step said when it fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in (folder / "src", folder / "media", folder / "server"):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(SOURCES, folder, ignore=LEFT_OUT, dirs_exist_ok=True)
    if wheel:
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder / "server")]
        _run([*pip, str(ROOT)], folder, environ)
    lock, installed = folder / "package-lock.json", folder / "node_modules" / "of.lock"
    if not installed.is_file() or installed.read_bytes() != lock.read_bytes():
        _run(["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"], folder, environ)
        shutil.copy(lock, installed)
    out.mkdir(parents=True, exist_ok=True)
    package = out.absolute() / "codriver.vsix"
    _run(["npm", "run", "package", "--", "--out", str(package)], folder, environ)
    return package


def _run(command: list[str], folder: Path, environ: Mapping[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=dict(environ), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:3])} failed in {folder}:\n{(done.stdout + done.stderr)[-3000:]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    arguments = parser.parse_args()
    try:
        package = build(arguments.out, ROOT / "build" / "vscode-extension")
    except (RuntimeError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"{package}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
