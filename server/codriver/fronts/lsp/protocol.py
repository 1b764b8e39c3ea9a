"""JSON-RPC over one connection: pygls for types and messages, with what it lacks mended.

A handler is a plain function: what it must know of this moment it reads at once, and it may return
a coroutine for the rest. So a later change in the same packet cannot slip in between. Every
request is answered exactly once; nothing a peer sends ends the process.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

import msgspec
from lsprotocol import types as lsp
from pygls.protocol import JsonRPCProtocol, default_converter
from pygls.server import JsonRPCServer

from codriver.fronts.lsp import failures, keys
from codriver.fronts.lsp.failures import CONTENT_MODIFIED as CONTENT_MODIFIED
from codriver.fronts.lsp.failures import FAILED, INVALID_PARAMS
from codriver.fronts.lsp.failures import Refused as Refused
from codriver.fronts.lsp.framing import Frames, Malformed, error, frame

log = logging.getLogger(__name__)

Handler = Callable[[Any], Any]

_CANCELLED = lsp.LSPErrorCodes.RequestCancelled.value
_PARSE_ERROR, _INVALID_REQUEST, _NO_METHOD = -32700, -32600, -32601
_NOT_INITIALIZED = -32002

LONG = 500_000
"""Bytes of a message that is read in one turn of the loop and handled in the next: of 4 MB each takes some 5 ms."""
ROUNDS = 4
"""Rounds of the loop between such turns: an answer to somebody else takes some."""
_UNREADABLE = object()


@functools.cache
def converter() -> Any:
    """The one converter of all connections: making one costs milliseconds."""
    made = default_converter()  # type: ignore[no-untyped-call]  # lsprotocol's
    made.register_structure_hook(lsp.InlineCompletionTriggerKind, _trigger)
    return made


def _trigger(value: object, _: object) -> lsp.InlineCompletionTriggerKind:
    """Drafts of the protocol counted from 0; an error for each keystroke helps nobody."""
    kinds = lsp.InlineCompletionTriggerKind
    return kinds.Invoked if value in (0, 1) else kinds.Automatic


class _Owner:
    """What pygls expects above a protocol: here only somebody to report to."""

    def _report_server_error(self, problem: Exception, source: object) -> None:
        log.error("%s: %s", getattr(source, "__name__", source), type(problem).__name__)


class Out(Protocol):
    """Where answers go; an asyncio.StreamWriter is one."""

    def write(self, data: bytes) -> None: ...

    def is_closing(self) -> bool: ...


class Peer(JsonRPCProtocol):
    """One editor at the other end. `handlers` maps methods to what answers them."""

    def __init__(self, writer: Out) -> None:
        # All that it asks of a server is to be told of errors.
        super().__init__(cast(JsonRPCServer, _Owner()), converter())
        self.handlers: Mapping[str, Handler] = {}
        self.phase = "new"
        """new, ready (after initialize), down (after shutdown), gone (after exit)."""
        self.orderly = False
        """Whether exit came after shutdown."""
        self._stream = writer
        self._frames = Frames()
        self._answers: dict[int | str, asyncio.Task[Any]] = {}
        """The editor's open requests. Ours are pygls's futures."""
        self.trace = "off"
        """off, messages or verbose: how much `$/logTrace` tells of each request. Never what is in it."""
        self._began: dict[int | str, float] = {}
        """When the open requests came; only while tracing."""
        self._complained: set[str] = set()

    async def quiet(self, seconds: float) -> None:
        """Waits until the requests that are open now have ended, so many seconds at most."""
        if self._answers and seconds > 0:
            await asyncio.wait(self._answers.values(), timeout=seconds)

    # What comes in.

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Reads until the editor leaves, then cancels what it still waits for.

        Reading never waits for writing: the forwarder reads with one hand only while it writes.
        """
        try:
            while self.phase != "gone" and (chunk := await reader.read(1 << 16)):
                for body in self._frames.feed(chunk):
                    if len(body) < LONG:
                        self.receive(body)
                    else:
                        await self._receive_slowly(body)
        finally:
            await self._abandon()

    async def _abandon(self) -> None:
        for future in self._request_futures.values():
            future.cancel()
        self._request_futures.clear()
        answers = list(self._answers.values())
        for task in answers:
            task.cancel()
        await asyncio.gather(*answers, return_exceptions=True)

    async def _receive_slowly(self, body: bytes | Malformed) -> None:
        """As `receive`, in two turns of some milliseconds. Nothing else is read meanwhile."""
        await _breath()
        content = self._content(body)
        await _breath()
        self._handle(content)
        await _breath()

    def receive(self, body: bytes | Malformed) -> None:
        """Handles one message, whatever it is."""
        self._handle(self._content(body))

    def _content(self, body: bytes | Malformed) -> Any:
        """What the message says; what is no JSON is answered at once."""
        if isinstance(body, Malformed):
            self._write(error(None, _PARSE_ERROR, body.reason))
            return _UNREADABLE
        try:
            return _read(body)
        except (ValueError, RecursionError) as problem:
            self._write(error(None, _PARSE_ERROR, f"The message is not JSON: {problem}"))
            return _UNREADABLE

    def _handle(self, content: Any) -> None:
        if content is _UNREADABLE:
            return
        if not isinstance(content, dict) or content.get("jsonrpc") != "2.0":
            self._write(error(None, _INVALID_REQUEST, 'A message must be an object with "jsonrpc": "2.0".'))
            return
        identity, method = content.get("id"), content.get("method")
        if not isinstance(identity, (int, str, type(None))) or not isinstance(method, (str, type(None))):
            known = identity if isinstance(identity, (int, str)) else None
            self._write(error(known, _INVALID_REQUEST, "An id is a number or a string, a method a string."))
        elif method is None:
            self._on_response(identity, content)
        elif "id" in content:
            # Also null, which no request should have: it is answered as it came.
            self._on_request(cast("int | str", identity), method, content)
        else:
            self._on_notification(method, content)

    def _structure(self, content: dict[str, Any]) -> Any:
        """The typed params. Raises Refused, naming the field, when they are not what the method takes.

        pygls's own reading writes a traceback of pages to the log for each message that it cannot read. Methods that
        are not of the protocol get what was sent.
        """
        plain = keys.read(content["method"], content.get("params"))
        if plain is not None:
            return plain
        kind = self.get_message_type(content["method"])
        try:
            return getattr(converter().structure(content, kind), "params", None) if kind else content.get("params")
        except Exception as problem:  # the converter raises what its hooks raise
            raise Refused(f"The message cannot be read: {failures.misfit(problem)}.", INVALID_PARAMS) from problem

    def _on_request(self, identity: int | str, method: str, content: dict[str, Any]) -> None:
        handler = self.handlers.get(method)
        if self.trace != "off":
            self._began[identity] = time.monotonic()
        try:
            self._check_phase(method)
            if handler is None:
                raise Refused(f"There is no method {method}.", _NO_METHOD)
            result = handler(self._structure(content))
        except Exception as problem:  # whatever it is: a request gets one answer
            self._fail(identity, method, problem)
            return
        if not inspect.iscoroutine(result):
            self._answer(identity, method, result)
            return
        task = self._answers[identity] = asyncio.ensure_future(result)
        task.add_done_callback(functools.partial(self._on_done, identity, method))

    def _check_phase(self, method: str) -> None:
        if self.phase == "new" and method != lsp.INITIALIZE:
            raise Refused("The first request must be initialize.", _NOT_INITIALIZED)
        if self.phase == "ready" and method == lsp.INITIALIZE:
            raise Refused("initialize was sent twice.", _INVALID_REQUEST)
        if self.phase == "down":
            raise Refused("The server was shut down; only exit may follow.", _INVALID_REQUEST)

    def _on_done(self, identity: int | str, method: str, task: asyncio.Task[Any]) -> None:
        if self._answers.get(identity) is task:
            del self._answers[identity]
        if task.cancelled():
            self._fail(identity, method, Refused("cancelled", _CANCELLED))
        elif (problem := task.exception()) is not None:
            self._fail(identity, method, problem)
        else:
            self._answer(identity, method, task.result())

    def _answer(self, identity: int | str, method: str, result: Any) -> None:
        """Sends a result, or an error where it cannot be written: what an editor sent along comes back in it."""
        try:
            if type(result) is lsp.InlineCompletionList:
                answer = {"id": identity, "jsonrpc": "2.0", "result": keys.written(result)}
                self._write(frame(msgspec.json.encode(answer)))
            else:
                self._send_response(identity, result)
            self._traced(identity, method, "answered")
        except RecursionError:
            self._fail(identity, method, Refused("The answer is nested too deeply to be written."))
        except Exception as problem:  # as above
            self._fail(identity, method, problem)

    def _on_notification(self, method: str, content: dict[str, Any]) -> None:
        if method == lsp.EXIT:
            self.orderly, self.phase = self.phase == "down", "gone"
            return
        handler = self.handlers.get(method)
        if self.phase != "ready" or (handler is None and method != lsp.CANCEL_REQUEST):
            return
        try:
            params = self._structure(content)
            if handler is None:
                self._cancel(params.id)
            else:
                handler(params)
        except Exception as problem:  # nobody waits for an answer: the log and the editor's hear of it
            log.error(
                "notification %s failed: %s", method, failures.words(problem)[1], exc_info=failures.unforeseen(problem)
            )
            self._complain(method, failures.words(problem)[1])

    def _cancel(self, identity: object) -> None:
        """Cancels a request of the editor's; one that has ended meanwhile is no news."""
        task = self._answers.get(identity) if isinstance(identity, (int, str)) else None
        if task is not None:
            task.cancel()

    def _on_response(self, identity: int | str | None, content: dict[str, Any]) -> None:
        future = self._request_futures.pop(identity, None) if identity is not None else None
        result_type = self._result_types.pop(identity, None) if identity is not None else None
        if future is None or future.done():
            return  # whoever asked has gone; pygls would raise here
        if "error" in content:
            problem = content["error"] if isinstance(content["error"], dict) else {}
            code = problem.get("code")
            future.set_exception(Refused(str(problem.get("message")), code if isinstance(code, int) else FAILED))
            return
        try:
            future.set_result(converter().structure(content, result_type).result if result_type else content["result"])
        except Exception as problem:
            future.set_exception(Refused(f"The editor's answer cannot be read: {type(problem).__name__}"))

    # What goes out.

    def tell(self, kind: lsp.MessageType, text: str) -> None:
        """A line for the editor's log of us (`window/logMessage`); nobody is interrupted by it."""
        self.notify(lsp.WINDOW_LOG_MESSAGE, lsp.LogMessageParams(kind, f"codriver: {text}"))

    def _complain(self, method: str, text: str) -> None:
        """Tells once a method that its notifications fail: they may come with every keystroke."""
        if method not in self._complained:
            self._complained.add(method)
            self.tell(lsp.MessageType.Warning, f"{method} failed: {text}")

    def _traced(self, identity: int | str, method: str, what: str) -> None:
        began = self._began.pop(identity, None)
        if began is not None:
            verbose = f"{len(self._answers)} more open" if self.trace == "verbose" else None
            message = f"{method} ({identity}) {what} after {(time.monotonic() - began) * 1e3:.1f} ms"
            self.notify(lsp.LOG_TRACE, lsp.LogTraceParams(message, verbose))

    async def ask(self, method: str, params: Any) -> Any:
        """A request to the editor. Raises Refused when it says no."""
        identity = secrets.randbelow(1 << 31)  # a number: Vim cannot answer requests named by a string
        try:
            return await self.send_request_async(method, params, identity)
        finally:
            self._request_futures.pop(identity, None)

    def get_message_type(self, method: str) -> type[Any] | None:
        # lsprotocol's table is of bare objects.
        return cast("type[Any] | None", lsp.METHOD_TO_TYPES.get(method, (None,))[0])

    def get_result_type(self, method: str) -> type[Any] | None:
        # As above.
        return cast("type[Any] | None", lsp.METHOD_TO_TYPES.get(method, (None, None))[1])

    def _fail(self, identity: int | str, method: str, problem: BaseException) -> None:
        code, text = failures.words(problem)
        if failures.unforeseen(problem):
            log.error("request %s failed", method, exc_info=problem)
            self.tell(lsp.MessageType.Error, f"{method} failed: {text}")
        self._write(error(identity, code, text))
        self._traced(identity, method, "was cancelled" if code == _CANCELLED else "failed")

    def _send_data(self, data: Any) -> None:
        self._write(frame(json.dumps(data, default=self._serialize_message, separators=(",", ":")).encode()))

    def _write(self, data: bytes) -> None:
        if not self._stream.is_closing():
            self._stream.write(data)


async def _breath() -> None:
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


def _read(body: bytes) -> Any:
    """JSON, in a quarter of the time where a long file is opened. What is not strictly JSON (a lone surrogate, NaN) is
    left to the standard library, which takes it."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return json.loads(body)
