"""Everything past due, and the reason it is still here.

What is due comes from the last forecast, the reason from what judging said when the rule was
planned last, from the state of that plan, and from what is true now: a hold shows at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from doclife.errors import ConfigurationError
from doclife.lifecycle.ruling import current_version
from doclife.store import forecasts, organizations, overdue
from doclife.store.connection import Connection
from doclife.store.forecasts import ForecastRecord
from doclife.store.overdue import OverdueCount, OverdueDocument, Place

__all__ = ["Overdue", "OverdueCount", "OverdueDocument", "OverduePage", "Reason", "reason_title"]

COUNTED_AT_MOST = 2_000
"""Actions that a page counts: telling why one is still here takes looking at its document."""
LOOKED_AT_ONCE = 1_000
LOOKED_AT_MOST = 3_000
"""Actions that one page of the list goes through in search of a reason that is rare."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something due is still here, in words."""

    title: str
    what_helps: str
    command: str | None = None
    """The command that shows or does it."""


REASONS: Mapping[str, Reason] = {
    "held": Reason(
        "Under legal hold",
        "It stays until its last hold is released.",
        "doclife documents explain",
    ),
    "retained": Reason("Kept by another rule", "A rule keeps it; it goes the day after."),
    "reprieved": Reason(
        "In reprieve", "It was restored; rules leave it alone until its reprieve ends."
    ),
    "cooling_off": Reason(
        "Cooling off", "It came, or a field that rules read changed, only days ago."
    ),
    "reserved": Reason("In another plan", "Another open plan has it.", "doclife plans list"),
    "archive_first": Reason("Archived first", "It is archived first and deleted in a later run."),
    "outranked": Reason("Another rule's", "Another rule does it."),
    "paced": Reason(
        "Paced", "The rule lets go so many a night (limits: per_night); its turn comes."
    ),
    "not_warned": Reason(
        "Not warned",
        "Its rule deletes only after a delivered warning; the list says what is missing.",
    ),
    "row_unread": Reason(
        "Row not read", "Its application's row could not be read.", "doclife tables problems"
    ),
    "no_bytes": Reason("No bytes", "The catalogue knows no bytes of it that could be archived."),
    "awaiting_review": Reason(
        "Waits for approval",
        "Its plan waits for a person.",
        "doclife plans list --state needs_approval",
    ),
    "breaker": Reason("Stopped by a limit", "Its plan exceeds a limit.", "doclife limits show"),
    "halted": Reason("Halted", "Everything is halted.", "doclife halt off"),
    "waiting": Reason(
        "Planned, not applied", "Its plan is made; the run that applies it has not come to it."
    ),
    "failed": Reason("Failed", "Applying it failed; the next run tries again."),
    "simulated": Reason(
        "Only simulated", "Its rule only simulates: set mode: enforce to let it act."
    ),
    "not_judged": Reason("Not judged yet", "Nothing has looked at it since; the next run does."),
}
"""By reason code. Codes of apply (changed, missing, ...) speak for themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overdue:
    """How much of an organization is past due, and why it is still here."""

    organization: str
    today: date
    groups: Sequence[OverdueCount]
    """By reason, rule and action, the largest first."""
    rules: Sequence[ForecastRecord]
    """Each rule with when it was forecast, and how many documents it cannot judge: those are due
    for nobody knows when, and so not in ``groups``."""
    is_whole: bool
    """False: there is more, and only the longest overdue were counted."""

    @property
    def documents(self) -> int:
        """How many actions are past due."""
        return sum(group.documents for group in self.groups)


def reason_title(code: str) -> str:
    """Return a reason code in words, also one that apply gave and nobody wrote about here."""
    known = REASONS.get(code)
    return known.title if known else code.replace("_", " ").capitalize()


@dataclass(frozen=True, kw_only=True, slots=True)
class OverduePage:
    """A page of what is past due."""

    documents: Sequence[OverdueDocument]
    next_after: str | None
    """Give it back to go on; None on the last page."""


def count_overdue(
    conn: Connection, *, organization: str, now: datetime, most: int | None = None
) -> Overdue:
    """Return how much is past due in an organization, by reason, rule and action.

    :param most: only so many are looked at, the longest overdue; None for all, however long it
        takes.
    """
    tenant = organizations.find(conn, organization)
    today = tenant.date_of(now)
    is_whole = most is None or (
        overdue.find_place(
            conn, organization_id=tenant.id, today=today, version_id=None, after=None, most=most
        )
        is None
    )
    return Overdue(
        organization=organization,
        today=today,
        groups=overdue.count(conn, organization_id=tenant.id, today=today, most=most),
        rules=forecasts.list_records(conn, organization_id=tenant.id, rule=None),
        is_whole=is_whole,
    )


def list_overdue(
    conn: Connection,
    *,
    organization: str,
    now: datetime,
    code: str | None = None,
    rule: str | None = None,
    after: str | None = None,
    size: int = 50,
) -> OverduePage:
    """Return a page of what is past due, the longest overdue first.

    However much there is, only so many are looked at: a page may have fewer than ``size``, even
    none, and still say where to go on.

    :param code: only what is still here for this reason.
    :param rule: name of a rule in use; only what that rule would do.
    :param after: ``next_after`` of the page before.
    :raises ConfigurationError: ``after`` is none, or there is no such rule.
    """
    tenant = organizations.find(conn, organization)
    today = tenant.date_of(now)
    place = _read_cursor(after)
    version_id = None
    if rule is not None:
        version_id = current_version(conn, organization=organization, name=rule).version_id
    found: list[OverdueDocument] = []
    for _ in range(LOOKED_AT_MOST // LOOKED_AT_ONCE):
        found += overdue.list_page(
            conn,
            organization_id=tenant.id,
            today=today,
            code=code,
            version_id=version_id,
            after=place,
            most=LOOKED_AT_ONCE,
            size=size - len(found),
        )
        if len(found) == size:
            last = found[-1]
            place = Place(
                due_on=last.due_on,
                document_id=last.document_id,
                version_id=last.version_id,
                action_index=last.action_index,
            )
            break
        place = overdue.find_place(
            conn,
            organization_id=tenant.id,
            today=today,
            version_id=version_id,
            after=place,
            most=LOOKED_AT_ONCE,
        )
        if place is None:
            break
    return OverduePage(documents=found, next_after=None if place is None else _cursor(place))


def _cursor(place: Place) -> str:
    return f"{place.due_on}.{place.document_id}.{place.version_id}.{place.action_index}"


def _read_cursor(after: str | None) -> Place | None:
    if after is None:
        return None
    try:
        due_on, *numbers = after.split(".")
        document, version, action = map(int, numbers)
        if not (0 <= document < 2**63 and 0 <= version < 2**63 and 0 <= action < 2**31):
            raise ValueError("no numbers of rows")
        return Place(
            due_on=date.fromisoformat(due_on),
            document_id=document,
            version_id=version,
            action_index=action,
        )
    except ValueError:
        raise ConfigurationError(
            f"{after!r} is no place in the list: give what the page before said"
        ) from None
