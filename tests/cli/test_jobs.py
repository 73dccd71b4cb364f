"""Jobs at the command line: drained, cancelled, retried."""

from __future__ import annotations

import psycopg

from doclife.lifecycle.queue import add

from .conftest import Cli

NOTE = {"recipient": "ben@example.org", "title": "Paid", "body": "Invoice 7 is paid."}


def notification(conn: psycopg.Connection) -> int:
    return add(conn, kind="notification", payload=NOTE, requested_by="user:olga")


def test_drain_does_what_is_due_and_counts_it(cli: Cli, conn: psycopg.Connection) -> None:
    notification(conn)

    assert cli.json("jobs", "drain")["sent"] == 1
    assert conn.execute("SELECT title FROM notifications").fetchall() == [("Paid",)]
    assert "sent" in cli("jobs", "drain").output


def test_mail_without_a_mail_service_waits_untried_and_says_so_once(
    cli: Cli, conn: psycopg.Connection
) -> None:
    mail = {"to": "a@example.org", "subject": "Hello", "text": "Text"}
    job_id = add(conn, kind="email", payload=mail, requested_by="user:olga")

    for _ in range(2):
        assert cli.json("jobs", "drain")["sent"] == 0

    assert cli.json("jobs", "show", str(job_id))["job"]["attempts"] == 0
    (alert,) = conn.execute("SELECT body FROM notifications").fetchall()
    assert "no mail service is configured" in alert[0]


def test_a_job_is_shown_with_what_the_mail_service_told(cli: Cli, conn: psycopg.Connection) -> None:
    mail = {"to": "a@example.org", "subject": "Hello", "text": "Text"}
    job_id = add(conn, kind="email", payload=mail, requested_by="user:olga")
    assert "mail service told" not in cli("jobs", "show", str(job_id)).output
    conn.execute(
        "INSERT INTO delivery_events (organization_id, job_id, provider, outcome, is_lasting,"
        " address, reason, occurred_at, received_at)"
        " VALUES (1, %s, 'ses', 'bounced', true, 'a@example.org', '550 no such user',"
        " now(), now())",
        (job_id,),
    )

    shown = cli("jobs", "show", str(job_id)).output

    assert "bounced" in shown
    assert "550 no such user" in shown
    assert cli.json("jobs", "show", str(job_id))["events"][0]["is_lasting"] is True


def test_drain_refuses_while_all_is_halted(cli: Cli, conn: psycopg.Connection) -> None:
    notification(conn)
    cli("halt", "on", "--reason", "looking into it")

    assert "looking into it" in cli("jobs", "drain", exit_code=1).errors
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


def test_a_cancelled_job_is_retried_by_number(cli: Cli, conn: psycopg.Connection) -> None:
    job_id = notification(conn)

    cli("jobs", "cancel", str(job_id), "--reason", "sent by hand")
    assert cli.json("jobs", "show", str(job_id))["job"]["state"] == "cancelled"
    assert cli.json("jobs", "retry", str(job_id))["retried"] == []
    assert cli.json("jobs", "retry", str(job_id), "--with-cancelled")["retried"] == [job_id]
    assert "being sent" in cli("jobs", "cancel", "999", "--reason", "x", exit_code=1).errors


def test_retrying_everything_must_be_said(cli: Cli) -> None:
    assert "--all" in cli("jobs", "retry", exit_code=2).errors
    assert cli.json("jobs", "retry", "--all")["retried"] == []


def test_what_is_listed_is_retried_with_the_same_words(cli: Cli, conn: psycopg.Connection) -> None:
    first, second = notification(conn), notification(conn)
    for job_id in (first, second):
        cli("jobs", "cancel", str(job_id), "--reason", f"number {job_id} came by post")
    words = ("--error", f"NUMBER {second} came", "--search", "invoice 7", "--kind", "notification")

    (listed,) = cli.json("jobs", "list", "--state", "cancelled", *words)["jobs"]
    assert listed["job_id"] == second
    assert cli.json("jobs", "retry", *words, "--with-cancelled")["retried"] == [second]
