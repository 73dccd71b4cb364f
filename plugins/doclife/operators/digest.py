"""Queues the daily summaries."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.moment import AS_OF, parse_moment
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection


class DigestOperator(LifecycleOperator):
    """Render one summary per recipient and channel, and queue it for 08:00 in their zone.

    A second run for the same date queues nothing again. Returns how many were queued.

    :param as_of: the day the summaries are about (templated).
    """

    template_fields: Sequence[str] = ("as_of",)

    def __init__(self, *, as_of: str = AS_OF, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Queue the summaries, and return their number."""
        from doclife.lifecycle.summarising import queue_digests

        queued = queue_digests(conn, now=present(), as_of=parse_moment(self.as_of), actor=run.actor)
        return {"digests": queued}
