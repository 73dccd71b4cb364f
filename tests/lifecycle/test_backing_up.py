"""A backup leaves a trace: who made it, of when, and which one it is."""

from __future__ import annotations

from pathlib import Path

from doclife.lifecycle.backing_up import Backup, make_backup, read_record
from doclife.store import backups, clock

from .conftest import ACTOR, World
from .test_drilling import url_of

TRACES = "SELECT count(*) FROM audit_entries WHERE action = 'backup.made'"


def back_up(world: World, folder: Path) -> Backup:
    now = clock.present(world.conn)
    return make_backup(world.conn, url=url_of(world), folder=folder, actor=ACTOR, now=now)


def test_the_trail_of_each_organization_says_which_backup_was_made_and_not_where(
    world: World, tmp_path: Path
) -> None:
    world.conn.execute("INSERT INTO organizations (slug, name) VALUES ('acme', 'Acme')")

    made = back_up(world, tmp_path / "place-nobody-need-know")

    entries = world.conn.execute(
        "SELECT organization_id, actor, at, details::text FROM audit_entries"
        " WHERE action = 'backup.made' ORDER BY organization_id"
    ).fetchall()
    assert made.trace_fault is None
    assert [(one[1], one[2]) for one in entries] == [(ACTOR, made.record.taken_at)] * 2
    assert all(made.record.sha256 in one[3] for one in entries)
    assert not [one for one in entries if "nobody-need-know" in str(one)]


def test_a_backup_holds_the_traces_of_those_before_it_and_not_its_own(
    world: World, tmp_path: Path
) -> None:
    before = world.value("SELECT count(*) FROM audit_entries")

    first, second = (back_up(world, tmp_path / name) for name in ("first", "second"))

    assert first.record.rows["audit_entries"] == before
    assert second.record.rows["audit_entries"] == before + 1
    assert world.value(TRACES) == 2


def test_a_backup_by_who_cannot_write_is_whole_and_says_that_nobody_knows_of_it(
    world: World, tmp_path: Path
) -> None:
    backups.only_read(world.conn)

    made = back_up(world, tmp_path / "backup")

    assert "read-only transaction" in str(made.trace_fault)
    assert read_record(tmp_path / "backup") == made.record
    assert world.value(TRACES) == 0
