"""Expiry and trash of documents, with audit entry and event each, against the bare UPDATE.

The peer is the one-statement UPDATE of the same rows of the same table with every trigger
switched off and nothing recorded: the least that PostgreSQL can do. ``insert order`` means that
documents expire roughly in the order they came; ``random order`` anywhere in the table.
"""

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from benchmarks.benchmark import Benchmark, run
from benchmarks.results import Quantity, Row
from benchmarks.server import measured_server, migrated_database
from doclife.domain.actions import ActionType
from doclife.domain.compiler import RuleVersion
from doclife.domain.rule import Rule
from doclife.lifecycle import applying, expiring, planning
from doclife.storage.stores import Stores
from doclife.store import rules, stored_plans, switches
from doclife.store.connection import Connection

FIRST_DAY = date(2015, 1, 1)
NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    rounds: int = 3
    documents: int = 5_000_000
    batch: int = 100_000
    """Documents of each operation."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What is done to a day's documents; returns to how many."""

    name: str
    do: Callable[[Connection, date], int]
    prepare: Callable[[Connection, date], None] = lambda _conn, _day: None
    wanted: dict[str, float]
    """Its bound in each order."""


def measure(sizes: Sizes) -> Iterator[Row]:
    with measured_server() as server:
        for order in ("insert", "random"):
            with migrated_database(server, f"bench_{order}") as conn:
                fill(conn, sizes.documents, sizes.batch, order)
                yield from rows(conn, order, sizes)


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


def rows(conn: Connection, order: str, sizes: Sizes) -> Iterator[Row]:
    """Measure each operation on a day of its own."""
    memory_before = resident_bytes()
    bare: list[float] = []
    rates: dict[str, list[float]] = {each.name: [] for each in OPERATIONS}
    days = (FIRST_DAY + timedelta(days=offset) for offset in range(1 << 20))
    for _ in range(sizes.rounds):
        bare.append(rate(conn, BARE, next(days)))
        for each in OPERATIONS:
            rates[each.name].append(rate(conn, each, next(days)))
    grown = resident_bytes() - memory_before
    print(f"memory of this process grew by {grown / 1e6:.0f} MB at the most", flush=True)
    for each in OPERATIONS:
        yield Row.of_rounds(
            what=f"{each.name}, {sizes.batch:,} of {sizes.documents:,} documents in {order} order",
            peer="the bare one-statement UPDATE",
            of=Quantity.RATE,
            ours=rates[each.name],
            theirs=bare,
            unit="documents/s",
            wanted=each.wanted.get(order),
        )


def resident_bytes() -> int:
    """Return the most memory this process has ever had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def rate(conn: Connection, operation: Operation, day: date) -> float:
    """Return documents per second of an operation, after a checkpoint so that all pay alike."""
    operation.prepare(conn, day)
    conn.execute("CHECKPOINT")
    started = time.perf_counter()
    count = operation.do(conn, day)
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


BARE = Operation(name="bare UPDATE", do=update_bare, wanted={})
OPERATIONS = (
    Operation(name="the bare UPDATE with our triggers", do=update_with_triggers, wanted={}),
    Operation(
        name="expiry with audit entry and event each",
        do=expire_day,
        prepare=narrow_to,
        wanted={"insert": 0.25, "random": 0.4},
    ),
    Operation(
        name="judging a rule's hits and storing a plan's items",
        do=plan_trash,
        prepare=add_trash_rule,
        wanted={},
    ),
    Operation(
        name="trash with item, audit entry and event each",
        do=apply_trash,
        prepare=plan_to_apply,
        wanted={"insert": 0.1, "random": 0.1},
    ),
)
BENCHMARK = Benchmark(
    measure=measure,
    sizes=Sizes(),
    quick=Sizes(rounds=1, documents=50_000, batch=1000),
)

if __name__ == "__main__":
    run(BENCHMARK, "expire")
