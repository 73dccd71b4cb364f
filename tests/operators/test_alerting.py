from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from doclife.operators.alerting import OperatorAlert


def test_a_failed_run_is_named_and_linked():
    context = {"dag": SimpleNamespace(dag_id="night"), "run_id": "a+b:c", "reason": "task_failure"}

    title, body = OperatorAlert().text(context)

    assert title == "DAG night failed"
    assert "Airflow says: task_failure" in body
    assert "/dags/night/runs/a%2Bb%3Ac " in body


def test_a_late_run_comes_as_a_dictionary():
    context = {"dag_run": {"dag_id": "night", "dag_run_id": "run-1"}, "deadline": {}}

    title, body = OperatorAlert(what="is late").text(context)

    assert title == "DAG night is late"
    assert body.startswith("Run run-1.")


@pytest.mark.parametrize("is_async", [False, True])
def test_an_alert_is_a_notification_for_the_operators(database, conn, monkeypatch, is_async):
    monkeypatch.setenv("AIRFLOW_CONN_DOCUMENTS", database)
    alert = OperatorAlert(what="is late")
    alert.context = {"dag_run": {"dag_id": "night", "dag_run_id": "run-1"}}

    if is_async:  # as the triggerer does for a deadline

        async def wait() -> None:
            await alert

        asyncio.run(wait())
    else:
        alert.notify(alert.context)

    row = conn.execute("SELECT recipient, type, title FROM notifications").fetchone()
    assert row == ("role:operator", "alert", "DAG night is late")
