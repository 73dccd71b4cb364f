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
    counted = count_overdue(here.conn, organization=organization, now=here.now)
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
    rules = sorted({one.rule.split("@")[0] for one in counted.groups if one.rule})
    return here.page(
        "overdue/list.html.j2",
        reasons=reasons,
        total=counted.documents,
        unknown=[one for one in counted.rules if one.unknown_count],
        page=Page[OverdueDocument](
            rows=found.documents, next_cursor=found.next_after, is_first=not cursor
        ),
        reason_title=reason_title,
        query={"reason": reason, "rule": rule},
        reason_choices=[("", "Any reason"), *((one.code, one.title) for one in reasons)],
        rule_choices=[("", "Any rule"), *((name, name) for name in rules)],
    )


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
