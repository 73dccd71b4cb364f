"""Warnings: in time, once per window, and only of what will really happen."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from doclife.lifecycle import warning
from doclife.lifecycle.warning import warn_owners
from doclife.store import organizations

from .conftest import NOW, World

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
EXPIRY = {"type": "ON_EXPIRATION"}


def in_days(days: int) -> date:
    """An expiry date whose action is due in so many days: due the day after."""
    return NOW.date() + timedelta(days=days - 1)


def warn(world: World) -> int:
    return warn_owners(
        world.conn,
        now=world.now,
        as_of=world.now,
        actor="schedule",
        organization=organizations.find(world.conn, "default"),
    )


def warned(world: World) -> list[tuple[str, int]]:
    return world.conn.execute(
        "SELECT document.external_id, notice.window_days FROM notices AS notice"
        " INNER JOIN documents AS document ON notice.document_id = document.id ORDER BY notice.id"
    ).fetchall()


def job(world: World) -> dict[str, Any]:
    return json.loads(world.value("SELECT payload FROM jobs ORDER BY id DESC LIMIT 1"))


def test_warns_the_owner_once_per_window(world: World) -> None:
    document = world.add_document("a.txt", document_type="draft", expires_on=in_days(30))
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["30d", "7d", "1d"], actions=DELETE)

    counts = []
    for _ in range(32):
        counts.append(warn(world))
        assert warn(world) == 0
        world.later(days=1)

    assert [day for day, count in enumerate(counts) if count] == [0, 23, 29]
    assert warned(world) == [("a.txt", 30), ("a.txt", 7), ("a.txt", 1)]
    assert job(world)["to"] == "owner@example.org"
    assert job(world)["template"] == "deletion-warning"
    assert job(world)["due_on"] == "2026-04-01"
    assert "tomorrow" in job(world)["text"]
    audited = world.value(
        "SELECT count(*) FROM audit_entries WHERE action = 'document.warned' AND document_id = %s",
        document,
    )
    assert audited == 3


def test_does_not_warn_the_day_before_the_window(world: World) -> None:
    world.add_document("a.txt", document_type="draft", expires_on=in_days(8))
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["7d"], actions=DELETE)

    assert warn(world) == 0
    world.later(days=1)
    assert warn(world) == 1


def test_after_an_outage_sends_only_the_nearest_missed_window(world: World) -> None:
    world.add_document("a.txt", document_type="draft", expires_on=in_days(5))
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["30d", "7d", "1d"], actions=DELETE)

    assert warn(world) == 1
    assert warned(world) == [("a.txt", 7)]
    assert "in 5 days" in job(world)["text"]


@pytest.mark.parametrize("days", [0, -1])
def test_does_not_warn_of_what_is_due_already(world: World, days: int) -> None:
    world.add_document("a.txt", document_type="draft", expires_on=in_days(days))
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["30d"], actions=DELETE)

    assert warn(world) == 0


def test_warns_of_the_last_destructive_action(world: World) -> None:
    world.add_document("a.txt", document_type="draft", created_on=date(2025, 3, 20))
    world.enforce(
        when=DRAFTS,
        retain={"for": "1y", "after": "created_on"},
        warn=["30d"],
        actions=[{"do": "ARCHIVE", "after": "1mo"}, {"do": "DELETE"}],
    )

    assert warn(world) == 1
    assert world.value("SELECT action_index FROM notices") == 1
    assert job(world)["due_on"] == "2026-03-21"


def test_counts_windows_of_months_by_the_calendar(world: World) -> None:
    # 31 March is due; a month before it is 28 February, which is not the 2nd of March.
    world.add_document("a.txt", document_type="draft", expires_on=date(2026, 3, 30))
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["1mo"], actions=DELETE)
    world.now = NOW.replace(month=2, day=27)
    assert warn(world) == 0

    world.later(days=1)

    assert warn(world) == 1
    assert warned(world) == [("a.txt", 31)]


def test_does_not_warn_of_held_documents(world: World) -> None:
    document = world.add_document("a.txt", document_type="draft", expires_on=in_days(5))
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["7d"], actions=DELETE)
    world.conn.execute(
        "INSERT INTO matters (organization_id, name, reason, created_by)"
        " VALUES (1, 'case', 'lawsuit', 'user:olga')"
    )
    world.conn.execute(
        "INSERT INTO matter_documents (matter_id, document_id, added_by)"
        " SELECT id, %s, 'user:olga' FROM matters",
        (document,),
    )

    assert warn(world) == 0


def test_does_not_warn_of_documents_that_another_rule_retains(world: World) -> None:
    world.add_document(
        "a.txt", document_type="draft", expires_on=in_days(5), created_on=date(2026, 1, 1)
    )
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["7d"], actions=DELETE)
    world.enforce("keep", when=DRAFTS, mode="simulate", retain={"for": "7y", "after": "created_on"})

    assert warn(world) == 0


def test_warns_of_the_day_on_which_a_retained_document_will_really_go(world: World) -> None:
    world.add_document(
        "a.txt", document_type="draft", expires_on=in_days(-100), created_on=date(2025, 3, 5)
    )
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["7d"], actions=DELETE)
    world.enforce("keep", when=DRAFTS, mode="simulate", retain={"for": "1y", "after": "created_on"})

    assert warn(world) == 1
    assert job(world)["due_on"] == "2026-03-06"


def test_does_not_warn_of_reprieved_documents_before_their_new_day(world: World) -> None:
    world.add_document(
        "a.txt",
        document_type="draft",
        expires_on=in_days(5),
        reprieve_until=NOW.date() + timedelta(days=20),
    )
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["7d"], actions=DELETE)
    assert warn(world) == 0

    world.later(days=14)

    assert warn(world) == 1


def test_does_not_warn_of_what_a_first_import_found_past(world: World) -> None:
    world.add_document(
        "a.txt",
        document_type="draft",
        expires_on=in_days(-100),
        created_on=date(2025, 3, 5),
        is_baseline=True,
    )
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["7d"], actions=DELETE)
    world.enforce("keep", when=DRAFTS, mode="simulate", retain={"for": "1y", "after": "created_on"})

    assert warn(world) == 0


def test_rules_that_only_simulate_warn_nobody(world: World) -> None:
    world.add_document("a.txt", document_type="draft", expires_on=in_days(5))
    world.enforce(trigger=EXPIRY, when=DRAFTS, mode="simulate", warn=["7d"], actions=DELETE)

    assert warn(world) == 0


def test_the_rules_own_notify_says_whom(world: World) -> None:
    world.add_document("a.txt", document_type="draft", expires_on=in_days(5))
    world.enforce(
        trigger=EXPIRY,
        when=DRAFTS,
        warn=["7d"],
        actions=[
            {"do": "NOTIFY", "with": {"to": "legal@example.org", "digest": "daily"}},
            {"do": "NOTIFY", "with": {"to": "#drafts", "channel": "slack"}},
        ],
    )

    assert warn(world) == 2
    assert world.value("SELECT recipient FROM notifications") == "legal@example.org"
    assert world.value("SELECT type FROM notifications") == "daily:expiry-warning"
    assert job(world)["channel"] == "#drafts"
    assert warn(world) == 0
    assert world.plan()[0].document_count == 0


def test_a_crash_between_batches_loses_and_doubles_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warning, "BATCH_SIZE", 2)
    for number in range(5):
        world.add_document(f"{number}.txt", document_type="draft", expires_on=in_days(5))
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["7d"], actions=DELETE)
    whole = warning.notices.store
    calls = 0

    def dies_the_second_time(*arguments: Any, **named: Any) -> set[int]:
        nonlocal calls
        calls += 1
        stored = whole(*arguments, **named)
        if calls == 2:
            raise KeyboardInterrupt
        return stored

    monkeypatch.setattr(warning.notices, "store", dies_the_second_time)
    with pytest.raises(KeyboardInterrupt):
        warn(world)
    assert len(warned(world)) == 2

    monkeypatch.setattr(warning.notices, "store", whole)

    assert warn(world) == 3
    assert len(warned(world)) == 5
    assert world.value("SELECT count(*) FROM jobs") == 5


def test_that_nobody_could_be_warned_is_in_the_audit_trail(world: World) -> None:
    world.add_document("a.txt", document_type="draft", expires_on=in_days(5), owner=None)
    world.enforce(trigger=EXPIRY, when=DRAFTS, warn=["7d"], actions=DELETE)

    assert warn(world) == 0

    reason = world.value("SELECT reason FROM audit_entries WHERE action = 'warning.not_sent'")
    assert "names nobody" in reason
