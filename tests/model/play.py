"""Plays a history to the real system and to the oracle, and says where they disagree."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from doclife.domain.rule import Rule as SystemRule
from doclife.errors import ConfigurationError
from tests.model import deeds, oracle
from tests.model.driver import Killed, Mortal, Organization, System
from tests.model.facts import Change, Document, Event, Item, Plan, Rule, World
from tests.model.histories import DATE_FIELDS, METADATA, Step
from tests.model.language import value

SECOND = timedelta(seconds=1)


class Disagreement(AssertionError):
    """The system and the oracle see it differently."""


class Tenant:
    """One organization, as the system has it and as the oracle has it."""

    def __init__(self, system: System, setup: dict[str, Any], now: datetime) -> None:
        self.real = Organization(system, setup, now)
        self.world = World(
            zone=setup["zone"],
            cooling_off_days=setup["cooling_off_days"],
            reprieve_days=setup["reprieve_days"],
            limits=setup["limits"],
            types={f"metadata.{name}": kind for name, kind in METADATA.items()},
        )
        self.plan_ids: dict[int, int] = {}  # id() of the oracle's plan: the system's plan
        self.matters: dict[str, Any] = {}
        self.event_ids: dict[int, int] = {}
        # Every place where bytes of a document were ever seen, with what they are.
        self.places: dict[str, set[Path]] = {}
        for document in setup["documents"]:
            self.register(document, now - timedelta(seconds=document["age_seconds"]))
        for text in setup["rules"]:
            self.make_current(text, now)

    # ------------------------------------------------------------------------------------- facts
    def register(self, document: dict[str, Any], at: datetime) -> None:
        name = document["name"]
        if name in self.world.documents:
            return
        values = {field: as_fact(field, raw) for field, raw in document["values"].items()}
        values["external_id"] = values["title"] = name
        file = document["file"]
        if self.world.files.setdefault(file, "intact") != "intact":
            return
        self.real.register(name, file, document["values"], at)
        self.world.documents[name] = Document(
            name=name, registered_at=at, values=values, first_original=file, original=file
        )
        self.places[name] = {self.real.originals[file]}

    def make_current(self, text: dict[str, Any], now: datetime) -> None:
        self.real.make_current(text, now)
        self.world.rules[text["name"]] = Rule(text=text, made_at=now)

    def state_fact(self, step: Step, now: datetime) -> None:
        getattr(self, f"fact_{step['do']}")(step, now)

    def fact_register(self, step: Step, now: datetime) -> None:
        name = f"later-{len(self.world.documents)}"
        self.register({**step["document"], "name": name, "file": f"file-{name}"}, now)

    def fact_change(self, step: Step, now: datetime) -> None:
        document = self.pick(step, lambda d: d.status not in ("purging", "purged"))
        field, new = step["field"], as_fact(step["field"], step["value"])
        if document is None or same(document.values.get(field), new):
            return
        self.real.change(document.name, field, step["value"])
        before = value(self.world, document, field)
        document.values[field] = new
        after = value(self.world, document, field)
        document.changes.append(Change(field=field, at=now, before=before, after=after))

    def fact_hold(self, step: Step, now: datetime) -> None:
        document = self.pick(step, lambda d: True)
        if document is None:
            return
        matter = f"matter-{len(self.matters)}"
        self.matters[matter] = document.name
        self.real.hold(matter, document.name, now)
        if document.status not in ("purging", "purged"):
            document.holds.add(matter)

    def fact_release(self, step: Step, now: datetime) -> None:
        document = self.pick(step, lambda d: bool(d.holds))
        if document is not None:
            matter = min(document.holds)
            self.real.release(matter, document.name, now)
            document.holds.remove(matter)

    def fact_event(self, step: Step, now: datetime) -> None:
        document = self.pick(step, lambda d: d.status not in ("purging", "purged"))
        if document is None:
            return
        day = date.fromisoformat(step["on"])
        event = Event(type=step["type"], occurred_on=day, recorded_at=now)
        self.event_ids[id(event)] = self.real.emit(document.name, step["type"], day)
        document.events.append(event)

    def fact_withdraw(self, step: Step, now: datetime) -> None:
        document = self.pick(step, lambda d: any(not e.withdrawn_at for e in d.events))
        if document is not None:
            event = next(e for e in reversed(document.events) if not e.withdrawn_at)
            self.real.withdraw(self.event_ids[id(event)], now)
            event.withdrawn_at = now

    def fact_edit(self, step: Step, now: datetime) -> None:
        name = self.pick_name(step, self.world.rules)
        if name is None:
            return
        old, new, only = self.world.rules[name].text, step["rule"], step["only"]
        text = {**new, "name": name}
        if only != "all":
            text = {**old, **{key: part for key, part in new.items() if key == only}}
        try:
            canonical = SystemRule.from_document(text).to_document()
        except ConfigurationError:
            return  # these parts do not fit together
        if canonical != SystemRule.from_document(old).to_document():
            self.make_current(text, now)

    def fact_remove(self, step: Step, now: datetime) -> None:
        name = self.pick_name(step, self.world.rules)
        if name is not None:
            self.real.remove_rule(name, now)
            del self.world.rules[name]

    def fact_halt(self, step: Step, now: datetime) -> None:
        self.real.system.halt()
        self.world.is_halted = True

    def fact_resume(self, step: Step, now: datetime) -> None:
        self.real.system.resume()
        self.world.is_halted = False

    def fact_tamper(self, step: Step, now: datetime) -> None:
        copy = step["copy"]
        shared = Counter(document.first_original for document in self.world.documents.values())

        def is_tamperable(document: Document) -> bool:
            file = getattr(document, copy)
            return file is not None and shared[file] < 2 and self.world.files[file] == "intact"

        document = self.pick(step, is_tamperable)
        if document is not None:
            self.real.tamper(path_of(self.real.documents()[document.name][copy]))
            self.world.files[getattr(document, copy)] = "changed"

    # ----------------------------------------------------------------------------------- choices
    def pick(self, step: Step, fits: Callable[[Document], bool]) -> Document | None:
        found = [document for document in self.world.documents.values() if fits(document)]
        return found[int(step["pick"] * len(found))] if found else None

    def pick_name(self, step: Step, found: dict[str, Any]) -> str | None:
        return sorted(found)[int(step["pick"] * len(found))] if found else None

    # ------------------------------------------------------------------------------- comparisons
    def compare(self, where: str) -> None:
        rows = self.real.documents()
        for name, document in self.world.documents.items():
            row = rows[name]
            expected = {
                "status": document.status,
                "status_before": document.before_trash,
                "hold_count": len(document.holds),
                "reprieve_until": document.reprieve_until,
            }
            if document.status == "deleted":
                expected["purge_after"] = document.purge_after
            if document.status == "archived" and document.original:
                expected["original_until"] = document.original_until
            if document.status == "purging":
                del expected["status_before"]
            found = {key: row[key] for key in expected}
            if found != expected:
                raise Disagreement(f"{where}: {name} is {found}, the oracle says {expected}")
            if not document.removal_has_begun:
                self.compare_bytes(where, document, row)

    def compare_bytes(self, where: str, document: Document, row: dict[str, Any]) -> None:
        seen = self.places[document.name]
        for copy in ("original", "bag"):
            file, uri = getattr(document, copy), row[copy]
            if (file is None) != (uri is None):
                raise Disagreement(f"{where}: the {copy} of {document.name} is {uri}, oracle: {file}")
            if file is None:
                continue
            path = path_of(uri)
            seen.add(path)
            state = self.world.files[file]
            content = path.read_bytes() if path.exists() else None
            wanted = f"{self.real.slug}/{document.first_original}".encode()
            if content is None or (state == "intact" and content != wanted):
                raise Disagreement(f"{where}: {document.name}: {path} holds {content!r}, not {wanted!r}")
        used = {d.original for d in self.world.documents.values() if d.original}
        used_places = {self.real.originals[file] for file in used}
        if document.bag:
            used_places.add(path_of(row["bag"]))
        left = [path for path in seen if path not in used_places and path.exists()]
        if left and (document.status == "purged" or document.original is None):
            raise Disagreement(f"{where}: {document.name} should be gone from {left}")


class Play:
    """One history."""

    def __init__(self, system: System, history: dict[str, Any]) -> None:
        self.system, self.history = system, history
        self.now = datetime.fromisoformat(history["start"])
        self.outcomes: dict[str, int] = {}

    def run(self) -> dict[str, int]:
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
                each.compare(where)
        return self.outcomes

    def pass_time(self, by: timedelta) -> None:
        self.now += by
        self.system.set_clock(self.now)

    def state_facts(self, tenant: Tenant, steps: list[Step]) -> None:
        for step in steps:
            self.pass_time(SECOND)
            tenant.state_fact(step, self.now)
            for other in self.tenants:
                other.world.is_halted = tenant.world.is_halted

    # ------------------------------------------------------------------------------------- deeds
    def deed_night(self, tenant: Tenant, step: Step, where: str) -> None:
        as_of = self.now - timedelta(seconds=step.get("decided_earlier", 0))
        run_id, now = f"night {self.now}", self.now
        mortal = Mortal(self.system, step.get("crash", {}).get("after"))
        summaries = mortal.call(lambda: tenant.real.plan_night(run_id, now, as_of))
        plans = oracle.plan_night(tenant.world, now, as_of).values()
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
        self.state_facts_between(tenant, step)
        for plan in plans:
            if plan.state == "planned" and plan.items:
                self.apply(tenant, plan, step, mortal, where)

    def deed_weekly(self, tenant: Tenant, step: Step, where: str) -> None:
        """The purge is planned for all organizations at once."""
        run_id, now = f"weekly {self.now}", self.now
        mortal = Mortal(self.system, step.get("crash", {}).get("after"))
        summaries = mortal.call(lambda: tenant.real.plan_weekly(run_id, now))
        found = {(summary.organization, str(summary.kind)): summary for summary in summaries}
        plans: list[tuple[Tenant, Plan]] = []
        for each in self.tenants:
            for kind, plan in oracle.plan_weekly(each.world, now).items():
                self.same_plan(each, plan, found[each.real.slug, kind], where)
                plans.append((each, plan))
        self.state_facts_between(tenant, step)
        for each, plan in plans:
            if plan.state == "planned" and plan.items:
                self.apply(each, plan, step, mortal, where)

    def deed_approve(self, tenant: Tenant, step: Step, where: str) -> None:
        """Somebody agrees to a plan that waits, or takes up one that was left lying."""
        waiting = [
            plan for plan in tenant.world.plans
            if plan.state in ("planned", "needs_approval", "approved", "applying")
            and any(item.state == "planned" for item in plan.items)
        ]  # fmt: skip
        if not waiting:
            return
        plan = waiting[int(step["pick"] * len(waiting))]
        if plan.state == "needs_approval":
            tenant.real.approve(tenant.plan_ids[id(plan)], self.now)
            plan.state = "approved"
        mortal = Mortal(self.system, step.get("crash", {}).get("after"))
        self.state_facts_between(tenant, step)
        self.apply(tenant, plan, step, mortal, where)

    def deed_restore(self, tenant: Tenant, step: Step, where: str) -> None:
        document = tenant.pick(step, lambda d: d.status in ("deleted", "archived"))
        if document is not None:
            tenant.real.restore(document.name, self.now)
            deeds.restore(tenant.world, document, self.now)

    def deed_undo(self, tenant: Tenant, step: Step, where: str) -> None:
        done = [
            plan for plan in tenant.world.plans
            if plan.rule and any(item.state == "done" for item in plan.items)
        ]  # fmt: skip
        if done:
            plan = done[int(step["pick"] * len(done))]
            tenant.real.undo(tenant.plan_ids[id(plan)], self.now)
            deeds.undo(tenant.world, plan, self.now)

    # ------------------------------------------------------------------------------- applying
    def state_facts_between(self, tenant: Tenant, step: Step) -> None:
        if "between" in step:
            self.state_facts(tenant, step["between"])
            self.pass_time(timedelta(seconds=step["wait"]))

    def same_plan(self, tenant: Tenant, plan: Plan, summary: Any, where: str) -> None:
        """Both mean to do the same, and both ask or do not ask."""
        tenant.plan_ids[id(plan)] = summary.plan_id
        name = plan.rule.name if plan.rule else summary.kind
        items = tenant.real.items(summary.plan_id)
        real = {key for key, (state, _) in items.items() if state == "planned"}
        ours = {(item.document.name, item.action) for item in plan.items}
        if real != ours:
            raise Disagreement(
                f"{where}: plan {name} means to do {sorted(real)}, the oracle {sorted(ours)}; "
                f"items: {items}"
            )
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
            self.take_stock_after_crash(tenant, plan, where)
            for other in self.tenants:
                other.compare(f"{where}, after the crash")
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
            wronged = [i.document.name for i in plan.items if verdicts.get(id(i), "done") is None]
            if wronged:
                raise Disagreement(f"{where}: refused ({refused}), but it must be done to {wronged}")
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
        outcome = f"{item.action} {state} {reason} / {verdict or 'done'}"
        if (state == "done") != (verdict is None) or state == "planned":
            raise Disagreement(
                f"{where}: {item.action} of {item.document.name} is {state} ({reason}), "
                f"the oracle says {verdict or 'do it'}"
            )
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        if verdict is None:
            deeds.do(tenant.world, plan, item, self.now)
        else:
            item.state = "skipped"

    def take_stock_after_crash(self, tenant: Tenant, plan: Plan, where: str) -> None:
        """How far the dead process came is chance; that it did nothing forbidden is not."""
        plan_id = tenant.plan_ids[id(plan)]
        items, rows = tenant.real.items(plan_id), tenant.real.documents()
        plan.state = tenant.real.plan_state(plan_id)
        for item in [item for item in plan.items if item.state == "planned"]:
            document = item.document
            state, reason = items[document.name, item.action]
            verdict = oracle.verdict(tenant.world, plan, item, self.now)
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


def as_fact(field: str, raw: Any) -> Any:
    return date.fromisoformat(raw) if field in DATE_FIELDS and raw is not None else raw


def same(one: Any, other: Any) -> bool:
    return json.dumps(one, default=str) == json.dumps(other, default=str)


def path_of(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))
