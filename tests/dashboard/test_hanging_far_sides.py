"""Whoever tests a far side that does not answer holds no connection that pages need."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from psycopg_pool import ConnectionPool

from doclife.delivery.guard import ALLOW_HTTP, ALLOWED_NETWORKS
from doclife.delivery.signing import new_secret
from doclife.store.connection import Connection
from tests.dashboard.browsers import Browser
from tests.dashboard.conftest import value
from tests.dashboard.test_integrations_page import add_endpoint
from tests.dashboard.test_lease import pool
from tests.lifecycle.conftest import World

__all__ = ["pool"]

PATIENCE_SECONDS = 60
KEY = {"Idempotency-Key": "4711"}


@dataclass(frozen=True)
class FarSide:
    """A server that takes a connection, and says nothing before it may hang up."""

    port: int
    called: threading.Event
    may_hang_up: threading.Event


@pytest.fixture
def far_side(monkeypatch: pytest.MonkeyPatch) -> Iterator[FarSide]:
    """It is the endpoint, the mail server and Slack."""

    def hang() -> None:
        with listening, listening.accept()[0]:
            made.called.set()
            assert made.may_hang_up.wait(PATIENCE_SECONDS)

    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(PATIENCE_SECONDS)
    made = FarSide(listening.getsockname()[1], threading.Event(), threading.Event())
    for name, value_ in {
        ALLOW_HTTP: "true",
        ALLOWED_NETWORKS: "127.0.0.0/8",
        "AIRFLOW_CONN_ERP_SECRET": json.dumps({"conn_type": "http", "password": new_secret()}),
        "AIRFLOW_CONN_DOCLIFE_SLACK": json.dumps(
            {
                "conn_type": "slackwebhook",
                "host": f"http://127.0.0.1:{made.port}",
                "password": "T1/B2/xyz",
            }
        ),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(made.port),
        "EMAIL_FROM_ADDRESS": "records@example.org",
    }.items():
        monkeypatch.setenv(name, value_)
    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(hang)
        yield made
        made.may_hang_up.set()
        hanging.result()


@pytest.mark.parametrize(
    "ask",
    [
        lambda olga: olga.api("POST", "/endpoints/erp/test", **KEY),
        lambda olga: olga.api("POST", "/mail/test", json={"to": "olga@example.org"}),
        lambda olga: olga.post("/integrations/slack/test"),
    ],
    ids=["endpoint", "mail", "page of slack"],
)
def test_while_a_far_side_hangs_the_only_connection_serves_others(
    world: World,
    pool: ConnectionPool[Connection],
    airflow: TestClient,
    olga: Browser,
    far_side: FarSide,
    ask: Callable[[Browser], Response],
) -> None:
    add_endpoint(
        world.conn, "erp", url=f"http://127.0.0.1:{far_side.port}/", connection_id="erp_secret"
    )
    pool.resize(1, 1)
    other = Browser(TestClient(airflow.app, raise_server_exceptions=False), user=olga.user)

    with ThreadPoolExecutor(1) as threads:
        tried = threads.submit(ask, olga)
        try:
            assert far_side.called.wait(PATIENCE_SECONDS)
            meanwhile = other.api("GET", "/endpoints")
        finally:
            far_side.may_hang_up.set()
        answer = tried.result()

    assert meanwhile.status_code == 200, meanwhile.text
    assert answer.status_code == 200, answer.text
    assert value(world.conn, "SELECT count(*) FROM delivery_attempts WHERE job_id < 0") == 1
    assert value(world.conn, "SELECT actor FROM audit_entries WHERE action LIKE '%%.tested'") == (
        "user:olga"
    )
