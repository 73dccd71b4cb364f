"""Reads and writes rules and their immutable versions."""

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from psycopg.types.json import Jsonb

from doclife.domain.compiler import RuleVersion
from doclife.domain.rule import Rule
from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_value
from doclife.store.sql import statement


def list_current(
    conn: Connection, organization_id: int, *, with_off: bool = False
) -> list[RuleVersion]:
    """Return the current version of every rule in use, by name; those that are off on demand."""
    rows = fetch_dicts(
        conn,
        statement("rules/list_current"),
        {"organization_id": organization_id, "with_off": with_off},
    )
    return [_version(row) for row in rows]


def find_version(conn: Connection, version_id: int) -> tuple[RuleVersion, str] | None:
    """Return a version and the short name of its organization, or None."""
    rows = fetch_dicts(conn, statement("rules/find_version"), {"version_id": version_id})
    return (_version(rows[0]), rows[0]["slug"]) if rows else None


def list_versions(conn: Connection, organization_id: int, name: str) -> list[dict[str, Any]]:
    """Return every version of one rule, newest first."""
    return fetch_dicts(
        conn,
        statement("rules/list_versions"),
        {"organization_id": organization_id, "name": name},
    )


def add_version(
    conn: Connection,
    *,
    organization_id: int,
    rule: Rule,
    source: str,
    author: str,
    commit: str | None,
    now: datetime,
) -> RuleVersion:
    """Add the next version of a rule, made if it is new, and let it be the current one."""
    rule_id = fetch_value(
        conn,
        statement("rules/add_rule"),
        {"organization_id": organization_id, "name": rule.name},
    )
    row = conn.execute(
        statement("rules/add_version"),
        {
            "rule_id": rule_id,
            "mode": str(rule.mode),
            "definition": Jsonb(rule.to_document()),
            "source": source,
            "author": author,
            "commit_id": commit,
            "now": now,
        },
    ).fetchone()
    assert row is not None  # INSERT ... RETURNING of an aggregate always yields one row
    conn.execute(statement("rules/make_current"), {"rule_id": rule_id, "version_id": row[0]})
    return RuleVersion(
        rule_id=rule_id, version_id=row[0], version=row[1], created_at=now, rule=rule
    )


def remove(conn: Connection, *, organization_id: int, name: str, now: datetime) -> bool:
    """Take a rule out of use; return whether there was one."""
    parameters = {"organization_id": organization_id, "name": name, "now": now}
    return fetch_value(conn, statement("rules/remove"), parameters) is not None


def _version(row: dict[str, Any]) -> RuleVersion:
    return RuleVersion(
        rule_id=row["rule_id"],
        version_id=row["version_id"],
        version=row["version"],
        created_at=row["created_at"],
        rule=_read(row["definition"]),
    )


@lru_cache(maxsize=1000)
def _read(definition: str) -> Rule:
    """Return the rule that a definition is, the same one for the same text.

    Nothing of a rule changes once it is read, and reading it takes longer than asking for it: a
    page, or a task of the night, reads all that are in use.
    """
    return Rule.from_document(json.loads(definition))
