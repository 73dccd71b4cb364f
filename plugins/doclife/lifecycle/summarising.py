"""The daily digests: one a day per person and channel, with everything that concerns them.

The owner of a document is its reader when the owner is a mail address. The organization's
fallback recipient, its records contact, gets the overview of everything instead: that is also
where documents appear whose owner is no address. Nobody gets an empty digest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from doclife.delivery.links import NO_LINKS, Links
from doclife.domain.address import is_address, mailbox_key
from doclife.domain.message import DAILY
from doclife.domain.organization import Organization, is_time_zone
from doclife.lifecycle.alerting import alert_of_templates
from doclife.lifecycle.composing_digest import Day, Rendered, render
from doclife.lifecycle.judging import required_warnings
from doclife.store import audit, audit_chain, digests, organizations, rules
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

AHEAD = timedelta(hours=1)
"""How long before that it is made: runs come every hour, on the hour, but not every zone's 08:00
is on the hour of another."""

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


def store_digests(
    conn: Connection,
    *,
    now: datetime,
    as_of: datetime,
    actor: str,
    dag_id: str,
    run_id: str,
    is_early: bool = False,
    links: Links = NO_LINKS,
) -> DigestOutcome:
    """Render and store the digests of those whose morning has come, each as a job.

    A zone has one morning a day: a second call finds it done. A call that goes on where another
    died tells the rest what that one told the first, and nobody twice.

    :param as_of: the moment the digests are of; they cover what happened since those of the day
        before (else 24 hours, at most 7 days). A moment that has not come yet counts as ``now``:
        digests of the future would leave the next ones nothing to say.
    :param is_early: also where it is not nearly 08:00 yet; these digests wait until then. What
        happens meanwhile is in those of the next day.
    :param links: where they lead, the link by which a reader signs off among it.
    """
    as_of = min(as_of, now)
    total = DigestOutcome()
    for tenant in organizations.list_all(conn):
        zones = _zones(conn, tenant)
        for name in sorted(zones):
            day = Day(
                organization=tenant,
                zone=ZoneInfo(name),
                zones=zones,
                now=now,
                as_of=as_of,
                actor=actor,
                contact=_contact(tenant),
                head=next(iter(audit_chain.list_heads(conn, tenant.id, size=1)), None),
                links=links,
            )
            if is_early or day.morning < as_of + AHEAD:
                total += _store_day(conn, day, dag_id=dag_id, run_id=run_id)
    alert_of_templates(conn, now=now)
    return total


def _store_day(conn: Connection, day: Day, *, dag_id: str, run_id: str) -> DigestOutcome:
    tenant_id, zone = day.organization.id, day.zone.key
    morning = digests.begin_day(
        conn, organization_id=tenant_id, time_zone=zone, day=day.day, as_of=day.as_of
    )
    if morning.is_finished:
        return DigestOutcome()
    begun = replace(day, as_of=morning.as_of)
    _collect(conn, begun, since=morning.since)
    outcome = _store_overview(conn, begun) + _store_personal(conn, begun)
    with conn.transaction():
        digests.finish_day(
            conn, organization_id=tenant_id, time_zone=zone, day=day.day, now=day.now
        )
        if outcome.jobs:
            audit.record(
                conn,
                organization_id=tenant_id,
                at=day.now,
                actor=day.actor,
                action="digest.stored",
                reason=f"{outcome.jobs} digest(s) of {day.day} in {zone}",
                details={"dag_id": dag_id, "run_id": run_id, "recipients": outcome.recipients},
            )
    return outcome


def _zones(conn: Connection, tenant: Organization) -> frozenset[str]:
    """Return the zones in which an organization has readers, its own among them."""
    named = digests.list_zones(conn, tenant.id)
    return frozenset((tenant.time_zone, *(name for name in named if is_time_zone(name))))


def _contact(tenant: Organization) -> str | None:
    fallback = (tenant.fallback_recipient or "").strip()
    return mailbox_key(fallback) if is_address(fallback) else None


def _collect(conn: Connection, day: Day, *, since: datetime | None) -> None:
    """Gather the lines of every reader, capped, in this session's working table."""
    tenant_id = day.organization.id
    since = max(since or day.as_of - LOOK_BACK, day.as_of - LONGEST_LOOK_BACK)
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
    digests.analyze(conn)


def _store_overview(conn: Connection, day: Day) -> DigestOutcome:
    if day.contact is None:
        return DigestOutcome()
    readers = _readers(conn, day, [day.contact])
    if not readers:
        return DigestOutcome()
    rows = digests.list_rows(conn, [OVERVIEW])
    plans = digests.list_waiting_plans(conn, organization_id=day.organization.id, size=SECTION_ROWS)
    if not rows and not plans:
        return DigestOutcome(skipped_empty=1)
    return _store(conn, day, [render(day, reader, rows, plans) for reader in readers])


def _store_personal(conn: Connection, day: Day) -> DigestOutcome:
    total, after = DigestOutcome(), ""
    while page := digests.list_recipients(conn, after=after, contact=day.contact, size=PAGE_SIZE):
        after = page[-1]
        readers = _readers(conn, day, page)
        rows = digests.list_rows(conn, [reader.recipient for reader in readers])
        lines = {
            recipient: list(own) for recipient, own in groupby(rows, key=lambda row: row.recipient)
        }
        total += _store(
            conn, day, [render(day, reader, lines[reader.recipient], []) for reader in readers]
        )
    return total


def _readers(conn: Connection, day: Day, recipients: Sequence[str]) -> list[digests.Reader]:
    """Return which of them want a digest in the day's zone."""
    return digests.list_readers(
        conn,
        organization_id=day.organization.id,
        recipients=[name for name in recipients if is_address(name)],
        zones=sorted(day.zones),
        home_zone=day.organization.time_zone,
        time_zone=day.zone.key,
    )


def _store(conn: Connection, day: Day, rendered: Sequence[Rendered]) -> DigestOutcome:
    jobs = digests.store(
        conn,
        [one.job for one in rendered],
        organization_id=day.organization.id,
        as_of=day.as_of,
        actor=day.actor,
    )
    return DigestOutcome(recipients=len({one.recipient for one in rendered}), jobs=jobs)
