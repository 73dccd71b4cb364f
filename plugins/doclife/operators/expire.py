"""Finds what has expired."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.linking import message_links
from doclife.operators.moment import AS_OF, parse_moment
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection


class ExpireOperator(LifecycleOperator):
    """Stamp documents whose expiry date has passed, emit their events, and queue the warnings.

    A second run for the same date finds nothing left to do. Returns how many expired and how many
    warnings were queued.

    :param as_of: documents that expired by then (templated).
    """

    template_fields: Sequence[str] = (*LifecycleOperator.template_fields, "as_of")

    def __init__(self, *, as_of: str = AS_OF, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Expire, and return the counts."""
        from doclife.lifecycle.expiring import expire

        outcome = expire(
            conn,
            now=present(),
            as_of=parse_moment(self.as_of),
            actor=run.actor,
            links=message_links(),
        )
        return {"expired": outcome.expired, "held": outcome.held, "notices": outcome.notices}
