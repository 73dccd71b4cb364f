"""What the dashboard asks of Airflow is asked by the person, and Airflow knows them by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from airflow.models import DagRun
from airflow.models.hitl import HITLDetail
from airflow.utils.session import create_session
from fastapi.testclient import TestClient
from sqlalchemy import delete, select

from local import databases
from local.postgres import Postgres
from tests.airflow_environment import DAGS_FOLDER
from tests.conftest import role_url
from tests.dags.airflow_runs import Run, read_dags, register_bundle
from tests.dashboard.browsers import words
from tests.dashboard.conftest import People, value
from tests.lifecycle.conftest import World

TEMP: dict[str, Any] = {
    "when": {"field": "tags", "op": "has_any", "value": ["temp"]},
    "actions": [{"do": "DELETE"}],
}


@pytest.fixture(scope="module")
def dags(_airflow_database: None) -> dict[str, Any]:
    """Our DAGs, as the dag-processor registers them."""
    register_bundle()
    return read_dags(DAGS_FOLDER)


@pytest.fixture(autouse=True)
def _nobodys_runs(_airflow_database: None) -> None:
    """Airflow's database is the session's: what other tests ran is not ours."""
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id.in_(["review_plan", "run_rule"])))


@pytest.fixture
def airflow(
    dags: dict[str, Any], database: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """The api-server whole, with the plugin as Airflow loads it."""
    url = role_url(postgres, database.rsplit("/", 1)[1], role=databases.TASKS)
    monkeypatch.setenv("AIRFLOW_CONN_DOCUMENTS", url.replace("postgresql://", "postgres://"))
    # The import sets it for good; here only until the end of the test.
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    from airflow.api_fastapi.main import app  # what the api-server serves

    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_rule_is_run_by_airflow_in_the_name_of_whoever_asked(
    world: World, people: People
) -> None:
    world.now = value(world.conn, "SELECT now()")
    world.add_document("a", tags=["temp"])
    world.enforce("temp", **TEMP)
    olga = people("olga")

    answer = olga.post("/rules/temp/run", mode="simulate")

    assert answer.status_code == 303, words(answer.text)
    assert "The plan is being made" in olga.follow(answer)
    with create_session() as session:
        run = session.scalars(select(DagRun).where(DagRun.dag_id == "run_rule")).one()
        assert run.triggering_user_name == "olga"
        assert run.conf == {"rule": "temp", "organization": "default", "mode": "simulate"}
    assert run.run_id in answer.headers["location"].replace("%3A", ":").replace("%2B", "+")


def test_a_run_that_is_asked_for_again_under_its_key_is_the_same_also_after_a_crash(
    world: World, people: People
) -> None:
    world.now = value(world.conn, "SELECT now()")
    world.enforce("temp", **TEMP)
    olga = people("olga")
    key = {"Idempotency-Key": "nightly-4711"}
    body = {"mode": "enforce"}

    first = olga.api("POST", "/rules/temp/runs", json=body, **key)
    again = olga.api("POST", "/rules/temp/runs", json=body, **key)
    # What a server leaves that dies between Airflow's answer and its own.
    world.conn.execute("UPDATE idempotency_keys SET status = NULL, media_type = NULL, body = NULL")
    after_a_crash = olga.api("POST", "/rules/temp/runs", json=body, **key)
    other = olga.api("POST", "/rules/temp/runs", json=body, **{"Idempotency-Key": "other"})

    assert first.status_code == 202, first.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in after_a_crash.headers
    assert first.json() == again.json() == after_a_crash.json() != other.json()
    with create_session() as session:
        runs = session.scalars(select(DagRun).where(DagRun.dag_id == "run_rule")).all()
        assert {run.run_id for run in runs} == {first.json()["run_id"], other.json()["run_id"]}


def test_a_plan_is_approved_by_whoever_answers_and_by_airflows_own_question(
    world: World, people: People, dags: dict[str, Any]
) -> None:
    world.now = value(world.conn, "SELECT now()")
    world.add_document("a", tags=["temp"])
    world.enforce("temp", **TEMP, review={"stages": ["records"]})
    (plan,) = world.plan()
    olga = people("olga")

    early = olga.post(f"/plans/{plan.plan_id}/answer", answer="approve", comment="seen all")
    assert early.status_code == 409
    assert "is only being asked about now" in words(early.text)
    assert 'value="seen all"' in early.text

    asking = Run(dags["review_plan"], run_id=f"plan-{plan.plan_id}-stage-1").take_up()
    asking.go_on()
    with create_session() as session:
        for question in session.scalars(select(HITLDetail)):
            question.created_at -= timedelta(minutes=1)  # as if it had stood for a while
    answer = olga.post(f"/plans/{plan.plan_id}/answer", answer="approve", comment="seen all")

    assert "Airflow has your answer" in olga.follow(answer)
    asking.go_on()
    assert world.conn.execute(
        "SELECT decided_by, decision, comment, is_valid FROM plan_decisions"
    ).fetchall() == [("user:olga", "approve", "seen all", True)]
    assert value(world.conn, "SELECT state FROM plans") == "approved"
    late = olga.api("POST", f"/plans/{plan.plan_id}/approve", json={})
    assert late.status_code == 409


def test_a_batch_is_applied_by_airflow_in_the_name_of_whoever_confirmed_it(
    world: World, people: People
) -> None:
    world.now = value(world.conn, "SELECT now()")
    paper = world.add_document("a")
    olga = people("olga")
    batch = {"deed": "delete", "documents": [paper], "reason": "old"}

    done = olga.api("POST", "/batches", batch).json()

    assert done["message"] == "Airflow applies it now."
    plan_id = done["plan_id"]
    with create_session() as session:
        run = session.scalars(select(DagRun).where(DagRun.dag_id == "run_rule")).one()
        assert run.run_id == f"plan-{plan_id}-apply"
        assert run.triggering_user_name == "olga"
        assert run.conf["plan_id"] == plan_id
    again = olga.api("POST", f"/plans/{plan_id}/apply")
    assert f"Airflow has the run plan-{plan_id}-apply already" in again.json()["message"]


def test_somebody_is_asked_about_a_batch_that_exceeds_a_limit(world: World, people: People) -> None:
    world.now = value(world.conn, "SELECT now()")
    world.conn.execute("UPDATE organizations SET max_documents_per_day = 1")
    papers = [world.add_document(name) for name in ("a", "b")]

    batch = {"deed": "delete", "documents": papers, "reason": "old"}
    done = people("olga").api("POST", "/batches", batch).json()

    assert done["plan_state"] == "needs_approval"
    with create_session() as session:
        run = session.scalars(select(DagRun).where(DagRun.dag_id == "review_plan")).one()
        assert run.run_id == f"plan-{done['plan_id']}-stage-1"
