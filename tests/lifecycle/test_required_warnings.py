"""A rule that requires a warning deletes nothing that nobody was warned of in time."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from doclife.lifecycle import overdue
from doclife.lifecycle.explaining import explain_document
from doclife.lifecycle.forecasting import rebuild_dispositions
from doclife.lifecycle.summarising import store_digests
from doclife.lifecycle.warning import warn_owners
from doclife.store import organizations

from .conftest import NOW, World
from .test_explaining import hold

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
EXPIRY = {"type": "ON_EXPIRATION"}
DELETE = [{"do": "DELETE"}]
OWNER, RECORDS = "owner@example.org", "records@example.org"


def add(world: World, name: str = "a", *, days: int = 30, **columns: Any) -> int:
    """A draft whose deletion is due in so many days."""
    expires_on = NOW.date() + timedelta(days=days - 1)
    return world.add_document(name, document_type="draft", expires_on=expires_on, **columns)


def careful(world: World, *before: str, **parts: Any) -> None:
    world.enforce(
        trigger=EXPIRY,
        when=DRAFTS,
        warn={"before": list(before or ("30d", "7d")), "required": True},
        actions=parts.pop("actions", DELETE),
        **parts,
    )


def fallback(world: World, address: str | None = RECORDS) -> None:
    world.conn.execute("UPDATE organizations SET fallback_recipient = %s", (address,))


def warn(world: World) -> int:
    return warn_owners(
        world.conn,
        now=world.now,
        as_of=world.now,
        actor="schedule",
        organization=organizations.find(world.conn, "default"),
    )


def waiting(world: World) -> list[str]:
    """Whom the stored mails go to."""
    rows = world.conn.execute("SELECT payload FROM jobs ORDER BY id").fetchall()
    return [json.loads(row[0])["to"] for row in rows]


def send(world: World, *, at: datetime | None = None) -> None:
    """The queue sends everything that waits."""
    world.conn.execute(
        "WITH sent AS (DELETE FROM jobs RETURNING id, organization_id)"
        " INSERT INTO delivery_attempts (job_id, attempt, organization_id, kind, outcome,"
        " attempted_at)"
        " SELECT id, 1, organization_id, 'email', 'sent', %s FROM sent",
        (at or world.now,),
    )


def give_up(world: World) -> None:
    """The queue gives up everything that waits."""
    world.conn.execute(
        "WITH dead AS (DELETE FROM jobs RETURNING *)"
        " INSERT INTO jobs_failed (id, organization_id, kind, payload, priority, attempts,"
        " max_attempts, last_error, requested_by, created_at, state, finished_at)"
        " SELECT id, organization_id, kind, payload, priority, 1, max_attempts,"
        " 'mailbox full', requested_by, created_at, 'failed', %s FROM dead",
        (world.now,),
    )


def bounce(world: World, address: str = OWNER) -> None:
    world.conn.execute(
        "INSERT INTO email_suppressions (organization_id, address, reason, created_at)"
        " VALUES (1, %s, 'bounced', %s)",
        (address, world.now),
    )


def judged(world: World) -> tuple[str, str | None, str]:
    """(state, reason code, reason) of the only item of tonight's plan."""
    plan_id = world.plan()[0].plan_id
    row = world.conn.execute(
        "SELECT state, reason_code, reason FROM plan_items WHERE plan_id = %s", (plan_id,)
    ).fetchone()
    assert row is not None
    return row


def why_kept(world: World) -> str:
    state, code, reason = judged(world)
    assert (state, code) == ("skipped", "not_warned")
    return reason


def test_deletes_what_was_warned_of_long_enough_ago(world: World) -> None:
    document = add(world)
    careful(world)
    warn(world)
    send(world)
    world.later(days=30)

    world.night()

    assert world.status(document) == "deleted"


def test_keeps_what_nobody_was_warned_of_and_warns_now(world: World) -> None:
    document = add(world, days=-400, is_baseline=True)
    careful(world, "7d")

    assert why_kept(world) == "nobody was warned that it goes on 2025-01-26"
    assert warn(world) == 1
    assert warn(world) == 0
    mail = json.loads(world.value("SELECT payload FROM jobs"))
    assert "On: 9 March 2026 (in 7 days)" in mail["text"]
    assert why_kept(world) == "its warning of 2026-03-02 is not sent yet"

    send(world)
    assert why_kept(world) == "its warning was sent on 2026-03-02 and counts from 2026-03-09 on"
    world.later(days=7)
    world.night()

    assert world.status(document) == "deleted"


@pytest.mark.parametrize(("hours", "state"), [(71, "active"), (72, "deleted")])
def test_a_warning_counts_when_nothing_came_back_for_72_hours(
    world: World, hours: int, state: str
) -> None:
    document = add(world, days=1)
    careful(world, "1d")
    warn(world)
    send(world)
    world.later(hours=hours)

    world.night()

    assert world.status(document) == state


def test_the_shortest_period_lies_between_a_warning_and_the_deletion(world: World) -> None:
    document = add(world, days=20)
    careful(world)
    warn(world)
    send(world, at=world.now + timedelta(days=15))
    world.later(days=21)
    assert why_kept(world) == "its warning was sent on 2026-03-17 and counts from 2026-03-24 on"

    world.later(days=1)
    world.night()

    assert world.status(document) == "deleted"


def test_a_warning_that_came_back_goes_to_the_fallback_recipient(world: World) -> None:
    document = add(world)
    careful(world)
    fallback(world)
    warn(world)
    send(world)
    world.later(hours=71)
    bounce(world)
    assert warn(world) == 1
    assert warn(world) == 0
    assert waiting(world) == [RECORDS]

    send(world)
    world.later(days=28)
    world.night()

    assert world.status(document) == "deleted"


def test_what_comes_back_later_than_72_hours_speaks_against_nothing(world: World) -> None:
    document = add(world)
    careful(world)
    warn(world)
    send(world)
    world.later(hours=73)
    bounce(world)
    world.later(days=27)

    world.night()

    assert world.status(document) == "deleted"


def test_who_only_signed_off_from_summaries_was_warned(world: World) -> None:
    document = add(world)
    careful(world)
    warn(world)
    send(world)
    world.conn.execute(
        "INSERT INTO email_suppressions (organization_id, address, reason, created_at)"
        " VALUES (1, %s, 'unsubscribed', %s)",
        (OWNER, world.now),
    )
    world.later(days=30)

    world.night()

    assert world.status(document) == "deleted"


def test_what_was_given_up_goes_to_the_fallback_recipient_and_then_to_a_better_one(
    world: World,
) -> None:
    document = add(world, days=1)
    careful(world, "1d")
    fallback(world)
    warn(world)
    give_up(world)
    world.later(days=1)
    assert why_kept(world) == (
        f"its warning to {OWNER} was given up on 2026-03-02 (mailbox full);"
        " the next goes to the fallback recipient"
    )

    warn(world)
    assert waiting(world) == [RECORDS]
    give_up(world)
    assert warn(world) == 0
    fallback(world, "archivist@example.org")
    assert warn(world) == 1
    assert waiting(world) == ["archivist@example.org"]
    send(world)
    world.later(days=3)
    world.night()

    assert world.status(document) == "deleted"


def test_says_everywhere_that_there_is_no_fallback_recipient(world: World) -> None:
    add(world, days=1)
    careful(world, "1d")
    warn(world)
    send(world)
    world.later(days=1)
    bounce(world)
    assert warn(world) == 0
    said = (
        f"its warning to {OWNER} came back on 2026-03-03; the organization has no fallback "
        "recipient"
    )

    world.night()
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)
    page = overdue.list_overdue(world.conn, organization="default", now=world.now)
    explained = explain_document(
        world.conn, organization="default", external_id="a", now=world.now, as_of=world.now
    )

    assert [(one.code, one.reason) for one in page.documents] == [("not_warned", said)]
    assert explained.answer == (
        "Still here because rule@1 deletes nothing without a delivered warning: "
        f"{said} (due since 2026-03-03)."
    )
    assert [(one.recipient, one.state) for one in explained.warnings] == [(OWNER, "bounced")]
    assert any("delivered one" in way for way in explained.could_stop_it)
    fallback(world)
    store_digests(
        world.conn,
        now=world.now,
        as_of=world.now,
        actor="schedule",
        dag_id="d",
        run_id="r",
        is_early=True,
    )
    mail = next(
        json.loads(row[0])
        for row in world.conn.execute("SELECT payload FROM jobs").fetchall()
        if json.loads(row[0])["to"] == RECORDS
    )
    assert "Kept until a warning is delivered (1)" in mail["text"]
    assert "came back on 2026-03-03" in mail["text"]
    assert "What tonight will do" not in mail["text"]


def test_an_owner_without_an_address_does_not_keep_a_document_for_ever(world: World) -> None:
    document = add(world, days=-5, owner=None)
    careful(world, "7d")
    assert warn(world) == 0
    fallback(world)

    assert warn(world) == 1
    assert waiting(world) == [RECORDS]
    send(world)
    world.later(days=7)
    world.night()

    assert world.status(document) == "deleted"


def test_a_day_that_moved_is_warned_of_again(world: World) -> None:
    document = add(world)
    careful(world)
    warn(world)
    send(world)
    world.conn.execute("UPDATE organizations SET cooling_off_days = 0")
    world.conn.execute(
        "UPDATE documents SET expires_on = %s WHERE id = %s",
        (NOW.date() + timedelta(days=39), document),
    )
    world.now = datetime.now(UTC)  # the database itself notes when a field changed

    assert why_kept(world) == "nobody was warned that it goes on 2026-04-11"


def test_the_day_after_a_reprieve_or_a_retention_is_the_day_that_is_warned_of(
    world: World,
) -> None:
    restored = add(world, "restored", days=-5, reprieve_until=date(2026, 3, 20))
    retained = add(world, "retained", days=-5, title="kept", created_on=date(2025, 3, 20))
    careful(world)
    world.enforce(
        "keeper",
        when={"field": "title", "op": "eq", "value": "kept"},
        retain={"for": "1y", "after": "created_on"},
    )
    assert warn(world) == 2
    send(world)
    world.later(days=19)

    world.night()

    assert world.status(restored) == world.status(retained) == "deleted"


def test_what_was_held_is_warned_of_before_it_goes(world: World) -> None:
    document = add(world, days=1)
    hold(world, document, "matter")
    careful(world)
    assert warn(world) == 0
    world.later(days=30)
    world.conn.execute("UPDATE matter_documents SET released_at = now(), released_by = 'user:olga'")

    assert why_kept(world) == "nobody was warned that it goes on 2026-03-03"
    assert warn(world) == 1


def test_apply_looks_again_what_came_back_since_the_plan(world: World) -> None:
    document = add(world, days=3)
    careful(world, "3d")
    warn(world)
    send(world)
    world.later(hours=72)
    plan_id = world.plan()[0].plan_id
    # Recorded late, by a mail service that was slow to tell.
    world.conn.execute(
        "INSERT INTO email_suppressions (organization_id, address, reason, created_at)"
        " VALUES (1, %s, 'bounced', %s)",
        (OWNER, NOW + timedelta(hours=10)),
    )

    world.apply(plan_id)

    assert world.status(document) == "active"
    assert world.items(plan_id) == {"a": ("skipped", "not_warned")}


def test_what_became_of_a_warning_is_remembered_longer_than_its_attempts(world: World) -> None:
    delivered = add(world, "delivered", days=100)
    returned = add(world, "returned", days=100, owner="gone@example.org")
    careful(world, "100d")
    warn(world)
    send(world)
    world.later(hours=1)
    bounce(world, "gone@example.org")
    world.later(days=3)
    warn(world)
    world.conn.execute("DELETE FROM delivery_attempts")
    world.conn.execute("DELETE FROM email_suppressions")
    world.later(days=97)

    world.night()

    assert world.status(delivered) == "deleted"
    assert world.status(returned) == "active"


def test_what_nobody_knows_of_counts_as_not_warned(world: World) -> None:
    add(world)
    careful(world)
    warn(world)
    world.conn.execute("DELETE FROM jobs")
    world.later(days=30)

    assert "nobody knows what became of it" in why_kept(world)


def test_a_simulation_shows_what_would_go_if_it_were_warned_of(world: World) -> None:
    add(world, days=-5)
    careful(world, mode="simulate")

    assert judged(world)[:2] == ("planned", None)


def test_what_only_waited_for_a_digest_warned_nobody(world: World) -> None:
    add(world, days=5)
    daily = {"do": "NOTIFY", "with": {"to": OWNER, "digest": "daily"}}
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["7d"], actions=[daily, *DELETE])
    assert warn(world) == 1
    world.later(days=5)
    explained = explain_document(
        world.conn, organization="default", external_id="a", now=world.now, as_of=world.now
    )
    assert [(one.recipient, one.state) for one in explained.warnings] == [(OWNER, "shown")]

    careful(world, "7d")

    assert why_kept(world) == "nobody was warned that it goes on 2026-03-07"
    assert warn(world) == 1
    assert waiting(world) == [OWNER]


def test_several_documents_are_told_apart(world: World) -> None:
    known = add(world, "known", days=4, owner="ann@example.org")
    gone = add(world, "gone", days=4, owner="bob@example.org")
    careful(world, "4d")
    assert warn(world) == 2
    send(world)
    bounce(world, "bob@example.org")
    world.later(days=4)

    world.night()

    assert (world.status(known), world.status(gone)) == ("deleted", "active")


def test_a_rule_that_only_lists_periods_deletes_as_before(world: World) -> None:
    document = add(world, days=0)
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["7d"], actions=DELETE)

    world.night()

    assert world.status(document) == "deleted"


def test_an_archive_waits_for_nobody(world: World) -> None:
    document = add(world, days=0)
    careful(world, actions=[{"do": "ARCHIVE"}, *DELETE])

    world.night()

    assert world.status(document) == "archived"


def test_the_rules_own_notify_says_whom(world: World) -> None:
    document = add(world, days=-5)
    notify = {"do": "NOTIFY", "with": {"to": "legal@example.org"}}
    careful(world, "3d", actions=[notify, *DELETE])
    warn(world)
    assert waiting(world) == ["legal@example.org"]
    send(world)
    world.later(days=3)

    world.night()

    assert world.status(document) == "deleted"
