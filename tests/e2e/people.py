"""People who answer about plans: in Airflow, and at the command line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.e2e.airflow_user import AirflowUser
from tests.e2e.stack import Stack

REVIEW = "review_plan"
WITHIN_SECONDS = 300.0
STANDS_SECONDS = 6.0
"""Twice what the command line waits: Airflow has to see a task wait before it is answered."""


class Person(AirflowUser):
    """Somebody who answers under Required Actions."""

    def answer(self, run_id: str, option: str, **form: Any) -> None:
        """Give an answer, once the question is there and has been for a moment."""
        path = f"{self._run_path(REVIEW, run_id)}/taskInstances/ask/-1/hitlDetails"
        until(lambda: self.stands(run_id), f"{run_id} to ask")
        self._call("PATCH", path, {"chosen_options": [option], "params_input": form})

    def is_asked(self, run_id: str) -> bool:
        """Return whether a run waits for an answer."""
        return run_id in {one["task_instance"]["dag_run_id"] for one in self.waiting()}

    def stands(self, run_id: str) -> bool:
        """Return whether a run has waited long enough to be answered by a machine."""
        return any(
            (datetime.now(UTC) - datetime.fromisoformat(one["created_at"])).total_seconds()
            > STANDS_SECONDS
            for one in self.waiting()
            if one["task_instance"]["dag_run_id"] == run_id
        )

    def waiting(self) -> list[dict[str, Any]]:
        """Return the questions that nobody has answered, as the page lists them."""
        query = "response_received=false&state=awaiting_input"
        return list(
            self._call("GET", f"/api/v2/dags/~/dagRuns/~/hitlDetails?{query}")["hitl_details"]
        )


def person(stack: Stack, name: str) -> Person:
    """Log in as one of Airflow's users."""
    return Person(stack.port, name=name, password=stack.home.read("logins.json")[name])


def typed(stack: Stack, *arguments: str | Path, **environment: str) -> dict[str, Any]:
    """Type one command in an environment of its own, and return its JSON."""
    done = stack.home.call("doclife", *map(str, arguments), "--json", env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for something to become so."""
    gives_up_at = time.monotonic() + WITHIN_SECONDS
    while not is_so():
        assert time.monotonic() < gives_up_at, f"waited in vain for {what}"
        time.sleep(0.5)


def state(stack: Stack, plan_id: int) -> str:
    """Return the state of a plan."""
    return str(stack.column("SELECT state FROM plans WHERE id = %s", plan_id)[0])
