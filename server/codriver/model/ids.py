"""Names for requests, decisions and calls."""

from __future__ import annotations

import random


def new_id() -> str:
    """A fresh id: 96 random bits as 24 hexadecimal digits. It names things and guards nothing."""
    return f"{random.getrandbits(96):024x}"
