"""Random histories of small organizations, each repeatable from its seed.

A history is plain data. Steps name documents, rules and plans by fractions ("pick": 0.4 of those
that could be picked at that moment), so that any step can be left out and the rest still has a
meaning: that is how a failing history is made smaller.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

from doclife.domain.rule import Rule
from doclife.errors import ConfigurationError

Step = dict[str, Any]

ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kolkata")
LONGEST_SECONDS = 7 * 366 * 86_400  # no history reaches the present, which the system refuses
METADATA = {"end": "date", "level": "int", "country": "text"}
EVENT_TYPES = ("case.closed", "employee.left")
DATE_FIELDS = ("created_on", "modified_on", "expires_on")
PERIODS = ("0d", "1d", "10d", "1mo", "2mo", "1y", "1y6mo", "3y")
NO_DATES = (None, "soon", "2019-02-30", "", 5, ["2019-01-01"])
NO_NUMBERS = (None, "many", "1.5", "", True, {"n": 1})
GRACES = ("0d", "0d", "1d", "7d", "1mo")
DAY = 86_400
# Seconds between two steps: minutes, a night, a week and a bit, a long silence.
PAUSES = (
    60, 3600, 8 * 3600, DAY - 60, DAY, DAY, 2 * DAY, 7 * DAY + 60, 10 * DAY, 35 * DAY, 400 * DAY,
)  # fmt: skip
# After a change comes a night within the cooling-off or just past it, after a night a purge within
# the grace or just past it: where a day decides.
FOLLOWERS = {
    "change": ("night",),
    "event": ("night",),
    "withdraw": ("night",),
    "night": ("weekly", "weekly", "night", "approve"),
    "weekly": ("weekly",),
}
SOON = (60, 3600, DAY - 60, DAY, 2 * DAY, 6 * DAY, 7 * DAY - 60, 7 * DAY, 31 * DAY)
DEEDS = (
    *("night",) * 10, *("weekly",) * 3, "undo", "approve", "approve", "select", "run",
)  # fmt: skip
ANCHORS = (*DATE_FIELDS, "metadata.end", "event:case.closed", "registered_on", "archived_on")


class Generator:
    """One seed's chance; every method draws from it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.start = datetime(2014, 1, 1, tzinfo=UTC) + timedelta(
            days=self.chance.randrange(0, 1500), seconds=self.chance.randrange(86400)
        )

    def history(self) -> dict[str, Any]:
        count = 2 if self.chance.random() < 0.15 else 1
        pauses = [self.chance.choice(PAUSES) for _ in range(self.chance.randrange(3, 9))]
        while sum(pauses) > LONGEST_SECONDS:
            pauses.pop()
        self.days = [
            (self.start + timedelta(seconds=sum(pauses[: number + 1]))).date()
            for number in range(len(pauses))
        ]
        organizations = [self.organization() for _ in range(count)]
        steps: list[Step] = []
        for pause in pauses:
            steps.append({**self.step(count), "later": pause})
            followers = FOLLOWERS.get(steps[-1]["do"])
            if followers is not None and self.chance.random() < 0.5:
                kind, soon = self.chance.choice(followers), self.chance.choice(SOON)
                organization = steps[-1]["organization"]
                steps.append({"do": kind, "organization": organization, "later": soon})
                if kind == "approve":
                    steps[-1].update(self.answer(), pick=0.99)  # the newest plan
        steps.append({"do": "night", "organization": 0, "later": DAY})
        days = self.chance.choice((1, 40))
        steps.append({"do": "weekly", "organization": 0, "later": days * DAY})
        return {"start": self.start.isoformat(), "organizations": organizations, "steps": steps}

    # ------------------------------------------------------------------------ the world at first
    def organization(self) -> dict[str, Any]:
        chance = self.chance
        names = [f"document-{number}" for number in range(chance.randrange(1, 9))]
        shared = "shared-file" if chance.random() < 0.15 else None
        return {
            "zone": chance.choice(ZONES),
            "cooling_off_days": chance.choice((0, 1, 7, 7)),
            "reprieve_days": chance.choice((0, 3, 30)),
            "limits": self.limits(generous=0.92),
            "documents": [
                self.document(name, shared if shared and chance.random() < 0.4 else f"file-{name}")
                for name in names
            ],
            "rules": [self.rule(f"rule-{number}") for number in range(chance.randrange(1, 5))],
        }

    def document(self, name: str, file: str) -> dict[str, Any]:
        chance = self.chance
        return {
            "name": name,
            "file": file,
            "age_seconds": chance.choice((0, DAY * 6, DAY * 8, DAY * 400, DAY * 400)),
            "values": {field: self.value(field) for field in (
                "document_type", "owner", "tags", "size_bytes", *DATE_FIELDS,
                *(f"metadata.{key}" for key in METADATA),
            )},
        }  # fmt: skip

    def value(self, field: str) -> Any:
        chance = self.chance
        if field in DATE_FIELDS:
            return None if chance.random() < 0.12 else self.day()
        if field == "metadata.end":
            return chance.choice(NO_DATES) if chance.random() < 0.25 else self.day()
        if field == "metadata.level":
            return chance.choice(NO_NUMBERS if chance.random() < 0.2 else (0, 1, "2", 9))
        if field == "metadata.country":
            return chance.choice(("DE", "DE", "FR", "NO", None, {"code": "DE"}))
        if field == "tags":
            return chance.choice((None, [], ["temp"], ["keep"], ["temp", "keep"]))
        if field == "size_bytes":
            return chance.choice((None, 1, 1000, 5_000_000))
        return chance.choice(("contract", "contract", "invoice", None))

    def day(self) -> str:
        """Around a period before some step, where a day decides, or at the end of a month."""
        chance = self.chance
        day = chance.choice((self.start.date(), *self.days))
        years, days = chance.choice(
            ((0, 0), (0, 1), (0, 10), (0, 31), (0, 61), (1, 0), (1, 181), (3, 0), (6, 0))
        )
        day = day.replace(year=day.year - years, day=min(day.day, 28)) if years else day
        day -= timedelta(days=days + chance.choice((-40, -2, -1, 0, 0, 1, 1, 2, 2, 30)))
        if chance.random() < 0.15:
            day = chance.choice((date(day.year, 1, 31), date(day.year, 12, 31), date(2012, 2, 29)))
        return day.isoformat()

    # ------------------------------------------------------------------------------------- rules
    def rule(self, name: str) -> dict[str, Any]:
        """A rule whose parts fit together."""
        while True:
            rule = self.parts_of_rule(name)
            try:
                Rule.from_document(rule)
            except ConfigurationError:
                continue
            return rule

    def parts_of_rule(self, name: str) -> dict[str, Any]:
        chance = self.chance
        rule: dict[str, Any] = {
            "name": name,
            "mode": chance.choice(("enforce",) * 8 + ("simulate", "off")),
            "priority": chance.choice((10, 100, 100)),
            "grace": chance.choice(GRACES),
            "limits": self.limits(generous=0.85),
        }
        kind = chance.choice(("keep", "schedule", "schedule", "plain", "expiration", "event"))
        deletes = kind != "keep" and chance.random() < 0.75
        archives = kind != "keep" and (not deletes or chance.random() < 0.35)
        rule["trigger"] = {"type": "ON_SCHEDULE"}
        if kind == "keep":
            period = "permanent" if chance.random() < 0.1 else chance.choice(PERIODS)
            rule["retain"] = self.retain(period, chance.choice(ANCHORS))
        elif kind == "schedule":
            rule["retain"] = self.retain(chance.choice(PERIODS), chance.choice(ANCHORS))
        elif kind == "expiration":
            rule["trigger"] = {"type": "ON_EXPIRATION"}
            if chance.random() < 0.5:
                rule["retain"] = self.retain(chance.choice(PERIODS), "expires_on")
        elif kind == "event":
            event = chance.choice(EVENT_TYPES)
            rule["trigger"] = {"type": "ON_EVENT", "event": event}
            if chance.random() < 0.6:
                rule["retain"] = self.retain(chance.choice(PERIODS), f"event:{event}")
        if kind == "plain" or chance.random() < 0.6:
            rule["when"] = self.condition(deletes=deletes)
        if deletes and "when" not in rule and "retain" not in rule:
            rule["when"] = self.condition(deletes=True)
        if chance.random() < 0.15:
            rule["limits"]["per_night"] = chance.choice((1, 2))
        if kind != "keep":
            rule["actions"] = self.actions(rule, kind, archives=archives, deletes=deletes)
            if chance.random() < 0.08:
                rule["review"] = {"stages": chance.choice((["records"], ["records", "legal"]))}
            if kind != "plain" and chance.random() < 0.2:
                rule["warn"] = ["30d", "1d"]
        return rule

    def retain(self, period: str, after: str) -> dict[str, Any]:
        cutoff = self.chance.choice(("none", "none", "none", "end_of_month", "end_of_year"))
        return {"for": period, "after": after, "cutoff": cutoff}

    def actions(
        self, rule: dict[str, Any], kind: str, *, archives: bool, deletes: bool
    ) -> list[dict[str, Any]]:
        chance = self.chance
        actions: list[dict[str, Any]] = []
        if chance.random() < 0.1:
            actions.append({"do": "NOTIFY", "with": {"channel": "notification", "to": "alice"}})
        if archives:
            archive: dict[str, Any] = {"do": "ARCHIVE"}
            if kind != "plain" and chance.random() < 0.5:
                archive["after"] = chance.choice(("0d", "1d", "1mo") if deletes else PERIODS)
            if chance.random() < 0.3:
                archive["with"] = {"original": "keep"}
            actions.append(archive)
        if deletes:
            delete: dict[str, Any] = {"do": "DELETE"}
            if kind != "plain" and (chance.random() < 0.3):
                kept = rule.get("retain", {}).get("for", "0d")
                delete["after"] = {"10d": "1mo", "1mo": "30d", "1y": "12mo"}.get(kept, "3y")
            actions.append(delete)
        return actions

    def limits(self, *, generous: float) -> dict[str, Any]:
        if self.chance.random() < generous:
            return {"max_documents": 1000, "max_fraction": 1.0}
        return {
            "max_documents": self.chance.choice((1, 2, 3, 1000)),
            "max_fraction": self.chance.choice((0.3, 0.5, 1.0)),
        }

    def condition(self, *, deletes: bool, depth: int = 0) -> dict[str, Any]:
        chance = self.chance
        if depth < 2 and chance.random() < 0.4:
            kind = chance.choice(("all", "any", "not"))
            if kind == "not":
                part = self.condition(deletes=deletes, depth=depth + 1)
                return part if deletes and "not_null" in str(part) else {"not": part}
            count = chance.randrange(1, 4)
            return {kind: [self.condition(deletes=deletes, depth=depth + 1) for _ in range(count)]}
        field, operator, wanted = chance.choice((
            ("document_type", "eq", "contract"), ("document_type", "ne", "invoice"),
            ("document_type", "in", ["contract", "letter"]), ("owner", "not_in", ["invoice"]),
            ("owner", "contains", "ract"), ("owner", "starts_with", "inv"),
            ("tags", "has_any", ["temp"]), ("tags", "has_none", ["keep"]),
            ("tags", "has_all", ["temp", "keep"]),
            ("size_bytes", "gt", 500), ("size_bytes", "lte", 1000),
            ("metadata.level", "gte", 1), ("metadata.level", "lt", 5), ("metadata.level", "eq", 2),
            ("metadata.country", "eq", "DE"), ("metadata.country", "ne", "FR"),
            ("metadata.end", "older_than", "1mo"), ("metadata.end", "before", self.day()),
            ("metadata.end", "on_or_after", self.day()), ("created_on", "older_than", "1y"),
            ("created_on", "newer_than", "2mo"), ("modified_on", "on_or_before", self.day()),
            ("expires_on", "within_next", "30d"), ("expires_on", "after", self.day()),
            ("registered_on", "older_than", "10d"), ("archived_on", "older_than", "1d"),
            ("status", "eq", "active"), ("status", "eq", "archived"), ("status", "ne", "archived"),
            ("metadata.end", "not_null", None), ("tags", "not_null", None),
            ("owner", "is_null", None), ("metadata.level", "is_null", None),
        ))  # fmt: skip
        if deletes and operator == "is_null":
            operator = "not_null"
        comparison = {"field": field, "op": operator}
        return comparison if wanted is None else {**comparison, "value": wanted}

    # ------------------------------------------------------------------------------------- steps
    def step(self, organizations: int) -> Step:
        chance = self.chance
        step = self.deed() if chance.random() < 0.5 else self.fact()
        step["organization"] = chance.randrange(organizations)
        return step

    def deed(self) -> Step:
        chance = self.chance
        kind = chance.choice(DEEDS)
        step: Step = {"do": kind, "pick": int(chance.random() * 1000) / 1000}
        if kind == "approve":
            step.update(self.answer())
        if kind == "select":
            step["action"] = chance.choice(("ARCHIVE", "DELETE"))
            step["which"] = chance.randrange(256)
        if kind == "run":
            step["mode"] = chance.choice(("enforce", "enforce", "simulate"))
            step["is_ahead"] = chance.random() < 0.3
        if kind in ("night", "weekly", "approve", "select", "run"):
            if chance.random() < 0.5:
                facts = [self.fact() for _ in range(chance.randrange(1, 3))]
                step["between"] = [{**fact, "is_aimed": chance.random() < 0.8} for fact in facts]
                step["wait"] = chance.choice((1, 3600, 86_400, 6 * 86_400, 8 * 86_400))
            if chance.random() < 0.25:
                step["crash"] = {
                    "while": chance.choice(("planning", "applying", "applying", "applying")),
                    "after": chance.randrange(1, 50),
                    "then": [self.fact()] if chance.random() < 0.4 else [],
                    "resumes": chance.random() < 0.65,
                }
        if kind == "night" and chance.random() < 0.15:
            step["decided_earlier"] = chance.choice((3600, 86_400, 3 * 86_400))
        return step

    def answer(self) -> Step:
        """What somebody says who is asked about a plan."""
        chance = self.chance
        return {
            "answer": chance.choice((*("approve",) * 5, "reject", "extend", "hold")),
            "days": chance.choice((1, 10, 400)),
            "by_author": chance.random() < 0.2,
        }

    def fact(self) -> Step:
        chance = self.chance
        kind = chance.choice((
            "change", "change", "change", "hold", "hold", "release", "event", "event", "withdraw",
            "edit", "edit", "remove", "keep", "halt", "resume", "resume", "tamper", "register",
            "restore", "restore", "matter", "recondition", "close", "decide", "decide",
            "decide", "clone", "adopt", "adopt",
        ))  # fmt: skip
        step: Step = {"do": kind, "pick": int(chance.random() * 1000) / 1000}
        if kind == "change":
            step["field"] = chance.choice((
                *DATE_FIELDS, "metadata.end", "metadata.end", "metadata.level", "tags", "owner",
                "document_type",
            ))  # fmt: skip
            step["value"] = self.value(step["field"])
        elif kind == "event":
            step["type"], step["on"] = chance.choice(EVENT_TYPES), self.day()
        elif kind == "edit":
            step["rule"] = self.rule("edited")
            step["only"] = chance.choice(("mode", "limits", "retain", "all", "grace"))
        elif kind == "keep":
            step["rule"] = {
                "name": "keeper", "mode": chance.choice(("simulate", "enforce")),
                "trigger": {"type": "ON_SCHEDULE"},
                "retain": self.retain(
                    chance.choice(("1y", "10y", "permanent")), chance.choice(ANCHORS)
                ),
            }  # fmt: skip
        elif kind == "register":
            step["document"] = self.document("later", "file-later")
        elif kind in ("matter", "recondition"):
            step["when"] = self.condition(deletes=False)
        elif kind == "decide":
            step["answer"] = chance.choice(("reject", "extend", "hold"))
            step["days"] = chance.choice((1, 10, 400))
        elif kind == "tamper":
            step["copy"] = chance.choice(("original", "bag"))
        return step
