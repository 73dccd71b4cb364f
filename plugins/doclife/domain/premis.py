"""What the audit trail says, in the words of digital preservation: PREMIS event types.

The vocabulary is http://id.loc.gov/vocabulary/preservation/eventType. The table is closed: what is
recorded of a document is named here, or is no preservation event (a test asks for each action).
"""

from collections.abc import Mapping
from enum import StrEnum

VOCABULARY = "http://id.loc.gov/vocabulary/preservation/eventType"


class PremisEvent(StrEnum):
    """Terms of the vocabulary that doclife has a use for, by their labels."""

    DEACCESSION = "deaccession"
    DELETION = "deletion"
    DISSEMINATION = "dissemination"
    FIXITY_CHECK = "fixity check"
    INFORMATION_PACKAGE_CREATION = "information package creation"
    INGESTION = "ingestion"
    METADATA_MODIFICATION = "metadata modification"
    POLICY_ASSIGNMENT = "policy assignment"
    RECOVERY = "recovery"
    REPLICATION = "replication"

    @property
    def uri(self) -> str:
        """Where the vocabulary defines the term."""
        return f"{VOCABULARY}/{_CODES[self]}"


_CODES: Mapping[PremisEvent, str] = {
    PremisEvent.DEACCESSION: "dea",
    PremisEvent.DELETION: "del",
    PremisEvent.DISSEMINATION: "dis",
    PremisEvent.FIXITY_CHECK: "fix",
    PremisEvent.INFORMATION_PACKAGE_CREATION: "ipc",
    PremisEvent.INGESTION: "ing",
    PremisEvent.METADATA_MODIFICATION: "mem",
    PremisEvent.POLICY_ASSIGNMENT: "poa",
    PremisEvent.RECOVERY: "rec",
    PremisEvent.REPLICATION: "rep",
}

EVENTS: Mapping[str, PremisEvent] = {
    "document.registered": PremisEvent.INGESTION,
    "documents.registered": PremisEvent.INGESTION,
    "document.changed": PremisEvent.METADATA_MODIFICATION,
    "document.archived": PremisEvent.REPLICATION,
    # The copy in the bag stays: what is deleted is one of two.
    "document.original_removed": PremisEvent.DELETION,
    "document.trashed": PremisEvent.DEACCESSION,
    "document.restored": PremisEvent.RECOVERY,
    "document.purged": PremisEvent.DELETION,
    "document.downloaded": PremisEvent.DISSEMINATION,
    "document.damaged": PremisEvent.FIXITY_CHECK,
    "document.mended": PremisEvent.FIXITY_CHECK,
    # Which keeps a document, or no longer does: a hold is a policy for it.
    "document.held": PremisEvent.POLICY_ASSIGNMENT,
    "document.released": PremisEvent.POLICY_ASSIGNMENT,
    "document.reprieved": PremisEvent.POLICY_ASSIGNMENT,
    "fixity.checked": PremisEvent.FIXITY_CHECK,
}
"""By action of the audit trail."""

FAILED = frozenset({"document.damaged"})
"""Actions that say that something is not as it should be; every other says that it was done."""

NO_EVENTS_OF_DOCUMENTS = frozenset(
    {
        # What people are told, or a date that has come: nothing is done to the document.
        "document.expired",
        "document.expiring",
        "document.warned",
        "document.notified",
        "document.webhook_queued",
        # Asked for or begun; what comes of it is recorded when it is done.
        "document.restore_requested",
        "document.purging",
        "document.held_too_late",
        # The row of the application's own table; the document stays.
        "document.row_removed",
    }
)
"""Actions about documents that are no preservation events."""

SUBJECTS_WITHOUT_EVENTS = frozenset(
    {
        "address",
        "audit",
        "backup",
        "certificate",
        "connection",
        "delivery",
        "deployment",
        "digest",
        "endpoint",
        "erasure",
        "event",
        "job",
        "login",
        "mail",
        "matter",
        "metadata",
        "organization",
        "plan",
        "preference",
        "report",
        "row",
        "rule",
        "schedule",
        "signing_key",
        "slack",
        "slack_channel",
        "store",
        "switch",
        "table",
        "warning",
        "webhook",
    }
)
"""First words of actions that are about how doclife is run, never about a document."""


def premis_event(action: str) -> PremisEvent | None:
    """Return what an action of the audit trail is called in preservation; None for no such event.

    An action that an older or newer release wrote and this one does not know is none either.
    """
    return EVENTS.get(action)
