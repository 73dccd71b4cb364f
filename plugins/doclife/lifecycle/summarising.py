"""The daily digests: one mail a day per person, with everything that concerns them.

The owner of a document is its reader when the owner is a mail address. The organization's
fallback recipient, its records contact, gets the overview of everything instead: that is also
where documents appear whose owner is no address. Nobody gets an empty digest.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from doclife.delivery.plain_text import one_line
from doclife.delivery.rendering import templates
from doclife.domain.address import is_address, mailbox_key
from doclife.domain.duration import Period
from doclife.domain.message import DAILY
from doclife.domain.organization import Organization
from doclife.lifecycle.composing import MAIL_HEADERS
from doclife.lifecycle.judging import required_warnings
from doclife.store import audit, digests, organizations, rules
from doclife.store.connection import Connection

PAGE_SIZE = 200
"""Readers per transaction; their mails are in memory together."""
SECTION_ROWS = 20
"""Lines per section; the mail says how many more there are."""
EXPIRING_DAYS = 30
LOOK_BACK = timedelta(hours=24)
"""What a first digest covers."""
LONGEST_LOOK_BACK = timedelta(days=7)
"""What a digest covers after an outage: older news is history."""

READ_AT = time(8)
"""When a digest may be sent, by its reader's clock."""

SECTIONS = ("failed", "not_warned", "tonight", "expiring", "done", "notifications")
OVERVIEW = ""
"""Reader of the whole organization's rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestOutcome:
    """What became of one day's digests."""

    recipients: int = 0
    """People who had something to read and want a digest."""
    jobs: int = 0
    """Digests that were new; fewer on a second call."""
    skipped_empty: int = 0
    """Organizations with nothing to report to their records contact."""

    def __add__(self, other: "DigestOutcome") -> "DigestOutcome":
        """Return the sum of two outcomes."""
        return DigestOutcome(
            recipients=self.recipients + other.recipients,
            jobs=self.jobs + other.jobs,
            skipped_empty=self.skipped_empty + other.skipped_empty,
        )


@dataclass(frozen=True, kw_only=True)
class Day:
    """One organization's digests of one day."""

    organization: Organization
    now: datetime
    as_of: datetime
    actor: str
    contact: str | None
    """Who gets the overview; None when the organization names no address."""

    @property
    def today(self) -> date:
        """The day of the digest in the organization's zone."""
        return self.organization.date_of(self.as_of)

    def key(self, recipient: str) -> str:
        """Return what makes a recipient's digest of this day one of its kind."""
        return f"{self.keys}{recipient}:{self.today.isoformat()}"

    def send_at(self, time_zone: str | None) -> datetime:
        """Return 08:00 of this day in the reader's zone, else the organization's; or now."""
        try:
            zone = ZoneInfo(time_zone or self.organization.time_zone)
        except (KeyError, ValueError, OSError):  # applications write preferences unchecked
            zone = ZoneInfo(self.organization.time_zone)
        return max(self.now, datetime.combine(self.today, READ_AT, tzinfo=zone)).astimezone(UTC)

    @property
    def keys(self) -> str:
        """What the keys of all digests of the organization begin with."""
        return f"digest:{self.organization.slug}:"


def store_digests(
    conn: Connection, *, now: datetime, as_of: datetime, actor: str, dag_id: str, run_id: str
) -> DigestOutcome:
    """Render and store the digests of one day, each as an email job.

    A second call for the same day, by this run or another, stores only what is missing.

    :param as_of: the moment the digests are of; they cover what happened since those of the day
        before (else 24 hours, at most 7 days). A moment that has not come yet counts as ``now``:
        digests of the future would leave the next ones nothing to say.
    """
    total = DigestOutcome()
    for tenant in organizations.list_all(conn):
        fallback = (tenant.fallback_recipient or "").strip()
        day = Day(
            organization=tenant,
            now=now,
            as_of=min(as_of, now),
            actor=actor,
            contact=mailbox_key(fallback) if is_address(fallback) else None,
        )
        _collect(conn, day)
        outcome = _store_overview(conn, day) + _store_personal(conn, day)
        if outcome.jobs:
            audit.record(
                conn,
                organization_id=tenant.id,
                at=now,
                actor=actor,
                action="digest.stored",
                reason=f"{outcome.jobs} digest(s) of {day.today}",
                details={"dag_id": dag_id, "run_id": run_id, "recipients": outcome.recipients},
            )
        total += outcome
    return total


def _collect(conn: Connection, day: Day) -> None:
    """Gather the lines of every reader, capped, in this session's working table."""
    tenant_id = day.organization.id
    last = digests.find_last(conn, organization_id=tenant_id, keys=day.keys, day=day.today)
    since = max(last or day.as_of - LOOK_BACK, day.as_of - LONGEST_LOOK_BACK)
    digests.clear(conn)
    digests.collect_expiring(
        conn, organization_id=tenant_id, today=day.today, days=EXPIRING_DAYS, size=SECTION_ROWS
    )
    digests.collect_items(
        conn, organization_id=tenant_id, since=since, as_of=day.as_of, size=SECTION_ROWS
    )
    digests.collect_tonight(
        conn,
        organization_id=tenant_id,
        today=day.today,
        required={
            version.version_id: periods
            for version in rules.list_current(conn, tenant_id)
            if (periods := required_warnings(version.rule)) is not None
        },
        size=SECTION_ROWS,
    )
    digests.collect_notifications(
        conn,
        organization_id=tenant_id,
        since=since,
        as_of=day.as_of,
        contact=day.contact,
        daily=DAILY,
        size=SECTION_ROWS,
    )


def _store_overview(conn: Connection, day: Day) -> DigestOutcome:
    if day.contact is None:
        return DigestOutcome()
    tenant_id = day.organization.id
    rows = digests.list_rows(conn, [OVERVIEW])
    plans = digests.list_waiting_plans(conn, organization_id=tenant_id, size=SECTION_ROWS)
    if not rows and not plans:
        return DigestOutcome(skipped_empty=1)
    preference = digests.list_preferences(
        conn, organization_id=tenant_id, recipients=[day.contact]
    )[day.contact]
    if not preference["wants_digest"]:
        return DigestOutcome()
    digest = _render(day, day.contact, rows, plans, preference=preference)
    return DigestOutcome(recipients=1, jobs=_store(conn, day, [digest]))


def _store_personal(conn: Connection, day: Day) -> DigestOutcome:
    total, after = DigestOutcome(), ""
    while page := digests.list_recipients(conn, after=after, contact=day.contact, size=PAGE_SIZE):
        after = page[-1]
        preferences = digests.list_preferences(
            conn, organization_id=day.organization.id, recipients=page
        )
        rows = digests.list_rows(conn, page)
        rendered = [
            _render(day, recipient, list(lines), [], preference=preferences[recipient])
            for recipient, lines in groupby(rows, key=lambda row: row.recipient)
            if is_address(recipient) and preferences[recipient]["wants_digest"]
        ]
        total += DigestOutcome(recipients=len(rendered), jobs=_store(conn, day, rendered))
    return total


def _store(conn: Connection, day: Day, rendered: Sequence[dict[str, str]]) -> int:
    return digests.store(
        conn,
        rendered,
        organization_id=day.organization.id,
        as_of=day.as_of,
        actor=day.actor,
    )


def _render(
    day: Day,
    recipient: str,
    rows: Sequence[digests.DigestRow],
    plans: Sequence[digests.WaitingPlan],
    *,
    preference: Mapping[str, Any],
) -> dict[str, str]:
    language = preference["locale"] or day.organization.locale
    total = plans[0].total if plans else 0
    email = templates().email(
        "digest",
        locale=language,
        context={
            "organization": day.organization.slug,
            "today": day.today,
            "is_overview": recipient == day.contact,
            "plans": {
                "rows": sorted(
                    (_waiting(day, plan) for plan in plans), key=lambda row: not row["is_late"]
                ),
                "total": total,
                "more": total - len(plans),
            },
            "sections": [
                section for kind in SECTIONS if (section := _section(kind, rows)) is not None
            ],
        },
    )
    payload = {
        "to": recipient,
        "from": None,  # the transport's own
        "subject": email.subject,
        "text": email.text,
        "html": email.html,
        "template": "digest",
        "locale": language,
        "organization": day.organization.slug,
        "headers": MAIL_HEADERS,
    }
    return {
        "unique_key": day.key(recipient),
        "payload": json.dumps(payload, ensure_ascii=False),
        "run_at": day.send_at(preference["time_zone"]).isoformat(),
    }


def _waiting(day: Day, plan: digests.WaitingPlan) -> dict[str, object]:
    """Return what is said about a plan that waits; the rule says from when on it is late."""
    tenant = day.organization
    since = plan.waiting_since and tenant.date_of(plan.waiting_since)
    is_late = (
        since is not None
        and plan.remind is not None
        and Period.parse(plan.remind).add_to(since) <= day.today
    )
    return {
        "plan_id": plan.plan_id,
        "rule": plan.rule,
        "document_count": plan.document_count,
        "reason": plan.reason,
        "stage": plan.stage,
        "since": since,
        "until": plan.answer_due_at and tenant.date_of(plan.answer_due_at),
        "is_late": is_late
        and Period.parse(str(plan.remind)).add_to(since or day.today) <= day.today,
    }


def _section(kind: str, rows: Sequence[digests.DigestRow]) -> dict[str, object] | None:
    shown = [row for row in rows if row.section == kind]
    if not shown:
        return None
    return {
        "kind": kind,
        "total": shown[0].total,
        "more": shown[0].total - len(shown),
        "rows": [
            {
                "title": one_line(row.title or row.external_id or ""),
                "external_id": one_line(row.external_id) if row.external_id else None,
                "on": row.on_day,
                "action": row.action,
                "reason": one_line(row.reason) if row.reason else None,
            }
            for row in shown
        ],
    }
