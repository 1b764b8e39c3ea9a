"""`codriver connect`: every client of the table, in a home of its own; what is not ours keeps every byte."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codriver.cli.connect import clients

TOKEN = "cdr-0123456789abcdef0123"
ROWS = tomllib.loads(Path(clients.__file__).with_name("clients.toml").read_text(encoding="utf-8"))
WRITTEN = [name for name, row in ROWS.items() if "files" in row]
PRINTED = [name for name, row in ROWS.items() if "files" not in row]

# What somebody may have there already: comments, keys of others, odd blanks, both line ends.
OWN = {
    "jsonc": '{\r\n\t// mine\r\n\t"theme": "dark", /* as well */\r\n\t"env": { "FOO": "1" },\r\n'
    '\t"providers": {"openai": {"apiKey": "sk-mine"}},\r\n}\r\n',
    "toml": '# mine\nmodel = "gpt-6"  # the best\n\n[model_providers.azure]\nname = "Azure"\nenv_key = "AZURE"\n'
    '\n[[language]]\nname = "python"\nlanguage-servers = ["pyright"]\n\n[tail]\nx = """\n[not.a.table]\n"""\n',
    "yaml": "# mine\nmodel: gpt-6 # the best\ndark-mode: true\nlist:\n  - a\n  - name: b\n    k: v\n# the end\n",
    "env": "# mine\nexport OPENAI_API_KEY='sk-mine'\nGEMINI_API_KEY=old\n",
    "block": "-- mine\nset x\n",
}
STRICT = '{\n    "theme": "dark",\n    "providers": {"openai": {"settings": {"apiKey": "sk-mine"}}}\n}'
BROKEN = {
    "jsonc": ('{"a": 1,, }', "[1, 2]", '{"a": "open', '{"a": 1} trailing', "\x00", '{"env": 1, "env": 2, "a"}'),
    "toml": ("a = ", "[a\nb = 1", "a = 1\na = 2", '"'),
    "yaml": ("model: a\nmodel: b\n", "{model: a}\n", "just words\n", "\tmodel: a\n"),
    "env": ("GEMINI_API_KEY=1\nGEMINI_API_KEY=2\n", "\x00"),
    "block": (
        "{leader} codriver connect: begin\n",
        "{leader} codriver connect: end\n{leader} codriver connect: begin\n",
    ),
}


@pytest.fixture
def person(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody's home folder, beside Codriver's own."""
    folder = home / "person"
    folder.mkdir()
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "CONTINUE_GLOBAL_DIR", "PI_CODING_AGENT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setattr("sys.platform", "linux")
    (home / "token").write_text(TOKEN + "\n")
    return folder


def targets(name: str, person: Path) -> tuple[clients.Target, ...]:
    """A client's files as the table fills them for this home."""
    environ = {"HOME": str(person)}
    ground = clients.Ground("http://127.0.0.1:3748", TOKEN, person.parent / "token", ("codriver", "lsp"), environ)
    return clients.load(ground)[name].targets


def everything(folder: Path) -> dict[str, bytes | None]:
    """All files below a folder, and the folders."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def fill(name: str, person: Path, own: dict[str, str] = OWN) -> None:
    for target in targets(name, person):
        target.path.parent.mkdir(parents=True, exist_ok=True)
        target.path.write_bytes(own[target.format].encode())


def test_the_list_tells_who_is_there_and_who_points_here(run: Any, person: Path) -> None:
    (person / ".codex").mkdir()
    assert run("connect", "aider", "--yes").code == 0
    rows = {row["name"]: row for row in run("connect", "--json").json()}
    assert list(rows) == list(ROWS)
    assert (rows["codex"]["found"], rows["codex"]["connected"]) == (True, "no")
    assert (rows["aider"]["found"], rows["aider"]["connected"]) == (True, "yes")
    assert rows["own"]["connected"] == ""
    plain = run("connect")
    assert plain.code == 0
    assert "~/.codex/config.toml" in plain.out


@pytest.mark.parametrize("before", ["nothing", "own", "empty"])
@pytest.mark.parametrize("name", WRITTEN)
def test_connect_again_and_back(name: str, before: str, run: Any, person: Path) -> None:
    if before == "own":
        fill(name, person)
    if before == "empty":
        fill(name, person, dict.fromkeys(OWN, ""))
    first = everything(person)

    shown = run("connect", name, "--dry-run")
    assert shown.code == 0
    assert shown.out.startswith("--- ") and "\n+" in shown.out
    assert TOKEN not in shown.out
    assert "sk-mine" not in shown.out
    assert everything(person) == first

    unasked = run("connect", name)
    assert unasked.code == 1
    assert "--yes" in unasked.err
    assert everything(person) == first

    assert run("connect", name, "--yes").code == 0
    connected = everything(person)
    assert connected != first
    assert not [path for path in connected if ".before" in path or path.endswith(".tmp")]
    again = run("connect", name, "--yes")
    assert "Nothing to do" in again.out
    assert everything(person) == connected
    if before == "own":
        for target in targets(name, person):
            kept = OWN[target.format].splitlines()[0].encode()
            assert kept in target.path.read_bytes()

    assert run("connect", name, "--undo", "--yes").code == 0
    assert everything(person) == first
    assert "Nothing to undo" in run("connect", name, "--undo", "--yes").out


@pytest.mark.parametrize("name", WRITTEN)
def test_undo_after_changes_takes_only_its_own_away(name: str, run: Any, person: Path) -> None:
    fill(name, person)
    before = everything(person)
    assert run("connect", name, "--yes").code == 0
    more = {
        "jsonc": b"// later\r\n",
        "toml": b"# later\n",
        "yaml": b"# later\n",
        "env": b"LATER=1\n",
        "block": b"later\n",
    }
    expected = {}
    for target in targets(name, person):
        target.path.write_bytes(target.path.read_bytes() + more[target.format])
        expected[str(target.path)] = (before[str(target.path)] or b"") + more[target.format]
    assert run("connect", name, "--undo", "--yes").code == 0
    after = everything(person)
    assert {path: after[path] for path in expected} == expected


def test_undo_leaves_what_somebody_has_changed_since(run: Any, person: Path) -> None:
    fill("codex", person)
    assert run("connect", "codex", "--yes").code == 0
    file = person / ".codex/config.toml"
    file.write_text(file.read_text().replace('model = "auto"', 'model = "own"'))
    undone = run("connect", "codex", "--undo", "--yes")
    assert "changed it since" in undone.out
    assert 'model = "own"  # the best' in file.read_text()
    assert "codriver" not in file.read_text()


def test_a_new_address_is_written_and_the_first_state_comes_back(run: Any, person: Path, home: Path) -> None:
    """Connected, moved to another port, connected again, changed by hand, undone."""
    fill("claude-code", person)
    first = everything(person)
    assert run("connect", "claude-code", "--yes").code == 0
    page = {"pid": 1, "version": "9", "http": {"host": "127.0.0.1", "port": 4999}}
    (home / "daemon.json").write_text(json.dumps(page))
    moved = run("connect", "claude-code", "--yes")
    assert "http://127.0.0.1:4999" in moved.out
    assert run("connect", "claude-code", "--undo", "--yes").code == 0
    assert everything(person) == first


BREAKAGES = [
    (name, index, number)
    for name in WRITTEN
    for index, file in enumerate(ROWS[name]["files"])
    for number in range(len(BROKEN[file["format"]]))
]


@pytest.mark.parametrize(("name", "index", "number"), BREAKAGES)
def test_a_broken_file_is_refused_and_kept(name: str, index: int, number: int, run: Any, person: Path) -> None:
    target = targets(name, person)[index]
    target.path.parent.mkdir(parents=True, exist_ok=True)
    target.path.write_text(BROKEN[target.format][number].replace("{leader}", target.settings[0].path[0]))
    before = everything(person)
    ran = run("connect", name, "--yes")
    assert ran.code == 1
    assert str(target.path) in ran.err
    assert "nothing was changed" in ran.err
    assert everything(person) == before


def test_the_list_shows_what_cannot_be_read(run: Any, person: Path) -> None:
    (person / ".aider.conf.yml").write_text("{")
    assert {row["name"]: row for row in run("connect", "--json").json()}["aider"]["connected"] == "unreadable"


@pytest.mark.parametrize("content", [b"\xff\xfe{", "é".encode("latin-1")])
def test_a_file_that_is_no_text_is_refused(content: bytes, run: Any, person: Path) -> None:
    file = person / ".claude/settings.json"
    file.parent.mkdir()
    file.write_bytes(content)
    ran = run("connect", "claude-code", "--yes")
    assert (ran.code, file.read_bytes()) == (1, content)
    assert "UTF-8" in ran.err


def test_keys_of_other_providers_stay(run: Any, person: Path) -> None:
    """Cline keeps all of its providers in one file."""
    file = person / ".cline/data/settings/providers.json"
    file.parent.mkdir(parents=True)
    file.write_text(STRICT)
    assert run("connect", "cline", "--yes").code == 0
    held = json.loads(file.read_text())
    assert held["providers"]["openai"] == {"settings": {"apiKey": "sk-mine"}}
    assert held["providers"]["openai-compatible"]["settings"]["apiKey"] == TOKEN


def test_new_files_are_for_their_owner_alone_and_links_stay_links(run: Any, person: Path) -> None:
    assert run("connect", "aider", "--yes").code == 0
    assert (person / ".aider.conf.yml").stat().st_mode & 0o077 == 0
    real = person / "dotfiles.toml"
    real.write_text("# mine\n")
    real.chmod(0o640)
    (person / ".codex").mkdir()
    (person / ".codex/config.toml").symlink_to(real)
    ran = run("connect", "codex", "--yes")
    assert ran.code == 0
    assert "chmod 600" in ran.out
    assert (person / ".codex/config.toml").is_symlink()
    assert "codriver" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640


def test_variables_say_where_settings_are(run: Any, person: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_HOME", str(person / "elsewhere"))
    (person / ".codex").mkdir()
    assert run("connect", "codex", "--yes").code == 0
    assert (person / "elsewhere/config.toml").exists()
    assert not (person / ".codex/config.toml").exists()


@pytest.mark.parametrize("name", PRINTED)
def test_who_has_no_settings_file_is_told_what_to_set(name: str, run: Any, person: Path) -> None:
    before = everything(person)
    told = run("connect", name)
    assert told.code == 0
    assert "127.0.0.1:3748" in told.out
    assert run("connect", name, "--undo").code == 0
    assert everything(person) == before


def test_nobody_of_that_name(run: Any, person: Path) -> None:
    ran = run("connect", "nobody")
    assert ran.code == 2
    assert "claude-code" in ran.err


@pytest.mark.parametrize(("answer", "written"), [("y", True), ("YES", True), ("", False), ("n", False)])
def test_a_person_is_asked(answer: str, written: bool, run: Any, person: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    assert run("connect", "aider").code == 0
    assert (person / ".aider.conf.yml").exists() is written


def test_what_changed_while_one_was_asked_is_not_overwritten(
    run: Any, person: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = person / ".aider.conf.yml"

    def answer(prompt: str) -> str:
        file.write_text("dark-mode: true\n")
        return "y"

    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", answer)
    ran = run("connect", "aider")
    assert (ran.code, file.read_text()) == (1, "dark-mode: true\n")
    assert "changed meanwhile" in ran.err


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda rows: "{", id="no JSON"),
        pytest.param(lambda rows: '{"a": 1}', id="no list"),
        pytest.param(lambda rows: json.dumps([rows[0] | {"done": 3}]), id="no list of what was done"),
        pytest.param(lambda rows: json.dumps([rows[0] | {"folders": None}]), id="no folders"),
        pytest.param(lambda rows: json.dumps([rows[0] | {"path": 3}]), id="no path"),
        pytest.param(lambda rows: json.dumps([rows[0] | {"done": [{"path": ["a"]}]}]), id="half of what was done"),
        pytest.param(lambda rows: json.dumps([rows[0] | {"backup": "gone.before"}]), id="no backup"),
        pytest.param(lambda rows: "[1]", id="a number"),
    ],
)
def test_a_damaged_journal_stops_the_undo(
    damage: Callable[[list[dict[str, Any]]], str], run: Any, person: Path, home: Path
) -> None:
    assert run("connect", "aider", "--yes").code == 0
    journal = home / "connect/aider/journal.json"
    journal.write_text(damage(json.loads(journal.read_text())))
    ran = run("connect", "aider", "--undo", "--yes")
    assert ran.code == 1
    assert "nothing was changed" in ran.err
    assert (person / ".aider.conf.yml").exists()


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_backups_are_private(run: Any, person: Path, home: Path) -> None:
    fill("claude-code", person)
    assert run("connect", "claude-code", "--yes").code == 0
    kept = list((home / "connect/claude-code").iterdir())
    assert {path.name for path in kept} == {"journal.json", "0-settings.json.before"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


def test_another_file_that_counts_now_is_told(run: Any, person: Path) -> None:
    """opencode reads one of two files: connected by the one, then the other came and the first went."""
    assert run("connect", "opencode", "--yes").code == 0
    first = person / ".config/opencode/opencode.json"
    first.rename(first.with_suffix(".jsonc"))
    assert "Nothing to do" in run("connect", "opencode", "--yes").out
    first.with_suffix(".jsonc").write_text("{}")
    ran = run("connect", "opencode", "--yes")
    assert ran.code == 1
    assert "--undo" in ran.err
    assert run("connect", "opencode", "--undo", "--yes").code == 0
    assert run("connect", "opencode", "--yes").code == 0
