"""No mail to addresses that want or have none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from doclife.delivery.email import EmailChannel
from doclife.delivery.outcome import Attempt, Outcome
from doclife.delivery.smtp import SmtpTransport
from doclife.lifecycle.suppressing import SuppressingChannel, release, suppress
from doclife.store import organizations, suppressions
from doclife.store.connection import connect
from tests.delivery.far_side import NOW
from tests.delivery.mail_servers import Mailbox, mail_server
from tests.delivery.test_smtp import SENDER, mail, service


def deliver(database: str, mailbox: Mailbox, *addresses: str) -> Sequence[Attempt]:
    with mail_server(mailbox) as port:
        channel = EmailChannel(SmtpTransport(service(port), clock=lambda: NOW), sender=SENDER)
        wrapped = SuppressingChannel(
            channel, connect=lambda: connect(database, application_name="test")
        )
        messages = [mail(number, address) for number, address in enumerate(addresses)]
        try:
            return asyncio.run(wrapped.deliver(messages))
        finally:
            wrapped.close()


def test_a_mailbox_that_does_not_exist_gets_one_mail_and_no_second(database, conn):
    mailbox = Mailbox(
        answers={
            "gone@example.org": "550 5.1.1 no such user",
            "spam@example.org": "550 5.7.1 not today",
        }
    )
    addresses = ("ada@example.org", "Gone@example.org", "gone@example.org", "spam@example.org")

    first = deliver(database, mailbox, *addresses)
    mailbox.answers.clear()
    second = deliver(database, mailbox, *addresses)

    assert [one.outcome for one in first][:1] == [Outcome.SENT]
    assert [one.outcome for one in second] == [
        Outcome.SENT,
        Outcome.DEAD,
        Outcome.DEAD,
        Outcome.SENT,
    ]
    assert "bounced" in (second[1].error or "")
    assert [
        one.address
        for one in suppressions.list_page(
            conn, organization_id=1, words=None, after=None, size=None
        )
    ] == ["gone@example.org"]


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("manual", Outcome.DEAD),
        ("complained", Outcome.DEAD),
        ("bounced", Outcome.DEAD),
        ("unsubscribed", Outcome.SENT),  # from summaries, which are not made then
    ],
)
def test_who_signed_off_from_summaries_still_gets_warnings(database, conn, reason, outcome):
    suppressions.add(conn, organization="default", address="ben@example.org", reason=reason)
    conn.commit()

    attempts = deliver(database, Mailbox(), "Ben@Example.org", "ada@example.org")

    assert [one.outcome for one in attempts] == [outcome, Outcome.SENT]


def test_another_organizations_suppressions_are_its_own(database, conn):
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('acme', 'Acme')")
    suppressions.add(conn, organization="acme", address="ben@example.org", reason="manual")
    conn.commit()

    assert deliver(database, Mailbox(), "ben@example.org")[0].outcome is Outcome.SENT


def test_suppressing_and_releasing_are_audited(conn):
    tenant = organizations.find(conn, "default")
    given = {"organization": tenant, "address": "Ben@example.org", "now": NOW, "actor": "user:o"}

    assert [suppress(conn, **given), suppress(conn, **given)] == [True, False]
    release(conn, **given)

    assert suppressions.list_page(conn, organization_id=1, words=None, after=None, size=None) == []
    actions = conn.execute("SELECT action FROM audit_entries ORDER BY id").fetchall()
    assert actions == [("address.suppressed",), ("address.released",)]
