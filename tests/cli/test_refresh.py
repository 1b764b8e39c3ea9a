"""`codriver models refresh`: newer prices when they are whole and true, else nothing at all."""

from __future__ import annotations

import functools
import hashlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from catalog.small import genai_table, price, row, wheel
from codriver import catalog
from codriver.catalog import facts
from codriver.catalog.sheets import shipped
from codriver.catalog.tables.merging import sources


@functools.cache
def newer(gpt: str = "77") -> str:
    """A table that prices every model that the shipped sheets have from it as before, but for one, and has a new one."""
    rows: dict[str, dict[str, str]] = {}
    for provider, sheet in shipped().items():
        for theirs in sources()[provider].genai[:1]:
            for id, one in sheet.models.items():
                if "genai" in one.tables and one.price is not None:
                    classes = {"input_mtok": one.price.input, "output_mtok": one.price.output}
                    flat = price(**{name: repr(amount) for name, amount in classes.items() if amount})
                    rows.setdefault(theirs, {})[id] = row(id, flat)
    rows["openai"]["gpt-5.5"] = row("gpt-5.5", price(input_mtok=gpt, output_mtok="99"))
    rows["openai"]["gpt-99"] = row("gpt-99", price(input_mtok="1", output_mtok="2"))
    return genai_table(**{name: list(models.values()) for name, models in rows.items()})


@pytest.fixture
def index(server: tuple[int, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A package index on loopback. Set "wheel", and "page" or "status" where they shall be wrong."""
    port, role = server
    said: dict[str, Any] = {"version": "9.0", "asked": []}

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        said["asked"].append(path)
        if path == "/packages/genai.whl":
            return 200, {}, said["wheel"]
        file = {"url": "../../packages/genai.whl", "packagetype": "bdist_wheel", "yanked": said.get("yanked", False),
                "digests": {"sha256": said.get("sha256") or hashlib.sha256(said["wheel"]).hexdigest()},
                "upload_time_iso_8601": "2026-12-24T10:00:00Z"} | said.get("file", {})  # fmt: skip
        page = {"info": {"version": said["version"]}, "urls": [{**file, "packagetype": "sdist"}, file]}
        return said.get("status", 200), {}, said.get("page") or json.dumps(page).encode()

    role["answer"] = answer
    monkeypatch.setenv("CODRIVER_PRICES_INDEX", f"http://127.0.0.1:{port}/pypi/genai-prices/json")
    return said


def priced(home: Path) -> float:
    model = catalog.load(fetched=home / "prices.json").find("openai/gpt-5.5")
    assert model is not None
    return model.price.input


SHIPPED = 5.0


def test_newer_prices_are_taken_as_a_whole_and_told(run: Any, home: Path, index: dict[str, Any]) -> None:
    index["wheel"] = wheel(newer())
    done = run("models", "refresh")
    assert (done.code, done.err) == (0, "")
    assert "-> 9.0 (2026-12-24)" in done.out and "openai/gpt-5.5: input 5 -> 77, output 30 -> 99" in done.out
    assert catalog.load(fetched=home / "prices.json").sold["openai"].stated("gpt-99") is not None, (
        "a new model is known"
    )
    assert priced(home) == 77
    found = catalog.load(fetched=home / "prices.json")
    assert found.complaint == ""
    assert [path.name for path in home.glob("prices.json*")] == ["prices.json"], "no draft is left"
    before = catalog.load()
    sonnet = "anthropic/claude-sonnet-5-5"
    kept, was = found.find(sonnet), before.find(sonnet)
    assert kept is not None and was is not None
    assert (kept.price, kept.window, kept.images, kept.batch) == (was.price, was.window, was.images, was.batch)


def test_the_same_again_changes_nothing(run: Any, home: Path, index: dict[str, Any]) -> None:
    index["wheel"] = wheel(newer())
    run("models", "refresh")
    held = (home / "prices.json").read_bytes()
    index["wheel"] = wheel(newer("88"))
    done = run("models", "refresh", "--json")
    assert done.json() == {"before": "9.0", "now": "9.0", "changes": []}
    assert (home / "prices.json").read_bytes() == held
    assert index["asked"].count("/packages/genai.whl") == 1, "what is here is not fetched again"


def test_a_later_one_goes_over_an_earlier_one(run: Any, home: Path, index: dict[str, Any]) -> None:
    for version, cost in (("9.0", "77"), ("9.0.1", "88")):
        index["version"], index["wheel"] = version, wheel(newer(cost))
        assert run("models", "refresh").code == 0
    assert priced(home) == 88


def test_an_older_one_is_not_taken(run: Any, home: Path, index: dict[str, Any]) -> None:
    index["version"], index["wheel"] = "0.0.1", wheel(newer())
    done = run("models", "refresh")
    assert done.code == 0 and "nothing newer" in done.out
    assert not (home / "prices.json").exists()


GOOD = "good"
HARM: list[tuple[dict[str, Any], str]] = [
    ({"wheel": b"not a wheel"}, "no table in this package"),
    ({"wheel": wheel(None)}, "no table in this package"),
    ({"wheel": wheel("providers = 3")}, "no table of providers"),
    ({"wheel": wheel("providers: list = [")}, "not its table"),
    ({"wheel": wheel("import os; os.abort()")}, "no table of providers"),
    ({"wheel": wheel(genai_table(openai=[]))}, "it prices 0 models where"),
    ({"wheel": wheel(newer("-1"))}, "openai: Expected `float` >= 0"),
    ({"wheel": wheel(newer("77000000"))}, "openai: Expected `float` <= 10000.0"),
    ({"wheel": b"x", "sha256": "0" * 64}, "checksum does not fit"),
    ({"wheel": GOOD, "sha256": "0" * 64}, "checksum does not fit"),
    ({"wheel": b"", "page": b"<html>captive portal</html>"}, "did not answer as a package index does"),
    ({"wheel": b"", "page": b'{"info": {"version": "9.0"}, "urls": []}'}, "no wheel of 9.0"),
    ({"wheel": GOOD, "yanked": True}, "no wheel of 9.0"),
    ({"wheel": GOOD, "file": {"url": "http://elsewhere.example/x.whl"}}, "not fetched over https"),
    ({"wheel": b"", "status": 503}, "status 503"),
]


@pytest.mark.parametrize(("harm", "words"), HARM, ids=range(len(HARM)))
def test_what_is_not_whole_and_true_changes_nothing(
    run: Any, home: Path, index: dict[str, Any], harm: dict[str, Any], words: str
) -> None:
    """E6: a broken price file is told at once, and the prices that are here go on."""
    index |= {**harm, "wheel": wheel(newer()) if harm["wheel"] == GOOD else harm["wheel"]}
    done = run("models", "refresh")
    assert (done.code, done.out) == (1, "")
    assert words in done.err and "The prices that are here stay" in done.err
    assert done.err.count("\n") == 1, "one sentence"
    assert list(home.glob("prices.json*")) == []
    assert priced(home) == SHIPPED


def test_a_cut_wheel_changes_nothing(run: Any, home: Path, index: dict[str, Any]) -> None:
    whole = wheel(newer())
    index["wheel"] = whole[: len(whole) // 2]
    index["sha256"] = hashlib.sha256(whole).hexdigest()
    assert "checksum does not fit" in run("models", "refresh").err
    index["sha256"] = ""
    assert "no table in this package" in run("models", "refresh").err
    assert list(home.glob("prices.json*")) == []


def test_without_a_network_one_sentence(run: Any, home: Path) -> None:
    with socket.socket() as bound:  # bound, so that nobody else listens there; not listening
        bound.bind(("127.0.0.1", 0))
        done = run("models", "refresh", "--index", f"http://127.0.0.1:{bound.getsockname()[1]}/json")
    assert done.code == 1 and "cannot be fetched" in done.err and done.err.count("\n") == 1
    assert list(home.glob("prices.json*")) == []


def test_earlier_prices_stay_when_a_refresh_fails(run: Any, home: Path, index: dict[str, Any]) -> None:
    index["wheel"] = wheel(newer())
    run("models", "refresh")
    index["version"], index["wheel"] = "9.1", b"garbage"
    assert run("models", "refresh").code == 1
    assert priced(home) == 77


def test_broken_fetched_prices_are_told_by_the_doctor_and_mended_by_a_refresh(
    run: Any, home: Path, index: dict[str, Any]
) -> None:
    (home / "prices.json").write_bytes(b"half a file")
    told = [check for check in run("doctor", "--json").json() if check["name"] == "prices"]
    assert [check["verdict"] for check in told] == ["fail"] and "models refresh" in told[0]["text"]
    assert priced(home) == SHIPPED
    index["wheel"] = wheel(newer())
    assert run("models", "refresh").code == 0
    assert not [check for check in run("doctor", "--json").json() if check["name"] == "prices"]


def test_listing_models_fetches_nothing(run: Any, home: Path, index: dict[str, Any]) -> None:
    """Never automatic."""
    index["wheel"] = b""
    run("models", "--json")
    assert index["asked"] == []


def test_what_is_fetched_is_a_whole_sheet_for_each_provider(run: Any, home: Path, index: dict[str, Any]) -> None:
    from codriver.catalog.sheets import opened

    index["wheel"] = wheel(newer())
    run("models", "refresh")
    held = opened((home / "prices.json").read_bytes())
    assert held.keys() == shipped().keys()
    assert all(facts.read(data).tables["genai-prices"] == "9.0" for data in held.values())
