"""
### Execute automation rules

Daily at 03:00, after `check_expired_documents`. Makes sure that expiry is complete, stores a plan
for every rule that is due, and applies the plans that may run: archive, delete into the trash,
notify and call webhooks, each in parallel shards. Plans that need approval wait, and `reviews`
lets `review_plan` ask somebody about each; nothing is destroyed that no plan shows. Bytes are only
purged by `weekly_cleanup`.

**Rerun:** safe. Cleared tasks find the plans of their run and continue only those. A plan can be
undone: `doclife plans undo NUMBER`.

**When it is red:** open the failed task that stands first. `plan`: *halted*: find out why
(`doclife halt status`), then `doclife halt off` and clear it. A shard: clear it, it goes on where
it stopped. `finish`: it names the plans in which documents could not be done; `doclife plans show
NUMBER` says why for each. A rule or setting that is wrong fails at once: correct it, then clear.
**When it deletes too much:** stop everything first (`doclife halt on --reason ...`), then look.

**The whole of it,** task by task: docs/operate/execute_automation_rules.md.
"""

from datetime import timedelta

from airflow.sdk import DAG, Asset, Param

from doclife.operators.alerting import OperatorAlert
from doclife.operators.archive import ArchiveOperator
from doclife.operators.deadline import alert_unless_done_within
from doclife.operators.delete import DeleteOperator
from doclife.operators.expire import ExpireOperator
from doclife.operators.finish_plans import FinishPlansOperator
from doclife.operators.notify import NotifyOperator
from doclife.operators.plan_rules import PlanRulesOperator
from doclife.operators.retrying import tries_again
from doclife.operators.review_runs import StartReviewsOperator
from doclife.operators.schedule import cron
from doclife.operators.shards import ListShardsOperator
from doclife.operators.webhook import WebhookOperator

with DAG(
    dag_id="execute_automation_rules",
    schedule=cron("0 3 * * *"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "records", **tries_again(4)},
    on_failure_callback=OperatorAlert(),
    deadline=alert_unless_done_within(timedelta(hours=3)),
    params={
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="As of",
            description="Judge as at this moment; empty: when the run was due. "
            "A moment in the future can only be simulated.",
        ),
        "mode": Param(
            "enforce",
            enum=["enforce", "simulate"],
            values_display={"enforce": "As each rule says", "simulate": "Simulate all rules"},
            title="Mode",
        ),
    },
    doc_md=__doc__,
    tags=["doclife", "nightly"],
):
    expire = ExpireOperator(task_id="expire")
    plan = PlanRulesOperator(task_id="plan")
    archives = ListShardsOperator(task_id="archives", plan_ids=plan.output, actions=["ARCHIVE"])
    deletions = ListShardsOperator(task_id="deletions", plan_ids=plan.output, actions=["DELETE"])
    messages = ListShardsOperator(task_id="messages", plan_ids=plan.output, actions=["NOTIFY"])
    calls = ListShardsOperator(task_id="calls", plan_ids=plan.output, actions=["WEBHOOK"])
    archive = ArchiveOperator.partial(task_id="archive").expand(shards=archives.output)
    delete = DeleteOperator.partial(task_id="delete").expand(shards=deletions.output)
    notify = NotifyOperator.partial(task_id="notify").expand(shards=messages.output)
    webhook = WebhookOperator.partial(task_id="webhook").expand(shards=calls.output)
    finish = FinishPlansOperator(
        task_id="finish",
        plan_ids=plan.output,
        rebuild_forecast=True,
        outlets=[Asset("doclife_automation_rules")],
    )
    expire >> plan >> StartReviewsOperator(task_id="reviews")
    [archive, delete, notify, webhook] >> finish
