"""Everybody sees what is addressed to them, reads it, and is left alone with what they like."""

from __future__ import annotations

import pytest

from tests.dashboard.conftest import value


@pytest.fixture
def told(world, conn):
    """Olga, the operators and Bob are told something each."""
    conn.execute(
        "INSERT INTO notifications (organization_id, recipient, type, title, body) VALUES"
        " (1, 'olga', 'notice', 'Of <b>Olga</b>', 'body'),"
        " (1, 'role:operator', 'alert', 'Trouble', 'A mail service refuses us'),"
        " (1, 'bob', 'notice', 'Of Bob', 'body')"
    )
    return world


def unread(conn, recipient):
    return value(
        conn,
        "SELECT count(*) FROM notifications WHERE recipient = %s AND read_at IS NULL",
        recipient,
    )


def test_who_was_told_nothing_reads_what_will_appear_here(vic):
    assert "Nothing for you yet" in vic.text("/notifications")


@pytest.mark.usefixtures("told")
def test_people_see_their_own_and_their_roles_and_nobody_elses(olga, vic):
    page = olga.get("/notifications").text

    assert "Of &lt;b&gt;Olga&lt;/b&gt;" in page
    assert "Trouble" in page
    assert "Of Bob" not in page
    assert "Trouble" not in vic.text("/notifications")


@pytest.mark.usefixtures("told")
def test_one_is_read_by_itself_and_nobody_reads_for_another(olga, conn):
    ids = dict(conn.execute("SELECT recipient, id FROM notifications").fetchall())

    olga.post(f"/notifications/{ids['olga']}/read")
    olga.post(f"/notifications/{ids['bob']}/read")

    assert (unread(conn, "olga"), unread(conn, "role:operator"), unread(conn, "bob")) == (0, 1, 1)


@pytest.mark.usefixtures("told")
def test_what_came_after_the_page_was_loaded_stays_unread(olga, conn):
    newest = value(conn, "SELECT max(id) FROM notifications")
    conn.execute(
        "INSERT INTO notifications (organization_id, recipient, type, title, body)"
        " VALUES (1, 'olga', 'notice', 'Later', 'body')"
    )

    assert "2 marked as read" in olga.follow(olga.post("/notifications/read", until=str(newest)))

    assert unread(conn, "olga") == 1


@pytest.mark.usefixtures("told")
def test_quiet_types_are_left_out_until_they_are_asked_for(olga):
    olga.post("/notifications/quiet", quiet="notice")

    assert "Of <b>Olga</b>" not in olga.text("/notifications")
    assert "Trouble" in olga.text("/notifications")
    assert "Olga" in olga.text("/notifications?quiet=1")


@pytest.mark.usefixtures("told")
def test_a_type_narrows_the_list(olga):
    words = olga.text("/notifications?type=alert")

    assert "Trouble" in words
    assert "Of <b>Olga</b>" not in words
