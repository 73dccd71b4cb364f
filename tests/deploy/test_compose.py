"""docker-compose.yaml, as Docker Compose itself reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from doclife.delivery.configuration import EMAIL_CONNECTION, SLACK_CONNECTION
from doclife.delivery.guard import ALLOW_HTTP, ALLOWED_NETWORKS
from doclife.delivery.links import PUBLIC_URL
from local.env_file import LINE
from tests.deploy.compose import COMPOSE_FILE, Deployment, given

pytestmark = pytest.mark.full

OURS = {"init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
REQUIRED = sorted(set(re.findall(r"\$\{([A-Z_]+):\?", COMPOSE_FILE.read_text())))
"""Whatever the file refuses to be without."""


def test_everything_that_a_deployment_consists_of_is_there(deployment: Deployment) -> None:
    assert deployment.services().keys() == {*OURS, "postgres", "redis"}
    every = deployment.services("--profile", "*")
    assert every.keys() == {*OURS, "postgres", "redis", "cli", "mail"}
    assert given(every["worker"])["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert every["worker"]["deploy"]["replicas"] == 2
    # A fixed name would be taken by the first of several.
    assert not any("container_name" in service for service in every.values())
    assert every["postgres"]["image"].startswith("postgres:18")


@pytest.mark.parametrize("name", REQUIRED)
def test_without_a_secret_nothing_starts_and_a_sentence_says_which(
    deployment: Deployment, name: str
) -> None:
    text = deployment.env_file.read_text()
    for without in (re.sub(rf"^{name}=.*\n", "", text, flags=re.M), f"{text}{name}=\n"):
        deployment.env_file.write_text(without)

        answer = deployment.read()

        assert answer.returncode != 0
        assert name in answer.stderr
        sentence = answer.stderr.strip().split("is missing a value: ", 1)[1]
        assert len(sentence.split()) > 5, answer.stderr


def test_every_secret_that_run_env_makes_is_required(deployment: Deployment) -> None:
    made = {name for name, _ in LINE.findall(deployment.env_file.read_text())}

    assert made - {"ADMIN_USER", "TIME_ZONE"} == set(REQUIRED)


def test_secrets_come_from_env_alone() -> None:
    secret = re.compile(
        r"^ *\w*(?:PASSWORD|SECRET|KEY|CLI_AUTH|_CONN|_URL)\w*: *(.*)$", re.MULTILINE
    )
    written = [value for value in secret.findall(COMPOSE_FILE.read_text()) if value]

    assert len(written) > 10
    # Addresses within the deployment hold either none or one of .env.
    of_env = re.compile(r"(?!.*:[^/$]*@).*\$\{[A-Z_]+.*|http://api-server:8080/execution/")
    assert [value for value in written if not of_env.fullmatch(value)] == []
    # No secret has a value to fall back on.
    assert not re.search(r"\$\{\w*(PASSWORD|SECRET|KEY):?-", COMPOSE_FILE.read_text())


def test_nothing_but_the_user_interface_is_published(deployment: Deployment) -> None:
    published = {
        name: [(port.get("host_ip"), port["published"]) for port in service["ports"]]
        for name, service in deployment.services().items()
        if service.get("ports")
    }
    assert published == {"api-server": [("127.0.0.1", "8080")]}

    for_trying_out = deployment.services("--profile", "*")["mail"]
    assert [port["host_ip"] for port in for_trying_out["ports"]] == ["127.0.0.1"]
    assert all("network_mode" not in each for each in deployment.services().values())


def test_databases_are_in_a_network_of_their_own_without_a_way_out(
    deployment: Deployment,
) -> None:
    services = deployment.services("--profile", "*")

    assert set(services["postgres"]["networks"]) == set(services["redis"]["networks"]) == {"data"}
    assert '"data": {' in deployment.read().stdout
    assert '"internal": true' in deployment.read().stdout
    assert "data" not in services["mail"]["networks"]


def test_each_login_is_known_to_those_alone_who_need_it(deployment: Deployment) -> None:
    told = dict(LINE.findall(deployment.env_file.read_text()))
    knows = {
        name: {
            secret
            for secret, value in told.items()
            if secret.endswith(("PASSWORD", "KEY", "SECRET"))
            and any(value in text for text in given(service).values())
        }
        for name, service in deployment.services("--profile", "*").items()
    }

    assert {name for name, known in knows.items() if "POSTGRES_PASSWORD" in known} == {
        "postgres",
        "init",
    }
    assert {name for name, known in knows.items() if "DOCLIFE_ADMIN_PASSWORD" in known} == {
        "init",
        "cli",
    }
    assert {name for name, known in knows.items() if "ADMIN_PASSWORD" in known} == {"init"}
    assert knows["redis"] == {"REDIS_PASSWORD"}
    assert not knows["mail"]
    # It starts tasks and never looks at a document.
    assert not knows["scheduler"] & {"DOCLIFE_AIRFLOW_PASSWORD", "SIGNING_KEY", "LINKS_KEY"}


def test_what_runs_is_healthy_bounded_and_started_again(deployment: Deployment) -> None:
    for name, service in deployment.services("--profile", "dev").items():
        limits = service["deploy"]["resources"]["limits"]
        assert int(limits["memory"]) > 0, name
        assert float(limits["cpus"]) > 0, name
        assert service["logging"]["options"]["max-size"], name
        if name == "init":
            assert service["restart"] == "no"
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name


def test_ours_run_without_rights_on_the_machine(deployment: Deployment) -> None:
    for name, service in deployment.services("--profile", "*").items():
        if name in {*OURS, "cli"}:
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
            assert "privileged" not in service, name
            assert not any("docker.sock" in each["target"] for each in service.get("volumes", []))


def test_everybody_waits_for_what_they_need(deployment: Deployment) -> None:
    services = deployment.services()

    def waits_for(name: str) -> dict[str, str]:
        depends: Mapping[str, Any] = services[name].get("depends_on") or {}
        return {other: how["condition"] for other, how in depends.items()}

    assert waits_for("init") == {"postgres": "service_healthy"}
    assert waits_for("api-server")["init"] == "service_completed_successfully"
    for name in OURS - {"init", "api-server"}:
        assert waits_for(name)["init"] == "service_completed_successfully", name
        # A task that is started reports to the api-server, and fails without.
        assert waits_for(name)["api-server"] == "service_healthy", name


def test_a_worker_ends_its_tasks_before_it_stops(deployment: Deployment) -> None:
    worker = deployment.services()["worker"]

    # A drain hands over after five minutes; a minute more for what it is in the middle of.
    assert worker["stop_grace_period"] == "10m0s"
    # Celery's main process is told, and it alone: tini starts it without a shell in between.
    assert worker["command"][:3] == ["airflow", "celery", "worker"]


def test_documents_lie_where_tasks_dashboard_and_command_line_find_them(
    deployment: Deployment,
) -> None:
    def places(name: str) -> dict[str, tuple[str, str]]:
        service = deployment.services("--profile", "*")[name]
        return {each["target"]: (each["type"], each["source"]) for each in service["volumes"]}

    for name in ("worker", "api-server", "cli"):
        assert places(name)["/documents"] == ("volume", "documents")
        assert places(name)["/archive"] == ("volume", "archive")
    deployment.set(DOCUMENTS_FOLDER="/srv/documents")
    assert places("worker")["/documents"] == ("bind", "/srv/documents")


def test_what_env_says_of_channels_reaches_tasks_and_dashboard(deployment: Deployment) -> None:
    names = (EMAIL_CONNECTION, SLACK_CONNECTION, ALLOW_HTTP, ALLOWED_NETWORKS, PUBLIC_URL)
    names += ("SMTP_HOST", "SENDGRID_API_KEY", "AWS_ACCESS_KEY_ID", "DOCLIFE_DRAINERS")
    services = deployment.services()
    for name in names:
        # Not even empty, which some of them would take for a value.
        assert name not in given(services["worker"]), name

    deployment.set(**dict.fromkeys(names, "told"))
    services = deployment.services()
    for service in ("worker", "api-server", "triggerer", "dag-processor"):
        assert {given(services[service])[name] for name in names} == {"told"}, service
