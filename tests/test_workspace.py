"""Manifests of files: the nearest, read off the caller's way, read again when they changed. In real folders."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from codriver import workspace
from codriver.syntax import frameworks
from codriver.workspace import Workspace


class Hands:
    """A clock that stands until it is set, and work that waits until it is done."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waiting: list[Callable[[], None]] = []

    def work(self) -> int:
        """Does what waits; how much that was."""
        todo, self.waiting = self.waiting, []
        for piece in todo:
            piece()
        return len(todo)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def projects(hands: Hands, tmp_path: Path) -> Workspace:
    return Workspace(
        clock=lambda: hands.now, run=lambda piece: hands.waiting.append(piece), home=tmp_path.parent / "nobody"
    )


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        file = folder / name.replace("__", "/").replace("_json", ".json").replace("_toml", ".toml").replace(
            "_txt", ".txt"
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def names(texts: object) -> set[str]:
    return set(frameworks.of_manifests(texts))


def test_the_first_answer_does_not_wait_and_the_next_knows(projects: Workspace, hands: Hands, tmp_path: Path) -> None:
    write(tmp_path, package_json='{"dependencies": {"react": "18.2.0"}}')
    file = str(tmp_path / "src" / "a.ts")
    projects.opened(str(tmp_path))
    assert projects.manifests_for(file) == {}
    assert projects.manifests_for(file) == {}
    assert hands.work() == 2  # the folder that was opened, and the file's: once, however often it is asked for
    first = projects.manifests_for(file)
    assert names(first) == {"react"}
    hands.now = 100
    assert projects.manifests_for(file) is first
    hands.work()
    assert projects.manifests_for(file) is first, "nothing changed: the same object"


def test_of_each_ecosystem_the_nearest_folder_wins_and_locks_lie_above(projects: Workspace, tmp_path: Path) -> None:
    write(
        tmp_path,
        package_json='{"devDependencies": {"jest": "^29"}}',
        pyproject_toml='[project]\ndependencies = ["django"]',
        **{"package-lock_json": '{\n    "node_modules/vue": {\n      "version": "3.4.2"\n'},
        packages__web__package_json='{"dependencies": {"vue": "^3"}}',
        packages__web__docs__requirements_txt="sphinx",
    )
    projects.opened(str(tmp_path))
    web = projects.read(str(tmp_path / "packages" / "web" / "src" / "a.ts"))
    assert names(web) == {"vue", "django"}
    assert dict(frameworks.declared(web, "npm").versions) == {"vue": "3.4.2"}
    # A list of requirements is a part of a project: the project's own manifest counts, too.
    assert names(projects.read(str(tmp_path / "packages" / "web" / "docs" / "conf.py"))) == {"sphinx", "vue", "django"}
    assert names(projects.read(str(tmp_path / "a.py"))) == {"jest", "django"}


def test_no_project_above_the_workspace_counts(projects: Workspace, tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml='[project]\ndependencies = ["django"]', inner__a_txt="")
    assert names(projects.read(str(tmp_path / "inner" / "a.py"))) == {"django"}
    projects.opened(str(tmp_path / "inner"))
    assert names(projects.read(str(tmp_path / "inner" / "a.py"))) == set()
    projects.closed(str(tmp_path / "inner"))
    assert names(projects.read(str(tmp_path / "inner" / "a.py"))) == {"django"}


def test_outside_of_workspaces_the_climb_ends(projects: Workspace, tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml='[project]\ndependencies = ["django"]')
    near = "/".join(f"d{n}" for n in range(workspace.CLIMB - 1))
    assert names(projects.read(str(tmp_path / near / "a.py"))) == {"django"}
    assert names(projects.read(str(tmp_path / near / "one" / "a.py"))) == set()
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    assert names(projects.read(str(tmp_path / "repo" / "src" / "a.py"))) == set(), "a repository has its own"
    at_home = Workspace(home=tmp_path)
    assert names(at_home.read(str(tmp_path / "notes" / "a.py"))) == set(), "nobody's project is the home"


@pytest.mark.parametrize("told", [True, False], ids=["told by the editor", "seen by itself"])
def test_a_changed_manifest_is_read_again(projects: Workspace, hands: Hands, tmp_path: Path, told: bool) -> None:
    manifest = tmp_path / "package.json"
    manifest.write_text('{"dependencies": {"react": "18"}}')
    file = str(tmp_path / "src" / "a.ts")
    projects.opened(str(tmp_path))
    projects.read(file)
    manifest.write_text('{"dependencies": {"svelte": "4.0"}}')
    os.utime(manifest, ns=(1, 1))
    if told:
        projects.changed(str(tmp_path / "src" / "a.ts"))  # no manifest: nothing to do
        hands.work()
        assert names(projects.manifests_for(file)) == {"react"}
        projects.changed(str(manifest))
    else:
        hands.now = workspace.FRESH
        assert names(projects.manifests_for(file)) == {"react"}
    hands.work()
    assert names(projects.manifests_for(file)) == {"svelte"}
    manifest.unlink()
    projects.changed(str(manifest))
    hands.work()
    assert projects.manifests_for(file) == {}


def test_files_that_did_not_change_are_not_opened_again(
    projects: Workspace, hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, package_json="{}", pyproject_toml="")
    projects.opened(str(tmp_path))
    opened: list[str] = []
    read = workspace._text
    monkeypatch.setattr(workspace, "_text", lambda name, path, size: (opened.append(name), read(name, path, size))[1])
    for _ in range(3):
        projects.read(str(tmp_path / "a.py"))
        hands.now += workspace.FRESH
    assert sorted(opened) == ["package.json", "pyproject.toml"]


def test_what_is_too_long_or_no_file_or_unreadable_is_left_out(projects: Workspace, tmp_path: Path) -> None:
    write(tmp_path, package_json='{"dependencies": {"react": "18"}}' + " " * workspace.MANIFEST_LIMIT)
    (tmp_path / "pyproject.toml").mkdir()
    (tmp_path / "Cargo.toml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "go.mod")  # reading it would wait for ever
    (tmp_path / "Gemfile").write_bytes(b"gem 'rails'\xff\xfe\x00")
    (tmp_path / "manage.py").write_text("print('never read')")
    projects.opened(str(tmp_path))
    texts = projects.read(str(tmp_path / "a.rb"))
    assert texts == {"package.json": "", "Gemfile": "gem 'rails'\ufffd\ufffd\x00", "manage.py": ""}


def test_subfolders_that_belong_to_a_project(projects: Workspace, tmp_path: Path) -> None:
    write(
        tmp_path,
        requirements__dev_txt="pytest==8.0",
        gradle__libs__versions_toml="",
        **{"build.gradle": "implementation(libs.ktor)"},
    )
    (tmp_path / "gradle" / "libs.versions.toml").write_text('[libraries]\nktor = "io.ktor:ktor-server:2.3.7"')
    projects.opened(str(tmp_path))
    texts = projects.read(str(tmp_path / "app" / "A.kt"))
    assert dict(frameworks.declared(texts).versions) == {"pytest": "8.0", "ktor": "2.3.7"}


def test_locks_are_kept_in_brief(projects: Workspace, tmp_path: Path) -> None:
    lock = "".join(f'[[package]]\nname = "p{n}"\nversion = "1.0"\n\n' for n in range(5_000))
    write(tmp_path, pyproject_toml='[project]\ndependencies = ["flask"]')
    (tmp_path / "uv.lock").write_text(lock + '[[package]]\nname = "flask"\nversion = "3.0.2"\n')
    projects.opened(str(tmp_path))
    texts = projects.read(str(tmp_path / "a.py"))
    assert len(texts["uv.lock"]) < 100
    assert dict(frameworks.declared(texts).versions) == {"flask": "3.0.2"}


def test_paths_that_are_none_have_no_project(projects: Workspace, hands: Hands) -> None:
    assert [dict(projects.manifests_for(path)) for path in ("", "untitled:1", "a.py", "\x00")] == [{}, {}, {}, {}]
    assert hands.waiting == []
    assert projects.manifests_for("/no/such\x00folder/a.py") == {}
    hands.work()
    assert projects.manifests_for("/no/such\x00folder/a.py") == {}


def test_reading_is_done_in_another_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, package_json='{"dependencies": {"react": "18"}}')
    seen: list[str] = []
    done = threading.Event()
    scan = workspace._scan

    def watched(folder: str, known: workspace._Folder, now: float) -> workspace._Folder:
        seen.append(threading.current_thread().name)
        return scan(folder, known, now)

    monkeypatch.setattr(workspace, "_scan", watched)
    made = Workspace(home=tmp_path / "home")
    made.opened(str(tmp_path))
    made._run(done.set)
    assert done.wait(10)
    assert seen and not any(name == "MainThread" for name in seen)
    made.close()
