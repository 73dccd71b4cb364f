"""Starts runs of other DAGs from within a task, through Airflow's own task interface."""

from collections.abc import Mapping

FINISHED = ("success", "failed")


def start_run(dag_id: str, run_id: str, *, conf: Mapping[str, object], again: bool = False) -> bool:
    """Start a run under a name of its own; return whether it is new.

    A run of that name that goes on is left alone.

    :param conf: numbers only: everybody who may see the DAG can read it.
    :param again: what becomes of a run of that name that has ended: begun anew, or left alone.
    """
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun

    def trigger(*, reset: bool) -> object:
        return task_runner.SUPERVISOR_COMMS.send(
            TriggerDagRun(dag_id=dag_id, run_id=run_id, conf=dict(conf), reset_dag_run=reset)
        )

    if not isinstance(trigger(reset=False), ErrorResponse):
        return True
    if again and state_of(dag_id, run_id) in FINISHED:
        trigger(reset=True)
    return False


def begin_anew(dag_id: str, run_id: str, *, conf: Mapping[str, object]) -> None:
    """Let a run begin again from its first task, also one that waits for a person."""
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import TriggerDagRun

    task_runner.SUPERVISOR_COMMS.send(
        TriggerDagRun(dag_id=dag_id, run_id=run_id, conf=dict(conf), reset_dag_run=True)
    )


def state_of(dag_id: str, run_id: str) -> str:
    """Return ``queued``, ``running``, ``success`` or ``failed``."""
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import DagRunStateResult, GetDagRunState

    found = task_runner.SUPERVISOR_COMMS.send(GetDagRunState(dag_id=dag_id, run_id=run_id))
    assert isinstance(found, DagRunStateResult)
    return str(found.state.value)
