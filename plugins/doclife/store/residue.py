"""What stays of purged documents elsewhere than in their rows: found, and taken out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class NamingReport:
    """A report that lists purged documents."""

    report_id: int
    store_name: str
    html_uri: str
    csv_uri: str
    html_sha256: bytes
    csv_sha256: bytes
    document_ids: Sequence[int]


def collect(conn: Connection, document_ids: Sequence[int]) -> None:
    """Note what documents are called, for this transaction, before they become tombstones."""
    conn.execute(statement("residue/create_residue"))
    conn.execute(statement("residue/collect"), {"document_ids": list(document_ids)})


def erase_collected(
    conn: Connection, *, organization_id: int, plan_id: int, actor: str, now: datetime
) -> None:
    """Erase what is found by the documents noted before, and let the rest be swept."""
    parameters = {
        "organization_id": organization_id,
        "plan_id": plan_id,
        "actor": actor,
        "now": now,
    }
    conn.execute(statement("residue/erase_audit"), parameters)
    conn.execute(statement("residue/erase_items"))
    conn.execute(statement("residue/erase_comments"))
    conn.execute(statement("residue/erase_events"))
    conn.execute(statement("residue/erase_notices"))
    conn.execute(statement("residue/erase_keepings"))
    conn.execute(statement("residue/erase_notifications"))
    conn.execute(statement("residue/erase_problems"))
    conn.execute(statement("residue/erase_requests"))
    conn.execute(statement("residue/forget_places"))
    conn.execute(statement("residue/note_to_sweep"), {"now": now})


def list_unswept(conn: Connection, *, size: int) -> list[int]:
    """Return purged documents that messages and reports may still name, the oldest purge first."""
    return [row[0] for row in conn.execute(statement("residue/list_unswept"), {"size": size})]


def collect_named(conn: Connection) -> None:
    """Find the stored messages that name documents to be swept, for this transaction."""
    conn.execute(statement("residue/create_named"))
    conn.execute(statement("residue/collect_named"))


def erase_named(conn: Connection) -> int:
    """Erase what those messages say; return how many were taken back before they were sent."""
    # The messages themselves come last: what hangs on them is found by them.
    conn.execute(statement("residue/blank_attempts"))
    conn.execute(statement("residue/blank_delivery_events"))
    conn.execute(statement("residue/blank_digest_lines"))
    conn.execute(statement("residue/drop_failed_jobs"))
    conn.execute(statement("residue/blank_history"))
    conn.execute(statement("residue/blank_jobs"))
    return int(fetch_value(conn, statement("residue/withdraw_jobs"), {}))


def list_reports(conn: Connection) -> list[NamingReport]:
    """Return the reports that may list documents to be swept."""
    return fetch_rows(conn, statement("residue/list_reports"), {}, NamingReport)


def record_report(
    conn: Connection,
    report_id: int,
    *,
    html: tuple[int, bytes] | None,
    csv: tuple[int, bytes] | None,
) -> None:
    """Note size and SHA-256 of a report's files that were written again; None keeps it."""
    parameters = {
        "report_id": report_id,
        "html_bytes": html and html[0],
        "html_sha256": html and html[1],
        "csv_bytes": csv and csv[0],
        "csv_sha256": csv and csv[1],
    }
    conn.execute(statement("residue/record_report"), parameters)


def end_sweep(conn: Connection, document_ids: Sequence[int]) -> None:
    """Call documents swept that no waiting message names any more."""
    conn.execute(statement("residue/end_sweep"), {"document_ids": list(document_ids)})
