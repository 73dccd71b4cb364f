"""Expiry and trash of documents, with audit entry and event each, against the bare UPDATE.

    python -m benchmarks.expire [--documents 5000000] [--batch 100000] [--rounds 3]

The peer is the one-statement UPDATE of the same rows of the same table with every trigger
switched off and nothing recorded: the least that PostgreSQL can do. ``insert order`` means that
documents expire roughly in the order they came; ``random order`` anywhere in the table.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from benchmarks.server import measured_server, migrated_database, settings_line
from doclife.domain.actions import ActionType
from doclife.domain.compiler import RuleVersion
from doclife.domain.rule import Rule
from doclife.lifecycle import applying, expiring, planning
from doclife.storage.stores import Stores
from doclife.store import rules, switches
from doclife.store.connection import Connection

FIRST_DAY = date(2015, 1, 1)
NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=5_000_000)
    parser.add_argument("--batch", type=int, default=100_000, help="documents per operation")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with measured_server() as server:
        print(f"PostgreSQL with {settings_line()}")
        for order in ("insert", "random"):
            with migrated_database(server, f"bench_{order}") as conn:
                fill(conn, arguments.documents, arguments.batch, order)
                report(conn, order, arguments.batch, arguments.rounds)


def fill(conn: Connection, count: int, per_day: int, order: str) -> None:
    """Make documents of which ``per_day`` expire each day."""
    days = max(count // per_day, 1)
    position = "number" if order == "insert" else "hashint8(number)::bigint & 2147483647"
    day = f"(({position}) / {per_day})" if order == "insert" else f"(({position}) %% {days})"
    conn.execute("SET session_replication_role = replica")
    conn.execute(
        "INSERT INTO documents (organization_id, external_id, title, document_type, owner, tags,"
        " metadata, size_bytes, created_on, expires_on, registered_at)"
        " SELECT 1, 'document-' || number, 'Title of ' || number, 'type' || number %% 20,"
        " 'owner' || number %% 1000, ARRAY['tag' || number %% 50],"
        " jsonb_build_object('case', number, 'note', repeat('x', 200)), 1000,"
        f" %s::date - 100, %s::date + {day}::int, %s::date"
        " FROM generate_series(0::bigint, %s - 1) AS number",
        (FIRST_DAY, FIRST_DAY, FIRST_DAY, count),
    )
    conn.execute("SET session_replication_role = origin")
    conn.execute(
        "UPDATE organizations SET max_documents_per_day = 2000000000, max_fraction_per_day = 1"
    )
    conn.execute(
        "UPDATE deployment SET max_documents_per_day = 2000000000, max_fraction_per_day = 1"
    )
    conn.execute("VACUUM (ANALYZE)")


def report(conn: Connection, order: str, per_day: int, rounds: int) -> None:
    """Measure each operation on a day of its own and print its ratio to the bare UPDATE."""
    memory_before = resident_bytes()
    bare, bare_with_triggers, expire, plan, trash = [], [], [], [], []
    planned: list[int] = []
    day = 0
    for _ in range(rounds):
        bare.append(rate(conn, lambda: update_bare(conn, day_at(day), triggers=False)))
        day += 1
        bare_with_triggers.append(rate(conn, lambda: update_bare(conn, day_at(day), triggers=True)))
        day += 1
        conn.execute(
            "UPDATE expiry_watermarks SET queue_through = %s, checked_through = %s",
            (day_at(day) - timedelta(days=1),) * 2,
        )
        expire.append(rate(conn, lambda: expire_day(conn, day_at(day))))
        day += 1
        plan.append(rate(conn, lambda: plan_trash(conn, day_at(day), planned)))
        trash.append(rate(conn, lambda: apply_plan(conn, planned[-1])))
        day += 1
    base = statistics.median(bare)
    print(f"{order} order: bare UPDATE {base:,.0f}/s")
    for name, rates in (
        ("bare UPDATE with our triggers", bare_with_triggers),
        ("expire: stamp, audit entry and event each", expire),
        ("plan: a rule with its items judged and stored", plan),
        ("trash: judged, item, audit entry and event each", trash),
    ):
        middle = statistics.median(rates)
        print(
            f"  {name}: {middle:,.0f}/s, {middle / base:.2f} of bare "
            f"[{min(rates):,.0f} to {max(rates):,.0f}]"
        )

    grown = resident_bytes() - memory_before
    print(f"  memory of this process grew by {grown / 1e6:.0f} MB at the most")


def resident_bytes() -> int:
    """Return the most memory this process has ever had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def day_at(offset: int) -> date:
    """Return the day whose documents an operation takes."""
    return FIRST_DAY + timedelta(days=offset)


def rate(conn: Connection, operation: Callable[[], int]) -> float:
    """Return documents per second of an operation, after a checkpoint so that all pay alike."""
    conn.execute("CHECKPOINT")
    started = time.perf_counter()
    count = operation()
    return count / (time.perf_counter() - started)


def update_bare(conn: Connection, day: date, *, triggers: bool) -> int:
    """Stamp a day's documents with one statement and nothing else."""
    if not triggers:
        conn.execute("SET session_replication_role = replica")
    count = conn.execute(
        "UPDATE documents SET expired_at = %s WHERE organization_id = 1 AND expires_on = %s",
        (NOW, day),
    ).rowcount
    conn.execute("SET session_replication_role = origin")
    return count


def expire_day(conn: Connection, day: date) -> int:
    """Run the real expiry check, which finds exactly one day's documents."""
    as_of = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(days=1)
    return expiring.expire(conn, now=as_of, as_of=as_of, actor="benchmark").expired


def plan_trash(conn: Connection, day: date, planned: list[int]) -> int:
    """Plan to trash a day's documents, by a rule, beside a rule that retains others.

    Returns how many documents that is, and appends the plan's number to ``planned``.
    """
    current = {version.rule.name for version in rules.list_current(conn, 1)}
    for name, parts in (
        (
            "retain-some",
            {
                "when": {"field": "document_type", "op": "eq", "value": "contract"},
                "retain": {"for": "10y", "after": "created_on"},
            },
        ),
        (
            f"trash-{day}",
            {
                "when": {
                    "all": [
                        {"field": "expires_on", "op": "on_or_after", "value": str(day)},
                        {"field": "expires_on", "op": "on_or_before", "value": str(day)},
                    ]
                },
                "actions": [{"do": ActionType.DELETE}],
            },
        ),
    ):
        if name not in current:
            add_rule(conn, name, parts)
    version = next(v for v in rules.list_current(conn, 1) if v.rule.name == f"trash-{day}")
    summary = planning.plan_rule(
        conn,
        rule_version_id=version.version_id,
        now=NOW,
        as_of=NOW,
        dag_id="benchmark",
        run_id=str(day),
        requested_by="benchmark",
    )
    planned.append(summary.plan_id)
    return summary.document_count


def add_rule(conn: Connection, name: str, parts: dict[str, object]) -> RuleVersion:
    """Put a rule into force that no limit stops."""
    rule = Rule.from_document(
        {
            "name": name,
            "mode": "enforce",
            "trigger": {"type": "ON_SCHEDULE"},
            "limits": {"max_documents": 1_000_000_000, "max_fraction": 1.0},
            **parts,
        }
    )
    return rules.add_version(
        conn,
        organization_id=1,
        rule=rule,
        source="",
        author="benchmark",
        commit=None,
        now=NOW - timedelta(days=365),
    )


def apply_plan(conn: Connection, plan_id: int) -> int:
    """Apply a plan with the real code."""
    outcome = applying.apply_plan(
        conn,
        plan_id=plan_id,
        now=lambda: NOW,
        actor="benchmark",
        stores=Stores((), deployment_id=switches.read(conn).deployment_id),
    )
    return outcome.done


if __name__ == "__main__":
    main()
