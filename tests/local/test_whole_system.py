"""PostgreSQL and Airflow for real: started, stopped, killed, started again.

One start costs 8 to 15 s, so the tests of this file follow one copy of the project through its
life, in the order in which they stand here.
"""

from __future__ import annotations

import signal
import stat
import time

import psycopg
import pytest

from local import databases
from local.airflow_api import AirflowApi
from local.errors import LocalError
from local.first_run import DAGS
from local.ports import free_port
from local.postgres import Postgres
from local.processes import Identity, find
from tests.conftest import admin_url, role_url
from tests.local.checkout import TINY_DAG, Checkout, Start

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The copy that all of this happens to; as root its parent folder is closed to others."""
    copy = Checkout(tmp_path_factory.mktemp("life") / "my project")
    copy.add_tiny_dags()
    yield copy
    copy.remove()


def start(home: Checkout, port: int, *arguments: str) -> Start:
    started = Start(home, *arguments, PORT=str(port))
    started.wait_until_ready()
    return started


def logged_in(home: Checkout, port: int, user: str) -> AirflowApi:
    api = AirflowApi(port)
    api.log_in(user, home.read("logins.json")[user])
    return api


def run_count(home: Checkout, port: int) -> int:
    api = logged_in(home, port, "admin")
    return api._call("GET", "/api/v2/dags/~/dagRuns")["total_entries"]


def test_the_first_start_runs_every_dag_as_admin_and_prints_how_to_log_in(home, port):
    started = start(home, port)

    assert all(f"{dag_id} " in started.output() for dag_id in DAGS)
    assert f"http://127.0.0.1:{port}" in started.output()
    assert home.read("logins.json")["viewer"] in started.output()
    runs = logged_in(home, port, "admin")._call("GET", "/api/v2/dags/~/dagRuns")["dag_runs"]
    assert {(run["dag_id"], run["state"]) for run in runs} == {(d, "success") for d in DAGS}
    assert {run["triggering_user_name"] for run in runs} == {"admin"}

    assert home.call("status").returncode == 0
    assert home.call("status").stdout.count("healthy") == 4
    assert "scheduler.log" in home.call("logs").stdout

    # What is sent is caught, also by the command line: no account is needed.
    assert "0 mails, 0 Slack messages, 0 webhook calls; look at http" in started.output()
    tried = home.call("doclife", "endpoints", "test", "intranet", "-o", "sample")
    assert tried.returncode == 0, tried.stderr
    assert "  what was sent" in home.call("status").stdout

    second = home.call(env={"PORT": str(free_port())})
    assert second.returncode == 1
    assert second.stderr.startswith(f"It runs already at http://127.0.0.1:{port}.")

    secret = ("secrets.json", "logins.json", "running.json", "postgres/superuser.password")
    secret += ("catcher.json", "catcher-secrets.json")
    for name in secret:
        assert stat.S_IMODE((home.folder / ".local" / name).stat().st_mode) == 0o600, name

    # Nobody reads or acts without a login, and a viewer only reads.
    with pytest.raises(LocalError, match="401"):
        AirflowApi(port).dag_exists(DAGS[0])
    viewer = logged_in(home, port, "viewer")
    assert viewer.dag_exists(DAGS[0])
    with pytest.raises(LocalError, match="403"):
        viewer.trigger(DAGS[0])

    url = home.read("running.json")["documents_url"]
    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    assert started.end(signal.SIGTERM) == 0
    assert home.processes() == []
    assert home.call("status").returncode == 1


def test_the_second_start_keeps_data_and_logins_and_runs_no_dag_again(home, port):
    before = home.read("logins.json")

    began = time.monotonic()
    started = start(home, port)

    # Usually a dozen seconds: nothing is loaded and run again.
    assert time.monotonic() - began < 150
    assert "Running each DAG" not in started.output()
    assert run_count(home, port) == len(DAGS)
    assert home.read("logins.json") == before
    assert "0 mails, 0 Slack messages, 1 webhook call; look at http" in started.output()
    tried = home.call("doclife", "endpoints", "test", "intranet", "-o", "sample")
    assert tried.returncode == 0, tried.stderr
    with psycopg.connect(home.read("running.json")["documents_url"]) as conn:
        assert conn.execute("SELECT answer FROM kept").fetchone() == (42,)

    # Ctrl-C, as a terminal sends it.
    assert started.end(signal.SIGINT) == 0
    assert home.processes() == []


def test_after_kill_9_soon_nothing_runs_and_the_next_start_works(home, port):
    killed = start(home, port)
    assert len(home.processes()) > 10

    killed.end(signal.SIGKILL)

    ends_at = time.monotonic() + 120  # within 30 s on a machine that does nothing else
    while home.processes():
        assert time.monotonic() < ends_at, home.processes()
        time.sleep(0.5)

    # And once more without waiting, the guard killed as well: the next start cleans up itself.
    killed = start(home, port)
    for process in home.processes():
        if "local.guard" in process.cmdline():
            process.kill()
    killed.end(signal.SIGKILL)
    assert home.processes() != []
    started = start(home, port)
    assert run_count(home, port) == len(DAGS)

    # A component that dies takes the whole system down, and says why.
    scheduler = find(Identity(**home.read("running.json")["components"]["scheduler"]))
    assert scheduler is not None
    scheduler.kill()
    assert started.wait() == 1
    assert "The scheduler has died with exit code -9. The end of" in started.output()
    assert home.processes() == []


def test_stop_and_reset_leave_nothing(home, port):
    started = start(home, port)

    stopped = home.call("stop")

    assert stopped.stdout == "Stopped.\n"
    assert started.wait() == 0
    assert home.processes() == []
    unasked = home.call("reset")
    assert unasked.returncode == 1
    assert (
        unasked.stderr == "Nobody can be asked here. To delete all local data: ./run reset --yes\n"
    )
    assert "archived documents are in" not in unasked.stdout, "the tiny DAGs archive nothing"
    assert home.call("reset", "--yes").returncode == 0
    assert not (home.folder / ".local").exists()


def test_a_server_of_ones_own_is_used_and_a_failing_dag_named(home, port, postgres: Postgres):
    with psycopg.connect(postgres.url(), autocommit=True) as superuser:
        superuser.execute("CREATE DATABASE own_documents OWNER doclife_admin")
    documents = admin_url(postgres, "own_documents")
    metadata = role_url(postgres, "airflow", role="airflow")
    tasks = role_url(postgres, "own_documents", role=databases.TASKS)
    home.add_dag(DAGS[1], TINY_DAG.format(dag_id=DAGS[1], role="somebody else"))

    urls = {"DATABASE_URL": metadata, "DOCUMENTS_URL": documents, "TASKS_URL": tasks}
    started = Start(home, PORT=str(port), **urls)

    assert started.wait() == 1
    assert f"{DAGS[0]} " in started.output(), "the first one works as the role of TASKS_URL"
    assert f"The first run of {DAGS[1]} failed in look. Its logs are in" in started.output()
    assert home.processes() == []
    assert not (home.folder / ".local" / "postgres").exists()
    assert not (home.folder / ".local" / "first-run.json").exists()
    with psycopg.connect(documents) as conn:
        imported = conn.execute("SELECT count(*) > 0 FROM doclife.documents").fetchone()
        assert imported == (True,)
