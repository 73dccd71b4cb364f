"""Legal holds: documents under a matter are neither archived nor deleted nor purged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.errors import ConfigurationError, RefusedError
from doclife.store import holds, organizations
from doclife.store.connection import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldOutcome:
    """What became of a request to hold documents."""

    held: int
    too_late: tuple[int, ...]
    """Documents whose destruction had begun, or ended, before the hold came."""


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

    A document that is already under it stays as it is. One that is being purged is listed as too
    late and does not stop the others. In the trash a hold succeeds and freezes the document there.

    :raises RefusedError: a matter of that name was released; a new case needs a new name.
    """
    tenant = organizations.find(conn, organization)
    with conn.transaction():
        matter_id = holds.open_matter(
            conn,
            organization_id=tenant.id,
            name=matter,
            reason=reason,
            authority=authority,
            actor=actor,
            now=now,
        )
        if matter_id is None:
            raise RefusedError(
                f"matter {matter!r} was released and is closed. Give the new case another name."
            )
        placed = holds.hold(
            conn,
            matter_id=matter_id,
            organization_id=tenant.id,
            document_ids=document_ids,
            actor=actor,
            now=now,
        )
        in_time = [each.document_id for each in placed if each.too_late_since is None]
        holds.record(
            conn,
            organization_id=tenant.id,
            document_ids=in_time,
            action="document.held",
            today=tenant.date_of(now),
            now=now,
            actor=actor,
            reason=f"{matter}: {reason}",
        )
    too_late = tuple(each.document_id for each in placed if each.too_late_since is not None)
    return HoldOutcome(held=len(in_time), too_late=too_late)


def release(
    conn: Connection,
    *,
    organization: str,
    matter: str,
    actor: str,
    now: datetime,
    document_ids: Sequence[int] | None = None,
) -> int:
    """Release documents from a matter and return how many; without a list, all, and close it.

    A document is free when its last hold is released; the next expiry check judges it again.
    """
    tenant = organizations.find(conn, organization)
    with conn.transaction():
        found = holds.find_matter(conn, tenant.id, matter)
        if found is None:
            raise ConfigurationError(f"organization {organization} has no matter {matter!r}.")
        released = holds.release(
            conn, matter_id=found.id, document_ids=document_ids, actor=actor, now=now
        )
        if document_ids is None:
            holds.close_matter(conn, found.id, actor=actor, now=now)
        holds.record(
            conn,
            organization_id=tenant.id,
            document_ids=released,
            action="document.released",
            today=tenant.date_of(now),
            now=now,
            actor=actor,
            reason=f"released from {matter}",
        )
        return len(released)
