"""What is the case: documents, rules, holds, events, bytes and clock.

The oracle judges these facts. They are kept beside the real system, never read from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo


class Rule:
    """One immutable version of a rule; ``text`` is what a rule file says."""

    def __init__(self, *, text: dict[str, Any], made_at: datetime) -> None:
        self.text, self.made_at = text, made_at
        self.name: str = text["name"]
        self.mode: str = text.get("mode", "simulate")
        self.priority: int = text.get("priority", 100)
        self.when: dict[str, Any] = text.get("when") or {"all": []}
        self.retain: dict[str, Any] = text.get("retain") or {}
        self.limits: dict[str, Any] = text.get("limits") or {}
        self.stages: list[str] = text.get("review", {}).get("stages", [])
        self.needs_review: bool = bool(self.stages)
        self.grace: str = text.get("grace", "30d")
        self.actions = {action["do"]: action for action in text.get("actions", [])}
        trigger = text["trigger"]
        clocks = {"ON_EXPIRATION": "expires_on", "ON_EVENT": f"event:{trigger.get('event')}"}
        # What periods count from: a date field, event:<type>, or nothing at all.
        self.clock: str | None = self.retain.get("after") or clocks.get(trigger["type"])

    def place(self) -> tuple[int, str]:
        """Lower comes first."""
        return self.priority, self.name


@dataclass(kw_only=True)
class Event:
    type: str
    occurred_on: date
    recorded_at: datetime
    withdrawn_at: datetime | None = None


@dataclass(kw_only=True)
class Change:
    """A field had another value before this moment; dates that are no dates count as None."""

    field: str
    at: datetime
    before: Any
    after: Any


@dataclass(kw_only=True, eq=False)
class Document:
    name: str
    registered_at: datetime
    values: dict[str, Any]
    first_original: str  # a name in World.files; several documents may share one
    original: str | None
    bag: str | None = None
    status: str = "active"
    before_trash: str | None = None
    archived_at: datetime | None = None
    original_until: date | None = None
    purge_after: date | None = None
    reprieve_until: date | None = None
    holds: set[str] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    last_plan: Plan | None = None
    removal_has_begun: bool = False  # and the process that began it died

    @property
    def version(self) -> int:
        """How often something changed that a rule may look at, what was told of it included."""
        withdrawn = sum(event.withdrawn_at is not None for event in self.events)
        return len(self.changes) + len(self.events) + withdrawn


@dataclass(kw_only=True, eq=False)
class Matter:
    """An open matter with a condition, which also holds what comes later."""

    when: dict[str, Any]
    released: set[Document] = field(default_factory=set)  # by hand: they are not caught again


@dataclass(kw_only=True, eq=False)
class Item:
    document: Document
    action: str
    status: str  # of the document when the plan was made
    version: int
    state: str = "planned"
    done_at: datetime | None = None

    @classmethod
    def of(cls, document: Document, action: str) -> Item:
        """What is about to be done, as things stand now."""
        status, version = document.status, document.version
        return cls(document=document, action=action, status=status, version=version)


@dataclass(kw_only=True, eq=False)
class Plan:
    kind: str  # rule, purge or originals
    made_at: datetime
    items: list[Item]
    rule: Rule | None = None
    state: str = "planned"


@dataclass(kw_only=True)
class World:
    """One organization."""

    zone: str
    cooling_off_days: int
    reprieve_days: int
    limits: dict[str, Any]
    types: dict[str, str]  # of declared metadata: text, int or date
    documents: dict[str, Document] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)  # the version in force, by name
    files: dict[str, str] = field(default_factory=dict)  # intact, changed or gone
    plans: list[Plan] = field(default_factory=list)
    matters: dict[str, Matter] = field(default_factory=dict)  # those with a condition, while open
    halts: set[str] = field(default_factory=set)  # the switch, or that the database is a copy

    @property
    def is_halted(self) -> bool:
        return bool(self.halts)

    def day(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.zone)).date()
