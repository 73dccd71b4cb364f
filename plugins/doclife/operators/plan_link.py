"""The button on a task's page in Airflow that opens what the task has planned or worked on."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from airflow.configuration import conf
from airflow.sdk import BaseOperatorLink


class PlanLink(BaseOperatorLink):
    """Opens the plan's page in the dashboard, or the plans of the task's run.

    Airflow asks for the address when the task has ended, and keeps it in XCom.
    """

    name = "Plan"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address of the page, inside Airflow's own."""
        plans = _plans_of(operator)
        if len(plans) == 1:
            return _address(f"plans/{plans.pop()}")
        return _address(
            f"dags/{quote(ti_key.dag_id, safe='')}?run_id={quote(ti_key.run_id, safe='')}"
        )


def _plans_of(operator: Any) -> set[int]:
    """Return the plans that the task was told of; none when it has stored them itself."""
    shards: Sequence[Any] = getattr(operator, "shards", None) or ()
    known = [shard["plan_id"] for shard in shards if isinstance(shard, dict)]
    known += getattr(operator, "plan_ids", None) or ()
    known.append(getattr(operator, "plan_id", None))
    return {int(plan) for plan in known if str(plan or "").isdecimal()}


def _address(path: str) -> str:
    """Return where Airflow shows a page of the dashboard: the frame's own path follows its own."""
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return f"{base}/plugin/doclife{urlsplit(base).path}/doclife/{path}"
