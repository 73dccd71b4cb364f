"""The events that doclife itself emits: a closed list, the same in the database and in the docs.

What applications emit has other names; ``emit_event`` refuses these.
"""

from enum import StrEnum


class OwnEvent(StrEnum):
    """One thing that doclife tells of; docs/events.md says when, and what each carries."""

    DOCUMENT_REGISTERED = "document.registered"
    DOCUMENT_CHANGED = "document.changed"
    DOCUMENT_EXPIRING = "document.expiring"
    DOCUMENT_EXPIRED = "document.expired"
    DOCUMENT_ARCHIVED = "document.archived"
    DOCUMENT_ORIGINAL_REMOVED = "document.original_removed"
    DOCUMENT_TRASHED = "document.trashed"
    DOCUMENT_PURGED = "document.purged"
    DOCUMENT_RESTORE_REQUESTED = "document.restore_requested"
    DOCUMENT_RESTORED = "document.restored"
    DOCUMENT_HELD = "document.held"
    DOCUMENT_HELD_TOO_LATE = "document.held_too_late"
    DOCUMENT_RELEASED = "document.released"
    DOCUMENT_DAMAGED = "document.damaged"
    DOCUMENT_MENDED = "document.mended"
    MATTER_OPENED = "matter.opened"
    MATTER_CHANGED = "matter.changed"
    MATTER_CLOSED = "matter.closed"
    PLAN_NEEDS_APPROVAL = "plan.needs_approval"
    PLAN_APPROVED = "plan.approved"
    PLAN_REJECTED = "plan.rejected"
    PLAN_SUPERSEDED = "plan.superseded"
    PLAN_LAPSED = "plan.lapsed"
    PLAN_APPLIED = "plan.applied"
    PLAN_UNDONE = "plan.undone"
    BREAKER_TRIPPED = "breaker.tripped"
    ENDPOINT_DISABLED = "endpoint.disabled"
    CERTIFICATE_ISSUED = "certificate.issued"
    AUDIT_HEAD_SIGNED = "audit.head_signed"


MOVES_RULES = frozenset(
    {
        OwnEvent.DOCUMENT_REGISTERED,
        OwnEvent.DOCUMENT_CHANGED,
        OwnEvent.DOCUMENT_EXPIRING,
        OwnEvent.DOCUMENT_EXPIRED,
        OwnEvent.DOCUMENT_ARCHIVED,
        OwnEvent.DOCUMENT_ORIGINAL_REMOVED,
        OwnEvent.DOCUMENT_RESTORE_REQUESTED,
        OwnEvent.DOCUMENT_RESTORED,
        OwnEvent.DOCUMENT_HELD,
        OwnEvent.DOCUMENT_RELEASED,
        OwnEvent.DOCUMENT_DAMAGED,
    }
)
"""Those after which a document is there that a rule with ON_EVENT can act on.

No rule can cause itself by them: what a rule does leads a document only forward, from active to
archived to the trash, and telling people emits nothing.
"""


_TYPES = frozenset(str(event) for event in OwnEvent)


def is_own(event_type: str | None) -> bool:
    """Whether doclife itself emits events of this type."""
    return event_type in _TYPES
