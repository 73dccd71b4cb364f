"""A migrated catalogue on each PostgreSQL, and the people who write into it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from doclife.store.connection import Connection, connect
from doclife.store.migrations import migrate
from local import databases
from local.postgres import Postgres
from tests.conftest import admin_url, role_url

APPLICATION = "some_application"
"""A login of the group doclife_application, as an adopter's application has."""
PASSWORD = "test-application"
NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)

_numbers = itertools.count(1)


@dataclass
class Catalogue:
    """One migrated database: tests that share it name their own documents."""

    server: Postgres
    database: str
    owner: Connection
    worker: Connection
    application: Connection

    def as_role(self, role: str) -> Connection:
        """Return the connection of ``owner``, ``worker`` or ``application``."""
        connection: Connection = getattr(self, role)
        return connection

    def another(self, role: str = databases.ADMIN) -> Connection:
        """Open one more connection."""
        return connect(role_url(self.server, self.database, role=role))

    def document(self, external_id: str | None = None, **columns: Any) -> int:
        """Register a document, without bytes unless told."""
        values = {
            "organization_id": 1,
            "external_id": external_id or f"document-{next(_numbers)}",
            **columns,
        }
        return insert(self.owner, "documents", **values)

    def stored_object(self, **columns: Any) -> int:
        """Register bytes that nobody refers to yet."""
        store = self.value("SELECT id FROM stores")
        if store is None:
            store = insert(self.owner, "stores", name="documents", root_uri="file:///documents")
        values = {
            "store_id": store,
            "uri": f"file:///documents/{next(_numbers)}",
            "size_bytes": 1,
            "sha256": bytes(32),
            **columns,
        }
        return insert(self.owner, "stored_objects", **values)

    def plan(self, **columns: Any) -> int:
        """Store a plan that may be applied."""
        values = {
            "organization_id": 1,
            "kind": "selection",
            "dag_id": "test",
            "run_id": f"run-{next(_numbers)}",
            "requested_by": "user:olga",
            "mode": "enforce",
            "as_of": NOW,
            "created_at": NOW,
            **columns,
        }
        return insert(self.owner, "plans", **values)

    def item(self, plan_id: int, document_id: int, action: str, **columns: Any) -> None:
        """Let a plan ask for an action."""
        values = {
            "plan_id": plan_id,
            "document_id": document_id,
            "action_index": 0,
            "action": action,
            "status_before": "active",
            "document_version": 1,
            "is_reserving": True,
            "reason": "asked for",
            **columns,
        }
        insert(self.owner, "plan_items", returning="plan_id", **values)

    def applying(self, document_id: int, action: str) -> int:
        """Store a plan for one document that is being applied."""
        plan_id = self.plan()
        self.item(plan_id, document_id, action)
        self.owner.execute("UPDATE plans SET state = 'applying' WHERE id = %s", (plan_id,))
        return plan_id

    def finish(self, plan_id: int) -> None:
        """End a plan, so that its documents are free for the next."""
        self.owner.execute(
            "UPDATE plan_items SET state = 'done', finished_at = now() WHERE plan_id = %s",
            (plan_id,),
        )
        self.owner.execute("UPDATE plans SET state = 'applied' WHERE id = %s", (plan_id,))

    def move(self, document_id: int, status: str, *, role: str = "owner") -> None:
        """Write a status with all that its constraints ask for."""
        self.as_role(role).execute(MOVES[status], (document_id,))

    def moved(self, document_id: int, *statuses: str) -> int:
        """Take a document along its proper way."""
        for status in statuses:
            action = {"archived": "ARCHIVE", "deleted": "DELETE", "purging": "PURGE"}.get(status)
            plan_id = self.applying(document_id, action) if action else None
            self.move(document_id, status)
            if plan_id:
                self.finish(plan_id)
        return document_id

    def hold(self, document_id: int) -> int:
        """Put a document under a matter of its own and return the matter."""
        matter = insert(
            self.owner,
            "matters",
            organization_id=1,
            name=f"case {next(_numbers)}",
            reason="litigation",
            created_by="user:olga",
        )
        insert(
            self.owner,
            "matter_documents",
            returning="matter_id",
            matter_id=matter,
            document_id=document_id,
            added_by="user:olga",
        )
        return matter

    def column(self, document_id: int, name: str) -> Any:
        """Return one column of a document."""
        query = sql.SQL("SELECT {} FROM documents WHERE id = %s").format(sql.Identifier(name))
        return self.value(query, document_id)

    def value(self, query: Any, *parameters: object) -> Any:
        """Return the first column of the first row, as the owner sees it."""
        row = self.owner.execute(query, parameters).fetchone()
        return None if row is None else row[0]


MOVES = {
    "active": "UPDATE documents SET status = 'active', status_before = NULL WHERE id = %s",
    "archived": "UPDATE documents SET status = 'archived', archived_at = now() WHERE id = %s",
    "deleted": "UPDATE documents SET status = 'deleted', status_before = status,"
    " deleted_at = now(), purge_after = current_date WHERE id = %s",
    "purging": "UPDATE documents SET status = 'purging', status_before = coalesce(status_before,"
    " 'active'), purging_at = now() WHERE id = %s",
    "purged": "UPDATE documents SET status = 'purged', status_before = NULL, purged_at = now(),"
    " title = NULL, owner = NULL, tags = NULL, metadata = '{}', stored_object_id = NULL,"
    " archived_object_id = NULL, original_uri = NULL WHERE id = %s",
}


def insert(conn: Connection, table: str, *, returning: str = "id", **values: Any) -> int:
    """Insert one row and return its key."""
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
        sql.Identifier(returning),
    )
    row = conn.execute(query, values).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="session")
def migrated(each_postgres: Postgres) -> str:
    """Name of a migrated database on each server, to be copied."""
    name = "store_template"
    with psycopg.connect(each_postgres.url(), autocommit=True) as superuser:
        databases.create_database(superuser, name, owner=databases.ADMIN)
    with psycopg.connect(admin_url(each_postgres, name)) as conn:
        migrate(conn)
    databases.let_tasks_work(admin_url(each_postgres, name))
    with psycopg.connect(each_postgres.url(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE doclife_application").format(
                sql.Identifier(APPLICATION), sql.Literal(PASSWORD)
            )
        )
    return name


@pytest.fixture(scope="module")
def catalogue(each_postgres: Postgres, migrated: str) -> Iterator[Catalogue]:
    """A copy of the migrated database for one file of tests."""
    name = f"catalogue_{next(_numbers)}"
    with psycopg.connect(each_postgres.url(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(migrated), sql.Identifier(databases.ADMIN)
            )
        )
    application = databases.as_role(
        each_postgres.url(), role=APPLICATION, password=PASSWORD, database=name
    )
    with (
        connect(admin_url(each_postgres, name)) as owner,
        connect(role_url(each_postgres, name, role=databases.TASKS)) as worker,
        connect(application) as some_application,
    ):
        owner.execute("UPDATE deployment SET cluster_identity = cluster_identity()")
        yield Catalogue(
            server=each_postgres,
            database=name,
            owner=owner,
            worker=worker,
            application=some_application,
        )
    with psycopg.connect(each_postgres.url(), autocommit=True) as superuser:
        superuser.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name)))
