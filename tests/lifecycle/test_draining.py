"""The drain: everything is sent once when nothing goes wrong, and accounted for when it does."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from doclife.delivery.channel import Channel, Endpoint, Message
from doclife.delivery.outcome import Attempt, Outcome
from doclife.lifecycle import drain_troubles
from doclife.lifecycle.cycle_collection import YOUNG_OBJECTS, collecting_rarely
from doclife.lifecycle.draining import Drained, Drainer, DrainSettings
from doclife.lifecycle.halting import halt
from doclife.lifecycle.own_channels import PLANNER, own_channels
from doclife.lifecycle.queue import add, add_many
from doclife.store import queue
from doclife.store.connection import Connection, connect

from .conftest import ACTOR, World

MAIL: dict[str, Any] = {"to": "a@example.org", "subject": "Hello", "text": "Text"}
SENT = Attempt(
    outcome=Outcome.SENT,
    status_code=200,
    latency_ms=1,
    answer_head="thank you",
    error=None,
    retry_after=None,
)


def answer(outcome: Outcome = Outcome.RETRY, **facts: Any) -> Attempt:
    given = {
        "outcome": outcome,
        "status_code": 500,
        "latency_ms": 1,
        "answer_head": None,
        "error": "no",
        "retry_after": None,
    }
    return Attempt(**{**given, **facts})


class Recorder:
    """A channel that remembers what it was given and answers as it is told."""

    def __init__(
        self,
        answers: Callable[[Message], Attempt] = lambda _message: SENT,
        *,
        seconds: Callable[[Message], float] = lambda _message: 0.0,
    ) -> None:
        self.answers, self.seconds = answers, seconds
        self.received: list[int] = []
        self.running = self.most_running = 0

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.received += [message.job_id for message in messages]
        await asyncio.sleep(max(map(self.seconds, messages)))
        self.running -= 1
        return [self.answers(message) for message in messages]


def drain(database: str, channels: Mapping[str, Channel], **settings: Any) -> Drained:
    return asyncio.run(drainer(database, channels, **settings).run())


def drainer(database: str, channels: Mapping[str, Channel], **settings: Any) -> Drainer:
    def find_endpoint(row: queue.EndpointRow) -> Endpoint:
        return Endpoint(
            id=row.endpoint_id,
            name=row.name,
            url=row.url,
            secrets=(),
            timeout=timedelta(seconds=row.timeout_seconds),
            max_concurrency=row.max_concurrency,
        )

    return Drainer(
        connect=lambda: connect(database, application_name="drainer"),
        channels=channels,
        find_endpoint=find_endpoint,
        name="test",
        chance=lambda: 0.5,
        settings=DrainSettings(**{"linger_seconds": 0.0, **settings}),
    )


def mails(conn: Connection, count: int, **options: Any) -> list[int]:
    return add_many(conn, kind="email", payloads=[MAIL] * count, requested_by=ACTOR, **options)


def endpoint(conn: Connection, name: str, **columns: Any) -> int:
    row = conn.execute(
        "INSERT INTO webhook_endpoints (organization_id, name, url, max_concurrency, created_by)"
        " VALUES (1, %s, 'https://example.org', %s, 'user:olga') RETURNING id",
        (name, columns.get("max_concurrency", 8)),
    ).fetchone()
    assert row is not None
    return int(row[0])


def calls(conn: Connection, name: str, count: int) -> list[int]:
    payload = {"endpoint": name, "type": "invoice.paid", "data": {}}
    return add_many(conn, kind="webhook", payloads=[payload] * count, requested_by=ACTOR)


def value(conn: Connection, query: Any, *parameters: object) -> Any:
    row = conn.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


def tallies(conn: Connection) -> tuple[int, int, int]:
    """Unfinished, given up, completed."""
    unfinished, failed, completed = (
        value(conn, f"SELECT count(*) FROM {table}")
        for table in ("jobs", "jobs_failed", "job_history")
    )
    return unfinished, failed, completed


def nothing_is_leased(conn: Connection) -> bool:
    return (
        value(
            conn, "SELECT (SELECT count(*) FROM job_batches) + (SELECT count(*) FROM job_workers)"
        )
        == 0
    )


def test_everything_is_sent_once_and_nothing_stays_behind(conn: Connection, database: str) -> None:
    ids = mails(conn, 1700)
    channel = Recorder()

    done = drain(database, {"email": channel})

    assert done == Drained(sent=1700)
    assert sorted(channel.received) == ids
    assert tallies(conn) == (0, 0, 1700)
    assert value(conn, "SELECT count(*) FROM delivery_attempts WHERE status_code = 200") == 1700
    assert nothing_is_leased(conn)


def test_cycles_are_looked_for_rarely_meanwhile_and_as_before_afterwards(
    conn: Connection, database: str
) -> None:
    thresholds: list[int] = []

    def look(_message: Message) -> Attempt:
        thresholds.append(gc.get_threshold()[0])
        return SENT

    mails(conn, 1)
    before = gc.get_threshold()

    drain(database, {"email": Recorder(look)})

    assert thresholds == [YOUNG_OBJECTS]
    assert gc.get_threshold() == before


def test_of_several_drains_in_a_process_the_last_to_end_puts_the_threshold_back() -> None:
    before = gc.get_threshold()
    one, other = collecting_rarely(), collecting_rarely()

    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    meanwhile = gc.get_threshold()
    other.__exit__(None, None, None)

    assert meanwhile == (YOUNG_OBJECTS, *before[1:])
    assert gc.get_threshold() == before


def test_a_collector_that_is_switched_off_stays_off() -> None:
    before = gc.get_threshold()
    gc.set_threshold(0)
    try:
        with collecting_rarely():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)


def test_each_outcome_goes_where_it_belongs(conn: Connection, database: str) -> None:
    sent, busy, gone, lost, last = mails(conn, 5)
    conn.execute("UPDATE jobs SET max_attempts = 1 WHERE id = %s", (last,))
    answers = {
        sent: SENT,
        busy: answer(retry_after=timedelta(hours=2)),
        gone: answer(Outcome.DEAD),
        lost: answer(Outcome.UNKNOWN, error="no answer came"),
        last: answer(error="a secret is not here"),
    }
    channel = Recorder(lambda message: answers[message.job_id])

    done = drain(database, {"email": channel})

    assert (done.sent, done.retried, done.failed) == (1, 2, 2)
    assert tallies(conn) == (2, 2, 1)
    assert value(
        conn, "SELECT run_at > now() + interval '119 minutes' FROM jobs WHERE id = %s", busy
    )
    assert value(conn, "SELECT last_error FROM jobs WHERE id = %s", lost) == "no answer came"


def test_kinds_without_a_channel_are_left_to_others(conn: Connection, database: str) -> None:
    mails(conn, 2)
    add(conn, kind="slack", payload={"text": "x"}, requested_by=ACTOR)

    assert drain(database, {"slack": Recorder()}).sent == 1
    assert tallies(conn) == (2, 0, 1)


def test_a_channel_that_breaks_loses_nothing(conn: Connection, database: str) -> None:
    class Broken:
        async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
            raise RuntimeError("a fault of ours, with a secret in it")

    mails(conn, 3)

    assert drain(database, {"email": Broken()}).retried == 3
    assert value(conn, "SELECT string_agg(DISTINCT last_error, ',') FROM jobs") == "RuntimeError"


def test_a_dead_endpoint_does_not_keep_the_others_waiting(conn: Connection, database: str) -> None:
    dead, alive = endpoint(conn, "dead"), endpoint(conn, "alive")
    calls(conn, "dead", 2000)
    others = calls(conn, "alive", 300)
    others_have_all, gave_up = asyncio.Event(), asyncio.Event()

    class Uneven(Recorder):
        """The dead one does not answer before the others have all of theirs."""

        async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
            assert messages[0].endpoint is not None
            if messages[0].endpoint.id == dead:
                try:
                    await asyncio.wait_for(others_have_all.wait(), timeout=60)
                except TimeoutError:
                    gave_up.set()
            attempts = await super().deliver(messages)
            if set(others) <= set(self.received) and not others_have_all.is_set():
                _halt(database)  # ends the drain
                others_have_all.set()
            return attempts

    channel = Uneven(
        lambda message: SENT if message.endpoint.id == alive else answer(),
        seconds=lambda message: 0.0 if message.endpoint.id == alive else 0.5,
    )
    done = drain(database, {"webhook": channel})

    assert not gave_up.is_set()
    assert done.sent == 300
    assert nothing_is_leased(conn)
    assert value(conn, "SELECT count(*) FROM jobs WHERE attempts = 0") > 1900
    assert value(
        conn, "SELECT failing_since IS NOT NULL FROM webhook_endpoints WHERE id = %s", dead
    )
    assert value(conn, "SELECT failing_since IS NULL FROM webhook_endpoints WHERE id = %s", alive)


def test_an_endpoint_gets_no_more_calls_at_once_than_it_bears(
    conn: Connection, database: str
) -> None:
    endpoint(conn, "small", max_concurrency=3)
    calls(conn, "small", 30)
    channel = Recorder(seconds=lambda _message: 0.02)

    assert drain(database, {"webhook": channel}).sent == 30
    assert channel.most_running == 3


def test_it_does_not_end_while_an_endpoint_had_too_much_to_be_given_more(
    conn: Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint(conn, "quick", max_concurrency=100)
    for _ in range(3):
        calls(conn, "quick", 500)
    claim = queue.claim

    def claim_slowly(*arguments: Any, **named: Any) -> list[queue.ClaimedJob]:
        time.sleep(0.2)  # meanwhile all that was claimed before is sent
        return claim(*arguments, **named)

    monkeypatch.setattr(queue, "claim", claim_slowly)

    assert drain(database, {"webhook": Recorder()}).sent == 1500


def test_an_endpoint_that_wants_no_more_is_disabled_and_its_jobs_wait(
    conn: Connection, database: str
) -> None:
    gone = endpoint(conn, "gone", max_concurrency=1)
    calls(conn, "gone", 50)
    channel = Recorder(
        lambda _message: answer(
            Outcome.DEAD, status_code=410, error="410 Gone", disables_endpoint=True
        ),
        seconds=lambda _message: 0.1,
    )

    drain(database, {"webhook": channel}, most_seconds=3.0)

    assert len(channel.received) == 1
    assert tallies(conn)[0] == 50
    assert value(conn, "SELECT state FROM webhook_endpoints WHERE id = %s", gone) == "disabled"
    assert value(conn, "SELECT count(*) FROM notifications WHERE title LIKE %s", "%gone%") == 1
    assert drain(database, {"webhook": channel}).retried == 0


def test_refused_credentials_stop_the_channel_untried_with_one_alert(
    conn: Connection, database: str
) -> None:
    mails(conn, 700)
    channel = Recorder(lambda _message: answer(error="535 no", stops_channel=True))

    drain(database, {"email": channel})
    tried = len(channel.received)
    drain(database, {"email": channel})

    assert len(channel.received) == tried < 700
    assert value(conn, "SELECT count(*) FROM jobs WHERE attempts = 0") == 700
    assert value(conn, "SELECT count(*) FROM delivery_attempts") == 0
    assert value(conn, "SELECT count(*) FROM notifications WHERE type = 'alert'") == 1
    conn.execute("UPDATE channel_stops SET stopped_until = now()")
    assert drain(database, {"email": Recorder()}).sent == 700
    assert value(conn, "SELECT count(*) FROM channel_stops") == 0


def test_a_halt_stops_it_at_once_and_the_rest_was_not_tried(
    conn: Connection, database: str
) -> None:
    mails(conn, 5000)
    halting = threading.Thread(target=_halt, args=[database])

    def seconds(_message: Message) -> float:
        if len(channel.received) > 500 and halting.ident is None:
            halting.start()
        return 0.2

    channel = Recorder(seconds=seconds)

    done = drain(database, {"email": channel}, linger_seconds=120.0)
    halting.join()

    assert "looking into it" in str(done.halt_reason)
    assert len(channel.received) == done.sent < 5000
    assert value(conn, "SELECT count(*) FROM jobs WHERE attempts = 0") == 5000 - done.sent
    assert nothing_is_leased(conn)
    assert drain(database, {"email": channel}).sent == 0


def _halt(database: str) -> None:
    with connect(database) as conn:
        halt(conn, reason="looking into it", actor=ACTOR, now=datetime.now(UTC))


def test_it_takes_what_comes_while_it_lingers(
    conn: Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, looks = queue.claim, itertools.count()

    def claim_before_they_come(*arguments: Any, **named: Any) -> list[queue.ClaimedJob]:
        found = claim(*arguments, **named)
        if next(looks) == 1:
            mails(conn, 3)
        return found

    monkeypatch.setattr(queue, "claim", claim_before_they_come)

    assert drain(database, {"email": Recorder()}, linger_seconds=2.0).sent == 3


def test_it_hands_over_after_its_time_with_nothing_leased(conn: Connection, database: str) -> None:
    mails(conn, 2000)
    channel = Recorder(seconds=lambda _message: 0.1)

    done = drain(database, {"email": channel}, most_seconds=0.3)

    assert 0 < done.sent < 2000
    assert tallies(conn) == (2000 - done.sent, 0, done.sent)
    assert nothing_is_leased(conn)


def test_two_at_once_send_each_job_once(conn: Connection, database: str) -> None:
    ids = mails(conn, 3000)
    one, two = Recorder(seconds=lambda _m: 0.01), Recorder(seconds=lambda _m: 0.01)

    async def both() -> list[Drained]:
        return await asyncio.gather(
            drainer(database, {"email": one}).run(), drainer(database, {"email": two}).run()
        )

    done = asyncio.run(both())

    assert sum(each.sent for each in done) == 3000
    assert sorted([*one.received, *two.received]) == ids


def test_a_slow_worker_that_lives_keeps_what_it_has(conn: Connection, database: str) -> None:
    """Its one call takes three leases, while another process looks for dead ones."""
    ids = mails(conn, 3)
    slow = Recorder(seconds=lambda _message: 6.0)
    other = Recorder()

    async def both() -> tuple[Drained, Drained]:
        working = asyncio.create_task(drainer(database, {"email": slow}, lease_seconds=2).run())
        while not slow.received:
            await asyncio.sleep(0.05)
        looking = drainer(database, {"email": other}, lease_seconds=2, linger_seconds=6.0)
        second = await looking.run()
        return await working, second

    first, second = asyncio.run(both())

    assert (first.sent, first.late, second.sent, second.rescued) == (3, 0, 0, 0)
    assert sorted(slow.received) == ids
    assert other.received == []


def test_a_job_has_the_time_that_it_was_given(conn: Connection, database: str) -> None:
    times = {}

    def note(message: Message) -> Attempt:
        times[message.job_id] = message.timeout
        return SENT

    (usual,) = mails(conn, 1)
    (short,) = mails(conn, 1, timeout_seconds=7)
    endpoint(conn, "erp")
    (called,) = calls(conn, "erp", 1)

    channel = Recorder(note)
    drain(database, {"email": channel, "webhook": channel})

    assert times == {
        usual: timedelta(minutes=2),
        short: timedelta(seconds=7),
        called: timedelta(seconds=30),
    }


def test_a_channel_that_never_returns_is_ended_and_its_jobs_are_unknown(
    conn: Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_troubles, "CALL_GRACE_SECONDS", -29.9)
    endpoint(conn, "erp")
    (hanging,) = calls(conn, "erp", 1)
    mails(conn, 1)
    hangs = Recorder(seconds=lambda _message: 3600.0)

    drained = drain(database, {"email": Recorder(), "webhook": hangs})

    assert (drained.sent, drained.retried) == (1, 1)
    log = conn.execute(
        "SELECT outcome, error FROM delivery_attempts WHERE job_id = %s", (hanging,)
    ).fetchall()
    assert log == [("unknown", "the channel did not return in time")]


def test_a_notification_is_shown_once(conn: Connection, database: str) -> None:
    payload = {"recipient": "ben@example.org", "title": "Paid", "body": "Invoice 7 is paid."}
    (job_id,) = add_many(conn, kind="notification", payloads=[payload], requested_by=ACTOR)
    channels = own_channels(lambda: connect(database), open_stores=lambda _conn: None)
    message = Message(
        job_id=job_id,
        kind="notification",
        stored=json.dumps(payload),
        organization="default",
        endpoint=None,
        attempt=1,
        timeout=timedelta(seconds=1),
    )
    asyncio.run(channels["notification"].deliver([message]))

    assert drain(database, channels).sent == 1
    assert conn.execute("SELECT recipient, title FROM notifications").fetchall() == [
        ("ben@example.org", "Paid")
    ]


def test_delete_jobs_become_one_plan_with_all_belts(world: World, database: str) -> None:
    for name in ("a", "b", "c"):
        world.add_document(name)
    held = world.add_document("held")
    matter = value(
        world.conn,
        "INSERT INTO matters (organization_id, name, reason, created_by)"
        " VALUES (1, 'case', 'litigation', 'user:olga') RETURNING id",
    )
    world.conn.execute(
        "INSERT INTO matter_documents (matter_id, document_id, added_by)"
        " VALUES (%s, %s, 'user:olga')",
        (matter, held),
    )
    asked = [["a"], ["b", "held"], ["c"], ["nowhere"]]
    add_many(
        world.conn,
        kind="delete",
        payloads=[{"external_ids": names, "reason": "asked by its owner"} for names in asked],
        requested_by=ACTOR,
    )
    channels = own_channels(lambda: connect(database), open_stores=lambda _conn: world.stores)

    done = drain(database, channels)

    assert (done.sent, done.failed) == (3, 1)
    statuses = dict(world.conn.execute("SELECT external_id, status FROM documents").fetchall())
    assert statuses == {"a": "deleted", "b": "deleted", "c": "deleted", "held": "active"}
    assert value(world.conn, "SELECT bool_and(dag_id = %s) FROM plans", PLANNER)
    assert "'nowhere'" in value(world.conn, "SELECT last_error FROM jobs_failed")
