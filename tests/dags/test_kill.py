"""A task that is killed in the middle of a shard, and cleared: nothing is lost or done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from doclife.lifecycle.deleting import BATCH_SIZE
from doclife.store.connection import connect
from tests.airflow_environment import DAGS_FOLDER, ROOT
from tests.dags.airflow_runs import Run
from tests.dags.catalogue import (
    DELETE_OLD_TEMP,
    add_documents,
    allow_everything,
    apply_rules,
    column,
    plan_states,
)

pytestmark = pytest.mark.usefixtures("documents_connection")
WAIT_SECONDS = 240


def test_a_killed_shard_goes_on_when_cleared_and_does_nothing_twice(dags, conn, database):
    total = 2 * BATCH_SIZE + 10
    allow_everything(conn)
    add_documents(conn, *(f"due-{number:06}" for number in range(total)))
    apply_rules(conn, DELETE_OLD_TEMP)
    run = Run(dags["execute_automation_rules"]).create()
    run.go_on(until="plan")
    # Whoever is in the way of the second batch keeps the task in the middle of its shard.
    in_the_way = column(conn, "SELECT max(document_id) FROM plan_items")[0]

    with held_back(database, in_the_way), process_of(run) as process:
        wait_until(lambda: deleted(conn) >= BATCH_SIZE, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=60)
    done_before = deleted(conn)

    assert BATCH_SIZE <= done_before < total, "killed in the middle"
    assert run.states()["delete"] == ["running"], "nobody told Airflow"
    run.clear("delete")
    assert run.go_on() == "success", run.states()
    assert deleted(conn) == total
    assert plan_states(conn) == ["applied"]
    once = "SELECT count(*) FROM {} GROUP BY document_id HAVING count(*) > 1"
    assert not column(conn, once.format("audit_entries WHERE action = 'document.trashed'"))
    assert not column(conn, once.format("events WHERE type = 'document.trashed'"))
    assert column(conn, "SELECT DISTINCT state FROM plan_items") == ["done"]
    assert column(conn, "SELECT DISTINCT actor FROM audit_entries WHERE document_id > 0") == [
        "user:olga"
    ]


def deleted(conn: psycopg.Connection) -> int:
    return column(conn, "SELECT count(*) FROM documents WHERE status = 'deleted'")[0]


@contextmanager
def held_back(database: str, document_id: int) -> Iterator[None]:
    """Keep a document's row locked meanwhile."""
    with (
        connect(database, application_name="in the way") as conn,
        conn.transaction(force_rollback=True),
    ):
        conn.execute("SELECT FROM documents WHERE id = %s FOR UPDATE", (document_id,))
        yield


@contextmanager
def process_of(run: Run) -> Iterator[subprocess.Popen]:
    """Go on with the run in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"}
    command = [sys.executable, "-m", "tests.dags.run_until_killed"]
    process = subprocess.Popen(
        [*command, str(DAGS_FOLDER), run.dag.dag_id, run.run_id],
        cwd=Path(ROOT),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(condition, process: subprocess.Popen) -> None:
    gives_up_at = time.monotonic() + WAIT_SECONDS
    while not condition():
        if process.poll() is not None:
            pytest.fail(f"the run ended: {process.communicate()[0][-3000:]}")
        assert time.monotonic() < gives_up_at, "the shard did not get half way"
        time.sleep(0.1)
