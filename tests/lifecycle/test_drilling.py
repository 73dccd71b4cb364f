"""A backup is restored where nothing can be hurt, and what comes back is proven."""

from __future__ import annotations

import base64
import functools
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doclife.connections import from_environment
from doclife.domain.checkup import Finding, Level
from doclife.domain.drill import DrillReport
from doclife.errors import ConfigurationError, RefusedError, StorageError
from doclife.lifecycle import halting
from doclife.lifecycle.audit_heads import sign_heads
from doclife.lifecycle.backing_up import RECORD, make_backup, read_record, sha256_of
from doclife.lifecycle.drilling import DrillOrder, run_drill
from doclife.lifecycle.holding import release
from doclife.lifecycle.purge_manifests import count_unknown
from doclife.lifecycle.signing import read_signing_key
from doclife.store import backups, clock, dumping, migrations, switches
from doclife.store.connection import connect
from doclife.store.scratch import PREFIX
from local import databases
from local.guard import Guard
from local.postgres import Postgres
from tests.conftest import FORGETFUL

from .conftest import ACTOR, World
from .test_explaining import hold
from .test_purge_manifests import drafts, replayed, settled, statuses

GUIDE = Path(__file__).parents[2] / "docs" / "backup.md"
KEY = {
    "AIRFLOW_CONN_DOCLIFE_SIGNING": json.dumps(
        {"conn_type": "generic", "password": base64.b64encode(b"k" * 32).decode()}
    )
}


@pytest.fixture(scope="module")
def scratch_server(guard: Guard) -> Iterator[Postgres]:
    """Another server than the one the documents are on, with a login for drills."""
    home = Path(tempfile.mkdtemp(prefix="doclife-test-"))
    home.chmod(0o711)
    server = Postgres(home, settings=FORGETFUL, watch=guard.watch_database)
    try:
        server.start()
        with psycopg.connect(server.url(), autocommit=True) as superuser:
            superuser.execute("CREATE ROLE driller LOGIN PASSWORD 'drill' CREATEDB CREATEROLE")
        yield server
    finally:
        server.remove()


@pytest.fixture
def world(world: World) -> World:
    """The same world by the database's clock: a backup is made at its present."""
    world.now = clock.present(world.conn)
    return world


def back_up(world: World, folder: Path | None = None) -> Path:
    folder = folder or world.folder / "backup"
    make_backup(
        world.conn,
        url=url_of(world),
        folder=folder,
        actor=ACTOR,
        now=clock.present(world.conn),
    )
    return folder


def url_of(world: World, database: str | None = None) -> str:
    info = world.conn.info
    address = f"{info.user}:{info.password}@{info.host}:{info.port}"
    return f"postgresql://{address}/{database or info.dbname}"


def surroundings() -> dict[str, Any]:
    """Return what a drill is given beside its order."""
    return {
        "connections": from_environment(KEY),
        "options": lambda _: {},
        "stopwatch": time.monotonic,
        "on_step": lambda _: None,
    }


def drill(world: World, server: Postgres, folder: Path, **options: Any) -> DrillReport:
    """Drill as a login that may make databases and roles, and is no superuser."""
    world.runs += 1
    url = databases.as_role(server.url(), role="driller", password="drill", database="postgres")
    order = DrillOrder(folder=folder, server_url=url, run_id=f"test_{world.runs}", **options)
    with world.another_connection() as source:
        return run_drill(source, order, **surroundings())


def troubles(report: DrillReport) -> list[Finding]:
    return [one for step in report.steps for one in step.findings if one.level is not Level.OK]


def of(report: DrillReport, name: str) -> str:
    [step] = [step for step in report.steps if step.name == name]
    return "; ".join(one.what for one in step.findings)


def sign(world: World) -> None:
    sign_heads(
        world.conn,
        key=read_signing_key(from_environment(KEY)),
        stores=world.stores,
        now=clock.present(world.conn),
        actor=ACTOR,
    )


def files(folder: Path) -> dict[str, bytes]:
    stores = (folder / "documents", folder / "archive")
    return {
        str(path): path.read_bytes()
        for store in stores
        for path in store.rglob("*")
        if path.is_file()
    }


def names_on(server: Postgres) -> set[str]:
    with psycopg.connect(server.url()) as conn:
        rows = conn.execute("SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles")
        return {name for (name,) in rows}


def destroyed_since(world: World, folder: Path) -> dict[str, int]:
    """Two documents that a purge destroys after a backup, and one that stays."""
    documents = drafts(world, "first", "second", "other")
    world.conn.execute(
        "UPDATE documents SET document_type = 'letter' WHERE id = %s", (documents["other"],)
    )
    world.now += timedelta(days=8)
    sign(world)
    back_up(world, folder)
    world.now = clock.present(world.conn)
    world.conn.execute("UPDATE organizations SET cooling_off_days = 0")
    world.night()
    world.purge()
    return documents


def test_a_backup_comes_back_and_all_of_it_is_proven(
    world: World, scratch_server: Postgres, tmp_path: Path
) -> None:
    destroyed_since(world, tmp_path / "backup")
    settled(world)
    sign(world)
    # The files of one came back with a backup of the store.
    world.file("first").write_bytes(b"first")
    stores, rows = files(world.folder), backups.count_rows(world.conn)
    there = names_on(scratch_server)

    report = drill(world, scratch_server, tmp_path / "backup")

    assert [one.what for one in troubles(report)] == []
    assert (report.level, report.is_whole) == (Level.OK, True)
    assert [step.name for step in report.steps] == [
        *("restore", "halted", "rows", "migrations", "structure", "audit", "queue", "purges"),
        *("bytes", "beside it"),
    ]
    assert "it starts halted" in of(report, "halted")
    assert "2 document(s) were destroyed since the backup; 2 of them came back" in of(
        report, "purges"
    )
    assert "1 signed heads; 1 heads are newer" in of(report, "audit")
    assert "1 that were chosen by chance are as recorded" in of(report, "bytes")
    # Nothing of it is left, and nothing of the original has changed.
    assert names_on(scratch_server) == there
    assert files(world.folder) == stores
    assert backups.count_rows(world.conn) == rows


def test_a_halted_backup_is_tried_to_the_end_and_what_its_holds_keep_is_named(
    world: World, scratch_server: Postgres, tmp_path: Path
) -> None:
    documents = drafts(world, "held", "free")
    hold(world, documents["held"], "Smith v. us")
    world.conn.execute("UPDATE deployment SET approvals_by_tasks_only = true")
    halting.halt(world.conn, reason="stop", actor=ACTOR, now=world.now)
    back_up(world, tmp_path / "backup")
    halting.resume(world.conn, actor=ACTOR, now=world.now)
    world.now = clock.present(world.conn)
    release(
        world.conn,
        organization="default",
        matter="Smith v. us",
        document_ids=[documents["held"]],
        actor=ACTOR,
        now=world.now,
    )
    world.night()
    world.purge()
    settled(world)
    assert set(statuses(world, documents).values()) == {"purged"}

    report = drill(world, scratch_server, tmp_path / "backup")

    said = of(report, "purges")
    assert "1 document(s) were destroyed since the backup and would be back" in said
    assert f"document {documents['held']} (active, held)" in said
    assert report.level is Level.FAULT


def test_every_fault_is_told_and_hides_no_other(
    world: World, scratch_server: Postgres, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    documents = destroyed_since(world, folder)
    record = json.loads((folder / RECORD).read_text())
    record["rows"]["documents"] += 1
    (folder / RECORD).write_text(json.dumps(record))
    world.file("other").write_bytes(b"changed")

    report = drill(world, scratch_server, folder)

    assert "documents has 3 rows and had 4" in of(report, "rows")
    assert f"document {documents['first']} (active): no manifest names it" in of(report, "purges")
    assert "3 of 3 are not as recorded" in of(report, "bytes")
    assert (report.level, report.is_whole) == (Level.FAULT, True)
    assert all(one.fix for one in troubles(report))


def test_a_chain_that_does_not_reach_a_head_that_left_is_a_fault(
    world: World, scratch_server: Postgres, tmp_path: Path
) -> None:
    drafts(world, "first")
    folder = back_up(world, tmp_path / "backup")
    world.night()
    sign(world)
    record = json.loads((folder / RECORD).read_text())
    # The backup says that it was made after that head.
    record["taken_at"] = (clock.present(world.conn) + timedelta(minutes=1)).isoformat()
    (folder / RECORD).write_text(json.dumps(record))

    report = drill(world, scratch_server, folder)

    assert "dropped" in of(report, "audit")
    assert report.level is Level.FAULT


def test_a_backup_is_of_one_moment_whoever_writes_meanwhile(
    world: World, scratch_server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts(world, "first")
    honest = dumping.dump

    def dump(*arguments: Any, **named: Any) -> None:
        with world.another_connection() as other:
            other.execute("INSERT INTO documents (organization_id, external_id) VALUES (1, 'late')")
        honest(*arguments, **named)

    monkeypatch.setattr(dumping, "dump", dump)
    folder = back_up(world, tmp_path / "backup")

    report = drill(world, scratch_server, folder)

    assert read_record(folder).rows["documents"] == 1
    assert world.value("SELECT count(*) FROM documents") == 2
    assert [step.level for step in report.steps if step.name == "rows"] == [Level.OK]


def test_the_server_of_the_original_is_refused(
    world: World, postgres: Postgres, tmp_path: Path
) -> None:
    folder = back_up(world, tmp_path / "backup")
    there = names_on(postgres)

    with (
        world.another_connection() as source,
        pytest.raises(RefusedError, match="is the server that the documents are on"),
    ):
        run_drill(
            source,
            DrillOrder(folder=folder, server_url=postgres.url(), run_id="refused"),
            **surroundings(),
        )

    assert names_on(postgres) == there


def test_a_backup_of_each_postgresql_comes_back_and_the_original_can_only_be_read(
    each_postgres: Postgres, each_database: str, tmp_path: Path
) -> None:
    with connect(each_database) as source:
        folder = tmp_path / "backup"
        make_backup(
            source, url=each_database, folder=folder, actor=ACTOR, now=clock.present(source)
        )
        order = DrillOrder(
            folder=folder,
            server_url=each_postgres.url(),
            run_id="same",
            may_use_same_server=True,
        )

        report = run_drill(source, order, **surroundings())

        for statement in ("UPDATE organizations SET name = name", "CREATE TABLE public.x (y int)"):
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                source.execute(statement)
    assert report.is_whole
    assert [one for one in troubles(report) if one.level is Level.FAULT] == []


def test_the_restore_that_the_guide_describes_brings_a_halted_database_that_knows_what_to_do(
    world: World, postgres: Postgres, tmp_path: Path
) -> None:
    """The command is read from docs/backup.md."""
    documents = destroyed_since(world, tmp_path / "backup")
    settled(world)
    name = f"{world.conn.info.dbname}_restored"
    [written] = re.findall(r"^ +(pg_restore .*)$", GUIDE.read_text(), re.MULTILINE)
    with psycopg.connect(postgres.url(), autocommit=True) as superuser:
        databases.create_database(superuser, name, owner=databases.ADMIN)
    url = url_of(world, name)
    command = written.replace("--dbname documents", f"--dbname {url}").replace(
        "/backups/2026-11-23", str(tmp_path / "backup")
    )
    program = dumping.find_program(
        "pg_restore", major=world.conn.info.server_version // 10_000, may_be_newer=False
    )
    subprocess.run([program, *command.split()[1:]], check=True)
    world.conn.close()

    with connect(url) as world.conn:
        assert switches.read(world.conn).is_adopted is False
        halting.adopt(world.conn, actor=ACTOR, now=world.now, takes_over=True)
        assert count_unknown(world.conn, stores=world.stores) == 1
        [found] = replayed(world)
        assert found.returned == sorted([documents["first"], documents["second"]])
    with psycopg.connect(postgres.url(), autocommit=True) as superuser:
        superuser.execute(f"DROP DATABASE {name}")


def test_the_approvals_of_a_drill_count_in_its_scratch_database_alone(world: World) -> None:
    world.conn.execute("UPDATE deployment SET approvals_by_tasks_only = true")

    backups.take_approvals(world.conn)

    assert world.value("SELECT approvals_by_tasks_only FROM deployment") is True


def test_a_changed_dump_is_refused_before_anything_is_restored(
    world: World, scratch_server: Postgres, tmp_path: Path
) -> None:
    folder = back_up(world, tmp_path / "backup")
    dump = folder / read_record(folder).dump
    dump.write_bytes(dump.read_bytes()[:-1] + b"?")

    with pytest.raises(StorageError, match="SHA-256 is another"):
        drill(world, scratch_server, folder)


def test_a_backup_that_was_killed_is_none_and_is_made_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_arguments: Any, **_named: Any) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "backup"
    with monkeypatch.context() as patched:
        patched.setattr(dumping, "dump", die)
        with pytest.raises(KeyboardInterrupt):
            back_up(world, folder)
    with pytest.raises(ConfigurationError, match="holds no backup"):
        read_record(folder)

    back_up(world, folder)

    assert read_record(folder).rows["organizations"] == 1
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}
    with pytest.raises(ConfigurationError, match="holds a backup already"):
        back_up(world, folder)


def test_what_a_killed_drill_left_goes_with_the_next_and_what_is_kept_says_its_name(
    world: World, scratch_server: Postgres, tmp_path: Path
) -> None:
    folder = back_up(world, tmp_path / "backup")
    with psycopg.connect(scratch_server.url(), autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {PREFIX}killed OWNER driller")

    report = drill(world, scratch_server, folder, is_kept=True)

    assert report.is_kept
    assert report.scratch in names_on(scratch_server)
    assert f"{PREFIX}killed" not in names_on(scratch_server)
    with psycopg.connect(scratch_server.url(report.scratch)) as kept:
        identity = kept.execute("SELECT deployment_id FROM doclife.deployment").fetchone()
        halted = kept.execute("SELECT doclife.halt_reason()").fetchone()
    assert identity != (world.stores.deployment_id,), "the original's stores are not its own"
    assert "queue is the original's" in halted[0], "nothing of it is sent from here"

    drill(world, scratch_server, folder)

    assert report.scratch in names_on(scratch_server), "nobody but who kept it drops it"
    with psycopg.connect(scratch_server.url(), autocommit=True) as superuser:
        superuser.execute(f"DROP DATABASE {report.scratch}")


def test_a_dump_that_cannot_be_restored_ends_the_drill_with_what_pg_restore_says(
    world: World, scratch_server: Postgres, tmp_path: Path
) -> None:
    folder = back_up(world, tmp_path / "backup")
    dump = folder / read_record(folder).dump
    dump.write_bytes(dump.read_bytes()[: dump.stat().st_size // 2])
    # It was cut short before it was recorded.
    record = json.loads((folder / RECORD).read_text())
    record["sha256"] = sha256_of(dump)
    (folder / RECORD).write_text(json.dumps(record))

    report = drill(world, scratch_server, folder)

    assert (report.level, report.is_whole) == (Level.FAULT, False)
    assert [step.name for step in report.steps] == ["restore"]
    assert "pg_restore" in of(report, "restore")


def test_a_restore_that_fails_quotes_no_row(
    world: World, scratch_server: Postgres, tmp_path: Path
) -> None:
    # An application's table whose rows its own check would not take any more.
    for statement in (
        "CREATE SCHEMA shop",
        "CREATE FUNCTION shop.takes(text) RETURNS boolean IMMUTABLE RETURN true",
        "CREATE TABLE shop.letters (name text, CONSTRAINT is_fine CHECK (shop.takes(name)))",
        "INSERT INTO shop.letters VALUES (E'Quokka\\nWombat Lane 7')",
        "CREATE OR REPLACE FUNCTION shop.takes(text) RETURNS boolean IMMUTABLE RETURN false",
    ):
        world.conn.execute(statement)
    folder = back_up(world, tmp_path / "backup")

    report = drill(world, scratch_server, folder)

    said = of(report, "restore")
    assert 'COPY failed for table "letters"' in said
    assert 'violates check constraint "is_fine"' in said
    assert "Quokka" not in said
    assert "Wombat" not in said


def test_without_programs_of_the_right_version_it_says_which_and_where_from(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))

    with pytest.raises(ConfigurationError, match=r"no pg_dump of PostgreSQL \d+ here.*PG_BIN"):
        back_up(world, tmp_path / "backup")


def test_a_step_that_the_server_stops_quotes_no_value(
    world: World, scratch_server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = back_up(world, tmp_path / "backup")
    newer = shutil.copytree(migrations.SCHEMA_DIR, tmp_path / "schema")
    (newer / "999_stumbles.sql").write_text("SELECT 'Quokka'::date")
    monkeypatch.setattr(
        "doclife.lifecycle.drilling.migrations.migrate",
        functools.partial(migrations.migrate, directory=newer),
    )

    said = of(drill(world, scratch_server, folder), "migrations")

    assert "invalid input syntax" in said
    assert "Quokka" not in said
