"""What may be learnt from for numbers that are given away: licences for any use, and outcome matrices under them."""

from __future__ import annotations

ANY_USE = ("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC BY 4.0")
"""Licences under which a source's numbers may be learnt from."""

LICENSED = {
    "routellm": "Apache-2.0; MMLU and GSM8K MIT",
    "llmrouter_mixed": "MIT",
    "routerarena": "Apache-2.0",
    "evalperf": "Apache-2.0",
    "swebench_pro": "MIT",
}
"""Folders whose rows may be trained on for weights that are given away, and why."""
