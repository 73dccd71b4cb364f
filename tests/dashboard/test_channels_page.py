"""Mail and Slack: a test with the real answer, every attempt in a log, set up in a form."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from airflow.models.connection import Connection
from airflow.utils.session import create_session
from sqlalchemy import delete, select

from doclife.delivery.guard import ALLOW_HTTP, ALLOWED_NETWORKS
from tests.dashboard.conftest import value
from tests.delivery.mail_servers import Mailbox, mail_server

EVIL = "<script>alert(1)</script>"
TOKEN = "xoxb-1-s3cret"
pytestmark = pytest.mark.usefixtures("world")


class Slack(BaseHTTPRequestHandler):
    """Knows one channel, as Slack's Web API does: with 200, whatever happened."""

    def do_POST(self) -> None:
        """Take a message to #legal, and no other."""
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posted.append((self.headers["Authorization"], posted))
        is_known = posted.get("channel") in ("#legal", "C0123456789")
        answer = {"ok": True, "channel": "C0123456789", "ts": "1.2"}
        body = json.dumps(answer if is_known else {"ok": False, "error": "channel_not_found"})
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_arguments: object) -> None:
        """Stay quiet."""


@pytest.fixture
def slack(monkeypatch) -> Iterator[list[tuple[str, dict]]]:
    """What a workspace was sent, which the Connection doclife_slack leads to."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Slack) as server:
        server.posted = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        connection = {
            "conn_type": "slack",
            "password": TOKEN,
            "extra": {"base_url": f"http://127.0.0.1:{server.server_port}/api/"},
        }
        monkeypatch.setenv("AIRFLOW_CONN_DOCLIFE_SLACK", json.dumps(connection))
        monkeypatch.setenv(ALLOW_HTTP, "true")
        monkeypatch.setenv(ALLOWED_NETWORKS, "127.0.0.0/8")
        yield server.posted
        server.shutdown()
        thread.join()


@pytest.fixture
def mailbox(monkeypatch) -> Iterator[Mailbox]:
    """A mail server that the variables lead to."""
    taking = Mailbox(answers={"gone@example.org": f"550 5.1.1 no such user {EVIL}"})
    with mail_server(taking) as port:
        monkeypatch.setenv("EMAIL_PROVIDER", "smtp")
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(port))
        monkeypatch.setenv("EMAIL_FROM_ADDRESS", "records@example.org")
        yield taking


@pytest.fixture
def _own_connections(monkeypatch):
    """Airflow's Connections are read from its database, as an api-server does; none are left."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    yield
    with create_session() as session:
        session.execute(delete(Connection))


def stored(connection_id):
    with create_session() as session:
        return session.scalar(select(Connection).where(Connection.conn_id == connection_id))


def attempt(conn, job_id, *, kind="email", outcome="dead", minutes_ago=0, error="refused"):
    """One that is in the log; the job itself was given up."""
    conn.execute(
        "INSERT INTO delivery_attempts (job_id, attempt, organization_id, kind, outcome,"
        " status_code, latency_ms, answer_head, error, attempted_at)"
        " VALUES (%s, 1, 1, %s, %s, 550, 52, %s, %s, now() - make_interval(mins => %s))",
        (job_id, kind, outcome, EVIL, error, minutes_ago),
    )
    conn.execute(
        "INSERT INTO jobs_failed (id, organization_id, kind, payload, priority, attempts,"
        " max_attempts, last_error, requested_by, created_at, state)"
        """ VALUES (%s, 1, %s, '{"to": "a@example.org"}', 100, 1, 3, %s, 'user:olga', now(),"""
        " 'failed') ON CONFLICT DO NOTHING",
        (job_id, kind, error),
    )


# ------------------------------------------------------------------------------------- tests


def test_a_test_mail_arrives_and_the_page_shows_what_the_server_said(olga, conn, mailbox):
    answer = olga.post("/integrations/mail/test", to="olga@example.org")

    assert answer.status_code == 200
    assert "queued as 4711" in answer.text
    ((recipient, mail),) = mailbox.mails
    assert recipient == "olga@example.org"
    assert "default" in mail.get_content()
    words = olga.text("/integrations/mail")
    assert "Test" in words
    assert "to olga@example.org: taken" in words
    assert value(conn, "SELECT reason FROM audit_entries WHERE action = 'mail.tested'") == (
        "test mail to olga@example.org"
    )
    for nobodys in ("jobs", "notices", "notifications", "job_history"):
        assert value(conn, f"SELECT count(*) FROM {nobodys}") == 0


def test_a_refused_test_mail_shows_the_refusal_and_counts_as_failure(olga, mailbox):
    answer = olga.post("/integrations/mail/test", to="gone@example.org")

    assert answer.status_code == 200
    assert "550" in answer.text
    assert "5.1.1 no such user &lt;script&gt;" in answer.text
    assert not mailbox.mails
    assert "Failing" in olga.text("/integrations")


def test_a_suppressed_address_gets_no_test_and_a_viewer_sends_none(olga, vic, conn, mailbox):
    conn.execute(
        "INSERT INTO email_suppressions (organization_id, address, reason)"
        " VALUES (1, 'no@example.org', 'complained')"
    )

    refused = olga.post("/integrations/mail/test", to="No@example.org")

    assert refused.status_code == 422
    assert "gets no mail (complained)" in refused.text
    assert olga.post("/integrations/mail/test", to="nobody").status_code == 422
    assert vic.post("/integrations/mail/test", to="vic@example.org").status_code == 403
    assert "Send a test" not in vic.text("/integrations/mail")
    assert not mailbox.mails


def test_without_a_mail_service_a_test_says_what_to_do(olga):
    answer = olga.post("/integrations/mail/test", to="olga@example.org")

    assert "no mail service is configured" in answer.text
    assert "Not tried" in answer.text


def test_a_test_message_shows_slacks_answer_and_keeps_the_token_to_itself(olga, slack):
    taken = olga.post("/integrations/slack/test", to="#legal")
    refused = olga.post("/integrations/slack/test", to="#nowhere")

    assert "C0123456789" in taken.text
    assert "Slack answered channel_not_found" in refused.text
    assert [posted["channel"] for _, posted in slack] == ["#legal", "#nowhere"]
    assert slack[0][0] == f"Bearer {TOKEN}"
    words = olga.text("/integrations/slack")
    assert "to #legal: taken" in words
    assert "to #nowhere: Slack answered channel_not_found" in words
    assert TOKEN not in taken.text + refused.text + words


def test_a_saved_channel_is_tried_its_own_way_also_while_it_is_paused(olga, slack):
    olga.post(
        "/integrations/slack/channels/new",
        name="contracts",
        connection="doclife_slack",
        channel="#legal",
    )

    answer = olga.post("/integrations/slack/test", to="contracts")

    assert "C0123456789" in answer.text
    assert slack[0][1]["channel"] == "#legal"


# ------------------------------------------------------------------------------------- the log


def test_the_log_of_mail_is_searched_narrowed_and_leads_to_jobs(vic, conn):
    attempt(conn, 901, error="mailbox full", minutes_ago=2)
    attempt(conn, 902, error="no such user", minutes_ago=1)
    attempt(conn, 903, kind="slack", error="channel_not_found")

    page = vic.get("/integrations/mail").text

    assert page.index('/jobs/902"') < page.index('/jobs/901"')
    assert '/jobs/903"' not in page
    assert "<script>alert" not in page
    found = vic.get("/integrations/mail?q=Mailbox+FULL").text
    assert '/jobs/901"' in found
    assert '/jobs/902"' not in found
    assert "newest 5,000 attempts" in vic.text("/integrations/mail?q=elsewhere")
    assert "No attempt matches" in vic.text("/integrations/mail?outcome=sent")
    assert "No attempt matches" in vic.text("/integrations/mail?since=2099-01-01T00:00")
    assert vic.get("/integrations/mail?outcome=odd").status_code == 422
    assert vic.get("/integrations/mail?q=%00").status_code == 422


def test_a_long_log_goes_on_where_the_page_before_ended(vic, conn):
    for number in range(1000, 1051):
        attempt(conn, number, kind="slack", minutes_ago=number - 1000)
    page = vic.get("/integrations/slack").text
    cursor = page.split("cursor=")[1].split('"')[0].split("&")[0]

    rest = vic.get(f"/integrations/slack?cursor={cursor}").text

    assert '/jobs/1050"' not in page
    assert '/jobs/1050"' in rest
    assert '/jobs/1049"' not in rest


def test_what_was_given_up_is_sent_again_by_those_who_may(olga, vic, conn):
    attempt(conn, 901)
    attempt(conn, 902, kind="slack")

    assert vic.post("/integrations/mail/resend", job="901").status_code == 403
    assert "Tick some" in olga.follow(olga.post("/integrations/mail/resend"))
    # A message is no mail.
    assert "Nothing was sent" in olga.follow(olga.post("/integrations/mail/resend", job="902"))
    assert "1 is sent again" in olga.follow(olga.post("/integrations/mail/resend", job="901"))
    assert conn.execute("SELECT id FROM jobs").fetchall() == [(901,)]


# ------------------------------------------------------------------------------------- channels


def test_a_channel_is_made_changed_and_deleted_with_its_audit(olga, vic, conn):
    at = "/integrations/slack/channels"
    made = {"name": "legal", "channel": "#legal", "rules": "contracts-7y, invoices", "active": "1"}

    assert vic.post(f"{at}/new", **made).status_code == 403
    assert "legal is saved" in olga.follow(olga.post(f"{at}/new", **made))
    words = olga.text("/integrations/slack")
    assert "legal #legal doclife_slack rules contracts-7y, invoices Active" in words
    assert olga.post(f"{at}/new", **made).status_code == 422
    changed = {"channel": "C0123456789", "connection": "slack_legal", "types": "contract"}
    olga.follow(olga.post(f"{at}/legal/edit", **changed))
    words = olga.text("/integrations/slack")
    assert "legal C0123456789 slack_legal documents of type contract Paused" in words
    assert "own channel of that name from then on" in olga.text(f"{at}/legal/delete")
    assert vic.post(f"{at}/legal/delete").status_code == 403
    olga.follow(olga.post(f"{at}/legal/delete"))
    assert olga.get(f"{at}/legal/edit").status_code == 404
    done = "SELECT array_agg(action ORDER BY id) FROM audit_entries WHERE action LIKE 'slack%%'"
    assert value(conn, done) == [
        "slack_channel.changed",
        "slack_channel.changed",
        "slack_channel.deleted",
    ]


def test_another_connection_is_chosen_only_by_those_who_may_change_connections(olga, bob):
    at, foreign = "/integrations/slack/channels", {"channel": "#legal", "connection": "slack_other"}

    assert bob.post(f"{at}/new", name="legal", **foreign).status_code == 403
    assert bob.post(f"{at}/new", name="legal", channel="#legal").status_code == 303
    assert bob.post(f"{at}/legal/edit", **foreign).status_code == 403
    assert "slack_other" not in bob.text("/integrations/slack")
    assert olga.post(f"{at}/legal/edit", **foreign).status_code == 303
    # What the organization posts over already is everybody's who may edit.
    assert bob.post(f"{at}/legal/edit", **foreign | {"active": "1"}).status_code == 303


def test_what_is_no_channel_is_said_and_what_was_typed_is_kept(olga):
    answer = olga.post("/integrations/slack/channels/new", name="legal", channel="<!channel>")

    assert answer.status_code == 422
    assert "is no Slack channel" in answer.text
    assert 'value="&lt;!channel&gt;"' in answer.text
    assert olga.post("/integrations/slack/channels/new", name="auto").status_code == 422


def test_card_and_page_count_the_same_ways_into_slack(olga, conn, slack):
    assert "Slack integrations 1 The Connection" in olga.text("/")
    for name, is_active in (("legal", True), ("old", False)):
        conn.execute(
            "INSERT INTO slack_channels (organization_id, name, connection_id, is_active)"
            " VALUES (1, %s, 'doclife_slack', %s)",
            (name, is_active),
        )

    told = "The Connection and 1 channel, 1 paused"

    assert f"Slack integrations 2 {told}" in olga.text("/")
    assert told in olga.text("/integrations")


def test_without_slack_the_card_says_none_yet(olga):
    assert "Slack integrations 0 None yet" in olga.text("/")


# --------------------------------------------------------------------------------- suppressions


def test_an_address_is_suppressed_and_released_with_a_reason(olga, vic, conn):
    at = "/integrations/suppressions"
    given = {"address": "Old@example.org", "reason": "She left"}

    assert vic.post(at, **given).status_code == 403
    assert olga.post(at, address="old@example.org", reason=" ").status_code == 422
    assert olga.post(at, address="nobody", reason="x").status_code == 422
    assert "gets no more mail" in olga.follow(olga.post(at, **given))
    assert "got no mail already" in olga.follow(olga.post(at, **given))
    assert "old@example.org somebody asked for it" in vic.text(at)
    assert olga.post(f"{at}/remove", address="old@example.org", reason="").status_code == 422
    back = {"address": "old@example.org", "reason": "She is back"}
    assert "gets mail again" in olga.follow(olga.post(f"{at}/remove", **back))
    assert olga.post(f"{at}/remove", **back).status_code == 422
    told = conn.execute(
        "SELECT action, reason, actor FROM audit_entries WHERE action LIKE 'address.%%' ORDER BY id"
    ).fetchall()
    assert told == [
        ("address.suppressed", "She left", "user:olga"),
        ("address.released", "She is back", "user:olga"),
    ]


def test_a_long_list_of_addresses_is_searched_and_goes_on_by_address(vic, conn):
    conn.execute(
        "INSERT INTO email_suppressions (organization_id, address, reason)"
        " SELECT 1, 'p' || to_char(n, 'FM000') || '@example.org', 'bounced'"
        " FROM generate_series(1, 51) AS n"
    )
    page = vic.get("/integrations/suppressions").text
    cursor = page.split("cursor=")[1].split('"')[0].split("&")[0]

    rest = vic.text(f"/integrations/suppressions?cursor={cursor}")

    assert "p051@example.org" not in page
    assert "p051@example.org" in rest
    assert "p050@example.org" not in rest
    assert "p007@" in vic.text("/integrations/suppressions?q=P007")
    assert "No address matches" in vic.text("/integrations/suppressions?q=nobody")
    assert vic.get("/integrations/suppressions?cursor=bm8").status_code == 422
    assert vic.get("/integrations/suppressions?q=%00").status_code == 422


# ---------------------------------------------------------------------------------- Connections


@pytest.mark.usefixtures("_own_connections")
def test_a_mail_service_is_set_up_by_those_who_may_store_secrets(olga, bob, conn):
    at = "/integrations/mail/connection"
    typed = {
        "provider": "smtp",
        "sender": "records@example.org",
        "sender_name": "Records",
        "host": "smtp.example.org",
        "security": "starttls",
        "login": "records",
        "secret": "s3cret-of-smtp",
    }

    assert bob.post(at, **typed).status_code == 403
    assert bob.get(at).status_code == 403
    words = olga.follow(olga.post(at, **typed))

    assert "smtp, smtp.example.org:587, from records@example.org" in words
    made = stored("doclife_email")
    assert (made.conn_type, made.host, made.password) == (
        "smtp",
        "smtp.example.org",
        "s3cret-of-smtp",
    )
    shown = olga.get(at).text
    assert "s3cret-of-smtp" not in shown
    assert 'value="smtp.example.org"' in shown
    # Without a new one the password stays; a server of another name never gets it.
    olga.follow(olga.post(at, **{**typed, "secret": "", "sender_name": "Archive"}))
    assert stored("doclife_email").password == "s3cret-of-smtp"
    olga.follow(olga.post(at, **{**typed, "secret": "", "host": "smtp.example.com"}))
    assert not stored("doclife_email").password
    told = value(
        conn, "SELECT details::text FROM audit_entries WHERE action = 'connection.changed'"
    )
    assert "doclife_email" in told
    assert "s3cret" not in told


@pytest.mark.usefixtures("_own_connections")
def test_what_describes_no_service_is_not_stored(olga):
    at = "/integrations/mail/connection"

    no_domain = olga.post(at, provider="mailgun", sender="records@example.org", secret="key-1")
    no_sender = olga.post(at, provider="sendgrid", secret="SG.1", sender="nobody")

    assert no_domain.status_code == no_sender.status_code == 422
    assert "no domain" in no_domain.text
    assert "key-1" not in no_domain.text
    assert olga.post(at, provider="pigeon").status_code == 422
    assert stored("doclife_email") is None
    assert "Domain" in olga.text(f"{at}?provider=mailgun")


@pytest.mark.usefixtures("_own_connections")
@pytest.mark.parametrize("spoilt", ["\0", "\n", "\x1b", "\x85"])
def test_a_control_character_in_a_form_is_refused_before_anything_is_written(olga, conn, spoilt):
    typed = {
        "sender": "records@example.org",
        "sender_name": "Records",
        "host": "smtp.example.org",
        "port": "587",
        "security": "none",
        "login": "records",
        "region": "eu-west-1",
        "domain": "example.org",
        "secret": "s3cret",
    }

    for name, text in typed.items():
        fields = typed | {name: f"{text}{spoilt}x"}
        refused = olga.post("/integrations/mail/connection", provider="smtp", **fields)
        assert refused.status_code == 422, name
        assert f"{name.replace('_', ' ')}: a line end or another control" in refused.text
        assert "s3cret" not in refused.text
    slack = {"name": "slack_legal", "type_": "slack", "secret": f"xoxb-{spoilt}1"}
    assert olga.post("/integrations/slack/connection", **slack).status_code == 422

    assert stored("doclife_email") is None
    assert stored("slack_legal") is None
    written = "SELECT count(*) FROM audit_entries WHERE action = 'connection.changed'"
    assert value(conn, written) == 0


@pytest.mark.usefixtures("_own_connections")
def test_slack_is_set_up_and_nothing_else_is_overwritten(olga, bob):
    at = "/integrations/slack/connection"

    assert bob.post(at, name="doclife_slack", type_="slack", secret=TOKEN).status_code == 403
    olga.follow(olga.post(at, name="doclife_slack", type_="slack", secret=TOKEN))

    assert (stored("doclife_slack").conn_type, stored("doclife_slack").password) == ("slack", TOKEN)
    assert "Connection doclife_slack" in olga.text("/integrations/slack")
    assert TOKEN not in olga.get(at).text
    with create_session() as session:
        session.add(Connection(conn_id="warehouse", conn_type="postgres", password="theirs"))
    refused = olga.post(at, name="warehouse", type_="slack", secret=TOKEN)
    assert refused.status_code == 422
    assert "no Slack" in refused.text
    assert stored("warehouse").password == "theirs"
    webhook = {"name": "slack_new", "type_": "slackwebhook", "secret": "https://example.org/x"}
    assert olga.post(at, **webhook).status_code == 422
    assert stored("slack_new") is None


@pytest.mark.parametrize("name", ["", "a\0b", "a=b", "../x"])
def test_a_connection_that_no_name_could_have_is_not_even_looked_for(olga, name):
    answer = olga.post(
        "/integrations/slack/connection", name=name, type_="slack", secret="xoxb-2-other"
    )

    assert answer.status_code == 422
    assert "no name of a Connection" in answer.text
    assert "xoxb-2-other" not in answer.text


def test_what_comes_from_the_environment_is_changed_there(olga, slack):
    refused = olga.post(
        "/integrations/slack/connection", name="doclife_slack", type_="slack", secret="xoxb-2-other"
    )

    assert refused.status_code == 422
    assert "comes from the environment" in refused.text


def test_whoever_is_bound_to_an_organization_sets_up_nothing_for_all(olga, conn):
    conn.execute("INSERT INTO organization_members (organization_id, user_name) VALUES (1, 'olga')")

    assert olga.get("/integrations/mail/connection").status_code == 403
    assert olga.post("/integrations/slack/connection", secret=TOKEN).status_code == 403
    assert "Set up…" not in olga.text("/integrations/mail")
