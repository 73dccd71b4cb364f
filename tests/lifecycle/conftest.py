"""A small world with real files: an organization, its documents, stores and rules."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from doclife.domain.compiler import RuleVersion
from doclife.domain.plan import PlanState, PlanSummary, ShardOutcome
from doclife.domain.rule import Rule
from doclife.lifecycle import applying, planning
from doclife.lifecycle.stores import open_stores, register_store
from doclife.storage.stores import Stores
from doclife.store import rules, stored_plans
from doclife.store.connection import Connection, connect
from doclife.store.migrations import migrate
from local import databases
from local.guard import Guard
from local.postgres import Postgres
from tests.conftest import PASSWORDS, admin_url

NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
"""A Monday night; every clock of these tests starts here unless a test says otherwise."""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ACTOR = "user:olga"


@dataclass
class World:
    """Drives the lifecycle as operators and people do, with a clock of its own."""

    conn: Connection
    folder: Path
    now: datetime = NOW
    runs: int = 0

    @property
    def stores(self) -> Stores:
        """Every store, opened anew as each task does."""
        return open_stores(self.conn, options=lambda _connection_id: {})

    def another_connection(self) -> Connection:
        """Connect once more, as another process does."""
        info = self.conn.info
        parameters = {**info.get_parameters(), "password": info.password}
        return connect(make_conninfo(**parameters), application_name="another")

    def later(self, **delta: float) -> None:
        """Let time pass."""
        self.now += timedelta(**delta)

    def add_document(
        self,
        external_id: str,
        *,
        content: bytes | None = b"content",
        registered_at: datetime = LONG_AGO,
        **columns: Any,
    ) -> int:
        """Register a document over a real file, and return its id."""
        stored_object = None
        if content is not None:
            path = self.folder / "documents" / external_id
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            stored_object = self.conn.execute(
                "INSERT INTO stored_objects (store_id, uri, size_bytes, sha256)"
                " SELECT id, root_uri || '/' || %s, %s, %s FROM stores WHERE name = 'documents'"
                " RETURNING id",
                (external_id, len(content), hashlib.sha256(content).digest()),
            ).fetchone()[0]
        values = {
            "organization_id": 1,
            "external_id": external_id,
            "title": f"Title of {external_id}",
            "owner": "owner@example.org",
            "size_bytes": len(content or b""),
            "registered_at": registered_at,
            "stored_object_id": stored_object,
            **{key: Jsonb(value) if key == "metadata" else value for key, value in columns.items()},
        }
        names = ", ".join(values)
        holes = ", ".join(f"%({name})s" for name in values)
        query: Any = f"INSERT INTO documents ({names}) VALUES ({holes}) RETURNING id"
        return int(self.conn.execute(query, values).fetchone()[0])

    def enforce(
        self, name: str = "rule", *, since: datetime = LONG_AGO, **parts: Any
    ) -> RuleVersion:
        """Put a rule into force whose limits let everything through, unless it says its own."""
        definition = {
            "name": name,
            "mode": "enforce",
            "trigger": {"type": "ON_SCHEDULE"},
            "limits": {"max_documents": 1_000_000, "max_fraction": 1.0},
            **parts,
        }
        rule = Rule.from_document(definition)
        return rules.add_version(
            self.conn,
            organization_id=1,
            rule=rule,
            source="",
            author="user:author",
            commit=None,
            now=since,
        )

    def plan(self, *, as_of: datetime | None = None) -> list[PlanSummary]:
        """Plan what is due, as a new DAG run does."""
        self.runs += 1
        return planning.plan_due_rules(
            self.conn,
            now=self.now,
            as_of=as_of or self.now,
            dag_id="test",
            run_id=f"run-{self.runs}",
            requested_by="schedule",
        )

    def apply(self, plan_id: int) -> ShardOutcome:
        """Apply a plan whole."""
        return applying.apply_plan(
            self.conn, plan_id=plan_id, now=lambda: self.now, actor=ACTOR, stores=self.stores
        )

    def night(self) -> dict[str, ShardOutcome]:
        """Plan what is due and apply what may be applied; outcomes by rule."""
        return {
            str(summary.rule): self.apply(summary.plan_id)
            for summary in self.plan()
            if summary.state is PlanState.PLANNED and summary.mode == "enforce"
        }

    def purge(self) -> list[ShardOutcome]:
        """Run the weekly purge."""
        self.runs += 1
        summaries = planning.plan_purges(
            self.conn,
            now=self.now,
            dag_id="cleanup",
            run_id=f"run-{self.runs}",
            requested_by="schedule",
        )
        return [
            self.apply(summary.plan_id)
            for summary in summaries
            if summary.state is PlanState.PLANNED
        ]

    def status(self, document_id: int) -> str:
        """Return where a document is."""
        return str(self.value("SELECT status FROM documents WHERE id = %s", document_id))

    def file(self, external_id: str) -> Path:
        """Return the path of a document's original."""
        return self.folder / "documents" / external_id

    def items(self, plan_id: int) -> dict[str, tuple[str, str | None]]:
        """Return (state, reason code) of a plan's items by external id."""
        return {
            item.external_id: (item.state, item.reason_code)
            for item in stored_plans.list_items(self.conn, plan_id)
        }

    def value(self, query: Any, *parameters: object) -> Any:
        """Return the first column of the first row."""
        row = self.conn.execute(query, parameters).fetchone()
        return None if row is None else row[0]


@pytest.fixture
def world(conn: Connection, tmp_path: Path) -> World:
    """An organization with wide limits and two stores, ``documents`` and ``archive``."""
    conn.execute("UPDATE organizations SET max_fraction_per_day = 1")
    conn.execute("UPDATE deployment SET max_fraction_per_day = 1")
    for name in ("documents", "archive"):
        (tmp_path / name).mkdir()
        register_store(
            conn,
            name=name,
            root=str(tmp_path / name),
            connection_id=None,
            now=NOW,
            actor=ACTOR,
            options=lambda _connection_id: {},
        )
    return World(conn=conn, folder=tmp_path)


def days_ago(days: int, *, now: datetime = NOW) -> date:
    """Return the calendar day so many days before."""
    return now.date() - timedelta(days=days)


@pytest.fixture
def own_server(guard: Guard) -> Iterator[Postgres]:
    """A server that may be stopped."""
    home = Path(tempfile.mkdtemp(prefix="doclife-test-"))
    home.chmod(0o711)
    server = Postgres(home, programs=None, settings={}, watch=guard.watch_database)
    try:
        server.start()
        databases.prepare(server.url(), passwords=PASSWORDS)
        with psycopg.connect(admin_url(server, databases.DOCUMENTS)) as conn:
            migrate(conn)
        yield server
    finally:
        server.remove()


@pytest.fixture
def _jobs_that_fit(conn: Connection) -> Iterator[None]:
    """Jobs that doclife stores itself pass the check that those of applications pass."""
    yield
    assert not conn.execute(
        "SELECT kind, payload_fault(kind, payload::jsonb) FROM jobs"
        " WHERE payload_fault(kind, payload::jsonb) IS NOT NULL"
    ).fetchall()
