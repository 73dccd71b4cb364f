"""Reads how far a plan has come."""

from dataclasses import dataclass
from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanProgress:
    """The items of a plan that are there to do, and what became of them so far."""

    items: int
    done: int
    skipped: int
    failed: int
    total_bytes: int
    done_bytes: int

    @property
    def finished(self) -> int:
        """Items that nothing is left to do about."""
        return self.done + self.skipped + self.failed


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningPlan:
    """A plan that is being applied, and how far it has come."""

    plan_id: int
    rule: str | None
    """None for what people chose by hand, and for purges."""
    kind: str
    requested_by: str
    applying_at: datetime | None
    items: int
    finished: int
    """Items that nothing is left to do about."""
    failed: int


def list_running(conn: Connection, *, organization_id: int, size: int) -> list[RunningPlan]:
    """Return the plans of an organization that are being applied, the newest first."""
    parameters = {"organization_id": organization_id, "size": size}
    return fetch_rows(conn, statement("plans/list_running"), parameters, RunningPlan)


def plan_progress(conn: Connection, plan_id: int) -> PlanProgress:
    """Return how far a plan has come; all zero when it is unknown or empty."""
    query = statement("plans/progress")
    return fetch_rows(conn, query, {"plan_id": plan_id}, PlanProgress)[0]
