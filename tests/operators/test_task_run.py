from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.utils.types import DagRunType

from doclife.operators.task_run import TaskRun, actor_of


def dag_run(user: str | None, run_type: DagRunType):
    return SimpleNamespace(triggering_user_name=user, run_type=run_type)


@pytest.mark.parametrize(
    ("user", "run_type", "actor"),
    [
        ("olga", DagRunType.MANUAL, "user:olga"),
        ("olga", DagRunType.BACKFILL_JOB, "user:olga"),
        (None, DagRunType.SCHEDULED, "schedule"),
        (None, DagRunType.BACKFILL_JOB, "schedule"),
        (None, DagRunType.ASSET_TRIGGERED, "event"),
        (None, DagRunType.OPERATOR_TRIGGERED, "schedule"),
    ],
)
def test_the_actor_is_whoever_set_the_run_off(user, run_type, actor):
    assert actor_of(dag_run(user, run_type)) == actor


def task_run(**fields) -> TaskRun:
    instance = {"dag_id": "night", "run_id": "run-1", "task_id": "delete", "map_index": -1}
    context = {
        "ti": SimpleNamespace(**{**instance, **fields}),
        "dag_run": dag_run(None, DagRunType.SCHEDULED),
    }
    return TaskRun.of(context)


def test_a_session_is_named_after_its_task():
    assert task_run().name == "doclife night.delete"
    assert task_run(map_index=3).name == "doclife night.delete[3]"


def test_mapped_tasks_have_selections_of_their_own():
    keys = {task_run(map_index=index).selection_key for index in (-1, 0, 1)}

    assert len(keys) == 3
