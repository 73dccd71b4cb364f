"""Where the button on a task's page leads."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from doclife.operators.archive import ArchiveOperator
from doclife.operators.plan_link import PlanLink

TASK = SimpleNamespace(dag_id="archive_it", run_id="manual__2026-11-23T03:00:00+00:00")


def test_a_task_that_works_on_one_plan_leads_to_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example")
    shards = [
        {"plan_id": 12, "action": "ARCHIVE", "shard": shard, "action_index": 0} for shard in (0, 1)
    ]
    task = ArchiveOperator(task_id="archive", shards=shards)
    [link] = task.operator_extra_links
    assert link.get_link(task, ti_key=TASK) == (
        "https://airflow.example/plugin/doclife/doclife/plans/12"
    )


def test_a_task_that_stores_its_own_plan_leads_to_the_plans_of_its_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://corp.example/team/airflow/")
    task = ArchiveOperator(task_id="archive", external_ids=["a"], reason="asked for")
    assert PlanLink().get_link(task, ti_key=TASK) == (
        "https://corp.example/team/airflow/plugin/doclife/team/airflow/doclife/"
        "dags/archive_it?run_id=manual__2026-11-23T03%3A00%3A00%2B00%3A00"
    )
