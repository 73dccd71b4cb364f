"""Channels at a glance; an endpoint with its delivery log, tried, paused, its calls sent again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from airflow.models.connection import Connection
from airflow.utils.session import create_session
from sqlalchemy import delete, select

from doclife.delivery.guard import ALLOW_HTTP, ALLOWED_NETWORKS
from doclife.delivery.signing import new_secret
from tests.dashboard.conftest import value

EVIL = "<script>alert(1)</script>"


class Answer(BaseHTTPRequestHandler):
    """Says that it is being mended."""

    def do_POST(self) -> None:
        """Answer every call alike."""
        self.rfile.read(int(self.headers["Content-Length"]))
        body = f"mended until noon {EVIL}".encode()
        self.send_response(503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Stay quiet."""


@pytest.fixture
def far_side() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook"
        server.shutdown()
        thread.join()


def add_endpoint(conn, name, *, url="https://example.org/hook", organization_id=1, **columns):
    return value(
        conn,
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by, connection_id)"
        " VALUES (%s, %s, %s, 'user:olga', %s) RETURNING id",
        organization_id,
        name,
        url,
        columns.get("connection_id"),
    )


def give_up(conn, job_id, endpoint_id, *, minutes_ago=0):
    """A call that was tried once and given up."""
    conn.execute(
        "INSERT INTO jobs_failed (id, organization_id, kind, payload, priority, attempts,"
        " max_attempts, last_error, requested_by, endpoint_id, created_at, state, finished_at)"
        " VALUES (%s, 1, 'webhook', %s, 100, 1, 10, 'no', 'user:olga', %s, now(), 'failed',"
        " now() - make_interval(mins => %s))",
        (job_id, '{"endpoint": "erp", "type": "a.b", "data": {}}', endpoint_id, minutes_ago),
    )
    conn.execute(
        "INSERT INTO delivery_attempts (job_id, attempt, organization_id, kind, endpoint_id,"
        " outcome, status_code, latency_ms, answer_head, error, attempted_at)"
        " VALUES (%s, 1, 1, 'webhook', %s, 'dead', 422, 52, %s, 'refused',"
        " now() - make_interval(mins => %s))",
        (job_id, endpoint_id, EVIL, minutes_ago),
    )


def failed(conn):
    return {row[0] for row in conn.execute("SELECT id FROM jobs_failed").fetchall()}


@pytest.fixture
def erp(world, conn):
    """An endpoint with three calls that were given up, and one of another organization."""
    endpoint_id = add_endpoint(conn, "erp")
    for number in (901, 902, 903):
        give_up(conn, number, endpoint_id, minutes_ago=(904 - number) * 60)
    return endpoint_id


@pytest.fixture
def foreign(world, conn):
    branch = value(
        conn, "INSERT INTO organizations (slug, name) VALUES ('branch', 'Branch') RETURNING id"
    )
    return add_endpoint(conn, "theirs", organization_id=branch)


@pytest.mark.usefixtures("world")
def test_with_nothing_set_up_the_page_says_how_to_begin(vic):
    words = vic.text("/integrations")

    assert "No webhook endpoints yet" in words
    assert "Not set up" in words
    assert "Set up: None yet" in words


@pytest.mark.usefixtures("foreign")
def test_each_channel_shows_its_last_success_and_failure_in_ones_own_organization(vic, conn, erp):
    conn.execute(
        "INSERT INTO delivery_attempts (job_id, attempt, organization_id, kind, outcome, error,"
        " attempted_at) VALUES (1, 1, 1, 'email', 'sent', NULL, now() - interval '3 hours'),"
        " (2, 1, 1, 'slack', 'dead', 'channel_not_found', now()),"
        " (3, 1, 1, 'slack', 'retry', 'not of late', now() - interval '1 day')"
    )
    conn.execute(
        "INSERT INTO channel_stops (kind, reason, stopped_until)"
        " VALUES ('slack', 'token revoked', now() + interval '5 minutes')"
    )
    words = vic.text("/integrations")

    assert "Delivers 3 hours ago" in words
    assert "Stopped token revoked" in words
    assert "channel_not_found" in words
    assert "not of late" not in words
    assert "erp" in words
    assert "theirs" not in words


def test_the_log_has_every_attempt_and_is_narrowed_by_outcome_and_time(vic, erp):
    page = vic.get(f"/integrations/endpoints/{erp}").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert [page.index(f'/jobs/{number}"') for number in (903, 902, 901)] == sorted(
        page.index(f'/jobs/{number}"') for number in (901, 902, 903)
    )

    assert "No call matches" in vic.text(f"/integrations/endpoints/{erp}?outcome=sent")
    assert "No call matches" in vic.text(f"/integrations/endpoints/{erp}?since=2099-01-01T00:00")
    assert vic.get(f"/integrations/endpoints/{erp}?since=soon").status_code == 422


def test_a_long_log_goes_on_where_the_page_before_ended(vic, conn, erp):
    for number in range(1000, 1060):
        give_up(conn, number, erp)
    page = vic.get(f"/integrations/endpoints/{erp}").text
    cursor = page.split("cursor=")[1].split('"')[0].split("&")[0]

    assert '/jobs/901"' not in page
    assert '/jobs/901"' in vic.get(f"/integrations/endpoints/{erp}?cursor={cursor}").text
    for odd in ("WzEsMl0", "bm8", "WyIyMDI2LTAxLTAxIiwxLDFd", "WyJ4IiwiYSIsMV0"):
        assert vic.get(f"/integrations/endpoints/{erp}?cursor={odd}").status_code == 422


def test_an_endpoint_is_paused_and_enabled_by_those_who_may(olga, vic, conn, erp):
    at = f"/integrations/endpoints/{erp}"

    def state():
        return value(conn, "SELECT state FROM webhook_endpoints WHERE id = %s", erp)

    assert vic.post(f"{at}/state", state="paused").status_code == 403
    assert "wait until it is enabled" in olga.follow(olga.post(f"{at}/state", state="paused"))
    assert state() == "paused"
    assert "go again" in olga.follow(olga.post(f"{at}/state", state="enabled"))
    assert state() == "enabled"
    assert olga.post(f"{at}/state", state="disabled").status_code == 422


def test_a_test_call_shows_the_real_answer_as_text(olga, world, conn, far_side, monkeypatch):
    monkeypatch.setenv(ALLOW_HTTP, "true")
    monkeypatch.setenv(ALLOWED_NETWORKS, "127.0.0.0/8")
    secret = new_secret()
    monkeypatch.setenv(
        "AIRFLOW_CONN_ERP_SECRET", f'{{"conn_type": "http", "password": "{secret}"}}'
    )
    erp = add_endpoint(conn, "erp", url=far_side, connection_id="erp_secret")

    answer = olga.post(f"/integrations/endpoints/{erp}/test")

    assert answer.status_code == 200
    assert "503" in answer.text
    assert "mended until noon &lt;script&gt;" in answer.text
    assert secret not in answer.text
    assert value(conn, "SELECT actor FROM audit_entries WHERE action = 'endpoint.tested'") == (
        "user:olga"
    )


def test_ticked_calls_are_sent_again_under_their_numbers(olga, conn, erp):
    answer = olga.post(f"/integrations/endpoints/{erp}/resend", job=["901", "903"])

    assert "2 calls are sent again" in olga.follow(answer)
    assert failed(conn) == {902}
    assert value(conn, "SELECT count(*) FROM jobs WHERE id IN (901, 903)") == 2


def test_a_range_is_sent_again_with_its_reason(olga, conn, erp, here_and_now):
    since = here_and_now.timestamp() - 150 * 60
    local = here_and_now.fromtimestamp(since, here_and_now.tzinfo).isoformat()
    at = f"/integrations/endpoints/{erp}/range"

    assert olga.post(at, since=local, reason=" ", states="failed").status_code == 422
    olga.post(at, since=local, reason="They lost a day", states="failed")

    assert failed(conn) == {901}
    reason = "SELECT reason FROM audit_entries WHERE action = 'delivery.resent'"
    assert value(conn, reason) == "They lost a day"


def test_another_organizations_endpoint_is_not_there(olga, conn, foreign):
    at = f"/integrations/endpoints/{foreign}"

    assert olga.get(at).status_code == 404
    for deed in ("state", "test", "resend"):
        assert olga.post(f"{at}/{deed}", state="paused").status_code == 404
    assert value(conn, "SELECT state FROM webhook_endpoints WHERE id = %s", foreign) == "enabled"


def test_viewers_see_no_buttons_and_are_refused(vic, erp):
    page = vic.get("/integrations").text + vic.get(f"/integrations/endpoints/{erp}").text

    for words in ("Send a test", "Pause", "Resend", "Rotate", "New endpoint", "Edit"):
        assert words not in page
    assert vic.post(f"/integrations/endpoints/{erp}/resend", job="901").status_code == 403
    assert vic.post(f"/integrations/endpoints/{erp}/test").status_code == 403


def stored_secret(connection_id):
    """What Airflow keeps as password and previous secret."""
    with create_session() as session:
        found = session.scalar(select(Connection).where(Connection.conn_id == connection_id))
        return found.password, found.extra_dejson.get("previous_secret")


@pytest.fixture
def _no_connections_left():
    yield
    with create_session() as session:
        session.execute(delete(Connection))


@pytest.mark.usefixtures("world", "_no_connections_left")
def test_a_new_endpoint_and_a_rotation_show_their_secret_once_and_airflow_keeps_it(olga, conn):
    made = olga.post(
        "/integrations/endpoints/new",
        name="portal",
        url="https://93.184.216.34/in",
        events="document.*",
        timeout="20",
    )
    assert made.status_code == 200, made.text
    number = value(conn, "SELECT id FROM webhook_endpoints WHERE name = 'portal'")
    first, none = stored_secret(f"doclife_endpoint_{number}")
    assert first in made.text
    assert made.headers["cache-control"] == "no-store"
    assert none is None

    rotated = olga.post(f"/integrations/endpoints/{number}/rotate")
    second, previous = stored_secret(f"doclife_endpoint_{number}")
    assert second in rotated.text
    assert previous == first != second
    assert second not in olga.get(f"/integrations/endpoints/{number}").text
    assert not value(
        conn, "SELECT count(*) FROM audit_entries WHERE details::text LIKE %s", f"%{second}%"
    )


@pytest.mark.usefixtures("world")
def test_what_was_typed_wrong_is_said_and_kept(olga):
    answer = olga.post("/integrations/endpoints/new", name="No Name!", url="https://example.org")

    assert answer.status_code == 422
    assert "is no name for an endpoint" in answer.text
    assert 'value="https://example.org"' in answer.text


def test_settings_are_changed_by_those_who_may_edit(olga, bob, vic, conn, erp):
    at = f"/integrations/endpoints/{erp}"
    change = {"url": "https://93.184.216.34/new", "events": "document.*", "timeout": "12"}

    assert vic.post(f"{at}/edit", **change).status_code == 403
    assert bob.post(f"{at}/rotate").status_code == 403
    assert "https://93.184.216.34/new" in olga.follow(olga.post(f"{at}/edit", **change))
    assert olga.post(f"{at}/edit", **{**change, "timeout": "1e9"}).status_code == 422
    assert value(conn, "SELECT timeout_seconds FROM webhook_endpoints WHERE id = %s", erp) == 12


def test_hidden_headers_go_elsewhere_only_by_those_who_may_store_secrets(olga, bob, conn, erp):
    there = "https://93.184.216.34/hook"
    conn.execute(
        """UPDATE webhook_endpoints SET headers = '{"X-Token": "secret"}', url = %s"""
        " WHERE id = %s",
        (there, erp),
    )
    moved = {"url": "https://93.184.216.35/mine", "timeout": "7"}
    assert bob.post(f"/integrations/endpoints/{erp}/edit", **moved).status_code == 403
    assert value(conn, "SELECT url FROM webhook_endpoints WHERE id = %s", erp) == there
    kept = {**moved, "url": there}
    assert bob.post(f"/integrations/endpoints/{erp}/edit", **kept).status_code == 303
    assert olga.post(f"/integrations/endpoints/{erp}/edit", **moved).status_code == 303


def headers_and_rate(conn, endpoint_id):
    return conn.execute(
        "SELECT headers, max_per_second FROM webhook_endpoints WHERE id = %s", (endpoint_id,)
    ).fetchone()


def test_headers_and_rate_are_changed_in_the_form_and_what_headers_say_is_never_shown(
    olga, conn, erp
):
    at = f"/integrations/endpoints/{erp}/edit"
    kept = {"url": "https://example.org/hook"}
    tokens = {"headers": "X-Token: one-s3cret\nX-Tenant: 7", "a_second": "2.5"}

    olga.follow(olga.post(at, **kept, **tokens))

    assert headers_and_rate(conn, erp) == ({"X-Token": "one-s3cret", "X-Tenant": "7"}, 2.5)
    shown = olga.get(at).text + olga.get(f"/integrations/endpoints/{erp}").text
    assert "one-s3cret" not in shown
    assert "X-Token" in shown
    assert 'value="2.5"' in shown
    # What is not named stays; a rate that is taken out is no limit.
    olga.follow(olga.post(at, **kept, headers="x-tenant: 8", without=["X-Token"], a_second=""))
    assert headers_and_rate(conn, erp) == ({"x-tenant": "8"}, None)
    for odd in ({"headers": "no colon"}, {"headers": "Host: x"}, {"a_second": "often"}):
        assert olga.post(at, **kept, **odd).status_code == 422
    assert headers_and_rate(conn, erp) == ({"x-tenant": "8"}, None)


def test_many_endpoints_go_on_by_name(vic, conn, world):
    for number in range(51):
        add_endpoint(conn, f"hook-{number:02}")
    page = vic.get("/integrations").text
    cursor = page.split("cursor=")[1].split('"')[0].split("&")[0]

    rest = vic.text(f"/integrations?cursor={cursor}")

    assert "hook-49" in page
    assert "hook-50" not in page
    assert "hook-50" in rest
    assert "hook-49" not in rest
    assert vic.get("/integrations?cursor=WzFd").status_code == 422


def test_the_log_of_an_endpoint_is_searched_by_words_and_shows_tests(
    olga, conn, erp, far_side, monkeypatch
):
    monkeypatch.setenv(ALLOW_HTTP, "true")
    monkeypatch.setenv(ALLOWED_NETWORKS, "127.0.0.0/8")
    monkeypatch.setenv(
        "AIRFLOW_CONN_ERP_SECRET", f'{{"conn_type": "http", "password": "{new_secret()}"}}'
    )
    conn.execute(
        "UPDATE webhook_endpoints SET url = %s, connection_id = 'erp_secret' WHERE id = %s",
        (far_side, erp),
    )
    at = f"/integrations/endpoints/{erp}"
    olga.post(f"{at}/test")

    assert "Test" in olga.text(at)
    found = olga.get(f"{at}?q=MENDED").text
    assert "503" in found
    assert '/jobs/901"' not in found
    assert '/jobs/902"' in olga.get(f"{at}?q=902").text
    assert "No call matches" in olga.text(f"{at}?q=elsewhere")
