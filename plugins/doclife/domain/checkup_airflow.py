"""Whether Airflow is well, by what it says about itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from doclife.domain.checkup import Finding, fault, ok, warning

DAGS = (
    "check_expired_documents",
    "execute_automation_rules",
    "send_daily_summaries",
    "weekly_cleanup",
    "review_plan",
    "process_queue",
    "run_rule",
)
"""Without one of these something of a deployment stands still."""
_HURT = {
    "metadatabase": "nothing of Airflow works",
    "scheduler": "no run starts",
    "triggerer": "process_queue is not woken, and reviews do not end",
    "dag_processor": "changed DAGs are not seen, and new ones do not appear",
}


def judge_airflow(health: Mapping[str, Any]) -> Iterator[Finding]:
    """Judge Airflow's own word about its components (``/api/v2/monitor/health``)."""
    unwell = []
    for component, hurt in _HURT.items():
        found = health.get(component)
        status = found.get("status") if isinstance(found, Mapping) else None
        if status == "healthy":
            continue
        unwell.append(component)
        yield fault(
            "Airflow",
            f"{component} {'does not run' if status is None else f'is {status}'}: {hurt}",
            fix=f"start it and look at its log (airflow {component.replace('_', '-')})"
            if component != "metadatabase"
            else "start Airflow's database, and look at [database] sql_alchemy_conn",
        )
    if not unwell:
        yield ok("Airflow", "scheduler, triggerer and DAG processor are healthy")


def judge_dags(paused: Mapping[str, bool]) -> Iterator[Finding]:
    """Judge whether every DAG is there and takes part.

    :param paused: by the id of each DAG that Airflow knows.
    """
    well = True
    for dag_id in DAGS:
        if dag_id not in paused:
            well = False
            yield fault(
                "DAGs",
                f"{dag_id} is not known to Airflow",
                fix="look at the import errors on Airflow's start page; is dags/ where "
                "[core] dags_folder says, with plugins/ and include/ beside it?",
            )
        elif paused[dag_id]:
            well = False
            yield warning("DAGs", f"{dag_id} is paused", fix=f"airflow dags unpause {dag_id}")
    if well:
        yield ok("DAGs", "all are there, and none is paused")
