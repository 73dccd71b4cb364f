"""A deployment from nothing: ``init`` and ``api-server`` as the compose file tells them to run.

They run as processes with just the environment that their containers would have; only addresses
and folders are this machine's. People come by password and by single sign-on.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from deploy import health
from deploy.prepare import UnpreparedError, prepare_documents
from local.env_file import LINE
from local.guard import COMPONENT_GRACE_SECONDS, Guard
from local.ports import free_port
from local.postgres import Postgres
from local.processes import end_family
from local.state import ROOT
from tests.conftest import FORGETFUL
from tests.deploy.compose import Deployment, given
from tests.deploy.openid_provider import CLIENT, SECRET, OpenIdProvider, providing

pytestmark = pytest.mark.full

UP_WITHIN_SECONDS = 240.0
"""On an idle machine it takes 10 s."""


@dataclass(frozen=True)
class Running:
    """A deployment whose init job has ended and whose api-server answers."""

    url: str
    told: Mapping[str, str]
    """What .env says."""
    said: str
    """By two runs of the init job, one after the other."""
    server: Postgres
    provider: OpenIdProvider
    environment: Mapping[str, str]
    """Of the api-server."""


@pytest.fixture(scope="module")
def running(guard: Guard) -> Iterator[Running]:
    """Start what ``docker compose up`` would start first."""
    with tempfile.TemporaryDirectory(prefix="doclife-test-") as name, providing() as provider:
        home = Path(name)
        home.chmod(0o711)  # as root the server runs as another user, who must get through
        (home / "deployment").mkdir()
        deployment = Deployment.make(home / "deployment")
        port = free_port()
        deployment.set(
            BASE_URL=f"http://127.0.0.1:{port}",
            API_WORKERS="1",
            OIDC_CLIENT_ID=CLIENT,
            OIDC_CLIENT_SECRET=SECRET,
        )
        server = Postgres(home / "pg", settings=FORGETFUL, watch=guard.watch_database)
        told = dict(LINE.findall(deployment.env_file.read_text()))
        try:
            server.start()
            services = deployment.services()
            init = here(services["init"], server, home, port)
            said = prepare_twice(init)
            deployment.set(OIDC_ISSUER=provider.issuer)
            api_server = deployment.services()["api-server"]
            environment = here(api_server, server, home, port)
            with serving(api_server["command"], environment, port, home, guard):
                yield Running(
                    url=f"http://127.0.0.1:{port}",
                    told=told,
                    said=said,
                    server=server,
                    provider=provider,
                    environment=environment,
                )
        finally:
            server.remove()


def here(service: Mapping[str, Any], server: Postgres, home: Path, port: int) -> dict[str, str]:
    """Return a service's environment with addresses and folders of this machine."""
    moved = {
        "@postgres:5432/": f"@{urlsplit(server.url()).netloc.rpartition('@')[2]}/",
        "http://api-server:8080/": f"http://127.0.0.1:{port}/",
        "/opt/airflow": str(home),
    }
    environment = given(service)
    for there, ours in moved.items():
        environment = {name: text.replace(there, ours) for name, text in environment.items()}
    if "SERVER_URL" in environment:  # the superuser has the password of this test's own server
        environment["SERVER_URL"] = server.url()
    return {
        **environment,
        # What the image sets.
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__FAB__CONFIG_FILE": str(ROOT / "deploy" / "webserver_config.py"),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(home),
        # The test's own.
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        # Seconds that FAB goes on believing what it knows of a person; else 30.
        "AIRFLOW__FAB__CACHE_TTL": "0",
    }


def prepare_twice(environment: Mapping[str, str]) -> str:
    """Run the init job, and again with another password for the administrator who is there now.

    Both in one process: to load Airflow takes most of the time.
    """
    both = (
        "import os; from deploy.prepare import main; assert main() == 0; print('-- again');"
        "os.environ['FIRST_ADMIN_PASSWORD'] = 'another'; assert main() == 0"
    )
    done = subprocess.run(
        [sys.executable, "-c", both],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@contextmanager
def serving(
    command: list[str], env: Mapping[str, str], port: int, home: Path, guard: Guard
) -> Iterator[None]:
    """Run the api-server until the end of the block."""
    log = home / "api-server.log"
    with child([sys.executable, "-m", *command], env, log, guard) as process:
        gives_up_at = time.monotonic() + UP_WITHIN_SECONDS
        while not answers(f"http://127.0.0.1:{port}/api/v2/version"):
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < gives_up_at, log.read_text()[-3000:]
            time.sleep(0.2)
        yield


@contextmanager
def child(
    command: list[str], env: Mapping[str, str], log: Path, guard: Guard
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process and what it starts until the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=dict(env),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    watched = guard.watch_component(process.pid)
    try:
        yield process
    finally:
        end_family([watched], grace_seconds=COMPONENT_GRACE_SECONDS)
        process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def token_of(running: Running, *, name: str, password: str) -> str:
    """Log in as a program does, with a password that Airflow keeps."""
    login = {"username": name, "password": password}
    answer = httpx.post(f"{running.url}/auth/token", json=login)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["access_token"])


def come(running: Running, *, name: str, groups: list[str]) -> str:
    """Log in as a person does, over the provider, and return the login's token."""
    running.provider.person = {
        "preferred_username": name,
        "email": f"{name}@example.org",
        "given_name": name.title(),
        "family_name": "Example",
        "groups": groups,
    }
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        answer = browser.get(f"{running.url}/auth/login/sso")
        assert answer.status_code == 200, (answer.url, answer.text[:500])
        return browser.cookies["_token"]


def ask(running: Running, token: str | None, path: str, **content: str) -> int:
    """Call the dashboard's API, with a POST where there is something to say."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = f"{running.url}/doclife/api/v1{path}"
    if content:
        return httpx.post(url, json=content, headers=headers, timeout=60).status_code
    return httpx.get(url, headers=headers, timeout=60).status_code


def test_the_init_job_makes_logins_that_own_no_more_than_they_need(running: Running) -> None:
    with psycopg.connect(running.server.url("documents")) as conn:
        rights = conn.execute(
            "SELECT rolname, rolsuper OR rolcreatedb OR rolreplication, rolcreaterole"
            " FROM pg_roles WHERE rolname IN ('airflow', 'doclife_admin', 'doclife_airflow')"
            " ORDER BY rolname"
        ).fetchall()
        owned = conn.execute(
            "SELECT datname, pg_get_userbyid(datdba) FROM pg_database"
            " WHERE datname IN ('airflow', 'documents') ORDER BY datname"
        ).fetchall()
        tables = conn.execute(
            "SELECT count(*) FROM pg_class WHERE relowner = 'doclife_airflow'::regrole"
        ).fetchone()
        by_tasks = conn.execute("SELECT approvals_by_tasks_only FROM doclife.deployment").fetchone()
    assert rights == [
        ("airflow", False, False),
        ("doclife_admin", False, True),
        ("doclife_airflow", False, False),
    ]
    assert owned == [("airflow", "airflow"), ("documents", "doclife_admin")]
    assert tables == (0,)
    assert by_tasks == (True,)


def test_a_second_init_changes_nothing_and_keeps_everybodys_password(running: Running) -> None:
    first, again = running.said.split("-- again")

    assert "migrations applied: " in first
    assert "it is up to date" in again
    assert "already exist" in again
    token_of(running, name=running.told["ADMIN_USER"], password=running.told["ADMIN_PASSWORD"])


def test_the_first_administrator_may_do_everything(running: Running) -> None:
    token = token_of(
        running, name=running.told["ADMIN_USER"], password=running.told["ADMIN_PASSWORD"]
    )

    assert ask(running, token, "/documents") == 200
    assert ask(running, token, "/halt", reason="a drill") == 200
    assert ask(running, token, "/resume", reason="over") == 200


@pytest.mark.parametrize(
    ("groups", "reads", "writes"),
    [
        ([], 403, 403),
        (["accounting"], 403, 403),
        (["doclife-viewer"], 200, 403),
        (["doclife-user"], 200, 200),
        (["doclife-op", "accounting"], 200, 200),
        (["doclife-admin"], 200, 200),
    ],
    ids=lambda value: "-".join(value) or "no-group" if isinstance(value, list) else None,
)
def test_who_comes_by_single_sign_on_may_do_what_their_groups_say(
    running: Running, groups: list[str], reads: int, writes: int
) -> None:
    token = come(running, name=f"p{len(groups)}{''.join(groups)}", groups=groups)

    assert ask(running, token, "/documents") == reads
    assert ask(running, token, "/halt", reason="a drill") == writes
    assert running.provider.refused == []


def test_who_left_a_group_has_lost_its_rights_at_the_next_login(running: Running) -> None:
    assert ask(running, come(running, name="olga", groups=["doclife-user"]), "/documents") == 200
    assert ask(running, come(running, name="olga", groups=[]), "/documents") == 403


def test_without_a_login_there_is_nothing(running: Running) -> None:
    assert ask(running, None, "/documents") == 401
    assert ask(running, "no.such.token", "/documents") in {401, 403}
    login = {"username": running.told["ADMIN_USER"], "password": "guessed"}
    assert httpx.post(f"{running.url}/auth/token", json=login).status_code == 401


def test_the_health_check_tells_what_answers_from_what_does_not(
    running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks_report_to = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"
    monkeypatch.setenv(tasks_report_to, running.environment[tasks_report_to])

    assert health.main("metadatabase") == 0
    # It does not run here.
    assert health.main("scheduler") == 1
    assert capsys.readouterr().err == "scheduler: unhealthy\n"
    monkeypatch.setenv(tasks_report_to, f"http://127.0.0.1:{free_port()}/execution/")
    assert health.main("metadatabase") == 1
    assert "refused" in capsys.readouterr().err


def test_a_password_that_would_break_an_address_is_refused_before_anything_is_done() -> None:
    environment = {
        "SERVER_URL": "postgresql://nobody@127.0.0.1:1/postgres",
        "AIRFLOW_DB_PASSWORD": "fine-1_2.3~4",
        "DOCLIFE_ADMIN_PASSWORD": "p@ss/word",
        "DOCLIFE_AIRFLOW_PASSWORD": "",
    }

    with pytest.raises(UnpreparedError, match="DOCLIFE_ADMIN_PASSWORD, DOCLIFE_AIRFLOW_PASSWORD"):
        prepare_documents(environment)
