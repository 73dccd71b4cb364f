"""Ends a run that applied plans, and says truthfully how it went."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule

from doclife.errors import RefusedError
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.plan_link import PlanLink
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection


class FinishPlansOperator(LifecycleOperator):
    """Call the plans of a run applied, count what became of them, and publish the counts.

    It runs whatever became of the tasks before it, because a failed shard must not keep the other
    plans from ending; and as the last task it decides the colour of the run, so it fails when
    something is left to do or could not be done. The message says what to do.

    :param plan_ids: the plans, as the planning task returned them.
    :param rebuild_forecast: also rebuild what forecast and lists of due documents show; for the
        nightly run of all rules. It is always that of the present, whatever moment the run decides
        for: digests and the drift check of the breaker compare with it.
    """

    template_fields: Sequence[str] = (*LifecycleOperator.template_fields, "plan_ids")
    operator_extra_links = (PlanLink(),)

    def __init__(
        self,
        *,
        plan_ids: Sequence[int],
        rebuild_forecast: bool = False,
        trigger_rule: TriggerRule = TriggerRule.ALL_DONE,
        **kwargs: Any,
    ) -> None:
        super().__init__(trigger_rule=trigger_rule, **kwargs)
        self.plan_ids = plan_ids
        self.rebuild_forecast = rebuild_forecast

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, Any]:
        """Conclude, and return the counts."""
        from doclife.lifecycle.running import conclude

        if self.plan_ids is None:
            raise RefusedError("Nothing was planned: the planning task of this run failed.")
        conclusion = conclude(conn, plan_ids=self.plan_ids, now=present())
        if self.rebuild_forecast:
            from doclife.lifecycle.forecasting import rebuild_dispositions

            now = present()
            rebuild_dispositions(conn, now=now, as_of=now)
        if conclusion.unfinished:
            raise RefusedError(
                f"Something is left to do of {_plans(conclusion.unfinished)}: "
                f"{conclusion.to_json()}. Clear the failed tasks of this run; each goes on where "
                "it stopped."
            )
        if conclusion.failing:
            raise RefusedError(
                f"Some documents of {_plans(conclusion.failing)} could not be done: "
                f"{conclusion.to_json()}. See why: "
                f"doclife plans show {conclusion.failing[0]} --items --state failed"
            )
        return conclusion.to_json()


def _plans(plan_ids: Sequence[int]) -> str:
    return ("plan " if len(plan_ids) == 1 else "plans ") + ", ".join(map(str, plan_ids))
