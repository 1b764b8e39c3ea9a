"""The formats of settings files: an edit keeps all other bytes, and is undone to the byte."""

from __future__ import annotations

import contextlib
import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.cli.connect import editing
from codriver.cli.connect.editing import Setting
from codriver.cli.connect.formats import Broken, block, env, jsonc, named, toml, yaml

KEYS = st.sampled_from(["a", "b", "env", "model", "x y", 'q"uote', "größe", "[name=x]", "#"])
SCALARS = st.one_of(st.booleans(), st.integers(-9, 99), st.text("ab \\\"'#/*\n\té=[]{},", max_size=6))
COMMENTS = st.sampled_from(["", " ", "\n", "// c, }\n", '/* " { */', " \n\t", "\r\n  "])


@st.composite
def json_texts(draw: st.DrawFn, depth: int = 0) -> str:
    """An object with comments, odd blanks and sometimes a comma at its end."""
    names = draw(st.lists(KEYS, max_size=4, unique=True))
    members = []
    for name in names:
        nested = depth < 2 and draw(st.booleans())
        value = draw(json_texts(depth + 1)) if nested else json.dumps(draw(SCALARS | st.lists(SCALARS, max_size=2)))
        members.append(f"{draw(COMMENTS)}{json.dumps(name)}{draw(COMMENTS)}:{draw(COMMENTS)}{value}{draw(COMMENTS)}")
    end = "," if members and draw(st.booleans()) else ""
    return "{" + ",".join(members) + end + draw(COMMENTS) + "}"


@st.composite
def toml_texts(draw: st.DrawFn) -> str:
    """Comments, keys, tables, dotted keys, strings of all four kinds, arrays over lines."""
    values = st.one_of(
        SCALARS.map(lambda value: json.dumps(value).replace("\x7f", "")),
        st.sampled_from(
            ["'''\n[x]\na = 1\n'''", '"""\n# " \\""" x\n"""', "[\n  1, # ]\n  2,\n]", "{ a = 1 }", "1979-05-27"]
        ),
    )
    bare = st.sampled_from(["a", "b", "model", '"x y"', "'[#]'"])
    rows = []
    for number in range(draw(st.integers(0, 4))):
        if number:
            rows.append(
                draw(st.sampled_from([f"[t{number}]", f"[t{number}.in]  # h", f"[[list{number}]]", f"[ t{number} ]"]))
            )
        for name in draw(st.lists(bare, max_size=3, unique=True)):
            rows.append(
                f"{draw(st.sampled_from(['', '  ']))}{name} = {draw(values)}{draw(st.sampled_from(['', '  # c']))}"
            )
        rows.append(draw(st.sampled_from(["", "# note", "\n"])))
    return "\n".join(rows) + draw(st.sampled_from(["", "\n"]))


def harm(form: Any, text: str, wanted: list[Setting]) -> str:
    """What an edit did that it must not, "" if it holds, loses nothing, and is undone; a refused one changes nothing."""
    before = form.read(text)
    try:
        after, done = editing.apply(form, text, wanted)
    except Broken:
        return "" if form.read(text) == before else "refused, but changed"
    if not editing.holds(form, after, wanted):
        return f"not set: {after!r}"
    if editing.apply(form, after, wanted) != (after, ()):
        return f"set a second time: {after!r}"
    rest = iter(after)
    replaced = any(one.before is not None for one in done)
    if not replaced and not all(char in rest for char in text.strip()):
        return f"not every character is still there, in its order: {after!r}"
    back, left = editing.revert(form, after, done)
    return "" if (form.read(back), left) == (before, ()) else f"not undone: {back!r}, {left}"


@settings(max_examples=150, deadline=None)
@given(json_texts(), st.lists(KEYS, min_size=1, max_size=3), SCALARS)
def test_json_with_comments_keeps_all_other_bytes(text: str, path: list[str], value: Any) -> None:
    wanted = [Setting(tuple(path), value), Setting((*path[:1], "codriver", "deep"), {"k": [value]})]
    assert harm(jsonc, text, wanted) == ""


@settings(max_examples=150, deadline=None)
@given(
    toml_texts(),
    st.sampled_from([("model",), ("t1", "a"), ("t2", "in", "b"), ("new", "table", "k"), ("x y",)]),
    SCALARS,
)
def test_toml_keeps_all_other_bytes(text: str, path: tuple[str, ...], value: Any) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    wanted = [Setting(path, value), Setting(("language", "[name=z]", "servers"), "me", True, ("one",))]
    assert harm(toml, text, wanted) == ""


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.sampled_from(["jsonc", "toml", "yaml", "env", "block"]))
def test_any_text_is_read_or_refused(text: str, name: str) -> None:
    form = named(name)
    path = ("models", "[name=x]") if name == "yaml" else ("#",) if name == "block" else ("KEY",)
    value = {"name": "x"} if name == "yaml" else "v\n" if name == "block" else "v"
    with contextlib.suppress(Broken):
        after, done = editing.apply(form, text, [Setting(path, value)])
        assert editing.holds(form, after, [Setting(path, value)])
        editing.revert(form, after, done)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", '{\n  "m": 1\n}\n'),
        ("{}", '{\n  "m": 1\n}'),
        ('{ "a": 2 }', '{ "a": 2, "m": 1 }'),
        ('{\n\t"a": 2 // c\n}\n', '{\n\t"a": 2, // c\n\t"m": 1\n}\n'),
        ('{\r\n    "a": 2,\r\n}', '{\r\n    "a": 2,\r\n    "m": 1,\r\n}'),
        ('\ufeff// c\n{"m": 3}', '\ufeff// c\n{"m": 1}'),
        ('{"m": /* c */ "a//b" /* d */}', '{"m": /* c */ 1 /* d */}'),
    ],
)
def test_json_is_edited_in_the_way_it_is_written(text: str, after: str) -> None:
    assert jsonc.put(text, ("m",), 1) == after


@pytest.mark.parametrize(
    ("text", "path", "after"),
    [
        ("", ("m",), "m = 1\n"),
        ("# c\n[t]\nm = 2\n", ("m",), "m = 1\n\n# c\n[t]\nm = 2\n"),
        ("a = 2 # c", ("m",), "a = 2 # c\nm = 1\n"),
        ("m = 'x' # c\n", ("m",), "m = 1 # c\n"),
        ("[t]\na = 2\n\n# of u\n[u]\n", ("t", "m"), "[t]\na = 2\nm = 1\n\n# of u\n[u]\n"),
        ("a = 2\r\n", ("t", "m"), "a = 2\r\n\r\n[t]\r\nm = 1\r\n"),
        ('t."x y" = 1\n', ("t", "x y"), 't."x y" = 1\n'),
    ],
)
def test_toml_is_edited_in_the_way_it_is_written(text: str, path: tuple[str, ...], after: str) -> None:
    assert toml.put(text, path, 1) == after


def test_a_table_in_braces_is_refused() -> None:
    with pytest.raises(Broken):
        editing.apply(toml, "model_providers = { a = { name = 'x' } }\n", [Setting(("model_providers", "b", "k"), 1)])


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", 'm: "v"\n'),
        ("m: x # c\nn: 1\n", 'm: "v" # c\nn: 1\n'),
        ('m: "a # b"  # c\n', 'm: "v"  # c\n'),
        ("m:\n  - 1\n  - 2\nn: 1\n", 'm: "v"\nn: 1\n'),
        ("---\nn: |\n  m: x\n", '---\nn: |\n  m: x\nm: "v"\n'),
    ],
)
def test_yaml_is_edited_in_the_way_it_is_written(text: str, after: str) -> None:
    assert yaml.put(text, ("m",), "v") == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("models:\n- name: a\n  k: 1\n# c\nz: 1\n", 'models:\n- name: a\n  k: 1\n- name: "x"\n  v: "w"\n# c\nz: 1\n'),
        ("models:\n    - name: x\n      v: old\nz: 1\n", 'models:\n    - name: "x"\n      v: "w"\nz: 1\n'),
        ("models:\nz: 1\n", 'models:\n  - name: "x"\n    v: "w"\nz: 1\n'),
    ],
)
def test_an_item_goes_into_a_yaml_list(text: str, after: str) -> None:
    new, done = editing.apply(yaml, text, [Setting(("models", "[name=x]"), {"name": "x", "v": "w"})])
    assert new == after
    assert editing.revert(yaml, new, done)[0] == text


def test_a_yaml_list_in_brackets_is_refused() -> None:
    with pytest.raises(Broken):
        editing.apply(yaml, "models: [a]\n", [Setting(("models", "[name=x]"), {"name": "x"})])


def test_variables_and_blocks_by_lines() -> None:
    assert env.put("A=1\nexport B='2'\n", ("B",), "3") == "A=1\nexport B=3\n"
    text = block.put("a\r\nb", ("--",), "x\n")
    assert text == "a\r\nb\r\n\r\n-- codriver connect: begin\r\nx\r\n-- codriver connect: end\r\n"
    assert block.drop(text, ("--",)) == "a\r\nb\r\n"
