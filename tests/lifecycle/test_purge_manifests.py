"""What was destroyed does not come back with a backup of the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from doclife.domain.plan import PlanKind, PlanState
from doclife.errors import RefusedError, StorageError
from doclife.lifecycle import applying, halting, purging
from doclife.lifecycle.purge_manifests import Replayed, count_unknown, replay, write_manifests
from doclife.lifecycle.settling import Settled, settle
from doclife.store.connection import connect
from doclife.store.sql import statement
from local import databases
from local.postgres import Postgres
from tests.conftest import admin_url

from .conftest import ACTOR, World
from .test_explaining import hold

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}


def drafts(world: World, *names: str) -> dict[str, int]:
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}], grace="0d")
    return {
        name: world.add_document(name, document_type="draft", content=name.encode())
        for name in names
    }


def settled(world: World) -> Settled:
    world.runs += 1
    return settle(
        world.conn,
        stores=world.stores,
        now=lambda: world.now,
        dag_id="cleanup",
        run_id=f"settle-{world.runs}",
        actor=ACTOR,
    )


def replayed(world: World) -> list[Replayed]:
    world.runs += 1
    return replay(
        world.conn,
        stores=world.stores,
        now=world.now,
        dag_id="cli",
        run_id=f"replay-{world.runs}",
        requested_by="cli:olga",
    )


def approve(world: World, plan_id: int, *, by: str = "user:boss") -> None:
    world.conn.execute(
        "INSERT INTO plan_decisions (plan_id, decision, decided_by) VALUES (%s, 'approve', %s)",
        (plan_id, by),
    )
    world.conn.execute("UPDATE plans SET state = 'approved' WHERE id = %s", (plan_id,))


def statuses(world: World, documents: dict[str, int]) -> dict[str, str]:
    return {name: world.status(document) for name, document in documents.items()}


def manifest_files(world: World) -> list[Path]:
    return sorted((world.folder / "archive" / "purges").rglob("*.jsonl"))


def back_up(world: World, server: Postgres, name: str) -> None:
    """Copy the database, as a backup does; the world goes on with the original."""
    url, original = world.conn.info, world.conn.info.dbname
    assert url.port is not None
    world.conn.close()
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(original), sql.Identifier(databases.ADMIN)
            )
        )
    world.conn = connect(admin_url(server, original), application_name="doclife tests")


@contextmanager
def restored(world: World, server: Postgres, name: str) -> Iterator[None]:
    """Let the world go on with the backup, taken into service."""
    world.conn.close()
    try:
        with connect(admin_url(server, name), application_name="doclife tests") as conn:
            world.conn = conn
            halting.adopt(conn, actor=ACTOR, now=world.now, takes_over=True)
            yield
    finally:
        with psycopg.connect(server.url(), autocommit=True) as superuser:
            superuser.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def test_what_was_destroyed_after_a_backup_is_destroyed_again_after_its_restore(
    world: World, postgres: Postgres
) -> None:
    documents = drafts(world, "active", "trashed", "held", "other")
    world.conn.execute(
        "UPDATE documents SET document_type = 'letter' WHERE id = %s", (documents["other"],)
    )
    world.later(days=8)
    backup = f"{world.conn.info.dbname}_backup"
    back_up(world, postgres, backup)
    world.night()
    world.purge()
    assert settled(world).manifests == 1
    assert statuses(world, documents) == {
        "active": "purged",
        "trashed": "purged",
        "held": "purged",
        "other": "active",
    }

    with restored(world, postgres, backup):
        # The files of one came back with a backup of the store; another one is in the trash.
        world.file("active").write_bytes(b"active")
        hold(world, documents["held"], "Smith v. us")
        assert count_unknown(world.conn, stores=world.stores) == 1

        [found] = replayed(world)

        assert (found.organization, found.manifests) == ("default", 1)
        assert found.returned == sorted(documents[name] for name in ("active", "trashed", "held"))
        assert found.held == [documents["held"]]
        plan = found.plan
        assert plan is not None
        assert (plan.kind, plan.state) == (PlanKind.ERASURE, PlanState.NEEDS_APPROVAL)
        with pytest.raises(RefusedError, match="waits for approval"):
            world.apply(plan.plan_id)
        assert statuses(world, documents)["active"] == "active", "a file destroys nothing"
        [again] = replayed(world)
        assert again.plan == plan

        approve(world, plan.plan_id)
        world.apply(plan.plan_id)
        after = settled(world)

        assert after.faults == ()
        assert after.purged == 2
        expected = {"active": "purged", "trashed": "purged", "held": "active", "other": "active"}
        assert statuses(world, documents) == expected
        assert not world.file("active").exists()
        # The held one is told again, and nothing else happens.
        [third] = replayed(world)
        assert third.returned == third.held == [documents["held"]]
        assert third.plan is not None
        assert third.plan.document_count == 0
        assert settled(world).purged == 0
        assert statuses(world, documents) == expected


def test_a_manifest_says_what_was_destroyed_and_names_nobody(world: World) -> None:
    [document] = drafts(world, "secret.txt").values()
    world.night()
    world.purge()

    assert write_manifests(world.conn, stores=world.stores, now=world.now) == 1
    assert write_manifests(world.conn, stores=world.stores, now=world.now) == 0

    [file] = manifest_files(world)
    head, line = [json.loads(text) for text in file.read_text().splitlines()]
    assert (head["organization"], head["documents"]) == ("default", 1)
    assert (line["document"], line["size_bytes"]) == (document, len("secret.txt"))
    assert line["key"] == world.value("SELECT external_id FROM documents")
    assert b"secret" not in file.read_bytes()
    assert count_unknown(world.conn, stores=world.stores) == 0
    assert replayed(world) == []


def test_what_has_its_manifest_is_not_counted_again(world: World) -> None:
    drafts(world, "a", "b")
    world.night()
    world.purge()
    assert write_manifests(world.conn, stores=world.stores, now=world.now) == 1

    query: Any = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + statement("manifests/list_due")
    told = [line for (line,) in world.conn.execute(query)]

    assert [line for line in told if "certificate_items" in line and "never executed" in line], told


def test_a_plan_that_destroys_more_later_has_another_manifest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts(world, "a", "b")
    world.night()
    with monkeypatch.context() as patched:
        patched.setattr(purging, "PURGE_BATCH_SIZE", 1)
        patched.setattr(purging, "residue_erased", _dies_at_the_second())
        with pytest.raises(KeyboardInterrupt):
            world.purge()
    assert write_manifests(world.conn, stores=world.stores, now=world.now) == 1
    world.apply(world.value("SELECT id FROM plans WHERE state = 'applying'"))

    assert write_manifests(world.conn, stores=world.stores, now=world.now) == 1

    counts = world.conn.execute(
        "SELECT document_count FROM purge_manifests ORDER BY document_count"
    ).fetchall()
    assert counts == [(1,), (2,)]
    assert len(manifest_files(world)) == 2


def _dies_at_the_second() -> Any:
    honest, calls = purging.residue_erased, 0

    def erased(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return honest(*arguments, **named)

    return erased


def test_killed_between_file_and_row_the_manifest_is_written_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts(world, "a")
    world.night()
    world.purge()
    from doclife.lifecycle import purge_manifests

    def die(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(purge_manifests.manifests, "record", die)
        with pytest.raises(KeyboardInterrupt):
            write_manifests(world.conn, stores=world.stores, now=world.now)

    assert write_manifests(world.conn, stores=world.stores, now=world.now) == 1
    assert len(manifest_files(world)) == 1


def test_a_manifest_that_somebody_changed_is_refused(world: World) -> None:
    drafts(world, "a")
    world.night()
    world.purge()
    write_manifests(world.conn, stores=world.stores, now=world.now)
    [file] = manifest_files(world)
    forged = file.with_name(f"99-{file.stem.split('-')[1]}.jsonl")
    forged.write_text(file.read_text().replace('"plan":', '"plan": '))

    with pytest.raises(StorageError, match="somebody changed it"):
        replayed(world)


def test_manifests_of_an_organization_that_is_not_here_are_told(
    world: World, postgres: Postgres
) -> None:
    documents = drafts(world, "a")
    backup = f"{world.conn.info.dbname}_unknown"
    back_up(world, postgres, backup)
    world.night()
    world.purge()
    settled(world)

    with restored(world, postgres, backup):
        world.conn.execute("UPDATE organizations SET slug = 'renamed' WHERE slug = 'default'")

        [found] = replayed(world)

        assert (found.organization, found.manifests, found.is_unknown) == ("default", 1, True)
        assert (found.returned, found.plan) == ((), None)
        assert world.status(documents["a"]) == "active"
        assert count_unknown(world.conn, stores=world.stores) == 1, "it is told by every replay"


def test_new_bytes_under_an_old_name_are_told_and_stay(world: World, postgres: Postgres) -> None:
    documents = drafts(world, "a")
    backup = f"{world.conn.info.dbname}_other"
    back_up(world, postgres, backup)
    world.night()
    world.purge()
    settled(world)

    with restored(world, postgres, backup):
        world.conn.execute("UPDATE stored_objects SET sha256 = sha256('new'::bytea)")

        [found] = replayed(world)

        assert (found.returned, found.different) == ([], [documents["a"]])
        assert found.plan is None
        assert world.status(documents["a"]) == "active"


def test_no_erasure_is_applied_unapproved_whoever_writes(world: World) -> None:
    drafts(world, "a")
    world.conn.execute(
        "INSERT INTO plans (organization_id, kind, mode, as_of, requested_by, dag_id, run_id,"
        " created_at)"
        " VALUES (1, 'erasure', 'enforce', now(), 'cli:olga', 'd', 'r', now())"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="needs 1 approval"):
        world.conn.execute("UPDATE plans SET state = 'applying' WHERE kind = 'erasure'")
    with pytest.raises(psycopg.errors.CheckViolation):
        world.conn.execute("UPDATE plans SET required_stages = 0 WHERE kind = 'erasure'")
    plan = world.value("SELECT id FROM plans WHERE kind = 'erasure'")
    with pytest.raises(RefusedError):
        applying.start(world.conn, plan_id=plan, now=world.now)
