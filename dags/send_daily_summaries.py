"""
### Send daily summaries

Every hour: wherever it is nearly 08:00, or that has passed without a summary, each recipient gets
one (what expires, what was done last night, what failed, what waits for you, what tonight will do).
It is queued for 08:00 in the recipient's time zone, or for at once where that has passed. Sending
is the queue's work. A run in which it is nobody's morning is done in a second.

**The form** has a moment and no mode: a summary only tells. A moment in the future counts as now. A
run by hand makes the summaries of the day for everybody, also where 08:00 is still far: they wait.

**Rerun:** safe. A recipient who has a summary for the day gets no second one.

**When it is red:** open the log of `summarise`. A template that does not render names its file and
line: correct it and clear the task. Database away: bring it back and clear. Nobody loses anything
but today's summary.

**The whole of it,** task by task: docs/operate/send_daily_summaries.md.
"""

from datetime import timedelta

from airflow.sdk import DAG, Asset, Param

from doclife.operators.alerting import OperatorAlert
from doclife.operators.deadline import alert_unless_done_within
from doclife.operators.digest import DigestOperator
from doclife.operators.retrying import tries_again
from doclife.operators.schedule import cron

with DAG(
    dag_id="send_daily_summaries",
    schedule=cron("0 * * * *"),
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
            description="Summarise as at this past moment; empty: when the run was due.",
        ),
    },
    doc_md=__doc__,
    tags=["doclife", "hourly"],
):
    DigestOperator(task_id="summarise", outlets=[Asset("doclife_daily_summaries")])
