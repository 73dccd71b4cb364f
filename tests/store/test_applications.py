"""What an application may do in its own transaction: register, enqueue, emit, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from psycopg import sql
from psycopg.errors import CheckViolation, InsufficientPrivilege, RaiseException
from psycopg.types.json import Jsonb

from .conftest import APPLICATION, NOW, Catalogue, insert

ENQUEUE = "SELECT enqueue_job(%(kind)s, %(payload)s, unique_key => %(key)s)"


MAIL = {"to": "records@example.org", "subject": "Paid", "text": "Invoice 7 is paid."}


def enqueue(
    catalogue: Catalogue, kind: str = "email", *, key: str | None = None, payload: Any = None
) -> int:
    row = catalogue.application.execute(
        ENQUEUE, {"kind": kind, "payload": Jsonb(payload or MAIL), "key": key}
    ).fetchone()
    assert row is not None
    return int(row[0])


def emit(catalogue: Catalogue, event_type: str, external_id: str) -> int:
    row = catalogue.application.execute(
        "SELECT emit_event(%s, %s)", (event_type, external_id)
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_registers_a_document_over_its_bytes_and_describes_it(catalogue: Catalogue) -> None:
    catalogue.stored_object()  # makes the store
    with catalogue.application.transaction():
        object_id = insert(
            catalogue.application,
            "stored_objects",
            store_id=catalogue.value("SELECT id FROM stores"),
            uri="file:///documents/from-the-application",
            size_bytes=3,
            sha256=bytes(32),
        )
        document = insert(
            catalogue.application,
            "documents",
            organization_id=1,
            external_id="invoice 7",
            title="Invoice",
            stored_object_id=object_id,
        )
    catalogue.application.execute(
        "UPDATE documents SET title = 'Invoice 7', expires_on = '2031-01-01' WHERE id = %s",
        (document,),
    )

    assert catalogue.column(document, "version") == 2
    assert (
        catalogue.value("SELECT reference_count FROM stored_objects WHERE id = %s", object_id) == 1
    )


@pytest.mark.parametrize(
    "column",
    ["status", "hold_count", "registered_at", "purge_after", "reprieve_until", "anchor_floors"],
)
def test_cannot_write_what_only_doclife_says(catalogue: Catalogue, column: str) -> None:
    document = catalogue.document()
    change: Any = sql.SQL("UPDATE documents SET {column} = {column} WHERE id = %s").format(
        column=sql.Identifier(column)
    )

    with pytest.raises(InsufficientPrivilege):
        catalogue.application.execute(change, (document,))


def test_cannot_backdate_a_registration(catalogue: Catalogue) -> None:
    with pytest.raises(InsufficientPrivilege):
        insert(
            catalogue.application,
            "documents",
            organization_id=1,
            external_id="old",
            registered_at=NOW - timedelta(days=365),
        )


@pytest.mark.parametrize("table", ["plans", "plan_items", "jobs", "events", "audit_entries"])
@pytest.mark.parametrize("query", ["INSERT INTO {} DEFAULT VALUES", "SELECT * FROM {}"])
def test_reads_and_writes_no_other_table(catalogue: Catalogue, table: str, query: Any) -> None:
    with pytest.raises(InsufficientPrivilege):
        catalogue.application.execute(query.format(table))


def test_a_job_exists_if_and_only_if_the_transaction_commits(catalogue: Catalogue) -> None:
    with catalogue.application.transaction(force_rollback=True):
        gone = enqueue(catalogue)
    kept = enqueue(catalogue)

    jobs = "SELECT count(*) FROM jobs WHERE id = %s"
    assert [catalogue.value(jobs, each) for each in (gone, kept)] == [0, 1]
    row = catalogue.owner.execute(
        "SELECT kind, payload, requested_by, max_attempts FROM jobs WHERE id = %s", (kept,)
    ).fetchone()
    assert row is not None
    assert json.loads(row[1]) == MAIL
    assert (row[0], row[2], row[3]) == ("email", f"application:{APPLICATION}", 3)


def test_the_same_unique_key_returns_the_first_job(catalogue: Catalogue) -> None:
    first = enqueue(catalogue, key="invoice 7 paid")

    assert enqueue(catalogue, key="invoice 7 paid") == first
    assert enqueue(catalogue, key="invoice 8 paid") != first
    keyed = "SELECT count(*) FROM jobs WHERE unique_key = 'invoice 7 paid'"
    assert catalogue.value(keyed) == 1


def test_a_unique_key_outlives_its_job_but_not_for_ever(catalogue: Catalogue) -> None:
    first = enqueue(catalogue, key="outlives")
    catalogue.owner.execute("DELETE FROM jobs WHERE id = %s", (first,))
    assert enqueue(catalogue, key="outlives") == first

    catalogue.owner.execute("UPDATE job_keys SET expires_at = now() - interval '1 second'")
    assert enqueue(catalogue, key="outlives") > first


@pytest.mark.parametrize("kind", ["", "EMAIL", "shell", "purge"])
def test_an_unknown_kind_of_job_is_refused(catalogue: Catalogue, kind: str) -> None:
    with pytest.raises(CheckViolation, match="a_job_has_a_known_kind"):
        enqueue(catalogue, kind)


@pytest.mark.parametrize("payload", [[1], "text", 7])
def test_a_payload_that_is_no_object_is_refused(catalogue: Catalogue, payload: Any) -> None:
    with pytest.raises(CheckViolation, match="a_job_payload_is_an_object"):
        enqueue(catalogue, payload=payload)


def test_an_unknown_organization_is_refused_by_name(catalogue: Catalogue) -> None:
    with pytest.raises(RaiseException, match="no organization 'nobody'"):
        catalogue.application.execute("SELECT enqueue_job('email', '{}', organization => 'nobody')")


@pytest.mark.parametrize("kind", ["archive", "delete"])
def test_destruction_is_a_grant_of_its_own(catalogue: Catalogue, kind: str) -> None:
    with pytest.raises(InsufficientPrivilege, match=f"may not enqueue {kind} jobs"):
        enqueue(catalogue, kind)

    with granted(catalogue, "doclife_destruction"):
        payload = {"external_ids": ["invoice 7"], "reason": "asked for by its owner"}
        assert enqueue(catalogue, kind, payload=payload) > 0


def test_an_event_says_who_and_on_which_day_of_the_organization(catalogue: Catalogue) -> None:
    catalogue.document("contract 1")
    with catalogue.owner.transaction():
        catalogue.owner.execute("UPDATE organizations SET time_zone = 'Pacific/Kiritimati'")
    event = emit(catalogue, "contract.read", "contract 1")
    catalogue.owner.execute("UPDATE organizations SET time_zone = 'UTC'")

    row = catalogue.owner.execute(
        "SELECT actor, is_external,"
        " occurred_on = (recorded_at AT TIME ZONE 'Pacific/Kiritimati')::date"
        " FROM events WHERE id = %s",
        (event,),
    ).fetchone()
    assert row == (f"application:{APPLICATION}", True, True)


def test_an_event_about_nothing_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(RaiseException, match="has no document 'nothing'"):
        emit(catalogue, "contract.read", "nothing")


@pytest.mark.parametrize("event_type", ["closed", "Contract.Closed", "contract..closed", ""])
def test_an_event_type_is_words_with_dots(catalogue: Catalogue, event_type: str) -> None:
    catalogue.document(f"typed {event_type}")
    with pytest.raises(CheckViolation, match="an_event_has_a_type"):
        emit(catalogue, event_type, f"typed {event_type}")


@pytest.mark.parametrize("mode", ["simulate", "enforce"])
@pytest.mark.parametrize(
    ("part", "event_type"),
    [
        ({"retain": {"after": "event:contract.closed"}}, "contract.closed"),
        ({"trigger": {"event": "contract.cancelled"}}, "contract.cancelled"),
    ],
)
def test_starting_a_retention_clock_is_a_grant_of_its_own(
    catalogue: Catalogue, part: dict[str, Any], event_type: str, mode: str
) -> None:
    name = f"clock {event_type} {mode}"
    catalogue.document(name)
    with rule_in_use(catalogue, name, part, mode=mode):
        with pytest.raises(InsufficientPrivilege, match="starts a retention clock"):
            emit(catalogue, event_type, name)
        assert emit(catalogue, "contract.read", name) > 0
        with granted(catalogue, "doclife_clocks"):
            assert emit(catalogue, event_type, name) > 0
    assert emit(catalogue, event_type, name) > 0


def test_what_was_said_without_that_grant_starts_no_clock_of_a_later_rule(
    catalogue: Catalogue,
) -> None:
    catalogue.document("said early")
    flags = [emit(catalogue, "account.deleted", "said early")]
    with granted(catalogue, "doclife_clocks"):
        flags.append(emit(catalogue, "account.deleted", "said early"))

    assert [
        catalogue.value("SELECT may_start_clocks FROM events WHERE id = %s", event)
        for event in flags
    ] == [False, True]


def test_cancels_its_own_jobs_and_nobody_elses(catalogue: Catalogue) -> None:
    own = enqueue(catalogue)
    foreign = catalogue.value("SELECT enqueue_job('email', %s)", Jsonb(MAIL))

    cancelled = [
        catalogue.application.execute("SELECT cancel_job(%s)", (job,)).fetchone()
        for job in (own, foreign)
    ]

    assert cancelled == [(True,), (False,)]
    assert catalogue.value("SELECT count(*) FROM jobs WHERE id = %s", foreign) == 1
    assert catalogue.value("SELECT state FROM jobs_failed WHERE id = %s", own) == "cancelled"


def test_no_object_of_the_caller_gets_into_a_function_that_runs_as_the_owner(
    catalogue: Catalogue,
) -> None:
    """Neither a temporary table or function nor one in public stands in for doclife's own."""
    application = catalogue.application
    first = enqueue(catalogue)
    with application.transaction(force_rollback=True):
        application.execute("CREATE TEMP TABLE jobs (LIKE doclife.documents)")
        application.execute("CREATE TEMP TABLE organizations (id bigint, slug text)")
        application.execute("INSERT INTO pg_temp.organizations VALUES (999, 'default')")
        application.execute(
            "CREATE FUNCTION pg_temp.organization_id_of(text) RETURNS bigint LANGUAGE sql"
            " AS 'SELECT 999::bigint'"
        )
        application.execute("SET LOCAL search_path = pg_temp, doclife")
        row = application.execute(
            "SELECT doclife.enqueue_job('email', %s)", (Jsonb(MAIL),)
        ).fetchone()
        assert row is not None
        assert row[0] > first
        application.execute("SET LOCAL search_path = doclife, pg_temp")
        assert application.execute("SELECT count(*) FROM pg_temp.jobs").fetchone() == (0,)


def test_every_function_that_runs_as_its_owner_has_a_fixed_path(catalogue: Catalogue) -> None:
    loose = catalogue.owner.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'doclife'::regnamespace AND prosecdef"
        " AND NOT coalesce(proconfig::text LIKE '%search_path=%pg_temp%', false)"
    ).fetchall()
    found = catalogue.value(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'doclife'::regnamespace AND prosecdef"
    )

    assert found > 5
    assert loose == []


def test_no_function_is_open_to_everybody(catalogue: Catalogue) -> None:
    open_ones = catalogue.owner.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'doclife'::regnamespace"
        " AND has_function_privilege('public', oid, 'EXECUTE')"
    ).fetchall()

    assert open_ones == []


@contextmanager
def granted(catalogue: Catalogue, role: str) -> Iterator[None]:
    """Give the application's login one more role for a while."""
    names = sql.Identifier(role), sql.Identifier(APPLICATION)
    catalogue.owner.execute(sql.SQL("GRANT {} TO {}").format(*names))
    yield
    catalogue.owner.execute(sql.SQL("REVOKE {} FROM {}").format(*names))


@contextmanager
def rule_in_use(
    catalogue: Catalogue, name: str, definition: dict[str, Any], *, mode: str
) -> Iterator[None]:
    """Keep a rule in use for a while."""
    owner = catalogue.owner
    rule = insert(owner, "rules", organization_id=1, name=name)
    version = insert(
        owner,
        "rule_versions",
        rule_id=rule,
        version=1,
        mode=mode,
        definition=Jsonb(definition),
        source="",
        author="user:author",
    )
    owner.execute("UPDATE rules SET current_version_id = %s WHERE id = %s", (version, rule))
    yield
    owner.execute("UPDATE rules SET removed_at = now() WHERE id = %s", (rule,))
