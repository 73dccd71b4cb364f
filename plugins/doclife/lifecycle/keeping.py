"""Keeps a document by the link of a warning: for a while, once, on the word of who was warned.

Who was warned need not be a user of Airflow. The link is their proof; what it may do is the rule's
to say (``warn: {keep: 90d}``), else it is the organization's reprieve.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from doclife.delivery.links import KeepSubject
from doclife.domain.organization import Organization
from doclife.domain.rule import Mode, Rule
from doclife.domain.tombstone import name_of
from doclife.store import decisions, keepings, organizations
from doclife.store.connection import Connection
from doclife.store.keepings import LinkedDocument


class Standing(StrEnum):
    """What a link finds its document to be."""

    OPEN = "open"
    """It may be kept."""
    KEPT = "kept"
    """It was kept by a link already."""
    HELD = "held"
    """A legal hold keeps it, for as long as the matter is open."""
    TRASHED = "trashed"
    """It is in the trash, from where others can restore it."""
    DESTROYED = "destroyed"
    """It is gone, or its destruction has begun."""
    OVER = "over"
    """The rule does not do any more what the warning said, or the time of the link is over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepPage:
    """What whoever follows a link may see."""

    organization: Organization
    standing: Standing
    title: str
    external_id: str
    document_type: str | None
    rule_name: str
    goes_on: date
    """The day that the warning named."""
    kept_until: date | None
    """Until when it is kept, or would be."""
    restorable_until: date | None
    """Until when it can be restored from the trash."""


def kept_until(rule: Rule, organization: Organization, *, goes_on: date) -> date | None:
    """Return until when the link of a warning of ``goes_on`` keeps; None where it may not."""
    if rule.keeps_for is None:
        until = goes_on + timedelta(days=organization.reprieve_days)
    else:
        until = rule.keeps_for.add_to(goes_on)
    return until if until > goes_on else None


def look_up(conn: Connection, subject: KeepSubject, *, now: datetime) -> KeepPage | None:
    """Return what a link shows; changes nothing. None when there is no such document any more."""
    found = keepings.describe(
        conn, rule_id=subject.rule_id, document_id=subject.document_id, due_on=subject.due_on
    )
    if found is None:
        return None
    organization = organizations.find(conn, found.slug)
    rule = Rule.from_document(found.definition) if found.definition else None
    until = found.kept_until
    if until is None and rule is not None:
        until = kept_until(rule, organization, goes_on=subject.goes_on)
    is_purged = found.title is None
    return KeepPage(
        organization=organization,
        standing=_standing(found, rule, until=until, today=organization.date_of(now)),
        title=found.title or name_of(found.external_id, subject.document_id),
        external_id=name_of(found.external_id, subject.document_id),
        document_type=None if is_purged else found.document_type,
        rule_name=found.rule_name,
        goes_on=subject.goes_on,
        kept_until=until,
        restorable_until=found.purge_after if found.status == "deleted" else None,
    )


def keep_by_link(conn: Connection, subject: KeepSubject, *, now: datetime) -> KeepPage | None:
    """Keep the document of a link if it may be kept, and return how it stands then.

    A second call, or the link of another warning of the same due date, does no more. The audit
    entry's actor is ``link``; whose link it was is its reason, which goes with the document.
    """
    with conn.transaction():
        keepings.lock_document(conn, subject.document_id)
        page = look_up(conn, subject, now=now)
        if page is None or page.standing is not Standing.OPEN or page.kept_until is None:
            return page
        keepings.insert(
            conn,
            rule_id=subject.rule_id,
            document_id=subject.document_id,
            due_on=subject.due_on,
            kept_until=page.kept_until,
            recipient=subject.recipient,
            now=now,
        )
        decisions.keep(
            conn,
            plan_id=None,
            document_ids=[subject.document_id],
            organization_id=page.organization.id,
            until=page.kept_until,
            now=now,
            actor="link",
            rule=page.rule_name,
            reason=(
                f"kept by the link of a warning to {subject.recipient}, "
                f"left alone until {page.kept_until}"
            ),
        )
        return look_up(conn, subject, now=now)


def _standing(
    found: LinkedDocument, rule: Rule | None, *, until: date | None, today: date
) -> Standing:
    if found.status in ("purging", "purged"):
        return Standing.DESTROYED
    if found.is_held:
        return Standing.HELD
    if found.status == "deleted":
        return Standing.TRASHED
    if found.kept_until is not None:
        return Standing.KEPT
    if rule is None or rule.mode is not Mode.ENFORCE or until is None:
        return Standing.OVER
    if found.status == "archived" and not rule.deletes:
        return Standing.OVER
    return Standing.OPEN if until > today else Standing.OVER
