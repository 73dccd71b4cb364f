"""Imports beside each other, and beside a purge."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from doclife.lifecycle import registering
from doclife.lifecycle.registering import ImportResult, ProblemKind
from doclife.store.connection import Connection, connect
from tests.lifecycle.importing import Importer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    return folder


def test_two_imports_at_once_register_each_document_once(
    database: str, conn: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registering, "BATCH_ROWS", 50)
    (folder / "0").write_text("0")
    Importer(conn)(folder)
    for number in range(1, 600):
        (folder / str(number)).write_text(str(number))
    together = threading.Barrier(3)

    def import_all(_: int) -> ImportResult:
        with connect(database) as own:
            together.wait()
            return Importer(own)(folder)

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(import_all, range(3)))

    importer = Importer(conn)
    assert sum(result.new for result in results) == 599
    assert [result.changed for result in results] == [0, 0, 0]
    assert importer.events() == ["document.registered"] * 600
    assert importer.audit() == ["document.registered"] * 600
    assert {document["reference_count"] for document in importer.documents().values()} == {1}


def test_a_purge_that_begins_during_an_import_wins(
    database: str, conn: Connection, folder: Path
) -> None:
    """The purge takes the bytes after the import has looked at them and before it writes."""
    (folder / "a").write_text("content")
    importer = Importer(conn)
    importer(folder)
    (folder / "list.csv").write_text("path,external_id\na,second\n")

    with connect(database) as purge, ThreadPoolExecutor(1) as pool:
        with purge.transaction():
            purge.execute("UPDATE stored_objects SET removing_since = now()")
            running = pool.submit(importer, folder / "list.csv")
            wait_until_somebody_waits(purge)
        result = running.result(timeout=60)

    assert [problem.kind for problem in result.problems] == [ProblemKind.BEING_DESTROYED]
    assert importer.documents().keys() == {"papers/a"}


def wait_until_somebody_waits(conn: Connection) -> None:
    deadline = time.monotonic() + 120
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while conn.execute(query).fetchone() == (0,):
        assert time.monotonic() < deadline, "the import did not wait for the purge"
        time.sleep(0.01)
