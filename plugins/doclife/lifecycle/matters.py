"""Matters: the cases that legal holds belong to, with their conditions and their reports."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from doclife.domain.condition import Condition, to_plain
from doclife.domain.condition_reader import read_condition
from doclife.domain.matter import StandingCondition, load_condition
from doclife.domain.rule_yaml import write_yaml
from doclife.errors import RefusedError
from doclife.lifecycle.catching import catch_all, compiled
from doclife.lifecycle.holding import closed_matter, find_matter
from doclife.store import holds, matters, organizations
from doclife.store.connection import Connection
from doclife.store.holds import Placed
from doclife.store.matters import MatterLine

__all__ = ["MatterLine", "Placed"]

EXPORT_PAGE = 5000
NO_MATTER = 0
"""Stands for the matter of a condition that belongs to none yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MatterReport:
    """Everything about one matter."""

    matter: MatterLine
    condition: str | None
    """As YAML; None for a matter that holds only what is put under it."""
    counts: Sequence[dict[str, Any]]
    """Documents and bytes by hold (held, released, too_late), status of the document and basis."""
    documents: Sequence[dict[str, Any]]
    next_after: str | None
    """External id after which there are more documents; None when these are all."""


def read_condition_file(conn: Connection, *, organization: str, text: str, file: str) -> Condition:
    """Read a condition for a matter of an organization: ``when:`` as in a rule.

    :raises RuleFileError: every fault of the file at once, with line and suggestion.
    """
    tenant = organizations.find(conn, organization)
    types = organizations.metadata_types(conn, tenant.id)
    return load_condition(text, file=file, metadata_types=types)


def preview_condition(
    conn: Connection, *, organization: str, condition: Condition, now: datetime
) -> list[dict[str, Any]]:
    """Return what a condition would hold, by basis and status, with examples; holds nobody."""
    tenant = organizations.find(conn, organization)
    standing = StandingCondition(matter_id=NO_MATTER, matter="", condition=condition)
    return matters.preview(conn, tenant.id, compiled(conn, tenant, [standing], now=now))


def open_matter(
    conn: Connection,
    *,
    organization: str,
    name: str,
    reason: str,
    actor: str,
    now: datetime,
    authority: str | None = None,
    condition: Condition | None = None,
) -> Placed:
    """Open a matter, and hold what its condition catches; return how much that was.

    The condition protects from the moment the matter is stored, before everything it catches is
    listed under it: whatever plans and applies looks at it too.

    :raises RefusedError: there is a matter of that name.
    """
    tenant = organizations.find(conn, organization)
    with conn.transaction():
        opened = matters.open_matter(
            conn,
            organization_id=tenant.id,
            name=name,
            reason=reason,
            authority=authority,
            condition=None if condition is None else to_plain(condition),
            actor=actor,
            now=now,
        )
        if opened is None:
            if find_matter(conn, tenant, name).released_at is not None:
                raise closed_matter(name)
            raise RefusedError(
                f"there is an open matter {name!r} already. See: doclife matters show {name!r}"
            )
    return catch_all(conn, tenant, now=now, actor=actor) if condition else Placed()


def change_condition(
    conn: Connection,
    *,
    organization: str,
    name: str,
    condition: Condition | None,
    actor: str,
    now: datetime,
) -> Placed:
    """Give an open matter another condition, or none, and hold what the new one catches.

    Nobody is released by that: what the old condition caught stays held until it is released.

    :raises RefusedError: the matter is closed.
    """
    tenant = organizations.find(conn, organization)
    plain = None if condition is None else to_plain(condition)
    with conn.transaction():
        found = find_matter(conn, tenant, name)
        if found.condition != plain and not matters.change_condition(
            conn, found.id, condition=plain, actor=actor, now=now
        ):
            raise closed_matter(name)
    return catch_all(conn, tenant, now=now, actor=actor) if condition else Placed()


def close_matter(
    conn: Connection,
    *,
    organization: str,
    name: str,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> int:
    """Release every document of a matter and close it; return how many were released.

    Documents that another matter holds stay held. A second call does nothing.
    """
    tenant = organizations.find(conn, organization)
    with conn.transaction():
        found = find_matter(conn, tenant, name)
        # Nobody is put under it any more from here on; whoever is at it is waited for.
        matters.lock(conn, found.id)
        released = holds.release(
            conn, matter_id=found.id, document_ids=None, actor=actor, reason=reason, now=now
        )
        matters.close(conn, found.id, actor=actor, reason=reason, now=now)
    return len(released)


def list_matters(
    conn: Connection, *, organization: str, with_closed: bool = False
) -> list[MatterLine]:
    """Return matters with what they hold: the open ones first, then the newest."""
    tenant = organizations.find(conn, organization)
    return matters.list_all(conn, tenant.id, with_closed=with_closed)


def report_matter(
    conn: Connection, *, organization: str, name: str, after: str | None = None, size: int = 50
) -> MatterReport:
    """Return everything about a matter, with a page of its documents by external id.

    :raises ConfigurationError: there is no such matter.
    """
    tenant = organizations.find(conn, organization)
    found = find_matter(conn, tenant, name)
    (line,) = matters.list_all(conn, tenant.id, with_closed=True, name=name)
    page = matters.list_documents(conn, found.id, after=after, size=size + 1)
    return MatterReport(
        matter=line,
        condition=None if found.condition is None else _as_yaml(found.condition),
        counts=matters.count_documents(conn, found.id),
        documents=page[:size],
        next_after=page[size - 1]["external_id"] if len(page) > size else None,
    )


def every_document(conn: Connection, *, organization: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield every document that is or was under a matter, by external id, for an export."""
    tenant = organizations.find(conn, organization)
    found = find_matter(conn, tenant, name)
    after: str | None = None
    while True:
        page = matters.list_documents(conn, found.id, after=after, size=EXPORT_PAGE)
        yield from page
        if len(page) < EXPORT_PAGE:
            return
        after = page[-1]["external_id"]


def _as_yaml(stored: object) -> str:
    """Return a stored condition as an author writes it; as it stands when it cannot be read."""
    condition, _faults = read_condition(stored, metadata_types=None)
    return write_yaml({"when": to_plain(condition) if condition else stored})
