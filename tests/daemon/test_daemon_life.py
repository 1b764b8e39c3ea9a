"""The daemon as processes: one per home, replaced when it dies or ages, gone when nobody needs it."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys
import threading
from typing import Any

import pytest
from homes import Home, gone
from lsp_client import Client, Failed, change, position

from codriver import daemon
from running import until

URI = "file:///w/a.py"
OLD = (
    "import sys, codriver; codriver.__version__ = '0.0.0';"
    "from codriver.__main__ import main; sys.argv = ['codriver', *sys.argv[1:]]; sys.exit(main())"
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and /proc as on Unix")


def pid_of(client: Client) -> int:
    return int(client.command("codriver.status")["pid"])


def test_editors_share_one_daemon_even_when_they_start_at_once(home: Home) -> None:
    clients = [home.editor() for _ in range(3)]
    starters = [threading.Thread(target=client.initialize) for client in clients]
    for thread in starters:
        thread.start()
    for thread in starters:
        thread.join(30)
    assert {pid_of(client) for client in clients} == {home.daemon()}
    assert [client.leave() for client in clients] == [0, 0, 0]
    assert not gone(home.daemon()), "it waits for the next editor"


def test_the_files_are_private_and_say_where_it_listens(home: Home) -> None:
    home.editor().initialize()
    home.daemon()
    found = home.whereabouts()
    assert found["from_forwarder"] and found["simulate"] and found["http"]["port"] > 0 and found["lsp_port"] is None
    for path in (home.paths.daemon, home.paths.token, home.paths.socket("lsp"), home.paths.socket("http")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert home.paths.token.read_text().strip() not in home.log()


def test_a_second_daemon_says_who_runs_and_leaves(home: Home) -> None:
    home.editor().initialize()
    second = home.run("serve")
    out, _ = second.communicate(timeout=30)
    assert second.returncode == daemon.ALREADY_RUNNING and f"pid {home.daemon()}" in out
    quiet = home.run("serve", "--from-forwarder")
    assert (quiet.communicate(timeout=30)[0], quiet.returncode) == ("", 0)


def test_running_tells_the_daemon_from_its_remains(home: Home) -> None:
    assert daemon.running(home.paths) is None
    client = home.editor()
    client.initialize()
    pid = home.daemon()
    found = daemon.running(home.paths)
    assert found is not None and found["pid"] == pid
    client.kill()
    os.kill(pid, signal.SIGKILL)
    until(lambda: daemon.running(home.paths) is None, "its end")
    assert home.paths.daemon.exists()


def test_after_kill_9_the_editor_goes_on_with_its_buffers(home: Home) -> None:
    client = home.editor()
    client.initialize()
    client.open(URI, 'x = "😀|"\n')
    client.change(URI, 2, change((0, 7), (0, 8), '"\n\ndef grown(a):\n    return a\n\ny = "'))
    first = pid_of(client)
    os.kill(first, signal.SIGKILL)
    hover = client.request("textDocument/hover", {"textDocument": {"uri": URI}, "position": position(2, 5)})
    assert "grown" in hover["contents"]["value"]
    client.change(URI, 3, change((5, 5), (5, 5), "😀é"))
    status = client.command("codriver.status")
    text = 'x = "😀"\n\ndef grown(a):\n    return a\n\ny = "😀é"\n'
    assert status["documents"] == [{"uri": URI, "version": 3, "bytes": len(text.encode())}]
    assert status["pid"] != first
    assert len(client.told("window/showMessage")) == 1
    assert client.leave() == 0


def test_a_simulated_suggestion_comes_all_the_way(home: Home) -> None:
    client = home.editor()
    client.initialize()
    client.open(URI, "def add(a, b):\n    ret")
    client.change(URI, 2, {"range": {"start": position(1, 7), "end": position(1, 7)}, "text": "u"})
    params = {"textDocument": {"uri": URI}, "position": position(1, 8), "context": {"triggerKind": 2}}
    items = client.request("textDocument/inlineCompletion", params)["items"]
    assert items and items[0]["insertText"].startswith("retu")
    assert items[0]["range"]["start"] == position(1, 4)
    told = client.command("codriver.explainLast")
    assert told["purpose"] == "complete" and told["decision"]["id"] == items[0]["command"]["arguments"][0]


def test_a_simulated_review_and_refactor_come_all_the_way(home: Home) -> None:
    client = home.editor(answer=lambda method, params: {"applied": True} if method == "workspace/applyEdit" else None)
    client.initialize()
    client.open(URI, "def add(a, b):\n    if a == None:\n        return b\n    return a + b\n")
    reviewed = client.command("codriver.review", {"uri": URI})
    assert reviewed["findings"] == 1 and reviewed["simulated"]
    (diagnostic,) = client.told("textDocument/publishDiagnostics")[0]["diagnostics"]
    assert diagnostic["range"] == {"start": position(1, 4), "end": position(1, 17)}
    inside = {"start": position(2, 0), "end": position(2, 0)}
    client.command("codriver.refactor", {"uri": URI, "range": inside, "instruction": "rename a to x"})
    (asked,) = client.told("workspace/applyEdit")
    assert "def add(x, b)" in asked["edit"]["documentChanges"][0]["edits"][0]["newText"]


def test_another_version_takes_over_and_nobody_notices(home: Home) -> None:
    old = home.run("serve", "--from-forwarder", "--simulate", code=OLD)
    old_pid = home.daemon()
    assert home.whereabouts()["version"] == "0.0.0"
    elder = Client([sys.executable, "-c", OLD, "lsp", "--simulate"], home.environ)
    try:
        elder.initialize()
        elder.open(URI, "kept = 1\n")
        assert pid_of(elder) == old_pid
        newer = home.editor()
        newer.initialize()
        assert old.wait(30) == 0
        assert pid_of(newer) != old_pid and home.whereabouts()["version"] != "0.0.0"
        status = elder.command("codriver.status")
        assert status["pid"] == pid_of(newer) and status["documents"][0]["bytes"] == 9
        assert elder.notes == []
    finally:
        elder.kill()


def test_it_leaves_when_nobody_came_for_a_while(home: Home) -> None:
    client = home.editor(environ={"CODRIVER__DAEMON__IDLE_SECONDS": "0.3"})
    client.initialize()
    pid = home.daemon()
    assert client.leave() == 0
    until(lambda: gone(pid), "its end")
    assert not home.paths.daemon.exists() and not home.paths.socket("lsp").exists()
    assert "nobody came" in home.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_in_an_orderly_way(home: Home, number: int) -> None:
    process = home.run("serve", "--simulate")
    pid = home.daemon()
    assert pid == process.pid
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "listens" in out
    assert not home.paths.daemon.exists()
    assert home.run("serve", "--simulate").pid == until(lambda: home.whereabouts().get("pid"), "the next one")


def test_one_started_by_hand_stays(home: Home) -> None:
    process = home.run("serve", "--simulate", environ={"CODRIVER__DAEMON__IDLE_SECONDS": "0"})
    home.daemon()
    client = home.editor()
    client.initialize()
    assert pid_of(client) == process.pid
    assert client.leave() == 0
    second = home.editor()
    second.initialize()
    assert pid_of(second) == process.pid


def test_a_taken_port_stops_people_but_not_editors(home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        by_hand = home.run("serve", "--simulate", "--port", port)
        out, _ = by_hand.communicate(timeout=30)
        assert by_hand.returncode == 1 and f"127.0.0.1:{port}" in out and "--port" in out
        client = home.editor(environ={"CODRIVER_PORT": port})
        client.initialize()
        assert home.daemon() and home.whereabouts()["http"] is None
        assert "serving editors only" in home.log()


def test_places_without_unix_sockets_use_loopback(home: Home) -> None:
    client = home.editor(environ={"CODRIVER_SOCKETS": "tcp"})
    client.initialize()
    first = pid_of(client)
    assert home.whereabouts()["lsp_port"] and not home.paths.socket("lsp").exists()
    os.kill(first, signal.SIGKILL)
    # A read is asked again of the next daemon; a command that the dead one may have begun is not.
    assert client.request("textDocument/codeLens", {"textDocument": {"uri": URI}}) is None
    assert pid_of(client) != first


def test_a_daemon_that_cannot_start_is_an_answer_not_a_silence(home: Home) -> None:
    home.paths.config_file.write_text("[http]\nport = 'here'\n")
    client = home.editor()
    with pytest.raises(Failed, match=r"config\.toml") as failed:
        client.initialize()
    assert failed.value.code == -32803
    (told,) = client.until(lambda: client.told("window/showMessage"), "a message for the user")
    assert told["type"] == 1 and "config.toml" in told["message"]


def test_standalone_serves_without_a_daemon(home: Home) -> None:
    client = home.editor("--standalone")
    client.initialize()
    client.open(URI, "x = 1\n")
    assert pid_of(client) == client.process.pid
    assert home.whereabouts() == {}
    assert client.leave() == 0


def test_as_many_answers_as_requests_through_a_crash(home: Home) -> None:
    client = home.editor()
    client.initialize()
    client.open(URI, "def f(a):\n    return a\n")
    asked: list[int] = []
    for n in range(120):
        document: dict[str, Any] = {"textDocument": {"uri": URI}}
        at = {**document, "position": position(1, n % 12), "context": {"triggerKind": 2}}
        asked.append(client.ask(("textDocument/inlineCompletion", "textDocument/hover")[n % 2], at))
        if n % 5 == 0:
            client.notify("$/cancelRequest", {"id": asked[n // 2]})
        client.change(URI, n + 2, change((1, 4), (1, 4), " "))
        if n == 60:
            os.kill(home.daemon(), signal.SIGKILL)
    client.until(lambda: all(identity in client.answers for identity in asked), "all answers")
    assert {json.dumps(a["error"]["code"]) for a in client.answers.values() if "error" in a} <= {"-32800"}
