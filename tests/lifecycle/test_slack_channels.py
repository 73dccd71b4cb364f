"""Which Slack channel a message goes to."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from doclife.connections import ServiceConnection
from doclife.delivery.channel import Message
from doclife.lifecycle.slack_channels import choose, save_channel, slack_routes
from doclife.store import organizations
from doclife.store.slack_channels import SlackChannelRow, list_all
from tests.lifecycle.conftest import NOW

ROWS = [
    SlackChannelRow(**{"is_active": True, "document_types": None, "rule_names": None, **row})
    for row in (
        {"organization": "default", "name": "default", "connection_id": "a", "channel": "C0"},
        {
            "organization": "default",
            "name": "invoices",
            "connection_id": "a",
            "channel": "C1",
            "document_types": ["invoice"],
        },
        {
            "organization": "default",
            "name": "legal",
            "connection_id": "b",
            "channel": None,
            "rule_names": ["contracts-7y"],
        },
        {
            "organization": "default",
            "name": "old",
            "connection_id": "b",
            "channel": "C9",
            "document_types": ["invoice"],
            "is_active": False,
        },
        {"organization": "acme", "name": "acme", "connection_id": "c", "channel": "C2"},
    )
]


def message(channel: str, *, organization: str = "default", **payload: Any) -> Message:
    return Message(
        job_id=1,
        kind="slack",
        stored=json.dumps({"channel": channel, "text": "x", **payload}),
        organization=organization,
        endpoint=None,
        attempt=1,
        timeout=timedelta(seconds=1),
    )


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (message("legal"), "legal"),
        (message("#legal"), "legal"),
        (message("#elsewhere"), None),
        (message("#old"), None),
        (message("#acme"), None),
        (message("auto", rule="contracts-7y@3"), "legal"),
        (message("auto", rule="contracts-7y@3", document={"document_type": "invoice"}), "legal"),
        (message("auto", rule="other@1", document={"document_type": "invoice"}), "invoices"),
        (message("auto", document={"document_type": "memo"}), "default"),
        (message("auto", organization="acme"), None),
    ],
)
def test_a_message_finds_its_channel(given: Message, name: str | None) -> None:
    found = choose(ROWS, given)

    assert (found and found.name) == name


def test_each_channel_posts_over_its_own_connection() -> None:
    connections = {
        "a": ServiceConnection(id="a", type="slack", password="xoxb-a"),
        "doclife_slack": ServiceConnection(id="d", type="slack", password="xoxb-d"),
    }
    find = slack_routes(ROWS, connections=connections.get, default_connection="doclife_slack")

    own, other, missing = (find(message(to)) for to in ("invoices", "#elsewhere", "legal"))

    assert own is not None
    assert (own.token, own.channel) == ("xoxb-a", "C1")
    assert other is not None
    assert (other.token, other.channel) == ("xoxb-d", None)
    assert missing is None


def test_a_saved_channel_is_audited_once(conn: Any) -> None:
    tenant = organizations.find(conn, "default")

    saved = [
        save_channel(conn, organization=tenant, row=ROWS[1], now=NOW, actor="user:olga")
        for _ in range(2)
    ]

    assert saved == [True, False]
    assert list_all(conn) == [ROWS[1]]
    actions = conn.execute("SELECT action FROM audit_entries").fetchall()
    assert actions == [("slack_channel.changed",)]
