"""What follows a purge, as a task of a run: what it destroys, and when it is worth a retry."""

from __future__ import annotations

from doclife.operators.settle import SettlePurgesOperator
from doclife.operators.task_run import TaskRun
from doclife.store.connection import Connection
from tests.lifecycle.conftest import World, world  # noqa: F401 - a fixture
from tests.lifecycle.test_erasure_requests import trashed


def settle(conn: Connection, *, mode: str, run: str = "run-1") -> dict[str, int]:
    operator = SettlePurgesOperator(task_id="settle", concluded={}, mode=mode)
    return operator.work(
        conn,
        TaskRun(dag_id="cleanup", run_id=run, task_id="settle", map_index=-1, actor="user:olga"),
    )


def test_a_run_that_only_simulates_destroys_nothing_of_an_erasure(world: World) -> None:  # noqa: F811
    trashed(world, "one")

    assert settle(world.conn, mode="simulate")["purged"] == 0

    assert world.value("SELECT status FROM documents") == "deleted"
    assert world.file("one").exists()
    assert world.value("SELECT state FROM erasure_requests") == "open"
    assert world.value("SELECT count(*) FROM plans WHERE kind = 'purge'") == 0
    assert settle(world.conn, mode="")["purged"] == 1
    assert not world.file("one").exists()


def test_the_mode_may_be_a_template() -> None:
    assert "mode" in SettlePurgesOperator.template_fields
