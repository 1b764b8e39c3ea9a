"""`config set` and `unset`: the file keeps its comments, what is unsound is refused, and nothing is half done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

FILE = """# mine
[routing]
strategy = "cost"  # until payday

[privacy]
local_only = ["payroll/**"]
"""


def _written(run: Any, home: Path, *arguments: str, before: str = FILE) -> str:
    file = home / "config.toml"
    file.write_text(before)
    ran = run("config", *arguments)
    assert ran.code == 0, ran.err
    return file.read_text()


@pytest.mark.parametrize(
    ("arguments", "old", "new"),
    [
        (("set", "routing.strategy=quality"), '"cost"', '"quality"'),
        (("set", 'routing.strategy="quality"'), '"cost"', '"quality"'),
        (("set", "routing.floor=0.3"), "payday\n", "payday\nfloor = 0.3\n"),
        (("set", "budget.daily_usd=2.5", "complete.enabled=false"), '"]\n', '"]\n\n[budget]\ndaily_usd = 2.5\n\n[complete]\nenabled = false\n'),
        (("set", 'privacy.local_only=["a", "b"]'), '["payroll/**"]', '["a", "b"]'),
        (("unset", "routing.strategy"), 'strategy = "cost"  # until payday\n', ""),
        (("unset", "privacy.local_only"), 'local_only = ["payroll/**"]\n', ""),
        (("unset", "budget.daily_usd"), "", ""),
    ],
)  # fmt: skip
def test_one_value_changes_and_every_other_byte_stays(run: Any, home: Path, arguments: Any, old: str, new: str) -> None:
    assert _written(run, home, *arguments) == FILE.replace(old, new, 1) if old else FILE


def test_a_file_is_made_where_there_was_none_and_what_was_set_holds(run: Any, home: Path) -> None:
    assert run("config", "set", "routing.strategy=speed").out == f"{home / 'config.toml'}\n"
    changed = run("config", "show", "--changed", "--json").json()
    assert [(row["key"], row["value"]) for row in changed] == [("routing.strategy", "speed")]
    assert (home / "config.toml").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("set", "routing.strategy=cheapest"), "no strategy is called 'cheapest'"),
        (("set", "routing.floor=2"), "routing.floor"),
        (("set", "routing.flor=0.2"), "Did you mean 'floor'"),
        (("set", "routing.strategy"), "is not KEY=VALUE"),
        (("set", "routing..strategy=cost"), "is no key"),
        (("set", "privacy=1"), "privacy"),
    ],
)
def test_what_is_unsound_changes_nothing_and_says_why(run: Any, home: Path, arguments: Any, said: str) -> None:
    (home / "config.toml").write_text(FILE)
    ran = run("config", *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert (home / "config.toml").read_text() == FILE
