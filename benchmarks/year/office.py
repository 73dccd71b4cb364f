"""What people and applications do by day: documents, events, jobs, matters, approvals, restores."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from pathlib import Path

from benchmarks.year.far_side import FarSide
from benchmarks.year.mishaps import Course
from benchmarks.year.papers import OWNERS, RULES, Paper, Papers, write_manifest
from benchmarks.year.system import System

OLDEST_DAYS = 300
JOBS_A_DAY = 20
DAYS_BETWEEN_MATTERS, DAYS_OF_A_MATTER = 12, 45
GONE = ("purging", "purged")


class Office:
    """Writes down what it did, so that it can say later what should have come of it."""

    def __init__(self, system: System, course: Course, side: FarSide, folder: Path) -> None:
        self.system, self.course, self.side, self.folder = system, course, side, folder
        self.papers = Papers(system.stores["documents"], course.seed)
        self.chance = random.Random(course.seed + 1)
        self.matters: dict[str, tuple[date, str | None]] = {}
        """When each is to be closed, and whose offers it holds by its condition."""
        self.answers: list[tuple[date, str, int, str]] = []
        """When somebody answers: day, run, plan, answer."""
        self.unanswered = 0
        self._not_of_growth = 0
        self._held_once: set[str | int] = set()

    @property
    def today(self) -> date:
        return self.system.now.date()

    def open(self) -> None:
        """Move in: stores, endpoints, rules, and half of all documents."""
        self.system.call(
            "set_up",
            stores={name: str(path) for name, path in self.system.stores.items()},
            hooks=self.side.hooks_url,
            texts=list(RULES),
        )
        self.register(self.course.documents // 2, age_days=OLDEST_DAYS, is_first=True)

    def work(self, night: int, *, bulk_on: int) -> None:
        """One day's work."""
        grown = self.course.documents // 2 * (night + 1) // self.course.nights
        self.register(grown - (len(self.papers.all) - self._not_of_growth), age_days=0)
        if night == bulk_on:
            at_once = int(min(500, 0.05 * self.course.documents) * 1.6)
            self.register(at_once, age_days=OLDEST_DAYS, kind="draft")
        self._change_drafts()
        self._end_contracts()
        self._store_jobs()
        if night % DAYS_BETWEEN_MATTERS == 3:
            self._open_matter(night)
        self._close_matters()
        self._read()
        if night % 5 == 4:
            self._restore()

    def ask(self) -> None:
        """Put what waits for a person to people, who answer in a while, or never."""
        for asked in self.system.call("ask")["asked"]:
            chance = self.chance.random()
            if chance < 0.25:
                self.unanswered += 1
                continue
            answer = "reject" if chance < 0.35 else "approve"
            day = self.today + timedelta(days=self.chance.choice((0, 0, 1, 2, 4)))
            self.answers.append((day, asked["run_id"], asked["plan_id"], answer))

    def answer(self) -> None:
        """Give the answers whose day has come, and apply what is approved."""
        due = [each for each in self.answers if each[0] <= self.today]
        self.answers = [each for each in self.answers if each not in due]
        for _day, run_id, plan_id, answer in due:
            told = self.system.call("answer", run_id=run_id, answer=answer)
            if told.get("outcome") == "rejected":
                self._note_kept(plan_id)
        if due:
            self.system.call("apply_approved")

    def is_held(self, paper: Paper) -> bool:
        owner = OWNERS[paper.number % len(OWNERS)]
        caught = any(of == owner for _until, of in self.matters.values())
        return bool(paper.holds) or (caught and paper.kind == "offer")

    def was_ever_held(self, paper: Paper) -> bool:
        owner = OWNERS[paper.number % len(OWNERS)]
        return paper.number in self._held_once or (
            paper.kind == "offer" and owner in self._held_once
        )

    # ------------------------------------------------------------------------------------ documents
    def register(
        self, count: int, *, age_days: int, kind: str | None = None, is_first: bool = False
    ) -> None:
        if count <= 0:
            return
        papers = self.papers.write(count, self.system.now, age_days=age_days, kind=kind)
        if is_first or kind is not None:
            self._not_of_growth += count
        manifest = self.folder / f"{self.today}-{papers[0].number}.csv"
        write_manifest(manifest, papers)
        told = self.system.call("import", manifest=str(manifest), is_first=is_first)
        assert told == {"new": count, "refused": 0}, told
        manifest.unlink()
        self.papers.know(
            self.system.eyes.execute(
                "SELECT id, external_id FROM documents WHERE external_id = ANY(%s)",
                ([paper.name for paper in papers],),
            )
        )

    def _living(self, kind: str, *statuses: str) -> list[Paper]:
        return [
            paper for paper in self.papers.all if paper.kind == kind and paper.status in statuses
        ]

    def _change_drafts(self) -> None:
        living = self._living("draft", "active")
        for paper in self.papers.pick(1 + len(living) // 200, living):
            paper.dates["modified_on"] = self.today
            self.system.eyes.execute(
                "UPDATE documents SET modified_on = %s, title = title || '.' WHERE id = %s",
                (self.today, paper.document_id),
            )

    def _end_contracts(self) -> None:
        running = [
            paper for paper in self._living("contract", "active") if "ended_on" not in paper.dates
        ]
        for paper in self.papers.pick(1 + len(running) // 150, running):
            paper.dates["ended_on"] = self.today
            self.system.eyes.execute(
                "SELECT emit_event('contract.ended', %s, occurred_on => %s)",
                (paper.name, self.today),
            )

    def _store_jobs(self) -> None:
        for number in range(JOBS_A_DAY):
            owner = self.chance.choice(OWNERS)
            kind, payload = self.chance.choice(
                (
                    ("notification", {"recipient": owner, "title": "A case", "body": "is yours"}),
                    ("email", {"to": owner, "subject": "A case", "text": "It is yours. " * 20}),
                    (
                        "webhook",
                        {"endpoint": "crm", "type": "case.opened", "data": {"number": number}},
                    ),
                )
            )
            self.system.eyes.execute(
                "SELECT enqueue_job(%s, %s, unique_key => %s)",
                (kind, json.dumps(payload), f"case {self.today} {number}"),
            )

    def _read(self) -> None:
        """Some people look at the dashboard."""
        self.system.eyes.execute(
            "UPDATE notifications SET read_at = %s WHERE read_at IS NULL AND recipient < 'person5'",
            (self.system.now,),
        )

    # --------------------------------------------------------------------------- holds and restores
    def _open_matter(self, night: int) -> None:
        name, until = f"matter {night}", self.today + timedelta(days=DAYS_OF_A_MATTER)
        if night // DAYS_BETWEEN_MATTERS % 2:
            owner = self.chance.choice(OWNERS)
            when = {
                "all": [
                    {"field": "document_type", "op": "eq", "value": "offer"},
                    {"field": "owner", "op": "eq", "value": owner},
                ]
            }
            self.system.call("open_matter", matter=name, when=when)
            self.matters[name] = (until, owner)
            self._held_once.add(owner)
            return
        living = [paper for paper in self.papers.all if paper.status not in GONE]
        held = self.papers.pick(1 + len(living) // 100, living)
        self.system.call("hold", matter=name, document_ids=[each.document_id for each in held])
        self.matters[name] = (until, None)
        for paper in held:
            paper.holds.add(name)
            self._held_once.add(paper.number)

    def _close_matters(self) -> None:
        for name in [name for name, (until, _of) in self.matters.items() if until <= self.today]:
            self.system.call("close_matter", matter=name)
            del self.matters[name]
            for paper in self.papers.all:
                paper.holds.discard(name)

    def _restore(self) -> None:
        trashed = [paper for paper in self.papers.all if paper.status == "deleted"]
        chosen = self.papers.pick(2, trashed)
        if chosen:
            self.system.call("restore", document_ids=[each.document_id for each in chosen])
        for paper in chosen:
            paper.was_restored = True

    def _note_kept(self, plan_id: int) -> None:
        """Documents of a rejected plan are left alone for a while."""
        for (document_id,) in self.system.eyes.execute(
            "SELECT document_id FROM plan_items WHERE plan_id = %s", (plan_id,)
        ):
            self.papers.by_id[document_id].was_restored = True
