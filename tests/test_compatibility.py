"""The compatibility page: what it says of groups, tests, features and clients is so.

`python tests/test_compatibility.py` writes its generated sections anew.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # as a script

from codriver.fronts.http.server import ROUTES  # noqa: E402 (behind the path)
from wire.test_round_trips import CHATS, FEATURES, KEPT  # noqa: E402 (as above)

PAGE = HERE.parent / "server" / "COMPATIBILITY.md"
GROUPS = {"A": 12, "B": 11, "C": 14, "D": 10, "E": 8, "F": 8, "G": 6}
NAMED = re.compile(r"`tests/([\w/]+\.py)::(\w+)`")
ROW = re.compile(r"^\| ([A-G]\d+) \| (.+) \| (met|by design|partly|not): (.+) \|$", re.MULTILINE)
SAID = {
    "texts": "several texts in one turn",
    "pictures": "images",
    "addresses": "images by URL",
    "thinking": "thinking as text, where a quirk wants it",
    "signed": "thinking its maker signed, back to its maker",
    "redacted": "redacted thinking, back to its maker",
    "proofs": "signatures of calls, back to their maker",
    "errors": "that a result is an error",
    "shown": "images in results",
    "marks": "marks of prompt caches",
    "strict": "strict tools",
    "free": "free-text tools",
    "choice": "tool choice",
    "parallel": "one call at a time",
    "stop": "stop sequences",
    "temperature": "temperature",
    "top_p": "top_p",
    "form": "schema of the answer",
    "effort": "effort of thinking",
}
OTHERWISE = {
    "signed": "left out",
    "redacted": "left out",
    "proofs": "left out",
    "thinking": "left out",
    "marks": "left out",
    "errors": "in words",
    "shown": "beside the result",
    "free": "as a function",
    "texts": "joined",
    ("gemini", "signed"): "its signature",
    ("gemini", "strict"): "left out",
    ("ollama_chat", "strict"): "left out",
    ("openai_responses", "stop"): "cut here",
    ("anthropic", "top_p"): "without temperature",
    ("anthropic", "effort"): "as a budget",
    ("gemini", "effort"): "as budget or level",
    ("ollama_chat", "form"): "as format",
}


def features() -> str:
    """What each wire keeps, one row for each feature."""
    rows = [f"| | {' | '.join(CHATS)} |", f"|---{'|---' * len(CHATS)}|"]
    for feature in FEATURES:
        cells = [
            "kept" if feature in KEPT[wire] else OTHERWISE.get((wire, feature), OTHERWISE.get(feature, "named"))
            for wire in CHATS
        ]
        rows.append(f"| {SAID[feature]} | {' | '.join(cells)} |")
    return "\n".join(rows)


def clients() -> str:
    """The set-ups that `make test-agents` runs, with what is installed for each."""
    listed = tomllib.loads((HERE / "agents" / "clients.toml").read_text("utf-8"))
    rows = ["| set-up | wire | installed |", "|---|---|---|"]
    for name, client in listed["clients"].items():
        package = listed["packages"][client["package"]]
        what = ", ".join(f"`{one}`" for kind in ("npm", "pip") for one in package.get(kind, ()))
        rows.append(f"| {name} | {client['wire']} | {what} |")
    return "\n".join(rows)


def written(page: str) -> str:
    """The page with its generated sections as they ought to be."""
    for name, text in (("features", features()), ("clients", clients())):
        pattern = re.compile(rf"(<!-- {name}:begin.*?-->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        page = pattern.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)
    return page


def defined(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_named_on_the_page_exists() -> None:
    named = NAMED.findall(PAGE.read_text("utf-8"))
    assert len(named) > 80
    missing = [f"{path}::{name}" for path, name in named if name not in defined(HERE / path)]
    assert missing == []


def test_no_test_is_named_in_another_form() -> None:
    page = PAGE.read_text("utf-8")
    assert len(re.findall(r"\w+\.py::", page)) == len(NAMED.findall(page))


def test_each_line_of_each_group_is_answered_once() -> None:
    rows = ROW.findall(PAGE.read_text("utf-8"))
    assert [row[0] for row in rows] == [f"{group}{n}" for group, most in GROUPS.items() for n in range(1, most + 1)]
    for handle, complaint, word, answer in rows:
        assert len(complaint) > 20, handle
        assert NAMED.search(answer) or word in ("by design", "not"), handle


def test_generated_sections_are_new() -> None:
    page = PAGE.read_text("utf-8")
    assert page == written(page), "run `python tests/test_compatibility.py`"


def test_every_endpoint_on_the_page_is_served() -> None:
    served = " ".join(ROUTES)
    section = PAGE.read_text("utf-8").split("## Endpoints")[1].split("##")[0]
    table = "\n".join(line for line in section.splitlines() if line.startswith("|"))
    paths = re.findall(r"(/[\w/]+)", " ".join(re.findall(r"`([^`]+)`", table)))
    assert len(paths) > 25
    assert [path for path in paths if path.removesuffix("/") not in served] == []


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
