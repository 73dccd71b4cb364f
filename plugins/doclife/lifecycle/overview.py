"""One look at everything: what a person wants to know first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from doclife.lifecycle.jobs import count_jobs
from doclife.lifecycle.stores import Options, StoreStatus, describe_stores
from doclife.store import organizations, reports, switches
from doclife.store.connection import Connection
from doclife.store.migrations import list_pending
from doclife.store.switches import HaltState


@dataclass(frozen=True, kw_only=True)
class Overview:
    """How things are. Everything after ``pending_migrations`` is None until there are none."""

    database: str
    """``user@host:port/name`` and the server's version; no password."""
    server_version: str
    pending_migrations: list[str]
    halt: HaltState | None = None
    stores: list[StoreStatus] | None = None
    documents: list[dict[str, Any]] | None = None
    plans: list[dict[str, Any]] | None = None
    jobs: list[dict[str, Any]] | None = None
    expiry: list[dict[str, Any]] | None = None


def look_around(
    conn: Connection, *, now: datetime, options: Options, organization: str | None = None
) -> Overview:
    """Return how things are, in one organization or all. Works on an empty database too."""
    info = conn.info
    name = f"{info.user}@{info.host}:{info.port}/{info.dbname}"
    version = f"{info.server_version // 10000}.{info.server_version % 10000}"
    pending = list_pending(conn)
    if pending:
        return Overview(database=name, server_version=version, pending_migrations=pending)
    if organization is not None:
        organizations.find(conn, organization)
    return Overview(
        database=name,
        server_version=version,
        pending_migrations=[],
        halt=switches.read(conn),
        stores=describe_stores(conn, options=options),
        documents=reports.count_documents(conn, organization),
        plans=reports.count_plans(conn, organization),
        jobs=count_jobs(conn, now=now, organization=organization),
        expiry=reports.list_watermarks(conn, organization),
    )
