"""OpenAI's files and batches, as strict as the API: a batch goes one step on each time somebody looks at it.

So a test sees every status, and nothing depends on a clock. Nothing outlives the process.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from codriver.upstream.simulator import openai_fields as fields
from codriver.upstream.simulator.connection import HttpRequest
from codriver.upstream.simulator.values import Refused, digest

PATHS = ("/v1/files", "/v1/batches")
ENDPOINTS = ("/v1/responses", "/v1/chat/completions", "/v1/embeddings", "/v1/completions")
WINDOW = 24 * 3600
_NEXT = {"validating": "in_progress", "in_progress": "finalizing", "finalizing": "completed", "cancelling": "cancelled"}

AnswerLine = Callable[[str, Mapping[str, Any]], tuple[int, Mapping[str, Any]]]
"""Path and body of a line to the status and the document of its answer."""


@dataclass(slots=True)
class _Batch:
    page: dict[str, Any]
    lines: list[Mapping[str, Any]] = field(default_factory=list)
    answered: list[tuple[Mapping[str, Any], int, Mapping[str, Any]]] = field(default_factory=list)


class Bulk:
    """The files and batches of one simulator."""

    def __init__(self, answer: AnswerLine, clock: Callable[[], float]) -> None:
        self._answer, self._clock = answer, clock
        self._files: dict[str, tuple[dict[str, Any], bytes]] = {}
        self._batches: dict[str, _Batch] = {}

    def answer(self, request: HttpRequest) -> Mapping[str, Any] | bytes:
        """The document, or the content of a file. Raises Refused."""
        _, _, kind, ident, verb = (*request.path.split("/"), "", "")[:5]
        match request.method, kind, ident, verb:
            case "POST", "files", "", "":
                return self._upload(request)
            case "GET", "files", "", "":
                return _listed([page for page, _ in self._files.values()])
            case "GET", "files", _, "":
                return self._file(ident)[0]
            case "GET", "files", _, "content":
                return self._file(ident)[1]
            case "DELETE", "files", _, "":
                self._file(ident)
                del self._files[ident]
                return {"id": ident, "object": "file", "deleted": True}
            case "POST", "batches", "", "":
                return self._create(request)
            case "GET", "batches", "", "":
                return _listed([batch.page for batch in self._batches.values()][::-1])
            case "GET", "batches", _, "":
                return self._looked(self._batch(ident))
            case "POST", "batches", _, "cancel":
                return self._cancel(self._batch(ident))
        raise Refused(405, f"Not allowed to {request.method} on {request.path}.", code="method_not_supported")

    # Files.

    def _upload(self, request: HttpRequest) -> Mapping[str, Any]:
        kind = request.headers.get("content-type", "")
        if not kind.startswith("multipart/form-data"):
            raise fields.refused("Invalid Content-Type: expected multipart/form-data.")
        from email.message import EmailMessage
        from email.parser import BytesParser
        from email.policy import HTTP

        head = f"content-type: {kind}\r\n\r\n".encode("latin-1")
        form = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + request.body)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        for name in ("file", "purpose"):
            if name not in parts:
                raise fields.refused(f"'{name}' is a required property", name)
        purpose = str(parts["purpose"].get_payload()).strip()
        if purpose != "batch":
            raise fields.refused(f"'{purpose}' is not one of ['batch'] - 'purpose'", "purpose")
        content = parts["file"].get_payload(decode=True)
        return self._keep(str(parts["file"].get_filename()), "batch", content if isinstance(content, bytes) else b"")

    def _keep(self, name: str, purpose: str, content: bytes) -> dict[str, Any]:
        ident = f"file-sim{digest(name, len(self._files))[:20]}"
        page = {
            "id": ident, "object": "file", "bytes": len(content), "created_at": int(self._clock()), "filename": name,
            "purpose": purpose, "status": "processed", "status_details": None, "expires_at": None,
        }  # fmt: skip
        self._files[ident] = (page, content)
        return page

    def _file(self, ident: str) -> tuple[dict[str, Any], bytes]:
        if ident not in self._files:
            raise Refused(404, f"No such File object: {ident}", param="id")
        return self._files[ident]

    # Batches.

    def _create(self, request: HttpRequest) -> Mapping[str, Any]:
        try:
            body = json.loads(request.body)
        except ValueError as error:
            raise fields.refused(f"We could not parse the JSON body of your request. ({error})") from error
        fields.typed(body, "an object", "body")
        endpoint = fields.one_of(fields.required(body, "endpoint", "endpoint"), ENDPOINTS, "endpoint")
        fields.one_of(fields.required(body, "completion_window", "completion_window"), ("24h",), "completion_window")
        source = str(fields.required(body, "input_file_id", "input_file_id"))
        if source not in self._files:
            raise fields.refused(f"No such File object: {source}", "input_file_id")
        now, ident = int(self._clock()), f"batch_sim{digest(source, len(self._batches))[:20]}"
        nothing = ("output_file_id", "error_file_id", "errors", "in_progress_at", "finalizing_at", "completed_at",
                   "failed_at", "expired_at", "cancelling_at", "cancelled_at")  # fmt: skip
        page = {
            "id": ident, "object": "batch", "endpoint": endpoint, "input_file_id": source, "completion_window": "24h",
            "status": "validating", "created_at": now, "expires_at": now + WINDOW, **dict.fromkeys(nothing),
            "request_counts": {"total": 0, "completed": 0, "failed": 0}, "metadata": body.get("metadata"),
        }  # fmt: skip
        self._batches[ident] = _Batch(page)
        return page

    def _batch(self, ident: str) -> _Batch:
        if ident not in self._batches:
            raise Refused(404, f"No batch found with id '{ident}'.")
        return self._batches[ident]

    def _looked(self, batch: _Batch) -> Mapping[str, Any]:
        """The batch as it is now; afterwards it goes one step on."""
        shown = {**batch.page, "request_counts": dict(batch.page["request_counts"])}
        status = batch.page["status"]
        if status == "validating" and not self._valid(batch):
            self._enter(batch, "failed")
        elif status in _NEXT:
            if status in ("in_progress", "cancelling"):
                self._run(batch, half=status == "cancelling")
            self._enter(batch, _NEXT[status])
        return shown

    def _enter(self, batch: _Batch, status: str) -> None:
        batch.page["status"] = status
        batch.page[f"{status}_at"] = int(self._clock())
        if status in ("completed", "cancelled"):
            for name, good in (("output_file_id", True), ("error_file_id", False)):
                lines = [_line(*each) for each in batch.answered if (each[1] == 200) is good]
                if lines:
                    content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
                    batch.page[name] = self._keep(f"{batch.page['id']}_{name}.jsonl", "batch_output", content)["id"]

    def _valid(self, batch: _Batch) -> bool:
        seen: set[str] = set()
        problems: list[Mapping[str, Any]] = []
        for number, text in enumerate(self._file(batch.page["input_file_id"])[1].splitlines(), start=1):
            try:
                line = json.loads(text)
                wrong = _wrong(line, batch.page["endpoint"], seen)
            except (ValueError, KeyError, TypeError):
                wrong = ("invalid_json_line", "This line is not parseable as valid JSON.")
            if wrong:
                problems.append({"code": wrong[0], "message": wrong[1], "line": number, "param": None})
            else:
                batch.lines.append(line)
        if problems or not batch.lines:
            batch.page["errors"] = {"object": "list", "data": problems}
            return False
        batch.page["request_counts"]["total"] = len(batch.lines)
        return True

    def _run(self, batch: _Batch, *, half: bool) -> None:
        """All lines, or the first half of them where it was cancelled."""
        due = batch.lines[: len(batch.lines) // 2] if half else batch.lines
        batch.answered = [(line, *self._answer(line["url"], line["body"])) for line in due]
        good = sum(status == 200 for _, status, _ in batch.answered)
        batch.page["request_counts"] |= {"completed": good, "failed": len(batch.answered) - good}

    def _cancel(self, batch: _Batch) -> Mapping[str, Any]:
        if batch.page["status"] not in ("validating", "in_progress", "finalizing"):
            raise Refused(409, f"Cannot cancel a batch with status '{batch.page['status']}'.")
        self._enter(batch, "cancelling")
        return dict(batch.page)


def _wrong(line: Mapping[str, Any], endpoint: str, seen: set[str]) -> tuple[str, str] | None:
    ident = line["custom_id"]
    if ident in seen:
        return "duplicate_custom_id", f"The custom_id '{ident}' for this request is a duplicate of another request."
    seen.add(ident)
    if line["method"] != "POST" or line["url"] != endpoint:
        return "invalid_url", "The method or URL provided for this request is invalid."
    if not isinstance(line["body"], dict) or line["body"].get("stream"):
        return "invalid_request", "The body of this request is invalid: a batch does not stream."
    return None


def _line(line: Mapping[str, Any], status: int, document: Mapping[str, Any]) -> Mapping[str, Any]:
    name = digest(line["custom_id"])[:20]
    response = {"status_code": status, "request_id": f"req_sim{name}", "body": document}
    return {"id": f"batch_req_sim{name}", "custom_id": line["custom_id"], "response": response, "error": None}


def _listed(pages: list[dict[str, Any]]) -> Mapping[str, Any]:
    ends = {"first_id": pages[0]["id"], "last_id": pages[-1]["id"]} if pages else {"first_id": None, "last_id": None}
    return {"object": "list", "data": pages, "has_more": False, **ends}
