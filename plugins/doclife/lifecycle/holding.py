"""Legal holds: documents under a matter are neither archived nor deleted nor purged."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import CheckViolation

from doclife.domain.condition import Condition
from doclife.domain.matter import StandingCondition
from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.catching import WINDOW_SIZE, catch_in_window
from doclife.store import catalogue, holds, matters, organizations
from doclife.store.connection import Connection
from doclife.store.holds import TooLate
from doclife.store.matters import Matter

__all__ = ["HoldOutcome", "TooLate"]

LISTED_TOO_LATE = 1000
"""What a condition came too late for is listed up to so many; the report has them all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldOutcome:
    """What became of a request to hold documents."""

    held: int
    """Those that were not under the matter before."""
    already: int = 0
    too_late: tuple[TooLate, ...] = ()
    """Documents whose destruction had begun, or ended, before the hold came."""
    unknown: tuple[str, ...] = ()
    """External ids that no document of the organization has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseOutcome:
    """What became of a request to release documents from a matter."""

    released: int
    """Those that were under the matter."""
    still_held: int
    """Of these: held by another matter, so not free."""
    unknown: tuple[str, ...] = ()
    """External ids that no document of the organization has."""

    def to_json(self) -> dict[str, Any]:
        """Return the plain values."""
        return asdict(self)


def hold(
    conn: Connection,
    *,
    organization: str,
    matter: str,
    reason: str,
    document_ids: Sequence[int],
    actor: str,
    now: datetime,
    authority: str | None = None,
) -> HoldOutcome:
    """Put documents under a matter, which is opened when it is new.

    A document that is already under it stays as it is; one that was released from it is held
    again. One that is being purged is listed as too late and does not stop the others. In the
    trash a hold succeeds and freezes the document there. Event and audit entry of each hold are
    written by the database.

    :param reason: what a new matter is opened for; an open one keeps its own.
    :raises RefusedError: a matter of that name was closed; a new case needs a new name.
    """
    tenant = organizations.find(conn, organization)
    with _refused_when_closed(matter), conn.transaction():
        matter_id = _open(
            conn, tenant, matter, reason=reason, authority=authority, actor=actor, now=now
        )
        holds.begin_finding(conn)
        found = holds.find_named(
            conn, matter_id=matter_id, organization_id=tenant.id, document_ids=document_ids
        )
        placed = holds.hold(conn, actor=actor, now=now, holds_released=True)
        too_late = holds.list_too_late(
            conn, matter_id=matter_id, document_ids=document_ids, size=len(document_ids)
        )
    return HoldOutcome(
        held=placed.held,
        already=found - placed.held - len(too_late),
        too_late=tuple(too_late),
    )


def hold_named(
    conn: Connection,
    *,
    organization: str,
    matter: str,
    reason: str,
    external_ids: Sequence[str],
    actor: str,
    now: datetime,
    authority: str | None = None,
) -> HoldOutcome:
    """Put the documents of these external ids under a matter, as ``hold`` does.

    Ids that name nothing are returned and keep nobody else from being held.
    """
    tenant = organizations.find(conn, organization)
    wanted = list(dict.fromkeys(external_ids))
    known = catalogue.find_ids(conn, tenant.id, wanted)
    outcome = hold(
        conn,
        organization=organization,
        matter=matter,
        reason=reason,
        document_ids=sorted(known.values()),
        actor=actor,
        now=now,
        authority=authority,
    )
    return HoldOutcome(
        held=outcome.held,
        already=outcome.already,
        too_late=outcome.too_late,
        unknown=tuple(each for each in wanted if each not in known),
    )


def hold_where(
    conn: Connection,
    *,
    organization: str,
    matter: str,
    reason: str,
    condition: Condition,
    actor: str,
    now: datetime,
    authority: str | None = None,
) -> HoldOutcome:
    """Put every document under a matter of which a condition is true or unknown, once.

    What is registered or changed later is not held; for that the matter itself has a condition.
    Committed part by part; killed and called again, it goes on.
    """
    tenant = organizations.find(conn, organization)
    with conn.transaction():
        matter_id = _open(
            conn, tenant, matter, reason=reason, authority=authority, actor=actor, now=now
        )
    chosen = [StandingCondition(matter_id=matter_id, matter=matter, condition=condition)]
    held = after_id = 0
    while True:
        through_id = holds.next_window(
            conn, organization_id=tenant.id, after_id=after_id, size=WINDOW_SIZE
        )
        if through_id is None:
            break
        with _refused_when_closed(matter), conn.transaction():
            held += catch_in_window(
                conn,
                tenant,
                chosen,
                window=(after_id, through_id),
                holds_released=True,
                now=now,
                actor=actor,
            ).held
        after_id = through_id
    too_late = holds.list_too_late(
        conn, matter_id=matter_id, document_ids=None, size=LISTED_TOO_LATE
    )
    return HoldOutcome(held=held, too_late=tuple(too_late))


def release(
    conn: Connection,
    *,
    organization: str,
    matter: str,
    document_ids: Sequence[int],
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> int:
    """Release documents from a matter and return how many were under it.

    A document is free when its last hold is released; the next expiry check judges it again. A
    condition of the matter does not catch it a second time.

    :raises ConfigurationError: there is no such matter.
    """
    tenant = organizations.find(conn, organization)
    with conn.transaction():
        found = find_matter(conn, tenant, matter)
        released = holds.release(
            conn,
            matter_id=found.id,
            document_ids=document_ids,
            actor=actor,
            reason=reason,
            now=now,
        )
    return len(released)


def release_named(
    conn: Connection,
    *,
    organization: str,
    matter: str,
    external_ids: Sequence[str],
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> ReleaseOutcome:
    """Release the documents of these external ids from a matter, as ``release`` does.

    Ids that name nothing are returned and keep nobody else from being released.
    """
    tenant = organizations.find(conn, organization)
    known = catalogue.find_ids(conn, tenant.id, list(external_ids))
    with conn.transaction():
        found = find_matter(conn, tenant, matter)
        released = holds.release(
            conn,
            matter_id=found.id,
            document_ids=sorted(known.values()),
            actor=actor,
            reason=reason,
            now=now,
        )
        still_held = holds.count_held(conn, released)
    return ReleaseOutcome(
        released=len(released),
        still_held=still_held,
        unknown=tuple(each for each in external_ids if each not in known),
    )


def find_matter(conn: Connection, tenant: Organization, name: str) -> Matter:
    """Return the matter of that name.

    :raises ConfigurationError: the organization has none; the message lists those that are open.
    """
    found = matters.find(conn, tenant.id, name)
    if found is None:
        known = [one.name for one in matters.list_all(conn, tenant.id, with_closed=False)]
        raise ConfigurationError(
            f"organization {tenant.slug} has no matter {name!r}. "
            f"Open ones: {', '.join(map(repr, known)) or 'none'}."
        )
    return found


def closed_matter(name: str) -> RefusedError:
    """Return the refusal to use a matter that was closed."""
    return RefusedError(f"matter {name!r} is closed. Give the new case another name.")


@contextmanager
def _refused_when_closed(name: str) -> Iterator[None]:
    """Say it in our words when a matter is closed by somebody else while documents go under it."""
    try:
        yield
    except CheckViolation as error:
        if error.diag.constraint_name != "a_closed_matter_takes_no_documents":
            raise
        raise closed_matter(name) from error


def _open(
    conn: Connection,
    tenant: Organization,
    name: str,
    *,
    reason: str,
    authority: str | None,
    actor: str,
    now: datetime,
) -> int:
    """Return the id of the open matter of that name, which is opened when it is new."""
    opened = matters.open_matter(
        conn,
        organization_id=tenant.id,
        name=name,
        reason=reason,
        authority=authority,
        condition=None,
        actor=actor,
        now=now,
    )
    if opened is not None:
        return opened
    found = find_matter(conn, tenant, name)
    if found.released_at is not None:
        raise closed_matter(name)
    return found.id
