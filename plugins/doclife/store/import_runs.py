"""How far imports have come: one row per run, and a lock of its session while it lives."""

from dataclasses import dataclass
from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportRun:
    """One import of documents."""

    run_id: int
    source: str
    """Folder, prefix or manifest, as one printable line."""
    requested_by: str
    started_at: datetime
    reading_at: datetime | None
    """When everything was counted and reading began; None before."""
    file_count: int | None
    """What there is to read; None until it is counted."""
    total_bytes: int | None
    done_count: int
    """Files that are in the catalogue by now, new or as they were."""
    done_bytes: int
    new_count: int
    changed_count: int
    refused_count: int | None
    """Files that were not imported; None before the end."""
    finished_at: datetime | None
    error: str | None
    """What ended it before its end."""
    is_alive: bool
    """Whether its session is there; False with no ``finished_at``: it was killed."""


def begin(conn: Connection, *, organization_id: int, source: str, actor: str) -> int:
    """Note that an import begins, show that it is alive, and return its number."""
    parameters = {"organization_id": organization_id, "source": source, "actor": actor}
    run_id = int(fetch_value(conn, statement("imports/begin_run"), parameters))
    conn.execute(statement("imports/lock_run"), {"run_id": run_id})
    return run_id


def expect(conn: Connection, run_id: int, *, file_count: int, total_bytes: int) -> None:
    """Note how much there is to read."""
    parameters = {"run_id": run_id, "file_count": file_count, "total_bytes": total_bytes}
    conn.execute(statement("imports/expect_run"), parameters)


def advance(
    conn: Connection,
    run_id: int,
    *,
    done_count: int,
    done_bytes: int,
    new_count: int,
    changed_count: int,
) -> None:
    """Note a batch, in the transaction that writes it."""
    parameters = {
        "run_id": run_id,
        "done_count": done_count,
        "done_bytes": done_bytes,
        "new_count": new_count,
        "changed_count": changed_count,
    }
    conn.execute(statement("imports/advance_run"), parameters)


def end(conn: Connection, run_id: int, *, refused_count: int, error: str | None) -> None:
    """Note that an import has ended.

    :param error: what ended it before its end; None when nothing did.
    """
    parameters = {"run_id": run_id, "refused_count": refused_count, "error": error}
    conn.execute(statement("imports/end_run"), parameters)
    conn.execute(statement("imports/unlock_run"), {"run_id": run_id})


def list_newest(conn: Connection, *, organization_id: int, size: int) -> list[ImportRun]:
    """Return the newest imports of an organization, the newest first."""
    parameters = {"organization_id": organization_id, "size": size}
    return fetch_rows(conn, statement("imports/list_runs"), parameters, ImportRun)


def prune(conn: Connection, *, before: datetime, size: int) -> int:
    """Forget at most so many imports that began before a moment; return how many went."""
    parameters = {"before": before, "size": size}
    return int(fetch_value(conn, statement("imports/prune_runs"), parameters))
