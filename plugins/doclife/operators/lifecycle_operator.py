"""What all operators have in common: Airflow in, lifecycle out."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator

from doclife.operators.connecting import documents_database
from doclife.operators.faults import lasting_faults_fail_at_once
from doclife.operators.metrics import are_sent
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from airflow.sdk import Context

    from doclife.store.connection import Connection


class LifecycleOperator(BaseOperator):
    """Open the catalogue, do one thing with it, and publish what came of it.

    A subclass says in ``work`` which verb of the lifecycle is called. What it returns goes to
    XCom, and where it is a dictionary of counts, to the task's outlets as their ``extra``.

    :param postgres_conn_id: Airflow Connection to the catalogue (templated).
    """

    template_fields: Sequence[str] = ("postgres_conn_id",)

    def __init__(self, *, postgres_conn_id: str = "documents", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.postgres_conn_id = postgres_conn_id

    @abstractmethod
    def work(self, conn: "Connection", run: TaskRun) -> Any:
        """Call the lifecycle, and return counts or ids."""

    def execute(self, context: "Context") -> Any:
        """Do the work; what a retry cannot help is raised as AirflowFailException."""
        run = TaskRun.of(context)
        with (
            lasting_faults_fail_at_once(),
            documents_database(self.postgres_conn_id, application_name=run.name) as conn,
        ):
            result = self.work(conn, run)
            if are_sent():
                from doclife.lifecycle.measuring import note_success

                note_success(conn, dag_id=run.dag_id, task_id=run.task_id, now=present())
        if isinstance(result, Mapping):
            self.log.info("%s: %s", self.task_id, result)
            self.publish(context, result)
        return result

    def publish(self, context: "Context", counts: Mapping[str, Any]) -> None:
        """Let the counts go to the task's outlets."""
        for outlet in self.outlets:
            if isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra = dict(counts)


def present() -> datetime:
    """Return the present; below the operators it is always an argument."""
    return datetime.now(UTC)
