"""Measures how doclife is: every number of ``domain.metrics``, at a cost that does not grow.

Plans are found by index. Of jobs and documents so many pages are read at most, always the same,
and what they hold stands for the rest: beyond that the numbers are estimates, which do not jump.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import psycopg

from doclife.domain import metrics
from doclife.domain.checkup_airflow import DAGS
from doclife.domain.metrics import Measurement, Metric
from doclife.domain.plan import PlanState
from doclife.store import clock, organizations
from doclife.store import metrics as store
from doclife.store.connection import Connection, limit_statements

logger = logging.getLogger(__name__)

MOST_PAGES = 4096
"""Pages of a table that are read: 32 MB, some hundredths of a second when they are in memory."""
LONGEST_SECONDS = 20.0
"""A statement that takes longer is ended: measuring must not be what weighs on a database."""


def measure(conn: Connection, *, by_organization: bool = False) -> list[Measurement]:
    """Return every number there is, those that are 0 too.

    :param by_organization: tell organizations apart where that can be done: so many times more
        numbers.
    """
    started = time.monotonic()
    limit_statements(conn, seconds=LONGEST_SECONDS)
    now = clock.present(conn)
    tenants = [tenant.slug for tenant in organizations.list_all(conn)] if by_organization else None
    readings = Readings(tenants)
    _measure_queue(conn, readings, now)
    _measure_plans(conn, readings, now)
    _measure_deliveries(conn, readings, now)
    _measure_documents(conn, readings)
    _measure_deployment(conn, readings, now)
    for step in store.list_successes(conn, dag_ids=DAGS):
        readings.add_step(step.dag_id, step.task_id, step.succeeded_at.timestamp())
    readings.add(metrics.MEASURED, now.timestamp())
    readings.add(metrics.MEASURING_SECONDS, time.monotonic() - started)
    return readings.all()


def note_success(conn: Connection, *, dag_id: str, task_id: str, now: datetime) -> None:
    """Note when a task of our own DAGs ended well; of others nothing is kept.

    What the task did counts more: when this cannot be stored, the log says so and nothing else.
    """
    if dag_id not in DAGS:
        return
    try:
        store.note_success(conn, dag_id=dag_id, task_id=task_id, now=now)
    except psycopg.Error as error:
        logger.warning("That it ended well could not be noted for metrics: %s", error)


def percent_of(pages: int, *, most: int = MOST_PAGES) -> float:
    """Return how many percent of so many pages to read, so that it is ``most`` or fewer.

    100 is halved as often as needed, so that a table that grows keeps its sample until it is twice
    as large, and the next sample is a part of that one.
    """
    percent = 100.0
    while pages * percent / 100 > most:
        percent /= 2
    return percent


class Readings:
    """The numbers as they come in, over zeros for all that can be sent.

    :param organizations: to tell apart; None to add them up.
    """

    def __init__(self, organizations: Sequence[str] | None) -> None:
        self._tells_apart = organizations is not None
        self._values: dict[tuple[str, frozenset[tuple[str, str]]], Measurement] = {}
        for metric in metrics.METRICS:
            if metric is metrics.STEP_SUCCESS:
                continue
            whose = organizations if metric.is_of_organization else None
            for labels in metric.combinations():
                for organization in whose or (None,):
                    self._set(metric, 0.0, self._labels(metric, labels, organization))

    def add(
        self, metric: Metric, value: float, *, organization: str | None = None, **labels: str
    ) -> None:
        """Add to a number; what has labels that are not listed is left out."""
        found = self._find(metric, labels, organization)
        if found is not None:
            self._set(metric, found.value + max(value, 0.0), found.labels)

    def raise_to(
        self, metric: Metric, value: float, *, organization: str | None = None, **labels: str
    ) -> None:
        """Let a number be at least this."""
        found = self._find(metric, labels, organization)
        if found is not None:
            self._set(metric, max(found.value, value), found.labels)

    def add_step(self, dag_id: str, task_id: str, moment: float) -> None:
        """Say when a task last ended well."""
        self._set(metrics.STEP_SUCCESS, moment, {"dag": dag_id, "task": task_id})

    def all(self) -> list[Measurement]:
        """Return what there is in the order of the list: whoever has the last one has all."""
        places = {metric.name: place for place, metric in enumerate(metrics.METRICS)}
        return sorted(self._values.values(), key=lambda one: places[one.metric])

    def _find(
        self, metric: Metric, labels: dict[str, str], organization: str | None
    ) -> Measurement | None:
        known = self._labels(metric, labels, organization)
        return self._values.get((metric.name, frozenset(known.items())))

    def _labels(
        self, metric: Metric, labels: dict[str, str], organization: str | None
    ) -> dict[str, str]:
        if organization is None or not (self._tells_apart and metric.is_of_organization):
            return labels
        return {**labels, "organization": organization}

    def _set(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        key = (metric.name, frozenset(labels.items()))
        self._values[key] = Measurement(metric=metric.name, value=value, labels=labels)


def _measure_queue(conn: Connection, readings: Readings, now: datetime) -> None:
    pages = store.measure_tables(conn)
    percent = percent_of(pages.jobs_pages)
    for found in store.count_queue(conn, percent=percent, now=now):
        readings.add(
            metrics.QUEUE_JOBS,
            found.jobs * 100 / percent,
            organization=found.organization,
            kind=found.kind,
            state=found.state,
        )
        if found.oldest_due_at is not None:
            readings.raise_to(
                metrics.QUEUE_AGE,
                (now - found.oldest_due_at).total_seconds(),
                organization=found.organization,
                kind=found.kind,
            )
    percent = percent_of(pages.failed_pages)
    for given_up in store.count_failed(conn, percent=percent):
        readings.add(
            metrics.QUEUE_FAILED,
            given_up.jobs * 100 / percent,
            organization=given_up.organization,
            kind=given_up.kind,
        )


def _measure_plans(conn: Connection, readings: Readings, now: datetime) -> None:
    for found in store.count_plans(conn, states=metrics.OPEN_STATES):
        readings.add(
            metrics.PLANS_OPEN, found.plans, organization=found.organization, state=found.state
        )
        if found.state == PlanState.NEEDS_APPROVAL:
            readings.raise_to(
                metrics.PLANS_WAITING,
                (now - found.oldest_at).total_seconds(),
                organization=found.organization,
            )
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for tripped in store.count_tripped(conn, states=tuple(PlanState), since=midnight):
        readings.add(
            metrics.PLANS_TRIPPED,
            tripped.plans,
            organization=tripped.organization,
            scope=tripped.scope,
            limit=tripped.limit_name,
        )


def _measure_deliveries(conn: Connection, readings: Readings, now: datetime) -> None:
    for count in store.count_deliveries(conn, today=now.astimezone(UTC).date()):
        readings.add(metrics.DELIVERIES, count.attempts, kind=count.kind, outcome=count.outcome)
        for seconds in metrics.WITHIN_SECONDS:
            if count.within_seconds <= seconds:
                readings.add(
                    metrics.DELIVERIES_WITHIN,
                    count.attempts,
                    kind=count.kind,
                    le=metrics.bound(seconds),
                )


def _measure_documents(conn: Connection, readings: Readings) -> None:
    percent = percent_of(store.measure_tables(conn).documents_pages)
    for found in store.count_documents(conn, percent=percent):
        readings.add(
            metrics.DOCUMENTS,
            found.documents * 100 / percent,
            organization=found.organization,
            status=found.status,
        )
        readings.add(
            metrics.DOCUMENTS_HELD, found.held * 100 / percent, organization=found.organization
        )


def _measure_deployment(conn: Connection, readings: Readings, now: datetime) -> None:
    troubles = store.describe_deployment(conn, now=now)
    readings.add(metrics.HALTED, troubles.is_halted)
    readings.add(metrics.DAMAGED, troubles.damaged)
    for kind in troubles.stopped:
        readings.add(metrics.CHANNEL_STOPPED, 1, kind=kind)
    for disabled in store.count_disabled_endpoints(conn):
        readings.add(
            metrics.ENDPOINTS_DISABLED, disabled.endpoints, organization=disabled.organization
        )
