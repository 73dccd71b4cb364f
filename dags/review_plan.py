"""
### Review a plan

One run for each question about a plan: `plan-7-stage-1`, and `plan-7-stage-1-again-1` when the
answer did not count. Started by the other DAGs for every plan that needs a person: its rule asks
for review, or a limit would be exceeded. `ask` shows the question under *Required Actions* and
waits without using a worker; many may wait at once. `record` then writes the decision down.

The approval of whoever wrote the rule, or asked for the plan, does not count: it is recorded as
invalid, and somebody is asked again. After the last approval `run_rule` applies the plan. Without
an answer in time the plan counts as rejected; nothing is done, and the documents are left alone
for a while. A plan that a newer one has replaced is asked about no more: its run ends green.

**Rerun:** safe. Clearing `ask` asks again; clearing `record` decides nothing twice. Marking `ask`
as success answers nothing.

**When it is red:** `ask`: the catalogue could not be reached, or the Variable `doclife_reviewers`
cannot be read; mend it and clear with downstream. `record`: `ask` failed before, or was marked by
hand: clear that one, with downstream. What was answered and not recorded is kept, so clearing
`record` alone goes on with it. See docs/review.md.

**The whole of it,** task by task: docs/operate/review_plan.md.
"""

from airflow.sdk import DAG, Asset, Param

from doclife.operators.alerting import OperatorAlert
from doclife.operators.retrying import tries_again
from doclife.operators.review import AskReviewOperator, RecordReviewOperator

with DAG(
    dag_id="review_plan",
    schedule=None,
    catchup=False,
    max_active_runs=1000,
    default_args={"owner": "records", **tries_again(4)},
    on_failure_callback=OperatorAlert(),
    params={
        "plan_id": Param(type="integer", minimum=1, title="Plan", description="Its number."),
        "stage": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Stage",
            description="Leave empty: the stage that the plan is in.",
        ),
        "attempt": Param(
            None,
            type=["null", "integer"],
            minimum=0,
            title="Attempt",
            description="Leave empty: how many answers did not count before.",
        ),
    },
    doc_md=__doc__,
    tags=["doclife", "people"],
):
    ask = AskReviewOperator(
        task_id="ask",
        plan_id="{{ params.plan_id }}",
        stage="{{ params.stage if params.stage is not none else '' }}",
        attempt="{{ params.attempt if params.attempt is not none else '' }}",
    )
    RecordReviewOperator(task_id="record", asked=ask.output, outlets=[Asset("doclife_reviews")])
