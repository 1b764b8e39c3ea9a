"""Fake model providers on loopback, simulated and labelled so wherever a person looks.

Three wires (OpenAI chat and completions, Anthropic messages), as strict as the real ones, with
deterministic answers and faults on demand. It shares no code with `codriver.wire`: a mistake
there must not be hidden by the same mistake here.
"""

from __future__ import annotations

from codriver.upstream.simulator.faults import Fault
from codriver.upstream.simulator.log import Entry
from codriver.upstream.simulator.models import SimModel, shipped
from codriver.upstream.simulator.server import Simulator, start

__all__ = ["Entry", "Fault", "SimModel", "Simulator", "shipped", "start"]
