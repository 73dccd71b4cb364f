"""/mail, /slack and /suppressions of the JSON API."""

from __future__ import annotations

import pytest

from tests.dashboard.conftest import value
from tests.delivery.mail_servers import Mailbox, mail_server

pytestmark = pytest.mark.usefixtures("world")


def test_a_test_returns_the_real_answer_to_those_who_may_send(olga, vic, conn, monkeypatch):
    body = {"to": "olga@example.org"}
    with mail_server(Mailbox()) as port:
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(port))
        monkeypatch.setenv("EMAIL_FROM_ADDRESS", "records@example.org")

        tried = olga.api("POST", "/mail/test", json=body).json()

    assert (tried["outcome"], tried["status_code"]) == ("sent", 250)
    assert "queued as 4711" in tried["answer_head"]
    assert vic.api("POST", "/mail/test", json=body).status_code == 403
    assert olga.api("POST", "/mail/test", json={"to": "nobody"}).status_code == 422
    slack = olga.api("POST", "/slack/test", json={}).json()
    assert "no Slack is configured" in slack["error"]
    assert value(conn, "SELECT count(*) FROM delivery_attempts WHERE job_id < 0") == 2


def test_a_slack_channel_gets_another_connection_only_from_who_may_change_them(olga, bob):
    at, body = "/slack/channels/legal", {"channel": "#legal", "connection_id": "slack_other"}

    assert bob.api("PUT", at, json=body).status_code == 403
    assert bob.api("GET", "/slack/channels").json()["items"] == []
    assert bob.api("PUT", at, json={"channel": "#legal"}).status_code == 200
    assert olga.api("PUT", at, json=body).status_code == 200


def test_a_slack_channel_is_saved_listed_and_deleted(olga, vic):
    at, body = "/slack/channels/legal", {"channel": "#legal", "rule_names": ["contracts"]}

    assert vic.api("PUT", at, json=body).status_code == 403
    saved = olga.api("PUT", at, json=body).json()
    assert saved["connection_id"] == "doclife_slack"
    assert vic.api("GET", "/slack/channels").json()["items"] == [saved]
    assert olga.api("PUT", at, json={"channel": "<!here>"}).status_code == 422
    assert olga.api("DELETE", at).status_code == 204
    assert olga.api("DELETE", at).status_code == 404


def test_an_address_is_suppressed_found_and_released(olga, vic, conn):
    at, why = "/suppressions/old@example.org", {"reason": "She left"}

    assert vic.api("PUT", at, json=why).status_code == 403
    assert olga.api("PUT", at, json={}).status_code == 422
    assert olga.api("PUT", at, json=why).status_code == 204
    olga.api("PUT", "/suppressions/zoe@example.org", json=why)
    first = vic.api("GET", "/suppressions?limit=1").json()
    assert [one["address"] for one in first["items"]] == ["old@example.org"]
    rest = vic.api("GET", f"/suppressions?cursor={first['next_cursor']}").json()
    assert [one["address"] for one in rest["items"]] == ["zoe@example.org"]
    assert vic.api("GET", "/suppressions?q=nobody").json()["items"] == []
    assert olga.api("POST", f"{at}/release", json={"reason": "She is back"}).status_code == 204
    assert olga.api("POST", f"{at}/release", json=why).status_code == 422
    told = "SELECT array_agg(reason ORDER BY id) FROM audit_entries WHERE action LIKE 'address.%%'"
    assert value(conn, told) == ["She left", "She left", "She is back"]
