import os
from datetime import date
from pathlib import Path

import bagit
import pytest

from doclife.errors import StorageError
from doclife.storage import uris
from doclife.storage.bag_rewriting import verify_bag
from doclife.storage.bag_text import BagInfo
from doclife.storage.bags import Payload, WrittenBag, bag_uri, remove_bag, write_bag
from doclife.storage.local import LocalFilesystem
from doclife.storage.marker import MARKER_NAME
from doclife.storage.stores import Stores
from tests.storage.conftest import INFO, AddDocument, describe, names_in
from tests.storage.killing import killed_before_call


@pytest.fixture
def bag(archive: Path) -> Path:
    return archive / "acme" / "contracts" / "2031" / "bag-7"


def write(stores: Stores, bag: Path, *payloads: Payload, info: BagInfo = INFO) -> WrittenBag:
    return write_bag(
        stores, uri=uris.of_path(str(bag)), info=info, payloads=payloads, describe=describe
    )


def test_bagit_validates_a_written_bag(
    stores: Stores, bag: Path, add_document: AddDocument
) -> None:
    contents = {1: b"one", 2: b"", 3: os.urandom(3_000_000)}
    payloads = [add_document(number, content) for number, content in contents.items()]

    written = write(stores, bag, *payloads)

    bagit.Bag(str(bag)).validate()
    assert verify_bag(stores, uri=written.uri) == []
    assert (written.is_sealed, written.payload_count, written.payload_bytes) == (True, 3, 3_000_003)
    for copy in written.copies:
        path = Path(uris.local_path(copy.uri))
        assert path == bag / "data" / str(copy.document_id)
        assert path.read_bytes() == contents[copy.document_id]


def test_bag_info_says_what_and_why(stores: Stores, bag: Path, add_document: AddDocument) -> None:
    write(stores, bag, add_document(1, b"one"), add_document(2, b"four"))

    assert bagit.Bag(str(bag)).info == {
        "Source-Organization": "acme",
        "External-Identifier": "bag-7",
        "Bagging-Date": "2026-11-22",
        "Payload-Oxum": "7.2",
        "Rule": "contracts@3",
        "Retain-Until": "2031-12-31",
    }


@pytest.mark.parametrize(
    "separator", ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\n\n"]
)
def test_no_value_can_add_a_line_of_its_own(
    stores: Stores, bag: Path, add_document: AddDocument, separator: str
) -> None:
    authority = f"GDPR{separator}Payload-Oxum: 9.9{separator} Rule: other " + "long " * 40
    info = BagInfo(
        organization="acme",
        external_identifier="bag-7",
        bagging_date=date(2026, 11, 22),
        extra={"Authority": authority, "Empty": " \n"},
    )

    write(stores, bag, add_document(1, b"one"), info=info)

    checked = bagit.Bag(str(bag))
    checked.validate()
    assert checked.info["Payload-Oxum"] == "3.1"
    assert checked.info["Authority"].split() == authority.split()
    assert "Rule" not in checked.info
    assert "Empty" not in checked.info


def test_what_is_not_as_recorded_is_left_out_and_the_rest_goes_on(
    stores: Stores, documents: Path, bag: Path, add_document: AddDocument
) -> None:
    payloads = [add_document(number, b"content %d" % number) for number in range(1, 6)]
    (documents / "2.txt").unlink()
    (documents / "3.txt").write_bytes(b"CONTENT 3")
    (documents / "4.txt").write_bytes(b"longer than it was before")
    (documents / "5.txt").unlink()
    (documents / "5.txt").symlink_to("1.txt")

    written = write(stores, bag, *payloads)

    bagit.Bag(str(bag)).validate()
    assert [copy.document_id for copy in written.copies] == [1]
    assert [(each.document_id, each.reason_code) for each in written.failures] == [
        (2, "missing"),
        (3, "changed"),
        (4, "changed"),
        (5, "unreadable"),
    ]
    assert names_in(bag / "data") == ["1"]


def test_no_bag_remains_when_nothing_could_be_copied(
    stores: Stores, documents: Path, bag: Path, add_document: AddDocument
) -> None:
    payload = add_document(1, b"content")
    (documents / "1.txt").unlink()

    written = write(stores, bag, payload)

    assert not written.is_sealed
    assert not bag.exists()


def test_a_source_that_is_not_mounted_is_no_missing_document(
    stores: Stores, documents: Path, bag: Path, add_document: AddDocument
) -> None:
    payload = add_document(1, b"content")
    (documents / "1.txt").unlink()
    (documents / MARKER_NAME).unlink()

    with pytest.raises(StorageError, match="has no marker"):
        write(stores, bag, payload)


def test_nothing_is_written_into_a_store_without_marker(
    stores: Stores, archive: Path, bag: Path, add_document: AddDocument
) -> None:
    (archive / MARKER_NAME).unlink()

    with pytest.raises(StorageError, match="read-only"):
        write(stores, bag, add_document(1, b"content"))
    assert names_in(archive) == []


def test_a_copy_that_reads_back_differently_is_left_out(
    stores: Stores, bag: Path, add_document: AddDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads = [add_document(1, b"content"), add_document(2, b"damaged")]
    filesystem = stores.named("archive").filesystem

    def flip_a_bit(uri: str) -> None:
        (bag / "data" / "2").write_bytes(b"damageD")

    monkeypatch.setattr(filesystem, "flush", flip_a_bit)

    written = write(stores, bag, *payloads)

    bagit.Bag(str(bag)).validate()
    assert [failure.reason_code for failure in written.failures] == ["damaged_copy"]


def test_a_bag_is_never_written_over(stores: Stores, bag: Path, add_document: AddDocument) -> None:
    payload = add_document(1, b"content")
    write(stores, bag, payload)

    with pytest.raises(StorageError, match="already"):
        write(stores, bag, payload)
    bagit.Bag(str(bag)).validate()


def test_a_full_disk_fails_the_bag_with_a_reason(
    stores: Stores, bag: Path, add_document: AddDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    filesystem = stores.named("archive").filesystem

    def full(uri: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(filesystem, "flush", full)

    with pytest.raises(StorageError, match="No space left"):
        write(stores, bag, add_document(1, b"content"))


def test_whatever_moment_it_is_killed_the_bag_is_whole_or_can_be_swept(
    stores: Stores, archive: Path, bag: Path, add_document: AddDocument
) -> None:
    payloads = [add_document(number, b"content %d" % number) for number in (1, 2)]
    number = 0
    while killed_before_call(number := number + 1, lambda: write(stores, bag, *payloads)):
        if (bag / "tagmanifest-sha256.txt").exists():
            bagit.Bag(str(bag)).validate()

        remove_bag(stores, uri=uris.of_path(str(bag)))
        assert not bag.exists()
        remove_bag(stores, uri=uris.of_path(str(bag)))

    assert number > 30
    bagit.Bag(str(bag)).validate()


@pytest.mark.parametrize("surplus", ["notes.txt", "data/report.pdf", "data/1/x", "data/0"])
def test_a_folder_with_something_else_in_it_is_not_swept(
    stores: Stores, bag: Path, add_document: AddDocument, surplus: str
) -> None:
    write(stores, bag, add_document(7, b"content"))
    (bag / surplus).parent.mkdir(exist_ok=True)
    (bag / surplus).write_bytes(b"mine")

    with pytest.raises(StorageError, match="nothing was removed"):
        remove_bag(stores, uri=uris.of_path(str(bag)))
    assert (bag / "data" / "7").exists()


def test_nothing_is_swept_in_a_store_without_marker(
    stores: Stores, archive: Path, bag: Path, add_document: AddDocument
) -> None:
    write(stores, bag, add_document(1, b"content"))
    (archive / MARKER_NAME).unlink()

    with pytest.raises(StorageError, match="read-only"):
        remove_bag(stores, uri=uris.of_path(str(bag)))
    assert (bag / "data" / "1").exists()


def test_payloads_are_on_disk_before_the_bag_says_that_it_is_whole(
    stores: Stores, bag: Path, add_document: AddDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = []
    honest = LocalFilesystem.flush

    def flush(filesystem: LocalFilesystem, uri: str) -> None:
        there.append(names_in(bag))
        honest(filesystem, uri)

    monkeypatch.setattr(LocalFilesystem, "flush", flush)

    write(stores, bag, add_document(1, b"content"))

    assert there == [["data"]]


def test_a_folder_not_named_like_a_bag_is_not_swept(stores: Stores, archive: Path) -> None:
    with pytest.raises(StorageError, match="not named like a bag"):
        remove_bag(stores, uri=uris.of_path(str(archive)))


def test_a_bag_lies_by_organization_class_and_due_year() -> None:
    where = bag_uri(
        "s3://b/archive", organization="acme", retention_class="hr", due="2031", bag_id=7
    )

    assert where == "s3://b/archive/acme/hr/2031/bag-7"
