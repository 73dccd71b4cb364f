"""``/forecast``, ``/overdue`` and ``/notifications`` of the JSON API."""

import re
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Asked, Cursor, Id, Limit
from doclife.dashboard.api.once import OnceRoute
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS, no_place, read_cursor, read_id, write_cursor
from doclife.dashboard.visit import Here
from doclife.lifecycle import notifications
from doclife.lifecycle.forecasting import MONTHS_AHEAD, Forecast, forecast
from doclife.lifecycle.notifications import Notification
from doclife.lifecycle.overdue import (
    COUNTED_AT_MOST,
    Overdue,
    OverdueDocument,
    count_overdue,
    list_overdue,
)

router = APIRouter(route_class=OnceRoute)

_PLACE = re.compile(r"\d{4}-\d\d-\d\d(?:\.\d{1,18}){3}")


class OverduePage(BaseModel):
    """A page of what is past due, the longest overdue first."""

    items: list[OverdueDocument]
    next_cursor: str | None


class NotificationsPage(BaseModel):
    """A page of what is addressed to the caller, the newest first."""

    items: list[Notification]
    next_cursor: str | None


class Seen(BaseModel):
    """What was read: some by number, or everything up to one."""

    model_config = ConfigDict(extra="forbid")

    ids: list[Id] | None = Field(default=None, max_length=1000, description="Null: all.")
    until: Id | None = Field(default=None, description="With all: the newest that was seen.")


class ReadBody(BaseModel):
    """What had been unread."""

    read: list[int]


@router.get("/forecast", tags=["forecast"])
def look_ahead(
    here: Here, rule: Asked = "", months: Annotated[int, Query(ge=1, le=120)] = MONTHS_AHEAD
) -> Forecast:
    """Say what the rules will do month by month, from the forecast of the last night."""
    return forecast(
        here.conn,
        organization=here.tenant.slug,
        now=here.now,
        months=months,
        rule=rule or None,
    )


@router.get("/overdue", tags=["forecast"])
def overdue(here: Here) -> Overdue:
    """Count what is past due by reason, rule and action: the 2,000 longest overdue."""
    return count_overdue(
        here.conn, organization=here.tenant.slug, now=here.now, most=COUNTED_AT_MOST
    )


@router.get("/overdue/documents", tags=["forecast"])
def overdue_documents(
    here: Here, reason: Asked = "", rule: Asked = "", cursor: Cursor = "", limit: Limit = PAGE_ROWS
) -> OverduePage:
    """List documents past due, the longest overdue first, each with why it is still here."""
    after = read_cursor(cursor)
    if after is not None and not (isinstance(after, str) and _PLACE.fullmatch(after)):
        raise no_place(cursor)
    found = list_overdue(
        here.conn,
        organization=here.tenant.slug,
        now=here.now,
        code=reason or None,
        rule=rule or None,
        after=after,
        size=limit,
    )
    return OverduePage(items=list(found.documents), next_cursor=_cursor(found.next_after))


@router.get("/notifications", tags=["notifications"])
def list_notifications(
    here: Here,
    of_type: Annotated[Asked, Query(alias="type")] = "",
    unread: bool = False,
    quiet: bool = False,
    cursor: Cursor = "",
    limit: Limit = PAGE_ROWS,
) -> NotificationsPage:
    """List what is addressed to the caller; types they keep quiet only with `quiet`."""
    found = notifications.list_notifications(
        here.conn,
        organization=here.tenant,
        recipients=here.recipients,
        types=[of_type] if of_type else None,
        is_unread=unread,
        with_quiet=quiet,
        before=read_id(cursor),
        size=limit,
    )
    return NotificationsPage(
        items=list(found.notifications), next_cursor=_cursor(found.next_before)
    )


# What is one's own needs no more than a login.
@router.post("/notifications/read", tags=["notifications"], dependencies=[needs(Deed.READ)])
def mark_read(here: Here, body: Seen) -> ReadBody:
    """Note that the caller has read some notifications, or all."""
    if body.ids is None:
        read = notifications.mark_all_read(
            here.conn,
            organization=here.tenant,
            recipients=here.recipients,
            now=here.now,
            until=body.until,
        )
    else:
        read = notifications.mark_read(
            here.conn,
            organization=here.tenant,
            recipients=here.recipients,
            ids=body.ids,
            now=here.now,
        )
    return ReadBody(read=read)


def _cursor(place: object) -> str | None:
    return None if place is None else write_cursor(place)
