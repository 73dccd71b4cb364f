import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from doclife.errors import ConfigurationError
from doclife.lifecycle import import_reading, registering
from doclife.lifecycle.metadata_fields import declare_metadata_field
from doclife.lifecycle.registering import ProblemKind
from doclife.lifecycle.stores import describe_stores, register_store
from doclife.storage import uris
from doclife.storage.local import LocalFilesystem
from doclife.storage.marker import MARKER_NAME
from doclife.store.connection import Connection
from tests.lifecycle.importing import NOW, Importer, Watcher

PLUGINS = Path(registering.__file__).parents[2]
LATER = NOW + timedelta(days=10)


@pytest.fixture
def importer(conn: Connection) -> Importer:
    return Importer(conn)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    return folder


def write(path: Path, content: bytes, *, on: datetime = datetime(2020, 5, 17, tzinfo=UTC)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (on.timestamp(), on.timestamp()))


def test_registers_every_file_of_a_folder(importer: Importer, folder: Path) -> None:
    write(folder / "lease.pdf", b"lease")
    write(folder / "2020" / "a b%.txt", b"note")

    result = importer(folder)

    assert (result.new, result.changed, result.unchanged, result.size_bytes) == (2, 0, 0, 9)
    assert (result.problem_count, result.store_name, result.is_read_only) == (0, "papers", False)
    documents = importer.documents()
    assert documents.keys() == {"papers/lease.pdf", "papers/2020/a b%25.txt"}
    lease = documents["papers/lease.pdf"]
    assert (lease["title"], lease["media_type"], lease["size_bytes"]) == (
        "lease.pdf",
        "application/pdf",
        5,
    )
    assert lease["created_on"] == lease["modified_on"] == date(2020, 5, 17)
    assert lease["registered_at"] == NOW
    assert lease["sha256"] == hashlib.sha256(b"lease").digest()
    assert lease["reference_count"] == 1
    assert documents["papers/2020/a b%25.txt"]["title"] == "a b%.txt"
    assert documents["papers/2020/a b%25.txt"]["uri"].endswith("/papers/2020/a%20b%25.txt")


def test_every_new_document_has_an_event_and_an_audit_entry(
    importer: Importer, folder: Path
) -> None:
    write(folder / "a", b"a")
    write(folder / "b", b"b")

    importer(folder)

    assert importer.events() == ["document.registered"] * 2
    assert importer.audit() == ["document.registered"] * 2
    entry = importer.rows("SELECT * FROM audit_entries WHERE document_id IS NOT NULL")[0]
    assert (entry["actor"], entry["at"]) == ("user:olga", NOW)
    assert str(folder) in entry["reason"]
    assert (
        entry["details"]["sha256"] == hashlib.sha256(b"a").hexdigest()
        or entry["details"]["sha256"] == hashlib.sha256(b"b").hexdigest()
    )


def test_a_first_import_has_no_events_and_one_audit_entry(importer: Importer, folder: Path) -> None:
    write(folder / "a", b"a")
    write(folder / "b", b"b")

    importer(folder, baseline=True)

    assert importer.events() == []
    assert importer.audit() == ["documents.registered"]
    details = importer.rows(
        "SELECT details FROM audit_entries WHERE document_id IS NULL"
        " AND action = 'documents.registered'"
    )[0]["details"]
    assert details["count"] == 2
    assert all(document["is_baseline"] for document in importer.documents().values())


@pytest.mark.parametrize("quick", [False, True])
def test_importing_again_changes_nothing(importer: Importer, folder: Path, quick: bool) -> None:
    for number in range(20):
        write(folder / str(number % 3) / str(number), b"%d" % number)
    importer(folder, document_type="note", tags=["a", "b"], owner="olga")
    before = importer.everything()

    result = importer(folder, now=LATER, quick=quick)
    with_the_same_settings = importer(
        folder, now=LATER, quick=quick, document_type="note", tags=["a", "b"], owner="olga"
    )

    assert (result.new, result.changed, result.unchanged) == (0, 0, 20)
    assert with_the_same_settings.unchanged == 20
    assert importer.everything() == before


def test_changed_bytes_are_recorded_and_announced(importer: Importer, folder: Path) -> None:
    write(folder / "a", b"before")
    write(folder / "b", b"stays")
    importer(folder)
    write(folder / "a", b"longer than before", on=datetime(2026, 3, 1, tzinfo=UTC))

    result = importer(folder, now=LATER)

    assert (result.new, result.changed, result.unchanged) == (0, 1, 1)
    changed = importer.document("papers/a")
    assert changed["version"] == 2
    assert changed["size_bytes"] == 18
    assert changed["sha256"] == hashlib.sha256(b"longer than before").digest()
    assert (changed["created_on"], changed["modified_on"]) == (date(2020, 5, 17), date(2026, 3, 1))
    assert importer.document("papers/b")["version"] == 1
    assert importer.events()[2:] == ["document.changed"]
    assert importer.audit()[2:] == ["document.changed"]
    assert len(importer.rows("SELECT * FROM stored_objects")) == 2


def test_other_bytes_of_the_same_size_and_day_still_make_a_new_version(
    importer: Importer, folder: Path
) -> None:
    write(folder / "a", b"before")
    importer(folder)
    write(folder / "a", b"behind")

    assert importer(folder).changed == 1
    assert importer.document("papers/a")["version"] == 2


def test_a_quick_import_trusts_size_and_time(importer: Importer, folder: Path) -> None:
    write(folder / "a", b"before")
    write(folder / "b", b"before")
    importer(folder)
    write(folder / "a", b"behind")
    write(folder / "b", b"behind", on=datetime(2020, 5, 18, tzinfo=UTC))

    assert importer(folder, quick=True).changed == 1
    assert importer.document("papers/b")["version"] == 2


def test_touching_a_file_does_not_move_its_retention(importer: Importer, folder: Path) -> None:
    write(folder / "a", b"content")
    importer(folder)
    write(folder / "a", b"content", on=datetime(2000, 1, 1, tzinfo=UTC))

    assert importer(folder).unchanged == 1
    assert importer(folder, owner="olga").changed == 1
    document = importer.document("papers/a")
    assert (document["modified_on"], document["version"]) == (date(2020, 5, 17), 2)
    assert importer(folder, quick=True).unchanged == 1


def test_what_is_said_is_set_and_what_is_not_said_stays(importer: Importer, folder: Path) -> None:
    write(folder / "a", b"content")
    importer(folder, document_type="note", owner="olga", tags=["x"])

    importer(folder, owner="pavel", expires_on=date(2027, 1, 1))

    document = importer.document("papers/a")
    assert (document["document_type"], document["owner"], document["tags"]) == (
        "note",
        "pavel",
        ["x"],
    )
    assert document["expires_on"] == date(2027, 1, 1)
    assert set(document["field_changed_at"]) == {"owner", "expires_on"}


def test_days_are_those_of_the_organizations_zone(importer: Importer, folder: Path) -> None:
    importer.conn.execute("UPDATE organizations SET time_zone = 'Asia/Tokyo'")
    write(folder / "a", b"content", on=datetime(2020, 5, 17, 15, tzinfo=UTC))

    importer(folder, now=datetime(2026, 3, 2, 15, tzinfo=UTC))

    assert importer.document("papers/a")["modified_on"] == date(2020, 5, 18)
    assert importer.rows("SELECT occurred_on FROM events") == [{"occurred_on": date(2026, 3, 3)}]


def test_odd_names_are_imported_and_mentioned(importer: Importer, folder: Path) -> None:
    names = [b"\xe4\xff.txt", b"line\nbreak", b"\x1b[31mred", "ünïcode ☃".encode(), b"%41"]
    for name in names:
        write(Path(os.fsdecode(os.fsencode(folder) + b"/" + name)), name)

    result = importer(folder)

    assert (result.new, result.refused_count) == (5, 0)
    assert [problem.kind for problem in result.problems] == [ProblemKind.ODD_NAME] * 3
    assert all(problem.path.isprintable() for problem in result.problems)
    documents = importer.documents()
    assert documents.keys() == {
        "papers/%E4%FF.txt",
        "papers/line%0Abreak",
        "papers/%1B[31mred",
        "papers/ünïcode ☃",
        "papers/%2541",
    }
    for document in documents.values():
        content = Path(uris.local_path(document["uri"])).read_bytes()
        assert hashlib.sha256(content).digest() == document["sha256"]
        assert document["title"].isprintable()
    assert importer(folder).unchanged == 5


def test_what_is_no_file_is_reported_and_the_rest_imported(
    importer: Importer, folder: Path
) -> None:
    write(folder / "file", b"content")
    write(folder / "empty", b"")
    (folder / "link").symlink_to("file")
    (folder / "loop").symlink_to(".")
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(folder / "socket"))
        result = importer(folder)

    assert (result.new, result.refused_count, result.problem_count) == (2, 5, 6)
    reported = {Path(problem.path).name: problem.kind for problem in result.problems}
    assert reported == {
        "empty": ProblemKind.EMPTY,
        "link": ProblemKind.SYMLINK,
        "loop": ProblemKind.SYMLINK,
        "dangling": ProblemKind.SYMLINK,
        "pipe": ProblemKind.NOT_A_FILE,
        "socket": ProblemKind.NOT_A_FILE,
    }
    assert all(problem.reason for problem in result.problems)


def test_files_that_vanish_or_change_meanwhile_are_reported(
    importer: Importer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gone", "growing", "replaced", "stays"):
        write(folder / name, b"content")
    honest = LocalFilesystem.open

    def meddle(self: LocalFilesystem, uri: str, **facts: Any) -> Any:
        name = uris.file_name(uri)
        if name == "gone":
            (folder / name).unlink()
        if name == "replaced":
            (folder / name).unlink()
            os.mkfifo(folder / name)
        opened = honest(self, uri, **facts)
        if name == "growing":
            (folder / name).write_bytes(b"content and more")
        return opened

    monkeypatch.setattr(LocalFilesystem, "open", meddle)

    result = importer(folder)

    assert result.new == 1
    assert {Path(problem.path).name: problem.kind for problem in result.problems} == {
        "gone": ProblemKind.VANISHED,
        "growing": ProblemKind.CHANGING,
        "replaced": ProblemKind.UNREADABLE,
    }


AS_NOBODY = """
import os, sys
from datetime import datetime, timezone
from doclife.store.connection import connect
from doclife.lifecycle.registering import ImportSettings, import_documents

def run(source):
    return import_documents(conn, source=source, settings=ImportSettings(), actor="user:x",
        now=datetime(2026, 3, 2, tzinfo=timezone.utc), options=dict)

with connect(sys.argv[1]) as conn:
    run(sys.argv[2])  # so that every module is loaded: nobody may not read root's Python
    if os.getuid() == 0:
        os.setuid(65534)
    result = run(sys.argv[3])
print(result.new, result.refused_count, result.is_read_only)
print(*sorted(problem.kind for problem in result.problems))
print(*result.notes)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users get to, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="doclife-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_what_may_not_be_read_is_reported_and_the_rest_imported(
    database: str, importer: Importer, open_folder: Path
) -> None:
    """In a process that is not root, which may read everything."""
    write(open_folder / "warm" / "up", b"")
    folder = open_folder / "papers"
    write(folder / "open", b"content")
    write(folder / "locked", b"content")
    write(folder / "locked folder" / "inside", b"content")
    (folder / "locked").chmod(0)
    (folder / "locked folder").chmod(0)

    finished = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, database, str(open_folder / "warm"), str(folder)],
        env={"PYTHONPATH": str(PLUGINS)},
        capture_output=True,
        text=True,
        check=False,
    )

    (folder / "locked folder").chmod(0o755)
    assert finished.returncode == 0, finished.stderr
    is_read_only = os.getuid() == 0  # nobody may not write a marker into root's folder
    counts, kinds, notes = finished.stdout.splitlines()
    assert counts == f"1 2 {is_read_only}"
    assert kinds == "unreadable unreadable"
    assert ("doclife stores adopt papers" in notes) == is_read_only
    assert importer.documents().keys() == {"warm/up", "papers/open"}


def test_the_marker_and_archive_bags_are_no_documents(importer: Importer, folder: Path) -> None:
    write(folder / "bag-1" / "data" / "1", b"archived")
    write(folder / "bag-2" / "data" / "1", b"a folder that is only named so")
    write(folder / "bag-3", b"a file")
    write(folder / ".doclife-temporary-1234", b"half a file")
    register_store(
        importer.conn,
        name="papers",
        root=str(folder),
        connection_id=None,
        now=NOW,
        actor="user:olga",
        options=lambda _connection_id: {},
    )
    importer.conn.execute(
        "INSERT INTO archive_bags (organization_id, store_id, uri) SELECT 1, id, %s FROM stores",
        (uris.of_path(str(folder / "bag-1")),),
    )

    importer(folder)

    assert importer.documents().keys() == {"papers/bag-2/data/1", "papers/bag-3"}


def test_documents_in_the_trash_stay_there(importer: Importer, folder: Path) -> None:
    write(folder / "same", b"content")
    write(folder / "other", b"content")
    importer(folder)
    importer.set_status("papers/same", "deleted")
    importer.set_status("papers/other", "deleted")
    write(folder / "other", b"CONTENT")
    before = importer.everything()

    result = importer(folder, document_type="note")

    assert (result.new, result.changed, result.unchanged, result.refused_count) == (0, 0, 1, 1)
    assert {Path(problem.path).name: problem.kind for problem in result.problems} == {
        "same": ProblemKind.IN_TRASH,
        "other": ProblemKind.CHANGED_IN_TRASH,
    }
    assert importer.everything() == before


def test_purged_documents_are_not_revived(importer: Importer, folder: Path) -> None:
    write(folder / "a", b"content")
    importer(folder)
    importer.purge("papers/a")
    before = importer.everything()

    result = importer(folder, now=LATER)

    assert (result.new, result.refused_count) == (0, 1)
    assert result.problems[0].kind is ProblemKind.PURGED
    assert importer.everything() == before


def test_new_bytes_where_others_were_purged_may_become_another_document(
    importer: Importer, folder: Path
) -> None:
    write(folder / "a", b"content")
    importer(folder)
    importer.purge("papers/a")
    (folder / "list.csv").write_text("path,external_id\na,second\n")

    assert importer(folder / "list.csv", now=LATER).new == 1
    second = importer.document("second")
    assert second["sha256"] == hashlib.sha256(b"content").digest()
    assert importer.rows("SELECT removed_at, removing_since FROM stored_objects") == [
        {"removed_at": None, "removing_since": None}
    ]


def test_bytes_read_before_their_removal_are_not_believed(importer: Importer, folder: Path) -> None:
    write(folder / "a", b"content")
    importer(folder)
    importer.purge("papers/a")
    (folder / "list.csv").write_text("path,external_id\na,second\n")

    result = importer(folder / "list.csv", now=NOW)

    assert result.problems[0].kind is ProblemKind.BEING_DESTROYED
    assert "second" not in importer.documents()


def test_an_archived_document_takes_new_facts_but_no_other_bytes(
    importer: Importer, folder: Path
) -> None:
    write(folder / "same", b"content")
    write(folder / "other", b"content")
    importer(folder)
    importer.set_status("papers/same", "archived")
    importer.set_status("papers/other", "archived")
    write(folder / "other", b"CONTENT")

    result = importer(folder, owner="olga")

    assert (result.changed, result.refused_count) == (1, 1)
    assert result.problems[0].kind is ProblemKind.CHANGED_AFTER_ARCHIVING
    assert importer.document("papers/same")["owner"] == "olga"
    other = importer.document("papers/other")
    assert (other["owner"], other["version"]) == (None, 1)
    assert other["sha256"] == hashlib.sha256(b"content").digest()


def test_a_folder_inside_a_store_belongs_to_it(importer: Importer, folder: Path) -> None:
    write(folder / "a", b"a")
    write(folder / "deep" / "b", b"b")
    importer(folder)

    result = importer(folder / "deep")

    assert (result.unchanged, result.store_name) == (1, "papers")
    assert not (folder / "deep" / MARKER_NAME).exists()
    assert len(importer.rows("SELECT * FROM stores")) == 1


def test_a_store_inside_a_folder_keeps_its_documents(importer: Importer, folder: Path) -> None:
    write(folder / "a", b"a")
    write(folder / "deep" / "b", b"b")
    importer(folder / "deep")

    result = importer(folder)

    assert (result.new, result.unchanged) == (1, 1)
    assert importer.documents().keys() == {"deep/b", "papers/a"}


def test_another_deployments_store_in_a_folder_is_left_alone(
    importer: Importer, folder: Path
) -> None:
    write(folder / "a", b"a")
    write(folder / "theirs" / "b", b"b")
    (folder / "theirs" / MARKER_NAME).write_text('{"format": 1}')

    result = importer(folder)

    assert importer.documents().keys() == {"papers/a"}
    assert [problem.kind for problem in result.problems] == [ProblemKind.FOREIGN]


def test_a_folder_of_another_deployment_is_catalogued_read_only(
    importer: Importer, folder: Path
) -> None:
    write(folder / "a", b"a")
    (folder / MARKER_NAME).write_text("theirs")

    result = importer(folder)

    assert (result.new, result.is_read_only) == (1, True)
    assert any("stores adopt papers" in note for note in result.notes)
    assert (folder / MARKER_NAME).read_text() == "theirs"


def test_two_folders_of_one_name_are_two_stores(importer: Importer, tmp_path: Path) -> None:
    write(tmp_path / "one" / "papers" / "a", b"1")
    write(tmp_path / "two" / "papers" / "a", b"2")

    importer(tmp_path / "one" / "papers")
    importer(tmp_path / "two" / "papers")

    assert importer.documents().keys() == {"papers/a", "papers-2/a"}
    with pytest.raises(ConfigurationError, match="another name"):
        importer(tmp_path / "one", store_name="papers")


def test_the_same_file_through_a_link_is_the_same_document(
    importer: Importer, folder: Path, tmp_path: Path
) -> None:
    write(folder / "a", b"a")
    (tmp_path / "link").symlink_to(folder)
    importer(folder)

    assert importer(tmp_path / "link").unchanged == 1


def test_a_single_file_of_a_store_can_be_imported(importer: Importer, folder: Path) -> None:
    importer(folder)
    write(folder / "a", b"a")
    write(folder / "b", b"b")

    assert importer(folder / "a").new == 1
    assert importer.documents().keys() == {"papers/a"}


def test_a_single_file_makes_no_store_of_what_lies_beside_it(
    importer: Importer, folder: Path
) -> None:
    write(folder / "a", b"a")

    with pytest.raises(ConfigurationError, match=r"stores register NAME .*papers"):
        importer(folder / "a")

    assert importer.rows("SELECT * FROM stores") == []
    assert not (folder / MARKER_NAME).exists()


def test_an_archived_copy_is_no_document_of_its_own_even_by_name(
    importer: Importer, folder: Path
) -> None:
    importer(folder)
    write(folder / "bag-1" / "data" / "1", b"archived")
    importer.conn.execute(
        "INSERT INTO archive_bags (organization_id, store_id, uri) SELECT 1, id, %s FROM stores",
        (uris.of_path(str(folder / "bag-1")),),
    )

    result = importer(folder / "bag-1" / "data" / "1")

    assert (result.new, [problem.kind for problem in result.problems]) == (
        0,
        [ProblemKind.ARCHIVED],
    )


def test_equal_bytes_in_two_places_are_two_stored_objects(importer: Importer, folder: Path) -> None:
    write(folder / "a", b"same")
    write(folder / "b", b"same")

    importer(folder)

    assert len(importer.rows("SELECT * FROM stored_objects")) == 2


def test_a_path_too_long_for_the_catalogue_is_reported(importer: Importer, folder: Path) -> None:
    deep = folder
    for _ in range(4):
        deep = deep / ("ä" * 120)
    write(deep / "a", b"a")
    write(folder / "b", b"b")

    result = importer(folder)

    assert importer.documents().keys() == {"papers/b"}
    assert [problem.kind for problem in result.problems] == [ProblemKind.TOO_LONG]


def test_progress_tells_how_far_it_is(importer: Importer, folder: Path) -> None:
    for number in range(200):
        write(folder / str(number), bytes(number))
    watcher = Watcher()

    importer(folder, progress=watcher)

    size_bytes = sum(range(200))
    assert watcher.expected == (200, size_bytes)
    assert (watcher.files, watcher.size_bytes) == (200, size_bytes)
    assert [problem.kind for problem in watcher.problems] == [ProblemKind.EMPTY]


def test_batches_are_committed_one_by_one(
    importer: Importer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        write(folder / str(number), b"%d" % number)
    monkeypatch.setattr(registering, "BATCH_ROWS", 70)
    monkeypatch.setattr(import_reading, "CHUNK_FILES", 10)
    honest = registering.importing.take_over
    batches = iter(range(10))

    def dies_at_the_third(*arguments: Any, **settings: Any) -> Any:
        if next(batches) == 2:
            raise KeyboardInterrupt
        return honest(*arguments, **settings)

    monkeypatch.setattr(registering.importing, "take_over", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        importer(folder)
    monkeypatch.setattr(registering.importing, "take_over", honest)

    assert len(importer.documents()) == 140
    result = importer(folder)
    assert (result.new, result.unchanged) == (160, 140)
    assert importer.events() == ["document.registered"] * 300


def test_the_database_begins_to_write_while_most_files_are_unread(
    importer: Importer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        write(folder / str(number), b"%d" % number)
    monkeypatch.setattr(registering, "EARLY_ROWS", 10)
    monkeypatch.setattr(import_reading, "CHUNK_FILES", 10)
    monkeypatch.setattr(import_reading, "_LOCAL_THREADS", 1)
    has_begun = threading.Event()
    honest = registering.importing.take_over

    def noticed(*arguments: Any, **settings: Any) -> Any:
        has_begun.set()
        return honest(*arguments, **settings)

    monkeypatch.setattr(registering.importing, "take_over", noticed)

    class Patient(Watcher):
        def advance(self, *, files: int, size_bytes: int) -> None:
            super().advance(files=files, size_bytes=size_bytes)
            if self.files == 50:
                assert has_begun.wait(timeout=120)

    assert importer(folder, progress=Patient()).new == 300


def test_undeclared_metadata_is_refused_with_what_to_do(importer: Importer, folder: Path) -> None:
    write(folder / "a", b"a")

    with pytest.raises(ConfigurationError, match="doclife documents declare-field project"):
        importer(folder, metadata={"project": "x"})
    assert importer.documents() == {}


def test_declared_metadata_is_stored_by_its_type(importer: Importer, folder: Path) -> None:
    write(folder / "a", b"a")
    for name, kind in {"project": "text", "pages": "int", "contract_end": "date"}.items():
        declare_metadata_field(
            importer.conn,
            organization="default",
            name=name,
            metadata_type=kind,
            now=NOW,
            actor="user:olga",
        )

    importer(folder, metadata={"project": "x", "pages": "12", "contract_end": "2030-12-31"})

    assert importer.document("papers/a")["metadata"] == {
        "project": "x",
        "pages": 12,
        "contract_end": "2030-12-31",
    }
    with pytest.raises(ConfigurationError, match="YYYY-MM-DD"):
        importer(folder, metadata={"contract_end": "31.12.2030"})


def test_what_is_not_there_is_said_at_once(importer: Importer, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no"):
        importer(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match="no organization"):
        importer(tmp_path, organization="acme")
    with pytest.raises(ConfigurationError, match="whole file system"):
        importer("/")
    assert importer.rows("SELECT * FROM stores") == []


class TestS3:
    @pytest.fixture
    def cloud(self, conn: Connection, s3_options: dict[str, Any]) -> Importer:
        return Importer(conn, options=s3_options)

    @pytest.mark.parametrize("kind", ["bucket", "versioned_bucket"])
    def test_registers_what_lies_below_a_prefix(
        self, cloud: Importer, s3_client: Any, kind: str, request: pytest.FixtureRequest
    ) -> None:
        bucket = request.getfixturevalue(kind)
        s3_client.put_object(Bucket=bucket, Key="in/a b.txt", Body=b"content")
        s3_client.put_object(Bucket=bucket, Key="in/deep/ä%.txt", Body=b"note")
        s3_client.put_object(Bucket=bucket, Key="in/folder/", Body=b"")
        s3_client.put_object(Bucket=bucket, Key="inside.txt", Body=b"elsewhere")

        result = cloud(f"s3://{bucket}/in", connection_id="aws", store_name="cloud")

        assert (result.new, result.problem_count, result.is_read_only) == (2, 0, False)
        documents = cloud.documents()
        assert documents.keys() == {"cloud/a b.txt", "cloud/deep/ä%25.txt"}
        assert documents["cloud/a b.txt"]["uri"] == f"s3://{bucket}/in/a b.txt"
        for quick in (False, True):
            assert cloud(f"s3://{bucket}/in", quick=quick).unchanged == 2
        facts = cloud.rows("SELECT etag, version_id FROM stored_objects")
        assert all(row["etag"] for row in facts)
        assert all((row["version_id"] is not None) == (kind != "bucket") for row in facts)

    def test_changed_objects_are_noticed(
        self, cloud: Importer, s3_client: Any, bucket: str
    ) -> None:
        s3_client.put_object(Bucket=bucket, Key="a", Body=b"content")
        cloud(f"s3://{bucket}", connection_id="aws")
        s3_client.put_object(Bucket=bucket, Key="a", Body=b"CONTENT")

        assert cloud(f"s3://{bucket}", quick=True).changed == 1

    def test_a_place_without_objects_is_not_registered(self, cloud: Importer, bucket: str) -> None:
        for nowhere in ("no-such-bucket", f"{bucket}/nothing"):
            with pytest.raises(ConfigurationError, match="there is nothing at"):
                cloud(f"s3://{nowhere}", connection_id="aws")
        assert cloud.rows("SELECT * FROM stores") == []

    def test_a_single_object_can_be_imported(
        self, cloud: Importer, s3_client: Any, bucket: str
    ) -> None:
        s3_client.put_object(Bucket=bucket, Key="in/a", Body=b"content")
        with pytest.raises(ConfigurationError, match="stores register NAME s3://"):
            cloud(f"s3://{bucket}/in/a", connection_id="aws")
        cloud(f"s3://{bucket}/in", connection_id="aws")
        s3_client.put_object(Bucket=bucket, Key="in/b", Body=b"content")
        s3_client.put_object(Bucket=bucket, Key="in/bc", Body=b"content")

        assert cloud(f"s3://{bucket}/in/b", connection_id="aws").new == 1
        assert cloud.documents().keys() == {"in/a", "in/b"}

    def test_objects_that_may_not_be_read_are_reported(
        self, cloud: Importer, s3_client: Any, bucket: str, s3_options: dict[str, Any]
    ) -> None:
        s3_client.put_object(Bucket=bucket, Key="a", Body=b"content")
        cloud.options = {
            "endpoint_url": s3_options["endpoint_url"],
            "client_kwargs": s3_options["client_kwargs"],
            "anon": True,
        }

        result = cloud(f"s3://{bucket}", connection_id="aws")

        assert (result.new, result.refused_count, result.is_read_only) == (0, 1, True)
        assert result.problems[0].kind is ProblemKind.UNREADABLE

    def test_describes_a_store_that_cannot_be_reached(
        self, cloud: Importer, s3_client: Any, bucket: str
    ) -> None:
        s3_client.put_object(Bucket=bucket, Key="a", Body=b"content")
        cloud(f"s3://{bucket}", connection_id="aws")

        def no_credentials(connection_id: str) -> dict[str, Any]:
            raise ConfigurationError(f"{connection_id} is not known")

        (reachable,) = describe_stores(cloud.conn, options=lambda _id: cloud.options)
        (unreachable,) = describe_stores(cloud.conn, options=no_credentials)
        assert (reachable.marker, reachable.objects, reachable.size_bytes) == ("ours", 1, 7)
        assert (unreachable.marker, unreachable.detail) == ("unreachable", "aws is not known")
