"""Which task of which DAG run is at work, and on whose behalf."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

SCHEDULED_RUNS = ("scheduled", "backfill", "operator_triggered")
"""A run that a task has started has the user of the task's run, if there was one."""


@dataclass(frozen=True, kw_only=True)
class TaskRun:
    """One task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    """-1 when the task is not mapped."""
    actor: str
    """Who set the run off, as in the audit trail: ``user:<name>``, ``schedule`` or ``event``."""

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> Self:
        """Read it from the context that Airflow gives to ``execute``."""
        instance, run = context["ti"], context["dag_run"]
        return cls(
            dag_id=instance.dag_id,
            run_id=instance.run_id,
            task_id=instance.task_id,
            map_index=-1 if instance.map_index is None else instance.map_index,
            actor=actor_of(run),
        )

    @property
    def name(self) -> str:
        """A name for the database's list of sessions."""
        mapped = f"[{self.map_index}]" if self.map_index >= 0 else ""
        return f"doclife {self.dag_id}.{self.task_id}{mapped}"

    @property
    def selection_key(self) -> str:
        """What tells this task's plan from others of the run; the same after it was cleared."""
        return f"task:{self.task_id}:{self.map_index}"


def actor_of(dag_run: Any) -> str:
    """Return who set off a run.

    Airflow does not tell tasks what triggered a run, only which user did, if one did; the rest
    follows from the run's type. Clearing a run keeps the first user's name.
    """
    if dag_run.triggering_user_name:
        return f"user:{dag_run.triggering_user_name}"
    return "schedule" if str(dag_run.run_type.value) in SCHEDULED_RUNS else "event"
