"""Single documents are taken out of a plan, and stay out of the plans that follow."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from doclife.domain.plan import PlanState, ShardOutcome
from doclife.domain.review import Answer, Keeping
from doclife.errors import RefusedError
from doclife.lifecycle.deciding import keep_documents
from tests.lifecycle.conftest import World

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
TODAY = date(2026, 3, 2)


@pytest.fixture
def drafts(world: World) -> dict[str, int]:
    """Four drafts whose deletion a rule wants reviewed."""
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}], review={"stages": ["records"]})
    return {name: world.add_document(name, document_type="draft") for name in "abcd"}


def keep(world: World, plan_id: int, *document_ids: int, **decision) -> list[int]:
    return keep_documents(
        world.conn,
        plan_id=plan_id,
        document_ids=document_ids,
        keeping=Keeping(**decision),
        actor="cli:anna",
        now=world.now,
    )


def approve(world: World, plan_id: int) -> None:
    world.conn.execute(
        "INSERT INTO plan_decisions (plan_id, decision, decided_by)"
        " VALUES (%s, 'approve', 'user:boss')",
        (plan_id,),
    )
    world.conn.execute("UPDATE plans SET state = 'approved' WHERE id = %s", (plan_id,))


def test_what_was_decided_about_single_documents_is_what_is_applied(world, drafts):
    [plan] = world.plan()
    until = TODAY + timedelta(days=100)

    keep(world, plan.plan_id, drafts["a"], answer=Answer.REJECT, comment="still needed")
    keep(world, plan.plan_id, drafts["b"], answer=Answer.EXTEND, until=until)
    keep(world, plan.plan_id, drafts["c"], answer=Answer.HOLD, matter="Case 7")
    approve(world, plan.plan_id)

    assert world.apply(plan.plan_id) == ShardOutcome(done=1)
    assert world.items(plan.plan_id) == {
        "a": ("skipped", "rejected"),
        "b": ("skipped", "extended"),
        "c": ("skipped", "held"),
        "d": ("done", None),
    }
    reprieves = dict(world.conn.execute("SELECT external_id, reprieve_until FROM documents"))
    assert reprieves["a"] == TODAY + timedelta(days=30)
    assert reprieves["b"] == until
    assert world.value("SELECT hold_count FROM documents WHERE id = %s", drafts["c"]) == 1
    reason = "SELECT reason FROM plan_items WHERE document_id = %s"
    assert "cli:anna" in world.value(reason, drafts["a"])
    assert "still needed" in world.value(reason, drafts["a"])


def test_a_decision_outlives_the_plan_it_was_made_about(world, drafts):
    [plan] = world.plan()
    keep(world, plan.plan_id, drafts["a"], answer=Answer.EXTEND, until=TODAY + timedelta(days=2))

    world.later(days=1)
    [next_plan] = world.plan()
    assert world.items(next_plan.plan_id)["a"] == ("skipped", "reprieved")
    world.later(days=2)
    [last] = world.plan()
    assert world.items(last.plan_id)["a"] == ("planned", None)


def test_every_kept_document_has_an_audit_entry(world, drafts):
    [plan] = world.plan()

    keep(world, plan.plan_id, drafts["a"], drafts["b"], answer=Answer.REJECT)

    assert world.conn.execute(
        "SELECT actor, count(*) FROM audit_entries WHERE action = 'document.reprieved' GROUP BY 1"
    ).fetchall() == [("cli:anna", 2)]


def test_deciding_twice_decides_once(world, drafts):
    [plan] = world.plan()
    assert keep(world, plan.plan_id, drafts["a"], answer=Answer.REJECT) == [drafts["a"]]

    assert keep(world, plan.plan_id, drafts["a"], answer=Answer.REJECT) == []
    assert world.value("SELECT count(*) FROM plan_decisions") == 1


def test_what_a_person_wrote_into_the_table_counts_when_the_plan_is_applied(world, drafts):
    [plan] = world.plan()
    for name, decision in (("a", "reject"), ("b", "hold")):
        world.conn.execute(
            "INSERT INTO plan_decisions (plan_id, document_id, decision, decided_by)"
            " VALUES (%s, %s, %s, 'user:anna')",
            (plan.plan_id, drafts[name], decision),
        )
    approve(world, plan.plan_id)

    world.apply(plan.plan_id)

    assert world.items(plan.plan_id)["a"] == ("skipped", "rejected")
    assert world.items(plan.plan_id)["b"] == ("skipped", "held_in_review")


def test_a_decision_that_does_not_count_takes_back_none_that_does(world, drafts):
    [plan] = world.plan()
    world.conn.execute(
        "INSERT INTO plan_decisions (plan_id, document_id, decision, decided_by)"
        " VALUES (%s, %s, 'reject', 'user:anna')",
        (plan.plan_id, drafts["a"]),
    )
    world.conn.execute(
        "INSERT INTO plan_decisions (plan_id, document_id, decision, extend_until, decided_by,"
        " is_valid, invalid_reason) VALUES (%s, %s, 'extend', %s, 'user:x', false, 'too late')",
        (plan.plan_id, drafts["a"], TODAY - timedelta(days=1)),
    )
    approve(world, plan.plan_id)

    world.apply(plan.plan_id)

    assert world.items(plan.plan_id)["a"] == ("skipped", "rejected")


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ({"answer": Answer.EXTEND}, "needs a date"),
        ({"answer": Answer.EXTEND, "until": TODAY}, "has passed"),
        ({"answer": Answer.EXTEND, "until": date(2050, 1, 1)}, "10 years"),
        ({"answer": Answer.HOLD, "matter": " "}, "name of a matter"),
        ({"answer": Answer.APPROVE}, "keeps nothing"),
    ],
)
def test_an_incomplete_decision_is_refused_and_changes_nothing(world, drafts, decision, said):
    [plan] = world.plan()

    with pytest.raises(RefusedError, match=said):
        keep(world, plan.plan_id, drafts["a"], **decision)
    assert world.items(plan.plan_id)["a"] == ("planned", None)


def test_a_plan_that_has_ended_is_decided_about_no_more(world, drafts):
    [plan] = world.plan()
    approve(world, plan.plan_id)
    world.apply(plan.plan_id)

    with pytest.raises(RefusedError, match="is applied"):
        keep(world, plan.plan_id, drafts["a"], answer=Answer.REJECT)


def test_a_rejected_purge_is_not_planned_again_during_the_reprieve(world):
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}], grace="1d")
    draft = world.add_document("draft.txt", document_type="draft")
    world.night()
    world.conn.execute("UPDATE organizations SET max_fraction_per_day = 0.5")
    world.later(days=3)
    world.purge()
    plan_id = world.value("SELECT max(id) FROM plans WHERE kind = 'purge'")
    assert world.value("SELECT state FROM plans WHERE id = %s", plan_id) == PlanState.NEEDS_APPROVAL

    keep(world, plan_id, draft, answer=Answer.REJECT)

    world.later(days=8)
    world.purge()
    assert world.status(draft) == "deleted"


def test_destruction_that_has_begun_is_not_said_to_be_rejected(world, monkeypatch):
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}], grace="1d")
    drafts = [world.add_document(name, document_type="draft") for name in ("a", "b")]
    world.night()
    world.later(days=3)
    purge_killed_before_a_byte_is_touched(world, monkeypatch)
    plan_id = world.value("SELECT max(id) FROM plans WHERE kind = 'purge'")
    assert [world.status(each) for each in drafts] == ["purging", "purging"]

    for decision in ({"answer": Answer.REJECT}, {"answer": Answer.HOLD, "matter": "Case 7"}):
        assert keep(world, plan_id, *drafts, **decision) == []

    assert world.items(plan_id) == {"a": ("planned", None), "b": ("planned", None)}
    assert world.value("SELECT count(*) FROM plan_decisions") == 0
    assert world.value("SELECT count(*) FROM matter_documents WHERE too_late_since IS NULL") == 0
    assert world.value("SELECT count(*) FROM matter_documents") == 2
    assert world.apply(plan_id) == ShardOutcome(done=2)


def purge_killed_before_a_byte_is_touched(world: World, monkeypatch) -> None:
    def killed(*_given, **_named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("doclife.lifecycle.destroying.remove_exactly", killed)
        with pytest.raises(KeyboardInterrupt):
            world.purge()


def test_a_decision_that_waited_for_a_batch_is_about_what_is_left(world):
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}])
    for name in ("a", "b"):
        world.add_document(name, document_type="draft")
    [plan] = world.plan()
    a, b = (row[0] for row in world.conn.execute("SELECT id FROM documents ORDER BY id"))
    with world.another_connection() as batch, ThreadPoolExecutor() as officer:
        batch.execute("UPDATE plans SET state = 'applying' WHERE id = %s", (plan.plan_id,))
        with batch.transaction():
            batch.execute(
                "UPDATE documents SET status = 'deleted', status_before = 'active',"
                " deleted_at = %s, purge_after = '2030-01-01' WHERE id = %s",
                (world.now, a),
            )
            kept = officer.submit(keep, world, plan.plan_id, a, b, answer=Answer.REJECT)
            wait_for_a_lock(batch)
            batch.execute(
                "UPDATE plan_items SET state = 'done', finished_at = %s WHERE document_id = %s",
                (world.now, a),
            )
        assert kept.result(timeout=60) == [b]

    assert world.value("SELECT array_agg(document_id) FROM plan_decisions") == [b]
    assert world.value("SELECT reprieve_until FROM documents WHERE id = %s", a) is None


def wait_for_a_lock(conn) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        waiting = conn.execute(
            "SELECT count(*) FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        ).fetchone()
        if waiting[0]:
            return
        time.sleep(0.02)
    pytest.fail("nobody waited for the batch")


def test_a_matter_that_is_being_closed_is_waited_for_without_locking_documents(world, drafts):
    [plan] = world.plan()
    keep(world, plan.plan_id, drafts["a"], answer=Answer.HOLD, matter="Case 7")
    with world.another_connection() as closing, ThreadPoolExecutor() as officer:
        with closing.transaction():
            closing.execute("SELECT FROM matters FOR NO KEY UPDATE")
            deciding = officer.submit(
                keep, world, plan.plan_id, drafts["b"], answer=Answer.HOLD, matter="Case 7"
            )
            wait_for_a_lock(closing)
            closing.execute("SELECT FROM documents FOR NO KEY UPDATE NOWAIT")
        assert deciding.result(timeout=60) == [drafts["b"]]
