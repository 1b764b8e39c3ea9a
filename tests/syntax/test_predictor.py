"""The local predictor: what it proposes, what it must not, and that its confidence orders."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.syntax.predictor import SHOWN, predict


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # the rest of a line that began so before
        ("self.total = compute(values, 1)\nx = 2\nself.total = comp|\n", "ute(values, 1)"),
        # the longest match wins over the nearer one
        ("a.read(path, mode)\nb.read(path, flags)\nq = 1\nz = a.read(path, |\n", "mode)"),
        # on a blank line: what followed the line above, in this line's indentation
        ("for key in table.keys():\n    total += 1\n\nif a:\n    for key in table.keys():\n        |\n", "total += 1"),
        # the text behind the cursor counts too
        ("value = load(|\nother = 1\nvalue = load(name, 3)\n", "name, 3)"),
        # brackets that the editor closed are not proposed again
        ("print(alpha, beta)\ny = 1\nprint(alpha|)\n", ", beta"),
        # several lines, when all earlier places agree
        (
            "try:\n    run(task)\nexcept OSError:\n    log(task)\n    raise\n\n"
            "def f():\n    try:\n        run(task)\n    except OSError:\n        log(task)\n        raise\n\n"
            "def g():\n    try:\n        run(task)\n    except OSEr|\n",
            "ror:\n        log(task)\n        raise",
        ),
        # a line with other names, which change in what followed too
        ("self.width = width\nself.height = height\nself.depth = |\n", "depth"),
        ("x = 2\nif user is None:\n    raise Missing(user)\nx = 1\nif group is None:\n    |\n", "raise Missing(group)"),
        # and as parts of names
        (
            "\ndef load_users():\n    return USERS_TABLE.all()\n\ndef load_groups():\n    |\n",
            "return GROUPS_TABLE.all()",
        ),
    ],
)
def test_proposes(text: str, expected: str) -> None:
    before, after = text.split("|")
    prediction = predict(before.encode(), after.encode())
    assert prediction is not None
    assert prediction.text == expected


@pytest.mark.parametrize(
    "text",
    [
        "|",
        "x = 1\n|\n",
        "foo(bar)\nfoo(bar|)\n",  # would be blank
        "foo(bar)\nfoo(|bar)\n",  # in the middle of code
        "foo(bar)\nfoo(bar)\n|",  # nothing known follows
        "first(a, b)\nsecond(c, d)\nx = 1\nfirst(a, b)\n|\nsecond(c, d)\n",  # stands behind the cursor already
        "unknown(|\n",
        "a = f(x, x)\nz = f(p, q) + |\n",  # one of their names would be two of ours
    ],
)
def test_proposes_nothing(text: str) -> None:
    before, after = text.split("|")
    assert predict(before.encode(), after.encode()) is None


def test_other_texts_help() -> None:
    prediction = predict(b"connect(host, ", b"", [b"nothing", b"    connect(host, port, timeout=3)\n"])
    assert prediction is not None
    assert prediction.text == "port, timeout=3)"


def test_confidence_grows_with_agreement_and_falls_with_rivals() -> None:
    once, thrice = b"send(message, urgent)\n", b"send(message, urgent)\n" * 3
    rival = b"send(message, later)\nsend(message, never)\n"
    confidences = [
        prediction.confidence
        for history in (rival + once, once, thrice)
        if (prediction := predict(history + b"x = 1\nsend(message, ", b"")) is not None
    ]
    assert len(confidences) == 3
    assert confidences == sorted(confidences)
    assert confidences[0] < 0.5 * confidences[2] < SHOWN


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"a", b"foo(", b")", b"\n", b"    ", b"\t", b"\xff", b"\r\n", b"x = ", b'"', "é".encode()])
    ),
    st.integers(0, 200),
)
def test_anything_goes_in_and_only_useful_text_comes_out(pieces: list[bytes], cut: int) -> None:
    text = b"".join(pieces * 3)
    before, after = text[:cut], text[cut:]
    prediction = predict(before, after, [text])
    if prediction is not None:
        assert prediction.text.strip()
        assert 0 <= prediction.confidence <= 1
        assert prediction.text.split("\n")[0].rstrip() != after.split(b"\n")[0].decode("utf-8", "replace").rstrip()


def test_ten_thousand_lines_take_a_few_milliseconds() -> None:
    text = b"".join(b"    name%d = call%d(argument%d)\n" % (n, n % 7, n % 3) for n in range(10_000))
    best = 1.0
    for _ in range(5):
        start = time.perf_counter()
        predict(text + b"    name77 = call", b"\n", [text] * 4)
        best = min(best, time.perf_counter() - start)
    assert best < 0.02
