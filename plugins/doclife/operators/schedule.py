"""When the DAGs run."""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable
from airflow.sdk.configuration import conf


def cron(expression: str) -> CronTriggerTimetable:
    """Return a schedule in the time zone of the deployment (``[core] default_timezone``).

    DAGs that use it need no start date: a new deployment waits for the next time, where Airflow
    by itself would run at once what it takes for missed. Ten minutes of grace, so that a DAG file
    read just after the hour does not lose its first night.
    """
    return CronTriggerTimetable(
        expression,
        timezone=conf.get_mandatory_value("core", "default_timezone"),
        run_immediately=timedelta(minutes=10),
    )
