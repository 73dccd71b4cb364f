"""Whether everything is accounted for: each document, its bytes, each job, plan and lease."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import unquote, urlsplit

from benchmarks.year.office import GONE, Office
from benchmarks.year.papers import ARCHIVED_AFTER, COOLING_OFF, FATES, Paper

LATE = 45
"""Days: what was due so long ago and nothing speaks for should be gone."""

LEFT_BEHIND: dict[str, LiteralString] = {
    "jobs that were due a day ago": (
        "SELECT count(*) FROM jobs WHERE run_at < history_clock() - interval '1 day'"
    ),
    "leased batches of jobs": "SELECT count(*) FROM job_batches",
    "workers": "SELECT count(*) FROM job_workers",
    "events nobody reacted to": "SELECT count(*) FROM events_to_react",
    "plans that were begun and not ended": "SELECT count(*) FROM plans WHERE state = 'applying'",
    "plans that wait for longer than a week": (
        "SELECT count(*) FROM plans WHERE mode = 'enforce' AND state IN ('planned',"
        " 'needs_approval', 'approved') AND created_at < history_clock() - %(patience)s"
        " AND document_count > 0"
    ),
    "items that plans have left undone": (
        "SELECT count(*) FROM plan_items AS item INNER JOIN plans AS plan"
        " ON plan.id = item.plan_id WHERE item.state = 'planned' AND plan.mode = 'enforce'"
        " AND plan.state NOT IN ('planned', 'needs_approval', 'approved')"
    ),
    "documents whose destruction was begun and not ended": (
        "SELECT count(*) FROM documents WHERE status = 'purging'"
    ),
    "bags that were begun and not sealed": (
        "SELECT count(*) FROM archive_bags WHERE state IN ('writing', 'rewriting')"
    ),
}


class Accounts:
    """Compares what the catalogue says with what the office knows."""

    def __init__(self, office: Office) -> None:
        self.office, self.eyes = office, office.system.eyes
        self.faults: list[str] = []
        self.certified_from: int | None = None
        """The first plan that was made under a release that issues certificates."""

    def fault(self, text: str) -> None:
        self.faults.append(f"{self.office.system.now:%Y-%m-%d %H:%M}: {text}")

    def compare(self) -> None:
        """Look at what happened to each document since the last time: whether it was allowed."""
        seen = 0
        for document_id, status in self.eyes.execute("SELECT id, status FROM documents"):
            seen += 1
            paper = self.office.papers.by_id[document_id]
            if status != paper.status:
                self._happened(paper, status)
                paper.status = status
        if seen != len(self.office.papers.all):
            self.fault(f"{len(self.office.papers.all)} documents were registered, {seen} are there")

    def _happened(self, paper: Paper, status: str) -> None:
        was, today = paper.status, self.office.today
        about = f"{paper.kind} {paper.number} went from {was} to {status}"
        if (was, status) in (("deleted", "active"), ("deleted", "archived")):
            if not paper.was_restored:
                self.fault(f"{about}, and nobody asked")
            paper.trashed_on = None
            return
        if (was, status) == ("purging", "purged"):
            return
        if self.office.is_held(paper):
            self.fault(f"{about}, and is held")
        if status == "archived":
            is_allowed = was == "active" and self._is_archived_by(paper)
        elif status == "deleted":
            is_allowed = was in ("active", "archived") and self._is_due(paper)
            paper.trashed_on = today
        else:
            is_allowed = was == "deleted" and self._is_past_grace(paper)
        if not is_allowed:
            self.fault(f"{about} before its time: {paper.dates}, trashed {paper.trashed_on}")

    def _is_due(self, paper: Paper) -> bool:
        due_on, cooling = paper.due_on(), self.office.today - paper.registered_at.date()
        return due_on is not None and due_on <= self.office.today and cooling >= COOLING_OFF

    def _is_past_grace(self, paper: Paper) -> bool:
        fate, trashed_on = FATES.get(paper.kind), paper.trashed_on
        return (
            fate is not None
            and trashed_on is not None
            and trashed_on + fate.grace <= self.office.today
        )

    def _is_archived_by(self, paper: Paper) -> bool:
        return (
            paper.kind == "invoice"
            and paper.dates["created_on"] + ARCHIVED_AFTER < self.office.today
        )

    def compare_bytes(self) -> None:
        """Nobody's bytes are lost, and nothing is left of what was purged."""
        rows = self.eyes.execute(
            "SELECT document.id, original.uri, bag.uri FROM documents AS document"
            " LEFT JOIN stored_objects AS original ON original.id = document.stored_object_id"
            " LEFT JOIN stored_objects AS bag ON bag.id = document.archived_object_id"
        )
        named: set[Path] = set()
        for document_id, *uris in rows:
            paper = self.office.papers.by_id[document_id]
            paths = [_path(uri) for uri in uris if uri is not None]
            if paper.status in GONE:
                continue
            named.update(paths)
            if not paths:
                self.fault(f"{paper.kind} {paper.number} is {paper.status} and has no bytes")
            for path in paths:
                if not path.exists() or path.read_bytes() != paper.content:
                    self.fault(f"{paper.kind} {paper.number} is not at {path}")
        for paper in self.office.papers.all:
            if paper.status == "purged" and paper.path.exists():
                self.fault(f"{paper.kind} {paper.number} is purged, and {paper.path} is there")
        payloads = {
            path for path in self.office.system.stores["archive"].rglob("data/*") if path.is_file()
        }
        if payloads - named:
            self.fault(f"{len(payloads - named)} files in bags belong to nobody")

    def close(self) -> None:
        """At the end: nothing is stuck, nothing was forgotten, and the proof is complete."""
        self.compare()
        self.compare_bytes()
        for name, query in LEFT_BEHIND.items():
            count = self._count(query, patience=timedelta(days=7 + self._between))
            if count:
                self.fault(f"{count} {name}")
        for paper in self.office.papers.all:
            if self._is_forgotten(paper):
                self.fault(f"{paper.kind} {paper.number} is {paper.status}, due {paper.due_on()}")
        uncertified = self._count(
            "SELECT count(*) FROM plan_items AS item WHERE item.action = 'PURGE'"
            " AND item.state = 'done' AND item.plan_id >= %(first)s AND NOT EXISTS (SELECT FROM"
            " certificate_items AS proven WHERE proven.document_id = item.document_id)",
            first=self.certified_from,
        )
        if uncertified:
            self.fault(f"{uncertified} documents were purged without a certificate")
        verified = self.office.system.call("verify_audit")
        if not verified.get("fits"):
            self.fault(f"the audit chain does not fit: {verified}")

    def _is_forgotten(self, paper: Paper) -> bool:
        due_on = paper.due_on()
        return (
            paper.kind in ("draft", "offer", "invoice")
            and paper.status in ("active", "archived")
            and not paper.was_restored
            and not self.office.was_ever_held(paper)
            and due_on is not None
            and due_on + timedelta(days=LATE + 3 * self._between) <= self.office.today
        )

    @property
    def _between(self) -> int:
        return self.office.course.days_between

    def _count(self, query: LiteralString, **parameters: Any) -> int:
        row = self.eyes.execute(query, parameters).fetchone()
        assert row is not None
        return int(row[0])


def _path(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))
