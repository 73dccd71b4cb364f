"""Archive of real files, on disk for good, against ``cp -r``, bagit.py and ``sync``.

The peer copies the tree, makes it a bag (``bagit.py --sha256``), validates the bag
(``bagit.py --validate``) and flushes the disks (``sync``). Ours copies while it checks every file
against its recorded SHA-256, flushes each bag, drops it from the page cache, reads it back from the
disk, hashes it again and seals it: bags of 1,000 documents. Sources are in the page cache.

What binds is the file system's cost of a new file. In a folder where much was just deleted that
says more about the deletions: set TMPDIR to a fresh file system for figures to publish.
"""

import hashlib
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from benchmarks.benchmark import Benchmark, run
from benchmarks.machine import make_small_files, scratch, seconds
from benchmarks.results import Quantity, Row
from doclife.domain.premis_xml import PremisFile, premis_xml
from doclife.storage import uris
from doclife.storage.bag_text import BagInfo
from doclife.storage.bags import MAX_DOCUMENTS, Payload, bag_uri, write_bag
from doclife.storage.stores import StoreRecord, Stores

BAGIT = (sys.executable, "-W", "ignore", "-m", "bagit", "--quiet")


@dataclass(frozen=True, kw_only=True)
class Sizes:
    rounds: int = 5
    files: int = 10_000


def measure(sizes: Sizes) -> Iterator[Row]:
    ours: list[float] = []
    theirs: list[float] = []
    with scratch() as folder:
        size_bytes = make_small_files(folder / "documents", count=sizes.files)
        (folder / "archive").mkdir()
        stores = opened(folder)
        payloads = recorded(folder / "documents")
        for number in range(sizes.rounds):
            os.sync()
            ours.append(seconds(partial(archive, stores, folder / "archive", payloads, number)))
            os.sync()
            theirs.append(seconds(partial(peer, folder / "documents", folder / f"copy-{number}")))
    yield Row.of_rounds(
        what=f"archive of {sizes.files:,} files, {size_bytes / 1e6:.0f} MB, into bags, synced",
        peer="`cp -r`, `bagit.py --sha256`, `bagit.py --validate`, `sync`",
        of=Quantity.TIME,
        ours=ours,
        theirs=theirs,
        unit="s",
        wanted=1,
    )


def peer(documents: Path, copy: Path) -> None:
    """Do what one would do by hand."""
    for command in (
        ("cp", "-r", documents, copy),
        (*BAGIT, "--sha256", copy),
        (*BAGIT, "--validate", copy),
        ("sync",),
    ):
        subprocess.run(command, check=True)


def opened(folder: Path) -> Stores:
    """Return both folders as stores of ours."""
    stores = Stores(
        [
            StoreRecord(
                store_id=number,
                name=name,
                root_uri=uris.of_path(str(folder / name)),
                marker_id=uuid.uuid4(),
            )
            for number, name in enumerate(("documents", "archive"))
        ],
        deployment_id=uuid.uuid4(),
    )
    for store in stores:
        store.claim()
    return stores


def recorded(folder: Path) -> list[Payload]:
    """Return the files as the catalogue would know them."""
    return [
        Payload(
            document_id=number,
            source_uri=uris.of_path(str(path)),
            size_bytes=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).digest(),
        )
        for number, path in enumerate(sorted(folder.rglob("*.bin")), start=1)
    ]


def describe(digests: Mapping[int, bytes], sizes: Mapping[int, int]) -> bytes:
    """Say in PREMIS what lies in a bag, as the lifecycle does."""
    return premis_xml(
        [
            PremisFile(
                document_id=document_id,
                location=f"data/{document_id}",
                sha256=sha256,
                size_bytes=sizes[document_id],
                media_type=None,
            )
            for document_id, sha256 in digests.items()
        ],
        [],
    )


def archive(stores: Stores, folder: Path, payloads: list[Payload], number: int) -> None:
    """Write every file into bags with the real code."""
    for start in range(0, len(payloads), MAX_DOCUMENTS):
        written = write_bag(
            stores,
            uri=bag_uri(
                uris.of_path(str(folder)),
                organization="acme",
                retention_class=f"round-{number}",
                due="2031",
                bag_id=start // MAX_DOCUMENTS + 1,
            ),
            info=BagInfo(
                organization="acme",
                external_identifier=f"bag-{start}",
                bagging_date=date(2026, 11, 22),
            ),
            payloads=payloads[start : start + MAX_DOCUMENTS],
            describe=describe,
        )
        assert not written.failures, written.failures


BENCHMARK = Benchmark(measure=measure, sizes=Sizes(), quick=Sizes(rounds=1, files=300))

if __name__ == "__main__":
    run(BENCHMARK, "archive_files")
