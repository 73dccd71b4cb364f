"""Plans: what is to be done to which documents, and how far it has come."""

from dataclasses import dataclass
from enum import StrEnum

from doclife.domain.actions import ActionType


class PlanState(StrEnum):
    """Where a plan is; docs/lifecycle.md shows who moves it when."""

    PLANNED = "planned"
    NEEDS_APPROVAL = "needs_approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    LAPSED = "lapsed"
    APPLYING = "applying"
    APPLIED = "applied"
    UNDONE = "undone"


class PlanKind(StrEnum):
    """What asked for the plan."""

    RULE = "rule"
    SELECTION = "selection"
    PURGE = "purge"
    ORIGINALS = "originals"
    ERASURE = "erasure"
    """Chosen documents that are destroyed without grace, once somebody else has approved it."""


PURGE = "PURGE"
"""Destroy the bytes of what is past its grace period; no rule can ask for it by name."""
REMOVE_ORIGINAL = "REMOVE_ORIGINAL"
"""Remove the original of an archived document whose copy has been kept long enough."""
DESTRUCTIVE = frozenset({ActionType.ARCHIVE, ActionType.DELETE, PURGE, REMOVE_ORIGINAL})


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardRef:
    """Names one unit of work: all that travels through XCom."""

    plan_id: int
    action_index: int
    shard: int
    action: str

    def to_json(self) -> dict[str, int | str]:
        """Return the plain values for XCom."""
        return {
            "plan_id": self.plan_id,
            "action_index": self.action_index,
            "shard": self.shard,
            "action": self.action,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardOutcome:
    """How many items ended how; added up over batches and shards."""

    done: int = 0
    skipped: int = 0
    failed: int = 0

    def __add__(self, other: "ShardOutcome") -> "ShardOutcome":
        """Return the sum of two outcomes."""
        return ShardOutcome(
            done=self.done + other.done,
            skipped=self.skipped + other.skipped,
            failed=self.failed + other.failed,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanSummary:
    """What a stored plan comes to."""

    plan_id: int
    organization: str
    rule: str | None
    """``name@version``, or None for a selection or a purge."""
    kind: PlanKind
    mode: str
    state: PlanState
    approval_reason: str | None
    document_count: int
    """Documents that something will be done to."""
    total_bytes: int
    unknown_count: int
    """Documents the rule could not judge because what it needs is missing or malformed."""
    blocked_count: int
    """Documents that were due but held, retained, reprieved or claimed by another plan."""
