"""Metrics of a real run arrive where Airflow sends its own; switched off, nothing happens."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from airflow.models.trigger import Trigger
from airflow.utils.session import create_session
from sqlalchemy import update

from doclife.domain.metrics import METRICS, STEP_LABELS, STEP_SUCCESS
from doclife.lifecycle.queue import add_many
from tests.airflow_environment import ROOT
from tests.dags.airflow_runs import Run
from tests.dags.metric_receivers import Numbers, collector, statsd

pytestmark = pytest.mark.usefixtures("documents_connection")

NOTE = {"recipient": "ben@example.org", "title": "Paid", "body": "Invoice 7 is paid."}
LAST = METRICS[-1]
"""It is sent when all others were."""


def set_up_statsd(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    for name, value in {
        "STATSD_ON": "True",
        "STATSD_HOST": "127.0.0.1",
        "STATSD_PORT": str(port),
        "STATSD_INFLUXDB_ENABLED": "True",
    }.items():
        monkeypatch.setenv(f"AIRFLOW__METRICS__{name}", value)


def drain_two_notes(dags, conn) -> None:
    add_many(conn, kind="notification", payloads=[NOTE] * 2, requested_by="user:olga")
    queued = Run(dags["process_queue"])
    queued.dag.get_task("drain").partial_kwargs["linger_seconds"] = 0.5
    assert queued.create().go_on() == "success", queued.states()


@contextmanager
def triggerer(log: Path) -> Iterator[None]:
    """Run Airflow's own triggerer, which takes up the trigger of process_queue."""
    with create_session() as session:
        # The one before is dead, which Airflow would believe only after half a minute.
        session.execute(update(Trigger).values(triggerer_id=None))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "plugins")},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def check(numbers: Numbers) -> None:
    expected = {
        (f"airflow.{metric.name}", frozenset(labels.items()))
        for metric in METRICS
        if metric is not STEP_SUCCESS
        for labels in metric.combinations()
    }
    assert expected <= set(numbers)
    steps = {
        dict(labels)["task"]
        for name, labels in set(numbers) - expected
        if name == f"airflow.{STEP_SUCCESS.name}" and {key for key, _ in labels} == {*STEP_LABELS}
    }
    assert steps == {"react", "schedules", "drain"}
    assert len(numbers) == len(expected) + len(steps)
    notes = frozenset({("kind", "notification"), ("outcome", "sent")})
    assert numbers[("airflow.doclife.deliveries.today", notes)] == 2


def test_a_real_run_is_measured_by_the_triggerer_and_arrives_over_statsd_and_opentelemetry(
    dags, conn, monkeypatch, tmp_path
):
    with statsd() as receiver, monkeypatch.context() as settings:
        set_up_statsd(settings, receiver.port)
        drain_two_notes(dags, conn)
        with triggerer(tmp_path / "statsd.log"):
            check(receiver.wait_for(f"airflow.{LAST.name}"))

    with collector() as receiver, monkeypatch.context() as settings:
        settings.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
        settings.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{receiver.port}")
        settings.setenv("OTEL_METRIC_EXPORT_INTERVAL", "500")
        with triggerer(tmp_path / "otel.log"):
            check(receiver.wait_for(f"airflow.{LAST.name}"))


def test_where_airflow_sends_no_metrics_nothing_is_measured_counted_or_noted(dags, conn):
    from doclife.operators.metrics import are_sent, measuring

    drain_two_notes(dags, conn)

    assert not are_sent()
    assert conn.execute("SELECT count(*) FROM delivery_counts").fetchone() == (0,)
    assert conn.execute("SELECT count(*) FROM step_successes").fetchone() == (0,)
    assert asyncio.run(tasks_while(measuring)) == 0


def test_statsd_without_labels_is_told_about_and_gets_nothing_of_ours(monkeypatch, caplog):
    from doclife.operators.metrics import are_sent, measuring

    set_up_statsd(monkeypatch, 1)
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED", "False")

    assert not are_sent()
    assert asyncio.run(tasks_while(measuring)) == 0
    assert "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED=True" in caplog.text


def test_what_cannot_be_measured_for_the_moment_does_not_end_the_trigger(monkeypatch, caplog):
    from doclife.errors import ConfigurationError
    from doclife.operators.metrics import measuring

    set_up_statsd(monkeypatch, 1)
    monkeypatch.setenv("DOCLIFE_METRICS_SECONDS", "soon")

    async def away() -> str:
        raise ConfigurationError("the documents database is away")

    assert asyncio.run(tasks_while(measuring, away)) == 1
    assert "the documents database is away" in caplog.text
    assert "DOCLIFE_METRICS_SECONDS='soon' is no number of seconds" in caplog.text


async def nowhere() -> str:
    raise AssertionError("nobody has asked where the catalogue is")


async def tasks_while(measuring, conninfo=nowhere) -> int:
    """Return how many tasks there are beside this one."""
    async with measuring(conninfo):
        await asyncio.sleep(0.05)
        return len(asyncio.all_tasks()) - 1
