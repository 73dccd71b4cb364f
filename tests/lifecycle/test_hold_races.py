"""Holds against everything that destroys, thousands of times, on real connections.

Each document is one round: somebody holds it while somebody else is destroying it. Whatever wins,
a document is either held and whole, or gone and known to be.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from doclife.domain.condition_reader import read_condition
from doclife.domain.fields import MetadataType
from doclife.errors import RefusedError
from doclife.lifecycle import holding, matters
from doclife.store import organizations
from doclife.store.connection import Connection, connect

from .conftest import ACTOR, World
from .test_races import DELETE, DRAFTS, at_once, order_of, plan_purges

NIGHTS = 20
ROUNDS = int(os.environ.get("DOCLIFE_HOLD_ROUNDS", "2000"))
ACME = {"field": "metadata.client", "op": "eq", "value": "acme"}


@pytest.fixture
def chance() -> random.Random:
    return random.Random(7)


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world of small batches, so that there is something to get between."""
    monkeypatch.setattr("doclife.lifecycle.deleting.BATCH_SIZE", 20)
    monkeypatch.setattr("doclife.lifecycle.purging.PURGE_BATCH_SIZE", 20)
    monkeypatch.setattr("doclife.lifecycle.catching.WINDOW_SIZE", 50)
    organizations.declare_metadata(world.conn, 1, {"client": MetadataType.TEXT})
    return world


@pytest.fixture
def others(database: str) -> Iterator[list[Connection]]:
    """Three more people, each on a connection of their own."""
    with (
        connect(database, application_name="one") as one,
        connect(database, application_name="two") as two,
        connect(database, application_name="three") as three,
    ):
        yield [one, two, three]


def drafts(world: World, count: int = ROUNDS) -> list[int]:
    """Register drafts without bytes: a third of acme's, a third of others', a third unknown."""
    rows = world.conn.execute(
        "INSERT INTO documents (organization_id, external_id, document_type, registered_at,"
        " metadata)"
        " SELECT 1, 'draft-' || number, 'draft', '2020-01-01',"
        ' (ARRAY[\'{"client": "acme"}\', \'{"client": "other"}\', \'{}\']::jsonb [])'
        " [1 + number %% 3]"
        " FROM generate_series(1, %s) AS number RETURNING id",
        (count,),
    )
    return [row[0] for row in rows.fetchall()]


def hold(conn: Connection, world: World, documents: list[int], matter: str) -> holding.HoldOutcome:
    return holding.hold(
        conn,
        organization="default",
        matter=matter,
        reason="litigation",
        document_ids=documents,
        actor=ACTOR,
        now=world.now,
    )


def hold_all(
    conn: Connection, world: World, documents: list[int], matter: str, seed: int
) -> list[int]:
    """Hold documents a few at a time in any order; return those that it was too late for."""
    chance = random.Random(seed)
    waiting = chance.sample(documents, k=len(documents) * 2 // 3)
    too_late: list[int] = []
    while waiting:
        some, waiting = waiting[: (size := chance.randint(1, 20))], waiting[size:]
        outcome = hold(conn, world, some, matter)
        too_late += [each.document_id for each in outcome.too_late]
    return too_late


def open_matter(conn: Connection, world: World, name: str = "acme v. us") -> matters.Placed:
    condition, _faults = read_condition(ACME, metadata_types=None)
    return matters.open_matter(
        conn,
        organization="default",
        name=name,
        reason="litigation",
        condition=condition,
        actor=ACTOR,
        now=world.now,
    )


def holds_are_counted(world: World) -> bool:
    """Whether every document's counter is what its matters say."""
    miscounted: int = world.value(
        "SELECT count(*) FROM documents AS document WHERE hold_count <> ("
        "SELECT count(*) FROM matter_documents WHERE document_id = document.id"
        " AND released_at IS NULL AND too_late_since IS NULL)"
    )
    return miscounted == 0


def test_holds_against_the_trash(world: World, others: list[Connection]) -> None:
    documents = drafts(world)
    world.enforce(when=DRAFTS, actions=DELETE)
    [summary] = world.plan()

    outcome, *too_late = at_once(
        lambda: world.apply(summary.plan_id),
        lambda: hold_all(others[0], world, documents, "one", 1),
        lambda: hold_all(others[1], world, documents, "two", 2),
    )

    assert too_late == [[], []]
    assert outcome.done + outcome.skipped == len(documents)
    assert outcome.done > 0
    assert outcome.skipped > 0
    histories = order_of(world, "document.held", "document.trashed").values()
    assert all("document.trashed" not in each[1:] for each in histories)
    assert holds_are_counted(world)


def test_holds_against_the_purge_before_and_after_it_began(
    world: World, others: list[Connection]
) -> None:
    documents = drafts(world)
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()
    [purge, _originals] = plan_purges(world)

    outcome, first, second = at_once(
        lambda: world.apply(purge),
        lambda: hold_all(others[0], world, documents, "one", 1),
        lambda: hold_all(others[1], world, documents, "two", 2),
    )

    assert (outcome.failed, outcome.done + outcome.skipped) == (0, len(documents))
    assert outcome.done > 0
    assert outcome.skipped > 0
    assert first
    assert second
    rows = world.conn.execute(
        "SELECT document.id, status, hold_count, array_agg(too_late_since IS NOT NULL)"
        " FROM documents AS document LEFT JOIN matter_documents ON document_id = document.id"
        " GROUP BY document.id"
    ).fetchall()
    for document, status, hold_count, late in rows:
        assert status == ("deleted" if hold_count else "purged")
        assert any(late) == (document in first or document in second)
        assert not (any(late) and hold_count)
    histories = order_of(world, "document.held", "document.purging").values()
    assert all("document.purging" not in each[1:] for each in histories)
    assert holds_are_counted(world)


def test_a_condition_against_a_running_plan(world: World, others: list[Connection]) -> None:
    documents = drafts(world)
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    [summary] = world.plan()

    outcome, _placed = at_once(
        lambda: world.apply(summary.plan_id), lambda: open_matter(others[0], world)
    )
    world.purge()

    assert outcome.done + outcome.skipped == len(documents)
    assert outcome.skipped > 0
    kept = world.conn.execute(
        "SELECT count(*) FILTER (WHERE hold_count = 1), count(*) FROM documents"
        " WHERE metadata ->> 'client' = 'acme' OR NOT metadata ? 'client' AND status <> 'purged'"
    ).fetchone()
    # Two thirds are acme's or unknown; what was trashed before the matter is frozen there.
    assert kept == (len(documents) - (len(documents) + 2) // 3,) * 2
    assert world.value("SELECT count(*) FROM documents WHERE status = 'purged'") > 0
    assert holds_are_counted(world)


@pytest.mark.parametrize("lists_at_once", [True, False])
def test_a_condition_against_a_running_purge(
    world: World,
    others: list[Connection],
    lists_at_once: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a batch judges protects by itself, before the matter has listed what it holds."""
    if not lists_at_once:
        monkeypatch.setattr(matters, "catch_all", lambda *_, **__: matters.Placed())
    drafts(world)
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()
    [purge, _originals] = plan_purges(world)
    entry = "SELECT count(*) FROM audit_entries WHERE action = 'document.purging'"

    def open_in_the_middle() -> None:
        while others[0].execute(entry).fetchone() < (ROUNDS // 4,):
            pass
        open_matter(others[0], world)

    outcome, _ = at_once(lambda: world.apply(purge), open_in_the_middle)

    assert outcome.failed == 0
    held, gone = world.conn.execute(
        "SELECT count(*) FILTER (WHERE hold_count > 0),"
        " count(*) FILTER (WHERE status = 'purged') FROM documents"
    ).fetchone()
    assert held + gone == ROUNDS
    assert outcome.done == gone
    histories = order_of(world, "document.held", "document.purging").values()
    assert all("document.purging" not in each[1:] for each in histories)
    # Of three that come after the matter, two are held; at the most one batch was under way.
    assert held > ROUNDS // 4
    assert holds_are_counted(world)


def test_what_comes_to_match_while_it_is_destroyed(
    world: World, others: list[Connection], chance: random.Random
) -> None:
    documents = drafts(world)
    world.conn.execute("""UPDATE documents SET metadata = '{"client": "other"}'""")
    world.later(days=30)
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    [summary] = world.plan()
    open_matter(others[0], world)

    def rename() -> None:
        for document in chance.sample(documents, k=len(documents) // 2):
            others[1].execute(
                """UPDATE documents SET metadata = '{"client": "acme"}' WHERE id = %s""",
                (document,),
            )

    outcome, _ = at_once(lambda: world.apply(summary.plan_id), rename)
    world.purge()

    assert outcome.done > 0
    assert outcome.skipped > 0
    rows = world.conn.execute("SELECT metadata ->> 'client', status, hold_count FROM documents")
    for client, status, hold_count in rows:
        # What was trashed under another name is caught before its purge.
        assert (client == "acme") <= (status != "purged")
        assert (status == "deleted") <= (hold_count == 1)
    assert world.value("SELECT count(*) FROM documents WHERE status = 'purged'") > 0
    assert holds_are_counted(world)


def test_releases_closings_and_changes_never_wait_in_a_circle(
    world: World, others: list[Connection], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody at everything: matters come before documents, and documents in their order."""
    # Leaves all the catching to the batches, in the middle of everybody else's work.
    monkeypatch.setattr(matters, "catch_all", lambda *_, **__: matters.Placed())
    monkeypatch.setattr("doclife.lifecycle.judging.catch_in_plan", lambda *_, **__: None)
    documents = drafts(world, ROUNDS // 2)
    world.enforce(when=DRAFTS, actions=DELETE)
    open_matter(world.conn, world, "standing")
    done = threading.Event()
    deeds = {"held": 0, "released": 0, "closed": 0, "changed": 0}
    deadlocks: list[str] = []

    def keep_on(deed: Any, name: str) -> None:
        try:
            while not done.is_set():
                try:
                    deed()
                    deeds[name] += 1
                except RefusedError:
                    pass  # closed by somebody in between
        except psycopg.Error as error:
            deadlocks.append(f"{name}: {error}")

    def some(seed: random.Random) -> list[int]:
        return seed.sample(documents, k=seed.randint(1, 40))

    def hold_some(conn: Connection, seed: random.Random) -> None:
        hold(conn, world, some(seed), f"case {seed.randint(1, 3)} of {deeds['closed']}")

    def release_some(conn: Connection, seed: random.Random) -> None:
        for each in matters.list_matters(conn, organization="default"):
            holding.release(
                conn,
                organization="default",
                matter=each.name,
                document_ids=some(seed),
                actor=ACTOR,
                now=world.now,
            )

    def close_one(conn: Connection, seed: random.Random) -> None:
        name = seed.choice(matters.list_matters(conn, organization="default")).name
        if name.startswith("standing") and seed.random() < 0.5:
            condition, _faults = read_condition(
                {**ACME, "value": seed.choice(["acme", "other"])}, metadata_types=None
            )
            matters.change_condition(
                conn,
                organization="default",
                name=name,
                condition=condition,
                actor=ACTOR,
                now=world.now.replace(microsecond=seed.randint(0, 999_999)),
            )
            deeds["changed"] += 1
            return
        matters.close_matter(conn, organization="default", name=name, actor=ACTOR, now=world.now)
        if name.startswith("standing"):
            open_matter(conn, world, f"standing since {deeds['closed']}")

    def apply_all_the_time() -> int:
        trashed = 0
        try:
            for _ in range(NIGHTS):
                for summary in world.plan():
                    trashed += world.apply(summary.plan_id).done
        finally:
            done.set()
        return trashed

    chances = [random.Random(number) for number in range(4)]
    with connect(database, application_name="four") as fourth:
        people = [*others, fourth]
        trashed, *_ = at_once(
            apply_all_the_time,
            lambda: keep_on(lambda: hold_some(people[0], chances[0]), "held"),
            lambda: keep_on(lambda: hold_some(people[1], chances[1]), "held"),
            lambda: keep_on(lambda: release_some(people[2], chances[2]), "released"),
            lambda: keep_on(lambda: close_one(people[3], chances[3]), "closed"),
        )

    assert deadlocks == []
    assert min(deeds.values()) > 0, deeds
    assert trashed > 0
    assert holds_are_counted(world)
    assert (
        world.value(
            "SELECT count(*) FROM matter_documents AS hold INNER JOIN matters AS matter"
            " ON matter.id = hold.matter_id"
            " WHERE matter.released_at IS NOT NULL AND hold.released_at IS NULL"
            " AND hold.too_late_since IS NULL"
        )
        == 0
    )
