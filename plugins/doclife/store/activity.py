"""Reads what a report says, and keeps where it lies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class DoneCount:
    """How much one rule did of one thing, and how it ended."""

    rule: str | None
    """None for what people chose by hand."""
    action: str
    state: str
    """``done``, ``failed``, ``skipped`` or ``undone``."""
    documents: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedItem:
    """One document that was destroyed, or at which something failed."""

    section: str
    """``purged`` or ``failed``."""
    total: int
    """Of the section, with those that are not listed."""
    rule: str | None
    action: str
    document_id: int
    external_id: str
    title: str | None
    finished_at: datetime
    size_bytes: int
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """How much is in one state."""

    status: str
    documents: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldCount:
    """How much one matter holds."""

    matter: str
    documents: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpiringCount:
    """How much of one type expires soon."""

    document_type: str | None
    documents: int
    size_bytes: int
    first_on: date


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionCount:
    """What one person decided."""

    decision: str
    decided_by: str
    plans: int
    documents: int
    """Decided singly; 0 when whole plans were."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UndeliveredCount:
    """Jobs of one kind that were given up."""

    kind: str
    jobs: int
    last_error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRow:
    """A report that was made, and where it lies."""

    report_id: int
    job_id: int
    starts_on: date
    ends_on: date
    made_at: datetime
    requested_by: str
    store_name: str
    html_uri: str
    html_bytes: int
    html_sha256: bytes
    csv_uri: str
    csv_bytes: int
    csv_sha256: bytes
    summary: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The time that a report is about, in one organization."""

    organization_id: int
    since: datetime
    until: datetime
    """The first moment that is not in it."""

    def parameters(self, **more: object) -> dict[str, object]:
        """Return it as statements want it."""
        return {
            "organization_id": self.organization_id,
            "since": self.since,
            "until": self.until,
            **more,
        }


def count_done(conn: Connection, span: Span) -> list[DoneCount]:
    """Return what was done, by rule, action and outcome."""
    return fetch_rows(conn, statement("reports/count_done"), span.parameters(), DoneCount)


def list_items(conn: Connection, span: Span, *, size: int) -> list[ReportedItem]:
    """Return the first destroyed documents, and the first failures."""
    parameters = span.parameters(size=size)
    return fetch_rows(conn, statement("reports/list_items"), parameters, ReportedItem)


def count_decisions(conn: Connection, span: Span) -> list[DecisionCount]:
    """Return what people decided about plans."""
    query = statement("reports/count_decisions")
    return fetch_rows(conn, query, span.parameters(), DecisionCount)


def count_undelivered(conn: Connection, span: Span) -> list[UndeliveredCount]:
    """Return the jobs that were given up, by kind."""
    query = statement("reports/count_undelivered")
    return fetch_rows(conn, query, span.parameters(), UndeliveredCount)


def count_holdings(conn: Connection, organization_id: int) -> list[Holding]:
    """Return what there is now, by status."""
    parameters = {"organization_id": organization_id}
    return fetch_rows(conn, statement("reports/count_holdings"), parameters, Holding)


def count_held(conn: Connection, organization_id: int) -> list[HeldCount]:
    """Return what is under legal hold now, by matter."""
    parameters = {"organization_id": organization_id}
    return fetch_rows(conn, statement("reports/count_held"), parameters, HeldCount)


def count_expiring(
    conn: Connection, *, organization_id: int, today: date, days: int
) -> list[ExpiringCount]:
    """Return what expires within so many days, by type."""
    parameters = {"organization_id": organization_id, "today": today, "days": days}
    return fetch_rows(conn, statement("reports/count_expiring"), parameters, ExpiringCount)


def find_asker(conn: Connection, job_id: int) -> str | None:
    """Return who stored a job; None when it is done."""
    asker: str | None = fetch_value(conn, statement("reports/find_asker"), {"job_id": job_id})
    return asker


def insert_report(
    conn: Connection, report: Mapping[str, object], *, summary: Mapping[str, object]
) -> int | None:
    """Record a report; None when its job has one already.

    :param report: what reports/insert.sql names.
    """
    parameters = {**report, "summary": Jsonb(dict(summary))}
    report_id: int | None = fetch_value(conn, statement("reports/insert"), parameters)
    return report_id


def list_reports(
    conn: Connection,
    *,
    organization_id: int,
    report_id: int | None = None,
    job_id: int | None = None,
    before: int | None = None,
    size: int,
) -> Sequence[ReportRow]:
    """Return reports, the newest first."""
    parameters = {
        "organization_id": organization_id,
        "report_id": report_id,
        "job_id": job_id,
        "before": before,
        "size": size,
    }
    return fetch_rows(conn, statement("reports/list"), parameters, ReportRow)
