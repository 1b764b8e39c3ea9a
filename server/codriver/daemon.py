"""The life of the one process: start once, listen, say where, serve, and leave in an orderly way.

The lock file decides who is the daemon; daemon.json says where it listens and exists only while it
does. Everybody else (forwarders, the command line) reads those two.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import logging.handlers
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from codriver import paths as places
from codriver.errors import CodriverError, ConfigError
from codriver.paths import Paths

if TYPE_CHECKING:
    from codriver.app import App
    from codriver.fronts.http.server import HttpFront
    from codriver.fronts.lsp.listen import LspFront

log = logging.getLogger("codriver.daemon")

GRACE_SECONDS = 5.0
ALREADY_RUNNING = 3
"""Exit code of a second `codriver serve`."""
LOCK_SECONDS = 0.2
"""How long a starting daemon tries for the lock: those who only look whether there is one hold it for moments."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve. host and port None: as the settings say. from_forwarder: quiet, and ends when idle."""

    config: Path | None = None
    simulate: bool = False
    host: str | None = None
    port: int | None = None
    from_forwarder: bool = False


def main(arguments: Sequence[str]) -> int:
    """`codriver serve --from-forwarder`: what a forwarder starts. Exits 0 quietly when a daemon runs."""
    rest = list(arguments)
    config = rest[rest.index("--config") + 1] if "--config" in rest[:-1] else None
    options = Options(Path(config) if config else None, "--simulate" in rest, from_forwarder=True)
    code = serve(places.find(), options, log.info)
    return 0 if code == ALREADY_RUNNING else code


Greeting = Callable[["App", dict[str, Any]], str]
"""What a person is told once it listens, from the App and what daemon.json says."""


def serve(paths: Paths, options: Options, say: Callable[[str], None], greet: Greeting | None = None) -> int:
    """Serves until told to stop; the exit code. `say` gets what a person at a terminal should read."""
    paths.create()
    with _lock(paths.lock, LOCK_SECONDS) as held:
        if not held:
            say(f"Codriver is already running: {describe(running(paths))}.")
            return ALREADY_RUNNING
        _log_to(paths.log if options.from_forwarder else None)
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(_live(paths, options, say, greet))
        except ConfigError as problem:
            return _failed(options, str(problem), code=2)
        except (CodriverError, OSError) as problem:
            return _failed(options, str(problem))
        except Exception as problem:  # the end of the process, told in one line; the log has the rest
            return _failed(options, f"{type(problem).__name__}: {problem}", problem)
    return 0


def _failed(options: Options, text: str, unforeseen: Exception | None = None, *, code: int = 1) -> int:
    """One line on stderr, which a forwarder shows to its user; the log has the rest."""
    if options.from_forwarder or unforeseen is not None:
        log.error("cannot serve: %s", text, exc_info=unforeseen)
    sys.stderr.write(f"codriver: {text}\n")
    return code


def running(paths: Paths) -> dict[str, Any] | None:
    """What daemon.json says of the daemon that now holds the lock; None when none does.

    Keys: pid, version, started (Unix time), from_forwarder, simulate, http {host, port} or null,
    unix {http, lsp} paths or null, lsp_port or null.
    """
    with _lock(paths.lock, shared=True) as free:
        if free:
            return None
    try:
        found = json.loads(paths.daemon.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def describe(found: dict[str, Any] | None) -> str:
    """A daemon in words: who it is and where it listens."""
    if not found:
        return "it is just starting or stopping" if found is not None else "not running"
    http = found.get("http")
    where = f"http://{http['host']}:{http['port']}" if http else str((found.get("unix") or {}).get("http"))
    return f"pid {found.get('pid')}, version {found.get('version')}, {where}"


async def _live(paths: Paths, options: Options, say: Callable[[str], None], greet: Greeting | None) -> None:
    from codriver import app as application

    app = application.create(paths, config_file=options.config, simulate=options.simulate)
    try:
        await app.start()
        await app.batches.start()
        await _serve(app, paths, options, say, greet)
    finally:
        await app.close()


async def _serve(app: App, paths: Paths, options: Options, say: Callable[[str], None], greet: Greeting | None) -> None:
    from codriver.fronts.http import server
    from codriver.fronts.lsp.listen import LspFront

    def leave(reason: str) -> None:
        log.info("leaving: %s", reason)
        app.stop.set()

    _on_signals(leave)
    http = await _open_http(app, paths, options)
    lsp = LspFront(app, leave)
    await _open_lsp(lsp, paths)
    found = _whereabouts(app, options, http, lsp)
    _write(paths.daemon, found)
    try:
        say(f"Codriver listens: {describe(found)}.")
        if greet is not None:
            say(greet(app, found))
        await lsp.warmed()
        for warm in (app.analyst.warm, server.warm):
            await asyncio.get_running_loop().run_in_executor(None, warm)
        _settle()
        await _until_stopped(app, http, lsp, ends_idle=options.from_forwarder)
    finally:
        await asyncio.gather(lsp.close(GRACE_SECONDS), http.close())
        if http.unix is not None:
            http.unix.unlink(missing_ok=True)
        despite_readers(lambda: paths.daemon.unlink(missing_ok=True))


def _settle() -> None:
    """Tunes the interpreter for a process that answers: short turns, rare collections."""
    # What was imported stays: the collector need not look at it again. Requests make few cycles. The garbage among it
    # that is left is little: to look for it would take a tenth of a second in which nobody is answered.
    gc.collect(1)
    gc.freeze()
    # Often, so that each looks at little: 20,000 objects at once are ten milliseconds in which nobody is answered.
    gc.set_threshold(3_000, 5, 400)
    # The ledger's thread writes while answers wait: it gives the interpreter back after half a millisecond, not five.
    sys.setswitchinterval(0.0005)


async def _open_http(app: App, paths: Paths, options: Options) -> HttpFront:
    """The HTTP front. Raises OSError when its port is taken; a daemon for editors does without that port."""
    from codriver.config.tree import loopback
    from codriver.fronts.http import server

    host = options.host or app.settings.http.host
    port = options.port if options.port is not None else app.settings.http.port
    if not (app.settings.http.allow_remote or loopback(host)):
        remedy = "Set http.allow_remote = true if other machines shall reach it"
        raise ConfigError("command line", "--host", f"{host} is reachable from other machines", remedy)
    unix = paths.socket("http")
    try:
        return await server.start(app, host=host, port=port, unix=unix)
    except OSError as problem:
        if not options.from_forwarder:
            raise OSError(
                f"cannot listen on {host}:{port}: {problem.strerror or problem}. Choose another --port."
            ) from problem
        log.warning("cannot listen on %s:%d (%s): serving editors only", host, port, problem)
        return await server.start(app, host=host, port=None, unix=unix)


async def _open_lsp(lsp: LspFront, paths: Paths) -> None:
    """On a Unix socket; on loopback TCP where there are none, or the file system does not take them."""
    if hasattr(socket, "AF_UNIX") and os.environ.get("CODRIVER_SOCKETS") != "tcp":
        try:
            await lsp.open(paths.socket("lsp"))
            return
        except OSError as problem:
            log.warning("no Unix socket at %s (%s): using loopback TCP", paths.socket("lsp"), problem)
    await lsp.open(None)


def _whereabouts(app: App, options: Options, http: HttpFront, lsp: LspFront) -> dict[str, Any]:
    host = options.host or app.settings.http.host
    return {
        "pid": os.getpid(),
        "version": app.version,
        "started": time.time(),
        "from_forwarder": options.from_forwarder,
        "simulate": options.simulate,
        "http": {"host": host, "port": http.port} if http.port else None,
        "unix": {
            "http": str(http.unix) if http.unix else None,
            "lsp": str(lsp.path) if lsp.path else None,
        },
        "lsp_port": lsp.port,
    }


async def _until_stopped(app: App, http: HttpFront, lsp: LspFront, *, ends_idle: bool) -> None:
    """Waits for a signal or a request to stop; with `ends_idle`, also for `daemon.idle_seconds` of disuse."""
    loop = asyncio.get_running_loop()
    while not app.stop.is_set():
        wait = None
        if ends_idle:
            idle = app.settings.daemon.idle_seconds
            busy = lsp.connections > 0 or http.active > 0 or app.batches.unfinished > 0
            quiet = 0.0 if busy else loop.time() - max(lsp.last_left, http.last_request)
            if not busy and quiet >= idle:
                log.info("leaving: nobody came for %.0f s", idle)
                return
            wait = max(min(idle - quiet, 5.0), 0.05)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(app.stop.wait(), wait)


def _on_signals(leave: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
            continue  # there is none, or nohup wants us to stay
        try:
            loop.add_signal_handler(number, leave, name)
        except NotImplementedError:
            signal.signal(number, lambda *_, name=name: loop.call_soon_threadsafe(leave, name))


@contextlib.contextmanager
def _lock(path: Path, patience: float = 0.0, *, shared: bool = False) -> Iterator[bool]:
    """Holds the lock file while inside; False when another process still does after `patience` seconds.

    shared: only to look, beside others who look. Freed by the kernel at any death.
    """
    with path.open("a+b") as file:
        until = time.monotonic() + patience
        while not (held := _try_lock(file, shared)) and time.monotonic() < until:
            time.sleep(0.005)
        yield held
        if held and sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)


def _try_lock(file: IO[bytes], shared: bool) -> bool:
    """Windows has no shared lock here: two who look at the same moment may take each other for a daemon."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _write(path: Path, content: dict[str, Any]) -> None:
    """Writes JSON so that a reader sees all of it or nothing."""
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(content), "utf-8")
    fresh.chmod(0o600)
    despite_readers(lambda: os.replace(fresh, path))


def despite_readers(act: Callable[[], object], platform: str = sys.platform) -> None:
    """Replaces or removes a file. Windows refuses that while somebody has it open; readers soon have not."""
    for _ in range(100):
        try:
            act()
            return
        except PermissionError:
            if platform != "win32":
                raise
            time.sleep(0.005)
    act()


def _log_to(file: Path | None) -> None:
    """Logs to a rotating file, or to stderr. Other packages only when something is wrong: they log addresses."""
    handler: logging.Handler = logging.StreamHandler()
    if file is not None:
        handler = logging.handlers.RotatingFileHandler(file, maxBytes=1_000_000, backupCount=2, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("codriver").setLevel(logging.INFO)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
