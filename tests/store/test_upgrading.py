"""A catalogue in the middle of its life is migrated to the newest schema: every promise holds."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from doclife.domain.checkup import Level
from doclife.domain.plan import PlanState
from doclife.domain.review import Answer
from doclife.domain.rule import Rule
from doclife.errors import RefusedError
from doclife.lifecycle import reviewing
from doclife.lifecycle.applying import apply_plan
from doclife.lifecycle.auditing import verify_chain
from doclife.lifecycle.checkup import check_structure
from doclife.lifecycle.stores import open_stores
from doclife.store import organizations, queue, reviews, stored_plans
from doclife.store.connection import Connection, connect, prepare
from doclife.store.migrations import SCHEMA_DIR, list_pending, migrate
from local import databases
from local.postgres import Postgres
from tests.conftest import admin_url
from tests.lifecycle.test_draining import Recorder, drain

OLD_CATALOGUE = Path(__file__).with_name("old_catalogue.sql")
FIRST_LANDED, RELEASED = "025", "036"
RULE = Rule.from_document(
    {
        "name": "drafts",
        "mode": "enforce",
        "trigger": {"type": "ON_SCHEDULE"},
        "when": {"field": "document_type", "op": "eq", "value": "draft"},
        "limits": {"max_documents": 1_000_000, "max_fraction": 1.0},
        "actions": [{"do": "DELETE"}],
    }
).to_document()
_numbers = itertools.count(1)


@dataclass
class Upgraded:
    """A database of an old schema, with data, after the migration."""

    url: str
    conn: Connection
    before: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def plan_id(self, name: str) -> int:
        return int(self.value("SELECT id FROM plans WHERE run_id = %s", name))

    def value(self, query: Any, *parameters: object) -> Any:
        row = self.conn.execute(query, parameters).fetchone()
        return None if row is None else row[0]

    def statuses(self, name: str) -> list[str]:
        query = "SELECT status FROM documents WHERE external_id LIKE %s ORDER BY id"
        return [status for (status,) in self.conn.execute(query, (f"{name}-%",))]

    def apply(self, name: str) -> int:
        outcome = apply_plan(
            self.conn,
            plan_id=self.plan_id(name),
            now=lambda: self.now,
            actor="user:olga",
            stores=open_stores(self.conn, options=lambda _: {}),
        )
        return outcome.done


@dataclass(frozen=True)
class Template:
    """A migrated catalogue of an old schema that nobody connects to, so that it can be copied."""

    name: str
    before: dict[str, list[dict[str, Any]]]


Make = Callable[[str], Template]


@pytest.fixture(scope="module")
def template(each_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Make a catalogue of a released schema, fill it then and migrate it now; each one once."""
    made: dict[str, Template] = {}

    def make(stage: str) -> Template:
        if stage not in made:
            name = f"upgraded_from_{stage}"
            create(each_postgres, name)
            with psycopg.connect(admin_url(each_postgres, name), autocommit=True) as conn:
                migrate(conn, directory=files_until(stage, tmp_path_factory.mktemp("schema")))
                fill(conn)
                before = rows(conn)
                assert [each for each in migrate(conn) if each <= stage] == []
            made[stage] = Template(name=name, before=before)
        return made[stage]

    yield make
    for one in made.values():
        drop(each_postgres, one.name)


@pytest.fixture
def stage() -> str:
    """The schema that a catalogue comes from, unless a test names others."""
    return FIRST_LANDED


@pytest.fixture
def upgraded(each_postgres: Postgres, template: Make, stage: str) -> Iterator[Upgraded]:
    """A copy of a catalogue that was filled under an old schema and migrated."""
    source = template(stage)
    name = f"upgraded_{next(_numbers)}"
    create(each_postgres, name, template=source.name)
    with connect(admin_url(each_postgres, name)) as conn:
        # A copy is halted; this one is meant.
        conn.execute("UPDATE deployment SET cluster_identity = cluster_identity()")
        yield Upgraded(url=admin_url(each_postgres, name), conn=conn, before=source.before)
    drop(each_postgres, name)


def create(server: Postgres, name: str, *, template: str = "template1") -> None:
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                *map(sql.Identifier, (name, template, databases.ADMIN))
            )
        )


def drop(server: Postgres, name: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        superuser.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name)))


def files_until(number: str, folder: Path) -> Path:
    """Fill a folder with the migrations up to a number."""
    for path in SCHEMA_DIR.glob("*.sql"):
        if path.name[:3] <= number:
            shutil.copy(path, folder)
    return folder


def fill(conn: psycopg.Connection) -> None:
    conn.execute("SELECT set_config('test.rule', %s, false)", (json.dumps(RULE),))
    conn.execute("SET ROLE doclife_owner")
    conn.execute("SET search_path = doclife, pg_temp")
    conn.execute(OLD_CATALOGUE.read_bytes())
    conn.execute("RESET ROLE")


def rows(conn: psycopg.Connection) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table."""
    found = {}
    tables = conn.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'doclife'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition"
    ).fetchall()
    for (name,) in tables:
        query = sql.SQL("SELECT to_jsonb(one) FROM doclife.{} AS one").format(sql.Identifier(name))
        found[name] = [row for (row,) in conn.execute(query)]
    return found


STRUCTURE = """
WITH relation AS (
    SELECT * FROM pg_class
    WHERE relnamespace = 'doclife'::regnamespace AND NOT relispartition AND relkind <> 'i'
)
SELECT
    'column', attrelid::regclass::text, attname::text,
    format_type(atttypid, atttypmod) || attnotnull, attacl::text
FROM pg_attribute INNER JOIN relation ON attrelid = relation.oid
WHERE attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'table', relname::text, relkind::text, relrowsecurity::text, relacl::text FROM relation
UNION ALL
SELECT 'index', relname::text, pg_get_indexdef(oid), NULL, NULL FROM pg_class
WHERE relnamespace = 'doclife'::regnamespace AND NOT relispartition AND relkind IN ('i', 'I')
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(one.oid), NULL
FROM pg_constraint AS one INNER JOIN relation ON conrelid = relation.oid
UNION ALL
SELECT
    'trigger', tgrelid::regclass::text, tgname::text, tgenabled::text, pg_get_triggerdef(one.oid)
FROM pg_trigger AS one WHERE NOT tgisinternal
UNION ALL
SELECT
    'policy', polrelid::regclass::text, polname::text, polcmd::text, pg_get_expr(polqual, polrelid)
FROM pg_policy
UNION ALL
SELECT 'function', oid::regprocedure::text, md5(prosrc), proconfig::text, proacl::text
FROM pg_proc WHERE pronamespace = 'doclife'::regnamespace
"""


def structure(conn: psycopg.Connection) -> set[tuple[Any, ...]]:
    """Return what a schema is made of, with who may what."""
    return set(conn.execute(STRUCTURE).fetchall())


def only(row: dict[str, Any], columns: Collection[str], table: str) -> dict[str, Any]:
    """Return what no migration may change of a row."""
    rewritten = set()
    if table == "documents" and row["status"] == "purged":
        rewritten = {"external_id", "updated_at"}  # a tombstone has no name (028)
    elif table == "deployment":
        rewritten = {"cluster_identity", "updated_at"}  # every copy of a database has its own
    return {name: row[name] for name in columns if name not in rewritten}


@pytest.mark.parametrize("stage", [FIRST_LANDED, RELEASED])
def test_nothing_of_an_old_catalogue_is_lost(upgraded: Upgraded) -> None:
    after = rows(upgraded.conn)

    for table, old_rows in upgraded.before.items():
        assert len(after[table]) >= len(old_rows), table
        if not old_rows:
            continue
        # A column that a migration drops is not looked for, nor what it adds.
        columns = old_rows[0].keys() & after[table][0].keys()
        there = {json.dumps(only(row, columns, table), sort_keys=True) for row in after[table]}
        for row in old_rows:
            assert json.dumps(only(row, columns, table), sort_keys=True) in there, (table, row)
    assert len(upgraded.before["documents"]) == 44


@pytest.mark.parametrize("stage", [FIRST_LANDED, RELEASED])
def test_an_old_catalogue_becomes_what_a_new_one_is(upgraded: Upgraded, each_database: str) -> None:
    with connect(each_database) as fresh:
        assert structure(upgraded.conn) ^ structure(fresh) == set()

    assert list_pending(upgraded.conn) == []
    found = check_structure(upgraded.conn)
    assert [one for one in found if one.level is Level.FAULT] == []


def test_what_was_destroyed_stays_so_and_names_nobody(upgraded: Upgraded) -> None:
    names = upgraded.conn.execute(
        "SELECT external_id, title FROM documents WHERE status = 'purged'"
    ).fetchall()

    assert [name[:7] for name, _ in names] == ["purged:"] * 2
    with pytest.raises(psycopg.errors.UniqueViolation):
        upgraded.conn.execute(
            "INSERT INTO documents (organization_id, external_id)"
            " SELECT id, 'purged-1' FROM organizations WHERE slug = 'acme'"
        )


@pytest.mark.parametrize("stage", [FIRST_LANDED, RELEASED])
def test_every_plan_of_before_goes_on_from_where_it_was(upgraded: Upgraded) -> None:
    assert upgraded.statuses("half") == ["deleted"] * 4 + ["active"] * 4

    assert upgraded.apply("half") == 4, "only what was left"
    assert upgraded.apply("planned") == 3
    assert upgraded.apply("approved") == 3
    with pytest.raises(RefusedError, match="waits for approval"):
        upgraded.apply("asked")
    with pytest.raises(RefusedError, match="simulation"):
        upgraded.apply("simulated")
    with pytest.raises(RefusedError):
        upgraded.apply("superseded")

    for name in ("half", "planned", "approved"):
        assert set(upgraded.statuses(name)) == {"deleted"}
        state = stored_plans.summary(upgraded.conn, upgraded.plan_id(name)).state
        assert state is PlanState.APPLIED
    assert upgraded.apply("half") == 0
    per_document = upgraded.conn.execute(
        "SELECT count(*) FROM audit_entries WHERE action = 'document.trashed' AND plan_id = %s"
        " GROUP BY document_id",
        (upgraded.plan_id("half"),),
    ).fetchall()
    assert per_document == [(1,)] * 4, "those of before were audited before"


def test_a_plan_that_waited_for_a_person_is_approved_and_applied(upgraded: Upgraded) -> None:
    [question] = reviews.list_wanted(upgraded.conn, plan_id=upgraded.plan_id("asked"))
    asked = {"dag_id": "review_plan", "run_id": question.run_id}
    reviewing.ask(upgraded.conn, question, **asked, now=upgraded.now)
    reviewing.receive_answer(
        upgraded.conn,
        **asked,
        answer=Answer.APPROVE,
        form={},
        answered_by="user:boss",
        answered_at=upgraded.now,
    )

    reviewing.decide(upgraded.conn, question, now=upgraded.now)

    assert upgraded.apply("asked") == 3
    assert set(upgraded.statuses("asked")) == {"deleted"}


def test_a_plan_whose_rule_was_edited_after_the_upgrade_is_refused_with_the_reason(
    upgraded: Upgraded,
) -> None:
    upgraded.conn.execute(
        "INSERT INTO rule_versions (rule_id, version, mode, definition, source, author)"
        " SELECT rule_id, 2, mode, definition, source, author FROM rule_versions"
        " WHERE definition ->> 'name' = 'drafts'"
    )
    upgraded.conn.execute(
        "UPDATE rules SET current_version_id = (SELECT max(id) FROM rule_versions)"
        " WHERE name = 'drafts'"
    )

    with pytest.raises(RefusedError, match="rule"):
        upgraded.apply("half")

    assert upgraded.statuses("half") == ["deleted"] * 4 + ["active"] * 4


def test_what_was_held_stays_held(upgraded: Upgraded) -> None:
    held = upgraded.conn.execute(
        "SELECT hold_count FROM documents WHERE external_id LIKE 'held-%'"
    ).fetchall()
    assert held == [(1,), (1,)]

    with pytest.raises(psycopg.errors.CheckViolation):
        upgraded.conn.execute(
            "UPDATE documents SET status = 'deleted', status_before = 'active', deleted_at = now(),"
            " purge_after = current_date WHERE external_id = 'held-1'"
        )


def test_jobs_of_before_are_sent_also_those_of_a_worker_that_died(upgraded: Upgraded) -> None:
    channel = Recorder()
    died = set(upgraded.value("SELECT job_ids FROM job_batches"))

    drain(upgraded.url, {"email": channel})

    assert set(channel.received).isdisjoint(died)
    # What the heart of a drain does, once a worker has been silent for a lease.
    workers = upgraded.conn.execute("SELECT id, beats FROM job_workers").fetchall()
    assert len(queue.rescue(upgraded.conn, dict(workers))) == len(died) == 2
    upgraded.conn.execute("UPDATE jobs SET run_at = now() - interval '1 minute'")
    drain(upgraded.url, {"email": channel})
    assert len(channel.received) == len({*channel.received} | died) == 6
    assert upgraded.value("SELECT count(*) FROM jobs") == 0
    assert upgraded.value("SELECT count(*) FROM job_batches") == 0
    assert upgraded.value("SELECT count(*) FROM job_history") == 4 + 6
    assert upgraded.value("SELECT count(*) FROM jobs_failed") == 1


def test_the_audit_trail_of_before_is_proven_from_the_upgrade_on(upgraded: Upgraded) -> None:
    upgraded.apply("planned")

    for tenant in organizations.list_all(upgraded.conn):
        found = verify_chain(upgraded.conn, tenant, now=upgraded.now)
        assert found.fits, found.findings
    acme = organizations.find(upgraded.conn, "acme")
    entries = verify_chain(upgraded.conn, acme, now=upgraded.now).entries
    assert entries >= len(upgraded.before["audit_entries"])


def test_a_database_that_only_has_the_first_migration_becomes_whole(
    each_postgres: Postgres, tmp_path: Path, each_database: str
) -> None:
    name = f"upgraded_{next(_numbers)}"
    create(each_postgres, name)
    with psycopg.connect(admin_url(each_postgres, name), autocommit=True) as conn:
        migrate(conn, directory=files_until("001", tmp_path))
        migrate(conn)
        prepare(conn, application_name="test")

        with connect(each_database) as fresh:
            assert structure(conn) == structure(fresh)
    drop(each_postgres, name)
