"""The words of the pages of a new batch."""

from collections.abc import Mapping
from dataclasses import dataclass

from doclife.dashboard.rules import wording
from doclife.domain.batch import BatchDeed


@dataclass(frozen=True, kw_only=True)
class DeedWords:
    """How a deed is called."""

    label: str
    """In the list of deeds."""
    will: str
    """Of documents that it would be done to: ``2 go into the trash``."""
    button: str
    """Before the number: ``Delete 2``."""
    hint: str
    is_dangerous: bool = False


DEEDS: Mapping[BatchDeed, DeedWords] = {
    BatchDeed.ARCHIVE: DeedWords(
        label="Archive",
        will="Would be archived",
        button="Archive",
        hint="Copied into a verified archive bag. A plan does it, and can be undone in grace.",
    ),
    BatchDeed.DELETE: DeedWords(
        label="Delete (into the trash)",
        will="Would go into the trash",
        button="Delete",
        hint="Into the trash; the bytes are destroyed only after the grace period. A plan does "
        "it, and can be undone until then.",
        is_dangerous=True,
    ),
    BatchDeed.RESTORE: DeedWords(
        label="Restore",
        will="Would be restored",
        button="Restore",
        hint="Out of the trash or the archive, at once. Rules leave them alone for a while.",
    ),
    BatchDeed.HOLD: DeedWords(
        label="Hold under a matter",
        will="Would be held",
        button="Hold",
        hint="At once: nothing archives, deletes or purges them until they are released.",
    ),
    BatchDeed.RELEASE: DeedWords(
        label="Release from a matter",
        will="Would be released",
        button="Release",
        hint="At once; other matters that hold them go on to do so.",
    ),
    BatchDeed.NOTIFY: DeedWords(
        label="Notify",
        will="Would be told about",
        button="Notify about",
        hint="A plan sends the messages; what was sent stays sent.",
    ),
}
CODES: Mapping[str, str] = {
    "in_trash": "In the trash already",
    "is_archived": "Archived already",
    "being_destroyed": "Too late: being destroyed",
    "destroyed": "Too late: destroyed",
    "changed_meanwhile": "Changed meanwhile",
    "is_active": "In use: nothing to restore",
    "not_held": "Not under this matter",
    "is_held": "Under this matter already",
}
"""What speaks against a document before any plan; else the words of plans."""
CHANNELS = (("email", "Mail"), ("slack", "Slack"), ("notification", "In the dashboard"))
DIGESTS = (("none", "One message each"), ("daily", "Together in the daily summary"))
ORIGINALS = (("remove", "Remove it after its grace period"), ("keep", "Keep it"))


def outcome(code: str | None, deed: BatchDeed) -> str:
    """Return what a code says."""
    return DEEDS[deed].will if code is None else CODES.get(code) or wording.reason(code)
