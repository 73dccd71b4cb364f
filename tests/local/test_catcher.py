"""The catcher: what doclife's own channels send reaches it, and a page shows it harmlessly."""

from __future__ import annotations

import asyncio
import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import aiohttp
import aiosmtplib
import psutil
import pytest
from standardwebhooks import Webhook

from doclife.connections import from_environment
from doclife.delivery.channel import Endpoint, Message
from doclife.delivery.configuration import read_delivery_settings
from doclife.delivery.links import read_links
from doclife.delivery.opening import open_channels
from doclife.delivery.outcome import Attempt, Outcome
from local import deliveries
from local.catcher import caught
from local.catcher.caught import CaughtFolder, Kind
from local.deliveries import Catcher, find_catcher, hook_setting, settings
from local.ports import own_loopback
from local.state import ROOT, State

AIRFLOW = "http://127.0.0.1:8080"

# As `python -m local.catcher`, on a folder of the test's own.
CATCHER = """
import asyncio, os, sys
from pathlib import Path
from local.catcher.__main__ import known_secrets, serve
from local.state import State
asyncio.run(serve(State(Path(sys.argv[1])), secrets=known_secrets(os.environ)))
"""


@dataclass(frozen=True, kw_only=True)
class Running:
    """A catcher that listens."""

    state: State
    catcher: Catcher
    process: subprocess.Popen[bytes]

    @property
    def settings(self) -> dict[str, str]:
        """What ./run sets for those who set nothing themselves."""
        return settings(self.state, self.catcher, {}, address=AIRFLOW)

    def files(self, kind: Kind) -> list[Path]:
        return [one.path for one in CaughtFolder(self.state.folder / "caught").list(kind)]


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "local data")


@pytest.fixture
def running(state: State) -> Iterator[Running]:
    with_process = start(state)
    yield with_process
    with_process.process.kill()
    with_process.process.wait()


def start(state: State) -> Running:
    process = subprocess.Popen(
        [sys.executable, "-c", CATCHER, str(state.folder)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", **hook_setting(state, {})},
    )
    gives_up_at = time.monotonic() + 120
    while (catcher := find_catcher(state)) is None:
        assert process.poll() is None
        assert time.monotonic() < gives_up_at
        time.sleep(0.05)
    return Running(state=state, catcher=catcher, process=process)


def send(running: Running, kind: str, payload: Mapping[str, object]) -> Attempt:
    """Deliver one message as process_queue does, by the settings of ./run."""
    environment = running.settings
    connections = from_environment(environment)
    secret = connections(deliveries.HOOK_CONNECTION)
    assert secret is not None
    message = Message(
        job_id=1,
        kind=kind,
        stored=json.dumps(payload),
        organization="sample",
        attempt=1,
        timeout=timedelta(seconds=30),
        endpoint=Endpoint(
            id=1,
            name=deliveries.HOOK,
            url=running.catcher.hook,
            secrets=(str(secret.password),),
            headers={},
            timeout=timedelta(seconds=30),
            max_concurrency=1,
            max_per_second=None,
        ),
    )

    async def deliver() -> Attempt:
        async with open_channels(
            read_delivery_settings(environment),
            connections=connections,
            clock=lambda: datetime.now(UTC),
        ) as channels:
            return (await channels[kind].deliver([message]))[0]

    return asyncio.run(deliver())


def get(url: str) -> tuple[int, str, Mapping[str, str]]:
    async def ask() -> tuple[int, str, Mapping[str, str]]:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status, await answer.text(), answer.headers

    return asyncio.run(ask())


def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    async def call() -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=headers) as answer,
        ):
            return answer.status, await answer.text()

    return asyncio.run(call())


def test_before_anything_came_the_page_says_what_to_expect(running):
    status, text, _ = get(running.catcher.page)

    assert status == 200
    assert "Nothing has come yet." in text


def test_a_mail_of_doclife_is_caught_and_shown_as_text_and_html(running):
    mail = {"to": "anna@example.org", "subject": "Due", "text": "Plain.", "html": "<b>Bold.</b>"}

    attempt = send(running, "email", mail)

    assert attempt.outcome is Outcome.SENT, attempt
    (file,) = running.files(Kind.MAIL)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"Delivered-To: anna@example.org\r\n" in file.read_bytes()
    _, listed, _ = get(running.catcher.page)
    assert "anna@example.org" in listed
    _, shown, _ = get(f"{running.catcher.page}{file.stem}")
    assert "Plain." in shown
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    _, html, headers = get(f"{running.catcher.page}{file.stem}/html")
    assert "<b>Bold.</b>" in html
    assert headers["Content-Security-Policy"].startswith("sandbox ")
    assert "allow-scripts" not in headers["Content-Security-Policy"]


def test_nothing_of_a_mail_runs_on_the_page(running):
    evil = EmailMessage()
    evil["From"], evil["To"] = "a@example.org", "b@example.org"
    evil["Subject"] = "<script>alert(1)</script>"
    evil.set_content("</pre><script>alert(2)</script>")

    asyncio.run(aiosmtplib.send(evil, hostname="127.0.0.1", port=running.catcher.mail_port))

    (file,) = running.files(Kind.MAIL)
    for page in (running.catcher.page, f"{running.catcher.page}{file.stem}"):
        _, text, headers = get(page)
        assert "<script" not in text
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_a_message_of_doclife_to_slack_is_caught_with_channel_and_blocks(running):
    section = {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "*Bold* &lt;not bold&gt; *a &lt;b&gt;*"},
    }
    link = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Open"},
        "url": "https://x.org",
    }
    trap = {**link, "url": "javascript:alert(1)"}
    blocks = [section, {"type": "actions", "elements": [link, trap]}]

    attempt = send(running, "slack", {"channel": "#records", "text": "Bold", "blocks": blocks})

    assert attempt.outcome is Outcome.SENT, attempt
    (file,) = running.files(Kind.SLACK)
    assert "xoxb-" not in file.read_text(), "a token is not kept"
    _, text, _ = get(f"{running.catcher.page}{file.stem}")
    assert "<dd>#records</dd>" in text
    assert "<strong>Bold</strong> &lt;not bold&gt; <strong>a &lt;b&gt;</strong>" in text
    assert 'href="https://x.org"' in text
    assert 'href="javascript' not in text


def test_a_webhook_of_doclife_is_caught_and_its_signature_verified(running):
    attempt = send(running, "webhook", {"type": "document.purged", "data": {"number": 4711}})

    assert attempt.outcome is Outcome.SENT, attempt
    (file,) = running.files(Kind.WEBHOOK)
    assert json.loads(file.read_text())["signature"] == "verified"
    _, text, _ = get(f"{running.catcher.page}{file.stem}")
    assert "document.purged" in text
    assert "4711" in text
    assert "webhook-signature" in text


def test_a_call_that_is_signed_wrongly_is_refused_and_shown_so(running):
    body = b'{"type": "a.b", "timestamp": "2026-11-23T00:00:00Z", "data": {}}'
    now = datetime.now(UTC)
    other = Webhook("whsec_" + "QUJD" * 8).sign("msg_1", now, body.decode())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": other,
    }

    status, said = post(running.catcher.hook, body, headers)
    elsewhere, _ = post(f"{running.catcher.receiver}/hooks/mine", body, headers)

    assert (status, said) == (401, "wrong: No matching signature found")
    assert elsewhere == 204, "an endpoint whose secret is not known here is not judged"
    _, text, _ = get(running.catcher.page)
    assert 'class="signature wrong"' in text
    assert 'class="signature unknown"' in text


def test_without_the_key_nobody_sees_anything(running):
    root = f"http://127.0.0.1:{running.catcher.page_port}/"

    assert [get(root)[0], get(f"{root}guessed/")[0]] == [404, 404]


def test_it_listens_on_this_machine_only(running):
    process = psutil.Process(running.process.pid)

    addresses = {c.laddr.ip for c in process.net_connections() if c.status == psutil.CONN_LISTEN}

    assert addresses == {"127.0.0.1", own_loopback()}


def test_a_restart_keeps_what_came_and_the_ports(state):
    first = start(state)
    send(first, "webhook", {"type": "document.purged", "data": {}})
    state.write(deliveries.PORTS, first.catcher.ports)
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(120) == 0
    (state.folder / deliveries.CATCHER).unlink()

    second = start(state)
    # A port that somebody else took meanwhile is replaced.
    (state.folder / deliveries.CATCHER).unlink()
    third = start(state)

    assert second.catcher == first.catcher
    assert len(second.files(Kind.WEBHOOK)) == 1
    assert set(third.catcher.ports.values()).isdisjoint(second.catcher.ports.values())
    for one in (second, third):
        one.process.kill()
        one.process.wait()


def test_only_the_newest_of_each_kind_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(caught, "KEPT", 2)
    folder = CaughtFolder(tmp_path / "caught")
    for minute in range(4):
        at = datetime(2026, 11, 23, 4, minute, tzinfo=UTC)
        folder.add_call(Kind.SLACK, {"minute": minute}, received_at=at)
    folder.add_mail(b"Subject: kept\r\n\r\n", received_at=datetime(2026, 1, 1, tzinfo=UTC))

    assert [one.call()["minute"] for one in folder.list(Kind.SLACK)] == [3, 2]
    assert folder.counts() == {Kind.MAIL: 1, Kind.SLACK: 2, Kind.WEBHOOK: 0}


SOMEBODYS = Catcher(mail_port=1, receiver_port=2, page_port=3, key="k")


@pytest.mark.parametrize(
    "given",
    [
        {"EMAIL_PROVIDER": "ses"},
        {"SMTP_HOST": "mail.example.org"},
        {"AIRFLOW_CONN_DOCLIFE_EMAIL": "smtp://mail.example.org"},
        {"DOCLIFE_EMAIL_CONNECTION": "our_mail"},
    ],
)
def test_whoever_sets_up_mail_gets_none_of_the_catchers_settings(state, given):
    ours = settings(state, SOMEBODYS, given, address=AIRFLOW)

    assert not [name for name in ours if name.startswith(("EMAIL_", "SMTP_"))]


def test_whoever_sets_up_slack_is_not_caught_wherever_they_did(state):
    variable = "AIRFLOW_CONN_DOCLIFE_SLACK"

    assert variable in settings(state, SOMEBODYS, {}, address=AIRFLOW)
    assert variable not in settings(state, SOMEBODYS, {variable: "slack://:xoxb@"}, address=AIRFLOW)
    assert variable not in settings(
        state, SOMEBODYS, {"DOCLIFE_SLACK_CONNECTION": "ours"}, address=AIRFLOW
    )
    assert variable not in settings(
        state, SOMEBODYS, {}, address=AIRFLOW, connections=["doclife_slack"]
    )


def test_networks_that_somebody_allowed_stay_allowed_and_one_address_is_added(state):
    ours = settings(state, SOMEBODYS, {"DOCLIFE_ALLOWED_NETWORKS": "10.0.0.0/8"}, address=AIRFLOW)
    closed = settings(state, SOMEBODYS, {"DOCLIFE_ALLOW_HTTP": "false"}, address=AIRFLOW)

    assert ours["DOCLIFE_ALLOWED_NETWORKS"] == f"10.0.0.0/8, {own_loopback()}/32"
    assert ours["DOCLIFE_ALLOW_HTTP"] == "true"
    assert "DOCLIFE_ALLOW_HTTP" not in closed


def test_only_the_catchers_own_address_of_this_machine_is_opened(running):
    guard = read_delivery_settings(running.settings).guard

    networks = [str(network) for network in guard.allowed]

    assert networks == [f"{own_loopback()}/32"]
    assert sys.platform != "linux" or own_loopback() != "127.0.0.1", "other servers stay closed"


def test_links_of_messages_lead_to_this_airflow_unless_somebody_says_where(state):
    given = {"DOCLIFE_PUBLIC_URL": "https://documents.example.com"}
    ours = settings(state, SOMEBODYS, {}, address=AIRFLOW)
    links = read_links(ours, connections=from_environment(ours))

    assert links.public_url == AIRFLOW
    assert "DOCLIFE_PUBLIC_URL" not in settings(state, SOMEBODYS, given, address=AIRFLOW)
