"""Fixtures of the LSP front: an editor connected to a played application, all in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from played_app import Editor, PlayedApp


@pytest.fixture
async def editor() -> AsyncIterator[Editor]:
    """An editor before initialize."""
    connected = Editor(PlayedApp())
    yield connected
    await connected.leave()


@pytest.fixture
async def ready(editor: Editor) -> Editor:
    """An editor after initialize."""
    await editor.initialize()
    return editor
