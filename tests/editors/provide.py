"""The editors of editors.toml in the user's cache folder, without touching the system and without its root.

`python tests/editors/provide.py [name ...]` fetches what is not there. Packages of other Debian suites are unpacked
with all their libraries; a program starts through the libc unpacked with it, so it runs beside an older system.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
_MIRROR = "http://deb.debian.org/debian"
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
_FETCHING = 900.0


@dataclass(frozen=True, slots=True)
class Editor:
    """One editor of one version."""

    name: str
    title: str
    version: tuple[str, str]
    """The arguments by which it tells its version, and the pattern that finds it."""
    suite: str = ""
    packages: tuple[str, ...] = ()
    program: str = ""
    wheel: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    dump: str = ""
    engine: str = ""
    """Who draws suggestions, where there is a choice."""

    def root(self, cache: Path) -> Path:
        return cache / self.suite

    def command(self, cache: Path) -> Path | None:
        """What starts it, or None where it is not installed."""
        if self.wheel:
            return _in_wheel(self.wheel)
        found = cache / "bin" / self.name
        return found if found.is_file() else None

    def said(self, command: Path, cache: Path) -> str:
        """Its version, as it tells it, else its package's; "" where it does not start."""
        done = subprocess.run([command, self.version[0]], capture_output=True, text=True, check=False, timeout=60)
        found = re.search(self.version[1], done.stdout)
        return ".".join(found.groups()) if found else "" if done.returncode else self._packaged(cache)

    def _packaged(self, cache: Path) -> str:
        notes = self.root(cache) / "usr/share/doc" / self.packages[0] / "changelog.Debian.gz"
        found = re.search(rb"\((?:\d+:)?([^-)]+)", gzip.decompress(notes.read_bytes())) if notes.is_file() else None
        return found.group(1).decode() if found else "unknown"


def editors() -> dict[str, Editor]:
    """The table, in its order."""
    table = tomllib.loads((HERE / "editors.toml").read_text(encoding="utf-8"))
    return {
        name: Editor(name, **{**row, "version": tuple(row["version"]), "packages": tuple(row.get("packages", ()))})
        for name, row in table.items()
    }


def cache_folder() -> Path:
    """Where the editors are kept between runs."""
    return Path(os.environ.get("CODRIVER_EDITORS_CACHE") or Path.home() / ".cache" / "codriver-test-editors")


def install(wanted: Sequence[Editor], cache: Path) -> dict[str, str]:
    """Installs what is not there yet, suite by suite. Why an editor cannot be had, by its name."""
    missing = [editor for editor in wanted if editor.command(cache) is None]
    failed = {editor.name: f"no such wheel: {editor.wheel}" for editor in missing if editor.wheel}
    for suite in dict.fromkeys(editor.suite for editor in missing if editor.suite):
        mine = [editor for editor in missing if editor.suite == suite]
        packages = sorted({package for editor in mine for package in editor.packages})
        problem = _unpacked(suite, packages, cache)
        for editor in mine:
            problem_here = problem or _starter(editor, cache)
            if problem_here:
                failed[editor.name] = problem_here
    return failed


def _in_wheel(path: str) -> Path | None:
    package, _, inside = path.partition("/")
    found = importlib.util.find_spec(package)
    for place in (found.submodule_search_locations or ()) if found else ():
        if (Path(place) / inside).is_file():
            return Path(place) / inside
    return None


def _unpacked(suite: str, packages: Sequence[str], cache: Path) -> str:
    """Fetches packages and all they need by apt, in a state folder of their own, and unpacks them. "" or what failed."""
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        return f"needs {' and '.join(missing)} (a Debian or Ubuntu)"
    state, done_before = cache / "apt" / suite, cache / suite / ".packages"
    if done_before.is_file() and set(packages) <= set(done_before.read_text().split()):
        return ""
    environ = {**os.environ, "APT_CONFIG": str(_apt_settings(suite, state)), "LC_ALL": "C"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--download-only", *packages]):
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=_FETCHING)
        if done.returncode:
            return (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]
    for package in sorted((state / "cache" / "archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, cache / suite], check=True, capture_output=True, timeout=_FETCHING)
        package.unlink()
    done_before.write_text("\n".join({*packages, *(done_before.read_text().split() if done_before.is_file() else ())}))
    return ""


def _apt_settings(suite: str, state: Path) -> Path:
    """Settings by which apt takes nothing for installed and writes only below `state`."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    suites = dict.fromkeys((suite, suite.removesuffix("-backports")))  # backports lean on their release
    lines = [f"deb [signed-by={_KEYS}] {_MIRROR} {each} main\n" for each in suites]
    (state / "sources.list").write_text("".join(lines))
    wanted = {
        "Dir::State": state,
        "Dir::State::Lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "Dir::Etc::SourceList": state / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "APT::Install-Recommends": "false",
        "APT::Default-Release": suite,
        "APT::Sandbox::User": os.environ.get("USER", "root"),
        "Acquire::Languages": "none",
        "Debug::NoLocking": "true",
    }
    settings = state / "apt.conf"
    settings.write_text("".join(f'{name} "{value}";\n' for name, value in wanted.items()))
    return settings


def _starter(editor: Editor, cache: Path) -> str:
    """Writes the script that starts the program through its own libc. "" or why it does not start."""
    root = editor.root(cache)
    program, loader = root / editor.program, _first(root, "usr/lib*/ld-linux-*.so.*", "lib*/ld-linux-*.so.*")
    libraries = ":".join(str(path) for path in (*root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*")))
    if not program.exists() or loader is None:
        return f"{editor.program} is not in the packages of {editor.suite}"
    values = {name: _first(root, pattern) for name, pattern in editor.environ.items()}
    lines = [f"export {name}={shlex.quote(_loadpath(name, path))}" for name, path in values.items() if path]
    words = [str(program)]
    if platform.freedesktop_os_release().get("VERSION_CODENAME") == editor.suite.removesuffix("-backports"):
        lines.append(f"export LD_LIBRARY_PATH={shlex.quote(libraries)}")  # this system's libc is the right one
    else:
        words = [str(loader), "--argv0", editor.program.rsplit("/", 1)[-1], "--library-path", libraries, *words]
    dump = _first(root, editor.dump) if editor.dump else None
    words += ["--dump-file", str(dump)] if dump else []
    starter = cache / "bin" / editor.name
    starter.parent.mkdir(exist_ok=True)
    starter.write_text("#!/bin/sh\n" + "\n".join(lines) + f'\nexec {shlex.join(words)} "$@"\n')
    starter.chmod(0o755)
    if editor.said(starter, cache):
        return ""
    starter.unlink()
    return "unpacked, but it does not start"


def _first(root: Path, *patterns: str) -> Path | None:
    return next((found for pattern in patterns for found in sorted(root.glob(pattern))), None)


def _loadpath(name: str, path: Path) -> str:
    """Emacs reads its own Lisp from here, with all the folders below."""
    if name != "EMACSLOADPATH":
        return str(path)
    inside = [path, *(folder for folder in sorted(path.rglob("*")) if folder.is_dir())]
    site = sorted(path.parents[2].glob("emacs/site-lisp/elpa-src/*"))
    return ":".join(str(folder) for folder in (*site, *inside))


def main(names: Sequence[str]) -> int:
    known, cache = editors(), cache_folder()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no such editor: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    wanted = [known[name] for name in names or known]
    cache.mkdir(parents=True, exist_ok=True)
    failed = install(wanted, cache)
    for editor in wanted:
        command = editor.command(cache)
        what = f"{editor.said(command, cache):16} {command}" if command else f"not there: {failed[editor.name]}"
        print(f"{editor.title:8} {editor.name:12} {what}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
