"""A run of process_queue whose receivers refuse everything leaves no secret behind in Airflow."""

from __future__ import annotations

import json
import logging

import pytest

from doclife.delivery.signing import new_secret
from doclife.lifecycle.queue import add_many
from tests.dags.airflow_runs import Run
from tests.dags.airflow_traces import everything_in_airflow, everything_written

pytestmark = pytest.mark.usefixtures("documents_connection")

SIGNING = new_secret()
SECRETS = (SIGNING.removeprefix("whsec_"), "h3ader-t0ken", "smtp-passw0rd", "xoxb-s3cret")


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
