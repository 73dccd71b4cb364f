"""A person asks for erasure: found, planned, approved by somebody else, destroyed, answered."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest

from doclife.domain.plan import PlanKind, PlanState
from doclife.errors import ConfigurationError, RefusedError, StorageError
from doclife.lifecycle import applying, destroying, erasure_requests
from doclife.lifecycle.erasure_requests import Answer
from doclife.storage.stores import Stores
from doclife.store import organizations

from .conftest import ACTOR, NOW, World
from .test_explaining import hold
from .test_purge_manifests import approve, settled, statuses

PERSON = "Quokka.Lindqvist@example.org"
ARCHIVE = [{"do": "ARCHIVE"}]


def options(world: World) -> dict[str, Any]:
    world.runs += 1
    return {
        "organization": organizations.find(world.conn, "default"),
        "now": world.now,
        "dag_id": "cli",
        "run_id": f"request-{world.runs}",
        "actor": "cli:maria",
    }


def ask(world: World, **named: Any) -> Answer:
    return erasure_requests.request_erasure(
        world.conn, **{"person": PERSON, **options(world), **named}
    )


def show(world: World, request_id: int = 1) -> Answer:
    return erasure_requests.answer(
        world.conn, organization=options(world)["organization"], request_id=request_id
    )


def reasons(answer: Answer) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for one in answer.outcomes:
        counted[one.reason_code or one.action] += one.documents
    return counted


@pytest.fixture
def documents(world: World) -> dict[str, int]:
    """Documents of a person in every state, and one of somebody else."""
    world.conn.execute(
        "INSERT INTO metadata_fields (organization_id, name, type) VALUES (1, 'employee', 'text')"
    )
    owned = {"owner": PERSON.lower()}
    found = {
        "active": world.add_document("active", document_type="letter", **owned),
        "archived": world.add_document("archived", document_type="old", **owned),
        "trashed": world.add_document("trashed", document_type="draft", **owned),
        "named": world.add_document(
            "named", document_type="letter", owner="hr", metadata={"employee": PERSON}
        ),
        "held": world.add_document("held", document_type="letter", **owned),
        "retained": world.add_document(
            "retained", document_type="invoice", created_on=date(2025, 1, 1), **owned
        ),
        "other": world.add_document("other", owner="somebody.else@example.org"),
    }
    world.enforce(
        "archive", when={"field": "document_type", "op": "eq", "value": "old"}, actions=ARCHIVE
    )
    world.enforce(
        "drop",
        when={"field": "document_type", "op": "eq", "value": "draft"},
        actions=[{"do": "DELETE"}],
    )
    world.enforce(
        "keep",
        when={"field": "document_type", "op": "eq", "value": "invoice"},
        retain={"for": "10y", "after": "created_on"},
    )
    world.night()
    world.later(days=1)
    hold(world, found["held"], "Smith v. us")
    return found


def test_finds_plans_and_after_approval_destroys_what_nothing_keeps(
    world: World, documents: dict[str, int]
) -> None:
    answer = ask(world, fields=["employee"])

    assert answer.remaining == 6
    assert answer.plan is not None
    plan_id = answer.plan.plan_id
    assert (answer.plan.kind, answer.plan.state) == (PlanKind.ERASURE, PlanState.NEEDS_APPROVAL)
    assert reasons(answer) == {"DELETE": 3, "PURGE": 1, "held": 1, "retained": 1}
    assert "retained until 2035-01-01" in {one.reason for one in answer.outcomes}
    with pytest.raises(RefusedError, match="waits for approval"):
        world.apply(plan_id)
    assert settled(world).purged == 0
    assert "purged" not in statuses(world, documents).values()

    approve(world, plan_id)
    world.apply(plan_id)
    after = settled(world)

    assert (after.purged, after.faults, after.closed) == (3, (), ())
    gone = dict.fromkeys(("active", "archived", "trashed", "named"), "purged")
    expected = {**gone, "held": "active", "retained": "active", "other": "active"}
    assert statuses(world, documents) == expected
    assert not world.file("active").exists()
    assert settled(world).purged == 0
    left = show(world)
    assert (left.request.state, left.remaining) == ("open", 2)

    closed = erasure_requests.close_request(
        world.conn,
        organization=options(world)["organization"],
        request_id=1,
        actor="cli:maria",
        now=world.now,
    )

    assert (closed.request.erased_count, closed.request.kept_count) == (4, 2)
    assert closed.request.person is None


def test_a_request_of_which_nothing_is_left_closes_and_nothing_names_the_person(
    world: World,
) -> None:
    document = world.add_document("one", owner=PERSON)
    answer = ask(world)
    assert answer.plan is not None
    approve(world, answer.plan.plan_id)
    world.apply(answer.plan.plan_id)

    assert settled(world).closed == (1,)

    assert world.status(document) == "purged"
    tables = world.conn.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'doclife'::regnamespace"
        " AND relkind = 'r'"
    ).fetchall()
    for (table,) in tables:
        query: Any = f'SELECT row_to_json(one)::text FROM "{table}" AS one'
        told = "\n".join(row[0] for row in world.conn.execute(query)).lower()
        assert PERSON.lower() not in told, table
    # Who asks again is a new request; only then the key is compared.
    assert ask(world).remaining == 0


def trashed(world: World, *names: str) -> int:
    """Let a person's request be approved and applied, so that a purge is due; return its plan."""
    for name in names:
        world.add_document(name, owner=PERSON)
    answer = ask(world)
    assert answer.plan is not None
    approve(world, answer.plan.plan_id)
    world.apply(answer.plan.plan_id)
    return answer.plan.plan_id


def close(world: World) -> Answer:
    return erasure_requests.close_request(
        world.conn,
        organization=options(world)["organization"],
        request_id=1,
        actor="cli:maria",
        now=world.now,
    )


def test_a_request_stays_open_while_the_bytes_of_a_document_cannot_be_removed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    trashed(world, "one", "locked")
    honest = destroying.remove_exactly

    def locked(stores: Stores, recorded: Any, **named: Any) -> Any:
        if recorded.uri.endswith("locked"):
            raise StorageError("the object is locked until 2031")
        return honest(stores, recorded, **named)

    with monkeypatch.context() as patched:
        patched.setattr(destroying, "remove_exactly", locked)
        for _week in range(2):
            after = settled(world)
            assert after.closed == ()
            assert "1 document(s) could not be destroyed" in after.faults[0]
            world.later(days=7)
        left = show(world)
        assert (left.request.state, left.request.person, left.remaining) == ("open", PERSON, 1)
        with pytest.raises(RefusedError, match=r"1 document\(s\) .* still to be destroyed"):
            close(world)
        # Whoever looks again brings it to its end, too.
        again = erasure_requests.plan_request(world.conn, request_id=1, **options(world))
        assert reasons(again) == {"PURGE": 1}

    assert again.plan is not None
    approve(world, again.plan.plan_id)
    world.apply(again.plan.plan_id)

    assert settled(world).closed == (1,)
    assert show(world).request.erased_count == 2
    erased = world.conn.execute("SELECT status, title, owner FROM documents").fetchall()
    assert set(erased) == {("purged", None, None)}


def test_a_request_of_a_purge_that_was_killed_closes_with_what_it_destroyed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    trashed(world, "one")

    def die(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(destroying, "destroy", die)
        with pytest.raises(KeyboardInterrupt):
            settled(world)
    assert world.value("SELECT status FROM documents") == "purging"
    assert erasure_requests.close_what_is_done(world.conn, actor="a", now=world.now) == []

    after = settled(world)

    assert (after.faults, after.purged, after.closed) == ((), 1, (1,))
    assert show(world).request.erased_count == 1


def test_a_purge_that_was_killed_after_its_last_document_is_brought_to_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    trashed(world, "one")

    def die(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(applying, "finish", die)
        with pytest.raises(KeyboardInterrupt):
            settled(world)
    left = "SELECT state FROM plans WHERE kind = 'purge'"
    assert (world.value("SELECT status FROM documents"), world.value(left)) == (
        "purged",
        "applying",
    )

    assert settled(world).closed == (1,)

    assert world.value(left) == "applied"
    assert world.value("SELECT count(*) FROM plans WHERE kind = 'purge'") == 1


def test_a_request_whose_documents_wait_in_the_trash_for_their_purge_cannot_be_closed(
    world: World,
) -> None:
    trashed(world, "one")
    with pytest.raises(RefusedError, match="doclife erasure settle"):
        close(world)

    assert settled(world).closed == (1,)


def test_an_erasure_that_is_still_being_applied_is_not_purged_yet(world: World) -> None:
    world.add_document("one", owner=PERSON)
    world.add_document("two", owner=PERSON)
    answer = ask(world)
    assert answer.plan is not None
    approve(world, answer.plan.plan_id)
    [shard] = applying.start(world.conn, plan_id=answer.plan.plan_id, now=world.now)
    applying.apply_shard(
        world.conn, shard=shard, now=lambda: world.now, actor=ACTOR, stores=world.stores
    )

    assert settled(world).purged == 0

    applying.finish(world.conn, plan_id=answer.plan.plan_id, now=world.now)
    assert settled(world).purged == 2


def test_what_a_hold_keeps_in_the_trash_does_not_keep_the_request_open(world: World) -> None:
    trashed(world, "one")
    hold(world, world.value("SELECT id FROM documents"), "Smith v. us")
    assert settled(world).faults == ()

    closed = close(world)

    assert (closed.request.erased_count, closed.request.kept_count) == (0, 1)


def test_whoever_asked_does_not_approve(world: World) -> None:
    world.add_document("one", owner=PERSON)
    answer = ask(world)
    assert answer.plan is not None
    with pytest.raises(Exception, match="asked for this plan"):
        approve(world, answer.plan.plan_id, by="user:maria")


def test_the_answer_is_due_in_a_month_and_says_when_in_the_plan(world: World) -> None:
    world.add_document("one", owner=PERSON)

    answer = ask(world)

    assert answer.request.due_on == date(2026, 4, 2)
    assert answer.plan is not None
    assert "answer due by 2026-04-02" in str(answer.plan.approval_reason)
    entry = world.conn.execute(
        "SELECT reason, details FROM audit_entries WHERE action = 'erasure.requested'"
    ).fetchone()
    assert entry == ("erasure request 1", {"request_id": 1, "due_on": "2026-04-02"})
    assert PERSON not in json.dumps([list(map(str, entry))])


def test_what_came_since_is_planned_by_looking_again(world: World) -> None:
    world.add_document("one", owner=PERSON)
    first = ask(world)
    assert first.plan is not None
    with pytest.raises(RefusedError, match="request 1, which is open"):
        ask(world, person=PERSON.upper())
    approve(world, first.plan.plan_id)
    world.add_document("two", owner=PERSON)
    world.apply(first.plan.plan_id)
    assert settled(world).closed == ()

    again = erasure_requests.plan_request(world.conn, request_id=1, **options(world))

    assert again.plan is not None
    assert again.plan.plan_id != first.plan.plan_id
    assert again.plan.document_count == 1
    repeated = erasure_requests.plan_request(world.conn, request_id=1, **options(world))
    assert repeated.plan == again.plan


def test_of_a_run_that_asks_twice_at_once_there_is_one_request_and_none_of_other_fields(
    world: World, documents: dict[str, int]
) -> None:
    same = {"run_id": "the-one"}

    def again(**named: Any) -> Answer:
        with world.another_connection() as conn:
            return erasure_requests.request_erasure(
                conn, **{"person": PERSON, **options(world), **same, **named}
            )

    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(lambda _: again(), range(2))

    assert one.request.request_id == other.request.request_id
    assert one.request.plan_id == other.request.plan_id is not None
    with pytest.raises(RefusedError, match="which is open"):
        again(fields=["employee"])
    with pytest.raises(RefusedError, match="which is open"):
        again(run_id="another")
    assert world.value("SELECT count(*) FROM erasure_requests") == 1


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"person": "  "}, "names a person"),
        ({"fields": ["nobody_declared"]}, "not declared"),
        ({"due_on": NOW.date() - timedelta(days=1)}, "today is"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    world: World, named: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ask(world, **named)
    assert world.value("SELECT count(*) FROM erasure_requests") == 0
