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
from doclife.store import rules, stored_plans, switches
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
                report(conn, order, arguments.rounds)


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


def report(conn: Connection, order: str, rounds: int) -> None:
    """Measure each operation on a day of its own and print its ratio to the bare UPDATE."""
    memory_before = resident_bytes()
    rates: dict[str, list[float]] = {name: [] for name in OPERATIONS}
    days = (FIRST_DAY + timedelta(days=offset) for offset in range(rounds * len(OPERATIONS)))
    for _ in range(rounds):
        for name, operation in OPERATIONS.items():
            rates[name].append(rate(conn, operation, next(days)))
    base = statistics.median(rates["bare UPDATE"])
    print(f"{order} order:")
    for name, measured in rates.items():
        middle = statistics.median(measured)
        print(
            f"  {name}: {middle:,.0f}/s, {middle / base:.2f} of bare "
            f"[{min(measured):,.0f} to {max(measured):,.0f}]"
        )
    grown = resident_bytes() - memory_before
    print(f"  memory of this process grew by {grown / 1e6:.0f} MB at the most")


def resident_bytes() -> int:
    """Return the most memory this process has ever had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def rate(conn: Connection, operation: Callable[[Connection, date], int], day: date) -> float:
    """Return documents per second of an operation, after a checkpoint so that all pay alike."""
    PREPARATIONS.get(operation, lambda _conn, _day: None)(conn, day)
    conn.execute("CHECKPOINT")
    started = time.perf_counter()
    count = operation(conn, day)
    return count / (time.perf_counter() - started)


def update_bare(conn: Connection, day: date) -> int:
    """Stamp a day's documents with one statement, every trigger off, and nothing else."""
    conn.execute("SET session_replication_role = replica")
    count = update_with_triggers(conn, day)
    conn.execute("SET session_replication_role = origin")
    return count


def update_with_triggers(conn: Connection, day: date) -> int:
    """Stamp a day's documents with one statement."""
    return conn.execute(
        "UPDATE documents SET expired_at = %s WHERE organization_id = 1 AND expires_on = %s",
        (NOW, day),
    ).rowcount


def narrow_to(conn: Connection, day: date) -> None:
    """Let the next expiry check find exactly one day's documents."""
    conn.execute(
        "UPDATE expiry_watermarks SET queue_through = %s, checked_through = %s",
        (day - timedelta(days=1),) * 2,
    )


def expire_day(conn: Connection, day: date) -> int:
    """Run the real expiry check, which finds exactly one day's documents."""
    as_of = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(days=1)
    return expiring.expire(conn, now=as_of, as_of=as_of, actor="benchmark").expired


def plan_trash(conn: Connection, day: date) -> int:
    """Plan to trash a day's documents, by a rule, beside a rule that retains others."""
    version = next(v for v in rules.list_current(conn, 1) if v.rule.name == f"trash-{day}")
    return planning.plan_rule(
        conn,
        rule_version_id=version.version_id,
        now=NOW,
        as_of=NOW,
        dag_id="benchmark",
        run_id=str(day),
        requested_by="benchmark",
    ).document_count


def add_trash_rule(conn: Connection, day: date) -> None:
    """Put a rule into force that trashes a day's documents, and no other such rule."""
    for version in rules.list_current(conn, 1):
        rules.remove(conn, organization_id=1, name=version.rule.name, now=NOW)
    contracts = {"field": "document_type", "op": "eq", "value": "contract"}
    add_rule(
        conn,
        "retain-some",
        {
            "when": contracts,
            "retain": {"for": "10y", "after": "created_on"},
        },
    )
    add_rule(
        conn,
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
    )


def plan_to_apply(conn: Connection, day: date) -> None:
    """Have a plan ready to be applied."""
    add_trash_rule(conn, day)
    plan_trash(conn, day)


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


def apply_trash(conn: Connection, _day: date) -> int:
    """Apply the plan of a day with the real code."""
    newest = stored_plans.list_plans(conn, state="planned", size=1)[0]
    outcome = applying.apply_plan(
        conn,
        plan_id=newest["plan_id"],
        now=lambda: NOW,
        actor="benchmark",
        stores=Stores((), deployment_id=switches.read(conn).deployment_id),
    )
    return outcome.done


OPERATIONS: dict[str, Callable[[Connection, date], int]] = {
    "bare UPDATE": update_bare,
    "bare UPDATE with our triggers": update_with_triggers,
    "expire: stamp, audit entry and event each": expire_day,
    "plan: a rule's hits judged and stored as items": plan_trash,
    "trash: judged again, item, audit entry and event each": apply_trash,
}
PREPARATIONS: dict[Callable[[Connection, date], int], Callable[[Connection, date], None]] = {
    expire_day: narrow_to,
    plan_trash: add_trash_rule,
    apply_trash: plan_to_apply,
}


if __name__ == "__main__":
    main()
