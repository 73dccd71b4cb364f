"""doclife endpoints: from adding one to calls that a receiver can verify."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from doclife.delivery.signing import new_secret
from tests.cli.conftest import Cli
from tests.delivery.far_side import FarSide, Handler, answering, serving

HERE = {"DOCLIFE_ALLOWED_NETWORKS": "127.0.0.0/8", "DOCLIFE_ALLOW_HTTP": "true"}


@pytest.fixture
def cli(database: str) -> Cli:
    return Cli(database, environment=HERE)


@contextmanager
def receiver(handler: Handler) -> Iterator[FarSide]:
    """Serve in a thread, for commands that run in this one."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    sides: list[FarSide] = []
    done: list[asyncio.Event] = []

    async def serve() -> None:
        async with serving(handler) as side:
            sides.append(side)
            done.append(asyncio.Event())
            ready.set()
            await done[0].wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(60)
    try:
        yield sides[0]
    finally:
        loop.call_soon_threadsafe(done[0].set)
        thread.join(60)
        loop.close()


def connected(cli: Cli, added: dict) -> Cli:
    """The same command line once Airflow has the Connection."""
    variable = f"AIRFLOW_CONN_{added['connection_id'].upper()}"
    return Cli(cli.database, environment={**HERE, variable: json.dumps(added["connection"])})


def test_an_endpoint_is_added_tried_and_the_receiver_can_verify_the_call(cli):
    with receiver(answering(204)) as side:
        added = cli.json("endpoints", "add", "erp", side.url(), "--header", "X-Team: records")

        attempt = connected(cli, added).json("endpoints", "test", "erp")["attempt"]

    assert attempt["outcome"] == "sent"
    assert attempt["status_code"] == 204
    call = side.calls[0]
    Webhook(added["connection"]["password"]).verify(call.body, call.headers)
    assert json.loads(call.body)["type"] == "doclife.test"
    assert call.headers["X-Team"] == "records"


def test_a_test_that_fails_says_why_and_ends_with_1(cli):
    with receiver(answering(500, body=b"out of order")) as side:
        added = cli.json("endpoints", "add", "erp", side.url())

        answer = connected(cli, added)("endpoints", "test", "erp", exit_code=1)

    assert "answered 500" in answer.output
    assert "out of order" in answer.output


def test_without_its_secret_nothing_is_sent(cli):
    with receiver(answering(204)) as side:
        cli("endpoints", "add", "erp", side.url())

        answer = cli("endpoints", "test", "erp", exit_code=1)

    assert "Airflow Connection" in answer.output
    assert side.calls == []


def test_no_secret_is_in_any_row(cli, conn):
    added = cli.json("endpoints", "add", "erp", "http://127.0.0.1:9/", "--event", "document.*")
    secret = added["connection"]["password"]

    for (table,) in conn.execute(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'doclife' AND table_type = 'BASE TABLE'"
    ).fetchall():
        rows = conn.execute(f'SELECT t::text FROM "{table}" AS t').fetchall()
        assert not any(secret in row for (row,) in rows)


def test_a_rotation_signs_with_both_secrets_until_the_old_one_is_taken_out(cli):
    with receiver(answering(204)) as side:
        added = cli.json("endpoints", "add", "erp", side.url())

        rotated = connected(cli, added).json("endpoints", "rotate", "erp")
        connected(cli, rotated)("endpoints", "test", "erp")

    old, new = added["connection"]["password"], rotated["connection"]["password"]
    assert old != new
    for secret in (old, new):
        Webhook(secret).verify(side.calls[0].body, side.calls[0].headers)


def test_an_endpoint_is_removed_and_where_its_secret_still_is_is_said(cli):
    added = cli.json("endpoints", "add", "erp", "http://127.0.0.1:9/", "--event", "document.*")

    answer = cli("endpoints", "remove", "erp")

    assert f"airflow connections delete {added['connection_id']}" in answer.output
    assert cli.json("endpoints", "list")["endpoints"] == []
    assert "no endpoint" in cli("endpoints", "remove", "erp", exit_code=1).errors


def test_a_lost_secret_is_replaced_anew(cli):
    lost = cli.json("endpoints", "add", "erp", "http://127.0.0.1:9/")["connection"]

    anew = cli.json("endpoints", "rotate", "erp", "--anew")["connection"]

    assert anew["password"] != lost["password"]
    assert "previous_secret" not in anew["extra"]


def test_a_rotation_needs_the_present_secret(cli):
    cli("endpoints", "add", "erp", "http://127.0.0.1:9/")

    answer = cli("endpoints", "rotate", "erp", exit_code=1)

    assert "AIRFLOW_CONN_DOCLIFE_ENDPOINT_" in answer.errors


def test_a_secret_can_go_into_a_file_that_airflow_imports(cli, tmp_path: Path):
    file = tmp_path / "connection.json"

    answer = cli("endpoints", "add", "erp", "http://127.0.0.1:9/", "--connection-file", file)

    written = json.loads(file.read_text())
    (connection,) = written.values()
    assert connection["password"].startswith("whsec_")
    assert connection["password"] not in answer.output
    assert "airflow connections import" in answer.output
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_secret_is_not_written_over_a_file_and_then_nothing_is_added(cli, tmp_path: Path):
    file = tmp_path / "mine.json"
    file.write_text("mine")

    cli("endpoints", "add", "erp", "http://127.0.0.1:9/", "--connection-file", file, exit_code=1)

    assert file.read_text() == "mine"
    assert cli.json("endpoints", "list")["endpoints"] == []


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/",
        "http://[::1]/",
        "https://user:hunter2@example.com/",
        "ftp://example.com/",
        "http://2130706433/",
        "example.com",
    ],
)
def test_the_guard_refuses_when_an_endpoint_is_saved(cli, url):
    answer = cli("endpoints", "add", "erp", url, exit_code=1)

    assert answer.errors.strip()
    assert "hunter2" not in answer.errors
    assert cli.json("endpoints", "list")["endpoints"] == []


def test_a_changed_url_is_checked_too(cli):
    cli("endpoints", "add", "erp", "http://127.0.0.1:9/")

    cli("endpoints", "set", "erp", "--url", "http://10.0.0.1/", exit_code=1)

    assert cli.json("endpoints", "show", "erp")["endpoint"]["url"] == "http://127.0.0.1:9/"


def test_a_host_that_dns_does_not_know_is_saved_with_a_warning(cli):
    answer = cli("endpoints", "add", "erp", "https://nobody.invalid/hook")

    assert "cannot be called yet" in answer.errors


def test_settings_that_are_given_count_and_the_others_stay(cli):
    cli("endpoints", "add", "erp", "http://127.0.0.1:9/", "--event", "document.archived")

    cli("endpoints", "set", "erp", "--timeout", "10", "--max-per-second", "2.5")

    found = cli.json("endpoints", "show", "erp")["endpoint"]
    assert found["timeout_seconds"] == 10
    assert found["max_per_second"] == 2.5
    assert found["max_concurrency"] == 8
    assert found["event_types"] == ["document.archived"]

    cli("endpoints", "set", "erp", "--no-events")
    assert cli.json("endpoints", "show", "erp")["endpoint"]["event_types"] is None


def test_a_paused_endpoint_keeps_its_calls_until_it_is_enabled(cli, conn):
    cli("endpoints", "add", "erp", "http://127.0.0.1:9/")
    payload = {"endpoint": "erp", "type": "a.b", "data": {}}
    conn.execute("SELECT enqueue_job('webhook', %s)", (json.dumps(payload),))
    conn.commit()

    paused = cli.json("endpoints", "pause", "erp")["endpoint"]
    enabled = cli.json("endpoints", "enable", "erp")["endpoint"]

    assert (paused["state"], enabled["state"]) == ("paused", "enabled")
    assert paused["waiting_jobs"] == enabled["waiting_jobs"] == 1


def test_a_disabled_endpoint_begins_anew_when_it_is_enabled(cli, conn):
    cli("endpoints", "add", "erp", "http://127.0.0.1:9/")
    conn.execute(
        "UPDATE webhook_endpoints SET state = 'disabled', disabled_reason = 'answered 410',"
        " failing_since = now() - interval '9 days'"
    )
    conn.commit()

    assert "answered 410" in cli("endpoints", "show", "erp").output
    found = cli.json("endpoints", "enable", "erp")["endpoint"]

    assert found["failing_since"] is None
    assert found["disabled_reason"] is None


def test_what_changes_is_audited_and_values_of_headers_are_not(cli, conn):
    cli("endpoints", "add", "erp", "http://127.0.0.1:9/", "--header", "X-Api-Key: hunter2")
    cli("endpoints", "pause", "erp")
    cli("endpoints", "pause", "erp")

    entries = conn.execute("SELECT action, details::text FROM audit_entries ORDER BY id").fetchall()

    assert [action for action, _ in entries] == ["endpoint.added", "endpoint.paused"]
    assert not any("hunter2" in details for _, details in entries)
    assert "hunter2" not in cli("endpoints", "show", "erp").output


@pytest.mark.parametrize(
    "arguments",
    [
        ("ERP", "https://example.com/"),
        ("erp", "https://example.com/", "--header", "Host: evil"),
        ("erp", "https://example.com/", "--header", "webhook-id: 1"),
        ("erp", "https://example.com/", "--event", "all of them"),
        ("erp", "https://example.com/", "--document-type", "invoice"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_added(cli, arguments):
    assert cli("endpoints", "add", *arguments, exit_code=1).errors.strip()
    assert cli.json("endpoints", "list")["endpoints"] == []


def test_a_name_is_taken_once_and_a_wrong_one_gets_a_suggestion(cli):
    cli("endpoints", "add", "erp", "http://127.0.0.1:9/")

    again = cli("endpoints", "add", "erp", "http://127.0.0.1:9/", exit_code=1)
    typo = cli("endpoints", "show", "epr", exit_code=1)

    assert "endpoints set erp" in again.errors
    assert "'erp'" in typo.errors


@pytest.mark.parametrize(
    ("pattern", "is_called"),
    [
        ("document.*", True),
        ("*", True),
        ("document.expired", True),
        ("document.archived", False),
        ("doc*", None),
        ("documents.*", False),
    ],
)
def test_an_endpoint_gets_the_events_that_it_asked_for(cli, conn, pattern, is_called):
    if is_called is None:
        cli("endpoints", "add", "erp", "http://127.0.0.1:9/", "--event", pattern, exit_code=1)
        return
    cli("endpoints", "add", "erp", "http://127.0.0.1:9/", "--event", pattern)

    conn.execute(
        "INSERT INTO events (organization_id, type, subject, occurred_on, actor)"
        " VALUES (1, 'document.expired', 'somebody', current_date, 'schedule')"
    )

    found = conn.execute("SELECT count(*) FROM events_to_react").fetchone()
    assert found == (1 if is_called else 0,)


def test_an_endpoint_may_use_a_connection_that_is_there_already(database):
    secret = new_secret()
    variable = {"AIRFLOW_CONN_INTRANET": json.dumps({"conn_type": "http", "password": secret})}
    cli = Cli(database, environment={**HERE, **variable})
    with receiver(answering(204)) as side:
        added = cli.json("endpoints", "add", "erp", side.url(), "--connection", "intranet")
        cli("endpoints", "test", "erp")

    assert added["connection_id"] == "intranet"
    assert "connection" not in added, "no secret is made"
    Webhook(secret).verify(side.calls[0].body, side.calls[0].headers)
    assert cli.json("endpoints", "show", "erp")["endpoint"]["connection_id"] == "intranet"


def test_adding_again_with_exist_ok_changes_the_one_that_is_there(cli):
    here = ("--connection", "intranet", "--exist-ok")

    cli("endpoints", "add", "erp", "http://127.0.0.1:1/old", *here)
    cli("endpoints", "add", "erp", "http://127.0.0.1:1/new", *here)

    (endpoint,) = cli.json("endpoints", "list")["endpoints"]
    assert (endpoint["url"], endpoint["connection_id"]) == ("http://127.0.0.1:1/new", "intranet")
    cli("endpoints", "add", "erp", "http://127.0.0.1:1/", "--exist-ok", exit_code=2)
