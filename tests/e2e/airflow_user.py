"""A person at Airflow's REST API."""

from __future__ import annotations

import time
import urllib.parse
from typing import Any

from local.airflow_api import AirflowApi

READ_WITHIN_SECONDS = 240.0
ENDS_WITHIN_SECONDS = 600.0
"""On an idle machine a run takes 2 to 10 s; tests may share theirs."""


class AirflowUser(AirflowApi):
    """Somebody who has logged in."""

    def __init__(self, port: int, *, name: str, password: str) -> None:
        super().__init__(port)
        self.log_in(name, password)

    def wait_until_read(self, dag_id: str) -> None:
        """Return once the dag-processor has read this DAG."""
        gives_up_at = time.monotonic() + READ_WITHIN_SECONDS
        while not self.dag_exists(dag_id):
            assert time.monotonic() < gives_up_at, (dag_id, self.import_errors())
            time.sleep(0.3)

    def begin(self, dag_id: str, **form: Any) -> str:
        """Trigger a run with what its form was filled with; return its id."""
        content = {"logical_date": None, "conf": form}
        return str(self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", content)["dag_run_id"])

    def end_of(self, dag_id: str, run_id: str) -> str:
        """Wait until a run has ended, and return how: ``success`` or ``failed``."""
        gives_up_at = time.monotonic() + ENDS_WITHIN_SECONDS
        while (state := self.run_state(dag_id, run_id)) not in ("success", "failed"):
            assert time.monotonic() < gives_up_at, f"{dag_id} is still {state}"
            time.sleep(0.3)
        return state

    def run(self, dag_id: str, **form: Any) -> str:
        """Run a DAG to its good end, and return the run's id."""
        self.wait_until_read(dag_id)
        run_id = self.begin(dag_id, **form)
        state = self.end_of(dag_id, run_id)
        assert state == "success", (dag_id, self.failed_tasks(dag_id, run_id))
        return run_id

    def clear(self, dag_id: str, run_id: str) -> list[str]:
        """Clear every task of a run, as the button does; return the tasks that will run again."""
        cleared = self._call(
            "POST",
            f"/api/v2/dags/{dag_id}/clearTaskInstances",
            {"dry_run": False, "dag_run_id": run_id, "only_failed": False, "reset_dag_runs": True},
        )
        return sorted({task["task_id"] for task in cleared["task_instances"]})

    def tries(self, dag_id: str, run_id: str) -> dict[str, int]:
        """Return how often each task of a run was tried."""
        path = f"{self._run_path(dag_id, run_id)}/taskInstances"
        tasks = self._call("GET", path)["task_instances"]
        return {task["task_id"]: task["try_number"] for task in tasks}

    def triggered_by(self, dag_id: str, run_id: str) -> str:
        """Return who Airflow says has set off a run."""
        return str(self._call("GET", self._run_path(dag_id, run_id))["triggering_user_name"])

    def published(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the counts of the asset events of a run, oldest first."""
        query = urllib.parse.urlencode(
            {"source_dag_id": dag_id, "source_run_id": run_id, "order_by": "timestamp"}
        )
        events = self._call("GET", f"/api/v2/assets/events?{query}")["asset_events"]
        return [event["extra"] for event in events]
