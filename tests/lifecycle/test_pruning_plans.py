"""What plans did not do is forgotten in its time; what they did, never."""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from psycopg.errors import RestrictViolation

from doclife.domain.canonical import canonical
from doclife.domain.plan import PlanState
from doclife.domain.review import Answer, Keeping
from doclife.lifecycle import certifying, cleaning, erasure_requests, holding
from doclife.lifecycle.cleaning import HISTORY_DAYS, SKIPPED_DAYS, UNREAD_DAYS
from doclife.lifecycle.deciding import keep_documents
from doclife.store import organizations, stored_plans

from .conftest import LONG_AGO, NOW, World
from .test_certifying import KEY, purge
from .test_purge_manifests import approve

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
YEARS_AGO = NOW - timedelta(days=2 * 365)


@pytest.fixture(autouse=True)
def _years_ago(world: World) -> None:
    """Nothing young is pruned, whoever asks: these plans were made long before the present."""
    world.now = YEARS_AGO


def prune(world: World, *, days: int) -> None:
    cleaning.prune_history(world.conn, now=YEARS_AGO + timedelta(days=days, hours=1))


def one_night(world: World, **parts: Any) -> int:
    """Plan a rule about drafts, and return its plan."""
    world.enforce(when=DRAFTS, actions=DELETE, since=LONG_AGO, **parts)
    [summary] = world.plan()
    return summary.plan_id


def add_drafts(world: World, count: int) -> list[int]:
    return [world.add_document(f"{n}", content=None, document_type="draft") for n in range(count)]


def test_what_a_simulation_would_have_done_is_forgotten_and_its_count_is_kept(
    world: World,
) -> None:
    add_drafts(world, 3)
    plan_id = one_night(world, mode="simulate")

    prune(world, days=HISTORY_DAYS - 1)
    assert len(world.items(plan_id)) == 3

    prune(world, days=HISTORY_DAYS)
    assert world.items(plan_id) == {}
    assert stored_plans.summary(world.conn, plan_id).document_count == 3


def test_what_a_superseded_plan_did_not_do_is_forgotten(world: World) -> None:
    add_drafts(world, 3)
    first = one_night(world, limits={"max_documents": 1, "max_fraction": 1.0})
    world.later(days=1)
    [second] = world.plan()

    prune(world, days=HISTORY_DAYS)

    assert stored_plans.summary(world.conn, first).state is PlanState.SUPERSEDED
    assert world.items(first) == {}
    assert len(world.items(second.plan_id)) == 3


def test_what_was_done_is_kept_for_good_and_what_was_left_out_for_over_a_year(
    world: World,
) -> None:
    done, held = add_drafts(world, 2)
    holding.hold(
        world.conn, organization="default", matter="case", reason="a law suit",
        document_ids=[held], actor="user:olga", now=world.now,
    )  # fmt: skip
    plan_id = one_night(world)
    world.apply(plan_id)

    prune(world, days=SKIPPED_DAYS - 1)
    assert world.items(plan_id) == {"0": ("done", None), "1": ("skipped", "held")}

    prune(world, days=SKIPPED_DAYS)
    assert world.items(plan_id) == {"0": ("done", None)}
    assert world.status(done) == "deleted"


def hold(world: World, *document_ids: int) -> None:
    holding.hold(
        world.conn, organization="default", matter="case", reason="a law suit",
        document_ids=document_ids, actor="user:olga", now=world.now,
    )  # fmt: skip


def test_a_certificate_still_has_the_list_that_it_signed(world: World) -> None:
    _, spared = add_drafts(world, 2)
    one_night(world, grace="0d")
    world.apply(1)
    hold(world, spared)
    plan_id = purge(world)
    certifying.issue_certificates(
        world.conn, key=KEY, stores=world.stores, now=world.now, actor="schedule"
    )

    prune(world, days=SKIPPED_DAYS)

    certificate = certifying.find_certificate(world.conn, plan_id)
    with world.conn.transaction():
        file = json.loads(b"".join(certifying.file_of(world.conn, certificate)))
    assert [one["documents"] for one in file["not_destroyed"]] == [[spared]]
    assert (
        sha256(canonical(file["not_destroyed"])).hexdigest()
        == certificate.body["not_destroyed"]["list_sha256"]
    )


def test_what_a_person_decided_about_a_document_is_kept(world: World) -> None:
    rejected, extended, _ = add_drafts(world, 3)
    plan_id = one_night(world, review={"stages": ["records"]})
    for document_id, keeping in (
        (rejected, Keeping(answer=Answer.REJECT, comment="still needed")),
        (
            extended,
            Keeping(answer=Answer.EXTEND, until=(YEARS_AGO + timedelta(days=99)).date()),
        ),
    ):
        keep_documents(
            world.conn,
            plan_id=plan_id,
            document_ids=[document_id],
            keeping=keeping,
            actor="cli:anna",
            now=world.now,
        )
    world.later(days=1)
    world.plan()

    prune(world, days=SKIPPED_DAYS)

    assert stored_plans.summary(world.conn, plan_id).state is PlanState.SUPERSEDED
    assert world.items(plan_id) == {"0": ("skipped", "rejected"), "1": ("skipped", "extended")}
    with pytest.raises(RestrictViolation):
        world.conn.execute("DELETE FROM plan_items WHERE plan_id = %s", (plan_id,))


def test_why_a_person_was_refused_an_erasure_is_kept(world: World) -> None:
    held = world.add_document("held", content=None, owner="quokka@example.org")
    gone = world.add_document("gone", content=None, owner="quokka@example.org")
    hold(world, held)
    tenant = organizations.find(world.conn, "default")
    made = erasure_requests.request_erasure(
        world.conn, organization=tenant, person="quokka@example.org", now=world.now,
        dag_id="cli", run_id="request", actor="cli:maria",
    )  # fmt: skip
    assert made.plan is not None
    approve(world, made.plan.plan_id)
    world.apply(made.plan.plan_id)
    assert world.status(gone) == "deleted"

    prune(world, days=SKIPPED_DAYS)

    assert world.items(made.plan.plan_id)["held"] == ("skipped", "held")


def test_a_plan_that_may_still_be_applied_keeps_its_list(world: World) -> None:
    add_drafts(world, 1)
    plan_id = one_night(world)

    prune(world, days=SKIPPED_DAYS)

    assert len(world.items(plan_id)) == 1


def test_a_large_list_goes_in_several_batches(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "PRUNED_AT_ONCE", 2)
    add_drafts(world, 5)
    plan_id = one_night(world, mode="simulate")

    prune(world, days=HISTORY_DAYS)

    assert world.items(plan_id) == {}


def test_nobody_removes_what_was_done_or_may_be(world: World) -> None:
    add_drafts(world, 1)
    plan_id = one_night(world)
    delete = "DELETE FROM plan_items WHERE plan_id = %s"
    with pytest.raises(RestrictViolation):
        world.conn.execute(delete, (plan_id,))

    world.apply(plan_id)

    with pytest.raises(RestrictViolation):
        world.conn.execute(delete, (plan_id,))


def test_the_list_of_a_young_simulation_is_not_removed_whatever_the_clock_of_a_worker_says(
    world: World,
) -> None:
    add_drafts(world, 1)
    world.now = world.value("SELECT now()")
    plan_id = one_night(world, mode="simulate")

    cleaning.prune_history(world.conn, now=world.now + timedelta(days=6))
    assert len(world.items(plan_id)) == 1
    with pytest.raises(RestrictViolation):
        world.conn.execute("DELETE FROM plan_items WHERE plan_id = %s", (plan_id,))


def test_what_was_read_in_the_dashboard_goes_before_what_nobody_has_read(world: World) -> None:
    world.conn.execute(
        "INSERT INTO notifications (organization_id, recipient, type, title, body, created_at,"
        " read_at) VALUES (1, 'olga', 'message', 'read', 'x', %(then)s, %(then)s),"
        " (1, 'olga', 'message', 'unread', 'x', %(then)s, NULL)",
        {"then": YEARS_AGO},
    )
    left = "SELECT array_agg(title ORDER BY id) FROM notifications"

    prune(world, days=HISTORY_DAYS - 1)
    assert world.value(left) == ["read", "unread"]

    prune(world, days=HISTORY_DAYS)
    assert world.value(left) == ["unread"]

    prune(world, days=UNREAD_DAYS)
    assert world.value(left) is None
