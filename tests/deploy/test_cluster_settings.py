"""The cluster of tests and benchmarks is the one of docker-compose.yaml."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from local.cluster import WORKER, Cluster
from local.state import ROOT

OWN = {
    "AIRFLOW__CORE__AUTH_MANAGER": "nobody but the test logs in",
    "AIRFLOW__API__HOST": "there are no containers around it",
    "AIRFLOW__API__WORKERS": "each takes memory, and nobody looks at pages",
    "AIRFLOW__API__PORT": "any free one",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "an address",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER": "a folder",
    "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": "a folder",
}
"""What is not the same, and why. Addresses, secrets and what is left to .env go without saying."""


def test_every_setting_of_docker_compose_is_that_of_the_cluster(tmp_path: Path):
    compose = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
    wanted = {
        name: re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", value)
        for name, value in compose["x-airflow"].items()
        if name.startswith("AIRFLOW__") and value is not None and name not in OWN
    }
    wanted = {name: value for name, value in wanted.items() if "${" not in value}
    url = "postgresql://user:password@127.0.0.1:1/database"
    cluster = Cluster(tmp_path / "cluster", metadata_url=url, tasks_url=url, variables={})
    cluster.end()

    assert {"AIRFLOW__CORE__EXECUTOR", "AIRFLOW__CELERY__WORKER_CONCURRENCY"} <= wanted.keys()
    assert {name: cluster.environment.get(name) for name in wanted} == wanted
    assert compose["services"]["worker"]["command"] == ["airflow", *WORKER]
