"""Adding something touches one place: a copy of the package gets one file more, and has one thing more.

A copy, because the point is that no second file has to change.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import codriver

PROVIDER = """
title = "Acme"
base_url = "https://api.acme.example"
key_env = ["ACME_API_KEY"]
source = "https://acme.example/prices"
date = 2026-11-01

[wires]
openai_chat = "/v1/chat/completions"

[models.rocket-1]
tier = "large"
window = 200_000
max_output = 8_000
price = { input = 1, output = 5 }
"""

FRAMEWORK = """
title = "Acme Web"
domain = "backend"

[imports]
python = ["acmeweb"]
"""

STRATEGY = '''
"""dearest: whoever costs most."""

from dataclasses import replace


def rank(candidates, taste):
    return [replace(c, score=c.cost) for c in sorted(candidates, key=lambda c: -c.cost)]
'''


class Copy:
    """The package somewhere else, run as its own process."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "lib" / "codriver"
        self.home = folder / "home"
        source = Path(codriver.__file__).parent
        shutil.copytree(source, self.package, ignore=shutil.ignore_patterns("__pycache__"))

    def add(self, name: str, text: str) -> None:
        file = self.package / name
        assert not file.exists()
        file.write_text(text)

    def run(self, *arguments: str, **environ: str) -> Any:
        """The JSON that a command prints."""
        done = subprocess.run(
            [sys.executable, "-m", "codriver", *arguments, "--json"],
            env=os.environ | {"PYTHONPATH": str(self.package.parent), "CODRIVER_HOME": str(self.home)} | environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_a_provider_is_one_file(copy: Copy) -> None:
    copy.add("providers/acme.toml", PROVIDER)
    told = json.dumps(copy.run("models"))
    assert "acme/rocket-1" in told
    made = copy.run("route", "--prompt", "explain this", "--model", "acme/rocket-1", ACME_API_KEY="k")
    assert made["decision"]["candidates"][0]["model"] == "acme/rocket-1"


def test_a_framework_is_one_file(copy: Copy, tmp_path: Path) -> None:
    copy.add("frameworks/acmeweb.toml", FRAMEWORK)
    code = tmp_path / "shop.py"
    code.write_text("import acmeweb\n\n\ndef f():\n    return 1\n")
    assert copy.run("analyze", str(code))["frameworks"] == ["acmeweb"]


def test_a_strategy_is_one_module(copy: Copy) -> None:
    copy.add("routing/strategies/dearest.py", STRATEGY)
    made = copy.run("route", "--prompt", "hi", "--strategy", "dearest")["decision"]
    costs = [candidate["cost_usd"] for candidate in made["candidates"]]
    assert made["strategy"] == "dearest"
    assert costs == sorted(costs, reverse=True)
    assert len(costs) > 2
