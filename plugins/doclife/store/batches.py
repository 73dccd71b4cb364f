"""Applies plans batch by batch: claims shards, locks and judges documents, counts what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.types.json import Jsonb

from doclife.domain.fragment import Fragment
from doclife.domain.plan import ShardRef
from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_value
from doclife.store.sql import composed, statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """What forbids a plan to go on."""

    code: str
    """``halted`` and ``future`` stop the work; ``stale`` and ``superseded`` end the plan."""
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A document that was changed as its item said."""

    document_id: int
    rule: str | None = None
    """``name@version`` that decided, where that is not the plan's own rule."""
    note: str | None = None
    """What its reason must say besides."""


def claim_shard(conn: Connection, shard: ShardRef) -> bool:
    """Be the only one at work on a shard, until the session ends; False when somebody else is."""
    return bool(fetch_value(conn, statement("apply/claim_shard"), _key(shard)))


def is_shard_free(conn: Connection, shard: ShardRef) -> bool:
    """Whether nobody is at work on a shard; nobody can begin to until the transaction ends."""
    return bool(fetch_value(conn, statement("apply/is_shard_free"), _key(shard)))


def give_back_shard(conn: Connection, shard: ShardRef) -> None:
    """Let others work on a shard."""
    conn.execute(statement("apply/give_back_shard"), _key(shard))


def start_plan(conn: Connection, *, plan_id: int, now: datetime) -> bool:
    """Move a plan to ``applying``; False when it is in no state to be begun."""
    parameters = {"plan_id": plan_id, "now": now}
    return fetch_value(conn, statement("apply/start"), parameters) is not None


def finish_plan(conn: Connection, *, plan_id: int, now: datetime) -> bool:
    """Move a plan to ``applied`` when nothing of it is left to do; return whether it was moved."""
    parameters = {"plan_id": plan_id, "now": now}
    return fetch_value(conn, statement("apply/finish"), parameters) is not None


def end_plan(conn: Connection, *, plan_id: int, code: str, reason: str, now: datetime) -> None:
    """Close what is left of a plan that may not go on, with the reason; once more does nothing.

    Waits for the batches under way. Whoever holds a batch of this plan open waits for itself.
    """
    conn.execute(statement("apply/lock_plan"), {"plan_id": plan_id})
    parameters = {"plan_id": plan_id, "code": code, "reason": reason, "now": now}
    conn.execute(statement("apply/end_plan"), parameters)
    conn.execute(statement("apply/close_plan"), {"plan_id": plan_id, "now": now})


def start_shard(conn: Connection, shard: ShardRef, *, now: datetime) -> None:
    """Note when work on a shard first began."""
    conn.execute(statement("apply/start_shard"), {**_key(shard), "now": now})


def check_applicable(
    conn: Connection, *, plan_id: int, now: datetime, max_age_days: int
) -> tuple[str, Refusal | None]:
    """Lock a plan for one batch and return its state and what forbids it to go on."""
    rows = fetch_dicts(
        conn,
        statement("apply/check_applicable"),
        {"plan_id": plan_id, "now": now, "max_age_days": max_age_days},
    )
    row = rows[0]
    code = row["refusal_code"]
    return row["state"], Refusal(code=code, reason=row["refusal"]) if code else None


def lock_batch(
    conn: Connection, shard: ShardRef, *, size: int, document_ids: Sequence[int] | None = None
) -> list[int]:
    """Lock the next documents of a shard, or the given ones as far as they are still planned."""
    parameters = {
        **_key(shard),
        "size": size,
        "document_ids": None if document_ids is None else list(document_ids),
    }
    return [row[0] for row in conn.execute(statement("apply/lock_batch"), parameters)]


def judge(
    conn: Connection,
    shard: ShardRef,
    *,
    document_ids: Sequence[int],
    protections: Fragment,
    today: date,
    present: datetime,
    warn_before: Sequence[str] | None,
    gone_ids: Sequence[int],
) -> list[int]:
    """Judge a locked batch by the present and return the documents that may go ahead.

    :param warn_before: ISO 8601 periods of a rule that deletes nothing without a delivered warning.

    Only a hold speaks against giving up originals that are gone (``gone_ids``). The verdicts
    stay in ``pg_temp.verdicts`` until the transaction ends.
    """
    conn.execute(statement("plans/create_protections"))
    conn.execute(statement("apply/create_verdicts"))
    conn.execute(
        composed("apply/collect_protections", protections=protections.text),
        {**protections.parameters, "document_ids": list(document_ids)},
    )
    conn.execute(
        statement("apply/judge"),
        {
            **_key(shard),
            "document_ids": list(document_ids),
            "today": today,
            "present": present,
            "warn_before": None if warn_before is None else list(warn_before),
            "gone_ids": list(gone_ids),
        },
    )
    return [row[0] for row in conn.execute(statement("apply/list_cleared"))]


def skip(conn: Connection, shard: ShardRef, *, now: datetime) -> int:
    """Close the items of the judged batch that something spoke against; return how many."""
    return int(fetch_value(conn, statement("apply/skip"), {**_key(shard), "now": now}))


def fail(
    conn: Connection, shard: ShardRef, failures: Sequence[Mapping[str, object]], *, now: datetime
) -> int:
    """Close items that could not be done: ``document_id``, ``code`` and ``reason`` each."""
    parameters = {**_key(shard), "now": now, "failures": Jsonb([dict(one) for one in failures])}
    return int(fetch_value(conn, statement("apply/fail"), parameters))


def trash(
    conn: Connection, *, now: datetime, today: date, grace: str
) -> tuple[list[Done], date | None]:
    """Put the cleared documents of the judged batch into the trash.

    :param grace: how long the trash keeps them, an ISO 8601 period.
    :return: the documents, and from when on they may be purged; None for no document.
    """
    parameters = {"now": now, "today": today, "grace": grace}
    rows = conn.execute(statement("apply/trash"), parameters).fetchall()
    return [Done(document_id=row[0]) for row in rows], rows[0][1] if rows else None


def record_archived(
    conn: Connection,
    *,
    now: datetime,
    today: date,
    original_grace: str | None,
    uris: Mapping[int, str],
) -> list[Done]:
    """Let the cleared documents of the judged batch be archived; return them.

    :param original_grace: how long the original stays, an ISO 8601 period; None keeps it.
    :param uris: where each document's copy lies.
    """
    parameters = {
        "now": now,
        "today": today,
        "original_grace": original_grace,
        "uris": Jsonb({str(document): uri for document, uri in uris.items()}),
    }
    rows = conn.execute(statement("apply/record_archived"), parameters)
    return [Done(document_id=row[0]) for row in rows]


def record_done(
    conn: Connection,
    shard: ShardRef,
    documents: Sequence[Done],
    *,
    organization_id: int,
    what: str,
    now: datetime,
    today: date,
    actor: str,
    rule: str | None = None,
    details: Mapping[str, object] | None = None,
) -> int:
    """Finish the items of documents that were just changed; return how many.

    :param what: type of the event, and action of the audit entry.
    :param rule: which rule decided, where a document does not say another.
    :param details: for the audit entry of each.
    """
    return int(
        fetch_value(
            conn,
            statement("apply/record_done"),
            {
                **_key(shard),
                "organization_id": organization_id,
                "type": what,
                "document_ids": [each.document_id for each in documents],
                "rules": [each.rule or rule for each in documents],
                "notes": [each.note for each in documents],
                "details": Jsonb(dict(details or {})),
                "now": now,
                "today": today,
                "actor": actor,
            },
        )
    )


def _key(shard: ShardRef) -> dict[str, object]:
    return {
        "plan_id": shard.plan_id,
        "action_index": shard.action_index,
        "shard": shard.shard,
    }
