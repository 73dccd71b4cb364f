"""deploy/metrics and docs/metrics.md name the metrics that are sent, and no others."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from doclife.domain.metrics import METRICS, STEP_LABELS, STEP_SUCCESS, Metric

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "deploy" / "metrics"
BY_NAME = {metric.prometheus_name: metric for metric in METRICS}
DASHBOARD = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]] + [
    rule["expr"] for rule in RULES
]
NAME = re.compile(r"airflow_doclife_\w+")
SELECTOR = re.compile(r"(airflow_doclife_\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"')
GROUPING = re.compile(r"by \(([^)]*)\)\s*\((?:rate|increase|delta|)\(?(airflow_doclife_\w+)")


def labels_of(metric: Metric) -> set[str]:
    own = set(STEP_LABELS) if metric is STEP_SUCCESS else set(metric.labels)
    return own | ({"organization"} if metric.is_of_organization else set())


def test_there_is_something_to_look_at() -> None:
    assert len(PANELS) > 10
    assert len(RULES) > 10


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_metrics_that_are_sent_and_labels_that_they_have(
    expression: str,
) -> None:
    named = NAME.findall(expression)

    assert named
    assert set(named) <= set(BY_NAME)
    for name, matchers in SELECTOR.findall(expression):
        metric = BY_NAME[name]
        for label, operator, text in MATCHER.findall(matchers):
            assert label in labels_of(metric), expression
            known = metric.labels.get(label)
            if known is not None:
                wanted = text.split("|") if operator in ("=~", "!~") else [text]
                assert set(wanted) <= set(known), expression
    for grouped, name in GROUPING.findall(expression):
        assert {label.strip() for label in grouped.split(",")} <= labels_of(BY_NAME[name])
    assert expression.count("(") == expression.count(")")


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    asked = {name for expression in EXPRESSIONS for name in NAME.findall(expression)}

    # How long measuring takes is for whoever looks why the database is busy.
    assert set(BY_NAME) - asked == {"airflow_doclife_measured_seconds"}


def test_every_metric_is_documented_with_its_labels_and_no_other_is() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("| `doclife.")
    ]

    assert {row[0].strip("`"): (row[1], row[3]) for row in rows} == {
        metric.name: (metric.type.value, metric.meaning) for metric in METRICS
    }
    assert {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in rows} == {
        metric.name: labels_of(metric) for metric in METRICS
    }
    assert all(row[4] for row in rows), "say what to do when it rises"


def test_statsd_exporter_gives_each_metric_its_name_and_no_other() -> None:
    mappings = yaml.safe_load((FOLDER / "statsd_exporter.yaml").read_text(encoding="utf-8"))

    assert {each["match"]: each["name"] for each in mappings["mappings"]} == {
        f"airflow.{metric.name}": metric.prometheus_name for metric in METRICS
    }


def test_the_collector_passes_metrics_on_under_their_own_names() -> None:
    config = yaml.safe_load((FOLDER / "otel_collector.yaml").read_text(encoding="utf-8"))

    pipeline = config["service"]["pipelines"]["metrics"]
    assert set(pipeline["receivers"]) <= set(config["receivers"])
    assert set(pipeline["exporters"]) <= set(config["exporters"])
    assert config["exporters"]["prometheus"]["add_metric_suffixes"] is False


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_which_page_helps(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"]
    pages = re.findall(r"docs/[\w/{}$. ]+\.md", rule["annotations"]["description"])
    assert pages
    for page in pages:
        assert "{{" in page or (ROOT / page).is_file(), page


class TestDashboard:
    def test_is_one_that_grafana_imports(self) -> None:
        assert DASHBOARD["title"] == "doclife"
        assert DASHBOARD["schemaVersion"] >= 36
        assert "id" not in DASHBOARD, "an id belongs to one Grafana"
        identities = [panel["id"] for panel in DASHBOARD["panels"]]
        assert len(set(identities)) == len(identities)

    def test_asks_whichever_prometheus_its_reader_chooses(self) -> None:
        (variable,) = DASHBOARD["templating"]["list"]

        assert (variable["name"], variable["type"]) == ("datasource", "datasource")
        for panel in PANELS:
            for source in (panel["datasource"], *(each["datasource"] for each in panel["targets"])):
                assert source == {"type": "prometheus", "uid": "${datasource}"}

    def test_has_panels_beside_each_other_and_none_over_another(self) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in DASHBOARD["panels"]:
            place = panel["gridPos"]
            assert place["x"] >= 0
            assert place["x"] + place["w"] <= 24
            cells = set(
                itertools.product(
                    range(place["x"], place["x"] + place["w"]),
                    range(place["y"], place["y"] + place["h"]),
                )
            )
            assert not cells & taken, panel["title"]
            taken |= cells

    @pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
    def test_a_panel_has_queries_with_names_of_their_own(self, panel: dict[str, Any]) -> None:
        references = [target["refId"] for target in panel["targets"]]

        assert references
        assert len(set(references)) == len(references)
        assert panel["fieldConfig"]["defaults"]["unit"]
