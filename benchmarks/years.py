"""A catalogue after years of nights: documents in every state, plans, holds, and a long queue.

Rows that years would have written are written in sets, with the triggers off; what a night
writes last, the plans of every rule and the forecast, is made by the real code.
"""

from datetime import datetime, timedelta

from benchmarks.expire import add_rule
from doclife.lifecycle import planning
from doclife.lifecycle.forecasting import rebuild_dispositions
from doclife.store.connection import Connection

NIGHTS = 730
ITEMS_PER_PLAN = 400
UNFINISHED_SHARE, FAILED_SHARE = 0.03, 0.01
HISTORY_DAYS = 90
PERSON = "olga"

RULES: dict[str, dict[str, object]] = {
    "retain-contracts": {
        "when": {"field": "document_type", "op": "eq", "value": "type0"},
        "retain": {"for": "10y", "after": "created_on"},
    },
    "archive-invoices": {
        "when": {"field": "document_type", "op": "in", "value": ["type1", "type2", "type3"]},
        "retain": {"for": "8y", "after": "created_on"},
        "actions": [{"do": "ARCHIVE", "after": "2y"}, {"do": "DELETE"}],
    },
    "delete-drafts": {
        "when": {"field": "document_type", "op": "in", "value": ["type4", "type5"]},
        "retain": {"for": "1y", "after": "modified_on"},
        "actions": [{"do": "DELETE"}],
        "grace": "30d",
    },
    "delete-expired-offers": {
        "when": {"field": "document_type", "op": "eq", "value": "type6"},
        "retain": {"for": "90d", "after": "expires_on"},
        "actions": [{"do": "DELETE"}],
        "warn": ["30d", "7d"],
    },
    "tell-owners": {
        "when": {"field": "document_type", "op": "in", "value": ["type7", "type8"]},
        "retain": {"for": "5y", "after": "created_on"},
        "actions": [{"do": "NOTIFY", "with": {"to": "records@example.org"}}],
    },
    "delete-mail": {
        "mode": "simulate",
        "when": {"field": "document_type", "op": "in", "value": ["type9", "type10", "type11"]},
        "retain": {"for": "6y", "after": "created_on"},
        "actions": [{"do": "DELETE"}],
    },
    "archive-old": {
        "mode": "simulate",
        "when": {"field": "created_on", "op": "older_than", "value": "9y"},
        "actions": [{"do": "ARCHIVE"}],
    },
    "delete-tagged": {
        "when": {"field": "tags", "op": "has_any", "value": ["tag7"]},
        "retain": {"for": "11y", "after": "created_on"},
        "actions": [{"do": "DELETE"}],
    },
}


def fill(conn: Connection, *, documents: int, jobs: int, now: datetime) -> None:
    """Fill an empty catalogue, whose organization is the default one.

    :param conn: the owner's, who may switch triggers off, in autocommit.
    :param jobs: unfinished, failed and completed ones together.
    """
    conn.execute("SET session_replication_role = replica")
    for step in (_documents, _holds, _trash_and_tombstones, _plans, _records):
        step(conn, documents, now)
    fill_jobs(conn, jobs, now)
    _people(conn, now)
    conn.execute(
        "UPDATE expiry_watermarks SET queue_through = %s, checked_through = %s", (now,) * 2
    )
    conn.execute("SET session_replication_role = origin")
    conn.execute("ANALYZE")
    for name, parts in RULES.items():
        add_rule(conn, name, parts)
    conn.execute("VACUUM (ANALYZE)")
    planning.plan_due_rules(
        conn, now=now, as_of=now, dag_id="execute_automation_rules", run_id="last",
        requested_by="schedule",
    )  # fmt: skip
    rebuild_dispositions(conn, now=now, as_of=now)
    conn.execute("VACUUM (ANALYZE)")


def _documents(conn: Connection, count: int, now: datetime) -> None:
    conn.execute(
        "INSERT INTO documents (organization_id, external_id, title, document_type, owner, tags,"
        " metadata, size_bytes, created_on, modified_on, expires_on, registered_at, expired_at)"
        " SELECT 1, 'document-' || number, 'Title of ' || number, 'type' || chance %% 20,"
        " 'owner' || chance %% 1000, ARRAY['tag' || chance %% 50],"
        " jsonb_build_object('case', number, 'note', repeat('x', 200)), 1000 + chance %% 100000,"
        " %(day)s::date - chance %% 4000, %(day)s::date - chance %% 3000,"
        " %(day)s::date - 3000 + chance %% 6000, %(now)s - interval '30 days',"
        " CASE WHEN chance %% 6000 < 3000 THEN %(now)s - interval '1 day' END"
        " FROM generate_series(1::bigint, %(count)s) AS number"
        " CROSS JOIN LATERAL"
        " (SELECT (hashint8(number)::bigint & 2147483647)::int AS chance) AS dice",
        {"count": count, "day": now.date(), "now": now},
    )


def _holds(conn: Connection, _count: int, now: datetime) -> None:
    conn.execute(
        "INSERT INTO matters (organization_id, name, reason, created_by, created_at)"
        " SELECT 1, 'case ' || number, 'litigation', 'user:' || %s, %s"
        " FROM generate_series(1, 20) AS number",
        (PERSON, now),
    )
    conn.execute(
        "INSERT INTO matter_documents (matter_id, document_id, added_by, added_at)"
        " SELECT 1 + id / 100 %% 20, id, 'user:' || %s, %s FROM documents WHERE id %% 100 = 7",
        (PERSON, now),
    )
    conn.execute("UPDATE documents SET hold_count = 1 WHERE id %% 100 = 7", ())


def _trash_and_tombstones(conn: Connection, _count: int, now: datetime) -> None:
    """Of documents that are not held: 10 % archived, 3 % in the trash, 10 % destroyed."""
    conn.execute(
        "UPDATE documents SET status = 'archived', archived_at = %s"
        " WHERE hold_count = 0 AND id %% 100 BETWEEN 10 AND 19",
        (now,),
    )
    conn.execute(
        "UPDATE documents SET status = 'deleted', status_before = 'active', deleted_at = %s,"
        " purge_after = %s::date - 5 + (id / 100 %% 35)::int"
        " WHERE hold_count = 0 AND id %% 100 BETWEEN 20 AND 22",
        (now, now.date()),
    )
    conn.execute(
        "UPDATE documents SET status = 'purged', purged_at = %s, title = NULL, owner = NULL,"
        " tags = NULL, metadata = '{}' WHERE hold_count = 0 AND id %% 100 BETWEEN 30 AND 39",
        (now,),
    )


def _plans(conn: Connection, count: int, now: datetime) -> None:
    """One plan a rule and night; some nights had failures."""
    conn.execute(
        "INSERT INTO plans (organization_id, kind, rule_version_id, dag_id, run_id, requested_by,"
        " mode, as_of, state, population, document_count, created_at, applying_at, applied_at)"
        " SELECT 1, 'rule', rule, 'execute_automation_rules', 'night-' || night || '-' || rule,"
        " 'schedule', CASE WHEN rule > 5 THEN 'simulate' ELSE 'enforce' END, moment.at,"
        " CASE WHEN rule > 5 THEN 'planned' ELSE 'applied' END, 1000000, %s, moment.at,"
        " moment.at, moment.at"
        " FROM generate_series(1, %s) AS night CROSS JOIN generate_series(1, %s) AS rule"
        " CROSS JOIN LATERAL (SELECT %s - (%s - night) * interval '1 day' AS at) AS moment"
        " ORDER BY night, rule",
        (ITEMS_PER_PLAN, NIGHTS, len(RULES), now - timedelta(days=1), NIGHTS),
    )
    conn.execute(
        "INSERT INTO plan_shards (plan_id, action_index, shard, action, item_count, done_count,"
        " failed_count, progressed_at)"
        " SELECT id, 0, 0, 'DELETE', %s, %s - CASE WHEN id %% 97 = 0 THEN 3 ELSE 0 END,"
        " CASE WHEN id %% 97 = 0 THEN 3 ELSE 0 END, created_at FROM plans",
        (ITEMS_PER_PLAN,) * 2,
    )
    conn.execute(
        "INSERT INTO plan_items (plan_id, document_id, action_index, action, status_before,"
        " document_version, is_reserving, state, reason_code, reason, finished_at, due_on)"
        " SELECT plan.id, document.id, 0, 'DELETE', 'active', 1, true,"
        " CASE WHEN plan.id %% 97 = 0 AND place < 3 THEN 'failed' ELSE 'done' END,"
        " CASE WHEN plan.id %% 97 = 0 AND place < 3 THEN 'missing' END, 'due', plan.created_at,"
        " plan.created_at::date"
        " FROM (SELECT id, created_at FROM plans ORDER BY id DESC LIMIT %s) AS plan"
        " CROSS JOIN generate_series(0, %s - 1) AS place"
        " INNER JOIN documents AS document"
        " ON document.id = 1 + (plan.id * 7919 + place * 2503) %% (SELECT max(id) FROM documents)",
        (count // ITEMS_PER_PLAN, ITEMS_PER_PLAN),
    )


def _records(conn: Connection, count: int, now: datetime) -> None:
    """Write what was done to each document, three times, and now and then by a person."""
    conn.execute(
        "INSERT INTO audit_entries (organization_id, at, actor, rule, action, document_id, plan_id,"
        " reason)"
        " SELECT 1, %(now)s, CASE WHEN number %% 3001 = 0 THEN 'user:' || %(person)s"
        " ELSE 'schedule' END, 'delete-drafts@1', 'document.expired',"
        " 1 + number * 7919 %% %(count)s, 1 + number * %(plans)s / (3 * %(count)s), 'expired'"
        " FROM generate_series(0::bigint, 3 * %(count)s - 1) AS number",
        {"now": now, "person": PERSON, "count": count, "plans": NIGHTS * len(RULES)},
    )
    conn.execute(
        "INSERT INTO events (organization_id, type, document_id, occurred_on, actor)"
        " SELECT 1, 'document.expired', number, %s, 'schedule'"
        " FROM generate_series(1, %s) AS number",
        (now.date(), count),
    )


def fill_jobs(conn: Connection, count: int, now: datetime) -> None:
    """Write jobs that wait, that were given up, and the history of all others until ``now``.

    :param conn: in autocommit, with the triggers off.
    """
    unfinished, failed = int(count * UNFINISHED_SHARE), int(count * FAILED_SHARE)
    completed = count - unfinished - failed
    begins = now - timedelta(days=HISTORY_DAYS)
    for table in ("job_history", "delivery_attempts"):
        conn.execute(
            f"SELECT make_history_partition('{table}', %s::date + day)"
            " FROM generate_series(0, %s) AS day",
            (begins.date(), HISTORY_DAYS + 2),
        )
    conn.execute(
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by, last_success_at)"
        " SELECT 1, 'endpoint-' || number, 'https://example.org/' || number, 'user:olga', %s"
        " FROM generate_series(1, 10) AS number",
        (now,),
    )
    kind = (
        "CASE WHEN number %% 10 < 5 THEN 'email' WHEN number %% 10 < 8 THEN 'webhook'"
        " WHEN number %% 10 < 9 THEN 'notification' ELSE 'slack' END"
    )
    endpoint = "CASE WHEN number %% 10 BETWEEN 5 AND 7 THEN 1 + number / 10 %% 10 END"
    conn.execute(
        "INSERT INTO job_history (id, organization_id, kind, attempts, created_at, finished_at,"
        " endpoint_id)"
        f" SELECT number, 1, {kind}, 1, moment.at, moment.at, {endpoint}"
        " FROM generate_series(1::bigint, %(completed)s) AS number"
        " CROSS JOIN LATERAL (SELECT %(begins)s"
        " + number::float8 / %(completed)s * %(days)s * interval '1 day' AS at) AS moment",
        {"completed": completed, "begins": begins, "days": HISTORY_DAYS},
    )
    conn.execute(
        "INSERT INTO delivery_attempts (job_id, attempt, organization_id, kind, endpoint_id,"
        " outcome, status_code, latency_ms, attempted_at)"
        " SELECT id, 1, 1, kind, endpoint_id, 'sent', 200, 50, finished_at FROM job_history"
        " WHERE kind = 'webhook'"
    )
    conn.execute(
        "INSERT INTO job_counts (organization_id, kind, day, completed)"
        " SELECT organization_id, kind, finished_at::date, count(*) FROM job_history"
        " GROUP BY organization_id, kind, finished_at::date"
    )
    columns = "organization_id, kind, payload, max_attempts, requested_by, created_at, endpoint_id"
    values = (
        f"1, {kind}, json_build_object('to', 'person' || number || '@example.org',"
        " 'text', repeat('word ', 60))::text, 5, 'schedule', %(now)s,"
        f" {endpoint}"
    )
    conn.execute("SELECT setval('jobs_id_seq', %s)", (completed,))
    conn.execute(
        f"INSERT INTO jobs ({columns}) SELECT {values}"
        " FROM generate_series(1::bigint, %(count)s) AS number",
        {"now": now, "count": unfinished},
    )
    conn.execute(
        f"INSERT INTO jobs_failed (id, priority, attempts, state, last_error, {columns})"
        " SELECT nextval('jobs_id_seq'), 100, 5,"
        " CASE WHEN number %% 4 = 0 THEN 'cancelled' ELSE 'failed' END, 'connection refused',"
        f" {values} FROM generate_series(1::bigint, %(count)s) AS number",
        {"now": now, "count": failed},
    )


def _people(conn: Connection, now: datetime) -> None:
    conn.execute(
        "INSERT INTO notifications (organization_id, recipient, type, title, body, created_at,"
        " read_at)"
        " SELECT 1, CASE WHEN number %% 10 = 0 THEN %(person)s ELSE 'user' || number %% 50 END,"
        " CASE WHEN number %% 3 = 0 THEN 'warning' ELSE 'message' END, 'Title ' || number, 'Body',"
        " %(now)s, CASE WHEN number %% 100 <> 0 THEN %(now)s END"
        " FROM generate_series(1, 200000) AS number",
        {"person": PERSON, "now": now},
    )
