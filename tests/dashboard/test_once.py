"""``Idempotency-Key``: a write that is sent again is done once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from types import SimpleNamespace

import anyio
import pytest
from fastapi import Request
from fastapi.routing import APIRoute
from psycopg.errors import CheckViolation
from starlette.concurrency import run_in_threadpool

from doclife.dashboard.api.once import HEADER, OnceRoute, in_steps
from doclife.dashboard.app import make_app
from doclife.dashboard.gate import SAFE_METHODS
from doclife.lifecycle import repeating
from doclife.lifecycle.cleaning import prune_history
from doclife.lifecycle.repeating import Once
from doclife.store import organizations
from doclife.store.connection import Connection, connect
from tests.dashboard.browsers import Browser
from tests.dashboard.conftest import People, value
from tests.dashboard.test_every_route import FOR_READERS
from tests.lifecycle.conftest import World, days_ago

MAIL = {"kind": "email", "payload": {"to": "a@example.org", "subject": "Hello", "text": "You"}}
WHY = {"reason": "asked by legal"}
WITHOUT_KEY = {
    "/api/v1/documents/{document_id}/download",  # its answer is the bytes
    "/api/v1/erasure-requests/-/preview",  # they change nothing, and name documents
    "/api/v1/batches/preview",
}
KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}


@pytest.fixture(autouse=True)
def _now(world: World) -> None:
    world.now = value(world.conn, "SELECT now()")


@pytest.fixture
def second(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        yield conn


def once(
    conn: Connection, world: World, *, is_in_steps: bool = False, digest: bytes = b"1"
) -> Once:
    return Once(
        conn,
        requested_by="user:olga",
        key="k",
        organization_id=value(world.conn, "SELECT id FROM organizations"),
        request_digest=digest,
        is_in_steps=is_in_steps,
        now=world.now,
    )


def count(world: World, table: str) -> int:
    found: int = value(world.conn, f"SELECT count(*) FROM {table}")
    return found


def begin_after_a_crash(conn: Connection, world: World, **how: bool) -> Once:
    """Begin once the server has seen that the other session is gone."""
    for _ in range(300):
        after = once(conn, world, **how)
        try:
            assert after.begin() is None
        except repeating.RefusedError:
            time.sleep(0.1)
        else:
            return after
    raise AssertionError("the key is still taken")


def test_every_write_of_the_api_takes_a_key() -> None:
    for route in make_app().routes:
        assert isinstance(route, APIRoute)
        if route.path.startswith("/api/") and not route.methods <= set(SAFE_METHODS):
            assert isinstance(route, OnceRoute), f"{route.path}: APIRouter(route_class=OnceRoute)"
            assert route.takes_key == (route.path not in FOR_READERS | WITHOUT_KEY), route.path


def test_a_write_that_is_sent_again_is_answered_again_and_not_done_again(
    world: World, olga: Browser
) -> None:
    first = olga.api("POST", "/jobs", json=MAIL, **KEY)
    again = olga.api(
        "POST", "/jobs", json=MAIL, **{"Idempotency-Key": KEY["Idempotency-Key"][1:-1]}
    )
    other = olga.api("POST", "/jobs", json=MAIL, **{"Idempotency-Key": "another"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json() != other.json()
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert count(world, "jobs") == 2
    job = first.json()["job_id"]
    assert olga.api("POST", f"/jobs/{job}/cancel", json=WHY, **{"Idempotency-Key": "c"}).text == ""
    gone = olga.api("POST", f"/jobs/{job}/cancel", json=WHY, **{"Idempotency-Key": "c"})
    assert (gone.status_code, gone.text) == (204, "")


def test_a_key_is_for_one_request_of_one_person(
    world: World, people: People, olga: Browser
) -> None:
    world.conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")
    olga.api("POST", "/jobs", json=MAIL, **KEY)

    for path, body in (
        ("/jobs", {**MAIL, "priority": 1}),
        ("/jobs?organization=other", MAIL),
        ("/deliveries/resend", MAIL),
    ):
        answer = olga.api("POST", path, json=body, **KEY)
        assert answer.status_code == 422, path
    assert "take a new one" in olga.api("POST", "/jobs", json={**MAIL, "priority": 1}, **KEY).text
    assert people("admin").api("POST", "/jobs", json=MAIL, **KEY).status_code == 201
    assert count(world, "jobs") == 2


def test_what_was_refused_leaves_its_key_free(world: World, olga: Browser, vic: Browser) -> None:
    for body in ({"kind": "pigeon", "payload": {}}, {}, {**MAIL, "payload": {"to": "nobody"}}):
        assert olga.api("POST", "/jobs", json=body, **KEY).status_code == 422
    assert vic.api("POST", "/jobs", json=MAIL, **KEY).status_code == 403
    assert olga.api("POST", "/documents/7/restore", json=WHY, **KEY).status_code == 404
    assert value(world.conn, "SELECT count(request_digest) FROM idempotency_keys") == 0

    assert olga.api("POST", "/jobs", json=MAIL, **KEY).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\x7f"])
def test_a_key_that_is_none_is_refused(world: World, olga: Browser, key: str) -> None:
    answer = olga.api("POST", "/jobs", json=MAIL, **{"Idempotency-Key": key})

    assert answer.status_code == 422, answer.text
    assert count(world, "jobs") == 0


@pytest.mark.parametrize("is_in_steps", [False, True])
def test_while_the_first_is_at_work_the_second_is_told_so(
    world: World, second: Connection, is_in_steps: bool
) -> None:
    first = once(world.conn, world, is_in_steps=is_in_steps)
    assert first.begin() is None

    with pytest.raises(repeating.RefusedError, match="still being done"):
        once(second, world, is_in_steps=is_in_steps).begin()
    first.end(repeating.Answer(status=200, media_type=None, body=b"done"))

    found = once(second, world, is_in_steps=is_in_steps).begin()
    assert found is not None
    assert found.body == b"done"


@pytest.mark.parametrize("is_in_steps", [False, True])
def test_an_answer_that_cannot_be_kept_leaves_the_key_to_be_asked_for_again(
    world: World, second: Connection, is_in_steps: bool
) -> None:
    first = once(world.conn, world, is_in_steps=is_in_steps)
    assert first.begin() is None

    with pytest.raises(CheckViolation):
        first.end(repeating.Answer(status=500, media_type=None, body=None))

    assert once(second, world, is_in_steps=is_in_steps).begin() is None


def test_a_call_at_the_same_moment_is_told_so_too(
    world: World, olga: Browser, second: Connection
) -> None:
    first = Once(
        second,
        requested_by="user:olga",
        key="k",
        organization_id=1,
        request_digest=b"1",
        is_in_steps=False,
        now=world.now,
    )
    assert first.begin() is None

    answer = olga.api("POST", "/jobs", json=MAIL, **{"Idempotency-Key": "k"})

    first.give_up()
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert olga.api("POST", "/jobs", json=MAIL, **{"Idempotency-Key": "k"}).status_code == 201


def test_a_crash_before_the_answer_takes_the_effect_back_with_the_key(
    world: World, second: Connection, database: str
) -> None:
    dying = connect(database)
    one = once(dying, world)
    one.begin()
    dying.execute(
        "INSERT INTO notifications (organization_id, recipient, type, title, body)"
        " SELECT id, 'a', 'b', 'c', 'd' FROM organizations"
    )
    dying.close()

    begin_after_a_crash(second, world).give_up()
    assert count(world, "notifications") == 0


def test_what_takes_several_steps_goes_on_under_its_key_when_it_died(
    world: World, second: Connection, database: str
) -> None:
    dying = connect(database)
    once(dying, world, is_in_steps=True).begin()
    dying.close()
    after = begin_after_a_crash(second, world, is_in_steps=True)
    after.end(repeating.Answer(status=202, media_type=None, body=None))

    assert once(second, world, is_in_steps=True).begin() is not None
    with pytest.raises(repeating.ConfigurationError):
        once(second, world, is_in_steps=True, digest=b"2").begin()


def test_a_key_stays_taken_while_whoever_uses_it_waits_without_a_connection(
    world: World, second: Connection, database: str
) -> None:
    first = once(world.conn, world, is_in_steps=True)
    assert first.begin() is None
    first.pause()
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    assert value(world.conn, held) == 0

    with pytest.raises(repeating.RefusedError, match="still being done"):
        once(second, world, is_in_steps=True).begin()
    with connect(database) as third:
        first.go_on(third)
        assert value(world.conn, held) == 1
        first.end(repeating.Answer(status=200, media_type=None, body=b"done"))

    found = once(second, world, is_in_steps=True).begin()
    assert found is not None
    assert found.body == b"done"
    assert value(world.conn, held) == 0


def test_a_key_whose_user_died_while_waiting_is_free_after_a_minute(
    world: World, second: Connection
) -> None:
    first = once(world.conn, world, is_in_steps=True)
    first.begin()
    first.pause()

    world.now += timedelta(seconds=50)
    with pytest.raises(repeating.RefusedError, match="still being done"):
        once(second, world, is_in_steps=True).begin()
    world.now += timedelta(seconds=20)

    assert once(second, world, is_in_steps=True).begin() is None


def test_whoever_looks_at_a_key_at_the_moment_of_its_return_does_not_take_it_over(
    world: World, second: Connection, database: str
) -> None:
    first = once(world.conn, world, is_in_steps=True)
    first.begin()
    first.pause()
    with connect(database) as third:
        looking = repeating.idempotency_keys
        key = looking.Key(requested_by="user:olga", key="k")
        assert looking.try_lock_longer(third, key)
        first.go_on(world.conn)
        looking.unlock(third, key)

    with pytest.raises(repeating.RefusedError, match="still being done"):
        once(second, world, is_in_steps=True).begin()
    first.end(repeating.Answer(status=200, media_type=None, body=b"done"))
    assert once(second, world, is_in_steps=True).begin() is not None


def test_a_key_has_the_age_of_its_first_use_within_a_day(world: World, second: Connection) -> None:
    def begin(hours: float) -> Once:
        begun = Once(
            second,
            requested_by="user:olga",
            key="k",
            organization_id=value(world.conn, "SELECT id FROM organizations"),
            request_digest=b"1",
            is_in_steps=True,
            now=world.now + timedelta(hours=hours),
        )
        assert begun.begin() is None
        return begun

    begin(0).give_up()
    refused = begin(1)
    refused._leave()  # as when the process dies
    died = begin(23)
    died.give_up()
    later = begin(24)
    later.give_up()

    assert refused.begun_at == died.begun_at == world.now
    assert later.begun_at == world.now + timedelta(hours=24)


def test_a_restore_is_not_done_twice_under_a_key(world: World, olga: Browser) -> None:
    world.enforce(
        "drafts",
        when={"field": "document_type", "op": "eq", "value": "draft"},
        retain={"for": "30d", "after": "created_on"},
        actions=[{"do": "DELETE"}],
    )
    draft = world.add_document("d-1", document_type="draft", created_on=days_ago(3000))
    world.night()

    first = olga.api("POST", f"/documents/{draft}/restore", json=WHY, **KEY)
    again = olga.api("POST", f"/documents/{draft}/restore", json=WHY, **KEY)

    assert first.json()["undone"] == again.json()["undone"] == 1
    assert olga.api("POST", f"/documents/{draft}/restore", json=WHY).json()["undone"] == 0


def test_a_key_counts_for_a_day_and_is_forgotten_by_the_weekly_cleanup(
    world: World, olga: Browser
) -> None:
    olga.api("POST", "/jobs", json=MAIL, **KEY)
    prune_history(world.conn, now=world.now + timedelta(hours=23))
    assert count(world, "idempotency_keys") == 1
    world.conn.execute("UPDATE idempotency_keys SET created_at = created_at - interval '24 hours'")

    assert "idempotent-replayed" not in olga.api("POST", "/jobs", json=MAIL, **KEY).headers
    assert count(world, "jobs") == 2
    assert count(world, "idempotency_keys") == 1
    prune_history(world.conn, now=world.now + timedelta(hours=25))
    assert count(world, "idempotency_keys") == 0


def test_a_request_that_is_cancelled_gives_its_key_back(world: World) -> None:
    def visit(request: Request) -> SimpleNamespace:
        return SimpleNamespace(
            request=request, conn=world.conn, actor="user:olga", now=world.now,
            lease=SimpleNamespace(take=lambda: world.conn, holder=None),
            tenant=organizations.find(world.conn, "default"),
        )  # fmt: skip

    async def wait_for_ever(request: Request) -> None:
        await run_in_threadpool(request.state.on_visit, visit(request))
        begun.set()
        await anyio.sleep_forever()

    async def ask_and_hang_up() -> None:
        nonlocal begun
        begun = anyio.Event()
        async with AsyncExitStack() as opened, anyio.create_task_group() as tasks:
            scope["fastapi_middleware_astack"] = opened
            tasks.start_soon(route.handle, scope, receive, unsent)
            await begun.wait()
            tasks.cancel_scope.cancel()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def unsent(message: object) -> None:
        raise AssertionError(message)

    begun: anyio.Event
    route = OnceRoute("/slow", wait_for_ever, methods=["POST"], dependencies=[in_steps()])
    scope: dict[str, object] = {
        "type": "http", "method": "POST", "path": "/slow", "root_path": "", "query_string": b"",
        "headers": [(b"host", b"here"), (HEADER.lower().encode(), b"k-1")], "state": {},
        "server": ("here", 80), "scheme": "http", "path_params": {},
    }  # fmt: skip

    anyio.run(ask_and_hang_up)

    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    assert value(world.conn, held) == 0
    assert once(world.conn, world, is_in_steps=True).begin() is None
