"""A run of process_queue whose receivers refuse everything leaves no secret behind in Airflow."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from airflow.utils.session import create_session
from sqlalchemy import MetaData, select

import tests.airflow_environment as environment
from doclife.delivery.signing import new_secret
from doclife.lifecycle.queue import add_many
from tests.dags.airflow_runs import Run

pytestmark = pytest.mark.usefixtures("documents_connection")

SIGNING = new_secret()
SECRETS = (SIGNING.removeprefix("whsec_"), "h3ader-t0ken", "smtp-passw0rd", "xoxb-s3cret")


class Refusing(BaseHTTPRequestHandler):
    """Answers every call with an error."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500)
        self.end_headers()
        self.wfile.write(b"no")

    def log_message(self, *_given: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[str]:
    """URL of a server that refuses everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_no_secret_is_in_an_xcom_a_row_of_airflow_or_a_log(
    dags, conn, receiver, monkeypatch, caplog, capfd
):
    endpoint = conn.execute(
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
        " VALUES (1, 'erp', %s, 'user:olga') RETURNING id",
        (receiver,),
    ).fetchone()[0]
    call = {"endpoint": "erp", "type": "invoice.paid", "data": {}}
    mail = {"to": "a@example.org", "subject": "Due", "text": "It is due."}
    for kind, payload in (
        ("webhook", call),
        ("email", mail),
        ("slack", {"channel": "C0123456789", "text": "Due"}),
    ):
        add_many(conn, kind=kind, payloads=[payload], requested_by="user:olga")
    connections = {
        f"doclife_endpoint_{endpoint}": {
            "conn_type": "http",
            "password": SIGNING,
            "extra": {"headers": {"X-Receiver": "h3ader-t0ken"}},
        },
        "doclife_email": {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": 1,
            "login": "doclife",
            "password": "smtp-passw0rd",
            "extra": {"from_email": "records@example.org"},
        },
        "doclife_slack": {
            "conn_type": "slack",
            "password": "xoxb-s3cret",
            "extra": {"base_url": receiver},
        },
    }
    for name, connection in connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
    monkeypatch.setenv("DOCLIFE_ALLOWED_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("DOCLIFE_ALLOW_HTTP", "true")
    caplog.set_level(logging.DEBUG)

    run = Run(dags["process_queue"])
    run.dag.get_task("drain").partial_kwargs["linger_seconds"] = 0.2
    assert run.create().go_on() == "success", run.states()

    outcomes = conn.execute("SELECT DISTINCT outcome FROM delivery_attempts").fetchall()
    assert ("retry",) in outcomes
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (3,)
    said = [caplog.text, *capfd.readouterr(), everything_in_airflow(), everything_written()]
    assert len(said[3]) > 10_000
    for secret in SECRETS:
        assert not [text for text in said if secret in text]


def everything_in_airflow() -> str:
    """Return every row of Airflow's own database: XComs, rendered fields, logs, triggers, ..."""
    with create_session() as session:
        tables = MetaData()
        tables.reflect(session.connection())
        assert "xcom" in tables.tables
        return "\n".join(
            str(tuple(row))
            for table in tables.sorted_tables
            for row in session.execute(select(table))
        )


def everything_written() -> str:
    """Return every log file of a task."""
    return "\n".join(
        path.read_text(errors="replace")
        for path in Path(environment.HOME).rglob("*.log")
        if path.is_file()
    )
