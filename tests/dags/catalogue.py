"""Documents and rules for DAGs to work on, and what became of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

from doclife.lifecycle.ruling import apply_rule_file

LONG_AGO = date(2020, 1, 1)

DELETE_OLD_TEMP = """
rules:
  - name: old-temp
    mode: enforce
    trigger: {type: ON_SCHEDULE, cron: "0 3 * * *"}
    when:
      all:
        - {field: tags, op: has_any, value: [temp]}
        - {field: created_on, op: older_than, value: 90d}
    limits: {max_documents: 1000, max_fraction: 1.0}
    actions:
      - {do: DELETE}
"""


def allow_everything(conn: psycopg.Connection) -> None:
    """Let no breaker of organization or deployment trip: most tests want all documents hit."""
    conn.execute("UPDATE organizations SET max_fraction_per_day = 1")
    conn.execute("UPDATE deployment SET max_fraction_per_day = 1")


def add_documents(conn: psycopg.Connection, *names: str, tags: tuple[str, ...] = ("temp",)) -> None:
    """Register documents without bytes, long enough ago that nothing protects them."""
    conn.cursor().executemany(
        "INSERT INTO documents (organization_id, external_id, title, tags, created_on,"
        " registered_at, size_bytes, owner)"
        " VALUES (1, %s, %s, %s, %s, %s, 100, 'paula@example.org')",
        [
            (name, f"Title of {name}", list(tags), LONG_AGO, datetime(2020, 1, 2, tzinfo=UTC))
            for name in names
        ],
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


def plan_states(conn: psycopg.Connection) -> list[str]:
    return [row[0] for row in conn.execute("SELECT state FROM plans ORDER BY id").fetchall()]


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
