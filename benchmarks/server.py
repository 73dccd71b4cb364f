"""A private PostgreSQL for measurements: durable, with the memory a small server has."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from doclife.store.connection import Connection, connect
from doclife.store.migrations import migrate
from local.postgres import Postgres

SETTINGS = {
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "wal_compression": "on",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    # Statistics and vacuum are run by hand, between the measurements and not inside them.
    "autovacuum": "off",
}


@contextmanager
def measured_server() -> Iterator[Postgres]:
    """Start a server whose commits are durable, and remove it afterwards."""
    home = Path(tempfile.mkdtemp(prefix="doclife-benchmark-"))
    home.chmod(0o711)
    server = Postgres(home, settings=SETTINGS)
    try:
        server.start()
        print(f"PostgreSQL with {settings_line()}", flush=True)
        yield server
    finally:
        server.remove()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def migrated_database(server: Postgres, name: str) -> Iterator[Connection]:
    """Create a migrated database, connect to it as its owner, and drop it afterwards."""
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {name}")
        try:
            with connect(server.url(name), application_name="benchmark") as conn:
                migrate(conn)
                yield conn
        finally:
            superuser.execute(f"DROP DATABASE {name} (FORCE)")


def settings_line() -> str:
    """Return the server's settings in one line, for the report."""
    return ", ".join(f"{name}={value}" for name, value in SETTINGS.items())
