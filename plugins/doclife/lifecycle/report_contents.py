"""What a report says: gathered in sets, written as a page for people and a table for programs."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from doclife.delivery.plain_text import one_line
from doclife.delivery.rendering import templates
from doclife.domain.organization import Organization
from doclife.domain.tombstone import name_of
from doclife.lifecycle.branding import branding
from doclife.store import activity, overdue
from doclife.store.connection import Connection

LISTED = 10_000
"""Documents of a section in the table; the page says how many there are in all."""
SHOWN = 200
"""Documents of a section on the page."""
EXPIRING_DAYS = 90
CSV_COLUMNS = (
    "section",
    "rule",
    "action",
    "outcome",
    "name",
    "title",
    "documents",
    "bytes",
    "on",
    "reason",
    "document",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Everything that one report says, as of the moment it was made."""

    organization: Organization
    starts_on: date
    ends_on: date
    made_on: date
    requested_by: str
    holdings: Sequence[activity.Holding]
    done: Sequence[activity.DoneCount]
    purged: Sequence[dict[str, Any]]
    """Destroyed documents: fields of ``ReportedItem``, with the day as ``finished_at``."""
    failed: Sequence[dict[str, Any]]
    overdue: Sequence[overdue.OverdueCount]
    held: Sequence[activity.HeldCount]
    expiring: Sequence[activity.ExpiringCount]
    people: Sequence[activity.DecisionCount]
    undelivered: Sequence[activity.UndeliveredCount]

    def summary(self) -> dict[str, int]:
        """Return the numbers that stand at the top."""
        return {
            "archived": self._done("ARCHIVE"),
            "trashed": self._done("DELETE"),
            "purged": self._done("PURGE"),
            "failed": sum(row.documents for row in self.done if row.state == "failed"),
            "overdue": sum(row.documents for row in self.overdue),
            "held": sum(row.documents for row in self.held),
            "expiring": sum(row.documents for row in self.expiring),
        }

    def _done(self, action: str) -> int:
        return sum(
            row.documents for row in self.done if (row.action, row.state) == (action, "done")
        )

    def html(self) -> bytes:
        """Return the page, in the organization's language."""
        parts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        context = {**parts, **branding(self.organization), "shown": SHOWN}
        return (
            templates(self.organization.slug)
            .page(locale=self.organization.locale, context=context)
            .encode()
        )

    def csv(self) -> bytes:
        """Return the table: a line for each count or document, in UTF-8 that spreadsheets know."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, CSV_COLUMNS, restval="")
        writer.writeheader()
        for line in self._lines():
            writer.writerow({column: _cell(value) for column, value in line.items()})
        return text.getvalue().encode("utf-8-sig")

    def _lines(self) -> Iterator[dict[str, object]]:
        for holding in self.holdings:
            yield _line("holdings", holding, name=holding.status)
        for done in self.done:
            yield _line("done", done, rule=done.rule, action=done.action, outcome=done.state)
        for section, rows in (("failed", self.failed), ("purged", self.purged)):
            for row in rows:
                yield {
                    "section": section,
                    "rule": row["rule"],
                    "action": row["action"],
                    "outcome": "failed" if section == "failed" else "done",
                    "name": row["external_id"],
                    "title": row["title"],
                    "documents": 1,
                    "bytes": row["size_bytes"],
                    "on": row["finished_at"],
                    "reason": row["reason"],
                    "document": row["document_id"],
                }
        for late in self.overdue:
            yield _line(
                "overdue",
                late,
                rule=late.rule,
                action=late.action,
                on=late.due_since,
                reason=late.code,
            )
        for held in self.held:
            yield _line("held", held, name=held.matter)
        for soon in self.expiring:
            yield _line("expiring", soon, name=soon.document_type, on=soon.first_on)
        for decided in self.people:
            yield {
                "section": "decisions",
                "outcome": decided.decision,
                "name": decided.decided_by,
                "documents": decided.documents,
                "reason": f"{decided.plans} plans",
            }
        for lost in self.undelivered:
            yield {
                "section": "undelivered",
                "name": lost.kind,
                "reason": f"{lost.jobs} jobs: {lost.last_error or 'no reason'}",
            }


def gather(
    conn: Connection,
    *,
    organization: Organization,
    starts_on: date,
    ends_on: date,
    now: datetime,
    requested_by: str,
) -> Contents:
    """Gather what a report over these days says: what happened in them, and how things are now."""
    zone, today = ZoneInfo(organization.time_zone), organization.date_of(now)
    span = activity.Span(
        organization_id=organization.id,
        since=datetime.combine(starts_on, time(), tzinfo=zone),
        until=datetime.combine(ends_on + timedelta(days=1), time(), tzinfo=zone),
    )
    items = activity.list_items(conn, span, size=LISTED)
    return Contents(
        organization=organization,
        starts_on=starts_on,
        ends_on=ends_on,
        made_on=today,
        requested_by=requested_by,
        holdings=activity.count_holdings(conn, organization.id),
        done=activity.count_done(conn, span),
        purged=[_item(organization, item) for item in items if item.section == "purged"],
        failed=[_item(organization, item) for item in items if item.section == "failed"],
        overdue=overdue.count(conn, organization_id=organization.id, today=today, most=None),
        held=activity.count_held(conn, organization.id),
        expiring=activity.count_expiring(
            conn, organization_id=organization.id, today=today, days=EXPIRING_DAYS
        ),
        people=activity.count_decisions(conn, span),
        undelivered=activity.count_undelivered(conn, span),
    )


def _item(organization: Organization, item: activity.ReportedItem) -> dict[str, Any]:
    return {
        **asdict(item),
        "external_id": one_line(name_of(item.external_id, item.document_id)),
        "title": one_line(item.title) if item.title else None,
        "finished_at": organization.date_of(item.finished_at),
    }


def _line(section: str, row: Any, **more: object) -> dict[str, object]:
    return {"section": section, "documents": row.documents, "bytes": row.size_bytes, **more}


def _cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula (OWASP, CSV Injection)."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
