"""What a user may write, and how it becomes the Settings the rest of the code reads.

One TOML file, then the environment over it; a workspace may only narrow. Whatever is wrong in
there is a ConfigError that names the place, the reason and the remedy.

    tree       the sections, each field with its default and a one-line description
    providers  the form of a provider's table, shipped or the user's own
    reading    TOML and validation errors -> ConfigError with a line
    loading    file and environment -> Settings, and where each value comes from
    narrowing  what a workspace may change
    choosing   the form of rules, steps, hedging and fusing; ruling: what the router takes of them
"""

from codriver.config.loading import Origin, fingerprint, load, origins, where
from codriver.config.narrowing import narrow, widening
from codriver.config.providers import ModelTable, PriceTable, ProviderTable, QuirksTable, written
from codriver.config.reading import check, parse
from codriver.config.tree import Settings

__all__ = [
    "ModelTable",
    "Origin",
    "PriceTable",
    "ProviderTable",
    "QuirksTable",
    "Settings",
    "check",
    "fingerprint",
    "load",
    "narrow",
    "origins",
    "parse",
    "where",
    "widening",
    "written",
]
