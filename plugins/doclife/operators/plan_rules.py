"""Plans what the rules want, or picks up a stored plan, and starts what may run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doclife.errors import ConfigurationError
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.moment import AS_OF, parse_moment
from doclife.operators.plan_link import PlanLink
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.domain.rule import Mode
    from doclife.store.connection import Connection

MODE = "{{ params.get('mode') or '' }}"


class PlanRulesOperator(LifecycleOperator):
    """Store a plan for every rule that is due, resolved against all retention, and start them.

    Returns the ids of the plans, for ListShardsOperator and FinishPlansOperator. Plans that only
    simulate and plans that wait for a person are stored and left. Cleared and run again, the task
    finds the plans it stored before and continues only those.

    :param organization: only this one; None or empty for all (templated).
    :param mode: ``simulate`` plans what would happen and does nothing, whatever the rules say; it
        may look into the future. Empty or ``enforce``: as each rule says (templated).
    :param as_of: the decision moment, ISO 8601 with offset (templated).
    """

    template_fields: Sequence[str] = (
        *LifecycleOperator.template_fields,
        "organization",
        "mode",
        "as_of",
    )
    operator_extra_links = (PlanLink(),)

    def __init__(
        self,
        *,
        organization: str | None = None,
        mode: str = MODE,
        as_of: str = AS_OF,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.organization = organization
        self.mode = mode
        self.as_of = as_of

    def work(self, conn: "Connection", run: TaskRun) -> list[int]:
        """Store and start the plans."""
        from doclife.lifecycle.log_fields import log_fields
        from doclife.lifecycle.planning import plan_due_rules
        from doclife.lifecycle.running import start_plans

        stored = plan_due_rules(
            conn,
            now=present(),
            as_of=parse_moment(self.as_of),
            dag_id=run.dag_id,
            run_id=run.run_id,
            requested_by=run.actor,
            organization=self.organization or None,
            mode=only_simulated(self.mode),
        )
        for plan in stored:
            with log_fields(plan_id=plan.plan_id, rule=plan.rule):
                self.log.info(
                    "Plan %s of rule %s: %s documents, %s, %s%s",
                    plan.plan_id,
                    plan.rule,
                    plan.document_count,
                    plan.mode,
                    plan.state,
                    f" ({plan.approval_reason})" if plan.approval_reason else "",
                )
        plan_ids = [plan.plan_id for plan in stored]
        start_plans(conn, plan_ids=plan_ids, now=present())
        return plan_ids


class PlanRuleOperator(LifecycleOperator):
    """Plan one rule by hand, or pick up a stored plan, and start it.

    Returns a list of the one plan's id, so that what follows is the same as after
    PlanRulesOperator. A new plan that needs approval is stored and left. A stored plan that must
    not run (it waits for approval, is too old, was rejected, its rule has changed, everything is
    halted) fails the task with the reason.

    :param rule: name of the rule to plan (templated).
    :param organization: whose rule (templated).
    :param mode: ``simulate`` or ``enforce``; empty for the rule's own. A rule that only simulates
        is never enforced by asking (templated).
    :param plan_id: apply this stored plan instead of making one (templated).
    :param as_of: the decision moment of a new plan, ISO 8601 with offset (templated).
    """

    template_fields: Sequence[str] = (
        *LifecycleOperator.template_fields,
        "rule",
        "organization",
        "mode",
        "plan_id",
        "as_of",
    )
    operator_extra_links = (PlanLink(),)

    def __init__(
        self,
        *,
        rule: str = "",
        organization: str = "default",
        mode: str = MODE,
        plan_id: str = "",
        as_of: str = AS_OF,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rule = rule
        self.organization = organization
        self.mode = mode
        self.plan_id = plan_id
        self.as_of = as_of

    def work(self, conn: "Connection", run: TaskRun) -> list[int]:
        """Store the plan, unless it is given, and start it."""
        from doclife.lifecycle.applying import start

        if bool(self.rule) == bool(self.plan_id):
            raise ConfigurationError("give the name of a rule, or the number of a stored plan")
        if self.plan_id:
            plan_id = self._stored_plan()
            start(conn, plan_id=plan_id, now=present())
            return [plan_id]
        return [self._plan(conn, run)]

    def _plan(self, conn: "Connection", run: TaskRun) -> int:
        from doclife.lifecycle.applying import start
        from doclife.lifecycle.log_fields import log_fields
        from doclife.lifecycle.planning import plan_rule
        from doclife.lifecycle.ruling import current_version

        version = current_version(conn, organization=self.organization, name=self.rule)
        plan = plan_rule(
            conn,
            rule_version_id=version.version_id,
            now=present(),
            as_of=parse_moment(self.as_of),
            dag_id=run.dag_id,
            run_id=run.run_id,
            requested_by=run.actor,
            mode=parse_mode(self.mode),
        )
        with log_fields(plan_id=plan.plan_id, rule=plan.rule):
            self.log.info("Plan %s: %s documents, %s", plan.plan_id, plan.document_count, plan.mode)
        if plan.mode == "enforce" and plan.approval_reason is None:
            start(conn, plan_id=plan.plan_id, now=present())
        return plan.plan_id

    def _stored_plan(self) -> int:
        if not self.plan_id.isdecimal():
            raise ConfigurationError(f"plan_id={self.plan_id!r} is not the number of a plan")
        return int(self.plan_id)


def parse_mode(text: str) -> "Mode | None":
    """Return the mode that a form gave; None for each rule's own.

    :raises ConfigurationError: it is none that a run can have.
    """
    from doclife.domain.rule import Mode

    if not text:
        return None
    if text not in ("simulate", "enforce"):
        raise ConfigurationError(f"mode={text!r} is neither simulate nor enforce")
    return Mode(text)


def only_simulated(text: str) -> "Mode | None":
    """Return simulate where a form asks for it; else None, so that each rule's own mode counts."""
    mode = parse_mode(text)
    return mode if mode == "simulate" else None
