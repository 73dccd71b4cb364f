"""What the rules will do, by month, and when a night is more than that."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from doclife.domain.plan import PlanState
from doclife.errors import ConfigurationError
from doclife.lifecycle import holding
from doclife.lifecycle.forecasting import Forecast, forecast, rebuild_dispositions
from doclife.store import forecasts

from .conftest import ACTOR, World
from .test_explaining import hold

OFFERS = {"field": "document_type", "op": "eq", "value": "offer"}
DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
AFTER_A_YEAR = {"for": "1y", "after": "created_on", "cutoff": "end_of_year"}


def add_many(world: World, count: int, *, kind: str = "draft", created_on: str) -> None:
    """Register documents of long ago without bytes."""
    world.conn.execute(
        "INSERT INTO documents (organization_id, external_id, document_type, created_on,"
        " registered_at, size_bytes) SELECT 1, %s || number, %s, %s::date + number %% 300,"
        " '2020-01-01', 10 FROM generate_series(1, %s) AS number",
        (f"{created_on}-", kind, created_on, count),
    )


def rebuild(world: World) -> None:
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)


def look(world: World, **options: object) -> Forecast:
    return forecast(world.conn, organization="default", now=world.now, **options)


def counts(found: Forecast) -> list[tuple[object, ...]]:
    return [
        (one.rule, one.action, one.bucket, one.month, one.documents, one.size_bytes)
        for one in found.counts
    ]


class TestForecast:
    def test_counts_documents_and_bytes_by_rule_action_and_month_and_the_purge_after_grace(
        self, world: World
    ) -> None:
        world.enforce(
            when=DRAFTS,
            retain={"for": "1y", "after": "created_on"},
            actions=[{"do": "DELETE"}],
            grace="30d",
        )
        for number, day in enumerate((date(2025, 4, 10), date(2025, 4, 11), date(2026, 1, 1))):
            world.add_document(f"{number}", document_type="draft", created_on=day, content=b"12345")

        rebuild(world)

        found = look(world)
        assert counts(found) == [
            ("rule", "DELETE", "month", date(2026, 4, 1), 2, 10),
            ("rule", "DELETE", "month", date(2027, 1, 1), 1, 5),
            ("rule", "PURGE", "month", date(2026, 5, 1), 2, 10),
            ("rule", "PURGE", "month", date(2027, 2, 1), 1, 5),
        ]
        assert (found.months[0], found.months[-1], len(found.months)) == (
            date(2026, 3, 1),
            date(2028, 2, 1),
            24,
        )
        assert found.rebuilt_at == world.now

    def test_keeps_apart_what_is_overdue_held_later_and_never(self, world: World) -> None:
        world.enforce(when=DRAFTS, retain={"for": "1y", "after": "created_on"}, actions=DELETE)
        world.enforce(
            "for-good", when={"field": "title", "op": "eq", "value": "keep"},
            retain={"for": "permanent", "after": "created_on"},
        )  # fmt: skip
        for name, day in (
            ("overdue", date(2020, 1, 1)),
            ("held", date(2020, 1, 1)),
            ("kept", date(2020, 1, 1)),
            ("far", date(2027, 12, 1)),
        ):
            title = {"title": "keep" if name == "kept" else "let go"}
            document = world.add_document(
                name, content=None, document_type="draft", created_on=day, **title
            )
            if name == "held":
                hold(world, document, "matter")

        rebuild(world)

        deletes = [one for one in look(world, months=12).counts if one.action == "DELETE"]
        assert {one.bucket: one.documents for one in deletes} == {
            "overdue": 1,
            "held": 1,
            "never": 1,
            "later": 1,
        }

    def test_what_another_rule_retains_goes_when_that_ends(self, world: World) -> None:
        world.add_document("a", content=None, document_type="draft", created_on=date(2025, 6, 1))
        world.enforce(when=DRAFTS, retain={"for": "90d", "after": "created_on"}, actions=DELETE)
        world.enforce("keeper", when=DRAFTS, retain={"for": "2y", "after": "created_on"})

        rebuild(world)

        deletes = [one for one in look(world).counts if one.action == "DELETE"]
        assert [(one.bucket, one.month) for one in deletes] == [("month", date(2027, 6, 1))]

    def test_a_document_of_two_rules_is_counted_for_the_first(self, world: World) -> None:
        world.add_document("a", content=None, document_type="draft", created_on=date(2025, 6, 1))
        for name, period in (("slow", "3y"), ("quick", "2y")):
            world.enforce(
                name, when=DRAFTS, actions=[{"do": "DELETE", "after": period}],
                retain={"for": "30d", "after": "created_on"},
            )  # fmt: skip

        rebuild(world)

        deletes = [one for one in look(world).counts if one.action == "DELETE"]
        assert [(one.rule, one.month) for one in deletes] == [("quick", date(2027, 6, 1))]

    def test_what_is_in_the_trash_is_purged_after_its_grace(self, world: World) -> None:
        world.add_document("a", content=b"12345", document_type="draft")
        world.enforce(when=DRAFTS, actions=DELETE, grace="40d")
        world.night()

        rebuild(world)

        assert counts(look(world)) == [(None, "PURGE", "month", date(2026, 4, 1), 1, 5)]

    def test_says_how_many_documents_a_rule_cannot_judge_and_that_one_was_never_forecast(
        self, world: World
    ) -> None:
        world.add_document("a", content=None, document_type=None)
        world.enforce(when=DRAFTS, actions=DELETE)
        rebuild(world)
        world.enforce("new", when=DRAFTS, actions=DELETE)

        found = look(world)

        assert {one.rule: one.unknown_count for one in found.rules} == {"rule": 1, "new": None}
        assert found.rebuilt_at is None

    def test_of_a_rule_that_is_not_there_is_refused(self, world: World) -> None:
        with pytest.raises(ConfigurationError, match="there is no rule 'nope'"):
            look(world, rule="nope")


class TestDrift:
    """Silvester: what the forecast said for a day is no surprise on that day."""

    SILVESTER = datetime(2025, 12, 31, 3, tzinfo=UTC)

    @pytest.fixture
    def at_year_end(self, world: World) -> World:
        world.now = self.SILVESTER
        world.conn.execute("UPDATE organizations SET max_documents_per_day = 100000")
        add_many(world, 5000, created_on="2024-01-01")
        world.enforce(when=DRAFTS, retain=AFTER_A_YEAR, actions=DELETE)
        return world

    def test_a_year_end_that_was_forecast_trips_nothing(self, at_year_end: World) -> None:
        at_year_end.night()
        rebuild(at_year_end)
        at_year_end.later(days=1)

        [plan] = at_year_end.plan()

        assert (plan.state, plan.document_count) == (PlanState.PLANNED, 5000)

    def test_as_many_that_nobody_foresaw_trip(self, at_year_end: World) -> None:
        at_year_end.conn.execute("UPDATE documents SET created_on = '2025-05-05'")
        rebuild(at_year_end)
        add_many(at_year_end, 5000, created_on="2024-02-02")
        at_year_end.later(days=1)

        [plan] = at_year_end.plan()

        assert plan.state is PlanState.NEEDS_APPROVAL
        assert plan.approval_reason == (
            "5000 documents are due where the rule's forecast allows 100 (rule drift)"
        )

    def test_a_forecast_of_nothing_is_a_forecast(self, world: World) -> None:
        world.enforce(when=DRAFTS, retain=AFTER_A_YEAR, actions=DELETE)
        rebuild(world)
        add_many(world, 101, created_on="2020-01-01")

        [plan] = world.plan()

        assert plan.approval_reason == (
            "101 documents are due where the rule's forecast allows 100 (rule drift)"
        )

    def test_the_first_night_of_a_rule_has_no_forecast_and_its_limit_still_counts(
        self, world: World
    ) -> None:
        add_many(world, 600, created_on="2020-01-01")
        world.enforce(
            when=DRAFTS, actions=DELETE, limits={"max_documents": 500, "max_fraction": 1.0}
        )

        [plan] = world.plan()

        assert plan.approval_reason == (
            "600 documents in 24 hours exceed the rule limit max_documents of 500"
        )

    def test_a_rule_by_age_is_compared_with_what_it_will_select_tomorrow(
        self, world: World
    ) -> None:
        """Its dates are of today; without looking ahead every night would be a surprise."""
        world.conn.execute("UPDATE organizations SET max_documents_per_day = 100000")
        add_many(world, 1, created_on="2020-01-01")
        world.conn.execute(
            "INSERT INTO documents (organization_id, external_id, document_type, created_on,"
            " registered_at) SELECT 1, 'd' || number, 'draft', '2025-03-02', '2025-03-02'"
            " FROM generate_series(1, 300) AS number"
        )
        old = {"field": "created_on", "op": "older_than", "value": "1y"}
        world.enforce(when={"all": [DRAFTS, old]}, actions=DELETE)
        world.night()
        rebuild(world)
        world.later(days=1)

        [plan] = world.plan()

        assert (plan.state, plan.document_count) == (PlanState.PLANNED, 300)

    def test_held_and_retained_documents_do_not_widen_what_a_night_may_do(
        self, world: World
    ) -> None:
        world.conn.execute("UPDATE organizations SET max_documents_per_day = 100000")
        add_many(world, 200, created_on="2020-01-01")
        world.enforce(when=DRAFTS, retain={"for": "1y", "after": "created_on"}, actions=DELETE)
        world.enforce("keeper", when=DRAFTS, retain={"for": "permanent", "after": "created_on"})
        rebuild(world)
        world.conn.execute("UPDATE rules SET removed_at = now() WHERE name = 'keeper'")

        [plan] = world.plan()

        assert plan.state is PlanState.NEEDS_APPROVAL
        assert plan.approval_reason is not None
        assert "drift" in plan.approval_reason

    def test_what_was_held_is_a_surprise_when_it_is_released(self, world: World) -> None:
        world.conn.execute("UPDATE organizations SET max_documents_per_day = 100000")
        add_many(world, 101, created_on="2020-01-01")
        world.enforce(when=DRAFTS, retain=AFTER_A_YEAR, actions=DELETE)
        documents = [row[0] for row in world.conn.execute("SELECT id FROM documents")]
        case = {"organization": "default", "matter": "case 7", "document_ids": documents}
        holding.hold(world.conn, reason="litigation", actor=ACTOR, now=world.now, **case)
        rebuild(world)
        holding.release(world.conn, actor=ACTOR, now=world.now, **case)

        [plan] = world.plan()

        assert plan.approval_reason == (
            "101 documents are due where the rule's forecast allows 100 (rule drift)"
        )


class TestRebuild:
    """A night writes what the day has changed, however much is forecast in all."""

    TABLES = ("dispositions", "foreseen_purges", "forecast_counts")

    @pytest.fixture
    def forecast_once(self, world: World) -> World:
        add_many(world, 20, created_on="2025-06-01")
        add_many(world, 3, kind="offer", created_on="2020-01-01")
        world.enforce("offers", when=OFFERS, actions=DELETE, grace="40d")
        world.enforce(when=DRAFTS, retain={"for": "1y", "after": "created_on"}, actions=DELETE)
        world.enforce("slow", when=DRAFTS, retain={"for": "2y", "after": "created_on"})
        world.night()
        rebuild(world)
        return world

    def versions(self, world: World) -> dict[str, dict[str, str]]:
        """By table and row: who wrote it."""
        found: dict[str, dict[str, str]] = {}
        for table in self.TABLES:
            query: Any = f"SELECT row_to_json(t)::text, t.xmin::text FROM {table} AS t"
            found[table] = dict(world.conn.execute(query).fetchall())
        return found

    def contents(self, world: World) -> list[list[tuple[Any, ...]]]:
        """Everything that is forecast, but not when it was written."""
        queries: list[Any] = [
            f"SELECT to_jsonb(t) - 'rebuilt_at' FROM {table} AS t ORDER BY 1"
            for table in (*self.TABLES, "forecasts")
        ]
        return [world.conn.execute(query).fetchall() for query in queries]

    def test_writes_nothing_where_nothing_has_changed(self, forecast_once: World) -> None:
        before = self.versions(forecast_once)
        assert all(before.values())

        forecast_once.later(minutes=5)
        rebuild(forecast_once)

        assert self.versions(forecast_once) == before
        assert look(forecast_once).rebuilt_at == forecast_once.now

    def test_writes_the_one_document_that_has_changed(self, forecast_once: World) -> None:
        before = self.versions(forecast_once)["dispositions"]
        forecast_once.conn.execute(
            "UPDATE documents SET size_bytes = 11 WHERE id = (SELECT min(id) FROM documents)"
        )

        rebuild(forecast_once)

        after = self.versions(forecast_once)["dispositions"]
        assert (len(before.items() - after.items()), len(after.items() - before.items())) == (1, 1)

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE documents SET created_on = created_on + 40 WHERE id % 3 = 0",
            "UPDATE documents SET document_type = 'report' WHERE id % 3 = 0",
            "UPDATE documents SET document_type = 'offer' WHERE id % 3 = 0",
            "UPDATE documents SET size_bytes = size_bytes + 1 WHERE id % 3 = 0",
            "UPDATE documents SET reprieve_until = '2030-01-01' WHERE id % 3 = 0",
            "UPDATE documents SET purge_after = purge_after + 5 WHERE status = 'deleted'",
            "UPDATE documents SET status = status_before, status_before = NULL,"
            " deleted_at = NULL, purge_after = NULL WHERE status = 'deleted'",
            "UPDATE rules SET removed_at = now() WHERE name = 'slow'",
            "UPDATE rules SET removed_at = now() WHERE name = 'rule'",
        ],
    )
    def test_comes_to_what_a_first_one_would(self, forecast_once: World, change: str) -> None:
        before = self.contents(forecast_once)
        forecast_once.conn.execute(change.encode())

        rebuild(forecast_once)

        compared = self.contents(forecast_once)
        assert compared != before
        forecast_once.conn.execute("DELETE FROM forecasts")
        for table in self.TABLES:
            forecast_once.conn.execute(f"DELETE FROM {table}".encode())
        rebuild(forecast_once)
        assert self.contents(forecast_once) == compared

    def test_counts_what_a_hold_keeps(self, forecast_once: World) -> None:
        hold(forecast_once, 1, "matter")

        rebuild(forecast_once)

        held = [one for one in look(forecast_once).counts if one.bucket == "held"]
        assert sum(one.documents for one in held if one.action == "DELETE") == 1

    def test_two_at_once_come_one_after_the_other(self, forecast_once: World) -> None:
        other = forecast_once.another_connection()
        with other, forecast_once.conn.transaction():
            forecasts.begin_foreseeing(forecast_once.conn, 1)
            other.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                rebuild_dispositions(other, now=forecast_once.now, as_of=forecast_once.now)
