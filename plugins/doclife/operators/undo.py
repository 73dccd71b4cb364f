"""Takes back what a plan did."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doclife.errors import ConfigurationError, RefusedError
from doclife.operators.connecting import document_stores
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.plan_link import PlanLink
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection


class UndoPlanOperator(LifecycleOperator):
    """Take a whole plan back: documents leave the trash, originals are put back from the archive.

    Possible until the purge; messages that were sent stay sent. The documents get a reprieve, so
    that the next night does not do it again. Cleared and run again, it goes on. Returns how many
    were undone and skipped; when some could not be undone the task fails and says which.

    :param plan_id: number of the plan (templated).
    """

    template_fields: Sequence[str] = (*LifecycleOperator.template_fields, "plan_id")
    operator_extra_links = (PlanLink(),)

    def __init__(self, *, plan_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_id = plan_id

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Undo, and return the counts."""
        from doclife.lifecycle.undo import undo_plan

        if not str(self.plan_id).isdecimal():
            raise ConfigurationError(f"plan_id={self.plan_id!r} is not the number of a plan")
        outcome = undo_plan(
            conn,
            plan_id=int(self.plan_id),
            now=present(),
            actor=run.actor,
            stores=document_stores(conn),
        )
        if outcome.failures:
            raise RefusedError(
                f"{outcome.failed} documents of plan {self.plan_id} could not be undone "
                f"({outcome.undone} were): {'; '.join(outcome.failures[:5])}"
            )
        return {
            "undone": outcome.undone,
            "skipped": outcome.skipped,
            "waiting": outcome.waiting,
            "too_late": outcome.too_late_count,
        }
