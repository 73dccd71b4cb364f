"""Issues certificates of destruction for purges that are done."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule

from doclife.errors import RefusedError
from doclife.operators.connecting import document_stores, find_connection
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection


class IssueCertificatesOperator(LifecycleOperator):
    """Issue a certificate for every purge that is done and has none, whoever applied it.

    It runs whatever became of the tasks before it: what one purge could not destroy must not keep
    the others from their proof. Returns how many were issued, and how many written into the
    archive store; ``unwritten`` are in no store, because there is none of that name.

    :param concluded: what the run's FinishPlansOperator returned. It has returned nothing when it
        failed; then this task fails too once everything is issued, because as the last task it
        decides the colour of the run.
    """

    template_fields: Sequence[str] = (*LifecycleOperator.template_fields, "concluded")

    def __init__(
        self,
        *,
        concluded: Mapping[str, int],
        trigger_rule: TriggerRule = TriggerRule.ALL_DONE,
        **kwargs: Any,
    ) -> None:
        super().__init__(trigger_rule=trigger_rule, **kwargs)
        self.concluded = concluded

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Issue, and return the counts."""
        from doclife.lifecycle.certifying import issue_certificates
        from doclife.lifecycle.signing import read_signing_key

        issued = issue_certificates(
            conn,
            key=read_signing_key(find_connection),
            stores=document_stores(conn),
            now=present(),
            actor=run.actor,
        )
        counts = {
            "issued": len(issued.plan_ids),
            "written": issued.written,
            "unwritten": issued.unwritten,
        }
        if self.concluded is None:
            raise RefusedError(
                f"Everything is certified that could be: {counts}. This run is red because the "
                "task before has failed: see there."
            )
        return counts
