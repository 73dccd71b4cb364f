"""What a deployment sets differently from ./run is a closed list, with reasons."""

from __future__ import annotations

import os
import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from airflow.providers_manager import ProvidersManager

from local.environment import airflow_environment
from local.state import ROOT, State
from tests.deploy.compose import COMPOSE_FILE, Deployment, given

SECRETS = {
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
}
"""Both have one of their own."""

DIFFERENT = {
    "AIRFLOW__CORE__EXECUTOR": "workers on their own, which scale, instead of the scheduler's",
    "AIRFLOW__CORE__AUTH_MANAGER": "people, passwords and roles that Airflow keeps, or single "
    "sign-on; the simple manager is for development, says Airflow",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "no users in settings",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": "no passwords in a file",
    "AIRFLOW__CORE__PARALLELISM": "several machines' worth of tasks at once, not one laptop's",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "the api-server's name in the containers' network",
    "AIRFLOW__API__HOST": "of its container; the machine publishes it on loopback alone",
    "AIRFLOW__API__WORKERS": "a page that takes long must not hold up what tasks report",
    "AIRFLOW__API__BASE_URL": "what browsers see is the proxy's address",
    "AIRFLOW__CORE__DAGS_FOLDER": "where the image has them",
    "AIRFLOW__CORE__PLUGINS_FOLDER": "where the image has them",
    "AIRFLOW__FAB__CONFIG_FILE": "how people log in, which only FAB asks",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER": "a volume that all share",
    "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": "the same volume",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "DAG files change with the image only, so nobody "
    "waits for a new one to be seen",
    "AIRFLOW__CELERY__BROKER_URL": "of Celery",
    "AIRFLOW__CELERY__RESULT_BACKEND": "of Celery",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "of Celery",
    "AIRFLOW__CELERY__OPERATION_TIMEOUT": "of Celery",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "of Celery",
}


def settings_of_the_image() -> dict[str, str]:
    """Return what the Dockerfile sets of Airflow."""
    pairs = re.findall(r"(AIRFLOW__\w+)=(\S+)", (ROOT / "Dockerfile").read_text())
    return dict(pairs)


@pytest.fixture
def settings_of_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What ./run starts Airflow's parts with, when nobody says otherwise."""
    for name in ("PARALLELISM", "TIME_ZONE"):
        monkeypatch.delenv(name, raising=False)
    environment = airflow_environment(
        State(tmp_path / "state"),
        port=8080,
        metadata_url="postgresql+psycopg2://airflow:secret@127.0.0.1/airflow",
        tasks_url="postgresql://doclife_airflow:secret@127.0.0.1/documents",
        variables={},
    )
    return {name: value for name, value in environment.items() if name.startswith("AIRFLOW__")}


@pytest.mark.full
def test_what_differs_from_run_is_a_list_with_reasons(
    deployment: Deployment, settings_of_run: dict[str, str]
) -> None:
    told = given(deployment.services()["api-server"])
    deployed = settings_of_the_image() | {
        name: value for name, value in told.items() if name.startswith("AIRFLOW__")
    }

    differ = {
        name
        for name in deployed.keys() | settings_of_run.keys()
        if deployed.get(name) != settings_of_run.get(name)
    }
    assert differ == DIFFERENT.keys() | SECRETS
    assert all(deployed[name] and settings_of_run[name] for name in SECRETS)


@pytest.mark.full
def test_all_parts_of_airflow_are_told_the_same(deployment: Deployment) -> None:
    services = deployment.services("--profile", "tools")
    told = {
        name: {key: value for key, value in given(service).items() if key.startswith("AIRFLOW__")}
        for name, service in services.items()
        if "AIRFLOW__CORE__EXECUTOR" in given(service)
    }

    assert len(told) == 7
    assert all(settings == told["scheduler"] for settings in told.values())


def test_airflow_and_its_providers_know_every_setting() -> None:
    known = yaml.safe_load(files("airflow.config_templates").joinpath("config.yml").read_text())
    for _, sections in ProvidersManager().provider_configs:
        known |= {name: known.get(name, {"options": {}}) | part for name, part in sections.items()}
    names = {
        f"AIRFLOW__{section.upper()}__{option.upper()}"
        for section, part in known.items()
        for option in part["options"]
    }
    used = set(re.findall(r"AIRFLOW__\w+", COMPOSE_FILE.read_text()))
    used |= settings_of_the_image().keys()
    helm = yaml.safe_load((ROOT / "deploy" / "helm" / "values.yaml").read_text())
    used |= {
        f"AIRFLOW__{section}__{option}".upper()
        for section, options in helm["config"].items()
        for option in options
    }

    assert used <= names, used - names
    assert "AIRFLOW__CELERY__BROKER_URL" in names


def test_the_helm_values_set_what_the_compose_file_sets() -> None:
    values = yaml.safe_load((ROOT / "deploy" / "helm" / "values.yaml").read_text())
    compose = COMPOSE_FILE.read_text()

    for section, name in (
        ("core", "auth_manager"),
        ("core", "load_examples"),
        ("core", "dags_are_paused_at_creation"),
        ("core", "default_timezone"),
        ("core", "parallelism"),
        ("api", "workers"),
        ("scheduler", "task_instance_heartbeat_timeout"),
        ("scheduler", "scheduler_idle_sleep_time"),
    ):
        value = str(values["config"][section][name])
        line = f"AIRFLOW__{section}__{name}".upper()
        told = rf'{line}: (?:"?{re.escape(value)}"?|\${{\w+:-{re.escape(value)}}})$'
        assert re.search(told, compose, re.MULTILINE), line
    assert values["airflowVersion"] in (ROOT / "requirements.in").read_text()
    assert os.fspath(values["executor"]) == "KubernetesExecutor"
