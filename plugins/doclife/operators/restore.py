"""Goes on with restores that wait for bytes from a cold store."""

from typing import TYPE_CHECKING

from doclife.errors import RefusedError
from doclife.operators.connecting import document_stores
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection


class CompleteRestoresOperator(LifecycleOperator):
    """Restore documents whose bytes have come from their cold store since they were asked for.

    Returns how many were restored and how many still wait. What cannot be restored makes the task
    red after the others are.
    """

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Restore, and return the counts."""
        from doclife.lifecycle.undo import complete_restores

        outcome = complete_restores(conn, now=present(), stores=document_stores(conn))
        if outcome.failed:
            raise RefusedError(
                f"{outcome.failed} documents could not be restored ({outcome.undone} were): "
                f"{'; '.join(outcome.failures[:5])}"
            )
        return {"restored": outcome.undone, "waiting": outcome.waiting}
