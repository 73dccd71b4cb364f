"""Documents as their owners know them, and what the rules of this year make of each.

Kept beside the system and never read from it: who wrote a document down here can say whether it
went before its time.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

OWNERS = tuple(f"person{number}@example.org" for number in range(20))
KINDS = ("invoice",) * 8 + ("draft",) * 4 + ("offer",) * 3 + ("contract",) * 2 + ("note",) * 3
COOLING_OFF = timedelta(days=7)
ARCHIVED_AFTER = timedelta(days=60)


@dataclass(frozen=True, kw_only=True)
class Fate:
    """When documents of a kind may go: so long after the anchor; and out of the trash."""

    anchor: str
    kept: timedelta
    grace: timedelta


FATES = {
    "invoice": Fate(anchor="created_on", kept=timedelta(days=240), grace=timedelta(days=30)),
    "draft": Fate(anchor="modified_on", kept=timedelta(days=60), grace=timedelta(days=14)),
    "offer": Fate(anchor="expires_on", kept=timedelta(days=30), grace=timedelta(days=30)),
    "contract": Fate(anchor="ended_on", kept=timedelta(days=45), grace=timedelta(days=30)),
}
"""Notes are for ever: the rule that would delete them only simulates."""

NIGHTLY = {"type": "ON_SCHEDULE"}


def _of(kind: str) -> dict[str, object]:
    return {"field": "document_type", "op": "eq", "value": kind}


def _retain(kind: str, after: str) -> dict[str, object]:
    return {"for": f"{FATES[kind].kept.days}d", "after": after}


RULES: tuple[dict[str, object], ...] = (
    {
        "name": "invoices",
        "mode": "enforce",
        "trigger": NIGHTLY,
        "when": _of("invoice"),
        "retain": _retain("invoice", "created_on"),
        "grace": "30d",
        "actions": [{"do": "ARCHIVE", "after": f"{ARCHIVED_AFTER.days}d"}, {"do": "DELETE"}],
    },
    {
        "name": "drafts",
        "mode": "enforce",
        "trigger": NIGHTLY,
        "when": _of("draft"),
        "retain": _retain("draft", "modified_on"),
        "grace": "14d",
        "actions": [{"do": "DELETE"}],
    },
    {
        "name": "offers",
        "mode": "enforce",
        "trigger": {"type": "ON_EXPIRATION"},
        "when": _of("offer"),
        "retain": _retain("offer", "expires_on"),
        "warn": ["14d", "1d"],
        "grace": "30d",
        "actions": [{"do": "DELETE"}],
    },
    {
        # Weekly, and somebody must agree: what nobody answers lapses.
        "name": "contracts",
        "mode": "enforce",
        "trigger": {"type": "ON_SCHEDULE", "cron": "0 4 * * 1"},
        "when": _of("contract"),
        "retain": _retain("contract", "event:contract.ended"),
        "review": {"stages": ["counsel"]},
        "grace": "30d",
        "actions": [{"do": "DELETE"}],
    },
    {
        "name": "old-notes",
        "mode": "simulate",
        "trigger": NIGHTLY,
        "when": {"all": [_of("note"), {"field": "created_on", "op": "older_than", "value": "90d"}]},
        "actions": [{"do": "DELETE"}],
    },
    {
        "name": "tell-owners",
        "mode": "enforce",
        "trigger": NIGHTLY,
        "when": {
            "all": [_of("note"), {"field": "created_on", "op": "older_than", "value": "180d"}]
        },
        "actions": [{"do": "NOTIFY", "with": {"to": "records@example.org"}}],
    },
    {
        "name": "tell-crm",
        "mode": "enforce",
        "trigger": {"type": "ON_EVENT", "event": "contract.ended"},
        "when": _of("contract"),
        "actions": [{"do": "WEBHOOK", "with": {"endpoint": "crm"}}],
    },
)


@dataclass(kw_only=True, eq=False)
class Paper:
    """One document: what its owner knows of it."""

    number: int
    kind: str
    path: Path
    registered_at: datetime
    dates: dict[str, date]
    document_id: int = 0
    status: str = "active"
    trashed_on: date | None = None
    holds: set[str] = field(default_factory=set)
    was_restored: bool = False

    @property
    def content(self) -> bytes:
        return f"paper {self.number} of kind {self.kind}\n".encode() * (1 + self.number % 40)

    @property
    def name(self) -> str:
        return f"paper-{self.number}"

    def due_on(self) -> date | None:
        """The first day on which a rule may delete it; None while that is never."""
        fate = FATES.get(self.kind)
        if fate is None or fate.anchor not in self.dates:
            return None
        return self.dates[fate.anchor] + fate.kept + timedelta(days=1)


class Papers:
    """Every document there ever was."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.chance = folder, random.Random(seed)
        self.all: list[Paper] = []
        self.by_id: dict[int, Paper] = {}

    def write(self, count: int, now: datetime, *, age_days: int, kind: str | None) -> list[Paper]:
        """Write new ones, created up to so many days ago; of all kinds, or of that one."""
        return [
            self._write_one(now, age_days, kind or self.chance.choice(KINDS)) for _ in range(count)
        ]

    def _write_one(self, now: datetime, age_days: int, kind: str) -> Paper:
        number, chance, today = len(self.all), self.chance, now.date()
        created_on = today - timedelta(days=chance.randrange(age_days + 1))
        dates = {"created_on": created_on, "modified_on": created_on}
        if kind == "offer":
            dates["expires_on"] = created_on + timedelta(days=chance.randrange(30, 120))
        path = self.folder / f"{today}" / f"{number}.txt"
        path.parent.mkdir(exist_ok=True)
        paper = Paper(number=number, kind=kind, path=path, registered_at=now, dates=dates)
        path.write_bytes(paper.content)
        self.all.append(paper)
        return paper

    def know(self, ids: Iterable[tuple[int, str]]) -> None:
        """Take in under which number the catalogue has each, by its external id."""
        for document_id, external_id in ids:
            paper = self.all[int(external_id.removeprefix("paper-"))]
            paper.document_id = document_id
            self.by_id[document_id] = paper

    def pick(self, count: int, fits: Sequence[Paper]) -> list[Paper]:
        return self.chance.sample(fits, min(count, len(fits)))


def write_manifest(path: Path, papers: Sequence[Paper]) -> None:
    """Write the list that ``doclife documents import`` reads."""
    columns = ("created_on", "modified_on", "expires_on")
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("uri", "external_id", "title", "document_type", "owner", *columns))
        for paper in papers:
            dates = [paper.dates.get(column, "") for column in columns]
            owner = OWNERS[paper.number % len(OWNERS)]
            title = f"{paper.kind} {paper.number} of the year"
            rows.writerow((paper.path.as_uri(), paper.name, title, paper.kind, owner, *dates))
