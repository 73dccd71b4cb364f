"""The few calls of Airflow's REST API that a first start needs."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from local.errors import LocalError

HEALTH_TIMEOUT_SECONDS = 20.0
TIMEOUT_SECONDS = 60.0
"""A busy machine answers late; what is asked again and again may also be late more than once."""


class AirflowApi:
    """One api-server on this machine; log in before anything but ``health``."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._token: str | None = None
        # No proxy, whatever the shell says.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def health(self) -> dict[str, str]:
        """Return the state of each component, e.g. ``{"scheduler": "healthy"}``; {}: no answer."""
        try:
            parts = self._call(
                "GET", "/api/v2/monitor/health", timeout_seconds=HEALTH_TIMEOUT_SECONDS
            )
        except (OSError, ValueError):
            return {}
        return {name: part["status"] for name, part in parts.items() if part.get("status")}

    def log_in(self, user: str, password: str) -> None:
        """Act as this user from now on; runs are recorded under this name."""
        answer = self._call("POST", "/auth/token", {"username": user, "password": password})
        self._token = answer["access_token"]

    def dag_exists(self, dag_id: str) -> bool:
        """Return whether the dag-processor has read this DAG by now."""
        try:
            self._call("GET", f"/api/v2/dags/{dag_id}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise
        return True

    def import_errors(self) -> dict[str, str]:
        """Return the DAG files that could not be read, with the traceback."""
        found = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in found}

    def trigger(self, dag_id: str) -> str:
        """Start a run now and return its id."""
        run = self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None})
        return str(run["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return ``queued``, ``running``, ``success`` or ``failed``."""
        return str(self._call("GET", self._run_path(dag_id, run_id))["state"])

    def failed_tasks(self, dag_id: str, run_id: str) -> list[str]:
        """Return the tasks of a run that failed themselves, not those after them."""
        path = self._run_path(dag_id, run_id) + "/taskInstances?state=failed"
        return [task["task_id"] for task in self._call("GET", path)["task_instances"]]

    @staticmethod
    def _run_path(dag_id: str, run_id: str) -> str:
        return f"/api/v2/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}"

    def _call(
        self,
        method: str,
        path: str,
        content: dict[str, Any] | None = None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Any:
        request = urllib.request.Request(self.address + path, method=method)  # noqa: S310 - http
        request.add_header("Accept", "application/json")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        if content is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(content).encode()
        try:
            with self._open(request, timeout=timeout_seconds) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            error.close()  # whoever catches it looks at the code only
            if error.code in (401, 403):
                raise LocalError(
                    f"Airflow refused {method} {path} ({error.code}): the login in "
                    ".local/logins.json is not the one it was started with. "
                    "Stop it and start again: ./run stop && ./run"
                ) from error
            raise
