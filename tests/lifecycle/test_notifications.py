"""What the dashboard shows a person, and what they have read: theirs, and nobody else's."""

from datetime import timedelta

from doclife.domain.organization import Organization
from doclife.lifecycle.notifications import (
    count_unread,
    list_notifications,
    mark_all_read,
    mark_read,
)
from doclife.store import organizations
from doclife.store.connection import Connection

from .conftest import NOW


def organization(conn: Connection) -> Organization:
    return organizations.find(conn, "default")


def notify(conn: Connection, recipient: str, type_: str, *, times: int = 1) -> list[int]:
    rows = conn.execute(
        "INSERT INTO notifications (organization_id, recipient, type, title, body)"
        " SELECT 1, %s, %s, 'Title ' || n, 'Body' FROM generate_series(1, %s) AS n RETURNING id",
        (recipient, type_, times),
    )
    return [row[0] for row in rows]


def test_a_person_sees_all_of_their_names_and_no_others(conn: Connection) -> None:
    [by_name] = notify(conn, "ann", "notice")
    [by_mail] = notify(conn, "ann@example.org", "alert")
    notify(conn, "bob", "notice")
    names = ["ann", "ann@example.org"]

    page = list_notifications(conn, organization=organization(conn), recipients=names)

    assert [one.id for one in page.notifications] == [by_mail, by_name]
    unread = count_unread(conn, organization=organization(conn), recipients=names)
    assert unread == {"alert": 1, "notice": 1}


def test_nobody_reads_for_another(conn: Connection) -> None:
    [theirs] = notify(conn, "bob", "notice")

    tenant = organization(conn)
    assert mark_read(conn, organization=tenant, recipients=["ann"], ids=[theirs], now=NOW) == []

    assert count_unread(conn, organization=tenant, recipients=["bob"]) == {"notice": 1}


def test_what_came_after_the_page_was_made_stays_unread(conn: Connection) -> None:
    seen = notify(conn, "ann", "notice", times=3)
    [unseen] = notify(conn, "ann", "notice")
    tenant = organization(conn)

    marked = mark_all_read(conn, organization=tenant, recipients=["ann"], until=seen[-1], now=NOW)

    assert sorted(marked) == seen
    page = list_notifications(conn, organization=tenant, recipients=["ann"], is_unread=True)
    assert [one.id for one in page.notifications] == [unseen]
    again = mark_all_read(
        conn,
        organization=tenant,
        recipients=["ann"],
        until=seen[-1],
        now=NOW + timedelta(hours=1),
    )
    assert again == []


def test_counting_ends_where_nobody_reads_on(conn: Connection) -> None:
    notify(conn, "ann", "notice", times=1200)

    assert count_unread(conn, organization=organization(conn), recipients=["ann"]) == {
        "notice": 1000
    }
