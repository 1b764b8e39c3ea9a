"""What an encoder may have that numbers its frames: it can end an answer that was relayed until it broke."""

from __future__ import annotations

from typing import Protocol


class Resuming(Protocol):
    """An encoder whose error belongs to the answer before it."""

    def resumed(self, first: bytes, last: bytes) -> None:
        """The first and the last bytes that the caller got of the answer, whole frames both."""
        ...
