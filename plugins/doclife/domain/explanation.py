"""Why a document is still here, or why it is gone: the values of an explanation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from doclife.domain.rule import Mode


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicate:
    """One comparison of a rule's condition, as PostgreSQL answered it for the document."""

    position: int
    path: str
    """Where it stands in the condition, e.g. ``all[0].not``."""
    field: str
    operator: str
    required: str | None
    """What the rule compares with, as it is written; None for operators without a value."""
    actual: str | None
    """None: missing, or not of the declared type."""
    is_met: bool | None
    """None: unknown."""
    is_negated: bool
    """Whether an odd number of ``not`` is around it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """What a rule counts from and where that leads for one document."""

    anchor: str
    """A date field or ``event:<type>``."""
    as_read: date | None
    """The anchor as the document has it now; None: not known (yet)."""
    counted_from: date | None
    """The same, or a later day: an anchor that moved earlier does not shorten by itself."""
    cutoff: str
    cutoff_on: date | None

    @property
    def is_floored(self) -> bool:
        """Whether the day given up counts instead of the one it was moved to."""
        return self.as_read is not None and self.counted_from != self.as_read


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionVerdict:
    """One action of a rule: when it falls due, and what judging says of it on the day."""

    action_index: int
    action: str
    due_on: date | None
    """None: never, while the anchor is unknown. ``date.max``: for good."""
    is_due: bool
    """Whether the rule's condition is met and the day has come."""
    speaks_before: bool
    """Whether it is a warning, which is sent before the day by the expiry check."""
    code: str | None
    """Why it is not done, in judging's words: ``held``, ``retained``, ...; None when nothing
    speaks against it or when it is not judged."""
    reason: str | None
    """The sentence of a plan's item; None when the action was not judged."""
    blocking_rule: str | None

    @property
    def would_be_done(self) -> bool:
        """Whether a plan of that day would do it, if the rule enforces and no limit trips."""
        return self.reason is not None and self.code is None


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleExplanation:
    """What one rule says of one document."""

    name: str
    version: int
    version_id: int
    mode: Mode
    authority: str | None
    priority: int
    is_met: bool | None
    """Whether its condition selects the document; None: unknown, so it is kept."""
    predicates: Sequence[Predicate]
    clock: Clock | None
    """None when the rule counts from nothing."""
    period: str | None
    """How long it retains; None when it does not."""
    retain_until: date | None
    protected_until: date | None
    """Until when nobody may destroy the document because of this rule; None: it does not mind."""
    actions: Sequence[ActionVerdict]
    grace: str
    asks_review: bool
    per_night: int | None
    requires_warning: bool
    """Whether its DELETE waits until a warning of it was delivered."""
    next_warning_on: date | None

    @property
    def label(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """An open plan that has something to do with the document."""

    plan_id: int
    rule: str | None
    kind: str
    action: str
    state: str
    approval_reason: str | None
    required_stages: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """Something that a plan did to the document, could not do, was kept from, or taken back."""

    plan_id: int
    kind: str
    rule: str | None
    authority: str | None
    requested_by: str
    action: str
    state: str
    anchor_on: date | None
    due_on: date | None
    reason: str
    finished_at: datetime
    approved_by: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Warned:
    """A warning that was stored."""

    rule: str
    due_on: date | None
    window_days: int
    """Days before the day; 0 for one that is late."""
    created_at: datetime
    recipient: str | None
    state: str
    """sent, bounced, waiting, failed or unknown; shown: in the dashboard or a digest only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """A legal hold that the document is under now."""

    matter: str
    reason: str
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NextStep:
    """What happens next, if nothing changes."""

    action: str
    on: date | None
    """None: nobody can say; ``why`` tells on what it depends."""
    rule: str | None
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Everything that bears on one document at one moment."""

    answer: str
    """Why it is still here, or why it is gone, in one sentence."""
    external_id: str
    title: str | None
    status: str
    as_of: datetime
    today: date
    """The day it is judged for, in the organization's zone."""
    is_ahead: bool
    """Whether the moment lies ahead: what is said of it is a simulation."""
    rules: Sequence[RuleExplanation]
    """Every rule in use, those that are off too, by priority."""
    protected_until: date | None
    """The longest retention of all rules that are not off."""
    holds: Sequence[Hold]
    reprieve_until: date | None
    cooling_off_until: datetime | None
    claims: Sequence[Claim]
    deeds: Sequence[Deed]
    warnings: Sequence[Warned]
    halt: str | None
    purge_after: date | None
    next_step: NextStep | None
    could_stop_it: Sequence[str]
