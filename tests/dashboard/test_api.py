"""``/api/v1``: documents, jobs and what else the pages can do, for programs."""

from __future__ import annotations

import json

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from psycopg.types.json import Jsonb
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from doclife.dashboard.app import PREFIX, make_app
from doclife.lifecycle.forecasting import rebuild_dispositions
from doclife.lifecycle.reporting import make_report
from local.postgres import Postgres
from tests.dashboard.browsers import SAME_ORIGIN, Browser
from tests.dashboard.conftest import value
from tests.lifecycle.conftest import World, days_ago

APP = make_app()
DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
AGED = {"for": "30d", "after": "created_on"}
WHY = {"reason": "asked by legal"}


@pytest.fixture(autouse=True)
def _now(world: World) -> None:
    world.now = value(world.conn, "SELECT now()")


@pytest.fixture
def draft(world: World) -> int:
    world.enforce("drafts", when=DRAFTS, retain=AGED, actions=[{"do": "DELETE"}])
    return world.add_document("d-1", document_type="draft", created_on=days_ago(3000))


def add_hook(world: World) -> None:
    world.conn.execute(
        "INSERT INTO webhook_endpoints (organization_id, name, url, headers, created_by) "
        "SELECT id, 'hook', 'https://example.org/hook', %s, 'user:olga' FROM organizations "
        "WHERE slug = 'default'",
        (Jsonb({"X-Key": "secret"}),),
    )


# ---------------------------------------------------------------------------------- documents


def test_documents_are_listed_by_filter_and_cursor(world: World, vic: Browser) -> None:
    for number in range(3):
        world.add_document(f"d-{number}", tags=["temp"])
    world.add_document("other")

    first = vic.api("GET", "/documents?tag=temp&limit=2").json()
    rest = vic.api("GET", f"/documents?tag=temp&limit=2&cursor={first['next_cursor']}").json()

    found = [one["external_id"] for one in first["items"] + rest["items"]]
    assert found == ["d-0", "d-1", "d-2"]
    assert rest["next_cursor"] is None
    assert vic.api("GET", "/documents?held=true").json()["items"] == []


def test_a_document_says_what_is_known_and_why_it_is_here(draft: int, vic: Browser) -> None:
    shown = vic.api("GET", f"/documents/{draft}").json()
    assert (shown["facts"]["external_id"], shown["facts"]["status"]) == ("d-1", "active")

    today = vic.api("GET", f"/documents/{draft}/explain").json()
    ahead = vic.api("GET", f"/documents/{draft}/explain?as_of=2099-01-01").json()

    assert today["rules"][0]["name"] == "drafts"
    assert today["rules"][0]["is_met"] is True
    assert (ahead["today"], ahead["is_ahead"]) == ("2099-01-01", True)


def test_a_document_is_held_and_released(world: World, draft: int, olga: Browser) -> None:
    matter = {"matter": "case-7", **WHY}

    assert olga.api("POST", f"/documents/{draft}/hold", json=matter).json()["held"] == 1
    assert olga.api("POST", f"/documents/{draft}/hold", json=matter).json()["already"] == 1
    assert olga.api("GET", "/documents?held=true").json()["items"][0]["document_id"] == draft
    gone = olga.api("POST", f"/documents/{draft}/release", json=matter)
    assert gone.json() == {"released": 1}
    unknown = olga.api("POST", f"/documents/{draft}/release", json={"matter": "none", **WHY})
    assert unknown.status_code == 422
    actors = world.conn.execute(
        "SELECT DISTINCT actor FROM audit_entries WHERE document_id = %s", (draft,)
    ).fetchall()
    assert actors == [("user:olga",)]


def test_a_document_comes_back_out_of_the_trash(world: World, draft: int, olga: Browser) -> None:
    world.night()
    assert olga.api("GET", f"/documents/{draft}").json()["facts"]["status"] == "deleted"

    assert olga.api("POST", f"/documents/{draft}/restore", json=WHY).json()["undone"] == 1
    assert olga.api("POST", f"/documents/{draft}/restore", json=WHY).json()["undone"] == 0
    assert olga.api("POST", f"/documents/{draft}/restore", json={"reason": " "}).status_code == 422
    assert value(world.conn, "SELECT status FROM documents") == "active"


def test_bytes_are_sent_to_programs_too_and_hold_no_connection_meanwhile(
    world: World, airflow: TestClient, olga: Browser, vic: Browser
) -> None:
    content = bytes(300_000)
    number = world.add_document("lease", content=content)
    world.conn.execute("UPDATE documents SET external_id = %s", ('contracts/läse "2019".txt',))
    assert vic.api("POST", f"/documents/{number}/download").status_code == 403
    held = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            if message.get("body"):
                pool = mounted(airflow.app).state.pool.get_stats()
                held.append(pool["pool_size"] - pool["pool_available"])
            await send(message)

        await airflow.app(scope, receive, watch)

    taker = Browser(TestClient(watched), user=olga.user)
    answer = taker.api("POST", f"/documents/{number}/download")

    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''contracts%2Fl%C3%A4se%20%222019%22.txt"
    )
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert set(held) == {0}
    assert value(world.conn, "SELECT actor FROM audit_entries WHERE document_id = %s"
                 " AND action = 'document.downloaded'", number) == "user:olga"  # fmt: skip
    empty = world.add_document("without", content=None)
    assert olga.api("POST", f"/documents/{empty}/download").status_code == 409


def mounted(host: ASGIApp) -> FastAPI:
    """Return the dashboard's own app."""
    assert isinstance(host, FastAPI)
    app = next(
        route.app for route in host.routes if isinstance(route, Mount) and route.path == PREFIX
    )
    assert isinstance(app, FastAPI)
    return app


# -------------------------------------------------------------------------------- description


def test_openapi_describes_every_route_and_its_problems(vic: Browser, stranger: Browser) -> None:
    described = vic.api("GET", "/openapi.json").json()

    assert (described["info"]["title"], described["info"]["version"]) == ("doclife", "1")
    assert described["servers"] == [{"url": "/doclife"}]
    routes = {
        (method.upper(), path) for path, methods in described["paths"].items() for method in methods
    }
    assert routes == {
        (method, route.path)
        for route in APP.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods
    }
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert "application/problem+json" in operation["responses"]["422"]["content"], path
            assert operation["description"], (method, path)
    assert stranger.get("/api/v1/openapi.json").status_code == 401


def test_the_routes_are_listed_for_people_too(vic: Browser) -> None:
    words = vic.text("/api/v1/docs")

    assert "POST /api/v1/documents/{document_id}/hold Put a document under a legal hold. run" in (
        words
    )


# ------------------------------------------------------------------------------ jobs and events

MAIL = {"kind": "email", "payload": {"to": "a@example.org", "subject": "Hello", "text": "You"}}


def test_a_job_is_stored_shown_cancelled_and_retried(world: World, olga: Browser) -> None:
    stored = olga.api("POST", "/jobs", json={**MAIL, "unique_key": "hello"})
    again = olga.api("POST", "/jobs", json={**MAIL, "unique_key": "hello"})
    job = stored.json()["job_id"]

    assert (stored.status_code, again.json()) == (201, {"job_id": job})
    shown = olga.api("GET", f"/jobs/{job}").json()
    assert (shown["job"]["requested_by"], shown["payload"]["subject"]) == ("user:olga", "Hello")
    assert [one["job_id"] for one in olga.api("GET", "/jobs?kind=email").json()["items"]] == [job]
    assert olga.api("GET", "/jobs/-/stats").json()["items"][0]["jobs"] == 1

    assert olga.api("POST", f"/jobs/{job}/cancel", json=WHY).status_code == 204
    assert olga.api("POST", f"/jobs/{job}/cancel", json=WHY).status_code == 409
    assert olga.api("POST", f"/jobs/{job}/retry", json=WHY).json() == {"retried": True}
    assert olga.api("POST", f"/jobs/{job}/retry", json=WHY).json() == {"retried": False}
    actions = world.conn.execute(
        "SELECT action FROM audit_entries WHERE actor = 'user:olga' AND starts_with(action, 'job.')"
        " ORDER BY id"
    ).fetchall()
    assert [action for (action,) in actions] == [
        "job.added", "job.added", "job.cancelled", "job.retried",
    ]  # fmt: skip


def test_a_job_that_makes_no_sense_is_refused(world: World, olga: Browser) -> None:
    for body in (
        {"kind": "pigeon", "payload": {}},
        {"kind": "email", "payload": {"to": "nobody"}},
        {**MAIL, "run_at": "2027-01-31T03:00:00"},
        {**MAIL, "priority": 10**6},
        {"kind": "notification", "payload": {"recipient": "a", "title": "\x00", "body": "b"}},
        {"kind": "notification", "payload": {"recipient": "a", "title": "\ud800", "body": "b"}},
    ):
        answer = olga.request(
            "POST",
            "/api/v1/jobs",
            content=json.dumps(body),
            headers={
                **SAME_ORIGIN,
                "X-Doclife-Token": olga.form_token,
                "Content-Type": "application/json",
            },
        )
        assert answer.status_code == 422, (body, answer.text)
    assert value(world.conn, "SELECT count(*) FROM jobs") == 0


def test_an_event_is_told_as_an_application_tells_it(
    world: World, draft: int, olga: Browser
) -> None:
    event = {"type": "case.closed", "external_id": "d-1", "occurred_on": "2026-01-31"}

    made = olga.api("POST", "/events", json=event)

    assert made.status_code == 201
    told = olga.api("GET", f"/documents/{draft}").json()["events"]
    assert [(one["id"], one["type"]) for one in told] == [(made.json()["event_id"], "case.closed")]
    assert value(world.conn, "SELECT actor FROM audit_entries WHERE action = 'event.emitted'") == (
        "user:olga"
    )
    for wrong in ({"type": "x"}, {"type": "document.archived"}, {"external_id": "none"}):
        assert olga.api("POST", "/events", json=event | wrong).status_code == 422, wrong


# -------------------------------------------------------- forecast, overdue and notifications


def test_the_forecast_and_what_is_overdue_are_told(world: World, draft: int, vic: Browser) -> None:
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)

    ahead = vic.api("GET", "/forecast?months=3").json()
    assert len(ahead["months"]) == 3
    assert {(one["action"], one["bucket"]) for one in ahead["counts"]} >= {("DELETE", "overdue")}
    assert vic.api("GET", "/overdue").json()["groups"][0]["documents"] == 1
    page = vic.api("GET", "/overdue/documents?limit=1").json()
    assert [one["document_id"] for one in page["items"]] == [draft]
    rest = vic.api("GET", f"/overdue/documents?limit=1&cursor={page['next_cursor']}").json()
    assert rest["items"] == []


def test_notifications_are_listed_and_marked_read(world: World, vic: Browser, bob: Browser) -> None:
    for name in ("vic", "vic", "bob"):
        world.conn.execute(
            "INSERT INTO notifications (organization_id, recipient, type, title, body) "
            "VALUES (%s, %s, 'expiry-warning', 'Soon', 'It goes.')",
            (value(world.conn, "SELECT id FROM organizations"), name),
        )
    found = vic.api("GET", "/notifications?unread=true").json()["items"]
    assert [one["recipient"] for one in found] == ["vic", "vic"]

    first = found[0]["id"]
    assert vic.api("POST", "/notifications/read", json={"ids": [first]}).json() == {"read": [first]}
    assert bob.api("POST", "/notifications/read", json={"ids": [first]}).json() == {"read": []}
    assert len(vic.api("POST", "/notifications/read", json={}).json()["read"]) == 1
    assert vic.api("GET", "/notifications?unread=true").json()["items"] == []
    assert len(bob.api("GET", "/notifications?unread=true").json()["items"]) == 1


# ------------------------------------------------------------- endpoints, schedules and audit


def test_endpoints_are_shown_without_what_their_headers_say(
    world: World, vic: Browser, olga: Browser
) -> None:
    add_hook(world)

    shown = vic.api("GET", "/endpoints").json()["items"]
    assert [(one["name"], one["headers"]) for one in shown] == [("hook", {"X-Key": "..."})]
    assert olga.api("POST", "/endpoints/hook/pause").json()["state"] == "paused"
    assert olga.api("POST", "/endpoints/hook/enable").json()["headers"] == {"X-Key": "..."}
    assert olga.api("GET", "/endpoints/hook").json()["state"] == "enabled"
    assert olga.api("POST", "/endpoints/none/pause").status_code == 404


def test_calls_are_logged_by_cursor_and_sent_again(world: World, olga: Browser) -> None:
    add_hook(world)
    call = {"endpoint": "hook", "type": "invoice.paid", "data": {}}
    job = olga.api("POST", "/jobs", json={"kind": "webhook", "payload": call}).json()["job_id"]
    for attempt in (1, 2, 3):
        world.conn.execute(
            "INSERT INTO delivery_attempts"
            " (job_id, organization_id, kind, endpoint_id, attempt, outcome, attempted_at)"
            " SELECT %s, organization_id, 'webhook', id, %s, 'retry',"
            " now() - make_interval(mins => %s)"
            " FROM webhook_endpoints",
            (job, attempt, 10 - attempt),
        )

    first = olga.api("GET", "/deliveries?endpoint=hook&limit=2").json()
    rest = olga.api("GET", f"/deliveries?limit=2&cursor={first['next_cursor']}").json()

    assert [one["attempt"] for one in first["items"] + rest["items"]] == [3, 2, 1]
    assert rest["next_cursor"] is None
    olga.api("POST", f"/jobs/{job}/cancel", json=WHY)
    body = {"job_ids": [job], **WHY}
    assert olga.api("POST", "/deliveries/resend", json=body).json() == {"resent": [job]}
    assert olga.api("POST", "/deliveries/resend", json=WHY).status_code == 422


def test_a_job_is_scheduled_paused_run_and_forgotten(world: World, olga: Browser) -> None:
    made = olga.api("POST", "/schedules", json={"name": "hello", "cron": "0 8 * * mon", **MAIL})

    assert (made.status_code, made.json()["time_zone"]) == (201, "UTC")
    assert olga.api("POST", "/schedules/hello/pause").json()["is_active"] is False
    assert olga.api("POST", "/schedules/hello/resume").json()["is_active"] is True
    job = olga.api("POST", "/schedules/hello/run").json()["job_id"]
    assert olga.api("GET", f"/jobs/{job}").json()["job"]["requested_by"] == "user:olga"
    assert [one["name"] for one in olga.api("GET", "/schedules").json()["items"]] == ["hello"]
    assert olga.api("DELETE", "/schedules/hello").status_code == 204
    assert olga.api("DELETE", "/schedules/hello").status_code == 404


def test_the_audit_trail_is_narrowed_and_paged(world: World, draft: int, olga: Browser) -> None:
    matter = {"matter": "case-7", **WHY}
    olga.api("POST", f"/documents/{draft}/hold", json=matter)
    olga.api("POST", f"/documents/{draft}/release", json=matter)

    whole = olga.api("GET", f"/audit?document_id={draft}&actor=user:olga").json()["items"]
    first = olga.api("GET", f"/audit?document_id={draft}&limit=1").json()
    rest = olga.api("GET", f"/audit?document_id={draft}&cursor={first['next_cursor']}").json()

    assert len(whole) >= 2
    assert first["items"] + rest["items"] == whole
    assert {one["actor"] for one in whole} == {"user:olga"}
    assert {one["premis_event"] for one in whole} == {"policy assignment"}
    assert olga.api("GET", "/audit?plan_id=77").json()["items"] == []


def test_the_audit_chain_is_verified(
    world: World, draft: int, olga: Browser, postgres: Postgres
) -> None:
    olga.api("POST", f"/documents/{draft}/hold", json={"matter": "case-7", **WHY})
    whole = olga.api("GET", "/audit/verify").json()
    with psycopg.connect(postgres.url(world.conn.info.dbname), autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(
            "UPDATE doclife.audit_entries SET actor = 'user:eve' WHERE document_id = %s", (draft,)
        )
    edited = olga.api("GET", "/audit/verify").json()

    assert (whole["fits"], whole["findings"]) == (True, [])
    assert edited["fits"] is False
    assert {one["kind"] for one in edited["findings"]} == {"edited"}


# ------------------------------------------------------------------------------ for all of them


def test_what_is_another_organizations_is_not_there(
    world: World, draft: int, olga: Browser
) -> None:
    world.conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")
    job = olga.api("POST", "/jobs", json=MAIL).json()["job_id"]
    add_hook(world)
    olga.api("POST", "/schedules", json={"name": "hello", "cron": "0 8 * * mon", **MAIL})

    for method, path, body in (
        ("GET", f"/documents/{draft}", None),
        ("GET", f"/documents/{draft}/explain", None),
        ("POST", f"/documents/{draft}/hold", {"matter": "case-7", **WHY}),
        ("POST", f"/documents/{draft}/release", {"matter": "case-7", **WHY}),
        ("POST", f"/documents/{draft}/restore", WHY),
        ("GET", f"/jobs/{job}", None),
        ("POST", f"/jobs/{job}/cancel", WHY),
        ("POST", f"/jobs/{job}/retry", WHY),
        ("GET", "/endpoints/hook", None),
        ("POST", "/endpoints/hook/pause", None),
        ("GET", "/schedules/hello", None),
        ("POST", "/schedules/hello/run", None),
        ("DELETE", "/schedules/hello", None),
    ):
        answer = olga.api(method, f"{path}?organization=other", json=body)
        assert answer.status_code == 404, (method, path, answer.text)
    for path in ("documents", "jobs", "endpoints", "deliveries", "schedules", "notifications"):
        assert olga.api("GET", f"/{path}?organization=other").json()["items"] == [], path
    assert value(world.conn, "SELECT status FROM documents") == "active"


def test_what_makes_no_sense_is_refused_and_is_no_fault_of_ours(
    world: World, olga: Browser
) -> None:
    for path in (
        "/documents?search=%00",
        "/documents?cursor=IlwwIg",
        "/documents?cursor=MTI",
        "/documents?status=gone",
        "/documents/0",
        "/documents/99999999999999999999",
        "/documents/1/explain?as_of=0001-01-01",
        "/jobs?cursor=x",
        "/jobs?cursor=e30",
        "/jobs?state=lost",
        "/jobs/99999999999999999999",
        "/forecast?rule=%00",
        "/forecast?rule=none",
        "/forecast?months=0",
        "/overdue/documents?cursor=IjIwMjYtMDEtMDEuOTk5OTk5OTk5OTk5OTk5OTk5OTk5OS4xLjEi",
        "/notifications?cursor=LTE",
        "/endpoints/%00",
        "/deliveries?cursor=WyJub3ciLDEsMV0",
        "/deliveries?endpoint=none",
        "/deliveries?since=2026-01-31T00:00:00",
        "/deliveries?since=9999-12-31T23:59:59-12:00",
        "/schedules/%00",
        "/audit?document_id=99999999999999999999",
        "/audit?cursor=dHJ1ZQ",
    ):
        answer = olga.api("GET", path)

        assert answer.status_code in (404, 422), (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


# ------------------------------------------------------------------- what else the pages can do


def test_many_jobs_are_cancelled_and_retried_by_number_or_by_filter(
    world: World, olga: Browser
) -> None:
    jobs = [olga.api("POST", "/jobs", json=MAIL).json()["job_id"] for _ in range(3)]
    olga.api("POST", "/jobs", json={"kind": "notification", "payload": {
        "recipient": "vic", "title": "Hello", "body": "You"}})  # fmt: skip

    some = olga.api("POST", "/jobs/-/cancel", json={"job_ids": jobs[:1], **WHY})
    rest = olga.api("POST", "/jobs/-/cancel", json={"kind": "email", "search": "example", **WHY})
    again = olga.api("POST", "/jobs/-/retry", json={"job_ids": jobs, **WHY})

    assert (some.json()["job_ids"], rest.json()["job_ids"]) == (jobs[:1], jobs[1:])
    assert again.json()["job_ids"] == jobs
    assert olga.api("POST", "/jobs/-/retry", json={"kind": "email", **WHY}).json() == {
        "job_ids": []
    }
    for body in ({"job_ids": [0], **WHY}, {"job_ids": [1], "kind": "email", **WHY}, {"kind": "x"}):
        assert olga.api("POST", "/jobs/-/cancel", json=body).status_code == 422, body
    assert value(world.conn, "SELECT count(*) FROM jobs") == 4


def test_everything_is_halted_and_goes_on(world: World, olga: Browser, vic: Browser) -> None:
    assert vic.api("GET", "/halt").json()["reason"] is None

    assert olga.api("POST", "/halt", json={"reason": "a fire"}).json()["set_by"] == "user:olga"
    assert vic.api("GET", "/halt").json()["reason"].endswith("a fire")
    assert olga.api("POST", "/resume").json()["reason"] is None
    world.conn.execute(
        "INSERT INTO organization_members (organization_id, user_name) "
        "SELECT id, 'olga' FROM organizations"
    )
    assert olga.api("POST", "/halt", json={"reason": "mine"}).status_code == 200
    assert olga.api("POST", "/halt", json={"reason": "over yours"}).status_code == 403
    assert olga.api("POST", "/resume").status_code == 403
    assert vic.api("GET", "/halt").json()["reason"].endswith("mine")


def test_a_report_is_asked_for_and_its_files_are_handed_out(world: World, olga: Browser) -> None:
    asked = olga.api("POST", "/reports", json={"days": 3})
    made = make_report(
        world.conn,
        job_id=asked.json()["job_id"],
        organization="default",
        payload={"days": 3, "send": "none"},
        stores=world.stores,
        now=world.now,
    )

    listed = olga.api("GET", "/reports").json()

    assert asked.status_code == 202
    assert [one["report_id"] for one in listed["items"]] == [made.report_id]
    assert olga.api("GET", f"/reports/{made.report_id}").json() == listed["items"][0]
    table = olga.api("GET", f"/reports/{made.report_id}/table")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.headers["content-security-policy"] == "sandbox"
    assert olga.api("GET", f"/reports/{made.report_id}/wall").status_code == 422
    assert olga.api("GET", "/reports/99").status_code == 404
    assert olga.api("POST", "/reports", json={"days": 0}).status_code == 422


def test_people_see_their_organizations_and_keep_what_they_want(world: World, vic: Browser) -> None:
    assert [one["slug"] for one in vic.api("GET", "/organizations").json()["items"]] == ["default"]

    kept = vic.api("PUT", "/preferences", json={"quiet_types": ["b", "a", "b"]}).json()["items"]

    of_channel = {one["channel"]: one["quiet_types"] for one in kept}
    assert of_channel == {"email": [], "slack": [], "notification": ["a", "b"]}
    assert vic.api("GET", "/preferences").json()["items"] == kept
    assert value(
        world.conn, "SELECT actor FROM audit_entries WHERE action = 'preference.changed'"
    ) == "user:vic"  # fmt: skip
    assert vic.api("PUT", "/preferences", json={"quiet_types": ["\x00"]}).status_code == 422


def test_a_schedule_is_changed(world: World, olga: Browser, vic: Browser) -> None:
    mail = {"cron": "0 8 * * mon", **MAIL}
    olga.api("POST", "/schedules", json={"name": "hello", **mail})
    change = {**mail, "cron": "30 9 * * *", "time_zone": "Europe/Berlin", "missed_runs": "all"}

    changed = olga.api("PUT", "/schedules/hello", json=change).json()

    shown = olga.api("GET", "/schedules/hello").json()
    assert shown == changed
    assert (shown["cron"], shown["time_zone"], shown["missed_runs"]) == (
        "30 9 * * *", "Europe/Berlin", "all",
    )  # fmt: skip
    assert value(
        world.conn, "SELECT actor FROM audit_entries WHERE action = 'schedule.changed'"
    ) == "user:olga"  # fmt: skip
    assert vic.api("PUT", "/schedules/hello", json=change).status_code == 403
    for wrong in ({"cron": "never"}, {"kind": "pigeon"}, {"payload": {}}, {"time_zone": "Mars"}):
        assert olga.api("PUT", "/schedules/hello", json=change | wrong).status_code == 422, wrong


def test_a_rule_file_is_checked_and_plans_are_narrowed(
    world: World, draft: int, olga: Browser
) -> None:
    world.night()
    text = olga.api("GET", "/rules/-/file").json()["text"]

    checked = olga.api(
        "POST", "/rules/-/file/check", json={"text": text.replace("drafts", "papers")}
    )

    assert [(one["name"], one["kind"]) for one in checked.json()["changes"]] == [
        ("papers", "added")
    ]
    assert value(world.conn, "SELECT count(*) FROM rules") == 1
    assert olga.api("POST", "/rules/-/file/check", json={"text": "rules: 7"}).status_code == 422
    for query, count in (("search=draft", 1), ("search=none", 0), ("mode=simulate", 0),
                         ("failed=true", 0), ("dag_id=none", 0), ("state=applied", 1)):  # fmt: skip
        assert len(olga.api("GET", f"/plans?{query}").json()["items"]) == count, query


def test_the_framework_answers_with_problems_too(olga: Browser) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("PATCH", "/jobs", 405),
        ("GET", "/jobs/x", 422),
        ("POST", "/jobs", 422),
        ("GET", f"/rules/{'x' * 5000}", 404),
    ):
        answer = olga.api(method, path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
    assert "GET" in olga.api("PATCH", "/jobs").headers["allow"]
    assert olga.get(f"/static/{'x' * 300}").status_code == 404
    assert olga.get(f"/static/{'x' * 64}/{'x' * 300}").status_code == 404
