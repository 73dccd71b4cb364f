"""Keeps book of an import while it runs, so that others see how far it has come."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock

import psycopg

from doclife.domain.organization import Organization
from doclife.errors import DoclifeError
from doclife.store import import_runs, organizations
from doclife.store.connection import Connection
from doclife.store.import_runs import ImportRun

__all__ = ["ImportRun", "RunningImport", "list_imports", "running"]

BY_HAND = "stopped by hand"


@dataclass(slots=True)
class RunningImport:
    """An import that is at work."""

    run_id: int
    refused_count: int = 0
    """Files that were not imported so far."""


@contextmanager
def running(
    conn: Connection, *, tenant: Organization, source: str, actor: str, database: Lock
) -> Iterator[RunningImport]:
    """Note when an import begins and how it ends.

    An import that is killed cannot note its end; that its session is gone tells it.

    :param source: as one printable line.
    :param database: held while the connection is used.
    """
    # Together, so that nobody sees the import before the lock that shows it alive.
    with database, conn.transaction():
        run_id = import_runs.begin(conn, organization_id=tenant.id, source=source, actor=actor)
    run = RunningImport(run_id=run_id)
    try:
        yield run
    except BaseException as error:
        # Where the database is what failed, there is nobody to tell.
        with suppress(psycopg.Error), database:
            import_runs.end(conn, run_id, refused_count=run.refused_count, error=_explained(error))
        raise
    with database:
        import_runs.end(conn, run_id, refused_count=run.refused_count, error=None)


def list_imports(conn: Connection, *, organization: str, size: int) -> list[ImportRun]:
    """Return the newest imports of an organization with how far they have come."""
    tenant = organizations.find(conn, organization)
    return import_runs.list_newest(conn, organization_id=tenant.id, size=size)


def _explained(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return BY_HAND
    if isinstance(error, DoclifeError):
        return str(error)
    return type(error).__name__
