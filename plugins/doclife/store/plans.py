"""Stores plans, decides which wait, and closes those that nobody answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.types.json import Jsonb

from doclife.domain.breaker import Trip
from doclife.domain.fragment import Fragment, merged_parameters
from doclife.domain.plan import PlanKind
from doclife.store.connection import Connection
from doclife.store.plan_limits import count_population
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import composed, statement

MAX_SHARDS = 500
"""Per action: Airflow maps at most 1,024 task instances over one XCom."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionContext:
    """What judging needs to know about one action of one plan."""

    plan_id: int
    action_index: int
    rule_id: int | None
    rule: str
    priority: int
    asks_review: bool
    is_enforced: bool
    fields: Sequence[str]
    """Names, as in ``field_changed_at``, of what the action's condition and anchor use."""
    events: Sequence[str]
    """Types of the events that the anchor counts from."""
    shard_documents: int
    shard_bytes: int
    per_night: int | None = None
    """At most so many documents in one plan, the longest overdue first; None for all."""
    warn_before: Sequence[str] | None = None
    """ISO 8601 periods of a rule whose DELETE waits for a delivered warning; None: it does not."""


def refuse_future(conn: Connection, *, now: datetime, as_of: datetime, mode: str) -> str | None:
    """Return what forbids a plan with these moments, judged by the database's clock."""
    parameters = {"now": now, "as_of": as_of, "mode": mode}
    refusal: str | None = fetch_value(conn, statement("plans/refuse_future"), parameters)
    return refusal


def find_own(
    conn: Connection,
    *,
    dag_id: str,
    run_id: str,
    organization_id: int,
    rule_version_id: int | None,
    selection_key: str | None,
) -> int | None:
    """Return the plan that this run has stored for this rule or selection before."""
    found: int | None = fetch_value(
        conn,
        statement("plans/find_own"),
        {
            "dag_id": dag_id,
            "run_id": run_id,
            "organization_id": organization_id,
            "rule_version_id": rule_version_id,
            "selection_key": selection_key,
        },
    )
    return found


def find_last_night(
    conn: Connection,
    *,
    rule_id: int,
    dag_id: str,
    run_id: str,
    dag_ids: Sequence[str] | None,
    mode: str,
) -> datetime | None:
    """Return the decision moment of the last plan that another run stored for a rule.

    :param dag_ids: whose plans count; None for everybody's.
    """
    parameters = {
        "rule_id": rule_id,
        "dag_id": dag_id,
        "run_id": run_id,
        "dag_ids": None if dag_ids is None else list(dag_ids),
        "mode": mode,
    }
    found: datetime | None = fetch_value(conn, statement("plans/find_last_night"), parameters)
    return found


def insert(conn: Connection, parameters: Mapping[str, object]) -> int:
    """Store a plan without items; the parameters are those of plans/insert.sql."""
    return int(fetch_value(conn, statement("plans/insert"), parameters))


def supersede(
    conn: Connection, *, rule_id: int, dag_id: str, run_id: str, now: datetime
) -> list[int]:
    """Close a rule's unanswered plans of earlier runs and give their documents back."""
    parameters = {"rule_id": rule_id, "dag_id": dag_id, "run_id": run_id}
    closed = [row[0] for row in conn.execute(statement("plans/supersede"), parameters)]
    release(conn, closed, code="superseded", reason="a newer plan of the rule exists", now=now)
    return closed


def supersede_purges(
    conn: Connection,
    *,
    organization_id: int,
    kind: PlanKind,
    dag_id: str,
    run_id: str,
    now: datetime,
) -> list[int]:
    """Close the unanswered purge plans of earlier runs and give their documents back."""
    parameters = {
        "organization_id": organization_id,
        "kind": str(kind),
        "dag_id": dag_id,
        "run_id": run_id,
    }
    closed = [row[0] for row in conn.execute(statement("plans/supersede_purges"), parameters)]
    release(conn, closed, code="superseded", reason="a newer plan of this kind exists", now=now)
    return closed


@dataclass(frozen=True, kw_only=True, slots=True)
class BegunPlan:
    """A plan that may be applied and has not ended."""

    plan_id: int
    requested_by: str
    """The actor."""


def list_begun_by(conn: Connection, *, dag_id: str) -> list[BegunPlan]:
    """Return the plans of a DAG that may be applied and have not ended."""
    return fetch_rows(conn, statement("plans/list_begun_by"), {"dag_id": dag_id}, BegunPlan)


def list_unfinished(
    conn: Connection, *, organization_id: int, kind: PlanKind, dag_id: str, run_id: str
) -> list[int]:
    """Return the plans of a kind that earlier runs have begun and not ended."""
    parameters = {
        "organization_id": organization_id,
        "kind": str(kind),
        "dag_id": dag_id,
        "run_id": run_id,
    }
    return [row[0] for row in conn.execute(statement("plans/list_unfinished"), parameters)]


def lapse(conn: Connection, *, organization_id: int, now: datetime, max_age_days: int) -> list[int]:
    """Close the plans that are too old to be believed and give their documents back."""
    parameters = {"organization_id": organization_id, "now": now, "max_age_days": max_age_days}
    closed = [row[0] for row in conn.execute(statement("plans/lapse"), parameters)]
    release(conn, closed, code="lapsed", reason=f"older than {max_age_days} days", now=now)
    return closed


def close_orphans(conn: Connection, *, organization_id: int, now: datetime) -> list[int]:
    """Close the plans whose rule was changed, switched off or removed since."""
    parameters = {"organization_id": organization_id}
    closed = [row[0] for row in conn.execute(statement("plans/close_orphans"), parameters)]
    release(
        conn,
        closed,
        code="superseded",
        reason="its rule is no longer in force at that version",
        now=now,
    )
    return closed


def list_abandoned(
    conn: Connection, *, organization_id: int, now: datetime, max_age_days: int
) -> list[int]:
    """Return the plans that were begun and can never be continued."""
    parameters = {"organization_id": organization_id, "now": now, "max_age_days": max_age_days}
    return [row[0] for row in conn.execute(statement("plans/list_abandoned"), parameters)]


def release(
    conn: Connection, plan_ids: Sequence[int], *, code: str, reason: str, now: datetime
) -> None:
    """Give back the documents that these plans still claim."""
    if plan_ids:
        conn.execute(
            statement("plans/release_items"),
            {"plan_ids": list(plan_ids), "code": code, "reason": reason, "now": now},
        )


def begin_collecting(conn: Connection) -> None:
    """Make the working tables of this transaction, empty; they empty themselves at its end."""
    conn.execute(statement("plans/create_hits"))
    conn.execute(statement("plans/create_protections"))
    conn.execute(statement("plans/create_judgements"))
    conn.execute(statement("plans/empty_hits"))
    conn.execute(statement("plans/empty_protections"))
    conn.execute(statement("plans/empty_judgements"))


def collect_hits(
    conn: Connection,
    *,
    plan_id: int,
    rule_version_id: int,
    hits: Fragment,
    skip_actions: Sequence[int],
) -> None:
    """Collect what one rule wants done."""
    conn.execute(
        composed("plans/collect_hits", hits=hits.text),
        {
            **hits.parameters,
            "plan_id": plan_id,
            "rule_version_id": rule_version_id,
            "skip_actions": list(skip_actions),
        },
    )


RULES_AT_ONCE = 200
"""Whose unknown documents one statement counts: each brings parameters, which have an end."""


def count_unknown(
    conn: Connection,
    tests: Sequence[Fragment],
    *,
    organization_id: int,
    document_ids: Sequence[int] | None = None,
) -> list[int]:
    """Return of how many documents each of the rules cannot say whether anything is due.

    :param tests: of each rule whether it cannot say, compiled with prefixes of their own.
    :param document_ids: only of these; None for all of the organization's.
    """
    found: list[int] = []
    for first in range(0, len(tests), RULES_AT_ONCE):
        some = tests[first : first + RULES_AT_ONCE]
        counts = ", ".join(f"count(*) FILTER (WHERE {test.text})" for test in some)
        parameters = {
            **merged_parameters(*some),
            "organization_id": organization_id,
            "document_ids": None if document_ids is None else list(document_ids),
        }
        found += fetch_value(
            conn, composed("plans/count_unknown", unknown_counts=counts), parameters
        )
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class NotDue:
    """Documents that a rule has selected, and of which nothing is due yet."""

    documents: int
    first_on: date | None
    """When the first of them is due; None: there is none, or no day is known."""


def count_not_due(conn: Connection, hits: Fragment, *, today: date) -> NotDue:
    """Return how many documents fall due later; ``hits`` must reach up to any date."""
    query = composed("plans/count_not_due", hits=hits.text)
    (found,) = fetch_rows(conn, query, {**hits.parameters, "today": today}, NotDue)
    return found


def collect_protections(conn: Connection, protections: Fragment) -> None:
    """Find which rule keeps each collected document the longest."""
    conn.execute(statement("plans/analyze_hits"))
    conn.execute(
        composed("plans/collect_protections", protections=protections.text),
        protections.parameters,
    )


def judge(
    conn: Connection,
    contexts: Sequence[ActionContext],
    *,
    today: date,
    now: datetime,
    as_of: datetime,
    cooling_off_days: int,
) -> None:
    """Judge what was collected into this transaction's ``judgements``.

    A simulation of the future is judged as if that day had come, the cooling-off included.
    """
    context = [
        {field: getattr(context, field) for field in ActionContext.__slots__}
        for context in contexts
    ]
    conn.execute(
        statement("plans/judge"),
        {
            "context": Jsonb(context),
            "today": today,
            "present": max(now, as_of),
            "cooling_off_days": cooling_off_days,
            "max_shards": MAX_SHARDS,
        },
    )


def store_items(
    conn: Connection, plan_ids: Sequence[int], *, organization_id: int, now: datetime
) -> None:
    """Store what was judged: winners and losers, shards and totals."""
    conn.execute(statement("plans/insert_items"), {"now": now})
    conn.execute(statement("plans/insert_shards"), {"plan_ids": list(plan_ids)})
    count_population(conn)
    conn.execute(
        statement("plans/summarise"),
        {"plan_ids": list(plan_ids), "organization_id": organization_id},
    )


def set_unknown_count(conn: Connection, *, plan_id: int, unknown_count: int) -> None:
    """Write down how many documents the plan's rule could not judge."""
    conn.execute(
        statement("plans/set_unknown_count"),
        {"plan_id": plan_id, "unknown_count": unknown_count},
    )


def ask_for_approval(
    conn: Connection, *, plan_id: int, reason: str, trips: Sequence[Trip], required_stages: int
) -> None:
    """Let a plan wait for a person, with the reason and the numbers."""
    breaker = [
        {"scope": trip.scope, "limit": trip.limit, "allowed": trip.allowed, "wanted": trip.wanted}
        for trip in trips
    ]
    conn.execute(
        statement("plans/ask_for_approval"),
        {
            "plan_id": plan_id,
            "reason": reason,
            "breaker": Jsonb(breaker),
            "required_stages": required_stages,
        },
    )
