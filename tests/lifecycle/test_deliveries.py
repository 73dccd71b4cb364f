"""The log of webhook calls is whole and in pages; calls are sent again, singly and by the range."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from doclife.delivery.channel import Message
from doclife.delivery.outcome import Attempt, Outcome
from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError
from doclife.lifecycle.deliveries import (
    ResendState,
    list_deliveries,
    resend,
    tell_delivery,
)
from doclife.store import organizations
from doclife.store.connection import Connection
from doclife.store.deliveries import DeliveryRow

from .conftest import ACTOR
from .test_draining import SENT, Recorder, answer, calls, drain, endpoint, mails, tallies, value

EVERYWHERE = tuple(ResendState)


@pytest.fixture
def tenant(conn: Connection) -> Organization:
    return organizations.find(conn, "default")


def again(conn: Connection, tenant: Organization, **selection: object) -> list[int]:
    return resend(
        conn,
        organization=tenant,
        now=datetime.now(UTC),
        actor=ACTOR,
        reason="they lost it",
        **selection,
    )


def deliver(
    conn: Connection, database: str, *, erp: int = 0, crm: int = 0, refuse: bool = False
) -> tuple[list[int], Recorder]:
    """Call two endpoints, and return the jobs in order and who received them."""
    for name in ("erp", "crm"):
        if not value(conn, "SELECT count(*) FROM webhook_endpoints WHERE name = %s", name):
            endpoint(conn, name)
    ids = calls(conn, "erp", erp) + calls(conn, "crm", crm)
    no = answer(Outcome.DEAD, status_code=400, answer_head="what is this?")

    def say(_message: Message) -> Attempt:
        return no if refuse else SENT

    channel = Recorder(say)
    drain(database, {"webhook": channel})
    return ids, channel


def test_the_log_has_every_attempt_newest_first_with_what_was_answered(
    conn: Connection, database: str, tenant: Organization
) -> None:
    [refused], _ = deliver(conn, database, erp=1, refuse=True)
    [sent], _ = deliver(conn, database, crm=1)

    log = list_deliveries(conn, organization=tenant)

    assert [(row.job_id, row.endpoint, row.outcome, row.state) for row in log] == [
        (sent, "crm", "sent", "completed"),
        (refused, "erp", "dead", "failed"),
    ]
    assert (log[1].status_code, log[1].latency_ms, log[1].answer_head) == (400, 1, "what is this?")
    story = tell_delivery(conn, organization=tenant, job_id=sent, now=datetime.now(UTC))
    assert story.job["payload"]["type"] == "invoice.paid"
    assert [each["answer_head"] for each in story.attempts] == ["thank you"]


def test_the_log_comes_in_pages_that_neither_skip_nor_repeat(
    conn: Connection, database: str, tenant: Organization
) -> None:
    """Attempts of one flush have one moment, so that the moment alone would not do."""
    ids, _ = deliver(conn, database, erp=40, crm=30)

    seen: list[int] = []
    last: DeliveryRow | None = None
    while page := list_deliveries(conn, organization=tenant, before=last, size=7):
        seen += [row.job_id for row in page]
        last = page[-1]

    assert sorted(seen) == ids
    assert len(seen) == len(set(seen))


def test_the_log_is_narrowed_by_endpoint_outcome_and_time(
    conn: Connection, database: str, tenant: Organization
) -> None:
    deliver(conn, database, erp=2, crm=1)
    deliver(conn, database, erp=1, refuse=True)
    now = datetime.now(UTC)

    def count(**narrowed: object) -> int:
        return len(list_deliveries(conn, organization=tenant, **narrowed))

    assert count(endpoint="erp") == 3
    assert count(outcomes=["dead", "retry"]) == 1
    assert count(since=now - timedelta(minutes=1), until=now + timedelta(minutes=1)) == 4
    assert count(until=now - timedelta(minutes=1)) == 0
    assert count(since=now + timedelta(minutes=1)) == 0
    with pytest.raises(ConfigurationError, match="Did you mean 'erp'"):
        count(endpoint="epr")
    with pytest.raises(ConfigurationError, match="is no outcome"):
        count(outcomes=["failed"])


def test_another_organization_sees_and_resends_nothing_of_it(
    conn: Connection, database: str, tenant: Organization
) -> None:
    [job], _ = deliver(conn, database, erp=1)
    [refused], _ = deliver(conn, database, erp=1, refuse=True)
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")
    other = organizations.find(conn, "other")

    assert list_deliveries(conn, organization=other) == []
    with pytest.raises(ConfigurationError, match="no webhook call of organization 'other'"):
        tell_delivery(conn, organization=other, job_id=job, now=datetime.now(UTC))
    assert again(conn, other, job_ids=[job, refused], states=EVERYWHERE) == []


def test_one_call_is_sent_again_wherever_it_is_under_its_own_number(
    conn: Connection, database: str, tenant: Organization
) -> None:
    [sent], _ = deliver(conn, database, erp=1)
    [refused], _ = deliver(conn, database, erp=1, refuse=True)
    waiting = calls(conn, "erp", 1)
    conn.execute("UPDATE jobs SET run_at = now() + interval '8 hours'")

    ids = [sent, refused, *waiting]
    assert again(conn, tenant, job_ids=ids, states=EVERYWHERE) == ids
    assert again(conn, tenant, job_ids=ids, states=EVERYWHERE) == []

    channel = Recorder()
    drain(database, {"webhook": channel})
    assert sorted(channel.received) == ids
    log = list_deliveries(conn, organization=tenant)
    assert [row.outcome for row in log if row.job_id == sent] == ["sent", "sent"]
    assert {row.state for row in log} == {"completed"}
    entry = conn.execute(
        "SELECT actor, reason, details ->> 'jobs' FROM audit_entries"
        " WHERE action = 'delivery.resent'"
    ).fetchall()
    assert entry == [(ACTOR, "they lost it", "3")]


def test_a_range_is_sent_again_and_nothing_around_it(
    conn: Connection, database: str, tenant: Organization
) -> None:
    before, _ = deliver(conn, database, erp=3, refuse=True)
    conn.execute("UPDATE jobs_failed SET finished_at = now() - interval '2 days'")
    within, _ = deliver(conn, database, erp=3, refuse=True)
    deliver(conn, database, crm=3, refuse=True)
    delivered, _ = deliver(conn, database, erp=2)
    since = datetime.now(UTC) - timedelta(hours=1)

    assert again(conn, tenant, endpoint="erp", since=since) == within
    assert (
        again(conn, tenant, endpoint="erp", since=since, states=[ResendState.COMPLETED])
        == delivered
    )
    assert again(conn, tenant, endpoint="erp", since=since, states=EVERYWHERE) == []
    assert again(conn, tenant, endpoint="erp", until=since) == before


def test_what_is_on_its_way_and_what_is_no_call_is_left_as_it_is(
    conn: Connection, database: str, tenant: Organization
) -> None:
    other_ids = mails(conn, 2)
    drain(database, {"email": Recorder()})
    [sent], _ = deliver(conn, database, erp=1)

    assert again(conn, tenant, job_ids=[*other_ids, sent], states=EVERYWHERE) == [sent]
    with pytest.raises(ConfigurationError, match="which calls"):
        again(conn, tenant)
    assert tallies(conn) == (1, 0, 3)


def test_calls_of_a_disabled_endpoint_wait_also_when_sent_again(
    conn: Connection, database: str, tenant: Organization
) -> None:
    [sent], _ = deliver(conn, database, erp=1)
    conn.execute("UPDATE webhook_endpoints SET state = 'disabled', disabled_reason = '410 Gone'")
    again(conn, tenant, job_ids=[sent], states=EVERYWHERE)

    channel = Recorder()
    drain(database, {"webhook": channel})
    assert channel.received == []
    conn.execute("UPDATE webhook_endpoints SET state = 'enabled', disabled_reason = NULL")
    drain(database, {"webhook": channel})
    assert channel.received == [sent]


def test_only_calls_keep_what_they_carried(conn: Connection, database: str) -> None:
    mails(conn, 1)
    drain(database, {"email": Recorder()})
    deliver(conn, database, erp=1)

    assert conn.execute(
        "SELECT kind, payload IS NOT NULL FROM job_history ORDER BY kind"
    ).fetchall() == [("email", False), ("webhook", True)]
