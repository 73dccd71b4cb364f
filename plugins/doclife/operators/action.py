"""What ArchiveOperator, DeleteOperator, NotifyOperator and WebhookOperator have in common."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from doclife.errors import ConfigurationError, RefusedError
from doclife.operators.connecting import document_stores
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.linking import message_links
from doclife.operators.moment import AS_OF, parse_moment
from doclife.operators.plan_link import PlanLink
from doclife.operators.review_runs import start_reviews
from doclife.operators.selection import as_document_ids, chosen
from doclife.operators.shards import ShardJson, parse_shards
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.domain.plan import ShardOutcome, ShardRef
    from doclife.store.connection import Connection


class ActionOperator(LifecycleOperator):
    """Work through shards of stored plans, or plan and apply a selection of documents.

    Given ``shards``, it continues what is stored. Given ``document_ids`` or ``external_ids``, it
    first stores a plan with all belts: holds, every rule's retention, the limits of the last 24
    hours. A plan that needs approval is not applied now; the task fails, and somebody is asked by a
    run of ``review_plan``. Cleared and run
    again, the task finds the plan it stored before and continues only that.

    Returns how many documents were done, skipped (something spoke against it by then) and failed.
    A selection of which something failed fails the task after all the rest is done.

    :param shards: one entry of a ListShardsOperator's output; expand over it.
    :param document_ids: ids of the catalogue (templated).
    :param external_ids: the names that your application uses, instead of ids (templated).
    :param reason: why; goes into plan, audit trail and history (templated). Required with a
        selection.
    :param organization: whose documents the selection means (templated).
    :param as_of: the decision moment of a selection's plan, ISO 8601 with offset (templated). By
        default ``params.as_of``, else when the run was due.
    """

    action: ClassVar[str]
    template_fields: Sequence[str] = (
        *LifecycleOperator.template_fields,
        "shards",
        "document_ids",
        "external_ids",
        "reason",
        "organization",
        "as_of",
    )
    operator_extra_links = (PlanLink(),)

    def __init__(
        self,
        *,
        shards: Sequence[ShardJson] | None = None,
        document_ids: Sequence[int | str] | str | None = None,
        external_ids: Sequence[str] | str | None = None,
        reason: str | None = None,
        organization: str = "default",
        as_of: str = AS_OF,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.shards = shards
        self.document_ids = document_ids
        self.external_ids = external_ids
        self.reason = reason
        self.organization = organization
        self.as_of = as_of
        given = [each for each in (shards, document_ids, external_ids) if each is not None]
        if len(given) != 1:
            raise ConfigurationError(
                f"{self.task_id}: give either shards, document_ids or external_ids"
            )
        if shards is None and not reason:
            raise ConfigurationError(f"{self.task_id}: a selection needs a reason")

    def settings(self) -> Mapping[str, object]:
        """Return what a rule would write under ``with:`` of this action."""
        return {}

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Apply, and return the counts."""
        if self.shards is not None:
            shards = parse_shards(self.shards, actions=[self.action])
            outcome = self._apply_shards(conn, run, shards)
            return self.conclude(
                conn, sorted({shard.plan_id for shard in shards}), _counts(outcome)
            )
        outcome, plan_id = self._apply_selection(conn, run)
        if outcome.failed:
            raise RefusedError(
                f"{outcome.failed} documents of plan {plan_id} could not be done "
                f"({outcome.done} were, {outcome.skipped} were skipped). "
                f"See why: doclife plans show {plan_id} --items --state failed"
            )
        return self.conclude(conn, [plan_id], _counts(outcome))

    def conclude(
        self,
        conn: "Connection",
        plan_ids: Sequence[int],
        counts: dict[str, int],
    ) -> dict[str, int]:
        """Return the counts of what was applied; a subclass may wait for more."""
        return counts

    def _apply_shards(
        self, conn: "Connection", run: TaskRun, shards: Sequence["ShardRef"]
    ) -> "ShardOutcome":
        from doclife.domain.plan import ShardOutcome
        from doclife.lifecycle.applying import apply_shard

        stores, links = document_stores(conn), message_links()
        total = ShardOutcome()
        for shard in shards:
            total += apply_shard(
                conn, shard=shard, now=present, actor=run.actor, stores=stores, links=links
            )
        return total

    def _apply_selection(self, conn: "Connection", run: TaskRun) -> "tuple[ShardOutcome, int]":
        from doclife.domain.actions import ActionType
        from doclife.domain.plan import PlanState
        from doclife.lifecycle.applying import apply_plan
        from doclife.lifecycle.log_fields import log_fields
        from doclife.lifecycle.planning import plan_selection

        plan = plan_selection(
            conn,
            organization=self.organization,
            action=ActionType(self.action),
            document_ids=self._selected(conn),
            now=present(),
            as_of=parse_moment(self.as_of),
            dag_id=run.dag_id,
            run_id=run.run_id,
            requested_by=run.actor,
            reason=str(self.reason),
            options=self.settings(),
            selection_key=run.selection_key,
        )
        with log_fields(plan_id=plan.plan_id, action=self.action):
            self.log.info("Plan %s: %s documents", plan.plan_id, plan.document_count)
        if plan.state == PlanState.NEEDS_APPROVAL:
            start_reviews(conn, plan_id=plan.plan_id)
            raise RefusedError(
                f"plan {plan.plan_id} waits for approval: {plan.approval_reason}. Somebody is "
                "asked in Airflow's Required Actions. After the last approval the plan is applied; "
                "then clear this task."
            )
        outcome = apply_plan(
            conn,
            plan_id=plan.plan_id,
            now=present,
            actor=run.actor,
            stores=document_stores(conn),
            links=message_links(),
        )
        return outcome, plan.plan_id

    def _selected(self, conn: "Connection") -> list[int]:
        if self.document_ids is not None:
            return as_document_ids(chosen(self.document_ids, name="document_ids"))
        from doclife.lifecycle.documents import find_document_ids

        return find_document_ids(
            conn,
            organization=self.organization,
            external_ids=chosen(self.external_ids or (), name="external_ids"),
        )


def _counts(outcome: "ShardOutcome") -> dict[str, int]:
    return {"done": outcome.done, "skipped": outcome.skipped, "failed": outcome.failed}
