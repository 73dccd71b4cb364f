"""Who was warned keeps a document by the link of the warning, within the rule's limits."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from doclife.delivery.link_tokens import LinkKeys, Purpose
from doclife.delivery.links import KeepSubject, Links
from doclife.lifecycle.keeping import KeepPage, Standing, keep_by_link, look_up
from doclife.lifecycle.warning import warn_owners
from doclife.store import organizations

from .conftest import NOW, World
from .test_explaining import hold
from .test_required_warnings import DELETE, DRAFTS, EXPIRY, OWNER, add, fallback, send

KEYS = LinkKeys(newest="k" * 43)
LINKS = Links(airflow_url="https://airflow", public_url="https://public", keys=KEYS)
IN_30_DAYS = NOW.date() + timedelta(days=30)


def rule(world: World, keep: str | None = None, **parts: Any) -> None:
    warn = {"before": ["30d", "7d"], **({"keep": keep} if keep else {})}
    world.enforce(**{"trigger": EXPIRY, "when": DRAFTS, "warn": warn, "actions": DELETE, **parts})


def warned(world: World) -> list[dict[str, Any]]:
    """Warn, and return the mails."""
    warn_owners(
        world.conn,
        now=world.now,
        as_of=world.now,
        actor="schedule",
        organization=organizations.find(world.conn, "default"),
        links=LINKS,
    )
    found = [
        json.loads(row[0])
        for row in world.conn.execute("SELECT payload FROM jobs ORDER BY id").fetchall()
    ]
    send(world)
    return found


def subject_of(world: World, text: str) -> KeepSubject:
    """What the link in a text is about."""
    url = next(word for word in text.split() if word.startswith("https://public/"))
    token = url.removeprefix("https://public/doclife/public/keep/")
    return KeepSubject.from_text(KEYS.open(Purpose.KEEP, token, now=world.now))


def press(world: World, subject: KeepSubject) -> KeepPage:
    page = keep_by_link(world.conn, subject, now=world.now)
    assert page is not None
    return page


def entries(world: World) -> list[tuple[str, str]]:
    return world.conn.execute(
        "SELECT actor, reason FROM audit_entries WHERE action = 'document.reprieved'"
    ).fetchall()


def test_keeps_for_the_organizations_reprieve_and_says_who_did(world: World) -> None:
    document = add(world)
    rule(world)
    subject = subject_of(world, warned(world)[0]["text"])
    assert subject == KeepSubject(
        rule_id=1, document_id=document, due_on=IN_30_DAYS, goes_on=IN_30_DAYS, recipient=OWNER
    )

    page = press(world, subject)

    until = IN_30_DAYS + timedelta(days=30)
    assert (page.standing, page.kept_until) == (Standing.KEPT, until)
    assert entries(world) == [
        ("link", f"kept by the link of a warning to {OWNER}, left alone until {until}")
    ]
    world.later(days=60)
    world.night()
    assert world.status(document) == "active"
    world.later(days=1)
    world.night()
    assert world.status(document) == "deleted"


def test_keeps_as_long_as_the_rule_says(world: World) -> None:
    add(world)
    rule(world, keep="1y")
    mail = warned(world)[0]

    assert "To keep it until 1 April 2027: https://public/" in mail["text"]
    assert press(world, subject_of(world, mail["text"])).kept_until == date(2027, 4, 1)


def test_pressing_twice_does_no_more(world: World) -> None:
    add(world)
    rule(world)
    subject = subject_of(world, warned(world)[0]["text"])
    first = press(world, subject)
    world.later(days=20)

    assert press(world, subject) == first
    assert len(entries(world)) == 1


def test_a_document_is_kept_once_for_a_due_date_by_whichever_warning(world: World) -> None:
    add(world)
    rule(world)
    early = subject_of(world, warned(world)[0]["text"])
    world.later(days=25)
    late = subject_of(world, warned(world)[0]["text"])
    press(world, late)

    assert press(world, early).standing is Standing.KEPT
    assert len(entries(world)) == 1


def test_who_kept_a_document_is_offered_it_no_second_time(world: World) -> None:
    add(world)
    rule(world)
    press(world, subject_of(world, warned(world)[0]["text"]))
    world.later(days=31)

    (mail,) = warned(world)

    assert "On: 2 May 2026" in mail["text"]  # the day after it was kept
    assert "https://public/" not in mail["text"]


def test_a_document_that_is_due_anew_can_be_kept_anew(world: World) -> None:
    document = add(world)
    rule(world)
    press(world, subject_of(world, warned(world)[0]["text"]))
    world.conn.execute(
        "UPDATE documents SET expires_on = %s WHERE id = %s", (date(2027, 1, 1), document)
    )
    world.later(days=300)

    page = press(world, subject_of(world, warned(world)[0]["text"]))

    assert page.kept_until == date(2027, 2, 1)


def test_a_rule_can_forbid_it(world: World) -> None:
    add(world)
    rule(world, keep="0d")

    (mail,) = warned(world)

    assert "https://public/" not in mail["text"] + mail["html"]
    assert "https://airflow/doclife/documents/1" in mail["text"]


def test_a_rule_that_forbids_it_since_keeps_nothing(world: World) -> None:
    add(world)
    rule(world)
    subject = subject_of(world, warned(world)[0]["text"])
    rule(world, keep="0d")

    assert press(world, subject).standing is Standing.OVER
    assert entries(world) == []


def test_a_rule_that_is_not_in_force_any_more_keeps_nothing(world: World) -> None:
    add(world)
    rule(world)
    subject = subject_of(world, warned(world)[0]["text"])
    rule(world, mode="simulate")

    assert press(world, subject).standing is Standing.OVER


def test_a_link_keeps_nothing_once_its_own_time_is_over(world: World) -> None:
    add(world)
    rule(world, keep="10d")
    subject = subject_of(world, warned(world)[0]["text"])
    world.later(days=30 + 10)

    assert press(world, subject).standing is Standing.OVER
    assert entries(world) == []


def test_a_held_document_needs_no_keeping(world: World) -> None:
    document = add(world)
    rule(world)
    subject = subject_of(world, warned(world)[0]["text"])
    hold(world, document, "matter")

    assert press(world, subject).standing is Standing.HELD
    assert entries(world) == []


def test_what_is_in_the_trash_is_said_to_be_there_and_until_when(world: World) -> None:
    add(world)
    rule(world)
    subject = subject_of(world, warned(world)[0]["text"])
    world.later(days=30)
    world.night()

    page = press(world, subject)

    assert page.standing is Standing.TRASHED
    assert page.restorable_until is not None
    assert entries(world) == []


def test_what_is_destroyed_shows_its_identifier_and_no_more(world: World) -> None:
    add(world)
    rule(world)
    subject = subject_of(world, warned(world)[0]["text"])
    world.later(days=30)
    world.night()
    world.later(days=60)
    world.purge()

    page = press(world, subject)

    assert page.standing is Standing.DESTROYED
    assert (page.title, page.document_type) == ("#1", None)


def test_looking_changes_nothing(world: World) -> None:
    document = add(world)
    rule(world)
    subject = subject_of(world, warned(world)[0]["text"])

    page = look_up(world.conn, subject, now=world.now)

    assert page is not None
    assert page.standing is Standing.OPEN
    assert world.value("SELECT reprieve_until FROM documents WHERE id = %s", document) is None


def test_a_link_about_nothing_finds_nothing(world: World) -> None:
    rule(world)
    nothing = KeepSubject(
        rule_id=1, document_id=99, due_on=IN_30_DAYS, goes_on=IN_30_DAYS, recipient=OWNER
    )

    assert keep_by_link(world.conn, nothing, now=world.now) is None


def test_an_approved_plan_leaves_alone_what_was_kept_meanwhile(world: World) -> None:
    document = add(world)
    rule(world)
    subject = subject_of(world, warned(world)[0]["text"])
    world.later(days=30)
    plan_id = world.plan()[0].plan_id
    press(world, subject)

    world.apply(plan_id)

    assert world.status(document) == "active"
    assert world.items(plan_id) == {"a": ("skipped", "reprieved")}


def test_the_fallback_recipient_may_keep_it_too(world: World) -> None:
    add(world, owner="nobody")
    rule(world)
    fallback(world)

    subject = subject_of(world, warned(world)[0]["text"])

    assert subject.recipient == "records@example.org"


def test_a_warning_in_slack_has_buttons(world: World) -> None:
    add(world)
    notify = {"do": "NOTIFY", "with": {"channel": "slack", "to": "#records"}}
    rule(world, actions=[notify, *DELETE])

    (message,) = warned(world)

    buttons = message["blocks"][-1]["elements"]
    assert [button["text"]["text"] for button in buttons] == ["Open the document", "Keep it"]
    assert buttons[0]["url"] == "https://airflow/doclife/documents/1"
    assert subject_of(world, buttons[1]["url"]).recipient == "#records"


def test_what_is_only_shown_in_the_dashboard_has_no_link_that_anybody_can_follow(
    world: World,
) -> None:
    add(world)
    notify = {"do": "NOTIFY", "with": {"channel": "notification", "to": "olga"}}
    rule(world, actions=[notify, *DELETE])
    warned(world)

    assert "https://public/" not in world.value("SELECT body FROM notifications")


@pytest.mark.parametrize("keep", ["11y", "121mo"])
def test_nobody_may_keep_for_longer_than_anybody_may_extend(world: World, keep: str) -> None:
    with pytest.raises(Exception, match="longer than the 10y"):
        rule(world, keep=keep)
