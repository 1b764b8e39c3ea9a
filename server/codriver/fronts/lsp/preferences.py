"""What one editor's own settings say. The daemon's file stays the truth; an editor may only want less of it.

Settings are pushed by some editors, asked of others and known to none of the rest: all three lead here, and hold from
the next request on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lsprotocol import types as lsp

from codriver.fronts.lsp.protocol import Peer, Refused

log = logging.getLogger(__name__)

SECTION = "codriver"
REGISTRATION = "codriver.settings"
"""One name for all connections: a daemon that takes over from another one renews it."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What an editor wants. languages: ids in which nothing is suggested unless asked for."""

    complete: bool = True
    lenses: bool = True
    languages: frozenset[str] = frozenset()

    def suggests(self, language: str) -> bool:
        """Whether suggestions may come by themselves in this language."""
        return self.complete and language not in self.languages


class Settled:
    """The preferences that hold now."""

    def __init__(self) -> None:
        self.now = Preferences()


def read(settings: Any) -> Preferences:
    """Preferences out of an editor's settings, whole or our section of them; what is not understood is passed over.

    The keys of Copilot's clients (enableAutoCompletions, disabledLanguages) mean the same.
    """
    ours = settings.get(SECTION, settings) if isinstance(settings, Mapping) else None
    if not isinstance(ours, Mapping):
        return Preferences()
    complete = _within(ours, "enable", True) and _within(ours, "complete.enabled", True)
    off = _within(ours, "complete.disabledLanguages", None)
    return Preferences(
        complete=bool(complete and ours.get("enableAutoCompletions", True)),
        lenses=bool(_within(ours, "codeLens.enabled", True)),
        languages=_languages(off) | _languages(ours.get("disabledLanguages")),
    )


def _within(settings: Mapping[str, Any], key: str, otherwise: Any) -> Any:
    """A setting by its dotted key, written flat or nested."""
    if key in settings:
        return settings[key]
    first, _, rest = key.partition(".")
    inner = settings.get(first)
    return _within(inner, rest, otherwise) if rest and isinstance(inner, Mapping) else otherwise


def _languages(value: Any) -> frozenset[str]:
    """Language ids of a list of them, or of objects that have one."""
    items = value if isinstance(value, list) else []
    ids = (item.get("languageId") if isinstance(item, Mapping) else item for item in items)
    return frozenset(one for one in ids if isinstance(one, str))


class Preferring:
    """Keeps an editor's preferences up to date."""

    def __init__(self, settled: Settled, peer: Peer, *, asks: bool, registers: bool) -> None:
        self._settled, self._peer = settled, peer
        self._asks, self._registers = asks, registers
        self._asking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """After initialized: asks for the settings, and to be told of changes, as far as the editor can."""
        if self._asks or self._registers:
            self._ask(first=True)

    def changed(self, params: lsp.DidChangeConfigurationParams) -> None:
        """Handles workspace/didChangeConfiguration. Editors that can be asked push nothing, or all they have."""
        if self._asks:
            self._ask(first=False)
        else:
            self._settled.now = read(params.settings)

    def leave(self) -> None:
        """The editor has gone."""
        if self._asking is not None:
            self._asking.cancel()

    def _ask(self, *, first: bool) -> None:
        if self._asking is not None:
            self._asking.cancel()
        self._asking = asyncio.ensure_future(self._asked(first))

    async def _asked(self, first: bool) -> None:
        try:
            if first and self._registers:
                wanted = lsp.Registration(
                    REGISTRATION,
                    lsp.WORKSPACE_DID_CHANGE_CONFIGURATION,
                    lsp.DidChangeConfigurationRegistrationOptions(SECTION),
                )
                await self._peer.ask(lsp.CLIENT_REGISTER_CAPABILITY, lsp.RegistrationParams([wanted]))
            if self._asks:
                items = lsp.ConfigurationParams([lsp.ConfigurationItem(section=SECTION)])
                found = await self._peer.ask(lsp.WORKSPACE_CONFIGURATION, items)
                self._settled.now = read(found[0] if isinstance(found, list | tuple) and found else None)
        except Refused as problem:
            log.info("the editor does not tell its settings: %s", problem)
