"""Catches the documents that the condition of an open matter does not let go.

Where a document might be destroyed it is judged right there, under the locks that destruction
needs: when a plan is stored (only what the plan would touch), and again for every batch that is
applied, the purge included. So a condition protects from the moment its matter is open, whatever
has been registered or changed since. What is caught elsewhere (when a matter is opened, at import,
in the nightly check) keeps the reports true.

True and unknown are both caught. A document is caught by a matter once: one that was released by
hand stays released, until somebody names it again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from doclife.domain.fragment import Fragment
from doclife.domain.matter import StandingCondition, catches, read_stored
from doclife.domain.organization import Organization
from doclife.store import holds, organizations
from doclife.store.connection import Connection
from doclife.store.holds import Placed

WINDOW_SIZE = 20_000
"""Documents looked at per transaction: bounds how long those that are caught stay locked."""


def catch_in_plan(conn: Connection, tenant: Organization, *, now: datetime, actor: str) -> None:
    """Hold what is caught of the documents that a plan has collected to destroy.

    Call it in the transaction that stores the plan, before anything is judged.
    """
    _catch(conn, tenant, lock_conditions(conn, tenant), holds.find_in_plan, now=now, actor=actor)


def catch_in_batch(
    conn: Connection,
    tenant: Organization,
    standing: Sequence[StandingCondition],
    *,
    document_ids: Sequence[int],
    now: datetime,
    actor: str,
) -> None:
    """Hold what is caught of a batch whose documents are locked, before it is judged.

    :param standing: what ``lock_conditions`` returned, before the documents were locked.
    """

    def find(conn: Connection, caught: Fragment) -> int:
        return holds.find_in_batch(conn, caught, document_ids=document_ids)

    _catch(conn, tenant, standing, find, now=now, actor=actor)


def catch_imported(conn: Connection, tenant: Organization, *, now: datetime, actor: str) -> None:
    """Hold what is caught of the batch that an import has just written in this transaction."""

    def find(conn: Connection, caught: Fragment) -> int:
        return holds.find_imported(conn, caught, organization_id=tenant.id)

    _catch(conn, tenant, lock_conditions(conn, tenant), find, now=now, actor=actor)


def catch_all(conn: Connection, tenant: Organization, *, now: datetime, actor: str) -> Placed:
    """Hold whatever the conditions of an organization's open matters catch by now.

    Committed part by part, WINDOW_SIZE documents each; killed and called again, it goes on, and a
    second call finds nothing to do. Costs nothing where no open matter has a condition.
    """
    held = too_late = 0
    after_id = 0
    while True:
        with conn.transaction():
            standing = lock_conditions(conn, tenant)
            through_id = (
                holds.next_window(
                    conn, organization_id=tenant.id, after_id=after_id, size=WINDOW_SIZE
                )
                if standing
                else None
            )
            if through_id is None:
                return Placed(held=held, too_late=too_late)
            placed = catch_in_window(
                conn,
                tenant,
                standing,
                window=(after_id, through_id),
                holds_released=False,
                now=now,
                actor=actor,
            )
        held += placed.held
        too_late += placed.too_late
        after_id = through_id


def catch_in_window(
    conn: Connection,
    tenant: Organization,
    standing: Sequence[StandingCondition],
    *,
    window: tuple[int, int],
    holds_released: bool,
    now: datetime,
    actor: str,
) -> Placed:
    """Hold what conditions catch of the documents after one id and up to another."""

    def find(conn: Connection, caught: Fragment) -> int:
        return holds.find_in_window(
            conn,
            caught,
            organization_id=tenant.id,
            after_id=window[0],
            through_id=window[1],
            holds_released=holds_released,
        )

    return _catch(conn, tenant, standing, find, now=now, actor=actor, holds_released=holds_released)


def lock_conditions(conn: Connection, tenant: Organization) -> list[StandingCondition]:
    """Return the conditions of the open matters and keep them so until the transaction ends.

    Everybody locks matters before documents.
    """
    found = holds.lock_standing(conn, tenant.id)
    if not found:
        return []
    types = organizations.metadata_types(conn, tenant.id)
    return [
        read_stored(each.condition, matter_id=each.id, matter=each.name, metadata_types=types)
        for each in found
    ]


def compiled(
    conn: Connection,
    tenant: Organization,
    standing: Sequence[StandingCondition],
    *,
    now: datetime,
) -> Fragment:
    """Return conditions as a query over ``candidates``, judged for the present day."""
    return catches(
        standing,
        metadata_types=organizations.metadata_types(conn, tenant.id),
        time_zone=tenant.time_zone,
        as_of=tenant.date_of(now),
    )


def _catch(
    conn: Connection,
    tenant: Organization,
    standing: Sequence[StandingCondition],
    find: Callable[[Connection, Fragment], int],
    *,
    now: datetime,
    actor: str,
    holds_released: bool = False,
) -> Placed:
    if not standing:
        return Placed()
    holds.begin_finding(conn)
    if find(conn, compiled(conn, tenant, standing, now=now)) == 0:
        return Placed()
    return holds.hold(conn, actor=actor, now=now, holds_released=holds_released)
