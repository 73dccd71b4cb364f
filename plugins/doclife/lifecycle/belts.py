"""The limits in the open: how much of each is used, what exceeded one, and how to let it go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from doclife.domain.breaker import Limit, Trip, pace
from doclife.domain.rule import Mode
from doclife.store import belts, organizations, rules, tenants
from doclife.store.belts import Usage
from doclife.store.connection import Connection

LOOK_BACK = timedelta(days=7)
"""How long a plan that exceeded a limit is worth mentioning: then it lapses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Belt:
    """One limit over the last 24 hours, as the breaker counts it for the next plan."""

    scope: str
    """``deployment``, ``organization`` or ``rule``."""
    name: str
    """Short name of the organization, name of the rule; empty for the deployment."""
    organization: str | None
    is_purge: bool
    """Purges count by themselves: what they destroy was counted when it went into the trash."""
    limit: Limit
    done: int
    """Archived, deleted or purged within the window."""
    reserved: int
    """Claimed by plans that may still be applied."""
    frees_at: datetime | None
    """When the oldest usage falls out of the window; None when nothing was done."""

    @property
    def used(self) -> int:
        """How much counts against the limit."""
        return self.done + self.reserved

    @property
    def allowed(self) -> int:
        """The tighter of both limits, in documents."""
        return self.limit.allowed

    @property
    def left(self) -> int:
        """How many more documents a plan may destroy now."""
        return max(self.allowed - self.used, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrippedPlan:
    """A plan that exceeded a limit and waits, or waited, for a person."""

    plan_id: int
    organization: str
    rule: str | None
    kind: str
    state: str
    created_at: datetime
    document_count: int
    trips: Sequence[Trip]
    advice: str
    """How to let its documents go without widening a limit."""


def list_belts(conn: Connection, *, now: datetime, organization: str | None = None) -> list[Belt]:
    """Return every limit with what its last 24 hours have used: the deployment's first.

    :param organization: only this one and its rules, beside the deployment.
    """
    usage = belts.list_usage(conn, now=now)
    found = tenants.list_all(conn)
    deployment = tenants.deployment_limits(conn)
    shown = [
        _belt(
            usage,
            scope="deployment",
            is_purge=is_purge,
            population=sum(one.document_count for one in found),
            max_documents=deployment.max_documents_per_day,
            max_fraction=float(deployment.max_fraction_per_day),
        )
        for is_purge in (False, True)
    ]
    if organization is not None:
        organizations.find(conn, organization)
    for tenant in found:
        if organization is not None and tenant.slug != organization:
            continue
        own = [one for one in usage if one.organization == tenant.slug]
        shown += [
            _belt(
                own,
                scope="organization",
                name=tenant.slug,
                organization=tenant.slug,
                is_purge=is_purge,
                population=tenant.document_count,
                max_documents=tenant.max_documents_per_day,
                max_fraction=float(tenant.max_fraction_per_day),
            )
            for is_purge in (False, True)
        ]
        shown += [
            _belt(
                [one for one in own if one.rule_id == version.rule_id],
                scope="rule",
                name=version.rule.name,
                organization=tenant.slug,
                is_purge=False,
                population=tenant.document_count,
                max_documents=version.rule.limits.max_documents,
                max_fraction=version.rule.limits.max_fraction,
            )
            for version in rules.list_current(conn, organizations.find(conn, tenant.slug).id)
            if version.rule.mode is Mode.ENFORCE and (version.rule.deletes or version.rule.archives)
        ]
    return shown


def list_tripped(
    conn: Connection, *, now: datetime, organization: str | None = None, size: int = 20
) -> list[TrippedPlan]:
    """Return the plans of the last 7 days that exceeded a limit, with what to do about each."""
    return [
        TrippedPlan(
            plan_id=row["plan_id"],
            organization=row["organization"],
            rule=row["rule"],
            kind=row["kind"],
            state=row["state"],
            created_at=row["created_at"],
            document_count=row["document_count"],
            trips=trips,
            advice=_advice(row["rule"], row["document_count"], trips),
        )
        for row in belts.list_tripped(
            conn, organization=organization, since=now - LOOK_BACK, size=size
        )
        for trips in [[Trip(**trip) for trip in row["trips"]]]
    ]


def _belt(
    usage: Sequence[Usage],
    *,
    scope: str,
    is_purge: bool,
    population: int,
    max_documents: int,
    max_fraction: float,
    name: str = "",
    organization: str | None = None,
) -> Belt:
    counted = [one for one in usage if one.is_purge == is_purge]
    done = sum(one.done for one in counted)
    reserved = sum(one.reserved for one in counted)
    return Belt(
        scope=scope,
        name=name,
        organization=organization,
        is_purge=is_purge,
        limit=Limit(
            scope=scope,
            used=done + reserved,
            population=population,
            max_documents=max_documents,
            max_fraction=max_fraction,
        ),
        done=done,
        reserved=reserved,
        frees_at=min((one.frees_at for one in counted if one.frees_at is not None), default=None),
    )


def _advice(rule: str | None, count: int, trips: Sequence[Trip]) -> str:
    if any(trip.limit == "drift" for trip in trips):
        return (
            "Many more are due than forecast: look for a field that changed in bulk "
            "(doclife documents explain) before anything else."
        )
    nightly = pace(count, trips)
    if rule is None:
        return f"Choose fewer documents at once: {max(nightly, 1):,} pass."
    if nightly < 1:
        return "Nothing more fits today; others have used it up. Tomorrow's plan is counted anew."
    nights = -(-count // nightly)
    return (
        f"Let it go in a paced way: limits: {{per_night: {nightly}}} in rule {rule} takes "
        f"{nights:,} nights, the longest overdue first."
    )
