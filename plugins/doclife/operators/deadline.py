"""When a run is late."""

from datetime import timedelta

from airflow.sdk import (  # type: ignore[attr-defined]  # its stub forgets them
    AsyncCallback,
    DeadlineAlert,
    DeadlineReference,
)

from doclife.operators.alerting import OperatorAlert


def alert_unless_done_within(limit: timedelta) -> DeadlineAlert:
    """Return an alert for the operators when a run has not succeeded so long after it was queued.

    Counted from when it was queued, which runs triggered by hand have too.
    """
    minutes = limit.total_seconds() / 60
    shown = f"{minutes:g} minutes" if minutes < 60 else f"{minutes / 60:g} hours"
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        # Seconds, not a timedelta: with one, nobody can clear a task of a run whose deadline is
        # still ahead (apache/airflow#70368, open in 3.3.2). Airflow reads both.
        interval=limit.total_seconds(),
        callback=AsyncCallback(OperatorAlert, {"what": f"has not succeeded within {shown}"}),
    )
