"""A catalogue of any size with a hundred rules, and the same share of it to do every night.

Everything grows with the number of documents and nothing else: jobs, history, audit entries, what
a night expires, trashes, tells of and purges. What years would have written is written in sets,
with the triggers off and the indexes made afterwards; what is measured is done by the real code.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from psycopg import sql

from benchmarks.expire import add_rule
from benchmarks.years import fill_jobs
from doclife.domain.condition import Comparison
from doclife.domain.fields import Operator
from doclife.lifecycle import matters
from doclife.store.connection import Connection

TYPES = 90
"""Of documents; a rule each, and ten rules more that retain by tag."""
OWNERS = 1000
SLOTS = 100
"""A slot is a hundredth of the documents, anywhere in the table."""
MOST_NIGHTS = 20
YEARS_OF_PLANS, ITEMS_PER_PLAN = 1, 400
INSERTED_AT_ONCE = 1_000_000
HISTORY_ENDED = timedelta(days=10)
"""Before the first night, so that a cleanup finds ten days that are older than history is kept."""


def fill(conn: Connection, *, documents: int, first_night: datetime, nights: int) -> None:
    """Fill an empty catalogue, whose organization is the default one.

    :param conn: the owner's, who may switch triggers off, in autocommit.
    :param nights: for how many nights a slot each expires, and another one becomes due.
    """
    conn.execute("SET session_replication_role = replica")
    with _indexed_afterwards(conn, "documents"):
        _in_parts(conn, _DOCUMENTS, documents, first_night=first_night, nights=nights)
    conn.execute(
        "INSERT INTO matters (organization_id, name, reason, created_by, created_at)"
        " VALUES (1, 'case', 'litigation', 'user:olga', %s)",
        (first_night,),
    )
    conn.execute(
        "INSERT INTO matter_documents (matter_id, document_id, added_by, added_at)"
        " SELECT 1, id, 'user:olga', %s FROM documents WHERE hold_count > 0",
        (first_night,),
    )
    _plans(conn, documents, first_night)
    for table, query in (("audit_entries", _AUDIT_ENTRIES), ("events", _EVENTS)):
        with _indexed_afterwards(conn, table):
            _in_parts(conn, query, documents, first_night=first_night, nights=nights)
    fill_jobs(conn, documents, first_night - HISTORY_ENDED)
    conn.execute(
        "UPDATE expiry_watermarks SET queue_through = %s, checked_through = %s",
        (first_night.date() - timedelta(days=2),) * 2,
    )
    for table in ("organizations", "deployment"):
        conn.execute(
            sql.SQL(
                "UPDATE {} SET max_documents_per_day = 2000000000, max_fraction_per_day = 1"
            ).format(sql.Identifier(table))
        )
    conn.execute("SET session_replication_role = origin")
    conn.execute("ANALYZE")
    for number in range(TYPES):
        add_rule(conn, f"type-{number}", _rule_of_type(number))
    for number in range(10):
        add_rule(
            conn,
            f"keep-{number}",
            {
                "when": {"field": "tags", "op": "has_any", "value": [f"keep{number}"]},
                "retain": {"for": "30y", "after": "created_on"},
            },
        )
    conn.execute("VACUUM (ANALYZE)")
    # Catches a thousandth, and is asked about every document each night.
    matters.open_matter(
        conn, organization="default", name="standing", reason="litigation", actor="user:olga",
        now=first_night,
        condition=Comparison(field="owner", operator=Operator.EQ, value="owner7@example.org"),
    )  # fmt: skip


def _rule_of_type(number: int) -> dict[str, object]:
    """Seventy delete (ten of them warn before), ten tell, ten only simulate."""
    parts: dict[str, object] = {
        "when": {"field": "document_type", "op": "eq", "value": f"type{number}"},
        "retain": {"for": f"{400 + 40 * number}d", "after": "created_on"},
        "actions": [{"do": "DELETE"}],
    }
    if number < 10:
        parts["warn"] = ["7d"]
    if number >= 80:
        parts["mode"] = "simulate"
    elif number >= 70:
        parts["actions"] = [{"do": "NOTIFY", "with": {"to": "records@example.org"}}]
    return parts


_DOCUMENTS = """
INSERT INTO documents (
    organization_id, external_id, title, document_type, owner, tags, metadata, size_bytes,
    created_on, modified_on, expires_on, registered_at, hold_count, status, status_before,
    archived_at, deleted_at, purge_after, purged_at
)
SELECT
    1,
    'document-' || number,
    CASE WHEN NOT is_purged THEN 'Title of ' || number END,
    'type' || kind,
    CASE WHEN NOT is_purged THEN 'owner' || more %% %(owners)s || '@example.org' END,
    CASE
        WHEN is_purged THEN NULL
        WHEN more %% 500 < 10 THEN ARRAY['tag' || more %% 50, 'keep' || more %% 500]
        ELSE ARRAY['tag' || more %% 50]
    END,
    CASE
        WHEN is_purged THEN '{}'
        ELSE jsonb_build_object('case', number, 'note', repeat('x', 200))
    END,
    1000 + more %% 100000,
    created_on,
    created_on,
    CASE
        WHEN slot BETWEEN %(nights)s AND 2 * %(nights)s - 1
            THEN %(day)s::date + slot - %(nights)s - 1
        ELSE %(day)s::date + %(nights)s + more %% 3000
    END,
    %(now)s::timestamptz - interval '30 days',
    (slot = 79)::integer,
    CASE
        WHEN slot BETWEEN 80 AND 89 THEN 'archived'
        WHEN slot BETWEEN 90 AND 92 THEN 'deleted'
        WHEN is_purged THEN 'purged'
        ELSE 'active'
    END,
    CASE WHEN slot BETWEEN 90 AND 92 THEN 'active' END,
    CASE WHEN slot BETWEEN 80 AND 89 THEN %(now)s::timestamptz END,
    CASE WHEN slot BETWEEN 90 AND 92 THEN %(now)s::timestamptz - interval '30 days' END,
    CASE
        WHEN slot BETWEEN 90 AND 92
            THEN %(day)s::date + CASE WHEN more %% 10 = 0 THEN -1 ELSE 5 + more %% 20 END
    END,
    CASE WHEN is_purged THEN %(now)s::timestamptz END
FROM generate_series(%(first)s::bigint, %(last)s) AS number
CROSS JOIN LATERAL (
    SELECT (hashint8(number)::bigint & 2147483647)::int AS chance
) AS dice
CROSS JOIN LATERAL (
    SELECT
        chance %% %(types)s AS kind,
        chance / %(types)s %% %(slots)s AS slot,
        chance / (%(types)s * %(slots)s) AS more
) AS drawn
CROSS JOIN LATERAL (
    SELECT
        slot BETWEEN 93 AND 97 AS is_purged,
        CASE
            WHEN slot < %(nights)s THEN %(day)s::date + slot - (400 + 40 * kind) - 1
            -- What is in the trash, or gone, was due before.
            WHEN slot BETWEEN 90 AND 97 THEN %(day)s::date - (400 + 40 * kind) - 40
            ELSE %(day)s::date - more %% (397 + 40 * kind)
        END AS created_on
) AS fate
"""

_AUDIT_ENTRIES = """
INSERT INTO audit_entries (
    organization_id, at, actor, rule, action, document_id, plan_id, reason
)
SELECT
    1,
    %(now)s::timestamptz - interval '1 day',
    CASE WHEN number %% 3001 = 0 THEN 'user:olga' ELSE 'schedule' END,
    'type-1@1',
    'document.expired',
    1 + number * 7919 %% %(documents)s,
    1 + number * 36500 / %(documents)s,
    'expired'
FROM generate_series(%(first)s::bigint, %(last)s) AS number
"""

_EVENTS = """
INSERT INTO events (organization_id, type, document_id, occurred_on, recorded_at, actor)
SELECT
    1,
    'document.expired',
    number,
    %(day)s::date - 1,
    %(now)s::timestamptz - interval '1 day',
    'schedule'
FROM generate_series(%(first)s::bigint, %(last)s) AS number
"""


def _in_parts(
    conn: Connection, query: str, documents: int, *, first_night: datetime, nights: int
) -> None:
    for first in range(1, documents + 1, INSERTED_AT_ONCE):
        conn.execute(
            query.encode(),
            {
                "first": first,
                "last": min(first + INSERTED_AT_ONCE - 1, documents),
                "documents": documents,
                "day": first_night.date(),
                "now": first_night,
                "nights": nights,
                "types": TYPES,
                "slots": SLOTS,
                "owners": OWNERS,
            },
        )


def _plans(conn: Connection, documents: int, first_night: datetime) -> None:
    """A year of nights with a plan of each rule, and the items of the last of them."""
    rules = TYPES + 10
    conn.execute(
        "INSERT INTO plans (organization_id, kind, rule_version_id, dag_id, run_id, requested_by,"
        " mode, as_of, state, population, document_count, created_at, applying_at, applied_at)"
        " SELECT 1, 'rule', rule, 'execute_automation_rules', 'night-' || night || '-' || rule,"
        " 'schedule', 'enforce', moment.at, 'applied', %(documents)s, %(items)s, moment.at,"
        " moment.at, moment.at"
        " FROM generate_series(1, %(nights)s) AS night"
        " CROSS JOIN generate_series(1, %(rules)s) AS rule"
        " CROSS JOIN LATERAL"
        " (SELECT %(now)s - (%(nights)s + 1 - night) * interval '1 day' AS at) AS moment"
        " ORDER BY night, rule",
        {
            "documents": documents, "items": ITEMS_PER_PLAN, "nights": YEARS_OF_PLANS * 365,
            "rules": rules, "now": first_night - timedelta(hours=2),
        },
    )  # fmt: skip
    conn.execute(
        "INSERT INTO plan_shards (plan_id, action_index, shard, action, item_count, done_count,"
        " progressed_at)"
        " SELECT id, 0, 0, 'DELETE', %s, %s, created_at FROM plans",
        (ITEMS_PER_PLAN,) * 2,
    )
    with _indexed_afterwards(conn, "plan_items"):
        conn.execute(
            "INSERT INTO plan_items (plan_id, document_id, action_index, action, status_before,"
            " document_version, is_reserving, state, reason, finished_at, due_on)"
            " SELECT plan.id, 1 + (plan.id * 7919 + place * 2503) %% %(documents)s, 0, 'DELETE',"
            " 'active', 1, true, 'done', 'due', plan.created_at, plan.created_at::date"
            " FROM (SELECT id, created_at FROM plans ORDER BY id DESC LIMIT %(plans)s) AS plan"
            " CROSS JOIN generate_series(0, %(items)s - 1) AS place"
            " ON CONFLICT DO NOTHING",
            {
                "documents": documents,
                "plans": documents // 2 // ITEMS_PER_PLAN,
                "items": ITEMS_PER_PLAN,
            },
        )


@contextmanager
def _indexed_afterwards(conn: Connection, table: str) -> Iterator[None]:
    """Drop the indexes of a table that no constraint needs, and make them again at the end."""
    indexes = conn.execute(
        "SELECT index.indexrelid::regclass::text, pg_get_indexdef(index.indexrelid)"
        " FROM pg_index AS index WHERE index.indrelid = %s::regclass"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = index.indexrelid)",
        (table,),
    ).fetchall()
    for name, _ in indexes:
        conn.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for _, definition in indexes:
        conn.execute(definition.encode())
