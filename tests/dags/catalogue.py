"""Documents and rules for DAGs to work on, and what became of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

from doclife.lifecycle.registering import ImportSettings, import_documents
from doclife.lifecycle.ruling import apply_rule_file
from doclife.lifecycle.stores import register_store

LONG_AGO = date(2020, 1, 1)
NAME = "old-temp"


def rule(actions: str, *, mode: str = "enforce", limits: str = "", more: str = "") -> str:
    """Return a rule file with one rule: temporary documents older than 90 days."""
    return f"""
rules:
  - name: {NAME}
    mode: {mode}
    trigger: {{type: ON_SCHEDULE, cron: "0 3 * * *"}}
    when:
      all:
        - {{field: tags, op: has_any, value: [temp]}}
        - {{field: created_on, op: older_than, value: 90d}}
    limits: {{{limits or "max_documents: 100000, max_fraction: 1.0"}}}
    {more}
    actions:
      - {actions}
"""


DELETE_OLD_TEMP = rule("{do: DELETE}")


def allow_everything(conn: psycopg.Connection) -> None:
    """Let no breaker of organization or deployment trip: most tests want all documents hit."""
    conn.execute(
        "UPDATE organizations SET max_fraction_per_day = 1, max_documents_per_day = 100000"
    )
    conn.execute("UPDATE deployment SET max_fraction_per_day = 1, max_documents_per_day = 100000")


def add_documents(conn: psycopg.Connection, *names: str, tags: tuple[str, ...] = ("temp",)) -> None:
    """Register documents without bytes, long enough ago that nothing protects them."""
    conn.execute(
        "INSERT INTO documents (organization_id, external_id, title, tags, created_on,"
        " registered_at, size_bytes, owner)"
        " SELECT 1, name, 'Title of ' || name, %s, %s, %s, 100, 'paula@example.org'"
        " FROM unnest(%s::text []) AS name",
        (list(tags), LONG_AGO, datetime(2020, 1, 2, tzinfo=UTC), list(names)),
    )


def import_files(conn: psycopg.Connection, folder: Path) -> None:
    """Register real files that the rules find old enough."""
    import_documents(
        conn,
        source=str(folder),
        settings=ImportSettings(tags=["temp"], owner="paula@example.org"),
        now=datetime.now(UTC),
        actor="cli:root",
        options=lambda connection_id: {},
    )
    # Nobody backdates a registration, the owner of the tables does: they lie here since long ago.
    with conn.transaction():
        conn.execute("ALTER TABLE documents DISABLE TRIGGER guard_document_facts")
        conn.execute(
            "UPDATE documents SET created_on = %s, registered_at = %s",
            (LONG_AGO, datetime(2020, 1, 2, tzinfo=UTC)),
        )
        # A trigger remembers that we just changed a date, which would protect them for a week.
        conn.execute("UPDATE documents SET field_changed_at = '{}'")
        conn.execute("ALTER TABLE documents ENABLE TRIGGER guard_document_facts")


def add_store(conn: psycopg.Connection, name: str, folder: Path) -> None:
    folder.mkdir()
    register_store(
        conn,
        name=name,
        root=str(folder),
        connection_id=None,
        now=datetime.now(UTC),
        actor="cli:root",
        options=lambda connection_id: {},
    )


def apply_rules(conn: psycopg.Connection, text: str, *, author: str = "user:rita") -> None:
    apply_rule_file(
        conn,
        text=text,
        file="test.yaml",
        author=author,
        now=datetime.now(UTC) - timedelta(minutes=1),
    )


def statuses(conn: psycopg.Connection) -> dict[str, str]:
    """Return the status of each document by its name."""
    return dict(conn.execute("SELECT external_id, status FROM documents ORDER BY 1").fetchall())


def document_id(conn: psycopg.Connection, name: str) -> int:
    return column(conn, "SELECT id FROM documents WHERE external_id = %s", name)[0]


def column(conn: psycopg.Connection, query: str, *parameters: object) -> list:
    """Return the only column of a query's rows."""
    return [row[0] for row in conn.execute(query, parameters or None).fetchall()]


def plan_states(conn: psycopg.Connection) -> list[str]:
    return column(conn, "SELECT state FROM plans ORDER BY id")


def actors(conn: psycopg.Connection) -> set[str]:
    """Return who asked for plans, and who did something to documents."""
    return {
        *column(conn, "SELECT requested_by FROM plans"),
        *column(conn, "SELECT actor FROM audit_entries WHERE plan_id IS NOT NULL"),
    }


def files_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())
