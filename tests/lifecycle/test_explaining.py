"""What an explanation says of a document is what a plan of that night does with it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from doclife.domain.explanation import Explanation, RuleExplanation
from doclife.domain.explanation_words import clock_words, why_words
from doclife.domain.review import Answer, Keeping
from doclife.domain.rule import Mode, Rule
from doclife.errors import ConfigurationError
from doclife.lifecycle import halting, planning
from doclife.lifecycle.deciding import keep_documents
from doclife.lifecycle.explaining import explain_document
from doclife.store import organizations, rules
from doclife.store.connection import connect
from tests.domain.conftest import METADATA, RULE_MADE_AT, TODAY
from tests.domain.strategies import DAYS, documents, events
from tests.domain.strategies import rules as any_rules

from .conftest import World, days_ago

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
TONIGHT = datetime(TODAY.year, TODAY.month, TODAY.day, 3, tzinfo=UTC)


def explain(world: World, external_id: str = "a", **moments: datetime) -> Explanation:
    return explain_document(
        world.conn,
        organization="default",
        external_id=external_id,
        now=world.now,
        as_of=moments.get("as_of", world.now),
    )


def of(found: Explanation, name: str = "rule") -> RuleExplanation:
    return next(one for one in found.rules if one.name == name)


class TestPredicates:
    def test_show_value_operator_required_and_the_servers_three_answers(self, world: World) -> None:
        world.add_document("a", document_type="draft", created_on=date(2026, 3, 1))
        condition = {
            "all": [
                DRAFTS,
                {"not": {"field": "created_on", "op": "older_than", "value": "1y"}},
                {"any": [{"field": "title", "op": "starts_with", "value": "No"}]},
                {"field": "media_type", "op": "in", "value": ["text/plain", "text/csv"]},
            ]
        }
        world.enforce(when=condition, actions=DELETE)

        shown = of(explain(world)).predicates

        assert [
            (one.path, one.field, one.actual, one.operator, one.required, one.is_met)
            for one in shown
        ] == [
            ("all[0]", "document_type", "draft", "eq", "draft", True),
            ("all[1].not", "created_on", "2026-03-01", "older_than", "1y", False),
            ("all[2].any[0]", "title", "Title of a", "starts_with", "No", False),
            ("all[3]", "media_type", None, "in", "[text/plain, text/csv]", None),
        ]
        assert [one.is_negated for one in shown] == [False, True, False, False]

    def test_of_rules_that_are_off_or_only_simulate_are_shown_and_said_so(
        self, world: World
    ) -> None:
        world.add_document("a", document_type="draft")
        world.enforce("off", mode="off", when=DRAFTS, actions=DELETE)
        world.enforce("looks", mode="simulate", when=DRAFTS, actions=DELETE)

        found = explain(world)

        assert {one.name: (one.mode, one.is_met) for one in found.rules} == {
            "off": (Mode.OFF, True),
            "looks": (Mode.SIMULATE, True),
        }
        assert of(found, "looks").actions[0].would_be_done
        assert of(found, "off").actions[0].reason is None
        assert found.answer.startswith("Still here because looks@1 only simulates")


class TestTheAnswer:
    def test_names_the_matter_of_a_held_document(self, world: World) -> None:
        document = world.add_document("a", document_type="draft")
        world.enforce(when=DRAFTS, actions=DELETE)
        hold(world, document, "smith-v-jones")

        found = explain(world)

        assert found.answer.startswith(
            "Still here because it is under legal hold (smith-v-jones); rule@1 deletes it otherwise"
        )
        assert found.next_step is not None
        assert found.next_step.on is None

    def test_names_a_matter_that_will_catch_it_when_a_plan_looks(self, world: World) -> None:
        world.conn.execute(
            "INSERT INTO matters (organization_id, name, reason, created_by, condition)"
            " VALUES (1, 'all-drafts', 'a claim', 'user:olga', %s)",
            (Jsonb(DRAFTS),),
        )
        world.conn.execute("ALTER TABLE documents DISABLE TRIGGER USER")
        world.add_document("a", document_type="draft", content=None)
        world.conn.execute("ALTER TABLE documents ENABLE TRIGGER USER")
        world.enforce(when=DRAFTS, actions=DELETE)

        found = explain(world)

        assert of(found).actions[0].code == "held"
        assert found.answer.startswith("Still here because it is under legal hold (all-drafts)")
        assert world.value("SELECT count(*) FROM matter_documents") == 0

    def test_names_who_took_it_out_of_a_plan_and_why(self, world: World) -> None:
        document = world.add_document("a", document_type="draft")
        world.enforce(when=DRAFTS, actions=DELETE, review={"stages": ["records"]})
        [plan] = world.plan()
        keep_documents(
            world.conn,
            plan_id=plan.plan_id,
            document_ids=[document],
            keeping=Keeping(
                answer=Answer.EXTEND,
                until=world.now.date() + timedelta(days=90),
                comment="warranty",
            ),
            actor="cli:anna",
            now=world.now,
        )

        found = explain(world)

        assert f"(plan {plan.plan_id}: kept longer by cli:anna" in found.answer
        assert "warranty" in found.answer
        assert [(deed.state, deed.plan_id) for deed in found.deeds] == [("skipped", plan.plan_id)]

    def test_names_the_rule_that_retains_it_and_the_day_after(self, world: World) -> None:
        world.add_document("a", document_type="draft", created_on=days_ago(100))
        world.enforce(when=DRAFTS, actions=DELETE)
        world.enforce(
            "keeper", mode="simulate", when=DRAFTS, retain={"for": "1y", "after": "created_on"}
        )

        found = explain(world)

        end = date(2026, 11, 22)
        assert found.answer.startswith(
            f"Still here because it is retained until {end} by keeper@1; rule@1 deletes it"
        )
        assert found.next_step is not None
        assert (found.next_step.on, found.next_step.rule) == (end + timedelta(days=1), "rule@1")

    def test_says_when_it_will_go(self, world: World) -> None:
        world.add_document("a", document_type="draft", expires_on=date(2026, 4, 1))
        world.enforce(
            trigger={"type": "ON_EXPIRATION"},
            when=DRAFTS,
            warn=["14d", "7d"],
            actions=DELETE,
            grace="10d",
        )

        found = explain(world)

        assert found.answer == (
            "Still here because nothing is due yet: rule@1 deletes it on 2026-04-02 "
            "(the day it falls due)."
        )
        assert of(found).next_warning_on == date(2026, 3, 19)
        assert "afterwards, for 10d: undo or restore, until it is purged" in found.could_stop_it

    def test_a_period_of_no_length_is_said_in_words(self, world: World) -> None:
        world.add_document("a", document_type="draft", created_on=days_ago(100))
        world.enforce(
            when=DRAFTS, actions=DELETE, grace="0d", retain={"for": "0d", "after": "created_on"}
        )

        found = explain(world)

        said = [
            *(found.could_stop_it or ()),
            str(why_words(of(found), of(found).actions[0])),
            clock_words(of(found)),
        ]
        assert "afterwards, until the next weekly cleanup: undo or restore, until it is purged" in (
            said
        )
        assert "without grace, so the next weekly cleanup purges it" in said[-2]
        assert "retains it no longer than that: until" in said[-1]
        assert not [words for words in said if "0d" in words]

    def test_says_that_the_next_run_takes_it(self, world: World) -> None:
        world.add_document("a", document_type="draft")
        world.enforce(when=DRAFTS, actions=DELETE)

        assert explain(world).answer == (
            "Still here, but rule@1 deletes it in its next run: meets the conditions of the rule."
        )

    def test_says_what_is_unknown(self, world: World) -> None:
        world.add_document("a", document_type="draft")
        condition = {"all": [DRAFTS, {"field": "media_type", "op": "eq", "value": "text/plain"}]}
        world.enforce(when=condition, actions=DELETE)

        found = explain(world)

        assert found.answer == (
            "Still here because rule@1 cannot judge it: media_type is missing or malformed, and "
            "what is unknown is kept."
        )

    def test_says_which_plan_waits_for_approval(self, world: World) -> None:
        world.add_document("a", document_type="draft")
        world.enforce(when=DRAFTS, actions=DELETE, review={"stages": ["owner"]})
        [plan] = world.plan()

        found = explain(world)

        assert found.answer.startswith(
            f"Still here because plan {plan.plan_id} (rule@1, DELETE) has waited for approval "
            "since 2026-03-02: the rule asks for review"
        )
        assert of(found).actions[0].code == "reserved"

    def test_says_until_when_it_cools_off(self, world: World) -> None:
        world.add_document("a", document_type="draft", registered_at=world.now)
        world.enforce(when=DRAFTS, actions=DELETE)

        found = explain(world)

        assert of(found).actions[0].code == "cooling_off"
        assert found.cooling_off_until == world.now + timedelta(days=7)
        assert found.next_step is not None
        assert found.next_step.on == date(2026, 3, 9)

    def test_says_why_it_is_gone_by_which_plan_rule_and_authority(self, world: World) -> None:
        world.add_document("a", document_type="draft")
        world.enforce(when=DRAFTS, actions=DELETE, grace="0d", authority="Art. 5 GDPR")
        world.night()

        assert explain(world).answer.startswith(
            "In the trash on 2026-03-02 by plan 1 of rule@1 (Art. 5 GDPR; meets the conditions of"
        )

        world.later(days=1)
        world.purge()
        found = explain(world)

        assert found.answer == (
            "Gone: its bytes were purged on 2026-03-03 by plan 2; it was moved to the trash on "
            "2026-03-02 by plan 1 of rule@1 (Art. 5 GDPR; meets the conditions of the rule)."
        )
        assert found.title is None

    def test_says_that_a_halt_is_in_the_way(self, world: World) -> None:
        world.add_document("a", document_type="draft")
        world.enforce(when=DRAFTS, actions=DELETE)
        halting.halt(world.conn, reason="drill", actor="user:olga", now=world.now)

        assert "once the halt ends (halted by user:olga: drill)" in explain(world).answer

    def test_is_refused_for_a_document_that_is_not_there(self, world: World) -> None:
        with pytest.raises(ConfigurationError, match="has no document 'a'"):
            explain(world)


class TestTimeTravel:
    def test_judges_the_day_but_holds_and_reprieve_by_the_present(self, world: World) -> None:
        document = world.add_document("a", document_type="draft", expires_on=date(2026, 4, 1))
        world.enforce(trigger={"type": "ON_EXPIRATION"}, when=DRAFTS, actions=DELETE)
        later = world.now + timedelta(days=60)

        assert of(explain(world, as_of=later)).actions[0].would_be_done
        assert explain(world, as_of=later).is_ahead

        hold(world, document, "smith-v-jones")

        assert of(explain(world, as_of=later)).actions[0].code == "held"

    def test_shows_a_moved_anchor_and_the_day_that_counts(self, world: World) -> None:
        document = world.add_document("a", document_type="draft", created_on=date(2026, 1, 10))
        world.enforce(when=DRAFTS, retain={"for": "1y", "after": "created_on"}, actions=DELETE)
        world.conn.execute(
            "UPDATE documents SET created_on = '2020-01-10' WHERE id = %s", (document,)
        )

        clock = of(explain(world)).clock

        assert clock is not None
        assert clock.is_floored
        assert (clock.as_read, clock.counted_from) == (date(2020, 1, 10), date(2026, 1, 10))


def test_nothing_is_stored(world: World) -> None:
    world.add_document("a", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE)

    explain(world)

    assert world.value("SELECT count(*) FROM plans") == 0
    assert world.value("SELECT count(*) FROM plan_items") == 0


def hold(world: World, document: int, matter: str) -> None:
    world.conn.execute(
        "WITH matter AS (INSERT INTO matters (organization_id, name, reason, created_by)"
        " VALUES (1, %s, 'a claim', 'user:olga') RETURNING id)"
        " INSERT INTO matter_documents (matter_id, document_id, added_by)"
        " SELECT id, %s, 'user:olga' FROM matter",
        (matter, document),
    )


@st.composite
def catalogues(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Three documents with everything that judging looks at."""
    found = []
    for number in (1, 2, 3):
        one = {**draw(documents(number)), "version": 1, "is_baseline": draw(st.booleans())}
        if one["status"] == "deleted":
            one |= {"deleted_at": f"{TODAY}T00:00:00+00:00", "purge_after": str(TODAY)}
        elif one["status"] == "archived":
            one["archived_at"] = one["archived_at"] or f"{TODAY}T00:00:00+00:00"
        one["hold_count"] = draw(st.sampled_from([0, 0, 0, 1]))
        one["reprieve_until"] = draw(st.none() | st.none() | DAYS.map(str))
        changed = draw(st.sampled_from([None, "title", "document_type", "created_on"]))
        if changed is not None:
            one["field_changed_at"] = {changed: f"{draw(DAYS)}T12:00:00+00:00"}
        found.append(one)
    return found


MODES = st.sampled_from([Mode.ENFORCE, Mode.ENFORCE, Mode.ENFORCE, Mode.SIMULATE, Mode.OFF])


EVERY_DOCUMENT = {"field": "external_id", "op": "starts_with", "value": "document"}


def widened(rule: Rule, mode: Mode, *, is_wide: bool) -> Rule:
    """The rule in a mode, most of them selecting every document: they get into each other's way."""
    wide = {"when": EVERY_DOCUMENT} if is_wide else {}
    return Rule.model_validate({**rule.to_source(), **wide, "mode": mode})


def rule_sets() -> st.SearchStrategy[list[Rule]]:
    some = st.builds(widened, any_rules(), MODES, is_wide=st.sampled_from([True, True, False]))
    return st.lists(some, min_size=2, max_size=5, unique_by=lambda rule: rule.name)


@pytest.fixture
def loose(database: str) -> psycopg.Connection[Any]:
    """A connection for rows that the triggers would refuse; what it writes is rolled back."""
    with connect(database) as conn:
        yield conn


@settings(
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(catalogues(), events(), rule_sets(), st.sampled_from([0, 3]))
def test_explains_what_the_plan_of_that_night_does(
    loose: psycopg.Connection[Any],
    catalogue: list[dict[str, Any]],
    happened: list[dict[str, Any]],
    rule_set: list[Rule],
    cooling_off_days: int,
) -> None:
    with loose.transaction(force_rollback=True):
        fill(loose, catalogue, happened, rule_set, cooling_off_days)
        said = {
            (document["id"], rule.label, action.action_index): (
                action.code,
                action.reason,
                action.blocking_rule,
            )
            for document in catalogue
            for rule in explain_document(
                loose,
                organization="default",
                external_id=document["external_id"],
                now=TONIGHT,
                as_of=TONIGHT,
            ).rules
            for action in rule.actions
            if action.reason is not None
        }

        planning.plan_due_rules(
            loose, now=TONIGHT, as_of=TONIGHT, dag_id="t", run_id="t", requested_by="schedule"
        )
        done = {
            (row[0], row[1], row[2]): tuple(row[3:])
            for row in loose.execute(
                "SELECT item.document_id, rule.name || '@' || version.version, item.action_index,"
                " item.reason_code, item.reason, blocking.name || '@' || kept.version"
                " FROM plan_items AS item"
                " JOIN rule_versions AS version ON version.id = item.rule_version_id"
                " JOIN rules AS rule ON rule.id = version.rule_id"
                " LEFT JOIN rule_versions AS kept ON kept.id = item.blocking_rule_version_id"
                " LEFT JOIN rules AS blocking ON blocking.id = kept.rule_id"
            )
        }

    # How many one night takes is not about one document.
    paced = {key for key, verdict in done.items() if verdict[0] == "paced"}
    assert {key: said[key] for key in said if key not in paced} == {
        key: done[key] for key in done if key not in paced
    }
    assert paced <= set(said)


def fill(
    conn: psycopg.Connection[Any],
    catalogue: list[dict[str, Any]],
    happened: list[dict[str, Any]],
    rule_set: list[Rule],
    cooling_off_days: int,
) -> None:
    """Put rows there as they may come to be over months, without living through them."""
    conn.execute("ALTER TABLE documents DISABLE TRIGGER USER")
    conn.execute("ALTER TABLE events DISABLE TRIGGER USER")
    conn.execute("UPDATE organizations SET cooling_off_days = %s", (cooling_off_days,))
    organizations.declare_metadata(conn, 1, METADATA)
    for table, rows in (("documents", catalogue), ("events", happened)):
        for row in rows:
            row = {**row, **({"actor": "app", "payload": {}} if table == "events" else {})}
            row.setdefault("recorded_at", "2026-01-01T00:00:00+00:00") if table == "events" else 0
            names = ", ".join(row)
            conn.execute(
                f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE"
                f" SELECT {names} FROM jsonb_populate_record(NULL::{table}, %s)",
                (Jsonb(row),),
            )
    for rule in rule_set:
        rules.add_version(
            conn,
            organization_id=1,
            rule=rule,
            source="",
            author="user:author",
            commit=None,
            now=RULE_MADE_AT,
        )
