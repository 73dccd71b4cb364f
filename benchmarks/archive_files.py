"""Archive of 10,000 real files, on disk for good, against ``cp -r``, bagit.py and ``sync``.

    python -m benchmarks.archive_files [--rounds 5] [--folder DIR]

The peer copies the tree, makes it a bag (``bagit.py --sha256``), validates the bag
(``bagit.py --validate``) and flushes the disks (``sync``). Ours copies while it checks every file
against its recorded SHA-256, flushes each bag, drops it from the page cache, reads it back from the
disk, hashes it again and seals it: ten bags of 1,000 documents. Sources are in the page cache.
Promised: faster than the peer.
"""

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from pathlib import Path

from benchmarks.machine import FILE_COUNT, machine_line, make_small_files, scratch, summary
from doclife.domain.premis_xml import PremisFile, premis_xml
from doclife.storage import uris
from doclife.storage.bag_text import BagInfo
from doclife.storage.bags import MAX_DOCUMENTS, Payload, bag_uri, write_bag
from doclife.storage.stores import StoreRecord, Stores

BAGIT = (sys.executable, "-W", "ignore", "-m", "bagit", "--quiet")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to put the files; default: /tmp")
    arguments = parser.parse_args()
    print(machine_line())
    ours: list[float] = []
    peer: dict[str, list[float]] = {"cp -r": [], "--sha256": [], "--validate": [], "sync": []}
    with scratch(arguments.folder) as folder:
        size_bytes = make_small_files(folder / "documents")
        (folder / "archive").mkdir()
        stores = opened(folder)
        payloads = recorded(folder / "documents")
        for number in range(arguments.rounds):
            os.sync()
            ours.append(seconds(partial(archive, stores, folder / "archive", payloads, number)))
            os.sync()
            copy = str(folder / f"copy-{number}")
            for name, command in (
                ("cp -r", ("cp", "-r", str(folder / "documents"), copy)),
                ("--sha256", (*BAGIT, "--sha256", copy)),
                ("--validate", (*BAGIT, "--validate", copy)),
                ("sync", ("sync",)),
            ):
                peer[name].append(seconds(partial(run, command)))
    totals = [sum(steps) for steps in zip(*peer.values(), strict=True)]
    print(f"{FILE_COUNT:,} files, {size_bytes / 1e6:,.0f} MB")
    print(f"  ours: {summary(ours)}")
    print(f"  cp -r + bagit.py + sync: {summary(totals)}")
    print("    " + ", ".join(f"{name} {statistics.median(t):.2f}" for name, t in peer.items()))
    ratio = statistics.median(ours) / statistics.median(totals)
    print(f"  ratio {ratio:.2f}; bound 1.0: {'kept' if ratio < 1 else 'BROKEN'}")


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


def seconds(work: Callable[[], None]) -> float:
    """Return how long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def run(command: tuple[str, ...]) -> None:
    """Run a program that must succeed."""
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
