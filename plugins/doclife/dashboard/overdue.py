"""Everything past due, and the reason it is still here."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from doclife.dashboard.paging import PAGE_ROWS, Page
from doclife.dashboard.visit import Here
from doclife.lifecycle.overdue import (
    COUNTED_AT_MOST,
    REASONS,
    OverdueCount,
    OverdueDocument,
    count_overdue,
    list_overdue,
    reason_title,
)

router = APIRouter()

Text = Annotated[str, Query(max_length=500)]


@dataclass(frozen=True, kw_only=True)
class ReasonRow:
    """Everything that is still here for one reason, over all rules."""

    code: str
    title: str
    what_helps: str | None
    documents: int
    size_bytes: int
    due_since: date
    """The due date of the longest overdue."""
    share: int
    """Of the largest reason, in percent; what is there at all has at least 1."""


@router.get("/overdue")
def show(here: Here, reason: Text = "", rule: Text = "", cursor: Text = "") -> Response:
    """Show how much is past due by reason, and a page of it, the longest overdue first."""
    organization = here.tenant.slug
    counted = count_overdue(
        here.conn, organization=organization, now=here.now, most=COUNTED_AT_MOST
    )
    found = list_overdue(
        here.conn,
        organization=organization,
        now=here.now,
        code=reason or None,
        rule=rule or None,
        after=cursor or None,
        size=PAGE_ROWS,
    )
    reasons = by_reason(counted.groups)
    return here.page(
        "overdue/list.html.j2",
        reasons=reasons,
        total=counted.documents,
        is_whole=counted.is_whole,
        counted_at_most=COUNTED_AT_MOST,
        unknown=[one for one in counted.rules if one.unknown_count],
        page=Page[OverdueDocument](
            rows=found.documents,
            next_cursor=found.next_after,
            is_first=not cursor,
            is_partial=found.next_after is not None and len(found.documents) < PAGE_ROWS,
        ),
        reason_title=reason_title,
        query={"reason": reason, "rule": rule},
        reason_choices=_choices(reasons, counted.is_whole),
        rule_choices=[("", "Any rule"), *((one.rule, one.rule) for one in counted.rules)],
    )


def _choices(reasons: Sequence[ReasonRow], is_whole: bool) -> list[tuple[str, str]]:
    """Return the reasons to choose from: those there are, or all where not all was counted."""
    titles = {one.code: one.title for one in reasons}
    if not is_whole:
        titles |= {code: reason.title for code, reason in REASONS.items()}
    return [("", "Any reason"), *titles.items()]


def by_reason(groups: Sequence[OverdueCount]) -> list[ReasonRow]:
    """Return one row a reason, the largest first."""
    of_code: dict[str, list[OverdueCount]] = defaultdict(list)
    for group in groups:
        of_code[group.code].append(group)
    sums = {code: sum(one.documents for one in some) for code, some in of_code.items()}
    most = max(sums.values(), default=0)
    return [
        ReasonRow(
            code=code,
            title=reason_title(code),
            what_helps=REASONS[code].what_helps if code in REASONS else None,
            documents=sums[code],
            size_bytes=sum(one.size_bytes for one in of_code[code]),
            due_since=min(one.due_since for one in of_code[code]),
            share=max(1, 100 * sums[code] // most),
        )
        for code in sorted(sums, key=lambda code: (-sums[code], code))
    ]
