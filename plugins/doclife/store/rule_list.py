"""Reads the rules in use as a list: with how each ran last and what is due."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement

COUNTED_AT_MOST = 10_001
"""What is due of a rule is counted so far: more is ``10,000+``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleRow:
    """One rule in use."""

    rule_id: int
    version_id: int
    version: int
    created_at: datetime
    author: str
    definition: dict[str, Any]
    plan_id: int | None
    """The newest plan of any of its versions; None: it never ran."""
    plan_state: str | None
    plan_mode: str | None
    planned_at: datetime | None
    approval_reason: str | None
    is_tripped: bool
    """Whether that plan exceeded a limit."""
    failed_count: int | None
    due_count: int | None
    """Archives and deletions due by the last forecast; None: there is none of this version."""
    unknown_count: int | None


def list_page(
    conn: Connection,
    organization_id: int,
    *,
    today: date,
    search: str | None = None,
    mode: str | None = None,
    action: str | None = None,
    trigger: str | None = None,
    after: str = "",
    size: int = 50,
) -> list[RuleRow]:
    """Return a page of the rules in use, by name.

    :param after: the last name of the page before.
    """
    parameters = {
        "organization_id": organization_id,
        "today": today,
        "search": search,
        "mode": mode,
        "action": action,
        "trigger": trigger,
        "after": after,
        "size": size,
        "most": COUNTED_AT_MOST,
    }
    return fetch_rows(conn, statement("rules/list_overview"), parameters, RuleRow)
