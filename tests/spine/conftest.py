"""A daemon that does not wait long, for tests about waiting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from running import Daemon, daemon_at

IMPATIENT = """
[timeouts]
first = 0.4
between = 0.4
"""


@pytest.fixture(scope="module")
def fast_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_at(tmp_path_factory.mktemp("impatient"), "--simulate", config=IMPATIENT) as running:
        yield running
