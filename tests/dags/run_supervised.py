"""Runs one task instance as a worker does: supervised, in a process of its own, with a log file.

Arguments: DAG, run, task, map index, the log file. The instance must be ready to run.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from uuid import UUID

from airflow.models.taskinstance import TaskInstance
from airflow.sdk.api.datamodels import _generated as sdk
from airflow.sdk.execution_time.supervisor import (
    InProcessTestSupervisor,
    supervise_task,
)
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select

from tests.dags.airflow_runs import BUNDLE, parse


def run(dag_id: str, run_id: str, task_id: str, map_index: str, log_path: str) -> None:
    """Run it to its end, whatever that is."""
    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    with create_session() as session:
        query = select(TaskInstance).where(
            TaskInstance.dag_id == dag_id,
            TaskInstance.run_id == run_id,
            TaskInstance.task_id == task_id,
            TaskInstance.map_index == int(map_index),
        )
        instance = session.scalars(query).one()
        instance.state = TaskInstanceState.QUEUED
        what = sdk.TaskInstance(
            id=UUID(str(instance.id)),
            task_id=task_id,
            dag_id=dag_id,
            run_id=run_id,
            try_number=instance.try_number,
            map_index=int(map_index),
            dag_version_id=UUID(str(instance.dag_version_id)),
        )
    supervise_task(
        ti=what,
        bundle_info=sdk.BundleInfo(name=BUNDLE),
        dag_rel_path=f"{dag_id}.py",
        token="",
        log_path=log_path,
        client=InProcessTestSupervisor._api_client(parse(folder).dags[dag_id]),
    )


run(*sys.argv[1:])
