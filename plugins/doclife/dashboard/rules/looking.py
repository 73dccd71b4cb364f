"""What a rule would do and what a change of it would make: numbers and words for a page.

The functions asked here are those that plans use; nothing is counted a second way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.dashboard.paging import no_place, read_cursor
from doclife.dashboard.rules import wording
from doclife.dashboard.visit import Visit
from doclife.domain.compiler import RuleVersion
from doclife.domain.decision_moment import read_moment
from doclife.domain.rule import MAX_ACTIONS, Rule
from doclife.errors import ConfigurationError
from doclife.lifecycle.comparing import (
    ChangeCount,
    ChangedDocument,
    Impact,
    candidate,
    compare_versions,
)
from doclife.lifecycle.previewing import Preview, preview_rule
from doclife.store.plans import NotDue
from doclife.store.stored_plans import DuePlace, ItemCount, PlanItem

FIRST_DOCUMENTS = MAX_ACTIONS
"""Not fewer: a page never tears the actions of one document apart."""
PAGE = 50
FIRST_YEAR, LAST_YEAR = 1900, 3000
"""Of the days that a preview may be about; the ends of the calendar are not among them."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One line of a preview: the lines add up to all that is due."""

    text: str
    documents: int
    size_bytes: int
    code: str | None
    """Why they are left alone; None: it would be done to them."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a rule would do."""

    rule: str
    as_of: datetime
    day: str
    """As a date field holds it."""
    is_ahead: bool
    parts: Sequence[Part]
    unknown: int
    not_due: NotDue
    items: Sequence[PlanItem]
    next_after: DuePlace | None
    """Where the next page of documents begins; None on the last."""

    @property
    def due(self) -> int:
        """All that is due: what would be done, and what is left alone though it is due."""
        return sum(part.documents for part in self.parts)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What saving makes of the documents."""

    impact: Impact
    first: Sequence[tuple[str, Sequence[ChangedDocument]]]
    """The first documents of each kind of change that takes something away."""

    def count(self, kind: str) -> int:
        """How many archives and deletions change in one way."""
        return sum(one.documents for one in self.deeds if one.kind == kind)

    @property
    def deeds(self) -> Sequence[ChangeCount]:
        """The changes that are not about retention."""
        return [one for one in self.impact.changes if one.action != "RETAIN"]

    @property
    def retention(self) -> Sequence[ChangeCount]:
        """The changes of what the rule keeps."""
        return [one for one in self.impact.changes if one.action == "RETAIN"]


def moment_of(here: Visit, as_of: str | None) -> datetime:
    """Return the moment that a date field names; none is now."""
    if not as_of:
        return here.now
    moment = read_moment(as_of, tenant=here.tenant, now=here.now)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ConfigurationError(f"{as_of}: write a day between {FIRST_YEAR} and {LAST_YEAR}")
    return moment


def look_at(
    here: Visit,
    rule: Rule,
    *,
    as_of: str | None,
    after: DuePlace | None = None,
    size: int = FIRST_DOCUMENTS,
) -> Look:
    """Return what a rule, stored or a draft, would do; nothing is kept of it.

    The documents are those that have been due longest, whether it would be done to them or not.
    """
    moment = moment_of(here, as_of)
    found: Preview = preview_rule(
        here.conn,
        organization=here.tenant.slug,
        rule=rule,
        as_of=moment,
        now=here.now,
        after=after,
        size=size + 1,
    )
    items, next_after = cut(found.items, size=size)
    return Look(
        rule=found.rule,
        as_of=moment,
        day=str(here.tenant.date_of(moment)),
        is_ahead=moment > here.now,
        parts=[_part(one) for one in found.counts],
        unknown=found.unknown_count,
        not_due=found.not_due,
        items=items,
        next_after=next_after,
    )


def cut(items: Sequence[PlanItem], *, size: int) -> tuple[Sequence[PlanItem], DuePlace | None]:
    """Return a page of items and the place that the next begins after.

    What is due of a document on one day is not torn apart: pages go by that.

    :param items: up to one more than ``size``, which is no less than a document has actions.
    """
    if len(items) <= size:
        return items, None
    kept = [item for item in items if place_of(item) != place_of(items[size])]
    return kept, place_of(kept[-1])


def place_of(item: PlanItem) -> DuePlace:
    """Return where an item stands among those that are due."""
    return item.due_on, item.document_id


def compare(
    here: Visit, *, before: RuleVersion | None, after: RuleVersion | None, as_of: str | None
) -> Difference:
    """Return what one version of a rule makes otherwise than another."""
    impact = compare_versions(
        here.conn,
        organization=here.tenant.slug,
        before=before,
        after=after,
        as_of=moment_of(here, as_of),
        now=here.now,
    )
    kinds = dict.fromkeys(one.kind for one in impact.sample if one.kind in wording.DANGEROUS)
    return Difference(
        impact=impact,
        first=[
            (wording.CHANGES[kind], [one for one in impact.sample if one.kind == kind])
            for kind in kinds
        ],
    )


def draft_version(here: Visit, rule: Rule) -> RuleVersion:
    """Return a draft as the version it would be, were it saved now."""
    return candidate(here.conn, organization=here.tenant.slug, rule=rule, now=here.now)


def _part(count: ItemCount) -> Part:
    if count.reason_code is None:
        text = f"{count.action}: would be done"
    else:
        text = f"{count.action}: {wording.reason(count.reason_code)}"
    return Part(
        text=text,
        documents=count.documents,
        size_bytes=count.size_bytes,
        code=count.reason_code,
    )


def document_of(cursor: str) -> int:
    """Return the document that a page of documents begins after; 0 for the first page."""
    after = read_cursor(cursor) if cursor else 0
    if type(after) is not int or not 0 <= after < 2**63:
        raise no_place(cursor)
    return after
