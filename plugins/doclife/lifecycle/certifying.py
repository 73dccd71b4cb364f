"""Certificates of destruction: issued once a purge plan is done, for what was verified gone.

A document is listed when nothing of it is left that it alone referred to: its bytes were removed,
and seen twice to be absent, before its row became a tombstone. What could not be destroyed is
listed as such, and gets a certificate of its own once a later plan has destroyed it.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from doclife.domain.canonical import canonical
from doclife.domain.certificate import (
    Certificate,
    Decision,
    Item,
    file_chunks,
    file_uri,
    inclusion_proof,
    leaf_of,
    statement,
)
from doclife.domain.merkle import inclusion_path, root_of
from doclife.domain.signature import SigningKey
from doclife.errors import ConfigurationError, StorageError
from doclife.lifecycle.certificate_pages import certificate_pdf
from doclife.lifecycle.log_fields import log_fields
from doclife.lifecycle.signing import NO_KEY, publish_key
from doclife.storage.reading import hashed
from doclife.storage.stores import Store, Stores
from doclife.store import audit, certificates, decisions
from doclife.store.connection import Connection

logger = logging.getLogger(__name__)

STORE = "archive"
"""Where certificates are written to, so that they are not only in the database."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """What a call has done."""

    plan_ids: Sequence[int]
    """Plans whose certificates were issued now."""
    written: int
    """Certificates that were written into the archive store now."""
    unwritten: int
    """Certificates that are in no store, because there is no store of that name."""


def issue_certificates(
    conn: Connection, *, key: SigningKey | None, stores: Stores, now: datetime, actor: str
) -> Issued:
    """Issue what is due, then write into the archive store what is not there yet.

    Killed anywhere and called again, every plan has exactly one certificate and one file. Items
    are read some thousand at a time, whatever their number.

    :param key: what signs; asked for only when something is due.
    :raises ConfigurationError: something is due and there is no key.
    :raises StorageError: the archive store did not take some files; everything is issued.
    """
    issued = [
        plan_id
        for plan_id in certificates.list_due(conn)
        if _issue(conn, plan_id, key=_required(key), now=now, actor=actor)
    ]
    written, unwritten = _write_files(conn, stores=stores, now=now)
    return Issued(plan_ids=issued, written=written, unwritten=unwritten)


def find_certificate(conn: Connection, plan_id: int) -> Certificate:
    """Return the certificate of a plan.

    :raises ConfigurationError: it has none.
    """
    found = certificates.find(conn, plan_id)
    if found is None:
        raise ConfigurationError(
            f"plan {plan_id} has no certificate. A purge gets one when all of it is done and "
            "weekly_cleanup or run_rule has run, or by: doclife certificates issue"
        )
    return found


def prove(conn: Connection, *, document_id: int) -> dict[str, Any]:
    """Return what shows that one document was destroyed, and shows no other.

    Reads every item of the certificate, and keeps 32 bytes of each.

    :raises ConfigurationError: no certificate lists it.
    """
    found = certificates.find_of_document(conn, document_id)
    if found is None:
        raise ConfigurationError(
            f"document {document_id} is in no certificate: it was not purged, or by a version of "
            "doclife that issued none"
        )
    plan_id, _ = found
    with conn.transaction():
        certificate = find_certificate(conn, plan_id)
        leaves: list[bytes] = []
        its: tuple[int, Item] | None = None
        for item in certificates.iterate_items(conn, plan_id):
            if item.document_id == document_id:
                its = len(leaves), item
            leaves.append(leaf_of(item))
    assert its is not None  # its certificate was found by this very item
    index, item = its
    return inclusion_proof(certificate, item=item, index=index, path=inclusion_path(leaves, index))


def file_of(conn: Connection, certificate: Certificate) -> Iterable[bytes]:
    """Yield the file of a certificate, with all that it lists, piece by piece.

    Read it to its end in the transaction in which it was begun.
    """
    return file_chunks(
        certificate,
        certificates.iterate_items(conn, certificate.plan_id),
        certificates.list_not_destroyed(conn, certificate.plan_id),
    )


def pdf_of(conn: Connection, certificate: Certificate, *, font: Path | None = None) -> bytes:
    """Return a certificate as pages to read; call it in a transaction.

    :param font: for letters that are not Western European; ``paper.read_font`` finds it.
    """
    items = certificates.iterate_items(conn, certificate.plan_id)
    return certificate_pdf(certificate, items, font=font)


def _required(key: SigningKey | None) -> SigningKey:
    if key is None:
        raise ConfigurationError(NO_KEY)
    return key


def _issue(conn: Connection, plan_id: int, *, key: SigningKey, now: datetime, actor: str) -> bool:
    with conn.transaction():
        plan = certificates.describe_plan(conn, plan_id)
        root = root_of(leaf_of(item) for item in certificates.iterate_items(conn, plan_id))
        body = statement(
            plan,
            series=certificates.count_series(conn, plan_id),
            stores=certificates.count_stores(conn, plan_id),
            decisions=_decisions(conn, plan_id),
            not_destroyed=certificates.list_not_destroyed(conn, plan_id),
            root=root,
            key=key,
            issued_at=now,
        )
        publish_key(conn, key, now=now)
        is_new = certificates.insert(
            conn,
            organization_id=plan.organization_id,
            plan_id=plan_id,
            issued_at=now,
            body=body,
            merkle_root=root,
            signature=key.sign(canonical(body)),
            public_key=key.public_key,
        )
        if not is_new:  # another session was faster
            return False
        told = {
            "plan_id": plan_id,
            "documents": body["documents"],
            "bytes": body["size_bytes"],
            "root": root.hex(),
            "signing_key": key.fingerprint,
        }
        certificates.announce(
            conn,
            organization_id=plan.organization_id,
            plan_id=plan_id,
            payload=told,
            occurred_on=now.astimezone(ZoneInfo(plan.time_zone)).date(),
            now=now,
            actor=actor,
        )
        audit.record(
            conn,
            organization_id=plan.organization_id,
            at=now,
            actor=actor,
            action="certificate.issued",
            plan_id=plan_id,
            reason=f"plan {plan_id} is done: {body['documents']} document(s) destroyed",
            details=told,
        )
    with log_fields(plan_id=plan_id):
        logger.info("Certificate %s issued: %s documents", plan_id, body["documents"])
    return True


def _decisions(conn: Connection, plan_id: int) -> list[Decision]:
    return [
        Decision(
            stage=one.stage,
            decision=one.decision,
            decided_by=one.decided_by,
            decided_at=one.decided_at,
            comment=one.comment,
            is_valid=one.is_valid,
            invalid_reason=one.invalid_reason,
        )
        for one in decisions.list_of_plan(conn, plan_id)
    ]


def _write_files(conn: Connection, *, stores: Stores, now: datetime) -> tuple[int, int]:
    waiting = certificates.list_unwritten(conn)
    store = stores.get(STORE)
    if store is None or not waiting:
        return 0, len(waiting)
    written, faults = 0, []
    for plan_id in waiting:
        certificate = find_certificate(conn, plan_id)
        try:
            with conn.transaction():
                uri = _write_file(conn, store, certificate)
                certificates.record_file(conn, plan_id=plan_id, uri=uri, written_at=now)
            written += 1
        except (OSError, StorageError) as error:
            faults.append(f"certificate {plan_id}: {error}")
    if faults:
        raise StorageError(
            f"{len(faults)} certificate(s) are issued, and not written into store {STORE!r} yet; "
            f"the next run tries again. {'; '.join(faults)}"
        )
    return written, 0


def _write_file(conn: Connection, store: Store, certificate: Certificate) -> str:
    """Write the file of a certificate and return its URI; one that is there whole stays."""
    uri = file_uri(
        store.record.root_uri,
        organization=certificate.organization,
        plan_id=certificate.plan_id,
    )
    store.require_ours()
    try:
        store.filesystem.create(uri, file_of(conn, certificate), is_durable=True)
    except FileExistsError:
        # By a call that was killed before it could say so; or it is another one.
        ours = sha256()
        for chunk in file_of(conn, certificate):
            ours.update(chunk)
        if hashed(store.filesystem, uri).sha256 != ours.digest():
            raise StorageError(
                f"{uri} is another certificate, which stays: was this database restored from a "
                "backup since it was issued? Move the file elsewhere"
            ) from None
    return uri
