"""Compares two versions of a rule over the whole catalogue, in working tables."""

from dataclasses import dataclass
from datetime import date

from doclife.domain.fragment import Fragment, merged_parameters
from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import composed, statement


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeCount:
    """How many documents change in one way."""

    kind: str
    """``newly_due``, ``no_longer_due``, ``earlier``, ``later``, ``newly_scheduled``,
    ``no_longer_scheduled``; of RETAIN ``newly_retained``, ``no_longer_retained``,
    ``retained_longer``, ``retained_shorter``."""
    action: str
    documents: int
    size_bytes: int
    held: int
    """How many of them are under legal hold now."""
    fewest_days: int | None
    most_days: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedDocument:
    """One document that changes."""

    kind: str
    action: str
    external_id: str
    title: str | None
    is_held: bool
    before_on: date | None
    """Due, or retained until, with the version before; ``date.max``: for good; None: not."""
    after_on: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedCount:
    """How many documents judging treats alike."""

    action: str
    reason_code: str | None
    """None: it would be done."""
    documents: int
    size_bytes: int


def begin(conn: Connection) -> None:
    """Make the working table of this transaction, empty."""
    conn.execute(statement("compare/create_changes"))
    conn.execute(statement("compare/empty_changes"))


def collect_due(conn: Connection, before: Fragment, after: Fragment, *, today: date) -> None:
    """Find what falls due on another day. Both must be compiled with prefixes of their own."""
    conn.execute(
        composed("compare/collect_due", hits_before=before.text, hits_after=after.text),
        {**merged_parameters(before, after), "today": today},
    )


def collect_retained(
    conn: Connection, before: Fragment, after: Fragment, *, organization_id: int, today: date
) -> None:
    """Find what the rule retains for another time, over ``candidates``."""
    conn.execute(
        composed(
            "compare/collect_retained",
            protections_before=before.text,
            protections_after=after.text,
        ),
        {
            **merged_parameters(before, after),
            "organization_id": organization_id,
            "today": today,
        },
    )


def count_changes(conn: Connection) -> list[ChangeCount]:
    """Return how many documents change in each way."""
    return fetch_rows(conn, statement("compare/count_changes"), {}, ChangeCount)


def list_changes(conn: Connection, *, size: int) -> list[ChangedDocument]:
    """Return the first documents of each way of changing."""
    return fetch_rows(conn, statement("compare/list_changes"), {"size": size}, ChangedDocument)


def count_judgements(conn: Connection) -> list[JudgedCount]:
    """Return what judging said in this transaction, by action and reason."""
    return fetch_rows(conn, statement("compare/count_judgements"), {}, JudgedCount)
