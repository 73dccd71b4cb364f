"""doclife mail, and the test of doclife slack."""

import json

import pytest

from doclife.delivery.guard import ALLOW_HTTP, ALLOWED_NETWORKS
from tests.delivery.mail_servers import Mailbox, mail_server


@pytest.fixture
def mailbox(monkeypatch):
    taking = Mailbox(answers={"gone@example.org": "550 5.1.1 no such user"})
    with mail_server(taking) as port:
        monkeypatch.setenv("EMAIL_PROVIDER", "smtp")
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(port))
        monkeypatch.setenv("EMAIL_FROM_ADDRESS", "records@example.org")
        yield taking


def test_a_test_mail_says_what_the_server_answered(cli, mailbox):
    told = cli("mail", "test", "olga@example.org").output
    refused = cli("mail", "test", "gone@example.org", exit_code=1).output

    assert "Mail to olga@example.org was taken: status 250" in told
    assert "queued as 4711" in told
    assert "550 5.1.1 no such user" in refused
    assert [recipient for recipient, _ in mailbox.mails] == ["olga@example.org"]


def test_slack_that_is_not_there_is_said(cli, monkeypatch):
    assert "no Slack is configured" in cli("slack", "test", "#legal", exit_code=1).output

    nobody = {"conn_type": "slack", "password": "x", "extra": {"base_url": "http://127.0.0.1:1/"}}
    monkeypatch.setenv("AIRFLOW_CONN_DOCLIFE_SLACK", json.dumps(nobody))
    monkeypatch.setenv(ALLOW_HTTP, "true")
    monkeypatch.setenv(ALLOWED_NETWORKS, "127.0.0.0/8")
    tried = cli.json("slack", "test", "#legal", exit_code=1)["attempt"]
    assert tried["outcome"] == "retry"
    assert "refused or cannot be made" in tried["error"]


def test_a_saved_channel_is_deleted_once(cli):
    cli("slack", "save", "legal", "--channel", "#legal")

    cli("slack", "delete", "legal")

    assert cli.json("slack", "list")["channels"] == []
    assert "no saved Slack channel" in cli("slack", "delete", "legal", exit_code=1).errors
