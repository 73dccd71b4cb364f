"""The log of webhook calls at the command line, and calls that are sent again."""

from __future__ import annotations

import psycopg

from tests.lifecycle.test_deliveries import deliver

from .conftest import Cli


def test_lists_shows_and_resends(cli: Cli, conn: psycopg.Connection) -> None:
    [refused], _ = deliver(conn, cli.database, erp=1, refuse=True)
    [sent], _ = deliver(conn, cli.database, erp=1)

    listed = cli.json("deliveries", "list", "--endpoint", "erp")["deliveries"]
    assert [(row["job_id"], row["outcome"]) for row in listed] == [
        (sent, "sent"),
        (refused, "dead"),
    ]
    assert "what is this?" in cli("deliveries", "show", str(refused)).output
    assert "400" in cli("deliveries", "list", "--outcome", "dead").output

    again = ("deliveries", "resend", "--endpoint", "erp", "--since", "2020-01-01")
    assert cli.json(*again)["resent"] == [refused]
    assert "1 call will be sent again" in cli(*again, "--state", "completed").output
    assert cli.json("deliveries", "resend", str(refused), str(sent))["resent"] == []


def test_says_what_is_missing_or_wrong(cli: Cli, conn: psycopg.Connection) -> None:
    deliver(conn, cli.database, erp=1)

    assert "which calls" in cli("deliveries", "resend", exit_code=1).errors
    assert "Did you mean 'erp'" in cli("deliveries", "list", "--endpoint", "er", exit_code=1).errors
    assert "is no date" in cli("deliveries", "list", "--since", "monday", exit_code=2).errors
    assert cli.json("deliveries", "list", "--until", "2020-01-01")["deliveries"] == []
