"""What was archived after the backup outlives the restore: nobody writes or sweeps over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doclife.lifecycle import archiving, cleaning, halting
from doclife.lifecycle.backing_up import DUMP, make_backup
from doclife.storage.bags import WrittenBag
from doclife.store import clock, dumping
from doclife.store.connection import connect
from local import databases
from local.postgres import Postgres
from tests.cli.conftest import Cli

from .conftest import ACTOR, World
from .test_drilling import url_of

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}


@pytest.fixture
def world(world: World) -> World:
    """The same world by the database's clock: a backup is made at its present."""
    world.now = clock.present(world.conn)
    world.enforce(when=DRAFTS, actions=[{"do": "ARCHIVE"}])
    for name in ("gone", "there"):
        world.add_document(name, content=name.encode(), document_type="draft")
    return world


def back_up(world: World, folder: Path) -> Path:
    now = clock.present(world.conn)
    make_backup(world.conn, url=url_of(world), folder=folder, actor=ACTOR, now=now)
    return folder / DUMP


@contextmanager
def restored(world: World, postgres: Postgres, dump: Path) -> Iterator[World]:
    """Put the backup in the place of the original, which is gone."""
    name, version = f"{world.conn.info.dbname}_restored", world.conn.info.server_version
    url = url_of(world, name)
    world.conn.close()
    with psycopg.connect(postgres.url(), autocommit=True) as superuser:
        databases.create_database(superuser, name, owner=databases.ADMIN)
        dumping.restore(url, dump, server_version=version, jobs=2)
        with connect(url) as world.conn:
            world.now = clock.present(world.conn)
            halting.adopt(world.conn, actor=ACTOR, now=world.now, takes_over=True)
            yield world
        superuser.execute(f"DROP DATABASE {name}")


def payloads(world: World) -> list[bytes]:
    return sorted(path.read_bytes() for path in (world.folder / "archive").rglob("data/*"))


def archived(world: World) -> list[str]:
    rows = world.conn.execute(
        "SELECT external_id FROM documents WHERE status = 'archived' ORDER BY 1"
    )
    return [name for (name,) in rows]


def test_a_bag_that_the_restored_catalogue_does_not_know_is_neither_written_over_nor_swept(
    world: World, postgres: Postgres, tmp_path: Path
) -> None:
    dump = back_up(world, tmp_path / "backup")
    world.night()
    world.file("gone").unlink()  # its grace has ended

    with restored(world, postgres, dump):
        for _ in range(2):
            world.night()
            later = world.now + timedelta(hours=2)
            cleaning.sweep_bags(world.conn, now=later, stores=world.stores)

        assert archived(world) == ["there"]
        assert payloads(world) == [b"gone", b"there", b"there"]


@pytest.fixture
def amid(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backup of the moment in which a bag is being written, which is sealed afterwards."""
    honest = archiving.bag_files.write_bag

    def write_bag(*arguments: Any, **named: Any) -> WrittenBag:
        back_up(world, tmp_path / "backup")
        return honest(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(archiving.bag_files, "write_bag", write_bag)
        world.night()
    world.file("gone").unlink()
    return tmp_path / "backup" / DUMP


def test_a_bag_that_was_being_written_at_the_backup_is_never_swept_by_the_restored_catalogue(
    world: World, postgres: Postgres, amid: Path
) -> None:
    with restored(world, postgres, amid):
        later = world.now + timedelta(hours=2)

        assert cleaning.sweep_bags(world.conn, now=later, stores=world.stores) == 1

        assert payloads(world) == [b"gone", b"there"]
        assert world.value("SELECT state FROM archive_bags") == "removed"
        assert cleaning.sweep_bags(world.conn, now=later, stores=world.stores) == 0


def test_a_half_written_bag_goes_after_a_restore_too_when_all_originals_are_there(
    world: World, postgres: Postgres, amid: Path
) -> None:
    world.file("gone").write_bytes(b"gone")

    with restored(world, postgres, amid):
        later = world.now + timedelta(hours=2)
        cleaning.sweep_bags(world.conn, now=later, stores=world.stores)

        assert payloads(world) == []


def test_something_else_in_the_place_of_an_original_is_none(
    world: World, postgres: Postgres, amid: Path
) -> None:
    world.file("gone").write_bytes(b"something else")

    with restored(world, postgres, amid):
        later = world.now + timedelta(hours=2)
        cleaning.sweep_bags(world.conn, now=later, stores=world.stores)

        assert payloads(world) == [b"gone", b"there"]


def test_a_bag_that_is_not_forgotten_yet_is_named_among_what_was_not_looked_into(
    world: World, postgres: Postgres, amid: Path
) -> None:
    with restored(world, postgres, amid):
        found = Cli(url_of(world)).json("stores", "stray-bags", exit_code=1)

        assert found["payloads"] == []
        assert [one["place"] for one in found["unread"]] == [
            world.value("SELECT uri FROM archive_bags")
        ]


def test_a_plan_that_goes_on_after_the_restore_leaves_the_bag_that_it_was_writing(
    world: World, postgres: Postgres, amid: Path
) -> None:
    with restored(world, postgres, amid):
        world.apply(world.value("SELECT id FROM plans WHERE state = 'applying'"))

        assert archived(world) == ["there"]
        assert payloads(world) == [b"gone", b"there", b"there"]


@pytest.mark.parametrize("when", ["before", "amid"])
def test_what_lies_in_an_unknown_bag_alone_is_found_and_comes_back(
    world: World, postgres: Postgres, tmp_path: Path, when: str, request: pytest.FixtureRequest
) -> None:
    if when == "amid":
        dump = request.getfixturevalue("amid")
    else:
        dump = back_up(world, tmp_path / "backup")
        world.night()
        world.file("gone").unlink()
    with restored(world, postgres, dump):
        cleaning.sweep_bags(world.conn, now=world.now + timedelta(hours=2), stores=world.stores)
        cli = Cli(url_of(world))

        found = cli.json("stores", "stray-bags", "--manifest", tmp_path / "lost.csv")["payloads"]

        assert {one["external_id"]: one["is_only_copy"] for one in found} == {
            "gone": True,
            "there": False,
        }
        assert "documents import" in cli("stores", "stray-bags").output
        result = cli.json("documents", "import", tmp_path / "lost.csv")
        assert result["problems"] == []
        if when == "amid":
            world.apply(world.value("SELECT id FROM plans WHERE state = 'applying'"))
        world.now = clock.present(world.conn)
        world.night()
        assert archived(world) == ["gone", "there"]
        assert [one["is_only_copy"] for one in cli.json("stores", "stray-bags")["payloads"]] == [
            False,
            False,
        ]
