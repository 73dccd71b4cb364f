"""Whoever is bound to one organization is shown nothing of another's and changes nothing of it.

One walk over every route there is, whoever adds it: ``default`` has a catalogue in which much has
happened; olga, who may do everything, is bound to ``north``, which has nothing. She asks for all
that default has by its numbers and names, in paths, queries, forms and JSON, with and without
naming the organization, as a page and as a program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.utils import get_flat_dependant
from fastapi.params import Form
from fastapi.routing import APIRoute
from httpx import Response
from psycopg import sql
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from doclife.dashboard.gate import PUBLIC_PREFIX, SAFE_METHODS
from doclife.lifecycle.reporting import make_report
from doclife.store.connection import Connection
from tests.dashboard.browsers import SAME_ORIGIN, Browser
from tests.dashboard.scene import set_scene
from tests.dashboard.test_every_route import ROUTES

SECRET = "mark5ecret"
WORDS = (SECRET, "contract-", "draft-", "Framework agreement", "-contracts", "-drafts")
"""What only default says. What a request says itself may come back."""
OF_ALL = frozenset({"/halt", "/api/v1/halt"})
"""Whoever is bound may halt, and that concerns everybody (tests/dashboard/test_gate.py)."""
BY_NUMBER = frozenset(
    {"document_ids", "documents", "job_ids", "jobs", "selected", "numbers", "notification_ids"}
)
BY_WORDS = frozenset({"external_ids", "kind", "endpoint", "endpoint_name", "rule", "matter", "q"})
EXACT: Mapping[str, Any] = {
    "cron": "0 8 * * *",
    "deed": "archive",
    "kind": "email",
    "mode": "off",
    "payload": {"to": "ben@example.org", "subject": "Hello", "text": "Text"},
    "quiet_types": ["notice"],
    "rule": {
        "name": "delete-drafts",
        "mode": "off",
        "trigger": {"type": "ON_SCHEDULE"},
        "when": {"field": "document_type", "op": "eq", "value": "draft"},
        "actions": [{"do": "DELETE"}],
    },
    "to": "ben@example.org",
    "type": "invoice.paid",
    "url": "http://127.0.0.1:1/",
}
"""What a field of a JSON body must look like to be listened to."""
RULES = """
rules:
  - name: delete-drafts
    mode: "off"
    trigger: {type: ON_SCHEDULE}
    when: {field: document_type, op: eq, value: draft}
    actions: [{do: DELETE}]
"""
REFUSALS = re.compile(r"has no |here is no |ive the matter|is not (?:known|there)|no document")
"""What a 422 says that looked for what was asked for, and found nothing."""
MOST = 3
"""So many numbers of each kind are asked for on each route."""

Values = Mapping[str, list[Any]]


@pytest.fixture
def theirs(conn: Connection, tmp_path: Path) -> Values:
    """Fill the catalogue of default; return by name of a parameter what it has of the kind."""
    world = set_scene(conn, tmp_path)
    conn.execute(f"UPDATE documents SET title = '{SECRET} ' || title, owner = '{SECRET}@acme.org'")
    conn.execute(
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
        f" VALUES (1, '{SECRET}-endpoint', 'https://{SECRET}.example', 'user:ben')"
    )
    conn.execute(
        "INSERT INTO webhook_subscriptions (endpoint_id, event_types) SELECT id, '{document.*}'"
        " FROM webhook_endpoints"
    )
    conn.execute(
        "INSERT INTO slack_channels (organization_id, name, connection_id)"
        f" VALUES (1, '{SECRET}-channel', 'doclife_slack')"
    )
    conn.execute(
        "INSERT INTO email_suppressions (organization_id, address, reason)"
        f" VALUES (1, '{SECRET}@suppressed.org', 'manual')"
    )
    conn.execute(
        "INSERT INTO notifications (organization_id, recipient, type, title, body, document_id)"
        f" SELECT 1, name, 'notice', '{SECRET}', '{SECRET}', 1"
        " FROM unnest(ARRAY['olga', 'operators']) AS name"
    )
    conn.execute(
        "INSERT INTO scheduled_jobs (organization_id, name, cron, kind, payload, created_by,"
        f" next_run_at) VALUES (1, '{SECRET}-schedule', '0 8 * * *', 'email', %s, 'user:ben',"
        " now() + interval '1 day')",
        (Jsonb({"to": f"{SECRET}@acme.org", "subject": SECRET, "text": SECRET}),),
    )
    mail = {"to": f"{SECRET}@acme.org", "subject": SECRET, "text": SECRET}
    calls = {"endpoint": f"{SECRET}-endpoint", "type": "a.b", "data": {"title": SECRET}}
    jobs = [
        value(conn, "SELECT enqueue_job(%s, %s)", kind, Jsonb(payload))
        for kind, payload in (("email", mail), ("webhook", calls), ("email", mail))
    ]
    conn.execute(
        "WITH gone AS (DELETE FROM jobs WHERE id = %s RETURNING *)"
        " INSERT INTO jobs_failed (id, organization_id, kind, payload, priority, attempts,"
        " max_attempts, last_error, requested_by, created_at, state)"
        " SELECT id, organization_id, kind, payload, priority, 1, 3, %s, requested_by, created_at,"
        " 'failed' FROM gone",
        (jobs[2], SECRET),
    )
    for job, kind, endpoint in ((jobs[0], "email", None), (jobs[1], "webhook", 1)):
        conn.execute(
            "INSERT INTO delivery_attempts (job_id, attempt, organization_id, kind, endpoint_id,"
            " outcome, answer_head, error, attempted_at)"
            " VALUES (%s, 1, 1, %s, %s, 'retry', %s, %s, now())",
            (job, kind, endpoint, SECRET, SECRET),
        )
    conn.execute(
        "INSERT INTO matters (organization_id, name, reason, created_by)"
        f" VALUES (1, '{SECRET}-matter', '{SECRET}', 'user:ben')"
    )
    conn.execute(
        "INSERT INTO matter_documents (matter_id, document_id, added_by) VALUES (1, 2, 'user:ben')"
    )
    conn.execute(
        "INSERT INTO import_runs (organization_id, source, requested_by, started_at)"
        f" VALUES (1, '/{SECRET}', 'user:ben', now())"
    )
    conn.execute(
        "INSERT INTO erasure_requests (organization_id, person, person_key, due_on, requested_by,"
        f" requested_at) VALUES (1, '{SECRET}@acme.org', 'key', current_date, 'user:ben', now())"
    )
    report = make_report(
        conn,
        job_id=99_001,
        organization="default",
        payload={"days": 3, "send": "none"},
        stores=world.stores,
        now=world.now,
    )
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('north', 'North')")
    conn.execute("INSERT INTO organization_members (organization_id, user_name) VALUES (2, 'olga')")

    def numbers(query: Any) -> list[Any]:
        return [row[0] for row in conn.execute(query)]

    documents = numbers("SELECT id FROM documents ORDER BY status DESC, id")
    return {
        "organization": ["default"],
        "slug": ["default"],
        "plan_id": numbers("SELECT id FROM plans ORDER BY state = 'applied', id"),
        "plan": numbers("SELECT id FROM plans"),
        "document_id": [2, *documents[:1], *documents[-1:]],
        "document": documents,
        "document_ids": [documents[:2]],
        "documents": [[str(each) for each in documents[:2]]],
        "external_ids": [["contract-0", "draft-1"]],
        "external_id": ["contract-0"],
        "job_id": jobs,
        "job_ids": [jobs],
        "jobs": [[str(job) for job in jobs]],
        "selected": [[str(job) for job in jobs]],
        "endpoint_id": [1],
        "endpoint": [f"{SECRET}-endpoint"],
        "rule": ["delete-drafts", "archive-contracts"],
        "matter": [f"{SECRET}-matter"],
        "number": numbers("SELECT id FROM notifications"),
        "numbers": [numbers("SELECT id FROM notifications")],
        "notification_ids": [numbers("SELECT id FROM notifications")],
        "report_id": [report.report_id],
        "address": [f"{SECRET}@suppressed.org"],
        "request_id": [1],
        "person": [f"{SECRET}@acme.org"],
        "dag_id": ["test"],
        "run_id": numbers("SELECT DISTINCT run_id FROM plans"),
        "kind": ["email", "table", "json"],
        "answer": ["approve"],
        "deed": ["cancel", "retry", "hold"],
        "mode": ["off"],
        "from": [1],
        "to": [1, "off", "ben@example.org"],
        "url": ["http://127.0.0.1:1/"],
        "text": [RULES],
        "cause": ["because"],
        "event_id": numbers("SELECT id FROM events LIMIT 3"),
        "reason": ["because"],
        "comment": ["because"],
    }


@pytest.fixture
def names() -> Values:
    """What {name} is, by the first word of its route."""
    return {
        "rules": ["delete-drafts", "archive-contracts"],
        "endpoints": [f"{SECRET}-endpoint"],
        "channels": [f"{SECRET}-channel"],
        "schedules": [f"{SECRET}-schedule"],
        "static": ["dashboard.css"],
    }


def value(conn: Connection, query: Any, *parameters: object) -> Any:
    row = conn.execute(query, parameters).fetchone()
    return None if row is None else row[0]


def asked(route: APIRoute, theirs: Values, names: Values) -> Iterator[dict[str, Any]]:
    """What to send to a route: path, query, form and JSON, filled with what default has.

    First by numbers, then by what describes the same, then nothing but the path.
    """
    flat = get_flat_dependant(route.dependant)
    parts = [part for part in route.path.split("/") if part]
    kind = next((part for part in reversed(parts) if part in names), "rules")
    known = {**theirs, "name": names[kind], "digest": ["x"]}

    def pick(name: str, round_: int) -> Any:
        found = known.get(name)
        if not found or (name in BY_NUMBER and round_ == 1) or (name in BY_WORDS and round_ == 0):
            return None
        return found[round_ % len(found)]

    for round_, naming in ((0, False), (0, True), (1, False), (2, False)):
        path = re.sub(
            r"\{(\w+)[^}]*\}",
            lambda hole, r=round_: str(known.get(hole[1], "x")[r % len(known.get(hole[1], "x"))]),
            route.path,
        )
        query = {
            field.alias: found
            for field in flat.query_params
            if round_ < MOST - 1 and (found := pick(field.alias, round_)) is not None
        }
        query.pop("organization", None)
        if naming:
            query["organization"] = "default"
        form: dict[str, Any] = {}
        body: Any = None
        for field in flat.body_params:
            annotation = field.field_info.annotation
            if isinstance(field.field_info, Form):
                found = pick(field.alias, round_)
                if found is not None or field.field_info.is_required():
                    form[field.alias] = found if found is not None else "1"
            elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
                body = filled(annotation, lambda name, r=round_: pick(name, r), naming=naming)
        if not flat.body_params and not route.methods <= set(SAFE_METHODS):
            # Forms that a page reads by itself: whatever they may ask for.
            form = {name: pick(name, round_) for name in known if pick(name, round_) is not None}
            form |= {"deed": "archive", "name": "delete-drafts", "to": "ben@example.org"}
        yield {"path": path, "params": query, "data": form or None, "json": body}


def filled(model: type[BaseModel], pick: Any, *, naming: bool) -> dict[str, Any]:
    """What default has, for each field of a body; and something for each that must be there."""
    given: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        found = {**EXACT, "organization": "default"}.get(name) or pick(name)
        if found is not None and (naming or name != "organization"):
            given[field.alias or name] = found
        elif field.is_required():
            given[field.alias or name] = 1 if field.annotation is int else "1"
    return given


def send(olga: Browser, method: str, request: dict[str, Any], *, token: str) -> Response:
    headers = {**SAME_ORIGIN, "X-Doclife-Token": token}
    data = request["data"]
    if method not in SAFE_METHODS and request["json"] is None:
        data = {"form_token": token, **(data or {})}
    return olga.request(
        method,
        request["path"],
        params=request["params"],
        data=data,
        json=request["json"],
        headers=headers,
    )


def rows_of_default(conn: Connection) -> dict[str, list[str]]:
    """Every row of default, as text: of tables with an organization, and of their parts."""
    parts = {
        "plan_items": "plans:plan_id",
        "plan_shards": "plans:plan_id",
        "plan_decisions": "plans:plan_id",
        "plan_reviews": "plans:plan_id",
        "rule_versions": "rules:rule_id",
        "matter_documents": "matters:matter_id",
        "webhook_subscriptions": "webhook_endpoints:endpoint_id",
    }
    conditions = {}
    for part, where in parts.items():
        parent, key = where.split(":")
        conditions[part] = f"{key} IN (SELECT id FROM {parent} WHERE organization_id = 1)"
    for (table,) in conn.execute(
        "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = 'doclife'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition AND attname = 'organization_id'"
    ):
        conditions[table] = "organization_id = 1"
    return {
        table: sorted(
            row
            for (row,) in conn.execute(
                sql.SQL("SELECT one::text FROM {} AS one WHERE ").format(sql.Identifier(table))
                + sql.SQL(condition)
            )
        )
        for table, condition in conditions.items()
    }


def test_no_route_shows_or_changes_what_another_organization_has(
    theirs: Values, names: Values, conn: Connection, olga: Browser, admin: Browser
) -> None:
    before = rows_of_default(conn)
    assert sum(SECRET in str(rows) for rows in before.values()) > 10
    for page in ("/documents", "/jobs", "/integrations", "/api/v1/matters"):
        seen = admin.get(page).text
        assert any(word in seen for word in WORDS), f"{page} has nothing to keep from olga"
    shown: list[object] = []
    heard: set[tuple[str, str]] = set()
    requests = [
        (method, route, request)
        for route in ROUTES
        if not route.path.startswith((PUBLIC_PREFIX, "/static"))
        for method in sorted(route.methods)
        if method in SAFE_METHODS or route.path not in OF_ALL
        for request in {str(each): each for each in asked(route, theirs, names)}.values()
    ]
    # Reading first: what olga's own writes have left may be shown to her afterwards.
    for method, route, request in sorted(requests, key=lambda one: one[0] not in SAFE_METHODS):
        answer = send(olga, method, request, token=olga.form_token)
        # She makes a rule with the name of one of default's, and is told of hers from then on.
        hers = str(conn.execute("SELECT name FROM rules WHERE organization_id <> 1").fetchall())
        told = [word for word in WORDS if word in answer.text and word not in str(request) + hers]
        if told or answer.status_code >= 500:
            shown.append((method, request, answer.status_code, told))
        is_heard = answer.status_code != 422 or REFUSALS.search(answer.text)
        if is_heard and "organization" not in request["params"]:
            heard.add((method, route.path))
    assert shown == []
    asked_for = {(method, route.path) for method, route, _ in requests}
    assert len(heard) > 0.95 * len(asked_for), f"none of these was reached: {asked_for - heard}"
    after = rows_of_default(conn)
    changed = {
        table: set(after[table]) ^ set(rows)
        for table, rows in before.items()
        if after[table] != rows
    }
    assert changed == {}
