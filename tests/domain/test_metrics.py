"""The list of metrics: names that every backend takes, and labels that cannot grow without end."""

from __future__ import annotations

import re

import pytest

from doclife.delivery.outcome import Outcome
from doclife.domain import metrics
from doclife.domain.metrics import METRICS, Metric
from doclife.lifecycle.queue import KINDS

NAMES = [metric.name for metric in METRICS]


def test_the_list_names_each_metric_once() -> None:
    assert len(METRICS) > 10
    assert len(set(NAMES)) == len(NAMES)
    defined = [each.name for each in vars(metrics).values() if isinstance(each, Metric)]
    assert defined == NAMES


@pytest.mark.parametrize("metric", METRICS, ids=NAMES)
def test_a_metric_has_a_name_and_labels_that_every_backend_takes(metric: Metric) -> None:
    assert re.fullmatch(r"doclife(\.[a-z_]+)+", metric.name)
    assert metric.prometheus_name == "airflow_" + metric.name.replace(".", "_")
    for label, values in metric.labels.items():
        assert re.fullmatch(r"[a-z]+", label)
        # What Airflow lets through to StatsD with tags; a comma or sign would drop the number.
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", value) for value in values)


@pytest.mark.parametrize("metric", METRICS, ids=NAMES)
def test_a_metric_has_at_most_a_hundred_combinations_of_labels(metric: Metric) -> None:
    assert 1 <= len(list(metric.combinations())) <= 100


def test_the_values_of_labels_are_those_that_there_are() -> None:
    assert set(metrics.KINDS) == set(KINDS)
    assert set(metrics.OUTCOMES) == set(Outcome)
    assert set(metrics.CHANNELS) <= set(KINDS)


def test_bounds_are_numbers_to_prometheus_and_end_beyond_all() -> None:
    texts = [metrics.bound(seconds) for seconds in metrics.WITHIN_SECONDS]

    assert texts[-1] == "Inf"
    assert [float(text) for text in texts] == sorted(metrics.WITHIN_SECONDS)
