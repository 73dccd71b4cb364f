"""Findings of the linter of rules: a closed list of codes, each with what, why and how to mend."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from doclife.domain.faults import Path


class Severity(StrEnum):
    """How bad it is: an error cannot be meant, a warning rarely is, an info is for reading."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Code(StrEnum):
    """The closed list of findings; docs/lint.md explains each."""

    CONTRADICTION = "contradiction"
    ALWAYS_OUTRANKED = "always-outranked"
    SAME_DOCUMENTS = "same-documents"
    DELETE_BEFORE_RETENTION = "delete-before-retention"
    NOT_NULL_ON_ANCHOR = "not-null-on-anchor"
    ARCHIVE_THEN_DELETE = "archive-then-delete"
    ARCHIVES_ARCHIVED = "archives-archived"
    OFF_RETAINS_NOTHING = "off-retains-nothing"
    NO_WARNING = "no-warning"
    NO_GRACE = "no-grace"
    OWN_EVENT = "own-event"
    REVIEW_LAPSES = "review-lapses"
    NO_LIMITS = "no-limits"
    DEFAULT_LIMITS = "default-limits"
    OFTEN_MISSING = "often-missing"
    MATCHES_NOTHING = "matches-nothing"
    NO_INDEX = "no-index"
    UNKNOWN_CODE = "unknown-code"
    NO_REASON = "no-reason"
    IGNORES_NOTHING = "ignores-nothing"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is probably not meant.

    :param path: from the top of the rule down to the part it is about.
    """

    code: Code
    severity: Severity
    rule: str
    path: Path
    what: str
    why: str
    fix: str
