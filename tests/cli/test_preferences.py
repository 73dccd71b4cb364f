"""doclife preferences and doclife notifications."""

from psycopg.types.json import Jsonb

from doclife.lifecycle.alerting import alert_operators
from doclife.store.connection import connect


def test_what_a_person_wants_is_kept_shown_and_audited(cli):
    cli("preferences", "set", "Ann@example.org", "--quiet", "daily", "--language", "es")
    cli("preferences", "set", "ann@example.org", "--time-zone", "Asia/Tokyo", "--no-digest")

    email, slack, dashboard = cli.json("preferences", "show", "ann@EXAMPLE.org")["preferences"]

    assert email == {
        "recipient": "ann@example.org",
        "channel": "email",
        "address": None,
        "wants_digest": False,
        "quiet": "daily",
        "time_zone": "Asia/Tokyo",
        "locale": "es",
        "quiet_types": [],
    }
    assert (slack["wants_digest"], dashboard["wants_digest"]) == (False, False)
    cli("preferences", "set", "ann@example.org", "--language", "", "--digest")
    email = cli.json("preferences", "show", "ann@example.org")["preferences"][0]
    assert (email["locale"], email["time_zone"], email["wants_digest"]) == (
        None,
        "Asia/Tokyo",
        True,
    )
    with connect(cli.database, application_name="test") as conn:
        entries = conn.execute(
            "SELECT count(*) FROM audit_entries WHERE action = 'preference.changed'"
        ).fetchone()
    assert entries == (3,)


def test_a_slack_digest_needs_to_know_where(cli):
    slack = ("preferences", "set", "ann@example.org", "--channel", "slack")

    assert "say where in Slack" in cli(*slack, "--digest", exit_code=1).errors
    cli(*slack, "--address", "U0123456789")
    found = cli.json(*slack, "--digest")["preferences"][1]

    assert (found["address"], found["wants_digest"]) == ("U0123456789", True)


def test_everything_that_is_wrong_is_said_at_once(cli):
    errors = cli(
        *("preferences", "set", "the basement", "--quiet", "loud", "--time-zone", "Mars/Olympus"),
        *("--language", "tlh", "--address", "U1"),
        exit_code=1,
    ).errors

    for part in (
        "quiet is off or daily",
        "Mars/Olympus",
        "'tlh'",
        "goes with the channel",
        "no ma",
    ):
        assert part in errors


def test_notifications_are_listed_by_page_and_read(cli):
    with connect(cli.database, application_name="test") as conn:
        for number in range(5):
            alert_operators(conn, title=f"Alert {number}", body="Look.", now=cli_now(conn))
        conn.execute(
            "SELECT enqueue_job('notification', %s)",
            (Jsonb({"recipient": "ann", "title": "x", "body": "y"}),),
        )
        conn.execute(
            "INSERT INTO notifications (organization_id, recipient, type, title, body)"
            " VALUES (1, 'ann', 'notice', 'Hers', 'x'), (1, 'ann', 'noise', 'Loud', 'x')"
        )

    first = cli.json("notifications", "list", "--limit", "3")
    second = cli.json("notifications", "list", "--limit", "3", "--before", first["next_before"])
    titles = [one["title"] for one in (*first["notifications"], *second["notifications"])]
    assert titles == [f"Alert {number}" for number in (4, 3, 2, 1, 0)]
    assert second["next_before"] is None

    newest = first["notifications"][0]["id"]
    assert cli.json("notifications", "read", newest)["read"] == [newest]
    assert cli.json("notifications", "read", newest)["read"] == []
    assert len(cli.json("notifications", "list", "--unread")["notifications"]) == 4
    assert len(cli.json("notifications", "read", "--all")["read"]) == 4
    assert "nothing to read" in cli("notifications", "list", "--unread").output
    assert "--all" in cli("notifications", "read", exit_code=1).errors

    hers = cli.json("notifications", "list", "--for", "ann")["notifications"]
    assert [one["title"] for one in hers] == ["Loud", "Hers"]
    only = cli.json("notifications", "list", "--for", "ann", "--type", "notice")["notifications"]
    assert [one["title"] for one in only] == ["Hers"]
    mute = ("preferences", "set", "ann", "--channel", "notification", "--mute")
    cli(*mute, "noise")
    quiet = cli.json("notifications", "list", "--for", "ann")["notifications"]
    assert [one["title"] for one in quiet] == ["Hers"]
    cli(*mute, "")
    assert len(cli.json("notifications", "list", "--for", "ann")["notifications"]) == 2


def cli_now(conn):
    return conn.execute("SELECT now()").fetchone()[0]
