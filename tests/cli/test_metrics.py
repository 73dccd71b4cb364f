"""doclife metrics: what is sent, for people, programs and Prometheus."""

from __future__ import annotations

import re

from doclife.domain.metrics import METRICS, STEP_SUCCESS


def test_metrics_are_shown_as_they_are_sent(acme):
    measured = acme.json("metrics")["metrics"]

    assert {one["metric"] for one in measured} == {
        metric.name for metric in METRICS if metric is not STEP_SUCCESS
    }
    active = {"metric": "doclife.documents.count", "labels": {"status": "active"}}
    (found,) = [one for one in measured if {**active, "value": one["value"]} == one]
    assert found["value"] > 0
    assert "doclife.documents.count" in acme("metrics").output
    assert "doclife.halted" not in acme("metrics").output, "what is 0 is left out for people"


def test_two_formats_at_once_are_refused(acme):
    said = acme("metrics", "--prometheus", "--json", exit_code=2)

    assert "leave out one of --prometheus and --json" in " ".join(said.errors.split())
    assert said.output == ""


def test_metrics_are_lines_that_prometheus_reads(acme):
    lines = acme("metrics", "--prometheus", "--by-organization").output.splitlines()

    samples = [line for line in lines if not line.startswith("#")]
    assert samples
    for line in samples:
        assert re.fullmatch(r'airflow_doclife_\w+(\{(\w+="[^"]*",?)+\})? [0-9.e+-]+', line), line
    for metric in METRICS:
        assert f"# TYPE {metric.prometheus_name} gauge" in lines
    labels = 'status="active",organization="default"'
    assert any(f"documents_count{{{labels}}}" in line for line in lines)
