"""Plays a history to the real system and to the oracle, and says where they disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from doclife.errors import RefusedError
from tests.model import deeds, oracle
from tests.model.driver import System
from tests.model.facts import Item, Plan
from tests.model.histories import Step
from tests.model.mortality import Killed
from tests.model.tenant import Disagreement, Tenant

AUTHOR = "user:model"
SECOND = timedelta(seconds=1)
FAR_AHEAD = datetime(2101, 1, 1, tzinfo=UTC)
Result = TypeVar("Result")


class Mortal:
    """Runs deeds that may die once, at the step that the history chose.

    :param step: its crash says after how many statements and writes; without one all live.
    :param work: planning or applying; only the one that the crash names dies.
    """

    def __init__(self, system: System, step: Step, work: str) -> None:
        crash = step.get("crash", {"while": None})
        self.system = system
        self.steps_left: int | None = crash["after"] if crash["while"] == work else None

    def call(self, deed: Callable[[], Result]) -> Result:
        """Run a deed; when it dies, run it again, as a cleared task would."""
        try:
            return self.call_once(deed)
        except Killed:
            return deed()

    def call_once(self, deed: Callable[[], Result]) -> Result:
        """Run a deed.

        :raises Killed: it died, and a new connection is there.
        """
        fuse = self.system.fuse
        fuse.steps_left = self.steps_left
        try:
            return deed()
        except Killed:
            self.system.fresh_connection()
            raise
        finally:
            self.steps_left, fuse.steps_left = fuse.steps_left, None


class Play:
    """One history."""

    def __init__(self, system: System, history: dict[str, Any]) -> None:
        self.system, self.history = system, history
        self.now = datetime.fromisoformat(history["start"])
        self.outcomes: Counter[str] = Counter()

    def run(self) -> Counter[str]:
        """Play every step; return how often each outcome was agreed on.

        :raises Disagreement: at the first step after which the two differ.
        """
        self.system.forget()
        self.system.set_clock(self.now)
        self.tenants = [
            Tenant(self.system, setup, self.now) for setup in self.history["organizations"]
        ]
        for number, step in enumerate(self.history["steps"]):
            self.pass_time(timedelta(seconds=step["later"]))
            tenant = self.tenants[step["organization"]]
            where = f"step {number} ({step['do']} at {self.now})"
            deed = getattr(self, f"deed_{step['do']}", None)
            if deed is None:
                self.state_facts(tenant, [step])
            else:
                deed(tenant, step, where)
            for each in self.tenants:
                each.compare(where, self.now)
        self.pass_time(timedelta(hours=2))
        self.system.sweep()
        for each in self.tenants:
            each.compare_remains()
            self.outcomes.update(each.outcomes)
        return self.outcomes

    def pass_time(self, by: timedelta) -> None:
        self.now += by
        self.system.set_clock(self.now)

    def state_facts(self, tenant: Tenant, steps: list[Step]) -> None:
        for step in steps:
            self.pass_time(SECOND)
            tenant.state_fact(step, self.now)
            for other in self.tenants:
                other.world.halts = tenant.world.halts

    # ------------------------------------------------------------------------------------- deeds
    def deed_night(self, tenant: Tenant, step: Step, where: str) -> None:
        as_of = self.now - timedelta(seconds=step.get("decided_earlier", 0))
        run_id, now = f"night {self.now}", self.now
        planning, applying = self.mortals(step)
        summaries = planning.call(lambda: tenant.real.plan_night(run_id, now, as_of))
        plans = oracle.plan_rules(tenant.world, tenant.world.rules.values(), now, as_of)
        by_rule = {s.rule.split("@")[0]: s for s in summaries if s.mode == "enforce"}
        for plan in plans:
            assert plan.rule is not None
            summary = by_rule.pop(plan.rule.name, None)
            if summary is None:
                if plan.items:
                    raise Disagreement(f"{where}: no plan of {plan.rule.name}")
                plan.state = "over"
                continue
            self.same_plan(tenant, plan, summary, where)
        if any(summary.document_count for summary in by_rule.values()):
            raise Disagreement(f"{where}: plans of rules that may not act: {by_rule}")
        tenant.note_caught(now)
        tenant.all_are_caught(where, now)
        self.state_facts_between(tenant, step)
        for plan in plans:
            if plan.state == "planned" and plan.items:
                self.apply(tenant, plan, step, applying, where)

    def deed_run(self, tenant: Tenant, step: Step, where: str) -> None:
        """Somebody runs one rule by hand, perhaps only to see, perhaps into the future."""
        name = tenant.pick_name(step, tenant.world.rules)
        if name is None:
            return
        rule, now, run_id = tenant.world.rules[name], self.now, f"run {self.now}"
        as_of = FAR_AHEAD if step["is_ahead"] else now
        may_act = rule.mode == "enforce" and not step["is_ahead"]
        planning, applying = self.mortals(step)
        try:
            summary = planning.call(
                lambda: tenant.real.plan_rule(name, run_id, now, as_of, step["mode"])
            )
        except RefusedError:
            self.count("run by hand refused")
            if may_act or (step["mode"] == "simulate" and rule.mode != "off"):
                raise
            return
        if step["mode"] == "simulate":
            self.count("run by hand simulated")
            return
        if not may_act:
            raise Disagreement(f"{where}: rule {name} ({rule.mode}) may not act: {summary}")
        (plan,) = oracle.plan_rules(tenant.world, [rule], now, now)
        self.same_plan(tenant, plan, summary, where)
        self.state_facts_between(tenant, step)
        if plan.state == "planned" and plan.items:
            self.apply(tenant, plan, step, applying, where)

    def deed_weekly(self, tenant: Tenant, step: Step, where: str) -> None:
        """The purge is planned for all organizations at once."""
        run_id, now = f"weekly {self.now}", self.now
        planning, applying = self.mortals(step)
        summaries = planning.call(lambda: tenant.real.plan_weekly(run_id, now))
        found = {(summary.organization, str(summary.kind)): summary for summary in summaries}
        plans: list[tuple[Tenant, Plan]] = []
        for each in self.tenants:
            for plan in oracle.plan_weekly(each.world, now):
                self.same_plan(each, plan, found[each.real.slug, plan.kind], where)
                plans.append((each, plan))
        self.state_facts_between(tenant, step)
        for each, plan in plans:
            if plan.state == "planned" and plan.items:
                self.apply(each, plan, step, applying, where)

    def deed_select(self, tenant: Tenant, step: Step, where: str) -> None:
        """Somebody chooses documents by hand."""
        names = sorted(tenant.world.documents)
        chosen = [name for number, name in enumerate(names) if step["which"] >> number & 1]
        if not chosen:
            return
        run_id, now, action = f"select {self.now}", self.now, step["action"]
        planning, applying = self.mortals(step)
        summary = planning.call(lambda: tenant.real.plan_selection(run_id, chosen, action, now))
        documents = [tenant.world.documents[name] for name in chosen]
        (plan,) = oracle.plan_selection(tenant.world, documents, action, now)
        self.same_plan(tenant, plan, summary, where)
        self.state_facts_between(tenant, step)
        if plan.state == "planned" and plan.items:
            self.apply(tenant, plan, step, applying, where)

    def deed_approve(self, tenant: Tenant, step: Step, where: str) -> None:
        """Somebody answers about a plan that waits, or takes up one that was left lying."""
        waiting = [
            plan for plan in tenant.world.plans
            if plan.state in ("planned", "needs_approval", "approved", "applying")
            and any(item.state == "planned" for item in plan.items)
        ]  # fmt: skip
        if not waiting:
            return
        plan = waiting[int(step["pick"] * len(waiting))]
        if plan.state == "needs_approval" and not self.answer(tenant, plan, step, where):
            return
        _, applying = self.mortals(step)
        self.state_facts_between(tenant, step)
        self.apply(tenant, plan, step, applying, where)

    def answer(self, tenant: Tenant, plan: Plan, step: Step, where: str) -> bool:
        """Answer every question about a plan; return whether it may be applied then."""
        plan_id = tenant.plan_ids[id(plan)]
        matter, until = tenant.next_matter(), tenant.until(step, self.now)
        stages = len(plan.rule.stages) if plan.rule and plan.rule.needs_review else 1
        approvers = [f"user:approver {number}" for number in range(stages)]
        if step["by_author"]:
            approvers.insert(0, AUTHOR)
        outcomes = [
            tenant.real.answer(plan_id, step["answer"], approver, until, matter, self.now)
            for approver in (approvers if step["answer"] == "approve" else approvers[:1])
        ]
        state = tenant.real.plan_state(plan_id)
        is_approved = step["answer"] == "approve"
        # Whoever keeps documents is heard also about a plan that can no longer be applied.
        if self.now - plan.made_at >= timedelta(days=7) or (
            is_approved and oracle.is_stale(tenant.world, plan, self.now)
        ):
            if state in ("approved", "rejected"):
                raise Disagreement(f"{where}: stale, and yet answered: {outcomes}")
            plan.state = "over"
            return False
        if state != ("approved" if is_approved else "rejected"):
            raise Disagreement(f"{where}: {step['answer']} by {approvers} made it {state}")
        if is_approved and step["by_author"] and plan.rule and outcomes[0] != "invalid":
            raise Disagreement(f"{where}: the author's approval was {outcomes[0]}")
        plan.state = state if is_approved else "over"
        self.count(f"plan {state}")
        for item in [i for i in plan.items if not is_approved and i.state == "planned"]:
            if item.document.status not in ("purging", "purged"):
                tenant.keep(item, step["answer"], until, matter)
        return is_approved

    def deed_undo(self, tenant: Tenant, step: Step, where: str) -> None:
        done = [
            plan for plan in tenant.world.plans
            if plan.kind not in oracle.PURGES and any(i.state == "done" for i in plan.items)
        ]  # fmt: skip
        if done:
            plan = done[int(step["pick"] * len(done))]
            tenant.real.undo(tenant.plan_ids[id(plan)], self.now)
            deeds.undo(tenant.world, plan, self.now)
            self.count("plan undone")

    def count(self, outcome: str) -> None:
        self.outcomes[outcome] += 1

    def mortals(self, step: Step) -> tuple[Mortal, Mortal]:
        return Mortal(self.system, step, "planning"), Mortal(self.system, step, "applying")

    # ------------------------------------------------------------------------------- applying
    def state_facts_between(self, tenant: Tenant, step: Step) -> None:
        if "between" in step:
            self.state_facts(tenant, step["between"])
            self.pass_time(timedelta(seconds=step["wait"]))

    def same_plan(self, tenant: Tenant, plan: Plan, summary: Any, where: str) -> None:
        """Both mean to do the same, and both ask or do not ask."""
        tenant.plan_ids[id(plan)] = summary.plan_id
        tenant.note_caught(self.now)
        name = plan.rule.name if plan.rule else summary.kind
        items = tenant.real.items(summary.plan_id)
        real = {key for key, (state, _) in items.items() if state == "planned"}
        ours = {(item.document.name, item.action) for item in plan.items}
        if real != ours:
            raise Disagreement(
                f"{where}: plan {name} means to do {sorted(real)}, the oracle {sorted(ours)}; "
                f"items: {items}"
            )
        for (_, action), (state, reason) in items.items():
            if state == "skipped":
                self.count(f"{action} not planned: {reason}")
        if (summary.state == "needs_approval") != (plan.state == "needs_approval"):
            raise Disagreement(
                f"{where}: plan {name} is {summary.state} ({summary.approval_reason}), "
                f"the oracle says {plan.state}"
            )

    def apply(self, tenant: Tenant, plan: Plan, step: Step, mortal: Mortal, where: str) -> None:
        plan_id = tenant.plan_ids[id(plan)]
        try:
            refused = mortal.call_once(lambda: tenant.real.apply(plan_id, self.now))
        except Killed:
            self.count("process killed while applying")
            self.take_stock_after_crash(tenant, plan, where)
            for other in self.tenants:
                other.compare(f"{where}, after the crash", self.now)
            self.state_facts(tenant, step["crash"]["then"])
            if not step["crash"]["resumes"]:
                return
            self.pass_time(timedelta(hours=1))
            refused = tenant.real.apply(plan_id, self.now)
        verdicts = {
            id(item): oracle.verdict(tenant.world, plan, item, self.now)
            for item in plan.items if item.state == "planned"
        }  # fmt: skip
        if refused is not None:
            self.count("plan refused")
            wronged = [i.document.name for i in plan.items if verdicts.get(id(i), "done") is None]
            if wronged:
                raise Disagreement(
                    f"{where}: refused ({refused}), but it must be done to {wronged}"
                )
            return
        items = tenant.real.items(plan_id)
        for item in plan.items:
            if item.state == "planned":
                self.same_outcome(tenant, plan, item, verdicts[id(item)], items, where)
        plan.state = "applied"

    def same_outcome(
        self, tenant: Tenant, plan: Plan, item: Item, verdict: str | None,
        items: dict[tuple[str, str], tuple[str, str | None]], where: str,
    ) -> None:  # fmt: skip
        state, reason = items[item.document.name, item.action]
        if (state == "done") != (verdict is None) or state == "planned":
            raise Disagreement(
                f"{where}: {item.action} of {item.document.name} is {state} ({reason}), "
                f"the oracle says {verdict or 'do it'}"
            )
        self.count(f"{item.action} {state}: {verdict or 'as planned'}")
        if verdict is None:
            deeds.do(tenant.world, plan, item, self.now)
        else:
            item.state = "skipped"

    def take_stock_after_crash(self, tenant: Tenant, plan: Plan, where: str) -> None:
        """How far the dead process came is chance; that it did nothing forbidden is not."""
        plan_id = tenant.plan_ids[id(plan)]
        items, rows = tenant.real.items(plan_id), tenant.real.documents()
        as_it_was, plan.state = replace(plan), tenant.real.plan_state(plan_id)
        for item in [item for item in plan.items if item.state == "planned"]:
            document = item.document
            state, _ = items[document.name, item.action]
            verdict = oracle.verdict(tenant.world, as_it_was, item, self.now)
            has_begun = item.action == "PURGE" and rows[document.name]["status"] == "purging"
            if item.action == "REMOVE_ORIGINAL" and state == "planned" and document.original:
                has_begun = not tenant.real.originals[document.original].exists()
            if state != "planned" and not has_begun:
                self.same_outcome(tenant, plan, item, verdict, items, where + ", at the crash")
            elif has_begun and verdict is not None:
                raise Disagreement(
                    f"{where}, at the crash: {item.action} of {document.name} had begun, "
                    f"the oracle says {verdict}"
                )
            elif has_begun:
                deeds.begin(item)
