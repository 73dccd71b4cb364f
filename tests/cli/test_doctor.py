"""doclife doctor: it looks at everything, and says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.types.json import Jsonb

from doclife.domain.checkup import KEPT_TABLES, Level
from doclife.store import doctor
from doclife.store.connection import Connection
from local import databases
from local.postgres import Postgres
from tests.cli.test_endpoints import receiver
from tests.conftest import admin_url
from tests.delivery.far_side import answering

from .conftest import Cli


@pytest.fixture
def owner(conn: Connection) -> Connection:
    """Who may break what the doctor must find."""
    conn.execute("SET ROLE doclife_owner")
    return conn


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """A database that nobody has migrated."""
    with psycopg.connect(postgres.url(), autocommit=True) as superuser:
        databases.create_database(superuser, "not_migrated", owner=databases.ADMIN)
        yield admin_url(postgres, "not_migrated")
        superuser.execute("DROP DATABASE not_migrated (FORCE)")


def findings(cli: Cli, about: str, *, exit_code: int = 0) -> list[dict]:
    answer = cli.json("doctor", exit_code=exit_code)
    return [one for one in answer["findings"] if one["about"] == about]


def troubles(cli: Cli, *, exit_code: int = 0) -> set[tuple[str, str]]:
    answer = cli.json("doctor", exit_code=exit_code)
    return {(one["about"], one["level"]) for one in answer["findings"] if one["level"] != "ok"}


def test_a_new_database_has_no_fault(cli):
    answer = cli.json("doctor")

    assert answer["state"] == Level.WARNING
    # What a command line without settings does not know. Nothing of the database.
    assert troubles(cli) <= {("signing key", "warning"), ("mail", "warning"), ("logins", "warning")}
    seen = {one["about"] for one in answer["findings"]}
    assert seen >= {
        *("PostgreSQL", "clock", "migrations", "rights", "guards", "policies", "indexes", "halt"),
        *("stores", "connections", "nights", "plans", "queue", "channels", "signing key", "mail"),
        *("applications", "functions", "partitions", "vacuum", "held back", "audit heads"),
        *("purge manifests", "Python", "Airflow version"),
    }


def test_the_doctor_looks_at_postgresql_15_too(each_database):
    assert troubles(Cli(each_database)) <= {
        *(("signing key", "warning"), ("mail", "warning"), ("logins", "warning"))
    }


def test_everything_is_told_at_once_and_for_people_the_worst_first(cli, owner):
    owner.execute("GRANT DELETE ON documents TO doclife_worker")
    owner.execute("ALTER TABLE documents DISABLE TRIGGER guard_document_status")
    owner.execute("ALTER TABLE documents DISABLE ROW LEVEL SECURITY")
    owner.execute("DROP INDEX jobs_by_turn")
    cli("halt", "on", "--reason", "look first")

    found = troubles(cli, exit_code=1)
    shown = cli("doctor", exit_code=1).output

    assert found >= {
        *(("rights", "fault"), ("guards", "fault"), ("policies", "fault")),
        *(("indexes", "warning"), ("halt", "warning")),
    }
    assert "doclife_worker may DELETE documents" in shown
    assert "look first" in shown
    words = [line.split()[0] for line in shown.splitlines()[1:] if line]
    assert words.index("fault") < words.index("warning") < words.index("ok")


@pytest.mark.parametrize(
    "opened",
    [
        ["ALTER TABLE documents DISABLE ROW LEVEL SECURITY"],
        [
            "CREATE TABLE remarks (organization_id bigint)",
            "GRANT SELECT ON remarks TO doclife_worker",
        ],
    ],
)
def test_what_it_says_about_an_open_table_encloses_it_and_lets_tasks_work(cli, owner, opened):
    for statement in opened:
        owner.execute(statement)
    (table,) = findings(cli, "policies", exit_code=1)

    owner.execute(table["fix"].removeprefix("as owner: "))

    assert ("policies", "fault") not in troubles(cli)
    assert owner.execute(
        "SELECT count(DISTINCT polrelid) FROM pg_policy WHERE polname = %s AND polrelid IN"
        " (SELECT oid FROM pg_class WHERE relname IN ('documents', 'remarks'))",
        ("tasks_work_for_every_organization",),
    ).fetchone() == (len(opened),)


def test_what_it_says_about_an_index_and_a_guard_puts_them_right(cli, owner):
    owner.execute("ALTER TABLE documents DISABLE TRIGGER guard_document_status")
    owner.execute("DROP INDEX jobs_by_turn")
    (index,) = findings(cli, "indexes", exit_code=1)
    (guard,) = findings(cli, "guards", exit_code=1)

    for one in (index, guard):
        for statement in one["fix"].removeprefix("as owner: ").split("; "):
            owner.execute(statement.rstrip(";"))

    assert ("indexes", "warning") not in troubles(cli)
    assert ("guards", "fault") not in troubles(cli)


def test_every_index_that_the_migrations_make_is_expected_and_no_other(conn):
    expected = {index.name for index in doctor.expected_indexes()}
    constraints = {
        name for (name,) in conn.execute("SELECT conname FROM pg_constraint WHERE conindid <> 0")
    }
    there = {index.name for index in doctor.list_indexes(conn)} - constraints

    assert expected <= there
    # Partitions have theirs by inheritance, under names of PostgreSQL's.
    assert {name for name in there - expected if not name.endswith(("_idx", "_pkey"))} == set()


def test_a_database_that_cannot_be_reached_is_a_finding_and_hides_no_other(cli):
    away = Cli("postgresql://nobody:secret@127.0.0.1:1/away")

    answer = away.json("doctor", exit_code=1)

    assert answer["findings"][0]["about"] == "database"
    seen = {one["about"] for one in answer["findings"]}
    assert seen == {"database", "Python", "Airflow version", "signing key", "mail", "Airflow"}
    assert "secret" not in str(answer)


def test_a_database_without_migrations_says_so_and_nothing_else_of_it(empty_database):
    answer = Cli(empty_database).json("doctor", exit_code=1)

    faults = [one for one in answer["findings"] if one["level"] == "fault"]
    assert [(one["about"], one["fix"]) for one in faults] == [("migrations", "doclife migrate")]


def test_the_queue_and_the_nights_are_looked_at(acme, conn):
    with conn.transaction():
        conn.execute("SET LOCAL ROLE doclife_owner")
        conn.execute("UPDATE expiry_watermarks SET checked_at = now() - interval '3 days'")
    conn.execute(
        "SELECT enqueue_job('email', %s, run_at => now() - interval '1 day')",
        [Jsonb({"to": "a@example.org", "subject": "Hello", "text": "Good day."})],
    )

    assert {("nights", "fault"), ("queue", "fault")} <= troubles(acme, exit_code=1)


def test_a_store_that_went_away_and_a_connection_nobody_knows_are_found(acme, conn, folder):
    acme(
        *("endpoints", "add", "crm", "https://crm.example.org/hook", "--connection", "crm_hook"),
        *("--event", "document.purged"),
    )
    (folder / ".doclife-store").unlink()

    found = troubles(acme)

    assert ("connections", "warning") in found
    assert ("store files", "warning") in found
    known = {"AIRFLOW_CONN_CRM_HOOK": '{"conn_type": "http", "password": "x"}'}
    assert ("connections", "warning") not in troubles(Cli(acme.database, known))
    acme("endpoints", "add", "shop", "https://shop.example.org/hook")
    (unknown,) = findings(Cli(acme.database, known), "connections")
    assert (
        "doclife_endpoint_2 is not known here; needed by endpoint shop of acme" in unknown["what"]
    )


HEALTHY = {name: {"status": "healthy"} for name in ("metadatabase", "scheduler", "triggerer")} | {
    "dag_processor": {"status": "healthy"}
}


@pytest.mark.parametrize(
    ("health", "trouble"),
    [
        (HEALTHY, None),
        ({**HEALTHY, "triggerer": {"status": None}}, "triggerer does not run"),
        ({**HEALTHY, "scheduler": {"status": "unhealthy"}}, "scheduler is unhealthy"),
    ],
)
def test_airflow_is_asked_how_it_is(cli, health, trouble):
    with receiver(answering(200, body=json.dumps(health).encode())) as airflow:
        asking = Cli(cli.database, {"DOCLIFE_AIRFLOW_URL": airflow.url("")})
        answer = asking.json("doctor", exit_code=1 if trouble else 0)

    (found,) = [one for one in answer["findings"] if one["about"] == "Airflow"]
    assert found["level"] == ("fault" if trouble else "ok")
    assert trouble is None or trouble in found["what"]
    assert [call.path for call in airflow.calls] == ["/api/v2/monitor/health"]


def test_an_airflow_that_does_not_answer_is_a_fault(cli):
    away = Cli(cli.database, {"DOCLIFE_AIRFLOW_URL": "http://127.0.0.1:1"})

    assert ("Airflow", "fault") in troubles(away, exit_code=1)


def test_the_tables_whose_rows_are_kept_are_there(conn):
    there = {name for (name,) in conn.execute("SELECT tablename FROM pg_tables")}

    assert there >= KEPT_TABLES
