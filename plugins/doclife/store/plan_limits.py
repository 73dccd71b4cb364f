"""Counts what plans may still do: against the limits of 24 hours, and against the forecast."""

from datetime import date, datetime

from doclife.domain.breaker import Limit
from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_value
from doclife.store.sql import statement


def count_destructive(conn: Connection, plan_id: int) -> int:
    """Return how many documents the plan would archive, delete or purge."""
    return int(fetch_value(conn, statement("plans/count_destructive"), {"plan_id": plan_id}))


def limits(
    conn: Connection, *, plan_id: int, now: datetime, rule_limit: tuple[int, float] | None
) -> list[Limit]:
    """Return the limits that count for a plan, with what their last 24 hours have used.

    :param rule_limit: ``max_documents`` and ``max_fraction`` of the plan's rule; None without one.
    """
    found = []
    # The count lives as long as the transaction that it was made in.
    with conn.transaction():
        count_population(conn)
        rows = fetch_dicts(conn, statement("plans/count_usage"), {"plan_id": plan_id, "now": now})
    for row in rows:
        allowed = (row["max_documents"], row["max_fraction"])
        if row["scope"] == "rule":
            if rule_limit is None:
                continue
            allowed = rule_limit
        found.append(
            Limit(
                scope=row["scope"],
                used=row["used"],
                population=row["population"],
                max_documents=allowed[0],
                max_fraction=float(allowed[1]),
            )
        )
    return found


def count_population(conn: Connection) -> None:
    """Count every organization's documents, once per transaction."""
    conn.execute(statement("plans/create_population"))
    conn.execute(statement("plans/count_population"))


def lock_limits(conn: Connection) -> None:
    """Be the only one to count against the limits until the transaction ends."""
    conn.execute(statement("plans/lock_limits"))


def expected(conn: Connection, *, rule_version_id: int, today: date) -> int | None:
    """Return what the rule's forecast expected to be due by now, if it was ever forecast."""
    parameters = {"rule_version_id": rule_version_id, "today": today}
    count: int | None = fetch_value(conn, statement("plans/count_forecast"), parameters)
    return count
