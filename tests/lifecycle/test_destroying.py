"""From plan to purge: what goes, what stays, and what cannot be hurried."""

from datetime import datetime, timedelta

import bagit
import pytest

from doclife.domain.actions import ActionType
from doclife.domain.plan import PlanState, ShardOutcome
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle import applying, halting, holding, planning, previewing, undo

from .conftest import ACTOR, NOW, World, days_ago

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
ARCHIVE = [{"do": "ARCHIVE"}]


def test_a_document_goes_into_the_trash_and_then_for_good(world: World) -> None:
    draft = world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE, grace="30d")

    assert world.night() == {"rule@1": ShardOutcome(done=1)}
    assert world.status(draft) == "deleted"
    assert world.file("draft.txt").exists()

    world.later(days=29)
    world.purge()
    assert world.status(draft) == "deleted"

    world.later(days=1)
    world.purge()
    assert world.status(draft) == "purged"
    assert not world.file("draft.txt").exists()
    row = world.conn.execute("SELECT title, owner, metadata FROM documents").fetchone()
    assert row == (None, None, {})


def test_archived_documents_lie_in_a_valid_bag_and_lose_their_original_after_grace(
    world: World,
) -> None:
    document = world.add_document("report.txt", document_type="draft", content=b"important")
    world.enforce(when=DRAFTS, actions=ARCHIVE, grace="10d")

    assert world.night() == {"rule@1": ShardOutcome(done=1)}

    [bag] = (world.folder / "archive").glob("default/rule/undated/*")
    assert bagit.Bag(str(bag)).is_valid()
    assert (bag / "data" / str(document)).read_bytes() == b"important"
    assert world.file("report.txt").exists()
    world.later(days=10)
    world.purge()
    assert world.status(document) == "archived"
    assert not world.file("report.txt").exists()


def test_an_archive_can_be_undone_after_its_original_is_gone(world: World) -> None:
    document = world.add_document("report.txt", document_type="draft", content=b"important")
    world.enforce(when=DRAFTS, actions=ARCHIVE, grace="0d")
    [summary] = world.plan()
    world.apply(summary.plan_id)
    world.purge()
    assert not world.file("report.txt").exists()

    outcome = undo.undo_plan(
        world.conn, plan_id=summary.plan_id, now=world.now, actor=ACTOR, stores=world.stores
    )

    assert (outcome.undone, outcome.failures) == (1, ())
    assert world.status(document) == "active"
    assert world.file("report.txt").read_bytes() == b"important"
    assert not list((world.folder / "archive").glob("default/rule/undated/*"))


def test_purging_one_document_of_a_bag_leaves_its_neighbour_valid(world: World) -> None:
    going = world.add_document("a.txt", document_type="draft", content=b"a")
    staying = world.add_document("b.txt", document_type="draft", content=b"b")
    world.enforce(when=DRAFTS, actions=ARCHIVE, grace="0d")
    world.night()
    world.later(days=2)
    world.enforce(
        "second",
        when={"field": "external_id", "op": "eq", "value": "a.txt"},
        actions=DELETE,
        grace="0d",
    )
    world.night()
    assert world.status(going) == "deleted"

    world.purge()

    assert world.status(going) == "purged"
    [bag] = (world.folder / "archive").glob("default/rule/undated/*")
    assert bagit.Bag(str(bag)).is_valid()
    assert [path.name for path in (bag / "data").iterdir()] == [str(staying)]


def test_a_hold_between_plan_and_apply_keeps_the_document(world: World) -> None:
    draft = world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()

    holding.hold(
        world.conn,
        organization="default",
        matter="case 7",
        reason="litigation",
        document_ids=[draft],
        actor=ACTOR,
        now=world.now,
    )

    assert world.apply(summary.plan_id) == ShardOutcome(skipped=1)
    assert world.status(draft) == "active"
    assert world.items(summary.plan_id) == {"draft.txt": ("skipped", "held")}


def test_the_longest_retention_of_any_rule_wins_even_of_one_that_simulates(world: World) -> None:
    draft = world.add_document("draft.txt", document_type="draft", created_on=days_ago(100))
    world.enforce(when=DRAFTS, actions=DELETE)
    world.enforce("keep", mode="simulate", retain={"for": "1y", "after": "created_on"})

    [summary] = world.plan()

    assert world.items(summary.plan_id) == {"draft.txt": ("skipped", "retained")}
    assert world.status(draft) == "active"


def test_a_retention_rule_that_comes_after_the_plan_still_protects(world: World) -> None:
    draft = world.add_document("draft.txt", document_type="draft", created_on=days_ago(100))
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()

    world.enforce("keep", retain={"for": "permanent", "after": "created_on"})

    assert world.apply(summary.plan_id) == ShardOutcome(skipped=1)
    assert world.status(draft) == "active"


def test_changed_bytes_are_not_purged(world: World) -> None:
    draft = world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()

    world.file("draft.txt").write_bytes(b"somebody else's work")
    [outcome, _originals] = world.purge()

    assert outcome == ShardOutcome(failed=1)
    assert world.status(draft) == "deleted"
    assert world.file("draft.txt").read_bytes() == b"somebody else's work"


def test_bytes_that_another_document_needs_stay(world: World) -> None:
    draft = world.add_document("draft.txt", document_type="draft")
    world.conn.execute(
        "INSERT INTO documents (organization_id, external_id, stored_object_id, registered_at)"
        " SELECT 1, 'twin', stored_object_id, registered_at FROM documents WHERE id = %s",
        (draft,),
    )
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()

    world.purge()

    assert world.status(draft) == "purged"
    assert world.file("draft.txt").exists()
    assert world.value("SELECT reference_count FROM stored_objects") == 1


def test_a_breaker_acts_on_nothing_and_asks(world: World) -> None:
    for number in range(5):
        world.add_document(f"{number}.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE, limits={"max_documents": 4, "max_fraction": 1.0})

    [summary] = world.plan()

    assert summary.state is PlanState.NEEDS_APPROVAL
    assert "max_documents" in str(summary.approval_reason)
    with pytest.raises(RefusedError, match="waits for approval"):
        world.apply(summary.plan_id)
    world.conn.execute(
        "INSERT INTO plan_decisions (plan_id, decision, decided_by)"
        " VALUES (%s, 'approve', 'user:x')",
        (summary.plan_id,),
    )
    world.conn.execute("UPDATE plans SET state = 'approved' WHERE id = %s", (summary.plan_id,))
    assert world.apply(summary.plan_id) == ShardOutcome(done=5)


def test_limits_count_a_rolling_day_over_every_path(world: World) -> None:
    for number in range(4):
        world.add_document(f"{number}.txt", document_type="draft", tags=[f"batch{number // 2}"])
    limits = {"max_documents": 3, "max_fraction": 1.0}
    world.enforce(
        when={"all": [DRAFTS, {"field": "tags", "op": "has_any", "value": ["batch0"]}]},
        actions=DELETE,
        limits=limits,
    )
    assert world.night() == {"rule@1": ShardOutcome(done=2)}
    world.enforce(when=DRAFTS, actions=DELETE, limits=limits, since=NOW)

    world.later(hours=23)
    assert world.plan()[0].state is PlanState.NEEDS_APPROVAL
    world.later(hours=2)
    assert world.plan()[0].state is PlanState.PLANNED


def test_nothing_is_applied_while_halted(world: World) -> None:
    world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()
    halting.halt(world.conn, reason="something is odd", actor=ACTOR, now=world.now)

    with pytest.raises(RefusedError, match="something is odd"):
        world.apply(summary.plan_id)

    halting.resume(world.conn, actor=ACTOR, now=world.now)
    assert world.apply(summary.plan_id) == ShardOutcome(done=1)


def test_a_halt_stops_between_two_batches_and_the_rest_follows_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doclife.lifecycle.deleting.BATCH_SIZE", 2)
    for number in range(5):
        world.add_document(f"{number}.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()
    moments = iter(range(10))

    def halting_clock() -> datetime:
        if next(moments) == 2:
            halting.halt(world.conn, reason="stop", actor=ACTOR, now=world.now)
        return world.now

    [shard] = applying.start(world.conn, plan_id=summary.plan_id, now=world.now)
    with pytest.raises(RefusedError, match="stop"):
        applying.apply_shard(
            world.conn, shard=shard, now=halting_clock, actor=ACTOR, stores=world.stores
        )
    deleted = world.value("SELECT count(*) FROM documents WHERE status = 'deleted'")
    assert 0 < deleted < 5

    halting.resume(world.conn, actor=ACTOR, now=world.now)
    assert world.apply(summary.plan_id).done == 5 - deleted


def test_a_plan_older_than_seven_days_is_refused(world: World) -> None:
    world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()

    world.later(days=7, seconds=1)

    with pytest.raises(RefusedError, match="older than 7 days"):
        world.apply(summary.plan_id)


def test_a_plan_whose_rule_was_edited_is_refused(world: World) -> None:
    world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()

    world.enforce(when=DRAFTS, actions=DELETE, mode="simulate", since=NOW)

    with pytest.raises(RefusedError, match="no longer in force"):
        world.apply(summary.plan_id)


def test_a_plan_whose_rule_was_removed_meanwhile_is_refused(world: World) -> None:
    draft = world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()

    world.conn.execute("UPDATE rules SET removed_at = now()")

    with pytest.raises(RefusedError, match="no longer in force"):
        world.apply(summary.plan_id)
    assert world.status(draft) == "active"


def test_a_plan_of_a_rule_that_only_simulates_is_refused_whoever_stored_it(world: World) -> None:
    version = world.enforce(mode="simulate", when=DRAFTS, actions=DELETE)
    plan_id = world.value(
        "INSERT INTO plans (organization_id, kind, rule_version_id, dag_id, run_id, requested_by,"
        " mode, as_of, created_at) VALUES (1, 'rule', %s, 'test', 'by hand', %s, 'enforce', %s, %s)"
        " RETURNING id",
        version.version_id, ACTOR, world.now, world.now,
    )  # fmt: skip

    with pytest.raises(RefusedError, match="no longer in force"):
        world.apply(plan_id)


def test_the_future_is_only_simulated(world: World) -> None:
    world.enforce(when=DRAFTS, actions=DELETE)
    world.now = world.value("SELECT now()")

    with pytest.raises(RefusedError, match="future"):
        world.plan(as_of=world.now.replace(year=world.now.year + 1))


def test_an_unanswered_plan_is_superseded_not_stacked(world: World) -> None:
    world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE, review={"stages": ["records"]})
    [first] = world.plan()
    world.later(days=1)

    [second] = world.plan()

    assert second.state is PlanState.NEEDS_APPROVAL
    assert world.value("SELECT state FROM plans WHERE id = %s", first.plan_id) == "superseded"
    assert world.items(first.plan_id) == {"draft.txt": ("skipped", "superseded")}


def test_a_plan_that_somebody_has_approved_in_its_first_stage_is_not_superseded(
    world: World,
) -> None:
    world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE, review={"stages": ["records", "legal"]})
    [first] = world.plan()
    world.conn.execute(
        "INSERT INTO plan_decisions (plan_id, decision, decided_by)"
        " VALUES (%s, 'approve', 'user:boss')",
        (first.plan_id,),
    )
    world.later(days=1)

    [second] = world.plan()

    assert world.items(first.plan_id) == {"draft.txt": ("planned", None)}
    assert world.items(second.plan_id) == {"draft.txt": ("skipped", "reserved")}


def test_a_cleared_run_finds_its_own_plan(world: World) -> None:
    world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE)
    [first] = world.plan()

    world.runs -= 1

    assert world.plan() == [first]


def test_an_undone_plan_leaves_the_documents_alone_for_the_reprieve(world: World) -> None:
    draft = world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()
    world.apply(summary.plan_id)

    undo.undo_plan(
        world.conn, plan_id=summary.plan_id, now=world.now, actor=ACTOR, stores=world.stores
    )

    assert world.status(draft) == "active"
    world.later(days=2)
    [next_night] = world.plan()
    assert world.items(next_night.plan_id) == {"draft.txt": ("skipped", "reprieved")}
    world.later(days=31)
    assert world.night() == {"rule@1": ShardOutcome(done=1)}


def test_without_a_reprieve_the_next_plan_takes_it_again(world: World) -> None:
    world.conn.execute("UPDATE organizations SET reprieve_days = 0")
    draft = world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()
    world.apply(summary.plan_id)

    undo.undo_plan(
        world.conn, plan_id=summary.plan_id, now=world.now, actor=ACTOR, stores=world.stores
    )

    assert world.status(draft) == "active"
    world.later(minutes=1)
    [again] = world.plan()
    assert world.items(again.plan_id) == {"draft.txt": ("planned", None)}


def test_no_delete_within_seven_days_of_a_change_to_a_field_the_rule_uses(world: World) -> None:
    draft = world.add_document("draft.txt", document_type="letter")
    world.now = world.value("SELECT now()")
    world.enforce(when=DRAFTS, actions=DELETE)
    world.conn.execute("UPDATE documents SET document_type = 'draft' WHERE id = %s", (draft,))

    [summary] = world.plan()

    assert world.items(summary.plan_id) == {"draft.txt": ("skipped", "cooling_off")}


def test_an_archive_comes_before_a_delete_never_in_one_run(world: World) -> None:
    draft = world.add_document("draft.txt", document_type="draft")
    world.enforce("a-delete", when=DRAFTS, actions=DELETE)
    world.enforce(
        "b-archive", when={"field": "status", "op": "eq", "value": "active"}, actions=ARCHIVE
    )

    world.night()
    assert world.status(draft) == "archived"
    world.later(days=2)
    world.night()
    assert world.status(draft) == "deleted"


def test_a_selection_goes_through_the_same_belts(world: World) -> None:
    held = world.add_document("held.txt")
    free = world.add_document("free.txt")
    holding.hold(
        world.conn,
        organization="default",
        matter="case 7",
        reason="litigation",
        document_ids=[held],
        actor=ACTOR,
        now=world.now,
    )

    summary = planning.plan_selection(
        world.conn,
        organization="default",
        action="DELETE",
        document_ids=[held, free],
        now=world.now,
        as_of=world.now,
        dag_id="test",
        run_id="by hand",
        requested_by=ACTOR,
        reason="asked for",
    )
    world.apply(summary.plan_id)

    assert (world.status(held), world.status(free)) == ("active", "deleted")


def test_a_selection_reaches_no_document_of_another_organization(world: World) -> None:
    world.conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")
    own = world.add_document("own.txt")
    foreign = world.add_document(
        "foreign.txt", organization_id=world.value("SELECT max(id) FROM organizations")
    )

    summary = planning.plan_selection(
        world.conn,
        organization="default",
        action=ActionType.DELETE,
        document_ids=[own, foreign],
        now=world.now,
        as_of=world.now,
        dag_id="test",
        run_id="by hand",
        requested_by=ACTOR,
        reason="asked for",
    )
    world.apply(summary.plan_id)

    assert (world.status(own), world.status(foreign)) == ("deleted", "active")


def test_owners_are_told_even_of_what_another_rule_trashed_in_the_same_run(world: World) -> None:
    draft = world.add_document("draft.txt", document_type="draft")
    world.enforce("a-delete", when=DRAFTS, actions=DELETE)
    tell = {"do": "NOTIFY", "with": {"channel": "notification", "to": "{{ document.owner }}"}}
    world.enforce("b-tell", when=DRAFTS, actions=[tell])

    outcomes = world.night()

    assert world.status(draft) == "deleted"
    assert outcomes == {"a-delete@1": ShardOutcome(done=1), "b-tell@1": ShardOutcome(done=1)}


def test_a_simulated_future_is_past_its_cooling_off(world: World) -> None:
    world.add_document("draft.txt", document_type="draft", registered_at=NOW)
    version = world.enforce(when=DRAFTS, actions=DELETE)

    def items(as_of: datetime) -> dict[str, tuple[str, str | None]]:
        preview = previewing.preview_rule(
            world.conn, organization="default", rule=version.rule, as_of=as_of, now=world.now
        )
        return {item.external_id: (item.state, item.reason_code) for item in preview.items}

    assert items(NOW) == {"draft.txt": ("skipped", "cooling_off")}
    assert items(NOW + timedelta(days=7)) == {"draft.txt": ("planned", None)}


def test_a_selection_for_a_store_that_is_not_there_is_refused_before_it_reserves(
    world: World,
) -> None:
    document = world.add_document("a.txt")

    with pytest.raises(ConfigurationError, match="store 'nostore', which is not registered"):
        planning.plan_selection(
            world.conn,
            organization="default",
            action=ActionType.ARCHIVE,
            document_ids=[document],
            options={"store": "nostore"},
            now=world.now,
            as_of=world.now,
            dag_id="test",
            run_id="by hand",
            requested_by=ACTOR,
            reason="asked for",
        )

    assert world.value("SELECT count(*) FROM plans") == 0


def test_a_rule_for_a_store_that_is_not_there_fails_and_keeps_nothing_reserved(
    world: World,
) -> None:
    world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=[{"do": "ARCHIVE", "with": {"store": "nostore"}}])

    [summary] = world.plan()
    outcome = world.apply(summary.plan_id)

    assert outcome == ShardOutcome(failed=1)
    assert world.items(summary.plan_id) == {"draft.txt": ("failed", "no_store")}
    assert world.value("SELECT state FROM plans WHERE id = %s", summary.plan_id) == "applied"
