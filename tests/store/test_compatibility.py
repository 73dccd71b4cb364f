"""What an application that knew a queue_jobs table goes on to do."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.errors import InsufficientPrivilege, InvalidParameterValue
from psycopg.types.json import Jsonb

from doclife.errors import ConfigurationError
from doclife.store import queue
from doclife.store.compatibility import install_queue_names
from doclife.store.connection import Connection

from .conftest import Catalogue

MAIL = {"to": "ben@example.org", "subject": "Hello", "text": "Text"}


@pytest.fixture(scope="module")
def known(catalogue: Catalogue) -> Catalogue:
    """The catalogue with the names, in the application's own schema, put there twice."""
    with catalogue.owner.transaction():
        catalogue.owner.execute("CREATE SCHEMA legacy")
        catalogue.owner.execute("GRANT USAGE ON SCHEMA legacy TO doclife_application")
        catalogue.owner.execute("GRANT USAGE ON SCHEMA legacy TO doclife_worker")
    install_queue_names(catalogue.owner, schema="legacy")
    install_queue_names(catalogue.owner, schema="legacy")
    for conn in (catalogue.application, catalogue.worker):
        conn.execute("SET search_path = legacy")
    return catalogue


@pytest.fixture(autouse=True)
def empty(known: Catalogue) -> None:
    known.owner.execute("TRUNCATE jobs, jobs_failed, job_history, job_batches, job_workers CASCADE")
    known.owner.execute("TRUNCATE job_counts")


def rows(conn: Connection, query: Any, *parameters: object) -> list[tuple[Any, ...]]:
    return conn.execute(query, parameters).fetchall()


def insert(known: Catalogue, **columns: Any) -> int:
    (row,) = rows(
        known.application,
        "INSERT INTO queue_jobs (type, payload, priority) VALUES (%s, %s, %s) RETURNING id, status",
        columns.get("type", "email"),
        Jsonb(columns.get("payload", MAIL)),
        columns.get("priority", 5),
    )
    assert row[1] == "pending"
    return int(row[0])


def work(known: Catalogue, outcome: str) -> None:
    """Let a worker take one job and end it so."""
    worker = queue.start_worker(known.owner, name="test", lease_seconds=60)
    (job,) = queue.claim(known.owner, worker_id=worker, size=1, kinds=["email"])
    result = queue.Result(
        batch_id=job.batch_id,
        job_id=job.job_id,
        attempt=1,
        outcome=outcome,
        status_code=None,
        latency_ms=1,
        answer_head=None,
        error=None if outcome == "sent" else "550 no such user",
        delay_seconds=0,
    )
    queue.record(known.owner, [result], closed_batches=[job.batch_id])
    queue.end_worker(known.owner, worker_id=worker)


def test_inserting_enqueues_and_reading_shows_every_state(known: Catalogue) -> None:
    done, failed, pending = insert(known), insert(known), insert(known, priority=9)
    work(known, "sent")
    work(known, "dead")

    shown = rows(
        known.application, "SELECT id, status, type, error, completed_at IS NULL FROM queue_jobs"
    )
    assert sorted(shown) == [
        (done, "completed", "email", None, False),
        (failed, "failed", "email", "550 no such user", False),
        (pending, "pending", "email", None, True),
    ]
    assert rows(
        known.application,
        "SELECT payload ->> 'to', priority FROM queue_jobs WHERE id = %s",
        pending,
    ) == [("ben@example.org", 9)]


def test_what_does_not_fit_is_refused_there_too(known: Catalogue) -> None:
    with pytest.raises(InvalidParameterValue, match='"to" is'):
        insert(known, payload={"subject": "x"})
    with pytest.raises(InsufficientPrivilege, match="may not enqueue delete"):
        insert(known, type="delete", payload={"document_ids": [1], "reason": "asked"})


@pytest.mark.parametrize(
    "query", ["SELECT status, count FROM queue_stats", "SELECT * FROM count_jobs_by_state()"]
)
def test_counts_come_from_counters(known: Catalogue, query: str) -> None:
    for _ in range(3):
        insert(known)
    work(known, "sent")
    work(known, "dead")
    known.owner.execute("TRUNCATE job_history")

    assert sorted(rows(known.application, query)) == [
        ("completed", 1),
        ("failed", 1),
        ("pending", 1),
    ]


def test_pending_jobs_come_by_turn_and_leased_ones_do_not(known: Catalogue) -> None:
    later, sooner = insert(known, priority=9), insert(known, priority=1)
    worker = queue.start_worker(known.owner, name="test", lease_seconds=60)

    assert [row[0] for row in rows(known.application, "SELECT * FROM get_pending_jobs(10)")] == [
        sooner,
        later,
    ]
    queue.claim(known.owner, worker_id=worker, size=1, kinds=["email"])
    assert [row[0] for row in rows(known.application, "SELECT id FROM get_pending_jobs()")] == [
        later
    ]


def test_the_spanish_names_do_the_same_with_spanish_columns(known: Catalogue) -> None:
    job_id = insert(known)
    assert rows(known.application, "SELECT estado, cantidad FROM contar_trabajos_por_estado()") == [
        ("pending", 1)
    ]
    assert rows(
        known.application, "SELECT id, tipo, intentos FROM obtener_trabajos_pendientes(limite => 5)"
    ) == [(job_id, "email", 0)]
    work(known, "dead")

    assert rows(known.worker, "SELECT reintentar_trabajos_fallidos(tipo => 'slack')") == [(0,)]
    assert rows(known.worker, "SELECT reintentar_trabajos_fallidos()") == [(1,)]
    assert rows(known.application, "SELECT status FROM queue_jobs") == [("pending",)]
    assert rows(known.worker, "SELECT limpiar_trabajos_antiguos(30)") == [(0,)]


def test_cleaning_removes_old_given_up_jobs_and_none_younger_than_a_week(known: Catalogue) -> None:
    for age in (1, 8, 40):
        insert(known)
        work(known, "dead")
        known.owner.execute(
            "UPDATE jobs_failed SET finished_at = now() - make_interval(days => %s)"
            " WHERE finished_at > now() - interval '1 hour'",
            (age,),
        )

    assert rows(known.worker, "SELECT clean_old_jobs(30)") == [(1,)]
    assert rows(known.worker, "SELECT clean_old_jobs(0)") == [(1,)]


@pytest.mark.parametrize("call", ["retry_failed_jobs()", "clean_old_jobs(30)"])
def test_an_application_does_not_decide_over_others_jobs(known: Catalogue, call: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        known.application.execute(f"SELECT {call}")


def test_schedules_are_seen(known: Catalogue) -> None:
    known.owner.execute(
        "INSERT INTO scheduled_jobs (organization_id, name, cron, kind, created_by)"
        " VALUES (1, 'weekly', '0 8 * * mon', 'email', 'user:olga')"
    )
    assert rows(
        known.application, "SELECT name, cron_expression, type, is_active FROM scheduled_jobs"
    ) == [("weekly", "0 8 * * mon", "email", True)]


@pytest.mark.parametrize(
    ("schema", "fault"), [("doclife", "doclife's own schema"), ("nowhere", "no schema 'nowhere'")]
)
def test_the_names_go_into_a_schema_of_the_application(
    known: Catalogue, schema: str, fault: str
) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        install_queue_names(known.owner, schema=schema)


@pytest.mark.parametrize(
    "own",
    [
        "TABLE busy.queue_jobs (id integer)",
        "VIEW busy.queue_jobs AS SELECT 1 AS id",
        "FUNCTION busy.clean_old_jobs(days integer) RETURNS text LANGUAGE sql AS 'SELECT NULL'",
    ],
)
def test_what_an_application_has_of_its_own_is_left_alone(known: Catalogue, own: str) -> None:
    known.owner.execute("CREATE SCHEMA busy")
    known.owner.execute(f"CREATE {own}")
    try:
        with pytest.raises(ConfigurationError, match=r"in 'busy' already.*nothing was changed"):
            install_queue_names(known.owner, schema="busy")

        assert rows(
            known.owner,
            "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'busy'::regnamespace)"
            " + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'busy'::regnamespace)",
        ) == [(1,)]
        assert rows(known.owner, "SHOW search_path") == [("doclife, pg_temp",)]
    finally:
        known.owner.execute("DROP SCHEMA busy CASCADE")
