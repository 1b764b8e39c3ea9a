"""What the doctor looks at. A check is a function giving Checks; it changes nothing and never raises."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.parse import urlsplit

from codriver import __version__, catalog, config
from codriver.catalog import Catalog
from codriver.cli import client
from codriver.cli.models import retirement
from codriver.cli.terminal import Complaint
from codriver.config import Settings
from codriver.errors import ConfigError
from codriver.model.provider import Provider
from codriver.paths import Paths
from codriver.routing import strategies

PROBE_SECONDS = 0.5
EDITORS = {
    "code": "VS Code", "codium": "VSCodium", "cursor": "Cursor", "nvim": "Neovim", "hx": "Helix", "emacs": "Emacs",
    "zed": "Zed", "subl": "Sublime Text", "kate": "Kate", "idea": "IntelliJ IDEA", "pycharm": "PyCharm",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. verdict: ok, warn or fail; remedy: what to do, or ""."""

    name: str
    verdict: str
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the checks stand on. settings and catalog are the defaults where the user's are broken."""

    paths: Paths
    environ: Mapping[str, str]
    file: Path
    settings: Settings
    catalog: Catalog
    broken: ConfigError | None
    served: frozenset[str] = frozenset()
    """The providers of which the running daemon has models: its keys need not be in this shell."""


def run(environ: Mapping[str, str] = os.environ) -> list[Check]:
    """All checks, in the order of what depends on what."""
    ground = _ground(environ)
    return [check for look in CHECKS for check in look(ground)]


def _ground(environ: Mapping[str, str]) -> Ground:
    paths = client.paths()
    file = config.where(environ)
    served = frozenset(key.partition("/")[0] for key in (client.status(paths) or {}).get("models", ()))
    try:
        settings = config.load(file, environ)
        loaded = catalog.load(settings, config_file=str(file), environ=environ, fetched=paths.prices)
        return Ground(paths, environ, file, settings, loaded, None, served)
    except ConfigError as error:
        return Ground(paths, environ, file, Settings(), catalog.load(), error, served)


def _python(ground: Ground) -> Iterator[Check]:
    release = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", "ok", f"{release} at {sys.executable}, Codriver {__version__}")


def _pins(ground: Ground) -> Iterator[Check]:
    """Packages of which one version is known to work: others crash or fetch code (decisions)."""
    for requirement in requires("codriver") or ():
        name, pinned, wanted = requirement.partition(";")[0].partition("==")
        if not pinned or "extra" in requirement:
            continue
        try:
            there = version(name)
        except PackageNotFoundError:
            there = "missing"
        if there == wanted:
            yield Check(name, "ok", there)
        else:
            yield Check(name, "fail", f"{there}, and only {wanted} works", f"Run: pip install '{name}=={wanted}'")


def _settings(ground: Ground) -> Iterator[Check]:
    if ground.broken is not None:
        error = ground.broken
        place = f"{error.file}: {error.key}" if error.key else error.file
        yield Check("settings", "fail", f"{place}: {error.reason}", error.remedy)
        return
    strategy = ground.settings.routing.strategy
    if strategy not in strategies.names():
        known = ", ".join(strategies.names())
        yield Check("settings", "fail", f"{ground.file}: routing.strategy: no strategy is called {strategy!r}",
                    f"There are {known}.")  # fmt: skip
    elif ground.file.exists():
        yield Check("settings", "ok", str(ground.file))
    else:
        yield Check("settings", "ok", f"defaults; {ground.file} does not exist")


def _keys(ground: Ground) -> Iterator[Check]:
    from codriver.upstream.keys import KEY_FILE, Keys, read_key_file

    try:
        keys = Keys(ground.environ, file=read_key_file(ground.paths.config / KEY_FILE))
    except ConfigError as error:
        yield Check("keys", "fail", f"{error.file}: {error.reason}", error.remedy)
        return
    found = False
    for provider in ground.catalog.providers.values():
        if provider.key_env and not provider.simulated:
            check = _key(ground, provider, keys.lookup)
            found = found or (check is not None and check.verdict == "ok")
            if check is not None:
                yield check
    if not found:
        text = "no provider has one: unless a local server runs, answers are simulated"
        names = " or ".join(provider.key_env[0] for provider in _first(ground.catalog))
        yield Check("keys", "warn", text, f"Set {names} where the daemon is started; `codriver models --all` has more.")


def _first(found: Catalog) -> list[Provider]:
    """The makers that most people have a key of."""
    makers = ("openai", "anthropic", "google", "deepseek", "openrouter")
    return [found.providers[name] for name in makers if name in found.providers and found.providers[name].key_env]


def _key(ground: Ground, provider: Provider, lookup: Callable[[Provider], str | None]) -> Check | None:
    """What is to be said of a provider's key; nothing when it has none here, as most have not."""
    names = " or ".join(provider.key_env)
    try:
        key = lookup(provider)
    except ConfigError as error:
        return Check("key", "fail", f"{provider.title}: {error.reason}", error.remedy)
    own = key is not None and key == _token(ground.paths)
    if provider.name in ground.served and (key is None or own):
        return Check("key", "ok", f"{provider.title}: the running daemon has it, this shell does not")
    if key is None:
        return None
    if provider.lacks:
        return Check("key", "warn", f"{provider.title}: there, but {provider.lacks}")
    if own:
        text = f"{provider.title}: {names} holds Codriver's own token, as agents want it, not the provider's key"
        return Check("key", "warn", text, "Start the daemon from a shell in which `codriver env` was not evaluated.")
    return Check("key", "ok", f"{provider.title}: there")


def _prices(ground: Ground) -> Iterator[Check]:
    if ground.catalog.complaint:
        yield Check("prices", "fail", ground.catalog.complaint)
    usable = ground.served | {
        p.name for p in ground.catalog.providers.values() if any(ground.environ.get(key) for key in p.key_env)
    }
    now = time.time()
    for model in ground.catalog.models:
        told = retirement(model, now) if model.provider in usable else ""
        if told:
            yield Check("models", "warn", f"{model.key}: {told}", "Name another one wherever you named it")


def _token(paths: Paths) -> str:
    try:
        return paths.token.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _local(ground: Ground) -> Iterator[Check]:
    absent: list[str] = []
    for provider in ground.catalog.providers.values():
        if provider.discover and provider.local:
            names = _listed(provider)
            if names is None:
                absent.append(f"{provider.title} ({provider.base_url})")
            elif names:
                yield Check("local", "ok", f"{provider.title} has {', '.join(names[:5])}{' ...' if names[5:] else ''}")
            else:
                yield Check(
                    "local", "warn", f"{provider.title} runs but has no model", "Pull one: ollama pull qwen2.5-coder:7b"
                )
    if absent:
        yield Check("local", "ok", f"does not run: {', '.join(absent)}")


def _listed(provider: Provider) -> list[str] | None:
    """The models a local server lists; None when it is not there or answers something else."""
    address = urlsplit(provider.base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", address.path + provider.discover)
        entries = json.loads(connection.getresponse().read())["data"]
        marks = provider.recognise.items()
        if not all(name in entry and value in ("*", entry[name]) for entry in entries for name, value in marks):
            return None
        return [str(entry["id"]) for entry in entries]
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return None
    finally:
        connection.close()


def _daemon(ground: Ground) -> Iterator[Check]:
    try:
        page = client.call(ground.paths, "GET", "/v1/status", timeout=5).json()
    except Complaint as complaint:
        if str(complaint) != client.NOT_RUNNING:
            yield Check("daemon", "fail", str(complaint), f"Its log is {ground.paths.log}.")
            return
        yield Check("daemon", "ok", "not running; editors start it, agents need `codriver serve`")
        yield from _port(ground)
        return
    if page.get("version") == __version__:
        yield Check("daemon", "ok", f"pid {page['pid']}, {len(page['models'])} models")
    else:
        yield Check(
            "daemon", "warn", f"it is version {page.get('version')}, this is {__version__}", "Run: codriver stop"
        )
    for key, why in (page.get("unfit") or {}).items():
        yield Check(
            "holes", "warn", f"{key} cannot fill in the middle: {why}", 'Set its fim to another family, or to ""'
        )
    if (page.get("config") or {}).get("error"):
        yield Check("daemon", "warn", "it goes on with the settings from before they were broken")


def _port(ground: Ground) -> Iterator[Check]:
    """Whether the port is free, asked by taking it for a moment."""
    host, port = ground.settings.http.host, ground.settings.http.port
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        remedy = "Choose another: http.port in the settings, or CODRIVER_PORT."
        yield Check("port", "fail", f"{host}:{port} cannot be used: {error.strerror}", remedy)
    else:
        yield Check("port", "ok", f"{host}:{port} is free")


def _private(ground: Ground) -> Iterator[Check]:
    """Token and sockets: for their owner only."""
    token = ground.paths.token
    if os.name != "posix":
        return
    if not token.exists():
        yield Check("token", "ok", f"{token} is made at the first start")
    elif stat.S_IMODE(token.stat().st_mode) & 0o077:
        yield Check("token", "fail", f"other users can read {token}", f"Run: chmod 600 {token}")
    else:
        yield Check("token", "ok", f"{token}, for you alone")
    folder = ground.paths.socket("lsp").parent
    if folder.exists() and (folder.stat().st_uid != os.getuid() or stat.S_IMODE(folder.stat().st_mode) & 0o022):
        yield Check("socket", "fail", f"others can put files into {folder}", f"Run: chmod 700 {folder}")
    else:
        yield Check("socket", "ok", str(ground.paths.socket("lsp")))


def _editors(ground: Ground) -> Iterator[Check]:
    there = [title for command, title in EDITORS.items() if shutil.which(command, path=ground.environ.get("PATH"))]
    yield Check("editors", "ok", ", ".join(there) or "none on PATH")


CHECKS: tuple[Callable[[Ground], Iterator[Check]], ...] = (
    _python, _pins, _settings, _keys, _prices, _local, _daemon, _private, _editors,
)  # fmt: skip
