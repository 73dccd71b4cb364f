"""
### Weekly cleanup

Sundays at 01:00, before the nightly runs, when nobody works. The only DAG that destroys bytes by
itself: it purges what has been in the trash longer than its grace period, as plans of their own,
and removes the originals of archived documents whose copy is past grace. A purge that needs
approval waits, `reviews` lets somebody be asked, and `run_rule` does it once approved. `settle`
purges what approved erasures have trashed, writes down in the archive store what was destroyed, and
sweeps messages and reports that still name it. Each purge that is done gets its certificate of
destruction, signed, and written into the archive store. Then
it sweeps up archive bags that killed runs left behind, and drops history that is old enough. Beside
that `check_fixity` reads a sample of the stored bytes, what was unread for longest first, and
tells you of documents whose bytes are damaged; it changes nothing.

**The form** has a mode and no moment: grace counts to the present, so that no form can end it
early. *Only plan* is about all purges, those of erasures too; leftovers and old history go in both
modes.

**Rerun:** safe. Cleared tasks continue the plans of their run. A purge cannot be undone; until it
runs, everything in the trash can be restored.

**When it is red:** `plan` says *halted*: find out why before you resume. A document that could not
be purged (*changed since approved*, *not ours*) stays in the trash, with the reason in `doclife
plans show NUMBER`; bytes that are not the recorded ones are never removed. A store without its
marker is not mounted, or not this deployment's: never "repair" that by adopting it unseen.
`certificates` says *nothing can be signed*: make the Connection, clear the task, and every purge
that waits gets its certificate. It is red with `finish` too, when what could be certified is.

**The whole of it,** task by task: docs/operate/weekly_cleanup.md.
"""

from datetime import timedelta

from airflow.sdk import DAG, Asset, Param

from doclife.operators.alerting import OperatorAlert
from doclife.operators.certify import IssueCertificatesOperator
from doclife.operators.check_fixity import CheckFixityOperator
from doclife.operators.clean import PruneHistoryOperator, SweepBagsOperator
from doclife.operators.deadline import alert_unless_done_within
from doclife.operators.finish_plans import FinishPlansOperator
from doclife.operators.purge import PlanPurgesOperator, PurgeOperator
from doclife.operators.retrying import tries_again
from doclife.operators.review_runs import StartReviewsOperator
from doclife.operators.schedule import cron
from doclife.operators.settle import SettlePurgesOperator
from doclife.operators.shards import ListShardsOperator

with DAG(
    dag_id="weekly_cleanup",
    schedule=cron("0 1 * * 0"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "records", **tries_again(4)},
    on_failure_callback=OperatorAlert(),
    deadline=alert_unless_done_within(timedelta(hours=12)),
    params={
        "mode": Param(
            "enforce",
            enum=["enforce", "simulate"],
            values_display={"enforce": "Purge", "simulate": "Only plan, destroy nothing"},
            title="Mode",
        ),
    },
    doc_md=__doc__,
    tags=["doclife", "weekly"],
):
    plan = PlanPurgesOperator(task_id="plan")
    purges = ListShardsOperator(
        task_id="purges", plan_ids=plan.output, actions=["PURGE", "REMOVE_ORIGINAL"]
    )
    purge = PurgeOperator.partial(task_id="purge").expand(shards=purges.output)
    finish = FinishPlansOperator(
        task_id="finish", plan_ids=plan.output, outlets=[Asset("doclife_weekly_cleanup")]
    )
    plan >> StartReviewsOperator(task_id="reviews")
    purge >> finish
    settle = SettlePurgesOperator(task_id="settle", concluded=finish.output)
    IssueCertificatesOperator(task_id="certificates", concluded=settle.output)
    CheckFixityOperator(task_id="check_fixity")
    SweepBagsOperator(task_id="sweep_bags")
    PruneHistoryOperator(task_id="prune_history")
