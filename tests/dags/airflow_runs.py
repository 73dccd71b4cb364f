"""Runs DAGs as Airflow does, in this process: the scheduler's decisions, the real task runner.

Like ``DAG.test``, but a run can be stopped, cleared and gone on with, and has a user who triggered
it.
"""

from __future__ import annotations

import asyncio
import copy
import importlib
import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.dag_processing.processor import _execute_dag_callbacks
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.models.trigger import Trigger
from airflow.sdk import DAG, DagRunState, TaskInstanceState
from airflow.sdk.definitions.dag import _run_task
from airflow.triggers.base import BaseTrigger, TriggerEvent
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import delete, select

BUNDLE = "dags-folder"
_numbers = itertools.count(1)


def register_bundle() -> None:
    """Tell the metadata database where DAGs come from; once per session."""
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)


def parse(folder: Path) -> BundleDagBag:
    """Read the DAG files of a folder."""
    return BundleDagBag(dag_folder=str(folder), bundle_path=folder, bundle_name=BUNDLE)


def read_dags(folder: Path) -> dict[str, DAG]:
    """Parse and register every DAG file of a folder, as the dag-processor does."""
    bag = parse(folder)
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
        # Read again: filling in a form changes the DAG's params, and tasks of another run are in
        # other processes.
        self.dag = parse(Path(dag.fileloc).parent).dags[dag.dag_id]
        self.run_id = run_id or f"test-{next(_numbers)}"
        with create_session() as session:
            self._scheduler_dag = DBDagBag().get_latest_version_of_dag(dag.dag_id, session=session)
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

    def take_up(self) -> Run:
        """Begin the run that a task has started."""
        with create_session() as session:
            self._find(session).state = DagRunState.RUNNING
        return self

    def answer(self, task_id: str, option: str, *, user: str, **form: Any) -> None:
        """Answer a question as a person does, through what serves Airflow's REST API."""
        # Later than the fixture airflow_metadata, which silences a warning of theirs.
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
        from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
        from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail

        with create_session() as session:
            update_hitl_detail(
                dag_id=self.dag.dag_id,
                dag_run_id=self.run_id,
                task_id=task_id,
                update_hitl_detail_payload=UpdateHITLDetailPayload(
                    chosen_options=[option], params_input=form
                ),
                user=SimpleAuthManagerUser(username=user, role="user"),
                session=session,
            )

    def let_time_run_out(self) -> None:
        """Let the scheduler find that nobody has answered in time."""
        with create_session() as session:
            for instance in self._find(session).get_task_instances(session=session):
                if instance.state == TaskInstanceState.AWAITING_INPUT:
                    instance.trigger_timeout = datetime.now(UTC) - timedelta(seconds=1)
        SchedulerJobRunner(job=Job()).check_awaiting_input_timeouts()

    def fire_triggers(self) -> list[Any]:
        """Let each deferred task's trigger fire, as the triggerer does; return what they said."""
        said = []
        with create_session() as session:
            for instance in self._find(session).get_task_instances(session=session):
                if instance.state == TaskInstanceState.DEFERRED:
                    row = session.get(Trigger, instance.trigger_id)
                    module, name = row.classpath.rsplit(".", 1)
                    trigger = getattr(importlib.import_module(module), name)(**row.kwargs)
                    event = asyncio.run(_first_event(trigger))
                    said.append(event.payload)
                    Trigger.submit_event(instance.trigger_id, event, session=session)
        return said

    def mark_as_success(self, task_id: str) -> None:
        """Set the state of a task by hand, as the button does."""
        with create_session() as session:
            for instance in self._find(session).get_task_instances(session=session):
                if instance.task_id == task_id:
                    instance.state = TaskInstanceState.SUCCESS

    def question(self, task_id: str) -> HITLDetail:
        """Return what a person is asked."""
        with create_session() as session:
            query = (
                select(HITLDetail)
                .join(TaskInstance, TaskInstance.id == HITLDetail.ti_id)
                .where(
                    TaskInstance.dag_id == self.dag.dag_id,
                    TaskInstance.run_id == self.run_id,
                    TaskInstance.task_id == task_id,
                )
            )
            return session.scalars(query).one()

    def go_on(self, *, until: str | None = None) -> str:
        """Run what is ready until the run, or the task ``until``, has ended; return its state."""
        while True:
            ready = self._schedule()
            for instance in ready:
                # A copy: rendering changes a task, and the next one is another process.
                _run_task(ti=instance, task=copy.copy(self.dag.task_dict[instance.task_id]))
                if instance.task_id == until:
                    return self._state()
            if self._state() != "running" or (not ready and self._only_waits()):
                return self._state()

    def make_ready(self) -> set[tuple[str, int]]:
        """Let the scheduler decide once; return what may run now, by task and map index."""
        return {(instance.task_id, instance.map_index) for instance in self._schedule()}

    def _schedule(self) -> list[TaskInstance]:
        """Let the scheduler decide once, with its callbacks; return what may run now."""
        with create_session() as session:
            run = self._find(session)
            run.dag = self._scheduler_dag
            ready, callback = run.update_state(session=session, execute_callbacks=False)
            for instance in ready:
                instance.try_number += 1
                instance.state = TaskInstanceState.SCHEDULED
                instance.scheduled_dttm = datetime.now(UTC)
        if callback is not None:
            _execute_dag_callbacks(
                parse(Path(self.dag.fileloc).parent), callback, structlog.get_logger()
            )
        return [
            instance
            for instance in self._instances()
            if instance.state == TaskInstanceState.SCHEDULED
        ]

    def _state(self) -> str:
        with create_session() as session:
            return str(self._find(session).state)

    def _only_waits(self) -> bool:
        """Whether only a retry, a dead process, a trigger or a person is left to wait for."""
        waiting = {
            TaskInstanceState.UP_FOR_RETRY,
            TaskInstanceState.RUNNING,
            TaskInstanceState.AWAITING_INPUT,
            TaskInstanceState.DEFERRED,
        }
        return bool({instance.state for instance in self._instances()} & waiting)

    def states(self) -> dict[str, list[str]]:
        """Return the states of the instances of each task, in order of their map index."""
        found: dict[str, list[str]] = {}
        for instance in self._instances():
            found.setdefault(instance.task_id, []).append(str(instance.state))
        return found

    def tries(self, task_id: str) -> list[int]:
        """Return how often each instance of a task was tried."""
        return [each.try_number for each in self._instances() if each.task_id == task_id]

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

    def _instances(self) -> list[TaskInstance]:
        with create_session() as session:
            query = select(TaskInstance).where(
                TaskInstance.dag_id == self.dag.dag_id, TaskInstance.run_id == self.run_id
            )
            return list(session.scalars(query.order_by(TaskInstance.map_index)))


async def _first_event(trigger: BaseTrigger) -> TriggerEvent:
    async for event in trigger.run():
        return event
    raise AssertionError("a trigger ended without a word")


def run_ids(dag_id: str) -> list[str]:
    """Return the runs of a DAG that there are, oldest first."""
    with create_session() as session:
        query = select(DagRun.run_id).where(DagRun.dag_id == dag_id).order_by(DagRun.id)
        return list(session.scalars(query))


def forget_runs(dag_id: str) -> None:
    """Remove the runs of a DAG that other tests have left: plans begin with number 1 in each."""
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id == dag_id))


def asset_counts(name: str) -> dict[str, Any]:
    """Return the counts that the newest event of an asset carries."""
    with create_session() as session:
        query = (
            select(AssetEvent.extra)
            .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
            .where(AssetModel.name == name)
            .order_by(AssetEvent.id.desc())
            .limit(1)
        )
        return dict(session.scalars(query).one())
