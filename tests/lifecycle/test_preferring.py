"""What people want of single messages: their language, and notices with the digest."""

import json
from datetime import timedelta
from typing import Any

import pytest

from doclife.lifecycle.preferring import PreferenceChange, change_preferences
from doclife.lifecycle.summarising import store_digests
from doclife.lifecycle.warning import warn_owners
from doclife.store import organizations

from .conftest import ACTOR, NOW, World

pytestmark = pytest.mark.usefixtures("_jobs_that_fit")

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
TELL = [{"do": "NOTIFY", "with": {"to": "{{ document.owner }}"}}]


def prefer(world: World, recipient: str, **change: Any) -> None:
    change_preferences(
        world.conn,
        organization=organizations.find(world.conn, "default"),
        recipient=recipient,
        change=PreferenceChange(**change),
        now=world.now,
        actor=ACTOR,
    )


def mails(world: World) -> dict[str, str]:
    """Subjects by recipient."""
    rows = world.conn.execute("SELECT payload FROM jobs WHERE kind = 'email' ORDER BY id")
    return {mail["to"]: mail["subject"] for (text,) in rows for mail in [json.loads(text)]}


def test_a_notice_speaks_its_readers_language(world: World) -> None:
    prefer(world, "ann@example.org", locale="es")
    world.add_document("a.txt", document_type="draft", owner="Ann@example.org")
    world.add_document("b.txt", document_type="draft", owner="bob@example.org")
    world.enforce(when=DRAFTS, actions=TELL)

    world.night()

    assert mails(world) == {
        "Ann@example.org": "Title of a.txt: aviso de la regla rule",
        "bob@example.org": "Title of b.txt: notice of rule rule",
    }


def test_who_wants_it_quiet_gets_notices_with_the_digest(world: World) -> None:
    prefer(world, "ann@example.org", quiet="daily")
    world.add_document("a.txt", document_type="draft", owner="Ann@example.org")
    world.add_document("b.txt", document_type="draft", owner="bob@example.org")
    world.enforce(when=DRAFTS, actions=TELL)

    world.night()
    assert set(mails(world)) == {"bob@example.org"}
    world.later(hours=5)
    store_digests(
        world.conn,
        now=world.now,
        as_of=world.now,
        actor="schedule",
        dag_id="d",
        run_id="r",
        is_early=True,
    )

    assert set(mails(world)) == {"bob@example.org", "ann@example.org"}
    text = world.value(
        "SELECT payload::jsonb ->> 'text' FROM jobs WHERE unique_key LIKE 'digest:%%'"
    )
    assert "Title of a.txt: notice of rule rule" in text


def test_who_gets_no_digest_gets_notices_at_once_however_quiet(world: World) -> None:
    prefer(world, "ann@example.org", quiet="daily", wants_digest=False)
    world.add_document("a.txt", document_type="draft", owner="ann@example.org")
    world.enforce(when=DRAFTS, actions=TELL)

    world.night()

    assert set(mails(world)) == {"ann@example.org"}


def test_a_warning_comes_at_once_and_in_its_readers_language(world: World) -> None:
    prefer(world, "ann@example.org", quiet="daily", locale="es")
    world.add_document(
        "a.txt",
        document_type="draft",
        owner="ann@example.org",
        expires_on=NOW.date() + timedelta(days=5),
    )
    world.enforce(
        trigger={"type": "ON_EXPIRATION"}, when=DRAFTS, warn=["7d"], actions=[{"do": "DELETE"}]
    )

    warn_owners(
        world.conn,
        now=world.now,
        as_of=world.now,
        actor="schedule",
        organization=organizations.find(world.conn, "default"),
    )

    [(recipient, subject)] = mails(world).items()
    assert recipient == "ann@example.org"
    assert "Title of a.txt" in subject
    assert "will be deleted" not in subject
