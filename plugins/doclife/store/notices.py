"""Reads what messages are about, and stores them with their notices, jobs and audit entries."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from doclife.domain.compiler import Fragment
from doclife.domain.fragment import merged_parameters
from doclife.domain.message import Message
from doclife.domain.plan import ShardOutcome, ShardRef
from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows
from doclife.store.sql import composed, statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """What a plan's message about one document is about."""

    document_id: int
    rule_id: int | None
    anchor_on: date | None
    due_on: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DueWarning:
    """A document whose day is near enough to tell somebody."""

    document_id: int
    anchor_on: date | None
    due_on: date
    """By the rule alone."""
    goes_on: date
    window_days: int
    """0 when the day is past and nobody was warned before."""
    to_fallback: bool
    """Whether nobody else could be warned."""
    was_kept: bool
    """By the link of an earlier warning."""
    is_current: bool
    """False when the document has changed since it was collected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How an item of a plan ended."""

    document_id: int
    state: str
    reason_code: str | None = None
    reason: str | None = None


def read_documents(conn: Connection, document_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what messages may say about documents, by id."""
    parameters = {"document_ids": list(document_ids)}
    rows = fetch_dicts(conn, statement("notices/read_documents"), parameters)
    return {row["id"]: row for row in rows}


def read_items(conn: Connection, shard: ShardRef, document_ids: Sequence[int]) -> list[Item]:
    """Return the items of a batch."""
    parameters = {
        "plan_id": shard.plan_id,
        "action_index": shard.action_index,
        "document_ids": list(document_ids),
    }
    return fetch_rows(conn, statement("notices/read_items"), parameters, Item)


def store(
    conn: Connection,
    messages: Sequence[Message],
    *,
    organization_id: int,
    rule_id: int | None,
    action_index: int,
    plan_id: int | None,
    now: datetime,
    actor: str,
    rule: str | None,
    audit_action: str,
) -> set[int]:
    """Store messages, at most one per document; return the documents whose message is new."""
    parameters = {
        "messages": Jsonb([_plain(message) for message in messages]),
        "organization_id": organization_id,
        "rule_id": rule_id,
        "action_index": action_index,
        "plan_id": plan_id,
        "now": now,
        "actor": actor,
        "rule": rule,
        "audit_action": audit_action,
    }
    return {row[0] for row in conn.execute(statement("notices/store"), parameters)}


def close_items(
    conn: Connection, shard: ShardRef, outcomes: Sequence[Outcome], *, now: datetime
) -> ShardOutcome:
    """Close the items of a batch and count them in their shard."""
    parameters = {
        "plan_id": shard.plan_id,
        "action_index": shard.action_index,
        "shard": shard.shard,
        "outcomes": Jsonb([asdict(outcome) for outcome in outcomes]),
        "now": now,
    }
    return fetch_rows(conn, statement("notices/close_items"), parameters, ShardOutcome)[0]


def collect_warnings(
    conn: Connection,
    *,
    hits: Fragment,
    protections: Fragment,
    rule_id: int,
    target: int,
    target_action: str,
    action_indexes: Sequence[int],
    windows: Sequence[str],
    is_required: bool,
    fallback: str | None,
    today: date,
) -> None:
    """Collect whom one rule warns; see notices/collect_warnings.sql.

    What was collected stays in ``pg_temp.warnings`` until the next rule or the session's end.

    :param windows: ISO 8601 periods.
    :param is_required: nothing is deleted without a delivered warning.
    :param fallback: whom to warn when nobody else could be, in small letters.
    """
    conn.execute(statement("notices/create_warnings"))
    conn.execute(statement("notices/clear_warnings"))
    conn.execute(
        composed("notices/collect_warnings", hits=hits.text, protections=protections.text),
        {
            **merged_parameters(hits, protections),
            "rule_id": rule_id,
            "target": target,
            "target_action": target_action,
            "action_indexes": list(action_indexes),
            "windows": list(windows),
            "is_required": is_required,
            "fallback": fallback,
            "today": today,
        },
    )


def settle(conn: Connection, *, rule_id: int, now: datetime) -> None:
    """Write down what became of a rule's warnings; what is not certain yet stays open."""
    conn.execute(statement("notices/settle"), {"rule_id": rule_id, "now": now})


def next_warnings(conn: Connection, *, after: int, size: int) -> list[DueWarning]:
    """Return a page of what was collected; ``after`` is the last document of the page before."""
    parameters = {"after": after, "size": size}
    return fetch_rows(conn, statement("notices/next_warnings"), parameters, DueWarning)


def _plain(message: Message) -> dict[str, object]:
    return {**asdict(message), "due_on": message.due_on and message.due_on.isoformat()}


def show_of_jobs(conn: Connection, jobs: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Show what jobs of kind notification say, by their ids; a second call shows nothing twice."""
    conn.execute(
        statement("notifications/insert_of_jobs"),
        {
            "job_ids": [job_id for job_id, _ in jobs],
            "recipients": [str(payload["recipient"]) for _, payload in jobs],
            "titles": [str(payload["title"]) for _, payload in jobs],
            "bodies": [str(payload["body"]) for _, payload in jobs],
        },
    )
