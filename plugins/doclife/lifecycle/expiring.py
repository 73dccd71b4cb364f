"""The daily check: matters catch what they hold, what has expired is stamped, owners are warned."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from doclife.delivery.links import NO_LINKS, Links
from doclife.domain.organization import Organization
from doclife.lifecycle.catching import catch_all
from doclife.lifecycle.warning import warn_owners
from doclife.store import expiry, organizations
from doclife.store.connection import Connection

BATCH_SIZE = 20_000
"""Documents per transaction: past this, larger batches gain nothing (benchmarks/expire.py)."""
PAST_EVERY_ID = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpiryOutcome:
    """What one expiry check did."""

    expired: int
    notices: int
    held: int = 0
    """Documents that the condition of an open matter caught."""


def expire(
    conn: Connection,
    *,
    now: datetime,
    as_of: datetime,
    actor: str,
    organization: str | None = None,
    links: Links = NO_LINKS,
) -> ExpiryOutcome:
    """Stamp what expired before the day of ``as_of``, and queue the warnings that are due.

    Expired means: ``expires_on`` is before today in the organization's zone. Committed batch by
    batch; killed and called again, it goes on, and a second call finds nothing to do. What was
    registered, changed or released behind the watermark since the last check is looked at again.

    :param as_of: aware; not later than the present.
    :param links: where warnings lead.
    """
    found = (
        [organizations.find(conn, organization)] if organization else organizations.list_all(conn)
    )
    expired = notices = held = 0
    for tenant in found:
        held += catch_all(conn, tenant, now=now, actor=actor).held
        expired += _stamp(conn, tenant, now=now, as_of=min(as_of, now), actor=actor)
        notices += warn_owners(
            conn,
            now=now,
            as_of=min(as_of, now),
            actor=actor,
            organization=tenant,
            links=links,
        )
    return ExpiryOutcome(expired=expired, notices=notices, held=held)


def _stamp(
    conn: Connection, tenant: Organization, *, now: datetime, as_of: datetime, actor: str
) -> int:
    today = tenant.date_of(as_of)
    through = today - timedelta(days=1)
    checked = expiry.announce_check(conn, tenant.id, through=through)
    total = 0
    after_on, after_id = checked, PAST_EVERY_ID
    while True:
        batch = expiry.stamp(
            conn,
            organization_id=tenant.id,
            after_on=after_on,
            after_id=after_id,
            today=today,
            now=now,
            actor=actor,
            size=BATCH_SIZE,
        )
        total += batch.stamped
        if batch.last_on is None or batch.last_id is None:
            break
        after_on, after_id = batch.last_on, batch.last_id
    expiry.finish_check(conn, tenant.id, through=through, now=now)
    while True:
        again = expiry.stamp_again(
            conn,
            organization_id=tenant.id,
            today=today,
            now=now,
            actor=actor,
            size=BATCH_SIZE,
        )
        total += again.stamped
        if again.seen == 0:
            return total
