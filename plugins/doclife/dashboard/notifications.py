"""What a person is told in the dashboard, and what they want to be left alone with."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS, Page, read_id, write_cursor
from doclife.dashboard.visit import Here, Visit
from doclife.lifecycle import notifications, preferring
from doclife.lifecycle.notifications import Notification
from doclife.lifecycle.preferring import PreferenceChange

router = APIRouter()

Text = Annotated[str, Query(max_length=200)]
CHANNEL = "notification"


@router.get("/notifications")
def show(
    here: Here,
    unread: Text = "",
    of_type: Annotated[Text, Query(alias="type")] = "",
    quiet: Text = "",
    cursor: Text = "",
) -> Response:
    """Show a page of what is addressed to the person, the newest first."""
    before = read_id(cursor)
    found = notifications.list_notifications(
        here.conn,
        organization=here.tenant,
        recipients=here.recipients,
        types=[of_type] if of_type else None,
        is_unread=bool(unread),
        with_quiet=bool(quiet),
        before=before,
        size=PAGE_ROWS,
    )
    counts = notifications.count_unread(
        here.conn, organization=here.tenant, recipients=here.recipients
    )
    quiet_types = _quiet_types(here)
    known = sorted({*counts, *quiet_types, *(one.type for one in found.notifications)})
    query = {"unread": unread, "type": of_type, "quiet": quiet}
    return here.page(
        "notifications/list.html.j2",
        page=Page[Notification](
            rows=found.notifications,
            next_cursor=None if found.next_before is None else write_cursor(found.next_before),
            is_first=not cursor,
        ),
        newest=max((one.id for one in found.notifications), default=0),
        unread_count=sum(counts.values()),
        query=query,
        is_filtered=any(query.values()),
        read_choices=[("", "Read and unread"), ("1", "Unread")],
        type_choices=[("", "Any type"), *((name, title_of(name)) for name in known)],
        quiet_choices=[("", "Without quiet types"), ("1", "With quiet types")],
        types=known,
        quiet_types=quiet_types,
        title_of=title_of,
    )


# Reading one's own notifications, and saying what one wants, needs no more than a login.
@router.post("/notifications/{number}/read", dependencies=[needs(Deed.READ)])
def mark(here: Here, number: int) -> Response:
    """Note that one was read."""
    if 0 < number < 2**63:
        notifications.mark_read(
            here.conn,
            organization=here.tenant,
            recipients=here.recipients,
            ids=[number],
            now=here.now,
        )
    return here.redirect("notifications")


@router.post("/notifications/read", dependencies=[needs(Deed.READ)])
def mark_all(here: Here, until: Annotated[int, Form(ge=0, lt=2**63)] = 0) -> Response:
    """Note that everything up to the newest that the page showed was read."""
    marked = notifications.mark_all_read(
        here.conn,
        organization=here.tenant,
        recipients=here.recipients,
        now=here.now,
        until=until or None,
    )
    return here.redirect("notifications", flash=f"{len(marked):,} marked as read.")


@router.post("/notifications/quiet", dependencies=[needs(Deed.READ)])
def quieten(here: Here, quiet: Annotated[list[str] | None, Form()] = None) -> Response:
    """Keep which types the person does not want to see here."""
    preferring.change_preferences(
        here.conn,
        organization=here.tenant,
        recipient=here.person.name,
        change=PreferenceChange(channel=CHANNEL, quiet_types=sorted(set(quiet or []))),
        now=here.now,
        actor=here.actor,
    )
    return here.redirect("notifications", flash="Kept. Quiet types are left out from now on.")


def title_of(name: str) -> str:
    """Return a type in words: ``expiry-warning`` is *Expiry warning*."""
    words = name.replace("daily:", "for the summary: ").replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _quiet_types(here: Visit) -> tuple[str, ...]:
    wanted = preferring.show_preferences(
        here.conn, organization=here.tenant, recipient=here.person.name
    )
    return tuple(
        name for each in wanted if each.channel == CHANNEL for name in each.quiet_types or ()
    )
