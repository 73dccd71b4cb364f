"""Queues the daily summaries."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.moment import AS_OF, parse_moment
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection


class DigestOperator(LifecycleOperator):
    """Render one summary per recipient, as text and HTML, and queue it as a message.

    A second run for the same day queues only what is missing. Returns how many people had
    something to read, and how many summaries were new.

    :param as_of: the day the summaries are about (templated).
    """

    template_fields: Sequence[str] = (*LifecycleOperator.template_fields, "as_of")

    def __init__(self, *, as_of: str = AS_OF, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Queue the summaries, and return the counts."""
        from doclife.lifecycle.summarising import store_digests

        outcome = store_digests(
            conn,
            now=present(),
            as_of=parse_moment(self.as_of),
            actor=run.actor,
            dag_id=run.dag_id,
            run_id=run.run_id,
        )
        return {"recipients": outcome.recipients, "queued": outcome.jobs}
