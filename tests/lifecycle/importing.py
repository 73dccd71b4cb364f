"""What the tests of the import share."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from doclife.lifecycle.registering import (
    ImportResult,
    ImportSettings,
    Problem,
    Silent,
    import_documents,
)
from doclife.store.connection import Connection

NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)


@dataclass
class Watcher(Silent):
    """Remembers what an import tells."""

    expected: tuple[int, int] | None = None
    files: int = 0
    size_bytes: int = 0
    problems: list[Problem] = field(default_factory=list)

    def expect(self, *, files: int, size_bytes: int) -> None:
        self.expected = (files, size_bytes)

    def advance(self, *, files: int, size_bytes: int) -> None:
        self.files += files
        self.size_bytes += size_bytes

    def report(self, problem: Problem) -> None:
        self.problems.append(problem)


@dataclass
class Importer:
    """Imports into one catalogue, and looks at what came of it."""

    conn: Connection
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(
        self,
        source: Path | str,
        *,
        now: datetime = NOW,
        progress: Silent | None = None,
        **settings: Any,
    ) -> ImportResult:
        return import_documents(
            self.conn,
            source=str(source),
            settings=ImportSettings(**settings),
            now=now,
            actor="user:olga",
            options=lambda _connection_id: self.options,
            progress=progress,
        )

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, parameters).fetchall()

    def documents(self) -> dict[str, dict[str, Any]]:
        """Every document with its bytes, by external id."""
        rows = self.rows(
            "SELECT document.*, object.uri, object.sha256, object.reference_count"
            " FROM documents AS document"
            " LEFT JOIN stored_objects AS object ON document.stored_object_id = object.id"
            " ORDER BY document.id"
        )
        return {row["external_id"]: row for row in rows}

    def document(self, external_id: str) -> dict[str, Any]:
        return self.documents()[external_id]

    def events(self) -> list[str]:
        return [row["type"] for row in self.rows("SELECT type FROM events ORDER BY id")]

    def audit(self) -> list[str]:
        """Actions about documents."""
        query = "SELECT action FROM audit_entries WHERE action LIKE 'document%%' ORDER BY id"
        return [row["action"] for row in self.rows(query)]

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """The whole catalogue, to see that nothing changed."""
        tables = ("documents", "stored_objects", "stores", "events", "audit_entries")
        return {table: self.rows(f"SELECT * FROM {table} ORDER BY id") for table in tables}

    def set_status(self, external_id: str, status: str) -> None:
        """Bring a document to a status without the plan that it would take."""
        with self.as_owner():
            self.conn.execute("ALTER TABLE documents DISABLE TRIGGER guard_document_status")
            self.conn.execute(
                "UPDATE documents SET status = %(status)s,"
                " status_before = CASE WHEN %(status)s = 'deleted' THEN 'active' END,"
                " archived_at = now(), deleted_at = now(), purge_after = '2026-04-01'"
                " WHERE external_id = %(external_id)s",
                {"status": status, "external_id": external_id},
            )

    def purge(self, external_id: str) -> None:
        """Leave only the tombstone of a document, and its bytes recorded as gone."""
        with self.as_owner():
            self.conn.execute("ALTER TABLE documents DISABLE TRIGGER guard_document_status")
            object_id = self.rows(
                "SELECT stored_object_id AS id FROM documents WHERE external_id = %s", external_id
            )[0]["id"]
            self.conn.execute(
                "UPDATE documents SET status = 'purged', purged_at = now(), title = NULL,"
                " owner = NULL, tags = NULL, metadata = '{}', stored_object_id = NULL"
                " WHERE external_id = %s",
                (external_id,),
            )
            self.conn.execute(
                "UPDATE stored_objects SET removing_since = %s, removed_at = %s WHERE id = %s",
                (NOW, NOW, object_id),
            )

    @contextlib.contextmanager
    def as_owner(self) -> Iterator[None]:
        with self.conn.transaction():
            self.conn.execute("SET LOCAL ROLE doclife_owner")
            yield
            self.conn.execute("ALTER TABLE documents ENABLE TRIGGER guard_document_status")
