"""One organization, as the system has it and as the oracle has it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from doclife.domain.rule import Rule as SystemRule
from doclife.errors import ConfigurationError, RefusedError
from tests.model import deeds, oracle
from tests.model.driver import Organization, System
from tests.model.facts import Change, Document, Event, Item, Matter, Rule, World
from tests.model.histories import DATE_FIELDS, METADATA, Step
from tests.model.language import answer, value
from tests.model.mortality import path_of


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
        self.matter_count = 0
        self.outcomes: Counter[str] = Counter()
        self.event_ids: dict[int, int] = {}
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
        matter = self.next_matter()
        self.real.hold(matter, document.name, now)
        if document.status not in ("purging", "purged"):
            document.holds.add(matter)

    def fact_matter(self, step: Step, now: datetime) -> None:
        """A matter is opened whose condition also holds what comes later."""
        name = self.next_matter()
        self.real.open_matter(name, step["when"], now)
        self.world.matters[name] = Matter(when=step["when"])
        self.note_caught(now)

    def fact_recondition(self, step: Step, now: datetime) -> None:
        """A matter gets another condition; nobody is released by that."""
        name = self.pick_name(step, self.world.matters)
        if name is not None:
            self.real.change_condition(name, step["when"], now)
            self.world.matters[name].when = step["when"]
            self.note_caught(now)

    def fact_close(self, step: Step, now: datetime) -> None:
        name = self.pick_name(step, self.world.matters)
        if name is not None:
            self.real.close_matter(name, now)
            del self.world.matters[name]
            for document in self.world.documents.values():
                document.holds.discard(name)

    def next_matter(self) -> str:
        self.matter_count += 1
        return f"matter-{self.matter_count}"

    def fact_release(self, step: Step, now: datetime) -> None:
        document = self.pick(step, lambda d: bool(d.holds))
        if document is not None:
            matter = min(document.holds)
            self.real.release(matter, document.name, now)
            document.holds.remove(matter)
            if matter in self.world.matters:
                self.world.matters[matter].released.add(document)

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

    def fact_keep(self, step: Step, now: datetime) -> None:
        """A rule appears that keeps nearly everything."""
        self.make_current(step["rule"], now)

    def fact_remove(self, step: Step, now: datetime) -> None:
        name = self.pick_name(step, self.world.rules)
        if name is not None:
            self.real.remove_rule(name, now)
            del self.world.rules[name]

    def fact_halt(self, step: Step, now: datetime) -> None:
        self.real.system.halt()
        self.world.halts.add("switch")

    def fact_resume(self, step: Step, now: datetime) -> None:
        self.real.system.resume()
        self.world.halts.discard("switch")

    def fact_clone(self, step: Step, now: datetime) -> None:
        """The database finds itself on another server."""
        self.real.system.clone()
        self.world.halts.add("copy")

    def fact_adopt(self, step: Step, now: datetime) -> None:
        self.real.system.adopt()
        self.world.halts.discard("copy")

    def fact_decide(self, step: Step, now: datetime) -> None:
        """Somebody takes a document out of a plan: for a while, until a day, or into a matter."""
        open_items = [
            (plan, item)
            for plan in self.world.plans if plan.state in oracle.OPEN
            for item in plan.items
            if item.state == "planned" and item.document.status not in ("purging", "purged")
        ]  # fmt: skip
        if not open_items:
            return
        plan, item = open_items[int(step["pick"] * len(open_items))]
        matter, until = self.next_matter(), self.until(step, now)
        try:
            kept = self.real.decide(
                self.plan_ids[id(plan)], item.document.name, step["answer"], until, matter, now
            )
        except RefusedError:
            if not oracle.is_stale(self.world, plan, now):
                raise
            return
        if not kept:
            raise Disagreement(f"{item.document.name} was to be kept, and nothing was decided")
        self.keep(item, step["answer"], until, matter)
        self.outcomes[f"{item.action} taken out of its plan: {step['answer']}"] += 1

    def until(self, step: Step, now: datetime) -> date:
        """The last day that documents are left alone after a decision."""
        days = step["days"] if step["answer"] == "extend" else self.world.reprieve_days
        return self.world.day(now) + timedelta(days=days)

    def keep(self, item: Item, answer: str, until: date, matter: str) -> None:
        if answer == "hold":
            item.document.holds.add(matter)
            item.state = "skipped"
        else:
            deeds.keep(self.world, item, until)

    def fact_restore(self, step: Step, now: datetime) -> None:
        document = self.pick(step, lambda d: d.status in ("deleted", "archived"))
        if document is not None:
            self.real.restore(document.name, now)
            deeds.restore(self.world, document, now)

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
        if step.get("is_aimed"):  # at what is about to be done
            found = [document for document in self.about_to_happen() if fits(document)] or found
        return found[int(step["pick"] * len(found))] if found else None

    def about_to_happen(self) -> list[Document]:
        plans = [plan for plan in self.world.plans if plan.state in oracle.OPEN]
        return [item.document for plan in plans for item in plan.items if item.state == "planned"]

    def pick_name(self, step: Step, found: dict[str, Any]) -> str | None:
        return sorted(found)[int(step["pick"] * len(found))] if found else None

    # ------------------------------------------------------------------------------- comparisons
    def note_caught(self, now: datetime) -> None:
        """Learn which documents the conditions of matters have caught by now.

        When they are caught is the system's choice, as long as it is before anything happens to
        them; that nothing is caught without a reason is not.
        """
        if not self.world.matters:
            return
        for matter, name in self.real.holds():
            document = self.world.documents[name]
            if matter not in self.world.matters or matter in document.holds:
                continue
            when, today = self.world.matters[matter].when, self.world.day(now)
            if answer(self.world, document, when, today, is_strict=True) is False:
                raise Disagreement(f"{name} was caught by {matter}, which does not match: {when}")
            document.holds.add(matter)
            self.outcomes[f"caught by a condition when {document.status}"] += 1

    def all_are_caught(self, where: str, now: datetime) -> None:
        """After a night, whatever a condition catches is listed under its matter."""
        for document in self.world.documents.values():
            if oracle.is_held(self.world, document, self.world.day(now)) and not document.holds:
                raise Disagreement(f"{where}: {document.name} was not caught by any matter")

    def compare(self, where: str, now: datetime) -> None:
        self.note_caught(now)
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
        for copy in ("original", "bag"):
            file, uri = getattr(document, copy), row[copy]
            if (file is None) != (uri is None):
                raise Disagreement(
                    f"{where}: the {copy} of {document.name} is {uri}, oracle: {file}"
                )
            if file is None:
                continue
            path = path_of(uri)
            state = self.world.files[file]
            content = path.read_bytes() if path.exists() else None
            wanted = self.real.content(document.first_original)
            if content is None or (state == "intact" and content != wanted):
                raise Disagreement(
                    f"{where}: {document.name}: {path} holds {content!r}, not {wanted!r}"
                )
        first = self.real.originals[document.first_original]
        used = {d.original for d in self.world.documents.values()}
        if document.original is None and document.first_original not in used and first.exists():
            raise Disagreement(f"{where}: the original of {document.name} should be gone")

    def compare_remains(self) -> None:
        """Nowhere in a store are there bytes that only purged documents had."""
        kept = {
            document.first_original
            for document in self.world.documents.values()
            if document.status != "purged"
        }
        contents = self.real.contents()
        for document in self.world.documents.values():
            content = self.real.content(document.first_original)
            if document.first_original not in kept and content in contents:
                raise Disagreement(
                    f"at the end: {document.name} is purged, and its bytes are at "
                    f"{contents[content]}"
                )


def as_fact(field: str, raw: Any) -> Any:
    return date.fromisoformat(raw) if field in DATE_FIELDS and raw is not None else raw


def same(one: Any, other: Any) -> bool:
    return json.dumps(one, default=str) == json.dumps(other, default=str)
