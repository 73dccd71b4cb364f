"""
### Process the queue

Runs when there is work and only then: the trigger of the asset *doclife_queue* waits in the
triggerer for new jobs, for what becomes due, for events, and for jobs of workers that died. Three
tasks that do not wait for each other: `react` lets rules and webhook subscriptions hear of events,
`schedules` stores the jobs and plans the rules whose time has come, `drain` sends. A drain waits
half a minute for more before it ends, and hands over to a new run after five minutes; up to four
runs go at once, and each job goes to one of them. *DOCLIFE_DRAINERS*: each run sends with several
processes; of all runs together four send at once, or as many as one run alone has. Without Airflow:
`doclife jobs drain`.

**Rerun:** safe. What was sent is recorded and not sent again; what was on its way when a process
was killed is tried again, under the same id, and written down as *unknown*.

**When it is red:** `drain`: the documents database was away for minutes, or the settings of
deliveries cannot be read; the reason is one sentence. A receiver that does not answer turns nothing
red: its jobs wait for their next attempt, then `doclife jobs list --state failed` shows them, and
`doclife jobs retry` tries again. Wrong credentials stop that channel, alert the operators once, and
lose nothing. **No runs at all** though jobs wait: is everything halted (`doclife halt`), the DAG
paused, or the triggerer down? See docs/queue.md.

**The whole of it,** task by task: docs/operate/process_queue.md.
"""

from datetime import timedelta

from airflow.sdk import DAG, Asset

from doclife.operators.alerting import OperatorAlert
from doclife.operators.process_queue import (
    DrainQueueOperator,
    ReactToEventsOperator,
    RunSchedulesOperator,
    drainers,
    drains_at_once,
)
from doclife.operators.queue_trigger import queue_asset
from doclife.operators.retrying import FullJitter, tries_again

with DAG(
    dag_id="process_queue",
    schedule=[queue_asset()],
    catchup=False,
    max_active_runs=4,
    default_args={
        "owner": "records",
        **tries_again(3, policy=FullJitter(first_seconds=5, most_seconds=60)),
    },
    dagrun_timeout=timedelta(hours=6),
    on_failure_callback=OperatorAlert(),
    doc_md=__doc__,
    tags=["doclife", "queue"],
):
    ReactToEventsOperator(task_id="react")
    RunSchedulesOperator(task_id="schedules")
    DrainQueueOperator.partial(
        task_id="drain",
        outlets=[Asset("doclife_deliveries")],
        max_active_tis_per_dag=drains_at_once(),
    ).expand(drainer=drainers())
