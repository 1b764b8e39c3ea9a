"""`make bench`: every benchmark, one after the other, each in its own process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ORDER = (
    "gateway.py",
    "relay.py",
    "editing.py",
    "decision.py",
    "startup.py",
    "transport.py",
    "predictor.py",
    "analyze.py",
    "sessions.py",
)


def main() -> int:
    names = sys.argv[1:] or ORDER
    failed = [name for name in names if subprocess.run([sys.executable, str(HERE / name)], cwd=HERE).returncode]
    if failed:
        print(f"did not finish: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
