"""Jobs are leased in batches: none is lost, none is held twice, and the dead write nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from psycopg.errors import InvalidParameterValue
from psycopg.types.json import Jsonb

from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.cleaning import prune_history
from doclife.lifecycle.halting import halt, resume
from doclife.lifecycle.jobs import count_jobs, tell_job
from doclife.lifecycle.queue import (
    KINDS,
    LeaseWatch,
    add,
    add_many,
    cancel_job,
    claim,
    complete,
    fail,
    rescue_dead,
    retry_jobs,
)
from doclife.store import endpoints, queue
from doclife.store.compatibility import install_queue_names
from doclife.store.connection import Connection, connect

NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
ACTOR = "user:olga"
MAIL: dict[str, Any] = {"to": "a@example.org", "subject": "Hello", "text": "Text"}


def mail(conn: Connection, count: int = 1, **options: Any) -> list[int]:
    return add_many(conn, kind="email", payloads=[MAIL] * count, requested_by=ACTOR, **options)


def worker(conn: Connection) -> int:
    return queue.start_worker(conn, name="test", lease_seconds=20)


def value(conn: Connection, query: str, *parameters: object) -> Any:
    return conn.execute(query, parameters).fetchone()[0]


def state(conn: Connection, job_id: int) -> str:
    return str(tell_job(conn, job_id=job_id, now=datetime.now(UTC)).job["state"])


def tallies(conn: Connection) -> tuple[int, int, int]:
    """Unfinished, given up, completed."""
    return tuple(
        value(conn, f"SELECT count(*) FROM {table}")
        for table in ("jobs", "jobs_failed", "job_history")
    )


@pytest.mark.parametrize(
    ("kind", "payload", "fault"),
    [
        ("email", {"subject": "x", "text": "y"}, '"to" is a mail address'),
        ("email", {**MAIL, "to": "nobody"}, '"to" is a mail address'),
        ("email", {**MAIL, "to": []}, '"to" is a mail address'),
        ("email", {**MAIL, "to": ["a@example.org", "b"]}, '"to" is a mail address'),
        ("email", {**MAIL, "to": ["a@example.org", 7]}, '"to" is a mail address'),
        ("email", {**MAIL, "subject": "a\nBcc: b@example.org"}, '"subject" is one line'),
        ("email", {**MAIL, "text": ""}, '"text" or "html"'),
        ("email", {**MAIL, "headers": []}, '"headers" is an object'),
        ("webhook", {"type": "invoice.paid", "data": {}}, '"endpoint" is the name'),
        ("webhook", {"endpoint": "erp", "type": "paid", "data": {}}, '"type" is words'),
        ("webhook", {"endpoint": "erp", "type": "a.b", "data": 1}, '"data" is an object'),
        ("slack", {"channel": "#records"}, '"text" is what'),
        ("slack", {"text": "x", "blocks": {}}, '"blocks" is a list'),
        ("notification", {"title": "x", "body": "y"}, '"recipient" is who'),
        ("notification", {"recipient": "x", "title": "x"}, '"title" and "body"'),
        ("delete", {"reason": "asked"}, 'give "document_ids" or "external_ids"'),
        ("delete", {"document_ids": ["1"], "reason": "asked"}, 'give "document_ids"'),
        ("delete", {"external_ids": [], "reason": "asked"}, 'give "document_ids"'),
        (
            "archive",
            {"external_ids": ["a"], "document_ids": [1], "reason": "asked"},
            'give "document_ids"',
        ),
        ("archive", {"external_ids": ["a"]}, '"reason" says why'),
        ("report", {"days": 0}, '"days" is how many'),
        ("report", {"days": "7"}, '"days" is how many'),
        ("report", {"days": 367}, '"days" is how many'),
        ("report", {"from": "yesterday"}, '"from" and "until" are days'),
        ("report", {"to": "ann@example.org"}, '"to" is a list of mail addresses'),
        ("report", {"to": ["ann"]}, '"to" is a list of mail addresses'),
        ("report", {"send": "fax"}, '"send" is attachment, link or none'),
        ("report", {"store": 1}, '"store" is the name'),
    ],
)
def test_a_payload_that_does_not_fit_is_refused_with_the_reason(
    conn: Connection, kind: str, payload: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        add(conn, kind=kind, payload=payload, requested_by=ACTOR)
    assert tallies(conn) == (0, 0, 0)


def test_an_unknown_kind_is_refused_with_those_that_there_are(conn: Connection) -> None:
    with pytest.raises(ConfigurationError, match="'fax' is no kind of job; there are email,"):
        add(conn, kind="fax", payload={}, requested_by=ACTOR)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), "\ud800", object()])
def test_what_json_does_not_have_is_refused_and_not_stored_as_null(
    conn: Connection, value: object
) -> None:
    payload = {**MAIL, "headers": {"X-Amount": [None, value]}}

    with pytest.raises(ConfigurationError, match="is no JSON"):
        add(conn, kind="email", payload=payload, requested_by=ACTOR)


def test_one_bad_payload_of_many_refuses_all_and_is_named_by_its_position(
    conn: Connection,
) -> None:
    payloads = [Jsonb(MAIL), Jsonb({**MAIL, "to": "nobody"}), Jsonb(MAIL)]

    with pytest.raises(InvalidParameterValue, match='email job 2: "to" is'):
        conn.execute("SELECT enqueue_jobs('email', %s::jsonb[])", (payloads,))
    assert tallies(conn) == (0, 0, 0)


def test_many_are_stored_in_one_statement_in_their_order(conn: Connection) -> None:
    ids = conn.execute(
        "SELECT enqueue_jobs('email', %s::jsonb[], priority => 7)",
        ([Jsonb({**MAIL, "subject": f"{number}"}) for number in range(50)],),
    ).fetchone()[0]

    stored = conn.execute(
        "SELECT payload::jsonb ->> 'subject' FROM jobs WHERE priority = 7 ORDER BY id"
    ).fetchall()
    assert ids == sorted(ids)
    assert [row[0] for row in stored] == [f"{number}" for number in range(50)]


def test_keys_within_one_call_and_across_calls_name_the_first_job(conn: Connection) -> None:
    first = mail(conn, 3, unique_keys=["a", "b", "a"])
    second = mail(conn, 3, unique_keys=["b", None, "c"])

    assert first[0] == first[2] != first[1]
    assert second[0] == first[1]
    assert len({*first, *second}) == 4
    assert tallies(conn)[0] == 4


def test_jobs_come_by_priority_then_by_turn_and_not_before_their_time(conn: Connection) -> None:
    later = mail(conn, run_at=datetime.now(UTC) + timedelta(hours=1), priority=1)
    plain = mail(conn, 2)
    urgent = mail(conn, priority=5)
    overdue = mail(conn, run_at=datetime.now(UTC) - timedelta(hours=1))

    claimed = claim(conn, worker_id=worker(conn), size=10)

    assert [job.job_id for job in claimed] == [*urgent, *overdue, *plain]
    assert state(conn, later[0]) == "pending"


def test_two_workers_never_hold_the_same_job(conn: Connection) -> None:
    ids = mail(conn, 10)

    one = claim(conn, worker_id=worker(conn), size=6)
    two = claim(conn, worker_id=worker(conn), size=6)

    assert sorted(job.job_id for job in (*one, *two)) == ids
    assert state(conn, ids[0]) == "processing"


def test_completing_leaves_a_narrow_row_and_a_count(conn: Connection) -> None:
    ids = mail(conn, 3)
    claimed = claim(conn, worker_id=worker(conn), size=3)

    assert [each.state for each in complete(conn, claimed)] == ["completed"] * 3
    assert tallies(conn) == (0, 0, 3)
    assert value(conn, "SELECT sum(completed) FROM job_counts") == 3
    assert tell_job(conn, job_id=ids[0], now=NOW).attempts[0]["outcome"] == "sent"
    counts = {
        (row["kind"], row["state"]): row["jobs"] for row in count_jobs(conn, now=datetime.now(UTC))
    }
    assert counts == {("email", "completed"): 3}


def test_the_same_result_told_twice_counts_once(conn: Connection) -> None:
    mail(conn, 2)
    one, two = claim(conn, worker_id=worker(conn), size=2)

    assert len(complete(conn, [one])) == 1
    assert complete(conn, [one]) == []
    assert len(fail(conn, two, error="busy", chance=0.5)) == 1
    assert fail(conn, two, error="busy", chance=0.5) == []
    assert value(conn, "SELECT attempts FROM jobs") == 1
    assert value(conn, "SELECT count(*) FROM delivery_attempts") == 2


def test_a_failure_waits_and_the_last_one_is_kept_whole(conn: Connection) -> None:
    (job_id,) = mail(conn, max_attempts=2, unique_keys=["once"])
    held = worker(conn)
    (job,) = claim(conn, worker_id=held, size=1)
    assert fail(conn, job, error="no answer", chance=0.9)[0].state == "pending"
    assert value(conn, "SELECT run_at > now() + interval '1 minute' FROM jobs")
    queue.record(conn, [], closed_batches=[job.batch_id])

    conn.execute("UPDATE jobs SET run_at = now()")
    (job,) = claim(conn, worker_id=held, size=1)
    assert fail(conn, job, error="still none", chance=0.9)[0].state == "failed"

    story = tell_job(conn, job_id=job_id, now=NOW)
    assert story.job["state"] == "failed"
    assert story.job["payload"] == MAIL
    assert story.job["last_error"] == "still none"
    assert [attempt["error"] for attempt in story.attempts] == ["no answer", "still none"]
    assert mail(conn, unique_keys=["once"]) == [job_id]


def test_what_can_never_be_sent_is_given_up_at_once(conn: Connection) -> None:
    mail(conn)
    (job,) = claim(conn, worker_id=worker(conn), size=1)

    assert fail(conn, job, error="no such address", chance=0, can_retry=False)[0].state == "failed"
    assert tallies(conn) == (0, 1, 0)


def test_failed_jobs_are_retried_one_by_one_and_all_together(conn: Connection) -> None:
    ids = mail(conn, 3)
    for job in claim(conn, worker_id=worker(conn), size=3):
        fail(conn, job, error="no", chance=0, can_retry=False)

    def retry(**which: Any) -> list[int]:
        return retry_jobs(conn, actor=ACTOR, now=NOW, reason="the server is back", **which)

    assert retry(kind="slack") == []
    assert retry(job_ids=ids[:1]) == ids[:1]
    assert retry() == ids[1:]
    assert retry() == []
    assert tallies(conn) == (3, 0, 0)
    assert value(conn, "SELECT count(*) FROM audit_entries WHERE action = 'job.retried'") == 2


def test_a_pending_job_is_cancelled_and_a_leased_one_is_not(conn: Connection) -> None:
    leased, pending = mail(conn, 2)
    (job,) = claim(conn, worker_id=worker(conn), size=1)
    assert job.job_id == leased

    cancel_job(conn, job_id=pending, reason="sent by hand", actor=ACTOR, now=NOW)
    assert state(conn, pending) == "cancelled"
    with pytest.raises(RefusedError, match="being sent"):
        cancel_job(conn, job_id=leased, reason="sent by hand", actor=ACTOR, now=NOW)
    assert retry_jobs(
        conn, actor=ACTOR, now=NOW, reason="after all", job_ids=[pending], states=["cancelled"]
    ) == [pending]


def test_what_was_cancelled_is_not_sent_by_retrying_what_has_failed(conn: Connection) -> None:
    failed, cancelled = mail(conn, 2)
    [job] = claim(conn, worker_id=worker(conn), size=1)
    fail(conn, job, error="no such mailbox", chance=0.5, can_retry=False)
    cancel_job(conn, job_id=cancelled, reason="a mistake", actor=ACTOR, now=NOW)

    assert retry_jobs(conn, actor=ACTOR, now=NOW, reason="mended") == [failed]

    assert state(conn, cancelled) == "cancelled"


def test_nobody_retries_the_jobs_of_another_organization(conn: Connection) -> None:
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")
    [foreign] = mail(conn, organization="other")
    [job] = claim(conn, worker_id=worker(conn), size=1)
    fail(conn, job, error="no such mailbox", chance=0.5, can_retry=False)
    asked = {"actor": ACTOR, "now": NOW, "reason": "mended", "job_ids": [foreign]}

    assert retry_jobs(conn, organization="default", **asked) == []
    assert retry_jobs(conn, organization="other", **asked) == [foreign]


def test_nothing_is_claimed_while_all_is_halted_or_in_a_copy(conn: Connection) -> None:
    mail(conn)
    me = worker(conn)
    halt(conn, reason="looking into it", actor=ACTOR, now=NOW)
    assert claim(conn, worker_id=me, size=1) == []
    assert queue.beat(conn, worker_id=me, lease_seconds=20)[1] is not None

    resume(conn, actor=ACTOR, now=NOW)
    conn.execute("UPDATE deployment SET cluster_identity = 'another'")
    assert claim(conn, worker_id=me, size=1) == []

    conn.execute("UPDATE deployment SET cluster_identity = cluster_identity()")
    assert len(claim(conn, worker_id=me, size=1)) == 1


def test_what_was_fetched_ahead_is_not_begun_once_all_is_halted(conn: Connection) -> None:
    mail(conn)
    [job] = queue.claim(conn, worker_id=worker(conn), size=1, kinds=KINDS)

    halt(conn, reason="something is odd", actor=ACTOR, now=NOW)

    assert not queue.begin_batch(conn, job.batch_id)
    resume(conn, actor=ACTOR, now=NOW)
    assert queue.begin_batch(conn, job.batch_id)


def test_a_result_counts_for_no_job_that_its_lease_does_not_hold(conn: Connection) -> None:
    _own, other = mail(conn, 2)
    [job] = claim(conn, worker_id=worker(conn), size=1)

    assert complete(conn, [replace(job, job_id=other)]) == []

    assert tallies(conn) == (2, 0, 0)


def test_calls_wait_for_their_endpoint_and_find_it_by_name(conn: Connection) -> None:
    payload = {"endpoint": "erp", "type": "invoice.paid", "data": {}}
    add(conn, kind="webhook", payload=payload, requested_by=ACTOR)
    me = worker(conn)
    assert claim(conn, worker_id=me, size=1) == []

    endpoint = value(
        conn,
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
        " VALUES (1, 'erp', 'https://erp.example.org', 'user:olga') RETURNING id",
    )
    for closed in ("paused", "disabled"):
        conn.execute("UPDATE webhook_endpoints SET state = %s, disabled_reason = 'gone'", (closed,))
        assert claim(conn, worker_id=me, size=1) == []
    conn.execute("UPDATE webhook_endpoints SET state = 'enabled'")

    assert queue.claim(conn, worker_id=me, size=1, kinds=KINDS, full_endpoints=[endpoint]) == []
    (job,) = claim(conn, worker_id=me, size=1)
    assert job.endpoint_id == endpoint


class TestACallStoredWhileItsEndpointWasRemoved:
    @pytest.fixture
    def stray(self, conn: Connection, database: str) -> int:
        old = self.endpoint(conn)
        payload = {"endpoint": "erp", "type": "invoice.paid", "data": {}}
        with connect(database) as other, other.transaction():
            job_id = add(other, kind="webhook", payload=payload, requested_by=ACTOR)
            assert endpoints.remove(conn, endpoint_id=old)
        assert claim(conn, worker_id=worker(conn), size=1) == []
        return job_id

    def test_goes_to_the_next_one_of_its_name(self, conn: Connection, stray: int) -> None:
        new = self.endpoint(conn)

        (job,) = claim(conn, worker_id=worker(conn), size=1)

        assert (job.job_id, job.endpoint_id) == (stray, new)

    @pytest.mark.parametrize("how", ["doclife", "compatibility"])
    def test_is_given_up_by_the_cleanup_and_can_be_tried_again(
        self, conn: Connection, stray: int, how: str
    ) -> None:
        prune_history(conn, now=datetime.now(UTC))

        given_up = tell_job(conn, job_id=stray, now=datetime.now(UTC)).job
        assert given_up["state"] == "failed"
        assert "its endpoint was removed" in given_up["last_error"]
        new = self.endpoint(conn)
        if how == "doclife":
            assert retry_jobs(conn, actor=ACTOR, now=NOW, reason="anew", job_ids=[stray]) == [stray]
        else:
            install_queue_names(conn, schema="public")
            assert value(conn, "SELECT public.retry_failed_jobs()") == 1
        (job,) = claim(conn, worker_id=worker(conn), size=1)
        assert (job.job_id, job.endpoint_id) == (stray, new)

    def test_no_other_call_is_given_up(self, conn: Connection) -> None:
        self.endpoint(conn)
        for name in ("erp", "not-yet"):
            payload = {"endpoint": name, "type": "invoice.paid", "data": {}}
            add(conn, kind="webhook", payload=payload, requested_by=ACTOR)

        assert queue.give_up_strays(conn) == 0

        assert tallies(conn) == (2, 0, 0)

    @staticmethod
    def endpoint(conn: Connection) -> int:
        made = value(
            conn,
            "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
            " VALUES (1, 'erp', 'https://erp.example.org', 'user:olga') RETURNING id",
        )
        return int(made)


class TestRescue:
    def test_a_dead_workers_jobs_are_tried_again_and_it_writes_nothing_any_more(
        self, conn: Connection
    ) -> None:
        ids = mail(conn, 2)
        dead = worker(conn)
        held = claim(conn, worker_id=dead, size=2)
        rescued = queue.rescue(conn, {dead: 0})
        assert [(each.job_id, each.state) for each in rescued] == [(i, "pending") for i in ids]

        again = claim(conn, worker_id=worker(conn), size=2)
        assert [job.attempts for job in again] == [1, 1]
        assert complete(conn, held) == []
        assert queue.beat(conn, worker_id=dead, lease_seconds=20) == (False, None)
        assert len(complete(conn, again)) == 2
        attempts = tell_job(conn, job_id=ids[0], now=NOW).attempts
        assert [(each["attempt"], each["outcome"]) for each in attempts] == [
            (1, "unknown"),
            (2, "sent"),
        ]

    def test_what_was_only_fetched_ahead_was_not_tried(self, conn: Connection) -> None:
        mail(conn)
        dead = worker(conn)
        queue.claim(conn, worker_id=dead, size=1, kinds=KINDS)

        assert queue.rescue(conn, {dead: 0}) == []
        assert claim(conn, worker_id=worker(conn), size=1)[0].attempts == 0

    def test_what_already_waits_for_its_next_attempt_is_not_counted_again(
        self, conn: Connection
    ) -> None:
        mail(conn)
        dead = worker(conn)
        (job,) = claim(conn, worker_id=dead, size=1)
        fail(conn, job, error="busy", chance=0.5)

        assert queue.rescue(conn, {dead: 0}) == []
        assert value(conn, "SELECT attempts FROM jobs") == 1

    def test_a_job_that_kills_its_workers_is_given_up(self, conn: Connection) -> None:
        (job_id,) = mail(conn, max_attempts=2)
        for _ in range(2):
            dead = worker(conn)
            claim(conn, worker_id=dead, size=1)
            queue.rescue(conn, {dead: 0})

        assert state(conn, job_id) == "failed"
        assert tallies(conn) == (0, 1, 0)

    def test_a_sign_of_life_after_the_last_look_keeps_the_lease(self, conn: Connection) -> None:
        mail(conn)
        slow = worker(conn)
        held = claim(conn, worker_id=slow, size=1)
        queue.beat(conn, worker_id=slow, lease_seconds=20)

        assert queue.rescue(conn, {slow: 0}) == []
        assert len(complete(conn, held)) == 1

    def test_a_clock_that_jumps_forward_kills_nobody_who_beats(self, conn: Connection) -> None:
        mail(conn)
        alive = worker(conn)
        held = claim(conn, worker_id=alive, size=1)
        watch = LeaseWatch(lease_seconds=20)
        for elapsed in range(0, 100, 5):
            conn.execute("UPDATE job_workers SET leased_until = now() - interval '1 hour'")
            assert rescue_dead(conn, watch, elapsed=elapsed) == []
            queue.beat(conn, worker_id=alive, lease_seconds=20)
        assert len(complete(conn, held)) == 1

    def test_a_clock_that_jumps_back_keeps_no_dead_worker_alive(self, conn: Connection) -> None:
        mail(conn)
        claim(conn, worker_id=worker(conn), size=1)
        conn.execute("UPDATE job_workers SET leased_until = now() + interval '1 day'")
        watch = LeaseWatch(lease_seconds=20)

        assert rescue_dead(conn, watch, elapsed=0) == []
        assert rescue_dead(conn, watch, elapsed=24) == []
        assert len(rescue_dead(conn, watch, elapsed=26)) == 1
        assert value(conn, "SELECT count(*) FROM job_workers") == 0

    def test_a_worker_that_ends_in_order_gives_back_what_it_did_not_try(
        self, conn: Connection
    ) -> None:
        mail(conn)
        me = worker(conn)
        claim(conn, worker_id=me, size=1)
        queue.end_worker(conn, worker_id=me)

        assert claim(conn, worker_id=worker(conn), size=1)[0].attempts == 0

    def test_while_two_rescue_at_once_each_job_counts_once(
        self, conn: Connection, database: str
    ) -> None:
        mail(conn, 5)
        dead = worker(conn)
        claim(conn, worker_id=dead, size=5)
        with connect(database) as other:
            first = queue.rescue(conn, {dead: 0})
            second = queue.rescue(other, {dead: 0})

        assert (len(first), len(second)) == (5, 0)
        assert value(conn, "SELECT count(*) FROM delivery_attempts") == 5
