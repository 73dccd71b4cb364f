"""What follows a purge, as a task of a run: what it destroys, and when it is worth a retry."""

from __future__ import annotations

import pytest

from doclife.errors import DoclifeError
from doclife.lifecycle.halting import halt
from doclife.operators.faults import is_lasting
from doclife.operators.settle import SettlePurgesOperator
from doclife.operators.task_run import TaskRun
from doclife.storage.local import LocalFilesystem
from doclife.store.connection import Connection
from tests.lifecycle.conftest import World
from tests.lifecycle.test_erasure_requests import trashed


def settle(conn: Connection, *, mode: str, run: str = "run-1") -> dict[str, int]:
    operator = SettlePurgesOperator(task_id="settle", concluded={}, mode=mode)
    return operator.work(
        conn,
        TaskRun(dag_id="cleanup", run_id=run, task_id="settle", map_index=-1, actor="user:olga"),
    )


def test_a_run_that_only_simulates_destroys_nothing_of_an_erasure(world: World) -> None:
    trashed(world, "one")

    assert settle(world.conn, mode="simulate")["purged"] == 0

    assert world.value("SELECT status FROM documents") == "deleted"
    assert world.file("one").exists()
    assert world.value("SELECT state FROM erasure_requests") == "open"
    assert world.value("SELECT count(*) FROM plans WHERE kind = 'purge'") == 0
    assert settle(world.conn, mode="")["purged"] == 1
    assert not world.file("one").exists()


@pytest.mark.parametrize("is_away", [True, False])
def test_a_store_that_is_away_is_tried_again_and_what_lasts_is_not(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    is_away: bool,
) -> None:
    trashed(world, "one")
    if is_away:

        def away(*_arguments: object, **_named: object) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(LocalFilesystem, "create", away)
    else:
        halt(world.conn, reason="a drill", actor="user:olga", now=world.now)

    with pytest.raises(DoclifeError, match="Not everything could be done") as raised:
        settle(world.conn, mode="enforce")

    assert is_lasting(raised.value) is not is_away


def test_the_mode_may_be_a_template() -> None:
    assert "mode" in SettlePurgesOperator.template_fields
