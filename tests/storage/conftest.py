"""A documents store and an archive store in local folders, without a database."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from doclife.domain.premis_xml import PremisFile, premis_xml
from doclife.storage import uris
from doclife.storage.bag_text import BagInfo
from doclife.storage.bags import Payload
from doclife.storage.stores import StoreRecord, Stores

DEPLOYMENT = uuid.UUID("00000000-0000-4000-8000-000000000001")
INFO = BagInfo(
    organization="acme",
    external_identifier="bag-7",
    bagging_date=date(2026, 11, 22),
    extra={"Rule": "contracts@3", "Retain-Until": "2031-12-31"},
)


def describe(digests: Mapping[int, bytes], sizes: Mapping[int, int]) -> bytes:
    """Say in PREMIS what lies in a bag, of which nothing else is known."""
    return premis_xml(
        [
            PremisFile(
                document_id=document_id,
                location=f"data/{document_id}",
                sha256=sha256,
                size_bytes=sizes.get(document_id),
                media_type=None,
            )
            for document_id, sha256 in digests.items()
        ],
        [],
    )


def record(name: str, root: Path | str) -> StoreRecord:
    root_uri = uris.normalised(str(root))
    return StoreRecord(
        store_id=1, name=name, root_uri=root_uri, marker_id=uuid.uuid5(DEPLOYMENT, root_uri)
    )


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    return folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def stores(documents: Path, archive: Path) -> Stores:
    stores = Stores(
        [record("documents", documents), record("archive", archive)], deployment_id=DEPLOYMENT
    )
    for store in stores:
        store.claim()
    return stores


AddDocument = Callable[[int, bytes], Payload]


@pytest.fixture
def add_document(documents: Path) -> AddDocument:
    def add(document_id: int, content: bytes) -> Payload:
        path = documents / f"{document_id}.txt"
        path.write_bytes(content)
        return Payload(
            document_id=document_id,
            source_uri=uris.of_path(str(path)),
            size_bytes=len(content),
            sha256=hashlib.sha256(content).digest(),
        )

    return add
