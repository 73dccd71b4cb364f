"""Jobs are found, seen with every attempt, retried and cancelled, each organization its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

from doclife.dashboard.jobs.listing import pace_of
from doclife.lifecycle import queue
from doclife.store.progress import RunningPlan
from tests.dashboard.conftest import value
from tests.lifecycle.conftest import days_ago

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
AGED = {"for": "30d", "after": "created_on"}
EVIL = "<script>alert(1)</script>{{ 7 * 7 }}\u202e"


def mail(conn, subject="Hello", **more):
    return queue.add(
        conn,
        kind="email",
        payload={"to": "anna@example.org", "subject": subject, "text": "Words"},
        requested_by="user:olga",
        **more,
    )


def give_up(conn, job_id, *, error="550 No such mailbox"):
    """Let a job fail for good, after one attempt that was answered."""
    conn.execute(
        "WITH taken AS (DELETE FROM jobs WHERE id = %(id)s RETURNING *)"
        " INSERT INTO jobs_failed (id, organization_id, kind, payload, priority, attempts,"
        " max_attempts, last_error, requested_by, created_at, state)"
        " SELECT id, organization_id, kind, payload, priority, 3, max_attempts, %(error)s,"
        " requested_by, created_at, 'failed' FROM taken",
        {"id": job_id, "error": error},
    )
    conn.execute(
        "INSERT INTO delivery_attempts (job_id, attempt, organization_id, kind, outcome,"
        " status_code, latency_ms, answer_head, error, attempted_at)"
        " SELECT id, 3, organization_id, kind, 'dead', 550, 184, %s, last_error, now()"
        " FROM jobs_failed WHERE id = %s",
        (f"550 {EVIL}", job_id),
    )
    return job_id


def state_of(conn, job_id):
    if value(conn, "SELECT count(*) FROM jobs WHERE id = %s", job_id):
        return "pending"
    return value(conn, "SELECT state FROM jobs_failed WHERE id = %s", job_id)


@pytest.fixture
def jobs(world, conn):
    """One waits, two were given up, one belongs to another organization."""
    other = "INSERT INTO organizations (slug, name) VALUES ('branch', 'Branch') RETURNING id"
    world.value(other)
    return {
        "waits": mail(conn, subject="Waits"),
        "first": give_up(conn, mail(conn, subject=EVIL)),
        "second": give_up(conn, mail(conn, subject="Second"), error="Timed out"),
        "foreign": give_up(conn, mail(conn, subject="Of the branch", organization="branch")),
    }


@pytest.mark.usefixtures("world")
def test_an_empty_queue_says_what_would_come_here(vic):
    assert "Nothing waits and nothing failed" in vic.text("/jobs")


@pytest.mark.usefixtures("jobs")
def test_the_queue_is_counted_by_kind_and_state_in_ones_own_organization(vic):
    words = vic.text("/jobs")

    assert "1 job waits" in words
    assert "2 failed and need somebody" in words
    assert "email 1 0 2 failed email jobs 0 0" in words


def test_filters_narrow_the_list_and_say_when_nothing_is_left(vic, jobs):
    def listed(**filters):
        page = vic.get("/jobs", params=filters).text
        return {name for name, job in jobs.items() if f'/jobs/{job}"' in page}

    assert listed() == {"waits", "first", "second"}
    assert listed(state="failed") == {"first", "second"}
    assert listed(error="timed OUT") == {"second"}
    assert listed(q="waits") == {"waits"}
    assert listed(kind="webhook") == set()
    assert "No job matches" in vic.text("/jobs?kind=webhook")
    assert vic.get("/jobs?state=lost").status_code == 422
    assert vic.get("/jobs?q=%00").status_code == 422


def test_long_lists_go_on_where_the_page_before_ended(vic, conn, jobs):
    queue.add_many(
        conn,
        kind="email",
        payloads=[{"to": "a@example.org", "subject": "s", "text": "t"}] * 60,
        requested_by="user:olga",
    )
    first = vic.get("/jobs").text
    cursor = first.split("cursor=")[1].split('"')[0].split("&")[0]

    address = f'/jobs/{jobs["waits"]}"'
    assert address not in first
    assert address in vic.get(f"/jobs?cursor={cursor}").text
    assert vic.get("/jobs?cursor=bm8").status_code == 422


def test_a_job_shows_every_attempt_and_what_it_carries_as_text(vic, jobs):
    page = vic.get(f"/jobs/{jobs['first']}")

    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}" in page.text
    words = vic.text(f"/jobs/{jobs['first']}")
    assert "550 No such mailbox" in words
    assert "3 Given up 550 184 ms" in words
    assert '"to": "anna@example.org"' in words


def test_a_sealed_link_in_a_message_is_not_shown(vic, world, conn):
    sealed = "https://documents.example.org/doclife/public/keep/abc.def"
    job_id = queue.add(
        conn,
        kind="email",
        payload={"to": "a@example.org", "subject": "s", "text": f"Keep it: {sealed}."},
        requested_by="user:olga",
    )
    page = vic.text(f"/jobs/{job_id}")

    assert "abc.def" not in page
    assert "/public/keep/(hidden)" in page


def test_another_organizations_job_is_not_there(olga, conn, jobs):
    foreign = jobs["foreign"]

    assert olga.get(f"/jobs/{foreign}").status_code == 404
    assert olga.post(f"/jobs/{foreign}/retry").status_code == 404
    olga.post("/jobs/selected", deed="retry", job=[str(foreign)])
    assert olga.get("/jobs/9999999").status_code == 404

    assert state_of(conn, foreign) == "failed"


def test_one_job_is_retried_and_then_cancelled_with_a_reason(olga, conn, jobs):
    job_id = jobs["first"]

    assert "is tried again" in olga.follow(olga.post(f"/jobs/{job_id}/retry"))
    assert state_of(conn, job_id) == "pending"
    assert "is cancelled" in olga.follow(olga.post(f"/jobs/{job_id}/cancel", reason="Not needed"))
    assert state_of(conn, job_id) == "cancelled"
    assert olga.post(f"/jobs/{job_id}/cancel").status_code == 409

    entries = conn.execute(
        "SELECT action, actor, reason FROM audit_entries WHERE action LIKE 'job.%' ORDER BY id"
    ).fetchall()
    assert entries == [
        ("job.retried", "user:olga", "asked for in the dashboard"),
        ("job.cancelled", "user:olga", "Not needed"),
    ]


def test_ticked_jobs_are_retried_together_and_the_rest_is_named(olga, conn, jobs):
    ticked = [str(jobs[name]) for name in ("waits", "first", "second")]
    answer = olga.post("/jobs/selected", deed="retry", job=ticked, kind="email")

    assert "kind=email" in answer.headers["location"]
    words = olga.follow(answer)
    assert "2 jobs are tried again. The other 1 had not been given up." in words
    assert {state_of(conn, jobs[name]) for name in ("first", "second")} == {"pending"}


def test_ticked_jobs_are_cancelled_together(olga, conn, jobs):
    olga.post("/jobs/selected", deed="cancel", job=[str(jobs["waits"])])

    assert state_of(conn, jobs["waits"]) == "cancelled"


def test_all_that_match_are_retried_after_a_question_and_nothing_else(olga, conn, jobs):
    assert "Retry all failed jobs" in olga.text("/jobs/all?deed=retry&error=timed")
    assert olga.post("/jobs/all", deed="retry", error="timed").status_code == 422

    olga.post("/jobs/all", deed="retry", error="timed", reason="The server is back")

    assert state_of(conn, jobs["second"]) == "pending"
    assert state_of(conn, jobs["first"]) == "failed"
    assert state_of(conn, jobs["foreign"]) == "failed"


def test_all_that_match_are_cancelled_in_ones_own_organization_only(olga, conn, jobs):
    foreign = mail(conn, organization="branch")

    olga.post("/jobs/all", deed="cancel", state="pending", reason="Wrong list")

    assert state_of(conn, jobs["waits"]) == "cancelled"
    assert state_of(conn, foreign) == "pending"
    assert olga.post("/jobs/all", deed="cancel", state="failed", reason="x").status_code == 422


def test_viewers_see_no_buttons_and_are_refused(vic, conn, jobs):
    page = vic.get("/jobs").text + vic.get(f"/jobs/{jobs['first']}").text

    assert "Retry" not in page
    assert "Cancel selected" not in page
    assert vic.post(f"/jobs/{jobs['first']}/retry").status_code == 403
    assert vic.post("/jobs/all", deed="retry", reason="x").status_code == 403
    assert state_of(conn, jobs["first"]) == "failed"


def test_running_plans_show_how_far_they_are_and_when_they_are_done(vic, world):
    for name in ("a", "b"):
        world.add_document(name, document_type="draft", created_on=days_ago(3000))
    world.enforce("sweep", when=DRAFTS, retain=AGED, actions=[{"do": "DELETE"}])
    [plan] = world.plan()
    world.conn.execute(
        "UPDATE plans SET state = 'applying', applying_at = now() - interval '10 seconds'"
        " WHERE id = %s",
        (plan.plan_id,),
    )
    world.conn.execute("UPDATE plan_shards SET done_count = 1 WHERE plan_id = %s", (plan.plan_id,))

    words = vic.text("/jobs")
    assert "1 plan runs" in words
    assert "sweep@1" in words
    assert "50 % 1 of 2" in words
    assert "left" in vic.text("/jobs/running")

    world.conn.execute("UPDATE plans SET state = 'applied' WHERE id = %s", (plan.plan_id,))
    assert "data-done" in vic.get("/jobs/running").text


def test_the_time_left_is_that_of_the_pace_so_far(here_and_now):
    plan = RunningPlan(
        plan_id=1,
        rule=None,
        kind="selection",
        requested_by="user:olga",
        applying_at=here_and_now - timedelta(seconds=100),
        items=12_300,
        finished=4_100,
        failed=0,
    )
    assert pace_of(plan, now=here_and_now) == "41 items a second, about 3 min 20 s left"


def test_what_changes_documents_is_retried_by_those_who_may_run_rules(jobs, conn, bob, monkeypatch):
    archive = queue.add(
        conn, kind="archive", payload={"external_ids": ["a"], "reason": "r"}, requested_by="app"
    )
    queue.cancel_job(conn, job_id=archive, reason="wrong", actor="user:olga", now=days_ago(0))
    asked = SimpleAuthManager.is_authorized_dag

    def may_only_send(manager, *, method, user, access_entity=None, details=None):
        if access_entity is DagAccessEntity.RUN and details.id == "run_rule":
            return False
        return asked(
            manager, method=method, user=user, access_entity=access_entity, details=details
        )

    with monkeypatch.context() as patched:
        patched.setattr(SimpleAuthManager, "is_authorized_dag", may_only_send)
        assert bob.post(f"/jobs/{archive}/retry").status_code == 403
        by_program = bob.api("POST", f"/jobs/{archive}/retry", {"reason": "again"})
        assert by_program.status_code == 403
        bob.post("/jobs/selected", deed="retry", job=[archive, jobs["first"]])
        bob.post("/jobs/all", deed="retry", state="cancelled", reason="all of them")
        assert state_of(conn, archive) == "cancelled"
        assert state_of(conn, jobs["first"]) == "pending"
    bob.post(f"/jobs/{archive}/retry")
    assert state_of(conn, archive) == "pending"
