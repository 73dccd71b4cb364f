"""
### Run a rule

By hand, from the form or the dashboard, or by `review_plan` after the last approval. Plans one rule
now, as a simulation or for real, or applies a stored plan by its number, a purge included. A rule
that is in mode simulate is never enforced from here: change its mode first. Several runs may go at
once; a document is only ever in one plan that destroys. A plan that needs approval waits, and
`reviews` lets somebody be asked. Unless the run only simulates, `settle` purges at once what an
approved erasure has trashed. A purge that is done gets its certificate.

**Rerun:** safe. Cleared tasks continue the plan of their run.

**When it is red:** `plan` says in one sentence what forbids it: no such rule, the plan waits for
approval, is too old, was replaced, or everything is halted. Nothing was done then. Every task:
docs/operate/run_rule.md.
"""

from airflow.sdk import DAG, Asset, Param

from doclife.operators.alerting import OperatorAlert
from doclife.operators.archive import ArchiveOperator
from doclife.operators.certify import IssueCertificatesOperator
from doclife.operators.delete import DeleteOperator
from doclife.operators.finish_plans import FinishPlansOperator
from doclife.operators.notify import NotifyOperator
from doclife.operators.plan_rules import PlanRuleOperator
from doclife.operators.purge import PurgeOperator
from doclife.operators.retrying import tries_again
from doclife.operators.review_runs import StartReviewsOperator
from doclife.operators.settle import SettlePurgesOperator
from doclife.operators.shards import ListShardsOperator
from doclife.operators.webhook import WebhookOperator

with DAG(
    dag_id="run_rule",
    schedule=None,
    catchup=False,
    default_args={"owner": "records", **tries_again(4)},
    on_failure_callback=OperatorAlert(),
    params={
        "rule": Param(
            None,
            type=["null", "string"],
            title="Rule",
            description="Name of the rule to plan. Leave empty to apply a stored plan.",
        ),
        "organization": Param("default", type="string", title="Organization"),
        "mode": Param(
            "simulate",
            enum=["simulate", "enforce"],
            values_display={"simulate": "Simulate, change nothing", "enforce": "Enforce"},
            title="Mode",
        ),
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="As of",
            description="Judge as at this moment; empty: now. The future can only be simulated.",
        ),
        "plan_id": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Plan",
            description="Number of a stored plan to apply instead.",
        ),
    },
    doc_md=__doc__,
    tags=["doclife", "by hand"],
):
    plan = PlanRuleOperator(
        task_id="plan",
        rule="{{ params.rule or '' }}",
        organization="{{ params.organization }}",
        plan_id="{{ params.plan_id or '' }}",
    )
    archives = ListShardsOperator(task_id="archives", plan_ids=plan.output, actions=["ARCHIVE"])
    deletions = ListShardsOperator(task_id="deletions", plan_ids=plan.output, actions=["DELETE"])
    messages = ListShardsOperator(task_id="messages", plan_ids=plan.output, actions=["NOTIFY"])
    calls = ListShardsOperator(task_id="calls", plan_ids=plan.output, actions=["WEBHOOK"])
    purges = ListShardsOperator(
        task_id="purges", plan_ids=plan.output, actions=["PURGE", "REMOVE_ORIGINAL"]
    )
    archive = ArchiveOperator.partial(task_id="archive").expand(shards=archives.output)
    delete = DeleteOperator.partial(task_id="delete").expand(shards=deletions.output)
    notify = NotifyOperator.partial(task_id="notify").expand(shards=messages.output)
    webhook = WebhookOperator.partial(task_id="webhook").expand(shards=calls.output)
    purge = PurgeOperator.partial(task_id="purge").expand(shards=purges.output)
    finish = FinishPlansOperator(
        task_id="finish", plan_ids=plan.output, outlets=[Asset("doclife_rule_runs")]
    )
    plan >> StartReviewsOperator(task_id="reviews")
    [archive, delete, notify, webhook, purge] >> finish
    settle = SettlePurgesOperator(
        task_id="settle",
        concluded=finish.output,
        mode="{{ 'enforce' if params.plan_id else params.mode }}",
    )
    IssueCertificatesOperator(task_id="certificates", concluded=settle.output)
