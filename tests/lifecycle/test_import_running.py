"""An import keeps book of how far it has come; one that was killed does not run for ever."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from doclife.errors import ConfigurationError, TryAgainLater
from doclife.lifecycle import import_writing, registering
from doclife.lifecycle.import_running import list_imports, running
from doclife.store import organizations
from doclife.store.connection import Connection
from tests.lifecycle.conftest import World
from tests.lifecycle.importing import Importer, Watcher


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "inbox"
    made.mkdir()
    for number in range(7):
        (made / f"{number}.txt").write_text("x" * (number + 1))
    return made


@pytest.fixture
def importer(conn: Connection) -> Importer:
    return Importer(conn)


def test_a_finished_import_says_what_it_read_and_what_was_new(importer, folder):
    importer(folder)
    (folder / "0.txt").write_text("changed")
    (folder / "link").symlink_to(folder / "1.txt")
    importer(folder)

    again, first = list_imports(importer.conn, organization="default", size=5)
    assert (first.file_count, first.done_count, first.new_count) == (7, 7, 7)
    assert (first.total_bytes, first.done_bytes) == (28, 28)
    assert (again.new_count, again.changed_count, again.refused_count) == (0, 1, 1)
    assert again.source.endswith("/inbox")
    assert first.finished_at
    assert first.error is None
    assert not first.is_alive


def test_progress_is_noted_with_each_batch_and_seen_by_others_meanwhile(
    world: World, folder, monkeypatch
):
    monkeypatch.setattr(registering, "BATCH_ROWS", 2)
    monkeypatch.setattr(registering, "EARLY_ROWS", 2)
    seen = []
    take_over = import_writing.importing.take_over

    def look_first(*arguments, **named):
        with world.another_connection() as other:
            (run,) = list_imports(other, organization="default", size=5)
            seen.append((run.done_count, run.file_count, run.is_alive, run.finished_at))
        return take_over(*arguments, **named)

    monkeypatch.setattr(import_writing.importing, "take_over", look_first)
    Importer(world.conn)(folder)

    assert [(done, total) for done, total, _, _ in seen] == [(0, 7), (2, 7), (4, 7), (6, 7)]
    assert all(is_alive and finished is None for _, _, is_alive, finished in seen)


def test_an_import_that_fails_says_what_ended_it(importer, folder, monkeypatch):
    def refuse(*_arguments, **_named):
        raise TryAgainLater("a purge is at work")

    monkeypatch.setattr(import_writing.importing, "take_over", refuse)
    with pytest.raises(TryAgainLater):
        importer(folder)

    (run,) = list_imports(importer.conn, organization="default", size=5)
    assert run.error == "a purge is at work"
    assert run.finished_at
    assert not run.is_alive


def test_an_import_that_is_interrupted_says_so(importer, folder):
    class Impatient(Watcher):
        def expect(self, *, files: int, size_bytes: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importer(folder, progress=Impatient())

    (run,) = list_imports(importer.conn, organization="default", size=5)
    assert run.error == "stopped by hand"


def test_a_killed_import_is_not_alive_and_has_no_end(world: World):
    def kill_in_the_middle(killed: Connection) -> None:
        tenant = organizations.find(killed, "default")
        with running(
            killed, tenant=tenant, source="/somewhere", actor="cli:olga", database=threading.Lock()
        ):
            (run,) = list_imports(world.conn, organization="default", size=5)
            assert run.is_alive
            backend = killed.info.backend_pid
            world.conn.execute("SELECT pg_terminate_backend(%s, 60000)", (backend,))
            killed.execute("SELECT 1")

    with pytest.raises(psycopg.OperationalError):
        kill_in_the_middle(world.another_connection())

    (run,) = list_imports(world.conn, organization="default", size=5)
    assert not run.is_alive
    assert run.finished_at is None


def test_what_cannot_begin_leaves_no_trace(importer, tmp_path):
    with pytest.raises(ConfigurationError):
        importer(tmp_path / "no-such-folder")

    assert list_imports(importer.conn, organization="default", size=5) == []
