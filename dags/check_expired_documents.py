"""
### Check expired documents

Daily at 02:00, an hour before the rules run. Stamps documents whose expiry date has passed, emits
their events, and queues the warnings to those whose documents expire soon. Changes nothing else
about a document. Beside that, `complete_restores` goes on with restores that wait for bytes from a
cold store, and `sign_audit_heads` signs how far the audit chain of each organization has come and
carries that out of the database (docs/trust.md).

**Rerun:** safe. A second run for the same date finds nothing left to do. A run that was missed
needs no rerun: the next one finds everything that expired by then, and `execute_automation_rules`
checks again before it acts.

**The form** has a moment and no mode: that a date has passed is a fact, not a decision. What rules
make of it can be simulated in `execute_automation_rules`. A moment in the future counts as now.

**When it is red:** open the log of `expire`. *Connection refused* or *timeout*: the documents
database is away; bring it back and clear the task. A setting or rule that is wrong fails at once
and says which: correct it, then clear. `complete_restores` names documents that could not be put
back, mostly because other bytes lie in their place by now: move those, then clear.
`sign_audit_heads` says which store did not take a head. **When it is late:** see whether the task
is queued (no worker is free) or running (a large import came in; let it end).

**The whole of it,** task by task: docs/operate/check_expired_documents.md.
"""

from datetime import timedelta

from airflow.sdk import DAG, Asset, Param

from doclife.operators.alerting import OperatorAlert
from doclife.operators.deadline import alert_unless_done_within
from doclife.operators.expire import ExpireOperator
from doclife.operators.restore import CompleteRestoresOperator
from doclife.operators.retrying import tries_again
from doclife.operators.schedule import cron
from doclife.operators.sign_heads import SignAuditHeadsOperator

with DAG(
    dag_id="check_expired_documents",
    schedule=cron("0 2 * * *"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "records", **tries_again(4)},
    on_failure_callback=OperatorAlert(),
    deadline=alert_unless_done_within(timedelta(minutes=45)),
    params={
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="As of",
            description="Judge as at this moment; empty: when the run was due.",
        ),
    },
    doc_md=__doc__,
    tags=["doclife", "nightly"],
):
    ExpireOperator(task_id="expire", outlets=[Asset("doclife_expired_documents")])
    CompleteRestoresOperator(task_id="complete_restores")
    SignAuditHeadsOperator(task_id="sign_audit_heads")
