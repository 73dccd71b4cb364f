"""Tells whoever operates doclife that a run failed or is late."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseNotifier
from asgiref.sync import sync_to_async

from doclife.operators.connecting import documents_database
from doclife.operators.lifecycle_operator import present


class OperatorAlert(BaseNotifier):
    """Store a notification for the operators, which the dashboard shows them.

    Both as ``on_failure_callback`` of a DAG (one alert per failed run, not one per mapped task)
    and as the callback of a deadline.

    :param what: what happened, as the end of "DAG <name> ...".
    :param postgres_conn_id: Airflow Connection to the catalogue.
    """

    def __init__(
        self, *, what: str = "failed", postgres_conn_id: str = "documents", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.what = what
        self.postgres_conn_id = postgres_conn_id

    def notify(self, context: Any) -> None:
        """Store the alert now."""
        from doclife.lifecycle.alerting import alert_operators

        title, body = self.text(context)
        with documents_database(self.postgres_conn_id, application_name="doclife alert") as conn:
            alert_operators(conn, title=title, body=body, now=present())

    async def async_notify(self, context: Any) -> None:
        """Store the alert without holding up the other triggers of the process."""
        # Not asyncio.to_thread, as in queue_trigger.py.
        await sync_to_async(self.notify)(context)

    def text(self, context: Mapping[str, Any]) -> tuple[str, str]:
        """Return title and body.

        A deadline's context has the run as a dictionary. A failed run's has the DAG and the id of
        the run, and more only where Airflow still knows its last task.
        """
        run = context.get("dag_run")
        known = run if isinstance(run, Mapping) else {}
        dag_id = known.get("dag_id") or getattr(context.get("dag"), "dag_id", "unknown")
        run_id = known.get("dag_run_id") or known.get("run_id") or context.get("run_id")
        reason = f" Airflow says: {context['reason']}." if context.get("reason") else ""
        return (
            f"DAG {dag_id} {self.what}",
            f"Run {run_id}.{reason} See /dags/{dag_id}/runs/{quote(str(run_id), safe='')} in "
            "Airflow; the page of the DAG says what to do.",
        )
