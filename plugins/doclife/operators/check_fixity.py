"""Looks at a sample of the stored bytes: whether they are still the recorded ones."""

from typing import TYPE_CHECKING

from doclife.operators.connecting import document_stores
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection


class CheckFixityOperator(LifecycleOperator):
    """Read what was not read for longest, within the deployment's budget, and report damage.

    Damaged documents are no failure of the task: they are told as events and to the operators.
    Returns how many objects and bytes were checked and what came of it. A cleared task does
    nothing more; a retried one goes on with what is left of the budget.
    """

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Check, and return the counts."""
        from doclife.lifecycle.fixity import check_fixity

        outcome = check_fixity(
            conn,
            stores=document_stores(conn),
            now=present,
            dag_id=run.dag_id,
            run_id=run.run_id,
            actor=run.actor,
        )
        for why in outcome.left_out:
            self.log.warning("Not checked: %s", why)
        # By number: a log must not keep names of files.
        if outcome.unreadable:
            self.log.warning(
                "Could not be read: objects %s. Why: doclife fixity check", [*outcome.unreadable]
            )
        return {
            "objects": outcome.check.object_count,
            "bytes": outcome.check.byte_count,
            "damaged": outcome.check.damaged_count,
            "mended": outcome.check.mended_count,
            "cold": outcome.check.cold_count,
            "unreadable": len(outcome.unreadable),
            "stores_left_out": len(outcome.left_out),
        }
