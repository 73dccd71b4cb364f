"""``/api/v1/endpoints``: added, changed, tried, given new secrets and removed by programs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from airflow.models.connection import Connection
from airflow.utils.session import create_session
from sqlalchemy import delete, select
from standardwebhooks import Webhook

from doclife.delivery.guard import ALLOW_HTTP, ALLOWED_NETWORKS
from tests.dashboard.browsers import Browser
from tests.dashboard.conftest import value
from tests.lifecycle.conftest import World

HOOK = {"name": "hook", "url": "https://93.184.216.34/in"}
WHY = {"reason": "asked by legal"}
KEY = {"Idempotency-Key": "k-1"}


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it is sent, and says that it is being mended."""

    taken: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        """Answer every call alike."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append(({name.lower(): said for name, said in self.headers.items()}, body))
        self.send_response(503)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"mended")

    def log_message(self, *_arguments: object) -> None:
        """Stay quiet."""


@pytest.fixture
def far_side(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")  # that reads Connections it has stored
    monkeypatch.setenv(ALLOW_HTTP, "true")
    monkeypatch.setenv(ALLOWED_NETWORKS, "127.0.0.0/8")
    Receiver.taken.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_connections_left(world: World) -> Iterator[None]:
    yield
    with create_session() as session:
        session.execute(delete(Connection))


def stored_secret(connection_id: str) -> tuple[str | None, str | None] | None:
    """Return what Airflow keeps as password and previous secret."""
    with create_session() as session:
        found = session.scalar(select(Connection).where(Connection.conn_id == connection_id))
        if found is None:
            return None
        return found.password, found.extra_dejson.get("previous_secret")


def is_anywhere(world: World, secret: str) -> bool:
    """Return whether a secret is in any row that a write of the API leaves."""
    return bool(
        value(
            world.conn,
            "SELECT (SELECT count(*) FROM audit_entries WHERE strpos(details::text, %s) > 0)"
            " + (SELECT count(*) FROM idempotency_keys WHERE strpos(body::text, %s) > 0)",
            secret,
            secret.encode().hex(),
        )
    )


def test_an_endpoint_is_added_once_and_its_secret_is_shown_once(
    world: World, olga: Browser
) -> None:
    made = olga.api("POST", "/endpoints", json={**HOOK, "event_types": ["document.*"]}, **KEY)
    again = olga.api("POST", "/endpoints", json={**HOOK, "event_types": ["document.*"]}, **KEY)

    assert (made.status_code, again.status_code) == (201, 201)
    secret = made.json()["secret"]
    assert stored_secret(made.json()["connection_id"]) == (secret, None)
    assert again.json() == made.json() | {"secret": None}
    assert not is_anywhere(world, secret)
    assert made.json()["endpoint"]["event_types"] == ["document.*"]
    assert olga.api("POST", "/endpoints", json=HOOK).status_code == 422
    assert value(world.conn, "SELECT created_by FROM webhook_endpoints") == "user:olga"


def test_a_new_secret_leaves_the_one_before_in_force(world: World, olga: Browser) -> None:
    made = olga.api("POST", "/endpoints", json=HOOK).json()

    rotated = olga.api("POST", "/endpoints/hook/rotate", **KEY)
    again = olga.api("POST", "/endpoints/hook/rotate", **KEY)

    assert rotated.json()["had_one"] is True
    assert stored_secret(made["connection_id"]) == (rotated.json()["secret"], made["secret"])
    assert again.json() == rotated.json() | {"secret": None}
    assert not is_anywhere(world, rotated.json()["secret"])


def test_a_test_call_is_signed_and_its_real_answer_is_returned(
    world: World, olga: Browser, vic: Browser, far_side: str
) -> None:
    made = olga.api("POST", "/endpoints", json={"name": "hook", "url": far_side}).json()

    tried = olga.api("POST", "/endpoints/hook/test")

    assert tried.status_code == 200, tried.text
    assert (tried.json()["status_code"], tried.json()["answer_head"]) == (503, "mended")
    [(headers, body)] = Receiver.taken
    assert Webhook(made["secret"]).verify(body, headers)["type"] == "doclife.test"
    assert vic.api("POST", "/endpoints/hook/test").status_code == 403
    assert value(
        world.conn, "SELECT actor FROM audit_entries WHERE action = 'endpoint.tested'"
    ) == "user:olga"  # fmt: skip


def test_settings_are_changed_and_hidden_headers_lead_nowhere_else(
    world: World, olga: Browser, bob: Browser, vic: Browser
) -> None:
    olga.api("POST", "/endpoints", json={**HOOK, "headers": {"X-Token": "secret"}})

    changed = bob.api("PATCH", "/endpoints/hook", json={"timeout_seconds": 7})

    assert changed.json()["endpoint"]["timeout_seconds"] == 7
    assert changed.json()["endpoint"]["headers"] == {"X-Token": "..."}
    elsewhere = {"url": "https://93.184.216.35/in"}
    assert bob.api("PATCH", "/endpoints/hook", json=elsewhere).status_code == 403
    replaced = bob.api("PATCH", "/endpoints/hook", json={**elsewhere, "headers": {}})
    assert replaced.json()["endpoint"]["headers"] == {}
    assert vic.api("PATCH", "/endpoints/hook", json=elsewhere).status_code == 403
    for wrong in ({"url": "https://10.0.0.1/"}, {"timeout_seconds": 0}, {"name": "other"},
                  {"headers": {"webhook-id": "1"}}, {"event_types": ["not one"]}):  # fmt: skip
        assert olga.api("PATCH", "/endpoints/hook", json=wrong).status_code == 422, wrong
    assert value(
        world.conn,
        "SELECT array_agg(DISTINCT actor) FROM audit_entries WHERE action = 'endpoint.changed'",
    ) == ["user:bob"]  # fmt: skip


def test_an_endpoint_is_removed_when_nothing_waits_for_it(
    world: World, olga: Browser, bob: Browser
) -> None:
    made = olga.api("POST", "/endpoints", json={**HOOK, "event_types": ["document.*"]}).json()
    call = {"endpoint": "hook", "type": "invoice.paid", "data": {}}
    job = olga.api("POST", "/jobs", json={"kind": "webhook", "payload": call}).json()["job_id"]

    assert bob.api("DELETE", "/endpoints/hook").status_code == 403
    waits = olga.api("DELETE", "/endpoints/hook")
    assert waits.status_code == 409, waits.text
    assert olga.api("GET", "/endpoints/hook").json()["event_types"] == ["document.*"]
    olga.api("POST", f"/jobs/{job}/cancel", json=WHY)

    assert olga.api("DELETE", "/endpoints/hook").status_code == 204

    assert olga.api("GET", "/endpoints/hook").status_code == 404
    assert stored_secret(made["connection_id"]) is None
    olga.api("POST", f"/jobs/{job}/retry", json=WHY)
    anew = olga.api("POST", "/endpoints", json=HOOK).json()["endpoint"]["endpoint_id"]
    waiting = value(world.conn, "SELECT endpoint_id FROM jobs WHERE id = %s", job)
    assert waiting == anew
    actions = value(
        world.conn,
        "SELECT json_agg(action ORDER BY id) FROM audit_entries"
        " WHERE starts_with(action, 'endpoint.') AND actor = 'user:olga'",
    )
    assert actions == [
        "endpoint.added", "endpoint.secret_rotated", "endpoint.removed",
        "endpoint.added", "endpoint.secret_rotated",
    ], json.dumps(actions)  # fmt: skip


def test_secrets_need_the_right_to_change_connections(world: World, bob: Browser) -> None:
    for method, path, body in (
        ("POST", "/endpoints", HOOK),
        ("POST", "/endpoints/hook/rotate", None),
        ("DELETE", "/endpoints/hook", None),
    ):
        assert bob.api(method, path, json=body).status_code == 403, path
    assert value(world.conn, "SELECT count(*) FROM webhook_endpoints") == 0
