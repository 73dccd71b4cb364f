"""What waits in the triggerer, behind a real pgbouncer in transaction mode: LISTEN is deaf."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from doclife.lifecycle.watching import wait_until_delivered
from doclife.store.connection import Connection
from local import databases
from local.ports import LOOPBACK, free_port
from local.postgres import Postgres
from local.system_programs import PGBOUNCER
from tests.conftest import PASSWORDS

from .test_watching import POLLING, QUICK, mail, watched

pytestmark = pytest.mark.full

SETTINGS = """
[databases]
* = host={host} port={server}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = 2
logfile = {folder}/log
ignore_startup_parameters = extra_float_digits
"""


@pytest.fixture
def pooled(postgres: Postgres, database: str) -> Iterator[str]:
    """The URL of this test's database through the pooler."""
    server = psycopg.conninfo.conninfo_to_dict(postgres.url())["port"]
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="doclife-pooler-"))
    folder.chmod(0o777)  # as root it runs as nobody, who writes a log here
    (folder / "users.txt").write_text(
        "".join(f'"{name}" "{password}"\n' for name, password in PASSWORDS.items())
    )
    settings = SETTINGS.format(host=LOOPBACK, server=server, port=port, folder=folder)
    (folder / "pgbouncer.ini").write_text(settings)
    pooler = subprocess.Popen(
        [PGBOUNCER, "--quiet", folder / "pgbouncer.ini"],
        user="nobody" if os.geteuid() == 0 else None,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(pooler, port, folder / "log")
        yield databases.as_role(
            f"postgresql://superuser@{LOOPBACK}:{port}/postgres",
            role=databases.ADMIN,
            password=PASSWORDS[databases.ADMIN],
            database=database.rsplit("/", 1)[1],
        )
    finally:
        pooler.kill()
        pooler.wait()
        shutil.rmtree(folder)


def _wait_for(pooler: subprocess.Popen[bytes], port: int, log: Path) -> None:
    gives_up_at = time.monotonic() + 60
    while pooler.poll() is None and time.monotonic() < gives_up_at:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text() if log.exists() else "pgbouncer does not start")


async def _soon_a_mail(conn: Connection) -> None:
    await asyncio.sleep(0.5)
    mail(conn)


def test_new_work_is_found_by_looking(conn: Connection, pooled: str) -> None:
    woken = watched(pooled, settings=POLLING, meanwhile=lambda: _soon_a_mail(conn))

    assert woken == 1


def test_nothing_is_heard_there(conn: Connection, pooled: str) -> None:
    """Or the test above would prove nothing."""
    assert watched(pooled, settings=QUICK, meanwhile=lambda: _soon_a_mail(conn), seconds=2) == 0


def test_what_is_due_at_a_time_wakes_at_that_time(conn: Connection, pooled: str) -> None:
    row = conn.execute("SELECT now() + interval '1 second'").fetchone()
    assert row is not None
    mail(conn, run_at=row[0])

    assert watched(pooled, settings=QUICK) == 1


def test_many_look_over_few_connections_of_the_server(conn: Connection, pooled: str) -> None:
    async def look() -> list[bool]:
        async def where() -> str:
            return pooled

        waits = [
            wait_until_delivered(where, plan_ids=[7], kinds=["email"], seconds=60)
            for _ in range(10)
        ]
        return await asyncio.gather(*waits)

    assert asyncio.run(look()) == [True] * 10
