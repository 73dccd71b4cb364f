"""Does what follows a purge or an approved erasure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule

from doclife.errors import RefusedError, TryAgainLater
from doclife.operators.connecting import document_stores
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.plan_rules import MODE, parse_mode
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection


class SettlePurgesOperator(LifecycleOperator):
    """Purge what approved erasures have trashed, write purge manifests, sweep residue.

    It runs whatever became of the tasks before it, finds what is due by itself, and closes erasure
    requests of which nothing is left. Returns the counts.

    :param concluded: what the run's FinishPlansOperator returned. It has returned nothing when it
        failed; then this task fails too, once everything is done, so that the run stays red.
    :param mode: ``simulate`` destroys nothing and closes no request; empty or ``enforce`` acts
        (templated).
    """

    template_fields: Sequence[str] = (*LifecycleOperator.template_fields, "concluded", "mode")

    def __init__(
        self,
        *,
        concluded: Mapping[str, int],
        mode: str = MODE,
        trigger_rule: TriggerRule = TriggerRule.ALL_DONE,
        **kwargs: Any,
    ) -> None:
        super().__init__(trigger_rule=trigger_rule, **kwargs)
        self.concluded = concluded
        self.mode = mode

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Settle, and return the counts."""
        from doclife.domain.rule import Mode
        from doclife.lifecycle.settling import settle

        settled = settle(
            conn,
            stores=document_stores(conn),
            now=present,
            dag_id=run.dag_id,
            run_id=run.run_id,
            actor=run.actor,
            mode=parse_mode(self.mode) or Mode.ENFORCE,
        )
        counts = {
            "purged": settled.purged,
            "manifests": settled.manifests,
            "requests_closed": len(settled.closed),
            "swept": settled.swept.documents,
            "still_named": settled.swept.waiting,
        }
        if settled.faults:
            fault = f"Not everything could be done: {'; '.join(settled.faults)}"
            raise TryAgainLater(fault) if settled.is_passing else RefusedError(fault)
        if self.concluded is None:
            raise RefusedError(
                f"Everything is done that could be: {counts}. This run is red because the task "
                "before has failed: see there."
            )
        return counts
