"""Queues the daily summaries."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.linking import message_links
from doclife.operators.moment import AS_OF, parse_moment
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection


class DigestOperator(LifecycleOperator):
    """Render one summary for everybody whose morning has come, and queue it as a message.

    A zone has one morning a day: a second run finds it done. Returns how many people had
    something to read, and how many summaries were new.

    :param as_of: the moment the summaries are of (templated).
    :param is_early: ``True`` also where it is not nearly 08:00 yet; these summaries wait until
        then (templated). By default for runs that somebody started by hand.
    """

    template_fields: Sequence[str] = (*LifecycleOperator.template_fields, "as_of", "is_early")

    def __init__(
        self,
        *,
        as_of: str = AS_OF,
        is_early: str = "{{ dag_run.run_type == 'manual' }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of
        self.is_early = is_early

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
            links=message_links(),
            is_early=self.is_early == "True",
        )
        return {"recipients": outcome.recipients, "queued": outcome.jobs}
