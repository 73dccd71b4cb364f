"""Reads what is measured, and keeps the counts that nothing else knows (docs/metrics.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.types.numeric import Float4

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class TablePages:
    """How many pages the tables have of which a sample is counted."""

    jobs_pages: int
    failed_pages: int
    documents_pages: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuedJobs:
    """Unfinished jobs of one organization and kind, in one state."""

    organization: str
    kind: str
    state: str
    jobs: int
    oldest_due_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedJobs:
    """Jobs of one organization and kind that were given up."""

    organization: str
    kind: str
    jobs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusCount:
    """Documents of one organization and status."""

    organization: str
    status: str
    documents: int
    held: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenPlans:
    """Plans of one organization in one state that has not ended."""

    organization: str
    state: str
    plans: int
    oldest_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TrippedPlans:
    """Plans of one organization that tripped one limit."""

    organization: str
    scope: str
    limit_name: str
    plans: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DisabledEndpoints:
    """Webhook endpoints of one organization that are disabled."""

    organization: str
    endpoints: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryCount:
    """Attempts of one kind that ended alike and took about as long."""

    kind: str
    outcome: str
    within_seconds: float
    """The bound below which they took; infinity beyond all bounds."""
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StepSuccess:
    """When a task last ended well."""

    dag_id: str
    task_id: str
    succeeded_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Troubles:
    """What is not well in the deployment as a whole."""

    is_halted: bool
    damaged: int
    stopped: list[str]


def measure_tables(conn: Connection) -> TablePages:
    """Return how large the tables are of which a sample is counted."""
    return fetch_rows(conn, statement("metrics/measure_tables"), {}, TablePages)[0]


def count_queue(conn: Connection, *, percent: float, now: datetime) -> list[QueuedJobs]:
    """Return the unfinished jobs in so many percent of the pages of their table."""
    parameters = {"percent": Float4(percent), "now": now}
    return fetch_rows(conn, statement("metrics/count_queue"), parameters, QueuedJobs)


def count_failed(conn: Connection, *, percent: float) -> list[FailedJobs]:
    """Return the jobs that were given up, in so many percent of the pages of their table."""
    parameters = {"percent": Float4(percent)}
    return fetch_rows(conn, statement("metrics/count_failed"), parameters, FailedJobs)


def count_documents(conn: Connection, *, percent: float) -> list[StatusCount]:
    """Return the documents in so many percent of the pages of their table."""
    parameters = {"percent": Float4(percent)}
    return fetch_rows(conn, statement("metrics/count_documents"), parameters, StatusCount)


def count_plans(conn: Connection, *, states: Sequence[str]) -> list[OpenPlans]:
    """Return the plans that are meant and in one of these states."""
    return fetch_rows(
        conn, statement("metrics/count_plans"), {"states": list(map(str, states))}, OpenPlans
    )


def count_tripped(
    conn: Connection, *, states: Sequence[str], since: datetime
) -> list[TrippedPlans]:
    """Return the plans since a moment that tripped a limit."""
    parameters = {"states": list(map(str, states)), "since": since}
    return fetch_rows(conn, statement("metrics/count_tripped"), parameters, TrippedPlans)


def count_disabled_endpoints(conn: Connection) -> list[DisabledEndpoints]:
    """Return the webhook endpoints that are disabled."""
    return fetch_rows(conn, statement("metrics/count_disabled_endpoints"), {}, DisabledEndpoints)


def count_deliveries(conn: Connection, *, today: date) -> list[DeliveryCount]:
    """Return the attempts of a day, as far as they were counted."""
    query = statement("metrics/count_deliveries")
    return fetch_rows(conn, query, {"today": today}, DeliveryCount)


def add_deliveries(conn: Connection, counts: Sequence[DeliveryCount], *, today: date) -> None:
    """Add to the attempts of a day; the same counts again are added again."""
    conn.execute(
        statement("metrics/add_deliveries"),
        {
            "today": today,
            "kinds": [count.kind for count in counts],
            "outcomes": [count.outcome for count in counts],
            "within_seconds": [count.within_seconds for count in counts],
            "attempts": [count.attempts for count in counts],
        },
    )


def prune_deliveries(conn: Connection, *, before: date) -> None:
    """Forget the counts of days before this one."""
    conn.execute(statement("metrics/prune_deliveries"), {"before": before})


def note_success(conn: Connection, *, dag_id: str, task_id: str, now: datetime) -> None:
    """Note when a task ended well."""
    parameters = {"dag_id": dag_id, "task_id": task_id, "now": now}
    conn.execute(statement("metrics/note_success"), parameters)


def list_successes(conn: Connection, *, dag_ids: Sequence[str]) -> list[StepSuccess]:
    """Return when the tasks of these DAGs last ended well."""
    query = statement("metrics/list_successes")
    return fetch_rows(conn, query, {"dag_ids": list(dag_ids)}, StepSuccess)


def describe_deployment(conn: Connection, *, now: datetime) -> Troubles:
    """Return what is not well in the deployment as a whole."""
    return fetch_rows(conn, statement("metrics/describe_deployment"), {"now": now}, Troubles)[0]
