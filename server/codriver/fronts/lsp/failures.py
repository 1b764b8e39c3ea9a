"""What a failed request tells the editor: the protocol's code and words for the user."""

from __future__ import annotations

from lsprotocol import types as lsp

from codriver.errors import CodriverError, RequestRejected, Unroutable, UpstreamFailed

CONTENT_MODIFIED = lsp.LSPErrorCodes.ContentModified.value
FAILED = lsp.LSPErrorCodes.RequestFailed.value
INVALID_PARAMS = -32602
_INTERNAL = -32603


class Refused(CodriverError):
    """A request that cannot be served, with the protocol's code and words for the user."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


def words(problem: BaseException) -> tuple[int, str]:
    """The code and text of an error answer."""
    if isinstance(problem, Refused):
        return problem.code, str(problem)
    if isinstance(problem, RequestRejected):
        return INVALID_PARAMS, str(problem)
    if isinstance(problem, Unroutable):
        return FAILED, "\n".join((str(problem), *problem.reasons))
    if isinstance(problem, UpstreamFailed):
        place = f" ({problem.failure.provider}/{problem.failure.model})" if problem.failure.model else ""
        return FAILED, f"{problem}{place}"
    if isinstance(problem, CodriverError):
        return FAILED, str(problem)
    return _INTERNAL, f"Something unforeseen happened ({type(problem).__name__}); the daemon's log has more."


def misfit(problem: Exception) -> str:
    """What is wrong with a message, and in which fields of it."""
    from cattrs import transform_error

    return "; ".join(transform_error(problem, path="message")[:3])


def unforeseen(problem: BaseException) -> bool:
    """Whether nobody thought of this: then it belongs into the log with all its lines."""
    return not isinstance(problem, CodriverError)
