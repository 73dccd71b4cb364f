"""Legal holds: what is under a matter stays, whoever asks, and every hold is written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from doclife.domain.actions import ActionType
from doclife.domain.condition_reader import read_condition
from doclife.domain.fields import MetadataType
from doclife.domain.plan import PlanState
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle import applying, catching, expiring, holding, matters, planning
from doclife.lifecycle.previewing import preview_rule
from doclife.lifecycle.registering import ImportSettings, import_documents
from doclife.store import organizations, plan_limits
from doclife.store.connection import connect
from local import databases
from local.postgres import Postgres
from tests.conftest import role_url

from .conftest import ACTOR, World, days_ago

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
ACME = {"field": "metadata.client", "op": "eq", "value": "acme"}
"""The usual condition of these tests: unknown where no client is written down."""


@pytest.fixture
def world(world: World) -> World:
    """The small world, which knows whose documents are whose."""
    organizations.declare_metadata(world.conn, 1, {"client": MetadataType.TEXT})
    return world


def hold(world: World, *documents: int, matter: str = "case 7") -> holding.HoldOutcome:
    return holding.hold(
        world.conn,
        organization="default",
        matter=matter,
        reason="litigation",
        document_ids=documents,
        actor=ACTOR,
        now=world.now,
    )


def release(world: World, *documents: int, matter: str = "case 7") -> int:
    return holding.release(
        world.conn,
        organization="default",
        matter=matter,
        document_ids=documents,
        actor=ACTOR,
        now=world.now,
    )


def close(world: World, matter: str = "case 7") -> int:
    return matters.close_matter(
        world.conn, organization="default", name=matter, actor=ACTOR, now=world.now
    )


def condition(plain: dict[str, Any]) -> Any:
    read, faults = read_condition(plain, metadata_types=None)
    assert not faults
    return read


def open_matter(
    world: World, when: dict[str, Any] | None = None, name: str = "acme v. us"
) -> matters.Placed:
    return matters.open_matter(
        world.conn,
        organization="default",
        name=name,
        reason="litigation",
        authority="district court",
        condition=None if when is None else condition(when),
        actor=ACTOR,
        now=world.now,
    )


def draft(world: World, name: str, client: str | None = "other", **columns: Any) -> int:
    """Register a draft that the rule of these tests deletes."""
    metadata = {} if client is None else {"client": client}
    return world.add_document(name, document_type="draft", metadata=metadata, **columns)


def hold_of(world: World, document: int) -> tuple[Any, ...] | None:
    return world.conn.execute(
        "SELECT basis, released_at IS NULL FROM matter_documents WHERE document_id = %s",
        (document,),
    ).fetchone()


def count(world: World, document: int) -> int:
    return int(world.value("SELECT hold_count FROM documents WHERE id = %s", document))


def trail(
    world: World, document: int | None, table: str = "audit_entries"
) -> list[tuple[Any, ...]]:
    column = "action" if table == "audit_entries" else "type"
    query: Any = (
        f"SELECT {column}, actor FROM {table} WHERE document_id IS NOT DISTINCT FROM %s"
        f" AND {column} ~ '(held|released|matter)' ORDER BY id"
    )
    return world.conn.execute(query, (document,)).fetchall()


# ------------------------------------------------------------------------------ one by one


def test_a_document_is_free_when_its_last_hold_is_released(world: World) -> None:
    document = draft(world, "a")
    hold(world, document, matter="one")
    hold(world, document, matter="two")
    world.enforce(when=DRAFTS, actions=DELETE)

    after_first = release(world, document, matter="one"), world.night()["rule@1"].done
    after_last = release(world, document, matter="two"), world.night()["rule@1"].done

    assert (after_first, after_last) == ((1, 0), (1, 1))
    assert world.status(document) == "deleted"


def test_holding_again_what_is_held_changes_nothing(world: World) -> None:
    document = draft(world, "a")

    outcomes = [hold(world, document) for _ in range(2)]

    assert [(each.held, each.already) for each in outcomes] == [(1, 0), (0, 1)]
    assert count(world, document) == 1
    assert len(trail(world, document)) == 1


def test_what_was_released_can_be_held_again_by_name(world: World) -> None:
    document = draft(world, "a")
    hold(world, document)
    release(world, document)

    assert hold(world, document).held == 1

    assert count(world, document) == 1
    assert [action for action, _ in trail(world, document)] == [
        "document.held",
        "document.released",
        "document.held",
    ]


def test_releasing_what_is_not_held_does_nothing(world: World) -> None:
    held, free = draft(world, "a"), draft(world, "b")
    hold(world, held)

    assert release(world, free) == 0
    assert (count(world, held), count(world, free)) == (1, 0)
    assert trail(world, free) == []


def test_unknown_external_ids_are_named_and_the_rest_is_held(world: World) -> None:
    document = draft(world, "a")

    outcome = holding.hold_named(
        world.conn,
        organization="default",
        matter="case 7",
        reason="litigation",
        external_ids=["nobody", "a", "nothing", "a"],
        actor=ACTOR,
        now=world.now,
    )

    assert (outcome.held, outcome.unknown) == (1, ("nobody", "nothing"))
    assert count(world, document) == 1


def test_unknown_external_ids_keep_nobody_from_being_released(world: World) -> None:
    hold(world, draft(world, "a"), matter="one")
    hold(world, draft(world, "b"), world.value("SELECT id FROM documents"), matter="two")

    outcome = holding.release_named(
        world.conn,
        organization="default",
        matter="two",
        external_ids=["nobody", "a", "b"],
        actor=ACTOR,
        now=world.now,
    )

    assert (outcome.released, outcome.still_held, outcome.unknown) == (2, 1, ("nobody",))


def test_documents_of_another_organization_are_passed_over(world: World) -> None:
    world.conn.execute("INSERT INTO organizations (slug, name) VALUES ('acme', 'Acme')")
    theirs = world.add_document(
        "theirs",
        content=None,
        organization_id=world.value("SELECT id FROM organizations WHERE slug = 'acme'"),
    )

    assert hold(world, theirs).held == 0
    assert count(world, theirs) == 0


def test_a_hold_that_comes_too_late_is_listed_with_when_destruction_began(world: World) -> None:
    going, staying = draft(world, "going"), draft(world, "staying")
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()
    began = world.now
    begin_purging(world, going)
    world.later(hours=1)

    first = hold(world, going, staying)
    again = hold(world, going)

    assert (first.held, again.held) == (1, 0)
    for outcome in (first, again):
        [late] = outcome.too_late
        assert (late.external_id, late.too_late_since) == ("going", began)
    assert count(world, going) == 0
    assert trail(world, going) == [("document.held_too_late", ACTOR)]


def test_a_closed_matter_takes_nobody_and_is_never_opened_again(world: World) -> None:
    document = draft(world, "a")
    hold(world, document)
    close(world)

    with pytest.raises(RefusedError, match="closed"):
        hold(world, document)
    with pytest.raises(RefusedError, match="closed"):
        open_matter(world, name="case 7")
    assert count(world, document) == 0


def test_closing_releases_all_and_what_another_matter_holds_stays_held(world: World) -> None:
    one, two = draft(world, "one"), draft(world, "two")
    hold(world, one, two)
    hold(world, two, matter="another")

    assert close(world) == 2
    assert close(world) == 0

    assert (count(world, one), count(world, two)) == (0, 1)
    assert [action for action, _ in trail(world, None)] == [
        "matter.opened",
        "matter.opened",
        "matter.closed",
    ]


def test_a_matter_that_does_not_exist_is_refused_with_those_that_do(world: World) -> None:
    open_matter(world)

    with pytest.raises(ConfigurationError, match=r"no matter 'acmee'.*'acme v\. us'"):
        release(world, 1, matter="acmee")


def test_what_is_released_is_checked_again(world: World) -> None:
    document = draft(world, "a", expires_on=days_ago(2))
    hold(world, document)
    expiring.expire(world.conn, now=world.now, as_of=world.now, actor="schedule")
    world.conn.execute("UPDATE documents SET expired_at = NULL")

    release(world, document)

    assert world.value("SELECT document_id FROM documents_to_check") == document


def test_messages_about_a_held_document_still_go_out(world: World) -> None:
    """A hold stops what destroys and nothing else."""
    document = draft(world, "a")
    hold(world, document)
    world.enforce(
        when=DRAFTS, actions=[{"do": "NOTIFY", "with": {"to": "legal@example.org"}}, *DELETE]
    )

    outcome = world.night()["rule@1"]

    assert (outcome.done, world.status(document)) == (1, "active")


def test_a_task_may_do_all_of_this(world: World, postgres: Postgres) -> None:
    """The worker's role has the rights that holding, catching, changing and closing need."""
    document, other = draft(world, "a", "acme"), draft(world, "b", "other")
    database = world.conn.info.dbname
    with connect(role_url(postgres, database, role=databases.TASKS)) as conn:
        task = World(conn=conn, folder=world.folder)
        open_matter(task, ACME)
        hold(task, other)
        expiring.expire(conn, now=world.now, as_of=world.now, actor="schedule")
        world.enforce(when=DRAFTS, actions=DELETE)
        assert task.night()["rule@1"].done == 0
        assert (release(task, other), hold(task, other).held) == (1, 1)
        matters.change_condition(
            conn,
            organization="default",
            name="acme v. us",
            condition=None,
            actor=ACTOR,
            now=world.now,
        )
        assert (close(task, "acme v. us"), close(task)) == (1, 1)

    assert (count(world, document), count(world, other)) == (0, 0)


# ---------------------------------------------------------------------- standing conditions


def test_a_condition_holds_what_matches_and_what_it_cannot_be_said_of(world: World) -> None:
    theirs = draft(world, "theirs", "acme")
    others = draft(world, "others", "other")
    unknown = draft(world, "unknown", None)

    placed = open_matter(world, ACME)

    assert placed == matters.Placed(held=2, too_late=0)
    assert hold_of(world, theirs) == ("matched", True)
    assert hold_of(world, unknown) == ("unknown", True)
    assert hold_of(world, others) is None
    assert trail(world, unknown) == [("document.held", ACTOR)]
    assert trail(world, unknown, "events") == [("document.held", ACTOR)]


def later_by_hand(world: World) -> int:
    return draft(world, "later", "acme")


def later_changed(world: World) -> int:
    document = draft(world, "later", "other")
    expiring.expire(world.conn, now=world.now, as_of=world.now, actor="schedule")
    world.conn.execute("""UPDATE documents SET metadata = '{"client": "acme"}'""")
    world.later(days=30)
    return document


def later_forgotten(world: World) -> int:
    document = later_changed(world)
    world.conn.execute("UPDATE documents SET metadata = '{}'")
    world.later(days=30)
    return document


@pytest.mark.parametrize("come", [later_by_hand, later_changed, later_forgotten])
def test_what_is_registered_or_changed_later_is_held_before_a_plan_touches_it(
    world: World, come: Callable[[World], int]
) -> None:
    open_matter(world, ACME)
    document = come(world)
    world.enforce(when=DRAFTS, actions=DELETE)

    outcome = world.night()["rule@1"]

    assert outcome.done == 0
    assert world.status(document) == "active"
    assert count(world, document) == 1
    assert set(world.items(1).values()) == {("skipped", "held")}


def test_what_comes_to_match_between_plan_and_apply_is_held(world: World) -> None:
    document, other = draft(world, "later", "other"), draft(world, "other", "other")
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()
    open_matter(world, ACME)
    world.conn.execute(
        """UPDATE documents SET metadata = '{"client": "acme"}' WHERE id = %s""", (document,)
    )

    world.apply(summary.plan_id)

    assert (world.status(document), world.status(other)) == ("active", "deleted")
    assert world.items(summary.plan_id)["later"] == ("skipped", "held")


def test_a_matter_opened_after_planning_protects_before_anything_was_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole catalogue is listed part by part; what is applied meanwhile is judged anyway."""
    document = draft(world, "theirs", "acme")
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()
    with monkeypatch.context() as patched:
        patched.setattr(matters, "catch_all", lambda *_, **__: matters.Placed())
        open_matter(world, ACME)
    assert count(world, document) == 0

    outcome = world.apply(summary.plan_id)

    assert (outcome.done, outcome.skipped) == (0, 1)
    assert hold_of(world, document) == ("matched", True)


def test_a_condition_keeps_what_is_in_the_trash_from_the_purge(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, others = draft(world, "theirs", "acme"), draft(world, "others", "other")
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()
    monkeypatch.setattr(matters, "catch_all", lambda *_, **__: matters.Placed())
    open_matter(world, ACME)

    world.purge()

    assert (world.status(theirs), world.status(others)) == ("deleted", "purged")
    assert world.file("theirs").exists()


def test_a_condition_between_purge_plan_and_purge_keeps_the_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = draft(world, "theirs", "acme")
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()
    [purge, _originals] = plan_purges(world)
    monkeypatch.setattr(matters, "catch_all", lambda *_, **__: matters.Placed())
    open_matter(world, ACME)

    outcome = world.apply(purge)

    assert (outcome.done, outcome.skipped) == (0, 1)
    assert world.status(theirs) == "deleted"
    assert world.file("theirs").exists()


def test_a_condition_keeps_the_original_of_an_archived_document(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, others = draft(world, "theirs", "acme"), draft(world, "others", "other")
    world.enforce(
        when=DRAFTS, actions=[{"do": "ARCHIVE", "with": {"store": "archive"}}], grace="0d"
    )
    world.night()
    assert {world.status(theirs), world.status(others)} == {"archived"}
    monkeypatch.setattr(matters, "catch_all", lambda *_, **__: matters.Placed())
    open_matter(world, ACME)

    world.purge()

    assert world.file("theirs").exists()
    assert not world.file("others").exists()


def test_a_condition_protects_from_a_selection_by_hand(world: World) -> None:
    open_matter(world, ACME)
    document = draft(world, "theirs", "acme")

    summary = planning.plan_selection(
        world.conn,
        organization="default",
        action=ActionType.DELETE,
        document_ids=[document],
        now=world.now,
        as_of=world.now,
        dag_id="test",
        run_id="by hand",
        requested_by=ACTOR,
        reason="tidying up",
    )

    assert (summary.document_count, summary.blocked_count) == (0, 1)


def test_a_preview_shows_what_would_be_held_and_holds_nobody(world: World) -> None:
    open_matter(world, ACME)
    document = draft(world, "theirs", "acme")
    version = world.enforce(when=DRAFTS, actions=DELETE)

    preview = preview_rule(
        world.conn, rule=version.rule, organization="default", now=world.now, as_of=world.now
    )

    assert [(item.external_id, item.reason_code) for item in preview.items] == [("theirs", "held")]
    assert count(world, document) == 0


def test_a_condition_counts_from_the_present_and_not_from_the_moment_of_the_plan(
    world: World,
) -> None:
    old = draft(world, "old", created_on=date(2020, 1, 1))
    young = draft(world, "young", created_on=days_ago(5))
    open_matter(world, {"field": "created_on", "op": "older_than", "value": "7d"})
    world.enforce(when=DRAFTS, actions=DELETE, mode="simulate")

    world.plan(as_of=world.now.replace(year=2027))

    assert (count(world, old), count(world, young)) == (1, 0)


def test_the_nightly_check_lists_what_came_since_and_a_second_finds_nothing(world: World) -> None:
    open_matter(world, ACME)
    document = draft(world, "later", "acme")

    first, second = (
        expiring.expire(world.conn, now=world.now, as_of=world.now, actor="schedule")
        for _ in range(2)
    )

    assert (first.held, second.held) == (1, 0)
    assert trail(world, document) == [("document.held", "schedule")]


def test_owners_are_not_warned_about_what_a_condition_holds_since_today(world: World) -> None:
    open_matter(world, ACME)
    draft(world, "theirs", "acme", expires_on=days_ago(-10))
    world.enforce(
        trigger={"type": "ON_EXPIRATION"},
        actions=[{"do": "NOTIFY", "with": {"to": "legal@example.org"}}, *DELETE],
        warn=["30d"],
        when=DRAFTS,
    )

    outcome = expiring.expire(world.conn, now=world.now, as_of=world.now, actor="schedule")

    assert (outcome.held, outcome.notices) == (1, 0)


def test_an_import_is_held_in_the_transaction_that_registers_it(world: World) -> None:
    open_matter(world, {"field": "document_type", "op": "in", "value": ["contract", "lease"]})
    for name in ("a", "b"):
        (world.folder / "documents" / name).write_text(name)

    for kind in ("contract", "note", "lease"):
        import_documents(
            world.conn,
            source=str(world.folder / "documents"),
            settings=ImportSettings(document_type=kind),
            now=world.now,
            actor=ACTOR,
            options=lambda _connection_id: {},
        )

    holds = world.conn.execute(
        "SELECT document_id, basis, released_at FROM matter_documents ORDER BY 1"
    ).fetchall()
    assert [each[1:] for each in holds] == [("matched", None)] * 2
    # It was a note for a while; what was caught stays held, once.
    assert world.value("SELECT array_agg(hold_count) FROM documents") == [1, 1]


def test_an_import_that_comes_to_match_is_held(world: World) -> None:
    open_matter(world, {"field": "document_type", "op": "eq", "value": "lease"})
    (world.folder / "documents" / "a").write_text("a")
    counts = []
    for kind in ("contract", "lease"):
        import_documents(
            world.conn,
            source=str(world.folder / "documents"),
            settings=ImportSettings(document_type=kind),
            now=world.now,
            actor=ACTOR,
            options=lambda _connection_id: {},
        )
        counts.append(world.value("SELECT hold_count FROM documents"))

    assert counts == [0, 1]


def test_what_no_longer_matches_stays_held_until_it_is_released(world: World) -> None:
    document = draft(world, "theirs", "acme")
    open_matter(world, ACME)
    world.conn.execute("""UPDATE documents SET metadata = '{"client": "other"}'""")
    world.later(days=30)
    world.enforce(when=DRAFTS, actions=DELETE)

    held = world.night()["rule@1"].done, world.status(document)
    release(world, document, matter="acme v. us")
    free = world.night()["rule@1"].done, world.status(document)

    assert (held, free) == ((0, "active"), (1, "deleted"))


def test_what_was_released_by_hand_is_not_caught_again(world: World) -> None:
    document = draft(world, "theirs", "acme")
    open_matter(world, ACME)
    release(world, document, matter="acme v. us")
    world.enforce(when=DRAFTS, actions=DELETE)

    expiring.expire(world.conn, now=world.now, as_of=world.now, actor="schedule")
    outcome = world.night()["rule@1"]

    assert outcome.done == 1
    assert hold_of(world, document) == ("matched", False)


def test_a_closed_matter_catches_nobody(world: World) -> None:
    open_matter(world, ACME)
    close(world, "acme v. us")
    draft(world, "theirs", "acme")
    world.enforce(when=DRAFTS, actions=DELETE)

    assert world.night()["rule@1"].done == 1


def test_another_condition_releases_nobody_and_catches_what_it_is_true_of(world: World) -> None:
    theirs, others = draft(world, "theirs", "acme"), draft(world, "others", "other")
    open_matter(world, ACME)

    placed = matters.change_condition(
        world.conn,
        organization="default",
        name="acme v. us",
        condition=condition({**ACME, "value": "other"}),
        actor="user:other",
        now=world.now,
    )
    none = matters.change_condition(
        world.conn,
        organization="default",
        name="acme v. us",
        condition=None,
        actor="user:other",
        now=world.now.replace(hour=4),
    )

    assert (placed.held, none.held) == (1, 0)
    assert (count(world, theirs), count(world, others)) == (1, 1)
    details = world.conn.execute(
        "SELECT actor, details ->> 'condition', details -> 'condition_before' ->> 'value'"
        " FROM audit_entries WHERE action = 'matter.changed' ORDER BY id"
    ).fetchall()
    assert [(actor, was) for actor, _, was in details] == [
        ("user:other", "acme"),
        ("user:other", "other"),
    ]
    assert details[1][1] is None


def test_the_same_condition_again_is_no_change(world: World) -> None:
    open_matter(world, ACME)

    matters.change_condition(
        world.conn,
        organization="default",
        name="acme v. us",
        condition=condition(ACME),
        actor=ACTOR,
        now=world.now,
    )

    assert [action for action, _ in trail(world, None)] == ["matter.opened"]


def test_the_condition_of_a_closed_matter_does_not_change(world: World) -> None:
    open_matter(world, ACME)
    close(world, "acme v. us")

    with pytest.raises(RefusedError, match="closed"):
        matters.change_condition(
            world.conn,
            organization="default",
            name="acme v. us",
            condition=None,
            actor=ACTOR,
            now=world.now,
        )


def test_a_condition_that_cannot_be_judged_lets_nothing_be_planned(world: World) -> None:
    """What cannot be judged cannot protect either."""
    world.conn.execute(
        "INSERT INTO matters (organization_id, name, reason, condition, created_by)"
        """ VALUES (1, 'broken', 'by hand', '{"field": "nonsense"}', 'psql')"""
    )
    draft(world, "a")
    world.enforce(when=DRAFTS, actions=DELETE)

    with pytest.raises(ConfigurationError, match="condition of matter 'broken' cannot be judged"):
        world.plan()


def test_a_condition_once_holds_what_is_there_and_nothing_later(world: World) -> None:
    theirs, unknown = draft(world, "theirs", "acme"), draft(world, "unknown", None)
    others = draft(world, "others", "other")
    hold(world, theirs)
    release(world, theirs)

    outcomes = [
        holding.hold_where(
            world.conn,
            organization="default",
            matter="case 7",
            reason="litigation",
            condition=condition(ACME),
            actor=ACTOR,
            now=world.now,
        )
        for _ in range(2)
    ]
    later = draft(world, "later", "acme")
    expiring.expire(world.conn, now=world.now, as_of=world.now, actor="schedule")

    assert [each.held for each in outcomes] == [2, 0]
    assert [count(world, each) for each in (theirs, unknown, others, later)] == [1, 1, 0, 0]


def test_a_condition_is_too_late_for_what_is_being_destroyed(world: World) -> None:
    going = draft(world, "going", "acme")
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()
    begin_purging(world, going)

    assert open_matter(world, ACME) == matters.Placed(held=0, too_late=1)
    world.purge()

    assert world.status(going) == "purged"
    assert trail(world, going) == [("document.held_too_late", ACTOR)]


def test_tombstones_are_not_caught_although_nothing_is_known_of_them(world: World) -> None:
    document = draft(world, "gone", None)
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()
    world.purge()
    assert world.status(document) == "purged"

    assert open_matter(world, ACME) == matters.Placed(held=0, too_late=0)
    assert hold_of(world, document) is None


def test_several_matters_catch_in_one_statement_each_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching, "WINDOW_SIZE", 2)
    documents = {name: draft(world, name, name) for name in ("acme", "globex", "initech")}
    open_matter(world, ACME, name="one")
    open_matter(world, {"not": ACME}, name="two")
    everyone = {"any": [ACME, {"field": "document_type", "op": "eq", "value": "draft"}]}
    open_matter(world, everyone, name="three")
    later = draft(world, "later", None)

    expiring.expire(world.conn, now=world.now, as_of=world.now, actor="schedule")

    assert {name: count(world, each) for name, each in documents.items()} == {
        "acme": 2,
        "globex": 2,
        "initech": 2,
    }
    assert count(world, later) == 3
    assert world.value("SELECT count(*) FROM matter_documents WHERE basis = 'unknown'") == 2


# ----------------------------------------------------------------------------------- report


def test_a_report_says_what_became_of_every_document(world: World) -> None:
    held, freed, gone, trashed = (
        draft(world, name, "acme", content=b"12345")
        for name in ("held", "freed", "gone", "trashed")
    )
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    hold(world, held, freed, matter="another")
    world.night()
    begin_purging(world, gone)
    open_matter(world, ACME)
    release(world, freed, matter="acme v. us")

    report = matters.report_matter(world.conn, organization="default", name="acme v. us", size=3)

    assert (report.matter.held, report.matter.released, report.matter.too_late) == (2, 1, 1)
    assert report.matter.held_bytes == 10
    assert report.condition == ("when:\n  field: metadata.client\n  op: eq\n  value: acme\n")
    assert {(row["hold"], row["status"], row["basis"], row["bytes"]) for row in report.counts} == {
        ("held", "active", "matched", 5),
        ("held", "deleted", "matched", 5),
        ("released", "active", "matched", 5),
        ("too_late", "purging", "matched", 5),
    }
    assert [row["external_id"] for row in report.documents] == ["freed", "gone", "held"]
    assert report.next_after == "held"
    every = list(matters.every_document(world.conn, organization="default", name="acme v. us"))
    assert [row["external_id"] for row in every] == ["freed", "gone", "held", "trashed"]
    assert world.status(trashed) == "deleted"


def test_an_export_has_every_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matters, "EXPORT_PAGE", 2)
    for number in range(5):
        draft(world, f"{number}", "acme", content=None)
    open_matter(world, ACME)

    every = matters.every_document(world.conn, organization="default", name="acme v. us")

    assert [row["external_id"] for row in every] == ["0", "1", "2", "3", "4"]


def test_open_matters_are_listed_first(world: World) -> None:
    open_matter(world, name="closed")
    close(world, "closed")
    open_matter(world, ACME, name="open")

    def names(*, with_closed: bool) -> list[str]:
        found = matters.list_matters(world.conn, organization="default", with_closed=with_closed)
        return [one.name for one in found]

    assert names(with_closed=False) == ["open"]
    assert names(with_closed=True) == ["open", "closed"]


def test_a_preview_of_a_condition_counts_and_holds_nobody(world: World) -> None:
    document = draft(world, "theirs", "acme")
    draft(world, "unknown", None)
    draft(world, "others", "other")

    found = matters.preview_condition(
        world.conn, organization="default", condition=condition(ACME), now=world.now
    )

    assert [(row["basis"], row["documents"], row["examples"]) for row in found] == [
        ("matched", 1, ["theirs"]),
        ("unknown", 1, ["unknown"]),
    ]
    assert count(world, document) == 0


def test_a_faulty_condition_is_refused_with_line_and_suggestion(world: World) -> None:
    def fault(text: str) -> str:
        with pytest.raises(ConfigurationError) as refused:
            matters.read_condition_file(
                world.conn, organization="default", text=text, file="case.yaml"
            )
        return str(refused.value)

    assert "case.yaml:3" in (
        said := fault("when:\n  all:\n    - {field: ownr, op: eq, value: x}\n")
    )
    assert "Did you mean 'owner'?" in said
    assert "metadata field 'case_no' is not declared" in fault(
        "{field: metadata.case_no, op: eq, value: x}"
    )
    assert "Did you mean 'when'?" in fault("whem: {field: owner, op: eq, value: x}")
    assert "case.yaml:1" in fault("")


def begin_purging(world: World, document: int) -> None:
    """Take a document past the point of no return, as a purge that died then."""
    [purge, _originals] = plan_purges(world)
    applying.start(world.conn, plan_id=purge, now=world.now)
    world.conn.execute(
        "UPDATE documents SET status = 'purging', purging_at = %s WHERE id = %s",
        (world.now, document),
    )


def plan_purges(world: World) -> list[int]:
    world.runs += 1
    summaries = planning.plan_purges(
        world.conn, now=world.now, dag_id="cleanup", run_id=f"run-{world.runs}", requested_by=ACTOR
    )
    assert {summary.state for summary in summaries} == {PlanState.PLANNED}
    return [summary.plan_id for summary in summaries]


def test_planning_counts_the_catalogue_once_per_transaction(world: World) -> None:
    draft(world, "one")
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()

    def population() -> int:
        limits = plan_limits.limits(
            world.conn, plan_id=summary.plan_id, now=world.now, rule_limit=None
        )
        return limits[0].population

    with world.conn.transaction():
        before = population()
        draft(world, "two")
        meanwhile = population()

    assert (before, meanwhile, population()) == (1, 1, 2)
