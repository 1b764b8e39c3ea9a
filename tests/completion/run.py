"""`make completion`: how good completions are, measured without any model. Parts can be named: local, pipeline, trace.

local: coverage and precision of the local predictor on published code; pipeline: what becomes of simulated answers,
good and spoilt; trace: requests per accepted suggestion when real files are typed, beside tabby-agent.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("local", "pipeline", "trace")


def main() -> int:
    names = [name for name in sys.argv[1:] if name in PARTS] or list(PARTS)
    failed = [name for name in names if subprocess.run([sys.executable, str(HERE / f"{name}.py")]).returncode]
    if failed:
        print(f"an aim is missed, or it did not finish: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
