"""Two at once: what people, planners and workers do to the same documents at the same moment.

Each race runs on real connections. Whatever wins, the audit trail tells the order: its entries are
written under the lock that decides. ``DOCLIFE_ROUNDS`` makes the races longer.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from doclife.domain.actions import ActionType
from doclife.domain.plan import PlanState, ShardOutcome
from doclife.errors import TryAgainLater
from doclife.lifecycle import applying, expiring, holding, planning, ruling, undo
from doclife.store.connection import Connection, connect

from .conftest import ACTOR, NOW, World, days_ago

ROUNDS = int(os.environ.get("DOCLIFE_ROUNDS", "200"))
DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]


@pytest.fixture(params=range(2), ids=lambda seed: f"seed {seed}")
def chance(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.param)


@pytest.fixture
def other(database: str) -> Iterator[World]:
    """Somebody else, on a connection of their own."""
    with connect(database, application_name="the other one") as conn:
        yield World(conn=conn, folder=None)


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """Begin deeds together and return what they return, or the error they end with."""
    barrier = threading.Barrier(len(deeds))

    def begin(deed: Callable[[], Any]) -> Any:
        barrier.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [future.result() for future in [pool.submit(begin, deed) for deed in deeds]]


def drafts(world: World, count: int = ROUNDS, **columns: Any) -> list[int]:
    """Register documents that a rule is to delete, with bytes if there are few."""
    content = b"content" if count <= 300 else None
    return [
        world.add_document(f"{number}.txt", document_type="draft", content=content, **columns)
        for number in range(count)
    ]


def hold_some(
    other: World, documents: list[int], chance: random.Random, now: datetime
) -> list[int]:
    """Hold two thirds of the documents, a few at a time in any order; return what was too late."""
    waiting = chance.sample(documents, k=len(documents) * 2 // 3)
    too_late: list[int] = []
    while waiting:
        some, waiting = waiting[: (size := chance.randint(1, 5))], waiting[size:]
        outcome = holding.hold(
            other.conn,
            organization="default",
            matter="case 7",
            reason="litigation",
            document_ids=some,
            actor=ACTOR,
            now=now,
        )
        assert outcome.held + len(outcome.too_late) == len(some)
        too_late += [each.document_id for each in outcome.too_late]
    return too_late


def order_of(world: World, *actions: str) -> dict[int, list[str]]:
    """Return what happened to each document, in the order the locks decided."""
    rows = world.conn.execute(
        "SELECT document_id, array_agg(action ORDER BY id) FROM audit_entries"
        " WHERE action = ANY(%s) GROUP BY document_id",
        (list(actions),),
    )
    return dict(rows.fetchall())


def test_a_hold_that_comes_first_keeps_the_document_out_of_the_trash(
    world: World, other: World, chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doclife.lifecycle.deleting.BATCH_SIZE", 5)
    documents = drafts(world)
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()

    outcome, too_late = at_once(
        lambda: world.apply(summary.plan_id),
        lambda: hold_some(other, documents, chance, world.now),
    )

    assert too_late == []
    assert outcome.done + outcome.skipped == len(documents)
    histories = order_of(world, "document.held", "document.trashed")
    assert ["document.held", "document.trashed"] not in histories.values()
    assert world.value("SELECT count(*) FROM documents WHERE status = 'deleted'") == outcome.done
    items = world.items(summary.plan_id).values()
    assert set(items) <= {("done", None), ("skipped", "held")}


def test_a_hold_comes_in_time_or_is_told_that_it_came_too_late(
    world: World, other: World, chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doclife.lifecycle.purging.PURGE_BATCH_SIZE", 5)
    documents = drafts(world, min(ROUNDS, 300))
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()
    [purge, _originals] = plan_purges(world)

    outcome, too_late = at_once(
        lambda: world.apply(purge),
        lambda: hold_some(other, documents, chance, world.now),
    )

    assert outcome.done + outcome.skipped == len(documents)
    assert outcome.failed == 0
    rows = world.conn.execute(
        "SELECT id, external_id, status, hold_count, too_late_since IS NOT NULL FROM documents"
        " LEFT JOIN matter_documents ON document_id = id"
    ).fetchall()
    for document, name, status, hold_count, was_too_late in rows:
        assert status == ("deleted" if hold_count else "purged")
        assert world.file(name).exists() == bool(hold_count)
        assert bool(was_too_late) == (document in too_late)
        assert not (was_too_late and hold_count)
    histories = order_of(world, "document.held", "document.purging")
    assert ["document.held", "document.purging"] not in histories.values()


def test_a_hold_that_comes_too_late_does_not_stop_the_others(world: World, other: World) -> None:
    going, staying = drafts(world, 2)
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()
    begin_purging(world, going)

    outcome = holding.hold(
        other.conn,
        organization="default",
        matter="case 7",
        reason="litigation",
        document_ids=[going, staying],
        actor=ACTOR,
        now=world.now,
    )

    assert outcome.held == 1
    assert [each.external_id for each in outcome.too_late] == ["0.txt"]
    assert outcome.too_late[0].too_late_since == world.now
    assert world.value("SELECT hold_count FROM documents WHERE id = %s", staying) == 1


def test_two_workers_never_share_a_shard(
    world: World, other: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doclife.lifecycle.deleting.BATCH_SIZE", 1)
    rounds = max(ROUNDS // 20, 2)
    stores, refused = world.stores, 0
    for number in range(rounds):
        for one in range(5):
            world.add_document(f"{number}-{one}", document_type="draft", content=None)
        world.enforce(when=DRAFTS, actions=DELETE)
        [summary] = world.plan()
        [shard] = applying.start(world.conn, plan_id=summary.plan_id, now=world.now)

        def work(conn: Connection) -> ShardOutcome | None:
            try:
                return applying.apply_shard(
                    conn,
                    shard=shard,  # noqa: B023 - run before the loop goes on
                    now=lambda: world.now,
                    actor=ACTOR,
                    stores=stores,
                )
            except TryAgainLater:
                return None

        outcomes = at_once(lambda: work(world.conn), lambda: work(other.conn))
        refused += outcomes.count(None)
        assert sum((each or ShardOutcome() for each in outcomes), ShardOutcome()) == ShardOutcome(
            done=5
        )
        applying.finish(world.conn, plan_id=summary.plan_id, now=world.now)
    assert refused > 0
    assert set(map(len, order_of(world, "document.trashed").values())) == {1}


def test_two_planners_reserve_each_document_once(world: World, other: World) -> None:
    documents = drafts(world, 40)
    world.enforce(when=DRAFTS, actions=DELETE)
    for number in range(max(ROUNDS // 10, 2)):
        world.runs = other.runs = number

        def select() -> Any:
            return planning.plan_selection(
                other.conn,
                organization="default",
                action=ActionType.DELETE,
                document_ids=documents[::2],
                now=NOW,
                as_of=NOW,
                dag_id="by hand",
                run_id=f"run-{number}",  # noqa: B023 - run before the loop goes on
                requested_by=ACTOR,
                reason="spring cleaning",
            )

        [night], selection = at_once(world.plan, select)

        assert world.value(
            "SELECT count(*) FROM plan_items WHERE state = 'planned' AND is_reserving"
        ) == len(documents)
        assert night.document_count + selection.document_count >= len(documents)
        world.conn.execute(
            "UPDATE plan_items SET state = 'skipped', reason_code = 'test', finished_at = now()"
            " WHERE state = 'planned'"
        )


def test_two_nights_at_once_leave_one_open_plan(world: World, other: World) -> None:
    drafts(world, 10)
    world.enforce(when=DRAFTS, actions=DELETE)
    other.runs = 1000
    for _round in range(max(ROUNDS // 10, 2)):
        at_once(world.plan, other.plan)

    states = world.conn.execute("SELECT state, count(*) FROM plans GROUP BY state").fetchall()
    assert dict(states) == {"planned": 1, "superseded": 2 * max(ROUNDS // 10, 2) - 1}
    assert world.value("SELECT count(*) FROM plan_items WHERE state = 'planned'") == 10


def test_an_edited_rule_stops_acting_from_that_moment(
    world: World, other: World, chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doclife.lifecycle.deleting.BATCH_SIZE", 3)
    documents = drafts(world)
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()

    def edit() -> None:
        wait_for(
            other,
            "SELECT count(*) FROM documents WHERE status = 'deleted'",
            1 + chance.randint(0, 20),
        )
        ruling.apply_rule_file(
            other.conn,
            text="rules:\n- name: rule\n  mode: simulate\n  trigger: {type: ON_SCHEDULE}\n"
            "  when: {field: document_type, op: eq, value: draft}\n  actions: [{do: DELETE}]\n",
            file="edited.yaml",
            author="user:author",
            now=world.now,
        )

    outcome, _ = at_once(lambda: world.apply(summary.plan_id), edit)

    edited = world.value("SELECT id FROM audit_entries WHERE action = 'rule.changed'")
    trashed = world.value("SELECT max(id) FROM audit_entries WHERE action = 'document.trashed'")
    assert trashed < edited
    assert outcome.done < len(documents)
    assert world.value("SELECT state FROM plans") == "applied"
    assert set(world.items(summary.plan_id).values()) == {("done", None), ("skipped", "superseded")}


def test_two_shards_end_a_plan_that_may_not_go_on_without_waiting_for_each_other(
    world: World, other: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doclife.lifecycle.judging.SHARD_DOCUMENTS_OTHERWISE", 5)
    stores = world.stores
    for number in range(max(ROUNDS // 20, 2)):
        for one in range(10):
            world.add_document(f"{number}-{one}", document_type="draft", content=None)
        world.enforce(when=DRAFTS, actions=DELETE)
        [summary] = world.plan()
        shards = applying.start(world.conn, plan_id=summary.plan_id, now=world.now)
        world.enforce(when=DRAFTS, actions=DELETE, mode="simulate")

        at_once(
            *(
                lambda conn=conn, shard=shard: applying.apply_shard(
                    conn, shard=shard, now=lambda: world.now, actor=ACTOR, stores=stores
                )
                for conn, shard in zip((world.conn, other.conn), shards, strict=False)
            )
        )

        assert world.value("SELECT state FROM plans WHERE id = %s", summary.plan_id) == "applied"
        assert {state for state, _ in world.items(summary.plan_id).values()} == {"skipped"}


def test_an_undo_while_the_plan_is_applied_leaves_nothing_done(
    world: World, other: World, chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doclife.lifecycle.deleting.BATCH_SIZE", 3)
    drafts(world)
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()
    stores = world.stores

    def take_back() -> undo.UndoOutcome:
        wait_for(
            other,
            "SELECT count(*) FROM documents WHERE status = 'deleted'",
            1 + chance.randint(0, 20),
        )
        return undo.undo_plan(
            other.conn, plan_id=summary.plan_id, now=world.now, actor=ACTOR, stores=stores
        )

    outcome, undone = at_once(lambda: world.apply(summary.plan_id), take_back)

    assert outcome.done == undone.undone > 0
    assert world.value("SELECT count(*) FROM documents WHERE status <> 'active'") == 0
    assert world.value("SELECT state FROM plans") == "undone"
    assert set(world.items(summary.plan_id).values()) == {("undone", None), ("skipped", "undone")}


# ------------------------------------------------------------------------------------- expiry


def test_two_checks_at_once_stamp_and_announce_once(
    world: World, other: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doclife.lifecycle.expiring.BATCH_SIZE", 7)
    documents = drafts(world, max(ROUNDS, 301), expires_on=days_ago(1))

    outcomes = at_once(*(lambda each=each: check(each) for each in (world, other)))

    assert sum(outcome.expired for outcome in outcomes) == len(documents)
    for table, column in (("events", "type"), ("audit_entries", "action")):
        query = (
            f"SELECT count(*), count(DISTINCT document_id) FROM {table}"
            f" WHERE {column} = 'document.expired'"
        )
        assert world.conn.execute(query).fetchone() == (len(documents), len(documents))


def test_whatever_is_registered_while_checks_run_is_stamped(
    world: World, other: World, chance: random.Random, database: str
) -> None:
    done = threading.Event()

    def register() -> None:
        try:
            with connect(database) as conn:
                for number in range(ROUNDS):
                    register_one(conn, f"late-{number}")
        finally:
            done.set()

    def register_one(conn: Connection, name: str) -> None:
        conn.isolation_level = chance.choice([None, *psycopg.IsolationLevel])
        day = days_ago(chance.randint(0, 3))
        while True:
            try:
                with conn.transaction():
                    conn.execute("SELECT count(*) FROM documents")
                    conn.execute(
                        "INSERT INTO documents (organization_id, external_id, expires_on)"
                        " VALUES (1, %s, %s)",
                        (name, day),
                    )
            except psycopg.errors.SerializationFailure:
                continue  # as every application of these levels has to
            return

    def check_all_the_time() -> None:
        while not done.is_set():
            check(world)

    at_once(register, check_all_the_time)
    world.later(days=1)
    check(world)

    assert world.value("SELECT count(*) FROM documents WHERE expired_at IS NULL") == 0
    assert world.value("SELECT count(*) FROM events WHERE type = 'document.expired'") == ROUNDS


def test_a_check_waits_for_whoever_is_registering(world: World, other: World) -> None:
    world.conn.execute("SET lock_timeout = '100ms'")
    with other.conn.transaction():
        other.add_document("uncommitted", content=None, expires_on=days_ago(1))
        with pytest.raises(psycopg.errors.LockNotAvailable):
            check(world)

    assert check(world).expired == 1


@pytest.mark.parametrize(
    "isolation", [psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE]
)
def test_a_snapshot_older_than_the_check_registers_nothing_that_nobody_looks_at(
    world: World, other: World, isolation: psycopg.IsolationLevel
) -> None:
    other.conn.isolation_level = isolation
    with other.conn.transaction(force_rollback=True):
        other.value("SELECT count(*) FROM documents")
        check(world)
        with pytest.raises(psycopg.errors.SerializationFailure):
            other.add_document("late", content=None, expires_on=days_ago(1))


def test_a_date_changed_while_a_check_looks_again_is_not_lost(
    world: World, other: World, database: str
) -> None:
    """The check has read the old date, waits for another document, and must not forget this one."""
    first = world.add_document("first", content=None, expires_on=days_ago(-30))
    changing = world.add_document("changing", content=None, expires_on=days_ago(-30))
    check(world)
    set_expiry(world, first, days_ago(5))
    set_expiry(world, changing, days_ago(-10))
    with connect(database) as blocker, ThreadPoolExecutor(1) as pool:
        with blocker.transaction():
            blocker.execute("SELECT FROM documents WHERE id = %s FOR UPDATE", (first,))
            checking = pool.submit(check, other)
            wait_for(world, "SELECT count(*) FROM pg_locks WHERE NOT granted", 1)
            set_expiry(world, changing, days_ago(5))
        checking.result()

    check(world)

    assert world.value("SELECT count(*) FROM documents WHERE expired_at IS NULL") == 0


def check(world: World) -> expiring.ExpiryOutcome:
    return expiring.expire(world.conn, now=world.now, as_of=world.now, actor="schedule")


def set_expiry(world: World, document_id: int, day: Any) -> None:
    world.conn.execute("UPDATE documents SET expires_on = %s WHERE id = %s", (day, document_id))


def plan_purges(world: World) -> list[int]:
    world.runs += 1
    summaries = planning.plan_purges(
        world.conn, now=world.now, dag_id="cleanup", run_id=f"run-{world.runs}", requested_by=ACTOR
    )
    assert {summary.state for summary in summaries} == {PlanState.PLANNED}
    return [summary.plan_id for summary in summaries]


def begin_purging(world: World, document_id: int) -> None:
    """Take one document past the point of no return, as a purge that died then."""
    [purge, _originals] = plan_purges(world)
    applying.start(world.conn, plan_id=purge, now=world.now)
    world.conn.execute(
        "UPDATE documents SET status = 'purging', purging_at = %s WHERE id = %s",
        (world.now, document_id),
    )


def wait_for(world: World, query: str, least: int) -> None:
    """Wait until a count has come so far."""
    until = datetime.now().astimezone() + timedelta(seconds=120)
    while world.value(query) < least:
        assert datetime.now().astimezone() < until, f"{query} never became {least}"
