"""What an editor can ask for, bound to one router. Each task is imported when it is first asked for: a daemon that only
relays needs none of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from codriver.analyst import Analyst
from codriver.config import Settings
from codriver.errors import Kind, reject
from codriver.model.request import Snapshot
from codriver.router import Router
from codriver.tasks.asking import FRONT, Notify, silent
from codriver.tasks.complete import Completer

if TYPE_CHECKING:
    from codriver.tasks.commit import Message
    from codriver.tasks.explain import Explanation
    from codriver.tasks.naming import Names
    from codriver.tasks.refactor import Rewrite
    from codriver.tasks.review import Findings
    from codriver.tasks.testing import Written


class Tasks:
    """What an editor can ask for, bound to one router."""

    def __init__(self, router: Router, analyst: Analyst, settings: Settings) -> None:
        self._router = router
        self._analyst = analyst
        self._settings = settings
        self.completer = Completer(router, analyst, settings)

    def configure(self, settings: Settings) -> None:
        """New settings hold from the next request on."""
        self._settings = self.completer.settings = settings

    async def refactor(
        self, snapshot: Snapshot, instruction: str, *, notify: Notify = silent, front: str = FRONT
    ) -> Rewrite:
        """See codriver.tasks.refactor."""
        from codriver.tasks.refactor import refactor

        self._allow("refactor", self._settings.refactor.enabled)
        return await refactor(
            self._router, self._analyst, snapshot, instruction, notify=notify, settings=self._settings,
            front=front,
        )  # fmt: skip

    async def review(
        self, snapshot: Snapshot, *, base: bytes | None = None, notify: Notify = silent,
        front: str = FRONT,
    ) -> Findings:  # fmt: skip
        """See codriver.tasks.review."""
        from codriver.tasks.review import review

        self._allow("review", self._settings.review.enabled)
        return await review(
            self._router, self._analyst, snapshot, notify=notify, settings=self._settings, base=base,
            front=front,
        )  # fmt: skip

    async def document(self, snapshot: Snapshot, *, notify: Notify = silent, front: str = FRONT) -> Rewrite:
        """See codriver.tasks.document."""
        from codriver.tasks.document import document

        self._allow("refactor", self._settings.refactor.enabled)
        return await document(
            self._router, self._analyst, snapshot, notify=notify, settings=self._settings, front=front
        )

    async def fix(
        self, snapshot: Snapshot, complaints: Sequence[str], *, notify: Notify = silent, front: str = FRONT
    ) -> Rewrite:
        """See codriver.tasks.fix."""
        from codriver.tasks.fix import fix

        self._allow("refactor", self._settings.refactor.enabled)
        return await fix(
            self._router, self._analyst, snapshot, complaints, notify=notify, settings=self._settings, front=front
        )

    async def tests(
        self, snapshot: Snapshot, *, exists: Callable[[str], bool], notify: Notify = silent, front: str = FRONT
    ) -> Written:
        """See codriver.tasks.testing."""
        from codriver.tasks.testing import write_tests

        return await write_tests(
            self._router, self._analyst, snapshot, exists=exists, notify=notify, settings=self._settings, front=front
        )

    async def explain(
        self, snapshot: Snapshot, question: str = "", *, notify: Notify = silent, front: str = FRONT
    ) -> Explanation:
        """See codriver.tasks.explain."""
        from codriver.tasks.explain import explain

        return await explain(
            self._router, self._analyst, snapshot, question, notify=notify, settings=self._settings, front=front
        )

    async def names(self, snapshot: Snapshot, *, notify: Notify = silent, front: str = FRONT) -> Names:
        """See codriver.tasks.naming."""
        from codriver.tasks.naming import names

        return await names(self._router, self._analyst, snapshot, notify=notify, settings=self._settings, front=front)

    async def commit_message(
        self, diff: str, recent: Sequence[str] = (), *, notify: Notify = silent, front: str = FRONT
    ) -> Message:
        """See codriver.tasks.commit."""
        from codriver.tasks.commit import commit_message

        return await commit_message(self._router, diff, recent, notify=notify, settings=self._settings, front=front)

    @staticmethod
    def _allow(what: str, enabled: bool) -> None:
        if not enabled:
            raise reject(f"{what} is turned off: {what}.enabled in the settings", kind=Kind.FORBIDDEN)
