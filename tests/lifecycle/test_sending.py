"""From one call in SQL to mail, webhook and Slack: the queue with every channel there is."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from doclife.connections import from_environment
from doclife.delivery.configuration import read_delivery_settings
from doclife.delivery.signing import new_secret
from doclife.lifecycle import delivery_tally, draining
from doclife.lifecycle.draining import Drained, DrainSettings
from doclife.lifecycle.sending import drain_queue
from doclife.lifecycle.stores import open_stores
from doclife.store import endpoints
from doclife.store.connection import connect
from tests.delivery.far_side import FarSide, serving
from tests.delivery.mail_servers import Mailbox, mail_server

SECRET = new_secret()


async def drain(database: str, environment: dict[str, str], **options: Any) -> Drained:
    return await drain_queue(
        connect=lambda: connect(database, application_name="drain"),
        delivery=read_delivery_settings(environment),
        connections=from_environment(environment),
        open_stores=lambda conn: open_stores(conn, options=lambda _connection_id: {}),
        name="test",
        present=lambda: datetime.now(UTC),
        chance=lambda: 0.5,
        **{"settings": DrainSettings(linger_seconds=0), **options},
    )


def enqueue(conn: Any, kind: str, payload: dict[str, Any]) -> int:
    row = conn.execute("SELECT enqueue_job(%s, %s)", (kind, json.dumps(payload))).fetchone()
    return int(row[0])


def test_three_calls_in_sql_reach_three_far_sides(database, conn):
    mailbox = Mailbox(answers={"gone@example.org": "550 5.1.1 no such user"})

    async def slack_or_hook(request):
        return web.json_response({"ok": True})

    async def scenario(port: int) -> tuple[Drained, FarSide]:
        async with serving(slack_or_hook) as side:
            endpoint_id = endpoints.insert(
                conn,
                organization_id=1,
                name="erp",
                url=side.url(),
                headers={},
                timeout_seconds=5,
                max_concurrency=4,
                max_per_second=None,
                created_by="user:olga",
            )
            conn.execute(
                "INSERT INTO slack_channels (organization_id, name, connection_id, channel)"
                " VALUES (1, 'legal', 'slack_legal', 'C0123456789')"
            )
            conn.commit()
            slack = {
                "conn_type": "slack",
                "password": "xoxb-1",
                "extra": {"base_url": side.url("/api/")},
            }
            environment = {
                "DOCLIFE_ALLOWED_NETWORKS": "127.0.0.0/8",
                "DOCLIFE_ALLOW_HTTP": "true",
                "SMTP_HOST": "127.0.0.1",
                "SMTP_PORT": str(port),
                "EMAIL_FROM_ADDRESS": "records@example.org",
                "AIRFLOW_CONN_SLACK_LEGAL": json.dumps(slack),
                f"AIRFLOW_CONN_DOCLIFE_ENDPOINT_{endpoint_id}": json.dumps(
                    {"conn_type": "http", "password": SECRET}
                ),
            }
            return await drain(database, environment), side

    words = {"subject": "Due", "text": "It is due."}
    mail_id = enqueue(conn, "email", {"to": "ben@example.org", **words})
    gone_id = enqueue(conn, "email", {"to": "gone@example.org", **words})
    hook_id = enqueue(conn, "webhook", {"endpoint": "erp", "type": "a.b", "data": {"n": 1}})
    enqueue(conn, "slack", {"channel": "legal", "text": "Due"})
    conn.commit()

    with mail_server(mailbox) as port:
        drained, side = asyncio.run(scenario(port))

    assert (drained.sent, drained.failed) == (3, 1)
    assert [str(arrived["Message-ID"]) for _, arrived in mailbox.mails] == [
        f"<doclife-{mail_id}@example.org>"
    ]
    calls = {call.path: call for call in side.calls}
    hook = calls["/hook"]
    Webhook(SECRET).verify(hook.body, hook.headers)
    assert hook.headers["webhook-id"] == f"msg_{hook_id}"
    assert json.loads(calls["/api/chat.postMessage"].body)["channel"] == "C0123456789"
    given_up = conn.execute("SELECT id, last_error FROM jobs_failed").fetchall()
    assert [id_ for id_, _ in given_up] == [gone_id]
    assert "550" in given_up[0][1]
    found = conn.execute("SELECT address FROM email_suppressions").fetchall()
    assert found == [("gone@example.org",)]


def test_events_and_schedules_go_on_where_attempts_cannot_be_counted(
    database: str, conn: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivery_tally, "STORE_SECONDS", 0.0)
    monkeypatch.setattr(draining, "CHORES_SECONDS", 0.05)
    conn.execute("ALTER TABLE delivery_counts RENAME TO away")
    enqueue(conn, "email", {"to": "a@example.org", "subject": "Hello", "text": "Hello"})
    conn.commit()

    async def scenario(port: int) -> Drained:
        environment = {
            "DOCLIFE_ALLOWED_NETWORKS": "127.0.0.0/8",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(port),
            "EMAIL_FROM_ADDRESS": "records@example.org",
        }
        settings = DrainSettings(linger_seconds=2)
        return await drain(database, environment, counts_deliveries=True, settings=settings)

    with caplog.at_level(logging.WARNING), mail_server(Mailbox()) as port:
        assert asyncio.run(scenario(port)).sent == 1

    said = [record.getMessage() for record in caplog.records]
    assert any("not counted for metrics yet" in one for one in said)
    assert not any("left to their own tasks" in one for one in said)
