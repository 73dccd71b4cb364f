"""Whoever waits for Airflow, or for who may do what, holds no connection that pages need."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.api_fastapi import app as airflow_app
from fastapi.testclient import TestClient
from psycopg_pool import ConnectionPool
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from doclife.dashboard import airflow_api
from doclife.dashboard.app import PREFIX
from doclife.dashboard.lease import Lease
from doclife.store.connection import Connection
from tests.dashboard.browsers import Browser, words
from tests.dashboard.conftest import People, value
from tests.dashboard.numbered_auth_manager import READING, NumberedAuthManager, NumberedUser
from tests.lifecycle.conftest import World

TEMP: dict[str, Any] = {
    "when": {"field": "tags", "op": "has_any", "value": ["temp"]},
    "actions": [{"do": "DELETE"}],
}
SAID = {"dag_run_id": "r-1", "state": "queued", "created_at": "2020-01-01T00:00:00+00:00"}
"""Enough of an answer for whatever is asked."""
KEY = {"Idempotency-Key": "4711"}


@pytest.fixture
def pool(airflow: TestClient) -> ConnectionPool[Connection]:
    """The pool of the dashboard."""
    mounts = [route for route in airflow.app.routes if isinstance(route, Mount)]
    [ours] = [mount.app for mount in mounts if mount.path == PREFIX]
    found: ConnectionPool[Connection] = ours.state.pool
    found.wait()  # a connection that is still being made counts as taken
    return found


@pytest.fixture
def taken(pool: ConnectionPool[Connection]) -> Callable[[], int]:
    """Return what counts the connections that requests hold."""

    def count() -> int:
        stats = pool.get_stats()
        return stats["pool_size"] - stats["pool_available"]

    return count


@pytest.fixture
def waiting(taken: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Airflow's API, which notes at each call how many connections are held meanwhile."""
    seen: list[int] = []

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(taken())
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(SAID).encode()})

    monkeypatch.setattr(airflow_api, "_airflow", lambda: answer)
    return seen


@pytest.fixture
def plan_id(world: World) -> int:
    """A plan that waits for approval, of a rule that can be run."""
    world.now = value(world.conn, "SELECT now()")
    world.add_document("a", tags=["temp"])
    world.enforce("temp", **TEMP, review={"stages": ["records"]})
    (plan,) = world.plan()
    return plan.plan_id


def test_a_page_that_waits_for_airflow_holds_no_connection(
    world: World, olga: Browser, plan_id: int, waiting: list[int]
) -> None:
    paper = world.add_document("b")

    assert olga.post("/rules/temp/run", mode="simulate").status_code == 303
    assert "waits in Airflow's queue" in olga.text("/runs/run_rule?run_id=r-1")
    assert olga.get("/runs/run_rule/state?run_id=r-1").status_code == 200
    answered = olga.post(f"/plans/{plan_id}/answer", answer="approve")
    assert answered.status_code == 303, words(answered.text)
    batch = {"deed": "delete", "documents": [paper], "reason": "old"}
    made = olga.api("POST", "/batches", json=batch)
    assert made.status_code == 200, made.text
    assert olga.post(f"/plans/{made.json()['plan_id']}/apply").status_code == 303

    assert len(waiting) == 7
    assert set(waiting) == {0}


def test_a_write_with_a_key_waits_without_one_too_and_is_done_once(
    world: World, olga: Browser, plan_id: int, waiting: list[int], taken: Callable[[], int]
) -> None:
    first = olga.api("POST", "/rules/temp/runs", json={"mode": "simulate"}, **KEY)
    again = olga.api("POST", "/rules/temp/runs", json={"mode": "simulate"}, **KEY)

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["idempotent-replayed"] == "true"
    assert waiting == [0]
    assert taken() == 0
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    assert value(world.conn, locks) == 0
    assert value(world.conn, "SELECT taken_until FROM idempotency_keys") is None


def test_a_refusal_of_airflow_leaves_the_key_free(
    world: World, olga: Browser, plan_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b'{"detail": "no such DAG"}'})

    monkeypatch.setattr(airflow_api, "_airflow", lambda: refuse)

    answer = olga.api("POST", "/rules/temp/runs", json={"mode": "simulate"}, **KEY)

    assert answer.status_code == 409, answer.text
    assert world.conn.execute(
        "SELECT request_digest, taken_until FROM idempotency_keys"
    ).fetchall() == [(None, None)]
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    assert value(world.conn, locks) == 0


def test_who_may_do_what_is_asked_without_a_connection_while_a_page_is_drawn(
    airflow: TestClient,
    taken: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[int] = []

    class Asked(NumberedAuthManager):
        def is_authorized_dag(self, **question: Any) -> bool:
            held.append(taken())
            return super().is_authorized_dag(**question)

    manager = Asked()
    manager.users[7] = NumberedUser(number=7, name="olga", rights=READING)
    monkeypatch.setattr(airflow_app._AuthManagerState, "instance", manager)

    assert Browser(airflow, user=manager.users[7]).get("/history").status_code == 200

    assert len(held) > len(READING)
    assert set(held) == {0}


def test_a_connection_is_not_given_back_within_a_transaction_nor_taken_after_the_end(
    pool: ConnectionPool[Connection], people: People
) -> None:
    lease = Lease(pool)
    with lease.conn.transaction(), pytest.raises(RuntimeError, match="within a transaction"):
        lease.give_back()
    first = lease.conn
    lease.give_back()
    assert first.info.transaction_status.name == "IDLE"
    lease.end()
    with pytest.raises(RuntimeError, match="is over"):
        lease.take()
