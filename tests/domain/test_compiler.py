from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from doclife.domain.compiler import Compiler, Purpose, RuleVersion
from doclife.domain.fields import MetadataType
from doclife.domain.protections import protections
from doclife.domain.rule import Rule
from doclife.errors import ConfigurationError
from tests.domain.conftest import (
    METADATA,
    RULE_MADE_AT,
    TODAY,
    Run,
    compiler,
    document,
    event,
    rule,
)

ValueOf = Callable[..., Any]
FOREVER = date.max  # how the store reads infinity
DELETE = {"do": "DELETE"}
ARCHIVE = {"do": "ARCHIVE"}
NOTIFY = {"do": "NOTIFY", "with": {"to": "x"}}
WEBHOOK = {"do": "WEBHOOK", "with": {"endpoint": "x"}}
IS_INVOICE = {"field": "document_type", "op": "eq", "value": "invoice"}
LEFT = {"type": "ON_EVENT", "event": "employee.left"}


def retaining(period: str, after: str = "created_on", cutoff: str = "none", **parts: Any) -> Rule:
    return rule(retain={"for": period, "after": after, "cutoff": cutoff}, **parts)


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


# Anchor, cutoff and due date ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cutoff", "anchor", "until"),
    [
        ("none", "2020-02-29", "2027-02-28"),
        ("none", "2019-11-22", "2026-11-22"),
        ("end_of_month", "2020-02-01", "2027-02-28"),
        ("end_of_month", "2019-12-31", "2026-12-31"),
        ("end_of_month", "2020-04-30", "2027-04-30"),
        ("end_of_year", "2020-01-01", "2027-12-31"),
        ("end_of_year", "2019-12-31", "2026-12-31"),
    ],
)
def test_retains_from_the_cutoff_and_is_due_the_day_after(
    value_of: ValueOf, cutoff: str, anchor: str, until: str
) -> None:
    compiled = compiler(retaining("7y", cutoff=cutoff, actions=[DELETE]))
    of = document(created_on=anchor)

    assert value_of(compiled.anchor(), of) == day(anchor)
    assert value_of(compiled.retain_until(), of) == day(until)
    assert (value_of(compiled.due_on(0), of) - value_of(compiled.retain_until(), of)).days == 1


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_a_cutoff_does_not_depend_on_the_zone_of_the_session(
    session: Any, value_of: ValueOf, zone: str
) -> None:
    compiled = compiler(retaining("1d", cutoff="end_of_year"))

    with session.transaction(force_rollback=True):
        session.execute("SELECT set_config('timezone', %s, true)", (zone,))

        assert value_of(compiled.retain_until(), document(created_on="2025-12-31")) == date(
            2026, 1, 1
        )


def test_each_action_waits_for_its_own_period(value_of: ValueOf) -> None:
    compiled = compiler(retaining("7y", actions=[{**ARCHIVE, "after": "1y"}, NOTIFY, DELETE]))
    of = document(created_on="2020-01-15")

    due = [value_of(compiled.due_on(index), of) for index in range(3)]

    assert due == [date(2021, 1, 16), date(2027, 1, 16), date(2027, 1, 16)]


def test_permanent_retains_without_end(value_of: ValueOf) -> None:
    compiled = compiler(retaining("permanent", actions=[{**ARCHIVE, "after": "1y"}]))

    assert value_of(compiled.retain_until(), document(created_on="2020-01-01")) == FOREVER
    assert value_of(compiled.due_on(0), document(created_on="2020-01-01")) == date(2021, 1, 2)


def test_an_expiration_rule_counts_from_expires_on(value_of: ValueOf) -> None:
    compiled = compiler(rule(trigger={"type": "ON_EXPIRATION"}, actions=[NOTIFY]))

    assert value_of(compiled.due_on(0), document(expires_on="2026-11-21")) == TODAY
    assert value_of(compiled.due_on(0), document(expires_on=None)) is None
    assert value_of(compiled.retain_until(), document(expires_on="2026-11-21")) is None


def test_a_schedule_without_retention_is_due_at_once(value_of: ValueOf) -> None:
    compiled = compiler(rule(when=IS_INVOICE, actions=[ARCHIVE]))

    assert not compiled.has_anchor
    assert value_of(compiled.due_on(0), document()) == TODAY
    assert value_of(compiled.anchor(), document()) is None


def test_a_metadata_date_is_an_anchor_and_a_malformed_one_is_unknown(value_of: ValueOf) -> None:
    compiled = compiler(retaining("7y", after="metadata.contract_end", actions=[DELETE]))

    known = document(metadata={"contract_end": "2019-01-01"})
    assert value_of(compiled.due_on(0), known) == date(2026, 1, 2)
    for metadata in ({}, {"contract_end": "2019-02-30"}, {"contract_end": None}):
        assert value_of(compiled.due_on(0), document(metadata=metadata)) is None
        assert value_of(compiled.protection(), document(metadata=metadata)) == FOREVER


def test_an_age_of_registration_counts_in_the_zone_of_the_organization(value_of: ValueOf) -> None:
    compiled = compiler(retaining("1y", after="registered_on"))
    # Half past eleven at night in UTC is the next day, and year, in Berlin.
    of = document(registered_at="2019-12-31T23:30:00+00:00")

    assert value_of(compiled.anchor(), of) == date(2020, 1, 1)


@pytest.mark.parametrize(
    ("field", "floors", "anchor"),
    [
        # Moved earlier after this version of the rule was made: the later date still counts.
        ("2020-01-01", [("2024-01-01", "2026-06-01")], "2024-01-01"),
        # Moved before: this version has taken the date as it is.
        ("2020-01-01", [("2024-01-01", "2025-06-01")], "2020-01-01"),
        ("2020-01-01", [("2024-01-01", "2026-01-01")], "2020-01-01"),
        # Moved twice, once before and once after.
        ("2020-01-01", [("2024-01-01", "2025-06-01"), ("2022-01-01", "2026-06-01")], "2022-01-01"),
        ("2020-01-01", [("2024-01-01", "2026-05-01"), ("2022-01-01", "2026-06-01")], "2024-01-01"),
        # Moved back later than it ever was.
        ("2025-01-01", [("2024-01-01", "2026-06-01")], "2025-01-01"),
        # An emptied field is unknown; what it once was does not revive it.
        (None, [("2024-01-01", "2026-06-01")], None),
        ("2020-01-01", [], "2020-01-01"),
    ],
)
@pytest.mark.parametrize("name", ["created_on", "metadata.contract_end"])
def test_an_anchor_that_moves_earlier_does_not_shorten_by_itself(
    value_of: ValueOf,
    name: str,
    field: str | None,
    floors: list[tuple[str, str]],
    anchor: str | None,
) -> None:
    compiled = compiler(retaining("1y", after=name))
    key = name.removeprefix("metadata.")
    values = {"metadata": {key: field}} if key != name else {key: field}
    given_up = [{"on": on, "at": f"{at}T00:00:00+00:00"} for on, at in floors]
    of = document(anchor_floors={name: given_up} if given_up else {}, **values)

    assert value_of(compiled.anchor(), of) == day(anchor)


def test_the_floor_of_another_field_does_not_count(value_of: ValueOf) -> None:
    compiled = compiler(retaining("1y"))
    floors = {"expires_on": [{"on": "2024-01-01", "at": "2026-06-01T00:00:00+00:00"}]}

    of = document(created_on="2020-01-01", anchor_floors=floors)

    assert value_of(compiled.anchor(), of) == date(2020, 1, 1)


def test_the_catalogue_keeps_the_floors_that_anchors_read(conn: Any) -> None:
    compiled = compiler(retaining("1y"))
    conn.execute(
        "INSERT INTO documents (organization_id, external_id, created_on)"
        " VALUES (1, 'a', '2024-01-01')"
    )
    conn.execute("UPDATE documents SET created_on = '2020-01-01'")

    anchor = compiled.anchor()
    found = conn.execute(f"SELECT {anchor.text} FROM documents AS d", anchor.parameters).fetchone()

    assert found == (date(2024, 1, 1),)


# Events ------------------------------------------------------------------------------------------

WITHDRAWN = {"withdrawn_at": "2026-11-01T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("events", "anchor"),
    [
        ([], None),
        ([event(1, "2020-01-01")], "2020-01-01"),
        ([event(1, "2020-01-01"), event(2, "2022-01-01")], "2022-01-01"),
        ([event(1, "2022-01-01"), event(2, "2020-01-01")], "2022-01-01"),
        ([event(1, "2020-01-01", **WITHDRAWN)], None),
        # The case was opened again: the clock stops, although an earlier closing stands.
        ([event(1, "2020-01-01"), event(2, "2022-01-01", **WITHDRAWN)], None),
        ([event(1, "2022-01-01", **WITHDRAWN), event(2, "2020-01-01")], "2020-01-01"),
        ([event(1, "2020-01-01", document_id=2)], None),
        ([event(1, "2020-01-01", type="case.closed")], None),
        ([event(1, "2020-01-01", is_external=False)], None),
        ([event(1, "2020-01-01", may_start_clocks=False)], None),
    ],
)
def test_an_event_starts_the_clock_until_it_is_withdrawn(
    run: Run, value_of: ValueOf, events: list[dict[str, Any]], anchor: str | None
) -> None:
    compiled = compiler(
        retaining("1y", after="event:employee.left", trigger=LEFT, actions=[DELETE])
    )

    assert value_of(compiled.anchor(), document(), events=events) == day(anchor)
    protected = value_of(compiled.protection(), document(), events=events)
    assert (protected == FOREVER) is (anchor is None)
    hits = run(compiled.hits(organization_id=1), document(), events=events)
    assert len(hits) == (0 if anchor is None else 1)


def test_a_message_about_an_event_goes_out_on_the_same_day(value_of: ValueOf) -> None:
    happened = [event(1, "2026-11-22")]
    reacting = compiler(
        rule(trigger=LEFT, when=IS_INVOICE, actions=[WEBHOOK, NOTIFY, {**NOTIFY, "after": "0d"}])
    )
    deleting = compiler(rule(trigger=LEFT, when=IS_INVOICE, actions=[ARCHIVE, DELETE]))

    due = [value_of(reacting.due_on(index), document(), events=happened) for index in range(3)]

    assert due == [TODAY, TODAY, date(2026, 11, 23)]
    for index in range(2):
        due_on = value_of(deleting.due_on(index), document(), events=happened)
        assert due_on == date(2026, 11, 23)


# Hits --------------------------------------------------------------------------------------------


def numbers(rows: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return sorted((row["document_id"], row["action"]) for row in rows)


def test_hits_say_everything_a_plan_item_needs(run: Run) -> None:
    compiled = compiler(retaining("1y", cutoff="end_of_month", when=IS_INVOICE, actions=[DELETE]))

    rows = run(
        compiled.hits(organization_id=1),
        document(document_type="invoice", created_on="2024-02-10"),
    )

    assert rows == [
        {
            "document_id": 1,
            "action_index": 0,
            "action": "DELETE",
            "matched": True,
            "anchor_on": date(2024, 2, 10),
            "retain_until": date(2025, 2, 28),
            "due_on": date(2025, 3, 1),
        }
    ]


@pytest.mark.parametrize(
    ("created_on", "is_due"), [("2019-11-21", True), ("2019-11-22", False), (None, False)]
)
def test_a_document_is_due_the_day_after_its_retention(
    run: Run, created_on: str | None, is_due: bool
) -> None:
    compiled = compiler(retaining("7y", actions=[DELETE]))

    rows = run(compiled.hits(organization_id=1), document(created_on=created_on))

    assert bool(rows) is is_due


def test_hits_are_of_one_organization_and_of_living_documents(run: Run) -> None:
    compiled = compiler(rule(when=IS_INVOICE, actions=[ARCHIVE, NOTIFY, DELETE]))
    kind = {"document_type": "invoice"}

    rows = run(
        compiled.hits(organization_id=1),
        document(1, **kind),
        document(2, status="archived", **kind),
        document(3, status="deleted", status_before="active", **kind),
        document(4, status="purging", status_before="active", **kind),
        document(5, status="purged", **kind),
        document(6, organization_id=2, **kind),
        document(7, document_type="report"),
    )

    # What is archived already is not archived again.
    assert numbers(rows) == [
        (1, "ARCHIVE"), (1, "DELETE"), (1, "NOTIFY"), (2, "DELETE"), (2, "NOTIFY"),
    ]  # fmt: skip


def test_hits_can_be_asked_for_some_documents_only(run: Run) -> None:
    compiled = compiler(rule(when=IS_INVOICE, actions=[NOTIFY]))
    some = [document(number, document_type="invoice") for number in range(1, 5)]

    assert len(run(compiled.hits(organization_id=1), *some)) == 4
    two = compiled.hits(organization_id=1, document_ids=[2, 4, 99])
    assert numbers(run(two, *some)) == [(2, "NOTIFY"), (4, "NOTIFY")]
    assert run(compiled.hits(organization_id=1, document_ids=[]), *some) == []


def test_hits_can_look_ahead(run: Run) -> None:
    compiled = compiler(retaining("7y", actions=[DELETE]))
    soon, later = document(1, created_on="2019-12-10"), document(2, created_on="2024-01-01")

    assert run(compiled.hits(organization_id=1), soon, later) == []
    month = compiled.hits(organization_id=1, due_by=date(2026, 12, 22))
    assert numbers(run(month, soon, later)) == [(1, "DELETE")]
    everything = compiled.hits(organization_id=1, due_by=date.max)
    assert numbers(run(everything, soon, later)) == [(1, "DELETE"), (2, "DELETE")]


def test_unknown_is_shown_in_a_preview_and_never_planned(run: Run) -> None:
    compiled = compiler(retaining("7y", when=IS_INVOICE, actions=[DELETE]))
    due = document(1, document_type="invoice", created_on="2015-01-01")
    condition_unknown = document(2, document_type=None, created_on="2015-01-01")
    anchor_unknown = document(3, document_type="invoice", created_on=None)
    both_unknown = document(4, document_type=None, created_on=None)
    not_due = document(5, document_type=None, created_on="2025-01-01")
    no_match = document(6, document_type="report", created_on=None)
    all_of_them = [due, condition_unknown, anchor_unknown, both_unknown, not_due, no_match]

    planned = run(compiled.hits(organization_id=1), *all_of_them)
    shown = run(compiled.hits(organization_id=1, include_unknown=True), *all_of_them)

    assert [row["document_id"] for row in planned] == [1]
    assert {row["document_id"]: row["matched"] for row in shown} == {
        1: True, 2: None, 3: None, 4: None,
    }  # fmt: skip


@pytest.mark.parametrize("after", ["created_on", "metadata.contract_end", "event:case.closed"])
def test_what_has_no_anchor_is_never_due(run: Run, after: str) -> None:
    compiled = compiler(retaining("7y", after=after, actions=[DELETE]))

    assert run(compiled.hits(organization_id=1), document(created_on=None)) == []


def test_missing_is_a_fact_for_a_rule_that_destroys_nothing(run: Run) -> None:
    when = {"field": "metadata.country", "op": "is_null"}
    compiled = compiler(rule(when=when, actions=[NOTIFY]))

    rows = run(
        compiled.hits(organization_id=1),
        document(1),
        document(2, metadata={"country": "DE"}),
        document(3, metadata={"country": ["DE"]}),
    )

    assert compiled.selection_purpose is Purpose.SELECT
    assert numbers(rows) == [(1, "NOTIFY")]


def test_missing_is_a_gap_for_a_rule_that_deletes(run: Run) -> None:
    when = {"field": "metadata.country", "op": "not_null"}
    compiled = compiler(rule(when=when, actions=[DELETE]))

    rows = run(compiled.hits(organization_id=1, include_unknown=True), document(1))

    assert [row["matched"] for row in rows] == [None]


def test_a_rule_that_only_retains_hits_nothing(run: Run) -> None:
    assert run(compiler(retaining("7y")).hits(organization_id=1), document()) == []


# Protections -------------------------------------------------------------------------------------


def version(of: Rule, number: int, **parts: Any) -> Compiler:
    return compiler(of, prefix=f"r{number}", rule_id=number, version_id=number, **parts)


def test_the_longest_protection_wins(run: Run) -> None:
    rules = [
        version(retaining("1y", name="one-year"), 1),
        version(retaining("7y", when=IS_INVOICE, name="seven-years"), 2),
        version(rule(when=IS_INVOICE, actions=[DELETE]), 3),
    ]

    rows = run(
        protections(rules),
        document(1, created_on="2024-01-01", document_type="invoice"),
        document(2, created_on="2024-01-01", document_type="report"),
        document(3, created_on="2024-01-01", document_type=None),
    )

    assert {row["document_id"]: (row["rule_version_id"], row["retain_until"]) for row in rows} == {
        1: (2, date(2031, 1, 1)),
        2: (1, date(2025, 1, 1)),
        3: (2, date(2031, 1, 1)),  # it may be an invoice
    }


def test_equal_protections_are_told_apart_by_priority_and_name(run: Run) -> None:
    def winner(*named: tuple[str, int]) -> int:
        rules = [
            version(retaining("1y", name=name, priority=priority), number)
            for number, (name, priority) in enumerate(named)
        ]
        found = run(protections(rules), document(created_on="2024-01-01"))
        assert len(found) == 1
        return int(found[0]["rule_version_id"])

    assert winner(("bb", 5), ("cc", 4)) == 1
    assert winner(("bb", 5), ("aa", 5)) == 1
    assert winner(("aa", 5), ("bb", 5)) == 0


def test_a_document_that_no_rule_keeps_has_no_row(run: Run) -> None:
    rules = [version(retaining("7y", when=IS_INVOICE), 1)]

    assert run(protections(rules), document(document_type="report")) == []
    assert run(protections([]), document()) == []
    assert run(protections([version(rule(when=IS_INVOICE, actions=[NOTIFY]), 1)]), document()) == []


def test_a_document_in_the_trash_is_still_protected(run: Run) -> None:
    when = {"field": "status", "op": "eq", "value": "active"}
    rules = [version(retaining("7y", when=when), 1)]

    trashed = document(created_on="2024-01-01", status="deleted", status_before="active")

    assert len(run(protections(rules), trashed)) == 1


def test_a_retention_of_what_is_missing_protects_what_is_missing(run: Run) -> None:
    rules = [version(retaining("1y", when={"field": "owner", "op": "is_null"}), 1)]

    assert len(run(protections(rules), document(created_on="2024-01-01", owner=None))) == 1
    assert run(protections(rules), document(created_on="2024-01-01", owner="somebody")) == []


def test_a_retention_of_what_says_something_protects_also_what_lost_it(run: Run) -> None:
    rules = [version(retaining("1y", when={"field": "owner", "op": "not_null"}), 1)]

    assert len(run(protections(rules), document(created_on="2024-01-01", owner="somebody"))) == 1
    assert len(run(protections(rules), document(created_on="2024-01-01", owner=None))) == 1


def test_a_hundred_rules_protect_in_one_statement(run: Run) -> None:
    when = {"any": [IS_INVOICE, {"field": "title", "op": "in", "value": ["a", "b", "c"]}]}
    rules = [
        version(
            retaining(
                f"{number}mo", after=after, cutoff="end_of_year", when=when, name=f"r-{number}"
            ),
            number,
        )
        for number, after in enumerate(["created_on", "metadata.contract_end"] * 50, start=1)
    ]
    several = [
        document(
            number,
            document_type="invoice",
            created_on="2024-01-01",
            metadata={"contract_end": "2024-01-01"},
        )
        for number in range(200)
    ]

    rows = run(protections(rules), *several)

    assert {row["rule_version_id"] for row in rows} == {100}
    assert {row["retain_until"] for row in rows} == {date(2033, 4, 30)}
    assert len(rows) == 200


# The rest ----------------------------------------------------------------------------------------


def test_names_the_fields_and_events_that_a_deletion_rests_on() -> None:
    when = {"all": [IS_INVOICE, {"not": {"field": "metadata.country", "op": "eq", "value": "DE"}}]}
    by_date = compiler(retaining("7y", after="metadata.contract_end", when=when, actions=[DELETE]))
    by_event = compiler(retaining("1y", "event:employee.left", trigger=LEFT, actions=[DELETE]))

    assert by_date.fields_used(0) == {
        "document_type", "metadata.country", "metadata.contract_end",
    }  # fmt: skip
    assert by_date.events_used == frozenset()
    assert by_event.fields_used(0) == frozenset()
    assert by_event.events_used == {"employee.left"}


@pytest.mark.parametrize(
    ("types", "reason"),
    [
        ({}, "not declared"),
        ({"country": MetadataType.INT}, "not for a field of type int|not a whole number"),
        ({"country": MetadataType.DATE}, "not for a field of type date"),
    ],
)
def test_refuses_metadata_that_is_not_declared_as_the_rule_needs_it(
    types: dict[str, MetadataType], reason: str
) -> None:
    when = {"field": "metadata.country", "op": "eq", "value": "DE"}

    with pytest.raises(ConfigurationError, match=reason):
        Compiler(
            rule_version=RuleVersion(
                rule_id=1,
                version_id=1,
                version=1,
                created_at=RULE_MADE_AT,
                rule=rule(when=when, actions=[NOTIFY]),
            ),
            metadata_types=types,
            time_zone="UTC",
            as_of=TODAY,
        )


def test_refuses_an_anchor_that_is_not_declared_as_a_date() -> None:
    with pytest.raises(ConfigurationError, match="counts from a date"):
        compiler(retaining("1y", after="metadata.pages"))
    with pytest.raises(ConfigurationError, match="not declared"):
        compiler(retaining("1y", after="metadata.nothing"))


def test_refuses_a_moment_for_a_day() -> None:
    # A timestamp compared with a date column is not the same test, and has no index.
    with pytest.raises(ValueError, match="as_of is a date"):
        compiler(retaining("1y"), as_of=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("prefix", ["", "R", "1r", "r;", "r-1", "r" * 50, "r)s; DROP"])
def test_refuses_a_prefix_that_is_no_name(prefix: str) -> None:
    with pytest.raises(ValueError, match="name of a parameter"):
        compiler(retaining("1y"), prefix=prefix)


def test_rules_of_one_prefix_cannot_share_a_statement() -> None:
    with pytest.raises(ValueError, match="different prefixes"):
        protections([compiler(retaining("1y")), compiler(retaining("2y"))])


def test_every_declared_type_is_tried_here() -> None:
    assert set(METADATA.values()) == set(MetadataType)
