"""Processes die and the server goes away in mid-drain; every job is accounted for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from doclife.lifecycle.queue import add_many
from doclife.store.connection import Connection, connect
from local import databases
from local.postgres import Postgres
from local.state import ROOT
from tests.conftest import admin_url

from .drain_until_killed import drain_all

MAIL: dict[str, Any] = {"to": "a@example.org", "subject": "Hello", "text": "Text"}
STEPS = ["claimed", "begun", "sending", "recording", "recorded", "ending"]


def mails(conn: Connection, count: int) -> list[int]:
    return add_many(conn, kind="email", payloads=[MAIL] * count, requested_by="user:olga")


def start(database: str, log: Path, step: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.lifecycle.drain_until_killed", database, str(log), step],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"},
        stderr=subprocess.DEVNULL,
    )


def received(log: Path) -> Counter[int]:
    return Counter(map(int, log.read_text().split())) if log.exists() else Counter()


def assert_all_accounted_for(conn: Connection, ids: list[int], log: Path) -> None:
    """Each job is done, came at least once, and twice only where that is written down."""
    counts = conn.execute(
        "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM jobs_failed),"
        " (SELECT count(*) FROM job_history), (SELECT count(*) FROM job_batches),"
        " (SELECT count(*) FROM job_workers)"
    ).fetchone()
    assert counts == (0, 0, len(ids), 0, 0)
    attempts = dict(
        conn.execute(
            "SELECT job_id, array_agg(outcome ORDER BY attempt) FROM delivery_attempts GROUP BY 1"
        )
    )
    assert sorted(attempts) == ids
    assert {tuple(outcomes) for outcomes in attempts.values()} <= {
        ("sent",),
        ("unknown", "sent"),
    }
    came = received(log)
    assert sorted(came) == ids
    for job, times in came.items():
        assert times <= len(attempts[job]), f"job {job} came {times} times: {attempts[job]}"


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_process_loses_nothing_and_repeats_only_what_is_unknown(
    conn: Connection, database: str, tmp_path: Path, step: str
) -> None:
    ids = mails(conn, 1000)
    log = tmp_path / "received"
    process = start(database, log, step)
    assert process.wait(timeout=60) == -signal.SIGKILL
    done_before = conn.execute("SELECT count(*) FROM job_history").fetchone()
    began = time.monotonic()

    drain_all(database, log)

    assert time.monotonic() - began < 60  # a lease and two, not the day that another might last
    assert done_before is not None
    # At the other steps a busy machine may have recorded all of it as well.
    assert step != "ending" or done_before[0] == 1000
    assert_all_accounted_for(conn, ids, log)


def test_a_process_killed_at_any_moment_loses_nothing(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    ids = mails(conn, 8000)
    log = tmp_path / "received"
    for moment in (0.05, 0.2, 0.35):
        seen = len(received(log))
        process = start(database, log, "never")
        while len(received(log)) == seen and process.poll() is None:
            time.sleep(0.01)
        time.sleep(moment)
        process.kill()
        process.wait()

    drain_all(database, log)

    counts = conn.execute(
        "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM jobs_failed),"
        " (SELECT count(*) FROM job_history)"
    ).fetchone()
    assert counts is not None
    assert sum(counts) == len(ids)
    assert sorted(received(log)) == ids


def test_a_server_that_is_stopped_and_started_costs_nothing_but_time(
    own_server: Postgres, tmp_path: Path
) -> None:
    database = admin_url(own_server, databases.DOCUMENTS)
    with connect(database) as conn:
        ids = mails(conn, 5000)
    log = tmp_path / "received"

    def restart() -> None:
        while not received(log):
            time.sleep(0.01)
        own_server.stop()
        time.sleep(1)
        own_server.start()

    restarting = threading.Thread(target=restart)
    restarting.start()
    drain_all(database, log)
    restarting.join()

    with connect(database) as conn:
        assert_all_accounted_for(conn, ids, log)
