"""What is read from disk for a message, and what never is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from codriver.config.tree import Privacy
from codriver.sources import disk as disks
from codriver.sources.disk import Disk
from codriver.sources.walking import files

CODE = "def settle(a):\n    if a:\n        return 1\n    return 2\n"


class Later:
    """Work that is done when the test says so, and the time."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.now = 0.0

    def __call__(self, work: Callable[[], None]) -> None:
        self.waiting.append(work)

    def done(self) -> None:
        while self.waiting:
            self.waiting.pop()()


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def disk(later: Later, tmp_path: Path) -> Disk:
    return Disk(never=Privacy().never, clock=lambda: later.now, run=later, home=tmp_path / "home")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shop = tmp_path / "work" / "shop"
    shop.mkdir(parents=True)
    (shop / "pay.py").write_text(CODE)
    (shop / "deep" / "er").mkdir(parents=True)
    (shop / "deep" / "er" / "Cart.java").write_text("class Cart { int f() { return 1; } }")
    return tmp_path / "work"


def read(disk: Disk, later: Later, path: str, *roots: Path) -> str:
    """The name of the file found, after its reading; "" for none."""
    folders = tuple(map(str, roots))
    disk.look(path, folders)
    later.done()
    found = disk.look(path, folders)
    return os.path.basename(found.path) if found else ""


def test_the_first_question_is_answered_without_the_second_with(disk: Disk, later: Later, root: Path) -> None:
    assert disk.look("shop/pay.py", (str(root),)) is None
    assert disk.look("shop/pay.py", (str(root),)) is None
    assert len(later.waiting) == 1
    later.done()
    found = disk.look("shop/pay.py", (str(root),))
    assert found is not None
    assert [f.name for f in found.functions] == ["settle"]
    assert (found.facts.language, found.text) == ("python", CODE.encode())


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("shop/pay.py", "pay.py"),
        ("{root}/shop/pay.py", "pay.py"),
        ("pay.py", "pay.py"),
        ("er/Cart.java", "Cart.java"),
        ("org/shop/Cart.java", ""),
        ("/app/shop/pay.py", "pay.py"),
        ("/app/pay.py", ""),
        ("nowhere.py", ""),
        ("shop/../../outside.py", ""),
        ("{root}/../outside.py", ""),
        ("/etc/hosts.py", ""),
        ("link.py", ""),
        ("linked/outside.py", ""),
        (".env", ""),
        ("shop/secrets.yaml", ""),
        ("shop/node_modules/x.js", ""),
        ("shop/pipe.py", ""),
        ("shop/big.py", ""),
        ("shop/photo.weird", ""),
        ("shop/pay.py\0", ""),
        ("shop/" + "x" * 5000 + ".py", ""),
    ],
)  # fmt: skip
def test_what_is_read_and_what_is_not(disk: Disk, later: Later, root: Path, path: str, name: str) -> None:
    (root.parent / "outside.py").write_text(CODE)
    (root / "link.py").symlink_to(root.parent / "outside.py")
    (root / "linked").symlink_to(root.parent)
    (root / ".env").write_text("KEY=1")
    (root / "shop" / "secrets.yaml").write_text("a: 1")
    (root / "shop" / "node_modules").mkdir()
    (root / "shop" / "node_modules" / "x.js").write_text("let a")
    os.mkfifo(root / "shop" / "pipe.py")
    (root / "shop" / "big.py").write_text("a = 1\n" * disks.LIMIT)
    (root / "shop" / "photo.weird").write_text("x")
    assert read(disk, later, path.replace("{root}", str(root)), root) == name


def test_no_folder_that_holds_homes_is_worked_in(disk: Disk, later: Later, root: Path) -> None:
    (root.parent / "home").mkdir()
    assert read(disk, later, "work/shop/pay.py", root.parent) == ""
    assert read(disk, later, str(root / "shop" / "pay.py"), Path("/")) == ""
    assert read(disk, later, str(root / "shop" / "pay.py"), root / "nowhere") == ""


def test_a_changed_file_is_read_again_when_time_has_passed(disk: Disk, later: Later, root: Path) -> None:
    assert read(disk, later, "shop/pay.py", root)
    first = disk.look("shop/pay.py", (str(root),))
    (root / "shop" / "pay.py").write_text(CODE + "\ndef more():\n    pass\n")
    assert disk.look("shop/pay.py", (str(root),)) is first
    later.now += disks.FRESH
    assert disk.look("shop/pay.py", (str(root),)) is first
    later.done()
    second = disk.look("shop/pay.py", (str(root),))
    assert second is not None
    assert [f.name for f in second.functions] == ["settle", "more"]
    later.now += disks.FRESH
    disk.look("shop/pay.py", (str(root),))
    later.done()
    assert disk.look("shop/pay.py", (str(root),)) is second


def test_texts_kept_are_bounded(disk: Disk, later: Later, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "TEXTS", 3 * len(CODE))
    for number in range(6):
        (root / f"f{number}.py").write_text(CODE)
        assert read(disk, later, f"f{number}.py", root)
    asked = [disk.look(f"f{number}.py", (str(root),)) for number in range(6)]
    assert [found is not None for found in asked] == [False] * 3 + [True] * 3


def test_what_becomes_forbidden_is_forgotten(disk: Disk, later: Later, root: Path) -> None:
    assert read(disk, later, "shop/pay.py", root)
    disk.forbid(["shop/"])
    assert read(disk, later, "shop/pay.py", root) == ""


def test_two_files_that_end_alike_are_none(disk: Disk, later: Later, root: Path) -> None:
    (root / "other").mkdir()
    (root / "other" / "pay.py").write_text(CODE)
    assert read(disk, later, "pay.py", root) == ""
    assert read(disk, later, "other/pay.py", root) == "pay.py"


def test_walking_leaves_out_what_git_ignores(root: Path) -> None:
    (root / ".git").mkdir()
    (root / ".gitignore").write_text("*.gen.py\nbuilt/\n/top.py\n")
    (root / "shop" / ".gitignore").write_text("!kept.gen.py\n")
    for name in (
        "a.gen.py",
        "top.py",
        "built/x.py",
        "shop/kept.gen.py",
        "shop/top.py",
        "shop/node_modules/m.js",
        "x.bin",
    ):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("a = 1\n")
    (root / "loop").symlink_to(root)
    found = [os.path.relpath(path, root) for path in files(str(root))]
    assert [name for name in found if ".git" not in name] == [
        "shop/kept.gen.py", "shop/pay.py", "shop/top.py", "shop/deep/er/Cart.java",
    ]  # fmt: skip
    assert [os.path.basename(path) for path in files(str(root / "built"))] == ["x.py"]
    assert [os.path.basename(path) for path in files(str(root / "shop" / "deep"))] == ["Cart.java"]
    assert "top.py" in {os.path.relpath(path, root) for path in files(str(root), ignored=True)}
