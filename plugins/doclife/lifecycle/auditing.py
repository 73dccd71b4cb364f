"""The chain over the audit trail, read out: as an export for auditors, and verified here.

Both read the same records, and both are judged by the same file: the verifier that auditors take
along (include/proof/doclife_verify.py) also answers in the product.
"""

import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, cast

from doclife.domain.canonical import moment
from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError
from doclife.store import audit_chain
from doclife.store.audit_chain import AuditBatch, AuditHead, AuditPayload
from doclife.store.connection import Connection

VERIFIER = Path(__file__).resolve().parents[3] / "include" / "proof" / "doclife_verify.py"
FORMAT = "doclife-audit-export/1"
LEAF_BYTES, SALT_BYTES = 40, 32
ENTRIES_AT_ONCE = 5_000
"""Entries that are read with one statement; a batch that has more is read by itself."""

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What does not fit."""

    kind: str
    """``edited``, ``removed``, ``inserted``, ``reordered``, ``dropped`` or ``forged``."""
    entry: int | None
    batch: int | None
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What a chain was found to be."""

    fits: bool
    batches: int
    entries: int
    heads: int
    """Signed heads that the chain was compared with."""
    erased: list[int]
    """Entries whose text was erased, as others of the chain say."""
    findings: list[Finding]
    notes: list[str]


class _Verifier(Protocol):
    """What is used of the verifier's file."""

    UnreadableError: type[Exception]

    def verify_audit(
        self,
        records: Iterable[Record],
        heads: Iterable[Mapping[str, Any]] = (),
        keys: Iterable[str] = (),
    ) -> dict[str, Any]:
        """Return what does not fit."""
        ...

    def read_heads(self, folder: Path) -> Iterator[dict[str, Any]]:
        """Yield the heads in a folder."""
        ...


@cache
def _verifier() -> _Verifier:
    specification = importlib.util.spec_from_file_location("doclife_verify", VERIFIER)
    if specification is None or specification.loader is None or not VERIFIER.is_file():
        raise ConfigurationError(f"{VERIFIER} is missing. Mount include/ next to plugins/.")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return cast(_Verifier, module)


def verifier_text() -> str:
    """Return the file with which auditors verify without doclife."""
    return VERIFIER.read_text(encoding="utf-8")


def verify_chain(
    conn: Connection,
    organization: Organization,
    *,
    heads: Path | None = None,
    keys: Sequence[str] = (),
    now: datetime,
) -> Verification:
    """Verify all of an organization's chain, as of one moment, while others write.

    :param heads: a folder of heads that left this database earlier, or one file of them. Those in
        the database are looked at too, but whoever can rewrite the chain can rewrite them.
    :param keys: fingerprints of which every head must have been signed with one; none: any.
    :raises ConfigurationError: the heads cannot be read.
    """
    verifier = _verifier()
    try:
        found = verifier.verify_audit(
            export_chain(conn, organization, now=now),
            [] if heads is None else list(verifier.read_heads(heads)),
            keys,
        )
    except (verifier.UnreadableError, OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the chain cannot be verified: {error}") from None
    return Verification(
        fits=found["fits"],
        batches=found["batches"],
        entries=found["entries"],
        heads=found["heads"],
        erased=found["erased"],
        findings=[Finding(**one) for one in found["findings"]],
        notes=found["notes"],
    )


def export_chain(
    conn: Connection, organization: Organization, *, now: datetime
) -> Iterator[Record]:
    """Yield all of an organization's chain as of one moment, as docs/trust.md describes it.

    In a transaction of its own; some thousand entries are held at a time.
    """
    with conn.transaction():
        audit_chain.read_as_of_now(conn)
        yield {
            "record": "chain",
            "format": FORMAT,
            "organization": {"id": organization.id, "name": organization.slug},
            "exported_at": moment(now),
        }
        last = seen = 0
        waiting: list[AuditBatch] = []
        for batch in audit_chain.iterate_batches(conn, organization.id):
            waiting.append(batch)
            last = max(last, batch.sequence)
            if sum(one.entry_count for one in waiting) >= ENTRIES_AT_ONCE:
                for record in _records(conn, organization, waiting):
                    seen += record["record"] == "entry" and record["payload"] is not None
                    yield record
                waiting = []
        for record in _records(conn, organization, waiting):
            seen += record["record"] == "entry" and record["payload"] is not None
            yield record
        if audit_chain.count_entries(conn, organization.id) != seen:
            for stray in audit_chain.list_strays(conn, organization.id):
                yield {"record": "stray", "id": stray.id, "payload": stray.payload}
        for head in reversed(audit_chain.list_heads(conn, organization.id)):
            yield head_record(head)
        yield {"record": "end", "last_sequence": last}


def head_record(head: AuditHead) -> Record:
    """Return a head as the files hold it."""
    return {
        "record": "head",
        "message": head.message,
        "signature": head.signature.hex(),
        "public_key": head.public_key.hex(),
    }


def _records(
    conn: Connection, organization: Organization, batches: list[AuditBatch]
) -> Iterator[Record]:
    numbers = [_numbers(batch) for batch in batches]
    payloads = audit_chain.list_payloads(
        conn, organization.id, [number for of_batch in numbers for number in of_batch]
    )
    for batch, of_batch in zip(batches, numbers, strict=True):
        yield {
            "record": "batch",
            "sequence": batch.sequence,
            "entries": batch.entry_count,
            "sealed_at": batch.sealed_at,
            "previous": batch.previous_hash.hex(),
            "root": batch.root.hex(),
            "hash": batch.hash.hex(),
            "leaves": batch.leaves.hex(),
        }
        for place, number in enumerate(of_batch):
            yield _entry(number, _salt(batch, place, number), payloads.get(number))


def _numbers(batch: AuditBatch) -> list[int]:
    return [
        int.from_bytes(batch.leaves[at : at + 8], "big", signed=True)
        for at in range(0, len(batch.leaves) - LEAF_BYTES + 1, LEAF_BYTES)
    ]


def _salt(batch: AuditBatch, place: int, number: int) -> bytes:
    if batch.salts is not None:
        return batch.salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
    return sha256((batch.secret or b"") + number.to_bytes(8, "big", signed=True)).digest()


def _entry(number: int, salt: bytes, found: AuditPayload | None) -> Record:
    return {
        "record": "entry",
        "id": number,
        "salt": salt.hex(),
        "payload": None if found is None else found.payload,
        "erased_by": None if found is None else found.erased_by,
    }
