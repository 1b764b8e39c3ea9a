"""OpenAI's files with the real SDK and by hand: up, listed, down, gone; what is wrong is named."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from running import Daemon, daemon_at


@pytest.fixture
def client(daemon: Daemon) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{daemon.base}/v1", api_key=daemon.token, max_retries=0) as client:
        yield client


def test_a_file_goes_up_and_comes_down_byte_equal(client: openai.OpenAI) -> None:
    content = bytes(range(256)) * 4000  # a megabyte, with every byte there is
    file = client.files.create(file=("ü – data.jsonl", content), purpose="batch")
    assert (file.bytes, file.filename, file.purpose) == (len(content), "ü – data.jsonl", "batch")
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == content
    assert file.id in [each.id for each in client.files.list()]
    assert client.files.delete(file.id).deleted
    for ask in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError, match=file.id):
            ask(file.id)


def test_a_file_lives_as_long_as_was_asked(client: openai.OpenAI) -> None:
    file = client.files.create(
        file=("a", b"x"), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert file.expires_at == file.created_at + 3600


def test_lists_go_both_ways(client: openai.OpenAI) -> None:
    made = [client.files.create(file=(f"{n}", b"x"), purpose="batch").id for n in range(3)]
    newest = [file.id for file in client.files.list(purpose="batch").data]
    oldest = [file.id for file in client.files.list(purpose="batch", order="asc").data]
    assert newest == oldest[::-1] and set(made) <= set(newest)
    assert client.files.list(limit=1, after=newest[0]).data[0].id == newest[1]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"purpose": "batch"}, "file"),
        ({"file": b"x"}, "purpose"),
        ({"file": b"x", "purpose": "fine-tune"}, "purpose"),
        ({"file": b"x", "purpose": "batch", "expires_after[seconds]": "5"}, "expires_after"),
        ({"file": b"x", "purpose": "batch" + "x" * 5000}, "purpose"),
    ],
)
def test_w9_what_is_wrong_with_an_upload_is_named(daemon: Daemon, fields: dict[str, Any], param: str) -> None:
    files = {"file": ("a.jsonl", fields["file"])} if "file" in fields else {"nothing": ("a", b"x")}
    rest = {name: value for name, value in fields.items() if name != "file"}
    with daemon.client as client:
        answer = client.post("/v1/files", files=files, data=rest)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    ("content_type", "body", "length", "status"),
    [
        ("application/json", b"{}", 2, 400),
        ("multipart/form-data; boundary=m", b"--m\r\ncut", 8, 400),
        ("multipart/form-data; boundary=m", b"", 200_200_000, 413),
    ],
    ids=["no form", "cut", "too large"],
)
def test_broken_uploads_leave_nothing_behind(
    daemon: Daemon, content_type: str, body: bytes, length: int, status: int
) -> None:
    folder = daemon.home / "batches" / "files"
    before = sorted(path.name for path in folder.glob("*"))
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=20)
    connection.putrequest("POST", "/v1/files")
    for name, value in (
        ("authorization", f"Bearer {daemon.token}"),
        ("content-type", content_type),
        ("content-length", str(length)),
    ):
        connection.putheader(name, value)
    connection.endheaders(body)
    assert connection.getresponse().status == status
    connection.close()
    assert sorted(path.name for path in folder.glob("*")) == before


def test_uploads_beyond_the_most_are_refused_in_the_callers_wire(tmp_path: Path) -> None:
    """The setting is named, half an upload leaves nothing, and what is deleted makes room."""
    with daemon_at(tmp_path, "--simulate", config="[batch]\nmax_files_mb = 1\n") as daemon, daemon.client as client:
        form = {"data": {"purpose": "batch"}, "files": {"file": ("a.jsonl", b"x" * 600_000)}}
        first = client.post("/v1/files", **form)
        refused = client.post("/v1/files", **form)
        assert (first.status_code, refused.status_code) == (200, 413)
        assert refused.json()["error"]["param"] == "file"
        assert "batch.max_files_mb" in refused.json()["error"]["message"]
        body = {"requests": [{"custom_id": "a", "params": {"model": "auto", "max_tokens": 9, "messages": [
            {"role": "user", "content": "x" * 600_000}]}}]}  # fmt: skip
        told = client.post("/v1/messages/batches", json=body)
        assert (told.status_code, told.json()["error"]["type"]) == (413, "request_too_large")
        assert len(list((tmp_path / "batches" / "files").glob("*"))) == 2
        assert client.delete(f"/v1/files/{first.json()['id']}").status_code == 200
        assert client.post("/v1/files", **form).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/files/..%2F..%2Ftoken/content", 404),
        ("GET", "/v1/files/none/else", 404),
        ("PUT", "/v1/files", 405),
        ("GET", "/v1/files?limit=x", 400),
        ("GET", f"/v1/files?limit={'9' * 5000}", 400),
        ("GET", "/v1/files?limit=%C2%B2", 400),
        ("GET", "/v1/files?order=up", 400),
        ("GET", "/v1/files?after=none", 400),
    ],
)
def test_other_requests_are_answered_in_the_wire(daemon: Daemon, method: str, path: str, status: int) -> None:
    with daemon.client as client:
        answer = client.request(method, path)
    assert answer.status_code == status and answer.json()["error"]["message"]
