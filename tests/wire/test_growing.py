"""Arguments that come in many pieces: known to be whole at the right one, and for work in proportion to their length."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codriver.model.events import Event, Finish, Finished, Started, TextDelta, ToolDelta, ToolStart
from codriver.wire import codec, jsontext
from codriver.wire.growing import Growing, GrowingValue
from wire.samples import PLAIN, asked, data, events, model, named
from wire.streams import CODECS, call, delta, told

VALUES = st.recursive(
    st.text(max_size=6) | st.sampled_from(['"', "\\", '\\"', "}", "{[", "a\\"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def pieces_of(text: str, cuts: list[int]) -> Iterator[str]:
    at = 0
    for cut in cuts:
        yield text[at : at + cut]
        at += cut
    yield text[at:]


@settings(max_examples=200, deadline=None)
@given(VALUES, st.lists(st.integers(0, 4), max_size=30), st.booleans(), st.text(" \n", max_size=2))
@example({"a": '\\"}'}, [1] * 12, True, "")
def test_a_value_is_whole_with_its_last_bracket_and_not_before(
    value: object, cuts: list[int], ascii_only: bool, blank: str
) -> None:
    text = blank + json.dumps(value, ensure_ascii=ascii_only) + blank
    growing = GrowingValue()
    so_far = ""
    for piece in pieces_of(text, cuts):
        growing.add(piece)
        so_far += piece
        assert growing.whole is jsontext.complete(so_far)
        assert (growing.text, growing.size, bool(growing)) == (so_far, len(so_far), bool(so_far))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text('{}[]":,\\a1 \n', max_size=4), max_size=8))
def test_what_is_no_json_is_never_whole(pieces: list[str]) -> None:
    growing = GrowingValue()
    for piece in pieces:
        growing.add(piece)
        text = growing.text
        assert growing.whole is (jsontext.complete(text) and not text.strip().isdigit())


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["{}", "  \n"], True),
        (["{}", "", '{"a":1}'], False),
        (["null"], True),
        (["tr", "ue"], True),
        (["12"], False),
        (['"{}"'], True),
        ([], False),
        (["}"], False),
        (["{]"], False),
    ],
)
def test_what_is_whole(pieces: list[str], whole: bool) -> None:
    growing = GrowingValue()
    for piece in pieces:
        growing.add(piece)
    assert growing.whole is whole is growing.whole


def test_what_a_whole_has_behind_it() -> None:
    growing = Growing()
    growing.add("ab")
    growing.add("c")
    assert [growing.rest_of(whole) for whole in ("abcde", "abc", "ab", "", "xbcd")] == ["de", "", "", "", ""]


# Work: characters that are parsed or put together, for arguments of this size in so many pieces.

PIECES = 1500
FRAGMENT = ',{"a":[{}]}'  # ends with what could be the end


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Characters parsed for completeness, and characters of joined texts, since the test began."""
    done = 0
    parse, text = jsontext.complete, Growing.text.fget
    assert text is not None

    def parsing(value: str) -> bool:
        nonlocal done
        done += len(value)
        return parse(value)

    def joining(self: Growing) -> str:
        nonlocal done
        if len(self._pieces) > 1:
            done += self.size
        return str(text(self))

    monkeypatch.setattr(jsontext, "complete", parsing)
    monkeypatch.setattr(Growing, "text", property(joining))
    return lambda: done


def interleaved(*between: Event) -> list[Event]:
    """Two calls whose fragments alternate, with something else between them: the worst for who writes one after
    the other."""
    out: list[Event] = [
        Started("x", "m"),
        ToolStart(0, "call_aaaaaaaaaaaa", "f"),
        ToolStart(1, "call_bbbbbbbbbbbb", "g"),
    ]
    fragments = ['{"l":[0', *[FRAGMENT] * PIECES, "]}"]
    for fragment in fragments:
        out += [ToolDelta(0, fragment), ToolDelta(1, fragment), *between]
    return [*out, Finished(Finish.TOOL_CALLS)]


LENGTH = 2 * PIECES * len(FRAGMENT)


@pytest.mark.parametrize(
    "wire",
    [name for name in CODECS if name in ("openai_chat", "openai_responses", "anthropic", "gemini", "ollama_chat")],
)
@pytest.mark.parametrize("between", [(), (TextDelta("so"),)], ids=["", "with words between"])
def test_interleaved_calls_are_written_for_linear_work(
    wire: str, between: Sequence[Event], work: Callable[[], int]
) -> None:
    encoder = codec.find(wire).encoder(asked(wire), "acme/one")
    written = b"".join(encoder.feed([event]) for event in interleaved(*between))
    assert written.count(b'"a') >= PIECES
    assert work() <= 10 * LENGTH, "each fragment looks at all that came before it"


def chat_stream(*, names: bool) -> bytes:
    """Fragments of two calls; servers of the one kind repeat the name in each."""
    name = {"name": "f"} if names else {}
    first = [delta(tool_calls=[call(n, "", id=f"call_{n}{'a' * 12}", name="f") for n in (0, 1)])]
    more = [delta(tool_calls=[call(n, FRAGMENT if k else '{"l":[0', **name) for n in (0, 1)]) for k in range(PIECES)]
    return data(*first, *more, delta("tool_calls"), "[DONE]")


def responses_stream() -> bytes:
    """Deltas of two calls and of a message, with an empty word that they are done after each."""
    frames = [told("created", response={"id": "r", "model": "m"})]
    for n in (0, 1):
        item = {"type": "function_call", "id": f"fc_{n}", "call_id": f"call_{n}{'a' * 12}", "name": "f"}
        frames.append(told("output_item.added", output_index=n, item=item))
    for k in range(PIECES):
        for n in (0, 1):
            fragment = FRAGMENT if k else '{"l":[0'
            frames.append(told("function_call_arguments.delta", output_index=n, delta=fragment))
            frames.append(told("function_call_arguments.done", output_index=n, arguments=""))
    return named(*frames, told("completed", response={"status": "completed"}))


@pytest.mark.parametrize(
    ("wire", "stream"),
    [
        pytest.param("openai_chat", chat_stream(names=False), id="chat"),
        pytest.param("openai_chat", chat_stream(names=True), id="chat, the name in every fragment"),
        pytest.param("openai_responses", responses_stream(), id="responses"),
    ],
)
def test_interleaved_calls_are_read_for_linear_work(wire: str, stream: bytes, work: Callable[[], int]) -> None:
    decoder = codec.find(wire).decoder(model(), PLAIN)
    found = events(decoder.feed(stream)) + events(decoder.close())
    assert sum(len(event.arguments) for event in found if isinstance(event, ToolDelta)) > LENGTH * 0.9
    assert work() <= 4 * LENGTH
