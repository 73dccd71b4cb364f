"""Signs the heads of the audit chains."""

from typing import TYPE_CHECKING

from doclife.operators.connecting import document_stores, find_connection
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection


class SignAuditHeadsOperator(LifecycleOperator):
    """Sign the head of every audit chain that has grown, and write it into the archive store.

    A second run signs nothing. Without the Connection ``doclife_signing`` it signs nothing either:
    its log warns and ``unsigned`` counts the chains. Returns how many were signed and written.
    """

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Sign, and return the counts."""
        from doclife.lifecycle.audit_heads import sign_heads
        from doclife.lifecycle.signing import read_signing_key

        done = sign_heads(
            conn,
            key=read_signing_key(find_connection),
            stores=document_stores(conn),
            now=present(),
            actor=run.actor,
        )
        return {"signed": done.signed, "written": done.written, "unsigned": done.unsigned}
