"""What a drain writes down of channels and endpoints that refuse everything."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from doclife.delivery.outcome import Attempt, Outcome
from doclife.lifecycle.alerting import alert_operators
from doclife.store import clock, queue
from doclife.store.connection import Connection
from doclife.store.queue import EndpointAnswers

STOPPED_SECONDS = 300
"""How long a channel rests after its credentials were refused."""
ENDPOINT_PATIENCE = timedelta(days=5)
"""An endpoint that has taken nothing for so long is disabled; its jobs wait."""


def stop_channels(conn: Connection, stopped: Mapping[str, str]) -> None:
    """Let channels rest whose credentials were refused, and alert once.

    :param stopped: the reason by kind of job.
    """
    for kind, reason in stopped.items():
        if queue.stop_channel(conn, kind=kind, reason=reason, seconds=STOPPED_SECONDS):
            alert_operators(
                conn,
                title=f"Jobs of kind {kind} wait, untried",
                body=f"{reason}. They go out by themselves once this is corrected.",
                now=clock.present(conn),
            )


def note_endpoints(conn: Connection, answers: Mapping[int, Sequence[Attempt]]) -> None:
    """Write down how endpoints answered; disable, with an alert, those that are gone."""
    noted = [
        EndpointAnswers(
            endpoint_id=endpoint_id,
            has_success=any(each.outcome is Outcome.SENT for each in attempts),
            has_failure=any(each.outcome is not Outcome.SENT for each in attempts),
            refusal=next(
                (
                    each.error or f"{each.status_code}"
                    for each in attempts
                    if each.disables_endpoint
                ),
                None,
            ),
        )
        for endpoint_id, attempts in sorted(answers.items())
    ]
    for disabled in queue.note_endpoints(
        conn, noted, patience_seconds=int(ENDPOINT_PATIENCE.total_seconds())
    ):
        alert_operators(
            conn,
            title=f"Webhook endpoint {disabled.name} was disabled",
            body=f"{disabled.reason}. Its jobs wait until it is enabled again.",
            now=clock.present(conn),
        )
