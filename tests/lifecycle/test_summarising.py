"""The daily digest: one per person, of what concerns them, and never an empty one."""

import json
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from doclife.lifecycle import reviewing, summarising
from doclife.lifecycle.forecasting import rebuild_dispositions
from doclife.lifecycle.summarising import DigestOutcome, store_digests
from doclife.store.reviews import Question

from .conftest import NOW, World

pytestmark = pytest.mark.usefixtures("_jobs_that_fit")

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
SOON = NOW.date() + timedelta(days=10)


def digest(world: World) -> DigestOutcome:
    return store_digests(
        world.conn, now=world.now, as_of=world.now, actor="schedule", dag_id="d", run_id="r"
    )


def mails(world: World) -> dict[str, dict[str, Any]]:
    """The newest digest of each recipient."""
    rows = world.conn.execute(
        "SELECT payload FROM jobs WHERE unique_key LIKE 'digest:%' ORDER BY id"
    )
    return {mail["to"]: mail for (text,) in rows for mail in [json.loads(text)]}


def contact(world: World, address: str | None = "records@example.org") -> None:
    world.conn.execute("UPDATE organizations SET fallback_recipient = %s", (address,))


def test_nobody_gets_an_empty_digest(world: World) -> None:
    contact(world)
    world.add_document("a.txt")

    assert digest(world) == DigestOutcome(recipients=0, jobs=0, skipped_empty=1)
    assert mails(world) == {}


def test_owners_read_of_their_own_and_the_records_contact_of_everything(world: World) -> None:
    contact(world)
    world.add_document("anns.txt", owner="ann@example.org", expires_on=SOON)
    world.add_document("bobs.txt", owner="Bob@Example.org", expires_on=SOON)
    world.add_document("nobodys.txt", owner="the basement", expires_on=SOON)

    assert digest(world) == DigestOutcome(recipients=3, jobs=3, skipped_empty=0)

    found = mails(world)
    assert set(found) == {"ann@example.org", "bob@example.org", "records@example.org"}
    assert "Title of anns.txt" in found["ann@example.org"]["text"]
    assert "bobs" not in found["ann@example.org"]["text"]
    overview = found["records@example.org"]
    for name in ("anns", "bobs", "nobodys"):
        assert f"Title of {name}.txt" in overview["text"]
        assert f"Title of {name}.txt" in overview["html"]
    assert "Documents of default" in overview["subject"]
    assert world.value("SELECT kind FROM jobs LIMIT 1") == "email"


def test_without_a_records_contact_owners_still_get_theirs(world: World) -> None:
    contact(world, None)
    world.add_document("a.txt", expires_on=SOON)

    assert digest(world) == DigestOutcome(recipients=1, jobs=1, skipped_empty=0)


def test_a_second_run_for_the_same_day_stores_nothing_twice(world: World) -> None:
    contact(world)
    world.add_document("a.txt", expires_on=SOON)
    digest(world)

    world.later(hours=2)

    assert digest(world) == DigestOutcome(recipients=2, jobs=0, skipped_empty=0)
    assert world.value("SELECT count(*) FROM jobs") == 2
    keys = world.conn.execute("SELECT unique_key FROM jobs ORDER BY unique_key").fetchall()
    assert keys[0] == ("digest:default:owner@example.org:2026-03-02",)


def test_a_run_that_was_killed_is_completed_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summarising, "PAGE_SIZE", 2)
    for number in range(5):
        world.add_document(f"{number}.txt", owner=f"{number}@example.org", expires_on=SOON)
    whole = summarising.digests.store
    calls = 0

    def dies_the_second_time(*arguments: Any, **named: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return whole(*arguments, **named)

    monkeypatch.setattr(summarising.digests, "store", dies_the_second_time)
    with pytest.raises(KeyboardInterrupt):
        digest(world)
    assert len(mails(world)) == 2

    monkeypatch.setattr(summarising.digests, "store", whole)

    assert digest(world).jobs == 3
    assert world.value("SELECT count(*) FROM jobs") == 5


def test_says_what_was_done_and_what_failed(world: World) -> None:
    contact(world)
    world.add_document("a.txt", document_type="draft")
    world.add_document("b.txt", document_type="letter", owner="nobody")
    world.enforce("drafts", when=DRAFTS, actions=[{"do": "DELETE"}])
    world.enforce(
        "letters",
        when={"field": "document_type", "op": "eq", "value": "letter"},
        actions=[{"do": "NOTIFY", "with": {"to": "{{ document.title.owr }}"}}],
    )
    world.night()
    world.later(hours=5)

    digest(world)

    own = mails(world)["owner@example.org"]["text"]
    assert "Done since the last summary (1)" in own
    assert "Title of a.txt (a.txt): moved to the trash" in own
    overview = mails(world)["records@example.org"]["text"]
    assert "Failed (1)" in overview
    assert "no field 'owr'" in overview


def test_what_one_digest_said_the_next_leaves_out(world: World) -> None:
    contact(world)
    world.add_document("a.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}])
    world.night()
    world.later(hours=5)
    digest(world)
    world.later(hours=20)

    assert digest(world) == DigestOutcome(recipients=0, jobs=0, skipped_empty=1)


def test_a_digest_of_the_future_is_of_now_and_silences_no_later_one(world: World) -> None:
    contact(world)
    world.add_document("a.txt", document_type="draft")
    world.add_document("b.txt", expires_on=SOON)
    named = {"actor": "schedule", "dag_id": "d", "run_id": "r"}
    store_digests(world.conn, now=world.now, as_of=world.now + timedelta(days=1500), **named)
    world.later(hours=1)
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}])
    world.night()
    world.later(days=1)

    digest(world)

    assert "Title of a.txt" in mails(world)["records@example.org"]["text"]


def test_a_digest_for_a_past_day_begins_where_the_one_before_that_day_ended(world: World) -> None:
    contact(world)
    world.add_document("a.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}])
    world.night()
    world.add_document("b.txt", expires_on=SOON)
    yesterday = world.now + timedelta(hours=1)
    world.later(days=2)
    digest(world)

    store_digests(
        world.conn, now=world.now, as_of=yesterday, actor="schedule", dag_id="d", run_id="r"
    )

    assert "Title of a.txt" in mails(world)["records@example.org"]["text"]


def test_is_sent_at_eight_by_the_readers_clock_and_never_in_the_past(world: World) -> None:
    world.conn.execute("UPDATE organizations SET time_zone = 'Europe/Berlin'")
    for name, zone in (
        ("ann", None),
        ("bob", "America/New_York"),
        ("eva", "Asia/Tokyo"),
        ("odd", "Mars/Olympus"),
    ):
        world.add_document(f"{name}.txt", owner=f"{name}@example.org", expires_on=SOON)
        world.conn.execute(
            "INSERT INTO recipient_preferences (organization_id, recipient, time_zone)"
            " VALUES (1, %s, %s)",
            (f"{name}@example.org", zone),
        )

    digest(world)

    rows = world.conn.execute("SELECT payload, run_at FROM jobs ORDER BY id").fetchall()
    sent = {json.loads(payload)["to"][:3]: run_at for payload, run_at in rows}
    here = datetime(2026, 3, 2, 8, tzinfo=ZoneInfo("Europe/Berlin"))
    overseas = datetime(2026, 3, 2, 8, tzinfo=ZoneInfo("America/New_York"))
    assert sent == {"ann": here, "bob": overseas, "eva": world.now, "odd": here}


def test_after_an_outage_a_digest_covers_the_days_since_the_last(world: World) -> None:
    contact(world)
    world.add_document("a.txt", expires_on=NOW.date())
    world.add_document("b.txt", document_type="draft")
    digest(world)
    world.later(hours=1)
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}])
    world.night()

    world.later(days=3)
    digest(world)

    assert "Title of b.txt" in mails(world)["records@example.org"]["text"]


def test_says_which_plans_wait_for_a_person(world: World) -> None:
    contact(world)
    for number in range(3):
        world.add_document(f"{number}.txt", document_type="draft")
    world.enforce(
        when=DRAFTS,
        actions=[{"do": "DELETE"}],
        limits={"max_documents": 2, "max_fraction": 1.0},
    )
    world.plan()

    digest(world)

    text = mails(world)["records@example.org"]["text"]
    assert "Waiting for approval (1)" in text
    assert "rule@1: 3 documents" in text


def test_says_what_the_coming_night_will_do(world: World) -> None:
    document = world.add_document("a.txt", document_type="draft")
    held = world.add_document("held.txt", document_type="draft")
    world.conn.execute("UPDATE documents SET hold_count = 1 WHERE id = %s", (held,))
    version = world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}])
    tomorrow = NOW.date() + timedelta(days=1)
    for concerned in (document, held):
        world.conn.execute(
            "INSERT INTO dispositions (document_id, rule_version_id, action_index, action,"
            " organization_id, due_on, goes_on, rebuilt_at)"
            " VALUES (%s, %s, 0, 'DELETE', 1, %s, %s, %s)",
            (concerned, version.version_id, tomorrow, tomorrow, world.now),
        )

    digest(world)

    text = mails(world)["owner@example.org"]["text"]
    assert "What tonight will do (1)" in text
    assert "3 March 2026: Title of a.txt (a.txt): move to the trash" in text


def test_announces_nothing_that_stays_tonight(world: World) -> None:
    contact(world)
    for name in ("retained.txt", "reprieved.txt", "twice.txt"):
        world.add_document(
            name,
            title=name,
            document_type="draft",
            expires_on=NOW.date(),
            created_on=NOW.date(),
            reprieve_until=NOW.date() + timedelta(days=9) if name == "reprieved.txt" else None,
        )
    expiry = {"trigger": {"type": "ON_EXPIRATION"}, "actions": [{"do": "DELETE"}]}
    world.enforce(when=DRAFTS, **expiry)
    world.enforce("other", when=DRAFTS, **expiry)
    world.enforce(
        "keeper",
        when={"field": "title", "op": "eq", "value": "retained.txt"},
        retain={"for": "1y", "after": "created_on"},
    )
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)

    digest(world)

    tonight = mails(world)["records@example.org"]["text"].partition("What tonight will do")[2]
    assert tonight.startswith(" (1)\n  - 3 March 2026: twice.txt")


def test_takes_up_the_notices_that_waited_for_it_once(world: World) -> None:
    contact(world)
    world.add_document("a.txt", document_type="draft", owner="ann@example.org")
    world.add_document("b.txt", document_type="draft", owner="ann@example.org")
    world.enforce(
        when=DRAFTS,
        actions=[{"do": "NOTIFY", "with": {"to": "{{ document.owner }}", "digest": "daily"}}],
    )
    world.night()
    world.conn.execute("UPDATE notifications SET read_at = now() WHERE title LIKE '%b.txt%'")
    world.later(hours=5)

    assert digest(world) == DigestOutcome(recipients=1, jobs=1, skipped_empty=1)

    text = mails(world)["ann@example.org"]["text"]
    assert "Notices (1)" in text
    assert "Title of a.txt: notice of rule rule" in text
    assert "b.txt" not in text
    world.later(days=1)
    assert digest(world).jobs == 0


def test_sections_are_capped_and_say_how_many_more(world: World) -> None:
    for number in range(25):
        world.add_document(f"{number}.txt", content=None, expires_on=SOON)

    digest(world)

    text = mails(world)["owner@example.org"]["text"]
    assert "Expiring in the next 30 days (25)" in text
    assert text.count("Title of") == 20
    assert "and 5 more" in text


def test_who_wants_no_digest_or_no_mail_gets_none(world: World) -> None:
    world.add_document("a.txt", owner="Ann@example.org", expires_on=SOON)
    world.add_document("b.txt", owner="bob@example.org", expires_on=SOON)
    world.add_document("c.txt", owner="eva@example.org", expires_on=SOON)
    world.conn.execute(
        "INSERT INTO recipient_preferences (organization_id, recipient, wants_digest)"
        " VALUES (1, 'ann@example.org', false)"
    )
    world.conn.execute(
        "INSERT INTO email_suppressions (organization_id, address, reason)"
        " VALUES (1, 'bob@example.org', 'unsubscribed')"
    )

    assert digest(world).recipients == 1
    assert set(mails(world)) == {"eva@example.org"}


def test_speaks_the_readers_language(world: World) -> None:
    world.conn.execute("UPDATE organizations SET locale = 'es'")
    world.add_document("a.txt", owner="ann@example.org", expires_on=date(2026, 3, 12))
    world.add_document("b.txt", owner="bob@example.org", expires_on=SOON)
    world.conn.execute(
        "INSERT INTO recipient_preferences (organization_id, recipient, locale)"
        " VALUES (1, 'bob@example.org', 'en')"
    )

    digest(world)

    spanish = mails(world)["ann@example.org"]
    assert spanish["subject"] == "Sus documentos: resumen del 2 de marzo de 2026"
    assert "12 de marzo de 2026: Title of a.txt" in spanish["text"]
    assert "Your documents" in mails(world)["bob@example.org"]["subject"]


def test_hostile_titles_are_only_text(world: World) -> None:
    world.add_document("a.txt", title="<script>x</script>\r\n{{ 7*7 }}\u202e", expires_on=SOON)

    digest(world)

    mail = mails(world)["owner@example.org"]
    assert "<script>" not in mail["html"]
    assert "<script>x</script> {{ 7*7 }} (a.txt)" in mail["text"]
    assert "\u202e" not in mail["text"] + mail["html"]


def test_reminds_of_the_plans_that_have_been_asked_about_for_long(world: World) -> None:
    world.enforce(
        when=DRAFTS,
        actions=[{"do": "DELETE"}],
        review={"stages": ["records"], "remind": "2d"},
    )
    world.add_document("draft.txt", document_type="draft")
    [plan] = world.plan()
    reviewing.ask(
        world.conn,
        Question(plan_id=plan.plan_id, stage=1, attempt=0),
        dag_id="review_plan",
        run_id="plan-1-stage-1",
        now=world.now,
    )
    contact(world)

    digest(world)
    first = mails(world)["records@example.org"]["text"]
    world.later(days=2)
    digest(world)
    later = mails(world)["records@example.org"]["text"]

    assert "Reminder" not in first
    assert "stage records; rejected without an answer by" in first
    assert "Reminder: Plan" in later
    assert "doclife plans approve NUMBER" in later
