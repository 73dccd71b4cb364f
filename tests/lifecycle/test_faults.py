"""Far sides fail in every way that is known, through the whole queue.

After each of them every job is accounted for, nothing has arrived twice that was not recorded as
unknown, what was put right goes out, and no secret is in any row or log.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from doclife.connections import from_environment
from doclife.delivery.configuration import read_delivery_settings
from doclife.delivery.signing import new_secret
from doclife.lifecycle.draining import Drained, DrainSettings
from doclife.lifecycle.queue import add_many
from doclife.lifecycle.sending import drain_queue
from doclife.lifecycle.stores import open_stores
from doclife.store.connection import Connection, connect
from tests.delivery.far_side import FarSide, listening, serving
from tests.delivery.mail_servers import Mailbox, mail_server

from .drain_until_killed import Log, drain_all, drainer
from .test_drain_faults import assert_all_accounted_for, mails, received, start

SIGNING = new_secret()
SECRETS = (SIGNING.removeprefix("whsec_"), "h3ader-t0ken", "s3cret-of-smtp", "wr0ng-passw0rd")
BOMB = gzip.compress(b"\0" * 20_000_000)
ANSWERS = {
    "error": (500, {}),
    "busy": (429, {"Retry-After": "7200"}),
    "gone": (410, {}),
    "moved": (307, {"Location": "/ok"}),
    "refusing": (400, {}),
}


@dataclass
class Receiver:
    """Endpoints by path: each fails in its own way until all are repaired."""

    is_repaired: bool = False
    took: Counter[str] = field(default_factory=Counter)
    """How often each message was taken, by its id."""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        name = request.path.strip("/")
        if self.is_repaired or name in ("ok", "bomb", "huge"):
            self.took[request.headers["webhook-id"]] += 1
        elif name in ANSWERS:
            status, headers = ANSWERS[name]
            return web.Response(status=status, headers=headers, text=f"no, {name}")
        if name == "bomb":
            return web.Response(body=BOMB, headers={"Content-Encoding": "gzip"})
        if name == "huge":
            return await _huge(request)
        return web.Response(text="thank you")


async def _huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        for _ in range(200):
            await response.write(b"x" * 1_000_000)
    except ConnectionError:
        pass
    return response


async def _hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    await asyncio.sleep(60)


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
        writer.write(bytes([letter]))
        await asyncio.sleep(0.05)


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


SILENT = {"hanging": _hang, "dripping": _drip, "resetting": _reset}


def environment(conn: Connection, **more: str) -> dict[str, str]:
    """What a worker is given: the secret of each endpoint, and where mail goes."""
    endpoint_ids = [row[0] for row in conn.execute("SELECT id FROM webhook_endpoints")]
    connection = {
        "conn_type": "http",
        "password": SIGNING,
        "extra": {"headers": {"X-Receiver": "h3ader-t0ken"}},
    }
    return {
        "DOCLIFE_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DOCLIFE_ALLOW_HTTP": "true",
        **{f"AIRFLOW_CONN_DOCLIFE_ENDPOINT_{id_}": json.dumps(connection) for id_ in endpoint_ids},
        **more,
    }


def smtp(port: int, password: str | None = None) -> dict[str, str]:
    login = {} if password is None else {"SMTP_USER": "doclife", "SMTP_PASSWORD": password}
    return {
        "SMTP_HOST": "localhost",
        "SMTP_PORT": str(port),
        "EMAIL_FROM_ADDRESS": "records@example.org",
        **login,
    }


async def drain(
    database: str, given: dict[str, str], *, clock: Any = lambda: datetime.now(UTC), **settings: Any
) -> Drained:
    return await drain_queue(
        connect=lambda: connect(database, application_name="drain"),
        delivery=read_delivery_settings(given),
        connections=from_environment(given),
        open_stores=lambda conn: open_stores(conn, options=lambda _connection_id: {}),
        name="test",
        present=clock,
        chance=lambda: 0.0,
        settings=DrainSettings(**{"linger_seconds": 0, "most_seconds": 20.0, **settings}),
    )


def add_endpoint(conn: Connection, name: str, url: str, *, timeout_seconds: int = 20) -> int:
    row = conn.execute(
        "INSERT INTO webhook_endpoints (organization_id, name, url, timeout_seconds, created_by)"
        " VALUES (1, %s, %s, %s, 'user:olga') RETURNING id",
        (name, url, timeout_seconds),
    ).fetchone()
    assert row is not None
    return int(row[0])


def add_calls(conn: Connection, name: str, count: int) -> list[int]:
    payload = {"endpoint": name, "type": "invoice.paid", "data": {}}
    return add_many(conn, kind="webhook", payloads=[payload] * count, requested_by="user:olga")


def add_mails(conn: Connection, *names: str, **words: str) -> list[int]:
    payloads = [
        {"to": f"{name}@example.org", "subject": "Due", "text": f"For {name}", **words}
        for name in names
    ]
    return add_many(conn, kind="email", payloads=payloads, requested_by="user:olga")


def put_right(conn: Connection) -> None:
    """What an operator does, and what time does by itself."""
    conn.execute(
        "UPDATE webhook_endpoints SET state = 'enabled', disabled_reason = NULL,"
        " rests_until = NULL, rest_reason = NULL"
    )
    conn.execute("UPDATE jobs SET run_at = now()")
    conn.execute("UPDATE channel_stops SET stopped_until = now()")


def places(conn: Connection) -> dict[int, list[str]]:
    """Return where each job is."""
    rows = conn.execute(
        "SELECT id, 'waiting' FROM jobs UNION ALL SELECT id, state FROM jobs_failed"
        " UNION ALL SELECT id, 'completed' FROM job_history"
    ).fetchall()
    found: dict[int, list[str]] = {}
    for id_, place in rows:
        found.setdefault(id_, []).append(place)
    return found


def outcomes(conn: Connection, ids: list[int]) -> set[str]:
    """Return how attempts at these jobs ended; how many there were is a matter of speed."""
    rows = conn.execute(
        "SELECT DISTINCT outcome FROM delivery_attempts WHERE job_id = ANY(%s)", (ids,)
    )
    return {outcome for (outcome,) in rows}


def assert_accounted_for(conn: Connection, ids: list[int]) -> None:
    """Each job is in one place, nothing is leased, and what waits was not given up silently."""
    found = places(conn)
    assert sorted(found) == sorted(ids)
    assert {len(each) for each in found.values()} == {1}
    for table in ("job_batches", "job_workers"):
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def assert_nowhere(conn: Connection, log: str, *files: Path) -> None:
    """No secret is in any row of any table, in what was logged at any level, or in a file."""
    tables = conn.execute(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    assert len(tables) > 40
    rows = "".join(
        str(conn.execute(f"SELECT string_agg(row::text, ' ') FROM {table} AS row").fetchone())
        for (table,) in tables
    )
    kept = "".join(file.read_text() for file in files)
    for secret in SECRETS:
        assert secret not in rows
        assert secret not in log
        assert secret not in kept


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What doclife and its libraries say; aiosmtpd is the far side, and knows its own secrets."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.CRITICAL, logger="mail.log")
    return caplog


@pytest.fixture
def their_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate of the mail server that our side trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(theirs)
    return theirs


def test_every_way_an_endpoint_can_fail(
    conn: Connection, database: str, log: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver()
    ids: dict[str, list[int]] = {}

    async def scenario() -> tuple[FarSide, Drained]:
        async with serving(receiver) as side, asyncio.TaskGroup() as silent:
            stop = asyncio.Event()
            for name in ("ok", "huge", "bomb", *ANSWERS):
                add_endpoint(conn, name, side.url(f"/{name}"))
            for name, script in SILENT.items():
                ready = asyncio.Event()
                silent.create_task(listen(name, script, ready, stop))
                await ready.wait()
            for name in ("ok", "huge", "bomb", *ANSWERS, *SILENT):
                ids[name] = add_calls(conn, name, 3)
            drained = await drain(database, environment(conn))
            stop.set()
            check_first(drained)
            receiver.is_repaired = True
            conn.execute(
                "UPDATE webhook_endpoints SET url = %s || name, timeout_seconds = 20",
                (side.url("/"),),
            )
            put_right(conn)
            return side, await drain(database, environment(conn))

    async def listen(name: str, script: Any, ready: asyncio.Event, stop: asyncio.Event) -> None:
        async with listening(script) as side:
            add_endpoint(conn, name, side.url("/"), timeout_seconds=1)
            ready.set()
            await stop.wait()

    def check_first(drained: Drained) -> None:
        everything = [id_ for each in ids.values() for id_ in each]
        assert_accounted_for(conn, everything)
        for name in ("ok", "huge", "bomb"):
            assert outcomes(conn, ids[name]) == {"sent"}, name
        assert outcomes(conn, ids["error"]) == {"retry"}
        assert outcomes(conn, ids["busy"]) == {"retry"}
        assert outcomes(conn, ids["moved"]) == outcomes(conn, ids["refusing"]) == {"dead"}
        assert outcomes(conn, ids["gone"]) == {"retry"}
        for name in SILENT:
            assert outcomes(conn, ids[name]) == {"unknown"}, name
        found = places(conn)
        for name in ("error", "busy", "gone", *SILENT):
            assert {found[id_][0] for id_ in ids[name]} == {"waiting"}, name
        assert conn.execute(
            "SELECT min(run_at) > now() + interval '110 minutes' FROM jobs WHERE id = ANY(%s)",
            (ids["busy"],),
        ).fetchone() == (True,)
        assert conn.execute(
            "SELECT name FROM webhook_endpoints WHERE state = 'disabled'"
        ).fetchall() == [("gone",)]
        assert drained.sent == 9

    side, drained = asyncio.run(scenario())

    everything = [id_ for each in ids.values() for id_ in each]
    assert drained.sent == len(everything) - 9 - 6  # less what arrived, and what was refused
    assert_accounted_for(conn, everything)
    assert {tuple(found) for found in places(conn).values()} == {("completed",), ("failed",)}
    assert max(receiver.took.values()) == 1
    assert len(receiver.took) == len(everything) - 6
    assert all(call.headers.get("X-Receiver") == "h3ader-t0ken" for call in side.calls)
    assert conn.execute("SELECT count(*) FROM notifications WHERE type = 'alert'").fetchone() == (
        1,
    )
    assert_nowhere(conn, log.text)


def test_every_way_a_mail_server_can_fail(
    conn: Connection, database: str, log: pytest.LogCaptureFixture
) -> None:
    mailbox = Mailbox(
        answers={
            "gone@example.org": "550 5.1.1 no such user",
            "grey@example.org": "451 4.7.1 greylisted, come back later",
            "full@example.org": "552 5.2.2 mailbox full",
        },
        data_answers={"drop@example.org": "drop", "later@example.org": "452 4.3.1 no space"},
    )
    names = ("ada", "gone", "grey", "full", "later", "ben", "drop", "eve")
    ids = add_mails(conn, *names)
    of = dict(zip(names, ids, strict=True))

    with mail_server(mailbox) as port:
        given = environment(conn, **smtp(port))
        asyncio.run(drain(database, given))
        assert_accounted_for(conn, ids)
        assert outcomes(conn, [of["ada"], of["ben"]]) == {"sent"}
        assert outcomes(conn, [of["gone"]]) == {"dead"}
        assert outcomes(conn, [of["grey"], of["full"], of["later"]]) == {"retry"}
        assert outcomes(conn, [of["drop"]]) == {"unknown"}
        mailbox.answers.clear()
        mailbox.data_answers.clear()
        put_right(conn)
        asyncio.run(drain(database, given))

    assert_accounted_for(conn, ids)
    assert [name for name in names if places(conn)[of[name]] != ["completed"]] == ["gone"]
    arrived = Counter(to for to, _ in mailbox.mails)
    assert arrived == Counter(f"{name}@example.org" for name in names if name != "gone")
    assert outcomes(conn, [of["drop"]]) == {"unknown", "sent"}
    assert_nowhere(conn, log.text)


def test_wrong_credentials_stop_that_channel_alone_with_one_alert(
    conn: Connection, database: str, log: pytest.LogCaptureFixture, their_tls: ssl.SSLContext
) -> None:
    mailbox = Mailbox()
    mail_ids = add_mails(conn, *(f"person{number}" for number in range(250)))
    call_ids: list[int] = []

    async def scenario(port: int) -> None:
        async with serving(Receiver()) as side:
            add_endpoint(conn, "ok", side.url("/ok"))
            call_ids.extend(add_calls(conn, "ok", 5))
            for _ in range(2):
                await drain(database, environment(conn, **smtp(port, "wr0ng-passw0rd")))

    with mail_server(mailbox, tls=their_tls, needs_login=True) as port:
        asyncio.run(scenario(port))
        assert_accounted_for(conn, [*mail_ids, *call_ids])
        assert conn.execute("SELECT count(*) FROM jobs WHERE attempts = 0").fetchone() == (250,)
        assert outcomes(conn, call_ids) == {"sent"}
        (reason,) = conn.execute("SELECT reason FROM channel_stops").fetchone() or ("",)
        assert "refuses the login: 535" in reason
        assert count_alerts(conn) == 1
        put_right(conn)
        asyncio.run(drain(database, environment(conn, **smtp(port, "s3cret-of-smtp"))))

    assert_accounted_for(conn, [*mail_ids, *call_ids])
    assert len(mailbox.mails) == len({to for to, _ in mailbox.mails}) == 250
    assert conn.execute("SELECT count(*) FROM channel_stops").fetchone() == (0,)
    assert_nowhere(conn, log.text)


def count_alerts(conn: Connection) -> int:
    row = conn.execute("SELECT count(*) FROM notifications WHERE type = 'alert'").fetchone()
    assert row is not None
    return int(row[0])


def test_a_mail_server_that_is_away_costs_no_attempt_however_often_it_is_tried(
    conn: Connection, database: str
) -> None:
    ids = add_mails(conn, *(f"person{number}" for number in range(20)))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    given = environment(conn, **smtp(port))

    for _ in range(4):  # once more than a mail may be attempted
        asyncio.run(drain(database, given))
        assert_accounted_for(conn, ids)
        assert conn.execute(
            "SELECT bool_and(attempts = 0 AND run_at > now()), max(last_error) FROM jobs"
        ).fetchone() == (True, "the mail server cannot be reached: no connection")
        conn.execute("UPDATE jobs SET run_at = now()")

    assert conn.execute("SELECT count(*) FROM delivery_attempts").fetchone() == (0,)
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        asyncio.run(drain(database, environment(conn, **smtp(port))))
    assert len(mailbox.mails) == 20


def test_an_endpoint_that_does_not_answer_is_left_alone_by_every_process(
    conn: Connection, database: str
) -> None:
    receiver = Receiver()

    async def scenario() -> None:
        async with listening(_hang) as dead, serving(receiver) as side:
            add_endpoint(conn, "dead", dead.url("/"), timeout_seconds=1)
            add_endpoint(conn, "ok", side.url("/ok"))
            add_calls(conn, "dead", 1000)
            await drain(database, environment(conn))
            tried = len(dead.calls)
            assert 5 <= tried < 30
            ok = add_calls(conn, "ok", 200)

            # Another process, which knows of nothing but the rows.
            await drain(database, environment(conn))

            assert len(dead.calls) == tried
            assert outcomes(conn, ok) == {"sent"}

    asyncio.run(scenario())

    # Only what was tried has an attempt; the rest waits as it was, and no run is started for it.
    (untried,) = conn.execute(
        "SELECT count(*) FROM jobs WHERE attempts = 0 AND run_at <= now()"
    ).fetchone() or (0,)
    assert untried > 960
    assert conn.execute(
        "SELECT next_due_at() = rests_until, rest_reason LIKE '%%left alone%%'"
        " FROM webhook_endpoints WHERE name = 'dead'"
    ).fetchone() == (True, True)
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (1000,)


def test_a_missing_secret_lets_an_endpoints_calls_wait_untried(
    conn: Connection, database: str
) -> None:
    receiver = Receiver()

    async def scenario() -> None:
        async with serving(receiver) as side:
            add_endpoint(conn, "ok", side.url("/ok"))
            ids = add_calls(conn, "ok", 50)
            bare = {
                key: value
                for key, value in environment(conn).items()
                if not key.startswith("AIRFLOW_CONN")
            }
            await drain(database, bare)
            assert_accounted_for(conn, ids)
            assert conn.execute("SELECT sum(attempts) FROM jobs").fetchone() == (0,)
            assert conn.execute(
                "SELECT rest_reason LIKE '%%is missing' FROM webhook_endpoints"
            ).fetchone() == (True,)
            put_right(conn)
            assert (await drain(database, environment(conn))).sent == 50

    asyncio.run(scenario())


def test_a_clock_of_a_worker_that_jumps_loses_nothing(conn: Connection, database: str) -> None:
    """What is signed and waited for follows the jump; leases and turns are the database's."""
    receiver = Receiver()
    jumps = iter(range(10_000))

    def jumping() -> datetime:
        return datetime.now(UTC) + timedelta(days=(next(jumps) % 3 - 1) * 400)

    async def scenario() -> list[int]:
        async with serving(receiver) as side:
            add_endpoint(conn, "ok", side.url("/ok"))
            ids = add_calls(conn, "ok", 100)
            await drain(database, environment(conn), clock=jumping)
            return ids

    ids = asyncio.run(scenario())
    assert_accounted_for(conn, ids)
    assert outcomes(conn, ids) == {"sent"}
    assert sorted(receiver.took.values()) == [1] * 100


def test_a_database_clock_that_jumps_forward_kills_no_living_worker(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    """After such a jump every lease looks expired; what counts is that the heart goes on."""
    ids = mails(conn, 3000)
    log = tmp_path / "received"
    is_over = threading.Event()

    def jump() -> None:
        with connect(database, application_name="clock") as other:
            while not is_over.wait(0.02):
                other.execute("UPDATE job_workers SET leased_until = now() - interval '1 day'")

    jumping = threading.Thread(target=jump)
    jumping.start()

    async def both() -> list[Drained]:
        slow, other = Log(str(log)), Log(str(log))
        return await asyncio.gather(drainer(database, slow).run(), drainer(database, other).run())

    try:
        done = asyncio.run(both())
    finally:
        is_over.set()
        jumping.join()

    assert [each.late for each in done] == [0, 0]
    assert received(log) == Counter(ids)
    assert_all_accounted_for(conn, ids, log)


def test_a_database_clock_that_jumps_back_keeps_no_dead_worker_alive(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    """After such a jump the lease of the dead lasts for a day; its silence tells all the same."""
    ids = mails(conn, 500)
    log = tmp_path / "received"
    assert start(database, log, "sending").wait(timeout=60) < 0
    conn.execute("UPDATE job_workers SET leased_until = now() + interval '1 day'")
    began = time.monotonic()

    drain_all(database, log)

    assert time.monotonic() - began < 120  # not the day that its lease lasts
    assert_all_accounted_for(conn, ids, log)


@pytest.mark.parametrize("place", ["row", "log", "file"])
def test_the_search_for_secrets_finds_one(conn: Connection, tmp_path: Path, place: str) -> None:
    kept = tmp_path / "kept"
    kept.write_text("wr0ng-passw0rd" if place == "file" else "")
    if place == "row":
        (job,) = add_mails(conn, "ada")
        conn.execute("UPDATE jobs SET last_error = 'wr0ng-passw0rd' WHERE id = %s", (job,))

    with pytest.raises(AssertionError):
        assert_nowhere(conn, "wr0ng-passw0rd" if place == "log" else "", kept)
