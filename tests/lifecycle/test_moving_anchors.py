"""Anchors that move, events that are taken back, and nights on which clocks change."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.json import Jsonb

from doclife.domain.compiler import Compiler, RuleVersion
from doclife.domain.fields import MetadataType
from doclife.domain.rule import Rule
from doclife.lifecycle.withdrawing import withdraw_event
from doclife.store import stored_plans

from .conftest import ACTOR, LONG_AGO, World

MALFORMED = "soon"
KEEP_FILES = {"field": "document_type", "op": "eq", "value": "file"}


def keeping(world: World, *, after: str, period: str = "7y", **parts: Any) -> RuleVersion:
    return world.enforce(
        when=KEEP_FILES,
        retain={"for": period, "after": after},
        actions=[{"do": "DELETE"}],
        **parts,
    )


def declare(world: World, **types: str) -> None:
    for name, kind in types.items():
        world.conn.execute(
            "INSERT INTO metadata_fields (organization_id, name, type) VALUES (1, %s, %s)",
            (name, kind),
        )


def outcome(world: World, document: str, day: str) -> str:
    """What the night of a day would do: planned, a reason code, or nothing."""
    moment = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    world.now = world.value("SELECT now()")
    (summary,) = world.plan(as_of=moment)
    items = {
        item.external_id: item for item in stored_plans.list_items(world.conn, summary.plan_id)
    }
    if document not in items:
        return "nothing"
    return items[document].reason_code or items[document].state


@pytest.mark.parametrize("field", ["created_on", "metadata.contract_end"])
def test_an_anchor_is_the_latest_date_since_the_rule_was_made(world: World, field: str) -> None:
    """Hundreds of histories of one date, written by hand and judged for several versions.

    The trigger and the compiled anchor against a model of its own: a date that moves later extends;
    one that moves earlier, is emptied for a while or becomes unreadable shortens nothing.
    """
    chance = random.Random(field)
    declare(world, contract_end="date")
    days = [date(2000, 1, 1) + timedelta(days=chance.randrange(12_000)) for _ in range(6)]
    is_metadata = field.startswith("metadata.")
    choices = [*(str(day) for day in days), None, *([MALFORMED] if is_metadata else [])]
    histories: dict[int, list[tuple[datetime, str | None]]] = {}
    for number in range(150):
        values = {"metadata": {}} if is_metadata else {}
        histories[world.add_document(f"d{number}", content=None, **values)] = []
    made_at = [LONG_AGO]

    for _round in range(7):
        for document_id, history in histories.items():
            value = chance.choice(choices)
            column = "metadata" if is_metadata else "created_on"
            content: object = Jsonb({"contract_end": value}) if is_metadata else value
            at = world.value(
                f"UPDATE documents SET {column} = %s WHERE id = %s RETURNING now()",
                content,
                document_id,
            )
            history.append((at, value))
        made_at.append(world.value("SELECT now()"))

    for since in made_at:
        found = anchors(world, field, since)
        for document_id, history in histories.items():
            assert found[document_id] == expected_anchor(history, since), history


def anchors(world: World, field: str, since: datetime) -> dict[int, date | None]:
    """The anchor of every document by a version of a rule that was made at a moment."""
    rule = Rule.model_validate(
        {
            "name": "keeps",
            "trigger": {"type": "ON_SCHEDULE"},
            "retain": {"for": "1y", "after": field},
        }
    )
    version = RuleVersion(rule_id=1, version_id=1, version=1, created_at=since, rule=rule)
    anchor = Compiler(
        rule_version=version,
        metadata_types={"contract_end": MetadataType.DATE},
        time_zone="UTC",
        as_of=date(2026, 1, 1),
    ).anchor()
    query: Any = f"SELECT d.id, {anchor.text} FROM documents AS d"
    return dict(world.conn.execute(query, anchor.parameters).fetchall())


def expected_anchor(history: list[tuple[datetime, str | None]], since: datetime) -> date | None:
    values = [(at, date.fromisoformat(value) if value and value != MALFORMED else None)
              for at, value in history]  # fmt: skip
    present = values[-1][1]
    if present is None:
        return None
    given_up = [
        before
        for (_, before), (at, after) in pairwise(values)
        if at > since and before is not None and (after is None or after < before)
    ]
    return max([present, *given_up])


def test_a_date_that_moves_earlier_shortens_nothing_until_a_new_version_does(
    world: World,
) -> None:
    document_id = world.add_document("file", document_type="file", created_on="2018-01-01")
    world.conn.execute("UPDATE organizations SET cooling_off_days = 0")
    keeping(world, after="created_on", since=LONG_AGO)

    world.conn.execute(
        "UPDATE documents SET created_on = '2012-01-01' WHERE id = %s", (document_id,)
    )

    assert outcome(world, "file", "2025-01-01") == "nothing"
    assert outcome(world, "file", "2025-01-02") == "planned"
    keeping(world, after="created_on", since=world.value("SELECT now()"))
    assert outcome(world, "file", "2019-01-02") == "planned"


def test_a_date_that_moves_later_extends_at_once(world: World) -> None:
    document_id = world.add_document("file", document_type="file", created_on="2012-01-01")
    world.conn.execute("UPDATE organizations SET cooling_off_days = 0")
    keeping(world, after="created_on")

    world.conn.execute(
        "UPDATE documents SET created_on = '2018-01-01' WHERE id = %s", (document_id,)
    )

    assert outcome(world, "file", "2025-01-01") == "nothing"
    assert outcome(world, "file", "2025-01-02") == "planned"


def test_a_case_that_is_opened_again_is_kept_until_it_is_closed_again(world: World) -> None:
    world.add_document("file", document_type="file")
    world.conn.execute("UPDATE organizations SET cooling_off_days = 0")
    keeping(world, after="event:case.closed", trigger={"type": "ON_EVENT", "event": "case.closed"})
    closed = world.value("SELECT emit_event('case.closed', 'file', occurred_on => '2015-06-30')")
    assert outcome(world, "file", "2022-07-01") == "planned"

    is_withdrawn = withdraw_event(
        world.conn, organization="default", event_id=closed, reason="reopened", actor=ACTOR
    )

    assert is_withdrawn
    assert outcome(world, "file", "2026-01-01") == "nothing"
    world.value("SELECT emit_event('case.closed', 'file', occurred_on => '2018-06-30')")
    assert outcome(world, "file", "2025-06-30") == "nothing"
    assert outcome(world, "file", "2025-07-01") == "planned"


def test_what_an_event_with_an_old_date_lets_go_cools_off_whichever_rule_deletes(
    world: World,
) -> None:
    world.add_document("file", document_type="file")
    world.enforce(when=KEEP_FILES, actions=[{"do": "DELETE"}])
    world.enforce("keep", retain={"for": "1y", "after": "event:case.closed"})
    assert outcome(world, "file", "2026-01-01") == "retained"

    world.value("SELECT emit_event('case.closed', 'file', occurred_on => '2015-06-30')")

    assert outcome(world, "file", "2026-01-01") == "cooling_off"


def test_what_is_due_sooner_because_an_event_is_taken_back_cools_off(world: World) -> None:
    world.add_document("file", document_type="file")
    keeping(world, after="event:case.closed", trigger={"type": "ON_EVENT", "event": "case.closed"})
    later = world.value("SELECT emit_event('case.closed', 'file', occurred_on => '2018-06-30')")
    world.value("SELECT emit_event('case.closed', 'file', occurred_on => '2012-06-30')")
    world.conn.execute("UPDATE events SET recorded_at = %s", (LONG_AGO,))
    assert outcome(world, "file", "2024-01-01") == "nothing"

    withdraw_event(
        world.conn, organization="default", event_id=later, reason="a mistake", actor=ACTOR
    )

    assert outcome(world, "file", "2024-01-01") == "cooling_off"


@pytest.mark.parametrize(
    ("zone", "last_day"),
    [
        ("Europe/Berlin", date(2026, 3, 28)),
        ("Europe/Berlin", date(2026, 3, 29)),
        ("Europe/Berlin", date(2025, 10, 25)),
        ("Europe/Berlin", date(2025, 10, 26)),
        ("America/Los_Angeles", date(2026, 3, 8)),
        ("Asia/Kathmandu", date(2026, 3, 8)),
        ("America/Sao_Paulo", date(2017, 10, 14)),  # the next day began at one o'clock
        ("Pacific/Apia", date(2011, 12, 29)),  # the next day was left out
    ],
)
def test_the_day_after_begins_with_the_organizations_midnight(
    world: World, zone: str, last_day: date
) -> None:
    """Also on nights when clocks change: not a second earlier, and at once."""
    world.conn.execute("UPDATE organizations SET time_zone = %s, cooling_off_days = 0", (zone,))
    world.add_document(
        "file",
        document_type="file",
        created_on=last_day,
        registered_at=datetime(2005, 1, 1, tzinfo=UTC),
    )
    keeping(world, after="created_on", period="0d")
    noon = datetime(last_day.year, last_day.month, last_day.day, 12, tzinfo=ZoneInfo(zone))
    second = timedelta(seconds=1)
    moment = noon.astimezone(UTC)
    while moment.astimezone(ZoneInfo(zone)).date() == last_day:
        moment += timedelta(minutes=15)

    counts = [
        [summary.document_count for summary in world.plan(as_of=at)]
        for at in (moment - second, moment)
    ]

    assert counts == [[0], [1]]


@pytest.mark.parametrize("cron", ["0 3 * * *", "30 2 * * *", "0 2 * * *"])
@pytest.mark.parametrize("first", [date(2026, 3, 26), date(2025, 10, 23)])
def test_a_daily_rule_runs_once_a_night_also_when_clocks_change(
    world: World, cron: str, first: date
) -> None:
    """Half past two does not exist on the one night (then it is half past three) and comes twice
    on the other."""
    world.conn.execute("UPDATE organizations SET time_zone = 'Europe/Berlin'")
    zone = ZoneInfo("Europe/Berlin")
    world.enforce(
        trigger={"type": "ON_SCHEDULE", "cron": cron}, when=KEEP_FILES, actions=[{"do": "ARCHIVE"}]
    )

    runs = []
    for number in range(6):
        day = first + timedelta(days=number)
        at = datetime(day.year, day.month, day.day, 4, 0, 5, tzinfo=zone).astimezone(UTC)
        world.now = at
        runs.append(len(world.plan()))

    assert runs == [1] * 6
