"""The simulator as a process of its own: one JSON line with its URL, then it serves until ended."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys

from codriver.upstream.simulator.server import start


async def serve(port: int, pace: float) -> None:
    """Serves on loopback until SIGINT or SIGTERM. Port 0 takes a free one."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows' loops have no signal handlers
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with await start(port=port, pace=pace) as simulator:
        models = [model.id for model in simulator.models]
        sys.stdout.write(json.dumps({"url": simulator.url, "simulated": True, "models": models}) + "\n")
        sys.stdout.flush()
        await stopped.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="codriver.upstream.simulator", description="Simulated model providers.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--pace", type=float, default=1.0, help="scales the models' delays; 0 answers at once")
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(arguments.port, arguments.pace))
    except OSError as error:
        sys.stderr.write(f"cannot listen on 127.0.0.1:{arguments.port}: {error.strerror}. Choose another --port.\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
