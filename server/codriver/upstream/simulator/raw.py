"""A raw prompt as a model of Qwen's family reads it: its marks are structure wherever they stand."""

from __future__ import annotations

from codriver.model.request import Fim

_BEFORE, _AFTER, _HERE = "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"


def hole(prompt: str) -> Fim:
    """The hole of a prompt with these marks in order, else the prompt to go on from.

    A mark inside the texts ends them, as it would for the model: what a gateway lets through shows.
    """
    _, _, rest = prompt.rpartition(_BEFORE)
    prefix, found, rest = rest.partition(_AFTER)
    suffix, ended, _ = rest.partition(_HERE)
    return Fim(prefix, suffix) if found and ended else Fim(prompt)
