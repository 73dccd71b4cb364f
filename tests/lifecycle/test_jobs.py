"""Jobs are found again: by number, in their turn, by what they carry; what is found is retried."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from doclife.errors import ConfigurationError
from doclife.lifecycle import jobs
from doclife.lifecycle.jobs import list_jobs
from doclife.lifecycle.queue import add, add_many, claim, complete, get, pending, retry_jobs, stats
from doclife.store import queue
from doclife.store.connection import Connection
from doclife.store.queue import ClaimedJob, Result

NOW = datetime.now(UTC)
ACTOR = "user:olga"
ERP = {"endpoint": "erp", "type": "invoice.paid", "data": {"customer": "Müller"}}
CRM = {**ERP, "endpoint": "crm"}
MAIL = {"to": "a@example.org", "subject": "Rechnung 4711", "text": "Text"}


def give_up(conn: Connection, job: ClaimedJob, error: str) -> None:
    result = Result(
        batch_id=job.batch_id,
        job_id=job.job_id,
        attempt=1,
        outcome="dead",
        status_code=500,
        latency_ms=1,
        answer_head=None,
        error=error,
        delay_seconds=0.0,
    )
    queue.record(conn, [result])


def claimed(conn: Connection, size: int) -> list[ClaimedJob]:
    worker = queue.start_worker(conn, name="test", lease_seconds=20)
    return claim(conn, worker_id=worker, size=size)


@pytest.fixture
def failed(conn: Connection) -> dict[str, int]:
    """A mail and two calls that were given up, and a mail that waits."""
    for name in ("erp", "crm"):
        conn.execute(
            "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
            " VALUES (1, %s, 'https://example.org', 'user:olga')",
            (name,),
        )
    ids = {
        "mail": add(conn, kind="email", payload=MAIL, requested_by=ACTOR, unique_key="invoice-7"),
        "erp": add(conn, kind="webhook", payload=ERP, requested_by=ACTOR),
        "crm": add(conn, kind="webhook", payload=CRM, requested_by=ACTOR),
    }
    errors = {ids["mail"]: "550 no such mailbox", ids["erp"]: "HTTP 500", ids["crm"]: "timed out"}
    for job in claimed(conn, 3):
        give_up(conn, job, errors[job.job_id])
    add(conn, kind="email", payload={**MAIL, "subject": "waits"}, requested_by=ACTOR)
    return ids


FOUND = [
    ({"kind": "email"}, ["mail"]),
    ({"endpoint": "erp"}, ["erp"]),
    ({"words": "RECHNUNG 47"}, ["mail"]),
    ({"words": "müller"}, ["erp", "crm"]),
    ({"words": "invoice-7"}, ["mail"]),
    ({"words": "timed OUT"}, ["crm"]),
    ({"error": "mailbox"}, ["mail"]),
    ({"error": "Rechnung"}, []),
    ({"kind": "webhook", "error": "500"}, ["erp"]),
    ({"endpoint": "erp", "error": "timed"}, []),
]


@pytest.mark.parametrize(("asked", "names"), FOUND)
def test_failed_jobs_are_found_and_retried_by_the_same_words(
    conn: Connection, failed: dict[str, int], asked: dict[str, Any], names: list[str]
) -> None:
    expected = sorted(failed[name] for name in names)

    found = list_jobs(conn, now=NOW, state="failed", **asked).jobs
    assert sorted(job["job_id"] for job in found) == expected
    retried = retry_jobs(conn, actor=ACTOR, now=NOW, reason="the server is back", **asked)
    assert sorted(retried) == expected
    left = list_jobs(conn, now=NOW, state="failed").jobs
    assert len(left) == 3 - len(expected)


def test_a_list_names_the_endpoint_of_a_call(conn: Connection, failed: dict[str, int]) -> None:
    add(conn, kind="webhook", payload={**ERP, "endpoint": "later"}, requested_by=ACTOR)

    assert [job["endpoint"] for job in list_jobs(conn, now=NOW).jobs] == [
        "later", None, "crm", "erp", None,
    ]  # fmt: skip


def test_what_waits_comes_in_its_turn_without_what_is_being_sent(conn: Connection) -> None:
    first, second = add_many(conn, kind="email", payloads=[MAIL, MAIL], requested_by=ACTOR)
    urgent = add(conn, kind="slack", payload={"text": "x"}, requested_by=ACTOR, priority=1)
    assert [job["job_id"] for job in pending(conn)] == [urgent, first, second]
    assert [job["job_id"] for job in pending(conn, kind="email", size=1)] == [first]

    claimed(conn, 2)

    assert [job["job_id"] for job in pending(conn)] == [second]


def test_a_job_is_told_by_its_number_from_its_first_day_to_its_last(conn: Connection) -> None:
    job_id = add(conn, kind="email", payload=MAIL, requested_by=ACTOR)
    assert get(conn, job_id=job_id).job["payload"] == MAIL

    jobs = claimed(conn, 1)
    assert get(conn, job_id=job_id).job["state"] == "processing"
    complete(conn, jobs)

    story = get(conn, job_id=job_id)
    assert story.job["state"] == "completed"
    assert [attempt["outcome"] for attempt in story.attempts] == ["sent"]
    assert [(each["kind"], each["state"], each["jobs"]) for each in stats(conn)] == [
        ("email", "completed", 1)
    ]
    with pytest.raises(ConfigurationError, match="no job 99"):
        get(conn, job_id=99)


def test_a_search_of_a_long_queue_goes_part_by_part_and_misses_none(
    conn: Connection, failed: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LOOKED_AT_ONCE", 2)
    for number in range(7):
        add(conn, kind="email", payload={**MAIL, "subject": f"s-{number}"}, requested_by=ACTOR)

    pages, before = [], None
    while True:
        page = list_jobs(conn, now=NOW, words="s-3", before=before, size=5, most=2)
        pages.append(page.jobs)
        before = page.next_before
        if before is None:
            break
    whole = list_jobs(conn, now=NOW, words="s-3")

    assert len(pages) > 1
    assert [job for found in pages for job in found] == whole.jobs
    assert len(whole.jobs) == 1
    assert whole.next_before is None


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_of_jobs_that_wait_and_that_were_given_up_hold_each_once(
    conn: Connection, failed: dict[str, int], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(jobs, "LOOKED_AT_ONCE", 2)

    found, before = [], None
    while True:
        page = list_jobs(conn, now=NOW, before=before, size=size, most=4)
        found += page.jobs
        before = page.next_before
        if before is None:
            break

    assert found == list_jobs(conn, now=NOW).jobs
    assert len(found) == 4
