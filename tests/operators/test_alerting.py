from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from airflow.sdk import DAG
from airflow.triggers.callback import CallbackTrigger

from doclife.operators.alerting import OperatorAlert
from doclife.operators.deadline import alert_unless_done_within


def test_a_failed_run_is_named_and_linked():
    context = {"dag": DAG("night"), "run_id": "a+b:c", "reason": "task_failure"}

    title, body = OperatorAlert().text(context)

    assert title == "DAG night failed"
    assert "Airflow says: task_failure" in body
    assert "/dags/night/runs/a%2Bb%3Ac " in body


def test_a_late_run_comes_as_a_dictionary():
    context = {"dag_run": {"dag_id": "night", "dag_run_id": "run-1"}, "deadline": {}}

    title, body = OperatorAlert(what="is late").text(context)

    assert title == "DAG night is late"
    assert body.startswith("Run run-1.")


@pytest.fixture
def notifications(database, conn, monkeypatch):
    """A function that returns what the operators were told."""
    monkeypatch.setenv("AIRFLOW_CONN_DOCUMENTS", database)
    query = "SELECT recipient, type, title FROM notifications"
    return lambda: conn.execute(query).fetchall()


def test_an_alert_is_a_notification_for_the_operators(notifications):
    OperatorAlert()({"dag": DAG("night"), "run_id": "run-1"})

    assert notifications() == [("role:operator", "alert", "DAG night failed")]


def test_the_triggerer_sends_it_when_a_deadline_is_missed(notifications):
    callback = alert_unless_done_within(timedelta(minutes=45)).callback
    context = {"dag_run": {"dag_id": "night", "dag_run_id": "run-1"}, "deadline": {}}
    trigger = CallbackTrigger(callback.path, {**callback.kwargs, "context": context})

    async def run() -> list:
        return [event.payload async for event in trigger.run()]

    events = asyncio.run(run())

    title = "DAG night has not succeeded within 45 minutes"
    assert notifications() == [("role:operator", "alert", title)], events
