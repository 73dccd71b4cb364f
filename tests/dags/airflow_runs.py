"""Runs DAGs as Airflow does, in this process: the scheduler's decisions, the real task runner.

Like ``DAG.test``, but a run can be stopped, cleared and gone on with, and has a user who triggered
it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.sdk import DAG, DagRunState, TaskInstanceState
from airflow.sdk.definitions.dag import _run_task
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select

BUNDLE = "dags-folder"
_numbers = itertools.count(1)


def register_bundle() -> None:
    """Tell the metadata database where DAGs come from; once per session."""
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)


def read_dags(folder: Path) -> dict[str, DAG]:
    """Parse and register every DAG file of a folder, as the dag-processor does."""
    bag = BundleDagBag(dag_folder=str(folder), bundle_path=folder, bundle_name=BUNDLE)
    assert not bag.import_errors, bag.import_errors
    sync_bag_to_db(bag, BUNDLE, None)
    return bag.dags


class Run:
    """One DAG run."""

    def __init__(
        self,
        dag: DAG,
        *,
        user: str | None = "olga",
        conf: Mapping[str, Any] | None = None,
        run_type: DagRunType = DagRunType.MANUAL,
        run_after: datetime | None = None,
        run_id: str | None = None,
    ) -> None:
        self.dag = dag
        self.run_id = run_id or f"test-{next(_numbers)}"
        with create_session() as session:
            self._scheduler_dag = DBDagBag().get_latest_version_of_dag(dag.dag_id, session=session)
        # Callbacks are not serialized; the dag-processor calls them from the file.
        self._scheduler_dag.on_failure_callback = dag.on_failure_callback
        self._user, self._conf, self._type = user, dict(conf or {}), run_type
        self._run_after = run_after or datetime.now(UTC)

    def create(self) -> Run:
        """Queue the run, as a trigger or the schedule does."""
        with create_session() as session:
            run = self._scheduler_dag.create_dagrun(
                run_id=self.run_id,
                logical_date=self._run_after if self._type is DagRunType.SCHEDULED else None,
                run_after=self._run_after,
                conf=self._conf,
                run_type=self._type,
                state=DagRunState.QUEUED,
                triggered_by=DagRunTriggeredByType.REST_API,
                triggering_user_name=self._user,
                start_date=datetime.now(UTC),
                session=session,
            )
            run.state = DagRunState.RUNNING
        return self

    def go_on(self, *, until: str | None = None) -> str:
        """Run what is ready until the run has ended, or the task ``until`` has; return its state."""
        with create_session() as session:
            run = self._find(session)
            run.dag = self._scheduler_dag
            while run.state == "running":
                session.expire_all()
                ready, _ = run.update_state(session=session)
                for instance in ready:
                    instance.try_number += 1
                    instance.state = TaskInstanceState.SCHEDULED
                    instance.scheduled_dttm = datetime.now(UTC)
                session.commit()
                for instance in run.get_task_instances(session=session):
                    if instance.state != TaskInstanceState.SCHEDULED:
                        continue
                    _run_task(ti=instance, task=self.dag.task_dict[instance.task_id])
                    if instance.task_id == until:
                        return str(run.state)
                if not ready and self._is_stuck(session):
                    return str(run.state)
            return str(run.state)

    def states(self) -> dict[str, list[str]]:
        """Return the states of the instances of each task, in order of their map index."""
        with create_session() as session:
            found: dict[str, list[str]] = {}
            query = select(TaskInstance).where(
                TaskInstance.dag_id == self.dag.dag_id, TaskInstance.run_id == self.run_id
            )
            for instance in session.scalars(query.order_by(TaskInstance.map_index)):
                found.setdefault(instance.task_id, []).append(str(instance.state))
            return found

    def tries(self, task_id: str) -> list[int]:
        """Return how often each instance of a task was tried."""
        return [instance.try_number for instance in self._instances(task_id)]

    def clear(self, *task_ids: str) -> None:
        """Clear tasks, as a person does in the user interface."""
        with create_session() as session:
            instances = [
                instance
                for instance in self._find(session).get_task_instances(session=session)
                if instance.task_id in task_ids
            ]
            for instance in instances:
                if instance.state == TaskInstanceState.RUNNING:
                    # Its process is dead; the scheduler would notice the missing heartbeat.
                    instance.state = TaskInstanceState.FAILED
            clear_task_instances(instances, session, dag_run_state=DagRunState.RUNNING)

    def _find(self, session: Any) -> DagRun:
        query = select(DagRun).where(DagRun.dag_id == self.dag.dag_id, DagRun.run_id == self.run_id)
        return session.scalars(query).one()

    def _instances(self, task_id: str) -> list[TaskInstance]:
        with create_session() as session:
            query = select(TaskInstance).where(
                TaskInstance.dag_id == self.dag.dag_id,
                TaskInstance.run_id == self.run_id,
                TaskInstance.task_id == task_id,
            )
            return list(session.scalars(query.order_by(TaskInstance.map_index)))

    def _is_stuck(self, session: Any) -> bool:
        """Whether only a retry's wait, or nothing at all, is left to wait for."""
        waiting = (TaskInstanceState.UP_FOR_RETRY, TaskInstanceState.RUNNING)
        run = self._find(session)
        states = {instance.state for instance in run.get_task_instances(session=session)}
        return run.state == "running" and bool(states & set(waiting))
