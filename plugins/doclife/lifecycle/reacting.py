"""Reacts to events: webhook calls for subscriptions, plans for rules with ON_EVENT.

Taking events, storing calls and storing plans is one transaction per organization: a process that
dies in the middle has done nothing, and one that has committed is never repeated. The plans are
applied afterwards, as all plans are, or by the next process. What they do is told by events again,
and that ends: documents only go forward, and telling somebody is no event.
"""

from dataclasses import dataclass
from datetime import datetime

from doclife.lifecycle.own_channels import ACTOR, PLANNER
from doclife.lifecycle.planning import plan_events
from doclife.store import events, organizations
from doclife.store.connection import Connection

EVENTS_AT_ONCE = 5_000
"""What one plan of a rule coalesces at the most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reaction:
    """What was done about events."""

    events: int = 0
    calls: int = 0
    plans: int = 0

    def __add__(self, other: "Reaction") -> "Reaction":
        """Return the sum of two."""
        return Reaction(
            events=self.events + other.events,
            calls=self.calls + other.calls,
            plans=self.plans + other.plans,
        )


def react_to_events(conn: Connection, *, now: datetime) -> Reaction:
    """React to everything that waits; the plans that come of it are stored, not applied."""
    total = Reaction()
    while (slug := events.find_organization(conn)) is not None:
        reaction = _react(conn, slug, now=now)
        if not reaction.events:
            break  # another process is at them
        total += reaction
    return total


def _react(conn: Connection, slug: str, *, now: datetime) -> Reaction:
    tenant = organizations.find(conn, slug)
    with conn.transaction():
        taken = events.take(conn, organization_id=tenant.id, size=EVENTS_AT_ONCE)
        if not taken:
            return Reaction()
        event_ids = [event.event_id for event in taken]
        calls = events.enqueue_calls(conn, event_ids)
        documents: dict[str, list[int]] = {}
        for event in taken:
            if event.document_id is not None:
                documents.setdefault(event.type, []).append(event.document_id)
        stored = plan_events(
            conn,
            organization=slug,
            documents=documents,
            now=now,
            dag_id=PLANNER,
            run_id=f"events-{event_ids[0]}-{event_ids[-1]}",
            requested_by=ACTOR,
        )
        for version, plan_id in stored:
            about = [
                each.event_id
                for each in taken
                if each.type == version.rule.trigger.event and each.document_id is not None
            ]
            events.record_reactions(
                conn,
                event_ids=about,
                rule_version_id=version.version_id,
                plan_id=plan_id,
                now=now,
            )
    return Reaction(events=len(taken), calls=calls, plans=len(stored))
