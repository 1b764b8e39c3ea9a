"""What of other open buffers goes along with a request, and what must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codriver.analyst import Analyst
from codriver.config import Settings
from codriver.model.request import Snapshot
from codriver.tasks import alongside
from codriver.tasks.changes import Change
from codriver.tasks.complete import Completer
from codriver.tasks.refactor import refactor
from codriver.tasks.review import review

HERE = """from ledger import post_entry

def settle_invoice(invoice, ledger):
    amount = invoice.net + invoice.tax
    post_entry(ledger, amount)
    return ‸
"""
LIKE = """def cancel_invoice(invoice, ledger):
    amount = invoice.net + invoice.tax
    revoke_entry(ledger, amount)
    return amount
"""
LEDGER = """import decimal


def post_entry(book, value):
    row = decimal.Decimal(value).quantize(book.smallest, rounding=decimal.ROUND_HALF_EVEN)
    book.rows.append(row)
    for listener in book.listeners:
        listener.notify(kind="posted", row=row, written=book.clock())
"""
PAINT = "def paint(canvas, colour):\n    canvas.fill(colour)\n    return canvas.pixels\n"


def opened(analyst: Analyst, **texts: str) -> None:
    for number, (name, text) in enumerate(texts.items()):
        uri = f"file:///work/shop/{name.replace('__', '.')}"
        analyst.opened(1, Snapshot(uri, number, "python", text.encode(), root="/work"))


def found(kit: Any, analyst: Analyst, text: str = HERE, never: tuple[str, ...] = (), **more: Any) -> dict[str, str]:
    snapshot = kit.snapshot(text, **more)
    return dict(alongside.files(analyst, snapshot, analyst.buffer(snapshot), snapshot.cursor or 0, never))


def test_places_alike_and_heads_of_what_is_called(kit: Any, analyst: Analyst) -> None:
    opened(analyst, cancel__py=LIKE, ledger__py=LEDGER, paint__py=PAINT)
    told = found(kit, analyst)
    assert told == {"cancel.py": LIKE.strip(), "ledger.py": "def post_entry(book, value):"}
    assert "for reference only:\n```\ndef post_entry" in alongside.told([*told.items()])
    assert alongside.told(()) == ""


def test_typing_changes_nothing_in_front_of_the_prompt(kit: Any, analyst: Analyst) -> None:
    opened(analyst, cancel__py=LIKE, ledger__py=LEDGER)
    before = found(kit, analyst)
    for typed in ("a", "am", "amount", "amount\n    # done"):
        assert found(kit, analyst, HERE.replace("‸", f"{typed}‸")) == before


def test_a_budget_holds(kit: Any, analyst: Analyst) -> None:
    long = "".join(f"def cancel_{n}(invoice, ledger, amount, tax, net, post_entry):\n    pass\n" for n in range(400))
    opened(analyst, a__py=LIKE * 50, b__py=long, c__py=LEDGER)
    told = found(kit, analyst)
    assert told and sum(len(text) for text in told.values()) <= alongside.BUDGET + 100


@pytest.mark.parametrize(
    ("never", "local_only", "told"),
    [((), (), True), (("cancel.py",), (), False), ((), ("cancel.py",), False), ((), ("*.py",), True)],
    ids=["open", "never", "stays here", "both stay here"],
)
def test_t_private_files_do_not_go_along(
    kit: Any, never: tuple[str, ...], local_only: tuple[str, ...], told: bool
) -> None:
    analyst = Analyst(local_only=local_only)
    opened(analyst, cancel__py=LIKE)
    assert bool(found(kit, analyst, never=never)) is told


def test_only_languages_of_one_family_and_never_the_same_file(kit: Any, analyst: Analyst) -> None:
    script = "function cancelInvoice(invoice, ledger, amount, net, tax) { return amount; }\n"
    analyst.opened(1, Snapshot("file:///work/a.js", 1, "javascript", script.encode()))
    analyst.opened(1, Snapshot("file:///work/b.tsx", 1, "typescriptreact", script.encode()))
    here = script.replace("return amount", "return ‸")
    own = kit.snapshot(here, uri="file:///work/c.ts", language="typescript")
    analyst.opened(1, own)
    assert set(found(kit, analyst, here, uri="file:///work/c.ts", language="typescript")) == {"a.js", "b.tsx"}
    assert found(kit, analyst) == {}


async def test_a_completion_takes_them_along_when_a_model_is_asked(kit: Any, analyst: Analyst) -> None:
    opened(analyst, cancel__py=LIKE, ledger__py=LEDGER)
    router = kit.router("amount", "amount")
    settings = {"predictor": False}
    for others in (True, False):
        completer = Completer(router, analyst, Settings.model_validate({"complete": settings | {"others": others}}))
        assert await completer.complete(kit.snapshot(HERE), owner=1, explicit=False)
    with_others, without = router.requests
    assert [path for path, _ in with_others.fim.files] == ["cancel.py", "ledger.py"]
    assert with_others.fim.path == "app.py" and with_others.fim.prefix == without.fim.prefix
    assert with_others.input_tokens > without.input_tokens and without.fim.files == ()
    assert "revoke_entry" in router.prompt(0) and "revoke_entry" not in router.prompt(1)
    assert router.prompt(0).index("The file app.py:\n") > router.prompt(0).index("revoke_entry")


async def test_another_file_with_the_prompts_own_mark(kit: Any, analyst: Analyst) -> None:
    opened(analyst, cancel__py=LIKE.replace("revoke_entry", "'<|cursor|>'"))
    router = kit.router("amount")
    completer = Completer(router, analyst, Settings.model_validate({"complete": {"predictor": False}}))
    await completer.complete(kit.snapshot(HERE), owner=1, explicit=False)
    assert router.requests[0].conversation.messages[1].text.count("<|cursor|>") == 1


def test_real_files_say_something_about_each_other(kit: Any, analyst: Analyst) -> None:
    library = Path(pytest.__file__).parent.parent / "_pytest"
    texts = {path.name: path.read_text() for path in sorted(library.glob("*.py"))}
    opened(analyst, **texts)
    text = texts["fixtures.py"]
    snapshot = kit.snapshot(text, uri="file:///elsewhere/app.py")
    buffer = analyst.buffer(snapshot)
    told = [alongside.files(analyst, snapshot, buffer, at, ()) for at in range(0, len(text), 5000)]
    assert sum(map(bool, told)) > len(told) / 4
    assert all(
        part in texts[name].encode().decode()
        for parts in told
        for name, all_of_it in parts
        for part in all_of_it.split("\n\n")
    )


async def test_rewrites_and_reviews_are_told_what_they_call(kit: Any, analyst: Analyst) -> None:
    opened(analyst, ledger__py=LEDGER)
    snapshot = kit.snapshot(HERE.replace("return ‸", "«return amount»"))
    router = kit.router("```python\n    return amount + 0\n```\nSummary: x", '{"findings": []}')
    await refactor(router, analyst, snapshot, "add zero")
    await review(router, analyst, snapshot)
    for number, before in enumerate(("The region to edit", "The code to review")):
        prompt = router.prompt(number)
        assert f"def post_entry(book, value):\n```\n\n{before}" in prompt


async def test_a_fence_in_another_file_does_not_end_the_one_around_it(kit: Any, analyst: Analyst) -> None:
    assert alongside.told([("a.md", "```py\nx\n```")]).splitlines()[1] == "````"


LONG = "".join(f"item_{number} = {number}\n" for number in range(200))


async def test_what_was_just_edited_elsewhere_goes_along(kit: Any, analyst: Analyst) -> None:
    opened(analyst, numbers__py=LONG, cancel__py=LIKE)
    router = kit.router("1", "1")
    now = [0.0]
    completing = Completer(
        router, analyst, Settings.model_validate({"complete": {"predictor": False}}), clock=lambda: now[0]
    )
    at = LONG.index("item_100")
    for uri, batch in (
        ("file:///work/shop/numbers.py", [Change(at + 11, b"", b"0")]),
        ("file:///work/shop/numbers.py", [Change(0, b"", b"\n\n")]),
        ("file:///work/shop/cancel.py", [Change(0, b"", b"d")]),
    ):
        completing.changed(1, uri, batch, bytes)
    shift = LONG.replace("item_100 = 100", "item_100 = 1000")
    opened(analyst, numbers__py=f"\n\n{shift}", cancel__py=LIKE)
    await completing.complete(kit.snapshot(HERE), owner=1, explicit=False)
    told = dict(router.requests[0].fim.files)
    lines = "\n".join(f"item_{n} = {1000 if n == 100 else n}" for n in range(97, 104))
    assert lines in told["numbers.py"] and "item_50 " not in told["numbers.py"]
    assert told["cancel.py"] == LIKE.strip(), "what is shown anyway is shown once"
    now[0] = 1_000.0
    await completing.complete(kit.snapshot(HERE + "\n"), owner=1, explicit=False)
    assert "numbers.py" not in dict(router.requests[1].fim.files), "long ago"
