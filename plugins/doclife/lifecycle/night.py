"""One planning run for one organization: who asks, when, for which moment, and what it owns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.types.json import Jsonb

from doclife.domain.organization import Organization
from doclife.domain.plan import PlanKind
from doclife.domain.rule import Mode
from doclife.errors import ConfigurationError, RefusedError
from doclife.store import audit, plans, stored_plans
from doclife.store.connection import Connection


@dataclass(frozen=True, kw_only=True)
class Night:
    """One planning run for one organization: who asks, when, and for which moment."""

    organization: Organization
    now: datetime
    """The present; staleness and grace count from here."""
    as_of: datetime
    """The decision moment: what is due by then. Not later than the present unless simulating."""
    dag_id: str
    run_id: str
    requested_by: str

    @property
    def today(self) -> date:
        """The decision date in the organization's time zone."""
        return self.organization.date_of(self.as_of)


def insert_plan(
    conn: Connection,
    night: Night,
    *,
    kind: PlanKind,
    mode: Mode,
    rule_version_id: int | None = None,
    selection_key: str | None = None,
    options: Mapping[str, object] | None = None,
) -> int:
    """Store a plan without items and return its id.

    :raises RefusedError: the decision moment lies in the future and the plan is no simulation.
    """
    refusal = plans.refuse_future(conn, now=night.now, as_of=night.as_of, mode=mode)
    if refusal:
        raise RefusedError(
            f"no plan is made: {refusal} (now {night.now}, as_of {night.as_of}). "
            "Use mode simulate to look ahead."
        )
    return plans.insert(
        conn,
        {
            "organization_id": night.organization.id,
            "kind": str(kind),
            "rule_version_id": rule_version_id,
            "dag_id": night.dag_id,
            "run_id": night.run_id,
            "selection_key": selection_key,
            "options": Jsonb(dict(options or {})),
            "requested_by": night.requested_by,
            "mode": str(mode),
            "as_of": night.as_of,
            "now": night.now,
        },
    )


def find_own_plan(
    conn: Connection,
    night: Night,
    *,
    rule_version_id: int | None = None,
    selection_key: str | None = None,
) -> int | None:
    """Return the plan that this run has stored for a rule or selection before, if any."""
    return plans.find_own(
        conn,
        dag_id=night.dag_id,
        run_id=night.run_id,
        organization_id=night.organization.id,
        rule_version_id=rule_version_id,
        selection_key=selection_key,
    )


def record_plan(conn: Connection, night: Night, plan_id: int) -> None:
    """Write the plan into the audit trail, in the transaction that stores it."""
    summary = stored_plans.summary(conn, plan_id)
    audit.record(
        conn,
        organization_id=night.organization.id,
        at=night.now,
        actor=night.requested_by,
        rule=summary.rule,
        action="plan.stored",
        plan_id=plan_id,
        reason=summary.approval_reason or f"{summary.document_count} documents",
        details={
            "dag_id": night.dag_id,
            "run_id": night.run_id,
            "mode": summary.mode,
            "state": summary.state,
            "documents": summary.document_count,
            "blocked": summary.blocked_count,
        },
    )


def refuse_naive(**moments: datetime) -> None:
    """Refuse moments without a time zone; each is given by the name that the caller knows."""
    for name, moment in moments.items():
        if moment.tzinfo is None:
            raise ConfigurationError(
                f"{name}={moment.isoformat()} has no time zone, so it names no single moment. "
                "Pass an aware datetime, e.g. dag_run.run_after."
            )
