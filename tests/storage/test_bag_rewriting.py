import os
from pathlib import Path

import bagit
import pytest

from doclife.errors import StorageError
from doclife.storage import uris
from doclife.storage.bag_rewriting import BagPayload, RewrittenBag, rewrite_without, verify_bag
from doclife.storage.bags import Copy, write_bag
from doclife.storage.marker import MARKER_NAME
from doclife.storage.stores import Stores
from tests.storage.conftest import INFO, AddDocument, describe, names_in
from tests.storage.killing import killed_before_call


@pytest.fixture
def bag(archive: Path) -> Path:
    return archive / "acme" / "contracts" / "2031" / "bag-7"


@pytest.fixture
def copies(stores: Stores, bag: Path, add_document: AddDocument) -> dict[int, Copy]:
    """A sealed bag of three documents."""
    payloads = [add_document(number, b"content %d" % number) for number in (1, 2, 3)]
    written = write_bag(
        stores, uri=uris.of_path(str(bag)), info=INFO, payloads=payloads, describe=describe
    )
    return {copy.document_id: copy for copy in written.copies}


def rewrite(stores: Stores, bag: Path, *copies: Copy) -> RewrittenBag:
    payloads = [
        BagPayload(document_id=c.document_id, size_bytes=c.size_bytes, sha256=c.sha256)
        for c in copies
    ]
    return rewrite_without(
        stores, uri=uris.of_path(str(bag)), info=INFO, payloads=payloads, describe=describe
    )


def held_by(bag: Path) -> list[str]:
    return names_in(bag / "data")


def test_bagit_validates_a_bag_without_the_purged_document(
    stores: Stores, bag: Path, copies: dict[int, Copy]
) -> None:
    rewritten = rewrite(stores, bag, copies[2])

    checked = bagit.Bag(str(bag))
    checked.validate()
    assert held_by(bag) == ["1", "3"]
    assert checked.info["Payload-Oxum"] == "18.2"
    assert checked.info["Rule"] == "contracts@3"
    assert (rewritten.removed, rewritten.failures) == ((2,), ())
    assert (rewritten.payload_count, rewritten.payload_bytes) == (2, 18)


def test_rewriting_twice_changes_nothing_more(
    stores: Stores, bag: Path, copies: dict[int, Copy]
) -> None:
    first = rewrite(stores, bag, copies[2])

    assert rewrite(stores, bag, copies[2]) == first
    bagit.Bag(str(bag)).validate()


def test_the_folder_goes_with_the_last_document(
    stores: Stores, bag: Path, copies: dict[int, Copy]
) -> None:
    assert rewrite(stores, bag, *copies.values()).payload_count == 0
    assert not bag.exists()
    assert rewrite(stores, bag, *copies.values()).removed == (1, 2, 3)


def test_a_payload_that_was_tampered_with_stays(
    stores: Stores, bag: Path, copies: dict[int, Copy]
) -> None:
    (bag / "data" / "2").write_bytes(b"CONTENT 2")

    rewritten = rewrite(stores, bag, copies[1], copies[2])

    assert rewritten.removed == (1,)
    assert [(each.document_id, each.reason_code) for each in rewritten.failures] == [(2, "changed")]
    assert held_by(bag) == ["2", "3"]
    assert verify_bag(stores, uri=uris.of_path(str(bag))) == [
        "data/2 has another SHA-256 than its manifest says"
    ]


def test_whatever_moment_it_is_killed_running_it_again_completes_it(
    stores: Stores, tmp_path: Path, bag: Path, copies: dict[int, Copy]
) -> None:
    bag.rename(tmp_path / "untouched")
    number = 0
    died = True
    while died:
        os.system(f"rm -rf '{bag}' && cp -r '{tmp_path}/untouched' '{bag}'")
        number += 1
        died = killed_before_call(number, lambda: rewrite(stores, bag, copies[1], copies[2]))

        # The survivor is never touched, whatever happened.
        assert (bag / "data" / "3").read_bytes() == b"content 3"
        assert rewrite(stores, bag, copies[1], copies[2]).removed == (1, 2)
        bagit.Bag(str(bag)).validate()
        assert held_by(bag) == ["3"]
        assert len(names_in(bag)) == 6, "something half written was left"

    assert number > 30


def test_killed_while_the_last_one_goes_it_completes_too(
    stores: Stores, tmp_path: Path, bag: Path, copies: dict[int, Copy]
) -> None:
    bag.rename(tmp_path / "untouched")
    number = 0
    died = True
    while died:
        os.system(f"rm -rf '{bag}' && cp -r '{tmp_path}/untouched' '{bag}'")
        number += 1
        died = killed_before_call(number, lambda: rewrite(stores, bag, *copies.values()))

        assert rewrite(stores, bag, *copies.values()).payload_count == 0
        assert not bag.exists()


def test_another_purge_after_a_killed_one_never_loses_a_document(
    stores: Stores, tmp_path: Path, bag: Path, copies: dict[int, Copy]
) -> None:
    """The killed purge was for 1 and 2. The next is for 3 only: 1 or 2 may have been spared."""
    bag.rename(tmp_path / "untouched")
    number = 0
    died = True
    while died:
        os.system(f"rm -rf '{bag}' && cp -r '{tmp_path}/untouched' '{bag}'")
        number += 1
        died = killed_before_call(number, lambda: rewrite(stores, bag, copies[1], copies[2]))
        survivors = held_by(bag)

        rewrite(stores, bag, copies[3])

        survivors.remove("3")
        assert (held_by(bag) if bag.exists() else []) == survivors
        if survivors:
            bagit.Bag(str(bag)).validate()


def test_what_changes_after_a_killed_purge_is_still_promised_as_recorded(
    stores: Stores, bag: Path, copies: dict[int, Copy]
) -> None:
    """Killed after the manifests were written without document 2, and then somebody changed it."""
    whole = bag.with_name("whole")
    os.system(f"cp -r '{bag}' '{whole}'")
    rewrite(stores, bag, copies[2])
    (bag / "data" / "2").write_bytes(b"CONTENT 2")

    assert [failure.reason_code for failure in rewrite(stores, bag, copies[2]).failures] == [
        "changed"
    ]
    assert (bag / "manifest-sha256.txt").read_bytes() == (
        whole / "manifest-sha256.txt"
    ).read_bytes()


def test_a_bag_without_its_manifest_is_reported_not_guessed(
    stores: Stores, bag: Path, copies: dict[int, Copy]
) -> None:
    (bag / "manifest-sha256.txt").unlink()

    with pytest.raises(StorageError, match="has payloads but no manifest"):
        rewrite(stores, bag, copies[1])
    assert held_by(bag) == ["1", "2", "3"]


def test_a_bag_of_somebody_else_is_not_rewritten(
    stores: Stores, bag: Path, copies: dict[int, Copy]
) -> None:
    (bag / "data" / "letter.txt").write_bytes(b"mine")

    with pytest.raises(StorageError, match="not put there by us"):
        rewrite(stores, bag, *copies.values())
    assert held_by(bag) == ["1", "2", "3", "letter.txt"]


def test_nothing_is_taken_out_without_our_marker(
    stores: Stores, archive: Path, bag: Path, copies: dict[int, Copy]
) -> None:
    (archive / MARKER_NAME).unlink()

    with pytest.raises(StorageError, match="read-only"):
        rewrite(stores, bag, copies[1])
    assert held_by(bag) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda bag: (bag / "data" / "1").unlink(), "data/1 is missing"),
        (lambda bag: (bag / "data" / "9").write_bytes(b""), "data/9 is in no manifest"),
        (lambda bag: (bag / "bagit.txt").unlink(), "bagit.txt is missing"),
        (
            lambda bag: (bag / "bag-info.txt").write_bytes(b"Rule: x\n"),
            "bag-info.txt has another SHA-256 than its manifest says",
        ),
    ],
)
def test_verifying_names_what_is_wrong(
    stores: Stores, bag: Path, copies: dict[int, Copy], damage: object, fault: str
) -> None:
    damage(bag)

    assert verify_bag(stores, uri=uris.of_path(str(bag))) == [fault]
