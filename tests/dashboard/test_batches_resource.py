"""``/batches`` of the JSON API: previewed, sealed, done once, and never half a selection."""

from __future__ import annotations

import pytest

from tests.dashboard.conftest import value


@pytest.fixture
def papers(world, here_and_now):
    world.now = here_and_now
    return {name: world.add_document(name, document_type="paper") for name in ("p-1", "p-2", "p-3")}


@pytest.fixture
def applied(monkeypatch):
    """What Airflow is asked to run."""
    asked = []
    monkeypatch.setattr(
        "doclife.dashboard.airflow_api.call",
        lambda _request, _method, path, content=None: asked.append((path, content)) or {},
    )
    return asked


def test_a_batch_is_previewed_and_becomes_the_plan_that_was_seen(papers, olga, conn, applied):
    batch = {"deed": "delete", "where": {"document_type": "paper"}}
    seen = olga.api("POST", "/batches/preview?limit=2", batch).json()

    assert (seen["documents"], seen["to_do"]) == (3, 3)
    assert seen["outcomes"] == [{"code": None, "documents": 3, "size_bytes": 21}]
    assert [one["external_id"] for one in seen["items"]] == ["p-1", "p-2"]
    rest = olga.api("POST", f"/batches/preview?limit=2&cursor={seen['next_cursor']}", batch).json()
    assert [one["external_id"] for one in rest["items"]] == ["p-3"]
    assert rest["next_cursor"] is None
    assert value(conn, "SELECT count(*) FROM plans") == 0

    done = olga.api("POST", "/batches", {**batch, "reason": "old", "seen": seen["seen"]})
    assert done.status_code == 200, done.text
    plan_id = done.json()["plan_id"]
    assert done.json()["plan_state"] == "planned"
    assert applied[0][1]["conf"] == {"plan_id": plan_id}
    assert olga.api("GET", f"/plans/{plan_id}").json()["document_count"] == 3


def test_what_was_not_seen_is_refused(papers, world, olga, conn):
    batch = {"deed": "delete", "where": {"document_type": "paper"}}
    seen = olga.api("POST", "/batches/preview", batch).json()["seen"]
    world.add_document("p-4", document_type="paper")
    again = {**batch, "seen": seen}
    assert olga.api("POST", "/batches/preview", again).json()["documents"] == 3
    conn.execute("UPDATE documents SET document_type = 'memo' WHERE external_id = 'p-2'")

    answer = olga.api("POST", "/batches", {**again, "reason": "old"})

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert papers
    assert value(conn, "SELECT count(*) FROM plans") == 0


def test_a_batch_with_a_key_is_done_once(papers, olga, conn, applied):
    batch = {"deed": "delete", "external_ids": ["p-1"], "reason": "old"}
    first, second = (
        olga.api("POST", "/batches", batch, **{"Idempotency-Key": "7e1f"}) for _ in range(2)
    )

    assert papers
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert value(conn, "SELECT count(*) FROM plans") == 1
    assert len(applied) == 1


def test_a_key_that_is_used_again_a_day_later_is_a_batch_of_its_own(papers, olga, conn, applied):
    batch = {"deed": "delete", "external_ids": ["p-1"], "reason": "again"}
    key = {"Idempotency-Key": "7e1f"}
    first = olga.api("POST", "/batches", batch, **key).json()
    conn.execute("UPDATE idempotency_keys SET created_at = created_at - interval '24 hours'")

    second = olga.api("POST", "/batches", batch, **key)

    assert papers
    assert "idempotent-replayed" not in second.headers
    assert second.json()["plan_id"] != first["plan_id"], second.text


def test_documents_are_held_released_and_restored_at_once(papers, olga, conn):
    named = {"documents": [papers["p-1"], papers["p-2"]], "matter": "Kestrel"}
    held = olga.api("POST", "/batches", {**named, "deed": "hold", "reason": "a claim"}).json()
    assert (held["plan_id"], held["matter"]["done"]) == (None, 2)
    again = olga.api("POST", "/batches", {**named, "deed": "hold", "reason": "a claim"}).json()
    assert (again["matter"]["done"], again["matter"]["unchanged"]) == (0, 2)
    free = olga.api("POST", "/batches", {**named, "deed": "release", "reason": "settled"}).json()
    assert free["matter"]["done"] == 2
    assert value(conn, "SELECT sum(hold_count) FROM documents") == 0

    back = olga.api(
        "POST", "/batches", {"documents": [papers["p-1"]], "deed": "restore", "reason": "needed"}
    ).json()
    assert (back["restored"]["undone"], back["restored"]["skipped"]) == (0, 1)
    assert back["is_whole"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"deed": "delete"}, 422),
        ({"deed": "delete", "documents": [1], "where": {}}, 422),
        ({"deed": "shred", "documents": [1]}, 422),
        ({"deed": "delete", "documents": []}, 422),
        ({"deed": "delete", "documents": [999_999]}, 422),
        ({"deed": "delete", "external_ids": ["p-1", "theirs"]}, 422),
        ({"deed": "hold", "documents": [1]}, 422),
        ({"deed": "hold", "documents": [1], "matter": "M", "settings": {"store": "x"}}, 422),
        ({"deed": "archive", "documents": [1], "settings": {"stroe": "archive"}}, 422),
        ({"deed": "release", "where": {}, "matter": "none such"}, 422),
        ({"deed": "delete", "where": {}, "seen": "1-0"}, 409),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_done(papers, olga, conn, body, status):
    answer = olga.api("POST", "/batches", {**body, "reason": "x"})

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert papers
    assert value(conn, "SELECT count(*) FROM plans") == 0


def test_viewers_neither_plan_nor_do(papers, vic, olga):
    batch = {"deed": "delete", "documents": [papers["p-1"]]}
    assert vic.api("POST", "/batches/preview", batch).status_code == 403
    assert olga.api("POST", "/batches/preview", batch).json()["to_do"] == 1
    assert vic.api("POST", "/batches", {**batch, "reason": "x"}).status_code == 403


def test_a_plan_that_nobody_applies_is_begun_once_more(papers, olga, applied):
    batch = {"deed": "delete", "documents": [papers["p-1"]], "reason": "old"}
    plan_id = olga.api("POST", "/batches", batch).json()["plan_id"]

    answer = olga.api("POST", f"/plans/{plan_id}/apply")

    assert answer.status_code == 202
    assert [content["dag_run_id"] for _, content in applied] == [f"plan-{plan_id}-apply"] * 2
    assert "Apply now" in olga.text(f"/plans/{plan_id}")
    assert olga.api("POST", "/plans/999/apply").status_code == 404
