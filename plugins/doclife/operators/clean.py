"""Sweeps up what killed runs and time left behind."""

from typing import TYPE_CHECKING

from doclife.operators.connecting import document_stores
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection


class SweepBagsOperator(LifecycleOperator):
    """Remove archive bags that were begun and never sealed; their documents were never moved.

    Returns how many were removed.
    """

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Sweep, and return the count."""
        from doclife.lifecycle.cleaning import sweep_bags

        return {"bags": sweep_bags(conn, now=present(), stores=document_stores(conn))}


class PruneHistoryOperator(LifecycleOperator):
    """Drop partitions of history that are old enough, and make those of the days to come.

    Returns how many were made and dropped.
    """

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Prune, and return the counts."""
        from doclife.lifecycle.cleaning import prune_history

        outcome = prune_history(conn, now=present())
        return {
            "partitions_made": outcome.partitions_made,
            "partitions_dropped": outcome.partitions_dropped,
            "rows_dropped": outcome.rows_dropped,
        }
